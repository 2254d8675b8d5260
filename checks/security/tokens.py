#!/usr/bin/env python3
"""Attacks with tokens against a running demo: each must be refused with 401, and each in one and the same words.

Written against RFC 7515, 7519 and 8725 and what was published of broken libraries, not against Severn's own tests. Keys are made here,
signatures by `cryptography`, everything else by hand: a library for tokens would not write most of these.
"""

import argparse
import base64
import json
import pathlib
import sys
import urllib.error
import urllib.request

from cryptography.hazmat.primitives import hashes, hmac, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "clients"))
from drive import Demo, token_in  # noqa: E402


MARK = b"\xef\xbb\xbf"


def b64(data):
    data = data.encode() if isinstance(data, str) else data
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def text(value):
    return value if isinstance(value, str) else json.dumps(value)


class Forger:
    """Whoever has seen one good token and the provider's public keys, and has no private key of theirs."""

    def __init__(self, token, jwks):
        self.token = token
        self.head, self.body, self.signature = token.split(".")
        self.header, self.claims = json.loads(unb64(self.head)), json.loads(unb64(self.body))
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.rsa = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.jwks = jwks

    def unsigned(self, header, claims, signature=b""):
        return f"{b64(text(header))}.{b64(text(claims))}.{b64(signature)}"

    def es256(self, header, claims, key=None):
        signed = f"{b64(text(header))}.{b64(text(claims))}"
        r, s = utils.decode_dss_signature((key or self.key).sign(signed.encode(), ec.ECDSA(hashes.SHA256())))
        return f"{signed}.{b64(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"

    def rs256(self, header, claims):
        signed = f"{b64(text(header))}.{b64(text(claims))}"
        return f"{signed}.{b64(self.rsa.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256()))}"

    def hs(self, header, claims, secret):
        signed = f"{b64(text(header))}.{b64(text(claims))}"
        mac = hmac.HMAC(secret, hashes.SHA256())
        mac.update(signed.encode())
        return f"{signed}.{b64(mac.finalize())}"

    def own_jwk(self):
        numbers = self.key.public_key().public_numbers()
        coordinate = lambda n: b64(n.to_bytes(32, "big"))  # noqa: E731
        return {"kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": "own", "x": coordinate(numbers.x), "y": coordinate(numbers.y)}

    def public_forms(self):
        """Ways of writing the provider's public key, each of which somebody has taken for a shared secret."""
        for jwk in self.jwks["keys"]:
            yield json.dumps(jwk).encode()
            yield json.dumps(self.jwks).encode()
            if jwk.get("kty") != "EC":
                continue
            x, y = (int.from_bytes(unb64(jwk[name]), "big") for name in ("x", "y"))
            key = ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key()
            info = serialization.PublicFormat.SubjectPublicKeyInfo
            pem = key.public_bytes(serialization.Encoding.PEM, info)
            yield from (pem, pem.strip(), key.public_bytes(serialization.Encoding.DER, info))
            yield key.public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)

    def attacks(self):
        head, claims, kid = self.header, self.claims, self.header.get("kid")
        # No signature, in every spelling.
        for alg in ("none", "None", "NONE", "nOnE", "none ", " none", "none\u0000", "n\u006fne", "\uff4e\uff4f\uff4e\uff45", "", None, False, 0, [], ["none"], {}, "null"):
            yield f"alg {alg!r}", self.unsigned({**head, "alg": alg}, claims)
            yield f"alg {alg!r}, the good signature", self.unsigned({**head, "alg": alg}, claims, unb64(self.signature))
        yield "no alg", self.unsigned({k: v for k, v in head.items() if k != "alg"}, claims)
        yield "the good header, no signature", f"{self.head}.{self.body}."
        yield "two parts", f"{self.head}.{self.body}"
        # The public key as a shared secret.
        for place, secret in enumerate(self.public_forms()):
            for alg in ("HS256", "HS384", "HS512", "hs256"):
                yield f"{alg} by the public key, form {place}", self.hs({**head, "alg": alg}, claims, secret)
        for secret in (b"", b"\0", b"secret", b"severn", (kid or "").encode()):
            yield f"HS256 by {secret!r}", self.hs({**head, "alg": "HS256"}, claims, secret)
        # Other algorithms by other keys.
        yield "another key", self.es256(head, claims)
        yield "another key, no kid", self.es256({k: v for k, v in head.items() if k != "kid"}, claims)
        yield "RS256 by another key", self.rs256({**head, "alg": "RS256"}, claims)
        for alg in ("ES384", "ES512", "ES256K", "PS256", "RS512", "EdDSA", "RSA1_5", "dir", "A256GCM", "es256", "ES256 ", "ES\u200b256", "\uff25\uff33256"):
            yield f"alg {alg!r} over the good signature", f"{b64(json.dumps({**head, 'alg': alg}))}.{self.body}.{self.signature}"
        # Keys that come with the token, or are said to lie elsewhere.
        own = self.own_jwk()
        for name, value in (
            ("jwk", own),
            ("jwks", {"keys": [own]}),
            ("jku", "http://127.0.0.1:1/keys.json"),
            ("jku", "file:///etc/passwd"),
            ("x5u", "http://127.0.0.1:1/chain.pem"),
            ("x5c", ["MIIB"]),
            ("x5t", "AAAA"),
            ("x5t#S256", "AAAA"),
        ):
            yield f"{name} in the header", self.es256({**head, name: value}, claims)
            yield f"{name} in the header, kid own", self.es256({**head, "kid": "own", name: value}, claims)
        for kid_value in ("", "../../../../dev/null", "/dev/null", "' OR 1=1 --", "| id", "%00", "http://127.0.0.1:1/k", "a" * 4000, 0, None, [kid], {"kid": kid}, "own\u0000"):
            yield f"kid {str(kid_value)[:20]!r}", self.es256({**head, "kid": kid_value}, claims)
            yield f"kid {str(kid_value)[:20]!r}, HS256 by nothing", self.hs({**head, "kid": kid_value, "alg": "HS256"}, claims, b"")
        # Signatures that are none.
        size = len(unb64(self.signature))
        order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
        r, s = (unb64(self.signature)[:32], unb64(self.signature)[32:])
        for name, signature in (
            ("zero (CVE-2022-21449)", b"\0" * size),
            ("r zero", b"\0" * 32 + s),
            ("s zero", r + b"\0" * 32),
            ("r and s the order", order.to_bytes(32, "big") * 2),
            ("r the order", order.to_bytes(32, "big") + s),
            ("one", b"\0" * 31 + b"\1" + b"\0" * 31 + b"\1"),
            ("all ones", b"\xff" * size),
            ("empty", b""),
            ("one byte", b"\0"),
            ("cut", unb64(self.signature)[:-1]),
            ("longer", unb64(self.signature) + b"\0"),
            ("as DER", utils.encode_dss_signature(int.from_bytes(r, "big"), int.from_bytes(s, "big"))),
            ("zero as DER", b"\x30\x06\x02\x01\x00\x02\x01\x00"),
            ("a megabyte", b"\0" * 8000),
        ):
            yield f"signature {name}", f"{self.head}.{self.body}.{b64(signature)}"
        # What was signed is not what is sent.
        for name, value in (("sub", "somebody-else"), ("scope", "system/*.rs severn.operator severn.privacy"), ("exp", claims["exp"] + 10**9)):
            yield f"{name} altered", f"{self.head}.{b64(json.dumps({**claims, name: value}))}.{self.signature}"
        yield "the body of another order", f"{self.head}.{b64(json.dumps(dict(reversed(list(claims.items())))))}.{self.signature}"
        yield "duplicate claims", self.es256(head, json.dumps(claims)[:-1] + ', "sub": "somebody-else"}')
        yield "duplicate header names", self.es256(json.dumps(head)[:-1] + ', "alg": "none"}', claims)
        # Forms that are not three parts of base64url.
        for name, token in (
            ("empty", "."),
            ("dots", ".."),
            ("more dots", "....."),
            ("four parts", self.token + ".x"),
            ("five parts, as if encrypted", f"{self.head}.x.x.{self.body}.{self.signature}"),
            ("padded", f"{self.head}=.{self.body}==.{self.signature}="),
            ("not of the url's alphabet", f"{self.head}.{self.body}.{self.signature[:-2]}+/"),
            ("one letter more", self.token + "A"),
            ("one letter less", self.token[:-1]),
            ("cut in the body", self.token[: len(self.head) + 20]),
            ("a letter of another case", self.token[:-3] + self.token[-3:].swapcase()),
            ("in JSON", json.dumps({"protected": self.head, "payload": self.body, "signature": self.signature})),
            ("nested", self.es256({**head, "cty": "JWT"}, self.token)),
            ("nested in a header", self.es256({**head, "jwt": self.token}, claims)),
            ("percent encoded", self.token.replace(".", "%2E")),
            ("twice", self.token + self.token),
            ("twice with a comma", self.token + "," + self.token),
            ("null", "null"),
            ("undefined", "undefined"),
            ("huge", self.es256(head, {**claims, "x": "y" * 30000})),
            ("deep", self.es256(head, "[" * 5000 + "]" * 5000)),
            ("deep in a claim", self.es256(head, json.dumps(claims)[:-1] + ',"x":' + "[" * 2000 + "]" * 2000 + "}")),
            ("no object", self.es256(head, "[]")),
            ("no JSON", self.es256(head, "x")),
            ("a header that is no object", self.es256("[]", claims)),
            ("a header of another encoding", f"{b64(json.dumps(head).encode('utf-16'))}.{self.body}.{self.signature}"),
            ("a header with a mark before it", f"{b64(MARK + json.dumps(head).encode())}.{self.body}.{self.signature}"),
        ):
            yield f"form: {name}", token
        # What must be understood and is not; what is compressed; what is not base64.
        for name, value in (("crit", ["exp"]), ("crit", ["x"]), ("crit", []), ("crit", "exp"), ("b64", False), ("zip", "DEF"), ("enc", "A256GCM"), ("typ", "JWE"), ("typ", 1), ("cty", "JWT")):
            yield f"{name} {value!r}", self.es256({**head, name: value}, claims)
        # Claims. Nobody but the provider can sign them, so that these show that nothing is looked at before the signature.
        for name, value in (
            ("exp", 0), ("exp", -1), ("exp", "never"), ("exp", 1e400), ("exp", None), ("nbf", 9999999999), ("iat", 9999999999),
            ("aud", []), ("aud", ["elsewhere"]), ("aud", ["severn", "elsewhere"]), ("aud", {"severn": True}), ("aud", "severn\u0000"),
            ("aud", "\u0455evern"), ("aud", "SEVERN"), ("iss", claims["iss"] + "/"), ("iss", claims["iss"].upper()), ("iss", [claims["iss"]]), ("iss", ""),
        ):
            yield f"claim {name} {value!r}", self.es256(head, {**claims, name: value})


def ask(base, authorization):
    request = urllib.request.Request(f"{base}/Patient?identifier=x", headers={"Accept": "application/fhir+json"})
    if authorization is not None:
        request.add_unredirected_header("Authorization", authorization)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, dict(answer.headers), answer.read()
    except urllib.error.HTTPError as error:
        return error.code, dict(error.headers), error.read()


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--severn", required=True)
    demo = Demo(arguments.parse_args().severn)
    wrong, bodies, tried = [], {}, 0
    try:
        token = token_in(demo.said)
        folder = next(line.split(": ", 1)[1].strip() for line in demo.said.splitlines() if line.startswith("token: "))
        jwks = json.loads((pathlib.Path(folder).parent / "keys.json").read_text())
        if ask(demo.base, f"Bearer {token}")[0] == 401:
            raise SystemExit("tokens: the good token is refused, so that nothing is shown by what follows")
        for name, forged in Forger(token, jwks).attacks():
            tried += 1
            try:
                status, headers, body = ask(demo.base, "Bearer " + forged.encode("utf-8", "surrogatepass").decode("latin-1"))
            except (ValueError, OSError) as error:
                wrong.append(f"{name}: {error}")
                continue
            if status != 401:
                wrong.append(f"{name}: {status} {body[:200]!r}")
                continue
            bodies.setdefault((body, headers.get("WWW-Authenticate")), name)
        for name, authorization in (("no header", None), ("Basic", f"Basic {b64('a:b')}"), ("no scheme", token), ("another scheme", f"Token {token}"), ("nothing after it", "Bearer "), ("DPoP", f"DPoP {token}"), ("not of ASCII", f"Bearer {token}".replace(".", "\u2024").encode().decode("latin-1"))):
            tried += 1
            status, _, body = ask(demo.base, authorization)
            if status != 401:
                wrong.append(f"{name}: {status} {body[:200]!r}")
        if ask(demo.base, f"Bearer {token}")[0] == 401:
            wrong.append("the good token is refused after all that")
        if demo.process.poll() is not None:
            wrong.append("the exchange ended")
        if "panicked" in demo.said:
            wrong.append("the exchange panicked")
    finally:
        demo.stop()
    if len(bodies) > 1:
        wrong.append("refusals differ: " + "; ".join(f"{name}: {body[:160]!r} {challenge}" for (body, challenge), name in bodies.items()))
    for line in wrong:
        print("WRONG:", line)
    print(f"tokens: {tried} attacks, {len(wrong)} findings, {len(bodies)} form of refusal")
    sys.exit(bool(wrong))


main()

//! Tokens that are no use: each refused in one way, entered in the ledger, and no source the wiser. And beside each, one that is of use.

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, EcdsaSigningAlgorithm,
    KeyPair as _, RSA_PKCS1_SHA256, RSA_PSS_SHA256,
};
use data_encoding::{BASE64, BASE64URL_NOPAD};
use serde_json::{Value, json};
use testbed::DEMO_PERSON;

use crate::world::{Answer, Card, Setup, World, region};

/// When the world begins.
const NOW: i64 = 1_795_424_400;

/// An RSA key of 1,024 bits, whose private half is thrown away, and what it signed before.
const SMALL_N: &str = "5nhCl722ft5Gzl4NYhQ_OM2qViE-993aTo48-qBrjDy9ZnGSLqW0VvtEVJsW3lqU3kmQ4Uul024S1nLyxIMdShDAVsBQYHmnxoRaJwFbpJuGKPyCpGzofGjvQhvXCxDfT7UibSgSgTHO1avG0hf4ehASICwhMNGQeEZUBCu2ph0";
const SMALL_TOKEN: &str = "eyJhbGciOiJSUzI1NiIsImtpZCI6InNtYWxsIn0.eyJpc3MiOiJodHRwczovL2xvZ2luLmV4YW1wbGUiLCJzdWIiOiJ1LTEiLCJhdWQiOiJzZXZlcm4iLCJpYXQiOjE3OTU0MjQ0MDAsImV4cCI6MTc5NTQ1MzIwMCwianRpIjoidC0xIiwic2NvcGUiOiJ1c2VyLyoucnMiLCJleHRlbnNpb25zIjp7ImloZV9pdWEiOnsic3ViamVjdF9vcmdhbml6YXRpb25faWQiOiJSUksiLCJzdWJqZWN0X3JvbGUiOlsiUjgwMDAiXSwicHVycG9zZV9vZl91c2UiOlsiVFJFQVQiXSwiYWN0aXZpdGllcyI6WyJCMDI2NCIsIkIwMzYwIl19fX0.Hl-4MuJUb-JTpYAC21AE1CGpUC1Yt-R115FrwgL_jD8d1uyiPMkDL3sPA6elk_bsArLEm5bKxXcLIgIQg_UXy9Gy6kspr69ijVtXAfiuG18mMq9_BP1umm7tW9ABYR4ASj3PYnBOx6MkCNrmBmR0lXWg7Sy-JslWB6nY0WAxC1s";

/// A pair of keys, as its owner has it.
enum Pair {
    Ec(EcdsaKeyPair),
    Rsa(KeyPair),
}

impl Pair {
    fn ec(kind: &'static EcdsaSigningAlgorithm) -> Pair {
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(kind, &SystemRandom::new()).unwrap();
        Pair::Ec(EcdsaKeyPair::from_pkcs8(kind, pkcs8.as_ref()).unwrap())
    }

    fn p256() -> Pair {
        Pair::ec(&ECDSA_P256_SHA256_FIXED_SIGNING)
    }

    fn rsa() -> Pair {
        Pair::Rsa(KeyPair::generate(KeySize::Rsa2048).unwrap())
    }

    /// Its public half, with further members.
    fn jwk(&self, more: &Value) -> Value {
        let text = |bytes: &[u8]| BASE64URL_NOPAD.encode(bytes);
        let mut jwk = match self {
            Pair::Ec(pair) => {
                let (x, y) = pair.public_key().as_ref()[1..].split_at(pair.public_key().as_ref().len() / 2);
                json!({"kty": "EC", "crv": if x.len() == 32 { "P-256" } else { "P-384" }, "x": text(x), "y": text(y)})
            }
            Pair::Rsa(pair) => {
                let der: jsonwebtoken::jwk::Jwk = jsonwebtoken::jwk::Jwk::from_encoding_key(
                    &jsonwebtoken::EncodingKey::from_rsa_pem(&pem("PRIVATE KEY", AsDer::as_der(pair).unwrap().as_ref())).unwrap(),
                    jsonwebtoken::Algorithm::RS256,
                )
                .unwrap();
                let mut jwk = serde_json::to_value(der).unwrap();
                jwk.as_object_mut().unwrap().remove("alg");
                jwk
            }
        };
        jwk.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        jwk
    }

    /// Its public half in DER.
    fn public_der(&self) -> Vec<u8> {
        match self {
            Pair::Ec(pair) => AsDer::as_der(pair.public_key()).unwrap().as_ref().to_vec(),
            Pair::Rsa(pair) => AsDer::as_der(pair.public_key()).unwrap().as_ref().to_vec(),
        }
    }

    fn sign(&self, message: &[u8]) -> Vec<u8> {
        match self {
            Pair::Ec(pair) => pair.sign(&SystemRandom::new(), message).unwrap().as_ref().to_vec(),
            Pair::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signature).unwrap();
                signature
            }
        }
    }
}

fn pem(what: &str, der: &[u8]) -> Vec<u8> {
    format!("-----BEGIN {what}-----\n{}\n-----END {what}-----\n", BASE64.encode(der)).into_bytes()
}

fn hmac_of(key: &[u8], message: &[u8]) -> Vec<u8> {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), message).as_ref().to_vec()
}

/// A token of these texts.
fn token(header: &str, claims: &str, sign: impl Fn(&[u8]) -> Vec<u8>) -> String {
    let text = |text: &[u8]| BASE64URL_NOPAD.encode(text);
    let signed = format!("{}.{}", text(header.as_bytes()), text(claims.as_bytes()));
    let signature = text(&sign(signed.as_bytes()));
    format!("{signed}.{signature}")
}

/// The claims of a doctor, with one changed; `null` takes it away.
fn claims(name: &str, value: Value) -> Value {
    let mut claims = Card::doctor().claims(NOW);
    let own = claims.as_object_mut().unwrap();
    own.insert(name.to_owned(), value);
    own.retain(|_, value| !value.is_null());
    claims
}

/// The same within the extension.
fn iua(name: &str, value: Value) -> Value {
    let mut claims = claims("patient", Value::Null);
    claims["extensions"]["ihe_iua"][name] = value;
    claims
}

/// A world whose provider has many keys.
struct Stage {
    world: World,
    ec: Pair,
    rsa: Pair,
    others: Vec<(&'static str, Pair)>,
}

impl Stage {
    fn new() -> Stage {
        let (ec, rsa) = (Pair::p256(), Pair::rsa());
        let others = vec![
            ("p384", Pair::ec(&ECDSA_P384_SHA384_FIXED_SIGNING), json!({})),
            ("enc", Pair::p256(), json!({"use": "enc"})),
            ("enc-rsa", Pair::rsa(), json!({"use": "enc", "alg": "RSA-OAEP"})),
            ("es384", Pair::p256(), json!({"alg": "ES384"})),
            ("rs512", Pair::rsa(), json!({"alg": "RS512"})),
            ("ps256", Pair::rsa(), json!({"alg": "PS256"})),
            ("ops", Pair::p256(), json!({"key_ops": ["deriveKey"]})),
            ("alg-none", Pair::p256(), json!({"alg": "none"})),
        ];
        let mut keys = vec![
            ec.jwk(&json!({"kid": "ec", "use": "sig", "alg": "ES256", "key_ops": ["verify"]})),
            rsa.jwk(&json!({"kid": "rsa"})),
            json!({"kty": "RSA", "kid": "small", "n": SMALL_N, "e": "AQAB"}),
            // What everybody signs for: with the exponent 1 a signature is the message itself.
            json!({"kty": "RSA", "kid": "one", "n": rsa.jwk(&json!({}))["n"], "e": "AQ"}),
            json!({"kty": "oct", "kid": "oct", "k": "c2VjcmV0"}),
            // Of no use to us, and no reason to do without the others.
            json!({"kty": "OKP", "kid": "okp", "crv": "X25519", "x": "AA"}),
            json!({"kty": "EC", "kid": 7, "crv": "secp256k1", "key_ops": "all"}),
            json!("no key"),
        ];
        keys.extend(others.iter().map(|(kid, pair, more)| {
            let mut jwk = pair.jwk(more);
            jwk["kid"] = json!(kid);
            jwk
        }));
        let files = vec![("keys.json", json!({"keys": keys}).to_string())];
        let world = World::around(std::sync::Arc::new(region(&["ccr"])), &Setup { files, ..Setup::default() });
        Stage { world, ec, rsa, others: others.into_iter().map(|(kid, pair, _)| (kid, pair)).collect() }
    }

    fn other(&self, kid: &str) -> &Pair {
        &self.others.iter().find(|(own, _)| *own == kid).unwrap().1
    }

    /// A token by the elliptic key, with further headers.
    fn ec(&self, more: &Value, claims: &Value) -> String {
        let mut header = json!({"alg": "ES256", "kid": "ec", "typ": "JWT"});
        header.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        header.as_object_mut().unwrap().retain(|_, value| !value.is_null());
        token(&header.to_string(), &claims.to_string(), |message| self.ec.sign(message))
    }

    async fn find(&self, more: &str, headers: &[(&str, &str)]) -> (Answer, usize) {
        let before = self.world.region.asked("ccr").len();
        let target = format!("/fhir/R4/Patient?identifier=https://fhir.nhs.uk/Id/nhs-number|{DEMO_PERSON}{more}");
        let answer = self.world.send("GET", &target, None, headers, "").await;
        (answer, self.world.region.asked("ccr").len() - before)
    }

    /// It opens what it should.
    async fn good(&self, what: &str, token: &str) {
        let (answer, asked) = self.find("", &[("authorization", &format!("Bearer {token}"))]).await;
        assert_eq!(answer.status, 200, "{what}: {}", answer.text);
        assert!(asked > 0, "{what}");
    }

    /// It opens nothing: by FHIR, by the practice's operation, by the desk.
    async fn bad(&self, what: &str, token: &str) {
        let header = format!("Bearer {token}");
        let headers = [("authorization", header.as_str())];
        let (answer, asked) = self.find("", &headers).await;
        assert_eq!(asked, 0, "{what}: a source was asked");
        self.refused(what, &answer, "Bearer error=\"invalid_token\"");
        for (method, target) in [
            ("POST", "/fhir/STU3/Patient/$gpc.getstructuredrecord"),
            ("POST", "/fhir/R4/Patient/1/$request-access"),
            ("GET", "/fhir/STU3/Patient/1/$everything"),
            ("GET", "/steward/tasks"),
        ] {
            let answer = self.world.send(method, target, None, &headers, "{}").await;
            self.refused(what, &answer, "Bearer error=\"invalid_token\"");
        }
    }

    /// Refused in the one way: with an outcome of few words, and one entry that names nobody.
    fn refused(&self, what: &str, answer: &Answer, challenge: &str) {
        assert_eq!(answer.status, 401, "{what}: {}", answer.text);
        assert_eq!(answer.headers["www-authenticate"], challenge, "{what}");
        assert_eq!(answer.headers["cache-control"], "no-store", "{what}");
        assert_eq!(answer.json["issue"].as_array().map(Vec::len), Some(1), "{what}: {}", answer.text);
        let said = answer.said().to_lowercase();
        assert!(!said.is_empty(), "{what}");
        for betrayal in ["key", "kid", "signature", "jwk", "https://", "/etc", "select", "hmac", "provider-1"] {
            assert!(!said.contains(betrayal), "{what}: `{betrayal}` in: {said}");
        }
        let events = self.world.ledger.events_of(&answer.request());
        assert_eq!(events.len(), 1, "{what}: {events:?}");
        assert_eq!((&events[0]["event"], &events[0]["by"]), (&json!("refused"), &Value::Null), "{what}");
        assert!(!events[0]["why"].as_str().unwrap().is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_signed_and_meant_for_us_is_taken() {
    let stage = Stage::new();
    let card = claims("patient", Value::Null);
    let rsa = |header: &str| token(header, &card.to_string(), |message| stage.rsa.sign(message));
    stage.good("ES256", &stage.ec(&json!({}), &card)).await;
    stage.good("RS256", &rsa(r#"{"alg":"RS256","kid":"rsa"}"#)).await;
    stage.good("no name of a key", &stage.ec(&json!({"kid": null, "typ": null}), &card)).await;
    stage.good("no name of a key, RS256", &rsa(r#"{"alg":"RS256"}"#)).await;
    stage.good("an access token by name", &stage.ec(&json!({"typ": "at+jwt"}), &card)).await;
    stage.good("a thumbprint of a certificate", &stage.ec(&json!({"x5t": "AAAA", "x5t#S256": "AAAA"}), &card)).await;
    stage.good("for several, us among them", &stage.ec(&json!({}), &claims("aud", json!(["other", "severn"])))).await;
    stage.good("a clock a little behind", &stage.ec(&json!({}), &claims("exp", json!(NOW - 29)))).await;
    stage.good("a clock a little ahead", &stage.ec(&json!({}), &claims("nbf", json!(NOW + 30)))).await;
    stage.good("a time with parts of a second", &stage.ec(&json!({}), &claims("exp", json!(NOW as f64 + 10.5)))).await;
    stage.good("a time beyond all time", &stage.ec(&json!({}), &claims("exp", json!(u64::MAX)))).await;
    stage
        .good("claims nobody knows", &stage.ec(&json!({}), &claims("https://else.example/claim", json!({"a": [1, null, true, -1, 0.5]}))))
        .await;
}

#[tokio::test(start_paused = true)]
async fn nothing_but_rs256_and_es256_is_a_signature() {
    let stage = Stage::new();
    let card = claims("patient", Value::Null).to_string();
    for alg in [
        "none",
        "None",
        "NONE",
        "nOnE",
        "none ",
        " none",
        "",
        "n\\u006fne",
        "HS256",
        "hs256",
        "es256",
        "Es256",
        "ES256 ",
        "RS384",
        "PS256",
        "ES384",
        "EdDSA",
    ] {
        let header = format!(r#"{{"alg":"{alg}","kid":"ec","typ":"JWT"}}"#);
        stage.bad(&format!("{alg:?} and no signature"), &token(&header, &card, |_| Vec::new())).await;
        stage.bad(&format!("{alg:?} and a signature"), &token(&header, &card, |message| stage.ec.sign(message))).await;
    }
    for header in [
        r#"{"typ":"JWT","kid":"ec"}"#,
        r#"{"alg":null,"kid":"ec"}"#,
        r#"{"alg":["ES256"],"kid":"ec"}"#,
        r#"{"alg":{"a":"ES256"},"kid":"ec"}"#,
        r#"{"alg":0,"kid":"ec"}"#,
        r#"{"alg":"none","alg":"ES256","kid":"ec"}"#,
        r#"{"alg":"ES256","alg":"none","kid":"ec"}"#,
        r#"{"Alg":"ES256","kid":"ec"}"#,
        r#"["ES256"]"#,
        r#""ES256""#,
        "",
        "{",
    ] {
        stage.bad(header, &token(header, &card, |message| stage.ec.sign(message))).await;
    }
}

#[tokio::test(start_paused = true)]
async fn no_key_is_used_for_what_it_is_not() {
    let stage = Stage::new();
    let card = claims("patient", Value::Null).to_string();
    // Public keys are known to everybody: as a secret they are none.
    for (kid, pair) in [("ec", &stage.ec), ("rsa", &stage.rsa)] {
        let der = pair.public_der();
        let (jwk, pem) = (pair.jwk(&json!({"kid": kid})).to_string().into_bytes(), pem("PUBLIC KEY", &der));
        let trimmed = String::from_utf8(pem.clone()).unwrap().trim_end().as_bytes().to_vec();
        let point = pair.jwk(&json!({}))[if kid == "ec" { "x" } else { "n" }].as_str().unwrap().as_bytes().to_vec();
        for (form, secret) in [("PEM", pem), ("PEM without its last line end", trimmed), ("DER", der), ("JWK", jwk), ("number", point)] {
            for alg in ["HS256", "RS256", "ES256"] {
                let header = format!(r#"{{"alg":"{alg}","kid":"{kid}"}}"#);
                stage.bad(&format!("{alg} with {kid}'s {form}"), &token(&header, &card, |message| hmac_of(&secret, message))).await;
            }
        }
    }
    stage
        .bad("HS256 with a secret of the set", &token(r#"{"alg":"HS256","kid":"oct"}"#, &card, |message| hmac_of(b"secret", message)))
        .await;
    stage.bad("HS256 with nothing", &token(r#"{"alg":"HS256","kid":"oct"}"#, &card, |message| hmac_of(b"", message))).await;
    let by = |header: &str, pair: &Pair| token(header, &card, |message| pair.sign(message));
    stage.bad("RS256 against an elliptic key", &by(r#"{"alg":"RS256","kid":"ec"}"#, &stage.rsa)).await;
    stage.bad("ES256 against an RSA key", &by(r#"{"alg":"ES256","kid":"rsa"}"#, &stage.ec)).await;
    stage.bad("RS256, signed elliptically", &by(r#"{"alg":"RS256","kid":"rsa"}"#, &stage.ec)).await;
    stage.bad("ES256, signed by RSA", &by(r#"{"alg":"ES256","kid":"ec"}"#, &stage.rsa)).await;
    for kid in ["p384", "enc", "es384", "ops", "alg-none"] {
        stage.bad(kid, &by(&format!(r#"{{"alg":"ES256","kid":"{kid}"}}"#), stage.other(kid))).await;
        stage.bad(kid, &by(r#"{"alg":"ES256"}"#, stage.other(kid))).await;
    }
    for kid in ["enc-rsa", "rs512", "ps256"] {
        stage.bad(kid, &by(&format!(r#"{{"alg":"RS256","kid":"{kid}"}}"#), stage.other(kid))).await;
        stage.bad(kid, &by(r#"{"alg":"RS256"}"#, stage.other(kid))).await;
    }
    stage.bad("1,024 bits", SMALL_TOKEN).await;
    let everybodys = |message: &[u8]| {
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, message);
        let info = [0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20];
        let mut block = vec![0, 1];
        block.resize(256 - 1 - info.len() - 32, 0xff);
        [block, vec![0], info.to_vec(), digest.as_ref().to_vec()].concat()
    };
    stage.bad("the exponent 1", &token(r#"{"alg":"RS256","kid":"one"}"#, &card, everybodys)).await;
    let strangers = [Pair::p256(), Pair::rsa()];
    stage.bad("another key under the same name", &by(r#"{"alg":"ES256","kid":"ec"}"#, &strangers[0])).await;
    stage.bad("another RSA key under the same name", &by(r#"{"alg":"RS256","kid":"rsa"}"#, &strangers[1])).await;
    let pss = |message: &[u8]| {
        let Pair::Rsa(pair) = &stage.rsa else { return Vec::new() };
        let mut signature = vec![0; pair.public_modulus_len()];
        pair.sign(&RSA_PSS_SHA256, &SystemRandom::new(), message, &mut signature).unwrap();
        signature
    };
    stage.bad("PSS for PKCS #1", &token(r#"{"alg":"RS256","kid":"rsa"}"#, &card, pss)).await;
}

#[tokio::test(start_paused = true)]
async fn a_signature_is_a_signature_of_just_this() {
    let stage = Stage::new();
    let card = claims("patient", Value::Null);
    let header = r#"{"alg":"ES256","kid":"ec"}"#;
    let whole = stage.ec(&json!({}), &card);
    stage.good("whole", &whole).await;
    let with = |signature: Vec<u8>| token(header, &card.to_string(), move |_| signature.clone());
    stage.bad("no signature", &with(vec![])).await;
    stage.bad("zeros", &with(vec![0; 64])).await;
    let order = "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551";
    let order = data_encoding::HEXLOWER.decode(order.as_bytes()).unwrap();
    stage.bad("the curve's own order", &with([order.clone(), order].concat())).await;
    stage.bad("ones", &with(vec![0xff; 64])).await;
    stage.bad("an RSA of zeros", &token(r#"{"alg":"RS256","kid":"rsa"}"#, &card.to_string(), |_| vec![0; 256])).await;
    let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &SystemRandom::new()).unwrap();
    let asn1 = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, pkcs8.as_ref()).unwrap();
    stage
        .bad(
            "another form of signature",
            &token(header, &card.to_string(), |message| asn1.sign(&SystemRandom::new(), message).unwrap().as_ref().to_vec()),
        )
        .await;
    // The rest of the token, changed after it was signed.
    let parts: Vec<&str> = whole.split('.').collect();
    let other = stage.ec(&json!({}), &claims("sub", json!("u-2")));
    let others: Vec<&str> = other.split('.').collect();
    stage.bad("another's claims", &[parts[0], others[1], parts[2]].join(".")).await;
    let bare = BASE64URL_NOPAD.encode(br#"{"alg":"ES256"}"#);
    stage.bad("another header", &[bare.as_str(), parts[1], parts[2]].join(".")).await;
    for cut in 1..4 {
        stage.bad("cut short", &whole[..whole.len() - cut]).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_token_brings_no_key_and_no_meaning_of_its_own() {
    let stage = Stage::new();
    let card = claims("patient", Value::Null);
    let attacker = Pair::p256();
    let own = attacker.jwk(&json!({"kid": "ec"}));
    let by = |more: Value| {
        let mut header = json!({"alg": "ES256", "typ": "JWT"});
        header.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        token(&header.to_string(), &card.to_string(), |message| attacker.sign(message))
    };
    for more in [
        json!({"jwk": own}),
        json!({"jwk": own, "kid": "ec"}),
        json!({"jku": "http://127.0.0.1:1/jwks"}),
        json!({"jku": "https://login.example/jwks", "kid": "ec"}),
        json!({"x5u": "https://login.example/cert.pem"}),
        json!({"x5c": ["MIIB"]}),
        json!({"kid": "../../../../../../dev/null"}),
        json!({"kid": "/etc/passwd"}),
        json!({"kid": "keys.json"}),
        json!({"kid": "x' UNION SELECT 'secret"}),
        json!({"kid": "ec\u{0}"}),
        json!({"kid": "https://login.example/jwks"}),
        json!({"kid": "x".repeat(8_000)}),
        json!({"kid": ""}),
    ] {
        stage.bad(&more.to_string().chars().take(60).collect::<String>(), &by(more)).await;
    }
    // Rightly signed, and still not for us to guess at.
    for more in [
        json!({"jwk": stage.ec.jwk(&json!({}))}),
        json!({"jku": "https://login.example/jwks"}),
        json!({"x5u": "https://login.example/cert.pem"}),
        json!({"x5c": ["MIIB"]}),
        json!({"crit": ["exp"]}),
        json!({"crit": []}),
        json!({"crit": ["b64"], "b64": false}),
        json!({"b64": true}),
        json!({"zip": "DEF"}),
        json!({"enc": "A128GCM"}),
        json!({"cty": "JWT"}),
        json!({"typ": "JWE"}),
        json!({"typ": "logout+jwt"}),
        json!({"typ": 1}),
        json!({"kid": ["ec"]}),
        json!({"kid": {"$ne": ""}}),
        json!({"kid": 1}),
    ] {
        stage.bad(&more.to_string(), &stage.ec(&more, &card)).await;
    }
    let inner = stage.ec(&json!({}), &card);
    stage.bad("a token within a token", &token(r#"{"alg":"ES256","kid":"ec"}"#, &inner, |message| stage.ec.sign(message))).await;
    stage
        .bad(
            "the same, as text",
            &token(r#"{"alg":"ES256","kid":"ec","cty":"JWT"}"#, &json!(inner).to_string(), |message| stage.ec.sign(message)),
        )
        .await;
}

#[tokio::test(start_paused = true)]
async fn claims_are_whole_single_and_meant() {
    let stage = Stage::new();
    for (name, values) in [
        (
            "iss",
            vec![
                Value::Null,
                json!("https://elsewhere.example"),
                json!("https://login.example/"),
                json!("HTTPS://LOGIN.EXAMPLE"),
                json!(""),
                json!(["https://login.example"]),
                json!(7),
            ],
        ),
        (
            "aud",
            vec![
                Value::Null,
                json!("elsewhere"),
                json!(""),
                json!("Severn"),
                json!("severn "),
                json!("severn.example"),
                json!(["elsewhere", "else"]),
                json!([]),
                json!(["severn", 7]),
                json!({"a": "severn"}),
            ],
        ),
        ("sub", vec![Value::Null, json!(""), json!(7), json!(["u-1"])]),
        (
            "exp",
            vec![Value::Null, json!(NOW - 30), json!(0), json!(-1), json!("1999999999"), json!("never"), json!([NOW + 60]), json!(true)],
        ),
        ("nbf", vec![json!(NOW + 31), json!("1"), json!(u64::MAX), json!([1])]),
        ("iat", vec![json!(NOW + 31), json!("now")]),
        ("scope", vec![json!(["user/*.rs"]), json!(7)]),
        ("extensions", vec![Value::Null, json!({}), json!([]), json!("ihe_iua"), json!({"ihe_iua": []})]),
    ] {
        for value in values {
            stage.bad(&format!("{name}: {value}"), &stage.ec(&json!({}), &claims(name, value.clone()))).await;
        }
    }
    for (name, value) in [
        ("subject_organization_id", Value::Null),
        ("subject_organization_id", json!("")),
        ("subject_organization_id", json!("https://fhir.nhs.uk/Id/ods-organization-code|")),
        ("subject_organization_id", json!("not an organisation")),
        ("subject_role", json!("R8000")),
        ("activities", json!("B0360")),
        ("activities", json!([["B0360"]])),
        ("subject_sds_user_id", json!(999_999_999_999_u64)),
    ] {
        stage.bad(&format!("{name}: {value}"), &stage.ec(&json!({}), &iua(name, value.clone()))).await;
    }
    // Of two claims of one name, one reader takes the first and another the last.
    let whole = claims("patient", Value::Null).to_string();
    for twice in
        [r#""sub":"u-2""#, r#""aud":"severn""#, r#""exp":1999999999"#, r#""iss":"https://login.example""#, r#""scope":"user/*.rs""#]
    {
        let (first, last) = (format!("{{{twice},{}", &whole[1..]), format!("{},{twice}}}", &whole[..whole.len() - 1]));
        for text in [first, last] {
            stage.bad(twice, &token(r#"{"alg":"ES256","kid":"ec"}"#, &text, |message| stage.ec.sign(message))).await;
        }
    }
    let within = whole.replacen(r#""activities":"#, r#""activities":["B1611"],"activities":"#, 1);
    assert_ne!(within, whole);
    for text in [within.as_str(), "", "{}", "null", "[]", "{", "\u{feff}{}", &format!("{whole} {whole}"), &"[".repeat(5_000)] {
        let what = text.chars().take(20).collect::<String>();
        stage.bad(&what, &token(r#"{"alg":"ES256","kid":"ec"}"#, text, |message| stage.ec.sign(message))).await;
    }
    stage.bad("a header twice", &token(r#"{"alg":"ES256","kid":"other","kid":"ec"}"#, &whole, |message| stage.ec.sign(message))).await;
}

#[tokio::test(start_paused = true)]
async fn a_token_is_three_parts_each_in_one_writing() {
    let stage = Stage::new();
    let card = claims("patient", Value::Null);
    let whole = stage.ec(&json!({}), &card);
    let parts: Vec<&str> = whole.split('.').collect();
    let (head, payload, signature) = (parts[0], parts[1], parts[2]);
    for (what, text) in [
        ("nothing", String::new()),
        ("a word", "let-me-in".to_owned()),
        ("dots", "..".to_owned()),
        ("two parts", format!("{head}.{payload}")),
        ("two parts and a dot", format!("{head}.{payload}.")),
        ("four parts", format!("{whole}.{signature}")),
        ("five parts, as of an encrypted one", format!("{head}.{head}.{payload}.{payload}.{signature}")),
        ("an empty part", format!("{head}..{payload}.{signature}")),
        ("a dot before", format!(".{whole}")),
        ("a dot behind", format!("{whole}.")),
        ("padding behind", format!("{whole}=")),
        ("padding behind, twice", format!("{whole}==")),
        ("padding in the header", format!("{head}=.{payload}.{signature}")),
        ("padding in the claims", format!("{head}.{payload}=.{signature}")),
        ("a line end in the claims", format!("{head}.{}%0A{}.{signature}", &payload[..4], &payload[4..])),
        ("a space in the claims", format!("{head}.{} {}.{signature}", &payload[..4], &payload[4..])),
        ("a second token", format!("{whole} {whole}")),
        ("a list of tokens", format!("{whole},{whole}")),
        ("quotes", format!("\"{whole}\"")),
        ("oversized", format!("{whole}{}", "A".repeat(20_000))),
        ("oversized and right", stage.ec(&json!({}), &claims("padding", json!("x".repeat(20_000))))),
    ] {
        stage.bad(what, &text).await;
    }
    // The bits left over in the last letter mean nothing: written otherwise, it would be the same token by another name.
    let letters = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let last = letters.iter().position(|letter| *letter == *signature.as_bytes().last().unwrap()).unwrap();
    let (start, next) = (&whole[..whole.len() - 1], char::from(letters[last ^ 1]));
    stage.bad("bits left over", &format!("{start}{next}")).await;
}

#[tokio::test(start_paused = true)]
async fn a_token_comes_once_and_in_its_header() {
    let stage = Stage::new();
    let whole = stage.ec(&json!({}), &claims("patient", Value::Null));
    let bearer = format!("Bearer {whole}");
    let error = "Bearer error=\"invalid_token\"";
    let check = async |what: &str, more: &str, headers: &[(&str, &str)], challenge: Option<&str>| {
        let (answer, asked) = stage.find(more, headers).await;
        match challenge {
            None => assert!(answer.status == 200 && asked > 0, "{what}: {}", answer.text),
            Some(challenge) => {
                assert_eq!(asked, 0, "{what}");
                stage.refused(what, &answer, challenge);
                assert!(!answer.text.contains(&whole), "{what}");
            }
        }
    };
    check("once", "", &[("authorization", &bearer)], None).await;
    check("in small letters", "", &[("authorization", &format!("bearer {whole}"))], None).await;
    check("nowhere", "", &[], Some("Bearer")).await;
    check("another way to sign in", "", &[("authorization", "Basic dTpw")], Some("Bearer")).await;
    check("without its scheme", "", &[("authorization", &whole)], Some("Bearer")).await;
    check("a scheme alone", "", &[("authorization", "Bearer")], Some("Bearer")).await;
    check("in another header", "", &[("x-authorization", &bearer)], Some("Bearer")).await;
    check("in a cookie", "", &[("cookie", &format!("access_token={whole}"))], Some("Bearer")).await;
    check("in the address", &format!("&access_token={whole}"), &[], Some(error)).await;
    check("in the address, spelt otherwise", &format!("&access%5Ftoken={whole}"), &[], Some(error)).await;
    check("in both", &format!("&access_token={whole}"), &[("authorization", &bearer)], Some(error)).await;
    check("twice", "", &[("authorization", &bearer), ("authorization", &bearer)], Some(error)).await;
    check("twice, one no use", "", &[("authorization", "Bearer x"), ("authorization", &bearer)], Some(error)).await;
    check("beside another way", "", &[("authorization", &bearer), ("authorization", "Basic dTpw")], Some(error)).await;
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let answer = stage.world.send("POST", "/fhir/R4/Condition/_search", None, &form, &format!("patient=1&access_token={whole}")).await;
    stage.refused("in a form", &answer, "Bearer");
    assert!(!stage.world.ledger.text().contains(&whole));
}

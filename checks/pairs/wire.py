"""Talking to `severn serve` as any client would: a configuration, a signed token, HTTP, and what the answers say."""

import json
import os
import pathlib
import subprocess
import time
import urllib.error
import urllib.request
import uuid
from collections import defaultdict
from dataclasses import dataclass, field
from urllib.parse import quote

import jwt
from cryptography.hazmat.primitives.asymmetric import ec

NHS_NUMBER = "https://fhir.nhs.uk/Id/nhs-number"
ISSUER, AUDIENCE = "https://login.checks.invalid", "severn"
TOP = """
[exchange]
id = "checks"
listen = "{listen}"
public_url = "http://{listen}"
organisation = "QHL"

[store]
url = "sqlite:{store}"

[[sign_in]]
issuer = "{issuer}"
audience = "{audience}"
keys = "{keys}"
"""
SOURCE = """
[[source]]
id = "{id}"
name = "Third-party pairs, {id}"
organisation = "{organisation}"
dialect = "fhir-{id}"
url = "{url}"
locate = "always"
nhs_number = "verified"
auth = {{ kind = "none" }}
"""


class SignIn:
    """An issuer of our own: one ES256 key, its public half as a JWKS file."""

    def __init__(self, folder):
        self.key = ec.generate_private_key(ec.SECP256R1())
        public = json.loads(jwt.algorithms.ECAlgorithm.to_jwk(self.key.public_key()))
        public.update(kid="checks-1", alg="ES256", use="sig")
        self.jwks = pathlib.Path(folder) / "jwks.json"
        self.jwks.write_text(json.dumps({"keys": [public]}))

    def token(self, seconds=3600, **claims):
        now = int(time.time())
        whole = {
            "iss": ISSUER, "sub": "u-checks", "aud": AUDIENCE, "iat": now, "exp": now + seconds, "jti": str(uuid.uuid4()),
            "scope": "user/*.rs launch/patient",
            "extensions": {"ihe_iua": {
                "subject_name": "Dr A Example", "subject_organization": "Queen Elizabeth Hospital",
                "subject_organization_id": "https://fhir.nhs.uk/Id/ods-organization-code|RRK",
                "subject_sds_user_id": "999999999999", "subject_role_profile_id": "UNK", "device": "checks-1",
                "subject_role": [{"system": "https://fhir.nhs.uk/Id/sds-role-code", "code": "R8000"}],
                "purpose_of_use": [{"system": "http://terminology.hl7.org/CodeSystem/v3-ActReason", "code": "TREAT"}],
                "activities": ["B0264", "B0360", "B0370", "B0401"],
            }},
            **claims,
        }
        return jwt.encode(whole, self.key, algorithm="ES256", headers={"kid": "checks-1"})


class Severn:
    """One running `severn serve`, with a store of its own, stopped at the end of the `with`."""

    def __init__(self, binary, folder, port, bases):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.sign_in = SignIn(self.folder)
        self.url = f"http://127.0.0.1:{port}"
        self.binary, self.process = binary, None
        self.config = self.folder / "severn.toml"
        organisations = {"dstu2": "RRK", "stu3": "RL4"}
        self.config.write_text(
            TOP.format(listen=f"127.0.0.1:{port}", store=self.folder / "severn.db", issuer=ISSUER, audience=AUDIENCE, keys=self.sign_in.jwks)
            + "".join(SOURCE.format(id=k, url=v, organisation=organisations[k]) for k, v in bases.items())
        )

    def __enter__(self):
        self.log = open(self.folder / "severn.log", "w")
        self.process = subprocess.Popen([self.binary, "serve", "--config", str(self.config)], stdout=self.log, stderr=subprocess.STDOUT, env=dict(os.environ))
        until = time.monotonic() + 60
        while time.monotonic() < until:
            if self.process.poll() is not None:
                raise SystemExit(f"severn serve stopped at once; it said:\n{self.said()}")
            try:
                with urllib.request.urlopen(self.url + "/ready", timeout=2) as answer:
                    if answer.status == 200:
                        return self
            except OSError:
                pass
            time.sleep(0.1)
        self.__exit__()
        raise SystemExit(f"severn serve is not ready after 60 s; it said:\n{self.said()}")

    def __exit__(self, *_):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.log.close()

    def said(self):
        return (self.folder / "severn.log").read_text(errors="replace")[-4000:]

    def client(self):
        return Client(self.url + "/fhir/R4", self.sign_in.token())


@dataclass
class Reply:
    status: int
    body: dict
    headers: dict


class Client:
    """GET and POST of FHIR JSON, nothing more."""

    def __init__(self, base, token):
        self.base, self.token = base, token

    def ask(self, url, body=None, timeout=120):
        if not url.startswith("http"):
            url = f"{self.base}/{url}"
        headers = {"Authorization": f"Bearer {self.token}", "Accept": "application/fhir+json"}
        data = None
        if body is not None:
            data, headers["Content-Type"] = json.dumps(body).encode(), "application/fhir+json"
        request = urllib.request.Request(url, data=data, headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=timeout) as answer:
                return Reply(answer.status, self.read(answer), dict(answer.headers))
        except urllib.error.HTTPError as error:
            return Reply(error.code, self.read(error), dict(error.headers))

    @staticmethod
    def read(answer):
        text = answer.read()
        try:
            return json.loads(text)
        except ValueError:
            return {"resourceType": "NotJson", "text": text[:300].decode(errors="replace")}

    def find(self, number):
        """The exchange's Patient for an NHS number, and the reply."""
        reply = self.ask(f"Patient?identifier={quote(NHS_NUMBER + '|' + number, safe='')}")
        found = [e["resource"] for e in reply.body.get("entry", []) if e.get("search", {}).get("mode") == "match"]
        return (found[0] if found else None), reply

    def request_access(self, person):
        return self.ask(f"Patient/{person}/$request-access", {"resourceType": "Parameters", "parameter": [
            {"name": "kind", "valueCode": "relationship"},
            {"name": "reason", "valueCoding": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActReason", "code": "TREAT", "display": "treatment"}},
            {"name": "text", "valueString": "Third-party checks"},
        ]})

    def everything(self, person):
        answer, url = Answer(), f"Patient/{person}/$everything?_revinclude=Provenance:target&_count=500"
        seen = set()
        while url:
            if url in seen:
                answer.problems.append(f"a page links to itself: {url}")
                break
            seen.add(url)
            reply = self.ask(url)
            answer.add(reply)
            url = next((x["url"] for x in reply.body.get("link", []) if x.get("relation") == "next"), None)
        return answer

    def plan(self, person, request):
        reply = self.ask(f"Patient/{person}/$plan?request={quote(request)}")
        rows = []
        for parameter in reply.body.get("parameter", []):
            if parameter.get("name") == "row":
                rows.append({p["name"]: next((v for k, v in p.items() if k.startswith("value")), None) for p in parameter.get("part", [])})
        return rows, reply


def tags(resource, system):
    return [t.get("code") for t in resource.get("meta", {}).get("tag", []) if t.get("system") == system]


def key_of(resource):
    return f'{resource["resourceType"]}/{resource.get("id")}'


@dataclass
class Answer:
    """A whole `$everything`, its pages put together."""

    status: int = 0
    request: str = ""
    pages: int = 0
    resources: dict = field(default_factory=dict)  # "Type/id" -> resource
    clusters: list = field(default_factory=list)  # of sorted member keys
    conflicts: list = field(default_factory=list)
    statuses: set = field(default_factory=set)  # plan statuses named in outcomes
    tagged: dict = field(default_factory=lambda: defaultdict(set))  # cluster id -> members that carry its tag
    problems: list = field(default_factory=list)

    def add(self, reply):
        self.pages += 1
        if self.pages == 1:
            self.status = reply.status
            self.request = reply.headers.get("X-Request-ID") or reply.headers.get("x-request-id") or reply.body.get("id", "")
        if reply.status != 200 or reply.body.get("resourceType") != "Bundle":
            self.outcome(reply.body)
            if self.pages > 1:
                self.problems.append(f"page {self.pages}: {reply.status}")
            return
        for place, entry in enumerate(reply.body.get("entry", [])):
            resource = entry["resource"]
            match resource["resourceType"]:
                case "OperationOutcome":
                    if place:
                        self.problems.append("an OperationOutcome that is not first on its page")
                    self.outcome(resource)
                case "Linkage":
                    self.clusters.append(sorted(i["resource"]["reference"] for i in resource["item"]))
                case "DetectedIssue":
                    self.conflicts.append([i["reference"] for i in resource.get("implicated", [])])
                case "Provenance":
                    pass
                case _:
                    key = key_of(resource)
                    if key in self.resources:
                        self.problems.append(f"{key} is there twice")
                    self.resources[key] = resource
                    for cluster in tags(resource, "urn:severn:cluster"):
                        self.tagged[cluster].add(key)

    def outcome(self, resource):
        for issue in resource.get("issue", []):
            for coding in issue.get("details", {}).get("coding", []):
                if coding.get("system") == "urn:severn:status":
                    self.statuses.add(coding.get("code"))

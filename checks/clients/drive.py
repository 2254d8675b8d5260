#!/usr/bin/env python3
"""Runs the four clients, the wire rules and the two validators against a running exchange; two of the clients, the rules
and a validator of STU3 against its STU3 face.

Started by run.sh. Without --base it starts `severn demo` itself and reads the token and a person from what it prints.
Standard library only; the clients have their own processes.
"""

import argparse
import json
import os
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections import Counter
from urllib.parse import quote

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "census"))
import leaves  # noqa: E402

NHS_NUMBER = "https://fhir.nhs.uk/Id/nhs-number"
NUMBER = re.compile(r"\b999[ -]?\d{3}[ -]?\d{4}\b")
TOKEN = re.compile(r"(?im)^\W*(?:access )?token\W*[:=]\s*(\S+)|Bearer\s+([A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+)")
CLIENTS = (
    ("fhirclient (PyPI)", "python", "client_fhirclient.py"),
    ("fhirpy (PyPI)", "python", "client_fhirpy.py"),
    ("fhir-kit-client (npm)", "node", "client_fhir_kit.mjs"),
    ("fhirclient (npm)", "node", "client_smart.mjs"),
)


# Those that speak STU3 too: `fhirclient` has models of R4 alone.
STU3_CLIENTS = tuple(one for one in CLIENTS if one[2] in ("client_fhirpy.py", "client_fhir_kit.mjs"))


class Demo:
    """`severn demo` on a free port, and what it printed."""

    def __init__(self, severn):
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            listen = f"127.0.0.1:{s.getsockname()[1]}"
        self.lines = []
        self.process = subprocess.Popen([severn, "demo", "--listen", listen], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
        threading.Thread(target=self.read, daemon=True).start()
        self.base = f"http://{listen}/fhir/R4"
        self.wait(90)

    def read(self):
        for line in self.process.stdout:
            self.lines.append(line)

    @property
    def said(self):
        return "".join(self.lines)

    def wait(self, seconds):
        until = time.monotonic() + seconds
        while not (token_in(self.said) and NUMBER.search(self.said) and answers(self.base + "/metadata")):
            if self.process.poll() is not None or time.monotonic() > until:
                self.stop()
                raise SystemExit(f"severn demo printed no token and person, or does not answer. It said:\n{self.said[-4000:]}")
            time.sleep(0.3)

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()


def answers(url):
    try:
        with urllib.request.urlopen(url, timeout=5):
            return True
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False


def token_in(text):
    """A token as a value or as a file that holds it; the last one printed with Bearer wins over a mere word."""
    found = TOKEN.findall(text)
    for word, bearer in reversed(found):
        if bearer:
            return bearer
        if word.count(".") == 2 and not pathlib.Path(word).exists():
            return word
        if pathlib.Path(word).is_file():
            return pathlib.Path(word).read_text().strip()
    return None


class Exchange:
    """The exchange as seen by this driver; every FHIR answer is kept for the validators."""

    def __init__(self, base, token, folder):
        self.base, self.token, self.folder, self.kept = base, token, pathlib.Path(folder), 0

    def ask(self, url, method="GET", body=None, token=None, **headers):
        url = url if url.startswith("http") else f"{self.base}/{url}"
        head = {"Accept": "application/fhir+json", **{k.replace("_", "-"): v for k, v in headers.items()}}
        if token != "":
            head["Authorization"] = f"Bearer {token or self.token}"
        data = None
        if body is not None:
            data = body.encode() if isinstance(body, str) else json.dumps(body).encode()
            head.setdefault("Content-Type", "application/fhir+json")
        request = urllib.request.Request(url, data=data, headers=head, method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return self.keep(answer.status, answer.headers, answer.read())
        except urllib.error.HTTPError as error:
            return self.keep(error.code, error.headers, error.read())

    def keep(self, status, headers, data):
        body = None
        if "json" in (headers.get("Content-Type") or ""):
            body = json.loads(data)
            if not isinstance(body, dict) or "resourceType" not in body:
                return status, headers, body
            self.kept += 1
            (self.folder / f"{self.kept:05}.json").write_bytes(data)
        return status, headers, body if body is not None else data

    def person(self, number):
        """Finds, claims a relationship, reads all pages. Returns (id, resources by type) or None."""
        _, _, found = self.ask(f"Patient?identifier={quote(NHS_NUMBER + '|' + number, safe='')}")
        match = [e["resource"] for e in found.get("entry", []) if e.get("search", {}).get("mode") == "match"]
        if not match:
            return None
        own = match[0]["id"]
        self.ask(f"Patient/{own}/$request-access", "POST", {"resourceType": "Parameters", "parameter": [
            {"name": "kind", "valueCode": "relationship"},
            {"name": "reason", "valueCoding": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActReason", "code": "TREAT"}},
            {"name": "text", "valueString": "Client checks"}]})
        resources, url, request = [], f"Patient/{own}/$everything?_revinclude=Provenance:target&_count=50", None
        while url:
            status, headers, page = self.ask(url)
            if status != 200:
                break
            request = request or headers.get("X-Request-ID")
            resources += [(e.get("search", {}).get("mode"), e["resource"]) for e in page.get("entry", [])]
            url = next((x["url"] for x in page.get("link", []) if x["relation"] == "next"), None)
        self.ask(f"Patient/{own}/$plan?request={request}")
        return own, resources


class Rules:
    """What unrelated clients taught about the wire (one line a rule)."""

    def __init__(self, exchange, person, kind):
        self.x, self.person, self.kind, self.failed = exchange, person, kind, 0

    def check(self, name, holds, saw=""):
        print(f"  {'ok    ' if holds else 'FAILED'}  {name}" + (f" (saw {saw})" if not holds else ""))
        self.failed += not holds

    def all(self):
        x, search = self.x, f"{self.kind}?patient={self.person}"
        status, _, _ = x.ask(search + "&madeup=1")
        self.check("an unknown parameter is ignored", status == 200, status)
        status, _, body = x.ask(search + "&madeup=1", Prefer="handling=strict")
        self.check("an unknown parameter is refused under handling=strict", status == 400 and is_outcome(body), status)
        _, headers, page = x.ask(f"Patient/{self.person}/$everything?_count=5")
        self.check("an answer carries its request id", bool(headers.get("X-Request-ID")))
        self.check("a total is an integer where there is one", isinstance(page.get("total", 0), int), page.get("total"))
        after = next((l["url"] for l in page.get("link", []) if l["relation"] == "next"), "")
        self.check("the next page is an absolute address on the public base", after.startswith(x.base), after)
        for name in ("first", "second"):
            first = page["entry"][0]["resource"]["resourceType"] if page.get("entry") else None
            outcomes = [i for i, e in enumerate(page.get("entry", [])) if e["resource"]["resourceType"] == "OperationOutcome"]
            self.check(f"an OperationOutcome, where there is one, is first on the {name} page", outcomes in ([], [0]), (first, outcomes))
            if name == "first" and after:
                had = outcomes
                _, _, page = x.ask(after)
        self.check("the second page repeats it", bool(had) == bool(outcomes), (had, outcomes))
        status, headers, body = x.ask(f"Patient/{self.person}", "DELETE")
        self.check("a wrong method is 405 with Allow", status == 405 and bool(headers.get("Allow")), (status, headers.get("Allow")))
        for name, how, want in (("no token", {"token": ""}, 401), ("a false token", {"token": "a.b.c"}, 401)):
            status, headers, body = x.ask(f"Patient/{self.person}", **how)
            self.check(f"{name} is 401 and an OperationOutcome", status == want and is_outcome(body), status)
        status, headers, _ = x.ask(f"Patient/{self.person}", "OPTIONS", token="", Origin="https://app.example.nhs.uk",
                                   Access_Control_Request_Method="GET", Access_Control_Request_Headers="authorization,content-type,accept,prefer,cache-control")
        allowed = (headers.get("Access-Control-Allow-Headers") or "").lower()
        self.check("preflight allows what browser apps send", status in (200, 204) and all(h in allowed or allowed == "*" for h in ("authorization", "prefer", "cache-control")), (status, allowed))
        _, _, statement = x.ask("metadata", token="")
        rest = statement["rest"][0] if isinstance(statement, dict) and statement.get("rest") else {}
        self.check("metadata lists types with their parameters", any(r.get("searchParam") for r in rest.get("resource", [])))
        self.check("metadata names the security service", bool(rest.get("security", {}).get("service") or rest.get("security", {}).get("extension")))
        return self.failed


def is_outcome(body):
    return isinstance(body, dict) and body.get("resourceType") == "OperationOutcome" and bool(body.get("issue"))


def same_in_xml(exchange, resources):
    """One resource of every type read as JSON and as XML: the same leaves."""
    failed, tried = 0, 0
    for kind, own in sorted({r["resourceType"]: r["id"] for mode, r in resources if mode == "match" and "id" in r}.items()):
        status, headers, body = exchange.ask(f"{kind}/{own}")
        status_xml, headers, data = exchange.ask(f"{kind}/{own}?_format=xml", Accept="application/fhir+xml")
        if status != 200 or status_xml != 200 or not isinstance(data, bytes):
            print(f"  FAILED  read {kind}: {status} as JSON, {status_xml} as XML")
            failed += 1
            continue
        tried += 1
        a, b = (Counter((leaves.spelled(p), v) for p, v in rows if p[-1][0] != "lastUpdated")
                for rows in (leaves.json_resource(json_words(body))[2], leaves.xml_resources(data)[0][2]))
        if a != b:
            print(f"  FAILED  {kind} differs in XML: {list((a - b).items())[:3]} against {list((b - a).items())[:3]}")
            failed += 1
    print(f"  {'FAILED' if failed else 'ok    '}  {tried} types read the same in XML and JSON")
    return failed


def json_words(body):
    return json.loads(json.dumps(body), parse_float=leaves.Word, parse_int=leaves.Word)


def every_type(exchange, own, resources):
    """Searches by patient and reads, for each type the person has: kept for the validators."""
    wanted = Counter(r["resourceType"] for mode, r in resources if mode == "match")
    seen = set()
    for kind in wanted:
        if kind not in ("Patient", "Provenance"):
            exchange.ask(f"{kind}?patient={own}&_count=20")
    for _, resource in resources:
        if resource["resourceType"] not in seen and "id" in resource and resource["resourceType"] not in ("OperationOutcome", "Linkage", "DetectedIssue", "Provenance"):
            seen.add(resource["resourceType"])
            exchange.ask(f"{resource['resourceType']}/{resource['id']}")
    return wanted


def clients(context, javascript, chosen=CLIENTS):
    failed = 0
    for name, language, script in chosen:
        print(f"{name}")
        command = [sys.executable, str(HERE / script)] if language == "python" else ["node", str(javascript / script)]
        done = subprocess.run(command, env={**os.environ, "SEVERN_CONTEXT": json.dumps(context)}, timeout=300)
        failed += done.returncode != 0
    return failed


def stu3(args, r4, people):
    """The same record through the STU3 face: unrelated clients, the wire rules, and models of STU3."""
    failed = 0
    with tempfile.TemporaryDirectory(prefix="severn-stu3-") as folder:
        exchange = Exchange(r4.base.removesuffix("R4") + "STU3", r4.token, folder)
        own, resources = exchange.person(people[0])
        wanted = every_type(exchange, own, resources)
        kind, count = next((k, n) for k, n in wanted.most_common() if k not in ("Patient", "Provenance"))
        print(f"STU3: {len(resources)} entries, mostly {kind} ({count})")
        context = {"base": exchange.base, "token": exchange.token, "number": people[0], "person": own, "type": kind, "count": count}
        failed += clients(context, args.javascript, STU3_CLIENTS)
        print("wire rules of STU3")
        failed += bool(Rules(exchange, own, kind).all()) + bool(same_in_xml(exchange, resources))
        exchange.ask("metadata")
        for number in people[1: args.people]:
            if found := exchange.person(number):
                every_type(exchange, *found)
        print(f"structure of {exchange.kept} answers in STU3")
        failed += subprocess.run([sys.executable, str(HERE / "validate_pydantic.py"), str(folder), "STU3"]).returncode != 0
    return failed


def numbers(args, printed):
    """The demo's own person first, then others of the project's own fixtures."""
    found = [re.sub(r"\D", "", n) for n in ([args.number] if args.number else NUMBER.findall(printed))]
    for file in sorted((HERE.parent.parent / "fixtures" / "people").glob("*.toml")):
        found += [re.sub(r"\D", "", n) for n in NUMBER.findall(file.read_text("utf-8"))]
    return list(dict.fromkeys(found))


def main():
    parse = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parse.add_argument("--severn", help="the binary, when no --base is given")
    parse.add_argument("--javascript", type=pathlib.Path, required=True, help="folder with node_modules and the scripts")
    parse.add_argument("--base", help="a FHIR base that is up already")
    parse.add_argument("--token", help="a file with a token, or the token")
    parse.add_argument("--number", help="the NHS number of a person to read")
    parse.add_argument("--people", type=int, default=12, help="how many people's answers to validate (12)")
    args = parse.parse_args()
    demo = None if args.base else Demo(args.severn)
    try:
        base = args.base or demo.base
        token = token_in(f"token: {args.token}") or args.token if args.token else token_in(demo.said)
        with tempfile.TemporaryDirectory(prefix="severn-answers-") as folder:
            sys.exit(checks(args, Exchange(base, token, folder), demo.said if demo else ""))
    finally:
        if demo:
            demo.stop()


def checks(args, exchange, printed):
    people = numbers(args, printed)
    if not people:
        raise SystemExit("no person to read: give --number")
    first = exchange.person(people[0])
    if not first:
        raise SystemExit(f"the person {people[0]} is not found with this token")
    own, resources = first
    wanted = every_type(exchange, own, resources)
    kind, count = next(((k, n) for k, n in wanted.most_common() if k not in ("Patient", "Provenance")), (None, 0))
    if kind is None:
        raise SystemExit("the person's record is empty")
    print(f"person {people[0]} is Patient/{own}: {len(resources)} entries, mostly {kind} ({count})")
    context = {"base": exchange.base, "token": exchange.token, "number": people[0], "person": own, "type": kind, "count": count}
    failed = clients(context, args.javascript)
    print("wire rules")
    failed += bool(Rules(exchange, own, kind).all()) + bool(same_in_xml(exchange, resources))
    for url in ("metadata", "Patient/never-minted", "NoSuchType/1"):
        exchange.ask(url)
    for number in people[1: args.people]:
        if found := exchange.person(number):
            every_type(exchange, *found)
    print(f"structure of {exchange.kept} answers")
    # Who looked, as the tests of the exchange are told it: the demo signs nobody in who may see that.
    shutil.copy(HERE.parent.parent / "crates/server/tests/output/audit-events.json", exchange.folder)
    failed += subprocess.run([sys.executable, str(HERE / "validate_pydantic.py"), str(exchange.folder)]).returncode != 0
    failed += subprocess.run(["node", str(args.javascript / "validate_medplum.mjs"), str(exchange.folder)]).returncode != 0
    if exchange.base.endswith("/fhir/R4"):
        failed += stu3(args, exchange, people)
    print(f"clients: {f'{failed} checks failed' if failed else 'all passed'}")
    return 1 if failed else 0


if __name__ == "__main__":
    main()

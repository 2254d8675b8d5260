#!/usr/bin/env python3
"""Serves the raw pairs as two plain FHIR servers: DSTU2 on one port, STU3 on another.

    serve.py --data DIR [--dstu2-port 9102 --stu3-port 9103] [--pairs N] [--not-moved] [--no-everything]
             [--page-size 100] [--shuffle SEED]

DIR holds the folders `dstu2` and `stu3`. Test NHS numbers are laid over: the nth pair by name has the nth valid
number of 999 0000 018 on. Resources that have neither id nor fullUrl are served as they are.
Standard library only.
"""

import argparse
import base64
import binascii
import json
import pathlib
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import raw  # noqa: E402

VERSIONS = {"dstu2": ("1.0.2", "Conformance", "application/json+fhir"), "stu3": ("3.0.1", "CapabilityStatement", "application/fhir+json")}
# What a search by patient cannot find: no patient stands in these.
NOT_BY_PATIENT = {"Medication", "Organization", "Patient"}


class Refused(Exception):
    def __init__(self, status, code, words):
        super().__init__(words)
        self.status, self.code = status, code


class Store:
    """One half of all pairs, answering as one supplier's server."""

    def __init__(self, version, people, base, page_size=100, everything=True):
        self.version, self.base, self.page_size, self.everything = version, base, page_size, everything
        self.people = {half.patient["id"]: half for half in people}
        self.numbers = {number_of(half): half for half in people}
        self.read = {key: r for half in people for key, r in half.by_key.items() if not key.startswith("urn:")}
        self.types = sorted({r["resourceType"] for half in people for r in half.resources})
        self.asked = 0

    def answer(self, path, query):
        """The (status, body) of a GET, path below the base."""
        self.asked += 1
        parts = [p for p in path.split("/") if p]
        match parts:
            case ["metadata"]:
                return 200, raw.dumps(self.metadata())
            case ["_page"]:
                return 200, self.page(*self.opened(dict(query).get("t", "")))
            case ["Patient", who, "$everything"]:
                if not self.everything:
                    raise Refused(501, "not-supported", "$everything is not supported here")
                self.person(who)
                return 200, self.page("*", who, 0, self.count(query))
            case ["Patient"]:
                return 200, self.patients(query)
            case [kind] if kind in self.types and kind not in NOT_BY_PATIENT:
                return 200, self.search(kind, query)
            case [kind, who]:
                if f"{kind}/{who}" in self.read:
                    return 200, raw.dumps(self.read[f"{kind}/{who}"])
                raise Refused(404, "not-found", f"no {kind} with that id")
        raise Refused(404, "not-supported", f"this server does not know {'/'.join(parts) or 'its root'}")

    def count(self, query):
        wanted = dict(query).get("_count")
        return min(self.page_size, int(wanted)) if wanted and wanted.isdigit() and int(wanted) else self.page_size

    def person(self, who):
        who = who.rsplit("/", 1)[-1].removeprefix("urn:uuid:")
        if who not in self.people:
            raise Refused(404, "not-found", "no Patient with that id")
        return self.people[who]

    def patients(self, query):
        """By `identifier=system|value` exactly, or by `_id`."""
        asked, found = dict(query), list(self.people.values())
        if not {"identifier", "_id"} & asked.keys():
            raise Refused(400, "not-supported", "Patient is searched by identifier or _id")
        if "identifier" in asked:
            system, _, value = asked["identifier"].partition("|")
            found = [self.numbers[value]] if system == raw.NHS_NUMBER and value in self.numbers else []
        if "_id" in asked:
            found = [h for h in found if h.patient["id"] == asked["_id"]]
        return self.bundle([entry_of(h, h.patient) for h in found], len(found), None)

    def search(self, kind, query):
        asked = dict(query)
        who = asked.get("patient") or asked.get("subject")
        if who is None:
            raise Refused(400, "required", f"{kind} is searched by patient")
        who = who.rsplit("/", 1)[-1].removeprefix("urn:uuid:")
        if who not in self.people:
            return self.bundle([], 0, None)
        # The medicines that prescriptions point to come along when asked for.
        along = "+Medication" if asked.get("_include", "").startswith(f"{kind}:medication") else ""
        return self.page(kind + along, who, 0, self.count(query))

    def page(self, kinds, who, start, count):
        half = self.people[who]
        wanted = kinds.split("+")
        entries = [e for e in half.entries if kinds == "*" or e["resource"]["resourceType"] in wanted]
        total = sum(1 for e in entries if kinds == "*" or e["resource"]["resourceType"] == wanted[0])
        end = start + count
        after = self.sealed(kinds, who, end, count) if end < len(entries) else None
        return self.bundle(entries[start:end], total, after, wanted[0])

    def bundle(self, entries, total, after, kind="*"):
        links = [{"relation": "self", "url": self.base}]
        if after:
            links.append({"relation": "next", "url": f"{self.base}/_page?t={quote(after)}"})
        head = json.dumps({"resourceType": "Bundle", "type": "searchset", "total": total, "link": links})
        body = ",".join(raw.dumps({**e, "search": {"mode": mode(e, kind)}}) for e in entries)
        return f'{head[:-1]},"entry":[{body}]}}' if entries else head

    @staticmethod
    def sealed(*parts):
        """A cursor that tells a client nothing."""
        return base64.urlsafe_b64encode(json.dumps(parts).encode()).decode()

    @staticmethod
    def opened(token):
        try:
            return json.loads(base64.urlsafe_b64decode(token))
        except (binascii.Error, ValueError) as error:
            raise Refused(400, "invalid", "that page is not one of ours") from error

    def metadata(self):
        number, kind, form = VERSIONS[self.version]
        return {
            "resourceType": kind, "status": "active", "date": "2017-08-01", "kind": "instance", "fhirVersion": number,
            "software": {"name": f"pairs {self.version}"}, "acceptUnknown": "no", "format": [form],
            "rest": [{"mode": "server", "resource": [
                {"type": t, "interaction": [{"code": "read"}, {"code": "search-type"}],
                 "searchParam": [{"name": n, "type": "token" if n in ("identifier", "_id") else "reference"} for n in self.parameters(t)]}
                for t in self.types]}],
        }

    @staticmethod
    def parameters(kind):
        return ["identifier", "_id"] if kind == "Patient" else [] if kind in NOT_BY_PATIENT else ["patient"]


def number_of(half):
    return next(i["value"] for i in half.patient["identifier"] if i.get("system") == raw.NHS_NUMBER)


def entry_of(half, resource):
    return next(e for e in half.entries if e["resource"] is resource)


def mode(entry, kind):
    return "match" if kind == "*" or entry["resource"]["resourceType"] == kind else "include"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self):
        store = self.server.store
        parts = urlsplit(self.path)
        try:
            path = parts.path.removeprefix("/fhir")
            status, body = store.answer(path, parse_qsl(parts.query))
        except Refused as refusal:
            issue = {"severity": "error", "code": refusal.code, "diagnostics": str(refusal)}
            status, body = refusal.status, json.dumps({"resourceType": "OperationOutcome", "issue": [issue]})
        data = body.encode("utf-8")
        head = (f"HTTP/1.1 {status} {self.responses.get(status, ('',))[0]}\r\nContent-Type: {VERSIONS[store.version][2]};charset=utf-8\r\n"
                f"Content-Length: {len(data)}\r\n\r\n")
        self.wfile.write(head.encode("ascii") + data)

    def log_message(self, *_):
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256


def start(version, people, port=0, **how):
    """Starts one server in threads of its own; port 0 takes any. Returns it; its `base` is the FHIR base."""
    server = Server(("127.0.0.1", port), Handler)
    server.base = f"http://127.0.0.1:{server.server_address[1]}/fhir"
    server.store = Store(version, people, server.base, **how)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def start_both(pairs, ports=(0, 0), **how):
    return {
        "dstu2": start("dstu2", [p.dstu2 for p in pairs], ports[0], **how),
        "stu3": start("stu3", [p.stu3 for p in pairs], ports[1], **how),
    }


def main():
    parse = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parse.add_argument("--data", required=True, help="folder with dstu2 and stu3")
    parse.add_argument("--dstu2-port", type=int, default=9102)
    parse.add_argument("--stu3-port", type=int, default=9103)
    parse.add_argument("--pairs", type=int, help="only so many")
    parse.add_argument("--not-moved", action="store_true", help="leave the STU3 half's dates as they are")
    parse.add_argument("--no-everything", action="store_true", help="answer $everything with 501")
    parse.add_argument("--page-size", type=int, default=100)
    parse.add_argument("--shuffle", type=int, metavar="SEED", help="serve each person's resources in another order")
    args = parse.parse_args()
    pairs = raw.load(args.data, args.pairs, move_back=not args.not_moved)
    if args.shuffle is not None:
        pairs = raw.shuffled(pairs, args.shuffle)
    servers = start_both(pairs, (args.dstu2_port, args.stu3_port), page_size=args.page_size, everything=not args.no_everything)
    for version, server in servers.items():
        print(f"{version:<6} {server.base}/Patient?{urlencode({'identifier': raw.NHS_NUMBER + '|' + pairs[0].number})}", flush=True)
    threading.Event().wait()


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Two FHIR servers that nobody here wrote, beside Severn: each is onboarded, its block is used as it is, and their halves of
one made-up person are joined.

Judged: `severn onboard` recognises each and finds nothing broken; `severn check` takes the blocks; every fact is shown, in one
cluster where both hold it; each half names its server; and when one server is stopped it is named as failed while the other's
facts stay. Started by run.sh.
"""

import argparse
import json
import pathlib
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request

from fhir.resources.R4B.testreport import TestReport

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "pairs"))
import wire  # noqa: E402

failures = []


def check(name, holds, saw=""):
    print(f"  {'ok    ' if holds else 'FAILED'}  {name}" + ("" if holds else f" (saw {saw})"), flush=True)
    if not holds:
        failures.append(name)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Server:
    """One of them, stopped at the end."""

    def __init__(self, one, command, folder, resources):
        self.one, self.port = one, free_port()
        file = folder / f"{one['id']}.json"
        file.write_text(json.dumps(resources))
        self.url = f"http://127.0.0.1:{self.port}{one['path']}"
        self.log = open(folder / f"{one['id']}.log", "w")
        self.process = subprocess.Popen([*command, str(self.port), str(file)], stdout=self.log, stderr=subprocess.STDOUT)

    def wait(self, seconds=120):
        until = time.monotonic() + seconds
        while time.monotonic() < until and self.process.poll() is None:
            try:
                with urllib.request.urlopen(self.url + "/metadata", timeout=10) as answer:
                    if answer.status == 200:
                        return
            except OSError:
                time.sleep(0.2)
        raise SystemExit(f"{self.one['package']} does not answer; it said:\n{pathlib.Path(self.log.name).read_text()[-2000:]}")

    def stop(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.log.close()


def onboard(severn, server, number, folder):
    one = server.one
    out = folder / f"onboard-{one['id']}"
    done = subprocess.run(
        [severn, "onboard", server.url, "--patient", f"{number},1961-04-09", "--id", one["id"], "--name", one["package"],
         "--organisation", one["organisation"], "--out", str(out), "--per-second", "50"], capture_output=True, text=True)
    block = (out / "source.toml").read_text() if (out / "source.toml").exists() else ""
    check(f"{one['package']}: onboarded, nothing broken", done.returncode == 0, done.stdout + done.stderr)
    check(f"{one['package']}: recognised as {one['dialect']}", f'dialect = "{one["dialect"]}"' in block, block)
    report = json.loads((out / "test-report.json").read_text())
    TestReport.model_validate(report)
    check(f"{one['package']}: a legal TestReport with a test for each thing looked at", len(report.get("test", [])) >= 8, len(report.get("test", [])))
    return block


def codes(resource):
    named = resource.get("code") or resource.get("vaccineCode") or {}
    return {c.get("code") for c in named.get("coding", [])}


def shown(answer, kind, code, source):
    return [k for k, r in answer.resources.items() if r["resourceType"] == kind and code in codes(r) and source in wire.tags(r, "urn:severn:source")]


def judge(answer, facts, up):
    problems = []
    for fact in facts:
        keys = []
        for source in fact["held_by"]:
            found = shown(answer, fact["type"], fact["code"], source)
            if len(found) != (1 if source in up else 0):
                problems.append(f"{fact['type']} {fact['code']} of {source}: {found}")
            keys += found
        together = [c for c in answer.clusters if set(c) & set(keys)]
        if len(keys) > 1 and [sorted(keys)] != together:
            problems.append(f"{fact['type']} {fact['code']}: {keys} in {together}")
        if len(keys) < 2 and together:
            problems.append(f"{fact['type']} {fact['code']} stands in {together}")
    clinical = [r for r in answer.resources.values() if codes(r) and r["resourceType"] in {f["type"] for f in facts}]
    held = sum(len([s for s in f["held_by"] if s in up]) for f in facts)
    if len(clinical) != held:
        problems.append(f"{len(clinical)} facts are shown, {held} are held")
    return problems


def main():
    parse = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parse.add_argument("--severn", required=True)
    parse.add_argument("--node", required=True, help="the folder with node_modules")
    args = parse.parse_args()
    person = json.loads((HERE / "person.json").read_text())
    commands = {"node": ["node", str(pathlib.Path(args.node) / "node.js")], "starter": [sys.executable, str(HERE / "starter.py")]}
    with tempfile.TemporaryDirectory(prefix="severn-servers-") as folder:
        folder = pathlib.Path(folder)
        listed = json.loads((HERE / "servers.json").read_text())
        servers = {one["id"]: Server(one, commands[one["id"]], folder, person[one["id"]]) for one in listed}
        try:
            for server in servers.values():
                server.wait()
            run(args.severn, servers, person, folder)
        finally:
            for server in servers.values():
                server.stop()
    print(f"independent servers: {len(failures)} failures" if failures else "independent servers: all right")
    sys.exit(1 if failures else 0)


def run(severn, servers, person, folder):
    number, facts = person["number"], person["facts"]
    blocks = [onboard(severn, server, number, folder) for server in servers.values()]
    exchange = wire.Severn(severn, folder / "exchange", free_port(), {})
    with open(exchange.config, "a") as config:
        config.write("\n".join(["", *blocks]))
    checked = subprocess.run([severn, "check", "--config", str(exchange.config)], capture_output=True, text=True)
    check("severn check takes both blocks as they are", checked.returncode == 0, checked.stdout + checked.stderr)
    with exchange:
        client = exchange.client()
        patient, reply = client.find(number)
        if patient is None:
            check("the person is found", False, reply.body)
            return
        client.request_access(patient["id"])
        answer = client.everything(patient["id"])
        problems = judge(answer, facts, set(servers)) + answer.problems
        check(f"{len(facts)} facts of two servers, each once, together where both hold it", not problems, problems)
        check("nobody failed", not {s for s in answer.statuses if s and s.startswith("failed")}, answer.statuses)
        gone = "node"
        servers[gone].stop()
        answer = client.everything(patient["id"])
        rows, _ = client.plan(patient["id"], answer.request)
        failed = {row.get("source") for row in rows if str(row.get("status", "")).startswith("failed")}
        check("the server that was stopped is named as failed, and no other", failed == {gone}, failed)
        problems = judge(answer, facts, set(servers) - {gone})
        check("the other's facts are all there, and nothing of the one that was stopped", not problems, problems)


if __name__ == "__main__":
    main()

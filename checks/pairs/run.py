#!/usr/bin/env python3
"""Third-party pairs through `severn serve`: is one person in two suppliers' systems and two FHIR versions one record?

    run.py --severn BINARY --data DIR [--pairs N] [--jobs J] [--alterations N] [--report FILE]

DIR is the unpacked third-party data, or any folder that holds `dstu2` and `stu3`. Four runs, each with its own exchange:

  moved      every pair; each input accounted for, each fact with its twin, no cluster of two facts
  shuffled   some pairs again, other order, small pages, no $everything: the same clusters
  altered    one value, unit or time changed in one half: its cluster splits
  not moved  the halves as they are: the birth dates disagree, so `identity-mismatch` and nothing shown

Prints a table; exits 1 when any of this fails or fewer than 99 % of clinical resources found their twin.
"""

import argparse
import json
import pathlib
import random
import socket
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import facts  # noqa: E402
import judge  # noqa: E402
import raw  # noqa: E402
import serve  # noqa: E402
import wire  # noqa: E402

SHARE = 0.99


def main():
    args = arguments()
    folder = pairs_folder(args.data)
    pairs = raw.load(folder, args.pairs)
    if not pairs:
        raise SystemExit(f"no pairs in {folder}")
    print(f"{len(pairs)} pairs from {folder}")
    failures = []
    with tempfile.TemporaryDirectory(prefix="severn-pairs-") as work:
        run = Run(args, pathlib.Path(work))
        verdicts = run.moved(pairs, failures)
        run.shuffled(folder, verdicts, failures)
        run.altered(folder, verdicts, failures)
        run.not_moved(folder, failures)
    if args.report:
        pathlib.Path(args.report).write_text(json.dumps(totals(verdicts), indent=1))
    print()
    for failure in failures[: args.show]:
        print(f"FAILED {failure}")
    if len(failures) > args.show:
        print(f"… and {len(failures) - args.show} more")
    print("pairs: " + (f"{len(failures)} failures" if failures else "all passed"))
    sys.exit(1 if failures else 0)


def arguments():
    parse = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parse.add_argument("--severn", required=True, help="the binary under test")
    parse.add_argument("--data", required=True)
    parse.add_argument("--pairs", type=int, help="only the first so many")
    parse.add_argument("--jobs", type=int, default=3, help="reads at once (3)")
    parse.add_argument("--alterations", type=int, default=30, help="how many single changes to try (30)")
    parse.add_argument("--shuffled", type=int, default=15, help="how many pairs to read again in another order (15)")
    parse.add_argument("--seed", type=int, default=1, help="of the shuffle and the alterations (1)")
    parse.add_argument("--show", type=int, default=40, help="failures and reasons to print (40)")
    parse.add_argument("--report", help="write the totals here as JSON")
    return parse.parse_args()


def pairs_folder(data):
    data = pathlib.Path(data)
    return data if (data / "dstu2").is_dir() else data / "synthea" / "smart-dstu2-stu3-pairs"


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Run:
    def __init__(self, args, work):
        self.args, self.work = args, work

    def read(self, name, pairs, each, **how):
        """Serves the pairs, starts an exchange on them, and does `each(client, pair)` for all, some at a time."""
        started = time.monotonic()
        servers = serve.start_both(pairs, **how)
        try:
            bases = {k: s.base for k, s in servers.items()}
            with wire.Severn(self.args.severn, self.work / name, free_port(), bases) as severn:
                client = severn.client()
                with ThreadPoolExecutor(self.args.jobs) as pool:
                    results = list(progress(pool.map(lambda p: guarded(each, client, p), pairs), len(pairs), name))
        finally:
            for server in servers.values():
                server.shutdown()
                server.server_close()
        print(f"{name}: {len(pairs)} pairs in {time.monotonic() - started:.0f} s")
        return results

    def moved(self, pairs, failures):
        verdicts = self.read("moved", pairs, judged)
        table(verdicts, self.args.show)
        for v in verdicts:
            failures += v.problems
        share = found_share(verdicts)
        if share < SHARE:
            failures.append(f"only {share:.2%} of clinical resources found their twin; {SHARE:.0%} is wanted")
        return verdicts

    def shuffled(self, folder, verdicts, failures):
        if not self.args.shuffled:
            return
        wanted = raw.shuffled(raw.load(folder, self.args.pairs), self.args.seed)[: self.args.shuffled]
        before = {v.name: clinical(v.together) for v in verdicts}
        results = self.read("shuffled", wanted, judged, page_size=7, everything=False)
        for v in results:
            failures += [f"shuffled: {p}" for p in v.problems if "$plan" not in p]
            if clinical(v.together) != before[v.name]:
                gone, new = before[v.name] - clinical(v.together), clinical(v.together) - before[v.name]
                failures.append(f"shuffled: {v.name}: {len(gone)} clusters gone, {len(new)} new, such as {next(iter(gone | new))}")

    def altered(self, folder, verdicts, failures):
        good = {v.name for v in verdicts if not v.problems}
        pairs = [p for p in raw.load(folder, self.args.pairs) if p.name in good]
        if not self.args.alterations:
            return
        if not pairs:
            failures.append("altered: no pair that was read without problems")
            return
        dice, changes = random.Random(self.args.seed), {}
        kept = []
        for pair in pairs:  # One change to a person, so that what else splits can be seen.
            if len(kept) < self.args.alterations and (change := alter(pair, ("value", "unit", "time")[len(kept) % 3], dice)):
                changes[pair.name] = change
                kept.append(pair)
        joined = {v.name: v.together for v in verdicts}
        results = self.read("altered", kept, judged)
        kinds = Counter()
        for v in results:
            what, key = changes[v.name]
            failures += [f"altered {what}: {p}" for p in v.problems]
            kinds[what.split()[0]] += 1
            # Known by id it must have stood in a cluster before, or the alteration proves nothing.
            if key and not any(key in c for c in joined[v.name]):
                failures.append(f"altered {what}: {v.name}: {key} was in no cluster before")
            if key and (now := [c for c in v.together if key in c]):
                failures.append(f"altered {what}: {v.name}: still in a cluster: {sorted(now[0])}")
        print(f"altered: {sum(kinds.values())} single changes ({', '.join(f'{n} {k}' for k, n in sorted(kinds.items()))})")

    def not_moved(self, folder, failures):
        pairs = raw.load(folder, self.args.pairs, move_back=False)
        results = self.read("not-moved", pairs, refused)
        right = sum(1 for problem in results if problem is None)
        print(f"not moved: {right} of {len(pairs)} pairs are identity-mismatch with nothing shown")
        failures += [f"not moved: {p}" for p in results if p is not None]


def guarded(each, client, pair):
    try:
        return each(client, pair)
    except Exception as error:  # One broken read must not hide the other 149.
        problem = f"{pair.name}: {type(error).__name__}: {error}"
        return problem if each is refused else judge.Verdict(pair.name, problems=[problem])


def open_record(client, pair):
    patient, reply = client.find(pair.number)
    if patient is None:
        raise RuntimeError(f"find answers {reply.status} and no match: {json.dumps(reply.body)[:300]}")
    access = client.request_access(patient["id"])
    granted = next((p.get("valueBoolean") for p in access.body.get("parameter", []) if p.get("name") == "granted"), None)
    if not granted:
        raise RuntimeError(f"$request-access answers {access.status}: {json.dumps(access.body)[:300]}")
    return patient["id"]


def judged(client, pair):
    person = open_record(client, pair)
    answer = client.everything(person)
    if answer.status != 200:
        return judge.Verdict(pair.name, problems=[f"{pair.name}: $everything answers {answer.status}, {sorted(answer.statuses)}"])
    rows, reply = client.plan(person, answer.request)
    verdict = judge.judge(pair, answer, rows)
    if not rows:
        verdict.problems.append(f"{pair.name}: $plan answers {reply.status} and no rows: {json.dumps(reply.body)[:200]}")
    if bad := answer.statuses - {"ok", "ok-empty", "unsupported", "not-asked"}:
        verdict.problems.append(f"{pair.name}: statuses {sorted(bad)}")
    return verdict


def refused(client, pair):
    """None when the read is refused as it must be, else what is wrong."""
    person = open_record(client, pair)
    answer = client.everything(person)
    shown = [k for k in answer.resources if wire.tags(answer.resources[k], "urn:severn:source")]
    if shown:
        return f"{pair.name}: {len(shown)} resources are shown, such as {shown[0]}"
    if "identity-mismatch" not in answer.statuses:
        return f"{pair.name}: {answer.status}, statuses {sorted(answer.statuses)}"
    rows, _ = client.plan(person, answer.request)
    silent = ("unsupported", "not-asked", "not-located")
    other = {(r.get("source"), r.get("status")) for r in rows if r.get("status") not in ("identity-mismatch", *silent)}
    missing = {"dstu2", "stu3"} - {r.get("source") for r in rows if r.get("status") == "identity-mismatch"}
    return f"{pair.name}: $plan: {sorted(other)} beside, {sorted(missing)} without identity-mismatch" if other or missing else None


def alter(pair, what, dice):
    """Changes one value, unit or time in one half, in place. Returns (what was done, the answer's key if it has an id)."""
    source = dice.choice(["dstu2", "stu3"])
    half = pair.halves()[source]
    alone = [(f, rs[0]) for f, rs in facts.by_fact(half).items() if len(rs) == 1 and f.type in facts.CLINICAL]
    quantities = [r for f, r in alone if "valueQuantity" in r and "unit" in r["valueQuantity"]]
    timed = [r for f, r in alone if f.time and f.type in ("Condition", "Encounter", "Immunization", "Observation", "Procedure")]
    choice = quantities if what != "time" else timed
    if not choice:
        return None
    resource = dice.choice(choice)
    if what == "value":
        q = resource["valueQuantity"]
        q["value"] = raw.Number(Decimal(q["value"]) + 1)
    elif what == "unit":
        q = resource["valueQuantity"]
        for name in {"unit", "code"} & q.keys():
            q[name] = "kg" if q[name] != "kg" else "g"
    else:
        later(resource)
    known = f'{facts.one_name(resource["resourceType"])}/{source}-{resource["id"]}' if "id" in resource else None
    return f"{what} of {source} {resource['resourceType']}", known


def later(resource):
    """One minute later, whatever names its time."""
    for name in ("onsetDateTime", "effectiveDateTime", "performedDateTime", "date", "period", "performedPeriod"):
        at = resource.get(name)
        if isinstance(at, dict):
            at["start"] = minute_on(at["start"])
            return
        if at is not None:
            resource[name] = minute_on(at)
            return


def minute_on(text):
    minute = int(text[14:16])
    return f"{text[:14]}{minute + 1 if minute < 59 else minute - 1:02}{text[16:]}"


def clinical(together):
    return {c for c in together if next(iter(c)).split("/")[0] in facts.CLINICAL}


def progress(results, count, name):
    said = time.monotonic()
    for i, result in enumerate(results, 1):
        if time.monotonic() - said > 5:
            print(f"  {name}: {i} of {count}", flush=True)
            said = time.monotonic()
        yield result


def totals(verdicts):
    whole = {"pairs": len(verdicts), "share": found_share(verdicts)}
    for name in ("inputs", "outputs", "clustered", "conflicted", "found", "reasons"):
        whole[name] = dict(sum((getattr(v, name) for v in verdicts), Counter()))
    for name in ("clusters", "conflicts", "quarantined"):
        whole[name] = sum(getattr(v, name) for v in verdicts)
    return whole


def found_share(verdicts):
    inputs = sum(n for v in verdicts for t, n in v.inputs.items() if t in facts.CLINICAL)
    return sum(sum(v.found.values()) for v in verdicts) / inputs if inputs else 0.0


def table(verdicts, show):
    whole = totals(verdicts)
    print(f"\n{'type':<20}{'inputs':>8}{'outputs':>9}{'in clusters':>13}{'unclustered':>13}{'in conflicts':>14}{'quarantined':>13}{'found twin':>12}{'share':>9}")
    types = sorted(whole["inputs"], key=lambda t: (t not in facts.CLINICAL, t))
    for kind in [*types, "all"]:
        got = (lambda name: sum(whole[name].values())) if kind == "all" else (lambda name: whole[name].get(kind, 0))
        twin = f"{got('found'):>12}{got('found') / got('inputs'):>9.2%}" if kind in facts.CLINICAL else ""
        print(f"{kind:<20}{got('inputs'):>8}{got('outputs'):>9}{got('clustered'):>13}{got('outputs') - got('clustered'):>13}"
              f"{got('conflicted'):>14}{got('inputs') - got('outputs'):>13}{twin}")
    print(f"\n{whole['pairs']} pairs: {sum(whole['inputs'].values())} inputs, {sum(whole['outputs'].values())} outputs, "
          f"{whole['clusters']} clusters, {whole['conflicts']} conflicts, {whole['quarantined']} quarantined by $plan")
    print(f"clinical resources that found their twin: {whole['share']:.2%}")
    examples = {}
    for v in verdicts:
        for reason, example in v.examples.items():
            examples.setdefault(reason, example)
    for reason, n in sorted(whole["reasons"].items(), key=lambda x: -x[1])[:show]:
        print(f"  {n:>6}  {reason}; such as {examples[reason]}")


if __name__ == "__main__":
    main()

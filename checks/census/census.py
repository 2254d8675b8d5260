#!/usr/bin/env python3
"""Leaf census: every primitive leaf of every third-party resource is in what Severn makes of it, or named in a finding.

    census.py --severn BINARY --data DIR [--set SET …] [--limit N] [--jobs J] [--report FILE]

Reads each file with a reader of its own, asks `severn convert` what becomes of it, and compares. Per set: files,
resources, leaves, in the output, respelt (see compare.py), named in a finding, quarantined (the whole resource is
withheld with a reason), lost. Exits 1 when a leaf or a resource is lost, or the converter fails. Standard library only.
"""

import argparse
import json
import pathlib
import subprocess
import sys
import time
from collections import Counter, defaultdict
from concurrent.futures import ProcessPoolExecutor

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import leaves  # noqa: E402
from compare import Tally, same_resource  # noqa: E402

# Set -> the (folder below it, version) it is read as.
SETS = {
    "fhir-r4-examples": [("", "r4")],
    "fhir-stu3-examples": [("", "stu3")],
    "uk-core-r4": [("", "r4")],
    "gpconnect-stu3": [("", "stu3")],
    "careconnect-stu3": [("", "stu3")],
    "vendor-cerner": [("fhir.cerner.com/r4", "r4"), ("fhir.cerner.com/dstu2", "dstu2")],
    "smart-patients": [("smart-dstu2-xml", "dstu2"), ("smart-stu3", "stu3")],
    "invalid": [("", "r4")],
    "edge": [("", "stu3")],
    "synthea": [
        ("smart-dstu2-stu3-pairs/dstu2", "dstu2"), ("smart-dstu2-stu3-pairs/stu3", "stu3"),
        ("smart-r4", "r4"), ("intersystems-iris-template-r4", "r4"),
    ],
}
KINDS = {".json", ".xml", ".ttl"}
BATCH_BYTES = 8_000_000
COLUMNS = ("files", "refused", "resources", "quarantined", "leaves", "in output", "respelt", "named", "held back", "lost")


def main():
    args = arguments()
    data, whole, bad = pathlib.Path(args.data), {}, False
    started = time.monotonic()
    with ProcessPoolExecutor(args.jobs) as pool:
        for name in args.set or SETS:
            if not (data / name).is_dir():
                print(f"{name}: not in {data}, skipped")
                continue
            batches = [b for folder, version in SETS[name] for b in in_batches(data / name / folder, version, args.limit)]
            tally = Tally()
            for part in pool.map(batch_tally, [args.severn] * len(batches), batches):
                tally.add(part)
            whole[name] = tally
            bad |= report(name, tally, args.show)
            # For the summary of a test run.
            print(f"third-party: {name} " + " ".join(f"{c.replace(' ', '_')}={tally.count[c]}" for c in COLUMNS), flush=True)
    table(whole)
    if args.report:
        pathlib.Path(args.report).write_text(json.dumps({n: dict(t.count) for n, t in whole.items()}, indent=1))
    lost = sum(t.count["lost"] for t in whole.values())
    print(f"census: {sum(t.count['leaves'] for t in whole.values())} leaves, {lost} lost, {time.monotonic() - started:.0f} s")
    sys.exit(1 if bad or not whole else 0)


def arguments():
    parse = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parse.add_argument("--severn", required=True)
    parse.add_argument("--data", required=True)
    parse.add_argument("--set", action="append", choices=SETS, help="only these")
    parse.add_argument("--limit", type=int, help="files of each folder, for a quick look")
    parse.add_argument("--jobs", type=int, default=2)
    parse.add_argument("--show", type=int, default=12, help="lost leaves to show per set (12)")
    parse.add_argument("--report", help="write the counts here as JSON")
    return parse.parse_args()


def in_batches(folder, version, limit):
    files = sorted(p for p in folder.rglob("*") if p.suffix in KINDS)
    batch, size = [], 0
    for file in files[:limit]:
        batch.append(str(file))
        size += file.stat().st_size
        if size > BATCH_BYTES or len(batch) >= 100:
            yield version, batch
            batch, size = [], 0
    if batch:
        yield version, batch


def batch_tally(severn, batch):
    """Converts some files and compares each; a converter that fails loses every file it did not answer for."""
    version, files = batch
    tally = Tally()
    done = subprocess.run([severn, "convert", "--from", version, *files], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    answers = {}
    try:
        answers = {a["file"]: a for a in json_values(done.stdout.decode("utf-8"))}
    except (ValueError, KeyError, TypeError) as error:
        tally.notes[f"the converter's answer cannot be read: {error}"] += 1
    if done.returncode:
        tally.notes[f"severn convert exits {done.returncode}: {done.stderr.decode(errors='replace').strip()[-300:]}"] += 1
        tally.count["failed"] += 1
    for file in files:
        tally.count["files"] += 1
        if file in answers:
            compare_file(file, answers[file], tally)
        else:
            tally.count["failed"] += 1
            tally.notes[f"no answer for {file}"] += 1
    return tally


def json_values(text):
    """The values of a stream of JSON, on lines or not."""
    decoder, at = json.JSONDecoder(parse_float=leaves.Word, parse_int=leaves.Word), 0
    while at < len(text):
        if text[at].isspace():
            at += 1
            continue
        value, at = decoder.raw_decode(text, at)
        yield value


def compare_file(file, answer, tally):
    short = "/".join(pathlib.Path(file).parts[-3:])
    try:
        inputs, unreadable = leaves.resources(pathlib.Path(file).read_bytes()), None
    except leaves.Unreadable as error:
        inputs, unreadable = [], str(error)
    if answer.get("refused"):
        tally.count["refused"] += 1
        tally.refused.append((short, answer["refused"], unreadable))
        tally.count["refused leaves"] += sum(len(rows) for _, _, rows in inputs)
        return
    tally.count["resources"] += len(inputs)
    held = answer.get("quarantined", [])
    pairing = paired(inputs, answer.get("resources", []), {(q.get("kind"), q["id"]) for q in held if q.get("id")}, tally, short)
    quarantined = Counter(q.get("kind") for q in held)
    for (kind, own, rows), outputs in zip(inputs, pairing):
        if outputs:
            same_resource(kind, own, outputs, tally, short, rows)
        elif quarantined[kind] > 0:
            quarantined[kind] -= 1
            tally.count["quarantined"] += 1
            tally.count["leaves"] += len(rows)
            tally.count["held back"] += len(rows)
        else:
            tally.count["leaves"] += len(rows)
            tally.count["lost"] += len(rows)
            tally.lost_paths[f"{kind} (the whole resource)"] += len(rows)
            tally.lost.append((short, f"{kind}/{own}", "the whole resource", f"{len(rows)} leaves"))


def paired(inputs, outputs, held, tally, short):
    """Which outputs belong to each input: by type and id, else by type and order. What is held back has none."""
    found = [[] for _ in inputs]
    spare = defaultdict(list)
    # The same resource said twice, word for word, is one resource: its leaves are where the first one's are.
    first, wanted = {}, defaultdict(list)
    for place, (kind, own, rows) in enumerate(inputs):
        if own and first.setdefault((kind, own, repr(rows)), place) == place:
            wanted[kind, own].append(place)
    for output in outputs:
        places = wanted.get((output.get("from"), output.get("id")))
        if places:
            found[places[0]].append(output)
            places[:] = places[1:] or places
        else:
            spare[output.get("from")].append(output)
    for place, (kind, own, rows) in enumerate(inputs):
        found[place] = found[first.get((kind, own, repr(rows)), place)]
    for place, (kind, own, _) in enumerate(inputs):
        if not found[place] and spare[kind] and (kind, own) not in held:
            found[place].append(spare[kind].pop(0))
    if extra := [o for rest in spare.values() for o in rest]:
        tally.notes["outputs that belong to no input"] += len(extra)
        tally.notes[f"  such as {extra[0].get('from')}/{extra[0].get('id')} of {short}"] += 1
    return found


def report(name, tally, show):
    """What went wrong in one set; returns whether anything did."""
    for note, n in tally.notes.most_common(show):
        print(f"  {name}: {note}" + (f" ({n})" if n > 1 else ""))
    for file, kind, path, value in tally.lost[:show]:
        print(f"  {name}: LOST {path} = {value[:80]!r} of {kind} in {file}")
    if len(tally.lost_paths) > 1:
        common = ", ".join(f"{p} {n}" for p, n in tally.lost_paths.most_common(show))
        print(f"  {name}: lost most often: {common}")
    could = [(f, why) for f, why, unreadable in tally.refused if unreadable is None]
    for file, why in could[:show]:
        print(f"  {name}: refused though readable: {file}: {str(why)[:140]}")
    if len(could) > show:
        print(f"  {name}: … and {len(could) - show} more refused though readable")
    return bool(tally.count["lost"] or tally.count["failed"])


def table(whole):
    print(f"\n{'set':<20}" + "".join(f"{c:>12}" for c in COLUMNS))
    total = Tally()
    for name, tally in whole.items():
        total.count += tally.count
        print(f"{name:<20}" + "".join(f"{tally.count[c]:>12}" for c in COLUMNS))
    print(f"{'all':<20}" + "".join(f"{total.count[c]:>12}" for c in COLUMNS))


if __name__ == "__main__":
    main()

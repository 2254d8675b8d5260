#!/usr/bin/env python3
"""Runs test commands, shows what matters as they go, and sums them up.

Reads the output of cargo-nextest and of `cargo test -- --show-output`. What passing tests print is kept
in the log and not shown, but for lines `third-party: SET files=N …`, which are gathered into a table.
Exits 1 when a command failed, or when no test ran at all.
"""

import argparse
import os
import re
import shlex
import subprocess
import sys
import time
from collections import Counter

NEXTEST = re.compile(r"^\s*(?:\(.*?\)\s*)?(PASS|FAIL|SLOW|TIMEOUT|TERMINATING|LEAK|SIGABRT|SIGSEGV|ABORT|TRY \d+ \w+)\s+\[.*?\]\s+(?:\(\s*\d+/\d+\)\s+)?(\S+)\s+(.+)$")
CARGO_TEST = re.compile(r"^test (.+?)(?: - should panic)? \.\.\. (ok|FAILED|ignored.*)$")
GOLDEN = re.compile(r"(?:^|::| )golden_(\d\d)_")
LAW = re.compile(r"(?:^|::| )(?:laws::|law_)")
THIRD_PARTY = re.compile(r"third-party: (\S+)\s*(.*)$")
# What ends the output of a passing test: lines of the runner's own, which indents what tests print by four.
LOUD = re.compile(r"^(?:error|failures:|test result:|warning|-----|────)|^ +(?:Compiling|Doc-tests|Finished|Running|Summary) ")
NUMBER = re.compile(r"(\w+)=(\d+)")


class Tally:
    """What has been seen so far, over all commands."""

    def __init__(self):
        self.outcome = {}  # "package test" -> passed | failed | skipped
        self.sets = {}  # third-party set -> its words
        self.files = Counter()

    def test(self, name, outcome):
        # A test that is retried or reported again at the end keeps its worst word but once.
        if self.outcome.get(name) != "failed":
            self.outcome[name] = outcome

    def third_party(self, line):
        found = THIRD_PARTY.search(line)
        if not found:
            return
        # One set may be read in several versions: words before the numbers tell them apart. The same line may be
        # printed again in a closing summary; it counts once.
        name = " ".join([found[1], *(w for w in found[2].split() if "=" not in w)])
        self.sets[name] = " ".join(w for w in found[2].split() if "=" in w)
        self.files[name] = int(dict(NUMBER.findall(found[2])).get("files", 0))

    def count(self, outcome, pattern=None):
        return sum(1 for n, o in self.outcome.items() if o == outcome and (pattern is None or pattern.search(n)))


def follow(command, tally, log):
    """Runs one command; returns whether it succeeded."""
    print(f"$ {command}", flush=True)
    log.write(f"$ {command}\n")
    process = subprocess.Popen(shlex.split(command), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
    quiet = False  # inside the output of a passing test
    scope = "-"  # which test binary speaks; cargo test names only the tests
    passed = 0
    said = time.monotonic()
    for line in process.stdout:
        log.write(line)
        tally.third_party(line)
        text = line.rstrip("\n")
        nextest, cargo = NEXTEST.match(text), CARGO_TEST.match(text)
        if nextest:
            ok = nextest[1] in ("PASS", "LEAK")
            if ok or nextest[1] not in ("SLOW", "TERMINATING"):
                tally.test(f"{nextest[2]} {nextest[3]}", "passed" if ok else "failed")
            quiet = ok
            passed += ok
        elif cargo:
            outcome = {"ok": "passed", "FAILED": "failed"}.get(cargo[2], "skipped")
            tally.test(f"{scope} {cargo[1]}", outcome)
            quiet = outcome != "failed"
            passed += outcome == "passed"
        elif text.startswith("successes:"):
            quiet = True
        elif LOUD.match(text):
            quiet = False
            if text.lstrip().startswith(("Running", "Doc-tests")):
                scope = "".join(text.split())
        if time.monotonic() - said > 10 and passed:
            print(f"  … {passed} tests passed so far", flush=True)
            said = time.monotonic()
        if not quiet and text.strip():
            print(text, flush=True)
    return process.wait() == 0


def show(tally):
    golden = {found[1] for n, o in tally.outcome.items() if o == "passed" and (found := GOLDEN.search(n))}
    print("\nwhat ran")
    print(f"  golden cases      {len(golden):>6}  ({', '.join(sorted(golden)) or 'none'})")
    print(f"  laws (proptest)   {tally.count('passed', LAW):>6}")
    if tally.sets:
        print(f"  third-party files {sum(tally.files.values()):>6}")
        for name in sorted(tally.sets):
            print(f"    {name:<24} {tally.sets[name]}")
    else:
        why = "no test said that it read any" if os.environ.get("SEVERN_DATA") else "SEVERN_DATA is not set: those tests were skipped"
        print(f"  third-party files      0  ({why})")
    print(f"{tally.count('passed')} passed, {tally.count('failed')} failed, {tally.count('skipped')} skipped")


def main():
    parse = argparse.ArgumentParser(description=__doc__)
    parse.add_argument("--run", action="append", required=True, help="a test command; may be repeated")
    parse.add_argument("--log", required=True, help="where the whole output goes")
    args = parse.parse_args()
    tally, good = Tally(), True
    with open(args.log, "w", encoding="utf-8") as log:
        for command in args.run:
            good &= follow(command, tally, log)
    show(tally)
    if not good:
        print(f"tests failed; the whole output is in {args.log}")
    if not tally.outcome:
        print("no test ran")
    sys.exit(0 if good and tally.outcome and not tally.count("failed") else 1)


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Schemathesis against a running demo: the OpenAPI document is true, nothing answers 5xx, and nobody is answered without a token.

  openapi.py --severn BINARY --schemathesis PROGRAM [--examples N] [--seconds N] [--include REGEX]
"""

import argparse
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "clients"))
from drive import Demo, token_in  # noqa: E402

# A source of the demo is made to fail, so that a read of it alone may say 502 or 504: that is what it is to say.
CHECKS = "status_code_conformance,content_type_conformance,response_schema_conformance,response_headers_conformance,ignored_auth,unsupported_method"


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--severn", required=True)
    arguments.add_argument("--schemathesis", required=True)
    arguments.add_argument("--examples", default="5")
    arguments.add_argument("--seed", default="1")
    arguments.add_argument("--seconds", default="120")
    arguments.add_argument("--include", default="")
    given = arguments.parse_args()
    demo = Demo(given.severn)
    try:
        root = demo.base.removesuffix("/fhir/R4")
        command = [
            given.schemathesis, "run", f"{root}/openapi.json", "--url", root, "--header", f"Authorization: Bearer {token_in(demo.said)}",
            "--checks", CHECKS, "--max-examples", given.examples, "--seed", given.seed, "--max-time", given.seconds, "--generation-database", "none",
            "--phases", "examples,coverage,fuzzing", "--request-timeout", "30", "--no-color", "--continue-on-failure",
            "--warnings", "off",
        ]  # fmt: skip
        if given.include:
            command += ["--include-path-regex", given.include]
        status = subprocess.run(command, check=False).returncode
        if demo.process.poll() is not None or "panicked" in demo.said:
            print("WRONG: the exchange ended, or panicked:\n", demo.said[-3000:])
            status = 1
    finally:
        demo.stop()
    sys.exit(status)


main()

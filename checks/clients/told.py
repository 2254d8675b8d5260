"""What the Python clients are told, and how they report: one line a step."""

import json
import os
import sys
import traceback

CONTEXT = json.loads(os.environ["SEVERN_CONTEXT"])
NHS_NUMBER = "https://fhir.nhs.uk/Id/nhs-number"


class Steps:
    def __init__(self):
        self.failed = 0

    def __call__(self, name):
        """Decorates a step: it passes unless it raises."""
        def run(step):
            try:
                said = step()
                print(f"  ok      {name}" + (f" ({said})" if said else ""))
            except Exception as error:  # Every step is tried; each failure is told.
                self.failed += 1
                print(f"  FAILED  {name}: {type(error).__name__}: {str(error)[:300]}")
                if os.environ.get("TRACE"):
                    traceback.print_exc()
            return step
        return run

    def close(self):
        sys.exit(1 if self.failed else 0)


def outcome(text):
    """The first issue of an OperationOutcome; raises if it is none."""
    body = json.loads(text) if isinstance(text, (str, bytes)) else text
    if body.get("resourceType") != "OperationOutcome" or not body.get("issue"):
        raise AssertionError(f"not an OperationOutcome: {str(body)[:200]}")
    return body["issue"][0]["code"]


def once(resources):
    """Raises when a resource came twice over the pages; returns how many came."""
    keys = [(r.resource_type, r.id) for r in resources]
    if len(keys) != len(set(keys)):
        raise AssertionError(f"{len(keys) - len(set(keys))} resources came twice")
    return len(keys)

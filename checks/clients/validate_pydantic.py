"""Structural validation of captured answers with `fhir.resources`: its R4B models, the nearest it has to R4, or STU3's.

    validate_pydantic.py FOLDER [STU3]
"""

import importlib
import json
import pathlib
import sys
from collections import Counter

from pydantic import ValidationError


def parts(resource):
    """A Bundle's entries each by itself, so that a complaint names its resource; then the Bundle without them."""
    if resource.get("resourceType") != "Bundle":
        yield resource
        return
    for entry in resource.get("entry", []):
        if "resource" in entry:
            yield from parts(entry["resource"])
    yield {**resource, "entry": [{k: v for k, v in e.items() if k != "resource"} for e in resource.get("entry", [])]} if "entry" in resource else resource


def model(version, kind):
    return getattr(importlib.import_module(f"fhir.resources.{version}.{kind.lower()}"), kind)


def main():
    folder, version = pathlib.Path(sys.argv[1]), (sys.argv[2:] or ["R4B"])[0]
    complaints, where, answers, resources = Counter(), {}, 0, 0
    for file in sorted(folder.glob("*.json")):
        answers += 1
        for resource in parts(json.loads(file.read_text("utf-8"))):
            resources += 1
            kind = resource.get("resourceType", "?")
            try:
                model(version, kind).model_validate(resource)
            except ValidationError as error:
                for e in error.errors():
                    place = ".".join(str(p) for p in e["loc"] if not isinstance(p, int))
                    words = f"{kind}: {e['msg'][:160]} at {place}"
                    complaints[words] += 1
                    where.setdefault(words, f"{file.name} {resource.get('id')}")
            except (ImportError, AttributeError):
                complaints[f"{kind} is no {version} resource"] += 1
                where.setdefault(f"{kind} is no {version} resource", file.name)
    for words, times in complaints.most_common():
        print(f"  FAILED  {words} ({times} times, such as {where[words]})")
    print(f"  {'FAILED' if complaints else 'ok    '}  fhir.resources ({version}): {answers} answers, {resources} resources, {len(complaints)} kinds of complaint")
    sys.exit(1 if complaints or not answers else 0)


if __name__ == "__main__":
    main()

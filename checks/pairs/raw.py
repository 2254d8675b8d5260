"""The raw pairs: one Synthea person in a DSTU2 file and in an STU3 file of the same name.

Files are read with numbers as written, so that what is served is what the file says. Nothing here knows Severn.
"""

import copy
import json
import pathlib
import random
import re
from dataclasses import dataclass, field
from datetime import date, timedelta

NHS_NUMBER = "https://fhir.nhs.uk/Id/nhs-number"
# How far the STU3 half stands before the DSTU2 half, in days: measured on all 150 pairs.
BEHIND = {"AllergyIntolerance": 1343, "Immunization": 0}
BEHIND_OTHERWISE = 429
DATE = re.compile(r"^(\d{4}-\d\d-\d\d)(T\d\d:\d\d.*)?$")


class Number(str):
    """A JSON number that keeps its digits."""


def loads(text):
    return json.loads(text, parse_float=Number, parse_int=Number)


def dumps(node):
    if isinstance(node, Number):
        return str(node)
    if isinstance(node, dict):
        return "{" + ",".join(json.dumps(k) + ":" + dumps(v) for k, v in node.items()) + "}"
    if isinstance(node, list):
        return "[" + ",".join(map(dumps, node)) + "]"
    return json.dumps(node, ensure_ascii=False)


def nhs_numbers():
    """Test numbers 999 …, those with a valid check digit, in order."""
    for middle in range(1, 1_000_000):
        digits = f"999{middle:06}"
        check = 11 - sum(int(d) * (10 - i) for i, d in enumerate(digits)) % 11
        if check != 10:
            yield digits + str(check % 11)


def moved(node, days):
    """The same resource with every whole date in it later by so many days; times and offsets stay."""
    if isinstance(node, dict):
        return {k: moved(v, days) for k, v in node.items()}
    if isinstance(node, list):
        return [moved(v, days) for v in node]
    if isinstance(node, str) and not isinstance(node, Number) and (found := DATE.match(node)):
        return (date.fromisoformat(found[1]) + timedelta(days=days)).isoformat() + (found[2] or "")
    return node


def move(resource):
    return moved(resource, BEHIND.get(resource["resourceType"], BEHIND_OTHERWISE))


@dataclass
class Half:
    """What one of the two servers holds of one person."""

    entries: list  # of {"fullUrl"?, "resource"}, as in the file
    by_key: dict = field(default_factory=dict)  # "Type/id" and "urn:uuid:…" -> resource

    def __post_init__(self):
        for entry in self.entries:
            resource = entry["resource"]
            if "id" in resource:
                self.by_key[f'{resource["resourceType"]}/{resource["id"]}'] = resource
            if "fullUrl" in entry:
                self.by_key[entry["fullUrl"]] = resource

    @property
    def resources(self):
        return [e["resource"] for e in self.entries]

    @property
    def patient(self):
        return next(r for r in self.resources if r["resourceType"] == "Patient")


@dataclass
class Pair:
    name: str
    number: str
    dstu2: Half
    stu3: Half

    def halves(self):
        return {"dstu2": self.dstu2, "stu3": self.stu3}


def lay_over(half, number):
    half.patient.setdefault("identifier", []).append({"use": "official", "system": NHS_NUMBER, "value": number})
    return half


def load(folder, limit=None, move_back=True):
    """All pairs of a folder with `dstu2` and `stu3` in it, by file name; the nth gets the nth test number."""
    folder = pathlib.Path(folder)
    names = sorted(p.name for p in (folder / "dstu2").glob("*.json") if (folder / "stu3" / p.name).exists())
    pairs = []
    for name, number in zip(names[:limit], nhs_numbers()):
        old = loads((folder / "dstu2" / name).read_text("utf-8"))["entry"]
        new = loads((folder / "stu3" / name).read_text("utf-8"))["entry"]
        if move_back:
            new = [{**e, "resource": move(e["resource"])} for e in new]
        pairs.append(Pair(name.removesuffix(".json"), number, lay_over(Half(old), number), lay_over(Half(new), number)))
    return pairs


def shuffled(pairs, seed):
    """The same pairs, each half's entries in another order."""
    dice = random.Random(seed)
    for pair in pairs:
        for half in pair.halves().values():
            dice.shuffle(half.entries)
    return pairs


def copied(pair):
    return copy.deepcopy(pair)

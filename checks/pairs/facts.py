"""Which fact a resource states: type, code, time and value, read from DSTU2, STU3 or R4 alike.

Two resources are twins when these four are equal; allergies when their codes are (the halves date them apart).
This is the judge, so it is plain and its own: nothing is taken from Severn.
"""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timezone
from decimal import Decimal, InvalidOperation

ONE_NAME = {"MedicationOrder": "MedicationRequest"}
CLINICAL = (
    "AllergyIntolerance", "CarePlan", "Condition", "DiagnosticReport", "Encounter",
    "Immunization", "MedicationRequest", "Observation", "Procedure",
)


@dataclass(frozen=True)
class Fact:
    type: str
    code: tuple
    time: tuple
    value: tuple

    def __str__(self):
        return f"{self.type} {self.code} at {self.time} = {self.value}"


def one_name(kind):
    return ONE_NAME.get(kind, kind)


def several(node):
    return node if isinstance(node, list) else [] if node is None else [node]


def codes(concepts):
    """The codes of one or more concepts; their words where there is no code."""
    found = set()
    for concept in several(concepts):
        if isinstance(concept, str):
            found.add(concept)
            continue
        codings = [c["code"] for c in concept.get("coding", [concept]) if "code" in c]
        found.update(codings or ([f'“{concept["text"]}”'] if concept.get("text") else []))
    return tuple(sorted(found))


def instant(text):
    """A time as an instant; a date as the date. A day is never a time on that day."""
    if text is None or "T" not in text:
        return text
    when = datetime.fromisoformat(text.replace("Z", "+00:00"))
    return when.astimezone(timezone.utc).isoformat()


def times(resource, *names):
    """The first of the elements that is there; a period gives both ends."""
    for name in names:
        at = resource.get(name)
        if isinstance(at, dict):
            return (instant(at.get("start")), instant(at.get("end")))
        if at is not None:
            return (instant(at),)
    return ()


def number(text):
    try:
        return str(Decimal(str(text)).normalize())
    except InvalidOperation:
        return str(text)


def quantity(q):
    return (number(q.get("value")), q.get("code") or q.get("unit")) if q else ()


def value(node):
    if "valueQuantity" in node:
        return ("quantity", *quantity(node["valueQuantity"]))
    if "valueCodeableConcept" in node:
        return ("concept", *codes(node["valueCodeableConcept"]))
    if "valueString" in node:
        return ("string", node["valueString"])
    parts = [(codes(c.get("code")), value(c)) for c in node.get("component", [])]
    return ("components", *sorted(parts)) if parts else ()


def dose(line):
    repeat = line.get("timing", {}).get("repeat", {})
    rates = line.get("doseAndRate", [{}])
    return (
        quantity(line.get("doseQuantity") or rates[0].get("doseQuantity")),
        number(repeat["frequency"]) if "frequency" in repeat else None,
        number(repeat["period"]) if "period" in repeat else None,
        repeat.get("periodUnit") or repeat.get("periodUnits"),
        line.get("asNeededBoolean"),
    )


def medication(resource, find):
    """The medicine's codes, in the prescription, contained in it, or referred to."""
    if "medicationCodeableConcept" in resource:
        return codes(resource["medicationCodeableConcept"])
    reference = resource.get("medicationReference", {}).get("reference", "")
    for inner in resource.get("contained", []):
        if reference == "#" + inner.get("id", ""):
            return codes(inner.get("code"))
    found = find(reference)
    return codes(found.get("code")) if found else (f"unresolved {reference}",)


def fact(resource, find):
    """The fact a resource states, or None for a type not judged here. `find` resolves a reference."""
    kind = one_name(resource["resourceType"])
    r = resource
    match kind:
        case "AllergyIntolerance":
            return Fact(kind, codes(r.get("code") or r.get("substance")), (), ())
        case "CarePlan":
            details = [codes(a.get("detail", {}).get("code")) for a in r.get("activity", [])]
            return Fact(kind, codes(r.get("category")), times(r, "period"), tuple(sorted(details)))
        case "Condition":
            ends = times(r, "abatementDateTime")
            return Fact(kind, codes(r.get("code")), times(r, "onsetDateTime"), ends)
        case "DiagnosticReport":
            names = sorted(x.get("display", "") for x in r.get("result", []))
            return Fact(kind, codes(r.get("code")), times(r, "effectiveDateTime"), tuple(names))
        case "Encounter":
            return Fact(kind, codes(r.get("type")), times(r, "period"), ())
        case "Immunization":
            undone = r.get("wasNotGiven") or r.get("notGiven") or r.get("status") == "not-done"
            return Fact(kind, codes(r.get("vaccineCode")), times(r, "date", "occurrenceDateTime"), (bool(undone),))
        case "MedicationRequest":
            doses = tuple(dose(d) for d in r.get("dosageInstruction", []))
            return Fact(kind, medication(r, find), times(r, "dateWritten", "authoredOn"), doses)
        case "Observation":
            return Fact(kind, codes(r.get("code")), times(r, "effectiveDateTime", "effectivePeriod"), value(r))
        case "Procedure":
            return Fact(kind, codes(r.get("code")), times(r, "performedDateTime", "performedPeriod"), ())
        # What carries no clinical fact by itself, told apart well enough to see two of them confused.
        case "Goal":
            return Fact(kind, codes(r.get("description")), (), (codes(r.get("statusReason")),))
        case "Medication":
            return Fact(kind, codes(r.get("code")), (), ())
        case "Organization":
            return Fact(kind, (r.get("name"),), (), ())
        case "Patient":
            return Fact(kind, (r.get("gender"),), (r.get("birthDate"),), ())
    return None


def stated(half):
    """(fact, resource) of every resource of one half, as the raw file says."""
    return [(f, r) for r in half.resources if (f := fact(r, half.by_key.get))]


def by_fact(half):
    found = defaultdict(list)
    for f, r in stated(half):
        found[f].append(r)
    return found


def forbids(one, other):
    """Why section 4 keeps two statements of one fact out of one cluster, or None.

    Only two stated values differ; an absent one differs from nothing.
    """
    for name in ("criticality", "verificationStatus"):
        a, b = one.get(name), other.get(name)
        a, b = (codes(x) if isinstance(x, dict) else x for x in (a, b))
        if a and b and a != b:
            return f"{name} {a} against {b}"
    if one["resourceType"] == "AllergyIntolerance":
        return None
    statuses = one.get("status"), other.get("status")
    if "entered-in-error" in statuses and statuses[0] != statuses[1]:
        return f"status {statuses[0]} against {statuses[1]}"
    return None

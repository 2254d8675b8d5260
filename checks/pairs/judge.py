"""Judges one answer against the raw pair it came from: nothing lost, nothing invented, no two facts in one cluster."""

from collections import Counter, defaultdict
from dataclasses import dataclass, field

import facts
import wire

SUM = ("single", "clustered", "collapsed", "history", "filtered", "withheld", "quarantined")


@dataclass
class Verdict:
    """What one pair came to. Counters by type (R4 names)."""

    name: str
    inputs: Counter = field(default_factory=Counter)
    outputs: Counter = field(default_factory=Counter)
    clustered: Counter = field(default_factory=Counter)
    conflicted: Counter = field(default_factory=Counter)
    found: Counter = field(default_factory=Counter)  # inputs that share a cluster or a due conflict with their twin
    clusters: int = 0
    conflicts: int = 0
    quarantined: int = 0
    reasons: Counter = field(default_factory=Counter)  # why an input did not find its twin
    examples: dict = field(default_factory=dict)
    problems: list = field(default_factory=list)
    together: set = field(default_factory=set)  # each cluster as the set of its members' keys

    def missed(self, fact, why):
        self.reasons[f"{fact.type}: {why}"] += 1
        self.examples.setdefault(f"{fact.type}: {why}", f"{self.name}: {fact}")


class Origins:
    """Which raw resource each resource of the answer came from."""

    def __init__(self, pair, answer, verdict):
        self.raw = {}  # answer key -> (source, raw resource, fact)
        self.left = {}  # (source, index of raw resource) -> (fact, resource), those not met in the answer
        self.verdict = verdict
        for source, half in pair.halves().items():
            for i, r in enumerate(half.resources):
                self.left[source, i] = (facts.fact(r, half.by_key.get), r)
                verdict.inputs[facts.one_name(r["resourceType"])] += 1
        by_id = {(s, facts.one_name(r["resourceType"]), r["id"]): (s, i) for (s, i), (_, r) in self.left.items() if "id" in r}
        nameless = []
        for key, resource in answer.resources.items():
            source = next(iter(wire.tags(resource, "urn:severn:source")), None)
            if source is None:
                if resource["resourceType"] != "Patient":
                    verdict.problems.append(f"{key} has no source tag")
                continue
            verdict.outputs[resource["resourceType"]] += 1
            place = by_id.get((source, resource["resourceType"], resource["id"].removeprefix(source + "-")))
            if place:
                self.met(key, place)
            else:
                nameless.append((key, source, resource))
        for key, source, resource in nameless:
            self.match(key, source, resource, answer)

    def met(self, key, place):
        fact, resource = self.left.pop(place, (None, None))
        if resource is None:
            self.verdict.problems.append(f"{key} came from a resource that is already in the answer")
            return
        self.raw[key] = (place[0], resource, fact)

    def match(self, key, source, resource, answer):
        """A resource that came without an id is known by its fact; codes may have been added, never taken away."""
        said = facts.fact(resource, lambda ref: answer.resources.get(ref))
        for place, (fact, candidate) in self.left.items():
            if place[0] != source or "id" in candidate or fact is None or said is None or fact.type != said.type:
                continue
            if set(fact.code) <= set(said.code) and (fact.time, fact.value) == (said.time, said.value):
                self.met(key, place)
                return
        self.verdict.problems.append(f"{key} from {source} states what no input says: {said}")


def judge(pair, answer, rows):
    verdict = Verdict(pair.name, problems=[f"{pair.name}: {p}" for p in answer.problems])
    origins = Origins(pair, answer, verdict)
    purity(verdict, answer, origins)
    twins(verdict, pair, answer, origins)
    accounts(verdict, pair, answer, rows, origins)
    verdict.problems = [p if p.startswith(pair.name) else f"{pair.name}: {p}" for p in verdict.problems]
    return verdict


def purity(verdict, answer, origins):
    """No cluster holds two facts; tags and Linkage say the same."""
    linked = {frozenset(c) for c in answer.clusters}
    if linked != {frozenset(m) for m in answer.tagged.values()}:
        verdict.problems.append("the cluster tags and the Linkage resources differ")
    for cluster in answer.clusters:
        verdict.clusters += 1
        members = [origins.raw[k] for k in cluster if k in origins.raw]
        for key in cluster:
            verdict.clustered[key.split("/")[0]] += 1
        if len(members) != len(cluster):
            unknown = [k for k in cluster if k not in origins.raw and k not in answer.resources]
            if unknown:
                verdict.problems.append(f"a cluster names {unknown}, not in the answer")
        said = {fact for _, _, fact in members}
        if len(said) > 1:
            verdict.problems.append(f"one cluster holds {len(said)} facts: {' | '.join(map(str, said))}")
        for i, (_, one, _) in enumerate(members):
            for _, other, _ in members[i + 1:]:
                if why := facts.forbids(one, other):
                    verdict.problems.append(f"one cluster holds what section 4 forbids: {why}")
    verdict.conflicts = len(answer.conflicts)
    for conflict in answer.conflicts:
        for key in conflict:
            verdict.conflicted[key.split("/")[0]] += 1


def twins(verdict, pair, answer, origins):
    """Which inputs share a cluster, or a conflict that is due, with the same fact from the other source."""
    mates = defaultdict(set)
    for cluster in answer.clusters:
        verdict.together.add(frozenset(cluster))
        for key in cluster:
            mates[key].update(cluster)
    disputed = defaultdict(set)
    for conflict in answer.conflicts:
        for key in conflict:
            disputed[key].update(conflict)
    alike = Counter((s, f) for s, _, f in origins.raw.values())
    there = {v: facts.by_fact(h) for v, h in pair.halves().items()}
    for key, (source, one, fact) in origins.raw.items():
        if fact is None or fact.type not in facts.CLINICAL:
            continue
        other = "stu3" if source == "dstu2" else "dstu2"

        def twin(mate):
            return mate in origins.raw and origins.raw[mate][0] == other and origins.raw[mate][2] == fact

        in_conflict = [m for m in disputed[key] if twin(m)]
        if any(map(twin, mates[key])):
            verdict.found[fact.type] += 1
        elif any(facts.forbids(one, origins.raw[m][1]) for m in in_conflict):
            verdict.found[fact.type] += 1
        elif fact not in there[other]:
            verdict.missed(fact, "has no twin in the raw files")
        elif in_conflict:
            verdict.missed(fact, "in a conflict where none is due")
        elif alike[source, fact] > 1:
            verdict.missed(fact, "several alike in one source, left single")
        else:
            verdict.missed(fact, "left single")
    for (source, _), (fact, resource) in origins.left.items():
        if fact and fact.type in facts.CLINICAL:
            verdict.missed(fact, "not in the answer (quarantined)")


def accounts(verdict, pair, answer, rows, origins):
    """`$plan` adds up, and agrees with what was served and with what came."""
    said = defaultdict(Counter)
    for row in rows:
        numbers = {k: int(row.get(k) or 0) for k in ("in", *SUM)}
        if numbers["in"] != sum(numbers[k] for k in SUM):
            verdict.problems.append(f"$plan does not add up: {row}")
        for name, n in numbers.items():
            said[row.get("source")][name] += n
    lost = Counter(place[0] for place in origins.left)
    for source, half in pair.halves().items():
        verdict.quarantined += said[source]["quarantined"]
        if said[source]["in"] != len(half.resources):
            verdict.problems.append(f"$plan says {said[source]['in']} came from {source}, which served {len(half.resources)}")
        gone = said[source]["quarantined"] + said[source]["history"] + said[source]["filtered"]
        if gone != lost[source]:
            kinds = Counter(r["resourceType"] for (s, _), (_, r) in origins.left.items() if s == source)
            verdict.problems.append(f"{lost[source]} of {source} are not in the answer ({dict(kinds)}), $plan accounts for {gone}")
        grouped = sum(1 for members in answer.tagged.values() for k in members if origins.raw.get(k, ("",))[0] == source)
        if grouped != said[source]["clustered"]:
            verdict.problems.append(f"{grouped} of {source} carry a cluster tag, $plan says {said[source]['clustered']}")

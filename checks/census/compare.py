"""Is each leaf of an input in the output, or named in a finding?

Values are consumed as they are met: a value that stands three times in the input must stand three times in the
output. Four kinds may be spelt anew without being lost, and are counted apart as "respelt":
ids and references (Severn mints its own), system URIs (known spellings are normalised, next to the same code or
value), and attachment and Binary addresses (which lead through the exchange).
"""

import re
from collections import Counter, defaultdict

import leaves

SEGMENT = re.compile(r"^([^\[\]]+)(?:\[(\d+)\])?$")
MINTED = re.compile(r"(?:^|/)[a-z0-9]{1,12}\.h\.[a-z2-7]+")


def finding_path(text):
    """`Patient.contact[0].gender` as ((name, position or None), …); None for what is no element path."""
    segments = []
    for part in (text or "").split("."):
        found = SEGMENT.match(part)
        if not found:
            return None
        segments.append((found[1].lstrip("_"), int(found[2]) if found[2] else None))
    return tuple(segments)


class Named:
    """What the findings name. A path names every leaf below it; the root alone names nothing."""

    def __init__(self, findings):
        self.exact = defaultdict(list)  # names without positions -> the paths
        self.roots = 0
        for finding in findings or []:
            path = finding_path(finding.get("path"))
            if path and len(path) > 1:
                self.exact[tuple(n for n, _ in path)].append(path)
            elif path:
                self.roots += 1

    def __contains__(self, leaf_path):
        names = tuple(n for n, _ in leaf_path)
        for end in range(2, len(names) + 1):
            for path in self.exact.get(names[:end], ()):
                if all(at is None or at == place for (_, at), (_, place) in zip(path, leaf_path)):
                    return True
        return False


class Output:
    """The leaves of what one input became, to be consumed."""

    def __init__(self, resources):
        self.values, self.references, self.beside = Counter(), [], Counter()
        for resource in resources:
            rows = list(leaves.json_leaves(resource, ((resource.get("resourceType", "?"), 0),)))
            siblings = defaultdict(dict)
            for path, value in rows:
                self.values[value] += 1
                siblings[path[:-1]][path[-1][0]] = value
                if path[-1][0] in ("reference", "url", "id"):
                    self.references.append(value)
            for group in siblings.values():
                if "system" in group:
                    for name in ("code", "value"):
                        if name in group:
                            self.beside[group[name]] += 1

    def take(self, value):
        if self.values[value] > 0:
            self.values[value] -= 1
            return True
        return False

    def take_reference(self, value):
        """The id at the end of a reference, kept or hashed; never the host it came from."""
        tail = value.split("/_history/")[0].rstrip("/").rsplit("/", 1)[-1].rsplit(":", 1)[-1].split("?")[0]
        for test in (lambda out: tail and out.rsplit("/", 1)[-1].endswith(tail), MINTED.search):
            for i, out in enumerate(self.references):
                if test(out) and self.values[out] > 0:
                    del self.references[i]
                    self.values[out] -= 1
                    return True
        return False

    def take_system(self, path, siblings):
        """A system that was spelt anew stands beside the same code or value."""
        here = siblings.get(path[:-1], {})
        partner = here.get("code") or here.get("value")
        if partner is not None and self.beside[partner] > 0:
            self.beside[partner] -= 1
            return True
        return False


class Tally:
    """One set's numbers."""

    def __init__(self):
        self.count = Counter()
        self.lost = []  # (file, type, path, value)
        self.lost_paths = Counter()
        self.refused = []
        self.notes = Counter()

    def add(self, other):
        self.count += other.count
        self.lost += other.lost
        self.lost_paths += other.lost_paths
        self.refused += other.refused
        self.notes += other.notes


def may_be_respelt(row):
    return row[0][-1][0] in ("reference", "url", "id", "fullUrl", "system")


def same_resource(kind, own, outputs, tally, file, rows):
    """Counts the leaves of one input against what it became."""
    named = Named([f for o in outputs for f in o.get("findings", [])])
    if named.roots:
        tally.notes["findings on a whole resource (they name no leaf)"] += named.roots
    output = Output([o["resource"] for o in outputs])
    siblings = defaultdict(dict)
    for path, value in rows:
        siblings[path[:-1]][path[-1][0]] = value
    tally.count["leaves"] += len(rows)
    # Those in the output under the same spelling first, so that a respelt one takes no other's place;
    # of equal values, those that no finding names.
    rows = sorted(rows, key=lambda row: row[0] in named)
    # An id may stand elsewhere as a plain value: that one cannot be respelt, so it comes first.
    rest = [(path, value) for path, value in sorted(rows, key=may_be_respelt) if not output.take(value)]
    tally.count["in output"] += len(rows) - len(rest)
    for path, value in rest:
        last = path[-1][0]
        if path in named:
            tally.count["named"] += 1
        elif last in ("reference", "url", "id", "fullUrl") and output.take_reference(value):
            tally.count["respelt"] += 1
        elif last == "system" and output.take_system(path, siblings):
            tally.count["respelt"] += 1
        else:
            tally.count["lost"] += 1
            plain = ".".join(n for n, _ in path)
            tally.lost_paths[plain] += 1
            if tally.lost_paths[plain] <= 3:
                tally.lost.append((file, f"{kind}/{own}", leaves.spelled(path), value))

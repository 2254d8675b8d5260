"""Every primitive leaf of a FHIR resource, read from JSON or XML by a reader of our own.

A leaf is (path, value): the path a tuple of (name, position), in the input's own names; the value its text as
written. What is no element is no leaf: `resourceType`, `fhir_comments` of DSTU2, XML comments, and the envelope of a
Bundle (its entries' resources are read, each for itself).
"""

import html
import json
import re
import xml.etree.ElementTree as ElementTree

FHIR, XHTML = "{http://hl7.org/fhir}", "{http://www.w3.org/1999/xhtml}"
TAG = re.compile(r"<!--.*?-->|<[^>]*>", re.S)
NOT_ELEMENTS = {"resourceType", "fhir_comments"}


class Unreadable(Exception):
    """The file is not JSON or XML, or holds no resource."""


class Word(str):
    """A number or boolean as written in JSON, so that 1.50 stays 1.50."""


def resources(data):
    """The (type, id, leaves) of every resource in a file's bytes, those of Bundles each by itself."""
    text = data.lstrip(b"\xef\xbb\xbf \t\r\n")
    if text.startswith(b"<"):
        return xml_resources(data)
    return [json_resource(node) for node in from_bundles(json_tree(data))]


# JSON

def json_tree(data):
    try:
        tree = json.loads(data.decode("utf-8-sig"), parse_float=Word, parse_int=Word, parse_constant=Word)
    except (ValueError, RecursionError) as error:
        raise Unreadable(f"not JSON: {error}") from error
    if not isinstance(tree, dict) or "resourceType" not in tree:
        raise Unreadable("no resourceType")
    return tree


def from_bundles(node):
    if node.get("resourceType") != "Bundle":
        return [node]
    entries = node.get("entry") if isinstance(node.get("entry"), list) else []
    inner = [e["resource"] for e in entries if isinstance(e, dict) and isinstance(e.get("resource"), dict)]
    return [r for i in inner for r in from_bundles(i) if "resourceType" in r]


def json_resource(node):
    kind = str(node["resourceType"])
    own = node.get("id")
    return kind, own if isinstance(own, str) else None, list(json_leaves(node, ((kind, 0),)))


def json_leaves(node, path):
    if isinstance(node, dict):
        for name, value in node.items():
            if name in NOT_ELEMENTS:
                continue
            # `_birthDate` holds the extensions and id of `birthDate`.
            plain = name[1:] if name.startswith("_") else name
            if isinstance(value, list):
                for i, one in enumerate(value):
                    yield from json_leaves(one, (*path, (plain, i)))
            else:
                yield from json_leaves(value, (*path, (plain, 0)))
    elif isinstance(node, list):
        for i, one in enumerate(node):
            yield from json_leaves(one, (*path[:-1], (path[-1][0], i)))
    elif isinstance(node, bool):
        yield path, "true" if node else "false"
    elif node is not None:
        yield path, markup_words(node) if is_narrative(path) else str(node)


def is_narrative(path):
    return path[-1][0] == "div"


def markup_words(text):
    """The words of a narrative: markup goes, entities are read, white space is one space."""
    return " ".join(html.unescape(TAG.sub(" ", text)).split())


# XML

def xml_resources(data):
    try:
        root = ElementTree.fromstring(data)
    except (ElementTree.ParseError, ValueError, RecursionError) as error:
        raise Unreadable(f"not XML: {error}") from error
    if not root.tag.startswith(FHIR):
        raise Unreadable("the root is not in the FHIR namespace")
    return [xml_resource(r) for r in xml_from_bundles(root)]


def bare(element):
    return element.tag.rsplit("}", 1)[-1]


def xml_from_bundles(root):
    if bare(root) != "Bundle":
        return [root]
    inner = [r for e in root.findall(f"{FHIR}entry") for r in e.findall(f"{FHIR}resource/*")]
    return [r for i in inner for r in xml_from_bundles(i)]


def xml_resource(root):
    kind = bare(root)
    own = root.find(f"{FHIR}id")
    return kind, own.get("value") if own is not None else None, list(xml_leaves(root, ((kind, 0),)))


def xml_leaves(element, path):
    for name, value in element.attrib.items():
        if name in ("id", "url", "value") or "}" not in name:
            yield (path if name == "value" else (*path, (name, 0))), value
    seen = {}
    for child in element:
        if not isinstance(child.tag, str):
            continue  # a comment or processing instruction
        name = bare(child)
        place = (*path, (name, seen.get(name, 0)))
        seen[name] = seen.get(name, 0) + 1
        if child.tag.startswith(XHTML) and name == "div":
            yield place, " ".join("".join(xhtml_text(child)).split())
        elif name in ("contained", "resource") and len(child) == 1 and bare(child[0])[:1].isupper():
            yield from xml_leaves(child[0], place)
        else:
            yield from xml_leaves(child, place)


def xhtml_text(element):
    yield element.text or ""
    for child in element:
        yield " "
        if isinstance(child.tag, str):
            yield from xhtml_text(child)
        yield " "
        yield child.tail or ""


def spelled(path):
    """A path as people read it: positions only where they are not the first."""
    return ".".join(name if i == 0 else f"{name}[{i}]" for name, i in path)

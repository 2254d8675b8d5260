//! Canonical content (T2): a resource without id, meta and generated narrative; codes, units, time zones and references
//! brought to one spelling. Bytes, so that equal is equal.

use fhir::date::{Partial, Precision};
use fhir::{Kind, Ref};
use record::Item;
use rustc_hash::FxHashMap;

/// What a reference stands for: the least id of those that were found to be one, by minted reference.
pub(crate) type Labels<'a> = FxHashMap<(Kind, &'a str), &'a str>;

/// The canonical content of an item.
pub(crate) fn canonical(item: &Item, labels: &Labels<'_>) -> Vec<u8> {
    let root = item.tree.root();
    let mut writer = Writer { labels, root, out: Vec::with_capacity(512) };
    let mut members: Vec<(&str, Ref<'_>)> = root
        .entries()
        .filter(|(key, _)| !matches!(*key, "id" | "meta" | "contained") && (*key != "text" || !item.traits.generated_narrative))
        .collect();
    members.sort_by_key(|(key, _)| *key);
    writer.members(&members);
    writer.out
}

struct Writer<'a> {
    labels: &'a Labels<'a>,
    root: Ref<'a>,
    out: Vec<u8>,
}

/// Lists whose order says nothing.
const UNORDERED: &[&str] = &["category", "coding", "identifier", "telecom"];

impl Writer<'_> {
    fn members(&mut self, members: &[(&str, Ref<'_>)]) {
        self.out.push(b'{');
        for (key, value) in members {
            self.word(key);
            self.value(key, *value);
        }
        self.out.push(b'}');
    }

    /// Text with its length before it, so that no two sequences of texts are the same bytes.
    fn word(&mut self, text: &str) {
        self.out.extend_from_slice(&(text.len() as u32).to_le_bytes());
        self.out.extend_from_slice(text.as_bytes());
    }

    fn value(&mut self, key: &str, value: Ref<'_>) {
        if value.is_array() {
            return self.list(key, value);
        }
        if value.is_object() {
            return self.object(key, value);
        }
        let text = value.value().unwrap_or_default();
        if value.is_string() {
            match Partial::parse(&text).filter(|date| date.precision() == Precision::Instant) {
                Some(instant) => self.word(&format!("@{}", instant.range().0)),
                None => self.word(text.trim()),
            }
        } else {
            self.out.push(b'#');
            let number = terms::measure(&text, "").map(|measure| measure.amount());
            self.word(&number.unwrap_or_else(|| text.into_owned()));
        }
    }

    fn list(&mut self, key: &str, list: Ref<'_>) {
        self.out.push(b'[');
        if UNORDERED.contains(&key) {
            let mut pieces: Vec<Vec<u8>> = list
                .items()
                .map(|item| {
                    let mut writer = Writer { labels: self.labels, root: self.root, out: Vec::new() };
                    writer.value(key, item);
                    writer.out
                })
                .collect();
            pieces.sort();
            pieces.into_iter().for_each(|piece| self.out.extend(piece));
        } else {
            list.items().for_each(|item| self.value(key, item));
        }
        self.out.push(b']');
    }

    fn object(&mut self, key: &str, object: Ref<'_>) {
        if let Some(reference) = object.get("reference").and_then(Ref::value) {
            return self.reference(&reference);
        }
        if let (Some(value), unit) =
            (object.get("value").filter(|value| !value.is_string()), object.get("code").or_else(|| object.get("unit")))
            && let Some(measure) = value.value().and_then(|value| terms::measure(&value, &unit.and_then(Ref::value).unwrap_or_default()))
        {
            let comparator = object.get("comparator").and_then(Ref::value).unwrap_or_default();
            return self.word(&format!("={comparator}{} {}", measure.amount(), measure.dimension()));
        }
        if key == "coding"
            && let (Some(system), Some(code)) = (object.get("system").and_then(Ref::value), object.get("code").and_then(Ref::value))
        {
            // How a system words its codes is no content.
            return self.word(&format!("{:?} {code}", terms::space(&system)));
        }
        let mut members: Vec<(&str, Ref<'_>)> = object.entries().filter(|(key, _)| *key != "id").collect();
        members.sort_by_key(|(key, _)| *key);
        self.members(&members);
    }

    fn reference(&mut self, reference: &str) {
        if let Some(id) = reference.strip_prefix('#') {
            let contained = self.root.get("contained").into_iter().flat_map(Ref::items).find(|inner| inner.is("id", id));
            // Something contained that points at itself would go on for ever; it may not hold contained resources either.
            return match contained {
                Some(inner) => {
                    let mut members: Vec<(&str, Ref<'_>)> =
                        inner.entries().filter(|(key, value)| !matches!(*key, "id" | "meta" | "text") && !points_inside(*value)).collect();
                    members.sort_by_key(|(key, _)| *key);
                    self.members(&members);
                }
                None => self.word(reference),
            };
        }
        let Some((kind, id)) = reference.split_once('/') else { return self.word(reference) };
        match Kind::parse(kind) {
            // All patients of a joined record are one person.
            Some(Kind::PATIENT) => self.word("the person"),
            Some(kind) => {
                let label = self.labels.get(&(kind, id)).copied().unwrap_or_default();
                self.word(&format!("{kind}/{label}"));
            }
            None => self.word(reference),
        }
    }
}

/// Whether a reference to something contained is in it.
fn points_inside(node: Ref<'_>) -> bool {
    if node.is_primitive() {
        return node.key() == "reference" && node.value().is_some_and(|text| text.starts_with('#'));
    }
    node.items().any(points_inside)
}

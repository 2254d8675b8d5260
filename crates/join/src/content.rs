//! Canonical content (T2): a resource without id, meta and generated narrative; codes, units, time zones and references
//! brought to one spelling. Bytes, so that equal is equal.

use std::hash::BuildHasher;

use fhir::date::{Partial, Precision};
use fhir::{Kind, Ref};
use record::Item;
use rustc_hash::{FxBuildHasher, FxHashMap};
use terms::Space;

/// What a reference stands for: the least id of those that were found to be one, by minted reference.
pub(crate) type Labels<'a> = FxHashMap<(Kind, &'a str), &'a str>;

/// Which elements an item's content has: different for different content, and quickly told. Their order says nothing.
pub(crate) fn elements(item: &Item) -> u64 {
    let hash = |(key, _): (&str, Ref<'_>)| FxBuildHasher.hash_one(key);
    members(item).map(hash).fold(0, u64::wrapping_add)
}

/// Members of an item that are content.
fn members(item: &Item) -> impl Iterator<Item = (&str, Ref<'_>)> {
    let said = |key: &str| !matches!(key, "id" | "meta" | "contained") && (key != "text" || !item.traits.generated_narrative);
    item.tree.root().entries().filter(move |(key, _)| said(key))
}

/// The canonical content of an item.
pub(crate) fn canonical(item: &Item, labels: &Labels<'_>) -> Vec<u8> {
    let mut writer = Writer { labels, root: item.tree.root(), out: Vec::with_capacity(1024), waiting: Vec::with_capacity(32) };
    writer.members(members(item));
    writer.out
}

struct Writer<'a> {
    labels: &'a Labels<'a>,
    root: Ref<'a>,
    out: Vec<u8>,
    /// Members of the objects under way, each object's in order.
    waiting: Vec<(&'a str, Ref<'a>)>,
}

/// Lists whose order says nothing.
const UNORDERED: &[&str] = &["category", "coding", "identifier", "telecom"];

impl<'a> Writer<'a> {
    fn members(&mut self, members: impl Iterator<Item = (&'a str, Ref<'a>)>) {
        let from = self.waiting.len();
        self.waiting.extend(members);
        self.waiting[from..].sort_unstable_by_key(|(key, _)| *key);
        self.out.push(b'{');
        for at in from..self.waiting.len() {
            let (key, value) = self.waiting[at];
            self.word(key);
            self.value(key, value);
        }
        self.out.push(b'}');
        self.waiting.truncate(from);
    }

    /// Text with its length before it, so that no two sequences of texts are the same bytes.
    fn word(&mut self, text: &str) {
        self.words(&[text]);
    }

    /// One word in pieces.
    fn words(&mut self, pieces: &[&str]) {
        let length: usize = pieces.iter().map(|piece| piece.len()).sum();
        self.out.extend_from_slice(&(length as u32).to_le_bytes());
        pieces.iter().for_each(|piece| self.out.extend_from_slice(piece.as_bytes()));
    }

    fn value(&mut self, key: &str, value: Ref<'a>) {
        if value.is_array() {
            return self.list(key, value);
        }
        if value.is_object() {
            return self.object(key, value);
        }
        let text = value.value().unwrap_or_default();
        if value.is_string() {
            let dated = text.len() > 15 && text.as_bytes()[10] == b'T';
            match dated.then(|| Partial::parse(&text)).flatten().filter(|date| date.precision() == Precision::Instant) {
                Some(instant) => self.word(&format!("@{}", instant.range().0)),
                None => self.word(text.trim()),
            }
        } else {
            self.out.push(b'#');
            let number = terms::measure(&text, "").map(|measure| measure.amount());
            self.word(&number.unwrap_or_else(|| text.into_owned()));
        }
    }

    fn list(&mut self, key: &str, list: Ref<'a>) {
        self.out.push(b'[');
        let from = self.out.len();
        let mut ends = Vec::new();
        let unordered = UNORDERED.contains(&key);
        for item in list.items() {
            self.value(key, item);
            if unordered {
                ends.push(self.out.len());
            }
        }
        if ends.len() > 1 {
            let starts = std::iter::once(from).chain(ends.iter().copied());
            let mut pieces: Vec<&[u8]> = starts.zip(&ends).map(|(start, end)| &self.out[start..*end]).collect();
            pieces.sort_unstable();
            let sorted = pieces.concat();
            self.out.truncate(from);
            self.out.extend(sorted);
        }
        self.out.push(b']');
    }

    fn object(&mut self, key: &str, object: Ref<'a>) {
        if let Some(reference) = object.get("reference").and_then(Ref::value) {
            return self.reference(&reference);
        }
        if let (Some(value), unit) =
            (object.get("value").filter(|value| !value.is_string()), object.get("code").or_else(|| object.get("unit")))
            && let Some(measure) = value.value().and_then(|value| terms::measure(&value, &unit.and_then(Ref::value).unwrap_or_default()))
        {
            let comparator = object.get("comparator").and_then(Ref::value).unwrap_or_default();
            return self.words(&["=", &comparator, &measure.amount(), " ", measure.dimension()]);
        }
        if key == "coding"
            && let (Some(system), Some(code)) = (object.get("system").and_then(Ref::value), object.get("code").and_then(Ref::value))
        {
            // How a system words its codes is no content.
            let (name, uri) = match terms::space(&system) {
                Space::Ctv3 => ("CTV3", ""),
                Space::Cvx => ("CVX", ""),
                Space::Icd10 => ("ICD-10", ""),
                Space::Loinc => ("LOINC", ""),
                Space::Opcs4 => ("OPCS-4", ""),
                Space::Other(uri) => ("other ", uri),
                Space::Read2 => ("Read 2", ""),
                Space::RxNorm => ("RxNorm", ""),
                Space::Sctid => ("SCTID", ""),
            };
            return self.words(&[name, uri, " ", &code]);
        }
        self.members(object.entries().filter(|(key, _)| *key != "id"));
    }

    fn reference(&mut self, reference: &str) {
        if let Some(id) = reference.strip_prefix('#') {
            let contained = self.root.get("contained").into_iter().flat_map(Ref::items).find(|inner| inner.is("id", id));
            // Something contained that points at itself would go on for ever; it may not hold contained resources either.
            return match contained {
                Some(inner) => {
                    let said = |(key, value): &(&str, Ref<'_>)| !matches!(*key, "id" | "meta" | "text") && !points_inside(*value);
                    self.members(inner.entries().filter(said));
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
                self.words(&[kind.name(), "/", label]);
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

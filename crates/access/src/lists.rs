//! Code lists that the operator supplies: which codes, drugs, specialties, authors, organisations and kinds of document are sensitive.
//!
//! None ships with the program. Reading and verifying a list's file is for the edge; here it is looked up, once for each coded value of a
//! resource, and not at all where there is no list.

use std::collections::BTreeSet;

use fhir::{Kind, NodeId, Ref};
use rustc_hash::FxHashMap;
use terms::{Space, Terminology, space};

use crate::Label;

/// By what an entry of a list finds what is sensitive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Sign {
    /// Who wrote it: an identifier of a person. Spreads to whatever they are named in.
    Author,
    /// What it says: any code in it.
    Code,
    /// What kind of document it is.
    DocumentType,
    /// Which medicine it is about. Spreads along prescription, dispensing and administration.
    Drug,
    /// Whose it is: an identifier of an organisation. Spreads to whatever it is named in.
    Organisation,
    /// What its source calls it, in labels of its own.
    SourceLabel,
    /// In which specialty it arose. Spreads to whatever arose in that clinic or encounter.
    Specialty,
}

impl Sign {
    /// Each, and its word in a list.
    pub const ALL: [(&str, Sign); 7] = [
        ("author", Sign::Author),
        ("code", Sign::Code),
        ("document-type", Sign::DocumentType),
        ("drug", Sign::Drug),
        ("organisation", Sign::Organisation),
        ("source-label", Sign::SourceLabel),
        ("specialty", Sign::Specialty),
    ];
}

/// One entry of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// What whatever bears it is.
    pub label: Label,
    /// Where it is looked for.
    pub sign: Sign,
    /// The system of the code or identifier.
    pub system: String,
    /// The code, or the identifier's value.
    pub value: String,
    /// Whether kinds of it count, too, as far as a terminology is loaded that knows them.
    pub descendants: bool,
}

/// Every list, ready to look up in.
#[derive(Debug, Default)]
pub struct Lists {
    by_value: FxHashMap<Box<str>, Vec<Entry>>,
}

#[derive(Debug, PartialEq, Eq)]
struct Entry {
    /// `None`: SNOMED CT or dm+d, as nearly all are.
    system: Option<Box<str>>,
    sign: Sign,
    label: Label,
}

/// What in a resource is sensitive by a list.
#[derive(Debug, Default)]
pub(crate) struct Marked {
    /// The resource as a whole.
    pub whole: BTreeSet<Label>,
    /// Of those, what may spread to who refers to it, by sign.
    pub spreading: Vec<(Sign, Label)>,
    /// Parts that can be taken out of it without the rest.
    pub parts: Vec<(NodeId, BTreeSet<Label>)>,
}

/// Elements of a resource each of whose items says something of its own: one can go, and its siblings stay.
const PARTS: &[&str] = &[
    "activity",
    "complication",
    "component",
    "conclusionCode",
    "condition",
    "diagnosis",
    "entry",
    "evidence",
    "finding",
    "input",
    "item",
    "output",
    "payload",
    "reaction",
    "reasonCode",
    "section",
];
/// Kinds that a document type is looked for in.
const DOCUMENTS: &[Kind] = &[Kind::COMPOSITION, Kind::DIAGNOSTIC_REPORT, Kind::DOCUMENT_REFERENCE];

impl Lists {
    /// Makes entries ready to look up. Where a terminology is loaded, kinds of what is listed are listed, too.
    pub fn new(entries: Vec<Listed>, terminology: Option<&Terminology>) -> Lists {
        let mut lists = Lists::default();
        for entry in &entries {
            lists.add(entry, &entry.value);
            let Some(terminology) = terminology.filter(|_| entry.descendants && space(&entry.system) == Space::Sctid) else { continue };
            let Ok(concept) = entry.value.parse::<u64>() else { continue };
            for kind in terminology.descendants(concept) {
                lists.add(entry, &kind.to_string());
            }
        }
        lists
    }

    fn add(&mut self, listed: &Listed, value: &str) {
        let space = space(&listed.system);
        let system = (space != Space::Sctid).then(|| named(space).into());
        let entry = Entry { system, sign: listed.sign, label: listed.label.clone() };
        let known = self.by_value.entry(space.plain(value).as_ref().into()).or_default();
        if !known.contains(&entry) {
            known.push(entry);
        }
    }

    /// Whether there is nothing to look up.
    pub fn is_empty(&self) -> bool {
        self.by_value.is_empty()
    }

    /// How many codes and identifiers are listed.
    pub fn len(&self) -> usize {
        self.by_value.values().map(Vec::len).sum()
    }

    /// What in a resource is listed.
    pub(crate) fn mark(&self, kind: Kind, root: Ref<'_>) -> Marked {
        let mut marked = Marked::default();
        if self.is_empty() {
            return marked;
        }
        for (key, node) in root.entries() {
            if node.is_primitive() {
                continue;
            }
            let under = Under { kind, label: matches!(key, "meta" | "securityLabel") };
            match node.is_array() && PARTS.contains(&key) {
                true => node.items().for_each(|item| self.look_at(item, under, Some(item.id()), &mut marked)),
                false => self.look_at(node, under, None, &mut marked),
            }
        }
        marked
    }

    fn look_at(&self, node: Ref<'_>, under: Under, part: Option<NodeId>, marked: &mut Marked) {
        if node.is_object() {
            // A Coding has a code, an Identifier a value; a Quantity has both.
            for (key, identifier) in [("code", false), ("value", true)] {
                let Some(value) = node.get(key).filter(|value| value.is_string()) else { continue };
                self.look_up(node, value, identifier, under, part, marked);
            }
        }
        node.items().filter(|child| !child.is_primitive()).for_each(|child| self.look_at(child, under, part, marked));
    }

    fn look_up(&self, node: Ref<'_>, value: Ref<'_>, identifier: bool, under: Under, part: Option<NodeId>, marked: &mut Marked) {
        let system = node.get("system").and_then(Ref::value).unwrap_or_default();
        let Some(code) = value.value() else { return };
        let space = space(system.trim());
        // Of what says no system, nobody knows that it is not what is listed.
        let unnamed = space == Space::Other("");
        let mut meets = |code: &str| {
            let Some(entries) = self.by_value.get(code) else { return };
            for entry in entries.iter().filter(|entry| (unnamed || entry.is_of(space)) && entry.sign.is_sought(identifier, under)) {
                marked.add(entry, part);
            }
        };
        if unnamed {
            let code = code.trim();
            // As it stands, and as ICD-10 and others are looked up.
            let bare = code.replace('.', "");
            meets(code);
            if bare != code {
                meets(&bare);
            }
            return;
        }
        match space == Space::Sctid && !code.bytes().all(|byte| byte.is_ascii_digit()) {
            // An expression says several things at once: the worst of them counts.
            true => code.split(|c: char| !c.is_ascii_digit()).filter(|concept| !concept.is_empty()).for_each(meets),
            false => meets(&space.plain(code.trim())),
        }
    }
}

/// Where in a resource something stands.
#[derive(Clone, Copy)]
struct Under {
    kind: Kind,
    /// Whether among labels.
    label: bool,
}

impl Sign {
    fn is_sought(self, identifier: bool, under: Under) -> bool {
        match self {
            Sign::SourceLabel => !identifier && under.label,
            // Whose record it is, and where they are registered, is nothing sensitive of its own.
            _ if under.kind == Kind::PATIENT => false,
            Sign::Author | Sign::Organisation => identifier,
            Sign::DocumentType => !identifier && DOCUMENTS.contains(&under.kind),
            Sign::Code | Sign::Drug | Sign::Specialty => !identifier && !under.label,
        }
    }
}

impl Entry {
    fn is_of(&self, space: Space<'_>) -> bool {
        match &self.system {
            None => space == Space::Sctid,
            Some(system) => **system == *named(space),
        }
    }
}

impl Marked {
    fn add(&mut self, entry: &Entry, part: Option<NodeId>) {
        // What a list lists of a clinic or a person is about the whole, wherever in it they are named.
        let part = part.filter(|_| !matches!(entry.sign, Sign::Author | Sign::Organisation | Sign::Specialty));
        let Some(part) = part else {
            self.whole.insert(entry.label.clone());
            self.spreading.push((entry.sign, entry.label.clone()));
            return;
        };
        match self.parts.iter_mut().find(|(own, _)| *own == part) {
            Some((_, labels)) => _ = labels.insert(entry.label.clone()),
            None => self.parts.push((part, BTreeSet::from([entry.label.clone()]))),
        }
    }
}

/// A space by one spelling.
fn named(space: Space<'_>) -> &str {
    match space {
        Space::Cvx => "cvx",
        Space::Ctv3 => "ctv3",
        Space::Icd10 => "icd10",
        Space::Loinc => "loinc",
        Space::Opcs4 => "opcs4",
        Space::Read2 => "read2",
        Space::RxNorm => "rxnorm",
        Space::Sctid => "sctid",
        Space::Other(system) => system,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lists() -> Lists {
        let entry = |sign, system: &str, value: &str| Listed {
            label: "made-up".parse().unwrap(),
            sign,
            system: system.to_owned(),
            value: value.to_owned(),
            descendants: false,
        };
        Lists::new(
            vec![
                entry(Sign::Code, "http://snomed.info/sct", "90000001"),
                entry(Sign::Code, "http://hl7.org/fhir/sid/icd-10", "Z99.9"),
                entry(Sign::Drug, "https://dmd.nhs.uk", "90000002"),
                entry(Sign::Author, "https://fhir.hl7.org.uk/Id/gmc-number", "7777777"),
                entry(Sign::Organisation, "https://fhir.nhs.uk/Id/ods-organization-code", "XX1"),
                entry(Sign::DocumentType, "http://snomed.info/sct", "90000003"),
                entry(Sign::SourceLabel, "urn:supplier:label", "private"),
                entry(Sign::Specialty, "https://fhir.hl7.org.uk/CodeSystem/specialty", "360"),
            ],
            None,
        )
    }

    fn check(kind: Kind, json: &str, whole: usize, parts: usize) {
        let tree = fhir::Tree::from_json(json.to_owned().into()).unwrap();
        let marked = lists().mark(kind, tree.root());
        assert_eq!((marked.whole.len(), marked.parts.len()), (whole, parts), "{json}");
    }

    #[test]
    fn what_is_listed_is_found_wherever_it_stands_and_nothing_else() {
        let coding = |system: &str, code: &str| format!(r#"{{"coding":[{{"system":"{system}","code":"{code}"}}]}}"#);
        let listed = coding("http://snomed.info/sct", "90000001");
        check(Kind::CONDITION, &format!(r#"{{"code":{listed}}}"#), 1, 0);
        check(Kind::CONDITION, &format!(r#"{{"contained":[{{"code":{listed}}}]}}"#), 1, 0);
        check(Kind::CONDITION, &format!(r#"{{"extension":[{{"valueCodeableConcept":{listed}}}]}}"#), 1, 0);
        check(Kind::CONDITION, &format!(r#"{{"code":{}}}"#, coding("http://snomed.info/sct/83821000000107", "90000001")), 1, 0);
        check(Kind::CONDITION, &format!(r#"{{"code":{}}}"#, coding("http://snomed.info/sct", "111 |x|: 246075003 = 90000001 |y|")), 1, 0);
        check(Kind::CONDITION, &format!(r#"{{"code":{}}}"#, coding("http://hl7.org/fhir/sid/icd-10", "Z999")), 1, 0);
        check(Kind::CONDITION, &format!(r#"{{"code":{}}}"#, coding("http://loinc.org", "90000001")), 0, 0);
        check(Kind::CONDITION, &format!(r#"{{"code":{}}}"#, coding("http://snomed.info/sct", "900000011")), 0, 0);
        check(Kind::CONDITION, &format!(r#"{{"code":{}}}"#, coding("http://loinc.org", "Z999")), 0, 0);
        check(Kind::CONDITION, r#"{"identifier":[{"system":"urn:another","value":"7777777"}]}"#, 0, 0);
        // What says no system may be what is listed.
        check(Kind::CONDITION, r#"{"code":{"coding":[{"code":"90000001"}]}}"#, 1, 0);
        check(Kind::CONDITION, &format!(r#"{{"code":{}}}"#, coding(" ", "Z99.9")), 1, 0);
        check(Kind::CONDITION, r#"{"identifier":[{"value":"7777777"}]}"#, 1, 0);
        check(Kind::CONDITION, r#"{"code":{"coding":[{"code":"900000011"}]}}"#, 0, 0);
        check(Kind::CONDITION, r#"{"identifier":[{"system":"http://snomed.info/sct","value":"90000001"}]}"#, 0, 0);
        // A sibling stays where an item goes.
        check(Kind::OBSERVATION, &format!(r#"{{"component":[{{"code":{listed}}},{{"code":{{}}}}]}}"#), 0, 1);
        check(Kind::ENCOUNTER, &format!(r#"{{"reasonCode":[{listed},{listed}]}}"#), 0, 2);
        check(
            Kind::MEDICATION,
            &format!(r#"{{"ingredient":[{{"itemCodeableConcept":{}}}]}}"#, coding("http://snomed.info/sct", "90000002")),
            1,
            0,
        );
        check(
            Kind::OBSERVATION,
            r#"{"performer":[{"identifier":{"system":"https://fhir.hl7.org.uk/Id/gmc-number","value":"7777777"}}]}"#,
            1,
            0,
        );
        check(
            Kind::ENCOUNTER,
            r#"{"serviceProvider":{"identifier":{"system":"https://fhir.nhs.uk/Id/ods-organization-code","value":"XX1"}}}"#,
            1,
            0,
        );
        check(
            Kind::PATIENT,
            r#"{"managingOrganization":{"identifier":{"system":"https://fhir.nhs.uk/Id/ods-organization-code","value":"XX1"}}}"#,
            0,
            0,
        );
        check(Kind::DOCUMENT_REFERENCE, &format!(r#"{{"type":{}}}"#, coding("http://snomed.info/sct", "90000003")), 1, 0);
        check(Kind::CONDITION, &format!(r#"{{"code":{}}}"#, coding("http://snomed.info/sct", "90000003")), 0, 0);
        check(Kind::FLAG, r#"{"meta":{"security":[{"system":"urn:supplier:label","code":"private"}]}}"#, 1, 0);
        check(Kind::PATIENT, r#"{"meta":{"tag":[{"system":"urn:supplier:label","code":"private"}]}}"#, 1, 0);
        check(Kind::FLAG, &format!(r#"{{"code":{}}}"#, coding("urn:supplier:label", "private")), 0, 0);
        // Where it arose is about the whole, even in an item.
        check(
            Kind::ENCOUNTER,
            &format!(r#"{{"diagnosis":[{{"x":{}}}]}}"#, coding("https://fhir.hl7.org.uk/CodeSystem/specialty", "360")),
            1,
            0,
        );
    }

    #[test]
    fn what_is_listed_is_counted_once() {
        let entry = |value: &str| Listed {
            label: "made-up".parse().unwrap(),
            sign: Sign::Code,
            system: "http://snomed.info/sct".to_owned(),
            value: value.to_owned(),
            descendants: false,
        };
        for (values, count) in [(&[][..], 0), (&["1"], 1), (&["1", "1"], 1), (&["1", "2", "3"], 3)] {
            let lists = Lists::new(values.iter().copied().map(entry).collect(), None);
            assert_eq!((lists.len(), lists.is_empty()), (count, count == 0), "{values:?}");
        }
    }

    #[test]
    fn no_list_is_no_work() {
        let tree =
            fhir::Tree::from_json(r#"{"code":{"coding":[{"system":"http://snomed.info/sct","code":"1"}]}}"#.to_owned().into()).unwrap();
        assert!(Lists::default().mark(Kind::CONDITION, tree.root()).whole.is_empty());
    }
}

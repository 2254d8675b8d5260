//! Words that name a place: learnt from the record itself, and from what the region is called.

use std::collections::HashSet;

use fhir::{Kind, Ref};

use crate::spread::target;

/// Words, and whole names, that name a place.
#[derive(Debug, Clone, Default)]
pub struct Words {
    words: HashSet<String>,
    /// Whole names, as words with single spaces between.
    names: HashSet<String>,
}

/// Words of names that stand in half of all names, and in half of all medicine. By these alone no place is named; a whole name that they
/// make up is still one.
const GENERAL: &[&str] = &[
    "acute",
    "adult",
    "adults",
    "after",
    "age",
    "ambulance",
    "and",
    "assessment",
    "avenue",
    "ban",
    "blood",
    "board",
    "breast",
    "building",
    "business",
    "cancer",
    "cardiac",
    "cardiology",
    "care",
    "centre",
    "chest",
    "child",
    "children",
    "childrens",
    "city",
    "clinic",
    "clinical",
    "close",
    "college",
    "combined",
    "commissioning",
    "community",
    "company",
    "council",
    "county",
    "court",
    "critical",
    "day",
    "dental",
    "dentistry",
    "department",
    "dermatology",
    "diabetes",
    "diabetic",
    "diagnostic",
    "district",
    "doctor",
    "drive",
    "ear",
    "east",
    "elderly",
    "emergency",
    "england",
    "eye",
    "family",
    "female",
    "first",
    "flat",
    "floor",
    "foot",
    "for",
    "foundation",
    "from",
    "general",
    "great",
    "group",
    "hand",
    "head",
    "health",
    "healthcare",
    "heart",
    "high",
    "home",
    "hospice",
    "hospital",
    "hospitals",
    "house",
    "icb",
    "infirmary",
    "injury",
    "inpatient",
    "integrated",
    "intensive",
    "kidney",
    "kingdom",
    "laboratory",
    "lane",
    "learning",
    "left",
    "level",
    "limited",
    "liver",
    "local",
    "ltd",
    "lung",
    "main",
    "male",
    "maternity",
    "medical",
    "medicine",
    "memory",
    "men",
    "mental",
    "midwifery",
    "mill",
    "minor",
    "new",
    "nhs",
    "nose",
    "number",
    "nurse",
    "nursing",
    "office",
    "old",
    "oncology",
    "outpatient",
    "outpatients",
    "pain",
    "park",
    "partnership",
    "pathology",
    "patient",
    "personal",
    "pharmacy",
    "physiotherapy",
    "place",
    "plc",
    "practice",
    "primary",
    "private",
    "provider",
    "psychiatry",
    "radiology",
    "record",
    "records",
    "rehabilitation",
    "renal",
    "residential",
    "respiratory",
    "right",
    "road",
    "room",
    "royal",
    "school",
    "secondary",
    "service",
    "services",
    "severe",
    "shared",
    "short",
    "sexual",
    "skin",
    "social",
    "source",
    "south",
    "special",
    "specialist",
    "spinal",
    "stay",
    "street",
    "stroke",
    "support",
    "surgery",
    "surgical",
    "system",
    "team",
    "the",
    "therapy",
    "throat",
    "trust",
    "unit",
    "united",
    "university",
    "urgent",
    "vascular",
    "view",
    "walk",
    "ward",
    "west",
    "whole",
    "with",
    "women",
    "womens",
    "work",
    "north",
    "young",
    "youth",
];
/// Fewer letters are no name.
const WORD_MIN: usize = 3;
/// More digits than these, beside one another or in groups, are a telephone's or somebody's own number.
const DIGITS_MAX: usize = 6;
const GROUPED_MAX: usize = 8;
/// Longer names are looked for by their words alone.
const NAME_MAX: usize = 8;

/// Elements whose References lead to what somebody has, takes or was given.
const CLINICAL: &[&str] = &[
    "addresses",
    "authorizingPrescription",
    "basedOn",
    "condition",
    "derivedFrom",
    "device",
    "diagnosis",
    "focus",
    "goal",
    "hasMember",
    "itemReference",
    "medicationReference",
    "outcomeReference",
    "partOf",
    "patient",
    "reason",
    "reasonReference",
    "replaces",
    "result",
    "specimen",
    "subject",
    "target",
];
/// Elements whose words are a place's, wherever they stand.
const ADDRESS: &[&str] = &["address", "city", "county", "district", "line", "postalCode", "state"];
/// Types of whose names each names a place: whoever knows where a nurse works knows where their patients are.
const NAMED: &[Kind] = &[
    Kind::CARE_TEAM,
    Kind::HEALTHCARE_SERVICE,
    Kind::LOCATION,
    Kind::ORGANIZATION,
    Kind::PRACTITIONER,
    Kind::PRACTITIONER_ROLE,
    Kind::RELATED_PERSON,
];

impl Words {
    /// Adds a name.
    pub fn add(&mut self, name: &str) {
        let words = split(name);
        self.words.extend(words.iter().filter(|word| word.len() >= WORD_MIN && !GENERAL.contains(&word.as_str())).cloned());
        if words.iter().any(|word| word.len() >= WORD_MIN) {
            self.names.insert(words.join(" "));
        }
    }

    /// Adds what a resource calls places: addresses, telephones, organisations, people who work there, and what it calls what it refers to.
    pub fn learn(&mut self, kind: Kind, node: Ref<'_>) {
        self.under(kind, node, "");
    }

    fn under(&mut self, kind: Kind, node: Ref<'_>, within: &str) {
        for (key, child) in node.entries() {
            let refers = key == "display" && names_a_place(node, within);
            let own = NAMED.contains(&kind) && matches!(key, "alias" | "description" | "family" | "given" | "name" | "text" | "value");
            let telecom = key == "value" && matches!(within, "assigner" | "contact" | "telecom");
            let place = ADDRESS.contains(&key) || refers || own || telecom || within == "address" && key == "text";
            // Contained resources name what they are of.
            let kind = child.text("resourceType").and_then(|kind| Kind::parse(&kind)).unwrap_or(kind);
            self.each(kind, child, key, place);
        }
    }

    fn each(&mut self, kind: Kind, node: Ref<'_>, key: &str, place: bool) {
        if node.is_array() {
            for one in node.items() {
                let kind = one.text("resourceType").and_then(|kind| Kind::parse(&kind)).unwrap_or(kind);
                self.each(kind, one, key, place);
            }
        } else if node.is_object() {
            self.under(kind, node, key);
        } else if let Some(text) = node.value().filter(|_| place) {
            self.add(&text);
        }
    }

    /// Whether a text that may say anything tells of a place: by a word, a name, a postcode, a number or an address on the net.
    pub fn tell(&self, text: &str) -> bool {
        self.name(text) || text.contains('@') || text.contains("://") || text.contains("www.") || is_numbered(text) || has_postcode(text)
    }

    /// Whether it has a word or a whole name of one.
    pub fn name(&self, text: &str) -> bool {
        let words = split(text);
        let whole = |from: usize| (from..words.len().min(from + NAME_MAX)).any(|to| self.names.contains(&words[from..=to].join(" ")));
        words.iter().any(|word| self.words.contains(word)) || (0..words.len()).any(whole)
    }
}

/// Whether what a Reference calls what it leads to is the name of somebody or of somewhere, and not of an illness or a medicine.
fn names_a_place(reference: Ref<'_>, within: &str) -> bool {
    let named = reference.text("reference");
    let kind = named.as_deref().and_then(target).map(|(kind, _)| kind).or_else(|| Kind::parse(&reference.text("type")?));
    match kind {
        Some(kind) => NAMED.contains(&kind) || matches!(kind, Kind::APPOINTMENT | Kind::ENCOUNTER | Kind::EPISODE_OF_CARE),
        None => reference.get("code").is_none() && reference.get("system").is_none() && !CLINICAL.contains(&within),
    }
}

/// Words in small letters. An apostrophe parts nothing: a children's ward is one wherever that is left out.
fn split(text: &str) -> Vec<String> {
    let bare: String = text.chars().filter(|c| !matches!(c, '\'' | '’')).collect::<String>().to_lowercase();
    bare.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

fn is_numbered(text: &str) -> bool {
    let (mut run, mut grouped) = (0, 0);
    for c in text.chars() {
        match c {
            '0'..='9' => (run, grouped) = (run + 1, grouped + 1),
            // Telephones are written in groups.
            ' ' | '-' | '(' | ')' => run = 0,
            _ => (run, grouped) = (0, 0),
        }
        if run > DIGITS_MAX || grouped > GROUPED_MAX {
            return true;
        }
    }
    false
}

/// A postcode's two halves beside one another: letters and digits, then a digit and two letters.
fn has_postcode(text: &str) -> bool {
    let words = split(text);
    let outward = |word: &str| {
        let letters = word.chars().take_while(char::is_ascii_alphabetic).count();
        (1..=2).contains(&letters) && (2..=4).contains(&word.len()) && word[letters..].starts_with(|c: char| c.is_ascii_digit())
    };
    let inward = |word: &str| {
        let bytes = word.as_bytes();
        bytes.len() == 3 && bytes[0].is_ascii_digit() && bytes[1..].iter().all(u8::is_ascii_alphabetic)
    };
    let joined = |word: &str| {
        word.is_ascii() && (5..=7).contains(&word.len()) && outward(&word[..word.len() - 3]) && inward(&word[word.len() - 3..])
    };
    words.windows(2).any(|pair| pair[0].is_ascii() && outward(&pair[0]) && inward(&pair[1])) || words.iter().any(|word| joined(word))
}

//! What binds whoever acts next, first on the page: by codes and names that the record holds, each with who says so and since when.
//!
//! It is a list of names shown first, not a judgement: what stands here stands in its section, too, and what a source calls otherwise
//! is found only there. That nothing was found says nothing of the person.

use std::collections::BTreeMap;

use fhir::{Kind, Ref};
use record::{Item, SharedRecord};

use crate::item::{Line, concepts, text};
use crate::sections::{ADJUSTMENTS, Heading, has, plain};
use crate::words;

/// What is looked for, in the order in which it is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Topic {
    Resuscitation,
    Attorney,
    Advance,
    Crisis,
    Anticipatory,
    Implants,
    Pregnancy,
    Anticoagulant,
    Infection,
    Adjustments,
    Alerts,
    Legal,
}

/// Looked for before the rest: an attorney's powers are recorded by the codes and words of other advance decisions, too.
const FIRST: [Topic; 2] = [Topic::Resuscitation, Topic::Attorney];

/// The order of the page; an item stands under the first that it is about.
const ORDER: [Topic; 12] = [
    Topic::Resuscitation,
    Topic::Advance,
    Topic::Attorney,
    Topic::Crisis,
    Topic::Anticipatory,
    Topic::Implants,
    Topic::Pregnancy,
    Topic::Anticoagulant,
    Topic::Infection,
    Topic::Adjustments,
    Topic::Alerts,
    Topic::Legal,
];

/// The summary.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Critical {
    /// What was found, in order.
    pub said: Vec<Said>,
    /// What was looked for and not found, with what may be the cause of it.
    pub unsaid: Vec<Unsaid>,
    /// Why something may be lacking in what was found.
    pub lacking: Vec<String>,
}

/// What was found of one topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// The topic.
    pub title: &'static str,
    /// Entries that are in force as far as they say.
    pub lines: Vec<Line>,
    /// How many more say that they are over.
    pub past: usize,
}

/// Topics of which nothing was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unsaid {
    /// The topics.
    pub topics: Vec<&'static str>,
    /// Sources that may say so and were not heard in full; empty where all were.
    pub lacking: Vec<String>,
}

impl Topic {
    fn title(self) -> &'static str {
        match self {
            Topic::Resuscitation => "Resuscitation (CPR) and ReSPECT",
            Topic::Advance => "Advance decision",
            Topic::Attorney => "Power of attorney",
            Topic::Crisis => "Crisis plan",
            Topic::Anticipatory => "Anticipatory medicines",
            Topic::Implants => "Implants",
            Topic::Pregnancy => "Pregnancy",
            Topic::Anticoagulant => "Anticoagulant",
            Topic::Infection => "Infection alert",
            Topic::Adjustments => "Reasonable adjustments",
            Topic::Alerts => "Other alerts",
            Topic::Legal => "Other legal information",
        }
    }

    /// The types by which a source may say so.
    fn kinds(self) -> &'static [Kind] {
        const DECISIONS: &[Kind] =
            &[Kind::FLAG, Kind::CONSENT, Kind::CARE_PLAN, Kind::DOCUMENT_REFERENCE, Kind::CONDITION, Kind::OBSERVATION];
        match self {
            Topic::Resuscitation | Topic::Advance | Topic::Attorney => DECISIONS,
            Topic::Crisis => &[Kind::FLAG, Kind::CARE_PLAN, Kind::DOCUMENT_REFERENCE],
            Topic::Anticipatory => &[
                Kind::FLAG,
                Kind::CARE_PLAN,
                Kind::DOCUMENT_REFERENCE,
                Kind::MEDICATION_REQUEST,
                Kind::MEDICATION_STATEMENT,
                Kind::MEDICATION_DISPENSE,
            ],
            Topic::Implants => &[Kind::DEVICE, Kind::PROCEDURE],
            Topic::Pregnancy => &[Kind::OBSERVATION, Kind::CONDITION],
            Topic::Anticoagulant => &[Kind::MEDICATION_REQUEST, Kind::MEDICATION_STATEMENT, Kind::MEDICATION_DISPENSE],
            Topic::Infection => &[Kind::FLAG, Kind::CONDITION],
            Topic::Adjustments => &[Kind::FLAG, Kind::CARE_PLAN, Kind::CONDITION, Kind::OBSERVATION],
            Topic::Alerts => &[Kind::FLAG],
            Topic::Legal => &[Kind::CONSENT],
        }
    }

    /// Codes that say so by themselves: SNOMED CT, HL7's categories of consents, LOINC.
    fn codes(self) -> &'static [&'static str] {
        match self {
            Topic::Resuscitation => &["450476008", "450475007", "1382601000000107", "dnr", "polst"],
            Topic::Attorney => &["816361000000101"],
            Topic::Advance => &["816301000000100", "1052911000000106", "acd", "hcd"],
            Topic::Crisis => &["736253002"],
            Topic::Pregnancy => &["77386006", "72892002", "82810-3", "364320009"],
            _ => &[],
        }
    }

    /// Words that name it, in plain form: whole words, one after another.
    fn words(self) -> &'static [&'static str] {
        match self {
            Topic::Resuscitation => &[
                "cpr",
                "dnacpr",
                "dnar",
                "resuscitation",
                "recommended summary plan",
                "emergency care plan",
                "treatment escalation plan",
                "escalation plan",
            ],
            Topic::Attorney => &["attorney", "court appointed deputy"],
            Topic::Advance => &["advance decision", "advance directive", "advance care plan", "advance statement", "living will"],
            Topic::Crisis => &["crisis plan", "crisis and contingency plan", "contingency plan", "crisis"],
            Topic::Anticipatory => &["anticipatory", "just in case"],
            Topic::Implants => &[
                "implant",
                "implanted",
                "implantable",
                "implantation",
                "pacemaker",
                "defibrillator",
                "loop recorder",
                "stent",
                "stents",
                "prosthesis",
                "prosthetic",
                "cochlear",
                "neurostimulator",
                "shunt",
                "aneurysm clip",
                "intrauterine",
                "hip replacement",
                "knee replacement",
                "shoulder replacement",
                "joint replacement",
                "valve replacement",
                "hip screw",
            ],
            Topic::Pregnancy => &["pregnant", "pregnancy"],
            Topic::Anticoagulant => &[
                "acenocoumarol",
                "apixaban",
                "argatroban",
                "dabigatran",
                "dalteparin",
                "edoxaban",
                "enoxaparin",
                "fondaparinux",
                "heparin",
                "phenindione",
                "rivaroxaban",
                "tinzaparin",
                "warfarin",
            ],
            Topic::Infection => &[
                "mrsa",
                "meticillin resistant",
                "methicillin resistant",
                "clostridioides difficile",
                "clostridium difficile",
                "carbapenemase",
                "cpe",
                "vre",
                "isolation",
                "infection control",
            ],
            Topic::Adjustments => ADJUSTMENTS,
            Topic::Alerts | Topic::Legal => &[],
        }
    }

    /// Whether an item is about it.
    fn is_of(self, item: &Item, line: &Line, heading: Heading, said: &str) -> bool {
        let root = item.tree.root();
        if !self.kinds().contains(&item.kind) {
            return false;
        }
        let coded = || self.codes().iter().any(|code| CODED.iter().any(|path| has(root, path, code)));
        let named = || self.words().iter().any(|words| said.contains(&format!(" {words} ")));
        match self {
            // A form is called that; in what is planned it is a common word.
            Topic::Resuscitation => coded() || named() || plain(&line.what).contains(" respect "),
            // A diagnosis is named after what caused it; only what is called so in an alert is an alert.
            Topic::Infection if item.kind == Kind::FLAG => named() || said.contains(" infection "),
            Topic::Pregnancy => heading == Heading::Pregnancy || item.kind == Kind::CONDITION && (coded() || named()),
            Topic::Alerts => item.kind == Kind::FLAG,
            Topic::Legal => heading == Heading::Legal,
            Topic::Advance => coded() || named() || item.kind == Kind::CONSENT && has(root, "scope", "adr"),
            _ => coded() || named(),
        }
    }
}

/// Where a code says what an item is about.
const CODED: [&str; 6] = ["code", "category", "type", "valueCodeableConcept", "activity.detail.code", "provision.code"];

/// All by which an item is called, in plain form, with a space at either end.
fn called(item: &Item, line: &Line) -> String {
    let root = item.tree.root();
    let mut all = vec![line.what.clone()];
    let display = |coding: Ref<'_>| text(coding, "display");
    for path in CODED.iter().copied().chain(["deviceName", "reasonCode", "medicationCodeableConcept"]) {
        all.extend(concepts(root, path));
        all.extend(root.all(&format!("{path}.coding")).into_iter().filter_map(display));
    }
    all.extend(["title", "deviceName.name"].iter().filter_map(|path| text(root, path)));
    all.extend(line.details.iter().filter(|(label, _)| *label == "Planned").map(|(_, value)| value.clone()));
    if matches!(item.kind, Kind::MEDICATION_REQUEST | Kind::MEDICATION_STATEMENT | Kind::MEDICATION_DISPENSE) {
        all.extend(line.details.iter().filter(|(label, _)| matches!(*label, "Dose" | "Comment")).map(|(_, value)| value.clone()));
    }
    plain(&all.join(" . "))
}

/// Whether an entry says that it is over.
pub(crate) fn over(line: &Line) -> bool {
    line.tags
        .iter()
        .any(|tag| matches!(tag.text.as_str(), "Inactive" | "Resolved" | "Stopped" | "Completed" | "Superseded" | "Remission" | "Rejected"))
}

/// What was done once is done: that it is complete does not take it out of the body.
fn in_force(item: &Item, line: &Line) -> bool {
    item.kind == Kind::PROCEDURE || !over(line)
}

/// Of the lines of a page. `lacking` says of types which sources were not heard in full.
pub(crate) fn summary(record: &SharedRecord, lines: &[(usize, Line)], lacking: impl Fn(&[Kind]) -> Vec<String>) -> Critical {
    let mut found: BTreeMap<Topic, Said> = BTreeMap::new();
    for (at, line) in lines.iter().filter(|(_, line)| !line.struck) {
        let item = &record.items[*at];
        let Some(heading) = Heading::of(item) else { continue };
        let called = called(item, line);
        let mut topics = FIRST.into_iter().chain(ORDER);
        let Some(topic) = topics.find(|topic| topic.is_of(item, line, heading, &called)) else { continue };
        let said = found.entry(topic).or_insert_with(|| Said { title: topic.title(), lines: Vec::new(), past: 0 });
        match in_force(item, line) {
            true => said.lines.push(line.clone()),
            false => said.past += 1,
        }
    }
    let mut said = Vec::new();
    let mut unsaid: Vec<Unsaid> = Vec::new();
    let mut kinds: Vec<Kind> = Vec::new();
    for topic in ORDER {
        match found.remove(&topic) {
            Some(one) => {
                kinds.extend(topic.kinds());
                said.push(one);
            }
            None => {
                let lacking = lacking(topic.kinds());
                match unsaid.iter_mut().find(|known| known.lacking == lacking) {
                    Some(known) => known.topics.push(topic.title()),
                    None => unsaid.push(Unsaid { topics: vec![topic.title()], lacking }),
                }
            }
        }
    }
    let lacking = if kinds.is_empty() { Vec::new() } else { lacking(&kinds) };
    Critical { said, unsaid, lacking }
}

impl Said {
    pub(crate) fn over(&self) -> String {
        words::count(self.past, "entry that is over stands in its section", "entries that are over stand in their sections") + "."
    }
}

impl Unsaid {
    pub(crate) fn named(&self) -> String {
        words::list(&self.topics.iter().map(|topic| (*topic).to_owned()).collect::<Vec<_>>())
    }
}

impl Critical {
    /// Whether something was found that is in force.
    pub fn is_said(&self) -> bool {
        self.said.iter().any(|one| !one.lines.is_empty())
    }
}

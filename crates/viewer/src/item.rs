//! One item as a line: when, what, who says so, and how it stands.

use std::collections::HashMap;

use exchange::Names;
use fhir::{Kind, Ref};
use record::{FindingCode, Item, SharedRecord};

use crate::banner;
use crate::words;

/// A line of a section.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Line {
    /// For an address within the page.
    pub anchor: String,
    /// Clinical date; empty where none is given.
    pub date: String,
    /// Whether it is the date of writing down, since no other is given.
    pub written_down: bool,
    /// What it says, first.
    pub what: String,
    /// What kind of entry it is, where a section has several.
    pub kind: String,
    /// What it says further: label and value.
    pub details: Vec<(&'static str, String)>,
    /// Values, where it has some.
    pub readings: Vec<Reading>,
    /// How it stands.
    pub tags: Vec<Tag>,
    /// What to know of it: translated, a copy, retracted.
    pub notes: Vec<String>,
    /// The source organisation.
    pub source: String,
    /// Who wrote it; empty where that is not said.
    pub author: String,
    /// Whether it is never to be taken for current: entered in error, refuted, not done.
    pub struck: bool,
    /// Others that say the same.
    pub cluster: Option<Cluster>,
    /// Where it is opposed on this page.
    pub opposed: Option<String>,
}

/// A value with its unit, range and flag, all of one laboratory.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reading {
    /// Of what.
    pub name: String,
    /// Value and unit, digits as they were written.
    pub value: String,
    /// Reference range.
    pub range: String,
    /// The laboratory's own flag.
    pub flag: String,
    /// Whether the flag says that it is not normal.
    pub abnormal: bool,
    /// The unit: its code in UCUM, else as it is written; empty where none is given.
    pub unit: String,
    /// Codes of what it is of that mean the same wherever they stand.
    pub(crate) codes: Vec<(String, String)>,
    /// The value where it is a number and nothing else.
    digits: String,
    /// Bounds of the only range, in the unit of the value.
    low: String,
    high: String,
}

impl Reading {
    /// The value, where it is a plain number of a size that can be drawn.
    pub(crate) fn number(&self) -> Option<f64> {
        plain_number(&self.digits)
    }

    /// The bounds of its range, where they are in its unit.
    pub(crate) fn bounds(&self) -> Option<[Option<f64>; 2]> {
        let bounds = [plain_number(&self.low), plain_number(&self.high)];
        bounds.iter().any(Option::is_some).then_some(bounds)
    }
}

fn plain_number(digits: &str) -> Option<f64> {
    digits.parse::<f64>().ok().filter(|number| number.abs() < 1e12)
}

/// A status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tag {
    /// In words.
    pub text: String,
    /// Modifier of the design system's tag.
    pub colour: &'static str,
}

/// Why items stand in one line, and each of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cluster {
    /// How many sources say so.
    pub sources: Vec<String>,
    /// Why they stand together, in words.
    pub why: String,
    /// All of them, the one that stands for the rest first.
    pub members: Vec<Line>,
}

impl Line {
    /// Who says so: everybody in its cluster.
    pub(crate) fn said_by(&self) -> String {
        match &self.cluster {
            Some(cluster) if cluster.sources.len() > 1 => cluster.sources.join(", "),
            _ => self.source.clone(),
        }
    }

    /// What it says further, where there is no room for codes.
    pub(crate) fn telling(&self) -> Vec<&(&'static str, String)> {
        self.details.iter().filter(|(label, _)| !matches!(*label, "Code" | "Form" | "Type")).collect()
    }
}

/// What is looked up while lines are made.
pub(crate) struct Reader<'a> {
    items: HashMap<String, &'a Item>,
    names: &'a dyn Names,
}

/// Elements that say when something was written down, not when it was so.
const WRITTEN: &[&str] = &["recordedDate", "dateAsserted", "recorded", "issued"];

impl<'a> Reader<'a> {
    pub fn of(record: &'a SharedRecord, names: &'a dyn Names) -> Reader<'a> {
        let items = record.items.iter().map(|item| (format!("{}/{}", item.kind, item.id), item)).collect();
        Reader { items, names }
    }

    pub fn source(&self, item: &Item) -> String {
        self.names.of(&item.origin.source).0
    }

    /// The line of an item by itself.
    pub fn line(&self, item: &Item) -> Line {
        let root = item.tree.root();
        let (element, written) = join::clinical_text(item).map(|(element, text)| (element, text.into_owned())).unwrap_or_default();
        let readings = if item.kind == Kind::OBSERVATION { readings(root) } else { Vec::new() };
        Line {
            anchor: format!("{}-{}", item.kind, item.id),
            date: words::date(&written),
            written_down: WRITTEN.contains(&element),
            what: self.what(item),
            kind: kind_word(item.kind).to_owned(),
            details: self.details(item),
            readings,
            tags: tags(item),
            notes: notes(item),
            source: self.source(item),
            author: self.author(root),
            struck: struck(root),
            cluster: None,
            opposed: None,
        }
    }

    fn there(&self, reference: Ref<'_>, root: Ref<'a>) -> Option<Ref<'a>> {
        let reference = reference.text("reference")?;
        match reference.strip_prefix('#') {
            Some(id) => root.all("contained").into_iter().find(|inner| inner.is("id", id)),
            None => self.items.get(reference.as_ref()).map(|item| item.tree.root()),
        }
    }

    fn what(&self, item: &'a Item) -> String {
        let root = item.tree.root();
        let medication = || {
            concept_at(root, "medicationCodeableConcept").or_else(|| {
                let reference = root.get("medicationReference")?;
                self.there(reference, root).and_then(|medication| concept_at(medication, "code")).or_else(|| text(reference, "display"))
            })
        };
        concept_at(root, "code")
            .or_else(medication)
            .or_else(|| concept_at(root, "vaccineCode"))
            // A plan's description is what it says, and not what it is.
            .or_else(|| (item.kind == Kind::CARE_PLAN).then(|| text(root, "title")).flatten())
            .or_else(|| text(root, "description").or_else(|| concept_at(root, "description")))
            .or_else(|| text(root, "title"))
            .or_else(|| (item.kind == Kind::FAMILY_MEMBER_HISTORY).then(|| self.family(root)).flatten())
            .or_else(|| (item.kind == Kind::RELATED_PERSON).then(|| self.related(root)).flatten())
            .or_else(|| crate::sections::form(root))
            .or_else(|| concept_at(root, "type"))
            .or_else(|| concept_at(root, "serviceType"))
            .or_else(|| (item.kind == Kind::COMMUNICATION).then(|| all_text(root, "payload.contentString").into_iter().next()).flatten())
            .or_else(|| concept_at(root, "reasonCode"))
            .or_else(|| concept_at(root, "category"))
            .or_else(|| concept_at(root, "relationship"))
            .or_else(|| text(root, "name"))
            .or_else(|| text(root, "class.display").or_else(|| text(root, "class.code")))
            .unwrap_or_else(|| words::code(&crate::completeness::kind_in_words(item.kind)))
    }

    fn family(&self, root: Ref<'_>) -> Option<String> {
        let relationship = concept_at(root, "relationship")?;
        let conditions = concepts(root, "condition.code");
        Some(if conditions.is_empty() {
            words::code(&relationship)
        } else {
            format!("{}: {}", words::code(&relationship), conditions.join(", "))
        })
    }

    fn related(&self, root: Ref<'_>) -> Option<String> {
        let name = root.all("name").into_iter().find_map(banner::written)?;
        Some(concept_at(root, "relationship").map_or(name.clone(), |relationship| format!("{name}: {relationship}")))
    }

    fn details(&self, item: &'a Item) -> Vec<(&'static str, String)> {
        let root = item.tree.root();
        let mut details: Vec<(&'static str, String)> = Vec::new();
        let mut add = |label: &'static str, values: Vec<String>| {
            let value = values.into_iter().filter(|value| !value.is_empty()).collect::<Vec<_>>().join("; ");
            if !value.is_empty() {
                details.push((label, value));
            }
        };
        add("Reaction", concepts(root, "reaction.manifestation"));
        add("Substance", concepts(root, "reaction.substance"));
        add(
            "Severity",
            all_text(root, "reaction.severity").into_iter().chain(concepts(root, "severity")).map(|word| words::code(&word)).collect(),
        );
        add("Dose", doses(root));
        add("Quantity", ["quantity", "dispenseRequest.quantity"].iter().filter_map(|path| quantity(root.at(path)?)).collect());
        add("Repeats allowed", all_text(root, "dispenseRequest.numberOfRepeatsAllowed"));
        add(
            "Reason",
            concepts(root, "reasonCode")
                .into_iter()
                .chain(concepts(root, "statusReason"))
                .filter(|reason| *reason != self.what(item))
                .collect(),
        );
        add("Body site", concepts(root, "bodySite"));
        add("Batch", all_text(root, "lotNumber"));
        add("Dose number", all_text(root, "protocolApplied.doseNumberPositiveInt"));
        add(
            "Until",
            ["abatementDateTime", "period.end", "performedPeriod.end", "end", "effectivePeriod.end"]
                .iter()
                .filter_map(|path| text(root, path))
                .take(1)
                .map(|end| words::date(&end))
                .collect(),
        );
        add("Conclusion", all_text(root, "conclusion").into_iter().chain(concepts(root, "conclusionCode")).collect());
        if item.kind == Kind::CARE_PLAN || item.kind == Kind::CONSENT {
            add("Summary", all_text(root, "description").into_iter().filter(|said| *said != self.what(item)).collect());
            add(
                "Planned",
                all_text(root, "activity.detail.description").into_iter().chain(concepts(root, "activity.detail.code")).collect(),
            );
            add("Type", concepts(root, "category"));
        }
        if item.kind == Kind::QUESTIONNAIRE_RESPONSE {
            add("Answers", answers(root));
        }
        if item.kind == Kind::CARE_TEAM {
            add("Members", root.all("participant.member").into_iter().filter_map(|member| self.named(member, root)).collect());
        }
        add(
            "Where",
            ["serviceProvider", "location.location", "location", "managingOrganization"]
                .iter()
                .flat_map(|path| root.all(path))
                .filter_map(|place| self.named(place, root))
                .collect(),
        );
        if item.kind == Kind::DOCUMENT_REFERENCE {
            add("Form", all_text(root, "content.attachment.contentType"));
        }
        if matches!(item.kind, Kind::RELATED_PERSON) {
            add("Contact", all_text(root, "telecom.value"));
        }
        if item.kind != Kind::COMMUNICATION {
            add("Comment", all_text(root, "note.text").into_iter().chain(all_text(root, "comment")).collect());
        } else {
            add("Message", all_text(root, "payload.contentString"));
        }
        add("Code", codes(root));
        details
    }

    /// The organisation that made a result, where it is named.
    pub fn laboratory(&self, root: Ref<'a>) -> Option<String> {
        let organisation = |reference: Ref<'_>| {
            let there = self.there(reference, root)?;
            match there.text("resourceType").as_deref() {
                Some("Organization") => text(there, "name"),
                Some("PractitionerRole") => self.named(there.get("organization")?, there),
                _ => None,
            }
        };
        root.all("performer").into_iter().find_map(organisation)
    }

    /// Whoever wrote it, by the element that its type has for that.
    fn author(&self, root: Ref<'a>) -> String {
        const PLACES: &[&str] = &[
            "recorder",
            "asserter",
            "author",
            "requester",
            "performer.actor",
            "performer",
            "informationSource",
            "participant.individual",
            "participant.actor",
            "sender",
            "resultsInterpreter",
            "source",
        ];
        let patient = |reference: &Ref<'_>| reference.text("reference").is_some_and(|reference| reference.starts_with("Patient/"));
        let all = PLACES.iter().flat_map(|path| root.all(path)).filter(|reference| !patient(reference));
        all.filter_map(|reference| self.named(reference, root)).next().unwrap_or_default()
    }

    /// What a reference leads to, by name.
    pub fn named(&self, reference: Ref<'_>, root: Ref<'a>) -> Option<String> {
        let there = self.there(reference, root);
        let name = there.and_then(|there| {
            let role = || there.get("practitioner").and_then(|practitioner| self.named(practitioner, there));
            let organisation = || there.get("organization").and_then(|organisation| self.named(organisation, there));
            let person = || there.all("name").into_iter().find_map(|name| if name.is_object() { spoken(name) } else { None });
            person().or_else(|| text(there, "name")).or_else(role).or_else(organisation)
        });
        name.or_else(|| text(reference, "display"))
    }
}

/// `Dr A Example`
fn spoken(name: Ref<'_>) -> Option<String> {
    let parts: Vec<String> = ["prefix", "given", "family"].iter().flat_map(|key| all_text(name, key)).collect();
    if parts.is_empty() { text(name, "text") } else { Some(parts.join(" ")) }
}

pub(crate) fn text(node: Ref<'_>, path: &str) -> Option<String> {
    let node = node.at(path).filter(|node| node.is_primitive())?;
    node.value().map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())
}

fn all_text(node: Ref<'_>, path: &str) -> Vec<String> {
    node.all(path).into_iter().filter_map(|node| node.value()).map(|text| text.trim().to_owned()).filter(|text| !text.is_empty()).collect()
}

/// A concept in its own words, else in those of its first coding, else by its code and system: a code that nobody mapped is shown, too.
pub(crate) fn concept(concept: Ref<'_>) -> Option<String> {
    let coding = || concept.all("coding").into_iter();
    let bare = || {
        coding().find_map(|coding| {
            let code = text(coding, "code")?;
            Some(text(coding, "system").map_or(code.clone(), |system| format!("code {code} of {}", system_name(&system))))
        })
    };
    text(concept, "text").or_else(|| coding().find_map(|coding| text(coding, "display"))).or_else(bare)
}

pub(crate) fn concept_at(root: Ref<'_>, path: &str) -> Option<String> {
    root.all(path).into_iter().find_map(concept)
}

pub(crate) fn concepts(root: Ref<'_>, path: &str) -> Vec<String> {
    root.all(path).into_iter().filter_map(concept).collect()
}

/// Codes beside the words, so that what was mapped can be seen to be.
fn codes(root: Ref<'_>) -> Vec<String> {
    let mut all: Vec<String> = ["code", "medicationCodeableConcept", "vaccineCode", "type"]
        .iter()
        .flat_map(|path| root.all(&format!("{path}.coding")))
        .filter_map(|coding| {
            let code = text(coding, "code")?;
            let system = text(coding, "system").map(|system| system_name(&system)).unwrap_or_else(|| "no system".to_owned());
            Some(format!("{code} ({system})"))
        })
        .collect();
    all.dedup();
    all
}

/// Systems that are known everywhere, by name. Of another, whose address says where a source is, only that it is another.
fn system_name(system: &str) -> String {
    let name = match system {
        "http://snomed.info/sct" => "SNOMED CT",
        "http://loinc.org" => "LOINC",
        "https://dmd.nhs.uk" => "dm+d",
        "http://read.info/readv2" => "Read v2",
        "http://read.info/ctv3" => "CTV3",
        "http://hl7.org/fhir/sid/icd-10" => "ICD-10",
        system if system.starts_with("http://terminology.hl7.org/") => "HL7",
        system if system.starts_with("https://fhir.hl7.org.uk/") => "UK Core",
        _ => "the source's own system",
    };
    name.to_owned()
}

fn doses(root: Ref<'_>) -> Vec<String> {
    let all = root.all("dosageInstruction").into_iter().chain(root.all("dosage"));
    all.filter_map(|dosage| text(dosage, "text").or_else(|| dosage.at("doseAndRate.doseQuantity").and_then(quantity))).collect()
}

/// `118 umol/L`, digits as they were written.
fn quantity(quantity: Ref<'_>) -> Option<String> {
    let value = text(quantity, "value")?;
    let unit = text(quantity, "unit").or_else(|| text(quantity, "code")).unwrap_or_else(|| "(no unit given)".to_owned());
    Some(format!("{}{value} {unit}", text(quantity, "comparator").unwrap_or_default()))
}

fn value(node: Ref<'_>) -> Option<String> {
    node.get("valueQuantity")
        .and_then(quantity)
        .or_else(|| node.get("valueCodeableConcept").and_then(concept))
        .or_else(|| text(node, "valueString"))
        .or_else(|| text(node, "valueInteger"))
        .or_else(|| text(node, "valueBoolean").map(|yes| if yes == "true" { "Yes".into() } else { "No".into() }))
        .or_else(|| ["valueDateTime", "valueDate", "valueTime"].iter().find_map(|key| text(node, key)).map(|date| words::date(&date)))
        .or_else(|| Some(format!("{} to {}", quantity(node.at("valueRange.low")?)?, quantity(node.at("valueRange.high")?)?)))
        .or_else(|| Some(format!("{} : {}", quantity(node.at("valueRatio.numerator")?)?, quantity(node.at("valueRatio.denominator")?)?)))
        .or_else(|| concept_at(node, "dataAbsentReason").map(|why| format!("No value: {}", why.to_lowercase())))
}

fn readings(root: Ref<'_>) -> Vec<Reading> {
    let one = |node: Ref<'_>| {
        let (flag, abnormal) = flag(node);
        let (digits, unit) = measured(node);
        let ranges = node.all("referenceRange");
        let bound = |key: &str| match ranges.as_slice() {
            // Of several, which is whose is not told by their numbers.
            [range] => range.get(key).filter(|bound| unit_of(*bound) == unit).and_then(|bound| text(bound, "value")).unwrap_or_default(),
            _ => String::new(),
        };
        Some(Reading {
            name: concept_at(node, "code").unwrap_or_default(),
            value: value(node)?,
            range: range(node),
            flag,
            abnormal,
            codes: crate::results::public_codes(node),
            digits,
            low: bound("low"),
            high: bound("high"),
            unit,
        })
    };
    let own: Option<Reading> = one(root);
    let parts = root.all("component").into_iter().filter_map(one);
    own.into_iter().chain(parts).collect()
}

/// A value that is a number and nothing else, and its unit.
fn measured(node: Ref<'_>) -> (String, String) {
    if let Some(quantity) = node.get("valueQuantity") {
        let digits = text(quantity, "value").filter(|_| quantity.get("comparator").is_none());
        return (digits.unwrap_or_default(), unit_of(quantity));
    }
    (text(node, "valueInteger").unwrap_or_default(), String::new())
}

/// What two quantities must have in common to be of one unit.
fn unit_of(quantity: Ref<'_>) -> String {
    let ucum = quantity.is("system", "http://unitsofmeasure.org");
    let code = text(quantity, "code").filter(|_| ucum);
    code.or_else(|| text(quantity, "unit")).or_else(|| text(quantity, "code")).unwrap_or_default()
}

fn range(node: Ref<'_>) -> String {
    let ranges = node.all("referenceRange").into_iter().filter_map(|range| {
        let (low, high) = (range.get("low").and_then(quantity), range.get("high").and_then(quantity));
        let bounds = match (low, high) {
            (Some(low), Some(high)) => Some(format!("{low} to {high}")),
            (Some(low), None) => Some(format!("{low} or more")),
            (None, Some(high)) => Some(format!("{high} or less")),
            (None, None) => None,
        };
        text(range, "text").or(bounds)
    });
    ranges.collect::<Vec<_>>().join("; ")
}

/// The flag that came with the result; nothing is judged here.
fn flag(node: Ref<'_>) -> (String, bool) {
    let mut abnormal = false;
    let said = node.all("interpretation").into_iter().filter_map(|interpretation| {
        let code = interpretation.all("coding.code").into_iter().find_map(|code| code.value().map(|code| code.into_owned()));
        let words = match code.as_deref() {
            Some("H") => "High",
            Some("HH" | "HU") => "Critically high",
            Some("L") => "Low",
            Some("LL" | "LU") => "Critically low",
            Some("A") => "Abnormal",
            Some("AA") => "Critically abnormal",
            Some("N") => "Normal",
            _ => return concept(interpretation),
        };
        abnormal |= words != "Normal";
        Some(words.to_owned())
    });
    (said.collect::<Vec<_>>().join(", "), abnormal)
}

fn answers(root: Ref<'_>) -> Vec<String> {
    let mut all = Vec::new();
    let mut stack: Vec<Ref<'_>> = root.all("item");
    stack.reverse();
    while let Some(item) = stack.pop() {
        let question = text(item, "text").or_else(|| text(item, "linkId")).unwrap_or_default();
        let given: Vec<String> = item
            .all("answer")
            .into_iter()
            .filter_map(|answer| value(answer).or_else(|| text(answer, "valueCoding.display")).or_else(|| text(answer, "valueDecimal")))
            .collect();
        if !given.is_empty() {
            all.push(format!("{question}: {}", given.join(", ")));
        }
        stack.extend(item.all("item").into_iter().chain(item.all("answer.item")).rev());
    }
    all
}

/// Never current: what was never so.
fn struck(root: Ref<'_>) -> bool {
    let verification = root.all("verificationStatus.coding.code");
    let refuted = verification.iter().filter_map(|code| code.value()).any(|code| matches!(code.as_ref(), "refuted" | "entered-in-error"));
    refuted
        || root
            .text("status")
            .is_some_and(|status| matches!(status.as_ref(), "entered-in-error" | "not-done" | "cancelled" | "revoked" | "not-taken"))
}

fn tags(item: &Item) -> Vec<Tag> {
    let root = item.tree.root();
    let coded =
        |path: &str| root.all(&format!("{path}.coding.code")).into_iter().find_map(|code| code.value().map(|code| code.into_owned()));
    let mut tags = Vec::new();
    let mut add = |text: String, colour: &'static str| tags.push(Tag { text, colour });
    if let Some(criticality) = text(root, "criticality") {
        match criticality.as_str() {
            "high" => add("High criticality".to_owned(), "red"),
            "low" => add("Low criticality".to_owned(), "white"),
            _ => add("Criticality not assessed".to_owned(), "white"),
        }
    }
    for (path, own) in
        [("clinicalStatus", coded("clinicalStatus")), ("verificationStatus", coded("verificationStatus")), ("status", text(root, "status"))]
    {
        let Some(code) = own else { continue };
        let colour = match code.as_str() {
            "active" | "in-progress" | "booked" | "arrived" => "blue",
            "entered-in-error" | "refuted" | "not-done" => "red",
            "preliminary" | "provisional" | "unconfirmed" | "differential" | "draft" | "on-hold" | "unknown" => "yellow",
            _ => "grey",
        };
        // A document's own word for it says nothing of the person.
        if path == "status" && code == "current" {
            continue;
        }
        add(words::code(&code), colour);
    }
    if let Some(intent) = text(root, "intent").filter(|intent| intent != "order" && item.kind == Kind::MEDICATION_REQUEST) {
        add(
            match intent.as_str() {
                "plan" => "Planned course".to_owned(),
                other => words::code(other),
            },
            "white",
        );
    }
    tags
}

/// What was done to an item on its way, for whoever reads it.
fn notes(item: &Item) -> Vec<String> {
    let mut notes = Vec::new();
    let has = |code: FindingCode| item.findings.iter().any(|finding| finding.code == code);
    let lossy: Vec<&str> =
        item.findings.iter().filter(|finding| finding.code == FindingCode::Lossy).map(|finding| finding.path.as_str()).collect();
    if !lossy.is_empty() {
        notes.push(format!("Translated to FHIR R4; not carried, or carried beside: {}", lossy.join(", ")));
    }
    if has(FindingCode::UnknownModifier) {
        notes.push("The source marks this with something that changes its meaning and could not be read here".to_owned());
    }
    if has(FindingCode::IdentifierReuse) {
        notes.push("Another entry has the same identifier and says otherwise".to_owned());
    }
    if has(FindingCode::MappedCode) {
        notes.push("A code was added here by a map, beside the source's own".to_owned());
    }
    if has(FindingCode::SubjectAssumed) {
        notes.push("The source did not say whom this is about; it came in the answer about this person".to_owned());
    }
    notes
}

/// What kind of entry, where a section has several.
fn kind_word(kind: Kind) -> &'static str {
    match kind {
        Kind::MEDICATION_REQUEST => "Prescription or plan",
        Kind::MEDICATION_STATEMENT => "Statement that it is taken",
        Kind::MEDICATION_DISPENSE => "Dispensed",
        Kind::MEDICATION_ADMINISTRATION => "Given",
        Kind::DEVICE => "Device",
        Kind::DIAGNOSTIC_REPORT => "Report",
        Kind::SERVICE_REQUEST => "Referral or request",
        Kind::EPISODE_OF_CARE => "Episode of care",
        Kind::ENCOUNTER => "Admission or contact",
        Kind::LIST => "List",
        Kind::GOAL => "Goal",
        _ => "",
    }
}

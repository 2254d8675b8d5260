//! One item as a line: when, what, who says so, and how it stands.

use std::collections::HashMap;

use exchange::Names;
use fhir::{Kind, Ref};
use record::{FindingCode, Item, SharedRecord};

use crate::banner;
use crate::reading::{Reading, quantity, readings, value};
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
    /// Ids of what is in it, to be opened.
    pub opens: Vec<String>,
    /// Where it is opposed on this page.
    pub opposed: Option<String>,
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
            opens: access::leads_to(root, Kind::BINARY).into_iter().collect(),
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

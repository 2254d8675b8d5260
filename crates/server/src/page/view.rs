//! What a page shows, taken from a Bundle.

use std::collections::BTreeMap;

use fhir::{NodeKind, Tree};
use serde_json::Value;

use viewer::words;

use super::sections::SECTIONS;

/// A joined record, ready to be laid out.
#[derive(Debug, Default)]
pub struct View {
    /// `SURNAME, Given` as each source has it, without repeats.
    pub names: Vec<String>,
    /// Birth date, clinical form.
    pub born: String,
    /// Administrative gender.
    pub gender: String,
    /// NHS number, 3 3 4.
    pub number: String,
    /// The allergy state, in the words that are laid down.
    pub allergies: &'static str,
    /// How each source answered, worst first.
    pub sources: Vec<SourceLine>,
    /// Notices that belong to no source's row.
    pub notices: Vec<String>,
    /// Conflicts.
    pub conflicts: Vec<ConflictLine>,
    /// Headings with their lines; headings without lines are left out.
    pub sections: Vec<(&'static str, Vec<Line>)>,
    /// The request's id.
    pub request: String,
}

/// How one source answered.
#[derive(Debug)]
pub struct SourceLine {
    /// Its id, as it stands beside every line.
    pub id: String,
    /// Its name, or its id again.
    pub name: String,
    /// How many resources of its are shown.
    pub shown: usize,
    /// What did not come, in words, and the types it did not come for; empty when everything came that was asked for.
    pub missing: Vec<(String, Vec<String>)>,
    /// What the source does not offer, or was not asked.
    pub beside: Vec<(String, Vec<String>)>,
}

/// A gap names this many types; more are counted.
const TYPES_NAMED: usize = 6;

impl SourceLine {
    fn new(source: &str) -> SourceLine {
        SourceLine { id: source.to_owned(), name: source.to_owned(), shown: 0, missing: Vec::new(), beside: Vec::new() }
    }

    /// Every gap, one sentence each: what is missing, then what was not to be had.
    pub fn gaps(&self) -> impl Iterator<Item = String> {
        self.missing.iter().chain(&self.beside).map(|(how, kinds)| {
            let (named, more) = kinds.split_at(kinds.len().min(TYPES_NAMED));
            let more = if more.is_empty() { String::new() } else { format!(" and {} more", more.len()) };
            format!("{how}: {}{more}", named.join(", "))
        })
    }
}

/// Items that contradict.
#[derive(Debug)]
pub struct ConflictLine {
    /// What differs.
    pub code: String,
    /// The items, riskier first.
    pub items: Vec<String>,
}

/// One line of a section: a cluster or a single item.
#[derive(Debug)]
pub struct Line {
    /// Clinical date, clinical form, or empty.
    pub date: String,
    /// What it says.
    pub what: String,
    /// Status words.
    pub status: String,
    /// Who says so.
    pub sources: Vec<String>,
    /// Why they stand in one line.
    pub tier: Option<String>,
}

impl View {
    /// Reads the pages of one answer, each a Bundle in JSON. `None` if one is no JSON.
    pub fn read(pages: &[String]) -> Option<View> {
        let pages: Option<Vec<Value>> =
            pages.iter().map(|page| Some(digits_kept(Tree::from_json(page.clone().into()).ok()?.root()))).collect();
        Some(View::of(&pages?))
    }

    fn of(pages: &[Value]) -> View {
        let entries: Vec<&Value> = pages.iter().flat_map(|page| page["entry"].as_array().into_iter().flatten()).collect();
        let resources: Vec<&Value> = entries.iter().map(|entry| &entry["resource"]).collect();
        let by_id: BTreeMap<String, &Value> = resources.iter().map(|resource| (key(resource), *resource)).collect();
        let mut view = View { request: text_at(pages.first(), "/id"), ..View::default() };
        view.person(&resources);
        view.allergies = allergy_words(pages.first());
        view.answered(&resources);
        let gap =
            view.sources.iter().any(|line| line.missing.iter().any(|(_, kinds)| kinds.iter().any(|kind| kind == "AllergyIntolerance")));
        if gap && view.allergies == KNOWN_ALLERGIES {
            view.allergies = "Known allergies; the list may be incomplete";
        }
        view.conflicts = conflicts(&resources, &by_id);
        let clusters = clusters(&resources);
        for (heading, kinds) in SECTIONS {
            let of_kind = resources.iter().filter(|resource| kinds.contains(&resource["resourceType"].as_str().unwrap_or_default()));
            let lines: Vec<Line> = of_kind.filter_map(|resource| line(resource, &clusters, &by_id)).collect();
            if !lines.is_empty() {
                view.sections.push((heading, lines));
            }
        }
        view
    }

    fn person(&mut self, resources: &[&Value]) {
        for patient in resources.iter().filter(|resource| resource["resourceType"] == "Patient") {
            for name in patient["name"].as_array().into_iter().flatten() {
                let given: Vec<&str> = name["given"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
                let family = name["family"].as_str().unwrap_or_default().to_uppercase();
                let whole = if family.is_empty() && given.is_empty() {
                    text_at(Some(name), "/text")
                } else {
                    format!("{family}, {}", given.join(" "))
                };
                if !whole.is_empty() && !self.names.contains(&whole) {
                    self.names.push(whole);
                }
            }
            if self.born.is_empty() {
                self.born = words::date(&text_at(Some(patient), "/birthDate"));
            }
            if self.gender.is_empty() {
                self.gender = text_at(Some(patient), "/gender");
            }
            if self.number.is_empty() {
                let numbers = patient["identifier"]
                    .as_array()
                    .into_iter()
                    .flatten()
                    .filter(|identifier| identifier["system"] == record::NHS_NUMBER_SYSTEM);
                self.number = numbers.filter_map(|identifier| identifier["value"].as_str()).map(words::number).next().unwrap_or_default();
            }
        }
    }

    fn answered(&mut self, resources: &[&Value]) {
        let mut lines: BTreeMap<String, SourceLine> = BTreeMap::new();
        for resource in resources {
            if let Some((source, name)) = custodian(resource) {
                lines.entry(source.clone()).or_insert_with(|| SourceLine::new(&source)).name = name;
            } else if let Some(source) = tag(resource, "urn:severn:source") {
                lines.entry(source.to_owned()).or_insert_with(|| SourceLine::new(source)).shown += 1;
            }
        }
        for issue in resources
            .iter()
            .filter(|resource| resource["resourceType"] == "OperationOutcome")
            .flat_map(|outcome| outcome["issue"].as_array().into_iter().flatten())
        {
            let extension = |url: &str| issue["extension"].as_array().into_iter().flatten().find(|extension| extension["url"] == url);
            let said = text_at(Some(issue), "/details/text");
            let Some(source) = extension("urn:severn:source").and_then(|extension| extension["valueString"].as_str()) else {
                let said = if said.is_empty() { text_at(Some(issue), "/diagnostics") } else { said };
                if !self.notices.contains(&said) {
                    self.notices.push(said);
                }
                continue;
            };
            let line = lines.entry(source.to_owned()).or_insert_with(|| SourceLine::new(source));
            let (who, how) = said.split_once(": ").unwrap_or(("", &said));
            let kind = who.rsplit(", ").next().unwrap_or_default();
            if let Some((name, _)) = who.rsplit_once(", ") {
                line.name = name.to_owned();
            }
            let status = text_at(Some(issue), "/details/coding/0/code");
            // What a source does not offer, or was not asked, takes nothing from the answer.
            let complete = matches!(status.as_str(), "not-asked" | "not-located" | "ok" | "ok-empty" | "unsupported");
            let gaps = if complete { &mut line.beside } else { &mut line.missing };
            match gaps.iter_mut().find(|(known, _)| known == how) {
                Some((_, kinds)) => kinds.push(kind.to_owned()),
                None => gaps.push((how.to_owned(), vec![kind.to_owned()])),
            }
        }
        self.sources = lines.into_values().collect();
        self.sources.sort_by_key(|line| std::cmp::Reverse(line.missing.len()));
    }

    /// How many sources answered for everything, and how many there are.
    pub fn completeness(&self) -> (usize, usize) {
        (self.sources.iter().filter(|line| line.missing.is_empty()).count(), self.sources.len())
    }
}

/// A tree as a `Value` whose numbers are strings: 1.50 must not become 1.5 on a page.
fn digits_kept(node: fhir::Ref<'_>) -> Value {
    match node.kind() {
        NodeKind::Object => Value::Object(node.entries().map(|(key, child)| (key.to_owned(), digits_kept(child))).collect()),
        NodeKind::Array => Value::Array(node.items().map(digits_kept).collect()),
        NodeKind::Null => Value::Null,
        NodeKind::Bool => Value::Bool(node.raw() == "true"),
        NodeKind::Number | NodeKind::String | NodeKind::StringEscaped => Value::String(node.value().unwrap_or_default().into_owned()),
    }
}

fn key(resource: &Value) -> String {
    format!("{}/{}", text_at(Some(resource), "/resourceType"), text_at(Some(resource), "/id"))
}

fn text_at(value: Option<&Value>, pointer: &str) -> String {
    value.and_then(|value| value.pointer(pointer)).and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn tag<'a>(resource: &'a Value, system: &str) -> Option<&'a str> {
    resource["meta"]["tag"].as_array()?.iter().find(|tag| tag["system"] == system)?["code"].as_str()
}

/// A source and its name, where a resource is the Provenance of its answer.
fn custodian(resource: &Value) -> Option<(String, String)> {
    if resource["resourceType"] != "Provenance" {
        return None;
    }
    let agents = resource["agent"].as_array()?;
    let custodian = agents.iter().find(|agent| agent["type"]["coding"][0]["code"] == "custodian")?;
    let source = resource["extension"].as_array()?.iter().find(|extension| extension["url"] == "urn:severn:source")?;
    Some((text_at(Some(source), "/valueString"), text_at(Some(custodian), "/who/display")))
}

const KNOWN_ALLERGIES: &str = "Known allergies";

fn allergy_words(page: Option<&Value>) -> &'static str {
    match page.and_then(|page| page["meta"]["tag"].as_array()?.iter().find(|tag| tag["system"] == "urn:severn:allergies")?["code"].as_str())
    {
        Some("known") => KNOWN_ALLERGIES,
        Some("no-known") => "No known allergies",
        Some("not-recorded") => "Allergies not recorded",
        _ => "Allergies unavailable",
    }
}

/// Representative to members, members to representative.
#[derive(Default)]
struct Clusters {
    members: BTreeMap<String, Vec<String>>,
    follower: BTreeMap<String, String>,
}

fn clusters(resources: &[&Value]) -> Clusters {
    let mut clusters = Clusters::default();
    for linkage in resources.iter().filter(|resource| resource["resourceType"] == "Linkage") {
        let items = linkage["item"].as_array().map(Vec::as_slice).unwrap_or_default();
        let references: Vec<String> = items.iter().map(|item| text_at(Some(item), "/resource/reference")).collect();
        let Some((first, rest)) = references.split_first() else { continue };
        for other in rest {
            clusters.follower.insert(other.clone(), first.clone());
        }
        clusters.members.insert(first.clone(), references.clone());
    }
    clusters
}

/// One line for each set of items that differ, in however much they do; what reads the same is one item with all who say it.
fn conflicts(resources: &[&Value], by_id: &BTreeMap<String, &Value>) -> Vec<ConflictLine> {
    let mut lines: Vec<ConflictLine> = Vec::new();
    let mut issues: Vec<&&Value> = resources.iter().filter(|resource| resource["resourceType"] == "DetectedIssue").collect();
    // In the order of the sections below: what is about an allergy before what is about a weight.
    issues.sort_by_key(|issue| {
        let reference = text_at(Some(issue), "/implicated/0/reference");
        let kind = reference.split('/').next().unwrap_or_default().to_owned();
        SECTIONS.iter().position(|(_, kinds)| kinds.contains(&kind.as_str()))
    });
    for issue in issues {
        let implicated = issue["implicated"].as_array().map(Vec::as_slice).unwrap_or_default();
        let mut items: Vec<(String, Vec<&str>)> = Vec::new();
        for resource in implicated.iter().filter_map(|reference| by_id.get(reference["reference"].as_str()?)) {
            let said = format!("{} ({})", what(resource, by_id), status(resource));
            let source = tag(resource, "urn:severn:source").unwrap_or("?");
            match items.iter_mut().find(|(known, _)| *known == said) {
                Some((_, sources)) => sources.push(source),
                None => items.push((said, vec![source])),
            }
        }
        let items: Vec<String> = items.into_iter().map(|(said, sources)| format!("{said} — {}", sources.join(", "))).collect();
        let code = text_at(Some(issue), "/code/coding/0/code");
        match lines.iter_mut().find(|line| line.items == items) {
            Some(line) => line.code.push_str(&format!(" and {code}")),
            None => lines.push(ConflictLine { code, items }),
        }
    }
    lines
}

fn line(resource: &Value, clusters: &Clusters, by_id: &BTreeMap<String, &Value>) -> Option<Line> {
    let id = key(resource);
    if clusters.follower.contains_key(&id) {
        return None;
    }
    let alone = vec![id.clone()];
    let members = clusters.members.get(&id).unwrap_or(&alone);
    let sources =
        members.iter().filter_map(|member| by_id.get(member)).filter_map(|member| tag(member, "urn:severn:source")).map(str::to_owned);
    let tier = (members.len() > 1).then(|| tag(resource, "urn:severn:tier").unwrap_or_default().to_owned());
    Some(Line {
        date: words::date(&date(resource)),
        what: what(resource, by_id),
        status: status(resource),
        sources: sources.collect(),
        tier,
    })
}

/// The clinical date, as the type has it.
fn date(resource: &Value) -> String {
    const PLACES: &[&str] = &[
        "/onsetDateTime",
        "/effectiveDateTime",
        "/effectivePeriod/start",
        "/performedDateTime",
        "/performedPeriod/start",
        "/occurrenceDateTime",
        "/period/start",
        "/authoredOn",
        "/whenHandedOver",
        "/start",
        "/date",
        "/authored",
        "/sent",
        "/collection/collectedDateTime",
        "/dateTime",
        "/recordedDate",
        "/issued",
        "/startDate",
        "/dateAsserted",
    ];
    PLACES.iter().map(|place| text_at(Some(resource), place)).find(|text| !text.is_empty()).unwrap_or_default()
}

fn concept(value: &Value) -> Option<String> {
    let own = value["text"].as_str().filter(|text| !text.is_empty());
    let coded =
        value["coding"].as_array().into_iter().flatten().find_map(|coding| coding["display"].as_str().or_else(|| coding["code"].as_str()));
    own.or(coded).map(str::to_owned)
}

fn what(resource: &Value, by_id: &BTreeMap<String, &Value>) -> String {
    let medication = || {
        concept(&resource["medicationCodeableConcept"]).or_else(|| {
            let reference = &resource["medicationReference"];
            let contained = || {
                let id = reference["reference"].as_str()?.strip_prefix('#')?;
                concept(&resource["contained"].as_array()?.iter().find(|inner| inner["id"] == id)?["code"])
            };
            let there = || concept(&by_id.get(reference["reference"].as_str()?)?["code"]);
            there().or_else(contained).or_else(|| reference["display"].as_str().map(str::to_owned))
        })
    };
    let first = |name: &str| resource[name].as_array().and_then(|list| list.first()).and_then(concept);
    let name = concept(&resource["code"])
        .or_else(medication)
        .or_else(|| concept(&resource["vaccineCode"]))
        .or_else(|| resource["description"].as_str().map(str::to_owned))
        .or_else(|| resource["title"].as_str().map(str::to_owned))
        .or_else(|| concept(&resource["description"]))
        .or_else(|| concept(&resource["type"]))
        .or_else(|| first("type"))
        .or_else(|| first("category"))
        .or_else(|| concept(&resource["relationship"]))
        .or_else(|| first("serviceType"))
        .or_else(|| resource["class"]["display"].as_str().or_else(|| resource["class"]["code"].as_str()).map(str::to_owned))
        .unwrap_or_else(|| text_at(Some(resource), "/resourceType"));
    let reactions: Vec<String> = resource["reaction"]
        .as_array()
        .into_iter()
        .flatten()
        .flat_map(|reaction| reaction["manifestation"].as_array().into_iter().flatten().filter_map(concept))
        .collect();
    let dose = resource["dosageInstruction"]
        .as_array()
        .or_else(|| resource["dosage"].as_array())
        .and_then(|list| list.first())
        .and_then(|dosage| dosage["text"].as_str());
    let parts: Vec<String> = [Some(name), value(resource), dose.map(str::to_owned), (!reactions.is_empty()).then(|| reactions.join(", "))]
        .into_iter()
        .flatten()
        .collect();
    parts.join(": ")
}

fn value(resource: &Value) -> Option<String> {
    let quantity = |quantity: &Value| {
        let number = quantity["value"].as_str();
        number.map(|number| {
            format!(
                "{}{number} {}",
                quantity["comparator"].as_str().unwrap_or_default(),
                quantity["unit"].as_str().or_else(|| quantity["code"].as_str()).unwrap_or_default()
            )
        })
    };
    quantity(&resource["valueQuantity"])
        .or_else(|| concept(&resource["valueCodeableConcept"]))
        .or_else(|| resource["valueString"].as_str().map(str::to_owned))
        .or_else(|| {
            let components = resource["component"].as_array()?;
            let parts: Vec<String> = components
                .iter()
                .filter_map(|component| Some(format!("{} {}", concept(&component["code"])?, quantity(&component["valueQuantity"])?)))
                .collect();
            (!parts.is_empty()).then(|| parts.join(", "))
        })
}

fn status(resource: &Value) -> String {
    let coded = |name: &str| resource[name]["coding"].as_array().and_then(|list| list.first()).and_then(|coding| coding["code"].as_str());
    let parts = [
        coded("clinicalStatus"),
        coded("verificationStatus"),
        resource["criticality"].as_str().map(|word| if word == "high" { "high criticality" } else { word }),
        resource["status"].as_str(),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

//! The demo person as the region's two shared records read them: one asks in R4, the other in STU3. Both are told of the same things,
//! grouped and opposed alike. (That each thing says the same in both forms is for tests to show, leaf by leaf.)

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Context;
use serde_json::Value;

use crate::client::Client;
use crate::fhir_api::Face;

/// What a reader gets to know, whichever form it reads.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// Ids, each with what its tags say: source, freshness, cluster, tier.
    resources: BTreeMap<String, BTreeSet<String>>,
    /// Ids that a Linkage says are one fact.
    together: BTreeSet<Vec<String>>,
    /// Ids that contradict each other, riskier first.
    conflicts: BTreeSet<Vec<String>>,
    /// The state of each list.
    states: BTreeSet<String>,
}

impl Facts {
    /// Reads pages of either form.
    fn of(pages: &[String]) -> anyhow::Result<Facts> {
        let mut facts = Facts::default();
        for page in pages {
            let page: Value = serde_json::from_str(page).context("a page is no JSON")?;
            facts.states.extend(tags(&page));
            for resource in page["entry"].as_array().into_iter().flatten().map(|entry| &entry["resource"]) {
                match resource["resourceType"].as_str().unwrap_or_default() {
                    "DetectedIssue" => drop(facts.conflicts.insert(ids(&resource["implicated"], |one| one))),
                    "Linkage" => drop(facts.together.insert(ids(&resource["item"], |one| &one["resource"]))),
                    "OperationOutcome" => {}
                    _ => drop(facts.resources.insert(text(&resource["id"]), tags(resource).collect())),
                }
            }
        }
        Ok(facts)
    }

    fn sources(&self) -> usize {
        let tags = self.resources.values().flatten();
        tags.filter(|tag| tag.starts_with("urn:severn:source|") && *tag != "urn:severn:source|severn").collect::<BTreeSet<_>>().len()
    }

    /// In a line.
    fn words(&self) -> String {
        let (resources, sources) = (self.resources.len(), self.sources());
        format!("{resources} resources of {sources} sources, {} clusters, {} conflicts", self.together.len(), self.conflicts.len())
    }
}

/// What both readers were told, in words, and what is wrong with it.
pub struct Read {
    /// A line for each.
    pub words: String,
    /// Empty when both were told the same.
    pub faults: Vec<String>,
}

/// Reads a person in both forms.
pub async fn both(public: &str, bearer: &str, person: &str) -> anyhow::Result<Read> {
    let read = async |face: Face| -> anyhow::Result<Vec<String>> {
        let client = Client::new(&format!("{public}{}", face.path()), bearer)?;
        client.pages(&format!("Patient/{person}/$everything")).await
    };
    let (r4, stu3) = (read(Face::R4).await?, read(Face::Stu3).await?);
    let notes: usize = stu3.iter().map(|page| notes(page)).sum();
    let (r4, stu3) = (Facts::of(&r4)?, Facts::of(&stu3)?);
    let mut faults = Vec::new();
    if r4 != stu3 {
        faults.push("a reader of STU3 is not told what a reader of R4 is told".to_owned());
    }
    let same = if faults.is_empty() { "the same things" } else { "OTHER THINGS" };
    let words = format!(
        "As the region's shared records read it:\n  HealthShare, /fhir/R4       {}\n  CareCentric, /fhir/STU3     {}: {same}; {notes} notes on what STU3 cannot say\n",
        r4.words(),
        stu3.words()
    );
    Ok(Read { words, faults })
}

/// How often a page's outcome says that something could not be said as it was.
fn notes(page: &str) -> usize {
    let page: Value = serde_json::from_str(page).unwrap_or_default();
    let outcome = &page["entry"][0]["resource"];
    let is_note = |issue: &&Value| issue["details"]["coding"][0]["system"] == "urn:severn:finding";
    outcome["issue"].as_array().into_iter().flatten().filter(is_note).count()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn tags(resource: &Value) -> impl Iterator<Item = String> {
    let tags = resource["meta"]["tag"].as_array().into_iter().flatten();
    tags.map(|tag| format!("{}|{}", text(&tag["system"]), text(&tag["code"])))
}

fn ids(list: &Value, reference: fn(&Value) -> &Value) -> Vec<String> {
    let references = list.as_array().into_iter().flatten().map(|one| text(&reference(one)["reference"]));
    references.map(|reference| reference.rsplit('/').next().unwrap_or_default().to_owned()).collect()
}

//! Is the demo's joined read right? Judged by what the pretend region knows, not by what Severn thinks.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use testbed::{DEMO_PERSON, Expected, Held, person};

/// What is wrong with the read; empty when nothing is.
pub fn faults(pages: &[String], failing: &str) -> Vec<String> {
    let Some(person) = person(DEMO_PERSON) else { return vec!["the region does not know the demo person".to_owned()] };
    let answer = Answer::of(pages);
    let mut faults: Vec<String> = person.facts().iter().flat_map(|fact| answer.check(fact, failing)).collect();
    if !answer.named.contains(failing) {
        faults.push(format!("the source that failed, {failing}, is not named in the outcome"));
    }
    if answer.sources.len() < 3 {
        faults.push("fewer than three sources are in the record".to_owned());
    }
    if answer.conflicts.is_empty() {
        faults.push("no conflict is shown".to_owned());
    }
    faults
}

/// What the judge reads off the wire.
#[derive(Default)]
struct Answer {
    /// Minted ids there are.
    ids: BTreeSet<String>,
    /// Sources that said something.
    sources: BTreeSet<String>,
    /// Sources that the outcome names.
    named: BTreeSet<String>,
    /// Cluster by minted id.
    clusters: BTreeMap<String, String>,
    /// Sets of ids in conflict.
    conflicts: Vec<BTreeSet<String>>,
}

impl Answer {
    fn of(pages: &[String]) -> Answer {
        let mut answer = Answer::default();
        for page in pages.iter().filter_map(|page| serde_json::from_str::<Value>(page).ok()) {
            for entry in page["entry"].as_array().into_iter().flatten() {
                answer.take(&entry["resource"]);
            }
        }
        answer
    }

    fn take(&mut self, resource: &Value) {
        let id = resource["id"].as_str().unwrap_or_default().to_owned();
        match resource["resourceType"].as_str().unwrap_or_default() {
            "OperationOutcome" => {
                let issues = resource["issue"].as_array().into_iter().flatten();
                let extensions = issues.flat_map(|issue| issue["extension"].as_array().into_iter().flatten());
                self.named.extend(
                    extensions
                        .filter(|extension| extension["url"] == "urn:severn:source")
                        .filter_map(|extension| extension["valueString"].as_str().map(str::to_owned)),
                );
            }
            "DetectedIssue" => {
                let references = resource["implicated"].as_array().into_iter().flatten().filter_map(|item| item["reference"].as_str());
                self.conflicts.push(references.filter_map(|reference| reference.rsplit('/').next()).map(str::to_owned).collect());
            }
            "Linkage" => {}
            _ => {
                let tag = |system: &str| {
                    resource["meta"]["tag"]
                        .as_array()
                        .into_iter()
                        .flatten()
                        .find(|tag| tag["system"] == system)
                        .and_then(|tag| tag["code"].as_str())
                };
                if let Some(source) = tag("urn:severn:source") {
                    self.sources.insert(source.to_owned());
                }
                if let Some(cluster) = tag("urn:severn:cluster") {
                    self.clusters.insert(id.clone(), cluster.to_owned());
                }
                self.ids.insert(id);
            }
        }
    }

    fn check(&self, fact: &Expected, failing: &str) -> Vec<String> {
        let mut faults = Vec::new();
        let there = |held: &&Held| held.supplier != failing;
        for held in fact.held.iter().filter(there).filter(|held| self.minted(held).is_none()) {
            faults.push(format!("{}: what {} holds ({} {}) is not in the record", fact.key, held.supplier, held.resource_type, held.id));
        }
        let together: Vec<&Held> = fact.together().into_iter().filter(there).collect();
        let clusters: BTreeSet<Option<&String>> =
            together.iter().map(|held| self.minted(held).and_then(|id| self.clusters.get(&id))).collect();
        if together.len() > 1 && (clusters.len() != 1 || clusters.contains(&None)) {
            let who: Vec<&str> = together.iter().map(|held| held.supplier).collect();
            faults.push(format!("{}: {} say the same and are not in one cluster", fact.key, who.join(", ")));
        }
        if fact.is_in_conflict() {
            let ids: Vec<String> = fact.held.iter().filter(there).filter_map(|held| self.minted(held)).collect();
            let shown = self.conflicts.iter().any(|conflict| ids.iter().filter(|id| conflict.contains(*id)).count() > 1);
            if ids.len() > 1 && !shown {
                faults.push(format!("{}: its holders contradict each other and no conflict is shown", fact.key));
            }
        }
        faults
    }

    /// The id minted for what a supplier holds. Older types that share one R4 type keep their name in it.
    fn minted(&self, held: &Held) -> Option<String> {
        let plain = format!("{}-{}", held.supplier, held.id);
        let named = format!("{}-{}.{}", held.supplier, held.resource_type, held.id);
        [plain, named].into_iter().find(|id| self.ids.contains(id))
    }
}

//! Is a joined read right? Judged by what the pretend region knows, not by what Severn thinks.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use testbed::{DEMO_PERSON, ELSEWHERE, Expected, Held, Nature, Person, person};

/// What is wrong with the demo's read; empty when nothing is.
pub fn demo_faults(pages: &[String], failing: &str) -> Vec<String> {
    let Some(person) = person(DEMO_PERSON) else { return vec!["the region does not know the demo person".to_owned()] };
    let answer = Answer::of(pages);
    let mut faults = answer.faults(person, Some(failing));
    if answer.sources.len() < 3 {
        faults.push("fewer than three sources are in the record".to_owned());
    }
    if answer.conflicts.is_empty() {
        faults.push("no conflict is shown".to_owned());
    }
    faults
}

/// What is wrong where the national locator is asked, too: it knows of another shared record of the demo person.
pub fn locator_faults(pages: &[String]) -> Vec<String> {
    let fault = || format!("that {ELSEWHERE} holds another shared record, as the national locator says, is not told");
    (!Answer::of(pages).elsewhere.contains(ELSEWHERE)).then(fault).into_iter().collect()
}

/// What is wrong with a read of everything about this person, of all pages, while one source fails or none does.
pub fn faults(person: &Person, pages: &[String], failing: Option<&str>) -> Vec<String> {
    Answer::of(pages).faults(person, failing)
}

/// What the judge reads off the wire.
#[derive(Default)]
struct Answer {
    /// Minted ids there are.
    ids: BTreeSet<String>,
    /// Minted ids by source and identifier: of what a source gives another id whenever it is built again.
    identified: BTreeMap<(String, String, String), BTreeSet<String>>,
    /// Sources that said something.
    sources: BTreeSet<String>,
    /// Sources that the outcome names, with the codes it gives them.
    named: BTreeMap<String, BTreeSet<String>>,
    /// Organisations that hold another shared record, by the national locator's word.
    elsewhere: BTreeSet<String>,
    /// Sources and types of which more exists than was fetched.
    truncated: BTreeSet<(String, String)>,
    /// Cluster by minted id, as the resources' tags say.
    clusters: BTreeMap<String, String>,
    /// Sets of ids that a Linkage says belong together.
    linked: Vec<BTreeSet<String>>,
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
            "OperationOutcome" => resource["issue"].as_array().into_iter().flatten().for_each(|issue| self.hear(issue)),
            "DetectedIssue" => self.conflicts.push(referred(&resource["implicated"], |item| item)),
            "Linkage" => self.linked.push(referred(&resource["item"], |item| &item["resource"])),
            _ => {
                if let Some(source) = tag(resource, "urn:severn:source") {
                    self.sources.insert(source.to_owned());
                    let one = std::slice::from_ref(&resource["identifier"]);
                    for identifier in resource["identifier"].as_array().map_or(one, Vec::as_slice) {
                        let text = |name: &str| identifier[name].as_str().unwrap_or_default().to_owned();
                        self.identified.entry((source.to_owned(), text("system"), text("value"))).or_default().insert(id.clone());
                    }
                }
                if let Some(cluster) = tag(resource, "urn:severn:cluster") {
                    self.clusters.insert(id.clone(), cluster.to_owned());
                }
                self.ids.insert(id);
            }
        }
    }

    fn hear(&mut self, issue: &Value) {
        let extension = |url: &str| issue["extension"].as_array().into_iter().flatten().find(|extension| extension["url"] == url);
        if issue["details"]["coding"][0]["system"] == "urn:severn:record-locator"
            && let Some(custodian) =
                extension("urn:severn:organisation").and_then(|custodian| custodian["valueIdentifier"]["value"].as_str())
        {
            self.elsewhere.insert(custodian.to_owned());
        }
        let Some(source) = extension("urn:severn:source").and_then(|source| source["valueString"].as_str()) else { return };
        let code = issue["details"]["coding"][0]["code"].as_str().unwrap_or_default();
        self.named.entry(source.to_owned()).or_default().insert(code.to_owned());
        let kind = extension("urn:severn:type").and_then(|kind| kind["valueCode"].as_str());
        if let Some(kind) = kind.filter(|_| code == "ok-truncated") {
            self.truncated.insert((source.to_owned(), kind.to_owned()));
        }
    }

    fn faults(&self, person: &Person, failing: Option<&str>) -> Vec<String> {
        let doubtful = person.doubtful();
        let shown = |held: &Held| {
            let whole = !self.truncated.contains(&(held.supplier.to_owned(), held.resource_type.to_owned()));
            failing != Some(held.supplier) && !doubtful.contains(held.supplier) && (whole || self.there(held).is_some())
        };
        let facts = person.facts();
        let mut faults: Vec<String> = facts.iter().flat_map(|fact| self.of_fact(fact, &shown)).collect();
        faults.extend(self.of_clusters(&facts));
        faults.extend(self.of_conflicts(&facts));
        if let Some(failing) = failing.filter(|failing| !self.named.contains_key(*failing)) {
            faults.push(format!("the source that failed, {failing}, is not named in the outcome"));
        }
        for source in doubtful.iter().filter(|source| failing != Some(**source)) {
            if self.sources.contains(*source) {
                faults.push(format!("what {source} holds is shown, and nobody knows that it is this person's"));
            }
            if !self.named.get(*source).is_some_and(|codes| codes.contains("held")) {
                faults.push(format!("that {source} has a possible record, held, is not said"));
            }
        }
        faults
    }

    /// Every holding is there, those that say the same are together, and a contradiction is shown.
    fn of_fact(&self, fact: &Expected, shown: &impl Fn(&Held) -> bool) -> Vec<String> {
        let mut faults = Vec::new();
        for held in fact.held.iter().filter(|held| shown(held) && self.there(held).is_none()) {
            faults.push(format!("{}: what {} is not in the record", fact.key, words(held)));
        }
        for group in fact.groups() {
            let group: Vec<&Held> = group.into_iter().filter(|held| shown(held)).collect();
            let clusters: BTreeSet<Option<&String>> =
                group.iter().map(|held| self.there(held).and_then(|id| self.clusters.get(&id))).collect();
            if group.len() > 1 && (clusters.len() != 1 || clusters.contains(&None)) {
                let who: Vec<String> = group.into_iter().map(words).collect();
                faults.push(format!("{}: {} say the same and are not in one cluster", fact.key, who.join(", ")));
            }
        }
        for held in fact.held.iter().filter(|held| held.nature == Nature::Contradicts && shown(held)) {
            let others: Vec<String> =
                fact.held.iter().filter(|other| other.group == 0 && shown(other)).filter_map(|other| self.there(other)).collect();
            let in_conflict =
                |id: &String| self.conflicts.iter().any(|all| all.contains(id) && others.iter().any(|other| all.contains(other)));
            if !others.is_empty() && self.there(held).is_some_and(|id| !in_conflict(&id)) {
                faults.push(format!("{}: what {} contradicts the others, and no conflict is shown", fact.key, words(held)));
            }
        }
        faults
    }

    /// No cluster holds what does not belong together, and the Linkages say what the tags say.
    fn of_clusters(&self, facts: &[Expected]) -> Vec<String> {
        let holdings = facts.iter().flat_map(|fact| fact.held.iter().map(move |held| (fact, held)));
        let owners: BTreeMap<String, (&Expected, &Held)> =
            holdings.filter_map(|(fact, held)| Some((self.there(held)?, (fact, held)))).collect();
        let mut faults = Vec::new();
        for linked in &self.linked {
            let tags: BTreeSet<Option<&String>> = linked.iter().map(|id| self.clusters.get(id)).collect();
            if tags.len() != 1 || tags.contains(&None) {
                faults.push(format!("the tags do not say what a Linkage says of {linked:?}"));
            }
            let known: Vec<&(&Expected, &Held)> = linked.iter().filter_map(|id| owners.get(id)).collect();
            let places: BTreeSet<(&str, usize)> = known.iter().map(|(fact, held)| (fact.key.as_str(), held.group)).collect();
            if places.len() > 1 || (known.len() != linked.len() && !known.is_empty()) {
                let who: Vec<String> = known.iter().map(|(fact, held)| format!("{}: {}", fact.key, words(held))).collect();
                faults.push(format!("in one cluster, and do not say the same: {}", who.join("; ")));
            }
        }
        let linked: BTreeSet<&String> = self.linked.iter().flatten().collect();
        for id in self.clusters.keys().filter(|id| !linked.contains(id)) {
            faults.push(format!("{id} is tagged as one of a cluster, and no Linkage has it"));
        }
        faults
    }

    /// Holdings of one cluster are in no conflict with each other.
    fn of_conflicts(&self, facts: &[Expected]) -> Vec<String> {
        let one = |group: Vec<&Held>| -> BTreeSet<String> { group.into_iter().filter_map(|held| self.there(held)).collect() };
        let groups = facts.iter().flat_map(|fact| fact.groups().into_iter().map(move |group| (fact, one(group))));
        let disturbed = groups.filter(|(_, group)| self.conflicts.iter().any(|conflict| conflict.is_subset(group)));
        disturbed.map(|(fact, _)| format!("{}: a conflict is shown between those who say the same", fact.key)).collect()
    }

    /// The id minted for what a supplier holds, where it is shown.
    fn there(&self, held: &Held) -> Option<String> {
        let minted = dialect::mint(&held.supplier.parse().ok()?, held.resource_type, &held.id);
        if self.ids.contains(&minted) {
            return Some(minted);
        }
        let (system, value) = held.identifier.clone();
        let found = self.identified.get(&(held.supplier.to_owned(), system, value)).filter(|ids| ids.len() == 1);
        found.and_then(|ids| ids.first().cloned())
    }
}

fn words(held: &Held) -> String {
    format!("{} holds ({} {})", held.supplier, held.resource_type, held.id)
}

fn tag<'a>(resource: &'a Value, system: &str) -> Option<&'a str> {
    let mut tags = resource["meta"]["tag"].as_array().into_iter().flatten();
    tags.find(|tag| tag["system"] == system)?["code"].as_str()
}

/// Ids that a list of references points at.
fn referred(list: &Value, reference: fn(&Value) -> &Value) -> BTreeSet<String> {
    let references = list.as_array().into_iter().flatten().filter_map(|item| reference(item)["reference"].as_str());
    references.filter_map(|reference| reference.rsplit('/').next()).map(str::to_owned).collect()
}

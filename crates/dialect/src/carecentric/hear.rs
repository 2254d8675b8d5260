//! What replies of the JSON part do to a conversation.

use std::collections::BTreeSet;

use bytes::Bytes;
use fhir::{Kind, Ref, Tree};
use record::{Cause, Failure, Finding, FindingCode, NhsNumber, Quarantined, Reply, Response, Status};

use super::records::{Made, make};
use super::table::{Bundle, Collection, tables};
use super::{CareCentric, Went};
use crate::ids;

/// One record that Find Patient answered with.
#[derive(Debug)]
pub(super) struct Match {
    /// The patient detail id.
    pub id: String,
    /// Whether it carries the number asked for.
    pub theirs: bool,
    /// Ids that the source links to it.
    pub links: BTreeSet<String>,
    /// The Patient that it is.
    pub made: Made,
}

/// One id for each set of linked ids of the person, the least: any of them gives what all have.
pub(super) fn sets(matches: &[Match]) -> Vec<String> {
    let mut theirs: Vec<&Match> = matches.iter().filter(|one| one.theirs).collect();
    theirs.sort_by(|a, b| a.id.cmp(&b.id));
    let mut sets: Vec<(String, BTreeSet<&str>)> = Vec::new();
    for one in theirs {
        let ids: BTreeSet<&str> = one.links.iter().map(String::as_str).chain([one.id.as_str()]).collect();
        match sets.iter_mut().find(|(_, known)| !known.is_disjoint(&ids)) {
            Some((_, known)) => known.extend(ids),
            None => sets.push((one.id.clone(), ids)),
        }
    }
    sets.into_iter().map(|(id, _)| id).collect()
}

impl CareCentric {
    pub(super) fn find(&mut self, reply: Reply) {
        let tried = reply.tried;
        let went = |status, note: Option<String>| Some(Went { status, note, tried });
        let read = self.body(reply).and_then(|body| matches(&body, &self.holder.numbers()));
        self.found = match read {
            Err((status, note)) => went(status, note),
            Ok((matches, more)) => {
                self.nobody = !matches.iter().any(|one| one.theirs);
                self.matches = matches;
                let note = more.then(|| "Find Patient has more matches than it gave".to_owned());
                went(if more { Status::OkTruncated } else { Status::Ok }, note)
            }
        };
    }

    /// The body of an answer, or what it means that there is none.
    fn body(&mut self, reply: Reply) -> Result<Bytes, (Status, Option<String>)> {
        match reply.outcome {
            Err(failure) => Err(failed(failure)),
            Ok(response) => {
                self.bytes += response.body.len();
                if (200..300).contains(&response.status) { Ok(response.body) } else { Err(refused(&response)) }
            }
        }
    }

    pub(super) fn bundle(&mut self, place: usize, set: String, reply: Reply) {
        let tried = reply.tried;
        let bundle = &tables().bundles[place];
        let read = self.body(reply).and_then(|body| read(&body));
        let (status, note) = match read {
            Err(failed) => failed,
            Ok(tree) if self.is_of_another(tree.root(), &set) => {
                (Status::FailedParse, Some("it answered about another patient detail id".to_owned()))
            }
            Ok(tree) => self.collections(place, bundle, tree.root(), &set),
        };
        self.went.insert((place, set), Some(Went { status, note, tried }));
    }

    /// Whether the answer as a whole says that it is about an id that was not asked for.
    fn is_of_another(&self, root: Ref<'_>, set: &str) -> bool {
        let linked = |id: &str| self.matches.iter().filter(|one| one.theirs).any(|one| one.id == id || one.links.contains(id));
        root.text("PatientDetailId").is_some_and(|id| id != set && !linked(&id))
    }

    fn collections(&mut self, place: usize, bundle: &'static Bundle, root: Ref<'_>, set: &str) -> (Status, Option<String>) {
        let mut came = 0;
        let about = root.text("PatientDetailId").map(|id| id.into_owned());
        for (name, value) in root.entries() {
            let at = format!("{}.{name}", bundle.name);
            match bundle.collections.iter().find(|collection| collection.name == name) {
                Some(collection) if value.is_array() => {
                    for record in value.items() {
                        came += 1;
                        self.record(place, bundle, collection, record, about.as_deref().unwrap_or(set));
                    }
                }
                Some(_) => self.stray(None, at, "no list of records"),
                None if value.is_array() => value.items().for_each(|_| {
                    came += 1;
                    self.stray(None, at.clone(), "records that the table does not know");
                }),
                None if matches!(name, "PatientDetailId" | "TotalItemCount") => {}
                None => {
                    let detail = "said of the whole bundle, which no resource carries".to_owned();
                    self.findings.insert(Finding { code: FindingCode::Lossy, path: at, detail });
                }
            }
        }
        let total = root.text("TotalItemCount").and_then(|total| total.parse::<usize>().ok());
        match total {
            Some(total) if total > came => (Status::OkTruncated, Some(format!("{} of {total} records came", came))),
            _ => (Status::Ok, None),
        }
    }

    fn stray(&mut self, kind: Option<Kind>, named: String, detail: &str) {
        let cause = if kind.is_some() { Cause::Malformed } else { Cause::UnknownType };
        self.quarantined.push(Quarantined { kind, named, id: None, cause, detail: detail.to_owned() });
    }

    fn record(&mut self, place: usize, bundle: &'static Bundle, collection: &'static Collection, record: Ref<'_>, about: &str) {
        if !record.is_object() {
            return self.stray(Some(collection.kind), format!("{}.{}", bundle.name, collection.name), "a record that is no object");
        }
        let mut made = make(tables(), bundle, collection, record, Some(about));
        if let Some((_, id)) = self.record_wanted()
            && made.id.as_deref() != Some(id)
        {
            return;
        }
        if collection.kind == Kind::PATIENT {
            return self.patient(made);
        }
        self.lead_subject(&mut made, collection.kind);
        self.keep(made, collection.kind, place);
    }

    /// The demographic record takes the place of what Find Patient said of the same id; what only the latter said is named.
    fn patient(&mut self, made: Made) {
        let Some(known) = self.matches.iter_mut().find(|one| Some(&one.id) == made.id.as_ref()) else {
            return self.stray(Some(Kind::PATIENT), "demographics.PatientsCollection".to_owned(), "a patient detail id that was not found");
        };
        let mut said = BTreeSet::new();
        leaves(made.tree.root(), &mut |leaf| {
            said.insert(leaf.value().unwrap_or_default().into_owned());
        });
        let mut differs = false;
        leaves(known.made.tree.root(), &mut |leaf| differs |= !said.contains(leaf.value().unwrap_or_default().as_ref()));
        let findings = std::mem::replace(&mut known.made, made).findings;
        if differs {
            let detail = "Find Patient says something else of this id than the demographic record, which is shown".to_owned();
            known.made.findings.push(Finding { code: FindingCode::SourceWarning, path: "Patient".to_owned(), detail });
            known.made.findings.extend(findings.into_iter().filter(|finding| finding.code != FindingCode::Converted));
        }
    }

    /// An id that the source links to one it found leads to that Patient: the linked one has no record of its own here.
    fn lead_subject(&self, made: &mut Made, kind: Kind) {
        let place = match kind {
            Kind::APPOINTMENT => made.tree.root().all("participant.actor.reference"),
            _ => ["subject.reference", "patient.reference"].iter().flat_map(|path| made.tree.root().all(path)).collect(),
        };
        let Some(node) = place.into_iter().next() else { return };
        let text = node.value().unwrap_or_default().into_owned();
        let Some(id) = text.strip_prefix("Patient/") else { return };
        if self.matches.iter().any(|one| one.id == id) {
            return;
        }
        let node = node.id();
        if let Some(by) = self.matches.iter().find(|one| one.theirs && one.links.contains(id)) {
            made.tree.set_text(node, &format!("Patient/{}", by.id));
            let detail = "said of an id that the source links to this Patient".to_owned();
            made.findings.push(Finding { code: FindingCode::Converted, path: format!("{kind}.subject"), detail });
        }
    }

    /// Hands a resource on to where the FHIR part's are. Streams above any of its own keep equal records without an id apart.
    pub(super) fn keep(&mut self, made: Made, kind: Kind, place: usize) {
        let minted = match &made.id {
            Some(id) => ids::mint(&self.holder.source, kind.name(), id),
            None => {
                let content = made.tree.root().to_json();
                let count = self.nameless.entry((place, content.clone())).or_default();
                *count += 1;
                // As `Arrivals` names it.
                let content = if *count == 1 { content } else { format!("{content}#{}", *count - 1) };
                ids::hashed(&self.holder.source, content.as_bytes())
            }
        };
        self.plain.bring(made.tree, usize::MAX - 1 - place);
        self.made.entry((kind, minted)).or_default().extend(made.findings);
    }
}

/// Find Patient's matches, and whether there are more than came.
fn matches(body: &Bytes, theirs: &[NhsNumber]) -> Result<(Vec<Match>, bool), (Status, Option<String>)> {
    let tree = read(body)?;
    let bundle = tables().bundles.iter().find(|bundle| bundle.name == "demographics");
    let collection = bundle.and_then(|bundle| Some((bundle, bundle.collections.iter().find(|own| own.kind == Kind::PATIENT)?)));
    let Some((bundle, collection)) = collection else { return Ok((Vec::new(), false)) };
    let unreadable = || (Status::FailedParse, Some("no list of matches".to_owned()));
    let list = tree.root().get(&collection.name).filter(|list| list.is_array()).ok_or_else(unreadable)?;
    let mut matches: Vec<Match> = Vec::new();
    for record in list.items().filter(|record| record.is_object()) {
        let made = make(tables(), bundle, collection, record, None);
        let Some(id) = made.id.clone() else { continue };
        if matches.iter().any(|one| one.id == id) {
            continue;
        }
        let numbers = record.all("NhsNumber").into_iter().flat_map(|value| value.text("Value"));
        let theirs = numbers.filter_map(|value| value.parse::<NhsNumber>().ok()).any(|own| theirs.contains(&own));
        let links = record.all("LinkedPatientDetailIds").into_iter().filter_map(Ref::value).map(|id| id.into_owned()).collect();
        matches.push(Match { id, theirs, links, made });
    }
    let total = tree.root().text("TotalItemCount").and_then(|total| total.parse::<usize>().ok()).unwrap_or_default();
    let more = total > list.len() || matches.len() < list.len() && list.items().any(|record| record.get("PatientDetailId").is_none());
    Ok((matches, more))
}

fn read(body: &Bytes) -> Result<Tree, (Status, Option<String>)> {
    let unreadable = |why: String| (Status::FailedParse, Some(why));
    let body = if body.starts_with(&[0xEF, 0xBB, 0xBF]) { body.slice(3..) } else { body.clone() };
    let tree = Tree::from_json(body).map_err(|error| unreadable(error.to_string()))?;
    if tree.root().is_object() { Ok(tree) } else { Err(unreadable("the body is no object".to_owned())) }
}

fn leaves<'a>(node: Ref<'a>, leaf: &mut impl FnMut(Ref<'a>)) {
    if node.is_primitive() { leaf(node) } else { node.items().for_each(|child| leaves(child, leaf)) }
}

/// A bundle that the subscription does not cover is not offered; any other refusal is a failure.
fn refused(response: &Response) -> (Status, Option<String>) {
    let start = String::from_utf8_lossy(&response.body[..response.body.len().min(4096)]).to_ascii_lowercase();
    let status = match response.status {
        403 if start.contains("subscription") => Status::Unsupported,
        401 | 403 => Status::FailedAuth,
        404 | 405 | 501 => Status::Unsupported,
        429 => Status::Throttled,
        _ => Status::FailedHttp,
    };
    (status, Some(format!("HTTP {}", response.status)))
}

/// What a call without a response means.
fn failed(failure: Failure) -> (Status, Option<String>) {
    let (status, note) = crate::plain::failed(failure);
    (status, note.map(str::to_owned))
}

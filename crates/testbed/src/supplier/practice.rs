//! A general practice as the national proxy shows it: `Patient/$gpc.getstructuredrecord` (STU3), strict about who asks and how.
//!
//! Bundles are collections without addresses, structured by Lists; practices of one maker put their Lists first, those of the other
//! last. The lives of the region hold more than the interface carries (relatives, flags, family history): that is sent along whatever
//! is asked, so that no life is cut. A real practice would keep it.

use super::shelf::{Folder, Kept, Shelf};
use crate::fault::{Fault, Gap, tamper::tamper};
use crate::ident;
use crate::message::{Request, Response};
use crate::node::{Node, list, object};
use crate::person::{Person, people};
use crate::region;
use http::{Method, StatusCode};
use std::sync::Arc;

mod areas;
mod caller;

use areas::Area;

/// The one operation.
pub(super) const OPERATION: &str = "Patient/$gpc.getstructuredrecord";

/// Why there is no record: HTTP status, issue code, Spine code, words.
type Refused = (u16, &'static str, String, String);

/// Answers the operation.
pub(super) fn answer(shelf: &Shelf, request: &Request, faults: &[Fault]) -> Response {
    match record(shelf, request, faults) {
        Ok(bundle) => say(StatusCode::OK, &bundle),
        Err((status, issue, code, words)) => {
            say(StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST), &outcome(vec![issue_of("error", issue, &code, &words)]))
        }
    }
}

fn say(status: StatusCode, node: &Node) -> Response {
    Response::new(status, "application/fhir+json; charset=utf-8", node.to_json())
}

fn outcome(issues: Vec<Node>) -> Node {
    object! { "resourceType": "OperationOutcome", "issue": issues }
}

fn issue_of(severity: &str, issue: &str, code: &str, words: &str) -> Node {
    let coding = (!code.is_empty()).then(|| {
        object! { "system": "https://fhir.nhs.uk/STU3/CodeSystem/Spine-ErrorOrWarningCode-1", "code": code, "display": code }
    });
    object! {
        "severity": severity,
        "code": issue,
        "details": coding.map(|coding| object! { "coding": list![coding] }),
        "diagnostics": words,
    }
}

fn record(shelf: &Shelf, request: &Request, faults: &[Fault]) -> Result<Node, Refused> {
    if request.method != Method::POST {
        return Err((405, "not-supported", String::new(), "the operation is asked for by POST".to_owned()));
    }
    caller::check(request, &shelf.base)?;
    let gaps: Vec<&Gap> = faults.iter().filter_map(|fault| if let Fault::Practice { gap } = fault { Some(gap) } else { None }).collect();
    let asked = areas::asked(&request.body)?;
    for gap in &gaps {
        match gap {
            Gap::Code(code) => return Err(refused_as(code)),
            Gap::Untaken(parameter) if asked.parameters.contains(parameter) => {
                return Err((422, "invalid", "INVALID_PARAMETER".to_owned(), format!("{parameter} is an unrecognised parameter")));
            }
            _ => {}
        }
    }
    let loses = |fault: &Fault| matches!(fault, Fault::LosesType { kind } if asked.kinds().any(|own| own == kind));
    if faults.iter().any(loses) {
        return Err(refused_as("INTERNAL_SERVER_ERROR"));
    }
    if !is_number(&asked.number) {
        return Err(refused_as("INVALID_NHS_NUMBER"));
    }
    let folder = shelf.folders.iter().find(|folder| folder.nhs_number == asked.number).ok_or_else(|| refused_as("PATIENT_NOT_FOUND"))?;
    let person = people().iter().find(|person| person.about.nhs_number == asked.number).ok_or_else(|| refused_as("PATIENT_NOT_FOUND"))?;
    Ok(Practice { shelf, person, gaps: &gaps, faults }.bundle(folder, &asked))
}

fn is_number(number: &str) -> bool {
    ident::is_synthetic_nhs_number(number)
}

/// A refusal with one of the Spine's codes, as the error guidance has it.
fn refused_as(code: &str) -> Refused {
    let (status, issue) = match code {
        "PATIENT_NOT_FOUND" | "NO_RECORD_FOUND" | "ORGANISATION_NOT_FOUND" => (404, "not-found"),
        "ACCESS_DENIED" | "NO_ORGANISATION_CONSENT" | "NO_PATIENT_CONSENT" | "NO_RELATIONSHIP" => (403, "forbidden"),
        "INVALID_NHS_NUMBER" => (400, "value"),
        "BAD_REQUEST" => (400, "invalid"),
        "NOT_IMPLEMENTED" => (501, "not-supported"),
        "INTERNAL_SERVER_ERROR" => (500, "processing"),
        _ => (422, "invalid"),
    };
    (status, issue, code.to_owned(), "see the code".to_owned())
}

/// One practice, about to answer about one person.
struct Practice<'a> {
    shelf: &'a Shelf,
    person: &'static Person,
    gaps: &'a [&'a Gap],
    faults: &'a [Fault],
}

impl Practice<'_> {
    fn bundle(&self, folder: &Folder, asked: &areas::Asked) -> Node {
        let kept: Vec<Arc<Kept>> = self.shelf.open(folder).to_vec();
        let implemented = |area: &&Area| !self.gaps.contains(&&Gap::NotImplemented(area.parameter.to_owned()));
        let wanted: Vec<&Area> = asked.areas.iter().copied().filter(implemented).collect();
        let comes = |kept: &&Arc<Kept>| match kept.kind.as_str() {
            "Patient" => !self.gaps.contains(&&Gap::NoPatient),
            "Binary" | "List" => false,
            kind => wanted.iter().any(|area| area.kinds.contains(&kind)) || !areas::carries(kind),
        };
        let mut come: Vec<Arc<Kept>> = kept.iter().filter(comes).cloned().collect();
        if self.gaps.contains(&&Gap::EndedAllergies) {
            come.retain(|kept| kept.kind != "AllergyIntolerance");
        }
        let come = tamper(&self.shelf.habits, self.faults, come);
        let lists = self.lists(&wanted, &come, &kept);
        let around = self.shelf.pointed_at(&come);
        let mut entries: Vec<Node> = come.iter().chain(&around).map(|kept| kept.node.clone()).collect();
        // A habit of their makers; the order means nothing.
        let first = region::organisation(self.person.about.practice.as_deref().unwrap_or_default());
        if first.and_then(|practice| practice.system.as_deref()) == Some("EMIS") {
            entries.splice(0..0, lists);
        } else {
            entries.extend(lists);
        }
        entries.extend(self.not_implemented(asked));
        let next = self.faults.iter().any(|fault| matches!(fault, Fault::CrossOriginNext | Fault::EndlessPages | Fault::LoopingPages));
        let next = next.then(|| list![object! { "relation": "next", "url": format!("{}/{OPERATION}?page=2", self.shelf.base) }]);
        object! {
            "resourceType": "Bundle",
            "id": ident::guid(&format!("{}/record", self.person.about.nhs_number)),
            "meta": object! { "profile": list!["https://fhir.nhs.uk/STU3/StructureDefinition/GPConnect-StructuredRecord-Bundle-1"] },
            "type": "collection",
            "link": next,
            "entry": entries.into_iter().map(|resource| object! { "resource": resource }).collect::<Vec<_>>(),
        }
    }

    fn lists(&self, wanted: &[&Area], come: &[Arc<Kept>], kept: &[Arc<Kept>]) -> Vec<Node> {
        let areas = wanted.iter().filter(|area| !self.gaps.contains(&&Gap::Unlisted(area.parameter.to_owned())));
        let mut lists: Vec<Node> =
            areas.flat_map(|area| area.lists.iter().map(|list| self.list(area, *list, come, kept)).collect::<Vec<_>>()).collect();
        lists.extend(self.gaps.iter().filter_map(|gap| match gap {
            Gap::Inside { list, code } => Some(self.inside(list, code)),
            _ => None,
        }));
        lists
    }

    /// A List inside a consultation, or about a problem, that warns.
    fn inside(&self, list: &str, code: &str) -> Node {
        let mut node = super::lists::list_of(&self.shelf.habits, &self.shelf.base, self.person, (list, "Related"), &[]);
        node.set("extension", list![super::lists::warning(code)]);
        node.set("note", list![object! { "text": super::lists::warning_text(code) }]);
        node
    }

    fn list(&self, area: &Area, (code, title): (&str, &str), come: &[Arc<Kept>], kept: &[Arc<Kept>]) -> Node {
        let ended = code == areas::ENDED;
        let empty = self.gaps.iter().find_map(|gap| match gap {
            Gap::Empty { area: own, reason } if own == area.parameter => Some(reason),
            _ => None,
        });
        let on_it: Vec<&Node> = match (ended, empty) {
            (false, None) => come.iter().filter(|kept| area.listed.contains(&kept.kind.as_str())).map(|kept| &kept.node).collect(),
            _ => Vec::new(),
        };
        let mut node = super::lists::list_of(&self.shelf.habits, &self.shelf.base, self.person, (code, title), &on_it);
        if ended && self.gaps.contains(&&Gap::EndedAllergies) {
            self.end_allergies(&mut node, kept);
        }
        if let Some(reason) = empty {
            let system = "http://hl7.org/fhir/list-empty-reason";
            let reason = (!reason.is_empty()).then(|| object! { "coding": list![object! { "system": system, "code": reason }] });
            node.set("emptyReason", reason);
            node.set("note", Node::Nothing);
        }
        for gap in self.gaps {
            spoil(&mut node, gap, area);
        }
        node
    }

    /// Ended allergies stand in their List, and nowhere else.
    fn end_allergies(&self, node: &mut Node, kept: &[Arc<Kept>]) {
        let allergies = kept.iter().filter(|kept| kept.kind == "AllergyIntolerance");
        let (mut contained, mut entries) = (Vec::new(), Vec::new());
        for kept in allergies {
            let mut allergy = kept.node.clone();
            allergy.take("meta");
            allergy.set("clinicalStatus", "resolved");
            contained.push(allergy);
            entries.push(object! { "item": object! { "reference": format!("#{}", kept.id) } });
        }
        node.set("contained", contained);
        node.set("entry", entries);
        node.take("emptyReason");
        node.take("note");
    }

    fn not_implemented(&self, asked: &areas::Asked) -> Option<Node> {
        let named = |parameter: &String| parameter.split('.').next().is_some_and(|name| asked.parameters.iter().any(|own| own == name));
        let unknown = asked.unknown.iter().chain(self.gaps.iter().filter_map(|gap| match gap {
            Gap::NotImplemented(parameter) if named(parameter) => Some(parameter),
            _ => None,
        }));
        let mut issues: Vec<Node> = unknown.map(|name| issue_of("warning", "not-supported", "NOT_IMPLEMENTED", name)).collect();
        issues.extend(self.gaps.iter().filter_map(|gap| match gap {
            Gap::Issue { issue, code, about } => Some(object! {
                "severity": "warning",
                "code": issue.as_str(),
                "details": (!code.is_empty()).then(|| object! { "coding": list![object! {
                    "system": "https://fhir.nhs.uk/STU3/CodeSystem/Spine-ErrorOrWarningCode-1", "code": code.as_str(),
                }] }),
                "diagnostics": about.as_str(),
            }),
            _ => None,
        }));
        (!issues.is_empty()).then(|| outcome(issues))
    }
}

/// What a gap does to a List of its area.
fn spoil(node: &mut Node, gap: &Gap, area: &Area) {
    let more = |node: &mut Node, name: &'static str, item: Node| {
        let mut items = node.take(name).map(|list| list.items().to_vec()).unwrap_or_default();
        items.push(item);
        node.set(name, items);
    };
    let entry = |reference: String| object! { "item": object! { "reference": reference } };
    match gap {
        Gap::Dangling(own) if own == area.parameter => {
            let kind = area.listed.first().copied().unwrap_or("Observation");
            node.take("emptyReason");
            more(node, "entry", entry(format!("{kind}/{}", ident::guid("nothing"))));
        }
        Gap::Note { area: own, text } if own == area.parameter => more(node, "note", object! { "text": text }),
        Gap::Unsupported { area: own, items } if own == area.parameter => {
            node.take("emptyReason");
            more(node, "entry", entry(format!("{items} items are not supported by the provider system")));
        }
        Gap::Warning { area: own, code } if own == area.parameter => {
            more(node, "extension", super::lists::warning(code));
            more(node, "note", object! { "text": super::lists::warning_text(code) });
        }
        _ => {}
    }
}

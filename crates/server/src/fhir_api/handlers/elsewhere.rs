//! What a reader is told of national services' words about the person: who else holds a shared record, never where it is; and that
//! nobody knows whether what the demographics service said still holds.

use exchange::{Elsewhere, Joined};
use record::OdsCode;
use serde_json::{Value, json};

use super::super::App;
use crate::answer::outcome;
use crate::config::Usage;

const SYSTEM: &str = "urn:severn:record-locator";
const DEMOGRAPHICS: &str = "urn:severn:demographics";
const ACCESS: &str = "urn:severn:access";

impl App {
    /// The outcome of a record, and beside it what the National Record Locator said. None of that makes an answer incomplete.
    pub(super) fn outcome(&self, read: &Joined) -> Value {
        let mut outcome = outcome::of_record(&read.record, &self.exchange);
        hidden(&mut outcome, read.place_hidden);
        overridden(&mut outcome, read.claimed.overridden);
        emergency(&mut outcome, read.claimed.emergency);
        self.tell(&mut outcome, &read.elsewhere);
        unconfirmed(&mut outcome, read.unconfirmed);
        outcome
    }

    /// The outcome of a plan alone, and the same beside it: who finds nobody here wants to know it most.
    pub(super) fn outcome_of_plan(&self, read: &Joined) -> Value {
        let mut outcome = outcome::of_plan(&read.record.plan, &self.exchange);
        hidden(&mut outcome, read.place_hidden);
        overridden(&mut outcome, read.claimed.overridden);
        emergency(&mut outcome, read.claimed.emergency);
        self.tell(&mut outcome, &read.elsewhere);
        unconfirmed(&mut outcome, read.unconfirmed);
        outcome
    }

    fn tell(&self, outcome: &mut Value, elsewhere: &Elsewhere) {
        let Some(issues) = outcome["issue"].as_array_mut() else { return };
        match elsewhere {
            Elsewhere::NotAsked => {}
            Elsewhere::NoEndUser => issues.push(issue(
                "information",
                "not-asked",
                "The national record locator was not asked who else holds a record: it is asked in a person's name.",
            )),
            Elsewhere::Silent(_) => issues.push(issue(
                "warning",
                "silent",
                "The national record locator did not answer: whether another shared record holds this person is not known.",
            )),
            Elsewhere::Told(custodians) => issues.extend(custodians.iter().map(|custodian| self.pointer(custodian))),
        }
    }

    fn pointer(&self, custodian: &OdsCode) -> Value {
        let asked = self.config.sources.iter().find(|source| source.organisation == *custodian && source.usage == Usage::Live);
        let here = match asked {
            Some(source) => format!("It is a source of this exchange: {}.", source.name),
            None => "It is not read from here: nothing of it is shown.".to_owned(),
        };
        let text = format!("Another shared record holds this person, says the national record locator: {custodian}. {here}");
        let mut issue = issue("information", "pointer", &text);
        let organisation = json!({"system": record::ODS_SYSTEM, "value": custodian.as_str()});
        issue["extension"] = json!([{"url": "urn:severn:organisation", "valueIdentifier": organisation}]);
        issue
    }
}

/// It is shown in an emergency: the first that its reader is told.
fn emergency(outcome: &mut Value, until: Option<jiff::Timestamp>) {
    let (Some(issues), Some(until)) = (outcome["issue"].as_array_mut(), until) else { return };
    let text = format!(
        "Emergency access, recorded, until {until}. Overridden: that you have no relationship with this person here. Nothing else is: what \
         they object to, what a source refuses and what is restricted by law is not shown. A privacy officer reviews this access."
    );
    let mut issue = issue("warning", "emergency", &text);
    issue["details"]["coding"][0]["system"] = json!(ACCESS);
    issue["extension"] = json!([
        {"url": "urn:severn:until", "valueInstant": until.to_string()},
        {"url": "urn:severn:overridden", "valueCode": "relationship"},
    ]);
    issues.insert(0, issue);
}

/// A law overrides what the person objects to.
fn overridden(outcome: &mut Value, until: Option<jiff::Timestamp>) {
    let (Some(issues), Some(until)) = (outcome["issue"].as_array_mut(), until) else { return };
    let text = format!(
        "Legal override, recorded, until {until}. Overridden: what this person objects to, as it is recorded here. What a source refuses or \
         holds as their objection, and what is restricted by law, is not shown. A privacy officer reviews this access."
    );
    let mut issue = issue("warning", "legal-override", &text);
    issue["details"]["coding"][0]["system"] = json!(ACCESS);
    issue["extension"] = json!([
        {"url": "urn:severn:until", "valueInstant": until.to_string()},
        {"url": "urn:severn:overridden", "valueCode": "objection"},
    ]);
    issues.insert(0, issue);
}

/// Whatever tells of a place was taken out.
fn hidden(outcome: &mut Value, is: bool) {
    let (Some(issues), true) = (outcome["issue"].as_array_mut(), is) else { return };
    let text = "Restricted record. Where this person is, or was seen, is protected: sources are numbered, and names, notes, letters, encounters, \
                appointments and whatever else tells of a place are left out. What is not here may exist. Do not ask the patient's \
                whereabouts of others, and do not write them down where they can be seen.";
    let mut issue = issue("warning", "restricted", text);
    issue["details"]["coding"][0]["system"] = json!(ACCESS);
    issues.insert(0, issue);
}

/// The national demographics service is silent, and its last word serves.
fn unconfirmed(outcome: &mut Value, since: Option<jiff::Timestamp>) {
    let (Some(issues), Some(since)) = (outcome["issue"].as_array_mut(), since) else { return };
    let text = format!(
        "The national demographics service does not answer. Who the person is, and that their record is not restricted, is as it said at {since}."
    );
    let mut issue = issue("warning", "stale", &text);
    issue["details"]["coding"][0]["system"] = json!(DEMOGRAPHICS);
    issues.push(issue);
}

fn issue(severity: &str, code: &str, text: &str) -> Value {
    json!({
        "severity": severity,
        "code": "informational",
        "details": {"coding": [{"system": SYSTEM, "code": code}], "text": text},
    })
}

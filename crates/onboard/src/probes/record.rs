//! A whole record of each test patient, asked for as the exchange would, and judged as the exchange would.

use std::collections::{BTreeMap, BTreeSet};

use dialect::{Dialect, Known, Opening, Seen};
use fhir::{Bundle, Ref, Tree};
use identity::{Facts, Leg, Mismatch, Trust, Verdict};
use record::{Caller, Cause, Chart, FindingCode, Holder, Need, Organisation, Status, UserId};

use super::paging::absolute;
use crate::desk::{Desk, Heard};
use crate::finding::{Finding, Severity, Topic};
use crate::visit::{Gathered, Patient, Supplier};

/// What to do where less came than was said.
const TOTAL_TODO: &str = "Send every match, or a next link to the rest; count the matches of the whole search in total, or leave it out. What does not come is missed by nobody.";

/// Reads them one after another. What is learnt of the supplier with one is used with the next.
pub(crate) async fn probe(
    desk: &mut Desk<'_>,
    supplier: &Supplier,
    dialect: Dialect,
    patients: &[Patient],
    now: jiff::Timestamp,
    got: &mut Gathered,
) {
    let mut known = Known::default();
    for (at, patient) in patients.iter().enumerate() {
        if !desk.answers() {
            return;
        }
        let chart = read(desk, supplier, dialect, patient, now, &mut known, got).await;
        let trust = if supplier.verified { Trust::Verified } else { Trust::Check };
        let facts = Facts { birth_date: patient.birth_date.clone(), ..Facts::of(patient.number) };
        let verdict = identity::guard(&facts, &[Leg { chart: &chart, trust }]).pop().unwrap_or(Verdict::NoPatient);
        judge_identity(desk, at + 1, &verdict);
        got.read += usize::from(!matches!(verdict, Verdict::NoPatient));
        let chart = identity::release(&verdict, chart);
        judge_chart(desk, at + 1, &chart);
        if got.rows.is_empty() && matches!(verdict, Verdict::Accepted(_)) {
            got.rows = rows(&chart);
        }
    }
}

/// One conversation in the supplier's dialect, to its end.
pub(crate) async fn read(
    desk: &mut Desk<'_>,
    supplier: &Supplier,
    dialect: Dialect,
    patient: &Patient,
    now: jiff::Timestamp,
    known: &mut Known,
    got: &mut Gathered,
) -> Chart {
    let holder = Holder { source: supplier.id.clone(), number: patient.number, former: Vec::new(), local_ids: Vec::new() };
    let mut settings = supplier.settings.clone();
    settings.nhs_number_systems.extend(crate::block::other_spellings(&got.spellings));
    let reader = reader(supplier);
    let opening = Opening { holder: &holder, settings: &settings, known, reader: reader.as_ref(), now };
    let (mut conversation, mut calls) = dialect.start(&opening, &Need::everything());
    let mut totals = Totals::new(desk.base());
    while let Some(call) = calls.pop() {
        let Some(heard) = desk.ask(Topic::Record, &call).await else { break };
        note(&heard, &mut got.seen);
        if let Some(bundle) = heard.bundle() {
            if let Some(missing) = totals.missing(&call.target, &heard.question, bundle) {
                desk.find(missing);
            }
            let room = RESOURCES_MAX.saturating_sub(got.resources.len());
            got.resources.extend(resources(bundle).take(room).cloned());
        }
        let id = call.id;
        calls.extend(conversation.reply(record::Reply { id, ..heard.reply }));
    }
    let told = conversation.finish();
    *known = told.learnt;
    told.chart
}

/// What searches say they find, beside what came of them over all their pages: what neither comes nor is led to is missed by nobody.
struct Totals {
    base: String,
    /// Pages that are still to come: the address, and the first question, its total and how much came before.
    pages: BTreeMap<String, (String, Option<usize>, usize)>,
}

impl Totals {
    fn new(base: &str) -> Totals {
        Totals { base: base.to_owned(), pages: BTreeMap::new() }
    }

    /// Whether, with the last page of a search, less came than was said. What is included beside counts too: it hides, and makes up nothing.
    fn missing(&mut self, target: &str, question: &str, bundle: &Bundle) -> Option<Finding> {
        let head = bundle.head.as_ref()?.root();
        let first = || (question.to_owned(), head.text("total").and_then(|total| total.parse().ok()), 0);
        let (question, total, before) = self.pages.remove(&absolute(&self.base, target)).unwrap_or_else(first);
        let came = before + bundle.entries.iter().filter(|entry| entry.resource.is_some()).count();
        if let Some(next) = bundle.link("next") {
            self.pages.insert(absolute(&self.base, &next), (question, total, came));
            return None;
        }
        let total = total.filter(|total| *total > came && head.is("type", "searchset"))?;
        let said = format!("A search says that it finds {total}, and {came} came; there is no further page.");
        Some(Finding::new(Topic::Record, "total-differs", Severity::Wrong, said, TOTAL_TODO).at([question]))
    }
}

/// Keeps the signs in what came.
pub(crate) fn note(heard: &Heard, seen: &mut Seen) {
    let Some(bundle) = heard.bundle() else { return };
    seen.page_links.extend(bundle.link("next"));
    for root in resources(bundle).map(Tree::root) {
        let texts = |path: &str| root.all(path).into_iter().filter_map(Ref::value).map(|text| text.into_owned()).collect::<Vec<_>>();
        seen.identifiers.extend(texts("identifier.system"));
        seen.tags.extend(texts("meta.tag.system"));
        seen.tags.extend(texts("meta.security.system"));
        seen.profiles.extend(texts("meta.profile"));
        seen.extensions.extend(texts("extension.url"));
        for codes in ["code.coding.system", "class.system", "type.coding.system", "medicationCodeableConcept.coding.system"] {
            seen.code_systems.extend(texts(codes));
        }
    }
}

/// What speaks of patients; not what the server says of itself.
fn resources(bundle: &Bundle) -> impl Iterator<Item = &Tree> {
    let own = |tree: &&Tree| !tree.resource_type().is_some_and(|kind| matches!(kind.as_ref(), "CapabilityStatement" | "Conformance"));
    bundle.entries.iter().filter_map(|entry| entry.resource.as_ref()).filter(own)
}

/// In whose name test patients are asked for, where a supplier wants to know: nobody's.
fn reader(supplier: &Supplier) -> Option<Caller> {
    let code = supplier.organisation.clone().or_else(|| "XXX".parse().ok())?;
    Some(Caller {
        user: UserId { issuer: "urn:severn:onboard".to_owned(), subject: "onboard".to_owned() },
        name: "Onboarding Severn".to_owned(),
        sds_user_id: Some("999999999999".to_owned()),
        sds_role_profile_id: None,
        human: true,
        organisation: Organisation { code, name: supplier.name.clone() },
        roles: vec!["R8000".to_owned()],
        activities: Vec::new(),
        purposes: vec!["TREAT".to_owned()],
        scopes: Vec::new(),
        launch_patient: None,
        device: Some("severn-onboard".to_owned()),
        client: None,
        token_id: None,
    })
}

/// Resources that are looked at one by one.
const RESOURCES_MAX: usize = 5_000;

fn rows(chart: &Chart) -> BTreeMap<String, (String, u64)> {
    let of = |row: &record::Row| (row.kind.name().to_owned(), (row.status.map_or("-", Status::code).to_owned(), row.counts.came));
    chart.rows.iter().map(of).collect()
}

fn judge_identity(desk: &mut Desk<'_>, place: usize, verdict: &Verdict) {
    let mut find = |code: &str, severity, said: String, todo: &str| desk.find(Finding::new(Topic::Record, code, severity, said, todo));
    match verdict {
        Verdict::Accepted(ids) if ids.len() == 1 => {
            desk.find(Finding::fine(Topic::Record, "right-person", format!("The record of test patient {place} is about them.")));
        }
        Verdict::Accepted(ids) => find(
            "several-patients",
            Severity::Advice,
            format!("The record of test patient {place} has {} Patients with their number.", ids.len()),
            "Merge or link them.",
        ),
        Verdict::Held(held) => find(
            "held",
            Severity::Broken,
            format!("It {} (test patient {place}). Nothing of it would be shown.", held.words()),
            "Send birthDate, name and the status of the NHS number as they are traced on the national service; see above what is missing.",
        ),
        Verdict::Mismatch(Mismatch::BirthDate) => find(
            "another-birth-date",
            Severity::Broken,
            format!("The record of test patient {place} has another birth date than was given. Nothing of it would be shown."),
            "Find out whose record this is before anything else is done.",
        ),
        Verdict::Mismatch(Mismatch::Number) => find(
            "somebody-else",
            Severity::Broken,
            format!("The answer about test patient {place} is about somebody else. Nothing of it would be shown."),
            "Find out why another record is given for this number, before anything else is done.",
        ),
        Verdict::NoPatient => find(
            "no-record",
            Severity::Wrong,
            format!("No record of test patient {place} came."),
            "Load the test patient, or see why the questions below failed.",
        ),
    }
}

fn judge_chart(desk: &mut Desk<'_>, place: usize, chart: &Chart) {
    let mut by_status: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for row in &chart.rows {
        let Some(status) = row.status else { continue };
        if status.failed() || matches!(status, Status::OkTruncated) {
            by_status.entry(status.code()).or_default().push(row.kind.name().to_owned());
        }
    }
    for (status, kinds) in by_status {
        let said = match status {
            "ok-truncated" => "A part of these types did not come: pages or questions failed after the first.",
            "failed-parse" => "For these types something came that could not be read.",
            "failed-auth" => "For these types the credentials are refused.",
            "failed-timeout" => "For these types no answer came in time.",
            "identity-mismatch" => continue,
            _ => "For these types the question failed.",
        };
        let todo = "Every one of them is named to the reader as missing. The list of questions shows which failed and how; if the type is not held, say so in metadata, or answer with an empty Bundle.";
        desk.find(Finding::new(Topic::Record, status, Severity::Broken, said, todo).at(kinds));
    }
    let came: u64 = chart.rows.iter().map(|row| row.counts.came).sum();
    let kinds = chart.rows.iter().filter(|row| row.counts.came > 0).count();
    if came > 0 {
        desk.find(Finding::fine(Topic::Record, "came", format!("Of test patient {place} came {came} resources of {kinds} types.")));
    }
    judge_quarantined(desk, chart);
    judge_findings(desk, chart);
}

fn judge_quarantined(desk: &mut Desk<'_>, chart: &Chart) {
    let mut by_cause: BTreeMap<Cause, BTreeSet<String>> = BTreeMap::new();
    chart.quarantined.iter().for_each(|one| {
        by_cause.entry(one.cause).or_default().insert(one.named.clone());
    });
    for (cause, kinds) in by_cause {
        let (severity, said, todo) = match cause {
            Cause::Held | Cause::IdentityMismatch => continue,
            Cause::OtherSubject => (
                Severity::Broken,
                "The record of one patient holds resources about another. They are held back.",
                "Find out how another patient's data came into this answer before anything else is done.",
            ),
            Cause::NoSubject => (
                Severity::Broken,
                "Resources do not say whom they are about. They are held back.",
                "Send subject (or patient) in every resource that has one.",
            ),
            Cause::Malformed => (Severity::Wrong, "Resources could not be read as FHIR.", "See Conformance below for the elements."),
            Cause::UnknownType => (Severity::Advice, "Types came that no record carries.", "Nothing, if they were not asked for."),
        };
        desk.find(Finding::new(Topic::Record, cause.code(), severity, said, todo).at(kinds));
    }
}

/// What reading it noted, by kind of finding; places without repeats.
fn judge_findings(desk: &mut Desk<'_>, chart: &Chart) {
    let mut by_code: BTreeMap<FindingCode, BTreeSet<String>> = BTreeMap::new();
    let all = chart.findings.iter().chain(chart.patients.iter().chain(&chart.items).flat_map(|item| &item.findings));
    for finding in all {
        by_code.entry(finding.code).or_default().insert(without_repeats(&finding.path));
    }
    for (code, places) in by_code {
        let (severity, said, todo) = match code {
            FindingCode::Malformed => (Severity::Wrong, "Elements are not of the shape their version defines.", "See Conformance below."),
            FindingCode::SourceWarning => {
                (Severity::Advice, "It warned that its answer may lack something; readers are told.", "If nothing is missing, do not warn.")
            }
            FindingCode::UnknownModifier => (
                Severity::Wrong,
                "Modifier extensions that are not understood change what resources mean.",
                "Say what they mean, or leave them out.",
            ),
            FindingCode::IdMade => {
                (Severity::Wrong, "Resources came without an id; ids were made of their content.", "Give every resource a stable id.")
            }
            FindingCode::Lossy => (
                Severity::Advice,
                "Elements that R4 has no place for are carried in extensions or named as lost.",
                "Nothing; with an R4 endpoint nothing would be lost.",
            ),
            FindingCode::UnknownCode => (
                Severity::Advice,
                "Codes or code systems are not known here; they are shown as they came.",
                "Send SNOMED CT, dm+d, LOINC or ICD-10 beside local codes.",
            ),
            FindingCode::NarrativeCleaned => (
                Severity::Advice,
                "Markup that a page must not run was taken out of narratives.",
                "Send the narrative's own subset of XHTML.",
            ),
            // What the exchange did itself, or said better elsewhere.
            _ => continue,
        };
        desk.find(Finding::new(Topic::Record, code.code(), severity, said, todo).at(places));
    }
}

fn without_repeats(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    let mut inside = false;
    for character in path.chars() {
        match character {
            '[' => inside = true,
            ']' => inside = false,
            other if !inside => out.push(other),
            _ => {}
        }
    }
    out
}

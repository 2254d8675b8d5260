//! What a verdict lets through.

use std::collections::BTreeSet;

use record::{Cause, Chart, Finding, FindingCode, Item, Quarantined, SUPPORTING, Status};

use crate::guard::Verdict;

/// Applies a verdict to its chart: nothing of a leg that is held or mismatched is left in it but counts.
pub fn release(verdict: &Verdict, mut chart: Chart) -> Chart {
    match verdict {
        Verdict::Accepted(patients) => accept(patients, &mut chart),
        Verdict::Held(held) => close(&mut chart, Cause::Held, None, held.words()),
        Verdict::Mismatch(_) => close(&mut chart, Cause::IdentityMismatch, Some(Status::IdentityMismatch), "answered about somebody else"),
        Verdict::NoPatient => {}
    }
    chart
}

/// The whole leg goes to quarantine.
fn close(chart: &mut Chart, cause: Cause, status: Option<Status>, words: &str) {
    for item in std::mem::take(&mut chart.patients).into_iter().chain(std::mem::take(&mut chart.items)) {
        quarantine(chart, item, cause, words);
    }
    for row in &mut chart.rows {
        match status {
            Some(status) => row.status = Some(status),
            None => row.note = Some(words.to_owned()),
        }
        if status.is_none() {
            // Held: it answered, and what it said is withheld from the reader.
            row.status = Some(Status::Withheld);
        }
    }
    chart.findings.clear();
}

/// Keeps what is about the accepted Patients.
fn accept(patients: &[String], chart: &mut Chart) {
    let mut accepted: BTreeSet<&str> = patients.iter().map(String::as_str).collect();
    // What stands under a Patient that was combined into an accepted one is theirs (G4): the source itself links the two.
    let theirs: Vec<&Item> = chart.patients.iter().filter(|item| patients.contains(&item.id)).collect();
    let combined = chart.patients.iter().filter(|item| is_combined(item, &theirs)).map(|item| item.id.clone());
    let combined: Vec<String> = combined.collect();
    accepted.extend(combined.iter().map(String::as_str));
    for item in std::mem::take(&mut chart.patients) {
        if accepted.contains(item.id.as_str()) {
            chart.patients.push(item);
        } else {
            quarantine(chart, item, Cause::OtherSubject, "another Patient than the accepted one");
        }
    }
    if patients.len() > 1 {
        let detail = "the source holds more than one Patient under this NHS number; all that passed the guards are shown".to_owned();
        chart.findings.push(Finding { code: FindingCode::IdentifierReuse, path: "Patient".to_owned(), detail });
    }
    // What is kept stays in its place: there is much of it.
    let about_one_patient = chart.about_one_patient;
    let out: Vec<Item> = chart.items.extract_if(.., |item| !is_kept(item, &accepted, about_one_patient)).collect();
    for item in out {
        match item.traits.subjects.is_empty() {
            true => quarantine(chart, item, Cause::NoSubject, "it says no subject"),
            false => quarantine(chart, item, Cause::OtherSubject, "its subject is another patient"),
        }
    }
}

/// Whether an item is about the accepted Patients. One that says no subject may be taken to be, which is a finding.
fn is_kept(item: &mut Item, accepted: &BTreeSet<&str>, about_one_patient: bool) -> bool {
    let subjects = &item.traits.subjects;
    if subjects.iter().any(|subject| !accepted.contains(subject.as_str())) {
        return false;
    }
    if !subjects.is_empty() || SUPPORTING.contains(&item.kind) || item.kind == fhir::Kind::PROVENANCE {
        return true;
    }
    if about_one_patient {
        item.findings.push(Finding {
            code: FindingCode::SubjectAssumed,
            path: item.origin.kind.to_string(),
            detail: "it says no subject; the answer is about one patient".to_owned(),
        });
    }
    about_one_patient
}

/// Whether a Patient is out of use, says that an accepted one took its place, and carries no other NHS number than that one.
fn is_combined(item: &Item, accepted: &[&Item]) -> bool {
    let root = item.tree.root();
    let took_its_place = |other: &&&Item| {
        let to = format!("Patient/{}", other.id);
        let mut links = root.all("link").into_iter().filter(|link| link.is("type", "replaced-by"));
        links.any(|link| link.is("other.reference", &to))
    };
    let Some(other) = accepted.iter().find(took_its_place) else { return false };
    let own = nhs_numbers(other);
    root.is("active", "false") && nhs_numbers(item).iter().all(|number| own.contains(number))
}

fn nhs_numbers(item: &Item) -> Vec<String> {
    let identifiers = item.tree.root().all("identifier").into_iter();
    let numbers = identifiers.filter(|identifier| identifier.is("system", record::NHS_NUMBER_SYSTEM));
    numbers.filter_map(|identifier| Some(identifier.text("value")?.into_owned())).collect()
}

fn quarantine(chart: &mut Chart, item: Item, cause: Cause, detail: &str) {
    if let Some(row) = chart.rows.iter_mut().find(|row| row.kind == item.kind) {
        row.counts.quarantined += 1;
    }
    chart.quarantined.push(Quarantined {
        kind: Some(item.kind),
        named: item.origin.kind.into_owned(),
        id: item.origin.id,
        cause,
        detail: detail.to_owned(),
    });
}

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
    for mut item in std::mem::take(&mut chart.items) {
        let by_nature = SUPPORTING.contains(&item.kind) || item.kind == fhir::Kind::PROVENANCE;
        let theirs = item.traits.subjects.iter().any(|subject| accepted.contains(subject.as_str()));
        let others = item.traits.subjects.iter().any(|subject| !accepted.contains(subject.as_str()));
        if (theirs || by_nature) && !others {
            chart.items.push(item);
        } else if !item.traits.subjects.is_empty() {
            quarantine(chart, item, Cause::OtherSubject, "its subject is another patient");
        } else if chart.about_one_patient {
            let path = item.origin.kind.to_string();
            item.findings.push(Finding {
                code: FindingCode::SubjectAssumed,
                path,
                detail: "it says no subject; the answer is about one patient".to_owned(),
            });
            chart.items.push(item);
        } else {
            quarantine(chart, item, Cause::NoSubject, "it says no subject");
        }
    }
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

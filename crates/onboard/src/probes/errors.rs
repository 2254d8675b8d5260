//! How it refuses: a patient, a type and a parameter that are wrong, each with an OperationOutcome and a status that says so.

use dialect::Searches;
use record::NHS_NUMBER_SYSTEM;

use super::lookup::search;
use crate::blots::NOBODY;
use crate::body::Body;
use crate::desk::{Desk, Heard};
use crate::finding::{Finding, Severity, Topic};
use crate::visit::Gathered;

struct Case {
    what: &'static str,
    target: String,
    /// Statuses that are right.
    right: &'static [u16],
    /// A 200 here is a fault rather than leniency.
    strict: bool,
}

/// Asks wrongly in four ways.
pub(crate) async fn probe(desk: &mut Desk<'_>, got: &mut Gathered, searches: Searches) {
    if !desk.answers() {
        return;
    }
    // Where what is right is not answered, what is wrong is not refused: nothing is told by it.
    let answers = got.found.is_empty() || got.found.iter().any(|found| found.absent || !found.ids.is_empty());
    if searches >= Searches::Patients {
        nobody(desk, got.found.iter().any(|found| !found.ids.is_empty())).await;
    }
    let patient = got.found.first().and_then(|found| found.ids.first()).cloned().unwrap_or_else(|| "severn-none".to_owned());
    let cases = [
        Case { what: "a patient id that there is not", target: "Patient/severn-none".to_owned(), right: &[404, 410], strict: true },
        Case { what: "a type that there is not", target: "Severn/1".to_owned(), right: &[400, 404], strict: true },
        Case {
            what: "a date that is none",
            target: format!("Observation?patient={patient}&date=severn"),
            right: &[400, 422],
            strict: false,
        },
    ];
    let (mut plain, mut right) = (0, true);
    for case in cases.into_iter().filter(|case| searches == Searches::Everything || case.strict) {
        let Some(heard) = desk.get_wrong(Topic::Errors, &case.target).await else { return };
        plain += usize::from(heard.status() >= 400 && matches!(heard.body, Body::Text(_)));
        right &= answers && judge(desk, &case, &heard);
    }
    got.seen.plain_errors = plain > 0;
    if right {
        desk.find(Finding::fine(Topic::Errors, "errors", "What is wrong is refused with the right status and an OperationOutcome."));
    }
}

/// A number that nobody has is no error: a Bundle without entries. An error here says something only where somebody was found.
async fn nobody(desk: &mut Desk<'_>, finds: bool) {
    let Some(heard) = desk.get_wrong(Topic::Errors, &search(NHS_NUMBER_SYSTEM, NOBODY)).await else { return };
    let place = heard.question.clone();
    match heard.bundle() {
        Some(bundle) if bundle.entries.iter().all(|entry| !is_patient(entry)) => {
            desk.find(Finding::fine(Topic::Errors, "nobody", "A number that nobody has finds nobody: a Bundle without a Patient."));
        }
        Some(_) => desk.find(
            Finding::new(Topic::Errors, "somebody-for-nobody", Severity::Broken, "Asked by a number that nobody has, it names a Patient.",
                "A search by identifier must match; a parameter that is not understood must not be ignored here. Nothing else of it can be trusted.")
            .at([place]),
        ),
        None if finds && !busy(heard.status()) && (heard.status() >= 400 || heard.status() == 200) => desk.find(
            Finding::new(Topic::Errors, "nobody-is-an-error", Severity::Wrong,
                format!("Asked by a number that nobody has, it answers {} with {}.", heard.status(), heard.body.words()),
                "A search that finds nobody is a success: 200 and a Bundle with total 0. As it is, unknown cannot be told from broken.")
            .at([place]),
        ),
        None => {}
    }
}

/// What is refused because of how much is asked, not because of what.
fn busy(status: u16) -> bool {
    matches!(status, 429 | 503)
}

fn is_patient(entry: &fhir::Entry) -> bool {
    entry.resource.as_ref().is_some_and(|tree| tree.root().is("resourceType", "Patient"))
}

fn judge(desk: &mut Desk<'_>, case: &Case, heard: &Heard) -> bool {
    let status = heard.status();
    let outcome = heard.body.is("OperationOutcome");
    let finding = |code: &str, severity, said: String, todo: &str| {
        Finding::new(Topic::Errors, code, severity, said, todo).at([heard.question.clone()])
    };
    let found = match status {
        0 => return false,
        200 if case.strict => finding(
            "success-for-error",
            Severity::Wrong,
            format!("It answers {} with success.", case.what),
            &format!("Answer {} with an OperationOutcome.", numbers(case.right)),
        ),
        200 => finding(
            "ignored",
            Severity::Advice,
            format!("It answers {} with success, so the parameter was ignored.", case.what),
            "Refuse a value that cannot be read (400); a reader must not be shown more than was asked for.",
        ),
        401 | 403 => return false,
        _ if busy(status) => return false,
        500..=599 => finding(
            "breaks",
            Severity::Wrong,
            format!("It breaks ({status}) on {}.", case.what),
            &format!(
                "Answer {} with an OperationOutcome: what is asked wrongly is not the server's failure, and 5xx opens the breaker.",
                numbers(case.right)
            ),
        ),
        _ if !outcome => finding(
            match heard.body {
                Body::Html => "error-as-web-page",
                Body::Text(_) => "error-as-text",
                _ => "error-without-outcome",
            },
            if matches!(heard.body, Body::Html) { Severity::Wrong } else { Severity::Advice },
            format!("It answers {} with {status} and {}, not an OperationOutcome.", case.what, heard.body.words()),
            "Say errors in an OperationOutcome with issue.code, so that a missing right, a missing type and a fault can be told apart.",
        ),
        _ if !case.right.contains(&status) => finding(
            "other-status",
            Severity::Advice,
            format!("It answers {} with {status}.", case.what),
            &format!("Answer {}.", numbers(case.right)),
        ),
        _ => return true,
    };
    desk.find(found);
    false
}

fn numbers(statuses: &[u16]) -> String {
    statuses.iter().map(u16::to_string).collect::<Vec<_>>().join(" or ")
}

//! Answers that are no record: what each of the Spine's codes means for the rows.

use fhir::{Tree, Version};
use record::{Response, Status};

use super::hole;
use super::sections::{SECTIONS, Section};
use crate::body;

/// How an answer that is no record ends the conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    pub status: Status,
    /// The code behind it, or the HTTP status; never the practice's words.
    pub note: Option<String>,
    /// Areas that were not taken: to be asked again without.
    pub untaken: Vec<&'static Section>,
}

/// Codes by which a practice refuses, and which nobody here overrides.
const REFUSALS: &[&str] = &["ACCESS_DENIED", "NO_ORGANISATION_CONSENT", "NO_PATIENT_CONSENT", "NO_RELATIONSHIP"];
/// Codes that say what was wrong with the question, or with the practice.
const FAILURES: &[&str] = &[
    "BAD_REQUEST",
    "DUPLICATE_REJECTED",
    "INTERNAL_SERVER_ERROR",
    "INVALID_IDENTIFIER_SYSTEM",
    "INVALID_IDENTIFIER_VALUE",
    "INVALID_NHS_NUMBER",
    "INVALID_PARAMETER",
    "INVALID_PATIENT_DEMOGRAPHICS",
    "INVALID_RESOURCE",
    "NOT_IMPLEMENTED",
    "ORGANISATION_NOT_FOUND",
    "PRACTITIONER_NOT_FOUND",
    "REFERENCE_NOT_FOUND",
];

/// Whether a code is a refusal of the practice's or of the person's.
pub(super) fn is_refusal(code: &str) -> bool {
    REFUSALS.contains(&code)
}

/// Reads an answer that is no record. `asked` are the areas that were asked for.
pub(super) fn read(response: &Response, asked: &[&'static Section]) -> Refusal {
    let outcome = outcome(response);
    let codes: Vec<String> = outcome.iter().flat_map(|outcome| outcome.root().all("issue")).flat_map(hole::codes).collect();
    let has = |wanted: &[&'static str]| wanted.iter().copied().find(|code| codes.iter().any(|own| own == code));
    if has(&["NO_RECORD_FOUND", "PATIENT_NOT_FOUND"]).is_some() {
        // It may mean unknown, deceased, sensitive, unverified or registered elsewhere. Whatever it is, the words are the same.
        return ended(Status::NoRecordGiven, None);
    }
    if let Some(code) = has(REFUSALS) {
        return ended(Status::Withheld, Some(format!("the practice refused: {code}")));
    }
    let code = has(FAILURES);
    let untaken = match (code, &outcome) {
        (Some("INVALID_PARAMETER" | "INVALID_RESOURCE" | "BAD_REQUEST" | "NOT_IMPLEMENTED"), Some(outcome)) => untaken(outcome, asked),
        _ => Vec::new(),
    };
    let status = match response.status {
        401 | 403 => Status::FailedAuth,
        429 => Status::Throttled,
        200..300 => Status::FailedParse,
        _ => Status::FailedHttp,
    };
    let note = code.map_or_else(|| format!("HTTP {}", response.status), |code| format!("HTTP {}, {code}", response.status));
    Refusal { status, note: Some(note), untaken }
}

fn ended(status: Status, note: Option<String>) -> Refusal {
    Refusal { status, note, untaken: Vec::new() }
}

fn outcome(response: &Response) -> Option<Tree> {
    let bundle = body::read(Version::Stu3, response.body.clone(), &response.content_type).ok()?;
    bundle.entries.into_iter().filter_map(|entry| entry.resource).find(|tree| tree.root().is("resourceType", "OperationOutcome"))
}

/// The areas that the outcome names; where it names none, all that not every practice has. None when nothing would be left to ask.
fn untaken(outcome: &Tree, asked: &[&'static Section]) -> Vec<&'static Section> {
    let root = outcome.root();
    let texts = ["issue.diagnostics", "issue.details.text"].into_iter().flat_map(|path| root.all(path));
    let said: String = texts.filter_map(|text| text.value()).map(|text| format!("{text}\n")).collect();
    let named = |section: &&'static Section| said.contains(section.parameter);
    let mut dropped: Vec<&'static Section> = asked.iter().copied().filter(named).collect();
    if dropped.is_empty() && !SECTIONS.iter().any(|section| said.contains(section.parameter)) && !said.contains("patientNHSNumber") {
        dropped = asked.iter().copied().filter(|section| !section.core).collect();
    }
    if dropped.len() == asked.len() { Vec::new() } else { dropped }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gp_connect::sections;
    use record::Need;

    fn check(status: u16, issue: &str, expected: Status, note: Option<&str>, untaken: &[&str]) {
        let body = format!(r#"{{"resourceType":"OperationOutcome","issue":[{{"severity":"error","code":"x",{issue}}}]}}"#);
        let response =
            Response { status, content_type: String::new(), headers: Vec::new(), body: body.into(), url: "https://gp.example".to_owned() };
        let read = read(&response, &sections::wanted(&Need::everything()));
        let names: Vec<&str> = read.untaken.iter().map(|section| section.parameter).collect();
        assert_eq!((read.status, read.note.as_deref(), names.as_slice()), (expected, note, untaken), "{status} {issue}");
    }

    fn code(code: &str) -> String {
        format!(r#""details":{{"coding":[{{"code":"{code}"}}]}}"#)
    }

    #[test]
    fn every_code_means_one_status() {
        let refused = |code: &str| format!("the practice refused: {code}");
        check(404, &code("PATIENT_NOT_FOUND"), Status::NoRecordGiven, None, &[]);
        check(404, &code("NO_RECORD_FOUND"), Status::NoRecordGiven, None, &[]);
        for own in REFUSALS {
            check(403, &code(own), Status::Withheld, Some(&refused(own)), &[]);
        }
        check(400, &code("INVALID_NHS_NUMBER"), Status::FailedHttp, Some("HTTP 400, INVALID_NHS_NUMBER"), &[]);
        check(500, &code("INTERNAL_SERVER_ERROR"), Status::FailedHttp, Some("HTTP 500, INTERNAL_SERVER_ERROR"), &[]);
        // The proxy's own: not a refusal of anybody's.
        check(403, r#""diagnostics":"Sender ASID is not authorised for this interaction""#, Status::FailedAuth, Some("HTTP 403"), &[]);
        check(502, r#""diagnostics":"Error communicating to target URL""#, Status::FailedHttp, Some("HTTP 502"), &[]);
        check(404, r#""diagnostics":"no such address""#, Status::FailedHttp, Some("HTTP 404"), &[]);
        check(200, &code("INTERNAL_SERVER_ERROR"), Status::FailedParse, Some("HTTP 200, INTERNAL_SERVER_ERROR"), &[]);
    }

    #[test]
    fn a_parameter_that_is_not_taken_is_left_out() {
        let parameter = code("INVALID_PARAMETER");
        let named = format!(r#"{parameter},"diagnostics":"includeProblems is not known""#);
        check(422, &named, Status::FailedHttp, Some("HTTP 422, INVALID_PARAMETER"), &["includeProblems"]);
        let others: Vec<&str> = SECTIONS.iter().filter(|section| !section.core).map(|section| section.parameter).collect();
        check(422, &parameter, Status::FailedHttp, Some("HTTP 422, INVALID_PARAMETER"), &others);
        let number = format!(r#"{parameter},"diagnostics":"patientNHSNumber""#);
        check(422, &number, Status::FailedHttp, Some("HTTP 422, INVALID_PARAMETER"), &[]);
    }
}

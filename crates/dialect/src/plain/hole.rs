//! An OperationOutcome beside the data: success with a hole in it.

use fhir::{Kind, Ref, Tree, Version};
use record::Status;

use crate::references::r4_kind;
use crate::severn;

/// What an issue takes away from an answer.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Hole {
    /// The type it is about, where it says so.
    pub kind: Option<Kind>,
    /// What a row that has nothing becomes for it; a row with data is truncated. `None`: worth a finding only.
    pub status: Option<Status>,
    /// Whether the status is the source's own word for a row, rather than what we make of an issue.
    pub exact: bool,
    /// Severity and code, as the source said them; never its words, which may speak of the person.
    pub said: String,
}

/// Reads the issues of an OperationOutcome.
pub(super) fn read(version: Version, outcome: &Tree) -> Vec<Hole> {
    outcome.root().all("issue").into_iter().map(|issue| hole(version, issue)).collect()
}

fn hole(version: Version, issue: Ref<'_>) -> Hole {
    if let Some(severn::Gap { kind, status, said }) = severn::gap(issue) {
        return Hole { kind, status, exact: true, said };
    }
    let severity = known(issue.text("severity").as_deref(), &["error", "fatal", "information", "success", "warning"]);
    let code = issue.text("code").unwrap_or_default();
    let consent = issue.all("details.coding.code").into_iter().filter_map(|code| code.value()).any(|code| is_refusal(&code));
    let status = match code.as_ref() {
        "deleted" | "informational" | "success" => None,
        "expired" | "forbidden" | "login" | "security" | "suppressed" => Some(Status::Withheld),
        _ if consent => Some(Status::Withheld),
        "not-supported" => Some(Status::Unsupported),
        "exception" | "incomplete" | "lock-error" | "no-store" | "throttled" | "timeout" | "too-costly" | "too-long" | "transient" => {
            Some(Status::OkTruncated)
        }
        _ if matches!(severity, "error" | "fatal") => Some(Status::OkTruncated),
        _ => None,
    };
    let status = status.filter(|_| !matches!(severity, "information" | "success"));
    let code = if code.len() <= 32 && code.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-') {
        code.into_owned()
    } else {
        String::new()
    };
    Hole { kind: named(version, issue), status, exact: false, said: format!("{severity}/{code}") }
}

/// GP Connect's codes for a refusal are used by others too.
fn is_refusal(code: &str) -> bool {
    matches!(code, "ACCESS_DENIED" | "NO_ORGANISATION_CONSENT" | "NO_PATIENT_CONSENT")
}

fn known(text: Option<&str>, words: &[&'static str]) -> &'static str {
    words.iter().find(|word| text == Some(word)).copied().unwrap_or("unknown")
}

/// The type at the start of a path that an issue points to.
fn named(version: Version, issue: Ref<'_>) -> Option<Kind> {
    let places = issue.all("expression").into_iter().chain(issue.all("location"));
    places
        .filter_map(|place| place.value())
        .find_map(|place| r4_kind(version, place.split(['.', '[', '/', '?']).find(|part| !part.is_empty() && *part != "f:")?))
}

/// What something on the page lacks that FHIR requires, where an OperationOutcome says that the whole page failed for it: the path of
/// an element, or words.
pub(super) fn lacking(outcome: &Tree) -> Option<String> {
    let required = |issue: &Ref<'_>| issue.is("code", "required") && matches!(issue.text("severity").as_deref(), Some("error" | "fatal"));
    let issue = outcome.root().all("issue").into_iter().find(required)?;
    let mut places = issue.all("expression").into_iter().chain(issue.all("location")).filter_map(|place| place.value());
    // A path names no person; what is none is not passed on.
    let path = places.find(|place| place.len() <= 96 && place.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/:.[]".contains(&byte)));
    Some(path.map_or("a required element".to_owned(), |path| path.replace("f:", "").trim_matches('/').replace('/', ".")))
}

/// What a refusal with this OperationOutcome means for the row it was to fill, where it says more than the HTTP status.
pub(super) fn refusal(version: Version, outcome: &Tree) -> Option<Status> {
    let root = outcome.root();
    let consent = root.all("issue.details.coding.code").into_iter().filter_map(|code| code.value()).any(|code| is_refusal(&code));
    let suppressed = root.all("issue").into_iter().any(|issue| issue.is("code", "suppressed"));
    if consent || suppressed {
        return Some(Status::Withheld);
    }
    let holes = read(version, outcome);
    holes.iter().any(|hole| hole.status == Some(Status::Unsupported)).then_some(Status::Unsupported)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_issue_is_read_for_what_it_takes_away() {
        let check = |issue: &str, kind, status, said: &str| {
            let tree = Tree::from_json(format!(r#"{{"resourceType":"OperationOutcome","issue":[{issue}]}}"#).into()).unwrap();
            let expected = Hole { kind, status, exact: false, said: said.to_owned() };
            assert_eq!(read(Version::R4, &tree), [expected], "{issue}");
        };
        check(
            r#"{"severity":"warning","code":"not-supported","expression":["Flag"]}"#,
            Some(Kind::FLAG),
            Some(Status::Unsupported),
            "warning/not-supported",
        );
        check(r#"{"severity":"information","code":"incomplete"}"#, None, None, "information/incomplete");
        check(r#"{"severity":"warning","code":"incomplete"}"#, None, Some(Status::OkTruncated), "warning/incomplete");
        check(r#"{"severity":"error","code":"suppressed"}"#, None, Some(Status::Withheld), "error/suppressed");
        check(r#"{"severity":"warning","code":"processing"}"#, None, None, "warning/processing");
        check(r#"{"severity":"error","code":"Mr Smith"}"#, None, Some(Status::OkTruncated), "error/");
        check(
            r#"{"severity":"error","code":"invalid","details":{"coding":[{"code":"NO_PATIENT_CONSENT"}]}}"#,
            None,
            Some(Status::Withheld),
            "error/invalid",
        );
    }
}

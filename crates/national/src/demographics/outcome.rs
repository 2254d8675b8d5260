//! The service's errors: an OperationOutcome with a code of the Spine's.

use serde_json::Value;

const SYSTEM: &str = "https://fhir.nhs.uk/R4/CodeSystem/Spine-ErrorOrWarningCode";
/// No code is as long.
const LENGTH_MAX: usize = 64;

/// Why the service did not say what it was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failed {
    /// It answered, and nothing in the answer can be relied on.
    Malformed,
    /// It answered with this HTTP status.
    Refused {
        /// The status.
        status: u16,
        /// Why, if it said so.
        code: Option<SpineCode>,
    },
    /// No response.
    Silent,
}

/// A code of `Spine-ErrorOrWarningCode`: capital letters, digits and underscores, so that no text of an answer's gets anywhere.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SpineCode(String);

impl SpineCode {
    /// As it is written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The code of an OperationOutcome.
pub(super) fn code(body: &[u8]) -> Option<SpineCode> {
    code_of(&serde_json::from_slice(body).ok()?)
}

pub(super) fn code_of(outcome: &Value) -> Option<SpineCode> {
    let issues = outcome["issue"].as_array().filter(|_| outcome["resourceType"] == "OperationOutcome")?;
    let mut codings = issues.iter().filter_map(|issue| issue["details"]["coding"].as_array()).flatten();
    let code = codings.find(|coding| coding["system"] == SYSTEM)?["code"].as_str()?;
    let plain = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
    (code.len() <= LENGTH_MAX && !code.is_empty() && code.bytes().all(plain)).then(|| SpineCode(code.to_owned()))
}

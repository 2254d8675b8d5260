//! Holes that a practice's structured record can have, and refusals in the Spine's codes.

use serde::{Deserialize, Serialize};

/// A hole, or a refusal. An area is named by the parameter that asks for it: `includeProblems`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Gap {
    /// The whole is refused, with one of the Spine's codes and the HTTP status that goes with it.
    Code(String),
    /// An area's List names what does not come.
    Dangling(String),
    /// An area's List is empty, for this reason; for none when it is the empty string.
    Empty {
        /// The area.
        area: String,
        /// The code of its `emptyReason`.
        reason: String,
    },
    /// Every allergy has ended: contained in the List of ended ones.
    EndedAllergies,
    /// An issue stands beside the data: its FHIR code, a code of the Spine's (or none), and what it is about.
    Issue {
        /// The FHIR code, such as `forbidden`.
        issue: String,
        /// The Spine's code, or the empty string.
        code: String,
        /// The parameter.
        about: String,
    },
    /// No Patient comes.
    NoPatient,
    /// An area's List carries a note in words of the practice's own.
    Note {
        /// The area.
        area: String,
        /// The words.
        text: String,
    },
    /// The practice does not know this parameter, and says so beside what it has.
    NotImplemented(String),
    /// A further List, inside a consultation or about a problem, warns.
    Inside {
        /// The code of the List.
        list: String,
        /// The code of the warning.
        code: String,
    },
    /// An area's List does not come.
    Unlisted(String),
    /// The practice's system cannot tell of some items: their List says so in place of them.
    Unsupported {
        /// The area.
        area: String,
        /// Which items.
        items: String,
    },
    /// The practice does not know this parameter, and refuses the whole question for it.
    Untaken(String),
    /// An area's List warns, by this code.
    Warning {
        /// The area.
        area: String,
        /// The code.
        code: String,
    },
}

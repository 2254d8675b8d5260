//! One source's entry of one patient, and the entries of one person.

use jiff::Timestamp;
use record::{NhsNumber, OdsCode, PersonId, SourceId};

use crate::Demographics;

/// Whose entry, and which.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EntryKey {
    /// The source.
    pub source: SourceId,
    /// The source's own id of the patient.
    pub local_id: String,
}

/// One source's entry of one patient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Whose, and which.
    pub key: EntryKey,
    /// The organisation whose patient it is, where the source holds those of several.
    pub provider: Option<OdsCode>,
    /// Who the patient is, as the source says.
    pub demographics: Demographics,
    /// Whether the source, or the national service by it, marks the patient as restricted (S or R).
    pub restricted: bool,
    /// When the source last said so.
    pub seen: Timestamp,
}

impl Entry {
    /// Takes out whatever says where the patient is, or may be met.
    pub fn hide_place(&mut self) {
        self.provider = None;
        let said = &mut self.demographics;
        (said.addresses, said.phones, said.emails, said.practice) = Default::default();
    }
}

/// A person: entries that are linked, and what is known of the person beside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// The exchange's own id: random and stable.
    pub id: PersonId,
    /// The number that stands, if any entry or the national service gave a verified one.
    pub number: Option<NhsNumber>,
    /// Numbers that the national service replaced by the one that stands, each after those that it replaced itself. Numbers that were cut
    /// are not among them: nobody remembers those.
    pub superseded: Vec<NhsNumber>,
    /// Whether the national service or any entry marks them as restricted.
    pub restricted: bool,
    /// Whether they died, and when, as far as it is known.
    pub died: Option<String>,
    /// Whether their number is under investigation: nothing is linked to them meanwhile.
    pub investigated: bool,
    /// Whether their number was cut (see [`crate::Deed::Cut`]): nobody finds them any more, and nothing is compared with them.
    pub cut: bool,
    /// Their entries, in order of keys.
    pub entries: Vec<Entry>,
}

impl Person {
    /// Whether an entry gives a number of theirs, the one that stands or one that it replaced, and says that it is verified.
    pub fn is_numbered(&self, entry: &Entry) -> bool {
        let given = entry.demographics.number.as_ref().and_then(|claimed| claimed.verified());
        given.is_some_and(|given| self.number == Some(given) || self.superseded.contains(&given))
    }
}

//! What was done to a person's entries: the history that makes everything reversible.

use std::fmt;

use jiff::Timestamp;
use record::PersonId;

use crate::EntryKey;

/// One deed. Events are only ever added; a deed is undone by another.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// To whom.
    pub person: PersonId,
    /// When.
    pub at: Timestamp,
    /// By whom.
    pub author: Author,
    /// What.
    pub deed: Deed,
    /// Why, in words; no name, number or address stands in it.
    pub reason: String,
}

/// Who did something.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Author {
    /// The rules of matching, by their version.
    Rules(String),
    /// The national demographics service.
    National,
    /// A steward, by issuer and subject.
    Steward(String),
    /// A source, by its message.
    Source(record::SourceId),
}

/// For people.
impl fmt::Display for Author {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Author::National => f.write_str("the national service"),
            Author::Rules(version) => write!(f, "the rules, version {version}"),
            Author::Source(source) => write!(f, "the source {source}"),
            Author::Steward(who) => f.write_str(who),
        }
    }
}

/// What was done.
#[derive(Debug, Clone, PartialEq)]
pub enum Deed {
    /// Two entries were said not to be the same person: they never share one again, until that is undone.
    Apart {
        /// One, this person's.
        entry: EntryKey,
        /// The other.
        other: EntryKey,
    },
    /// The number was invalidated, or changed without a link: nothing leads from the old to the new.
    Cut,
    /// They died.
    Died,
    /// Their number is under investigation.
    Investigated,
    /// It no longer is.
    InvestigationEnded,
    /// An entry was linked to the person.
    Linked {
        /// The entry.
        entry: EntryKey,
        /// By which tier of matching: 0 by a verified number, 1 by weight. None for a steward's or a source's word.
        tier: Option<u8>,
        /// The weight of tier 1, in bits.
        weight: Option<f64>,
        /// Whose it was before, so that it can go back; none where it is new.
        from: Option<PersonId>,
    },
    /// All entries of another person were linked to this one.
    Merged {
        /// The other, now without entries.
        from: PersonId,
        /// Which entries came, so that they can go again.
        entries: Vec<EntryKey>,
    },
    /// The number that stood for them was replaced by another, by the national service's own word.
    NumberSuperseded,
    /// Two entries that were said to be apart may be one person after all.
    Together {
        /// One, this person's.
        entry: EntryKey,
        /// The other.
        other: EntryKey,
    },
    /// They are marked as restricted.
    Restricted,
    /// They no longer are.
    RestrictionLifted,
    /// An entry was unlinked from the person.
    Unlinked {
        /// The entry.
        entry: EntryKey,
        /// To whom it went.
        to: PersonId,
    },
    /// A merge was undone.
    Unmerged {
        /// To whom the entries went back.
        to: PersonId,
        /// Which.
        entries: Vec<EntryKey>,
    },
}

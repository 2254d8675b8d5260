//! What ties a person to an organisation, as far as it is known before anybody asks: the evidence of a relationship that nobody has to claim.

use jiff::Timestamp;
use record::{Caller, OdsCode};

/// A tie between a person and an organisation: who it is, which kind, and from when until when it speaks. It says nothing of what the
/// organisation does for them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Tie {
    /// Which kind.
    pub kind: TieKind,
    /// The organisation, by the code that is valid now.
    pub organisation: OdsCode,
    /// From when.
    pub from: Timestamp,
    /// Until when; then it speaks no more.
    pub until: Timestamp,
}

/// Kinds of ties.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum TieKind {
    /// An appointment there, not long ago or soon.
    Appointment,
    /// A care team of theirs looks after the person.
    CareTeam,
    /// An encounter or episode of care there is open: arrived, admitted, dispatched to, on the caseload.
    OpenEpisode,
    /// The person was referred to them.
    Referral,
    /// It is the practice that they are registered with.
    RegisteredPractice,
}

impl TieKind {
    /// Every kind.
    pub const ALL: [TieKind; 5] =
        [TieKind::Appointment, TieKind::CareTeam, TieKind::OpenEpisode, TieKind::Referral, TieKind::RegisteredPractice];

    /// Its name, as it is written and as rules call it.
    pub fn name(self) -> &'static str {
        match self {
            TieKind::Appointment => "appointment",
            TieKind::CareTeam => "care-team",
            TieKind::OpenEpisode => "open-episode",
            TieKind::Referral => "referral",
            TieKind::RegisteredPractice => "registered-practice",
        }
    }

    /// The kind of a name.
    pub fn of(name: &str) -> Option<TieKind> {
        TieKind::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// The rule that it is a relationship by.
    pub fn rule(self) -> &'static str {
        match self {
            TieKind::Appointment => "relationship.appointment",
            TieKind::CareTeam => "relationship.care-team",
            TieKind::OpenEpisode => "relationship.open-episode",
            TieKind::Referral => "relationship.referral",
            TieKind::RegisteredPractice => "relationship.registered-practice",
        }
    }
}

impl Tie {
    /// Whether it speaks for this caller now: for the organisation that they act for, and for no other. Codes are compared whole.
    pub fn speaks_for(&self, caller: &Caller, now: Timestamp) -> bool {
        self.organisation == caller.organisation.code && self.from <= now && now < self.until
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_back() {
        assert!(TieKind::ALL.iter().all(|kind| TieKind::of(kind.name()) == Some(*kind)));
        assert!(TieKind::ALL.iter().all(|kind| kind.rule().strip_prefix("relationship.") == Some(kind.name())));
        assert_eq!(TieKind::of("Referral"), None);
    }
}

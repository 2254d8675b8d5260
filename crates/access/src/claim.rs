//! `$request-access`: claims of a relationship or an emergency.

use record::{Ask, Caller};

use crate::codes::{self, Role};
use crate::decide::{self, Refusal};
use crate::scope::{Deed, Granted as Scopes};

/// What a caller claims.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// Which kind.
    pub kind: ClaimKind,
    /// System of the coded reason.
    pub reason_system: String,
    /// Code of the reason.
    pub reason_code: String,
    /// The reason in words.
    pub text: String,
}

/// Kinds of claims.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClaimKind {
    /// Break-glass: opens our relationship check, nothing else.
    Emergency,
    /// "I care for this person."
    Relationship,
}

/// How long claims last. Four hours is the most an emergency may.
#[derive(Debug, Clone, Copy)]
pub struct Terms {
    /// Hours of a relationship.
    pub relationship_hours: i64,
    /// Hours of an emergency.
    pub emergency_hours: i64,
}

/// A claim that stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Granted {
    /// Which kind.
    pub kind: ClaimKind,
    /// Until when.
    pub until: jiff::Timestamp,
}

const EMERGENCY_HOURS_MAX: i64 = 4;

/// May this caller make this claim? Decided on the caller's facts; whether the person exists is not asked here, so that a claim tells nothing.
pub fn grant(ask: &Ask, claim: &Claim, terms: Terms, now: jiff::Timestamp) -> Result<Granted, Refusal> {
    let caller = &ask.caller;
    if claim.reason_code.trim().is_empty() || claim.text.trim().is_empty() || !caller.human {
        return Err(Refusal::Unclaimable);
    }
    // A token launched for one person is no ground to claim another.
    let scopes = Scopes::of(caller, Deed::Search);
    if scopes.anybody.with(&Scopes::of(caller, Deed::Read).anybody).is_empty() {
        return Err(decide::scope(&scopes));
    }
    let role = caller.roles.iter().filter_map(|code| codes::role(code)).max().ok_or(Refusal::UnknownRole)?;
    let hours = match claim.kind {
        ClaimKind::Relationship if role == Role::Reviewing => return Err(Refusal::Unclaimable),
        ClaimKind::Relationship if !care(caller) => return Err(Refusal::NotCare),
        ClaimKind::Relationship => terms.relationship_hours,
        // Checked at the decision point, for the API as for the page.
        ClaimKind::Emergency if role != Role::Clinical || !has(caller, codes::EMERGENCY) => return Err(Refusal::NoActivity),
        ClaimKind::Emergency if !care(caller) => return Err(Refusal::NotCare),
        ClaimKind::Emergency => terms.emergency_hours.min(EMERGENCY_HOURS_MAX),
    };
    if ![codes::DETAILED, codes::SUMMARY, codes::MEDICATION].iter().any(|activity| has(caller, activity)) && role != Role::Administrative {
        return Err(Refusal::NoActivity);
    }
    let until = now.checked_add(jiff::SignedDuration::from_hours(hours)).map_err(|_| Refusal::Unclaimable)?;
    Ok(Granted { kind: claim.kind, until })
}

fn has(caller: &Caller, activity: &str) -> bool {
    caller.activities.iter().any(|own| own == activity)
}

fn care(caller: &Caller) -> bool {
    caller
        .purposes
        .iter()
        .any(|purpose| codes::CARE_PURPOSES.contains(&purpose.as_str()) || codes::EMERGENCY_PURPOSES.contains(&purpose.as_str()))
}

//! `$request-access`: claims of a relationship or an emergency.

use record::{Ask, Caller};

use crate::decide::{self, Refusal, Restriction};
use crate::policy::{self, Action, CallerFacts, Rules};
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
    /// A law or a court says that what the person objects to here is to be shown: opens what is recorded here as their objection, nothing
    /// else.
    LegalOverride,
    /// "I care for this person."
    Relationship,
}

impl ClaimKind {
    /// Every kind.
    pub const ALL: [ClaimKind; 3] = [ClaimKind::Emergency, ClaimKind::LegalOverride, ClaimKind::Relationship];

    /// Its name, on the wire and in the ledger.
    pub fn name(self) -> &'static str {
        match self {
            ClaimKind::Emergency => "emergency",
            ClaimKind::LegalOverride => "legal-override",
            ClaimKind::Relationship => "relationship",
        }
    }
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

/// May this caller make this claim of somebody with this label? Nobody claims a relationship with whoever's place is hidden: that it was
/// granted would tell that they are here; an emergency only who would be shown something by it.
///
/// # Errors
///
/// That they are restricted, or that nobody knows whether they are.
pub fn claimable(rules: &Rules, caller: &Caller, kind: ClaimKind, restriction: Restriction, now: jiff::Timestamp) -> Result<(), Refusal> {
    let emergency =
        || kind == ClaimKind::Emergency && decide::Supposed::of(rules, caller, Some(decide::EMERGENCY), restriction, now).is_ok();
    if restriction == Restriction::Unrestricted || emergency() { Ok(()) } else { Err(Refusal::Restricted) }
}

const EMERGENCY_HOURS_MAX: i64 = 4;

/// May this caller make this claim? Decided on the caller's facts; whether the person exists is not asked here, so that a claim tells nothing.
pub fn grant(rules: &Rules, ask: &Ask, claim: &Claim, terms: Terms, now: jiff::Timestamp) -> Result<Granted, Refusal> {
    let caller = &ask.caller;
    if claim.reason_code.trim().is_empty() || claim.text.trim().is_empty() {
        return Err(Refusal::Unclaimable);
    }
    // Checked at the decision point, for the API as for the page.
    let (action, hours) = match claim.kind {
        ClaimKind::Relationship => (Action::ClaimRelationship, terms.relationship_hours),
        ClaimKind::Emergency => (Action::ClaimEmergency, terms.emergency_hours.min(EMERGENCY_HOURS_MAX)),
        ClaimKind::LegalOverride => (Action::OverrideObjection, terms.emergency_hours.min(EMERGENCY_HOURS_MAX)),
    };
    let facts = CallerFacts::of(rules, caller, policy::today(now));
    let decided = rules.may(action, &facts);
    let refusal = (!decided.allowed).then(|| decide::refused(rules, &facts, &decided, Refusal::NoActivity));
    // A token launched for one person is no ground to claim another.
    let scopes = Scopes::of(caller, Deed::Search);
    let covered = !scopes.anybody.with(&Scopes::of(caller, Deed::Read).anybody).is_empty();
    if let Some(refusal) = Refusal::foremost([refusal, (!covered).then(|| decide::scope(&scopes))]) {
        return Err(refusal);
    }
    let until = now.checked_add(jiff::SignedDuration::from_hours(hours)).map_err(|_| Refusal::Unclaimable)?;
    Ok(Granted { kind: claim.kind, until })
}

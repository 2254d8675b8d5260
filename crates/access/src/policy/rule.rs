//! What the rules say of one question.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use crate::Refusal;

/// The name of a rule: what the ledger, an explanation and the page to sign call it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RuleId(&'static str);

static NAMES: Mutex<BTreeSet<&'static str>> = Mutex::new(BTreeSet::new());

impl RuleId {
    /// What stands where no rule permits.
    pub const DEFAULT: RuleId = RuleId("default-deny");
    /// What stands where the rules could not be evaluated.
    pub const BROKEN: RuleId = RuleId("policy-not-evaluated");

    /// The rule of a name. Names are kept for as long as the program runs: there are as many as rules were ever loaded.
    pub(crate) fn new(name: &str) -> RuleId {
        let mut names = NAMES.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = names.get(name) {
            return RuleId(known);
        }
        let kept: &'static str = Box::leak(name.to_owned().into_boxed_str());
        names.insert(kept);
        RuleId(kept)
    }

    /// A rule that is not in a file: a scope's, say.
    pub(crate) const fn own(name: &'static str) -> RuleId {
        RuleId(name)
    }

    /// Its name.
    pub fn as_str(self) -> &'static str {
        self.0
    }
}

impl std::fmt::Display for RuleId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0)
    }
}

impl std::fmt::Debug for RuleId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0)
    }
}

/// What is done: the actions of the schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Action {
    /// To claim an emergency.
    ClaimEmergency,
    /// To claim a relationship.
    ClaimRelationship,
    /// To find who somebody is.
    Find,
    /// To find restricted people among the rest.
    FindRestricted,
    /// To hold a view.
    Hold,
    /// To run the exchange.
    Operate,
    /// To be shown what a person objects to.
    OverrideObjection,
    /// To open a record.
    Read,
    /// To read the ledger.
    ReviewAudit,
    /// To be shown a part of a record.
    See,
}

impl Action {
    /// All of them.
    pub const ALL: [Action; 10] = [
        Action::ClaimEmergency,
        Action::ClaimRelationship,
        Action::Find,
        Action::FindRestricted,
        Action::Hold,
        Action::Operate,
        Action::OverrideObjection,
        Action::Read,
        Action::ReviewAudit,
        Action::See,
    ];

    /// Its name in rules.
    pub fn name(self) -> &'static str {
        match self {
            Action::ClaimEmergency => "claim-emergency",
            Action::ClaimRelationship => "claim-relationship",
            Action::Find => "find",
            Action::FindRestricted => "find-restricted",
            Action::Hold => "hold",
            Action::Operate => "operate",
            Action::OverrideObjection => "override-objection",
            Action::Read => "read",
            Action::ReviewAudit => "review-audit",
            Action::See => "see",
        }
    }
}

/// What the rules say of one question, and which of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// Whether it is allowed.
    pub allowed: bool,
    /// The rules that made it so: those that permit, or those that forbid; none where none permits.
    pub rules: Vec<RuleId>,
    /// What a rule that forbids calls its refusal.
    pub(crate) refusal: Option<Refusal>,
}

impl Decision {
    pub(crate) fn denied() -> Decision {
        Decision { allowed: false, rules: Vec::new(), refusal: None }
    }

    pub(crate) fn broken() -> Decision {
        Decision { allowed: false, rules: vec![RuleId::BROKEN], refusal: Some(Refusal::Broken) }
    }

    /// The rule that decided first of all.
    pub fn rule(&self) -> RuleId {
        self.rules.first().copied().unwrap_or(RuleId::DEFAULT)
    }
}

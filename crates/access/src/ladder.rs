//! The go-live ladder: how far an exchange has come, and whom it therefore answers at all.
//!
//! It narrows whom the rest may answer, and widens nothing: whoever it lets pass is decided about as before.

use record::{Caller, NhsNumber};

use crate::Refusal;

/// How far an exchange has come. Each step is entered only with its signatures, which the program checks before it serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// Made-up people only, for everybody who signs in.
    Demo,
    /// Real sources are asked and compared; only named testers see an answer.
    Shadow,
    /// Only named users read.
    Pilot,
    /// Everybody whom the rules permit.
    Live,
}

/// Somebody who is named for a step, by what their sign-in provider vouches for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// `iss` of their tokens.
    pub issuer: String,
    /// Which of its people.
    pub who: NamedBy,
}

/// How somebody is named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NamedBy {
    /// Their national user id, of twelve digits.
    SdsUser(String),
    /// `sub` of their tokens.
    Subject(String),
}

/// The step that an exchange stands on, and who is named for it.
#[derive(Debug, Clone)]
pub struct Ladder {
    step: Step,
    named: Vec<Named>,
}

impl Step {
    /// The word for it in configuration and on the wire.
    pub fn word(self) -> &'static str {
        match self {
            Step::Demo => "demo",
            Step::Shadow => "shadow",
            Step::Pilot => "pilot",
            Step::Live => "live",
        }
    }

    /// What whoever sees an answer must know of the step; nothing where care may rely on it.
    pub fn caution(self) -> Option<&'static str> {
        match self {
            Step::Demo => Some("Demonstration: made-up people only. Not for care."),
            Step::Shadow => Some("Under test by named testers. Not for care."),
            Step::Pilot => Some("Pilot: for its named users only."),
            Step::Live => None,
        }
    }

    /// Whether only those who are named are answered.
    pub fn names(self) -> bool {
        matches!(self, Step::Shadow | Step::Pilot)
    }
}

impl Ladder {
    /// Stands on a step. Who is named counts on the steps that name.
    pub fn new(step: Step, named: Vec<Named>) -> Ladder {
        Ladder { step, named }
    }

    /// Where it stands.
    pub fn step(&self) -> Step {
        self.step
    }

    /// Is this caller answered at all on this step? Asked of everybody, at every door, before anything else is.
    pub fn lets(&self, caller: &Caller) -> Result<(), Refusal> {
        let named = || self.named.iter().any(|one| one.is(caller));
        if !self.step.names() || named() { Ok(()) } else { Err(Refusal::NotNamed) }
    }

    /// May anything be known here of whoever has this number? In a demonstration, only of people who are made up.
    pub fn knows(&self, number: &NhsNumber) -> bool {
        self.step != Step::Demo || number.is_synthetic()
    }
}

impl Named {
    /// A system has no user id of a person's; by its subject it can be named like anybody.
    fn is(&self, caller: &Caller) -> bool {
        let by = match &self.who {
            NamedBy::SdsUser(id) => caller.sds_user_id.as_ref() == Some(id),
            NamedBy::Subject(subject) => caller.user.subject == *subject,
        };
        by && caller.user.issuer == self.issuer
    }
}

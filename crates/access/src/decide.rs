//! The decision.

use fhir::Kind;
use record::{Ask, CARRIED, Caller, PersonId, Question, RequestId, SourceId};

use crate::codes::{self, Role};
use crate::evidence::Tie;
use crate::scope::{Cover, Deed, Granted};

/// Leave to find a person; not to read.
#[derive(Debug, Clone)]
pub struct Admission {
    ask: Ask,
    view: View,
    scopes: Granted,
    why: Vec<&'static str>,
}

/// Leave to read one person's record. A value that the next stage needs, and that nobody else can make.
#[derive(Debug, Clone)]
pub struct Permit {
    admission: Admission,
    person: PersonId,
    emergency: bool,
    scopes: Cover,
    why: Vec<&'static str>,
}

/// What part of a record a role and its activities show.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum View {
    /// Who it is, and nothing more: enough to find.
    Identity,
    /// Demographics and appointments.
    Administrative,
    /// Allergies and medicines.
    Medication,
    /// Those, problems, vaccinations, flags, care plans.
    Summary,
    /// Everything.
    Detailed,
}

/// Why the answer is no. The caller is told only that it is; the ledger is told which.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Refusal {
    /// No activity that allows what was asked.
    #[error("the caller has no activity that allows this")]
    NoActivity,
    /// No relationship with the person.
    #[error("the caller has no relationship with this person")]
    NoRelationship,
    /// Purpose missing, unknown, or not direct care.
    #[error("the purpose of use is missing, unknown, or not direct care")]
    NotCare,
    /// The person's record is restricted, or whether it is is not known.
    #[error("the person's record is restricted, or its restriction is not known")]
    Restricted,
    /// The scope granted does not cover reading.
    #[error("the scopes of the token do not cover this")]
    Scope,
    /// No scope covers this but one that narrows by search parameters; it is not widened by leaving them out.
    #[error("a scope of the token narrows by search parameters, which is not supported here, and no other covers this")]
    ScopeFilter,
    /// No role that we know.
    #[error("the caller has no role that is known here")]
    UnknownRole,
    /// Nobody of that id.
    #[error("there is no such person here")]
    UnknownPerson,
    /// A claim without a reason, or of a kind the caller may not make.
    #[error("the claim is not one this caller may make")]
    Unclaimable,
}

/// What is known of the person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PersonFacts {
    /// Who; `None` for an id never minted, which is refused by the same way as the rest.
    pub person: Option<PersonId>,
    /// The restriction label.
    pub restriction: Restriction,
}

/// The label of the national service, or of a signed list. Anything not plainly unrestricted counts as restricted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Restriction {
    /// Restricted (PDS `R`, `V`, or a label nobody knows).
    Restricted,
    /// No label could be had.
    Unknown,
    /// Plainly unrestricted; or a synthetic person, who has no place to be hidden.
    Unrestricted,
}

/// What speaks for a relationship.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Evidence {
    /// An emergency, claimed with a reason.
    Emergency {
        /// When it ends.
        until: jiff::Timestamp,
    },
    /// The token was launched for this person by a connected organisation.
    Launch(PersonId),
    /// A relationship, claimed with a reason.
    SelfClaimed {
        /// When it ends.
        until: jiff::Timestamp,
    },
    /// What ties the person to an organisation, as the index and earlier answers have it.
    Tied(Tie),
}

/// May this caller look for a person at all?
pub fn admit(ask: &Ask) -> Result<Admission, Refusal> {
    let caller = &ask.caller;
    if !caller
        .purposes
        .iter()
        .any(|purpose| codes::CARE_PURPOSES.contains(&purpose.as_str()) || codes::EMERGENCY_PURPOSES.contains(&purpose.as_str()))
    {
        return Err(Refusal::NotCare);
    }
    let scopes = Granted::of(caller, Deed::of(&ask.question));
    let granted = match &ask.question {
        // Whoever is to see one person is not to find others.
        Question::Find(_) | Question::Trace(_) => scopes.anybody.covers(Kind::PATIENT),
        Question::Read { .. } => !scopes.anybody.is_empty() || caller.launch_patient.is_some() && !scopes.launched.is_empty(),
    };
    if !granted {
        return Err(scope(&scopes));
    }
    let role = caller.roles.iter().filter_map(|code| codes::role(code)).max().ok_or(Refusal::UnknownRole)?;
    let (view, rule) = view(caller, role);
    let has = |activity: &str| caller.activities.iter().any(|own| own == activity);
    let why = match &ask.question {
        Question::Find(_) | Question::Trace(_) if has(codes::TRACE) => vec!["find.trace-activity"],
        Question::Find(_) | Question::Trace(_) => return Err(Refusal::NoActivity),
        Question::Read { .. } if view > View::Identity => vec![rule],
        Question::Read { .. } => return Err(Refusal::NoActivity),
    };
    Ok(Admission { ask: ask.clone(), view, scopes, why })
}

/// What the caller's role and activities show, and the rule that says so.
fn view(caller: &Caller, role: Role) -> (View, &'static str) {
    let has = |activity: &str| caller.activities.iter().any(|own| own == activity);
    match role {
        Role::Reviewing => (View::Identity, "view.reviewing-role-sees-no-clinical-content"),
        Role::Administrative => (View::Administrative, "view.administrative-role"),
        Role::Clinical if has(codes::DETAILED) => (View::Detailed, "view.detailed-activity"),
        Role::Clinical if has(codes::SUMMARY) => (View::Summary, "view.summary-activity"),
        Role::Clinical if has(codes::MEDICATION) => (View::Medication, "view.medication-activity"),
        Role::Clinical => (View::Identity, "view.no-activity"),
    }
}

/// Why scopes that cover nothing of what was asked do not.
pub(crate) fn scope(scopes: &Granted) -> Refusal {
    if scopes.filtered { Refusal::ScopeFilter } else { Refusal::Scope }
}

/// May this caller work at the steward's desk? Only a person may, with a token that was given the scope for it.
pub fn steward(caller: &Caller) -> Result<(), Refusal> {
    let granted = caller.human && caller.scopes.iter().any(|scope| scope == codes::OPERATOR);
    if granted { Ok(()) } else { Err(Refusal::Scope) }
}

/// May this caller read this person's record now? The same steps whatever the answer, so that a refusal tells nothing by its way.
pub fn decide(admission: Admission, facts: &PersonFacts, evidence: &[Evidence], now: jiff::Timestamp) -> Result<Permit, Refusal> {
    let related = facts.person.as_ref().and_then(|person| relationship(admission.caller(), person, evidence, now));
    let person = facts.person.clone().ok_or(Refusal::UnknownPerson)?;
    let (emergency, rule) = related.ok_or(Refusal::NoRelationship)?;
    // Who has no relationship is not told apart from who has one; the ledger is, and of them no label is asked for.
    if facts.restriction != Restriction::Unrestricted {
        return Err(Refusal::Restricted);
    }
    if admission.view <= View::Identity {
        return Err(Refusal::NoActivity);
    }
    let launched = evidence.contains(&Evidence::Launch(person.clone()));
    let scopes = if launched { admission.scopes.anybody.with(&admission.scopes.launched) } else { admission.scopes.anybody.clone() };
    if !CARRIED.iter().any(|kind| allows(admission.view, *kind) && scopes.covers(*kind)) {
        return Err(scope(&admission.scopes));
    }
    let mut why = admission.why.clone();
    why.push(rule);
    if !scopes.is_whole() {
        why.push("scope.some-types");
    }
    Ok(Permit { admission, person, emergency, scopes, why })
}

fn relationship(caller: &Caller, person: &PersonId, evidence: &[Evidence], now: jiff::Timestamp) -> Option<(bool, &'static str)> {
    let speaks = |one: &Evidence| match one {
        Evidence::Launch(launched) => (launched == person).then_some((false, "relationship.launch")),
        Evidence::SelfClaimed { until } => (now < *until).then_some((false, "relationship.self-claimed")),
        Evidence::Emergency { until } => (now < *until).then_some((true, "relationship.emergency")),
        Evidence::Tied(tie) => tie.speaks_for(caller, now).then(|| (false, tie.kind.rule())),
    };
    // An ordinary relationship before an emergency one: nobody is noted for an emergency that was not needed.
    evidence.iter().filter_map(speaks).min_by_key(|(emergency, _)| *emergency)
}

impl Admission {
    /// Who asks.
    pub fn caller(&self) -> &Caller {
        &self.ask.caller
    }

    /// The ask itself.
    pub fn ask(&self) -> &Ask {
        &self.ask
    }

    /// The request's id.
    pub fn trace(&self) -> &RequestId {
        &self.ask.request
    }

    /// The rules that made it so.
    pub fn why(&self) -> &[&'static str] {
        &self.why
    }

    /// Whether restricted people are among those who may be found: their place is a secret, and that they exist is a part of it.
    pub fn finds_restricted(&self) -> bool {
        self.caller().activities.iter().any(|own| own == codes::RESTRICTED)
    }
}

impl Permit {
    /// Who reads.
    pub fn caller(&self) -> &Caller {
        self.admission.caller()
    }

    /// The admission it grew from.
    pub fn admission(&self) -> &Admission {
        &self.admission
    }

    /// The request's id.
    pub fn trace(&self) -> &RequestId {
        self.admission.trace()
    }

    /// Whose record.
    pub fn person(&self) -> &PersonId {
        &self.person
    }

    /// Whether it rests on an emergency alone.
    pub fn is_emergency(&self) -> bool {
        self.emergency
    }

    /// The rules that made it so.
    pub fn why(&self) -> &[&'static str] {
        &self.why
    }

    /// Whether a source may be asked. Every source may be until sharing rules come with governance.
    pub fn may_ask(&self, _source: &SourceId) -> bool {
        true
    }

    /// Whether a type may be shown.
    pub fn allows(&self, kind: Kind) -> bool {
        self.lacks(kind).is_none()
    }

    /// Why a type may not be shown, in words for the reader; `None` where it may.
    pub fn lacks(&self, kind: Kind) -> Option<&'static str> {
        match (allows(self.admission.view, kind), self.scopes.covers(kind)) {
            (true, true) => None,
            (false, _) => Some("your role and activities do not cover this type"),
            (true, false) => Some("the scopes of your token do not cover this type"),
        }
    }

    /// What the scopes of the token cover of this person's record.
    pub fn scopes(&self) -> &Cover {
        &self.scopes
    }

    /// What decides whether two reads may share an answer.
    pub fn decision(&self) -> (View, bool, &Cover) {
        (self.admission.view, self.emergency, &self.scopes)
    }
}

/// Whether a view shows a type.
pub fn allows(view: View, kind: Kind) -> bool {
    let identity = codes::IDENTITY.contains(&kind);
    match view {
        View::Detailed => true,
        View::Summary => identity || codes::MEDICINES.contains(&kind) || codes::SUMMARIES.contains(&kind),
        View::Medication => identity || codes::MEDICINES.contains(&kind),
        View::Administrative => identity || codes::ADMINISTRATION.contains(&kind),
        View::Identity => identity,
    }
}

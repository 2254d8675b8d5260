//! The decision: facts and rules in, a permit or a refusal out.

use std::collections::BTreeSet;
use std::sync::Arc;

use fhir::Kind;
use record::{Ask, CARRIED, Caller, PersonId, Question, RequestId, SourceId};

use crate::category::Category;
use crate::consent::Directive;
use crate::evidence::Tie;
use crate::policy::{self, Action, CallerFacts, Decision, Leave, RuleId, Rules, Seat, Section, Situation};
use crate::scope::{Cover, Deed, Granted};

/// Leave to find a person; not to read.
#[derive(Debug, Clone)]
pub struct Admission {
    ask: Ask,
    rules: Rules,
    facts: CallerFacts,
    scopes: Granted,
    why: Vec<RuleId>,
}

/// Leave to read one person's record. A value that the next stage needs, and that nobody else can make.
#[derive(Debug, Clone)]
pub struct Permit {
    admission: Admission,
    person: PersonId,
    emergency: bool,
    /// Whether the token was launched for this very person.
    launched: bool,
    /// Whether nothing that tells of a place may be shown.
    hides_place: bool,
    /// Until when a law overrides what the person objects to here.
    overrides: Option<jiff::Timestamp>,
    /// The same, where they object to something: what is shown is shown against their word.
    overridden: Option<jiff::Timestamp>,
    scopes: Cover,
    seat: Arc<Seat>,
    why: Vec<RuleId>,
    /// What the person objects to, of this caller now; none as long as nobody has looked.
    objections: Option<Arc<[Directive]>>,
}

/// Why the answer is no. The caller is told only that it is; the ledger is told which.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Refusal {
    /// The rules could not be evaluated.
    #[error("the rules could not be evaluated")]
    Broken,
    /// No activity that allows what was asked.
    #[error("the caller has no activity that allows this")]
    NoActivity,
    /// Not one of those who review accesses.
    #[error("the caller is no privacy officer and no Caldicott Guardian")]
    NoReviewer,
    /// No relationship with the person.
    #[error("the caller has no relationship with this person")]
    NoRelationship,
    /// Purpose missing, unknown, or not direct care.
    #[error("the purpose of use is missing, unknown, or not direct care")]
    NotCare,
    /// The exchange is not open to everybody yet, and the caller is not among those named ([`crate::Ladder`]).
    #[error("the caller is not named for the step that this exchange stands on")]
    NotNamed,
    /// They object to any of their record being shown to this organisation.
    #[error("the person objects to sharing with this organisation")]
    Objected,
    /// Whether they object is not known.
    #[error("what the person objects to could not be read")]
    ObjectionsUnknown,
    /// The person's record is restricted, or whether it is is not known.
    #[error("the person's record is restricted, or its restriction is not known")]
    Restricted,
    /// A rule of the site forbids it.
    #[error("the rule {0} forbids this")]
    Rule(RuleId),
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

impl Refusal {
    /// What a rule's `@refusal` names.
    pub(crate) fn parse(name: &str) -> Option<Refusal> {
        Some(match name {
            "no-activity" => Refusal::NoActivity,
            "no-relationship" => Refusal::NoRelationship,
            "not-care" => Refusal::NotCare,
            "restricted" => Refusal::Restricted,
            "unclaimable" => Refusal::Unclaimable,
            _ => return None,
        })
    }

    /// Which of several is named: what is wrong with the caller before what is of the person.
    pub(crate) fn rank(self) -> u8 {
        match self {
            Refusal::Broken => 0,
            Refusal::Unclaimable => 1,
            Refusal::NotCare => 2,
            Refusal::Scope | Refusal::ScopeFilter => 3,
            Refusal::UnknownRole => 4,
            Refusal::NoActivity | Refusal::NoReviewer | Refusal::NotNamed => 5,
            Refusal::UnknownPerson => 6,
            Refusal::NoRelationship => 7,
            Refusal::Objected | Refusal::ObjectionsUnknown | Refusal::Restricted => 8,
            Refusal::Rule(_) => 9,
        }
    }

    /// The one of two that is named.
    pub(crate) fn foremost(these: [Option<Refusal>; 2]) -> Option<Refusal> {
        these.into_iter().flatten().min_by_key(|refusal| refusal.rank())
    }
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
    /// A law or a court that overrides what the person objects to, claimed with a reason. It speaks for no relationship.
    LegalOverride {
        /// When it ends.
        until: jiff::Timestamp,
    },
    /// A relationship, claimed with a reason.
    SelfClaimed {
        /// When it ends.
        until: jiff::Timestamp,
    },
    /// What ties the person to an organisation, as the index and earlier answers have it.
    Tied(Tie),
}

/// The names by which rules speak of what speaks for a relationship. An emergency stands apart: it is asked last.
pub const RELATIONSHIPS: [&str; 8] =
    ["appointment", "care-team", "launch", "on-behalf", "open-episode", "referral", "registered-practice", "self-claimed"];
/// The name by which rules speak of an emergency.
pub const EMERGENCY: &str = "emergency";

/// May this caller look for a person at all? For reading: would they be shown anything of anybody, whatever speaks for them?
pub fn admit(rules: &Rules, ask: &Ask, now: jiff::Timestamp) -> Result<Admission, Refusal> {
    let caller = &ask.caller;
    let facts = CallerFacts::of(rules, caller, policy::today(now));
    let scopes = Granted::of(caller, Deed::of(&ask.question));
    let granted = match &ask.question {
        // Whoever is to see one person is not to find others.
        Question::Find(_) | Question::Trace(_) => scopes.anybody.covers(Kind::PATIENT),
        Question::Read { .. } => !scopes.anybody.is_empty() || caller.launch_patient.is_some() && !scopes.launched.is_empty(),
    };
    let decided = match &ask.question {
        Question::Find(_) | Question::Trace(_) => rules.may(Action::Find, &facts),
        Question::Read { .. } => anybodys(rules, &facts),
    };
    let refusal = (!decided.allowed).then(|| refused(rules, &facts, &decided, Refusal::NoActivity));
    match Refusal::foremost([refusal, (!granted).then(|| scope(&scopes))]) {
        Some(refusal) => Err(refusal),
        None => Ok(Admission { ask: ask.clone(), rules: rules.clone(), facts, scopes, why: decided.rules }),
    }
}

/// Whether a caller could read anybody's record at all, by whatever speaks for them; and by which views.
fn anybodys(rules: &Rules, facts: &CallerFacts) -> Decision {
    let views = rules.views(facts);
    if views.names.is_empty() {
        let by_purpose = rules.read(&favourable(facts, "launch"));
        // What is wrong with the purpose is said first.
        return if by_purpose.allowed { Decision::denied() } else { by_purpose };
    }
    let mut denied = None;
    for name in RELATIONSHIPS.iter().copied().chain([EMERGENCY]) {
        let decided = rules.read(&favourable(facts, name));
        if decided.allowed {
            return Decision { rules: views.why.clone(), ..decided };
        }
        denied.get_or_insert(decided);
    }
    denied.unwrap_or_else(Decision::denied)
}

/// A caller before a person of whom everything speaks for it that they may be read of.
fn favourable(facts: &CallerFacts, relationship: &'static str) -> Situation {
    Situation {
        caller: facts.clone(),
        person: String::new(),
        restriction: Situation::restriction(Restriction::Unrestricted),
        leave: Leave::default(),
        relationships: BTreeSet::from([relationship]),
    }
}

/// What to call it that something is not allowed.
pub(crate) fn refused(rules: &Rules, facts: &CallerFacts, decided: &Decision, otherwise: Refusal) -> Refusal {
    let unknown = !facts.roles().iter().any(|code| rules.knows_role(code));
    let otherwise = if unknown && otherwise == Refusal::NoActivity { Refusal::UnknownRole } else { otherwise };
    // A rule of the site is named only where the record of somebody is what it forbids.
    let forbidden = decided.rules.first().filter(|_| otherwise == Refusal::NoRelationship);
    decided.refusal.or(forbidden.map(|rule| Refusal::Rule(*rule))).unwrap_or(otherwise)
}

/// Why scopes that cover nothing of what was asked do not.
pub(crate) fn scope(scopes: &Granted) -> Refusal {
    if scopes.filtered { Refusal::ScopeFilter } else { Refusal::Scope }
}

/// May this caller work at the operator's and the steward's desks?
pub fn steward(rules: &Rules, caller: &Caller, now: jiff::Timestamp) -> Result<(), Refusal> {
    let facts = CallerFacts::of(rules, caller, policy::today(now));
    if rules.may(Action::Operate, &facts).allowed { Ok(()) } else { Err(Refusal::Scope) }
}

/// The scope that opens the privacy officer's desk and the ledger as AuditEvents.
const PRIVACY: &str = "severn.privacy";

/// May this caller see who looked, and judge it? A privacy officer or a Caldicott Guardian may, a person, with a token that was given the
/// scope for it. It is no leave to see anything of a record.
pub fn privacy(rules: &Rules, caller: &Caller, now: jiff::Timestamp) -> Result<(), Refusal> {
    let facts = CallerFacts::of(rules, caller, policy::today(now));
    if rules.may(Action::ReviewAudit, &facts).allowed {
        return Ok(());
    }
    let scoped = caller.human && caller.scopes.iter().any(|scope| scope == PRIVACY);
    Err(if scoped { Refusal::NoReviewer } else { Refusal::Scope })
}

/// May this caller read this person's record now? The same steps whatever the answer, so that a refusal tells nothing by its way.
pub fn decide(admission: Admission, facts: &PersonFacts, evidence: &[Evidence], now: jiff::Timestamp) -> Result<Permit, Refusal> {
    let (relationships, emergency) = speaking(admission.caller(), facts.person.as_ref(), evidence, now);
    let person = facts.person.clone().ok_or(Refusal::UnknownPerson)?;
    if relationships.is_empty() && !emergency {
        return Err(Refusal::NoRelationship);
    }
    let Admission { rules, facts: caller, .. } = &admission;
    let situation = |relationships: BTreeSet<&'static str>| Situation {
        caller: caller.on(policy::today(now)),
        person: rules.mentions().persons.get(person.as_str()).cloned().unwrap_or_default(),
        restriction: Situation::restriction(facts.restriction),
        leave: Leave::of(rules.site()),
        relationships,
    };
    // An ordinary relationship before an emergency one: nobody is noted for an emergency that was not needed.
    let ordinary = situation(relationships.clone());
    let (decided, situation, rests_on_emergency) = match rules.read(&ordinary) {
        decided if decided.allowed || !emergency => (decided, ordinary, false),
        _ => {
            let all = situation(relationships.into_iter().chain([EMERGENCY]).collect());
            (rules.read(&all), all, true)
        }
    };
    if !decided.allowed {
        return Err(refused(rules, caller, &decided, Refusal::NoRelationship));
    }
    let launched = evidence.contains(&Evidence::Launch(person.clone()));
    let scopes = if launched { admission.scopes.anybody.with(&admission.scopes.launched) } else { admission.scopes.anybody.clone() };
    let seat = rules.seat(situation);
    let mut why = admission.why.clone();
    why.extend(decided.rules);
    if !scopes.is_whole() {
        why.push(RuleId::own("scope.some-types"));
    }
    let hides_place = facts.restriction != Restriction::Unrestricted;
    // Who has lost the activity overrides nothing by what they claimed before.
    let lawful = rules.may(Action::OverrideObjection, caller).allowed;
    let until = |one: &Evidence| if let Evidence::LegalOverride { until } = one { Some(*until).filter(|until| now < *until) } else { None };
    let overrides = evidence.iter().filter_map(until).max().filter(|_| lawful);
    let permit = Permit {
        admission,
        person,
        emergency: rests_on_emergency,
        launched,
        hides_place,
        overrides,
        overridden: None,
        scopes,
        seat,
        why,
        objections: None,
    };
    if !CARRIED.iter().any(|kind| permit.allows(*kind)) {
        let rules_do = CARRIED.iter().any(|kind| permit.covered(*kind));
        return Err(if rules_do { scope(&permit.admission.scopes) } else { Refusal::NoActivity });
    }
    Ok(permit)
}

/// The names of what speaks now for a relationship with the person, and whether there is an emergency.
fn speaking(caller: &Caller, person: Option<&PersonId>, evidence: &[Evidence], now: jiff::Timestamp) -> (BTreeSet<&'static str>, bool) {
    let (mut names, mut emergency) = (BTreeSet::new(), false);
    for one in evidence {
        match one {
            Evidence::Emergency { until } => emergency |= now < *until,
            Evidence::Launch(launched) if Some(launched) == person => drop(names.insert("launch")),
            Evidence::Launch(_) | Evidence::LegalOverride { .. } => {}
            Evidence::SelfClaimed { until } if now < *until => drop(names.insert("self-claimed")),
            Evidence::SelfClaimed { .. } => {}
            Evidence::Tied(tie) if tie.speaks_for(caller, now) => drop(names.insert(tie.kind.name())),
            Evidence::Tied(_) => {}
        }
    }
    (names, emergency)
}

/// What would be decided, were these the facts: for pages to sign, for explanations, and for what a change of rules would change.
/// It is no permit, and nothing can be asked with it.
#[derive(Debug, Clone)]
pub struct Supposed {
    rules: Rules,
    seat: Arc<Seat>,
    why: Vec<RuleId>,
}

impl Supposed {
    /// This caller before a person with whom this speaks for a relationship, or nothing does.
    ///
    /// # Errors
    ///
    /// Why they would be refused, whatever the scopes of their token.
    pub fn of(
        rules: &Rules,
        caller: &Caller,
        relationship: Option<&'static str>,
        restriction: Restriction,
        now: jiff::Timestamp,
    ) -> Result<Supposed, Refusal> {
        let facts = CallerFacts::of(rules, caller, policy::today(now));
        let anybodys = anybodys(rules, &facts);
        if !anybodys.allowed {
            return Err(refused(rules, &facts, &anybodys, Refusal::NoActivity));
        }
        let Some(relationship) = relationship else { return Err(Refusal::NoRelationship) };
        let restriction = Situation::restriction(restriction);
        let situation = Situation { restriction, leave: Leave::of(rules.site()), ..favourable(&facts, relationship) };
        let decided = rules.read(&situation);
        if !decided.allowed {
            return Err(refused(rules, &facts, &decided, Refusal::NoRelationship));
        }
        let mut why = anybodys.rules;
        why.extend(decided.rules);
        Ok(Supposed { rules: rules.clone(), seat: rules.seat(situation), why })
    }

    /// The rules that would open the record.
    pub fn why(&self) -> &[RuleId] {
        &self.why
    }

    /// The views that the caller would hold.
    pub fn views(&self) -> &[String] {
        &self.seat.views.names
    }

    /// What would be said of a part of the record.
    pub fn decision(&self, section: &Section<'_>) -> Arc<Decision> {
        self.rules.see(&self.seat, section)
    }
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
    pub fn why(&self) -> &[RuleId] {
        &self.why
    }

    /// The version of the rules that made it so.
    pub fn version(&self) -> &str {
        self.rules.version()
    }

    /// Whether restricted people are among those who may be found: their place is a secret, and that they exist is a part of it.
    pub fn finds_restricted(&self) -> bool {
        self.rules.may(Action::FindRestricted, &self.facts).allowed
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

    /// With what the person objects to. Where a law overrides it, with nothing, and the rule that made it so.
    pub(crate) fn with(mut self, objections: Vec<Directive>) -> Permit {
        if let Some(until) = self.overrides.filter(|_| !objections.is_empty()) {
            self.overridden = Some(until);
            self.why.extend(self.admission.rules.may(Action::OverrideObjection, &self.admission.facts).rules);
            return Permit { objections: Some(Arc::from([])), ..self };
        }
        Permit { objections: Some(objections.into()), ..self }
    }

    /// Until when a law overrides what the person objects to here; none where none does, or where there is nothing to override.
    pub fn overridden(&self) -> Option<jiff::Timestamp> {
        self.overridden
    }

    /// Whether a law overrides whatever the person objects to here.
    pub(crate) fn overrides(&self) -> bool {
        self.overrides.is_some()
    }

    /// Whether somebody looked, and the person objects to nothing.
    pub fn objects_to_nothing(&self) -> bool {
        self.objections.as_ref().is_some_and(|all| all.is_empty())
    }

    /// Whether the person objects to this resource of this organisation being shown.
    pub fn objects(&self, kind: Kind, tree: &fhir::Tree, custodian: &record::OdsCode) -> bool {
        self.objections.as_ref().is_none_or(|all| all.iter().any(|directive| directive.covers(kind, tree, custodian)))
    }

    /// Of whom by name the person objects to this resource being shown, if it is theirs.
    pub fn objected_custodians(&self, kind: Kind, tree: &fhir::Tree) -> impl Iterator<Item = &record::OdsCode> {
        let all = self.objections.iter().flat_map(|all| all.iter());
        let covering = move |directive: &&Directive| directive.custodians.iter().any(|custodian| directive.covers(kind, tree, custodian));
        all.filter(covering).flat_map(|directive| &directive.custodians)
    }

    /// Whether the person objects to anything of this organisation being shown: it is not asked.
    pub fn closes(&self, custodian: &record::OdsCode) -> bool {
        self.objections.as_ref().is_none_or(|all| all.iter().any(|directive| directive.closes(custodian)))
    }

    /// Whether it rests on an emergency alone.
    pub fn is_emergency(&self) -> bool {
        self.emergency
    }

    /// Whether the token was launched for this very person, so that its `patient/` scopes are about their record.
    pub(crate) fn is_launched(&self) -> bool {
        self.launched
    }

    /// Whether nothing may be shown that tells of a place, nor be said anywhere which sources hold anything of them: [`crate::hide`].
    pub fn hides_place(&self) -> bool {
        self.hides_place
    }

    /// The rules that made it so.
    pub fn why(&self) -> &[RuleId] {
        &self.why
    }

    /// The version of the rules that made it so.
    pub fn version(&self) -> &str {
        self.admission.version()
    }

    /// Whether a source may be asked for a type: whether anything of the type that bears no label would be shown.
    pub fn may_ask(&self, source: &SourceId, kind: Kind) -> bool {
        self.scopes.covers(kind) && self.shown(kind, source)
    }

    /// Whether anything at all may be asked of a source.
    pub fn may_ask_anything(&self, source: &SourceId) -> bool {
        CARRIED.iter().any(|kind| self.may_ask(source, *kind))
    }

    /// Whether a type may be shown, from whichever source.
    pub fn allows(&self, kind: Kind) -> bool {
        self.scopes.covers(kind) && self.covered(kind)
    }

    /// Why a type may not be shown, in words for the reader; `None` where it may.
    pub fn lacks(&self, kind: Kind) -> Option<&'static str> {
        match (self.covered(kind), self.scopes.covers(kind)) {
            (true, true) => None,
            (false, _) => Some("your role and activities do not cover this type"),
            (true, false) => Some("the scopes of your token do not cover this type"),
        }
    }

    /// Why a type of one source may not be shown, in words for the reader; `None` where it may.
    pub fn lacks_of(&self, source: &SourceId, kind: Kind) -> Option<&'static str> {
        self.lacks(kind).or_else(|| (!self.shown(kind, source)).then_some("what this source shares does not cover this type for you"))
    }

    /// Whether a part of the record is shown; else the rule that withholds it.
    ///
    /// # Errors
    ///
    /// The rule that withholds it.
    pub fn sees(&self, section: &Section<'_>) -> Result<(), RuleId> {
        if !self.scopes.covers(section.kind) {
            return Err(RuleId::own("scope.some-types"));
        }
        let decided = self.decision(section);
        if decided.allowed { Ok(()) } else { Err(decided.rule()) }
    }

    /// What the rules say of a part of the record, whatever the token's scopes do.
    pub fn decision(&self, section: &Section<'_>) -> Arc<Decision> {
        self.admission.rules.see(&self.seat, section)
    }

    /// Whether the rules show everything of a type from a source that bears no label.
    pub fn shows_all_plain(&self, kind: Kind, source: &SourceId) -> bool {
        self.scopes.covers(kind) && Category::of_kind(kind).iter().all(|category| self.plain(*category, kind, source))
    }

    /// What the scopes of the token cover of this person's record.
    pub fn scopes(&self) -> &Cover {
        &self.scopes
    }

    /// The views that the caller holds.
    pub fn views(&self) -> &[String] {
        &self.seat.views.names
    }

    fn plain(&self, category: Category, kind: Kind, source: &SourceId) -> bool {
        self.decision(&Section { category, kind, source, labels: &[], objected: false, source_refused: false }).allowed
    }

    fn shown(&self, kind: Kind, source: &SourceId) -> bool {
        Category::of_kind(kind).iter().any(|category| self.plain(*category, kind, source))
    }

    /// Whether the rules show a type from any source.
    fn covered(&self, kind: Kind) -> bool {
        self.admission.rules.sources().any(|source| self.shown(kind, source))
    }
}

//! The rules: Cedar policies, checked against a schema and against what the site knows before any of them decides.
//!
//! They stand as readable files in `policy/`, one a subject, and a site adds its own beside them. [`Rules`] is the checked set. It decides
//! by facts alone, and remembers what it decided of the same facts, so that a read costs as many evaluations as it has distinct facts and
//! the next of its kind none. What cannot be evaluated denies, and raises an alert.

mod check;
mod difference;
mod facts;
mod load;
mod reach;
mod rule;
mod sharing;
mod words;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, LazyLock, Mutex, PoisonError, RwLock};

use cedar_policy::{Authorizer, Context, Decision as Said, Entities, Entity, EntityUid, PolicySet, Request, RestrictedExpression};
use jiff::civil::Date;
use moka::sync::Cache;
use record::{OdsCode, SourceId};
use rustc_hash::FxHashMap;

use crate::Refusal;
pub use difference::{Change, difference};
pub use facts::Section;
pub(crate) use facts::{CallerFacts, Leave, Situation};
use facts::{SectionFacts, caller, section};
pub use load::{Fault, Text};
pub use rule::{Action, Decision, RuleId};
pub use words::LABELS;

/// What the site knows, and rules may speak of.
#[derive(Debug, Clone, Default)]
pub struct Site {
    /// Its sources, with who answers for each.
    pub sources: Vec<(SourceId, OdsCode)>,
    /// The organisations that take part, by ODS code, each with what it is by ODS roles ("RO182" is a pharmacy).
    pub organisations: BTreeMap<String, BTreeSet<String>>,
    /// Whether restricted people may be read in an emergency, with whatever tells of a place taken out. Somebody with a name approved it.
    pub restricted_in_emergency: bool,
    /// Whether an objection that is recorded here may be overridden by law. Somebody with a name approved it.
    pub legal_override: bool,
    /// National activity codes beside those that are known everywhere.
    pub activities: BTreeSet<String>,
    /// Labels of sensitivity beside those that are known everywhere.
    pub labels: BTreeSet<String>,
    /// Persons whom rules name, and who are nobody here; where nobody looked, none.
    pub strangers: BTreeSet<String>,
    /// The day, where a rule whose time is over counts as one that is wrong: where rules are saved, and not where they are only used.
    pub today: Option<Date>,
}

/// Situations remembered at once; of more, those are forgotten that are asked about least. Each is a caller's codes with what speaks for a
/// relationship.
const SITUATIONS_MAX: u64 = 4096;
/// Sections remembered in one situation.
const SECTIONS_MAX: usize = 16_384;

/// The checked set of rules. Cheap to clone.
#[derive(Clone)]
pub struct Rules {
    inner: Arc<Inner>,
}

struct Inner {
    sets: Vec<(Action, PolicySet)>,
    rules: FxHashMap<String, (RuleId, Option<Refusal>)>,
    views: Vec<String>,
    /// Every word that rules compare an attribute with.
    told: BTreeMap<String, BTreeSet<String>>,
    mentions: load::Mentions,
    site: Site,
    version: String,
    authorizer: Authorizer,
    // Nobody waits for the rules to be asked about somebody else.
    seats: Cache<Situation, Arc<Seat>>,
    callers: Cache<CallerFacts, Arc<Views>>,
    reads: Cache<Situation, Decision>,
    seen: Cache<Held, Arc<Seen>>,
}

/// What a caller holds.
pub(crate) struct Views {
    pub(crate) names: Vec<String>,
    /// The rules that gave them, or took them all away.
    pub(crate) why: Vec<RuleId>,
    deeds: Mutex<FxHashMap<Action, Decision>>,
}

/// What was decided in one situation.
pub(crate) struct Seat {
    pub(crate) situation: Situation,
    pub(crate) views: Arc<Views>,
    seen: Arc<Seen>,
}

/// A situation, and the views that the caller holds in it.
type Held = (Situation, Vec<String>);
/// What was decided of sections, shared by all situations that no rule about sections tells apart.
type Seen = RwLock<FxHashMap<SectionFacts, Arc<Decision>>>;

impl std::fmt::Debug for Rules {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Rules").field(&self.inner.version).finish()
    }
}

impl std::fmt::Debug for Seat {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Seat").field(&self.situation).finish()
    }
}

static SHIPPED: LazyLock<Rules> = LazyLock::new(|| {
    let loaded = Rules::load(&[], None, Site::default());
    loaded.unwrap_or_else(|faults| unreachable!("a test loads the rules that are shipped: {faults:?}"))
});

impl Rules {
    /// The rules that are shipped, at a site that has none of its own.
    pub fn shipped() -> Rules {
        SHIPPED.clone()
    }

    /// What the rules are, as a digest of their text: what the ledger says of each decision.
    pub fn version(&self) -> &str {
        &self.inner.version
    }

    /// How many there are.
    #[expect(clippy::len_without_is_empty, reason = "some are always shipped")]
    pub fn len(&self) -> usize {
        self.inner.rules.len()
    }

    /// Whether any rule speaks of this job role.
    pub(crate) fn knows_role(&self, code: &str) -> bool {
        self.inner.told.get("roles").is_some_and(|roles| roles.contains(code))
    }

    /// What was decided in this situation, and will be.
    pub(crate) fn seat(&self, situation: Situation) -> Arc<Seat> {
        self.inner.seats.get_with_by_ref(&situation, || {
            let views = self.views(&situation.caller);
            let told_apart = (situation.as_seen(&self.inner.mentions), views.names.clone());
            let seen = self.inner.seen.get_with(told_apart, Arc::default);
            Arc::new(Seat { views, situation: situation.clone(), seen })
        })
    }

    /// What a caller holds.
    pub(crate) fn views(&self, facts: &CallerFacts) -> Arc<Views> {
        self.inner.callers.get_with_by_ref(facts, || {
            let (mut names, mut why) = (Vec::new(), Vec::new());
            for view in &self.inner.views {
                let held = self.evaluate(Action::Hold, facts, &[], Thing::View(view));
                if held.allowed {
                    names.push(view.clone());
                }
                why.extend(held.rules);
            }
            why.sort_unstable();
            why.dedup();
            Arc::new(Views { names, why, deeds: Mutex::default() })
        })
    }

    /// Whether a caller may do what is done with nobody's record, or with one of which nothing is known: find, claim, work at a desk.
    pub fn decide(&self, action: Action, caller: &record::Caller, now: jiff::Timestamp) -> Decision {
        self.may(action, &CallerFacts::of(self, caller, today(now)))
    }

    /// Every rule, by name.
    pub fn names(&self) -> Vec<RuleId> {
        let mut names: Vec<RuleId> = self.inner.rules.values().map(|(rule, _)| *rule).collect();
        names.sort_unstable();
        names
    }

    /// The rules that are shipped, without one of them: for tests of what each of them does.
    #[doc(hidden)]
    pub fn shipped_without(rule: RuleId, own: &[Text], site: Site) -> Rules {
        load::without(rule, own, site)
    }

    /// Whether a caller may do what is not done with a part of a record.
    pub(crate) fn may(&self, action: Action, facts: &CallerFacts) -> Decision {
        let views = self.views(facts);
        let known = || views.deeds.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(decided) = known().get(&action) {
            return decided.clone();
        }
        let decided = self.evaluate(action, facts, &views.names, Thing::plain(action, &self.inner.site));
        known().insert(action, decided.clone());
        decided
    }

    /// Whether the record may be opened.
    pub(crate) fn read(&self, situation: &Situation) -> Decision {
        self.inner.reads.get_with_by_ref(situation, || {
            let views = self.views(&situation.caller);
            self.evaluate(Action::Read, &situation.caller, &views.names, Thing::Record(situation))
        })
    }

    /// Whether a part of the record is shown.
    pub(crate) fn see(&self, seat: &Seat, section: &Section<'_>) -> Arc<Decision> {
        let facts = SectionFacts::of(section, &self.inner.site, &self.inner.mentions);
        if let Some(known) = seat.seen.read().unwrap_or_else(PoisonError::into_inner).get(&facts) {
            return known.clone();
        }
        let thing = Thing::Section(&seat.situation, &facts);
        let decided = Arc::new(self.evaluate(Action::See, &seat.situation.caller, &seat.views.names, thing));
        let mut seen = seat.seen.write().unwrap_or_else(PoisonError::into_inner);
        if seen.len() < SECTIONS_MAX {
            seen.insert(facts, decided.clone());
        }
        decided
    }

    /// The sources there are; where none is known, one that no rule names stands for all.
    pub(crate) fn sources(&self) -> impl Iterator<Item = &SourceId> {
        static ANY: LazyLock<Option<SourceId>> = LazyLock::new(|| "any".parse().ok());
        let none = self.inner.site.sources.is_empty();
        self.inner.site.sources.iter().map(|(id, _)| id).chain(ANY.iter().filter(move |_| none))
    }

    pub(crate) fn site(&self) -> &Site {
        &self.inner.site
    }

    pub(crate) fn mentions(&self) -> &load::Mentions {
        &self.inner.mentions
    }

    /// One evaluation. What goes wrong in one denies, whatever the rest of it said.
    fn evaluate(&self, action: Action, facts: &CallerFacts, views: &[String], thing: Thing<'_>) -> Decision {
        let Some((_, set)) = self.inner.sets.iter().find(|(own, _)| *own == action) else { return Decision::denied() };
        let said = ask(&self.inner.authorizer, set, action, (facts, views), thing);
        let response = match said {
            Ok(response) => response,
            Err(error) => {
                tracing::error!(alert = "policy.not-evaluated", action = action.name(), %error, "a question to the rules could not be put");
                return Decision::broken();
            }
        };
        if let Some(error) = response.diagnostics().errors().next() {
            tracing::error!(alert = "policy.not-evaluated", action = action.name(), %error, "a rule could not be evaluated");
            return Decision::broken();
        }
        let mut refusal = None;
        let mut rules = Vec::new();
        for id in response.diagnostics().reason() {
            let Some((rule, own)) = self.inner.rules.get(AsRef::<str>::as_ref(id)) else { continue };
            rules.push(*rule);
            refusal = Refusal::foremost([refusal, *own]);
        }
        rules.sort_unstable();
        Decision { allowed: response.decision() == Said::Allow, rules, refusal }
    }
}

/// What is done something with.
enum Thing<'a> {
    Desk,
    Ledger,
    /// A record of which nothing is known, but whether the site lets objections to it be overridden.
    AnyRecord {
        legal_override: bool,
    },
    Record(&'a Situation),
    Register,
    Section(&'a Situation, &'a SectionFacts),
    View(&'a str),
}

impl Thing<'_> {
    fn plain(action: Action, site: &Site) -> Thing<'static> {
        match action {
            Action::ClaimEmergency | Action::ClaimRelationship | Action::OverrideObjection | Action::Read | Action::See => {
                Thing::AnyRecord { legal_override: site.legal_override }
            }
            Action::Find | Action::FindRestricted | Action::Hold => Thing::Register,
            Action::Operate => Thing::Desk,
            Action::ReviewAudit => Thing::Ledger,
        }
    }

    fn entities(&self) -> Result<(EntityUid, Vec<Entity>), String> {
        let bare = |kind: &str, id: &str| {
            let uid = uid(kind, id)?;
            Ok::<_, String>((uid.clone(), vec![Entity::with_uid(uid)]))
        };
        match self {
            Thing::AnyRecord { legal_override } => {
                let record = facts::record("", "unknown", &Leave { legal_override: *legal_override, ..Leave::default() }, &[])?;
                Ok((record.uid(), vec![record]))
            }
            Thing::Desk => bare("Desk", "desk"),
            Thing::Ledger => bare("Ledger", "ledger"),
            Thing::Record(situation) => {
                let record = situation.record()?;
                Ok((record.uid(), vec![record]))
            }
            Thing::Register => bare("Register", "register"),
            Thing::Section(situation, facts) => {
                let record = situation.record()?;
                let section = section(situation, facts, record.uid())?;
                Ok((section.uid(), vec![record, section]))
            }
            Thing::View(name) => bare("View", name),
        }
    }
}

fn ask(
    authorizer: &Authorizer,
    set: &PolicySet,
    action: Action,
    (facts, views): (&CallerFacts, &[String]),
    thing: Thing<'_>,
) -> Result<cedar_policy::Response, String> {
    let principal = caller(facts, views)?;
    let (resource, mut entities) = thing.entities()?;
    let who = principal.uid();
    entities.push(principal);
    let entities = Entities::from_entities(entities, None).map_err(|error| error.to_string())?;
    let today = RestrictedExpression::new_datetime(facts.today.to_string());
    let context = Context::from_pairs([("today".to_owned(), today)]).map_err(|error| error.to_string())?;
    let request = Request::new(who, uid("Action", action.name())?, resource, context, None).map_err(|error| error.to_string())?;
    Ok(authorizer.is_authorized(&request, set, &entities))
}

fn uid(kind: &str, id: &str) -> Result<EntityUid, String> {
    let kind = kind.parse().map_err(|error| format!("{error}"))?;
    Ok(EntityUid::from_type_name_and_id(kind, cedar_policy::EntityId::new(id)))
}

/// The day in England.
pub(crate) fn today(now: jiff::Timestamp) -> Date {
    static ENGLAND: LazyLock<jiff::tz::TimeZone> =
        LazyLock::new(|| jiff::tz::TimeZoneDatabase::bundled().get("Europe/London").unwrap_or(jiff::tz::TimeZone::UTC));
    now.to_zoned(ENGLAND.clone()).date()
}

//! What an exchange is made of.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use access::{Ladder, Step, Terms, Words};
use audit::{Ledger, LedgerReader};
use dialect::{Dialect, Known};
use identity::{Locator, Trust};
use record::{Clock, ExchangeId, OdsCode, SourceId};
use source::Sources;

use crate::made_up::MadeUp;
use crate::{
    Claims, Consents, DemographicsService, Minted, Monitoring, Observed, People, PersonIndex, Plans, PrivacyQueue, RecordLocator,
    Registration, RelationshipSettings, Ties, Vault,
};

/// An exchange. Cheap to clone.
#[derive(Clone)]
pub struct Exchange {
    pub(crate) parts: Arc<Parts>,
}

/// Everything it works with.
pub struct Parts {
    /// Numbers that are read and written.
    pub settings: Settings,
    /// The ledger.
    pub ledger: Ledger,
    /// The ledger, read back.
    pub reader: Arc<dyn LedgerReader>,
    /// Persons and their numbers.
    pub people: Arc<dyn People>,
    /// Claims.
    pub claims: Arc<dyn Claims>,
    /// What people say about sharing.
    pub consents: Arc<dyn Consents>,
    /// What ties persons to organisations.
    pub ties: Arc<dyn Ties>,
    /// Minted ids.
    pub minted: Arc<dyn Minted>,
    /// Plans.
    pub plans: Arc<dyn Plans>,
    /// Who looks at reads behind the answers.
    pub monitoring: Monitoring,
    /// What answers show, kept for evidence.
    pub vault: Vault,
    /// What a privacy officer is to look at.
    pub privacy: Arc<dyn PrivacyQueue>,
    /// Who knows whom.
    pub locator: Arc<dyn Locator>,
    /// The person index.
    pub index: Arc<dyn PersonIndex>,
    /// The way of answers into it.
    pub registration: Registration,
    /// The national demographics service, where it is asked.
    pub demographics: Option<Arc<DemographicsService>>,
    /// The National Record Locator, where it is asked or told.
    pub record_locator: Option<RecordLocator>,
    /// The way out.
    pub sources: Sources,
    /// How each of them does.
    pub observed: Observed,
    /// The sources, in order of ids.
    pub entries: Vec<SourceEntry>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// The rules of who may see what.
    pub policy: Policy,
    /// How records are joined.
    pub rules: join::Rules,
    /// What the operator's lists say is sensitive.
    pub sensitivity: access::Lists,
    /// What was learnt of each source, and when that began.
    pub known: Mutex<BTreeMap<SourceId, (Known, jiff::Timestamp)>>,
}

/// Names of sources and of the organisations behind them, for people to read.
pub trait Names {
    /// The source's name and its organisation's ODS code; of one whose place is hidden, or that is none of ours, no code.
    fn of(&self, source: &SourceId) -> (String, String);
}

/// The rules of who may see what, as they stand: a decision takes them once, and is made by that set.
pub struct Policy(RwLock<access::Rules>);

impl Policy {
    /// These rules.
    pub fn new(rules: access::Rules) -> Policy {
        Policy(RwLock::new(rules))
    }

    /// The rules as they stand.
    pub fn rules(&self) -> access::Rules {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Puts others in their place. What is under way ends by those that it began with.
    pub fn replace(&self, rules: access::Rules) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = rules;
    }
}

/// Settings of the journey.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The exchange's own hop id.
    pub own: ExchangeId,
    /// Exchanges a question may come through.
    pub hops_max: usize,
    /// For a whole read.
    pub read: Duration,
    /// How long a locator's "does not know them" is believed.
    pub locator_age: Duration,
    /// How long what was learnt of a source is believed: it may be given what it lacked.
    pub known_age: Duration,
    /// How long plans are kept.
    pub plans_kept: Duration,
    /// How long claims last.
    pub terms: Terms,
    /// Whom somebody may object to: every organisation that is known here.
    pub organisations: BTreeSet<OdsCode>,
    /// Who answers for the exchange.
    pub organisation: OdsCode,
    /// How long the words of a claim may be.
    pub words: Words,
    /// How long what ties a person to an organisation speaks for a relationship.
    pub relationship: RelationshipSettings,
    /// How far the exchange has come: of whom anything may be known here.
    pub ladder: Ladder,
}

/// One source, as the journey sees it.
#[derive(Debug, Clone)]
pub struct SourceEntry {
    /// Its id.
    pub id: SourceId,
    /// For people.
    pub name: String,
    /// Who answers for it.
    pub organisation: OdsCode,
    /// How it speaks.
    pub dialect: Dialect,
    /// How to speak with it.
    pub settings: dialect::Settings,
    /// Whether it is asked for everybody.
    pub locate: Locate,
    /// Whether it is compared only, never served.
    pub compare: bool,
    /// How its NHS numbers are believed.
    pub trust: Trust,
    /// Whose relationships it speaks for beside its own organisation's.
    pub vouches_for: Vec<OdsCode>,
    /// Where it is itself an exchange: its hop id.
    pub exchange: Option<ExchangeId>,
}

/// For whom a source is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Locate {
    /// On every read.
    Always,
    /// Unless it said, not long ago, that it does not know the person.
    Index,
}

impl Exchange {
    /// Puts the parts together. A demonstration's persons are those who are made up, whatever its store holds.
    pub fn new(mut parts: Parts) -> Exchange {
        if parts.settings.ladder.step() == Step::Demo {
            parts.people = Arc::new(MadeUp(parts.people));
        }
        Exchange { parts: Arc::new(parts) }
    }

    /// Whether the store can be written.
    pub async fn ready(&self) -> Result<(), crate::StoreDown> {
        self.parts.people.ready().await
    }

    /// The rules of who may see what.
    pub fn policy(&self) -> &Policy {
        &self.parts.policy
    }
}

impl Names for Exchange {
    fn of(&self, source: &SourceId) -> (String, String) {
        if source.as_str() == crate::consent::OWN {
            return ("This exchange".to_owned(), self.parts.settings.organisation.to_string());
        }
        if let Some(name) = crate::hidden::name(source) {
            return (name, String::new());
        }
        let entry = self.parts.entries.iter().find(|entry| entry.id == *source);
        let named = entry.map(|entry| (entry.name.clone(), entry.organisation.to_string()));
        named.unwrap_or_else(|| (source.to_string(), String::new()))
    }
}

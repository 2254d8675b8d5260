//! The question, and who puts it.

use fhir::Kind;

use crate::{Demographics, ExchangeId, Item, NhsNumber, OdsCode, PersonId, RequestId};

/// One question about one person.
#[derive(Debug, Clone)]
pub struct Ask {
    /// The request that carries it.
    pub request: RequestId,
    /// Who asks.
    pub caller: Caller,
    /// About whom and for what.
    pub question: Question,
    /// Exchanges this question came through, oldest first.
    pub hops: Vec<ExchangeId>,
    /// How long the exchange that passed it on waits for the answer: what is not here by then is a gap, and the rest is answered.
    pub wait: Option<std::time::Duration>,
}

/// What is asked.
#[derive(Debug, Clone)]
pub enum Question {
    /// Who is the person with this NHS number? Identity only.
    Find(NhsNumber),
    /// What is known of this person?
    Read {
        /// The person, by the exchange's id.
        person: PersonId,
        /// Which part.
        need: Need,
    },
    /// Who might the person be of whom this is known? Candidates; identity only.
    Trace(Box<Sought>),
}

/// Somebody who is looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sought {
    /// What is known of them.
    pub demographics: Demographics,
    /// How many candidates are wanted at most; fewer may be shown.
    pub count: Option<usize>,
    /// Whether only candidates are wanted that are certain.
    pub certain_only: bool,
}

/// Which part of a record is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Need {
    /// The types wanted; empty means all.
    pub kinds: Vec<Kind>,
    /// Further types that includes may lead to: asked for, and shown where something wanted refers to them.
    pub along: Vec<Kind>,
    /// The minted id of a Binary to fetch; shown only where something that is shown leads to it.
    pub attachment: Option<String>,
    /// Only what changed since, as FHIR's `_since` (an instant, as given).
    pub since: Option<String>,
    /// A birth date the caller states (`YYYY-MM-DD`), for the guards to compare with.
    pub birth_date: Option<String>,
    /// How to join.
    pub join: Join,
    /// What a search narrows to, after joining: every one must hold.
    pub filters: Vec<Filter>,
    /// What a search takes along.
    pub includes: Vec<Include>,
    /// Whether one resource is read by its id, and nothing searched: some are granted leave for the one and not for the other.
    pub by_id: bool,
}

/// One search parameter that narrows: `code=http://loinc.org|718-7,718-8` matches when any value does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filter {
    /// The type it narrows.
    pub kind: Kind,
    /// The parameter's name.
    pub name: String,
    /// The modifier after the colon (`not`, `missing`, `text`, `exact`), if any.
    pub modifier: Option<String>,
    /// Alternatives, unescaped.
    pub values: Vec<String>,
}

/// `_include=MedicationRequest:medication`: resources that matches refer to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Include {
    /// The type that refers.
    pub kind: Kind,
    /// The search parameter of the reference, or `*`.
    pub name: String,
}

impl Need {
    /// Everything, grouped.
    pub fn everything() -> Need {
        let (kinds, along, attachment, filters, includes) = Default::default();
        Need { kinds, along, attachment, since: None, birth_date: None, join: Join::Group, filters, includes, by_id: false }
    }

    /// These types, grouped.
    pub fn of(kinds: &[Kind]) -> Need {
        Need { kinds: kinds.to_vec(), ..Need::everything() }
    }

    /// What is to be asked of sources for it. Types about no patient by their nature come only with what refers to them: with everything.
    pub fn gathered(&self) -> Need {
        let mut gathered = self.clone();
        gathered.kinds.extend(self.along.iter().filter(|kind| !self.kinds.contains(kind)));
        if self.kinds.is_empty() || self.kinds.iter().any(|kind| crate::SUPPORTING.contains(kind)) {
            gathered.kinds.clear();
        }
        gathered
    }

    /// Whether an item changed since the need's instant, or when it did is not known.
    pub fn is_recent(&self, item: &Item) -> bool {
        let instant = |text: &str| text.parse::<jiff::Timestamp>().ok();
        let Some(since) = self.since.as_deref().and_then(instant) else { return true };
        item.last_updated().and_then(|updated| instant(&updated)).is_none_or(|updated| updated >= since)
    }

    /// Whether a type is wanted.
    pub fn wants(&self, kind: Kind) -> bool {
        self.kinds.is_empty() || self.kinds.contains(&kind)
    }
}

/// The parameter `join`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Join {
    /// No grouping.
    All,
    /// Clusters shown, every member kept. The default.
    #[default]
    Group,
    /// Representatives only, of clusters of T0 to T2.
    Collapse,
}

/// Who asks, as the verified token (or certificate) says. Facts only; `access` decides what they allow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// Issuer and subject of the token: who, for the ledger and for every onward hop.
    pub user: UserId,
    /// The name shown beside deeds.
    pub name: String,
    /// The person's national user id (12 digits), where there is one. Without a named end user some sources may not be asked.
    pub sds_user_id: Option<String>,
    /// The role profile at the organisation, or `UNK`.
    pub sds_role_profile_id: Option<String>,
    /// Whether a human reads the answer: decides the default of `_complete`.
    pub human: bool,
    /// For whom they act.
    pub organisation: Organisation,
    /// Job role codes (`R8000`), the last part of colon paths.
    pub roles: Vec<String>,
    /// Activity codes (`B0360`).
    pub activities: Vec<String>,
    /// Purposes of use, codes of v3-ActReason (`TREAT`).
    pub purposes: Vec<String>,
    /// SMART scopes, as granted.
    pub scopes: Vec<String>,
    /// The launch context: the person the user already has open.
    pub launch_patient: Option<PersonId>,
    /// The device, as the token names it.
    pub device: Option<String>,
    /// The client application.
    pub client: Option<String>,
    /// The token's own id, for the ledger.
    pub token_id: Option<String>,
}

/// Issuer and subject.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct UserId {
    /// Who vouches.
    pub issuer: String,
    /// For whom.
    pub subject: String,
}

/// An organisation a caller acts for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Organisation {
    /// Its ODS code.
    pub code: OdsCode,
    /// Its name, as the token gives it.
    pub name: String,
}

//! The journey of a question: from an ask to a joined record, stage by stage.
//!
//! Read `Exchange::watch` and [`Exchange::read`] first; everything else here serves them.
//! What it leaves to others: who may (`access`), who is who (`identity`), how to ask (`source`), what they said
//! (`dialect`), what says the same (`join`), what the national locator speaks (`national`), what is kept (`audit`, `store`), and how the answer looks (`server`).

mod aftermath;
mod claims;
mod coming;
mod consent;
mod demographics;
mod emergency;
mod evidence;
mod facts;
mod find;
mod gather;
mod hidden;
mod index;
mod issued;
mod journey;
mod made_up;
mod monitoring;
mod observed;
mod pages;
mod parts;
mod privacy;
mod record_locator;
mod refused;
mod registration;
mod relay;
mod ruled;
mod select;
mod stores;
mod told;
mod trace;
mod vault;

pub use aftermath::{Aftermath, Cause};
pub use coming::{Coming, Pace};
pub use consent::{Consents, KeptConsent, Recorded, Recording};
pub use demographics::{DemographicsService, DemographicsSettings};
pub use evidence::RelationshipSettings;
pub use facts::restriction;
pub use find::Found;
pub use gather::NOT_YET;
pub use hidden::is_hidden_name;
pub use index::{Known, PersonIndex, Practice};
pub use journey::{Answering, Claimed, Joined};
pub use monitoring::{Lists, Monitoring, MonitoringLimits, MonitoringParts, Staff};
pub use observed::{Legs, Observed, ObservedSettings, SourceState};
pub use parts::{Exchange, Locate, Names, Parts, Policy, Settings, SourceEntry};
pub use privacy::{PrivacyFilter, PrivacyKind, PrivacyQueue, PrivacyTask, Review, ReviewState};
pub use record_locator::{Elsewhere, Publishing, RecordLocator, RecordLocatorSettings};
pub use refused::Refused;
pub use registration::{Registration, RegistrationSettings};
pub use relay::Relayed;
pub use stores::{Claims, KeptClaim, Met, Minted, MintedId, People, Plans, SPENT_REMEMBERED, Spent, StoreDown, Ties};
pub use told::{Digests, Mark};
pub use vault::{Digest, Evidence, Name, Vault, VaultSettings, VaultStep, digest_of};

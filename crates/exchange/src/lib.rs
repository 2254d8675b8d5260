//! The journey of a question: from an ask to a joined record, stage by stage.
//!
//! Read [`Exchange::watch`] and [`Exchange::read`] first; everything else here serves them.
//! What it leaves to others: who may (`access`), who is who (`identity`), how to ask (`source`), what they said
//! (`dialect`), what says the same (`join`), what is kept (`audit`, `store`), and how the answer looks (`server`).

mod exchange;
mod legs;
mod refused;
mod select;
mod stores;

pub use exchange::{Exchange, Found, Parts, Settings, SourceEntry, Watching};
pub use refused::Refused;
pub use stores::{Claims, KeptClaim, Minted, MintedId, People, Plans, StoreDown};

//! The journey of a question: from an ask to a joined record, stage by stage.
//!
//! Not joined up yet: what it needs kept ([`People`], [`Claims`], [`Minted`], [`Plans`]) and how it refuses ([`Refused`]) stand;
//! the journey itself comes with `source`, `dialect` and `join`.

mod refused;
mod stores;

pub use refused::Refused;
pub use stores::{Claims, KeptClaim, Minted, MintedId, People, Plans, StoreDown};

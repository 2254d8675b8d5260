//! A pretend region to try Severn on: suppliers, people and everything that can go wrong.
//!
//! Eight suppliers hold parts of the lives of some forty people. Each speaks FHIR in its own
//! version and manner, and one speaks bundles of JSON beside it; none of them shares a line of code with
//! what is tested, so that a mistake in
//! Severn is not made twice.
//!
//! ```
//! use testbed::{DEMO_PERSON, Fault, Region, Request};
//!
//! # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
//! let region = Region::in_memory();
//! let path = region.supplier("ccr").unwrap().habits().path;
//! let number = format!("https://fhir.nhs.uk/Id/nhs-number|{DEMO_PERSON}");
//! let request = Request::get(format!("{path}/Patient?identifier={number}"));
//! let answer = region.respond("ccr", request.clone()).await.unwrap();
//! assert!(answer.text().contains(DEMO_PERSON));
//!
//! region.fail("ccr", Fault::Html);
//! let answer = region.respond("ccr", request).await.unwrap();
//! assert!(!answer.text().contains(DEMO_PERSON));
//! # });
//! ```
//!
//! What to expect of a joined record is known beforehand: [`Person::facts`] says who holds each
//! fact and how the holdings stand to each other.
//!
//! People are written in `fixtures/people`, one file each; organisations, staff and codes in
//! `fixtures/region`.

mod bundles;
mod census;
mod demographics;
mod fault;
mod ident;
mod kinds;
mod locator;
mod message;
mod node;
mod pen;
mod person;
pub mod population;
mod region;
mod supplier;
mod terms;

pub use census::{Expected, Held, Nature, table};
pub use demographics::{DEMOGRAPHICS, Demographics, INVALIDATED_NUMBER, RESTRICTED_NUMBER, SUPERSEDED_NUMBER};
pub use fault::{Fault, Gap, Refusal, Setting, Wrong};
pub use ident::{Ids, another_nhs_number, is_synthetic_nhs_number};
pub use kinds::Kind;
pub use locator::{ELSEWHERE, LOCATOR, Locator};
pub use message::{Answer, Request, Response};
pub use node::Node;
pub use person::{About, Fact, Holding, KnownAs, Person, people, person};
pub use region::{
    Closed, Organisation, Place, Region, RunningRegion, Source, Staff, organisation, organisations, places, region_toml, staff,
};
pub use supplier::{
    Auth, Codes, Habits, Maker, Medicines, PageLinks, Refs, SUPPLIERS, Supplier, Verification, Version, Zone, habits,
    millennium_rule_broken_by,
};
pub use terms::Term;

/// The person of the demonstration: known to every supplier, with duplicates, copies,
/// contradictions and gaps.
pub const DEMO_PERSON: &str = "9990000018";

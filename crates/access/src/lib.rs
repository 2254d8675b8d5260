//! Permission: facts in, a [`Permit`] or a [`Refusal`] out. Pure; it reads no clock and asks nobody.
//!
//! *Finding* a person and *reading* their record are two questions. [`admit`] gives an [`Admission`], leave to find;
//! [`decide`] turns it into a [`Permit`], leave to read. Only this crate makes either, so a source cannot be asked without:
//!
//! ```compile_fail
//! let forged = access::Permit { whom: todo!() };
//! ```
//!
//! Default deny; a deny overrides; an unknown input denies. No setting turns any of it off.
//! Withholding what a permit does not cover is here too ([`withhold`]); who a caller is, is not: `server` verifies tokens.

mod claim;
mod codes;
mod decide;
mod evidence;
mod reason;
mod scope;
mod withhold;

pub use claim::{Claim, ClaimKind, Granted, Terms, grant};
pub use decide::{Admission, Evidence, Permit, PersonFacts, Refusal, Restriction, View, admit, allows, decide, steward};
pub use evidence::{Tie, TieKind};
pub use reason::{EMERGENCY_REASON, Unreasoned, Words};
pub use scope::Cover;
pub use withhold::withhold;

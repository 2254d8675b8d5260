//! Permission: facts in, a [`Permit`] or a [`Refusal`] out. Pure; it reads no clock and asks nobody.
//!
//! *Finding* a person and *reading* their record are two questions. [`admit`] gives an [`Admission`], leave to find;
//! [`decide`] turns it into a [`Permit`], leave to read. Only this crate makes either, so a source cannot be asked without:
//!
//! ```compile_fail
//! let forged = access::Permit { whom: todo!() };
//! ```
//!
//! The rules are Cedar policies in readable files ([`Rules`]): default deny; a forbid overrides; an unknown input denies, and so does a
//! rule that cannot be evaluated. No setting turns any of it off.
//! Withholding what a permit does not cover is here too ([`withhold`]); who a caller is, is not: `server` verifies tokens.

mod category;
mod claim;
mod closing;
pub mod consent;
mod decide;
mod evidence;
mod label;
mod ladder;
mod lists;
mod place;
mod policy;
mod reason;
mod scope;
mod spread;
mod withhold;

pub use category::Category;
pub use claim::{Claim, ClaimKind, Granted, Terms, claimable, grant};
pub use closing::is_redacted;
pub use decide::{
    Admission, EMERGENCY, Evidence, Permit, PersonFacts, RELATIONSHIPS, Refusal, Restriction, Supposed, admit, decide, privacy, steward,
};
pub use evidence::{Tie, TieKind};
pub use label::{Label, NoLabel};
pub use ladder::{Ladder, Named, NamedBy, Step};
pub use lists::{Listed, Lists, Sign};
pub use place::{Hiding, Words as PlaceWords, hide};
pub use policy::LABELS;
pub use policy::{Action, Change, Decision, Fault, RuleId, Rules, Section, Site, Text, difference};
pub use reason::{EMERGENCY_REASON, OVERRIDE_REASON, Unreasoned, Words, holds_number};
pub use scope::{Cover, Scope};
pub use spread::leads_to;
pub use withhold::{judges, withhold};

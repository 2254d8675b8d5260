//! What is this supplier, does it do what it says, and what must its engineer mend? What `severn onboard` does.
//!
//! [`visit`] asks one supplier some dozens of polite questions about test patients and judges what comes: every fault is a
//! [`Finding`] in words an engineer can act on. From the [`Visit`] are written a page ([`page::html`]), a FHIR TestReport
//! ([`test_report`]) and the `[[source]]` block ([`block::toml`]); two visits are compared by [`drift`], two suppliers by [`shadow`].
//!
//! ```
//! use onboard::{Severity, Topic};
//! assert!(Severity::Broken < Severity::Fine);
//! assert_eq!(Topic::Paging.title(), "Paging");
//! ```
//!
//! What it leaves to others: sending (`source`), how a supplier is spoken with and by which signs it is known (`dialect`),
//! whose record an answer is (`identity`), what says the same (`join`), and files and arguments (`server`).

pub mod block;
mod blots;
mod body;
mod desk;
pub mod drift;
mod finding;
pub mod page;
mod probes;
mod secrets;
pub mod shadow;
mod structure;
pub mod table;
mod test_report;
mod visit;

pub use desk::Asked;
pub use finding::{Finding, Severity, Topic};
pub use secrets::Secrets;
pub use test_report::test_report;
pub use visit::{Patient, Supplier, Visit, visit};

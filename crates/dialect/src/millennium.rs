//! Oracle Health (Cerner) Millennium: FHIR R4 with rules of its own for every search.
//!
//! Conformant to its public documentation and to the responses recorded there, not to a live tenant. What matters of it:
//!
//! - A search without what it requires is refused with 400 in plain text. So [`searches`] say, type by type, what goes with each.
//! - One resource that lacks what FHIR requires fails the whole page (500, `fatal`/`required`). It is asked for again in parts, by
//!   category or status and then by date; what stays missing is said in the row and in a finding. The newer platform leaves such a
//!   resource out and says so in an OperationOutcome among the data: the same hole.
//! - `_lastUpdated` reports only clinically significant changes, so it is never asked by. `date` may therefore be used alone.
//! - A Patient combined into another is found by its id only; the one it names is read in its place.
//! - It has no `$everything` and no MedicationStatement: medicines that a patient reports are MedicationRequests. What it does not
//!   answer for is `unsupported`, which is not "none"; and an empty answer is not "none" either, since it filters silently.
//! - Its own codes (`https://fhir.<region>.cerner.com/<tenant>/codeSet/<n>`) mean something in one tenant only. They are kept as they
//!   came: the tenant stands in the system, so that equal numbers of two tenants are two codes.

use fhir::Version;

use crate::fingerprint::{Card, Evidence, Mark, Searches, Sign};
use crate::plain::{self, Ways};
use crate::supplier::{Supplier, Terms};

mod searches;

/// Millennium.
pub(crate) static SUPPLIER: Supplier = Supplier {
    name: "millennium",
    version: Version::R4,
    begin: |opening, wanted| plain::begin_in(Version::R4, &WAYS, opening, wanted),
    terms: &Terms::NONE,
    card: &Card {
        signs: &[
            Sign(3, Mark::Software("cerner")),
            Sign(3, Mark::Software("oracle health")),
            Sign(3, Mark::Software("millennium")),
            Sign(3, Mark::CodeSystem("/codeset/")),
            Sign(2, Mark::PageLink("pagecontext=")),
            Sign(1, Mark::PlainErrors),
        ],
        fhir_below: "",
        searches: Searches::Patients,
        evidence: Evidence {
            documentation: "Oracle Health's public documentation",
            recorded: &["vendor-cerner"],
            examples: &[],
            itself: None,
        },
    },
};

static WAYS: Ways = Ways {
    // Whatever else is asked for gets 406.
    accept: Some("application/fhir+json"),
    everything: false,
    // The OID of NHS numbers: what most tenants call the system. Others stand in the configuration.
    number_systems: &["urn:oid:2.16.840.1.113883.2.1.4.1"],
    outcome_is_hole: true,
    searches: searches::SEARCHES,
    silence: Some("this system leaves out what the reader may not see without saying so"),
    since_finds_all: false,
    ..plain::ways::PLAIN
};

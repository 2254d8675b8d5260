//! The STU3 endpoint of a HealthShare: the same record in the older version, for sites that have opened no R4 one.
//!
//! Its ways are those of the R4 endpoint. Ids are made of business identifiers after the translation, so that a thing has the same
//! id by whichever endpoint it is read.

use fhir::Version;

use super::{SIGNS, WAYS};
use crate::fingerprint::{Card, Evidence, Searches};
use crate::plain;
use crate::supplier::{Supplier, Terms};

/// HealthShare, in STU3.
pub(crate) static SUPPLIER: Supplier = Supplier {
    name: "healthshare-stu3",
    version: Version::Stu3,
    begin: |opening, wanted| plain::begin_in(Version::Stu3, &WAYS, opening, wanted),
    terms: &Terms::NONE,
    card: &Card {
        signs: &SIGNS,
        fhir_below: "",
        searches: Searches::Everything,
        evidence: Evidence { documentation: "InterSystems' public documentation", recorded: &[], examples: &[], itself: None },
    },
};

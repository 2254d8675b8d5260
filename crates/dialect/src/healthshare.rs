//! InterSystems HealthShare: FHIR R4 made from a record kept in SDA, its own form.
//!
//! Conformant to public knowledge of it, not to a live exchange. What matters of it:
//!
//! - Its FHIR is a transform: when the repository is built again, the same things come under other ids. So their identity is their
//!   business identifier ([`identity`]), and a Patient whose id leads nowhere is looked up again by number.
//! - Identifiers stand under assigning authorities: a URI, an OID (bare at times), or only a name. All are kept; bare OIDs are
//!   spelt as URIs.
//! - It has `$everything`, and the links between its pages are opaque.
//! - What it holds of general practice may lack problems and consultations: it says nothing of what it never got.

use fhir::{NodeId, Version};
use record::{Finding, FindingCode, Item};

use crate::fingerprint::{Card, Evidence, Mark, Searches, Sign};
use crate::plain::{self, Ways};
use crate::supplier::{Supplier, Terms};

mod identity;
pub(crate) mod stu3;

/// HealthShare.
pub(crate) static SUPPLIER: Supplier = Supplier {
    name: "healthshare",
    version: Version::R4,
    begin: |opening, wanted| plain::begin_in(Version::R4, &WAYS, opening, wanted),
    terms: &Terms::NONE,
    card: &Card {
        signs: &SIGNS,
        fhir_below: "",
        searches: Searches::Everything,
        evidence: Evidence {
            documentation: "InterSystems' public documentation",
            recorded: &["vendor-intersystems"],
            examples: &[],
            itself: None,
        },
    },
};

static SIGNS: [Sign; 4] = [
    Sign(3, Mark::Software("healthshare")),
    Sign(3, Mark::Software("intersystems")),
    Sign(3, Mark::Base("/csp/healthshare/")),
    Sign(2, Mark::PageLink("queryid=")),
];

static WAYS: Ways = Ways {
    // The ids of what is wanted, and where its references lead, are made of what they name.
    everything_for_few: true,
    finish: spell_authorities,
    settle: identity::by_identifier,
    ..plain::ways::PLAIN
};

/// `2.16.840.1…` as `urn:oid:2.16.840.1…`: an identifier's system is a URI.
fn spell_authorities(item: &mut Item) {
    let is_oid = |text: &str| {
        let starts = ["0.", "1.", "2."].iter().any(|arc| text.starts_with(arc));
        starts && !text.ends_with('.') && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
    };
    let systems = item.tree.root().all("identifier.system").into_iter();
    let bare: Vec<(NodeId, String)> = systems.filter_map(|node| Some((node.id(), node.value()?.into_owned()))).collect();
    for (node, oid) in bare.into_iter().filter(|(_, text)| is_oid(text)) {
        let path = format!("{}.{}", item.origin.kind, item.tree.node(node).path());
        item.tree.set_text(node, &format!("urn:oid:{oid}"));
        let detail = "an OID without its scheme, spelt as a URI".to_owned();
        item.findings.push(Finding { code: FindingCode::Converted, path, detail });
    }
}

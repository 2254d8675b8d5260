//! Interweave, and shared records that speak as it does: FHIR R4 from many data providers through one exchange.
//!
//! Conformant to the public definitions of its profiles, not to a live exchange. Every resource is to carry two tags: *Source*
//! (the data provider's id and name) and *Provenance* (the responsible organisation's ODS code and name), and
//! `meta.lastUpdated`, by which it draws its timeline. What lacks one of them is kept, with a finding. Its `meta.security` is
//! discouraged there, because not every consumer honours it: an answer without labels says nothing of what may be shown.
//!
//! [`mark`] writes the same marks for those who read from us.

use fhir::{Tree, Version};
use record::{Finding, FindingCode, Item, OdsCode};

use crate::fingerprint::{Card, Evidence, Mark, Searches, Sign};
use crate::origin::{self, PROVIDER_TAG};
use crate::plain::{self, Ways};
use crate::supplier::{Supplier, Terms};

/// The organisation responsible, by its ODS code.
const ORGANISATION_TAG: &str = "https://fhir.interweavedigital.nhs.uk/Provenance";
/// FHIR's word for a value that is not there, and why.
const ABSENT: &str = "http://hl7.org/fhir/StructureDefinition/data-absent-reason";

/// Interweave.
pub(crate) static SUPPLIER: Supplier = Supplier {
    name: "interweave",
    version: Version::R4,
    begin: |opening, wanted| plain::begin_in(Version::R4, &WAYS, opening, wanted),
    terms: &Terms::NONE,
    card: &Card {
        signs: &[
            Sign(3, Mark::Tag("https://fhir.interweavedigital.nhs.uk/")),
            Sign(3, Mark::Identifier("https://fhir.interweavedigital.nhs.uk/")),
            Sign(3, Mark::Software("interweave")),
            Sign(2, Mark::Base("interweave")),
        ],
        fhir_below: "",
        searches: Searches::Everything,
        evidence: Evidence { documentation: "Interweave's published profiles", recorded: &[], examples: &[], itself: None },
    },
};

static WAYS: Ways = Ways { finish: accept, ..plain::ways::PLAIN };

/// What every resource is to say of itself, with the words for its absence.
const MARKS: &[(&str, &str)] = &[
    (PROVIDER_TAG, "it has no Source tag: which system said it is not told"),
    (ORGANISATION_TAG, "it has no Provenance tag: which organisation is responsible for it is not told"),
];

fn accept(item: &mut Item) {
    item.traits.original = origin::told(item);
    let root = item.tree.root();
    let tags = root.all("meta.tag");
    let mut lacking: Vec<(&str, &str)> =
        MARKS.iter().filter(|(system, _)| origin::codes(&tags, system).next().is_none()).map(|(_, words)| ("meta.tag", *words)).collect();
    if item.last_updated().is_none() {
        lacking.push(("meta.lastUpdated", "it does not say when it was last changed"));
    }
    let kind = item.origin.kind.clone();
    let finding = |(path, words): (&str, &str)| Finding {
        code: FindingCode::SourceWarning,
        path: format!("{kind}.{path}"),
        detail: words.to_owned(),
    };
    item.findings.extend(lacking.into_iter().map(finding));
}

/// Who a source's resources are from, for those who read them here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataProvider {
    /// The system, by the id that every exchange knows it by.
    pub id: String,
    /// The system's name.
    pub name: String,
    /// The responsible organisation's ODS code.
    pub organisation: OdsCode,
}

/// Writes Interweave's marks into a resource that does not carry them. What it says itself stays: it may be passed on from
/// another provider. Where a source does not say when it last changed a resource, no time is made up.
pub(crate) fn mark(tree: &mut Tree, by: &DataProvider) {
    let root = tree.root().id();
    let Some(meta) = tree.object_at(root, "meta") else { return };
    let said = tree.node(meta).all("tag").iter().any(|tag| tag.is("system", PROVIDER_TAG));
    let Some(tags) = tree.array_at(meta, "tag").filter(|_| !said) else { return };
    for (system, code) in [(PROVIDER_TAG, by.id.as_str()), (ORGANISATION_TAG, by.organisation.as_str())] {
        let tag = tree.new_object();
        tree.set_string(tag, "system", system);
        tree.set_string(tag, "code", code);
        tree.set_string(tag, "display", &by.name);
        tree.push(tags, tag);
    }
    if tree.node(meta).get("lastUpdated").is_none()
        && let Some(beside) = tree.object_at(meta, "_lastUpdated")
        && let Some(extensions) = tree.array_at(beside, "extension")
    {
        let absent = tree.new_object();
        tree.set_string(absent, "url", ABSENT);
        tree.set_string(absent, "valueCode", "unknown");
        tree.push(extensions, absent);
    }
}

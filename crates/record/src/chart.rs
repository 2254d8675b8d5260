//! What one source said about one person.

use std::borrow::Cow;

use fhir::{Kind, Tree, Version};

use crate::{Finding, NhsNumber, Row, SourceId};

/// A source, and how it knows the person: what a dialect starts from.
#[derive(Debug, Clone)]
pub struct Holder {
    /// The source.
    pub source: SourceId,
    /// The person's number: by this one they are asked for.
    pub number: NhsNumber,
    /// Numbers that the national service replaced by it: a source may know them by one of these still.
    pub former: Vec<NhsNumber>,
    /// Ids the source was last known to use for them; empty: ask for them by number.
    pub local_ids: Vec<String>,
}

impl Holder {
    /// Every number by which the source may know the person.
    pub fn numbers(&self) -> Vec<NhsNumber> {
        std::iter::once(self.number).chain(self.former.iter().copied()).collect()
    }
}

/// One source's answer about one person, in R4, findings beside it.
#[derive(Debug, Clone)]
pub struct Chart {
    /// Who said it.
    pub source: SourceId,
    /// The version it was said in.
    pub version: Version,
    /// Every `Patient` the source returned, whether or not it is the right one: `identity` judges.
    pub patients: Vec<Item>,
    /// Every other resource, in order of minted id.
    pub items: Vec<Item>,
    /// What could not become an item.
    pub quarantined: Vec<Quarantined>,
    /// One row per type wanted, status filled in; `None` in a status is a bug that the finaliser names.
    pub rows: Vec<Row>,
    /// Whether the answer is by its nature about one patient (a structured record, a patient document): then a resource without subject is theirs.
    pub about_one_patient: bool,
    /// Notes for the whole: parameters dropped, pages cut, warnings of the source.
    pub findings: Vec<Finding>,
}

/// One resource of a chart.
#[derive(Debug, Clone)]
pub struct Item {
    /// Its R4 type.
    pub kind: Kind,
    /// The id minted for it: unique in the exchange.
    pub id: String,
    /// Where it is from.
    pub origin: Origin,
    /// The resource: R4, `id` minted, references rewritten to minted ids.
    pub tree: Tree,
    /// What is odd about it.
    pub findings: Vec<Finding>,
    /// What guards and keys ask of every resource, looked up once.
    pub traits: Traits,
}

impl Item {
    /// `meta.versionId`, as the source gave it.
    pub fn version(&self) -> Option<Cow<'_, str>> {
        self.tree.root().get("meta")?.get("versionId")?.value()
    }

    /// `meta.lastUpdated`, as the source gave it.
    pub fn last_updated(&self) -> Option<Cow<'_, str>> {
        self.tree.root().get("meta")?.get("lastUpdated")?.value()
    }
}

/// Where an item is from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// The source.
    pub source: SourceId,
    /// The type as the source named it (`MedicationOrder`).
    pub kind: Cow<'static, str>,
    /// The source's own id, if it gave one.
    pub id: Option<String>,
}

/// What `dialect` looks up in every item once, so that the stages after it need not search again.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Traits {
    /// Minted ids of the Patients that are its subject (usually one). Empty: it says none.
    pub subjects: Vec<String>,
    /// A `modifierExtension` we cannot read: never collapsed.
    pub unknown_modifier: bool,
    /// Whether the narrative is said to be generated from the data (or there is none).
    pub generated_narrative: bool,
    /// Who first said it, where that is told by a name that every exchange uses.
    pub original: Option<Original>,
    /// Whether the person objects to its being shared with who asks. Known only when it is joined.
    pub objected: bool,
    /// Whether its source did not say if the person objects there. Known only when it is joined.
    pub unsaid: bool,
    /// Whether its owner refuses to share it. Known only when it is joined.
    pub refused: bool,
    /// The sources that a neighbour had it from, where a neighbour passed it on: what two of them say is said twice.
    pub via: Option<String>,
}

/// Where a resource was first said: the same by whatever way it came, so that what two neighbours relay is known to be one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Original {
    /// The data provider: a system, by the id that every exchange knows it by.
    pub provider: String,
    /// The resource's id there.
    pub id: String,
    /// How many exchanges passed it on before it came here. None: its provider said it to us itself.
    pub hops: usize,
}

/// A resource kept from the reader, and why. Counted by source and reason, never shown.
#[derive(Debug, Clone)]
pub struct Quarantined {
    /// Its R4 type where known; the row it counts in.
    pub kind: Option<Kind>,
    /// Its type as the source named it, or empty.
    pub named: String,
    /// The source's id, if it gave one.
    pub id: Option<String>,
    /// Why.
    pub cause: Cause,
    /// Where and what, in words, without values.
    pub detail: String,
}

/// Why a resource is in quarantine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Cause {
    /// Its leg is held for a steward.
    Held,
    /// Its leg was about somebody else.
    IdentityMismatch,
    /// No legal FHIR to read it as.
    Malformed,
    /// It says no subject, where it must.
    NoSubject,
    /// It is about another patient.
    OtherSubject,
    /// A type neither R4 nor its own version knows, or that no record carries.
    UnknownType,
}

impl Cause {
    /// The code on the wire.
    pub fn code(self) -> &'static str {
        match self {
            Cause::Held => "held",
            Cause::IdentityMismatch => "identity-mismatch",
            Cause::Malformed => "malformed",
            Cause::NoSubject => "no-subject",
            Cause::OtherSubject => "other-subject",
            Cause::UnknownType => "unknown-type",
        }
    }
}

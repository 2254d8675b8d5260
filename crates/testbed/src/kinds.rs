//! The kinds of fact a life has, what can be said about each, and how each version says it.

use crate::node::Node;
use crate::pen::Pen;
use crate::person::Fact;
use crate::supplier::Version;
use toml::{Table, Value};

mod allergy;
mod consent;
mod contact;
mod device;
mod document;
mod family;
mod flag;
mod form;
mod medicine;
mod message;
mod observation;
mod plan;
mod problem;
mod procedure;
mod referral;
mod relation;
mod report;
mod task;
mod vaccination;

/// When holdings of two independent holders are one fact: they share a code, and then this.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Key {
    /// Nothing more.
    Code,
    /// These are the same, to the letter.
    Exact(&'static [&'static str]),
    /// No rule brings them together.
    None,
    /// The date is the same at the coarser precision of the two, and is there.
    Onset(&'static str),
    /// The day is the same.
    Day(&'static str),
}

/// How a kind of fact is written.
pub(crate) trait Writes {
    /// What two independent holders may not differ in without being in conflict.
    const CLASHES: &'static [&'static str] = &[];

    /// When holdings of two independent holders are one fact.
    const KEY: Key = Key::None;

    /// The resource that carries it in a version; none where the version has no such resource.
    fn resource_type(&self, version: Version) -> Option<&'static str>;

    /// Its elements, in the order of the definition.
    fn write(&self, pen: &Pen<'_>) -> Node;
}

macro_rules! kinds {
    ($($(#[doc = $doc:literal])* $kind:ident $table:literal $type:ty),* $(,)?) => {
        /// A kind of fact.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Kind {
            $($(#[doc = $doc])* $kind),*
        }

        /// What is said about a fact, by its kind.
        #[derive(Clone, Debug)]
        pub(crate) enum Detail {
            $($kind(Box<$type>)),*
        }

        impl Kind {
            /// Every kind.
            pub const ALL: &'static [Kind] = &[$(Kind::$kind),*];

            /// The name of its tables in a person's file.
            pub fn table(self) -> &'static str {
                match self { $(Kind::$kind => $table),* }
            }

            /// What two independent holders may not differ in without being in conflict.
            pub fn clashes(self) -> &'static [&'static str] {
                match self { $(Kind::$kind => <$type as Writes>::CLASHES),* }
            }

            pub(crate) fn key(self) -> Key {
                match self { $(Kind::$kind => <$type as Writes>::KEY),* }
            }
        }

        impl Detail {
            pub(crate) fn read(kind: Kind, table: Table) -> Result<Self, String> {
                let table = Value::Table(table);
                match kind {
                    $(Kind::$kind => table
                        .try_into()
                        .map(|said| Detail::$kind(Box::new(said)))
                        .map_err(|e| e.to_string())),*
                }
            }

            pub(crate) fn resource_type(&self, version: Version) -> Option<&'static str> {
                match self { $(Detail::$kind(said) => said.resource_type(version)),* }
            }

            pub(crate) fn write(&self, pen: &Pen<'_>) -> Node {
                match self { $(Detail::$kind(said) => said.write(pen)),* }
            }
        }
    };
}

kinds! {
    /// AllergyIntolerance.
    Allergy "allergy" allergy::Allergy,
    /// Appointment.
    Appointment "appointment" contact::Appointment,
    /// RelatedPerson.
    Relation "relation" relation::Relation,
    /// Consent.
    Consent "consent" consent::Consent,
    /// Device.
    Device "device" device::Device,
    /// DocumentReference, with its Binary.
    Document "document" document::Document,
    /// Encounter.
    Encounter "encounter" contact::Encounter,
    /// EpisodeOfCare.
    Episode "episode" contact::Episode,
    /// FamilyMemberHistory.
    Family "family_history" family::Family,
    /// Flag.
    Flag "flag" flag::Flag,
    /// QuestionnaireResponse.
    Form "form" form::Form,
    /// Goal.
    Goal "goal" plan::Goal,
    /// MedicationRequest, -Statement, -Dispense or -Administration.
    Medicine "medicine" medicine::Medicine,
    /// Communication.
    Message "message" message::Message,
    /// Observation.
    Observation "observation" observation::Observation,
    /// CarePlan.
    Plan "plan" plan::Plan,
    /// Condition.
    Problem "problem" problem::Problem,
    /// Procedure.
    Procedure "procedure" procedure::Procedure,
    /// ServiceRequest or ReferralRequest.
    Referral "referral" referral::Referral,
    /// DiagnosticReport.
    Report "report" report::Report,
    /// Specimen.
    Specimen "specimen" observation::Specimen,
    /// Task.
    Task "task" task::Task,
    /// CareTeam.
    Team "team" plan::Team,
    /// Immunization.
    Vaccination "vaccination" vaccination::Vaccination,
}

impl Detail {
    /// The facts that a fact stands for: itself, or one for each reading of a series.
    pub(crate) fn series(fact: Fact) -> Vec<Fact> {
        match fact.holdings.first().map(|h| &h.detail) {
            Some(Detail::Observation(said)) if said.series.is_some() => observation::series(fact),
            _ => vec![fact],
        }
    }
}

impl Detail {
    /// The medicine that is named, if one is.
    pub(crate) fn medicine(&self) -> Option<&str> {
        match self {
            Detail::Medicine(said) => Some(said.name()),
            _ => None,
        }
    }
}

//! What one supplier says, in our words: FHIR R4 with findings.
//!
//! A [`Dialect`] is how a supplier speaks. It starts a [`Conversation`], which says what to ask next given the replies
//! so far, and ends in a chart: resources in R4, each with an id minted for the exchange, its references led to minted
//! ids, its narrative cleaned, and with findings for all that could not be carried as it was.
//!
//! ```
//! use dialect::{Dialect, Known, Settings};
//! use record::{Holder, Need};
//!
//! let dialect: Dialect = "fhir-r4".parse().unwrap();
//! let settings = Settings::new("https://fhir.trust.example/r4".parse().unwrap(), "https://exchange.example/fhir/R4");
//! let holder = Holder { source: "trust".parse().unwrap(), number: "9990000018".parse().unwrap(), local_ids: Vec::new() };
//! let (conversation, calls) = dialect.start(&holder, &Need::everything(), &settings, &Known::default());
//! assert_eq!(calls[0].target, "metadata");
//! assert_eq!(calls[1].target, "Patient?identifier=https%3A%2F%2Ffhir.nhs.uk%2FId%2Fnhs-number%7C9990000018");
//! assert!(!conversation.is_done());
//! ```
//!
//! Nothing here asks, waits or fails: asking is left to `source`, judging whose record it is to `identity`, and what
//! says the same to `join`. A new supplier is one module beside `plain` and one variant of [`Dialect`].

mod body;
mod conversation;
mod convert;
mod hosts;
mod ids;
mod narrative;
mod plain;
mod reading;
mod references;
mod version;

use std::str::FromStr;

use fhir::Version;
use record::{Call, Holder, Need};
use url::Url;

pub use conversation::{Attachment, Conversation, Told};
pub use convert::{Converted, convert};
pub use ids::mint;
pub use plain::Known;
use plain::{Plain, Wanted};
use reading::Read;

/// How a source speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Dialect {
    /// Plain FHIR DSTU2.
    FhirDstu2,
    /// Plain FHIR R4.
    FhirR4,
    /// Plain FHIR STU3.
    FhirStu3,
}

/// No dialect of that name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownDialect;

impl std::fmt::Display for UnknownDialect {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("no dialect of that name is built; use fhir-r4, fhir-stu3 or fhir-dstu2")
    }
}

impl std::error::Error for UnknownDialect {}

impl FromStr for Dialect {
    type Err = UnknownDialect;

    fn from_str(name: &str) -> Result<Dialect, UnknownDialect> {
        match name {
            "fhir-dstu2" => Ok(Dialect::FhirDstu2),
            "fhir-r4" => Ok(Dialect::FhirR4),
            "fhir-stu3" => Ok(Dialect::FhirStu3),
            _ => Err(UnknownDialect),
        }
    }
}

/// Whether a source is asked by `Patient/{id}/$everything`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Everything {
    /// Always.
    Always,
    /// Where the source says or shows that it can.
    #[default]
    Auto,
    /// Never: type by type.
    Never,
}

/// How to speak with one source.
#[derive(Debug, Clone)]
pub struct Settings {
    /// `_count` to ask for; none: the source's own.
    pub page_size: Option<u32>,
    /// Whether to use `$everything`.
    pub everything: Everything,
    /// Further spellings of the NHS number's system at this source.
    pub nhs_number_systems: Vec<String>,
    /// Calls under way at once.
    pub calls_max: usize,
    /// Resources taken of one type.
    pub resources_max: usize,
    /// Pages followed of one question.
    pub pages_max: usize,
    /// Bytes taken of the source.
    pub bytes_max: usize,
    /// Resources read because others refer to them.
    pub references_max: usize,
    /// The exchange's FHIR base as clients see it: attachments lead there.
    pub exchange_base: String,
    /// The source's base.
    pub source_base: Url,
}

impl Settings {
    /// The defaults, for a source at a base and an exchange at another.
    pub fn new(source_base: Url, exchange_base: &str) -> Settings {
        Settings {
            page_size: None,
            everything: Everything::Auto,
            nhs_number_systems: Vec::new(),
            calls_max: 8,
            resources_max: 5_000,
            pages_max: 50,
            bytes_max: 64 << 20,
            references_max: 200,
            exchange_base: exchange_base.to_owned(),
            source_base,
        }
    }
}

impl Dialect {
    /// The name in the configuration.
    pub fn name(self) -> &'static str {
        match self {
            Dialect::FhirDstu2 => "fhir-dstu2",
            Dialect::FhirR4 => "fhir-r4",
            Dialect::FhirStu3 => "fhir-stu3",
        }
    }

    /// The version it speaks.
    pub fn version(self) -> Version {
        match self {
            Dialect::FhirDstu2 => Version::Dstu2,
            Dialect::FhirR4 => Version::R4,
            Dialect::FhirStu3 => Version::Stu3,
        }
    }

    /// Begins to ask for what is needed about a person.
    pub fn start(self, holder: &Holder, need: &Need, settings: &Settings, known: &Known) -> (Conversation, Vec<Call>) {
        self.begin(holder, Wanted::Read(need.clone()), settings, known)
    }

    /// Begins to ask whether the source knows the person, and nothing more.
    pub fn find(self, holder: &Holder, settings: &Settings, known: &Known) -> (Conversation, Vec<Call>) {
        self.begin(holder, Wanted::Find, settings, known)
    }

    /// Begins to ask for one resource by its type and id in the source's words (see `record::Origin`), and for the Patient
    /// to judge it by.
    pub fn read_one(self, holder: &Holder, kind: &str, id: &str, settings: &Settings, known: &Known) -> (Conversation, Vec<Call>) {
        self.begin(holder, Wanted::One(kind.to_owned(), id.to_owned()), settings, known)
    }

    fn begin(self, holder: &Holder, wanted: Wanted, settings: &Settings, known: &Known) -> (Conversation, Vec<Call>) {
        match self {
            Dialect::FhirDstu2 | Dialect::FhirR4 | Dialect::FhirStu3 => {
                let (plain, calls) = Plain::start(self.version(), holder, wanted, settings, known);
                (Conversation::plain(plain), calls)
            }
        }
    }
}

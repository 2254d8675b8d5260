//! What one supplier says, in our words: FHIR R4 with findings.
//!
//! A [`Dialect`] is how a supplier speaks. It starts a [`Conversation`], which says what to ask next given the replies
//! so far, and ends in a chart: resources in R4, each with an id minted for the exchange, its references led to minted
//! ids, its narrative cleaned, and with findings for all that could not be carried as it was.
//!
//! ```
//! use dialect::{Dialect, Known, Opening, Settings};
//! use record::{Holder, Need};
//!
//! let dialect: Dialect = "fhir-r4".parse().unwrap();
//! let settings = Settings::new("https://fhir.trust.example/r4".parse().unwrap(), "https://exchange.example/fhir/R4");
//! let holder = Holder { source: "trust".parse().unwrap(), number: "9990000018".parse().unwrap(), former: Vec::new(), local_ids: Vec::new() };
//! let (known, now) = (Known::default(), "2026-11-24T09:00:00Z".parse().unwrap());
//! let opening = Opening { holder: &holder, settings: &settings, known: &known, reader: None, now };
//! let (conversation, calls) = dialect.start(&opening, &Need::everything());
//! assert_eq!(calls[0].target, "metadata");
//! assert_eq!(calls[1].target, "Patient?identifier=https%3A%2F%2Ffhir.nhs.uk%2FId%2Fnhs-number%7C9990000018");
//! assert!(!conversation.is_done());
//! ```
//!
//! Nothing here asks, waits or fails: asking is left to `source`, judging whose record it is to `identity`, and what
//! says the same to `join`. A new supplier is one module and its line in `suppliers`.

mod body;
mod carecentric;
mod conversation;
mod convert;
mod fingerprint;
mod gp_connect;
mod healthshare;
mod hosts;
mod ids;
mod interweave;
mod mapped;
mod millennium;
mod narrative;
mod origin;
mod plain;
mod reading;
mod references;
mod severn;
mod supplier;
mod suppliers;
mod tally;
mod version;

use std::collections::BTreeMap;
use std::str::FromStr;
use std::sync::Arc;

use fhir::Version;
use record::{Call, Need, Status};
use url::Url;

pub use conversation::{Attachment, Conversation, Told};
pub use convert::{Converted, convert, convert_bundle};
pub use fingerprint::{Card, ENOUGH, Evidence, Fit, Mark, Searches, Seen, Sign, recognise};
pub use gp_connect::{Relay, relay, structured_record};
pub use ids::mint;
pub use interweave::DataProvider;
pub use plain::Known;
pub use supplier::Opening;
use supplier::{Supplier, Wanted};
pub use version::{STU3_TYPE, Telling, stu3_code, stu3_kinds, stu3_name, stu3_token, stu3_type, to_stu3};

/// How a source speaks: one of [`Dialect::all`].
#[derive(Debug, Clone, Copy)]
pub struct Dialect(&'static Supplier);

impl PartialEq for Dialect {
    fn eq(&self, other: &Dialect) -> bool {
        self.name() == other.name()
    }
}

impl Eq for Dialect {}

/// No dialect of that name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownDialect;

impl std::fmt::Display for UnknownDialect {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names: Vec<&str> = Dialect::all().map(Dialect::name).collect();
        write!(f, "no dialect of that name is built; use one of {}", names.join(", "))
    }
}

impl std::error::Error for UnknownDialect {}

impl FromStr for Dialect {
    type Err = UnknownDialect;

    fn from_str(name: &str) -> Result<Dialect, UnknownDialect> {
        Dialect::all().find(|dialect| dialect.name() == name).ok_or(UnknownDialect)
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
    /// What only this dialect wants to know, by key: see [`Dialect::options`].
    pub options: BTreeMap<String, String>,
    /// The system behind the source, by a name that every exchange knows it by.
    pub data_provider: Option<DataProvider>,
    /// Terminologies whose codes are added beside the source's own.
    pub terms: Option<Arc<terms::Terminology>>,
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
            options: BTreeMap::new(),
            data_provider: None,
            terms: None,
        }
    }
}

impl Dialect {
    /// Plain FHIR R4.
    pub const FHIR_R4: Dialect = Dialect(&plain::R4);

    /// Every dialect that is built.
    pub fn all() -> impl Iterator<Item = Dialect> {
        suppliers::ALL.iter().map(|supplier| Dialect(supplier))
    }

    /// The name in the configuration.
    pub fn name(self) -> &'static str {
        self.0.name
    }

    /// The version it speaks.
    pub fn version(self) -> Version {
        self.0.version
    }

    /// Keys of what only this dialect wants to know of a source.
    pub fn options(self) -> &'static [&'static str] {
        self.0.terms.options
    }

    /// What is wrong with the settings of a source for this dialect: the key, and why.
    pub fn mistakes(self, settings: &Settings) -> Vec<(&'static str, String)> {
        (self.0.terms.mistakes)(settings)
    }

    /// How a source says that it does not know somebody: not all say so plainly.
    pub fn unknown(self) -> Status {
        self.0.terms.unknown
    }

    /// Whether its answers can be passed on unjoined: see [`relay`].
    pub fn relays(self) -> bool {
        std::ptr::eq(self.0, &gp_connect::SUPPLIER)
    }

    /// By what its systems are known, and what it was tested against.
    pub fn card(self) -> &'static Card {
        self.0.card
    }

    /// Begins to ask for what is needed about a person.
    pub fn start(self, opening: &Opening<'_>, need: &Need) -> (Conversation, Vec<Call>) {
        self.begin(opening, Wanted::Read(need.clone()))
    }

    /// Begins to ask whether the source knows the person, and nothing more.
    pub fn find(self, opening: &Opening<'_>) -> (Conversation, Vec<Call>) {
        self.begin(opening, Wanted::Find)
    }

    /// Begins to ask for one resource by its type and id in the source's words (see `record::Origin`), and for the Patient
    /// to judge it by.
    pub fn read_one(self, opening: &Opening<'_>, kind: &str, id: &str) -> (Conversation, Vec<Call>) {
        self.begin(opening, Wanted::One(kind.to_owned(), id.to_owned()))
    }

    fn begin(self, opening: &Opening<'_>, wanted: Wanted) -> (Conversation, Vec<Call>) {
        let (conversation, calls) = (self.0.begin)(opening, wanted);
        (conversation.with(opening.settings), calls)
    }
}

//! What each supplier is like. No two are alike: that is what the exchange is for.

use super::millennium;
use crate::ident::Ids;

/// A version of FHIR.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Version {
    /// 1.0.2
    Dstu2,
    /// 3.0.2
    Stu3,
    /// 4.0.1
    R4,
}

/// Whose system a supplier runs: what it does that FHIR leaves open, or does otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Maker {
    /// A shared record that holds part of what it has in JSON bundles of its own, beside FHIR.
    CareCentric,
    /// General practice behind the national proxy.
    GpConnect,
    /// A shared record whose FHIR is made from a form of its own; its ids change when that is done again.
    HealthShare,
    /// A neighbour that marks every resource, with this as the id of the data provider.
    Interweave(&'static str),
    /// A hospital's, with rules of its own for every search.
    Millennium,
    /// Nobody in particular: FHIR as it is written.
    Plain,
}

impl Habits {
    /// As Severn's configuration names the way this supplier speaks.
    pub fn dialect(&self) -> &'static str {
        match self.maker {
            Maker::CareCentric => "carecentric",
            Maker::GpConnect => "gp-connect",
            Maker::HealthShare if self.version == Version::Stu3 => "healthshare-stu3",
            Maker::HealthShare => "healthshare",
            Maker::Interweave(_) => "interweave",
            Maker::Millennium => "millennium",
            Maker::Plain => self.version.dialect(),
        }
    }

    /// What Severn's configuration says of it alone: keys and values.
    pub fn options(&self) -> &'static [(&'static str, &'static str)] {
        match self.maker {
            Maker::GpConnect => &[("from_asid", CONSUMER_ASID), ("to_asid", PRACTICE_ASID)],
            _ => &[],
        }
    }
}

/// The accredited system id by which Severn is known to the proxy of the pretend region.
pub(crate) const CONSUMER_ASID: &str = "200000000115";
/// The practices' own.
pub(crate) const PRACTICE_ASID: &str = "200000000116";

impl Version {
    /// As a CapabilityStatement has it.
    pub fn number(self) -> &'static str {
        match self {
            Version::Dstu2 => "1.0.2",
            Version::Stu3 => "3.0.2",
            Version::R4 => "4.0.1",
        }
    }

    /// As Severn's configuration names a plain server of it.
    pub fn dialect(self) -> &'static str {
        match self {
            Version::Dstu2 => "fhir-dstu2",
            Version::Stu3 => "fhir-stu3",
            Version::R4 => "fhir-r4",
        }
    }

    /// The media types of JSON and XML.
    pub(crate) fn media_type(self, xml: bool) -> &'static str {
        match (self, xml) {
            (Version::Dstu2, false) => "application/json+fhir",
            (Version::Dstu2, true) => "application/xml+fhir",
            (_, false) => "application/fhir+json",
            (_, true) => "application/fhir+xml",
        }
    }
}

/// Who may ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Auth {
    /// Whoever shows this token.
    Bearer(&'static str),
    /// Anyone.
    None,
}

/// A code system, in this supplier's spelling.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Codes {
    /// dm+d.
    Dmd(&'static str),
    /// The practice system's own drug codes.
    Emis(&'static str),
    /// ICD-10.
    Icd10(&'static str),
    /// Codes of the supplier's own, chosen by the user.
    Local(&'static str),
    /// LOINC.
    Loinc(&'static str),
    /// Read version 2.
    Read(&'static str),
    /// SNOMED CT.
    Snomed(&'static str),
}

/// How a medicine is named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Medicines {
    /// A Medication inside the resource.
    Contained,
    /// A code in the resource.
    Inline,
    /// A Medication of its own.
    Referenced,
}

/// What the link to the next page looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PageLinks {
    /// `Type?…&pageContext=…&direction=NEXT`, and a page is sometimes shorter than it might be.
    Context,
    /// `?_getpages=…&_getpagesoffset=…`
    GetPages,
    /// `Type?…&queryId=…&page=2`
    QueryId,
}

/// How one resource points at another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refs {
    /// With the whole address.
    Absolute,
    /// `Type/id`
    Relative,
    /// `urn:uuid:`, as the entry's `fullUrl` has it.
    Urn,
    /// With the whole address and the version.
    Versioned,
}

/// How the status of an NHS number is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verification {
    /// The STU3 CareConnect extension.
    CareConnect,
    /// The STU3 extension in GP Connect's spelling.
    CareConnectGpc,
    /// Not told: the contract says that the supplier checks every number.
    ByContract,
    /// UK Core, with words for codes.
    UkCore,
    /// UK Core, with England's two-digit codes.
    UkCoreEngland,
}

/// How times of day are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Zone {
    /// Local time with its offset.
    Offset,
    /// UTC with `Z`.
    Utc,
}

/// What one supplier is like.
#[derive(Clone, Debug)]
pub struct Habits {
    /// Short id: the source id in Severn's configuration.
    pub id: &'static str,
    /// Name for people.
    pub name: &'static str,
    /// ODS code of the organisation that answers for it.
    pub organisation: &'static str,
    /// Whose system it runs.
    pub maker: Maker,
    /// Version of FHIR.
    pub version: Version,
    /// Path of the service on its host, without a slash at the end.
    pub path: &'static str,
    /// Who may ask.
    pub auth: Auth,
    /// Answers in XML unless asked for JSON by name.
    pub prefers_xml: bool,
    /// Gives each entry its `fullUrl`.
    pub full_urls: bool,
    /// Has no XML at all.
    pub json_only: bool,
    /// The types it answers for; every type when empty.
    pub types: &'static [&'static str],
    /// Knows `Patient/{id}/$everything`; the status it answers with otherwise.
    pub everything: Result<(), u16>,
    /// Entries on a page when not asked for a number, and at most.
    pub page: (usize, usize),
    /// What the next links look like.
    pub links: PageLinks,
    /// Says how many matches there are.
    pub totals: bool,
    /// How references are written.
    pub refs: Refs,
    /// Puts the people it names into the resource that names them.
    pub contains_staff: bool,
    /// How medicines are named.
    pub medicines: Medicines,
    /// Code systems that it sends, in order.
    pub codes: &'static [Codes],
    /// Spelling of the system of NHS numbers.
    pub nhs_system: &'static str,
    /// How the status of an NHS number is told.
    pub verification: Verification,
    /// System of its own ids for people, such as hospital numbers.
    pub person_system: &'static str,
    /// Spelling of the system of ODS codes.
    pub ods_system: &'static str,
    /// Ids of its resources.
    pub ids: Ids,
    /// Times of day.
    pub zone: Zone,
    /// Adds a generated narrative.
    pub narrative: bool,
    /// Says errors in plain text instead of an OperationOutcome.
    pub plain_errors: bool,
    /// Sends lists of allergies and medicines, as general practice does.
    pub lists: bool,
}

const SNOMED: Codes = Codes::Snomed("http://snomed.info/sct");
const LOINC: Codes = Codes::Loinc("http://loinc.org");
const DMD: Codes = Codes::Dmd("https://dmd.nhs.uk");
const DMD_AS_SNOMED: Codes = Codes::Dmd("http://snomed.info/sct");
const READ: Codes = Codes::Read("http://read.info/readv2");
const ICD10: Codes = Codes::Icd10("http://hl7.org/fhir/sid/icd-10");
const NHS: &str = "https://fhir.nhs.uk/Id/nhs-number";
const ODS: &str = "https://fhir.nhs.uk/Id/ods-organization-code";

/// The token that the hospital wants to see. It opens nothing but pretend data.
pub(crate) const HOSPITAL_TOKEN: &str = "pretend-hospital-token";

/// The suppliers of the pretend region.
pub static SUPPLIERS: &[Habits] = &[
    Habits {
        id: "ccr",
        name: "Collaborative Care Record",
        organisation: "QWU",
        maker: Maker::HealthShare,
        version: Version::R4,
        path: "/csp/healthshare/ccr/fhir/r4",
        auth: Auth::None,
        prefers_xml: false,
        full_urls: true,
        json_only: false,
        types: &[],
        everything: Ok(()),
        page: (40, 200),
        links: PageLinks::QueryId,
        totals: true,
        refs: Refs::Relative,
        contains_staff: false,
        medicines: Medicines::Inline,
        codes: &[SNOMED, LOINC, DMD, ICD10],
        nhs_system: NHS,
        verification: Verification::UkCore,
        person_system: "https://ccr.example.nhs.uk/Id/mpi",
        ods_system: ODS,
        ids: Ids::Digits,
        zone: Zone::Utc,
        narrative: true,
        plain_errors: false,
        lists: false,
    },
    Habits {
        id: "gp",
        name: "General practice",
        organisation: "X26",
        maker: Maker::GpConnect,
        version: Version::Stu3,
        path: "/gp/STU3/1/gpconnect/fhir",
        auth: Auth::None,
        prefers_xml: false,
        full_urls: false,
        json_only: false,
        types: &[],
        everything: Err(501),
        page: (50, 100),
        links: PageLinks::GetPages,
        totals: true,
        refs: Refs::Relative,
        contains_staff: false,
        medicines: Medicines::Referenced,
        codes: &[READ, SNOMED, DMD_AS_SNOMED, Codes::Emis("https://fhir.hl7.org.uk/Id/emis-drug-codes")],
        nhs_system: NHS,
        verification: Verification::CareConnectGpc,
        person_system: "https://fhir.hl7.org.uk/Id/local-patient-identifier",
        ods_system: "https://fhir.nhs.uk/Id/ods-organization-code",
        ids: Ids::Guid,
        zone: Zone::Offset,
        narrative: false,
        plain_errors: false,
        lists: true,
    },
    Habits {
        id: "mh",
        name: "Birmingham and Solihull mental health",
        organisation: "RXT",
        maker: Maker::Plain,
        version: Version::Dstu2,
        path: "/rio/dstu2",
        auth: Auth::None,
        prefers_xml: true,
        full_urls: true,
        json_only: false,
        types: &[],
        everything: Ok(()),
        page: (10, 50),
        links: PageLinks::GetPages,
        totals: true,
        refs: Refs::Versioned,
        contains_staff: false,
        medicines: Medicines::Inline,
        codes: &[ICD10, SNOMED, LOINC, DMD_AS_SNOMED],
        nhs_system: "http://fhir.nhs.net/Id/nhs-number",
        verification: Verification::ByContract,
        person_system: "urn:oid:1.2.826.0.1.999.20.1",
        ods_system: "http://fhir.nhs.net/Id/ods-organization-code",
        ids: Ids::Prefixed("mh-"),
        zone: Zone::Offset,
        narrative: true,
        plain_errors: false,
        lists: false,
    },
    Habits {
        id: "nbr",
        name: "Border shared record",
        organisation: "7A7",
        maker: Maker::Interweave("7A7-01"),
        version: Version::R4,
        path: "/interweave/r4",
        auth: Auth::None,
        prefers_xml: false,
        full_urls: true,
        json_only: false,
        types: &[],
        everything: Err(404),
        page: (30, 100),
        links: PageLinks::GetPages,
        totals: false,
        refs: Refs::Absolute,
        contains_staff: false,
        medicines: Medicines::Inline,
        codes: &[SNOMED, LOINC, DMD],
        nhs_system: NHS,
        verification: Verification::UkCore,
        person_system: "https://fhir.interweavedigital.nhs.uk/Id/local-patient-identifier",
        ods_system: ODS,
        ids: Ids::Uuid,
        zone: Zone::Offset,
        narrative: false,
        plain_errors: false,
        lists: false,
    },
    Habits {
        id: "ohc",
        name: "One Health and Care",
        organisation: "QNC",
        maker: Maker::CareCentric,
        version: Version::Stu3,
        path: "/carecentric/stu3",
        auth: Auth::None,
        prefers_xml: false,
        full_urls: true,
        json_only: false,
        types: &[
            "AllergyIntolerance",
            "Condition",
            "Device",
            "DiagnosticReport",
            "DocumentReference",
            "Immunization",
            "MedicationAdministration",
            "MedicationDispense",
            "MedicationRequest",
            "MedicationStatement",
            "Observation",
            "Procedure",
            "Provenance",
            "Specimen",
        ],
        everything: Err(404),
        page: (20, 50),
        links: PageLinks::GetPages,
        totals: false,
        refs: Refs::Absolute,
        contains_staff: false,
        medicines: Medicines::Inline,
        codes: &[SNOMED, READ, LOINC, DMD_AS_SNOMED],
        nhs_system: NHS,
        verification: Verification::CareConnect,
        person_system: "https://ohc.example.nhs.uk/Id/patient-detail-id",
        ods_system: "https://fhir.nhs.uk/STU3/Id/ods-organization-code",
        ids: Ids::Digits,
        zone: Zone::Utc,
        narrative: false,
        plain_errors: false,
        lists: false,
    },
    Habits {
        id: "rx",
        name: "Community pharmacy",
        organisation: "QHL",
        maker: Maker::Plain,
        version: Version::R4,
        path: "/pharmacy/r4",
        auth: Auth::None,
        prefers_xml: false,
        full_urls: true,
        json_only: false,
        types: &[
            "AllergyIntolerance",
            "Communication",
            "Immunization",
            "MedicationDispense",
            "MedicationRequest",
            "MedicationStatement",
            "Observation",
        ],
        everything: Err(404),
        page: (25, 25),
        links: PageLinks::QueryId,
        totals: true,
        refs: Refs::Relative,
        contains_staff: true,
        medicines: Medicines::Inline,
        codes: &[DMD, SNOMED],
        nhs_system: NHS,
        verification: Verification::UkCoreEngland,
        person_system: "https://pharmacy.example.nhs.uk/Id/pmr",
        ods_system: "https://fhir.nhs.uk/id/ods-organization-code",
        ids: Ids::Uuid,
        zone: Zone::Offset,
        narrative: false,
        plain_errors: false,
        lists: false,
    },
    Habits {
        id: "soc",
        name: "Birmingham City Council adult and children's social care",
        organisation: "BCC01",
        maker: Maker::Plain,
        version: Version::Stu3,
        path: "/social-care/fhir",
        auth: Auth::None,
        prefers_xml: false,
        full_urls: true,
        json_only: false,
        types: &[],
        everything: Ok(()),
        page: (15, 15),
        links: PageLinks::GetPages,
        totals: true,
        refs: Refs::Urn,
        contains_staff: false,
        medicines: Medicines::Inline,
        codes: &[SNOMED],
        nhs_system: NHS,
        verification: Verification::CareConnect,
        person_system: "https://birmingham.example.gov.uk/Id/liquidlogic",
        ods_system: ODS,
        ids: Ids::Uuid,
        zone: Zone::Offset,
        narrative: false,
        plain_errors: false,
        lists: false,
    },
    Habits {
        id: "uhb",
        name: "University Hospitals Birmingham",
        organisation: "RRK",
        maker: Maker::Millennium,
        version: Version::R4,
        path: "/r4/0f3a4c52-6b1e-4d0e-9c57-2f6a1f0e7b11",
        auth: Auth::Bearer(HOSPITAL_TOKEN),
        prefers_xml: false,
        full_urls: true,
        json_only: true,
        types: &[],
        everything: Err(404),
        page: (20, 1_000),
        links: PageLinks::Context,
        totals: false,
        refs: Refs::Relative,
        contains_staff: false,
        medicines: Medicines::Contained,
        codes: &[Codes::Local("https://fhir.emea.cerner.com/0f3a4c52-6b1e-4d0e-9c57-2f6a1f0e7b11/codeSet/72"), SNOMED, LOINC, DMD, ICD10],
        nhs_system: "urn:oid:2.16.840.1.113883.2.1.4.1",
        verification: Verification::UkCoreEngland,
        person_system: "https://fhir.uhb.example.nhs.uk/Id/hospital-number",
        ods_system: ODS,
        ids: Ids::Digits,
        zone: Zone::Utc,
        narrative: false,
        plain_errors: true,
        lists: false,
    },
];

impl Habits {
    /// The type under which it has what is usually of this one.
    pub(crate) fn carries(&self, kind: &'static str) -> &'static str {
        if self.maker == Maker::Millennium { millennium::carries(kind) } else { kind }
    }

    /// The path below which everything of it lies: FHIR, and what there is beside.
    pub fn home(&self) -> &'static str {
        match self.path.rsplit_once('/') {
            Some((home, _)) if self.maker == Maker::CareCentric => home,
            _ => self.path,
        }
    }
}

/// The supplier of this id.
pub fn habits(id: &str) -> Option<&'static Habits> {
    SUPPLIERS.iter().find(|s| s.id == id)
}

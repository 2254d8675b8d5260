//! Organisations with their real ODS codes and names, and staff who do not exist.

use serde::Deserialize;
use std::sync::LazyLock;

/// An organisation of the region.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Organisation {
    /// ODS code; for councils and pharmacies of the pretend region, a code of ours (see the file).
    pub ods: String,
    /// Name.
    pub name: String,
    /// `icb`, `trust`, `practice`, `pharmacy`, `council`, `national`.
    pub kind: String,
    /// ODS code of the integrated care board it belongs to.
    pub icb: Option<String>,
    /// Town.
    pub town: Option<String>,
    /// Postcode.
    pub postcode: Option<String>,
    /// The practice's own record system: `EMIS` or `TPP`.
    pub system: Option<String>,
    /// Whether the code is a real ODS code. Not so for the codes this project made up.
    #[serde(default = "yes")]
    pub real_code: bool,
}

/// A member of staff.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Staff {
    /// Name as people say it, with the title in front.
    pub name: String,
    /// What they do.
    pub role: String,
    /// Where they work, by ODS code.
    pub at: String,
}

/// A ward, clinic or other place.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Place {
    /// Name.
    pub name: String,
    /// Whose it is, by ODS code.
    pub at: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    organisation: Vec<Organisation>,
    place: Vec<Place>,
    staff: Vec<Staff>,
}

static FILE: LazyLock<File> = LazyLock::new(|| {
    toml::from_str(include_str!("../../../../fixtures/region/organisations.toml"))
        .expect("fixtures/region/organisations.toml is legal: a test reads it")
});

fn yes() -> bool {
    true
}

/// Every organisation of the region.
pub fn organisations() -> &'static [Organisation] {
    &FILE.organisation
}

/// The organisation with this code.
pub fn organisation(ods: &str) -> Option<&'static Organisation> {
    FILE.organisation.iter().find(|o| o.ods == ods)
}

/// Every member of staff.
pub fn staff() -> &'static [Staff] {
    &FILE.staff
}

/// Every place.
pub fn places() -> &'static [Place] {
    &FILE.place
}

//! What is said of who somebody is, as given.

use serde::{Deserialize, Serialize};

use crate::{BirthDate, NhsNumber};

/// What is said of a person, as a source gave it or a caller asks: nothing is corrected here.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Demographics {
    /// The NHS number, and what is said of it.
    pub number: Option<ClaimedNumber>,
    /// Names, current and previous.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub names: Vec<Name>,
    /// The birth date.
    pub birth_date: Option<BirthDate>,
    /// Administrative gender. It never counts against a link by itself.
    pub sex: Option<Sex>,
    /// Addresses, current and previous.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub addresses: Vec<Address>,
    /// Telephone numbers, as given.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub phones: Vec<String>,
    /// E-mail addresses, as given.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub emails: Vec<String>,
    /// ODS code of the registered general practice.
    pub practice: Option<String>,
}

impl std::fmt::Debug for Demographics {
    /// Who somebody is stands in no log.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Demographics(redacted)")
    }
}

/// An NHS number as an entry gives it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClaimedNumber {
    /// As given: it may be none.
    pub value: String,
    /// What the source says of it.
    pub status: NumberStatus,
}

impl ClaimedNumber {
    /// The number, if it is one. What fails the check digit is kept as given and never matched on.
    pub fn valid(&self) -> Option<NhsNumber> {
        self.value.parse().ok()
    }

    /// The number, if it is one that the source says is verified.
    pub fn verified(&self) -> Option<NhsNumber> {
        self.valid().filter(|_| self.status == NumberStatus::Verified)
    }
}

impl std::fmt::Debug for ClaimedNumber {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ClaimedNumber({:?}, redacted)", self.status)
    }
}

/// Whether a number was traced at the national service, after `UKCore-NHSNumberVerificationStatus`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NumberStatus {
    /// `number-present-and-verified`, England's `01`.
    Verified,
    /// Present, and anything else.
    Unverified,
}

impl NumberStatus {
    /// Reads a code of `UKCore-NHSNumberVerificationStatus` or of its English twin.
    pub fn of_code(code: &str) -> NumberStatus {
        if matches!(code, "number-present-and-verified" | "01") { NumberStatus::Verified } else { NumberStatus::Unverified }
    }
}

/// A name.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Name {
    /// The family name.
    pub family: String,
    /// Given names, the first one first; further ones are middle names.
    pub given: Vec<String>,
    /// Whether it is in use.
    pub used: NameUse,
}

/// Whether a name or an address is in use.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NameUse {
    /// In use.
    #[default]
    Current,
    /// Formerly.
    Old,
}

/// Administrative gender.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Sex {
    /// `female`
    Female,
    /// `male`
    Male,
    /// `other`
    Other,
}

impl Sex {
    /// Reads FHIR's administrative gender, or its first letter; `None` for what is unknown.
    pub fn of_code(code: &str) -> Option<Sex> {
        match code.trim().to_ascii_lowercase().as_str() {
            "female" | "f" => Some(Sex::Female),
            "male" | "m" => Some(Sex::Male),
            "other" | "o" => Some(Sex::Other),
            _ => None,
        }
    }
}

/// An address.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Address {
    /// House and street, as given.
    pub line: String,
    /// The town.
    pub town: String,
    /// The postcode, as given.
    pub postcode: String,
    /// Whether somebody lives there still.
    pub used: NameUse,
}

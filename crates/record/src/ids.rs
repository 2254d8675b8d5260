//! Ids that must not be taken for one another.

use std::str::FromStr;

/// Why a text is no id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct MalformedId(pub &'static str);

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $rule:literal, $check:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(std::sync::Arc<str>);

        impl $name {
            /// The id as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = MalformedId;
            fn from_str(text: &str) -> Result<$name, MalformedId> {
                let check: fn(&str) -> bool = $check;
                if check(text) { Ok($name(text.into())) } else { Err(MalformedId($rule)) }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

id!(
    /// A source's short, stable id; it leads every id minted for that source's resources.
    SourceId, "a source id is 1 to 12 of a-z and 0-9",
    |text| (1..=12).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
);
id!(
    /// An exchange's id, as it stands in `Severn-Hops`.
    ExchangeId, "an exchange id is 1 to 64 of a-z, 0-9 and -",
    |text| (1..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
);
id!(
    /// An organisation's ODS code.
    OdsCode, "an ODS code is 2 to 12 of A-Z and 0-9",
    |text| (2..=12).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
);
id!(
    /// A person's id in this exchange: random, stable, and a FHIR id. It says nothing about the person.
    PersonId, "a person id is 1 to 64 of A-Z, a-z, 0-9, - and .",
    |text| (1..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'.')
);
id!(
    /// The id of one request: `X-Request-ID`, `Bundle.id`, and the trace of every ledger entry it causes.
    RequestId, "a request id is 1 to 64 of A-Z, a-z, 0-9, - and .",
    |text| (1..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'.')
);

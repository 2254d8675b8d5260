//! Code systems by the ways people spell them.

use std::borrow::Cow;

/// SNOMED CT's URI.
pub const SNOMED_CT: &str = "http://snomed.info/sct";

/// A space of codes: two codings of one space are the same concept when their codes are equal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Space<'a> {
    /// CVX, vaccines administered.
    Cvx,
    /// CTV3, Read codes of version 3.
    Ctv3,
    /// ICD-10, the international edition and its UK modification.
    Icd10,
    /// LOINC.
    Loinc,
    /// OPCS-4, procedures.
    Opcs4,
    /// Read codes of version 2, of five bytes.
    Read2,
    /// RxNorm.
    RxNorm,
    /// SNOMED CT and dm+d: dm+d's identifiers are SNOMED CT identifiers, and most GP data sends them under SNOMED's URI.
    Sctid,
    /// Any other system, by its URI.
    Other(&'a str),
}

impl Space<'_> {
    /// Whether two different codes of it are two concepts, wherever they come from. Read codes have several for one.
    pub fn is_standard(&self) -> bool {
        !matches!(self, Space::Ctv3 | Space::Other(_) | Space::Read2)
    }

    /// A code as it is compared within the space: some write dots and padding, and some do not.
    pub fn plain<'c>(&self, code: &'c str) -> Cow<'c, str> {
        match self {
            Space::Icd10 | Space::Opcs4 => {
                let bare: String = code.chars().filter(|c| !matches!(c, '.' | ' ')).collect::<String>().to_ascii_uppercase();
                // The fourth place of a code of three is filled with an X.
                let bare = if bare.len() == 4 { bare.strip_suffix('X').map_or(bare.clone(), str::to_owned) } else { bare };
                bare.into()
            }
            // The two digits behind a code of five choose among its terms.
            Space::Read2 if code.len() == 7 && code.is_ascii() => code[..5].into(),
            _ => code.into(),
        }
    }
}

/// The space of a system's URI.
pub fn space(system: &str) -> Space<'_> {
    let bare = system.trim_end_matches('/');
    match bare {
        "http://snomed.info/sct"
        | "https://snomed.info/sct"
        | "urn:oid:2.16.840.1.113883.6.96"
        | "urn:oid:2.16.840.1.113883.2.1.3.2.4.15" => Space::Sctid,
        "https://dmd.nhs.uk" | "http://dmd.nhs.uk" | "https://dmd.nhs.uk/vtm" | "https://dmd.nhs.uk/vmp" | "https://dmd.nhs.uk/amp" => {
            Space::Sctid
        }
        "http://loinc.org" | "https://loinc.org" | "urn:oid:2.16.840.1.113883.6.1" => Space::Loinc,
        "http://hl7.org/fhir/sid/icd-10" | "http://hl7.org/fhir/sid/icd-10-uk" | "urn:oid:2.16.840.1.113883.6.3" => Space::Icd10,
        "http://hl7.org/fhir/sid/cvx"
        | "http://www2a.cdc.gov/vaccines/iis/iisstandards/vaccines.asp?rpt=cvx"
        | "urn:oid:2.16.840.1.113883.12.292" => Space::Cvx,
        "http://www.nlm.nih.gov/research/umls/rxnorm" | "urn:oid:2.16.840.1.113883.6.88" => Space::RxNorm,
        "https://fhir.hl7.org.uk/CodeSystem/opcs-4" | "https://fhir.nhs.uk/Id/opcs-4" | "http://hl7.org.uk/fhir/sid/opcs-4" => Space::Opcs4,
        "http://read.info/readv2" | "urn:oid:2.16.840.1.113883.2.1.6.2" | "urn:oid:2.16.840.1.113883.2.1.3.2.4.14" => Space::Read2,
        "http://read.info/ctv3" | "urn:oid:2.16.840.1.113883.2.1.3.2.4.18.1" => Space::Ctv3,
        _ if bare.starts_with("http://snomed.info/sct/") => Space::Sctid,
        _ => Space::Other(bare),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_system_are_one_space() {
        let check = |one: &str, other: &str, same: bool| assert_eq!(space(one) == space(other), same, "{one} and {other}");
        check("http://snomed.info/sct", "https://dmd.nhs.uk", true);
        check("http://snomed.info/sct/83821000000107/version/20260401", "http://snomed.info/sct", true);
        check("urn:oid:2.16.840.1.113883.6.1", "http://loinc.org/", true);
        check("http://read.info/readv2", "http://read.info/ctv3", false);
        check("http://loinc.org", "http://snomed.info/sct", false);
        check("urn:local:a", "urn:local:a/", true);
        check("urn:oid:2.16.840.1.113883.2.1.6.2", "http://read.info/readv2", true);
    }

    #[test]
    fn a_code_is_compared_as_it_is_written_plainly() {
        let check = |space: Space<'_>, code: &str, plain: &str| assert_eq!(space.plain(code), plain);
        check(Space::Icd10, "J45.9", "J459");
        check(Space::Icd10, "i10x", "I10");
        check(Space::Icd10, "I10", "I10");
        check(Space::Opcs4, "W37.1", "W371");
        check(Space::Read2, "C10E.00", "C10E.");
        check(Space::Read2, "C10E.", "C10E.");
        check(Space::Ctv3, "X40J4", "X40J4");
        check(Space::Sctid, "44054006", "44054006");
    }
}

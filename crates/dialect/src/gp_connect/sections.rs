//! The clinical areas that a structured record is asked for and answered in, and what each List speaks of.

use fhir::Kind;
use record::Need;

/// One clinical area: a parameter that asks for it, Lists that must come for it, and the types that it brings.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Section {
    /// The parameter that asks for it.
    pub parameter: &'static str,
    /// Its one part parameter that is set, to `true`.
    pub part: Option<&'static str>,
    /// Codes of the Lists that must come where it was asked for, be they empty.
    pub lists: &'static [&'static str],
    /// The types whose rows it fills.
    pub kinds: &'static [Kind],
    /// How secondary Lists name it in their codes, and practices in words.
    pub word: &'static str,
    /// Whether every practice has it: version 1.2 of the interface knows no more than these.
    pub core: bool,
}

/// Every area of version 1.6, in the order of the definition.
pub(super) static SECTIONS: [Section; 9] = [
    Section {
        parameter: "includeAllergies",
        part: Some("includeResolvedAllergies"),
        lists: &[ACTIVE_ALLERGIES, ENDED_ALLERGIES],
        kinds: &[Kind::ALLERGY_INTOLERANCE],
        word: "allergies",
        core: true,
    },
    Section {
        parameter: "includeMedication",
        part: Some("includePrescriptionIssues"),
        lists: &["933361000000108"],
        kinds: &[Kind::MEDICATION, Kind::MEDICATION_REQUEST, Kind::MEDICATION_STATEMENT],
        word: "medications",
        core: true,
    },
    Section {
        parameter: "includeConsultations",
        part: None,
        lists: &["1149501000000101"],
        kinds: &[Kind::DOCUMENT_REFERENCE, Kind::ENCOUNTER],
        word: "consultations",
        core: false,
    },
    Section {
        parameter: "includeProblems",
        part: None,
        lists: &["717711000000103"],
        kinds: &[Kind::CONDITION],
        word: "problems",
        core: false,
    },
    Section {
        parameter: "includeImmunisations",
        part: None,
        lists: &["1102181000000102"],
        kinds: &[Kind::IMMUNIZATION],
        word: "immunisations",
        core: false,
    },
    Section {
        parameter: "includeUncategorisedData",
        part: None,
        lists: &["826501000000100"],
        kinds: &[Kind::OBSERVATION],
        word: "uncategorised",
        core: false,
    },
    Section {
        parameter: "includeInvestigations",
        part: None,
        lists: &["887191000000108"],
        kinds: &[Kind::DIAGNOSTIC_REPORT, Kind::OBSERVATION, Kind::SERVICE_REQUEST, Kind::SPECIMEN],
        word: "investigations",
        core: false,
    },
    Section {
        parameter: "includeReferrals",
        part: None,
        lists: &["792931000000107"],
        kinds: &[Kind::SERVICE_REQUEST],
        word: "referrals",
        core: false,
    },
    Section {
        parameter: "includeDiaryEntries",
        part: None,
        lists: &["714311000000108"],
        kinds: &[Kind::SERVICE_REQUEST],
        word: "diary",
        core: false,
    },
];

const ACTIVE_ALLERGIES: &str = "886921000000105";
/// Its allergies are resolved, and may be contained in the List itself.
pub(super) const ENDED_ALLERGIES: &str = "1103671000000101";

/// Topics, headings and consultations: Lists inside the area of consultations.
const INSIDE_CONSULTATIONS: [&str; 3] = ["25851000000105", "24781000000107", "325851000000107"];

/// The areas a need is asked for by. Lists carry the structure of all of them.
pub(super) fn wanted(need: &Need) -> Vec<&'static Section> {
    let all = need.kinds.is_empty() || need.kinds.contains(&Kind::LIST);
    SECTIONS.iter().filter(|section| all || section.kinds.iter().any(|kind| need.kinds.contains(kind))).collect()
}

/// The area whose parameter has this name.
pub(super) fn of_parameter(name: &str) -> Option<&'static Section> {
    SECTIONS.iter().find(|section| section.parameter == name)
}

/// Whether a List of this code is what an area is answered by.
pub(super) fn is_main(code: &str) -> bool {
    SECTIONS.iter().any(|section| section.lists.contains(&code))
}

/// The types that a List of this code speaks of; none for a code nobody defined.
pub(super) fn spoken_of(code: &str) -> Option<&'static [Kind]> {
    if let Some(section) = SECTIONS.iter().find(|section| section.lists.contains(&code)) {
        return Some(section.kinds);
    }
    if INSIDE_CONSULTATIONS.contains(&code) {
        return Some(&[Kind::DOCUMENT_REFERENCE, Kind::ENCOUNTER]);
    }
    // `problems-medications-related-to-problems`: what stands in the middle is what the List holds.
    let middle = code.strip_prefix("consultations-").or_else(|| code.strip_prefix("problems-"))?;
    let middle = ["-contained-", "-related-", "-not-", "-in-"].iter().fold(middle, |rest, end| rest.split(end).next().unwrap_or(rest));
    named(middle)
}

/// The types that words name: `diary-entries`, `Referral items`.
pub(super) fn named(words: &str) -> Option<&'static [Kind]> {
    let words = words.to_ascii_lowercase();
    if words.contains("document") {
        return Some(&[Kind::DOCUMENT_REFERENCE]);
    }
    if words.contains("test request") || words.contains("referral") {
        return Some(&[Kind::SERVICE_REQUEST]);
    }
    SECTIONS.iter().find(|section| words.contains(section.word)).map(|section| section.kinds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_speaks_of_the_types_of_its_area() {
        let check = |code: &str, expected: Option<&[Kind]>| assert_eq!(spoken_of(code), expected, "{code}");
        check("886921000000105", Some(&[Kind::ALLERGY_INTOLERANCE]));
        check("1103671000000101", Some(&[Kind::ALLERGY_INTOLERANCE]));
        check("717711000000103", Some(&[Kind::CONDITION]));
        check("24781000000107", Some(&[Kind::DOCUMENT_REFERENCE, Kind::ENCOUNTER]));
        check("consultations-problems-contained-in-consultations", Some(&[Kind::CONDITION]));
        check("problems-allergies-that-have-been-ended-related-to-problems", Some(&[Kind::ALLERGY_INTOLERANCE]));
        check("problems-consultations-related-to-problems", Some(&[Kind::DOCUMENT_REFERENCE, Kind::ENCOUNTER]));
        check("problems-linked-problems-not-relating-to-the-primary-query", Some(&[Kind::CONDITION]));
        check("problems-documents-related-to-problems", Some(&[Kind::DOCUMENT_REFERENCE]));
        check("consultations-outbound-referrals-in-consultations", Some(&[Kind::SERVICE_REQUEST]));
        check("consultations-diary-entries-contained-in-consultations", Some(&[Kind::SERVICE_REQUEST]));
        check("problems-uncategorised-data-related-to-problems", Some(&[Kind::OBSERVATION]));
        check("12345", None);
    }

    #[test]
    fn only_what_is_wanted_is_asked_for() {
        let check = |kinds: &[Kind], expected: &[&str]| {
            let asked: Vec<&str> = wanted(&Need::of(kinds)).iter().map(|section| section.parameter).collect();
            assert_eq!(asked, expected, "{kinds:?}");
        };
        check(&[Kind::ALLERGY_INTOLERANCE], &["includeAllergies"]);
        check(&[Kind::OBSERVATION], &["includeUncategorisedData", "includeInvestigations"]);
        check(&[Kind::PATIENT, Kind::FLAG], &[]);
        assert_eq!(wanted(&Need::everything()).len(), SECTIONS.len());
        assert_eq!(wanted(&Need::of(&[Kind::LIST])).len(), SECTIONS.len());
    }
}

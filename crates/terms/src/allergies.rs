//! "No known allergies" and what an allergy is to.

/// Which class of allergies a statement says there are none of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Negated {
    /// No allergy of any kind is known.
    All,
    /// None to medicines.
    Drug,
    /// None to things in the surroundings.
    Environment,
    /// None to food.
    Food,
    /// None to one named thing (latex, nuts, an animal).
    Named,
}

/// SNOMED CT's "no known allergy" and what lies below it; FHIR's own examples use the same.
const NEGATIONS: &[(&str, Negated)] = &[
    ("1003774007", Negated::Named), // No known Hevea brasiliensis latex allergy
    ("409137002", Negated::Drug),
    ("428607008", Negated::Environment),
    ("429625007", Negated::Food),
    ("716184000", Negated::Named), // No known latex allergy
    ("716186003", Negated::All),
    ("716220001", Negated::Named), // No known animal allergy
];

/// What a SNOMED CT code says there is no known allergy to, if it says so.
pub fn negated(code: &str) -> Option<Negated> {
    NEGATIONS.iter().find(|(negation, _)| *negation == code).map(|(_, class)| *class)
}

const BEFORE: &[&str] = &[
    "allergy to ",
    "allergic to ",
    "adverse reaction to ",
    "hypersensitivity to ",
    "intolerance to ",
    "propensity to adverse reactions to ",
    "h/o: drug allergy - ",
    "product containing ",
];
const AFTER: &[&str] =
    &[" allergy", " hypersensitivity", " intolerance", " sensitivity", " (substance)", " (product)", " (disorder)", " (finding)"];

/// The agent that words name: "Allergy to penicillin", "Penicillin allergy" and "Penicillin" are one. For comparing only.
pub fn agent_in_words(text: &str) -> String {
    let mut words = super::plain(text);
    loop {
        let before = BEFORE.iter().find_map(|lead| words.strip_prefix(lead).map(str::to_owned));
        let bare = before.or_else(|| AFTER.iter().find_map(|tail| words.strip_suffix(tail).map(str::to_owned)));
        match bare.filter(|bare| !bare.is_empty()) {
            Some(bare) => words = bare,
            None => return words,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_allergy_is_known_by_its_agent() {
        let check = |text: &str, agent: &str| assert_eq!(agent_in_words(text), agent, "{text}");
        check("Allergy to penicillin", "penicillin");
        check("Penicillin allergy", "penicillin");
        check("Allergy to  Penicillin (disorder)", "penicillin");
        check("Penicillin", "penicillin");
        check("Allergy", "allergy");
        check("Cow's milk protein intolerance", "cow's milk protein");
        check("", "");
    }

    #[test]
    fn no_known_drug_allergy_is_not_promoted() {
        assert_eq!(negated("409137002"), Some(Negated::Drug));
        assert_eq!(negated("716186003"), Some(Negated::All));
        assert_eq!(negated("91936005"), None);
    }
}

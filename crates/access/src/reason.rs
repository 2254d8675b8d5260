//! Why somebody claims access: a code of a set, and words beside it. What cannot be taken is refused, and it is said why.

use record::NhsNumber;

use crate::{Claim, ClaimKind};

/// Why people act (HL7).
const ACT_REASON: &str = "http://terminology.hl7.org/CodeSystem/v3-ActReason";
/// What makes an emergency, as far as the purposes of HL7 do not say it.
pub const EMERGENCY_REASON: &str = "urn:severn:emergency-reason";

/// Codes for a relationship that somebody claims.
const RELATIONSHIP: &[(&str, &str)] = &[(ACT_REASON, "CAREMGT"), (ACT_REASON, "COC"), (ACT_REASON, "ETREAT"), (ACT_REASON, "TREAT")];

/// Codes for an emergency.
const EMERGENCY: &[(&str, &str)] = &[
    (ACT_REASON, "BTG"),
    (ACT_REASON, "ETREAT"),
    (EMERGENCY_REASON, "cannot-consent"),
    (EMERGENCY_REASON, "child-at-risk"),
    (EMERGENCY_REASON, "life-at-risk"),
    (EMERGENCY_REASON, "unconscious"),
];

/// What makes it lawful to show what somebody objects to.
pub const OVERRIDE_REASON: &str = "urn:severn:override-reason";

/// Codes for an override.
const LEGAL_OVERRIDE: &[(&str, &str)] = &[
    (OVERRIDE_REASON, "court-order"),
    (OVERRIDE_REASON, "public-health"),
    (OVERRIDE_REASON, "safeguarding-duty"),
    (OVERRIDE_REASON, "serious-crime"),
    (OVERRIDE_REASON, "statute"),
];

/// How long the words may be, in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Words {
    /// At least.
    pub chars_min: usize,
    /// At most.
    pub chars_max: usize,
}

impl Default for Words {
    fn default() -> Words {
        Words { chars_min: 10, chars_max: 1_000 }
    }
}

/// What is wrong with a reason. It says nothing of the person or the caller.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unreasoned {
    /// A control character other than a line break or a tab.
    #[error("text: holds characters that are not text")]
    Characters,
    /// No code of the set.
    #[error("reason: must be one of {0}")]
    Code(String),
    /// Words of an improper length.
    #[error("text: must say in words why you need this record, in {0} to {1} characters")]
    Length(usize, usize),
    /// An NHS number in the words: they are kept where no number is.
    #[error("text: must not hold an NHS number")]
    Number,
}

impl ClaimKind {
    /// The codes that a claim of this kind may give: system and code.
    pub fn reasons(self) -> &'static [(&'static str, &'static str)] {
        match self {
            ClaimKind::Emergency => EMERGENCY,
            ClaimKind::LegalOverride => LEGAL_OVERRIDE,
            ClaimKind::Relationship => RELATIONSHIP,
        }
    }
}

impl Claim {
    /// Whether its reason can be taken.
    ///
    /// # Errors
    ///
    /// What is wrong with it, in words for whoever claims.
    pub fn is_reasoned(&self, words: Words) -> Result<(), Unreasoned> {
        let known = self.kind.reasons().iter().any(|(system, code)| self.reason_system == *system && self.reason_code == *code);
        if !known {
            let all: Vec<String> = self.kind.reasons().iter().map(|(system, code)| format!("{system}|{code}")).collect();
            return Err(Unreasoned::Code(all.join(", ")));
        }
        let length = self.text.trim().chars().count();
        if !(words.chars_min..=words.chars_max).contains(&length) || !self.text.chars().any(char::is_alphabetic) {
            return Err(Unreasoned::Length(words.chars_min, words.chars_max));
        }
        if self.text.chars().any(|character| character.is_control() && !matches!(character, '\n' | '\r' | '\t')) {
            return Err(Unreasoned::Characters);
        }
        if holds_number(&self.text) { Err(Unreasoned::Number) } else { Ok(()) }
    }
}

/// Whether ten digits of the text, spaces and hyphens aside, are an NHS number.
pub fn holds_number(text: &str) -> bool {
    let apart = |character: char| !character.is_ascii_digit() && !matches!(character, ' ' | '-');
    text.split(apart).any(|run| {
        let digits: Vec<char> = run.chars().filter(char::is_ascii_digit).collect();
        digits.windows(10).any(|ten| ten.iter().collect::<String>().parse::<NhsNumber>().is_ok())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn claims_go_by_these_names() {
        assert_eq!(ClaimKind::ALL.map(ClaimKind::name), ["emergency", "legal-override", "relationship"]);
    }

    fn claim(kind: ClaimKind, system: &str, code: &str, text: &str) -> Claim {
        Claim { kind, reason_system: system.to_owned(), reason_code: code.to_owned(), text: text.to_owned() }
    }

    #[test]
    fn a_reason_is_a_code_of_the_set_and_enough_words() {
        use ClaimKind::{Emergency, LegalOverride, Relationship};
        let words = "Unconscious in the department";
        let check = |kind, system: &str, code: &str, text: &str, expected: &str| {
            let told =
                claim(kind, system, code, text).is_reasoned(Words::default()).err().map(|error| error.to_string()).unwrap_or_default();
            assert!(if expected.is_empty() { told.is_empty() } else { told.contains(expected) }, "{system}|{code} {text:?}: {told}");
        };
        for (kind, all) in [(Emergency, EMERGENCY), (LegalOverride, LEGAL_OVERRIDE), (Relationship, RELATIONSHIP)] {
            all.iter().for_each(|(system, code)| check(kind, system, code, words, ""));
        }
        check(Emergency, ACT_REASON, "TREAT", words, "reason: must be one of");
        check(Relationship, ACT_REASON, "BTG", words, "reason: must be one of");
        check(LegalOverride, ACT_REASON, "BTG", words, "reason: must be one of");
        check(Emergency, OVERRIDE_REASON, "court-order", words, "reason: must be one of");
        check(Relationship, EMERGENCY_REASON, "unconscious", words, "reason: must be one of");
        check(Emergency, "", "ETREAT", words, "reason: must be one of");
        check(Emergency, ACT_REASON, "etreat", words, "reason: must be one of");
        check(Emergency, ACT_REASON, "", words, "reason: must be one of");
        check(Emergency, ACT_REASON, "ETREAT", "too short", "10 to 1000");
        check(Emergency, ACT_REASON, "ETREAT", &" ".repeat(40), "10 to 1000");
        check(Emergency, ACT_REASON, "ETREAT", "..............", "10 to 1000");
        check(Emergency, ACT_REASON, "ETREAT", &"a".repeat(1_001), "10 to 1000");
        check(Emergency, ACT_REASON, "ETREAT", &"é".repeat(1_000), "");
        check(Emergency, ACT_REASON, "ETREAT", "one line\u{0}and more", "not text");
        check(Emergency, ACT_REASON, "ETREAT", "one line\nand another", "");
        for number in ["9990000018", "999 000 0018", "999-000-0018", "19990000018"] {
            check(Emergency, ACT_REASON, "ETREAT", &format!("Unconscious, {number}."), "NHS number");
        }
        check(Emergency, ACT_REASON, "ETREAT", "Unconscious, rang 0121 496 0000", "");
    }
}

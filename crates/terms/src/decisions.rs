//! Plans that bind whoever acts next: what they are called.

/// Words that name a decision about treatment to come, in plain form.
const NAMES: &[&str] = &[
    "advance care plan",
    "advance decision",
    "advance directive",
    "cpr",
    "crisis plan",
    "dnacpr",
    "emergency care plan",
    "respect",
    "resuscitation",
];

/// Whether plain words name such a plan: a recommendation on resuscitation, an advance decision, ReSPECT, a crisis plan.
pub fn is_decision(words: &str) -> bool {
    let padded = format!(" {} ", words.replace(|c: char| !c.is_alphanumeric(), " "));
    NAMES.iter().any(|name| padded.contains(&format!(" {name} ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decisions_are_known_by_name() {
        for words in
            ["respect form, 2024", "respect: recommended summary plan", "dnacpr", "crisis plan", "advance decision to refuse treatment"]
        {
            assert!(is_decision(words), "{words}");
        }
        for words in ["diabetes self management plan", "", "respectful care", "home care, two visits a day"] {
            assert!(!is_decision(words), "{words}");
        }
    }
}

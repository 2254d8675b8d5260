//! The words that rules may use: a word that nothing bears makes a rule that is not what it says.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use fhir::Kind;

use super::Site;
use crate::Category;
use crate::decide::{EMERGENCY, RELATIONSHIPS};

/// Purposes of use: v3-ActReason, as far as records are asked for by them.
const PURPOSES: &[&str] = &[
    "BTG",
    "CAREMGT",
    "CLINTRL",
    "COC",
    "COVERAGE",
    "EMRGTEST",
    "ETREAT",
    "FAMRQT",
    "HACCRED",
    "HCOMPL",
    "HDIRECT",
    "HDM",
    "HLEGAL",
    "HMARKT",
    "HOPERAT",
    "HOUTCOMS",
    "HPAYMT",
    "HPRGRP",
    "HQUALIMP",
    "HRESCH",
    "HSYSADMIN",
    "METAMGT",
    "PATADMIN",
    "PATRQT",
    "PATSFTY",
    "PERFMSR",
    "PUBHLTH",
    "PWATRNY",
    "REMITADV",
    "SUPNWK",
    "TREAT",
    "TREATDS",
];

/// ODS roles of organisations that rules were written for.
const ORGANISATION_KINDS: &[(&str, &str)] = &[
    ("RO101", "care home site"),
    ("RO141", "local authority"),
    ("RO177", "prescribing cost centre"),
    ("RO182", "pharmacy"),
    ("RO197", "NHS trust"),
    ("RO198", "NHS trust site"),
    ("RO24", "NHS foundation trust"),
    ("RO261", "integrated care board"),
    ("RO76", "general practice"),
    ("RO96", "branch surgery"),
    ("RO98", "sub-ICB location"),
];

/// Labels of sensitivity that are known wherever Severn runs.
pub const LABELS: &[&str] = &[
    "assisted-fertilisation",
    "clinician-requested",
    "domestic-violence",
    "gender",
    "genetics",
    "hiv",
    "legally-restricted",
    "mental-health",
    "no-disclosure-to-patient",
    "patient-requested",
    "practice-confidential",
    "restricted",
    "safeguarding",
    "sexual-health",
    "substance-misuse",
    "termination-of-pregnancy",
    "unrecognised",
    "very-restricted",
];

static ROLES: LazyLock<BTreeSet<&'static str>> = LazyLock::new(|| codes(include_str!("../../policy/job-roles.csv")));
static ACTIVITIES: LazyLock<BTreeSet<&'static str>> = LazyLock::new(|| codes(include_str!("../../policy/activities.csv")));

fn codes(list: &'static str) -> BTreeSet<&'static str> {
    list.lines().skip(1).filter_map(|line| line.split(',').next()).collect()
}

/// Whether an attribute may ever be this; else what is wrong with the word. Attributes that stand here not at all may be anything.
pub(crate) fn unknown(attribute: &str, word: &str, site: &Site, views: &BTreeSet<String>) -> Option<String> {
    let organisation = || site.organisations.keys().any(|code| code == word) || site.sources.iter().any(|(_, code)| code.as_str() == word);
    let (known, what, hint) = match attribute {
        "activities" => (
            ACTIVITIES.contains(word) || site.activities.contains(word),
            "no national activity code that is known here",
            "codes beside the usual ones stand in [policy] activities",
        ),
        "category" => (Category::parse(word).is_some(), "no category", "categories are those of crates/access/src/category.rs"),
        "labels" => (
            LABELS.contains(&word) || site.labels.contains(word),
            "no label of sensitivity that anything bears here",
            "labels are those of the site's lists and the usual ones",
        ),
        "organisation" | "source_organisation" => (
            organisation(),
            "no organisation that is known here",
            "organisations stand in [policy] organisations, those of sources with them",
        ),
        "organisation_kinds" | "source_kinds" => (
            ORGANISATION_KINDS.iter().any(|(code, _)| *code == word) || site.organisations.values().any(|kinds| kinds.contains(word)),
            "no kind of organisation that any has here",
            "kinds are ODS roles, such as RO182",
        ),
        "purposes" => (PURPOSES.contains(&word), "no purpose of use", "purposes are codes of v3-ActReason"),
        "relationships" => (
            RELATIONSHIPS.contains(&word) || word == EMERGENCY,
            "nothing that speaks for a relationship",
            "there are launch, self-claimed, emergency, registered-practice and others",
        ),
        "resource_type" => (Kind::parse(word).is_some(), "no type of FHIR R4", "types are spelt as in FHIR"),
        "restriction" => (matches!(word, "restricted" | "unknown" | "unrestricted"), "no restriction", "unrestricted, restricted, unknown"),
        "roles" => (ROLES.contains(word), "no national job role code", "codes are those of policy/job-roles.csv"),
        "scopes" => (matches!(word, "severn.operator" | "severn.privacy"), "no scope of Severn's own", "severn.operator, severn.privacy"),
        "source" => {
            (site.sources.iter().any(|(id, _)| id.as_str() == word), "no source that is configured", "sources are named by their id")
        }
        "views" => (views.contains(word), "no view that any rule lets somebody hold", "a rule for the action hold gives a view"),
        _ => return None,
    };
    (!known).then(|| format!("\"{word}\" is {what} ({hint})"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lists_are_whole_and_in_order() {
        assert_eq!(ROLES.len(), 392);
        assert!(ROLES.contains("R8000") && ROLES.contains("R5105") && !ROLES.contains("code"));
        assert_eq!(ACTIVITIES.len(), 10);
        assert!(PURPOSES.is_sorted() && LABELS.is_sorted() && ORGANISATION_KINDS.is_sorted());
    }
}

//! What an answer says that it lacks: warnings of Lists, and issues of the OperationOutcome beside them.

use std::collections::BTreeSet;

use fhir::{Kind, Ref, Tree};
use record::Status;

use super::sections;

/// What a part of the answer may lack.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Hole {
    /// The types it is about; empty: nobody knows, so all of them.
    pub kinds: Vec<Kind>,
    /// What becomes of their rows; none: worth a word only.
    pub status: Option<Status>,
    /// In our words: the practice's own may speak of the person.
    pub said: String,
}

/// A warning that GP Connect defines for Lists.
struct Warning {
    code: &'static str,
    status: Status,
    /// What it means, for the reader.
    said: &'static str,
    /// Sentences by which a practice says it in a note, without the code.
    sentences: &'static [&'static str],
}

const WARNINGS: [Warning; 3] = [
    Warning {
        code: "confidential-items",
        status: Status::Withheld,
        said: "items excluded due to confidentiality and/or patient preferences",
        sentences: &["excluded due to confidentiality"],
    },
    Warning {
        code: "data-awaiting-filing",
        status: Status::OkTruncated,
        said: "data supplied by a third party await review and are not shown",
        sentences: &["awaiting review", "practice workflow"],
    },
    Warning {
        code: "data-in-transit",
        status: Status::OkTruncated,
        said: "the record's transfer from the previous practice is not complete; older information may be missing",
        sentences: &["transfer from previous gp practice"],
    },
];

/// What a List says that it lacks.
///
/// `came` tells whether a reference leads to something in the answer.
pub(super) fn of_list(list: Ref<'_>, came: &dyn Fn(&str) -> bool) -> Vec<Hole> {
    let kinds = kinds_of(list);
    let hole = |status: Option<Status>, said: String| Hole { kinds: kinds.clone(), status, said };
    let mut holes = warnings(list).into_iter().map(|(status, said)| hole(status, said)).collect::<Vec<_>>();
    let entries = list.all("entry");
    let reason = list.text("emptyReason.coding.code");
    let reason = reason.as_deref().map(|code| code.to_ascii_lowercase());
    match reason.as_deref() {
        Some("no-content-recorded" | "nilknown") | None => {}
        Some("withheld") => holes.push(hole(Some(Status::Withheld), "the List is empty because its content is withheld".to_owned())),
        Some(_) => holes.push(hole(Some(Status::OkTruncated), "the List is empty for a reason other than nothing recorded".to_owned())),
    }
    // Lists inside consultations and problems may be empty for no reason.
    let main = list.all("code.coding.code").iter().any(|code| code.value().is_some_and(|code| sections::is_main(&code)));
    if main && entries.is_empty() && list.get("emptyReason").is_none() {
        holes.push(hole(Some(Status::OkTruncated), "the List is empty and does not say why".to_owned()));
    }
    let mut dangling = false;
    for item in list.all("entry.item") {
        let said = item.text("reference").or_else(|| item.text("display")).unwrap_or_default();
        match said.split_once(" items are not supported by the provider system") {
            Some((words, _)) => holes.push(unsupported_items(words, &kinds)),
            None => dangling |= item.text("reference").is_some_and(|reference| !reference.is_empty() && !came(&reference)),
        }
    }
    if dangling {
        holes.push(hole(Some(Status::OkTruncated), "the List names what did not come".to_owned()));
    }
    holes
}

/// The types that a List speaks of, by its code.
fn kinds_of(list: Ref<'_>) -> Vec<Kind> {
    let codes = list.all("code.coding.code");
    codes.iter().find_map(|code| sections::spoken_of(&code.value()?)).map(<[Kind]>::to_vec).unwrap_or_default()
}

/// A practice system says in a List's entry that it cannot tell of some items.
fn unsupported_items(words: &str, kinds: &[Kind]) -> Hole {
    let kinds = sections::named(words).unwrap_or(kinds).to_vec();
    Hole { kinds, status: Some(Status::OkTruncated), said: "the practice's system cannot tell of some of these items".to_owned() }
}

/// Every warning of a List: by code, or by its sentence in a note.
fn warnings(list: Ref<'_>) -> BTreeSet<(Option<Status>, String)> {
    let mut said = BTreeSet::new();
    let mut add = |warning: &Warning| said.insert((Some(warning.status), format!("{}: {}", warning.code, warning.said)));
    let mut others = false;
    for extension in list.all("extension") {
        if !extension.text("url").is_some_and(|url| url.contains("ListWarningCode")) {
            continue;
        }
        let code = extension.text("valueCode").or_else(|| extension.text("valueCodeableConcept.coding.code")).unwrap_or_default();
        match WARNINGS.iter().find(|warning| warning.code == code) {
            Some(warning) => _ = add(warning),
            None => others = true,
        }
    }
    let mut notes = false;
    for note in list.all("note.text") {
        let note = note.value().unwrap_or_default().to_ascii_lowercase();
        let mut known = note.trim().is_empty() || note.trim().starts_with("information not available");
        for warning in &WARNINGS {
            if warning.sentences.iter().any(|sentence| note.contains(sentence)) {
                add(warning);
                known = true;
            }
        }
        notes |= !known;
    }
    if others {
        said.insert((Some(Status::OkTruncated), "the practice warns in a code that is not known here".to_owned()));
    }
    if notes {
        said.insert((None, "the practice's List carries a note; see the List".to_owned()));
    }
    said
}

/// What the OperationOutcome of a successful answer says that is lacking. Beside each, the parameter that was not taken, where that is it.
pub(super) fn of_outcome(outcome: &Tree) -> Vec<(Hole, Option<&'static sections::Section>)> {
    outcome.root().all("issue").into_iter().filter_map(of_issue).collect()
}

fn of_issue(issue: Ref<'_>) -> Option<(Hole, Option<&'static sections::Section>)> {
    let severity = issue.text("severity").unwrap_or_default();
    if severity == "information" {
        return None;
    }
    let named = issue.text("diagnostics").unwrap_or_default();
    let (parameter, part) = named.split_once('.').map_or((named.trim(), None), |(name, part)| (name.trim(), Some(part)));
    let section = sections::of_parameter(parameter);
    let kinds = section.map(|section| section.kinds.to_vec()).unwrap_or_default();
    let not_supported = issue.is("code", "not-supported") || codes(issue).any(|code| code == "NOT_IMPLEMENTED");
    let (status, said) = match (section, not_supported, part) {
        (Some(section), true, None) => {
            (Some(Status::Unsupported), format!("section not available from this practice: {}", section.parameter))
        }
        (Some(section), true, Some(_)) => (Some(Status::OkTruncated), format!("the practice does not take all of {}", section.parameter)),
        (_, true, _) => (Some(Status::OkTruncated), "the practice does not take all that was asked".to_owned()),
        (_, false, _) if codes(issue).any(|code| super::refusal::is_refusal(&code)) => {
            (Some(Status::Withheld), "the practice refused a part".to_owned())
        }
        _ => (Some(Status::OkTruncated), "the practice warned that its answer is not whole".to_owned()),
    };
    Some((Hole { kinds, status, said }, section.filter(|_| not_supported && part.is_none())))
}

/// Spine codes of an issue.
pub(super) fn codes(issue: Ref<'_>) -> impl Iterator<Item = String> {
    issue.all("details.coding.code").into_iter().filter_map(|code| code.value().map(|code| code.into_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const WARNING: &str = "https://fhir.nhs.uk/STU3/StructureDefinition/Extension-CareConnect-GPC-ListWarningCode-1";

    fn list(rest: &str) -> Vec<(Option<Status>, String)> {
        let json = format!(r#"{{"resourceType":"List","code":{{"coding":[{{"code":"717711000000103"}}]}}{rest}}}"#);
        let tree = Tree::from_json(json.into()).unwrap();
        let holes = of_list(tree.root(), &|reference| reference == "Condition/1");
        assert!(holes.iter().all(|hole| hole.kinds == [Kind::CONDITION]));
        holes.into_iter().map(|hole| (hole.status, hole.said)).collect()
    }

    #[test]
    fn a_list_is_read_for_what_it_lacks() {
        let entry = r#","entry":[{"item":{"reference":"Condition/1"}}]"#;
        let check = |rest: &str, expected: &[(Option<Status>, &str)]| {
            let found = list(rest);
            assert_eq!(found.len(), expected.len(), "{rest}: {found:?}");
            for ((status, said), (wanted, words)) in found.iter().zip(expected) {
                assert!(status == wanted && said.contains(words), "{rest}: {found:?}");
            }
        };
        let coded = |code: &str| format!(r#"{entry},"extension":[{{"url":"{WARNING}","valueCode":"{code}"}}]"#);
        check(entry, &[]);
        check(&coded("confidential-items"), &[(Some(Status::Withheld), "confidential-items")]);
        check(&coded("data-in-transit"), &[(Some(Status::OkTruncated), "data-in-transit")]);
        check(&coded("data-awaiting-filing"), &[(Some(Status::OkTruncated), "data-awaiting-filing")]);
        check(&coded("moon-phase"), &[(Some(Status::OkTruncated), "not known here")]);
        // UK Core's spelling has a concept.
        let concept = r#","extension":[{"url":"https://x/Extension-CareConnect-ListWarningCode-1","valueCodeableConcept":{"coding":[{"code":"data-in-transit"}]}}]"#;
        check(&format!("{entry}{concept}"), &[(Some(Status::OkTruncated), "data-in-transit")]);
        let both = "Items excluded due to confidentiality and/or patient preferences. Patient record transfer from previous GP practice not yet complete; information recorded before 23-Jun-2010 may be missing.";
        let found = list(&format!(r#"{entry},"note":[{{"text":"{both}"}}]"#));
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found.iter().all(|(_, said)| !said.contains("2010")), "a date of the person's is not passed on");
        check(&format!(r#"{entry},"note":[{{"text":"Rang Tuesday"}}]"#), &[(None, "carries a note")]);
        let empty =
            |code: &str| format!(r#","emptyReason":{{"coding":[{{"code":"{code}"}}]}},"note":[{{"text":"Information not available."}}]"#);
        check(&empty("no-content-recorded"), &[]);
        check(&empty("withheld"), &[(Some(Status::Withheld), "withheld")]);
        check(&empty("unavailable"), &[(Some(Status::OkTruncated), "other than nothing recorded")]);
        check("", &[(Some(Status::OkTruncated), "does not say why")]);
        check(r#","entry":[{"item":{"reference":"Condition/2"}}]"#, &[(Some(Status::OkTruncated), "did not come")]);
    }

    #[test]
    fn what_a_system_cannot_tell_of_is_a_hole_of_its_type() {
        let json = r#"{"resourceType":"List","code":{"coding":[{"code":"24781000000107"}]},"entry":[{"item":{"reference":"Referral items are not supported by the provider system"}}]}"#;
        let tree = Tree::from_json(json.into()).unwrap();
        let holes = of_list(tree.root(), &|_| false);
        assert_eq!(holes.len(), 1);
        assert_eq!((holes[0].kinds.as_slice(), holes[0].status), ([Kind::SERVICE_REQUEST].as_slice(), Some(Status::OkTruncated)));
    }

    #[test]
    fn an_issue_is_a_hole_of_its_area() {
        let check = |issue: &str, kinds: &[Kind], status: Status, dropped: bool| {
            let tree = Tree::from_json(format!(r#"{{"resourceType":"OperationOutcome","issue":[{issue}]}}"#).into()).unwrap();
            let found = of_outcome(&tree);
            let (hole, section) = &found[0];
            assert_eq!((hole.kinds.as_slice(), hole.status, section.is_some()), (kinds, Some(status), dropped), "{issue}");
        };
        let issue = |named: &str| {
            format!(
                r#"{{"severity":"warning","code":"not-supported","details":{{"coding":[{{"code":"NOT_IMPLEMENTED"}}]}},"diagnostics":"{named}"}}"#
            )
        };
        check(&issue("includeProblems"), &[Kind::CONDITION], Status::Unsupported, true);
        check(&issue("includeAllergies.includeResolvedAllergies"), &[Kind::ALLERGY_INTOLERANCE], Status::OkTruncated, false);
        check(&issue("includeTea"), &[], Status::OkTruncated, false);
        check(r#"{"severity":"warning","code":"incomplete"}"#, &[], Status::OkTruncated, false);
        let refused = r#"{"severity":"warning","code":"forbidden","details":{"coding":[{"code":"NO_PATIENT_CONSENT"}]},"diagnostics":"includeProblems"}"#;
        check(refused, &[Kind::CONDITION], Status::Withheld, false);
    }
}

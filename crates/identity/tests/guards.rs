//! G3 to G6, and the golden cases that hang on them.

#![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

use fhir::{Kind, Tree, Version};
use identity::{Facts, Held, Leg, Mismatch, Trust, Verdict, Voice, agreed, guard, release};
use proptest::prelude::*;
use record::{Chart, Item, Origin, Row, SourceId, Status, Traits};

const NUMBER: &str = "9990000018";
const OTHER: &str = "9990000026";

fn item(source: &SourceId, kind: Kind, id: &str, json: &str, subjects: &[&str]) -> Item {
    let subjects = subjects.iter().map(|subject| (*subject).to_owned()).collect();
    Item {
        kind,
        id: id.to_owned(),
        origin: Origin { source: source.clone(), kind: kind.name().into(), id: Some(id.to_owned()) },
        tree: Tree::from_json(json.to_owned().into()).unwrap(),
        findings: Vec::new(),
        traits: Traits { subjects, ..Traits::default() },
    }
}

/// A leg with one Patient and two conditions, one of them said of another patient when `mixed`.
fn chart(source: &str, number: &str, born: Option<&str>, given: &str, extra: &str) -> Chart {
    let source: SourceId = source.parse().unwrap();
    let born = born.map(|date| format!(r#","birthDate":"{date}""#)).unwrap_or_default();
    let patient = format!(
        r#"{{"resourceType":"Patient","identifier":[{{"system":"https://fhir.nhs.uk/Id/nhs-number","value":"{number}"}}],"name":[{{"family":"Malik","given":["{given}"]}}]{born}{extra}}}"#
    );
    let id = format!("{source}-p");
    let condition = item(&source, Kind::CONDITION, &format!("{source}-c"), r#"{"resourceType":"Condition"}"#, &[&id]);
    let mut row = Row::new(source.clone(), Kind::CONDITION);
    row.status = Some(Status::Ok);
    row.counts.came = 1;
    let mut patients = Row::new(source.clone(), Kind::PATIENT);
    patients.status = Some(Status::Ok);
    patients.counts.came = 1;
    Chart {
        patients: vec![item(&source, Kind::PATIENT, &id, &patient, &[])],
        items: vec![condition],
        source,
        version: Version::R4,
        quarantined: Vec::new(),
        rows: vec![row, patients],
        about_one_patient: false,
        findings: Vec::new(),
    }
}

fn facts(birth_date: Option<&str>) -> Facts {
    Facts { birth_date: birth_date.map(str::to_owned), ..Facts::of(NUMBER.parse().unwrap()) }
}

fn verdicts(facts: &Facts, charts: &[Chart]) -> Vec<Verdict> {
    guard(facts, &charts.iter().map(|chart| Leg { chart, trust: Trust::Verified }).collect::<Vec<_>>())
}

fn accepted(source: &str) -> Verdict {
    Verdict::Accepted(vec![format!("{source}-p")])
}

fn check(what: &str, known: Option<&str>, legs: &[(&str, Option<&str>, &str)], expected: &[Verdict]) {
    let names = ["a", "b", "c"];
    let charts: Vec<Chart> =
        legs.iter().zip(names).map(|((number, born, given), source)| chart(source, number, *born, given, "")).collect();
    assert_eq!(verdicts(&facts(known), &charts), expected, "{what}");
}

#[test]
fn a_leg_is_judged_by_number_birth_date_and_given_name() {
    let mismatch = Verdict::Mismatch(Mismatch::BirthDate);
    let born = Some("1961-04-09");
    check("alone", None, &[(NUMBER, born, "Sarah")], &[accepted("a")]);
    check(
        "alone, against a date that is known",
        Some("1961-04-09"),
        &[(NUMBER, Some("1970-01-01"), "Sarah")],
        std::slice::from_ref(&mismatch),
    );
    check("another number", None, &[(OTHER, born, "Sarah")], &[Verdict::Mismatch(Mismatch::Number)]);
    check(
        "two that disagree",
        None,
        &[(NUMBER, born, "Sarah"), (NUMBER, Some("1960-02-05"), "Sarah")],
        &[mismatch.clone(), mismatch.clone()],
    );
    let two_to_one = [(NUMBER, born, "Sarah"), (NUMBER, Some("1950-12-31"), "Sarah"), (NUMBER, born, "S")];
    check("a majority stands", None, &two_to_one, &[accepted("a"), mismatch, accepted("c")]);
    let held = Verdict::Held(Held::GivenName);
    check("two given names", None, &[(NUMBER, born, "Amelia"), (NUMBER, born, "Olivia")], &[held.clone(), held.clone()]);
    check(
        "a majority has one",
        None,
        &[(NUMBER, born, "Amelia"), (NUMBER, born, "Olivia"), (NUMBER, born, "A")],
        &[accepted("a"), held, accepted("c")],
    );
    check("no birth date", None, &[(NUMBER, born, "Sarah"), (NUMBER, None, "Sarah")], &[accepted("a"), Verdict::Held(Held::NoBirthDate)]);
    check("a digit slipped", Some("1961-04-09"), &[(NUMBER, Some("1961-04-08"), "Sarah")], &[Verdict::Held(Held::BirthDateSlip)]);
    check("day and month exchanged", Some("1961-04-09"), &[(NUMBER, Some("1961-09-04"), "Sarah")], &[Verdict::Held(Held::BirthDateSlip)]);
}

#[test]
fn an_unverified_number_is_held_unless_the_source_is_verified_by_contract() {
    let says = |code: &str| {
        let extension = format!(
            r#"{{"url":"https://fhir.hl7.org.uk/StructureDefinition/Extension-UKCore-NHSNumberVerificationStatus","valueCodeableConcept":{{"coding":[{{"code":"{code}"}}]}}}}"#
        );
        let mut chart = chart("a", NUMBER, Some("1961-04-09"), "Sarah", "");
        let json = chart.patients[0]
            .tree
            .to_json()
            .replace(r#""value":"9990000018""#, &format!(r#""value":"9990000018","extension":[{extension}]"#));
        chart.patients[0].tree = Tree::from_json(json.into()).unwrap();
        guard(&facts(None), &[Leg { chart: &chart, trust: Trust::Check }])
    };
    assert_eq!(says("number-present-and-verified"), [accepted("a")]);
    assert_eq!(says("01"), [accepted("a")]);
    assert_eq!(says("03"), [Verdict::Held(Held::Unverified)]);
    assert_eq!(says("number-present-but-not-traced"), [Verdict::Held(Held::Unverified)]);
}

#[test]
fn a_patient_replaced_by_another_is_nobody() {
    let chart = chart("a", NUMBER, Some("1961-04-09"), "Sarah", r#","active":false"#);
    assert_eq!(verdicts(&facts(None), &[chart]), [Verdict::Mismatch(Mismatch::Number)]);
}

/// What a source keeps under a Patient that it combined into the right one is the right one's, and nobody else's.
#[test]
fn what_stands_under_a_combined_patient_is_of_the_one_in_its_place() {
    let check = |old: &str, kept: usize| {
        let mut chart = chart("a", NUMBER, Some("1961-04-09"), "Sarah", "");
        let source = chart.source.clone();
        chart.patients.push(item(&source, Kind::PATIENT, "a-old", old, &[]));
        chart.items.push(item(&source, Kind::CONDITION, "a-c2", r#"{"resourceType":"Condition"}"#, &["a-old"]));
        assert_eq!(verdicts(&facts(None), std::slice::from_ref(&chart)), [accepted("a")], "{old}");
        let released = release(&accepted("a"), chart);
        assert_eq!((released.items.len(), released.patients.len()), (kept, kept), "{old}");
    };
    let link = |to: &str| format!(r#""link":[{{"other":{{"reference":"Patient/{to}"}},"type":"replaced-by"}}]"#);
    check(&format!(r#"{{"resourceType":"Patient","active":false,{}}}"#, link("a-p")), 2);
    check(&format!(r#"{{"resourceType":"Patient","active":false,{}}}"#, link("a-q")), 1);
    check(&format!(r#"{{"resourceType":"Patient","active":true,{}}}"#, link("a-p")), 1);
    check(r#"{"resourceType":"Patient","active":false}"#, 1);
    let number = format!(r#""identifier":[{{"system":"https://fhir.nhs.uk/Id/nhs-number","value":"{OTHER}"}}]"#);
    check(&format!(r#"{{"resourceType":"Patient","active":false,{number},{}}}"#, link("a-p")), 1);
}

#[test]
fn golden_18_nothing_of_a_leg_with_another_birth_date_is_shown() {
    let known = facts(Some("1961-04-09"));
    let wrong = chart("a", NUMBER, Some("1970-01-01"), "Sarah", "");
    let verdict = verdicts(&known, std::slice::from_ref(&wrong)).remove(0);
    let released = release(&verdict, wrong);
    assert!(released.items.is_empty() && released.patients.is_empty());
    assert!(released.rows.iter().all(|row| row.status == Some(Status::IdentityMismatch) && row.counts.add_up()));
    assert_eq!(released.quarantined.len(), 2);
}

#[test]
fn golden_24_twins_swapped_are_held_and_marriage_with_transition_is_accepted() {
    // Each twin's number at one source carries the other twin's name: the index knows the right one.
    for (right, wrong) in [("Amelia", "Olivia"), ("Olivia", "Amelia")] {
        let known = Facts { given_names: vec![right.to_owned()], ..facts(Some("2015-06-01")) };
        let leg = chart("a", NUMBER, Some("2015-06-01"), wrong, r#","gender":"female""#);
        assert_eq!(verdicts(&known, &[leg]), [Verdict::Held(Held::GivenName)]);
    }
    // Surname and gender changed together, and the previous given name is known.
    let known = Facts { given_names: vec!["Alexandra".to_owned(), "Alex".to_owned()], ..facts(Some("1988-03-03")) };
    let leg = chart("a", NUMBER, Some("1988-03-03"), "Alex", r#","gender":"male""#);
    assert_eq!(verdicts(&known, &[leg]), [accepted("a")]);
}

#[test]
fn a_resource_about_another_patient_or_nobody_is_quarantined() {
    let mut leg = chart("a", NUMBER, Some("1961-04-09"), "Sarah", "");
    let source = leg.source.clone();
    for (id, subjects) in [("a-x", vec!["a-somebody"]), ("a-y", vec![]), ("a-z", vec!["a-p", "a-somebody"])] {
        leg.items.push(item(&source, Kind::CONDITION, id, r#"{"resourceType":"Condition"}"#, &subjects));
    }
    leg.items.push(item(&source, Kind::PRACTITIONER, "a-d", r#"{"resourceType":"Practitioner"}"#, &[]));
    let kept = |leg: Chart| release(&accepted("a"), leg).items.iter().map(|item| item.id.clone()).collect::<Vec<_>>();
    assert_eq!(kept(leg.clone()), ["a-c", "a-d"]);
    leg.about_one_patient = true;
    assert_eq!(kept(leg), ["a-c", "a-y", "a-d"]);
}

mod laws {
    use super::*;

    proptest! {
        #[test]
        fn order_of_legs_does_not_matter_and_nothing_refused_is_released(
            dates in prop::collection::vec(prop::option::of(prop::sample::select(vec!["1961-04-09", "1961-04-08", "1970-01-01"])), 1..4),
            names in prop::collection::vec(prop::sample::select(vec!["Sarah", "Amelia"]), 3),
        ) {
            let sources = ["a", "b", "c"];
            let charts: Vec<Chart> = dates.iter().zip(&names).zip(sources).map(|((born, given), source)| chart(source, NUMBER, *born, given, "")).collect();
            let forward = verdicts(&facts(None), &charts);
            let mut backward: Vec<Chart> = charts.clone();
            backward.reverse();
            let mut again = verdicts(&facts(None), &backward);
            again.reverse();
            prop_assert_eq!(&forward, &again);
            for (verdict, chart) in forward.iter().zip(charts) {
                let released = release(verdict, chart);
                let shown = !released.items.is_empty() || !released.patients.is_empty();
                prop_assert_eq!(shown, matches!(verdict, Verdict::Accepted(_)));
                for row in &released.rows {
                    let left = released.items.iter().chain(&released.patients).filter(|item| item.kind == row.kind).count() as u64;
                    prop_assert_eq!(row.counts.came, left + row.counts.quarantined);
                }
            }
        }
    }
}

fn voice(source: &str, born: Option<&str>, given: &str) -> Voice {
    Voice { source: source.parse().unwrap(), birth_date: born.map(str::to_owned), given_names: vec![given.to_owned()] }
}

#[test]
fn what_silent_sources_said_before_votes_with_the_legs() {
    let (right, wrong) = (Some("1961-04-09"), Some("1970-01-01"));
    let mismatch = || Verdict::Mismatch(Mismatch::BirthDate);
    let check = |what: &str, voices: &[Voice], legs: &[(&str, Option<&str>, &str)], expected: &[Verdict]| {
        let charts: Vec<Chart> = legs.iter().map(|(source, born, given)| chart(source, NUMBER, *born, given, "")).collect();
        let known = Facts { voices: voices.to_vec(), ..facts(None) };
        assert_eq!(verdicts(&known, &charts), expected, "{what}");
    };
    check("they agree", &[voice("x", right, "Sarah")], &[("a", right, "Sarah")], &[accepted("a")]);
    check("one against one", &[voice("x", right, "Sarah")], &[("a", wrong, "Sarah")], &[mismatch()]);
    check("two against one", &[voice("x", right, "Sarah"), voice("y", right, "Sarah")], &[("a", wrong, "Sarah")], &[mismatch()]);
    check("one is outvoted", &[voice("x", wrong, "Sarah")], &[("a", right, "Sarah"), ("b", right, "S")], &[accepted("a"), accepted("b")]);
    check("who answers now speaks for itself", &[voice("a", wrong, "Peter")], &[("a", right, "Sarah")], &[accepted("a")]);
    check("another's given name", &[voice("x", right, "Olivia")], &[("a", right, "Amelia")], &[Verdict::Held(Held::GivenName)]);
    check("nobody gives a birth date", &[voice("x", None, "Sarah")], &[("a", None, "Sarah")], &[Verdict::Held(Held::NoBirthDate)]);
}

#[test]
fn the_index_stands_for_a_birth_date_of_two_sources_at_least() {
    let (one, other) = (Some("1961-04-09"), Some("1970-01-01"));
    let check = |voices: &[Voice], expected: Option<&str>| assert_eq!(agreed(voices).as_deref(), expected, "{voices:?}");
    check(&[], None);
    check(&[voice("a", one, "S")], None);
    check(&[voice("a", one, "S"), voice("a", one, "S")], None);
    check(&[voice("a", one, "S"), voice("b", one, "S")], one);
    check(&[voice("a", one, "S"), voice("b", other, "S")], None);
    check(&[voice("a", one, "S"), voice("b", one, "S"), voice("c", other, "S")], one);
    check(&[voice("a", one, "S"), voice("b", one, "S"), voice("c", other, "S"), voice("d", other, "S")], None);
    check(&[voice("a", None, "S"), voice("b", one, "S"), voice("c", one, "S")], one);
}

//! Exchanges as sources: what was said through them, and what they made of it themselves.

use crate::server::*;
use dialect::{DataProvider, Dialect, Known, Told};
use fhir::Kind;
use record::{Item, Need, Original, Status};

const MARKS: &str = include_str!("../../../../fixtures/interweave/marks/said.json");
const FOUND: &str = include_str!("../../../../fixtures/severn/relayed/found.json");
const SAID: &str = include_str!("../../../../fixtures/severn/relayed/said.json");

fn dialect(name: &str) -> Dialect {
    name.parse().unwrap()
}

/// Asks a neighbour for these types; what it said, and what it was asked.
fn ask(name: &str, kinds: &[Kind], local_ids: &[&str], server: &dyn Fn(&str) -> Said) -> (Told, Vec<String>) {
    let (holder, settings, known) = (holder(local_ids), settings(), Known::default());
    let started = dialect(name).start(&opening(&holder, &settings, &known), &Need::of(kinds));
    crank(started, server, &mut |_| 0)
}

fn neighbour(target: &str) -> Said {
    match target {
        "metadata" => capability(true, &["Condition", "AllergyIntolerance", "Flag"]),
        t if t.starts_with("Patient?identifier=") => Ok((200, FOUND.to_owned())),
        t if t.contains("$everything") => Ok((200, SAID.to_owned())),
        t => panic!("{t} was asked"),
    }
}

fn item<'a>(told: &'a Told, id: &str) -> &'a Item {
    told.chart.items.iter().find(|item| item.id == id).unwrap_or_else(|| panic!("no {id}"))
}

fn original(provider: &str, id: &str, hops: usize) -> Option<Original> {
    Some(Original { provider: provider.to_owned(), id: id.to_owned(), hops })
}

#[test]
fn another_severn_is_asked_one_question_about_one_patient_and_not_to_group() {
    let (_, asked) = ask("severn", &[Kind::CONDITION, Kind::FLAG], &[], &neighbour);
    let data: Vec<&String> = asked.iter().filter(|target| target.contains("everything")).collect();
    assert_eq!(data, ["Patient/0190f3c2/$everything?join=all&_type=Condition%2CFlag"]);
    let (_, asked) = ask("severn", &[], &[], &neighbour);
    assert!(asked.contains(&"Patient/0190f3c2/$everything?join=all".to_owned()), "{asked:?}");
    let known = |target: &str| match target {
        "Patient/nbr-77" => Ok((200, patient("nbr-77"))),
        _ => neighbour(target),
    };
    let (_, asked) = ask("severn", &[], &["nbr-77", "own-3"], &known);
    assert!(asked.iter().all(|target| !target.contains("own-3")), "any of its ids stands for the person: {asked:?}");
}

#[test]
fn what_another_severn_made_is_no_fact() {
    let (told, _) = ask("severn", &[], &[], &neighbour);
    assert_eq!(ids(&told), ["Condition/trust-e-far-c2", "Condition/trust-nbr-c1"]);
    let patients: Vec<&str> = told.chart.patients.iter().map(|item| item.id.as_str()).collect();
    assert!(!patients.is_empty() && patients.iter().all(|id| *id == "trust-nbr-77"), "{patients:?}");
    for kind in [Kind::LINKAGE, Kind::DETECTED_ISSUE] {
        let counts = row(&told, kind).counts;
        assert_eq!((counts.came, counts.filtered), (1, 1), "{kind}");
    }
    // A subject said by number is the Patient that a source holds, not the one that the neighbour minted.
    assert_eq!(item(&told, "trust-nbr-c1").traits.subjects, ["trust-nbr-77"]);
}

#[test]
fn the_way_is_kept_and_the_layout_is_not() {
    let (told, _) = ask("severn", &[], &[], &neighbour);
    let tags = |id: &str| -> Vec<String> {
        let tags = item(&told, id).tree.root().all("meta.tag");
        let ours = tags.iter().filter(|tag| tag.text("system").is_some_and(|system| system.starts_with("urn:severn:")));
        ours.map(|tag| format!("{} {}", tag.text("system").unwrap(), tag.text("code").unwrap())).collect()
    };
    assert_eq!(tags("trust-nbr-c1"), ["urn:severn:via nbr", "urn:severn:source trust"]);
    assert_eq!(tags("trust-e-far-c2"), ["urn:severn:via far", "urn:severn:via e", "urn:severn:source trust"]);
    assert_eq!(item(&told, "trust-nbr-c1").traits.via.as_deref(), Some("nbr"));
    assert_eq!(item(&told, "trust-nbr-c1").traits.original, original("7A7-01", "c1", 1));
    assert_eq!(item(&told, "trust-e-far-c2").traits.original, original("RCB-02", "c2", 2));
}

#[test]
fn a_gap_of_another_severn_is_ours_by_type() {
    let kinds = [Kind::ALLERGY_INTOLERANCE, Kind::CONDITION, Kind::FLAG];
    let (told, _) = ask("severn", &kinds, &[], &neighbour);
    let check = |kind, expected| assert_eq!(status(&told, kind), expected, "{kind}");
    check(Kind::ALLERGY_INTOLERANCE, Status::FailedTimeout);
    check(Kind::CONDITION, Status::CircuitOpen);
    check(Kind::FLAG, Status::OkEmpty);
    assert_eq!(row(&told, Kind::CONDITION).counts.came, 2, "what came stays");
    assert_eq!(row(&told, Kind::CONDITION).note.as_deref(), Some("the source warned: its source far: circuit-open"));
}

#[test]
fn a_refusal_of_another_severn_is_taken_at_its_word_and_not_tried_in_parts() {
    for (http, expected) in [
        (403, Status::Withheld),
        (502, Status::FailedHttp),
        (504, Status::FailedTimeout),
        (508, Status::NotAskedLoop),
        (401, Status::FailedAuth),
    ] {
        let server = |target: &str| if target.contains("everything") { Ok((http, outcome("processing"))) } else { neighbour(target) };
        let (told, asked) = ask("severn", &[Kind::CONDITION, Kind::FLAG], &[], &server);
        assert_eq!(status(&told, Kind::CONDITION), expected, "{http}");
        assert_eq!(asked.iter().filter(|target| target.contains("0190f3c2")).count(), 1, "{http}: {asked:?}");
    }
}

#[test]
fn an_id_that_another_severn_no_longer_knows_is_asked_for_by_number() {
    let server = |target: &str| if target.contains("nbr-77") { Ok((403, outcome("forbidden"))) } else { neighbour(target) };
    let (told, asked) = ask("severn", &[Kind::FLAG], &["nbr-77"], &server);
    assert!(asked.iter().any(|target| target.starts_with("Patient/0190f3c2/$everything")), "{asked:?}");
    assert_eq!(status(&told, Kind::FLAG), Status::OkEmpty);
    let refused = |target: &str| if target == "metadata" { neighbour(target) } else { Ok((403, outcome("forbidden"))) };
    let (told, _) = ask("severn", &[Kind::FLAG], &["nbr-77"], &refused);
    assert_eq!(status(&told, Kind::FLAG), Status::Withheld, "and a reader who may not is refused all the same");
}

#[test]
fn a_person_whom_only_the_neighbour_itself_knows_is_not_found_there() {
    let minted =
        r#"{"resourceType":"Patient","id":"0190f3c2","identifier":[{"system":"https://fhir.nhs.uk/Id/nhs-number","value":"9990000018"}]}"#;
    let (holder, settings, known) = (holder(&[]), settings(), Known::default());
    let server = |_: &str| bundle(&[minted.to_owned()]);
    let (told, _) = crank(dialect("severn").find(&opening(&holder, &settings, &known)), &server, &mut |_| 0);
    assert!(told.chart.patients.is_empty());
    assert_eq!(status(&told, Kind::PATIENT), Status::OkEmpty);
    let (told, _) = crank(dialect("severn").find(&opening(&holder, &settings, &known)), &neighbour, &mut |_| 0);
    let found: Vec<&str> = told.chart.patients.iter().map(|item| item.id.as_str()).collect();
    assert_eq!((found, status(&told, Kind::PATIENT)), (vec!["trust-nbr-77"], Status::Ok), "whom a source of it knows is found");
}

#[test]
fn interweaves_marks_say_who_said_it_and_their_absence_is_a_finding() {
    let server = |target: &str| match target {
        "metadata" => capability(false, &["Condition"]),
        t if t.starts_with("Patient?") => bundle(&[patient("p")]),
        _ => Ok((200, MARKS.to_owned())),
    };
    let (told, _) = ask("interweave", &[Kind::CONDITION], &[], &server);
    assert_eq!(ids(&told), ["Condition/trust-bare", "Condition/trust-whole"]);
    let whole = item(&told, "trust-whole");
    assert_eq!((&whole.traits.original, whole.findings.len()), (&original("7A7-01", "whole", 0), 0));
    let bare = item(&told, "trust-bare");
    let paths: Vec<&str> = bare.findings.iter().map(|finding| finding.path.as_str()).collect();
    assert_eq!((&bare.traits.original, paths), (&None, vec!["Condition.meta.tag", "Condition.meta.tag", "Condition.meta.lastUpdated"]));
    assert_eq!(status(&told, Kind::CONDITION), Status::OkTruncated, "one provider behind it did not answer");
}

#[test]
fn a_source_with_a_name_that_all_know_gives_it_to_what_it_says() {
    let mut settings = settings();
    settings.data_provider = Some(provider());
    let server = |target: &str| match target {
        "metadata" => capability(false, &["Condition"]),
        t if t.starts_with("Patient?") => bundle(&[patient("p")]),
        _ => bundle(&[about("Condition", "1", ""), about("Condition", "a/b", "")]),
    };
    let (holder, known) = (holder(&[]), Known::default());
    let started = Dialect::FHIR_R4.start(&opening(&holder, &settings, &known), &Need::of(&[Kind::CONDITION]));
    let (told, _) = crank(started, &server, &mut |_| 0);
    assert_eq!(item(&told, "trust-1").traits.original, original("RRK-01", "1", 0));
    let hashed = told.chart.items.iter().find(|item| item.id != "trust-1").unwrap();
    assert_eq!(hashed.traits.original, None, "a hash shows nothing of the id that it stands for");
}

/// A system with a name that all know.
fn provider() -> DataProvider {
    DataProvider { id: "RRK-01".to_owned(), name: "A hospital".to_owned(), organisation: "RRK".parse().unwrap() }
}

#[test]
fn marks_are_written_for_those_who_read_from_us() {
    let settings = dialect::Settings { data_provider: Some(provider()), ..settings() };
    let check = |meta: &str, expected: &[&str], absent: bool| {
        let server = |target: &str| match target {
            "metadata" => capability(false, &["Condition"]),
            t if t.starts_with("Patient?") => bundle(&[patient("p")]),
            _ => bundle(&[about("Condition", "1", meta)]),
        };
        let told = read(&Need::of(&[Kind::CONDITION]), &settings, &server);
        let root = item(&told, "trust-1").tree.root();
        let marks = root.all("meta.tag").into_iter().filter(|tag| tag.text("system").is_some_and(|system| system.contains("interweave")));
        assert_eq!(marks.filter_map(|tag| Some(tag.text("code")?.into_owned())).collect::<Vec<_>>(), expected, "{meta}");
        assert_eq!(root.is("meta._lastUpdated.extension.valueCode", "unknown"), absent, "{meta}: no time is made up");
    };
    check("", &["RRK-01", "RRK"], true);
    check(r#","meta":{"lastUpdated":"2026-01-01T00:00:00Z"}"#, &["RRK-01", "RRK"], false);
    let relayed = r#","meta":{"tag":[{"system":"https://fhir.interweavedigital.nhs.uk/Source","code":"7A7-01"}]}"#;
    check(relayed, &["7A7-01"], false);
}

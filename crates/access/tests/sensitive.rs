//! Sensitive things in each place where they can hide, by the operator's lists.

#![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

use access::{Evidence, Listed, Lists, PersonFacts, Restriction, Sign, admit, decide, is_redacted, judges, withhold};
use fhir::{Kind, Tree};
use record::{Ask, Caller, Cluster, Item, Need, Organisation, Origin, PersonId, Question, Row, SharedRecord, Status, Tier, Traits, UserId};

const NOW: jiff::Timestamp = jiff::Timestamp::constant(1_795_424_400, 0);
/// Made up: no concept has it.
const SECRET: &str = r#"{"coding":[{"system":"http://snomed.info/sct","code":"90000001"}],"text":"PLANTED"}"#;
const PLAIN: &str = r#"{"coding":[{"system":"http://snomed.info/sct","code":"80000001"}],"text":"Plain"}"#;

fn person() -> PersonId {
    "p".parse().unwrap()
}

fn permit() -> access::Permit {
    permit_of("B0360")
}

fn permit_of(activity: &str) -> access::Permit {
    permit_for(activity, "user/*.rs")
}

fn permit_for(activity: &str, scopes: &str) -> access::Permit {
    let caller = Caller {
        user: UserId { issuer: "i".into(), subject: "s".into() },
        name: String::new(),
        sds_user_id: None,
        sds_role_profile_id: None,
        human: true,
        organisation: Organisation { code: "RRK".parse().unwrap(), name: String::new() },
        roles: vec!["R8000".into()],
        activities: vec![activity.into()],
        purposes: vec!["TREAT".into()],
        scopes: scopes.split(' ').map(str::to_owned).collect(),
        launch_patient: Some(person()),
        device: None,
        client: None,
        token_id: None,
    };
    let question = Question::Read { person: person(), need: Need::everything() };
    let ask = Ask { request: "r-1".parse().unwrap(), caller, question, hops: Vec::new(), wait: None };
    let facts = PersonFacts { person: Some(person()), restriction: Restriction::Unrestricted };
    decide(admit(&access::Rules::shipped(), &ask, NOW).unwrap(), &facts, &[Evidence::Launch(person())], NOW).unwrap()
}

fn lists() -> Lists {
    let entry = |label: &str, sign, system: &str, value: &str| Listed {
        label: label.parse().unwrap(),
        sign,
        system: system.to_owned(),
        value: value.to_owned(),
        descendants: false,
    };
    let sct = "http://snomed.info/sct";
    Lists::new(
        vec![
            entry("made-up", Sign::Code, sct, "90000001"),
            entry("made-up", Sign::Drug, sct, "90000002"),
            entry("legally-restricted", Sign::Code, sct, "90000003"),
            entry("made-up", Sign::Specialty, "urn:specialty", "360"),
            entry("made-up", Sign::Author, "urn:gmc", "7777777"),
            entry("made-up", Sign::Organisation, "urn:ods", "XX1"),
            entry("made-up", Sign::DocumentType, sct, "90000004"),
        ],
        None,
    )
}

/// `kind`, id and the rest of a resource; what is left of it, or nothing.
type Case<'a> = (Kind, &'a str, String, Option<&'a str>);

fn items(cases: &[Case<'_>]) -> Vec<Item> {
    let item = |(kind, id, json, _): &Case<'_>| Item {
        kind: *kind,
        id: (*id).to_owned(),
        origin: Origin { source: "a".parse().unwrap(), kind: kind.name().into(), id: None },
        tree: Tree::from_json(json.replace("SECRET", SECRET).replace("PLAIN", PLAIN).into()).unwrap(),
        findings: Vec::new(),
        traits: Traits::default(),
    };
    cases.iter().map(item).collect()
}

fn check(cases: &[Case<'_>]) {
    check_for(&permit(), cases);
}

fn check_for(permit: &access::Permit, cases: &[Case<'_>]) {
    let mut record = SharedRecord::of(person(), items(cases));
    withhold(permit, &lists(), &mut record);
    let left: Vec<String> = record.items.iter().map(|item| item.tree.to_json()).collect();
    let expected: Vec<String> = cases.iter().filter_map(|(.., left)| Some((*left)?.replace("PLAIN", PLAIN).replace("CUT", CUT))).collect();
    assert_eq!(left, expected);
    assert!(!left.concat().contains("PLANTED"));
}

const CUT: &str = r#""meta":{"security":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ObservationValue","code":"REDACTED"}]}"#;

/// A label that keeps nothing from who looks after the person.
const TOLD: &str = r#"{"meta":{"security":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ActCode","code":"NOPAT"}]}}"#;

/// Logical references that lead to nothing that is gone.
const OTHERS: &str = r#"{"code":PLAIN,"reasonReference":[{"identifier":{"system":"urn:x","value":"8"}},{"identifier":{"system":"urn:y","value":"7"}},{"identifier":{"value":"7"}},{"identifier":{"system":"urn:x"}}]}"#;

fn to(reference: &str) -> String {
    format!(r#"{{"reference":"{reference}","display":"PLANTED"}}"#)
}

#[test]
fn golden_13_a_component_goes_without_its_siblings_and_is_not_told_by_what_they_sum_up_to() {
    let whole = r#"{"code":PLAIN,"text":{"div":"PLANTED"},"note":[{"text":"PLANTED"}],"component":[{"code":SECRET,"valueInteger":3},{"code":PLAIN,"valueInteger":4}],"valueInteger":7,"interpretation":[PLAIN]}"#;
    let left = r#"{"code":PLAIN,"component":[{"code":PLAIN,"valueInteger":4}],CUT}"#;
    check(&[(Kind::OBSERVATION, "o", whole.to_owned(), Some(left))]);
    // The same where each is a resource of its own.
    let panel = format!(r#"{{"code":PLAIN,"hasMember":[{},{{"reference":"Observation/b"}}],"valueInteger":7}}"#, to("Observation/a"));
    check(&[
        (Kind::OBSERVATION, "a", r#"{"code":SECRET,"valueInteger":3}"#.to_owned(), None),
        (Kind::OBSERVATION, "b", r#"{"code":PLAIN,"valueInteger":4}"#.to_owned(), Some(r#"{"code":PLAIN,"valueInteger":4}"#)),
        (Kind::OBSERVATION, "panel", panel, Some(r#"{"code":PLAIN,"hasMember":[{"reference":"Observation/b"}],CUT}"#)),
        (Kind::OBSERVATION, "score", format!(r#"{{"code":PLAIN,"derivedFrom":[{}],"valueInteger":3}}"#, to("Observation/a")), None),
        // One that measured something itself says more than what it was made of.
        (
            Kind::OBSERVATION,
            "own",
            format!(r#"{{"code":PLAIN,"derivedFrom":[{}],"component":[{{"code":PLAIN,"valueInteger":4}}]}}"#, to("Observation/a")),
            Some(r#"{"code":PLAIN,"component":[{"code":PLAIN,"valueInteger":4}],CUT}"#),
        ),
    ]);
}

#[test]
fn nothing_that_leads_to_a_condition_tells_of_it() {
    let c = to("Condition/c");
    check(&[
        (Kind::CONDITION, "c", r#"{"identifier":[{"system":"urn:x","value":"7"},{"system":"urn:x"}],"code":SECRET}"#.to_owned(), None),
        (Kind::CONDITION, "d", r#"{"code":PLAIN}"#.to_owned(), Some(r#"{"code":PLAIN}"#)),
        (
            Kind::LIST,
            "l",
            format!(
                r#"{{"text":{{"div":"PLANTED"}},"note":[{{"text":"PLANTED: 2 items"}}],"entry":[{{"item":{c}}},{{"item":{{"reference":"Condition/d"}}}}]}}"#
            ),
            Some(r#"{"entry":[{"item":{"reference":"Condition/d"}}],CUT}"#),
        ),
        (
            Kind::ENCOUNTER,
            "e",
            format!(r#"{{"status":"finished","reasonReference":[{c}],"diagnosis":[{{"condition":{c},"rank":1}}]}}"#),
            Some(r#"{"status":"finished"}"#),
        ),
        (
            Kind::ENCOUNTER,
            "f",
            r#"{"status":"finished","reasonCode":[SECRET,PLAIN]}"#.to_owned(),
            Some(r#"{"status":"finished","reasonCode":[PLAIN],CUT}"#),
        ),
        (
            Kind::MEDICATION_REQUEST,
            "m",
            format!(r#"{{"medicationCodeableConcept":PLAIN,"note":[{{"text":"PLANTED"}}],"reasonReference":[{c}]}}"#),
            Some(r#"{"medicationCodeableConcept":PLAIN}"#),
        ),
        (
            Kind::MEDICATION_REQUEST,
            "n",
            r#"{"medicationCodeableConcept":PLAIN,"reasonCode":[SECRET]}"#.to_owned(),
            Some(r#"{"medicationCodeableConcept":PLAIN,CUT}"#),
        ),
        // A logical reference leads there as well.
        (
            Kind::PROCEDURE,
            "p",
            r#"{"code":PLAIN,"reasonReference":[{"identifier":{"system":"urn:x","value":"7"},"display":"PLANTED"}]}"#.to_owned(),
            Some(r#"{"code":PLAIN}"#),
        ),
        // Another's leads elsewhere, and half of one nowhere.
        (Kind::PROCEDURE, "q", OTHERS.to_owned(), Some(OTHERS)),
        // It sums nothing up of what it was asked for by.
        (
            Kind::OBSERVATION,
            "ob",
            format!(r#"{{"code":PLAIN,"basedOn":[{c}],"valueInteger":7}}"#),
            Some(r#"{"code":PLAIN,"valueInteger":7}"#),
        ),
        (Kind::PROVENANCE, "v", format!(r#"{{"target":[{c}]}}"#), None),
        (
            Kind::PROVENANCE,
            "w",
            format!(r#"{{"target":[{c},{{"reference":"Condition/d"}}]}}"#),
            Some(r#"{"target":[{"reference":"Condition/d"}]}"#),
        ),
        (
            Kind::CARE_PLAN,
            "cp",
            format!(r#"{{"title":"PLANTED","addresses":[{c},{{"reference":"Condition/d"}}],"description":"PLANTED"}}"#),
            Some(r#"{"addresses":[{"reference":"Condition/d"}]}"#),
        ),
        (Kind::CARE_PLAN, "cq", format!(r#"{{"title":"PLANTED","addresses":[{c}]}}"#), None),
        (
            Kind::CARE_PLAN,
            "cr",
            r#"{"activity":[{"detail":{"code":SECRET}},{"detail":{"code":PLAIN}}]}"#.to_owned(),
            Some(r#"{"activity":[{"detail":{"code":PLAIN}}],CUT}"#),
        ),
        (Kind::GOAL, "g", format!(r#"{{"description":{{"text":"PLANTED"}},"addresses":[{c}]}}"#), None),
        (Kind::TASK, "t", format!(r#"{{"description":"PLANTED","focus":{c}}}"#), None),
        (Kind::COMMUNICATION, "k", format!(r#"{{"payload":[{{"contentString":"PLANTED"}}],"about":[{c}]}}"#), None),
        (
            Kind::DOCUMENT_REFERENCE,
            "dr",
            format!(r#"{{"content":[{{"attachment":{{"url":"https://x/fhir/R4/Binary/b"}}}}],"context":{{"related":[{c}]}}}}"#),
            None,
        ),
        (Kind::BINARY, "b", r#"{"data":"PLANTED"}"#.to_owned(), None),
        (Kind::COMPOSITION, "co", format!(r#"{{"section":[{{"text":{{"div":"PLANTED"}},"entry":[{c}]}}]}}"#), None),
        (Kind::CLINICAL_IMPRESSION, "ci", format!(r#"{{"summary":"PLANTED","problem":[{c}]}}"#), Some("{}")),
    ]);
}

#[test]
fn a_result_goes_from_its_report_with_what_the_report_makes_of_it() {
    let report = format!(
        r#"{{"code":PLAIN,"result":[{},{{"reference":"Observation/b"}}],"conclusion":"PLANTED","conclusionCode":[PLAIN],"presentedForm":[{{"data":"PLANTED"}}]}}"#,
        to("Observation/a")
    );
    check(&[
        (Kind::OBSERVATION, "a", r#"{"code":SECRET}"#.to_owned(), None),
        (Kind::OBSERVATION, "b", r#"{"code":PLAIN}"#.to_owned(), Some(r#"{"code":PLAIN}"#)),
        (Kind::DIAGNOSTIC_REPORT, "r", report, Some(r#"{"code":PLAIN,"result":[{"reference":"Observation/b"}]}"#)),
        (Kind::DIAGNOSTIC_REPORT, "s", format!(r#"{{"code":PLAIN,"result":[{}],"conclusion":"PLANTED"}}"#, to("Observation/a")), None),
    ]);
}

#[test]
fn a_medicine_is_found_in_every_form_and_along_its_line() {
    let drug = r#"{"coding":[{"system":"https://dmd.nhs.uk","code":"90000002"}],"text":"PLANTED"}"#;
    check(&[
        (Kind::MEDICATION, "x", format!(r#"{{"ingredient":[{{"itemCodeableConcept":{drug}}},{{"itemCodeableConcept":PLAIN}}]}}"#), None),
        (Kind::MEDICATION, "y", r#"{"code":PLAIN}"#.to_owned(), Some(r#"{"code":PLAIN}"#)),
        (Kind::MEDICATION_REQUEST, "a", format!(r#"{{"medicationReference":{}}}"#, to("Medication/x")), None),
        (
            Kind::MEDICATION_REQUEST,
            "b",
            r##"{"medicationReference":{"reference":"Medication/y"}}"##.to_owned(),
            Some(r#"{"medicationReference":{"reference":"Medication/y"}}"#),
        ),
        (
            Kind::MEDICATION_STATEMENT,
            "c",
            format!(
                r##"{{"contained":[{{"resourceType":"Medication","id":"m","code":{drug}}}],"medicationReference":{{"reference":"#m"}}}}"##
            ),
            None,
        ),
        (
            Kind::MEDICATION_DISPENSE,
            "d",
            r#"{"medicationCodeableConcept":PLAIN,"authorizingPrescription":[{"reference":"MedicationRequest/a"}]}"#.to_owned(),
            None,
        ),
        (Kind::MEDICATION_ADMINISTRATION, "e", format!(r#"{{"medicationCodeableConcept":{drug}}}"#), None),
        // What was measured when it was given is no medicine.
        (Kind::OBSERVATION, "o", format!(r#"{{"code":PLAIN,"partOf":[{}]}}"#, to("MedicationAdministration/e")), Some(r#"{"code":PLAIN}"#)),
    ]);
}

#[test]
fn who_where_and_what_kind_of_letter_make_something_sensitive_too() {
    let organisation = r#"{"identifier":[{"system":"urn:ods","value":"XX1"}],"name":"PLANTED"}"#;
    check(&[
        (Kind::ORGANIZATION, "o", organisation.to_owned(), None),
        (Kind::PRACTITIONER_ROLE, "pr", r#"{"organization":{"reference":"Organization/o"}}"#.to_owned(), None),
        (Kind::OBSERVATION, "a", r#"{"code":PLAIN,"performer":[{"reference":"PractitionerRole/pr"}]}"#.to_owned(), None),
        (Kind::PRACTITIONER, "dr", r#"{"identifier":[{"system":"urn:gmc","value":"7777777"}]}"#.to_owned(), None),
        (Kind::OBSERVATION, "b", r#"{"code":PLAIN,"performer":[{"reference":"Practitioner/dr"}]}"#.to_owned(), None),
        (Kind::ENCOUNTER, "e", r#"{"serviceType":{"coding":[{"system":"urn:specialty","code":"360"}]}}"#.to_owned(), None),
        (Kind::OBSERVATION, "c", r#"{"code":PLAIN,"encounter":{"reference":"Encounter/e"}}"#.to_owned(), None),
        (Kind::DOCUMENT_REFERENCE, "d", r#"{"type":{"coding":[{"system":"http://snomed.info/sct","code":"90000004"}]}}"#.to_owned(), None),
        // Their practice is nothing sensitive of the person's own, and they stay.
        (
            Kind::PATIENT,
            "p",
            r#"{"birthDate":"1948-03-11","managingOrganization":{"reference":"Organization/o"}}"#.to_owned(),
            Some(r#"{"birthDate":"1948-03-11"}"#),
        ),
        // Who only met them stays; whom nothing else names does not.
        (
            Kind::OBSERVATION,
            "f",
            r#"{"code":SECRET,"performer":[{"reference":"Practitioner/g"},{"reference":"Practitioner/h"}]}"#.to_owned(),
            None,
        ),
        (Kind::PRACTITIONER, "g", r#"{"name":[{"text":"PLANTED"}]}"#.to_owned(), None),
        (Kind::PRACTITIONER, "h", r#"{"name":[]}"#.to_owned(), Some(r#"{"name":[]}"#)),
        (
            Kind::OBSERVATION,
            "i",
            r#"{"code":PLAIN,"performer":[{"reference":"Practitioner/h"}]}"#.to_owned(),
            Some(r#"{"code":PLAIN,"performer":[{"reference":"Practitioner/h"}]}"#),
        ),
    ]);
}

#[test]
fn what_the_law_restricts_takes_along_what_only_looks_the_same() {
    let left = |code: &str, tier: Tier| {
        let secret = format!(r#"{{"code":{{"coding":[{{"system":"http://snomed.info/sct","code":"{code}"}}]}}}}"#);
        let cases = [
            (Kind::CONDITION, "a", secret, None),
            (Kind::CONDITION, "b", "{}".to_owned(), None),
            (Kind::CONDITION, "c", "{}".to_owned(), None),
        ];
        let mut record = SharedRecord::of(person(), items(&cases));
        let (id, why, members) = ("c".to_owned(), String::new(), vec![0, 1]);
        record.clusters.push(Cluster { id, tier, collapses: true, representative: 0, members, lagging: vec![], retracted: false, why });
        withhold(&permit(), &lists(), &mut record);
        record.items.iter().map(|item| item.id.clone()).collect::<String>()
    };
    for tier in [Tier::T0, Tier::T1, Tier::T2] {
        assert_eq!(left("90000001", tier), "c");
        assert_eq!(left("90000003", tier), "c");
    }
    assert_eq!(left("90000001", Tier::T3), "bc");
    assert_eq!(left("90000003", Tier::T3), "c");
    assert_eq!(left("80000001", Tier::T2), "abc", "what is not listed stays");
    // Whatever it is that looks the same, and by how many steps.
    let restricted = r#"{"code":{"coding":[{"system":"http://snomed.info/sct","code":"90000003"}]}}"#;
    for (looks, relay) in [("a", 0), ("b", 1)] {
        let cases = ["a", "b", "c"].map(|id| (Kind::CONDITION, id, if id == "a" { restricted } else { TOLD }.to_owned(), None));
        let mut record = SharedRecord::of(person(), items(&cases));
        let cluster = |tier, members: Vec<usize>| {
            let (id, why, representative) = ("c".to_owned(), String::new(), members[0]);
            Cluster { id, tier, collapses: true, representative, members, lagging: vec![], retracted: false, why }
        };
        record.clusters = vec![cluster(Tier::T3, vec![relay, 2]), cluster(Tier::T1, vec![0, 1])];
        withhold(&permit(), &lists(), &mut record);
        assert!(record.items.is_empty(), "what looks like {looks}");
    }
}

/// The label of what is not to be told to the patient keeps nothing from those who look after them.
#[test]
fn a_label_about_the_patient_is_no_label_about_the_reader() {
    check(&[(Kind::OBSERVATION, "o", TOLD.to_owned(), Some(TOLD))]);
}

/// Who sees medicines only is told by them nothing of where, by whom and for what they were given.
#[test]
fn what_a_view_does_not_show_makes_sensitive_what_it_shows() {
    let medicine = |rest: &str| format!(r#"{{"medicationCodeableConcept":PLAIN,{rest}}}"#);
    check_for(
        &permit_of("B0401"),
        &[
            (Kind::ENCOUNTER, "e", r#"{"serviceType":{"coding":[{"system":"urn:specialty","code":"360"}]}}"#.to_owned(), None),
            (Kind::MEDICATION_REQUEST, "a", medicine(r#""encounter":{"reference":"Encounter/e"}"#), None),
            (Kind::ENCOUNTER, "f", r#"{"status":"finished"}"#.to_owned(), None),
            (
                Kind::MEDICATION_REQUEST,
                "b",
                medicine(r#""note":[{"text":"Before meals"}],"encounter":{"reference":"Encounter/f"}"#),
                Some(r#"{"medicationCodeableConcept":PLAIN,"note":[{"text":"Before meals"}]}"#),
            ),
            (Kind::CONDITION, "c", r#"{"code":SECRET}"#.to_owned(), None),
            (
                Kind::MEDICATION_REQUEST,
                "d",
                medicine(&format!(r#""note":[{{"text":"PLANTED"}}],"reasonReference":[{}]"#, to("Condition/c"))),
                Some(r#"{"medicationCodeableConcept":PLAIN}"#),
            ),
            (
                Kind::MEDICATION_REQUEST,
                "g",
                medicine(r#""note":[{"text":"Before meals"}],"reasonReference":[{"reference":"Condition/h"}]"#),
                Some(r#"{"medicationCodeableConcept":PLAIN,"note":[{"text":"Before meals"}]}"#),
            ),
        ],
    );
}

#[test]
fn versions_and_relays_of_what_is_labelled_are_so_however_they_are_found() {
    let cases = [
        (Kind::CONDITION, "a", r#"{"code":SECRET}"#.to_owned(), None),
        (Kind::CONDITION, "b", r#"{"meta":{"versionId":"2"}}"#.to_owned(), None),
        (Kind::CONDITION, "b", r#"{"meta":{"versionId":"1"}}"#.to_owned(), None),
        (Kind::CONDITION, "c", "{}".to_owned(), None),
        (Kind::CONDITION, "d", "{}".to_owned(), Some("{}")),
        (Kind::CONDITION, "e", "{}".to_owned(), Some("{}")),
    ];
    let cluster = |members: Vec<usize>| {
        let (id, why, representative) = ("c".to_owned(), String::new(), members[0]);
        Cluster { id, tier: Tier::T2, collapses: true, representative, members, lagging: vec![], retracted: false, why }
    };
    // Whichever of them comes first.
    for order in [[0, 1, 2], [2, 1, 0]] {
        let mut record = SharedRecord::of(person(), items(&cases));
        // The last is one of which nothing is labelled.
        let clusters = [cluster(vec![0, 1]), cluster(vec![2, 3]), cluster(vec![4, 5])];
        record.clusters.extend(order.map(|at| clusters[at].clone()));
        withhold(&permit(), &lists(), &mut record);
        assert_eq!(record.items.iter().map(|item| item.id.as_str()).collect::<Vec<_>>(), ["d", "e"]);
        let mut record = SharedRecord::of(person(), items(&cases));
        record.clusters.extend(order.map(|at| clusters[at].clone()));
        record.items[0].tree = Tree::from_json("{}".to_owned().into()).unwrap();
        record.items[0].traits.objected = true;
        withhold(&permit(), &Lists::default(), &mut record);
        assert_eq!(record.items.iter().map(|item| item.id.as_str()).collect::<Vec<_>>(), ["d", "e"], "nor is what is objected to");
    }
}

#[test]
fn no_other_way_leads_to_what_is_gone_nor_do_other_words_for_it() {
    check(&[
        (Kind::CONDITION, "c", r#"{"code":SECRET}"#.to_owned(), None),
        (
            Kind::PROCEDURE,
            "p",
            format!(
                r#"{{"code":PLAIN,"reasonCode":[{{"text":"PLANTED"}},PLAIN],"reasonReference":[{}]}}"#,
                to("https://elsewhere.example/fhir/Condition/c/_history/3")
            ),
            Some(r#"{"code":PLAIN,"reasonCode":[PLAIN]}"#),
        ),
        (
            Kind::LIST,
            "l",
            format!(r#"{{"title":"PLANTED","entry":[{{"item":{}}},{{"item":{{"reference":"Condition/d"}}}}]}}"#, to("Condition/c")),
            Some(r#"{"entry":[{"item":{"reference":"Condition/d"}}],CUT}"#),
        ),
        (
            Kind::DOCUMENT_REFERENCE,
            "secret",
            r#"{"type":{"coding":[{"system":"http://snomed.info/sct","code":"90000004"}]},"content":[{"attachment":{"url":"Binary/b"}}]}"#
                .to_owned(),
            None,
        ),
        (Kind::BINARY, "b", r#"{"data":"PLANTED"}"#.to_owned(), None),
        // Nor does a link, of an attachment or of anything else.
        (
            Kind::PATIENT,
            "pt",
            r#"{"photo":[{"url":"https://x/fhir/R4/Binary/b"},{"url":"https://x/fhir/R4/Binary/h"},{"url":"https://x/fhir/R4/Condition/c"}]}"#.to_owned(),
            Some(r#"{"photo":[{"url":"https://x/fhir/R4/Binary/h"}]}"#),
        ),
        (
            Kind::DIAGNOSTIC_REPORT,
            "r",
            r#"{"code":PLAIN,"result":[{"reference":"Observation/o"}],"media":[{"link":{"reference":"Binary/b"}}]}"#.to_owned(),
            Some(r#"{"code":PLAIN,"result":[{"reference":"Observation/o"}]}"#),
        ),
        (Kind::OBSERVATION, "o", r#"{"code":PLAIN}"#.to_owned(), Some(r#"{"code":PLAIN}"#)),
        // What a report made of it as a whole goes with all that was attached.
        (
            Kind::DIAGNOSTIC_REPORT,
            "s",
            format!(
                r#"{{"code":PLAIN,"result":[{},{{"reference":"Observation/o"}}],"presentedForm":[{{"url":"https://x/fhir/R4/Binary/f"}}]}}"#,
                to("Observation/n")
            ),
            Some(r#"{"code":PLAIN,"result":[{"reference":"Observation/o"}]}"#),
        ),
        (Kind::OBSERVATION, "n", r#"{"code":SECRET}"#.to_owned(), None),
        (Kind::BINARY, "f", r#"{"data":"PLANTED"}"#.to_owned(), None),
        (Kind::BINARY, "h", r#"{"data":"x"}"#.to_owned(), Some(r#"{"data":"x"}"#)),
    ]);
}

/// Of what did not come nobody knows whether it is listed: nothing leads there, but to what came all the same. Who and where is found by
/// its identifiers.
#[test]
fn nothing_leads_to_what_nobody_saw() {
    let led = [
        (Kind::ENCOUNTER, r#""encounter":{"reference":"Encounter/x"}"#, None),
        (Kind::LOCATION, r#""location":{"reference":"Location/x"}"#, Some(r#""location":{"reference":"Location/x"}"#)),
        (
            Kind::CONDITION,
            r#""reasonReference":[{"reference":"Condition/c"},{"reference":"Condition/x"}]"#,
            Some(r#""reasonReference":[{"reference":"Condition/c"}]"#),
        ),
        (Kind::PATIENT, r#""subject":{"reference":"Patient/x"}"#, Some(r#""subject":{"reference":"Patient/x"}"#)),
    ];
    let left = |closed: Option<Kind>| {
        let each = led.iter().filter_map(|(kind, whole, left)| if closed == Some(*kind) { *left } else { Some(whole) });
        format!("{{{}}}", each.collect::<Vec<_>>().join(","))
    };
    let check = |lists: &Lists, source: &str, kind: Kind, status: Option<Status>, closed: bool| {
        let cases = [(Kind::CONDITION, "c", r#"{"code":PLAIN}"#.to_owned(), None), (Kind::PROCEDURE, "p", left(None), None)];
        let mut record = SharedRecord::of(person(), items(&cases));
        record.plan.rows = vec![Row { status, ..Row::new(source.parse().unwrap(), kind) }];
        withhold(&permit(), lists, &mut record);
        assert_eq!(record.items[1].tree.to_json(), left(closed.then_some(kind)), "{source} {kind} {status:?}");
    };
    let listed = lists();
    for (kind, ..) in led {
        for status in [None, Some(Status::FailedTimeout), Some(Status::IdentityMismatch), Some(Status::Throttled)] {
            check(&listed, "a", kind, status, true);
            check(&listed, "b", kind, status, false);
            check(&Lists::default(), "a", kind, status, false);
        }
        check(&listed, "a", kind, Some(Status::OkEmpty), false);
    }
}

/// Refused by its owner, objected to, or of nobody knows what: whoever reads, and whoever would not be shown it in any case.
#[test]
fn what_is_not_shared_is_not_shown_nor_told_of() {
    type Named = (&'static str, fn(&mut Traits));
    let traits: [Named; 4] = [
        ("nothing", |_| {}),
        ("objected", |traits| traits.objected = true),
        ("unsaid", |traits| traits.unsaid = true),
        ("refused", |traits| traits.refused = true),
    ];
    for (name, set) in traits {
        let told = name == "nothing";
        let cases = [
            (Kind::CONDITION, "c", "{}".to_owned(), None),
            (Kind::CONDITION, "relay", "{}".to_owned(), None),
            (Kind::MEDICATION_REQUEST, "m", format!(r#"{{"note":[{{"text":"words"}}],"reasonReference":[{}]}}"#, to("Condition/c")), None),
        ];
        let left = |permit: &access::Permit| {
            let mut record = SharedRecord::of(person(), items(&cases));
            set(&mut record.items[0].traits);
            let (id, why, members) = ("c".to_owned(), String::new(), vec![0, 1]);
            let (tier, lagging) = (Tier::T1, vec![]);
            record.clusters.push(Cluster { id, tier, collapses: true, representative: 0, members, lagging, retracted: false, why });
            withhold(permit, &Lists::default(), &mut record);
            record.items.iter().map(|item| (item.id.clone(), item.tree.root().get("note").is_some())).collect::<Vec<_>>()
        };
        // What another says of the same is theirs to share, where nobody said that it is not.
        let relay = (told || name == "unsaid").then(|| ("relay".to_owned(), false));
        let whole = told.then(|| ("c".to_owned(), false)).into_iter().chain(relay).chain([("m".to_owned(), told)]);
        assert_eq!(left(&permit()), whole.collect::<Vec<_>>(), "{name}");
        assert_eq!(left(&permit_of("B0401")), [("m".to_owned(), told)], "{name}");
    }
}

/// Whose record it is, its reader knows: that it is theirs is not closed where only their Patient is left out.
#[test]
fn a_reader_who_is_not_shown_the_patient_is_told_whose_the_rest_is() {
    let restricted = r#"{"meta":{"security":[{"system":"http://terminology.hl7.org/CodeSystem/v3-Confidentiality","code":"R"}]}}"#;
    for (scopes, patient, stays, subject) in [
        ("user/*.rs", "{}", true, true),
        ("user/*.rs", restricted, false, false),
        ("user/Observation.rs user/Condition.rs", "{}", false, true),
    ] {
        let observation = format!(r#"{{"subject":{{"reference":"Patient/p"}},"basedOn":[{}]}}"#, to("Condition/c"));
        let cases = [
            (Kind::PATIENT, "p", patient.to_owned(), None),
            (Kind::OBSERVATION, "o", observation, None),
            (Kind::CONDITION, "c", r#"{"code":SECRET}"#.to_owned(), None),
        ];
        let mut record = SharedRecord::of(person(), items(&cases));
        withhold(&permit_for("B0360", scopes), &lists(), &mut record);
        let left = record.items.last().unwrap().tree.to_json();
        let expected = if subject { r#"{"subject":{"reference":"Patient/p"}}"# } else { "{}" };
        assert_eq!((record.items.len() == 2, left.as_str()), (stays, expected), "{scopes} {patient}");
    }
}

#[test]
fn what_is_withheld_and_what_lost_a_part_is_counted() {
    let part = r#"{"code":PLAIN,"component":[{"code":SECRET},{"code":PLAIN}]}"#.to_owned();
    let cases = [
        (Kind::OBSERVATION, "a", part.clone(), None),
        (Kind::OBSERVATION, "b", part, None),
        (Kind::OBSERVATION, "c", r#"{"code":SECRET}"#.to_owned(), None),
        (Kind::OBSERVATION, "d", r#"{"code":SECRET}"#.to_owned(), None),
        (Kind::CONDITION, "e", r#"{"code":SECRET}"#.to_owned(), None),
        (Kind::CONDITION, "f", r#"{"code":PLAIN}"#.to_owned(), None),
    ];
    let mut record = SharedRecord::of(person(), items(&cases));
    record.plan.rows =
        [Kind::CONDITION, Kind::OBSERVATION].map(|kind| Row { status: Some(Status::Ok), ..Row::new("a".parse().unwrap(), kind) }).to_vec();
    withhold(&permit(), &lists(), &mut record);
    let counts: Vec<(u64, u64)> = record.plan.rows.iter().map(|row| (row.counts.withheld, row.counts.redacted)).collect();
    assert_eq!((counts, record.withheld.len()), (vec![(1, 0), (2, 2)], 3));
}

/// Whatever a reader is shown, these are asked for: the rest is judged by them.
#[test]
fn what_judges_the_rest_is_asked_for() {
    for (kind, where_listed, always) in [
        (Kind::CONSENT, true, true),
        (Kind::ENCOUNTER, true, false),
        (Kind::PRACTITIONER, true, false),
        (Kind::MEDICATION, true, false),
        (Kind::CONDITION, false, false),
        (Kind::PATIENT, false, false),
    ] {
        assert_eq!((judges(kind, &lists()), judges(kind, &Lists::default())), (where_listed, always), "{kind}");
    }
}

#[test]
fn what_lost_something_of_its_own_says_so_in_one_word() {
    let label = |system: &str, code: &str| {
        format!(r#"{{"meta":{{"security":[{{"system":"urn:x","code":"y"}},{{"system":"{system}","code":"{code}"}}]}}}}"#)
    };
    let system = "http://terminology.hl7.org/CodeSystem/v3-ObservationValue";
    for (json, says) in [
        (format!("{{{CUT}}}"), true),
        (label(system, "REDACTED"), true),
        (label(system, "MASKED"), false),
        (label("urn:x", "REDACTED"), false),
        ("{}".to_owned(), false),
    ] {
        assert_eq!(is_redacted(&items(&[(Kind::OBSERVATION, "o", json.clone(), None)])[0]), says, "{json}");
    }
}

use record::{Cause, Cluster, Hint, Origin, PersonId, Plan, Quarantined, Row, Traits};

use super::*;

fn parsed(json: &str) -> Tree {
    Tree::from_json(json.to_owned().into()).expect("JSON")
}

fn item(kind: Kind, id: &str, json: &str) -> Item {
    let origin = Origin { source: "rookery".parse().expect("an id"), kind: kind.name().into(), id: Some(format!("{id}-there")) };
    Item { kind, id: format!("rookery-{id}"), origin, tree: parsed(json), findings: Vec::new(), traits: Traits::default() }
}

fn hidden(items: Vec<Item>) -> SharedRecord {
    hidden_with(items, |_| {})
}

fn hidden_with(items: Vec<Item>, beside: impl FnOnce(&mut SharedRecord)) -> SharedRecord {
    let person: PersonId = "7c9f7d1e-9d7f-4d55-8e4f-0e6a4a9d2a11".parse().expect("an id");
    let mut record = SharedRecord::of(person, items);
    let source: SourceId = "rookery".parse().expect("an id");
    let kinds: std::collections::BTreeSet<&str> = record.items.iter().map(|item| item.kind.name()).collect();
    let rows = kinds.into_iter().filter_map(Kind::parse).map(|kind| {
        let mut row = Row::new(source.clone(), kind);
        row.counts.came = record.items.iter().filter(|item| item.kind == kind).count() as u64;
        row
    });
    record.plan = Plan { rows: rows.collect() };
    beside(&mut record);
    let mut region = Words::default();
    region.add("Rookery Green Hospitals");
    let id = |kind: Kind, id: &str| format!("new-{}-{}", kind.name().to_lowercase(), id.trim_start_matches("rookery-"));
    let sources = BTreeMap::from([(source, "source1".parse().expect("an id"))]);
    hide(&Hiding { sources, id: &id, region }, &mut record);
    record
}

fn text(record: &SharedRecord) -> String {
    let mut all = Vec::new();
    record.items.iter().for_each(|item| {
        item.tree.write_json(&mut all);
        all.push(b'\n');
    });
    String::from_utf8(all).expect("text")
}

#[test]
fn words_tell_of_a_place_that_are_a_place_s() {
    let mut words = Words::default();
    for name in ["12 Larkspur Close", "Mill View Court Hospital", "Dr Imogen Thackeray", "01632 960 123", "B15 2TH", "RRK97"] {
        words.add(name);
    }
    for (text, tells) in [
        ("Allergy to penicillin", false),
        ("Seen at Larkspur", true),
        ("seen at LARKSPUR.", true),
        ("larkspurs are poisonous", false),
        // Words of half of all names name nothing by themselves; together they do.
        ("Court order, view of the heart", false),
        ("moved to mill view court hospital", true),
        ("Close contact", false),
        ("per Thackeray", true),
        ("call 01632960123", true),
        ("call 01632 960 123", true),
        ("Influenza vaccine 2026-2027", false),
        ("Amoxicillin 500mg/5ml", false),
        ("Nystatin 100,000 units/ml", false),
        ("lives in SW1A 1AA", true),
        ("lives in SW1A1AA", true),
        ("E11 9 weeks", false),
        ("ask a.b@example.org", true),
        ("see https://trust.example/letter", true),
        ("Mill View Court Hospital", true),
        ("see www.trust.example", true),
        ("reported to RRK97", true),
        ("", false),
    ] {
        assert_eq!(words.tell(text), tells, "{text}");
    }
}

#[test]
fn codes_and_numbers_stay_and_every_place_goes() {
    let record = hidden(vec![
        item(
            Kind::PATIENT,
            "p",
            r#"{"resourceType":"Patient","id":"rookery-p","meta":{"source":"https://rookery.example","tag":[{"system":"urn:severn:source","code":"rookery"}]},"text":{"status":"generated","div":"<div>Larkspur</div>"},
            "extension":[{"url":"https://rookery.example/ward","valueString":"Ward"}],
            "identifier":[{"system":"https://fhir.nhs.uk/Id/nhs-number","value":"9990000018","assigner":{"display":"Rookery"}},{"system":"https://rookery.example/mrn","value":"M77"}],
            "name":[{"use":"official","family":"Hartley","given":["Margaret"],"text":"Margaret of Larkspur","_family":{"extension":[]}}],"gender":"female","birthDate":"1948-06-02",
            "address":[{"line":["12 Larkspur Close"],"city":"Netherby","postalCode":"B15 2TH"}],"telecom":[{"value":"01632 960123"}],
            "contact":[{"name":{"family":"Dunne"},"address":{"city":"Oxter"}}],"managingOrganization":{"display":"Rookery Green"},"generalPractitioner":[{"display":"Dr Quill"}],"photo":[{"url":"https://rookery.example/x.png"}]}"#,
        ),
        item(
            Kind::ALLERGY_INTOLERANCE,
            "a",
            r#"{"resourceType":"AllergyIntolerance","id":"rookery-a","meta":{"profile":["https://rookery.example/p"],"tag":[]},"identifier":[{"system":"https://rookery.example/a","value":"1"}],
            "clinicalStatus":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical","code":"active"}]},"criticality":"high",
            "code":{"coding":[{"system":"http://snomed.info/sct","code":"91936005","display":"Allergy to penicillin"},{"system":"https://rookery.example/codes","code":"PEN","display":"Pen (Rookery)"}],"text":"Allergy to penicillin"},
            "patient":{"reference":"Patient/rookery-p","display":"Margaret"},"recorder":{"display":"Dr Quill"},"asserter":{"reference":"Practitioner/rookery-q"},"recordedDate":"2024-03-01",
            "note":[{"text":"Told by the warden"}],"reaction":[{"substance":{"text":"Penicillin"},"manifestation":[{"coding":[{"system":"http://snomed.info/sct","code":"39579001","display":"Anaphylaxis in Netherby"}]}],"description":"at the refuge","severity":"severe"}]}"#,
        ),
        item(
            Kind::MEDICATION_REQUEST,
            "m",
            r##"{"resourceType":"MedicationRequest","id":"rookery-m","contained":[{"resourceType":"Medication","id":"med-rookery","manufacturer":{"display":"Rookery"},"code":{"text":"Ramipril 5 mg capsules"}}],
            "status":"active","intent":"order","medicationReference":{"reference":"#med-rookery","display":"Ramipril"},"subject":{"reference":"Patient/rookery-p"},"encounter":{"reference":"Encounter/rookery-e"},"requester":{"display":"Dr Quill"},
            "dosageInstruction":[{"text":"One daily","timing":{"repeat":{"frequency":1,"period":1,"periodUnit":"d"}},"patientInstruction":"ask at Netherby"},{"text":"ring Dr Quill first"}],"dispenseRequest":{"performer":{"display":"Netherby Pharmacy"},"numberOfRepeatsAllowed":3}}"##,
        ),
        item(
            Kind::OBSERVATION,
            "o",
            r#"{"resourceType":"Observation","id":"rookery-o","status":"final","code":{"coding":[{"system":"http://loinc.org","code":"2823-3","display":"Potassium"}]},"subject":{"reference":"Patient/rookery-p"},"effectiveDateTime":"2026-01-02T09:00:00Z",
            "valueQuantity":{"value":6.10,"unit":"mmol/L","system":"http://unitsofmeasure.org","code":"mmol/L"},"performer":[{"display":"Netherby Laboratory"}],"device":{"display":"Analyser 3, Netherby"}}"#,
        ),
        item(Kind::ENCOUNTER, "e", r#"{"resourceType":"Encounter","id":"rookery-e","status":"finished"}"#),
        item(Kind::PRACTITIONER, "q", r#"{"resourceType":"Practitioner","id":"rookery-q","name":[{"family":"Quill"}]}"#),
    ]);
    let left = text(&record);
    for gone in [
        "ookery",
        "Larkspur",
        "Netherby",
        "Quill",
        "Dunne",
        "Oxter",
        "B15",
        "960123",
        "warden",
        "refuge",
        "M77",
        "Encounter",
        "Practitioner",
        "display\":\"Ramipril",
        "Told",
        "Ward",
        "generated",
        "extension",
        "profile",
    ] {
        assert!(!left.contains(gone), "{gone}: {left}");
    }
    for stays in [
        "\"family\":\"Hartley\"",
        "9990000018",
        "1948-06-02",
        "\"code\":\"91936005\",\"display\":\"Allergy to penicillin\"",
        "\"text\":\"Allergy to penicillin\"",
        "\"criticality\":\"high\"",
        "\"code\":\"39579001\"",
        LEFT_OUT,
        "\"severity\":\"severe\"",
        "\"text\":\"Penicillin\"",
        "Ramipril 5 mg capsules",
        "#inside-1",
        "\"text\":\"One daily\"",
        "\"frequency\":1",
        "\"numberOfRepeatsAllowed\":3",
        "\"value\":6.10",
        "mmol/L",
        "Patient/new-patient-p",
        "\"code\":\"source1\"",
    ] {
        assert!(left.contains(stays), "{stays}: {left}");
    }
    let withheld: Vec<(&str, u64)> = record.plan.rows.iter().map(|row| (row.kind.name(), row.counts.withheld)).collect();
    assert_eq!(
        withheld,
        [("AllergyIntolerance", 0), ("Encounter", 1), ("MedicationRequest", 0), ("Observation", 0), ("Patient", 0), ("Practitioner", 1)]
    );
    assert!(record.plan.rows.iter().all(|row| row.source.as_str() == "source1"));
    assert!(record.items.iter().all(|item| item.origin.id.is_none() && item.id.starts_with("new-")));
}

/// What would say something else without what is left out is not shown at all.
#[test]
fn what_would_say_something_else_is_withheld_whole() {
    let gone = |kind: Kind, json: &str| {
        let record = hidden(vec![item(kind, "x", json)]);
        assert!(record.items.is_empty(), "{}", text(&record));
        assert_eq!((record.plan.rows[0].counts.withheld, record.withheld.len()), (1, 1));
    };
    let coded = r#""code":{"coding":[{"system":"http://snomed.info/sct","code":"1","display":"One"}]}"#;
    // Its meaning is turned by what nobody here knows.
    gone(Kind::CONDITION, &format!(r#"{{"resourceType":"Condition","id":"x",{coded},"modifierExtension":[{{"url":"u"}}]}}"#));
    gone(
        Kind::MEDICATION_STATEMENT,
        r#"{"resourceType":"MedicationStatement","id":"x","medicationCodeableConcept":{"text":"Aspirin"},"dosage":[{"modifierExtension":[{"url":"u"}]}]}"#,
    );
    gone(Kind::CONDITION, &format!(r#"{{"resourceType":"Condition","id":"x",{coded},"implicitRules":"u"}}"#));
    // Its value stands in words, or in units of somebody's own.
    gone(Kind::OBSERVATION, &format!(r#"{{"resourceType":"Observation","id":"x",{coded},"valueString":"lives with her sister"}}"#));
    gone(
        Kind::OBSERVATION,
        &format!(
            r#"{{"resourceType":"Observation","id":"x",{coded},"valueQuantity":{{"value":1,"system":"https://rookery.example/u","code":"u"}}}}"#
        ),
    );
    gone(
        Kind::OBSERVATION,
        &format!(r#"{{"resourceType":"Observation","id":"x",{coded},"component":[{{{coded},"valueString":"words"}}]}}"#),
    );
    // It has nothing but a code of its supplier's, or words of which nobody knows what they tell.
    gone(
        Kind::CONDITION,
        r#"{"resourceType":"Condition","id":"x","code":{"coding":[{"system":"https://rookery.example/c","code":"1","display":"Asthma"}],"text":"Asthma"}}"#,
    );
    gone(Kind::ALLERGY_INTOLERANCE, r#"{"resourceType":"AllergyIntolerance","id":"x","code":{"text":"the Rookery cat"}}"#);
    // What it refers to is not shown.
    gone(
        Kind::MEDICATION_REQUEST,
        r#"{"resourceType":"MedicationRequest","id":"x","medicationReference":{"reference":"Medication/elsewhere"}}"#,
    );
}

/// A code is not a place's name, wherever such a thing as a reason is referred to by its name.
#[test]
fn what_somebody_has_is_not_taken_for_a_place() {
    let record = hidden(vec![
        item(
            Kind::CONDITION,
            "c",
            r#"{"resourceType":"Condition","id":"c","code":{"coding":[{"system":"http://snomed.info/sct","code":"195967001","display":"Asthma"}]}}"#,
        ),
        item(
            Kind::MEDICATION_REQUEST,
            "m",
            r#"{"resourceType":"MedicationRequest","id":"m","medicationCodeableConcept":{"text":"Salbutamol"},"reasonReference":[{"reference":"Condition/rookery-c","display":"Asthma"}],"supportingInformation":[{"reference":"Condition/rookery-c","display":"Asthma"}]}"#,
        ),
    ]);
    let left = text(&record);
    assert!(left.contains("\"display\":\"Asthma\"") && left.contains("Condition/new-condition-c"), "{left}");
}

#[test]
fn a_postcode_and_a_number_of_somebody_are_told_from_a_dose_and_a_date() {
    for (text, tells) in [
        ("M1 1AE", true),
        ("M11AE", true),
        ("EC1A 1BB", true),
        ("EC1A1BB", true),
        ("B15 2T", false),
        ("B15 22H", false),
        ("B15 ABC", false),
        ("B15 2THH", false),
        ("15 2TH", false),
        ("ABC1 2TH", false),
        ("AB 2TH", false),
        ("B1234 2TH", false),
        ("took the 2nd dose", false),
        ("xyz2th", false),
        ("123456", false),
        ("1234567", true),
        ("1234 5678", false),
        ("1234 56789", true),
        ("12a34b56c78d9", false),
    ] {
        assert_eq!(Words::default().tell(text), tells, "{text}");
    }
}

/// By what a record says of somebody or somewhere, a name of a place is learnt; and by nothing else.
#[test]
fn names_of_places_are_learnt_where_they_stand() {
    for (kind, json, learns) in [
        (Kind::ORGANIZATION, r#"{"name":"Zeppelin"}"#, true),
        (Kind::ORGANIZATION, r#"{"language":"Zeppelin"}"#, false),
        (Kind::OBSERVATION, r#"{"name":"Zeppelin"}"#, false),
        (Kind::OBSERVATION, r#"{"note":[{"text":"Zeppelin"}]}"#, false),
        (Kind::OBSERVATION, r#"{"contained":[{"resourceType":"Organization","name":"Zeppelin"}]}"#, true),
        (Kind::PATIENT, r#"{"address":[{"city":"Zeppelin"}]}"#, true),
        (Kind::PATIENT, r#"{"address":[{"text":"Zeppelin"}]}"#, true),
        (Kind::PATIENT, r#"{"address":[{"use":"Zeppelin"}]}"#, false),
        (Kind::PATIENT, r#"{"telecom":[{"value":"Zeppelin"}]}"#, true),
        (Kind::PATIENT, r#"{"telecom":[{"system":"Zeppelin"}]}"#, false),
        (Kind::PATIENT, r#"{"identifier":[{"value":"Zeppelin"}]}"#, false),
        (Kind::OBSERVATION, r#"{"performer":[{"display":"Zeppelin"}]}"#, true),
        (Kind::OBSERVATION, r#"{"performer":[{"reference":"Organization/x","display":"Zeppelin"}]}"#, true),
        (Kind::OBSERVATION, r#"{"performer":[{"reference":"Organization/zeppelin"}]}"#, false),
        (Kind::OBSERVATION, r#"{"performer":[{"type":"Device","display":"Zeppelin"}]}"#, false),
        (Kind::OBSERVATION, r#"{"encounter":{"reference":"Encounter/x","display":"Zeppelin"}}"#, true),
        (Kind::OBSERVATION, r#"{"reasonReference":[{"display":"Zeppelin"}]}"#, false),
        (Kind::OBSERVATION, r#"{"code":{"coding":[{"system":"s","code":"c","display":"Zeppelin"}]}}"#, false),
        (Kind::OBSERVATION, r#"{"code":{"coding":[{"system":"s","display":"Zeppelin"}]}}"#, false),
        (Kind::OBSERVATION, r#"{"code":{"coding":[{"code":"c","display":"Zeppelin"}]}}"#, false),
    ] {
        let mut words = Words::default();
        words.learn(kind, parsed(json).root());
        assert_eq!(words.tell("met in Zeppelin"), learns, "{json}");
    }
}

#[test]
fn a_code_is_everybodys_by_its_system() {
    for (system, public) in [
        ("http://snomed.info/sct", true),
        ("http://loinc.org", true),
        ("http://unitsofmeasure.org", true),
        ("urn:iso:std:iso:3166", true),
        ("http://hl7.org/fhir/observation-status", true),
        ("http://terminology.hl7.org/CodeSystem/condition-clinical", true),
        ("https://fhir.hl7.org.uk/CodeSystem/UKCore-x", true),
        ("https://fhir.nhs.uk/England/CodeSystem/x", true),
        ("https://fhir.nhs.uk/Id/ods-organization-code", false),
        ("https://rookery.example/CodeSystem/x", false),
        ("", false),
    ] {
        assert_eq!(shown::is_public(system), public, "{system}");
    }
}

const CODED: &str = r#"{"coding":[{"system":"http://snomed.info/sct","code":"1","display":"One"}]}"#;

/// What is left of a resource beside its id and source.
fn left(kind: Kind, rest: &str) -> Option<String> {
    let rest = rest.replace("CODED", CODED);
    let record = hidden(vec![item(kind, "x", &format!(r#"{{"resourceType":"{kind}","id":"x",{rest}}}"#))]);
    let json = record.items.first()?.tree.to_json();
    let (_, left) = json.split_once(r#""code":"source1"}]},"#)?;
    Some(left.strip_suffix('}')?.replace(CODED, "CODED"))
}

/// Of each type that is shown, what says what it is; without, there is nothing to show.
#[test]
fn a_resource_is_shown_that_still_says_what_it_is() {
    let (code, medicine) = (r#""code":CODED"#, r#""medicationCodeableConcept":CODED"#);
    for (kind, says) in [
        (Kind::ALLERGY_INTOLERANCE, code),
        (Kind::CARE_PLAN, r#""category":[CODED]"#),
        (Kind::CARE_PLAN, r#""activity":[{"detail":{"code":CODED}}]"#),
        (Kind::CONDITION, code),
        (Kind::DEVICE, r#""type":CODED"#),
        (Kind::DIAGNOSTIC_REPORT, code),
        (Kind::FAMILY_MEMBER_HISTORY, r#""relationship":CODED"#),
        (Kind::FLAG, code),
        (Kind::GOAL, r#""description":CODED"#),
        (Kind::IMMUNIZATION, r#""vaccineCode":CODED"#),
        (Kind::MEDICATION, code),
        (Kind::MEDICATION_ADMINISTRATION, medicine),
        (Kind::MEDICATION_DISPENSE, medicine),
        (Kind::MEDICATION_REQUEST, medicine),
        (Kind::MEDICATION_STATEMENT, medicine),
        (Kind::OBSERVATION, code),
        (Kind::PROCEDURE, code),
        (Kind::SPECIMEN, r#""type":CODED"#),
    ] {
        assert_eq!(left(kind, says).as_deref(), Some(says), "{kind}");
        assert_eq!(left(kind, r#""status":"active","clinicalStatus":CODED,"lifecycleStatus":"active""#), None, "{kind}");
    }
    for kind in [Kind::ENCOUNTER, Kind::LOCATION, Kind::DOCUMENT_REFERENCE, Kind::LIST] {
        assert_eq!(left(kind, code), None, "{kind}");
    }
}

/// Element by element: what is left of it, and of the whole.
#[test]
fn an_element_is_left_whole_or_not_at_all() {
    let check = |kind: Kind, rest: &str, expected: Option<&str>| {
        let expected = expected.map(|left| if left.is_empty() { r#""code":CODED"#.to_owned() } else { format!(r#""code":CODED,{left}"#) });
        assert_eq!(left(kind, &format!(r#""code":CODED,{rest}"#)), expected, "{rest}");
    };
    let same = |kind: Kind, rest: &str| check(kind, rest, Some(rest));
    use Kind as K;
    // A result, with its value, or in parts.
    same(K::OBSERVATION, r#""valueInteger":1"#);
    same(K::OBSERVATION, r#""component":[{"code":CODED,"valueInteger":1}]"#);
    same(K::OBSERVATION, r#""component":[{"code":CODED,"dataAbsentReason":CODED}]"#);
    same(K::OBSERVATION, r#""component":[{"code":CODED,"valueQuantity":{"value":1,"unit":"mg"}}]"#);
    same(K::OBSERVATION, r#""valueQuantity":{"value":1,"unit":"mg"}"#);
    check(K::OBSERVATION, r#""valueString":"words""#, None);
    check(
        K::OBSERVATION,
        r#""component":[{"code":CODED,"valueString":"words"},{"valueInteger":1},{"code":CODED,"valueInteger":2}]"#,
        Some(r#""component":[{"code":CODED,"valueInteger":2}]"#),
    );
    // Words of a code: its own, or none.
    same(K::CONDITION, r#""bodySite":[{"coding":[{"system":"http://snomed.info/sct","code":"2"}]}]"#);
    same(K::CONDITION, r#""bodySite":[{"coding":[{"system":"http://snomed.info/sct","code":"2","display":"Two"}],"text":"two"}]"#);
    check(
        K::CONDITION,
        r#""bodySite":[{"coding":[{"system":"http://snomed.info/sct","code":"2","display":"Two"}],"text":"another"}]"#,
        Some(r#""bodySite":[{"coding":[{"system":"http://snomed.info/sct","code":"2","display":"Two"}]}]"#),
    );
    let left_out = format!(r#""bodySite":[{{"coding":[{{"system":"http://snomed.info/sct","code":"2"}}],"text":"{LEFT_OUT}"}}]"#);
    for told in [r#"],"text":"near Rookery""#, r#"],"text":"another""#] {
        let rest = format!(r#""bodySite":[{{"coding":[{{"system":"http://snomed.info/sct","code":"2"}}{told}}}]"#);
        check(K::CONDITION, &rest, Some(&left_out));
    }
    check(K::CONDITION, r#""bodySite":[{"text":"words"}]"#, Some(""));
    check(K::CONDITION, r#""evidence":[{"code":[{"text":"words"}]}]"#, Some(""));
    check(K::CONDITION, r#""bodySite":[{"coding":[{"system":"urn:x","code":"2","display":"Two"}],"text":"Two"}]"#, Some(""));
    check(K::CONDITION, r#""recordedDate":{"coding":[{"system":"urn:x","code":"2"}],"text":"words"}"#, Some(""));
    assert_eq!(left(K::ALLERGY_INTOLERANCE, r#""code":{"text":"Peanuts"}"#).as_deref(), Some(r#""code":{"text":"Peanuts"}"#));
    // An object of which nothing is left.
    check(K::CONDITION, r#""onsetPeriod":{"extension":[{"url":"u"}]}"#, Some(""));
    // References lead to what is shown here, by nothing but its id.
    check(K::CONDITION, r#""subject":{"type":"Patient","display":"Margaret"}"#, Some(""));
    check(K::CONDITION, r#""subject":{"reference":"Patient/rookery-y"}"#, Some(r#""subject":{"reference":"Patient/new-patient-y"}"#));
    let itself = |id: &str| format!(r#""evidence":[{{"detail":[{{"reference":"Condition/{id}"}}]}}]"#);
    check(K::CONDITION, &itself("rookery-x"), Some(&itself("new-condition-x")));
    check(K::CONDITION, &itself("rookery-y"), Some(""));
}

/// A medicine that is not shown is not led to: its prescription would say nothing of what was prescribed.
#[test]
fn what_contains_its_medicine_is_shown_with_it_or_not_at_all() {
    let check = |contained: &str, expected: Option<&str>| {
        let rest = format!(r##""contained":[{contained}],"medicationReference":{{"reference":"#b"}}"##);
        assert_eq!(left(Kind::MEDICATION_REQUEST, &rest).as_deref(), expected, "{contained}");
    };
    let first = r##""contained":[{"resourceType":"Medication","id":"inside-1","code":{"text":"Aspirin"}}],"medicationReference":{"reference":"#inside-1"}"##;
    let b = r#"{"resourceType":"Medication","id":"b","code":{"text":"Aspirin"}}"#;
    check(b, Some(first));
    check(&format!(r#"{{"resourceType":"Medication","id":"a","code":{{"text":"as at Rookery"}}}},{b}"#), Some(first));
    check(&format!(r#"{{"resourceType":"Organization","id":"a","name":"Zeppelin"}},{b}"#), Some(first));
    check(r#"{"resourceType":"Medication","id":"a","code":{"text":"Aspirin"}}"#, None);
    check(r#"{"resourceType":"Medication","id":"b","code":{"text":"as at Rookery"}}"#, None);
    check(r#"{"resourceType":"Medication","id":"b","status":"active"}"#, None);
    check(r#"{"resourceType":"Organization","id":"b","name":"Zeppelin"}"#, None);
}

#[test]
fn what_stands_beside_a_record_tells_of_no_place_either() {
    let coded = |id| item(Kind::CONDITION, id, &format!(r#"{{"resourceType":"Condition","code":{CODED}}}"#));
    for (tier, why) in [
        (Tier::T0, "versions of one resource"),
        (Tier::T1, "one identifier"),
        (Tier::T2, "the same content"),
        (Tier::T3, "the same by what it states"),
        (Tier::T4, "they may belong together"),
    ] {
        let record = hidden_with(vec![coded("a"), coded("b"), item(Kind::ENCOUNTER, "e", "{}")], |record| {
            let told = || "Rookery".to_owned();
            let members = vec![0, 1];
            record.items[0].traits = Traits { subjects: vec!["rookery-p".to_owned()], via: Some(told()), ..Traits::default() };
            record.clusters.push(Cluster {
                id: "c".to_owned(),
                tier,
                collapses: true,
                representative: 0,
                members: members.clone(),
                lagging: vec![],
                retracted: false,
                why: told(),
            });
            record.hints.push(Hint { members, why: told() });
            let quarantined = Quarantined { kind: None, named: String::new(), id: Some(told()), cause: Cause::Held, detail: told() };
            record.quarantined.push(("elsewhere".parse().expect("an id"), quarantined));
            record.withheld.push(("rookery".parse().expect("an id"), Kind::CONDITION));
            (record.plan.rows[0].note, record.plan.rows[0].last_answered) = (Some(told()), Some(jiff::Timestamp::UNIX_EPOCH));
        });
        assert!(!format!("{record:?}").to_lowercase().contains("rookery"), "{record:?}");
        assert_eq!((record.clusters[0].why.as_str(), record.hints[0].why.as_str()), (why, "they may belong together"));
        assert_eq!((record.quarantined[0].0.as_str(), record.withheld[0].0.as_str()), ("source0", "source1"));
        let subjects = Traits { subjects: vec!["new-patient-p".to_owned()], generated_narrative: true, ..Traits::default() };
        assert_eq!(format!("{:?}", record.items[0].traits), format!("{subjects:?}"));
        assert!(record.plan.rows[0].note.is_some() && record.plan.rows[0].last_answered.is_none());
    }
}

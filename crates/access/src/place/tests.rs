use record::{Origin, PersonId, Plan, Row, Traits};

use super::*;

fn parsed(json: &str) -> Tree {
    Tree::from_json(json.to_owned().into()).expect("JSON")
}

fn item(kind: Kind, id: &str, json: &str) -> Item {
    let origin = Origin { source: "rookery".parse().expect("an id"), kind: kind.name().into(), id: Some(format!("{id}-there")) };
    Item { kind, id: format!("rookery-{id}"), origin, tree: parsed(json), findings: Vec::new(), traits: Traits::default() }
}

fn hidden(items: Vec<Item>) -> SharedRecord {
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

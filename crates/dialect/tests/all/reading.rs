//! What becomes of a resource on its way: ids, references, addresses, narratives, order.

use crate::server::*;
use dialect::{Converted, Dialect, Everything, Known, Settings, Told, convert};
use fhir::{Kind, Version};
use proptest::prelude::*;
use record::{Cause, FindingCode, Item, Need};

/// Reads one person's resources as a source told them, by `$everything`.
fn told(resources: &[String]) -> Told {
    entries(&resources.iter().map(|resource| format!(r#"{{"resource":{resource}}}"#)).collect::<Vec<_>>())
}

fn entries(entries: &[String]) -> Told {
    let settings = Settings { everything: Everything::Always, ..settings() };
    let server = |target: &str| match target {
        t if t.starts_with("Patient?") => bundle(&[patient("p")]),
        "Patient/p/$everything" => Ok((200, format!(r#"{{"resourceType":"Bundle","entry":[{}]}}"#, entries.join(",")))),
        _ => Ok((404, String::new())),
    };
    read(&Need::everything(), &settings, &server)
}

fn one(resource: &str) -> Item {
    told(&[resource.to_owned()]).chart.items.remove(0)
}

fn codes(item: &Item) -> Vec<&'static str> {
    item.findings.iter().map(|finding| finding.code.code()).collect()
}

/// What becomes of a reference in a resource that stands beside a Patient `p` and a Practitioner `d`.
fn led(reference: &str) -> (String, Vec<String>) {
    let flag = format!(r#"{{"resourceType":"Flag","id":"f","subject":{{"reference":"Patient/p"}},"author":{reference}}}"#);
    let doctor = r#"{"resourceType":"Practitioner","id":"d"}"#;
    let entry = |url: &str, resource: &str| format!(r#"{{"fullUrl":"{url}","resource":{resource}}}"#);
    let told = entries(&[entry("urn:uuid:f", &flag), entry("urn:uuid:6F-1c", doctor)]);
    let item = told.chart.items.iter().find(|item| item.kind == Kind::FLAG).unwrap();
    let findings = item.findings.iter().map(|finding| format!("{} {}", finding.code.code(), finding.path)).collect();
    (item.tree.root().get("author").unwrap().to_json(), findings)
}

#[test]
fn references_in_every_form_lead_to_minted_ids() {
    let check = |written: &str, expected: &str| {
        let (became, findings) = led(&format!(r#"{{"reference":"{written}"}}"#));
        assert_eq!(became, format!(r#"{{"reference":"{expected}"}}"#), "{written}");
        let resolved = expected == "Practitioner/trust-d" || expected.starts_with('#');
        let marked = if resolved { vec![] } else { vec!["unresolved-reference Flag.author.reference"] };
        assert_eq!(findings, marked, "{written}");
    };
    check("Practitioner/d", "Practitioner/trust-d");
    check("/Practitioner/d", "Practitioner/trust-d");
    check("Practitioner/d/_history/3", "Practitioner/trust-d");
    check("https://fhir.trust.example/r4/Practitioner/d", "Practitioner/trust-d");
    check("https:\\/\\/fhir.trust.example\\/r4\\/Practitioner\\/d", "Practitioner/trust-d");
    check("d", "Practitioner/trust-d");
    check("#d", "#d");
    check("Practitioner/x", "Practitioner/trust-x");
    check("urn:uuid:unknown", "urn:uuid:unknown");
    check("Nonsense/1", "Nonsense/1");
}

#[test]
fn an_address_that_says_another_id_leads_there_and_is_marked() {
    let (became, findings) = led(r#"{"reference":"urn:uuid:6F-1c"}"#);
    assert_eq!(became, r#"{"reference":"Practitioner/trust-d"}"#);
    assert_eq!(findings, ["converted Flag.author.reference"]);
}

#[test]
fn an_address_elsewhere_is_not_passed_on() {
    let check = |written: &str, expected: &str| {
        let (became, findings) = led(written);
        assert_eq!(became, expected);
        assert_eq!(findings, ["unresolved-reference Flag.author.reference"]);
    };
    let away = r#""reference":"https://other.example/fhir/Organization/1""#;
    check(&format!(r#"{{{away},"display":"Other"}}"#), r#"{"display":"Other"}"#);
    check(&format!(r#"{{{away},"identifier":{{"value":"1"}}}}"#), r#"{"identifier":{"value":"1"}}"#);
    check(&format!("{{{away}}}"), r#"{"type":"Organization"}"#);
    check(r#"{"reference":"https://other.example/"}"#, r#"{"display":"held by another system"}"#);
}

#[test]
fn a_subject_is_known_however_it_is_written() {
    let check = |subject: &str, expected: &[&str]| {
        let item = one(&format!(r#"{{"resourceType":"Observation","id":"1","subject":{subject}}}"#));
        assert_eq!(item.traits.subjects, expected, "{subject}");
    };
    let number = |number: &str| format!(r#"{{"identifier":{{"system":"https://fhir.nhs.uk/Id/nhs-number","value":"{number}"}}}}"#);
    check(r#"{"reference":"Patient/p"}"#, &["trust-p"]);
    check(r#"{"reference":"https://fhir.trust.example/r4/Patient/p"}"#, &["trust-p"]);
    check(r#"{"reference":"Patient/q"}"#, &["trust-q"]);
    check(&number("999 000 0018"), &["trust-p"]);
    check(r#"{"reference":"https://pds.example/Patient/9990000018"}"#, &["trust-p"]);
    check(r#"{"reference":"Patient?identifier=https://fhir.nhs.uk/Id/nhs-number|9990000018"}"#, &["trust-p"]);
    check(r#"{"reference":"Location/1"}"#, &[]);
    check(r#"{"display":"Somebody"}"#, &[]);
    for stranger in [
        number("9990000026"),
        r#"{"reference":"https://pds.example/Patient/9990000026"}"#.to_owned(),
        r#"{"reference":"urn:uuid:none"}"#.to_owned(),
    ] {
        let item = one(&format!(r#"{{"resourceType":"Observation","id":"1","subject":{stranger}}}"#));
        assert!(item.traits.subjects.len() == 1 && item.traits.subjects[0] != "trust-p", "{stranger}");
    }
    let contained = |number: &str| {
        let patient = patient("c").replace(NUMBER, number);
        one(&format!(r##"{{"resourceType":"Observation","id":"1","contained":[{patient}],"subject":{{"reference":"#c"}}}}"##))
            .traits
            .subjects
    };
    assert_eq!(contained(NUMBER), ["trust-p"]);
    assert_ne!(contained("9990000026"), ["trust-p"]);
}

#[test]
fn subjects_are_found_where_each_type_says_them() {
    let check = |resource: &str| assert_eq!(one(resource).traits.subjects, ["trust-p"], "{resource}");
    check(r#"{"resourceType":"Task","id":"1","for":{"reference":"Patient/p"}}"#);
    check(r#"{"resourceType":"Immunization","id":"1","patient":{"reference":"Patient/p"}}"#);
    check(
        r#"{"resourceType":"Appointment","id":"1","participant":[{"actor":{"reference":"Location/1"}},{"actor":{"reference":"Patient/p"}}]}"#,
    );
    check(r#"{"resourceType":"Provenance","id":"1","target":[{"reference":"Flag/1"},{"reference":"Patient/p"}]}"#);
}

#[test]
fn no_host_of_the_source_is_in_an_answer() {
    let item = one(
        r#"{"resourceType":"DocumentReference","id":"1","meta":{"source":"https://fhir.trust.example/x","profile":["http://hl7.org/fhir/x"]},
        "subject":{"reference":"Patient/p"},"text":{"status":"generated","div":"<div xmlns=\"http://www.w3.org/1999/xhtml\">see https://fhir.trust.example/r4/1</div>"},
        "identifier":[{"system":"https:\u002f\u002f\u0066hir.trust.example/Id/doc","value":"1"}],
        "context":{"encounter":[{"reference":"https://fhir.trust.example/r4/Encounter?x=1"}]},
        "content":[{"attachment":{"url":"https://fhir.trust.example/r4/Binary/b1","title":"a"}},{"attachment":{"url":"Binary/b2"}},
        {"attachment":{"url":"https://docs.example/1.pdf"}},{"attachment":{"url":"urn:oid:1.2"}}]}"#,
    );
    let json = item.tree.to_json();
    assert!(!json.contains("trust.example") && !json.contains("docs.example"), "{json}");
    let root = item.tree.root();
    assert!(root.is("identifier.system", "urn:severn:source:trust:Id/doc"));
    let urls: Vec<_> = root.all("content.attachment.url").into_iter().filter_map(|url| url.value()).collect();
    assert_eq!(urls[0], "https://exchange.example/fhir/R4/Binary/trust-b1");
    assert_eq!(urls[1], "https://exchange.example/fhir/R4/Binary/trust-b2");
    assert!(urls[2].starts_with("https://exchange.example/fhir/R4/Binary/trust.h."), "{urls:?}");
    assert_eq!(urls[3], "urn:oid:1.2");
    assert!(codes(&item).iter().all(|code| *code == "hidden" || *code == "unresolved-reference"), "{:?}", item.findings);
}

#[test]
fn an_attachment_elsewhere_has_a_way_back() {
    let told = told(&[
        r#"{"resourceType":"DocumentReference","id":"1","content":[{"attachment":{"url":"https://docs.example/1.pdf"}}]}"#.to_owned()
    ]);
    let url = told.chart.items[0].tree.root().text("content.attachment.url").unwrap().into_owned();
    let [attachment] = told.attachments.as_slice() else { panic!("{:?}", told.attachments) };
    assert!(url.ends_with(&attachment.id));
    assert_eq!(attachment.source_id, "https://docs.example/1.pdf");
    assert_eq!(attachment.of, (Kind::DOCUMENT_REFERENCE, "trust-1".to_owned()));
}

#[test]
fn a_host_that_only_the_answer_shows_is_hidden_too() {
    // The source sits behind another name: its own full URLs say which.
    let told = entries(&[
        r#"{"fullUrl":"https://inner.trust.example/fhir/Flag/1","resource":{"resourceType":"Flag","id":"1","identifier":[{"system":"https://inner.trust.example/Id"}],"author":{"reference":"https://inner.trust.example/fhir/Practitioner/d"}}}"#.to_owned(),
        r#"{"fullUrl":"http://hl7.org/fhir/Flag/2","resource":{"resourceType":"Flag","id":"2","identifier":[{"system":"http://hl7.org/fhir/sid/x"}]}}"#.to_owned(),
    ]);
    let root = told.chart.items[0].tree.root();
    assert!(root.is("identifier.system", "urn:severn:source:trust:Id"));
    assert!(root.is("author.reference", "Practitioner/trust-d"));
    assert!(told.chart.items[1].tree.root().is("identifier.system", "http://hl7.org/fhir/sid/x"));
}

#[test]
fn nothing_but_ids_and_references_changes_in_a_good_r4_resource() {
    let item = one(
        r#"{"resourceType":"Observation","id":"1","subject":{"reference":"Patient/p"},"valueQuantity":{"value":1.50},"note":[{"text":"caf\u00e9"}]}"#,
    );
    let expected = r#"{"resourceType":"Observation","id":"trust-1","subject":{"reference":"Patient/trust-p"},"valueQuantity":{"value":1.50},"note":[{"text":"caf\u00e9"}],"meta":{"source":"urn:severn:source:trust","tag":[{"system":"urn:severn:source","code":"trust"}]}}"#;
    assert_eq!(item.tree.to_json(), expected);
    assert!(item.findings.is_empty());
}

#[test]
fn meta_keeps_what_it_had() {
    let item = one(
        r#"{"resourceType":"Flag","id":"1","meta":{"versionId":"3","lastUpdated":"2026-01-01T00:00:00Z","tag":[{"code":"x"}],"security":[{"code":"R"}]}}"#,
    );
    assert_eq!(
        item.tree.root().get("meta").unwrap().to_json(),
        r#"{"versionId":"3","lastUpdated":"2026-01-01T00:00:00Z","tag":[{"code":"x"},{"system":"urn:severn:source","code":"trust"}],"security":[{"code":"R"}],"source":"urn:severn:source:trust"}"#
    );
    assert_eq!(item.version().as_deref(), Some("3"));
    assert_eq!(item.last_updated().as_deref(), Some("2026-01-01T00:00:00Z"));
}

#[test]
fn spellings_of_the_nhs_number_are_made_one() {
    let settings = Settings { nhs_number_systems: vec!["urn:local:nhs".to_owned()], everything: Everything::Never, ..settings() };
    let spelt = |system: &str| patient("p").replace("https://fhir.nhs.uk/Id/nhs-number", system);
    for system in ["urn:local:nhs", "http://fhir.nhs.net/Id/nhs-number", "urn:oid:2.16.840.1.113883.2.1.4.1"] {
        let server =
            |target: &str| if target.starts_with("Patient?") { bundle(&[spelt(system)]) } else { bundle(&[about("Condition", "1", "")]) };
        let told = read(&Need::of(&[Kind::CONDITION]), &settings, &server);
        let patient = &told.chart.patients[0];
        assert!(patient.tree.root().is("identifier.system", "https://fhir.nhs.uk/Id/nhs-number"));
        assert_eq!(patient.findings[0].code, FindingCode::Converted);
        assert_eq!(patient.findings[0].path, "Patient.identifier[0].system");
        assert_eq!(told.chart.items.len(), 1);
    }
}

#[test]
fn a_resource_without_an_id_gets_the_same_one_on_every_read() {
    let flag = r#"{"resourceType":"Flag","subject":{"reference":"Patient/p"}}"#.to_owned();
    let first = told(&[flag.clone(), flag.clone(), flag.replace("Patient/p", "Patient/q")]);
    let again = told(&[flag.replace("Patient/p", "Patient/q"), flag.clone(), flag.clone()]);
    assert_eq!(ids(&first), ids(&again));
    assert_eq!(ids(&first).len(), 3, "two identical stay two");
    assert!(
        first.chart.items.iter().all(|item| codes(item).contains(&"id-made") && item.id.starts_with("trust.h.") && item.id.len() <= 64)
    );
}

#[test]
fn the_same_bytes_twice_are_once_and_versions_stay() {
    let flag = |version: &str, status: &str| {
        format!(r#"{{"resourceType":"Flag","id":"1","meta":{{"versionId":"{version}"}},"status":"{status}"}}"#)
    };
    let told = told(&[flag("1", "active"), flag("1", "active"), flag("2", "inactive"), flag("2", "active")]);
    let statuses: Vec<_> = told.chart.items.iter().map(|item| item.tree.root().text("status").unwrap().into_owned()).collect();
    assert_eq!(statuses, ["active", "active", "inactive"]);
    assert_eq!(row(&told, Kind::FLAG).counts.came, 3);
}

#[test]
fn what_is_no_resource_is_in_quarantine() {
    let told = entries(&[
        r#"{"resource":{"resourceType":"Nonsense","id":"1"}}"#.to_owned(),
        r#"{"resource":{"id":"2"}}"#.to_owned(),
        r#"{"resource":{"resourceType":7,"id":"2"}}"#.to_owned(),
        r#"{"resource":"text"}"#.to_owned(),
        "5".to_owned(),
        r#"{"fullUrl":"urn:uuid:1"}"#.to_owned(),
        format!(r#"{{"resource":{}}}"#, about("Flag", "1", "")),
    ]);
    assert_eq!(ids(&told), ["Flag/trust-1"]);
    let causes: Vec<_> = told.chart.quarantined.iter().map(|one| one.cause).collect();
    assert_eq!(causes, [Cause::Malformed, Cause::Malformed, Cause::Malformed, Cause::Malformed, Cause::UnknownType]);
}

#[test]
fn narratives_are_cleaned_and_qualifiers_marked() {
    let item = one(
        r#"{"resourceType":"Flag","id":"1","text":{"status":"additional","div":"<div xmlns=\"http://www.w3.org/1999/xhtml\"><script>x</script>y</div>"},
        "modifierExtension":[{"url":"urn:x","valueBoolean":true}]}"#,
    );
    assert!(item.tree.root().is("text.div", "<div xmlns=\"http://www.w3.org/1999/xhtml\">y</div>"));
    assert_eq!(codes(&item), ["narrative-cleaned", "unknown-modifier"]);
    assert!(item.traits.unknown_modifier && !item.traits.generated_narrative);
}

#[test]
fn references_in_older_versions_are_named_in_their_own_words() {
    let order = r#"{"resourceType":"MedicationOrder","id":"1","status":"active","medicationReference":{"reference":"https://a.example/Medication/1"},"prescriber":{"reference":"Practitioner/9"}}"#;
    let Converted { items, .. } = convert(Version::Dstu2, order.into(), "application/json+fhir");
    let paths: Vec<_> = items[0]
        .findings
        .iter()
        .filter(|finding| finding.code == FindingCode::UnresolvedReference)
        .map(|finding| finding.path.as_str())
        .collect();
    assert_eq!(paths, ["MedicationOrder.medicationReference.reference", "MedicationOrder.prescriber.reference"]);
}

/// A server with pages, references, duplicates and failures.
fn busy(target: &str) -> Said {
    let observations = |from: usize| {
        (from..from + 3)
            .map(|n| about("Observation", &n.to_string(), r#","performer":[{"reference":"Practitioner/1"}]"#))
            .collect::<Vec<_>>()
    };
    match target {
        "metadata" => {
            capability(true, &["AllergyIntolerance", "Condition", "Observation", "MedicationRequest", "Practitioner", "Medication", "Flag"])
        }
        t if t.starts_with("Patient?") => bundle(&[patient("p"), patient("q")]),
        "Patient/p/$everything" => page(&observations(0), Some("?page=2")),
        t if t.ends_with("?page=2") => page(&observations(2), Some("?page=3")),
        t if t.ends_with("?page=3") => Ok((500, String::new())),
        "Patient/q/$everything" => bundle(&[
            about("Flag", "1", r#","author":{"reference":"Practitioner/2"}"#),
            r#"{"resourceType":"Flag","status":"active"}"#.to_owned(),
        ]),
        "Observation?patient=p" => page(&observations(4), Some("https://elsewhere.example/")),
        "Flag?patient=p" => bundle(&[r#"{"resourceType":"Flag","status":"active"}"#.to_owned(), outcome("incomplete")]),
        "MedicationRequest?patient=p" => {
            bundle(&[about("MedicationRequest", "1", r#","medicationReference":{"reference":"Medication/1"}"#)])
        }
        "Condition?patient=p" => Ok((403, String::new())),
        "Practitioner/1" => Ok((200, r#"{"resourceType":"Practitioner","id":"1"}"#.to_owned())),
        "Practitioner/2" => Ok((404, String::new())),
        "Medication/1" => Ok((200, r#"{"resourceType":"Medication","id":"1","manufacturer":{"reference":"Organization/1"}}"#.to_owned())),
        "Organization/1" => Ok((503, String::new())),
        _ => bundle(&[]),
    }
}

fn whole(told: &Told) -> String {
    let chart = &told.chart;
    let item = |item: &Item| format!("{} {:?} {:?}", item.tree.to_json(), item.findings, item.traits);
    let items: Vec<String> = chart.patients.iter().chain(&chart.items).map(item).collect();
    format!("{items:#?} {:#?} {:#?} {:#?}", chart.rows, chart.quarantined, chart.findings)
}

/// A server forgot the entry around the resource: it is counted, by its type, and said to be wrong.
#[test]
fn an_entry_that_is_itself_a_resource_is_not_lost() {
    let check = |entry: &str, expected: &[(Option<Kind>, Option<&str>)]| {
        let body = format!(r#"{{"resourceType":"Bundle","type":"searchset","entry":[{entry}]}}"#);
        let converted = convert(Version::R4, body.into(), "application/fhir+json");
        let quarantined: Vec<_> = converted.quarantined.iter().map(|one| (one.kind, one.id.as_deref())).collect();
        assert_eq!((converted.items.len(), quarantined.as_slice()), (0, expected), "{entry}");
        assert!(converted.quarantined.iter().all(|one| one.cause == Cause::Malformed));
    };
    check(r#"{"resourceType":"AllergyIntolerance","id":"a1"}"#, &[(Some(Kind::ALLERGY_INTOLERANCE), Some("a1"))]);
    check(r#"{"resourceType":"Nonsense","id":"a1"}"#, &[(None, Some("a1"))]);
    check(r#"{"resourceType":7}"#, &[(None, None)]);
    check(r#"{"resource":"x"}"#, &[(None, None)]);
    check(r#""x""#, &[(None, None)]);
    check(r#"{"request":{"method":"GET","url":"x"}}"#, &[]);
}

proptest! {
    /// Golden case 20, as far as a source goes.
    #[test]
    fn the_order_of_replies_changes_nothing(picks in proptest::collection::vec(0usize..100, 0..120), places in 1usize..40) {
        let (defaults, settings) = (settings(), Settings { calls_max: places, ..settings() });
        let start = |settings| Dialect::FHIR_R4.start(&opening(&holder(&[]), settings, &Known::default()), &Need::everything());
        let (straight, _) = crank(start(&defaults), &busy, &mut |_| 0);
        let mut picks = picks.into_iter();
        let (shuffled, _) = crank(start(&settings), &busy, &mut |count| picks.next().unwrap_or_default() % count);
        prop_assert_eq!(whole(&straight), whole(&shuffled));
    }

    /// Every cut and every flip of a body ends in a status, never in a panic.
    #[test]
    fn no_body_panics(at in 0usize..4000, byte in any::<u8>(), cut in any::<bool>()) {
        let (_, body) = busy("Patient/p/$everything").unwrap();
        let mut body = body.into_bytes();
        let at = at % body.len();
        if cut { body.truncate(at) } else { body[at] = byte }
        for version in [Version::R4, Version::Stu3, Version::Dstu2] {
            convert(version, body.clone().into(), "application/fhir+json");
        }
    }
}

//! Each supplier serves plain FHIR of its version, whole and coherent.

use crate::ask::{authorised, by_number, clinical_types, everything, get, json, pages, resources};
use std::collections::{BTreeMap, BTreeSet};
use testbed::{DEMO_PERSON, Node, Region, Request, SUPPLIERS, Version, people, person};

fn name(node: &Node) -> String {
    let part = |name| node.text_at(name).unwrap_or_default();
    format!("{}/{}", part("resourceType"), part("id"))
}

#[tokio::test]
async fn a_patient_is_found_by_system_and_value_and_never_by_a_bare_value() {
    let region = Region::in_memory();
    for supplier in SUPPLIERS {
        let found = async |query: &str| {
            let request = get(supplier, &format!("Patient?identifier={query}"));
            resources(&json(&region.respond(supplier.id, request).await.expect("an answer")))
        };
        let full = format!("{}%7C{DEMO_PERSON}", supplier.nhs_system);
        assert!(!found(&full).await.is_empty(), "{}", supplier.id);
        assert!(found(DEMO_PERSON).await.is_empty(), "{}", supplier.id);
        assert!(found(&format!("urn:x%7C{DEMO_PERSON}")).await.is_empty(), "{}", supplier.id);
        let unknown = "https://fhir.nhs.uk/Id/nhs-number%7C9991231231";
        assert!(found(unknown).await.is_empty(), "{}", supplier.id);
    }
}

#[tokio::test]
async fn pages_hold_each_resource_once_and_all_that_the_census_says() {
    let region = Region::in_memory();
    for person in people() {
        for supplier in SUPPLIERS {
            let mut counts: BTreeMap<String, usize> = BTreeMap::new();
            let mut seen = BTreeSet::new();
            for node in everything(&region, supplier, person).await {
                assert!(seen.insert(name(&node)), "{} twice at {}", name(&node), supplier.id);
                let kind = node.text_at("resourceType").unwrap_or_default().to_owned();
                if !matches!(kind.as_str(), "List" | "Patient") {
                    *counts.entry(kind).or_default() += 1;
                }
            }
            let expected: BTreeMap<String, usize> =
                person.counts_in_fhir(supplier.id).into_iter().map(|(k, n)| (k.to_owned(), n)).collect();
            assert_eq!(counts, expected, "{} at {}", person.slug, supplier.id);
        }
    }
}

#[tokio::test]
async fn everything_gives_the_same_whatever_the_size_of_a_page() {
    let region = Region::in_memory();
    let demo = person(DEMO_PERSON).expect("the demo person");
    for supplier in SUPPLIERS.iter().filter(|supplier| supplier.everything.is_ok()) {
        let id = &demo.ids_at(supplier)[0];
        let names = async |query: &str| -> BTreeSet<String> {
            let rest = format!("Patient/{id}/$everything{query}");
            pages(&region, supplier, &rest).await.concat().iter().map(name).collect()
        };
        let whole = names("").await;
        assert!(whole.len() > 5, "{}", supplier.id);
        for size in [1, 3, 7] {
            assert_eq!(names(&format!("?_count={size}")).await, whole, "{}", supplier.id);
        }
    }
}

#[tokio::test]
async fn suppliers_without_everything_say_so_in_an_outcome() {
    let region = Region::in_memory();
    let demo = person(DEMO_PERSON).expect("the demo person");
    for supplier in SUPPLIERS {
        let Err(status) = supplier.everything else { continue };
        let id = &demo.ids_at(supplier)[0];
        let request = get(supplier, &format!("Patient/{id}/$everything"));
        let response = region.respond(supplier.id, request).await.expect("an answer");
        assert_eq!(response.status.as_u16(), status);
        assert_eq!(json(&response).text_at("resourceType"), Some("OperationOutcome"));
    }
}

/// Every reference of a person's resources leads to a resource of the same supplier.
#[tokio::test]
async fn references_resolve_inside_the_supplier() {
    let region = Region::in_memory();
    for person in people() {
        for supplier in SUPPLIERS {
            let base = region.supplier(supplier.id).expect("a supplier").base().to_owned();
            let all = everything(&region, supplier, person).await;
            let mut known: BTreeSet<String> = all.iter().map(name).collect();
            let ids: BTreeSet<String> = all.iter().filter_map(|n| n.text_at("id").map(str::to_owned)).collect();
            for node in &all {
                let mut references = Vec::new();
                node.each_object(&mut |object| {
                    references.extend(object.text_at("reference").map(str::to_owned));
                });
                for reference in references {
                    if let Some(id) = reference.strip_prefix('#') {
                        let contained = node.at("contained").map(Node::items).unwrap_or_default();
                        assert!(contained.iter().any(|c| c.text_at("id") == Some(id)), "{reference}");
                        continue;
                    }
                    if let Some(id) = reference.strip_prefix("urn:uuid:") {
                        let found = ids.contains(id) || {
                            let mut found = false;
                            for kind in ["Practitioner", "Organization", "Location"] {
                                let request = get(supplier, &format!("{kind}/{id}"));
                                let response = region.respond(supplier.id, request).await;
                                found |= response.expect("an answer").status == 200;
                            }
                            found
                        };
                        assert!(found, "{} at {}: {reference}", name(node), supplier.id);
                        continue;
                    }
                    let rest = reference.strip_prefix(&base).unwrap_or(&reference);
                    let rest = rest.trim_start_matches('/');
                    let rest = rest.split("/_history/").next().unwrap_or(rest).to_owned();
                    if known.contains(&rest) {
                        continue;
                    }
                    let response = region.respond(supplier.id, get(supplier, &rest)).await;
                    let response = response.expect("an answer");
                    assert_eq!(response.status, 200, "{} at {}: {rest}", name(node), supplier.id);
                    known.insert(rest);
                }
            }
        }
    }
}

#[tokio::test]
async fn every_subject_is_one_of_the_suppliers_ids_for_the_person() {
    let region = Region::in_memory();
    for person in people() {
        for supplier in SUPPLIERS {
            let ids = person.ids_at(supplier);
            for node in everything(&region, supplier, person).await {
                for name in ["subject", "patient"] {
                    let Some(reference) = node.at(name).and_then(|s| s.text_at("reference")) else {
                        continue;
                    };
                    let about = |id: &String| reference.contains(id.as_str());
                    assert!(reference.starts_with('#') || ids.iter().any(about), "{reference}");
                }
            }
        }
    }
}

#[tokio::test]
async fn the_hospital_wants_its_token() {
    let region = Region::in_memory();
    let supplier = testbed::habits("uhb").expect("the hospital");
    let path = format!("{}/Patient?identifier=x%7Cy", supplier.path);
    let without = region.respond("uhb", Request::get(&path)).await.expect("an answer");
    assert_eq!(without.status, 401);
    assert_eq!(without.headers["content-type"], "text/plain");
    let wrong = Request::get(&path).with(http::header::AUTHORIZATION, "Bearer guess");
    assert_eq!(region.respond("uhb", wrong).await.expect("an answer").status, 401);
    let with = authorised(supplier, Request::get(&path));
    assert_eq!(region.respond("uhb", with).await.expect("an answer").status, 200);
}

#[tokio::test]
async fn each_supplier_says_which_version_it_speaks() {
    let region = Region::in_memory();
    for supplier in SUPPLIERS {
        let response = region.respond(supplier.id, get(supplier, "metadata")).await;
        let statement = json(&response.expect("an answer"));
        assert_eq!(statement.text_at("fhirVersion"), Some(supplier.version.number()));
        let kind = if supplier.version == Version::Dstu2 { "Conformance" } else { "CapabilityStatement" };
        assert_eq!(statement.text_at("resourceType"), Some(kind));
        assert!(clinical_types(&region, supplier).await.len() > 4);
    }
}

#[tokio::test]
async fn json_and_xml_are_served_as_asked_for() {
    let region = Region::in_memory();
    let check = async |supplier: &str, accept: &str, query: &str, media_type: &str| {
        let habits = testbed::habits(supplier).expect("a supplier");
        let rest = format!("{}{query}", by_number(habits, DEMO_PERSON));
        let request = Request::get(format!("{}/{rest}", habits.path));
        let request = authorised(habits, request.with(http::header::ACCEPT, accept));
        let response = region.respond(supplier, request).await.expect("an answer");
        let got = response.headers["content-type"].to_str().expect("text").to_owned();
        assert!(got.starts_with(media_type), "{supplier} {accept} {query}: {got}");
        let is_xml = response.text().starts_with("<?xml");
        assert_eq!(is_xml, media_type.contains("xml"), "{supplier}");
    };
    check("ccr", "application/fhir+json", "", "application/fhir+json").await;
    check("ccr", "application/fhir+xml", "", "application/fhir+xml").await;
    check("ccr", "", "&_format=xml", "application/fhir+xml").await;
    check("ccr", "", "", "application/fhir+json").await;
    check("mh", "", "", "application/xml+fhir").await;
    check("mh", "application/json+fhir, application/xml+fhir", "", "application/xml+fhir").await;
    check("mh", "application/json+fhir", "", "application/json+fhir").await;
    check("uhb", "application/fhir+json", "", "application/fhir+json").await;
}

#[tokio::test]
async fn a_binary_is_a_resource_or_its_bytes() {
    let region = Region::in_memory();
    let supplier = testbed::habits("uhb").expect("the hospital");
    let demo = person(DEMO_PERSON).expect("the demo person");
    let id = &demo.ids_at(supplier)[0];
    let documents = pages(&region, supplier, &format!("DocumentReference?patient={id}")).await.concat();
    let mut urls = Vec::new();
    documents.iter().for_each(|d| d.each_object(&mut |o| urls.extend(o.text_at("url").map(str::to_owned))));
    let base = region.supplier("uhb").expect("the hospital").base();
    let url = urls.iter().find(|url| url.contains("/Binary/")).expect("an attachment");
    let rest = url.strip_prefix(base).expect("at the hospital").trim_start_matches('/');
    let resource = region.respond("uhb", get(supplier, rest)).await.expect("an answer");
    assert_eq!(json(&resource).text_at("resourceType"), Some("Binary"));
    let request = Request::get(format!("{}/{rest}", supplier.path));
    let request = authorised(supplier, request.with(http::header::ACCEPT, "text/plain"));
    let bytes = region.respond("uhb", request).await.expect("an answer");
    assert!(bytes.text().contains("Dear") || bytes.text().contains("Admitted"));
}

#[tokio::test]
async fn numbers_keep_their_digits() {
    let region = Region::in_memory();
    let demo = person(DEMO_PERSON).expect("the demo person");
    for (id, digits) in [("uhb", "5.60"), ("gp", "71.50")] {
        let supplier = testbed::habits(id).expect("a supplier");
        let patient = &demo.ids_at(supplier)[0];
        let request = get(supplier, &format!("Observation?patient={patient}"));
        let response = region.respond(id, request).await.expect("an answer");
        assert!(response.text().contains(&format!(":{digits},")), "{id}");
    }
}

#[tokio::test]
async fn odd_questions_get_an_outcome() {
    let region = Region::in_memory();
    let supplier = testbed::habits("ccr").expect("a supplier");
    let check = async |rest: &str, status: u16| {
        let response = region.respond("ccr", get(supplier, rest)).await.expect("an answer");
        assert_eq!(response.status.as_u16(), status, "{rest}");
        assert_eq!(json(&response).text_at("resourceType"), Some("OperationOutcome"), "{rest}");
    };
    check("Observation", 400).await;
    check("Claim?patient=1", 404).await;
    check("Observation/none", 404).await;
    check("Patient/none/$everything", 404).await;
    check("Observation?queryId=rubbish", 410).await;
    check("a/b/c/d", 404).await;
}

#[tokio::test]
async fn every_answer_in_xml_is_well_formed() {
    let region = Region::in_memory();
    for supplier in SUPPLIERS.iter().filter(|supplier| !supplier.json_only) {
        for person in people() {
            for id in person.ids_at(supplier) {
                for kind in clinical_types(&region, supplier).await {
                    let path = format!("{}/{kind}?patient={id}&_format=xml", supplier.path);
                    let response = region.respond(supplier.id, Request::get(path)).await;
                    let response = response.expect("an answer");
                    let mut reader = quick_xml::Reader::from_str(response.text());
                    loop {
                        match reader.read_event() {
                            Ok(quick_xml::events::Event::Eof) => break,
                            Ok(_) => {}
                            Err(why) => panic!("{} {kind}: {why}: {}", supplier.id, response.text()),
                        }
                    }
                }
            }
        }
    }
}

#[tokio::test]
async fn anybodys_resources_can_be_served_in_a_suppliers_manner() {
    let habits = testbed::habits("ohc").expect("a supplier");
    let record = vec![
        r#"{"resourceType":"Patient","id":"p1","birthDate":"1980-01-01"}"#.to_owned(),
        r#"{"resourceType":"Observation","id":"o1","valueQuantity":{"value":1.50}}"#.to_owned(),
    ];
    let records = vec![("9990000018".to_owned(), record)];
    let supplier = testbed::Supplier::of_resources(habits, "http://elsewhere", records);
    let region = Region::of([supplier.expect("JSON")]);
    let number = "https://fhir.nhs.uk/Id/nhs-number%7C9990000018";
    let found = pages(&region, habits, &format!("Patient?identifier={number}")).await.concat();
    assert_eq!(found.len(), 1);
    let found = pages(&region, habits, "Observation?patient=p1").await.concat();
    assert!(found[0].to_json().contains("1.50"));
}

#[tokio::test]
async fn a_whole_address_finds_its_supplier() {
    let region = Region::in_memory();
    for source in region.sources() {
        let part = if source.dialect == "carecentric" { "/stu3" } else { "" };
        let uri = format!("{}{part}/metadata", source.url);
        let request = http::Request::get(uri).body(bytes::Bytes::new()).expect("a request");
        assert_eq!(region.send(request).await.expect("an answer").status(), 200);
    }
    let nowhere = http::Request::get("http://nowhere.example/x").body(bytes::Bytes::new());
    assert!(region.send(nowhere.expect("a request")).await.is_err());
}

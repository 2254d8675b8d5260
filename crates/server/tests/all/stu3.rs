//! The same record, read by those who speak STU3: equal facts, the same door, and nothing lost without a word.

use std::collections::{BTreeMap, BTreeSet};

use fhir::tables::{self, Element};
use fhir::{Kind, NodeKind, Ref, Tree, Version};
use record::{Chart, Item};
use serde_json::{Value, json};
use testbed::{DEMO_PERSON, Fault, Refusal};

use crate::world::{Answer, Card, Setup, World, region};

const ALL: &[&str] = &["ccr", "gp", "mh", "uhb"];

async fn stu3(world: &World, path: &str, token: &str) -> Answer {
    world.send("GET", &format!("/fhir/STU3/{path}"), Some(token), &[], "").await
}

/// What is not of STU3's shape: elements it does not know, lists where it has none.
fn faults(json: &Value) -> Vec<String> {
    let mut found = Vec::new();
    let tree = Tree::from_json(json.to_string().into()).unwrap();
    look(tree.root(), "Resource", &mut found);
    found
}

fn look(object: Ref<'_>, type_name: &str, found: &mut Vec<String>) {
    let stu3 = tables::of(Version::Stu3);
    let named = object.text("resourceType").unwrap_or_default().into_owned();
    let type_name = if type_name == "Resource" { named.as_str() } else { type_name };
    if stu3.type_of(type_name).is_none() {
        return found.push(format!("{}: no {type_name} in STU3", object.path()));
    }
    for (key, child) in object.entries().filter(|(key, _)| *key != "resourceType") {
        let plain = key.strip_prefix('_').unwrap_or(key);
        let Some(element) = stu3.element(type_name, plain) else {
            found.push(format!("{}: {type_name} has no {plain}", child.path()));
            continue;
        };
        if child.is_array() != element.list {
            found.push(format!("{}: a list, or none", child.path()));
        }
        child.each().into_iter().for_each(|item| within(item, element, plain != key, found));
    }
}

fn within(item: Ref<'_>, element: &Element, beside: bool, found: &mut Vec<String>) {
    match (item.is_object(), element.primitive().is_some()) {
        (true, true) if beside => look(item, "Element", found),
        (true, false) => look(item, element.type_name, found),
        (false, true) => {}
        _ if item.kind() == NodeKind::Null => {}
        _ => found.push(format!("{}: not a {}", item.path(), element.type_name)),
    }
}

/// Every primitive value below a node, with how often it stands there.
fn values(json: &Value, into: &mut BTreeMap<String, usize>) {
    match json {
        Value::Array(items) => items.iter().for_each(|item| values(item, into)),
        Value::Object(members) => members.values().for_each(|member| values(member, into)),
        Value::Null => {}
        value => *into.entry(value.as_str().map_or_else(|| value.to_string(), str::to_owned)).or_default() += 1,
    }
}

/// Ids, and what their tags say: source, freshness, cluster, tier.
fn tagged(answer: &Answer) -> BTreeMap<String, BTreeSet<String>> {
    let resources =
        answer.entries().iter().map(|entry| &entry["resource"]).filter(|resource| resource["resourceType"] != "OperationOutcome");
    let tags = |resource: &Value| {
        let tags = resource["meta"]["tag"].as_array().into_iter().flatten();
        tags.map(|tag| format!("{}|{}", tag["system"].as_str().unwrap(), tag["code"].as_str().unwrap())).collect()
    };
    resources.map(|resource| (resource["id"].as_str().unwrap().to_owned(), tags(resource))).collect()
}

/// Sets of ids that stand together in a Linkage or a conflict.
fn together(answer: &Answer) -> BTreeSet<Vec<String>> {
    let of = |list: &Value, inner: &str| {
        let references = list.as_array().unwrap().iter().map(|item| if inner.is_empty() { item } else { &item[inner] });
        references.map(|one| one["reference"].as_str().unwrap().rsplit('/').next().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let linked = answer.of_type("Linkage").map(|one| of(&one["item"], "resource"));
    linked.chain(answer.of_type("DetectedIssue").map(|one| of(&one["implicated"], ""))).collect()
}

#[tokio::test(start_paused = true)]
async fn a_reader_of_stu3_sees_the_facts_that_a_reader_of_r4_sees() {
    // HealthShare, CareCentric, Millennium, GP Connect and a neighbour exchange among them.
    let world = World::of(&["ccr", "gp", "mh", "nbr", "ohc", "rx", "soc", "uhb"]);
    for person in testbed::people().iter().filter(|person| person.doubtful().is_empty()) {
        let number = person.about.nhs_number.as_str();
        let found =
            world.get(&format!("Patient?identifier=https://fhir.nhs.uk/Id/nhs-number|{number}"), &world.token(&Card::doctor())).await;
        let Some(own) = found.of_type("Patient").next().map(|one| one["id"].as_str().unwrap().to_owned()) else { continue };
        let token = world.doctor_of(&own);
        let path = format!("Patient/{own}/$everything?_count=5000");
        let (r4, down) = (world.get(&path, &token).await, stu3(&world, &path, &token).await);
        assert_eq!((r4.status, down.status), (200, 200), "{}", down.text);
        if number == DEMO_PERSON {
            let both = [&r4, &down].map(|answer| answer.shown().into_keys().collect::<Vec<_>>());
            assert!(both.iter().all(|sources| ["ccr", "gp", "nbr", "ohc", "uhb"].iter().all(|id| sources.iter().any(|own| own == id))));
        }
        assert_eq!(tagged(&r4), tagged(&down), "{number}");
        assert_eq!(together(&r4), together(&down), "{number}");
        assert_eq!((&r4.json["total"], &r4.json["meta"]["tag"]), (&down.json["total"], &down.json["meta"]["tag"]));
        assert!(r4.json["timestamp"].is_string() && down.json["meta"]["lastUpdated"].is_string());
        assert_eq!(faults(&down.json), Vec::<String>::new(), "{number}");
        let issues = |answer: &Answer| answer.outcome()["issue"].as_array().unwrap().len();
        assert!(issues(&down) >= issues(&r4));
        for (entry, was) in down.entries().iter().zip(r4.entries()).skip(1) {
            let (resource, named) = (&entry["resource"], entry["resource"]["resourceType"].as_str().unwrap());
            let url = format!("{}/fhir/STU3/{named}/{}", crate::world::PUBLIC, resource["id"].as_str().unwrap());
            assert_eq!((entry["fullUrl"].as_str(), &entry["search"]), (Some(url.as_str()), &was["search"]));
            assert!(!resource.to_string().contains("/fhir/R4/"), "{resource}");
            lossless(&was["resource"], resource, &down);
        }
    }
}

/// What a resource of R4 says in free words, numbers and dates is in its STU3 form, which may spell codes and addresses otherwise.
fn lossless(r4: &Value, stu3: &Value, answer: &Answer) {
    let (mut was, mut is) = (BTreeMap::new(), BTreeMap::new());
    values(r4, &mut was);
    values(stu3, &mut is);
    let coded = |value: &str| {
        value.starts_with("http") || value.contains('/') || !value.contains([' ', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9'])
    };
    let lost: Vec<&String> = was.keys().filter(|value| !coded(value) && !is.contains_key(*value)).collect();
    assert!(lost.is_empty(), "{lost:?} are not in {stu3}\nof {r4}\n{}", answer.outcome());
}

#[tokio::test(start_paused = true)]
async fn every_type_is_searched_by_its_name_in_stu3() {
    let world = World::of(ALL);
    let person = world.person(DEMO_PERSON).await;
    let token = world.doctor_of(&person);
    let statement = stu3(&world, "metadata", &token).await;
    assert_eq!((statement.status, &statement.json["fhirVersion"]), (200, &json!("3.0.2")));
    assert_eq!(faults(&statement.json), Vec::<String>::new());
    let whole = stu3(&world, &format!("Patient/{person}/$everything?_count=5000"), &token).await;
    let mut types = BTreeSet::new();
    for resource in statement.json["rest"][0]["resource"].as_array().unwrap() {
        let named = resource["type"].as_str().unwrap();
        types.insert(named.to_owned());
        if matches!(named, "Patient" | "Provenance" | "Binary") {
            continue;
        }
        let answer = stu3(&world, &format!("{named}?patient={person}&_count=5000"), &token).await;
        assert_eq!(answer.status, 200, "{named}: {}", answer.text);
        let ids = |answer: &Answer| answer.of_type(named).map(|one| one["id"].as_str().unwrap().to_owned()).collect::<BTreeSet<_>>();
        assert_eq!(ids(&answer), ids(&whole), "{named}");
        assert!(answer.entries().iter().filter(|one| one["search"]["mode"] == "match").all(|one| one["resource"]["resourceType"] == named));
        assert_eq!(faults(&answer.json), Vec::<String>::new(), "{named}");
        if let Some(id) = ids(&answer).first() {
            let one = stu3(&world, &format!("{named}/{id}"), &token).await;
            assert_eq!((one.status, &one.json["resourceType"], &one.json["id"]), (200, &json!(named), &json!(id)), "{}", one.text);
        }
        // What it says it searches by, it searches by.
        for param in resource["searchParam"].as_array().unwrap() {
            let path = format!("{named}?patient={person}&{}:missing=false", param["name"].as_str().unwrap());
            let path = if param["name"] == "patient" || param["name"] == "subject" { format!("{named}?patient={person}") } else { path };
            let answer = world.send("GET", &format!("/fhir/STU3/{path}"), Some(&token), &[("prefer", "handling=strict")], "").await;
            assert_eq!(answer.status, 200, "{path}: {}", answer.text);
        }
    }
    for named in ["ReferralRequest", "ProcedureRequest", "MedicationRequest", "MedicationStatement"] {
        assert!(types.contains(named), "{named}");
    }
    for nobody in ["ServiceRequest", "MedicationOrder", "Claim"] {
        assert_eq!(stu3(&world, &format!("{nobody}?patient={person}"), &token).await.status, 404, "{nobody}");
    }
}

#[tokio::test(start_paused = true)]
async fn parameters_of_stu3_narrow_as_they_say() {
    let world = World::of(ALL);
    let person = world.person(DEMO_PERSON).await;
    let token = world.doctor_of(&person);
    let strict = async |path: String| {
        let answer = world.send("GET", &format!("/fhir/STU3/{path}"), Some(&token), &[("prefer", "handling=strict")], "").await;
        (answer.status, answer.entries().iter().filter(|one| one["search"]["mode"] == "match").count())
    };
    let observations = strict(format!("Observation?patient={person}")).await;
    let with = strict(format!("Observation?patient={person}&context:missing=false")).await;
    let without = strict(format!("Observation?patient={person}&context:missing=true")).await;
    assert_eq!((observations.0, observations.1), (200, with.1 + without.1));
    assert_eq!(strict(format!("Observation?patient={person}&madeup=1")).await.0, 400);
    assert_eq!(stu3(&world, &format!("Observation?patient={person}&madeup=1"), &token).await.status, 200);
    let provenance = stu3(&world, &format!("Condition?patient={person}&_revinclude=Provenance:target&_count=5000"), &token).await;
    assert!(provenance.of_type("Provenance").count() > 1);
    assert_eq!(faults(&provenance.json), Vec::<String>::new());
    let included = stu3(&world, &format!("MedicationRequest?patient={person}&_include=MedicationRequest:requester"), &token).await;
    assert_eq!(included.status, 200, "{}", included.text);
    assert_eq!(strict(format!("Patient/{person}/$everything?_type=ServiceRequest")).await.0, 400);
    let typed = stu3(&world, &format!("Patient/{person}/$everything?_type=ReferralRequest,Condition"), &token).await;
    assert_eq!((typed.status, typed.of_type("ProcedureRequest").count()), (200, 0), "{}", typed.text);
}

#[tokio::test(start_paused = true)]
async fn every_page_of_stu3_leads_with_its_outcome_and_stays_stu3() {
    let world = World::of(ALL);
    let person = world.person(DEMO_PERSON).await;
    let token = world.doctor_of(&person);
    for format in ["", "&_format=xml"] {
        let mut next = Some(format!("/fhir/STU3/Patient/{person}/$everything?_count=20{format}"));
        let mut ids = BTreeSet::new();
        let mut pages = 0;
        while let Some(target) = next {
            let target = target.strip_prefix(crate::world::PUBLIC).unwrap_or(&target).to_owned();
            assert!(target.starts_with("/fhir/STU3"), "{target}");
            let answer = world.send("GET", &target, Some(&token), &[], "").await;
            assert_eq!(answer.status, 200, "{}", answer.text);
            let json = if format.is_empty() {
                answer.json
            } else {
                let tree = Tree::from_xml(Version::Stu3, answer.text.into()).unwrap();
                serde_json::from_str(&tree.to_json()).unwrap()
            };
            assert_eq!(faults(&json), Vec::<String>::new());
            let entries = json["entry"].as_array().unwrap();
            assert_eq!(entries[0]["resource"]["resourceType"], "OperationOutcome");
            for entry in &entries[1..] {
                assert!(ids.insert(entry["fullUrl"].to_string()), "twice: {}", entry["fullUrl"]);
            }
            next = json["link"]
                .as_array()
                .unwrap()
                .iter()
                .find(|link| link["relation"] == "next")
                .map(|link| link["url"].as_str().unwrap().to_owned());
            pages += 1;
        }
        assert!(pages > 2);
        let whole = stu3(&world, &format!("Patient/{person}/$everything?_count=5000"), &token).await;
        assert_eq!(ids.len(), whole.entries().len() - 1);
    }
}

/// What STU3 could not say stands in the outcome of the page, in fixed words and without values.
#[tokio::test(start_paused = true)]
async fn what_stu3_cannot_say_is_named_on_the_page() {
    let world = World::of(ALL);
    let person = world.person(DEMO_PERSON).await;
    let token = world.doctor_of(&person);
    let answer = stu3(&world, &format!("Patient/{person}/$everything?_count=5000"), &token).await;
    let issues = answer.outcome()["issue"].as_array().unwrap();
    let lossy: Vec<&Value> = issues.iter().filter(|issue| issue["details"]["coding"][0]["code"] == "lossy-conversion").collect();
    assert!(!lossy.is_empty(), "{}", answer.outcome());
    for issue in lossy {
        assert_eq!(issue["details"]["coding"][0]["system"], "urn:severn:finding");
        assert!(issue["expression"][0].as_str().unwrap().contains('.'), "{issue}");
        assert!(!issue.to_string().contains(DEMO_PERSON));
    }
    assert!(answer.text.contains("http://hl7.org/fhir/4.0/StructureDefinition/extension-"));
}

/// A system may have an incomplete read in the form in which its screen was looked at, and in no other.
#[tokio::test(start_paused = true)]
async fn an_incomplete_read_is_for_the_face_that_was_accepted() {
    let setup = Setup {
        blocks: "[[consumer]]\nclient = \"system-1\"\nname = \"A portal\"\nface = \"STU3\"\naccepted_by = \"Dr C Safety, clinical safety officer\"\n\
                 accepted_on = \"2026-11-20\"",
        limits: "breaker_window = 1000",
        ..Setup::default()
    };
    let world = World::around(std::sync::Arc::new(region(&["ccr", "soc", "uhb"])), &setup);
    let person = world.person(DEMO_PERSON).await;
    let machine = world.token(&Card { patient: Some(person.clone()), ..Card::system() });
    world.region.fail("soc", Fault::Refusing { how: Refusal::ServerError });
    let path = format!("AllergyIntolerance?patient={person}");
    let partial = format!("{path}&_complete=partial");
    assert_eq!(stu3(&world, &path, &machine).await.status, 504);
    let shown = stu3(&world, &partial, &machine).await;
    assert_eq!(shown.status, 200, "{}", shown.text);
    assert!(shown.issues_of("soc").iter().any(|(_, status, _)| status == "failed-http"));
    assert_eq!(world.get(&partial, &machine).await.status, 400);
}

/// An answer as the chart of a source: without identifiers, so that only what is said can bring things together.
fn chart(version: Version, answer: &Answer, source: &str) -> Chart {
    let converted = dialect::convert(version, answer.text.clone().into(), "application/fhir+json");
    assert!(converted.quarantined.is_empty(), "{:?}", converted.quarantined);
    let source: record::SourceId = source.parse().unwrap();
    let ours = [Kind::CONSENT, Kind::DETECTED_ISSUE, Kind::LINKAGE, Kind::OPERATION_OUTCOME, Kind::PATIENT, Kind::PROVENANCE];
    let mut items: Vec<Item> = converted.items.into_iter().filter(|item| !ours.contains(&item.kind)).collect();
    for item in &mut items {
        item.origin.source = source.clone();
        item.id = item.id.replacen("file", source.as_str(), 1);
        let root = item.tree.root().id();
        item.tree.remove(root, "identifier");
    }
    Chart { source, version, patients: vec![], items, quarantined: vec![], rows: vec![], about_one_patient: false, findings: vec![] }
}

/// Who stands together, and who in conflict.
fn joined(charts: Vec<Chart>) -> (BTreeSet<Vec<String>>, BTreeSet<Vec<String>>) {
    let rules = join::Rules { key: [0; 32], owners: vec![] };
    let record = join::charts("p".parse().unwrap(), charts, &rules);
    let named = |members: &[usize]| {
        let mut ids: Vec<String> = members.iter().map(|member| record.items[*member].id.clone()).collect();
        ids.sort();
        ids
    };
    let clusters = record.clusters.iter().map(|cluster| named(&cluster.members)).collect();
    (clusters, record.conflicts.iter().map(|conflict| named(&conflict.members)).collect())
}

/// R4 to STU3 to R4: whoever joins it with the R4 it was made of finds each fact with its twin, as if nothing had happened. Consents
/// are not compared: STU3 says permit or deny of exceptions only, so what R4 says of the whole comes back as an exception.
#[tokio::test(start_paused = true)]
async fn what_comes_back_from_stu3_joins_as_what_never_left() {
    let world = World::of(&["ccr", "ohc", "gp", "mh", "uhb", "soc"]);
    let mut clusters = 0;
    for number in testbed::people().iter().map(|person| person.about.nhs_number.as_str()).take(12) {
        let found =
            world.get(&format!("Patient?identifier=https://fhir.nhs.uk/Id/nhs-number|{number}"), &world.token(&Card::doctor())).await;
        let Some(own) = found.of_type("Patient").next().map(|one| one["id"].as_str().unwrap().to_owned()) else { continue };
        let token = world.doctor_of(&own);
        let path = format!("Patient/{own}/$everything?_count=5000&join=all");
        let (r4, down) = (world.get(&path, &token).await, stu3(&world, &path, &token).await);
        if r4.status != 200 {
            continue;
        }
        let stayed = joined(vec![chart(Version::R4, &r4, "a"), chart(Version::R4, &r4, "b")]);
        let returned = joined(vec![chart(Version::R4, &r4, "a"), chart(Version::Stu3, &down, "b")]);
        let one = |answer: &Answer, id: &str| {
            let id = id.split_once('-').unwrap().1;
            answer.entries().iter().find(|entry| entry["resource"]["id"] == id).map(|entry| entry["resource"].to_string())
        };
        for id in stayed.0.symmetric_difference(&returned.0).flatten() {
            println!("{id}\n  R4   {:?}\n  STU3 {:?}", one(&r4, id), one(&down, id));
        }
        let lost: Vec<_> = stayed.0.difference(&returned.0).collect();
        let gained: Vec<_> = returned.0.difference(&stayed.0).collect();
        assert!(lost.is_empty() && gained.is_empty(), "{number}: lost {lost:#?}, gained {gained:#?}");
        assert_eq!(stayed.1, returned.1, "{number}");
        clusters += stayed.0.len();
    }
    assert!(clusters > 50, "{clusters}");
}

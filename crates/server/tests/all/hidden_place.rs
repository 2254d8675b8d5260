//! A restricted person read in an emergency: no byte of any answer, page, plan, log, metric, ledger line or view of who looked tells of a
//! place of theirs.
//!
//! What tells of a place is found by other means than the exchange's: everybody is read once where nobody is restricted, and whatever
//! stands there in an address, a telephone, an organisation, somebody who works there, a name that a reference goes by, an identifier's
//! system or value, a source's name, code or id is looked for in everything that is said of the restricted.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use aho_corasick::AhoCorasick;
use serde_json::{Value, json};
use testbed::{DEMO_PERSON, DEMOGRAPHICS, Fault, Region, people};

use crate::logged::everything_logged;
use crate::world::{Answer, Card, Setup, World};

const PDS: &str = "[national.demographics]\nurl = \"http://127.0.0.1:1/personal-demographics/FHIR/R4\"\n";
const OPENED: &str = "[national.demographics]\nurl = \"http://127.0.0.1:1/personal-demographics/FHIR/R4\"\n\
                      [national.record_locator]\nurl = \"http://127.0.0.1:1/record-locator\"\ncustodian = \"QHL\"\nend_user_organisation = \"RRK\"\n\
                      practice_setting = { code = \"394802001\", display = \"General medicine\" }\npublish = true\nconsult = true\n\
                      [policy.restricted_in_emergency]\naccepted_by = \"A Guardian, Caldicott Guardian\"\naccepted_on = \"2026-11-01\"\n";
/// Nothing waits for its turn here.
const FAST: &str = "per_second = 100000\nbreaker_window = 10000\nqueue_ms = 60000";

/// One who may: clinician, emergency access (B0168), sensitive flagged records (B1611).
fn reader() -> Card {
    let activities = vec!["B0168", "B0264", "B0360", "B1611"];
    Card { user: "u-7", activities, purpose: "ETREAT", scope: "user/*.rs", organisation: "RZ9", lives_s: 48 * 3_600, ..Card::doctor() }
}

/// Their token; the organisation they work at is nowhere in the region.
fn token(world: &World, card: &Card) -> String {
    let mut claims = card.claims(1_795_424_400).to_string();
    claims = claims.replace("Queen Elizabeth Hospital", "Zzyzx Infirmary");
    world.issuer.sign(&serde_json::from_str(&claims).unwrap())
}

async fn claim(world: &World, person: &str, kind: &str, token: &str) -> Answer {
    let body = json!({"resourceType": "Parameters", "parameter": [
        {"name": "kind", "valueCode": kind},
        {"name": "reason", "valueCoding": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActReason", "code": "ETREAT"}},
        {"name": "text", "valueString": "Unconscious in the department"},
    ]});
    world.send("POST", &format!("/fhir/R4/Patient/{person}/$request-access"), Some(token), &[], &body.to_string()).await
}

/// Everybody restricted, before the region as it is, with an opened policy or without.
fn restricted(blocks: &'static str) -> World {
    let world = World::around(Arc::new(Region::in_memory()), &Setup { limits: FAST, blocks, ..Setup::default() });
    people().iter().for_each(|person| world.region.demographics().label(&person.about.nhs_number, Some("R")));
    world
}

/// What tells of a place in a record that nobody hides.
#[derive(Default)]
struct Places(BTreeSet<String>);

impl Places {
    fn add(&mut self, text: &str) {
        let text = text.trim();
        // Shorter ones could be anything, and codes of the form itself are.
        if text.chars().count() >= 4 {
            self.0.insert(text.to_owned());
        }
    }

    fn all(&mut self, value: &Value) {
        match value {
            Value::String(text) => self.add(text),
            Value::Array(all) => all.iter().for_each(|one| self.all(one)),
            Value::Object(all) => {
                let own = |key: &&String| {
                    !matches!(
                        key.as_str(),
                        "resourceType"
                            | "system"
                            | "use"
                            | "code"
                            | "meta"
                            | "status"
                            | "mode"
                            | "type"
                            | "extension"
                            | "gender"
                            | "prefix"
                            | "birthDate"
                            | "country"
                    )
                };
                all.iter().filter(|(key, _)| own(key)).for_each(|(_, one)| self.all(one));
            }
            _ => {}
        }
    }

    /// A resource: whole where it is of somewhere or of somebody who works there, else what of it is.
    fn learn(&mut self, resource: &Value) {
        match resource["resourceType"].as_str().unwrap_or_default() {
            "Organization" | "Location" | "HealthcareService" | "Practitioner" | "PractitionerRole" => self.all(resource),
            _ => self.within(resource),
        }
        self.add(resource["id"].as_str().unwrap());
    }

    fn within(&mut self, value: &Value) {
        let Some(all) = value.as_object() else { return value.as_array().into_iter().flatten().for_each(|one| self.within(one)) };
        for (key, one) in all {
            match key.as_str() {
                "address" | "telecom" => self.all(one),
                "contained" => one.as_array().into_iter().flatten().for_each(|one| self.learn(one)),
                "identifier" => one.as_array().into_iter().flatten().chain(one.is_object().then_some(one)).for_each(|one| {
                    if one["system"] != "https://fhir.nhs.uk/Id/nhs-number" {
                        [&one["system"], &one["value"], &one["assigner"]["display"]].into_iter().for_each(|text| self.all(text));
                    }
                }),
                "tag" => one
                    .as_array()
                    .unwrap()
                    .iter()
                    .filter(|tag| !tag["system"].as_str().unwrap_or_default().starts_with("urn:severn:"))
                    .for_each(|tag| {
                        [&tag["system"], &tag["code"], &tag["display"]].into_iter().for_each(|text| self.all(text));
                    }),
                "source" if one.is_string() => self.all(one),
                "serviceProvider"
                | "managingOrganization"
                | "generalPractitioner"
                | "location"
                | "participant"
                | "performer"
                | "author"
                | "asserter"
                | "recorder"
                | "requester"
                | "custodian" => self.named(one),
                _ => self.within(one),
            }
        }
    }

    /// By which name somebody or somewhere is referred to.
    fn named(&mut self, value: &Value) {
        match value {
            Value::Array(all) => all.iter().for_each(|one| self.named(one)),
            Value::Object(all) => {
                for (key, one) in all {
                    match key.as_str() {
                        "display" if !all.contains_key("code") => self.all(one),
                        "reference" => self.add(one.as_str().unwrap()),
                        _ => self.named(one),
                    }
                }
            }
            _ => {}
        }
    }

    fn search(&self) -> Search {
        Search { places: AhoCorasick::new(&self.0).unwrap(), found: RefCell::default() }
    }
}

/// Looks for all of them at once.
struct Search {
    places: AhoCorasick,
    /// Where each was found first.
    found: RefCell<BTreeMap<String, String>>,
}

impl Search {
    /// None of them stands in a text as a word of its own; else it is told at the end, with the rest.
    fn absent(&self, what: &str, text: &str) {
        let letter = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
        for found in self.places.find_overlapping_iter(text) {
            if letter(text[..found.start()].chars().next_back()) || letter(text[found.end()..].chars().next()) {
                continue;
            }
            let about = text.floor_char_boundary(found.start().saturating_sub(200));
            let said = || format!("{what}: …{:.400}", &text[about..]);
            self.found.borrow_mut().entry(text[found.range()].to_owned()).or_insert_with(said);
        }
    }

    fn end(&self) {
        let found = self.found.borrow();
        assert!(found.is_empty(), "{} places are told of: {found:#?}", found.len());
    }
}

/// What tells of everybody's places, and what of each person's record stands there, by a world in which nobody is restricted.
async fn places() -> Places {
    let world = World::around(Arc::new(Region::in_memory()), &Setup { limits: FAST, ..Setup::default() });
    let mut places = Places::default();
    for person in people() {
        let id = world.minted(&person.about.nhs_number).await;
        let answer =
            world.get(&format!("Patient/{id}/$everything?_count=5000&_revinclude=Provenance:target&join=all"), &world.doctor_of(&id)).await;
        assert_eq!(answer.status, 200);
        let theirs = answer.entries().iter().map(|entry| &entry["resource"]).filter(|resource| {
            !["OperationOutcome", "Linkage", "DetectedIssue", "Provenance"].contains(&resource["resourceType"].as_str().unwrap())
        });
        theirs.filter(|resource| resource["id"] != id.as_str()).for_each(|resource| places.learn(resource));
        person.about.address.iter().chain(&person.about.phone).for_each(|text| places.add(text));
    }
    for source in world.region.sources() {
        let block = source.to_toml("t");
        let own = |key: &str| block.lines().find_map(|line| line.strip_prefix(&format!("{key} = "))?.trim_matches('"').to_owned().into());
        [own("name"), own("organisation"), own("url")].into_iter().flatten().for_each(|text: String| _ = places.0.insert(text));
        places.0.insert(format!("{}-", source.id));
        places.0.insert(format!("\"{}\"", source.id));
    }
    // Systems that everybody uses tell of nobody.
    places.0.retain(|text| {
        !text.starts_with("https://fhir.nhs.uk/") && !text.starts_with("http://hl7.org/") && !text.starts_with("https://fhir.hl7.org.uk/")
    });
    // In whose name the exchange itself answers stands in every answer.
    places.0.remove("QHL");
    // Who the people are is no place, nor what the exchange itself is called; the region's people are put down under their own names.
    for person in people() {
        let about = &person.about;
        about
            .given
            .iter()
            .chain([&about.family])
            .chain(about.previous_given.iter().flatten())
            .chain(&about.previous_family)
            .for_each(|name| _ = places.0.remove(name));
        places.0.remove(&about.birth_date);
        places.0.remove(&about.nhs_number);
    }
    places
}

#[tokio::test(start_paused = true)]
async fn no_byte_of_anything_tells_of_a_restricted_persons_place() {
    let places = places().await;
    assert!(places.0.len() > 1_000, "{}", places.0.len());
    let places = places.search();
    // What is counted is counted in one place in this process.
    let counted = |text: &str| {
        text.lines()
            .filter(|line| line.contains("source=") && !line.contains("source=\"hidden\""))
            .map(str::to_owned)
            .collect::<BTreeSet<_>>()
    };
    let log = everything_logged();
    let world = restricted(OPENED);
    let before = counted(&world.send("GET", "/metrics", None, &[], "").await.text);
    let token = token(&world, &reader());
    let officer = world.token(&Card { user: "u-8", roles: vec!["R0001"], scope: "severn.privacy", organisation: "RZ9", ..Card::doctor() });
    let operator = world.token(&Card { user: "u-9", scope: "severn.operator", organisation: "RZ9", ..Card::doctor() });
    // How sources do is told by their names: none of it may have moved by anybody's leg.
    let desk = async || world.send("GET", "/operations/sources", Some(&operator), &[], "").await.json["sources"].clone();
    let idle = desk().await;
    let (mut shown, mut withheld) = (0, 0);
    for (place, person) in people().iter().step_by(3).enumerate() {
        let number = &person.about.nhs_number;
        let id = world.minted(number).await;
        let granted = claim(&world, &id, "emergency", &token).await;
        assert_eq!(granted.status, 200, "{number}: {}", granted.text);
        match place % 4 {
            1 => world.region.fail("ccr", Fault::Silent),
            2 => world.region.fail("uhb", Fault::Refusing { how: testbed::Refusal::Unauthorised }),
            3 => world.region.fail("gp", Fault::Slow { ms: 300 }),
            _ => true,
        };
        let whole = world.get(&format!("Patient/{id}/$everything?_count=5000&_revinclude=Provenance:target&join=all"), &token).await;
        assert_eq!(whole.status, 200, "{number}: {}", whole.text);
        let of = |kind: &str| whole.entries().iter().filter(|entry| entry["resource"]["resourceType"] == kind).count();
        for kind in
            ["DocumentReference", "Encounter", "Organization", "Practitioner", "Location", "Appointment", "Consent", "RelatedPerson"]
        {
            assert_eq!(of(kind), 0, "{kind}");
        }
        shown += whole.entries().len();
        world.plan_of(&id, &token, &whole).await;
        withheld += whole.text.matches("some information is withheld").count();
        let mut answers = vec![("the whole".to_owned(), whole)];
        // By every way for some, and by most for all.
        let every = place % 4 == 0;
        for path in [
            format!("Patient/{id}/$everything?_count=5"),
            format!("Patient/{id}"),
            format!("Patient/{id}/$everything?_format=xml&_count=5000"),
            format!("AllergyIntolerance?patient={id}"),
            format!("MedicationRequest?patient={id}&_include=MedicationRequest:medication&_include=MedicationRequest:requester"),
            format!("Observation?patient={id}&_revinclude=Provenance:target"),
            format!("Encounter?patient={id}"),
            format!("DocumentReference?patient={id}"),
            format!("Consent?patient={id}"),
            format!("Organization?patient={id}"),
        ]
        .iter()
        .take(if every { usize::MAX } else { 1 })
        {
            answers.push((path.clone(), world.get(path, &token).await));
        }
        let stu3 = world.send("GET", &format!("/fhir/STU3/Patient/{id}/$everything?_count=5000"), Some(&token), &[], "").await;
        assert_eq!(stu3.status, 200);
        answers.push(("STU3".to_owned(), stu3));
        let request = answers[0].1.request();
        answers.push(("the plan".to_owned(), world.get(&format!("Patient/{id}/$plan?request={request}"), &token).await));
        if let Some(next) = answers[1].1.next() {
            answers.push(("a page".to_owned(), world.get(&next, &token).await));
        }
        let structured = format!(
            r#"{{"resourceType":"Parameters","parameter":[{{"name":"patientNHSNumber","valueIdentifier":{{"system":"https://fhir.nhs.uk/Id/nhs-number","value":"{number}"}}}},{{"name":"includeAllergies"}}]}}"#
        );
        let structured = world
            .send(
                "POST",
                "/fhir/STU3/Patient/$gpc.getstructuredrecord",
                Some(&token),
                &[("content-type", "application/fhir+json")],
                &structured,
            )
            .await;
        assert!(structured.status >= 400, "a practice's own bytes");
        answers.push(("a practice's own bytes".to_owned(), structured));
        let page = world.tab(&token).await.unwrap().read(&id).await;
        assert!(page.status == 200 && page.text.contains("Source 1"), "{}", page.status);
        answers.push(("the page of their record".to_owned(), page));
        for seen in ["tasks", &format!("access?patient={id}"), &format!("accesses?patient={id}")] {
            answers.push((format!("/privacy/{seen}"), world.send("GET", &format!("/privacy/{seen}"), Some(&officer), &[], "").await));
        }
        answers.push(("AuditEvent".to_owned(), world.get(&format!("AuditEvent?patient={id}"), &officer).await));
        for (what, answer) in &answers {
            places.absent(&format!("{what} of {number} ({})", answer.status), &answer.text);
            let headers: Vec<String> = answer.headers.iter().map(|(name, value)| format!("{name}: {}", value.to_str().unwrap())).collect();
            places.absent(&format!("a header of {what}"), &headers.join("\n"));
        }
        world.region.heal();
    }
    world.settled().await;
    assert!(shown > 200 && withheld > 20, "{shown} shown, {withheld} withheld: there was something to hide");
    assert!(idle.as_array().is_some_and(|sources| sources.len() > 4), "{idle}");
    assert_eq!(desk().await, idle, "a leg about somebody restricted is seen at the operations desk");
    places.absent("the ledger", &world.ledger.text());
    let metrics = world.send("GET", "/metrics", None, &[], "").await;
    assert_eq!(counted(&metrics.text), before, "a source of somebody restricted is counted by no name of its own");
    assert!(metrics.text.contains("source=\"hidden\""));
    places.absent("the log", &log.text());
    assert!(log.text().contains("privacy.task"), "something was logged");
    places.end();
    world.ledger.verify();
}

/// What a restricted record is for in an emergency: allergies, medicines, problems and results are there, with their codes and words.
#[tokio::test(start_paused = true)]
async fn what_tells_of_no_place_is_shown_in_an_emergency() {
    let world = restricted(OPENED);
    let token = token(&world, &reader());
    let id = world.minted(DEMO_PERSON).await;
    assert_eq!(claim(&world, &id, "emergency", &token).await.status, 200);
    let answer = world.get(&format!("Patient/{id}/$everything?_count=5000&join=all"), &token).await;
    let first = &answer.outcome()["issue"];
    assert_eq!(first[0]["details"]["coding"][0]["code"], "emergency");
    assert_eq!(first[1]["details"]["coding"][0]["code"], "restricted");
    let open = World::around(Arc::new(Region::in_memory()), &Setup { limits: FAST, blocks: PDS, ..Setup::default() });
    let theirs = open.minted(DEMO_PERSON).await;
    let whole = open.get(&format!("Patient/{theirs}/$everything?_count=5000&join=all"), &open.doctor_of(&theirs)).await;
    let of = |answer: &Answer, kind: &str| -> Vec<Value> {
        answer.entries().iter().map(|entry| entry["resource"].clone()).filter(|resource| resource["resourceType"] == kind).collect()
    };
    for kind in ["AllergyIntolerance", "Condition", "MedicationRequest", "Immunization", "Observation"] {
        let (left, all) = (of(&answer, kind), of(&whole, kind));
        println!("{kind}: {} of {}", left.len(), all.len());
        assert!(left.len() * 10 >= all.len() * 8, "{kind}: {} of {}", left.len(), all.len());
        for one in &left {
            assert!(one["subject"]["reference"].is_string() || one["patient"]["reference"].is_string(), "{one}");
        }
    }
    let allergies = of(&answer, "AllergyIntolerance");
    let said = allergies.iter().map(Value::to_string).collect::<String>();
    assert!(said.contains("enicillin"), "{said}");
    let tags: BTreeSet<String> = allergies.iter().map(|one| one["meta"]["tag"][0]["code"].as_str().unwrap().to_owned()).collect();
    assert!(tags.iter().all(|tag| tag.starts_with("source")) && tags.len() > 1, "{tags:?}");
    // The same source goes by the same name next time, and by another for somebody else.
    let again = world.get(&format!("Patient/{id}/$everything?_count=5000&join=all"), &token).await;
    let ids = |answer: &Answer| {
        of(answer, "AllergyIntolerance")
            .iter()
            .map(|one| (one["id"].to_string(), one["meta"]["tag"][0]["code"].to_string()))
            .collect::<BTreeSet<_>>()
    };
    assert_eq!(ids(&answer), ids(&again));
}

/// Everything else that somebody might read them by.
#[tokio::test(start_paused = true)]
async fn nothing_else_opens_a_restricted_record() {
    let all = || reader().activities;
    let without = |code: &str| all().into_iter().filter(|own| *own != code).collect::<Vec<_>>();
    for (blocks, card, kind, granted) in [
        // Nobody put their name to it.
        (PDS, reader(), "emergency", 403),
        (OPENED, Card { activities: without("B1611"), ..reader() }, "emergency", 403),
        (OPENED, Card { activities: without("B0168"), ..reader() }, "emergency", 403),
        (OPENED, Card { roles: vec!["R8008"], ..reader() }, "emergency", 403),
        (OPENED, Card { purpose: "HRESCH", ..reader() }, "emergency", 403),
        (OPENED, reader(), "relationship", 403),
        (OPENED, reader(), "emergency", 200),
    ] {
        let world = restricted(blocks);
        let id = world.minted(DEMO_PERSON).await;
        let own = token(&world, &card);
        let claimed = claim(&world, &id, kind, &own).await;
        assert_eq!(claimed.status, granted, "{:?} {kind}", card.activities);
        let path = format!("Patient/{id}/$everything?_count=50");
        assert_eq!(world.get(&path, &own).await.status, granted);
        // A launch is no emergency.
        let launched = token(&world, &Card { patient: Some(id.clone()), activities: all(), user: "u-6", ..reader() });
        assert_eq!(world.get(&path, &launched).await.status, 403);
        if granted == 200 {
            for other in [Card { user: "u-5", ..reader() }, Card { activities: without("B1611"), ..reader() }] {
                assert_eq!(world.get(&path, &token(&world, &other)).await.status, 403);
            }
            // Where the label cannot be had, nobody knows whether more than a place is to be hidden.
            world.region.fail(DEMOGRAPHICS, Fault::Silent);
            world.clock.forward_s(20 * 60);
            assert_eq!(world.get(&path, &own).await.status, 403);
            world.region.heal();
            world.clock.forward_s(4 * 3_600);
            assert_eq!(world.get(&path, &own).await.status, 403, "four hours");
        }
        world.ledger.verify();
    }
}

/// Pages of before show what is hidden now: they are over, in an emergency as without.
#[tokio::test(start_paused = true)]
async fn pages_laid_out_before_the_label_are_over() {
    let world = World::around(Arc::new(Region::in_memory()), &Setup { limits: FAST, blocks: OPENED, ..Setup::default() });
    let id = world.minted(DEMO_PERSON).await;
    let card = Card { patient: Some(id.clone()), ..reader() };
    let own = token(&world, &card);
    let first = world.get(&format!("Patient/{id}/$everything?_count=5"), &own).await;
    let next = first.next().expect("a page to come");
    let plan = format!("Patient/{id}/$plan?request={}", first.request());
    world.clock.forward_s(9 * 60);
    let again = world.get(&format!("Patient/{id}/$everything?_count=5"), &own).await;
    let later = again.next().expect("a page to come");
    world.region.demographics().label(DEMO_PERSON, Some("R"));
    world.clock.forward_s(7 * 60);
    assert_eq!(claim(&world, &id, "emergency", &own).await.status, 200);
    for link in [next, later] {
        assert_ne!(world.get(&link, &own).await.status, 200, "{link}");
    }
    let hidden = world.get(&format!("Patient/{id}/$everything?_count=5"), &own).await;
    assert_eq!(hidden.outcome()["issue"][1]["details"]["coding"][0]["code"], "restricted");
    let plan = world.get(&plan, &own).await;
    assert!(!plan.text.contains("\"ccr\"") && !plan.text.contains("\"uhb\""), "{}", plan.text);
}

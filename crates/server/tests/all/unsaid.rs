//! Nobody's name, number, address, telephone or birth date stands in a log, a metric, an error to whoever may not know it, or a panic;
//! nor any token. Everybody of the region is asked for, in every way, and every word that was said meanwhile is searched for them.

use std::collections::BTreeSet;
use std::sync::Arc;

use server::logs;
use testbed::{DEMO_PERSON, Fault, Person, Refusal, Region, people};

use crate::commands::Room;
use crate::loading::{CONFIG, HEADING};
use crate::logged::everything_logged;
use crate::world::{Card, Issuer, Setup, World};

/// What is looked for, each with whose it is.
struct Secrets(Vec<(String, String)>);

impl Secrets {
    /// Of everybody in the region.
    fn of_the_region() -> Secrets {
        Secrets(
            people().iter().flat_map(|person| strings(person).into_iter().map(|text| (text, person.about.nhs_number.clone()))).collect(),
        )
    }

    /// Tokens and the like: neither they nor their signatures.
    fn with(mut self, secret: &str) -> Secrets {
        for part in [Some(secret), secret.rsplit('.').next()].into_iter().flatten().filter(|part| part.len() > 8) {
            self.0.push((part.to_owned(), "a token".to_owned()));
        }
        self
    }

    /// None of them is in a text.
    fn absent(&self, what: &str, text: &str) {
        for (secret, whose) in &self.0 {
            let found = text.match_indices(secret.as_str()).find(|(at, _)| whole(text, *at, secret.len()));
            if let Some((at, _)) = found {
                let line = text[..at].rfind('\n').map_or(0, |at| at + 1);
                panic!("{what} says `{secret}` of {whose}: {:.400}", &text[line..]);
            }
        }
    }
}

/// Whether what stands there is no part of a longer word.
fn whole(text: &str, at: usize, length: usize) -> bool {
    let letter = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
    !letter(text[..at].chars().next_back()) && !letter(text[at + length..].chars().next())
}

/// What tells of a person; words of three letters and less could be anybody's.
fn strings(person: &Person) -> BTreeSet<String> {
    let about = &person.about;
    let number = &about.nhs_number;
    let mut all: BTreeSet<String> = BTreeSet::from([number.clone(), format!("{} {} {}", &number[..3], &number[3..6], &number[6..])]);
    let names = about.given.iter().chain(about.previous_given.iter().flatten()).chain([&about.family]).chain(&about.previous_family);
    all.extend(names.filter(|name| name.chars().count() > 3).cloned());
    all.extend(about.address.iter().filter(|line| line.len() > 5).cloned());
    all.extend(about.phone.iter().flat_map(|phone| [phone.clone(), phone.replace(' ', "")]));
    all.insert(about.birth_date.clone());
    all
}

const NHS: &str = "https://fhir.nhs.uk/Id/nhs-number";

/// What anybody asks of a person, each with its method and body.
fn questions(person: &Person, id: &str) -> Vec<(&'static str, String, String)> {
    let about = &person.about;
    let number = &about.nhs_number;
    let (family, given, born) = (&about.family, &about.given[0], &about.birth_date);
    let postcode = about.address.last().map(String::as_str).unwrap_or_default().replace(' ', "%20");
    let matched = format!(
        r#"{{"resourceType":"Parameters","parameter":[{{"name":"resource","resource":{{"resourceType":"Patient","name":[{{"family":"{family}","given":["{given}"]}}],"birthDate":"{born}"}}}}]}}"#
    );
    let claim = format!(
        r#"{{"resourceType":"Parameters","parameter":[{{"name":"kind","valueCode":"relationship"}},{{"name":"reason","valueCoding":{{"system":"http://terminology.hl7.org/CodeSystem/v3-ActReason","code":"TREAT"}}}},{{"name":"text","valueString":"{given} {family} was admitted"}}]}}"#
    );
    let structured = format!(
        r#"{{"resourceType":"Parameters","parameter":[{{"name":"patientNHSNumber","valueIdentifier":{{"system":"{NHS}","value":"{number}"}}}},{{"name":"includeAllergies"}}]}}"#
    );
    let get = |target: String| ("GET", target, String::new());
    vec![
        get(format!("/fhir/R4/Patient?identifier={NHS}|{number}")),
        get(format!("/fhir/STU3/Patient?identifier={NHS}|{number}")),
        get(format!("/fhir/R4/Patient?family={family}&given={given}&birthdate={born}&address-postalcode={postcode}")),
        ("POST", "/fhir/R4/Patient/$match".to_owned(), matched),
        get(format!("/fhir/R4/Condition?patient.identifier={NHS}|{number}")),
        ("POST", format!("/fhir/R4/Patient/{id}/$request-access"), claim),
        get(format!("/fhir/R4/Patient/{id}/$everything?_count=20")),
        get(format!("/fhir/STU3/Patient/{id}/$everything?_format=xml")),
        ("POST", "/fhir/STU3/Patient/$gpc.getstructuredrecord".to_owned(), structured),
        // What somebody puts where it does not belong.
        get(format!("/fhir/R4/Patient/{number}")),
        get(format!("/fhir/R4/{family}")),
        get(format!("/fhir/R4/Observation?{family}={number}")),
        get(format!("/fhir/R4/Observation?patient={number}&code={born}")),
        get(format!("/{number}/{postcode}")),
        get(format!("/steward/explain?one=ccr/{number}&other={family}")),
        get(format!("/steward/tasks/{number}")),
        ("POST", format!("/steward/tasks/{family}/decide"), format!(r#"{{"outcome":"{born}","reason":"{family}"}}"#)),
        ("PUT", format!("/fhir/R4/Patient/{number}"), format!("{{\"id\":\"{number}\"}}")),
    ]
}

#[tokio::test(start_paused = true)]
async fn nobody_is_named_in_logs_metrics_or_refusals() {
    let log = everything_logged();
    let region = Arc::new(Region::in_memory());
    let world = World::around(region.clone(), &Setup { limits: "per_second = 100000\nbreaker_window = 10000", ..Setup::default() });
    let mut secrets = Secrets::of_the_region();
    for source in region.sources() {
        secrets = source.bearer.iter().fold(secrets, |secrets, bearer| secrets.with(bearer));
    }
    let names = Secrets::of_the_region();
    let faults = [
        None,
        Some(Fault::Refusing { how: Refusal::Unavailable }),
        Some(Fault::Refusing { how: Refusal::Unauthorised }),
        Some(Fault::Silent),
    ];
    for (place, person) in people().iter().enumerate() {
        let doctor = world.token(&Card { scope: "user/*.rs", ..Card::doctor() });
        let found =
            world.send("GET", &format!("/fhir/R4/Patient?identifier={NHS}|{}", person.about.nhs_number), Some(&doctor), &[], "").await;
        let matches = found.entries().iter().find(|entry| entry["search"]["mode"] == "match");
        let id = matches.map_or("none", |entry| entry["resource"]["id"].as_str().unwrap()).to_owned();
        let theirs = world.token(&Card { scope: "user/*.rs severn.operator", patient: Some(id.clone()), ..Card::doctor() });
        let known = [doctor, theirs];
        // Their own name in a token that is no use: who is refused is told nothing, and neither is the log.
        let mut claims = Card::doctor().claims(0);
        claims["sub"] = person.about.family.clone().into();
        claims["patient"] = person.about.nhs_number.clone().into();
        let unknown =
            [Issuer::new().sign(&claims), world.issuer.sign(&claims), person.about.nhs_number.clone(), person.about.family.clone()];
        if let Some(fault) = &faults[place % faults.len()] {
            region.fail("ccr", fault.clone());
        }
        for (at, (method, target, body)) in questions(person, &id).into_iter().enumerate() {
            for token in if at < 5 { &known[..] } else { &known[1..] } {
                world.send(method, &target, Some(token), &[("content-type", "application/fhir+json")], &body).await;
            }
            // Each question with each kind of token, over a few people.
            let token = &unknown[(place + at) % unknown.len()];
            let answer = world.send(method, &target, Some(token), &[], &body).await;
            assert!([401, 404].contains(&answer.status), "{target}: {}", answer.status);
            names.absent(&format!("the refusal of {method} {target}"), &answer.text);
        }
        // Somebody who is known, and may not.
        let stranger = world.token(&Card { user: "u-9", roles: vec!["R9999"], ..Card::doctor() });
        for (method, target, body) in questions(person, &id).into_iter().take(9) {
            let answer = world.send(method, &target, Some(&stranger), &[], &body).await;
            assert!(answer.status >= 400, "{target}: {}", answer.status);
            names.absent(&format!("the refusal of {method} {target}"), &answer.text);
        }
        region.heal();
        for token in known.iter().chain([&stranger]) {
            secrets = secrets.with(token);
        }
    }
    world.settled().await;
    let metrics = world.send("GET", "/metrics", None, &[], "").await;
    assert_eq!(metrics.status, 200);
    for counted in ["severn_requests_total", "severn_request_seconds", "severn_source_rows_total"] {
        assert!(metrics.text.contains(counted), "{counted} is not counted: {:.2000}", metrics.text);
    }
    // However many people were asked for, there are no more lines than there are routes, statuses and sources.
    assert!(metrics.text.lines().count() < 800, "{}", metrics.text.lines().count());
    secrets.absent("a metric", &metrics.text);
    let logged = log.text();
    assert!(!logged.contains("a panic") && !logged.contains("panicked"), "{logged:.2000}");
    secrets.absent("the log", &logged);
}

#[test]
fn commands_name_nobody() {
    let room = Room::new();
    std::fs::write(room.0.join("severn.toml"), CONFIG).unwrap();
    std::fs::write(room.0.join("keys.json"), r#"{"keys":[]}"#).unwrap();
    let mut file = HEADING.to_owned();
    for (place, person) in people().iter().enumerate() {
        let about = &person.about;
        // Some rows are bad.
        let born = if place % 3 == 0 { "31/12/1980" } else { &about.birth_date };
        let address = about.address.first().cloned().unwrap_or_default().replace('"', "");
        let postcode = about.address.last().cloned().unwrap_or_default();
        file.push_str(&format!(
            "r{place},RRK,{},01,{},{},,{},{born},\"{address}\",,{postcode},{},\n",
            about.nhs_number,
            about.family,
            about.given[0],
            about.gender,
            about.phone.clone().unwrap_or_default()
        ));
    }
    std::fs::write(room.0.join("people.csv"), &file).unwrap();
    let secrets = Secrets::of_the_region();
    for arguments in [
        &["people", "load", "people.csv", "--source", "hosp", "--config", "severn.toml"][..],
        &["people", "load", "people.csv", "--source", "hosp", "--config", "severn.toml"],
        &["store", "check", "--config", "severn.toml"],
        &["store", "rekey", "--config", "severn.toml"],
    ] {
        let output = room.command(arguments).env("RUST_LOG", "trace").output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {said}");
        secrets.absent(&format!("{arguments:?}"), &said);
    }
}

#[test]
fn a_panic_says_where_and_not_what() {
    let (log, _logging) = crate::logged::logged();
    let before = std::panic::take_hook();
    logs::tell_of_panics();
    let ended = std::panic::catch_unwind(|| panic!("{DEMO_PERSON} could not be read"));
    std::panic::set_hook(before);
    assert!(ended.is_err());
    let said = log.text();
    assert!(said.contains("unsaid.rs") && said.contains("a bug in Severn") && !said.contains(DEMO_PERSON), "{said}");
}

//! How one Severn signs in to another for its user: who is named there, and what a token of ours does not do.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use testbed::DEMO_PERSON;

use crate::documents::attachments;
use crate::logged::logged;
use crate::ring::{Pact, Ring};
use crate::world::{Answer, Card, Issuer, Sent, World};

/// Somebody else whom both exchanges know.
const OTHER: &str = "9990000026";
/// How long past its end a token is taken, for clocks that differ.
const LEEWAY_S: i64 = 30;

impl Ring {
    /// What the west sends when somebody reads everything of a person.
    async fn sent(&self, card: &Card, person: &str) -> (Answer, Vec<Sent>) {
        self.wire.forget();
        let token = self.west.token(&Card { patient: Some(person.to_owned()), ..card.clone() });
        let answer = self.west.get(&format!("Patient/{person}/$everything?_count=5000"), &token).await;
        (answer, self.wire.asked())
    }

    /// A question of the west's for everything, and the person's id in it.
    async fn question(&self) -> (Sent, String) {
        let (_, sent) = self.sent(&Card::doctor(), &self.person).await;
        let question = sent.into_iter().find(|one| one.target.contains("$everything")).unwrap();
        let id = question.target.split('/').nth_back(1).unwrap().to_owned();
        (question, id)
    }
}

async fn everything(world: &World, person: &str, token: &str) -> Answer {
    world.get(&format!("Patient/{person}/$everything?_count=5000"), token).await
}

#[tokio::test(start_paused = true)]
async fn the_others_ledger_names_the_person_who_asked() {
    let ring = Ring::new(&Pact::kept()).await;
    let (answer, sent) = ring.sent(&Card::doctor(), &ring.person).await;
    assert_eq!(answer.status, 200);
    let person = ring.east.person(DEMO_PERSON).await;
    let asked = |event: &&Value| event["event"] == "opened" && event["hops"] == json!(["west"]);
    let events = ring.east.ledger.events();
    let reads: Vec<&Value> = events.iter().filter(asked).filter(|event| event["interaction"] != "find").collect();
    assert!(!reads.is_empty());
    for read in reads {
        let by = &read["by"];
        assert_eq!((&by["issuer"], &by["subject"]), (&json!("https://west.severn.test"), &json!("https://login.example|u-1")));
        assert_eq!((&by["name"], &by["sds_user_id"], &by["organisation"]), (&json!("Dr A Example"), &json!("999999999999"), &json!("RRK")));
        assert_eq!(
            (&by["organisation_name"], &by["roles"], &by["purposes"]),
            (&json!("Queen Elizabeth Hospital"), &json!(["R8000"]), &json!(["TREAT"]))
        );
        assert_eq!((&by["client"], &read["patient"]), (&json!("west"), &json!(person)));
    }
    // Each call has a token of its own; who the person is, is said once it is known.
    let tokens: BTreeSet<String> = sent.iter().map(|one| one.claims()["jti"].as_str().unwrap().to_owned()).collect();
    assert_eq!(tokens.len(), sent.len());
    for one in sent {
        let (claims, finds) = (one.claims(), one.target.contains("Patient?") || one.target.contains("metadata"));
        assert_eq!(claims["patient"].is_null(), finds, "{}", one.target);
        assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 60);
    }
    ring.east.ledger.verify();
}

#[tokio::test(start_paused = true)]
async fn each_region_signs_in_to_the_other_and_their_users_are_told_apart() {
    let ring = Ring::new(&Pact::kept()).await;
    let person = ring.east.person(DEMO_PERSON).await;
    let answer = everything(&ring.east, &person, &ring.east.doctor_of(&person)).await;
    assert!(answer.status == 200 && answer.shown()["w"].len() > 20);
    ring.west.get(&format!("Condition?patient={}", ring.person), &ring.token).await;
    // Both have a user u-1 of one sign-in provider. Nobody is taken for somebody else.
    let users = |world: &World| -> BTreeSet<(String, String)> {
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let opened = world.ledger.events().into_iter().filter(|event| event["event"] == "opened");
        opened.map(|event| (text(&event["by"]["issuer"]), text(&event["by"]["subject"]))).collect()
    };
    let pair = |issuer: &str, subject: &str| (issuer.to_owned(), subject.to_owned());
    let (own, own_abroad) = (pair("https://login.example", "u-1"), "https://login.example|u-1");
    assert_eq!(users(&ring.east), BTreeSet::from([own.clone(), pair("https://west.severn.test", own_abroad)]));
    assert_eq!(users(&ring.west), BTreeSet::from([own, pair("https://east.severn.test", own_abroad)]));
    // What the east's own u-1 claims is no relationship of the west's.
    let stranger = ring.east.token(&Card::doctor());
    let claim = claim("relationship");
    let claimed = ring.east.send("POST", &format!("/fhir/R4/Patient/{person}/$request-access"), Some(&stranger), &[], &claim).await;
    assert_eq!(claimed.status, 200, "{}", claimed.text);
    ring.west.get(&format!("Patient?identifier=https://fhir.nhs.uk/Id/nhs-number|{DEMO_PERSON}"), &stranger_of(&ring.west)).await;
    let found = ring.wire.asked().into_iter().rev().find(|one| one.target.starts_with("east") && one.target.contains("Patient?")).unwrap();
    assert_eq!(everything(&ring.east, &person, &stranger).await.status, 200);
    assert_eq!(everything(&ring.east, &person, &found.token).await.status, 403);
}

/// The same doctor with nobody open.
fn stranger_of(world: &World) -> String {
    world.token(&Card::doctor())
}

fn claim(kind: &str) -> String {
    json!({"resourceType": "Parameters", "parameter": [{"name": "kind", "valueCode": kind}, {"name": "text", "valueString": "Found on the road"},
        {"name": "reason", "valueCoding": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActReason", "code": "ETREAT"}}]})
    .to_string()
}

#[tokio::test(start_paused = true)]
async fn a_role_that_may_not_see_a_type_here_is_not_given_it_there() {
    let ring = Ring::new(&Pact::kept()).await;
    let pharmacist = Card { user: "u-2", activities: vec!["B0264", "B0401"], ..Card::doctor() };
    let (answer, sent) = ring.sent(&pharmacist, &ring.person).await;
    assert_eq!(answer.status, 200);
    assert!(answer.shown()["e"].iter().any(|name| name.starts_with("AllergyIntolerance/")));
    assert!(!answer.shown()["e"].iter().any(|name| name.starts_with("Condition/")));
    // Nor does the east give it to whoever should ask for more in their name.
    let question = sent.iter().find(|one| !one.claims()["patient"].is_null()).unwrap();
    let person = question.claims()["patient"].as_str().unwrap().to_owned();
    let more = everything(&ring.east, &person, &question.token).await;
    assert_eq!(more.status, 200);
    assert!(more.of_type("AllergyIntolerance").next().is_some() && more.of_type("Condition").next().is_none());
}

#[tokio::test(start_paused = true)]
async fn for_somebody_without_a_name_that_both_know_nothing_is_sent() {
    let ring = Ring::new(&Pact::kept()).await;
    let unnamed = [Card { sds_user_id: None, ..Card::doctor() }, Card::system()];
    for card in unnamed {
        let (answer, sent) = ring.sent(&card, &ring.person).await;
        assert!(sent.is_empty(), "{sent:?}");
        assert_eq!(answer.status, 200, "{}", answer.text);
        assert!(!answer.shown().contains_key("e") && answer.shown().contains_key("nbr"));
        let issues = answer.outcome()["issue"].as_array().unwrap().clone();
        let of_east: Vec<&Value> = issues.iter().filter(|issue| issue["extension"][0]["valueString"] == "e").collect();
        assert!(of_east.len() > 10);
        for issue in of_east {
            assert_eq!(issue["details"]["coding"][0]["code"], "withheld");
            assert!(issue["details"]["text"].as_str().unwrap().ends_with("(no-end-user)"), "{issue}");
        }
        assert_eq!(answer.state("allergies"), Some("known"));
        let found =
            ring.west.get(&format!("Patient?identifier=https://fhir.nhs.uk/Id/nhs-number|{DEMO_PERSON}"), &ring.west.token(&card)).await;
        assert!(found.status == 200 && found.text.contains("(no-end-user)") && ring.wire.asked().is_empty(), "{}", found.text);
    }
}

#[tokio::test(start_paused = true)]
async fn a_token_for_one_patient_opens_no_other() {
    let ring = Ring::new(&Pact::kept()).await;
    let other = ring.east.person(OTHER).await;
    let (question, person) = ring.question().await;
    assert_eq!(everything(&ring.east, &person, &question.token).await.status, 200);
    for path in [format!("Patient/{other}/$everything"), format!("Condition?patient={other}"), format!("Patient/{other}")] {
        assert_eq!(ring.east.get(&path, &question.token).await.status, 403, "{path}");
    }
    // What only looked for them opens nobody.
    let found = ring.west.get(&format!("Patient?identifier=https://fhir.nhs.uk/Id/nhs-number|{DEMO_PERSON}"), &ring.token).await;
    assert_eq!(found.status, 200);
    let search = ring.wire.asked().into_iter().rev().find(|one| one.target.contains("Patient?")).unwrap();
    assert_eq!((search.status, everything(&ring.east, &person, &search.token).await.status), (200, 403));
}

#[tokio::test(start_paused = true)]
async fn a_document_is_fetched_from_the_other_in_the_readers_name() {
    let ring = Ring::new(&Pact::kept()).await;
    let person = ring.east.person(DEMO_PERSON).await;
    let token = ring.east.doctor_of(&person);
    let urls = attachments(&everything(&ring.east, &person, &token).await);
    let url = urls.iter().find(|url| url.starts_with("Binary/w-")).unwrap_or_else(|| panic!("{urls:?}"));
    ring.wire.forget();
    let document = ring.east.get(url, &token).await;
    assert_eq!(document.status, 200, "{}", document.text);
    assert!(!document.json["data"].as_str().unwrap().is_empty());
    let fetched = ring.wire.asked().into_iter().find(|one| one.target.contains("/Binary/")).unwrap();
    assert_eq!((fetched.status, fetched.claims()["patient"].is_null()), (200, false));
}

#[tokio::test(start_paused = true)]
async fn an_emergency_here_opens_nothing_there() {
    let ring = Ring::new(&Pact::kept()).await;
    let paramedic = Card { user: "u-3", activities: vec!["B0264", "B0360", "B0168"], ..Card::doctor() };
    let token = ring.west.token(&paramedic);
    let granted =
        ring.west.send("POST", &format!("/fhir/R4/Patient/{}/$request-access", ring.person), Some(&token), &[], &claim("emergency")).await;
    assert_eq!(granted.status, 200, "{}", granted.text);
    let answer = everything(&ring.west, &ring.person, &token).await;
    assert!(answer.status == 200 && answer.shown().contains_key("nbr"));
    // Who somebody is may be found by whoever may trace people; their record may not be read.
    assert!(answer.shown()["e"].iter().all(|name| name.starts_with("Patient/")), "{:?}", answer.shown()["e"]);
    let issues = answer.issues_of("e");
    assert!(issues.len() > 10 && issues.iter().all(|(_, status, _)| status == "withheld"), "{issues:?}");
    let asked = ring.wire.asked();
    assert!(asked.iter().any(|one| one.status == 403));
    for one in asked {
        let claims = one.claims();
        assert!(claims["patient"].is_null(), "nobody over there has them open");
        assert_eq!(claims["extensions"]["ihe_iua"]["purpose_of_use"][0]["code"], "TREAT");
    }
}

#[tokio::test(start_paused = true)]
async fn a_token_ends_with_its_time() {
    let ring = Ring::new(&Pact { lives_s: 10, ..Pact::kept() }).await;
    let (question, person) = ring.question().await;
    ring.east.clock.forward_s(10 + LEEWAY_S - 1);
    assert_eq!(everything(&ring.east, &person, &question.token).await.status, 200);
    ring.east.clock.forward_s(1);
    assert_eq!(everything(&ring.east, &person, &question.token).await.status, 401);
    assert!(ring.east.ledger.text().contains("the token has expired"));
}

#[tokio::test(start_paused = true)]
async fn a_token_for_somebody_else_or_by_another_key_is_refused_and_said_to_be() {
    let pacts = [Pact { audience: "https://north.severn.test", ..Pact::kept() }, Pact { known_by: Some(Issuer::new()), ..Pact::kept() }];
    for pact in pacts {
        let ring = Ring::new(&pact).await;
        let (answer, sent) = ring.sent(&Card::doctor(), &ring.person).await;
        assert!(answer.status == 200 && answer.shown().contains_key("nbr") && !answer.shown().contains_key("e"));
        let issues = answer.issues_of("e");
        assert!(issues.iter().any(|(_, _, kind)| kind == "AllergyIntolerance"));
        assert!(issues.iter().all(|(severity, status, _)| severity == "warning" && status == "failed-auth"), "{issues:?}");
        assert!(sent.iter().all(|one| one.target.contains("metadata") || one.status == 401));
        assert!(ring.east.ledger.events().iter().any(|event| event["event"] == "refused" && event["by"].is_null()));
    }
}

#[tokio::test(start_paused = true)]
async fn nobodys_token_is_sent_for_another_reader_or_person() {
    let ring = Ring::new(&Pact::kept()).await;
    let other = ring.west.person(OTHER).await;
    let east = BTreeMap::from([(ring.person.clone(), ring.east.person(DEMO_PERSON).await), (other.clone(), ring.east.person(OTHER).await)]);
    ring.wire.forget();
    let readers = [
        Card::doctor(),
        Card { user: "u-2", activities: vec!["B0264", "B0401"], organisation: "RXK", ..Card::doctor() },
        Card { user: "u-3", sds_user_id: Some("888888888888"), roles: vec!["R8001"], ..Card::doctor() },
    ];
    let mut reads = Vec::new();
    for turn in 0..6 {
        for (reader, card) in readers.iter().enumerate() {
            let person = if (turn + reader) % 2 == 0 { &ring.person } else { &other };
            let card = Card { patient: Some(person.clone()), ..card.clone() };
            reads.push((format!("q-{turn}-{reader}"), person.clone(), card));
        }
    }
    let asked = reads.iter().map(|(request, person, card)| {
        let (path, token) = (format!("Patient/{person}/$everything?_count=5000"), ring.west.token(card));
        let west = &ring.west;
        async move { west.get_with(&path, &token, &[("x-request-id", request)]).await.status }
    });
    let statuses = futures::future::join_all(asked).await;
    assert!(statuses.iter().all(|status| *status == 200), "{statuses:?}");
    let sent = ring.wire.asked();
    for (request, person, card) in &reads {
        let own: Vec<&Sent> = sent.iter().filter(|one| one.request == *request).collect();
        assert!(own.iter().any(|one| !one.claims()["patient"].is_null()), "{request}");
        for one in own {
            let claims = one.claims();
            let iua = &claims["extensions"]["ihe_iua"];
            assert_eq!(claims["sub"], format!("https://login.example|{}", card.user));
            assert_eq!((&iua["activities"], &iua["subject_sds_user_id"]), (&json!(card.activities), &json!(card.sds_user_id)));
            assert!(iua["subject_organization_id"].as_str().unwrap().ends_with(&format!("|{}", card.organisation)));
            if let Some(id) = claims["patient"].as_str() {
                assert!(one.target.contains(id), "{}", one.target);
                assert_eq!(one.status, 200, "{}", one.target);
                // By the person's id there, or by that of one of their Patients: the ledger over there knows whose it is.
                let opened = ring.east.ledger.events_of(request).into_iter().find(|event| event["patient"] != "").unwrap();
                assert_eq!((&opened["by"]["subject"], &opened["patient"]), (&claims["sub"], &json!(east[person])));
            }
        }
    }
    let jtis: BTreeSet<String> = sent.iter().map(|one| one.claims()["jti"].to_string()).collect();
    assert_eq!(jtis.len(), sent.len());
}

#[tokio::test(start_paused = true)]
async fn neither_key_nor_token_is_written_anywhere() {
    let (log, _logging) = logged();
    for pact in [Pact::kept(), Pact { known_by: Some(Issuer::new()), ..Pact::kept() }] {
        let ring = Ring::new(&pact).await;
        let (answer, sent) = ring.sent(&Card::doctor(), &ring.person).await;
        let published = ring.west.send("GET", "/.well-known/jwks.json", None, &[], "").await;
        assert!(published.status == 200 && published.json["keys"][0]["d"].is_null());
        let written = [answer.text, ring.west.ledger.text(), ring.east.ledger.text(), published.text, log.text()];
        let key = pact.key.pem();
        let mut secrets: Vec<&str> = key.lines().filter(|line| !line.starts_with("-----")).collect();
        for one in &sent {
            secrets.extend(one.token.split('.').skip(1));
        }
        assert!(secrets.len() > sent.len());
        for secret in secrets {
            assert!(written.iter().all(|text| !text.contains(secret)));
        }
    }
    // A key that cannot be read is named by its file alone, and its source by what became of it.
    let ring = Ring::new(&Pact::kept()).await;
    ring.west.write("own.pem", "-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n");
    let (answer, sent) = ring.sent(&Card::doctor(), &ring.person).await;
    assert!(sent.is_empty() && answer.issues_of("e").iter().all(|(_, status, _)| status == "failed-auth"));
    assert_eq!(ring.west.send("GET", "/.well-known/jwks.json", None, &[], "").await.status, 503);
    let logged = log.text();
    assert!(logged.contains("own.pem") && !logged.contains("c2VjcmV0"));
}

#[tokio::test(start_paused = true)]
async fn a_new_key_needs_no_restart() {
    let ring = Ring::new(&Pact { known_by: None, ..Pact::kept() }).await;
    ring.sent(&Card::doctor(), &ring.person).await;
    let key = Issuer::new();
    ring.west.write("own.pem", &key.pem());
    // The neighbour sees a name that it does not know, and reads the keys again.
    let published = ring.west.send("GET", "/.well-known/jwks.json", None, &[], "").await;
    ring.east.write("west.json", &published.text);
    let (answer, sent) = ring.sent(&Card::doctor(), &ring.person).await;
    assert!(answer.shown().contains_key("e") && sent.iter().all(|one| one.status == 200), "{:?}", answer.issues_of("e"));
}

#[tokio::test(start_paused = true)]
async fn where_nobody_is_signed_for_no_key_is_published() {
    let world = World::of(&["ccr"]);
    assert_eq!(world.send("GET", "/.well-known/jwks.json", None, &[], "").await.status, 404);
}

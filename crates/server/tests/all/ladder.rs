//! The go-live ladder: whom each step answers, what it says of itself, and that no step is entered without its signatures.

use std::path::PathBuf;
use std::sync::Arc;

use access::Step;
use serde_json::{Value, json};
use server::config::Config;
use server::ladder::{NEEDS, climb, roles};
use testbed::{DEMO_PERSON, DEMOGRAPHICS};

use crate::world::{Answer, Card, Issuer, Setup, World, region};

const NHS: &str = "https://fhir.nhs.uk/Id/nhs-number";
const ISSUER: &str = "https://login.example";
/// A number that might be somebody's.
const REAL: &str = "9434765919";
const PDS: &str = "[national.demographics]\nurl = \"http://127.0.0.1:1/personal-demographics/FHIR/R4\"\n";
/// When everything here was signed.
const DATE: &str = "2026-11-01";

/// The signers, one key each, and what they sign.
struct Desk {
    keys: Vec<(&'static str, Issuer)>,
}

impl Desk {
    fn new() -> Desk {
        Desk { keys: roles().into_iter().map(|role| (role, Issuer::new())).collect() }
    }

    /// The block of a step, with everybody who signs.
    fn block(&self, step: Step, named: &str) -> String {
        let mut block = format!("[go_live]\nstep = \"{}\"\ndocuments = \"pack\"\nsignatures = \"signatures\"\n", step.word());
        for (role, _) in &self.keys {
            block.push_str(&format!("[[go_live.signer]]\nname = \"A {role}\"\nrole = \"{role}\"\nkeys = \"{role}.jwks\"\n"));
        }
        block + named
    }

    /// Keys, documents and signatures; `change` may spoil what is signed, or take a signature away.
    fn files(&self, step: Step, change: impl Fn(&mut Value) -> bool) -> Vec<(&'static str, String)> {
        let mut files: Vec<(&'static str, String)> =
            self.keys.iter().map(|(role, key)| (&*format!("{role}.jwks").leak(), key.jwks())).collect();
        let mut lines = String::new();
        for need in NEEDS.iter().filter(|need| need.step == step) {
            files.push((format!("pack/{}", need.document).leak(), text(need.document)));
            let mut claims = json!({
                "exchange": "test", "step": step.word(), "name": format!("A {}", need.role), "role": need.role,
                "date": DATE, "document": need.document, "digest": digest(&text(need.document)),
            });
            if change(&mut claims) {
                let key = &self.keys.iter().find(|(role, _)| *role == need.role).unwrap().1;
                lines.push_str(&key.sign(&claims));
                lines.push('\n');
            }
        }
        files.push(("signatures", lines));
        files
    }

    fn setup(&self, step: Step, named: &str) -> Setup {
        Setup { blocks: self.block(step, named).leak(), files: self.files(step, |_| true), ..Setup::default() }
    }
}

/// A live exchange with further blocks, signed for by everybody who must.
pub fn live(blocks: &str) -> Setup {
    Desk::new().setup(Step::Live, blocks)
}

fn text(document: &str) -> String {
    format!("What is in {document}.\n")
}

fn digest(text: &str) -> String {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, text.as_bytes());
    format!("sha256:{}", data_encoding::HEXLOWER.encode(digest.as_ref()))
}

fn named(lines: &[&str]) -> String {
    lines.iter().map(|line| format!("[[go_live.named]]\nissuer = \"{ISSUER}\"\n{line}\n")).collect()
}

async fn find(world: &World, number: &str, card: &Card) -> Answer {
    world.get(&format!("Patient?identifier={NHS}|{number}"), &world.token(card)).await
}

fn mark(answer: &Answer) -> &str {
    answer.headers.get("severn-go-live").map_or("", |value| value.to_str().unwrap())
}

#[tokio::test(start_paused = true)]
async fn a_demonstration_says_so_on_every_answer_and_page() {
    let world = World::of(&["ccr"]);
    let person = world.person(DEMO_PERSON).await;
    let token = world.doctor_of(&person);
    for path in [
        format!("Patient/{person}/$everything"),
        format!("AllergyIntolerance?patient={person}"),
        format!("Patient?identifier={NHS}|{DEMO_PERSON}"),
    ] {
        let answer = world.get(&path, &token).await;
        assert_eq!((answer.status, mark(&answer), answer.state("go-live")), (200, "demo", Some("demo")), "{path}");
        let down = world.send("GET", &format!("/fhir/STU3/{path}"), Some(&token), &[], "").await;
        assert_eq!((down.status, mark(&down), down.state("go-live")), (200, "demo", Some("demo")), "{path}");
    }
    let nobody = world.get("Patient/nobody/$everything", &token).await;
    assert_eq!((nobody.status, mark(&nobody)), (403, "demo"), "a refusal says it, too");
    for (method, path) in [("GET", "/"), ("GET", "/viewer"), ("GET", "/fhir/R4/metadata"), ("GET", "/steward/tasks"), ("GET", "/nowhere")] {
        let answer = world.send(method, path, None, &[], "").await;
        assert_eq!(mark(&answer), "demo", "{path}");
        let page = answer.headers.get("content-type").is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"));
        assert_eq!(answer.text.contains("made-up people only"), page, "{path}");
    }
    let form = format!("number={DEMO_PERSON}&token={token}&claim=");
    let page = world.send("POST", "/viewer", None, &[("content-type", "application/x-www-form-urlencoded")], &form).await;
    assert_eq!(page.status, 200);
    assert!(page.text.contains("Demonstration: made-up people only. Not for care."), "{}", page.text);
}

#[tokio::test(start_paused = true)]
async fn a_demonstration_knows_nobody_who_might_be_real() {
    let world = World::around(Arc::new(region(&["ccr"])), &Setup { blocks: PDS, ..Setup::default() });
    let person = world.minted(REAL).await;
    let asked = || (world.region.asked(DEMOGRAPHICS).len(), world.region.asked("ccr").len());
    let before = asked();
    let found = find(&world, REAL, &Card::doctor()).await;
    assert_eq!((found.status, found.of_type("Patient").count()), (200, 0), "{}", found.text);
    let read = world.get(&format!("Patient/{person}/$everything"), &world.doctor_of(&person)).await;
    assert_eq!(read.status, 403, "{}", read.text);
    assert_eq!(asked(), before, "neither the national service nor a source is asked about them");
    assert!(find(&world, DEMO_PERSON, &Card::doctor()).await.of_type("Patient").count() > 0);
}

/// What each door answers to somebody, and whether any source was asked for them.
async fn doors(world: &World, person: &str, card: &Card) -> Vec<(&'static str, u16)> {
    let token = world.token(&Card { patient: Some(person.to_owned()), scope: "user/*.rs severn.operator", ..card.clone() });
    let claim = json!({"resourceType": "Parameters", "parameter": [
        {"name": "kind", "valueCode": "relationship"},
        {"name": "reason", "valueCoding": {"system": "urn:test", "code": "care"}},
        {"name": "text", "valueString": "Admitted"},
    ]})
    .to_string();
    let structured = json!({"resourceType": "Parameters", "parameter": []}).to_string();
    let (fhir, form) = ("application/fhir+json", "application/x-www-form-urlencoded");
    let page = format!("number={DEMO_PERSON}&token={token}&claim=");
    let asks: [(&'static str, &str, String, &str, &str); 9] = [
        ("find", "GET", format!("/fhir/R4/Patient?identifier={NHS}|{DEMO_PERSON}"), fhir, ""),
        ("trace", "GET", "/fhir/R4/Patient?family=Nobody&birthdate=1970-01-01".to_owned(), fhir, ""),
        ("everything", "GET", format!("/fhir/R4/Patient/{person}/$everything"), fhir, ""),
        ("search", "GET", format!("/fhir/STU3/AllergyIntolerance?patient={person}"), fhir, ""),
        ("plan", "GET", format!("/fhir/R4/Patient/{person}/$plan?request=none"), fhir, ""),
        ("claim", "POST", format!("/fhir/R4/Patient/{person}/$request-access"), fhir, &claim),
        ("structured", "POST", format!("/fhir/STU3/Patient/{person}/$gpc.getstructuredrecord"), fhir, &structured),
        ("steward", "GET", "/steward/tasks".to_owned(), fhir, ""),
        ("viewer", "POST", "/viewer".to_owned(), form, &page),
    ];
    let mut told = Vec::new();
    for (door, method, target, kind, body) in asks {
        let answer = world.send(method, &target, Some(&token), &[("content-type", kind)], body).await;
        told.push((door, answer.status));
    }
    told
}

#[tokio::test(start_paused = true)]
async fn on_the_steps_that_name_only_who_is_named_is_answered_at_any_door() {
    for step in [Step::Shadow, Step::Pilot] {
        let desk = Desk::new();
        let world =
            World::around(Arc::new(region(&["ccr"])), &desk.setup(step, &named(&["subject = \"u-1\"", "sds_user_id = \"111111111111\""])));
        let person = world.person(DEMO_PERSON).await;
        let asked = world.region.asked("ccr").len();
        // Somebody who may everything otherwise.
        let other = Card { user: "u-2", sds_user_id: Some("222222222222"), ..Card::doctor() };
        let told = doors(&world, &person, &other).await;
        assert!(told.iter().all(|(_, status)| *status == 403), "{step:?} {told:?}");
        assert_eq!(world.region.asked("ccr").len(), asked, "no source is asked for them");
        let refused: Vec<Value> = world.ledger.events().into_iter().filter(|event| event["event"] == "refused").collect();
        assert_eq!(refused.len(), told.len(), "each is on the ledger");
        assert!(refused.iter().all(|event| event["why"].as_str().unwrap().contains("not named")), "{refused:?}");
        for card in [Card::doctor(), Card { user: "u-3", sds_user_id: Some("111111111111"), ..Card::doctor() }] {
            let told = doors(&world, &person, &card).await;
            assert!(told.iter().all(|(_, status)| *status != 403), "{step:?} {told:?}");
        }
        let answer = world.get(&format!("Patient/{person}/$everything"), &world.doctor_of(&person)).await;
        assert_eq!((mark(&answer), answer.state("go-live")), (step.word(), Some(step.word())));
    }
}

#[tokio::test(start_paused = true)]
async fn a_live_exchange_answers_whom_its_rules_permit_and_bears_no_mark() {
    let world = World::around(Arc::new(region(&["ccr"])), &live(""));
    let person = world.person(DEMO_PERSON).await;
    let answer = world.get(&format!("Patient/{person}/$everything"), &world.doctor_of(&person)).await;
    assert_eq!((answer.status, mark(&answer), answer.state("go-live")), (200, "", None));
    let page = world.send("GET", "/viewer", None, &[], "").await;
    assert!(!page.text.contains("role=note"), "{}", page.text);
}

/// A folder of its own, gone afterwards.
struct Folder(PathBuf);

impl Folder {
    fn of(files: &[(&str, String)]) -> Folder {
        let folder = std::env::temp_dir().join(format!("severn-ladder-{}", uuid::Uuid::new_v4()));
        for (path, content) in files {
            let path = folder.join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, content).unwrap();
        }
        Folder(folder)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn parsed(folder: &Folder, block: &str) -> Result<Config, String> {
    let text = format!(
        "[exchange]\nid = \"test\"\norganisation = \"QHL\"\n[store]\nurl = \"sqlite:severn.db\"\n\
         [[sign_in]]\nissuer = \"{ISSUER}\"\naudience = \"severn\"\nkeys = \"https://login.example/jwks\"\n\
         [[source]]\nid = \"a\"\nname = \"A\"\norganisation = \"QWU\"\ndialect = \"fhir-r4\"\nurl = \"https://a.example\"\n{block}"
    );
    Config::parse(&text, &folder.0).map_err(|mistakes| mistakes.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))
}

fn now() -> jiff::Timestamp {
    "2026-11-23T09:00:00Z".parse().unwrap()
}

#[test]
fn no_step_is_entered_without_every_one_of_its_signatures() {
    for step in [Step::Shadow, Step::Pilot, Step::Live] {
        let desk = Desk::new();
        let names = if step.names() { named(&["subject = \"u-1\""]) } else { String::new() };
        let block = desk.block(step, &names);
        let check = |what: &str, files: Vec<(&'static str, String)>, expected: &str| {
            let folder = Folder::of(&files);
            let outcome = climb(&parsed(&folder, &block).unwrap(), now()).map(|ladder| ladder.step()).map_err(|error| error.to_string());
            match (&outcome, expected) {
                (Ok(on), "") => assert_eq!(*on, step),
                (Err(words), expected) if !expected.is_empty() && words.contains(expected) => {}
                _ => panic!("{step:?}, {what}: {outcome:?}"),
            }
        };
        let none = "there is none that is good";
        check("all", desk.files(step, |_| true), "");
        check("nobody signed", desk.files(step, |_| false), none);
        for need in NEEDS.iter().filter(|need| need.step == step) {
            let of = |claims: &Value| claims["document"] == need.document && claims["role"] == need.role;
            check("one is missing", desk.files(step, |claims| !of(claims)), none);
            for (name, value) in [
                ("exchange", "another"),
                ("step", "demo"),
                ("name", "Somebody Else"),
                ("role", "tea-lady"),
                ("date", "2026-11-24"),
                ("date", "never"),
                ("document", "another.md"),
            ] {
                let spoilt = desk.files(step, |claims| {
                    if of(claims) {
                        claims[name] = json!(value);
                    }
                    true
                });
                check(name, spoilt, none);
            }
            let changed = |(path, text): (&'static str, String)| {
                (path, if path.ends_with(need.document) { text + "And one thing more.\n" } else { text })
            };
            check("the text changed", desk.files(step, |_| true).into_iter().map(changed).collect(), "another text than the one there now");
            let without = desk.files(step, |_| true).into_iter().filter(|(path, _)| !path.ends_with(need.document)).collect();
            check("the document is gone", without, "cannot be read");
        }
        let mut theirs = desk.files(step, |_| true);
        let another = Desk::new().files(step, |_| true);
        theirs.last_mut().unwrap().1 = another.last().unwrap().1.clone();
        check("by other keys", theirs, none);
        let mut without = desk.files(step, |_| true);
        without.pop();
        check("no file", without, "the signatures cannot be read");
    }
}

#[test]
fn what_severn_signs_is_what_it_wants_signed() {
    let desk = Desk::new();
    let block = desk.block(Step::Pilot, &named(&["subject = \"u-1\""]));
    let folder = Folder::of(&desk.files(Step::Pilot, |_| false));
    let config = parsed(&folder, &block).unwrap();
    assert!(climb(&config, now()).is_err());
    let mut lines = Vec::new();
    for (role, key) in &desk.keys {
        let pem = folder.0.join("key.pem");
        std::fs::write(&pem, key.pem()).unwrap();
        // Its own name for the key is its thumbprint.
        let public = serde_json::to_string(&json!({"keys": [source::SigningKey::open(&pem, None).unwrap().public()]})).unwrap();
        std::fs::write(folder.0.join(format!("{role}.jwks")), public).unwrap();
        lines.extend(server::ladder::sign(&config, &format!("A {role}"), &pem, now()).unwrap());
    }
    std::fs::write(folder.0.join("signatures"), lines.join("\n")).unwrap();
    assert!(climb(&config, now()).is_ok());
}

#[test]
fn what_is_wrong_with_a_ladder_is_told() {
    let folder = Folder::of(&[("keys.json", "{}".to_owned())]);
    let check = |block: &str, expected: &str| match (parsed(&folder, block), expected) {
        (Ok(config), "") => assert_eq!(config.go_live.step, Step::Demo),
        (Err(words), expected) if !expected.is_empty() => assert!(words.contains(expected), "{words}"),
        (other, _) => panic!("{block}: {:?}", other.map(|config| config.go_live)),
    };
    let named = named(&["subject = \"u-1\""]);
    check("", "");
    check("[go_live]\nstep = \"demo\"\n", "");
    check("[go_live]\nstep = \"production\"\n", "use one of demo, shadow, pilot, live");
    check("[go_live]\nstep = \"live\"\n", "go_live.signatures: is missing");
    check("[go_live]\nstep = \"pilot\"\nsignatures = \"s\"\ndocuments = \"d\"\n", "go_live.named: is missing");
    check(&format!("[go_live]\nstep = \"live\"\nsignatures = \"s\"\ndocuments = \"d\"\n{named}"), "narrows nothing");
    check(&format!("[go_live]\n{}", named.replace(ISSUER, "https://else.example")), "is no [[sign_in]]'s");
    check(&format!("[go_live]\n[[go_live.named]]\nissuer = \"{ISSUER}\"\n"), "either subject or sds_user_id");
    check(&format!("[go_live]\n[[go_live.named]]\nissuer = \"{ISSUER}\"\nsubject = \"a\"\nsds_user_id = \"1\"\n"), "and not both");
    check("[go_live]\n[[go_live.signer]]\nname = \"A\"\nrole = \"tea-lady\"\nkeys = \"none.json\"\n", "`tea-lady` is not known");
    check("[go_live]\n[[go_live.signer]]\nname = \"A\"\nrole = \"caldicott-guardian\"\nkeys = \"keys.json\"\n", "holds no JWKS");
    check("[go_live]\nsteps = \"live\"\n", "did you mean `step`");
}

//! The go-live ladder: whom each step answers, what it says of itself, and that no step is entered without its signatures.

use std::path::PathBuf;
use std::sync::Arc;

use access::Step;
use serde_json::{Value, json};
use server::config::Config;
use server::ladder::{NEEDS, climb, roles, serves};
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
pub struct Desk {
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
        for participant in ["one", "two"] {
            block.push_str(&format!("[[ledger.witness]]\nname = \"{participant}\"\nfile = \"{participant}.ndjson\"\n"));
        }
        block + named
    }

    /// Keys and documents.
    fn files(&self, step: Step) -> Vec<(&'static str, String)> {
        let mut files: Vec<(&'static str, String)> =
            self.keys.iter().map(|(role, key)| (&*format!("{role}.jwks").leak(), key.jwks())).collect();
        for need in NEEDS.iter().filter(|need| need.step == step) {
            files.push((format!("pack/{}", need.document).leak(), text(need.document)));
        }
        files
    }

    /// The signatures for what a configuration serves; `change` may spoil what is signed, or take a signature away.
    pub fn lines(&self, config: &Config, change: impl Fn(&mut Value) -> bool) -> String {
        let step = config.go_live.step;
        let mut lines = String::new();
        for need in NEEDS.iter().filter(|need| need.step == step) {
            let mut claims = json!({
                "exchange": config.exchange.id.as_str(), "step": step.word(), "name": format!("A {}", need.role), "role": need.role,
                "date": DATE, "document": need.document, "digest": digest(&text(need.document)), "serves": digest(&serves(config)),
            });
            if change(&mut claims) {
                let key = &self.keys.iter().find(|(role, _)| *role == need.role).unwrap().1;
                lines.push_str(&key.sign(&claims));
                lines.push('\n');
            }
        }
        lines
    }
}

fn setup(step: Step, named: &str) -> Setup {
    let desk = Desk::new();
    Setup { blocks: desk.block(step, named).leak(), files: desk.files(step), desk: Some(Arc::new(desk)), ..Setup::default() }
}

/// A live exchange with further blocks, signed for by everybody who must.
pub fn live(blocks: &str) -> Setup {
    setup(Step::Live, blocks)
}

/// What is in a document; the hazard log is the program's own.
fn text(document: &str) -> String {
    let log = || assurance::report(&assurance::Log::own().unwrap(), env!("CARGO_PKG_VERSION"));
    let rest = if document == "hazard-log.md" { log() } else { String::new() };
    format!("What is in {document}.\n{rest}")
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
    for (method, path) in
        [("GET", "/"), ("GET", "/viewer/sign-in"), ("GET", "/fhir/R4/metadata"), ("GET", "/steward/tasks"), ("GET", "/nowhere")]
    {
        let answer = world.send(method, path, None, &[], "").await;
        assert_eq!(mark(&answer), "demo", "{path}");
        let page = answer.headers.get("content-type").is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"));
        assert_eq!(answer.text.contains("made-up people only"), page, "{path}");
    }
    let page = world.tab(&token).await.unwrap().read(&person).await;
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

/// The store holds real people: it served a later step before, or another program wrote there. A demonstration shows them at no door.
#[tokio::test(start_paused = true)]
async fn a_demonstration_over_a_store_of_real_people_shows_none_of_them() {
    let world = World::around(Arc::new(region(&["ccr"])), &Setup { blocks: PDS, ..Setup::default() });
    let secrets = Arc::new(store::Secrets::open(&world.file("severn.db.key")).unwrap());
    let store: Arc<dyn people::Register> = Arc::new(store::SqliteStore::open(&world.store_file(), secrets).unwrap());
    let model = Arc::new(people::matching::Model::standard());
    let beside = people::Registrar::new(store, people::index::Index::new(), model, world.clock.clone(), Default::default());
    let said = |local_id: &str, given: &str, born: &str| people::Entry {
        key: people::EntryKey { source: "ccr".parse().unwrap(), local_id: local_id.to_owned() },
        provider: None,
        demographics: people::Demographics {
            number: Some(people::ClaimedNumber { value: REAL.into(), status: people::NumberStatus::Verified }),
            names: vec![people::Name { family: "Winterbourne".into(), given: vec![given.into()], ..Default::default() }],
            birth_date: born.parse().ok(),
            ..Default::default()
        },
        restricted: false,
        seen: jiff::Timestamp::UNIX_EPOCH,
    };
    let entries = vec![said("r-1", "Tobias", "1981-11-23"), said("r-2", "Ada", "1950-02-03")];
    let raised = beside.take_all(entries, None).await.unwrap().done.raised[0].0.clone();
    let person = beside.index().home(&said("r-1", "", "").key).unwrap();
    world.registrar.follow().await.unwrap();
    let asked = (world.region.asked(DEMOGRAPHICS).len(), world.region.asked("ccr").len());
    let operator = Card { user: "s-1", scope: "user/*.rs severn.operator", ..Card::doctor() };
    let officer = Card { user: "p-1", scope: "severn.privacy", roles: vec!["R0001"], ..Card::doctor() };
    let launched = Card { patient: Some(person.to_string()), ..Card::doctor() };
    let by_number = json!({"nhs_number": REAL}).to_string();
    for (what, card, method, target, body) in [
        ("tasks", &operator, "GET", "/steward/tasks?all=true".to_owned(), ""),
        ("a task", &operator, "GET", format!("/steward/tasks/{raised}"), ""),
        ("an entry", &operator, "GET", "/steward/explain?one=ccr/r-1&other=ccr/r-2".to_owned(), ""),
        ("a person", &operator, "GET", format!("/steward/explain?one={person}"), ""),
        ("found", &operator, "GET", "/fhir/R4/Patient?family=Winterbourne&birthdate=1981-11-23".to_owned(), ""),
        ("by number", &operator, "GET", format!("/fhir/R4/Patient?identifier={NHS}|{REAL}"), ""),
        ("read", &launched, "GET", format!("/fhir/R4/Patient/{person}/$everything"), ""),
        ("who looked", &officer, "POST", "/privacy/report".to_owned(), &by_number),
    ] {
        let answer = world.send(method, &target, Some(&world.token(card)), &[("content-type", "application/json")], body).await;
        for word in ["Winterbourne", "Tobias", "1981-11-23", "r-1", "r-2", REAL] {
            let own = answer.text.replace(&target, "");
            assert!(!own.contains(word) || target.contains(word), "{what} says {word}: {} {}", answer.status, answer.text);
        }
    }
    assert_eq!((world.region.asked(DEMOGRAPHICS).len(), world.region.asked("ccr").len()), asked, "nobody is asked about them");
    assert!(world.registrar.take(said("r-3", "Ada", "1950-02-03")).await.is_err(), "nor does anybody more come in");
}

/// The national service says that a made-up number was replaced by one that might be somebody's.
#[tokio::test(start_paused = true)]
async fn a_made_up_number_leads_nobody_to_somebody_who_might_be_real() {
    let world = World::around(Arc::new(region(&["ccr"])), &Setup { blocks: PDS, ..Setup::default() });
    let person = world.person(DEMO_PERSON).await;
    let about = testbed::About { nhs_number: REAL.to_owned(), ..testbed::person(DEMO_PERSON).unwrap().about.clone() };
    world.region.demographics().put(about);
    world.region.demographics().supersede(DEMO_PERSON, REAL);
    world.clock.forward_s(16 * 60);
    let before = world.region.asked("ccr").len();
    let read = world.get(&format!("Patient/{person}/$everything"), &world.doctor_of(&person)).await;
    let found = find(&world, DEMO_PERSON, &Card::doctor()).await;
    assert!(matches!(read.status, 403 | 503), "{} {}", read.status, read.text);
    assert_eq!(found.of_type("Patient").count(), 0, "{}", found.text);
    assert!(!found.text.contains(REAL) && !read.text.contains(REAL));
    let asked = world.region.asked("ccr");
    assert!(asked[before..].iter().all(|request| !request.path_and_query.contains(REAL)), "no source is asked by the real number");
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
    let fhir = "application/fhir+json";
    let asks: [(&'static str, &str, String, &str, &str); 8] = [
        ("find", "GET", format!("/fhir/R4/Patient?identifier={NHS}|{DEMO_PERSON}"), fhir, ""),
        ("trace", "GET", "/fhir/R4/Patient?family=Nobody&birthdate=1970-01-01".to_owned(), fhir, ""),
        ("everything", "GET", format!("/fhir/R4/Patient/{person}/$everything"), fhir, ""),
        ("search", "GET", format!("/fhir/STU3/AllergyIntolerance?patient={person}"), fhir, ""),
        ("plan", "GET", format!("/fhir/R4/Patient/{person}/$plan?request=none"), fhir, ""),
        ("claim", "POST", format!("/fhir/R4/Patient/{person}/$request-access"), fhir, &claim),
        ("structured", "POST", format!("/fhir/STU3/Patient/{person}/$gpc.getstructuredrecord"), fhir, &structured),
        ("steward", "GET", "/steward/tasks".to_owned(), fhir, ""),
    ];
    let mut told = Vec::new();
    for (door, method, target, kind, body) in asks {
        let answer = world.send(method, &target, Some(&token), &[("content-type", kind)], body).await;
        told.push((door, answer.status));
    }
    // Nobody is signed in to the pages whom no door lets in.
    told.push(("viewer", if world.tab(&token).await.is_some() { 200 } else { 403 }));
    told
}

#[tokio::test(start_paused = true)]
async fn on_the_steps_that_name_only_who_is_named_is_answered_at_any_door() {
    for step in [Step::Shadow, Step::Pilot] {
        let named = named(&["subject = \"u-1\"", "sds_user_id = \"111111111111\""]);
        let world = World::around(Arc::new(region(&["ccr"])), &setup(step, &named));
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
    let page = world.send("GET", "/viewer/sign-in", None, &[], "").await;
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
        let entered = |what: &str, files: &[(&'static str, String)], lines: &dyn Fn(&Config) -> Option<String>, expected: &str| {
            let folder = Folder::of(files);
            let config = parsed(&folder, &block).unwrap();
            if let Some(lines) = lines(&config) {
                std::fs::write(folder.0.join("signatures"), lines).unwrap();
            }
            let outcome = climb(&config, now()).map(|ladder| ladder.step()).map_err(|error| error.to_string());
            match (&outcome, expected) {
                (Ok(on), "") => assert_eq!(*on, step),
                (Err(words), expected) if !expected.is_empty() && words.contains(expected) => {}
                _ => panic!("{step:?}, {what}: {outcome:?}"),
            }
        };
        let check = |what: &str, change: &dyn Fn(&mut Value) -> bool, expected: &str| {
            entered(what, &desk.files(step), &|config| Some(desk.lines(config, change)), expected);
        };
        let none = "there is none that is good";
        check("all", &|_| true, "");
        check("nobody signed", &|_| false, none);
        for need in NEEDS.iter().filter(|need| need.step == step) {
            let of = |claims: &Value| claims["document"] == need.document && claims["role"] == need.role;
            check("one is missing", &|claims| !of(claims), none);
            for (name, value, expected) in [
                ("exchange", "another", none),
                ("step", "demo", none),
                ("name", "Somebody Else", none),
                ("role", "tea-lady", none),
                ("date", "2026-11-24", none),
                ("date", "never", none),
                ("document", "another.md", none),
                ("serves", "sha256:00", "what is served is not what was signed for"),
            ] {
                let spoil = |claims: &mut Value| {
                    if of(claims) {
                        claims[name] = json!(value);
                    }
                    true
                };
                check(name, &spoil, expected);
            }
            let unsaid = |claims: &mut Value| {
                if of(claims) {
                    claims.as_object_mut().unwrap().remove("serves");
                }
                true
            };
            check("what is served is not said", &unsaid, none);
            let all = |config: &Config| Some(desk.lines(config, |_| true));
            let changed = |(path, text): (&'static str, String)| {
                (path, if path.ends_with(&format!("/{}", need.document)) { text + "And one thing more.\n" } else { text })
            };
            let files: Vec<_> = desk.files(step).into_iter().map(changed).collect();
            entered("the text changed", &files, &all, "another text than the one there now");
            let files: Vec<_> = desk.files(step).into_iter().filter(|(path, _)| !path.ends_with(&format!("/{}", need.document))).collect();
            entered("the document is gone", &files, &all, "cannot be read");
        }
        let another = Desk::new();
        entered("by other keys", &desk.files(step), &|config| Some(another.lines(config, |_| true)), none);
        entered("no file", &desk.files(step), &|_| None, "the signatures cannot be read");
    }
}

/// What was signed for is what was served then: another source, sign-in provider, system or launcher is not in it, and an address is.
#[test]
fn what_is_added_to_what_is_served_was_not_signed_for() {
    let desk = Desk::new();
    let folder = Folder::of(&desk.files(Step::Live));
    std::fs::write(folder.0.join("k.jwks"), desk.keys[0].1.jwks()).unwrap();
    let block = desk.block(Step::Live, "");
    let signed = parsed(&folder, &block).unwrap();
    std::fs::write(folder.0.join("signatures"), desk.lines(&signed, |_| true)).unwrap();
    climb(&signed, now()).unwrap();
    let source = "[[source]]\nid = \"b\"\nname = \"B\"\norganisation = \"RRK\"\ndialect = \"fhir-r4\"\nurl = \"https://b.example\"\n";
    let provider = "[[sign_in]]\nissuer = \"https://other.example\"\naudience = \"severn\"\nkeys = \"https://other.example/jwks\"\n";
    for more in [source, provider] {
        let error = climb(&parsed(&folder, &format!("{block}{more}")).unwrap(), now()).unwrap_err().to_string();
        assert!(error.contains("what is served is not what was signed for"), "{error}");
    }
    let mut config = parsed(&folder, &block).unwrap();
    config.sources[0].url = "https://moved.example".parse().unwrap();
    climb(&config, now()).unwrap();
    for change in [
        (|config| config.sources[0].organisation = "RRK".parse().unwrap()) as fn(&mut Config),
        |config| config.sources[0].vouches_for = vec!["RRK".parse().unwrap()],
        |config| config.exchange.organisation = "RRK".parse().unwrap(),
    ] {
        let mut config = parsed(&folder, &block).unwrap();
        change(&mut config);
        assert!(climb(&config, now()).is_err());
    }
}

/// Whatever is signed: nobody real is shown before others have copies of the ledger's ends, nor anything asked for in the open.
#[test]
fn nobody_real_is_shown_unguarded() {
    for step in [Step::Shadow, Step::Pilot, Step::Live] {
        let desk = Desk::new();
        let folder = Folder::of(&desk.files(step));
        let names = if step.names() { named(&["subject = \"u-1\""]) } else { String::new() };
        let mut config = parsed(&folder, &desk.block(step, &names)).unwrap();
        std::fs::write(folder.0.join("signatures"), desk.lines(&config, |_| true)).unwrap();
        let refused = |config: &Config| climb(config, now()).map(|ladder| ladder.step()).map_err(|error| error.to_string());
        for (url, open) in [
            ("https://a.example", false),
            ("http://127.0.0.1:8080/fhir", false),
            ("http://[::1]/fhir", false),
            ("http://localhost/fhir", false),
            ("http://a.example", true),
            ("http://10.0.0.1/fhir", true),
            ("http://localhost.example/fhir", true),
        ] {
            config.sources[0].url = url.parse().unwrap();
            let outcome = refused(&config);
            assert_eq!(outcome.as_ref().is_err_and(|words| words.contains("the source a is asked in the open")), open, "{outcome:?}");
            assert_eq!(outcome.is_err(), open, "{url}");
        }
        config.sources[0].url = "https://a.example".parse().unwrap();
        config.ledger.witnesses.pop();
        assert!(refused(&config).unwrap_err().contains("handed to 1 of at least 2 others"));
        config.ledger.witnesses.clear();
        assert!(refused(&config).unwrap_err().contains("handed to 0 of at least 2 others"));
    }
}

/// A new program has new hazards: what was signed of the one before does not stand for it.
#[test]
fn the_hazard_log_that_is_signed_is_that_of_the_program() {
    let desk = Desk::new();
    let mut files = desk.files(Step::Shadow);
    let before = text("hazard-log.md").replace("H-001", "H-999");
    files.iter_mut().filter(|(path, _)| *path == "pack/hazard-log.md").for_each(|(_, text)| text.clone_from(&before));
    let folder = Folder::of(&files);
    let config = parsed(&folder, &desk.block(Step::Shadow, &named(&["subject = \"u-1\""]))).unwrap();
    let signed = |claims: &mut Value| {
        if claims["document"] == "hazard-log.md" {
            claims["digest"] = json!(digest(&before));
        }
        true
    };
    std::fs::write(folder.0.join("signatures"), desk.lines(&config, signed)).unwrap();
    let error = climb(&config, now()).unwrap_err().to_string();
    assert!(error.contains("another program's") && !error.contains("none that is good"), "{error}");
}

#[test]
fn what_severn_signs_is_what_it_wants_signed() {
    let desk = Desk::new();
    let block = desk.block(Step::Pilot, &named(&["subject = \"u-1\""]));
    let folder = Folder::of(&desk.files(Step::Pilot));
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

//! A site's own rules at the wire: what a matrix and a rule beside the shipped ones change, and what `severn policy` says of it before.

use testbed::DEMO_PERSON;

use crate::commands::Room;
use crate::world::{Answer, Card, Setup, World, region};

const HEAD: &str = "source_organisation,consumer_organisation,category,role,purpose,from,until\n";
const ORGANISATIONS: &str = "code,kind\nRRK,RO197\nRYW,RO197\nFX001,RO182\n";
const POLICY: &str = "[policy]\nfiles = [\"site.cedar\"]\nsharing = \"matrix.csv\"\norganisations = \"organisations.csv\"\n";

/// Who answers for a source of the region.
fn owner(source: &str) -> String {
    let supplier = testbed::SUPPLIERS.iter().find(|supplier| supplier.id == source).unwrap();
    supplier.organisation.to_owned()
}

fn world(site: &str, matrix: &str) -> World {
    let files =
        vec![("site.cedar", site.to_owned()), ("matrix.csv", format!("{HEAD}{matrix}")), ("organisations.csv", ORGANISATIONS.to_owned())];
    World::around(region(&["ccr", "rx"]).into(), &Setup { blocks: POLICY, files, ..Setup::default() })
}

async fn everything(world: &World, card: &Card) -> (Answer, crate::world::Plan) {
    let person = world.person(DEMO_PERSON).await;
    let token = world.token(&Card { patient: Some(person.clone()), ..card.clone() });
    let answer = world.get(&format!("Patient/{person}/$everything?_count=5000"), &token).await;
    let plan = world.plan_of(&person, &token, &answer).await;
    (answer, plan)
}

#[tokio::test(start_paused = true)]
async fn what_a_source_does_not_share_is_not_asked_of_it_and_its_rows_say_so() {
    let rows = format!("{},RRK,identity,,,,\n{},RRK,allergies,,,,\n{},,,,,,\n", owner("ccr"), owner("ccr"), owner("rx"));
    let world = world("", &rows);
    let (answer, plan) = everything(&world, &Card::doctor()).await;
    assert_eq!(answer.status, 200);
    let status = |source: &'static str, kind: &str| {
        plan.of(source).find(|(own, _)| *own == kind).map(|(_, row)| row.status.clone()).unwrap_or_default()
    };
    assert_eq!(status("ccr", "Condition"), "withheld");
    assert!(status("ccr", "AllergyIntolerance").starts_with("ok"));
    assert!(status("rx", "MedicationRequest").starts_with("ok"));
    let shown = answer.shown();
    let of_ccr: Vec<&String> = shown.values().flatten().filter(|id| id.starts_with("Condition/")).collect();
    assert!(of_ccr.is_empty(), "{of_ccr:?}");
}

#[tokio::test(start_paused = true)]
async fn a_sites_rule_forbids_beside_the_shipped_ones_and_the_ledger_names_the_version_that_decided() {
    let site =
        "@id(\"site.no-devices\")\nforbid (principal, action == Action::\"see\", resource) when { resource.category == \"problems\" };";
    let rows = format!("{},,,,,,\n{},,,,,,\n", owner("ccr"), owner("rx"));
    let plain = World::of(&["ccr", "rx"]);
    let (before, _) = everything(&plain, &Card::doctor()).await;
    assert!(before.of_type("Condition").next().is_some());
    let world = world(site, &rows);
    let (after, _) = everything(&world, &Card::doctor()).await;
    assert!(after.of_type("Condition").next().is_none());
    let version = |world: &World, answer: &Answer| {
        let events = world.ledger.events_of(&answer.request());
        let text = events.iter().map(ToString::to_string).collect::<String>();
        let at = text.find("rules:").unwrap_or_else(|| panic!("no version in {text}"));
        text[at..].split('"').next().unwrap().to_owned()
    };
    let (one, other) = (version(&plain, &before), version(&world, &after));
    assert_eq!((one.len(), other.len()), (22, 22), "{one} {other}");
    assert_ne!(one, other);
}

/// Whoever is refused by the rules is so by a version of them, and whoever is refused before any rule is asked by none.
#[tokio::test(start_paused = true)]
async fn a_refusal_says_by_which_version_of_the_rules() {
    let world = World::of(&["ccr"]);
    let person = world.person(DEMO_PERSON).await;
    let doctor = world.token(&Card::doctor());
    let version = serde_json::json!([format!("rules:{}", access::Rules::shipped().version())]);
    let policy = |answer: &Answer| world.ledger.events_of(&answer.request()).last().unwrap()["policy"].clone();
    for path in [format!("/fhir/R4/Patient/{person}/$everything"), "/steward/tasks".into(), "/privacy/tasks".into()] {
        let answer = world.send("GET", &path, Some(&doctor), &[], "").await;
        assert_eq!((answer.status, policy(&answer)), (403, version.clone()), "{path}");
    }
    let stranger = world.get(&format!("Patient/{person}"), "nobody's").await;
    assert_eq!((stranger.status, policy(&stranger)), (401, serde_json::Value::Null));
}

/// A server whose rules lie in a file, on a port that is free; and a steward's token there.
fn serving(room: &Room, site: &str) -> (crate::commands::Running, String, String) {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let issuer = crate::world::Issuer::new();
    let file = configured(room, "site", site);
    let text = std::fs::read_to_string(room.0.join(&file)).unwrap();
    let text = text.replace("organisation = \"QHL\"", &format!("organisation = \"QHL\"\nlisten = \"{port}\""));
    std::fs::write(room.0.join(&file), text.replace("https://login.example/jwks", "keys.json")).unwrap();
    std::fs::write(room.0.join("keys.json"), issuer.jwks()).unwrap();
    let steward = Card { user: "s-1", scope: "severn.operator", ..Card::doctor() };
    let token = issuer.sign(&steward.claims(server::wiring::system_clock().now().as_second()));
    let running = crate::commands::Running::until(room.command(&["serve", "--config", &file]), "severn: serving");
    (running, format!("http://{port}/steward/tasks"), token)
}

const NOBODYS_DESK: &str =
    "@id(\"site.no-desk\")\nforbid (principal, action == Action::\"operate\", resource) when { principal.roles.contains(\"R8000\") };\n";
const NOBODY: &str =
    "@id(\"site.nobody\")\nforbid (principal, action == Action::\"read\", resource == Record::\"0b8d4b6e0000000000000000000000aa\");\n";

#[tokio::test]
async fn rules_are_read_anew_when_that_is_asked_for_and_faulty_ones_change_nothing() {
    let room = Room::new();
    let (running, url, token) = serving(&room, "");
    let client = reqwest::Client::new();
    let opens = async || client.get(&url).bearer_auth(&token).send().await.unwrap().status().as_u16();
    let entered = || -> Vec<serde_json::Value> {
        let ledger = rusqlite::Connection::open(room.0.join("severn.db")).unwrap();
        let mut lines = ledger.prepare("SELECT event FROM ledger ORDER BY rowid").unwrap();
        let lines = lines.query_map([], |row| row.get::<_, String>(0)).unwrap();
        let events = lines.map(|line| serde_json::from_str::<serde_json::Value>(&line.unwrap()).unwrap());
        events.filter(|event| event["event"] == "rules-changed").collect()
    };
    let anew = async |site: Option<&str>, times: usize| {
        let file = room.0.join("site.cedar");
        match site {
            Some(site) => std::fs::write(file, site).unwrap(),
            None => std::fs::remove_file(file).unwrap(),
        }
        assert!(entered().len() < times, "what is saved decides before anybody asks for it");
        running.signal("-HUP");
        for _ in 0..600 {
            if entered().len() == times {
                // It is entered first, and decides then.
                tokio::time::sleep(std::time::Duration::from_millis(200)).await;
                return entered().pop().unwrap();
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        panic!("the ledger says nothing of it");
    };
    assert_eq!(opens().await, 200);
    let first = anew(Some(NOBODYS_DESK), 1).await;
    assert_eq!(opens().await, 403);
    assert!(first["kept"].is_null() && first["before"] != first["after"], "{first}");
    // Neither what is no rule, nor an empty group, nor one about nobody, nor no file where there was one.
    let empty = "@id(\"x\")\npermit (principal, action == Action::\"see\", resource) when { principal.roles.containsAny([]) };";
    for (at, site) in [Some("permit (nonsense"), Some(empty), Some(NOBODY), None].into_iter().enumerate() {
        let kept = anew(site, at + 2).await;
        assert_eq!((opens().await, &kept["before"], &kept["after"]), (403, &first["after"], &first["after"]), "{site:?}");
        assert!(kept["kept"].is_string() && !kept.to_string().contains("0b8d4b6e"), "{kept}");
    }
    let back = anew(Some(""), 6).await;
    assert_eq!((opens().await, &back["after"], &back["kept"]), (200, &first["before"], &serde_json::Value::Null));
    running.stop();
}

#[test]
fn an_exchange_does_not_start_with_rules_about_nobody() {
    let room = Room::new();
    let file = configured(&room, "nobody", NOBODY);
    let (code, said, wrong) = room.run(&["serve", "--config", &file]);
    assert_eq!(code, Some(1), "{said}{wrong}");
    assert!(wrong.contains("nobody.cedar:1: rule site.nobody: ") && wrong.contains("is no person that is known here"), "{wrong}");
    assert!(!said.contains("serving"), "{said}");
}

fn configured(room: &Room, name: &str, site: &str) -> String {
    std::fs::write(room.0.join(format!("{name}.cedar")), site).unwrap();
    std::fs::write(room.0.join("organisations.csv"), ORGANISATIONS).unwrap();
    let config = format!(
        "[exchange]\nid = \"here\"\norganisation = \"QHL\"\n\
         [store]\nurl = \"sqlite:severn.db\"\n\
         [[sign_in]]\nissuer = \"https://login.example\"\naudience = \"severn\"\nkeys = \"https://login.example/jwks\"\n\
         [[source]]\nid = \"a\"\nname = \"A\"\norganisation = \"QWU\"\ndialect = \"fhir-r4\"\nurl = \"https://a.example\"\n\
         [policy]\nfiles = [\"{name}.cedar\"]\norganisations = \"organisations.csv\"\n"
    );
    let file = format!("{name}.toml");
    std::fs::write(room.0.join(&file), config).unwrap();
    file
}

const OPENS: &str = "@id(\"site.mental-health\")\npermit (principal, action == Action::\"see\", resource)\n\
                     when { principal.views.contains(\"clinician-full\") && [\"mental-health\"].containsAll(resource.labels) };\n";

#[test]
fn severn_policy_check_says_everything_that_is_wrong_and_severn_check_does_too() {
    let room = Room::new();
    let fine = configured(&room, "fine", OPENS);
    let (code, said, _) = room.run(&["policy", "check", "--config", &fine]);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.starts_with("fine.toml: fine. ") && said.contains("version "), "{said}");
    let wrong = configured(
        &room,
        "wrong",
        "@id(\"a\")\npermit (principal, action == Action::\"see\", resource) when { principal.roles.containsAny([]) };\n\
         @id(\"b\")\npermit (principal, action == Action::\"read\", resource == Record::\"0b8d4b6e0000000000000000000000aa\");\n",
    );
    let (code, _, said) = room.run(&["policy", "check", "--config", &wrong]);
    assert_eq!(code, Some(1));
    assert!(said.contains("wrong.cedar:1: rule a: an empty group"), "{said}");
    assert!(said.contains("wrong.cedar:3: rule b: ") && said.contains("is no person that is known here"), "{said}");
    let (code, _, said) = room.run(&["check", "--config", &wrong]);
    assert_eq!(code, Some(1));
    assert!(said.contains("wrong.cedar:1: rule a: an empty group"), "{said}");
}

#[test]
fn severn_policy_diff_says_who_would_gain_and_who_would_lose_what() {
    let room = Room::new();
    let (none, opens) = (configured(&room, "none", ""), configured(&room, "opens", OPENS));
    let (code, said, _) = room.run(&["policy", "diff", &none, &none]);
    assert!(code == Some(0) && said.contains("Nobody would gain or lose anything."), "{said}");
    let (_, gained, _) = room.run(&["policy", "diff", &none, &opens]);
    assert!(gained.contains("GAINED: sees problems from a, labelled mental-health by "), "{gained}");
    assert!(gained.contains("R0050 with B0360, at any other organisation, for TREAT"), "{gained}");
    assert!(!gained.contains("LOST") && !gained.contains("labelled hiv") && !gained.contains("R8004"), "{gained}");
    let (_, lost, _) = room.run(&["policy", "diff", &opens, &none]);
    assert_eq!(lost.replace("LOST", "GAINED").lines().skip(1).collect::<Vec<_>>(), gained.lines().skip(1).collect::<Vec<_>>());
}

#[test]
fn severn_policy_explain_says_what_a_caller_would_see_and_by_which_rules() {
    let room = Room::new();
    let config = configured(&room, "opens", OPENS);
    let mut claims = Card::doctor().claims(0);
    std::fs::write(room.0.join("doctor.json"), claims.to_string()).unwrap();
    let (code, said, wrong) = room.run(&["policy", "explain", "--config", &config, "--caller", "doctor.json"]);
    assert_eq!(code, Some(0), "{said}{wrong}");
    assert!(said.contains("May find people: find.trace-activity"), "{said}");
    assert!(said.contains("May not work at the operator's desk: no rule permits it"), "{said}");
    assert!(said.contains("With launch: may open a record that is not restricted (view.clinician-full"), "{said}");
    // Nobody is known by a number that nobody has.
    let (code, _, wrong) = room.run(&["policy", "explain", "--config", &config, "--caller", "doctor.json", "--patient", "9990000018"]);
    assert!(code == Some(1) && wrong.contains("nobody is known here"), "{wrong}");
    claims["extensions"]["ihe_iua"]["purpose_of_use"] = serde_json::json!([{ "code": "HRESCH" }]);
    std::fs::write(room.0.join("researcher.json"), claims.to_string()).unwrap();
    let (_, said, _) = room.run(&["policy", "explain", "--config", &config, "--caller", "researcher.json"]);
    assert!(said.contains("May not find people: purpose.direct-care-only"), "{said}");
    assert!(said.contains("With launch: may not open a record: the purpose of use is missing, unknown, or not direct care"), "{said}");
}

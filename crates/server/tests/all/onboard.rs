//! `severn onboard` as a command: what it writes works as it is.

use testbed::{DEMO_PERSON, Fault, Region, RunningRegion, Source};

use crate::commands::Room;
use crate::world::World;

const BORN: &str = "1948-03-11";

async fn region() -> RunningRegion {
    Region::start([127, 0, 0, 1].into(), None).await.unwrap()
}

/// The command for a pretend supplier, as its engineer would type it.
fn onboard(room: &Room, source: &Source, more: &[&str]) -> (Option<i32>, String, String) {
    let token = format!("{}.token", source.id);
    std::fs::write(room.0.join(&token), source.bearer.unwrap_or_default()).unwrap();
    let auth = format!("{{ kind = \"bearer\", token_file = \"{token}\" }}");
    let patient = format!("{DEMO_PERSON},{BORN}");
    let mut arguments = vec!["onboard", &source.url, "--id", &source.id, "--name", &source.name, "--organisation", &source.organisation];
    arguments.extend(["--patient", &patient, "--per-second", "200"]);
    if source.bearer.is_some() {
        arguments.extend(["--auth", &auth]);
    }
    if source.verified_by_contract {
        arguments.push("--verified");
    }
    let options: Vec<String> = source.options.iter().map(|(key, value)| format!("{key}={value}")).collect();
    options.iter().for_each(|option| arguments.extend(["--option", option]));
    arguments.extend(more);
    room.run(&arguments)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_block_written_for_each_pretend_supplier_works_unchanged() {
    let (room, region) = (Room::new(), region().await);
    let mut blocks = String::new();
    for source in region.sources() {
        let (code, said, words) = onboard(&room, &source, &[]);
        assert_eq!(code, Some(0), "{}: {said}{words}", source.id);
        let block = std::fs::read_to_string(room.0.join(format!("onboard-{}/source.toml", source.id))).unwrap();
        blocks.push_str(&block);
        blocks.push('\n');
    }
    let world = World::listening(region.region(), &blocks);
    let person = world.person(DEMO_PERSON).await;
    let answer = world.get(&format!("Patient/{person}/$everything"), &world.doctor_of(&person)).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let shown = answer.shown();
    for source in region.sources() {
        assert!(shown.get(&source.id).is_some_and(|ids| ids.len() > 1), "nothing of {} is shown: {shown:?}", source.id);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broken_supplier_and_one_that_drifted_are_told_by_the_exit_code() {
    let (room, region) = (Room::new(), region().await);
    let source = region.sources().into_iter().find(|source| source.id == "ccr").unwrap();
    let (code, said, _) = onboard(&room, &source, &["--drift"]);
    assert_eq!(code, Some(0), "{said}");
    let (code, said, _) = onboard(&room, &source, &["--drift"]);
    assert!(code == Some(0) && said.contains("Nothing changed since the last run."), "{said}");
    region.fail("ccr", Fault::LoopingPages);
    let (code, said, _) = onboard(&room, &source, &["--drift"]);
    assert!(code == Some(3) && said.contains("pages-loop"), "{code:?} {said}");
    let (code, said, _) = onboard(&room, &source, &[]);
    assert!(code == Some(2) && said.contains("broken") && said.contains("to do: "), "{code:?} {said}");
    let page = std::fs::read_to_string(room.0.join("onboard-ccr/report.html")).unwrap();
    assert!(page.contains("The last page must have no next link") && !page.contains("<script") && !page.contains(DEMO_PERSON));
}

#[test]
fn numbers_that_might_be_somebodys_are_not_asked_for() {
    let room = Room::new();
    let (code, _, words) = room.run(&["onboard", "http://127.0.0.1:9/fhir", "--patient", "9434765919"]);
    assert_eq!(code, Some(1));
    assert!(words.contains("never issued") && !words.contains("9434765919"), "{words}");
    assert!(!room.0.join("onboard-new/report.html").exists());
}

#[test]
fn the_table_in_the_readme_is_the_one_that_the_command_prints() {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
    let table = server::onboard::table(std::path::Path::new(&format!("{root}/fixtures"))).unwrap();
    let readme = std::fs::read_to_string(format!("{root}/README.md")).unwrap();
    assert!(readme.contains(&table), "put this into README.md (severn onboard --table):\n{table}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_nobody_was_read_the_exit_code_says_so_and_no_block_is_promised() {
    let (room, region) = (Room::new(), region().await);
    let source = region.sources().into_iter().find(|source| source.id == "ccr").unwrap();
    let (code, said, _) = room.run(&["onboard", &source.url, "--per-second", "200"]);
    assert!(code == Some(2) && said.contains("Nothing could be judged: no test patient was read."), "{code:?} {said}");
    assert!(said.contains("not proven") && room.0.join("onboard-new/source.toml").exists(), "{said}");
    region.fail("ccr", Fault::Html);
    let (code, said, _) = room.run(&["onboard", &source.url, "--patient", DEMO_PERSON, "--per-second", "200"]);
    assert!(code == Some(2) && said.contains("nothing to paste") && !said.contains("source.toml"), "{code:?} {said}");
    assert!(said.contains("        at: GET metadata"), "{said}");
    assert!(!room.0.join("onboard-new/source.toml").exists());
}

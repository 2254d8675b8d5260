//! The `severn` binary from outside: what it prints, and how it exits.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;
use testbed::DEMO_PERSON;

/// A folder for everything that the commands of one test leave behind.
pub struct Room(pub PathBuf);

impl Room {
    pub fn new() -> Room {
        let path = std::env::temp_dir().join(format!("severn-commands-{}", uuid::Uuid::new_v4()));
        std::fs::create_dir(&path).unwrap();
        Room(path)
    }

    /// The command, run here.
    pub fn command(&self, arguments: &[&str]) -> Command {
        self.severn(arguments)
    }

    fn severn(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_severn"));
        command.args(arguments).env("TMPDIR", &self.0).current_dir(&self.0);
        command
    }

    pub fn run(&self, arguments: &[&str]) -> (Option<i32>, String, String) {
        let Output { status, stdout, stderr } = self.severn(arguments).output().unwrap();
        (status.code(), String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        // Nothing can be done about a temporary folder that stays.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A command that runs until the test is over.
pub struct Running {
    child: Child,
    said: Vec<String>,
}

impl Running {
    /// Waits until it says this, at the start of a line.
    pub fn until(mut command: Command, last: &str) -> Running {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut said = Vec::new();
        while said.last().is_none_or(|line: &String| !line.starts_with(last)) {
            said.push(lines.next().unwrap_or_else(|| panic!("it ended before it said {last:?}: {said:#?}")).unwrap());
        }
        Running { child, said }
    }

    /// What follows these words.
    pub fn after(&self, words: &str) -> &str {
        self.said.iter().find_map(|line| line.strip_prefix(words)).unwrap_or_else(|| panic!("no {words:?} in {:#?}", self.said))
    }

    /// Sends it a signal.
    pub fn signal(&self, which: &str) {
        let sent = Command::new("kill").args([which, &self.child.id().to_string()]).status().unwrap();
        assert!(sent.success());
    }

    /// Asks it to stop, and waits until it has.
    pub fn stop(mut self) {
        self.signal("-TERM");
        assert!(self.child.wait().unwrap().success());
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn check_says_every_mistake_at_once_with_its_line() {
    let room = Room::new();
    let file = room.0.join("severn.toml");
    let text = "[exchange]\nid = \"Not An Id\"\npublic_url = \"nowhere\"\norganisation = \"QHL\"\ncolour = \"green\"\n\n\
                [store]\nurl = \"sqlite:severn.db\"\n\n[limits]\nread_ms = 1\n\n\
                [[source]]\nid = \"a\"\nname = \"A\"\norganisation = \"RRK\"\ndialect = \"klingon\"\nurl = \"https://a.example\"\n";
    std::fs::write(&file, text).unwrap();
    let (code, said, mistakes) = room.run(&["check", "--config", "severn.toml"]);
    assert_eq!((code, said.as_str()), (Some(1), ""), "{mistakes}");
    for (line, what) in [(2, "id"), (3, "public_url"), (5, "colour"), (11, "read_ms"), (17, "dialect")] {
        let told = mistakes.lines().any(|mistake| mistake.contains(&format!("line {line}")) && mistake.contains(what));
        assert!(told, "line {line}, {what}: {mistakes}");
    }
    let count = mistakes.lines().count() - 1;
    assert!(mistakes.trim_end().ends_with(&format!("{count} mistakes")), "{mistakes}");
    let (code, _, words) = room.run(&["check", "--config", "not-there.toml"]);
    assert_eq!(code, Some(1));
    assert!(words.contains("not-there.toml"), "{words}");
}

#[test]
fn demo_check_is_right() {
    let room = Room::new();
    let (code, said, words) = room.run(&["demo", "--listen", "127.0.0.1:0", "--check"]);
    assert_eq!(code, Some(0), "{said}{words}");
    assert!(said.contains("The joined read is right.") && !said.contains("WRONG"), "{said}");
    assert_eq!(std::fs::read_dir(&room.0).unwrap().count(), 0, "it leaves nothing behind");
}

#[test]
fn read_prints_a_page_or_the_bundle() {
    let room = Room::new();
    let demo = Running::until(room.severn(&["demo", "--listen", "127.0.0.1:0"]), "Stop with Ctrl-C.");
    let (url, token) = (demo.after("The exchange: "), demo.after("token: "));
    let read = |arguments: &[&str]| room.run(&[&["read", DEMO_PERSON, "--url", url, "--token", token], arguments].concat());
    let (code, page, words) = read(&[]);
    assert_eq!(code, Some(0), "{words}");
    assert!(page.contains("Margaret") && page.to_lowercase().contains("allergies"), "{page}");
    assert!(serde_json::from_str::<Value>(&page).is_err());
    let (code, json, words) = read(&["--json"]);
    assert_eq!(code, Some(0), "{words}");
    let bundle: Value = serde_json::from_str(&json).unwrap();
    assert_eq!((&bundle["resourceType"], &bundle["entry"][0]["resource"]["resourceType"]), (&"Bundle".into(), &"OperationOutcome".into()));
    // What cannot be read is said, and is no success.
    let (code, page, words) = room.run(&["read", "9434765918", "--url", url, "--token", token]);
    assert_eq!((code, page.as_str()), (Some(1), ""));
    assert!(!words.contains("9434765918"), "the number is repeated: {words}");
    std::fs::write(room.0.join("bad"), "no-token").unwrap();
    let (code, page, words) = room.run(&["read", DEMO_PERSON, "--url", url, "--token", "bad"]);
    assert_eq!((code, page.as_str()), (Some(1), ""));
    assert!(words.contains("401"), "{words}");
}

#[test]
fn region_listens_and_prints_blocks_that_a_configuration_takes() {
    let room = Room::new();
    let region = Running::until(room.severn(&["region", "--listen", "127.0.0.1:0"]), "id = \"uhb\"");
    let blocks: Vec<&String> = region.said.iter().filter(|line| line.as_str() == "[[source]]").collect();
    assert_eq!(blocks.len(), testbed::SUPPLIERS.len());
    let address = region.after("url = \"http://").split('/').next().unwrap();
    std::net::TcpStream::connect(address).unwrap();
}

/// The exercise for reading systems: whole, with one source silent, with none; and whole again at once.
#[tokio::test]
async fn a_consumer_is_shown_whole_and_incomplete_reads() {
    let room = Room::new();
    let exercise = Running::until(room.severn(&["onboard", "--consumer", "--listen", "127.0.0.1:0"]), "The consumer exercise: open ");
    let page = exercise.after("The consumer exercise: open ").split(' ').next().unwrap().to_owned();
    let http = reqwest::Client::new();
    let html = http.get(&page).send().await.unwrap().text().await.unwrap();
    let token = html.split("<pre>").nth(1).unwrap().split('<').next().unwrap().to_owned();
    let person = html.split("/Patient/").nth(1).unwrap().split('/').next().unwrap().to_owned();
    let read = async |face: &str, complete: &str| {
        let url = page.replace("/exercise", &format!("/fhir/{face}/Patient/{person}/$everything{complete}"));
        let answer = http.get(url).bearer_auth(&token).send().await.unwrap();
        let status = answer.status().as_u16();
        (status, serde_json::from_str::<Value>(&answer.text().await.unwrap()).unwrap())
    };
    for (stage, partial, required) in [("whole", 200, 200), ("silent", 200, 504), ("nobody", 502, 502), ("whole", 200, 200)] {
        http.post(format!("{page}/stage")).body(format!("stage={stage}")).send().await.unwrap();
        for face in ["R4", "STU3"] {
            let (status, bundle) = read(face, "?_complete=partial").await;
            assert_eq!(status, partial, "{stage} {face}");
            assert_eq!(bundle["total"].is_u64(), stage == "whole", "{stage} {face}: {}", bundle["entry"][0]);
            assert_eq!(read(face, "").await.0, required, "{stage} {face}");
        }
    }
    // Nothing signed, no block.
    let report = http.post(format!("{page}/report")).body("face=STU3").send().await.unwrap().text().await.unwrap();
    assert!(report.contains("may not have incomplete reads") && !report.contains("[[consumer]]"), "{report}");
}

#[test]
fn made_up_people_are_those_of_their_seed_and_can_be_linked() {
    let room = Room::new();
    let files = |n: &str| ["records", "gold", "superseded", "ndjson"].map(|what| format!("{what}{n}"));
    for (n, seed) in [("1", "7"), ("2", "7"), ("3", "8")] {
        let [records, gold, superseded, ndjson] = files(n);
        let made = ["people", "generate", "--people", "600", "--seed", seed, "--records", &records, "--gold", &gold];
        let (code, _, said) = room.run(&[&made[..], &["--superseded", &superseded, "--ndjson", &ndjson]].concat());
        assert_eq!(code, Some(0), "{said}");
    }
    let read = |file: &String| std::fs::read_to_string(room.0.join(file)).unwrap();
    for ((one, same), other) in files("1").iter().zip(&files("2")).zip(&files("3")) {
        assert_eq!(read(one), read(same));
        // So few people may all have the number that they were born with.
        assert!(one == "superseded1" || read(one) != read(other));
    }
    let count = read(&"records1".to_owned()).lines().count();
    assert_eq!(read(&"ndjson1".to_owned()).lines().count() + 1, count);
    let (code, _, said) = room.run(&["people", "link", "--records", "records1", "--superseded", "superseded1", "--clusters", "clusters"]);
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(read(&"clusters".to_owned()).lines().count(), count, "no record is lost");
}

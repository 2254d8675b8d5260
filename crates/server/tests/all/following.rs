//! A server's person index beside others who change the register, and from one run to the next.

use std::net::TcpListener;

use reqwest::{Client, StatusCode};

use crate::commands::{Room, Running};
use crate::loading::{CONFIG, HEADING};
use crate::world::{Card, Issuer};

/// A folder with a configuration of a server on a port that is free, and a steward's token there.
struct Place {
    room: Room,
    token: String,
    url: String,
}

impl Place {
    fn new() -> Place {
        let (room, issuer) = (Room::new(), Issuer::new());
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let config = CONFIG.replace("organisation = \"QHL\"", &format!("organisation = \"QHL\"\nlisten = \"{port}\""));
        let people = "\n[people]\nfollow_ms = 50\nsnapshot_file = \"people.snapshot\"\n";
        std::fs::write(room.0.join("severn.toml"), config + people).unwrap();
        std::fs::write(room.0.join("keys.json"), issuer.jwks()).unwrap();
        let steward = Card { user: "s-1", scope: "severn.operator", ..Card::doctor() };
        let now = server::wiring::system_clock().now().as_second();
        Place { room, token: issuer.sign(&steward.claims(now)), url: format!("http://{port}") }
    }

    fn serve(&self) -> Running {
        Running::until(self.room.command(&["serve", "--config", "severn.toml"]), "severn: serving")
    }

    /// Somebody comes in by a file.
    fn load(&self, local_id: &str, family: &str) {
        let row = format!("{local_id},hosp,,,{family},Margaret,,female,1948-06-02,1 Mill Lane,Dudley,DY1 4SE,,\n");
        let file = format!("{local_id}.csv");
        std::fs::write(self.room.0.join(&file), HEADING.to_owned() + &row).unwrap();
        self.runs(&["people", "load", &file, "--source", "hosp"]);
    }

    fn runs(&self, arguments: &[&str]) {
        let (code, _, complaints) = self.room.run(&[arguments, &["--config", "severn.toml"]].concat());
        assert_eq!(code, Some(0), "{complaints}");
    }

    async fn knows(&self, local_id: &str) -> bool {
        let asked = Client::new().get(format!("{}/steward/explain?one=hosp/{local_id}", self.url)).bearer_auth(&self.token);
        match asked.send().await.unwrap().status() {
            StatusCode::OK => true,
            StatusCode::NOT_FOUND => false,
            other => panic!("{other}"),
        }
    }

    /// Waits until the server knows somebody.
    async fn learns(&self, local_id: &str) {
        for _ in 0..600 {
            if self.knows(local_id).await {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        panic!("the server does not learn of {local_id}");
    }
}

#[tokio::test]
async fn a_server_sees_what_a_command_did_beside_it_and_goes_on_from_its_snapshot() {
    let place = Place::new();
    let serving = place.serve();
    assert_eq!(serving.after("severn: no snapshot of the person index is used: ").split(' ').next(), Some("No"));
    assert!(!place.knows("p1").await);
    place.load("p1", "Hartley");
    place.learns("p1").await;
    serving.stop();
    let file = |name: &str| place.room.0.join(name);
    let early = std::fs::read(file("people.snapshot")).unwrap();
    assert!(!early.windows(7).any(|window| window.eq_ignore_ascii_case(b"hartley")), "it is sealed");

    // What came in while it was down is read on top of the snapshot.
    place.load("p2", "Booth");
    place.runs(&["store", "backup", "--to", "copy.db"]);
    let serving = place.serve();
    serving.after("severn: the person index goes on from its snapshot");
    assert!(place.knows("p1").await && place.knows("p2").await);
    serving.stop();

    // The register is put back to what it was, and goes another way: the snapshot is of a course that it did not take.
    place.load("p3", "Quill");
    place.serve().stop();
    for name in ["severn.db", "severn.db-wal", "severn.db-shm"] {
        std::fs::remove_file(file(name)).unwrap_or_default(); // Whoever closed the file last took its log away.
    }
    place.runs(&["store", "restore", "--from", "copy.db"]);
    place.load("p4", "Amos");
    let serving = place.serve();
    assert!(serving.after("severn: no snapshot of the person index is used: ").contains("another"));
    assert_eq!((place.knows("p2").await, place.knows("p3").await, place.knows("p4").await), (true, false, true));
    serving.stop();

    // Damaged, it is not believed.
    let mut bytes = std::fs::read(file("people.snapshot")).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(file("people.snapshot"), bytes).unwrap();
    let serving = place.serve();
    assert!(serving.after("severn: no snapshot of the person index is used: ").contains("damaged"));
    assert!(place.knows("p4").await);
}

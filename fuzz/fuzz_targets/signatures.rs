//! JWKS documents, and what is signed by the keys in them: the first byte picks whether the rest is a JWKS, a text that nobody signed,
//! edits of one that somebody did, or edits of the signatures by which an exchange goes live.
#![no_main]

use std::path::PathBuf;
use std::sync::LazyLock;

use fuzz::{NOW, Signer, config, folder, meddled};
use jiff::Timestamp;
use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use server::config::Config;
use server::fuzzing::{hazard_log, signed_by};
use server::ladder::{lacking, sign};

struct Here {
    signer: Signer,
    jwks: String,
    good: String,
    now: Timestamp,
    config: Config,
    file: PathBuf,
    signatures: String,
}

const SIGNERS: [(&str, &str); 3] =
    [("A Officer", "clinical-safety-officer"), ("B Officer", "data-protection-officer"), ("C Lead", "information-governance-lead")];

static HERE: LazyLock<Here> = LazyLock::new(|| {
    let (signer, folder) = (Signer::new(), folder());
    for document in ["clinical-risk-management-plan.md", "dpia.md", "processor-schedule.md"] {
        std::fs::write(folder.join(document), document).expect("is written");
    }
    std::fs::write(folder.join("hazard-log.md"), hazard_log().expect("a hazard log")).expect("is written");
    let mut more = "[go_live]\nstep = \"shadow\"\ndocuments = \".\"\nsignatures = \"signatures\"\n".to_owned();
    more += "[[go_live.named]]\nissuer = \"https://login.example\"\nsubject = \"u-1\"\n";
    for (name, role) in SIGNERS {
        let own = Signer::new();
        std::fs::write(folder.join(format!("{role}.json")), own.jwks()).expect("is written");
        std::fs::write(folder.join(format!("{role}.pem")), own.pem()).expect("is written");
        more += &format!("[[go_live.signer]]\nname = \"{name}\"\nrole = \"{role}\"\nkeys = \"{role}.json\"\n");
    }
    // Nobody real is shown before two others keep copies of the ledger's ends.
    for participant in ["one", "two"] {
        more += &format!("[[ledger.witness]]\nname = \"{participant}\"\nfile = \"{participant}.ndjson\"\n");
    }
    let (config, now) = (config(&signer, &more), NOW.parse().expect("a time"));
    let lines = SIGNERS.iter().flat_map(|(name, role)| sign(&config, name, &folder.join(format!("{role}.pem")), now).expect("signs"));
    let signatures = lines.map(|line| line + "\n").collect::<String>();
    assert_eq!(signatures.lines().count(), 4, "one a document");
    let good = signer.sign(br#"{"alg":"ES256","kid":"k"}"#, br#"{"iss":"somebody","list":[1,{"a":null}]}"#);
    Here { jwks: signer.jwks(), signer, good, now, config, file: folder.join("signatures"), signatures }
});

fuzz_target!(|data: &[u8]| {
    let Some((pick, body)) = data.split_first() else { return };
    let here = &*HERE;
    match pick % 4 {
        0 => {
            if signed_by(&here.good, body).is_some() {
                let jwks: Value = serde_json::from_slice(body).expect("keys that are used are in JSON");
                let [x, y] = here.signer.point();
                let keys = jwks["keys"].as_array().expect("keys");
                assert!(keys.iter().any(|key| key["x"] == x && key["y"] == y), "by another key than its own");
            }
        }
        1 => {
            let Ok(text) = std::str::from_utf8(body) else { return };
            assert!(signed_by(text, here.jwks.as_bytes()).is_none(), "nobody signed it");
        }
        2 => {
            let text = meddled(here.good.as_bytes(), body);
            let Ok(text) = std::str::from_utf8(&text) else { return };
            assert_eq!(signed_by(text, here.jwks.as_bytes()).is_some(), text == here.good, "another text than was signed");
            let keys = meddled(here.jwks.as_bytes(), body);
            let _ = signed_by(&here.good, &keys);
        }
        _ => {
            let text = meddled(here.signatures.as_bytes(), body);
            std::fs::write(&here.file, &text).expect("is written");
            let Ok(text) = String::from_utf8(text) else {
                assert!(!lacking(&here.config, here.now).is_empty(), "what is no text is signed");
                return;
            };
            let whole: Vec<&str> = text.lines().map(str::trim).collect();
            let gone = here.signatures.lines().filter(|line| !whole.contains(line)).count();
            assert_eq!(lacking(&here.config, here.now).len(), gone, "as many are lacking as were meddled with");
        }
    }
});

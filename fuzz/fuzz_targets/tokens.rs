//! Access tokens, client assertions and launch links, up to who they are taken to be from. The first byte picks which of them it is, and
//! whether the rest is the text as it came, claims that the right key signs, header and claims that it signs, or edits of a good one.
//! Nothing is believed that the key did not sign, and nothing else than what was signed.
#![no_main]

use std::sync::{Arc, LazyLock};

use exchange::{Spent, StoreDown};
use fuzz::{NOW, Signer, config, folder, meddled};
use jiff::Timestamp;
use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use server::token::{Shown, Tokens};

struct Never;

#[async_trait::async_trait]
impl Spent for Never {
    async fn spend(&self, _: [u8; 32], _: Timestamp, _: Timestamp) -> Result<bool, StoreDown> {
        Ok(true)
    }
}

struct Here {
    tokens: Tokens,
    signer: Signer,
    good: [String; 3],
    runtime: tokio::runtime::Runtime,
}

const HEADER: &[u8] = br#"{"alg":"ES256","kid":"k"}"#;
const AUDIENCES: [&str; 3] = ["severn", "https://here.example/oauth/token", "https://here.example/launch"];
const GOOD: [&[u8]; 3] =
    [include_bytes!("../seeds/tokens/iua"), include_bytes!("../seeds/tokens/assertion"), include_bytes!("../seeds/tokens/launch")];

static HERE: LazyLock<Here> = LazyLock::new(|| {
    let signer = Signer::new();
    let now: Timestamp = NOW.parse().expect("a time");
    let tokens = Tokens::new(&config(&signer, ""), Arc::new(Never), Arc::new(now)).expect("tokens");
    // They are read.
    let _ = std::fs::remove_dir_all(folder());
    let good = GOOD.map(|seed| signer.sign(HEADER, &seed[1..]));
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let here = Here { tokens, signer, good, runtime };
    (0..3).for_each(|sort| assert!(here.believes(sort, &here.good[sort]), "what is good is believed: {sort}"));
    here
});

impl Here {
    /// Whether somebody is taken to be who the text says; what is said of them is looked at.
    fn believes(&self, sort: usize, text: &str) -> bool {
        let said = |name: &str| {
            let payload = text.split('.').nth(1).and_then(|part| data_encoding::BASE64URL_NOPAD.decode(part.as_bytes()).ok());
            payload
                .and_then(|payload| serde_json::from_slice::<Value>(&payload).ok())
                .map(|claims| claims[name].clone())
                .unwrap_or_default()
        };
        match sort {
            0 => {
                let Ok(caller) = self.runtime.block_on(self.tokens.caller(text, None)) else { return false };
                assert_eq!((said("iss"), said("sub")), (caller.user.issuer.as_str().into(), caller.user.subject.as_str().into()));
                assert!(!caller.user.subject.is_empty(), "of nobody");
                assert!(!caller.human || !caller.scopes.iter().any(|scope| scope.starts_with("system/")), "a person with a system's scope");
                assert!(caller.human || caller.sds_user_id.is_none() || caller.scopes.iter().any(|scope| scope.starts_with("system/")));
                assert!(said("cnf").is_null(), "bound to a certificate that nobody showed");
                if caller.user.issuer == "https://cis2.example" {
                    assert!(caller.human && caller.organisation.code.as_str() == "RRK" && caller.purposes == ["TREAT"]);
                    assert!(caller.roles.len() == 1 && caller.scopes.iter().all(|scope| scope.contains('/')));
                }
            }
            1 => {
                let shown = Shown { assertion: Some(text), id: None, certificate: None };
                let Ok(client) = self.runtime.block_on(self.tokens.client(&shown, AUDIENCES[1])) else { return false };
                assert_eq!((said("iss"), said("sub")), (client.id.as_str().into(), client.id.as_str().into()));
                assert!(said("jti").is_string(), "of any number of uses");
            }
            _ => {
                let Ok(launched) = self.runtime.block_on(self.tokens.launch(text, AUDIENCES[2])) else { return false };
                let (caller, launcher) = (&launched.caller, launched.launcher);
                assert_eq!(said("iss"), Value::from(launcher.issuer.as_str()));
                assert!(!launched.patient.trim().is_empty() && said("jti").is_string());
                assert!(launcher.organisations.contains(&caller.organisation.code), "an organisation that it may not sign for");
                assert!(caller.roles.iter().all(|role| launcher.roles.contains(role)), "a role that it may not vouch for");
                assert!(caller.activities.is_empty() && caller.sds_user_id.is_none() && caller.sds_role_profile_id.is_none());
            }
        }
        let (aud, until) = (said("aud"), said("exp").as_f64().unwrap_or(f64::NAN));
        let meant = aud == AUDIENCES[sort] || aud.as_array().is_some_and(|all| all.iter().any(|one| one == AUDIENCES[sort]));
        assert!(meant, "for somebody else");
        let now: Timestamp = NOW.parse().expect("a time");
        assert!(until > now.as_second() as f64 - 31.0, "it has expired");
        true
    }
}

fuzz_target!(|data: &[u8]| {
    let Some((pick, body)) = data.split_first() else { return };
    let (sort, how) = (usize::from(pick % 3), pick / 3 % 4);
    let here = &*HERE;
    match how {
        0 => {
            here.believes(sort, &here.signer.sign(HEADER, body));
        }
        1 => {
            let (header, claims) = body.iter().position(|byte| *byte == b'\n').map_or((HEADER, body), |at| (&body[..at], &body[at + 1..]));
            if here.believes(sort, &here.signer.sign(header, claims)) {
                let header: Value = serde_json::from_slice(header).expect("a header that is believed is JSON");
                assert_eq!(header["alg"], "ES256");
                assert!(["jwk", "x5c", "x5u", "jku", "crit", "b64", "zip", "enc", "cty"].iter().all(|name| header.get(*name).is_none()));
            }
        }
        2 => {
            let text = meddled(here.good[sort].as_bytes(), body);
            let Ok(text) = String::from_utf8(text) else { return };
            assert_eq!(here.believes(sort, &text), text == here.good[sort], "another text than was signed");
        }
        _ => {
            let Ok(text) = std::str::from_utf8(body) else { return };
            assert!(!here.believes(sort, text), "nobody signed it");
        }
    }
});

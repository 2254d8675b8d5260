//! The National Record Locator beside a read: what it is told and asked, and what must never be.

mod consult;
mod never;
mod publish;

use std::sync::Arc;
use std::time::Duration;

use axum::http::Method;
use serde_json::{Value, json};
use testbed::{DEMO_PERSON, ELSEWHERE, Fault, LOCATOR, Refusal, Region, people};
use tokio::time::Instant;

use crate::logged::logged;
use crate::world::{Answer, Card, PUBLIC, Setup, World, region};

/// Told and asked, every limit at its default.
const BOTH: &str = "[national.record_locator]\nurl = \"http://127.0.0.1:1/record-locator\"\ncustodian = \"QHL\"\nend_user_organisation = \"RRK\"\n\
                    practice_setting = { code = \"394802001\", display = \"General medicine\" }\npublish = true\nconsult = true\n";
const TELL: &str = "[national.record_locator]\nurl = \"http://127.0.0.1:1/record-locator\"\ncustodian = \"QHL\"\npractice_setting = { code = \"394802001\", display = \"General medicine\" }\npublish = true\n";
const ASK: &str = "[national.record_locator]\nurl = \"http://127.0.0.1:1/record-locator\"\ncustodian = \"QHL\"\nconsult = true\n";

fn world(ids: &[&str], blocks: &'static str) -> World {
    World::around(Arc::new(region(ids)), &Setup { blocks, ..Setup::default() })
}

/// What goes on behind the reads has come to its end.
async fn settled() {
    tokio::time::sleep(Duration::from_secs(30)).await;
}

async fn read(world: &World, person: &str) -> Answer {
    world.get(&format!("Patient/{person}/$everything?_count=5000"), &world.doctor_of(person)).await
}

/// Requests to one side of the locator.
fn asked(region: &Region, side: &str) -> Vec<testbed::Request> {
    let mut asked = region.asked(LOCATOR);
    asked.retain(|request| request.path_and_query.starts_with(&format!("/record-locator/{side}/")));
    asked
}

fn count(requests: &[testbed::Request], method: Method) -> usize {
    requests.iter().filter(|request| request.method == method).count()
}

/// What the outcome says of the locator: severity, code, the organisation named.
fn said(answer: &Answer) -> Vec<(String, String, String)> {
    let issues = answer.outcome()["issue"].as_array().unwrap().iter();
    let about = issues.filter(|issue| issue["details"]["coding"][0]["system"] == "urn:severn:record-locator");
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    about
        .map(|issue| {
            let organisation = &issue["extension"][0]["valueIdentifier"]["value"];
            (text(&issue["severity"]), text(&issue["details"]["coding"][0]["code"]), text(organisation))
        })
        .collect()
}

fn pointer(custodian: &str) -> (String, String, String) {
    ("information".to_owned(), "pointer".to_owned(), custodian.to_owned())
}

fn silent() -> (String, String, String) {
    ("warning".to_owned(), "silent".to_owned(), String::new())
}

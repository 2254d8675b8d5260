use std::sync::Mutex;

use access::{Evidence, PersonFacts};
use async_trait::async_trait;
use audit::{Journal, JournalDown, Line};
use record::{Ask, Caller, Need, Organisation, Question, Response, UserId};
use source::{Auth, Limits, Request, SourceConfig, Transport};
use tokio::time::Instant;

use super::*;

#[test]
fn only_who_is_plainly_unrestricted_is_pointed_at_and_by_our_own_id() {
    let person = "0190f3c2".parse().expect("a person id");
    let check = |restriction, expected| assert_eq!(wish(restriction, "https://here.example/fhir/R4", &person), expected);
    check(Restriction::Restricted, Wish::Absent);
    check(Restriction::Unknown, Wish::Absent);
    let url = "https://here.example/fhir/R4/Patient/0190f3c2/$everything".to_owned();
    check(Restriction::Unrestricted, Wish::Present { url });
}

/// A locator that never answers; it remembers how often it was asked.
#[derive(Default)]
struct Silent(Mutex<usize>);

#[async_trait]
impl Transport for Silent {
    async fn send(&self, _: Request) -> Result<Response, Failure> {
        *self.0.lock().expect("one thread") += 1;
        std::future::pending().await
    }
}

struct Paper;

#[async_trait]
impl Journal for Paper {
    async fn append(&self, _: Vec<Line>) -> Result<(), JournalDown> {
        Ok(())
    }
}

fn permit(person: &str) -> Permit {
    let own = |text: &str| vec![text.to_owned()];
    let caller = Caller {
        user: UserId { issuer: "https://login.example".to_owned(), subject: "u-1".to_owned() },
        name: "Dr A Example".to_owned(),
        sds_user_id: None,
        sds_role_profile_id: None,
        human: true,
        organisation: Organisation { code: "RRK".parse().expect("a code"), name: "Hospital".to_owned() },
        roles: own("R8000"),
        activities: own("B0360"),
        purposes: own("TREAT"),
        scopes: own("user/*.rs"),
        launch_patient: None,
        device: None,
        client: None,
        token_id: None,
    };
    let person: PersonId = person.parse().expect("a person id");
    let question = Question::Read { person: person.clone(), need: Need::everything() };
    let ask = Ask { request: "q-1".parse().expect("an id"), caller, question, hops: Vec::new(), wait: None };
    let facts = PersonFacts { person: Some(person.clone()), restriction: Restriction::Unrestricted };
    let admission = access::admit(&access::Rules::shipped(), &ask, jiff::Timestamp::UNIX_EPOCH).expect("a doctor may");
    access::decide(admission, &facts, &[Evidence::Launch(person)], jiff::Timestamp::UNIX_EPOCH).expect("their doctor may")
}

fn config() -> SourceConfig {
    SourceConfig {
        id: "nrl".parse().expect("an id"),
        organisation: "QHL".parse().expect("a code"),
        base: "https://nrl.example".parse().expect("a URL"),
        auth: Auth::None,
        limits: Limits { source_ms: 10_000, ..Limits::default() },
        exchange: None,
        ca_file: None,
    }
}

/// Whoever stops an exchange waits for what is under way, and for nothing that has not begun.
#[tokio::test(start_paused = true)]
async fn a_stopped_exchange_begins_nothing_more() {
    let (transport, clock) = (Arc::new(Silent::default()), Arc::new(jiff::Timestamp::UNIX_EPOCH));
    let custodian: OdsCode = "QHL".parse().expect("a code");
    let publishing = Publishing {
        time: Duration::from_secs(10),
        concurrent: 2,
        queue_max: 100,
        again: Duration::from_secs(3_600),
        known_max: 100,
        retry: Duration::from_secs(300),
        tries: 5,
    };
    let settings = RecordLocatorSettings {
        locator: national::Locator { custodian: custodian.clone(), end_user_organisation: custodian, practice_setting: None },
        base: "https://here.example/fhir/R4".to_owned(),
        consult: None,
        publish: Some(publishing),
    };
    let (ledger, writing) = Ledger::start(Arc::new(Paper), clock.clone(), "r".to_owned());
    let way = NationalService::new(config(), transport.clone(), clock.clone());
    let (locator, publishing) = RecordLocator::start(settings, way, ledger, clock, None);
    let number = "9990000018".parse().expect("a number");
    for person in ["p-1", "p-2", "p-3", "p-1", "p-4"] {
        locator.met(&permit(person), number);
    }
    let start = Instant::now();
    let stopping = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        drop(locator);
    };
    tokio::join!(publishing, writing, stopping);
    assert_eq!(start.elapsed(), Duration::from_secs(10), "the ledger's writer ended, too");
    assert_eq!(*transport.0.lock().expect("one thread"), 2);
}

use audit::Ledger;
use people::index::Index;
use people::matching::Model;
use people::registrar::Limits;
use people::{ClaimedNumber, Demographics, Name};
use store::{Secrets, SqliteJournal, SqliteStore};

use super::*;

struct Standing;

impl record::Clock for Standing {
    fn now(&self) -> jiff::Timestamp {
        jiff::Timestamp::constant(1_795_424_400, 0)
    }
}

fn entry(given: &str, restricted: bool, second: i64) -> Entry {
    let demographics = Demographics {
        number: Some(ClaimedNumber { value: "9990000018".to_owned(), status: NumberStatus::Verified }),
        names: vec![Name { family: "Hartley".to_owned(), given: vec![given.to_owned()], ..Name::default() }],
        birth_date: "1948-06-02".parse().ok(),
        ..Demographics::default()
    };
    let key = EntryKey { source: "gp".parse().expect("an id"), local_id: "1".to_owned() };
    Entry { key, provider: None, demographics, restricted, seen: jiff::Timestamp::constant(1_795_424_000 + second, 0) }
}

/// Whose request had two numbers made one was shown what stands since, however late the ledger is asked who saw what did not.
#[tokio::test]
async fn whoever_had_it_corrected_did_not_see_it_meanwhile() {
    let folder = std::env::temp_dir().join(format!("severn-aftermath-{}", uuid::Uuid::new_v4()));
    std::fs::create_dir(&folder).expect("a folder");
    let secrets = Arc::new(Secrets::open(&folder.join("key")).expect("secrets"));
    let store = Arc::new(SqliteStore::open(&folder.join("store.db"), secrets).expect("a store"));
    let journal = Arc::new(SqliteJournal::open(&folder.join("store.db")).expect("a journal"));
    let (ledger, writing) = Ledger::start(journal, Arc::new(Standing), "run".to_owned());
    let aftermath = Aftermath::new(ledger.clone(), store);
    let by: audit::Who = serde_json::from_value(serde_json::json!({"issuer": "i", "subject": "s", "name": "n", "sds_user_id": null,
        "role_profile": null, "roles": [], "organisation": "RRK", "organisation_name": "", "device": null, "client": null,
        "purposes": [], "token": null}))
    .expect("somebody");
    let work = async move {
        let (before, corrected): (RequestId, RequestId) = ("before".parse().expect("an id"), "corrected".parse().expect("an id"));
        let person: PersonId = "7c9f7d1e-9d7f-4d55-8e4f-0e6a4a9d2a11".parse().expect("an id");
        for request in [&before, &corrected] {
            let event = audit::Event::disclosed(by.clone(), person.to_string(), request.to_string());
            ledger.note(request, &event).await.expect("it writes");
        }
        let done = Done {
            touched: vec![people::registrar::Touched { person, since: Some(jiff::Timestamp::constant(1_795_424_000, 0)) }],
            ..Done::default()
        };
        let cause = |corrected| Cause { request: None, corrected, author: &Author::National, what: "replaced a number" };
        let whose = async |corrected| {
            let seen = aftermath.of(cause(corrected), &done).await;
            seen.into_iter().map(|(_, view)| view.trace).collect::<Vec<_>>()
        };
        assert_eq!(whose(Some(&corrected)).await, ["before"]);
        assert_eq!(whose(None).await, ["before", "corrected"]);
    };
    tokio::join!(work, writing);
    // Nothing can be done about a temporary folder that stays.
    let _ = std::fs::remove_dir_all(&folder);
}

/// What an answer says once more is not taken again: unless the mark is new that it bears, or what is in the index came by another way since.
#[tokio::test]
async fn an_answer_is_news_by_its_mark_and_after_a_move() {
    let folder = std::env::temp_dir().join(format!("severn-registration-{}", uuid::Uuid::new_v4()));
    std::fs::create_dir(&folder).expect("a folder");
    let secrets = Arc::new(Secrets::open(&folder.join("key")).expect("secrets"));
    let store = Arc::new(SqliteStore::open(&folder.join("store.db"), secrets).expect("a store"));
    let (ledger, writing) =
        Ledger::start(Arc::new(SqliteJournal::open(&folder.join("store.db")).expect("a journal")), Arc::new(Standing), "run".to_owned());
    let registrar =
        Arc::new(Registrar::new(store.clone(), Index::new(), Arc::new(Model::standard()), Arc::new(Standing), Limits::default()));
    let taking = Taking { registrar: registrar.clone(), aftermath: Aftermath::new(ledger, store), remembered: moka::sync::Cache::new(10) };
    let told = |entry: Entry| Told { entries: vec![entry], ..Told::default() };
    let work = async move {
        let kept = async || {
            let home = registrar.index().home(&entry("", false, 0).key).expect("it is somebody's");
            registrar.register().person(&home).await.expect("it answers").expect("they are there").entries[0].clone()
        };
        taking.take(told(entry("Margaret", false, 1))).await;
        // The same once more: that it was said later is not worth a batch.
        taking.take(told(entry("Margaret", false, 2))).await;
        assert_eq!(kept().await, entry("Margaret", false, 1));
        taking.take(told(entry("Margaret", true, 3))).await;
        assert_eq!(kept().await, entry("Margaret", true, 3));
        // By another way, a file, say, it became somebody else's.
        let mut moved = entry("Tobias", true, 4);
        moved.demographics.number.iter_mut().for_each(|number| number.value = "9990000026".to_owned());
        registrar.take(moved).await.expect("it answers");
        taking.take(told(entry("Margaret", true, 5))).await;
        assert_eq!(kept().await, entry("Margaret", true, 5));
    };
    tokio::join!(work, writing);
    // Nothing can be done about a temporary folder that stays.
    let _ = std::fs::remove_dir_all(&folder);
}

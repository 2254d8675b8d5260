//! Sign-in providers whose keys are behind an address: asked seldom, obeyed when they change, and gone on without for a while, not for
//! ever. These tests talk over real sockets, so that time is not paused; the exchange's clock is put forward.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde_json::json;
use testbed::DEMO_PERSON;
use tokio::task::JoinSet;

use crate::world::{Answer, Card, Issuer, Setup, World, region};

/// How a provider answers.
#[derive(Clone, Debug)]
enum Habit {
    /// With this body.
    Body(String),
    /// With a body that has no end.
    Endless,
    /// It sends us on.
    Elsewhere,
    /// After a while.
    Late(Duration, String),
    /// Letter by letter, slowly.
    Dripping,
    /// Not at all.
    Silent,
    /// With a status.
    Status(u16),
}

/// A provider that listens.
struct Provider {
    habit: Arc<Mutex<Habit>>,
    asked: Arc<AtomicUsize>,
    address: String,
    _serving: JoinSet<()>,
}

type Shared = (Arc<Mutex<Habit>>, Arc<AtomicUsize>);

async fn answer(State((habit, asked)): State<Shared>) -> Response {
    asked.fetch_add(1, Ordering::SeqCst);
    let habit = habit.lock().unwrap().clone();
    let chunks = |each: Duration, size: usize| {
        Body::from_stream(futures::stream::unfold((), move |()| async move {
            tokio::time::sleep(each).await;
            Some((Ok::<_, std::io::Error>(bytes::Bytes::from(vec![b' '; size])), ()))
        }))
    };
    match habit {
        Habit::Body(body) => body.into_response(),
        Habit::Endless => chunks(Duration::ZERO, 65_536).into_response(),
        Habit::Elsewhere => (StatusCode::FOUND, [("location", "/elsewhere")]).into_response(),
        Habit::Late(after, body) => {
            tokio::time::sleep(after).await;
            body.into_response()
        }
        Habit::Dripping => chunks(Duration::from_millis(100), 1).into_response(),
        Habit::Silent => std::future::pending().await,
        Habit::Status(status) => (StatusCode::from_u16(status).unwrap(), "{\"keys\":[]}").into_response(),
    }
}

impl Provider {
    async fn new(habit: Habit, elsewhere: &Issuer) -> Provider {
        let (habit, asked) = (Arc::new(Mutex::new(habit)), Arc::new(AtomicUsize::new(0)));
        let elsewhere = elsewhere.jwks();
        let router = Router::new()
            .route("/jwks", get(answer))
            .route("/elsewhere", get(|| async move { elsewhere }))
            .with_state((habit.clone(), asked.clone()));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}/jwks", listener.local_addr().unwrap());
        let mut serving = JoinSet::new();
        serving.spawn(async move { axum::serve(listener, router).await.unwrap() });
        Provider { habit, asked, address, _serving: serving }
    }

    fn says(&self, habit: Habit) {
        *self.habit.lock().unwrap() = habit;
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

/// A world that believes it.
struct Stage {
    world: World,
    provider: Provider,
    old: Issuer,
    new: Issuer,
}

impl Stage {
    async fn new(habit: impl Fn(&Issuer) -> Habit) -> Stage {
        let (old, new) = (Issuer::new(), Issuer::new());
        let provider = Provider::new(habit(&old), &new).await;
        let sign_in = format!(
            "keys = \"{}\"\nlimits = {{ connect_ms = 1000, fetch_ms = 1000, keys_bytes_max = 100000, refresh_minutes = 60, again_s = 30, outage_hours = 24 }}",
            provider.address
        );
        let world = World::around(Arc::new(region(&["ccr"])), &Setup { sign_in, ..Setup::default() });
        Stage { world, provider, old, new }
    }

    async fn well() -> Stage {
        Stage::new(|old| Habit::Body(old.jwks_as("old"))).await
    }

    async fn get(&self, issuer: &Issuer, kid: &str) -> (Answer, usize) {
        let claims = Card::doctor().claims(record::Clock::now(&*self.world.clock).as_second());
        let before = self.world.region.asked("ccr").len();
        let path = format!("Patient?identifier=https://fhir.nhs.uk/Id/nhs-number|{DEMO_PERSON}");
        let answer = self.world.get(&path, &issuer.sign_as(kid, &claims)).await;
        (answer, self.world.region.asked("ccr").len() - before)
    }

    /// What somebody with a token gets, and how often the provider was asked for it.
    async fn check(&self, what: &str, (issuer, kid): (&Issuer, &str), status: u16, asks: usize) {
        let before = self.provider.asked();
        let (answer, sources) = self.get(issuer, kid).await;
        assert_eq!(answer.status, status, "{what}: {}", answer.text);
        assert_eq!(self.provider.asked() - before, asks, "{what}");
        assert_eq!(sources > 0, status == 200, "{what}");
        if status == 200 {
            return;
        }
        let events = self.world.ledger.events_of(&answer.request());
        assert!(events.len() == 1 && events[0]["event"] == "refused" && events[0]["by"].is_null(), "{what}: {events:?}");
        assert_eq!(answer.headers.contains_key("retry-after"), status == 503, "{what}");
        assert_eq!(answer.headers.contains_key("www-authenticate"), status == 401, "{what}");
        assert!(!answer.said().contains("127.0.0.1") && !answer.said().contains("key"), "{what}: {}", answer.said());
    }

    fn later_s(&self, seconds: i64) {
        self.world.clock.forward_s(seconds);
    }
}

const MINUTE: i64 = 60;
const HOUR: i64 = 3_600;

#[tokio::test]
async fn keys_are_asked_for_once_and_again_when_their_time_is_over() {
    let stage = Stage::well().await;
    let old = (&stage.old, "old");
    stage.check("the first", old, 200, 1).await;
    stage.check("the second", old, 200, 0).await;
    stage.later_s(59 * MINUTE);
    stage.check("within its time", old, 200, 0).await;
    stage.later_s(2 * MINUTE);
    stage.check("over", old, 200, 1).await;
    stage.check("and anew", old, 200, 0).await;
}

#[tokio::test]
async fn many_at_once_ask_once() {
    let stage = Stage::new(|old| Habit::Late(Duration::from_millis(100), old.jwks_as("old"))).await;
    let all = async || futures::future::join_all((0..10).map(|_| stage.get(&stage.old, "old"))).await;
    assert!(all().await.iter().all(|(answer, _)| answer.status == 200));
    assert_eq!(stage.provider.asked(), 1);
    stage.later_s(61 * MINUTE);
    assert!(all().await.iter().all(|(answer, _)| answer.status == 200));
    assert_eq!(stage.provider.asked(), 2);
}

#[tokio::test]
async fn a_key_nobody_knows_is_asked_for_but_not_by_everybody() {
    let stage = Stage::well().await;
    stage.check("the first", (&stage.old, "old"), 200, 1).await;
    for kid in ["new", "other", "x' OR 1=1", "../jwks"] {
        stage.check(kid, (&stage.new, kid), 401, 0).await;
    }
    stage.later_s(31);
    stage.check("once", (&stage.new, "new"), 401, 1).await;
    for turn in 0..20 {
        stage.check("not for each", (&stage.new, &format!("kid-{turn}")), 401, 0).await;
    }
    stage.check("who is known is not bothered", (&stage.old, "old"), 200, 0).await;
}

#[tokio::test]
async fn a_new_key_opens_and_one_taken_back_does_not() {
    let stage = Stage::well().await;
    let (old, new) = ((&stage.old, "old"), (&stage.new, "new"));
    stage.check("the old", old, 200, 1).await;
    stage.provider.says(Habit::Body(stage.new.jwks_as("new")));
    stage.later_s(31);
    stage.check("nobody heard of it yet", old, 200, 0).await;
    stage.check("the new", new, 200, 1).await;
    stage.check("the old is gone", old, 401, 0).await;
    stage.later_s(31);
    stage.check("and stays so", old, 401, 1).await;
    // Without any token by a new one, it goes when its time is over.
    let stage = Stage::well().await;
    let old = (&stage.old, "old");
    stage.check("the old", old, 200, 1).await;
    stage.provider.says(Habit::Body(json!({"keys": []}).to_string()));
    stage.later_s(59 * MINUTE);
    stage.check("within its time", old, 200, 0).await;
    stage.later_s(2 * MINUTE);
    stage.check("taken back", old, 401, 1).await;
    // The same name, and another key behind it.
    stage.provider.says(Habit::Body(stage.new.jwks_as("old")));
    stage.later_s(31);
    stage.check("another key of that name", (&stage.new, "old"), 200, 1).await;
    stage.check("the one before", old, 401, 0).await;
}

#[tokio::test]
async fn a_provider_that_fails_is_gone_on_without_for_a_while_and_no_longer() {
    let habits = |new: &Issuer| {
        vec![
            Habit::Silent,
            Habit::Late(Duration::from_secs(3), new.jwks()),
            Habit::Dripping,
            Habit::Endless,
            Habit::Elsewhere,
            Habit::Status(500),
            Habit::Status(404),
            Habit::Body(String::new()),
            Habit::Body("<html>Sign in</html>".to_owned()),
            Habit::Body("{}".to_owned()),
            Habit::Body("[]".to_owned()),
            Habit::Body("{\"keys\":{}}".to_owned()),
            Habit::Body(format!("{{\"keys\":[],\"padding\":\"{}\"}}", "x".repeat(100_001))),
        ]
    };
    let one = async |(habit, stage): (Habit, Stage)| {
        let (old, what) = ((&stage.old, "old"), format!("{habit:?}").chars().take(40).collect::<String>());
        stage.check(&what, old, 200, 1).await;
        stage.provider.says(habit.clone());
        stage.later_s(61 * MINUTE);
        stage.check(&what, old, 200, 1).await;
        stage.check(&what, old, 200, 0).await;
        // Whose key it is cannot be known now: that is no word against them.
        stage.check(&what, (&stage.new, "test"), 503, 0).await;
        stage.later_s(22 * HOUR);
        stage.check(&what, old, 200, 1).await;
        stage.later_s(HOUR);
        stage.check(&what, old, 503, 1).await;
        stage.check(&what, old, 503, 0).await;
        stage.provider.says(Habit::Body(stage.old.jwks_as("old")));
        stage.later_s(31);
        stage.check(&what, old, 200, 1).await;
    };
    // All of them are there before the first is asked: what makes one keeps the thread, and would make a good answer late.
    let mut stages = Vec::new();
    for habit in habits(&Issuer::new()) {
        stages.push((habit, Stage::well().await));
    }
    futures::future::join_all(stages.into_iter().map(one)).await;
}

#[tokio::test]
async fn before_a_provider_ever_answered_nobody_is_let_in() {
    let stage = Stage::new(|_| Habit::Silent).await;
    let old = (&stage.old, "old");
    stage.check("silent", old, 503, 1).await;
    stage.check("not asked again at once", old, 503, 0).await;
    stage.later_s(31);
    stage.check("silent still", old, 503, 1).await;
    stage.provider.says(Habit::Body(stage.old.jwks_as("old")));
    stage.later_s(31);
    stage.check("it answers", old, 200, 1).await;
}

#[tokio::test]
async fn a_file_of_keys_is_read_again_too() {
    let world = World::of(&["ccr"]);
    let path = format!("Patient?identifier=https://fhir.nhs.uk/Id/nhs-number|{DEMO_PERSON}");
    let check = async |what: &str, issuer: &Issuer, status: u16| {
        let token = issuer.sign(&Card::doctor().claims(record::Clock::now(&*world.clock).as_second()));
        assert_eq!(world.get(&path, &token).await.status, status, "{what}");
    };
    let (old, new) = (world.issuer.clone(), Issuer::new());
    check("as it was", &old, 200).await;
    world.write("keys.json", &new.jwks());
    check("within its time", &old, 200).await;
    world.clock.forward_s(61 * MINUTE);
    check("its time is over", &old, 401).await;
    check("the new one", &new, 200).await;
    world.write("keys.json", "half a fi");
    world.clock.forward_s(61 * MINUTE);
    check("the last good one", &new, 200).await;
    world.clock.forward_s(24 * HOUR);
    check("too old", &new, 503).await;
}

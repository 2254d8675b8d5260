//! How a source is asked: once more where that is allowed, never longer than there is time, never more than it is able to bear.

#![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use access::{Evidence, Permit, PersonFacts, Restriction, Rules, admit, decide};
use async_trait::async_trait;
use record::{Ask, Call, CallId, Caller, Failure, Method, Need, Organisation, Question, Response, UserId};
use source::{Auth, Http, Leg, Limits, Message, NationalService, Request, SourceConfig, Sources, Transport, Verb};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::Instant;

/// What the pretend source does with one request.
#[derive(Clone)]
enum Does {
    Answers(u16),
    AnswersBytes(usize),
    AnswersWait(u16, &'static str),
    Breaks,
    IsSilent,
    Refuses,
    TakesMs(u64),
}

/// Does one thing after the other; the last for ever.
#[derive(Default)]
struct Script {
    does: Mutex<VecDeque<Does>>,
    got: Mutex<Vec<Request>>,
}

impl Script {
    fn of(does: &[Does]) -> Arc<Script> {
        Arc::new(Script { does: Mutex::new(does.iter().cloned().collect()), got: Mutex::default() })
    }

    fn next(&self) -> Does {
        let mut does = self.does.lock().unwrap();
        if does.len() > 1 { does.pop_front().unwrap() } else { does.front().cloned().unwrap() }
    }

    fn got(&self) -> Vec<Request> {
        self.got.lock().unwrap().clone()
    }
}

#[async_trait]
impl Transport for Script {
    async fn send(&self, request: Request) -> Result<Response, Failure> {
        let (url, body_max) = (request.url.to_string(), request.body_max);
        self.got.lock().unwrap().push(request);
        let response = |status, body: usize| Response {
            status,
            content_type: "application/fhir+json".to_owned(),
            headers: Vec::new(),
            body: vec![b' '; body].into(),
            url: url.clone(),
        };
        match self.next() {
            Does::Answers(status) => Ok(response(status, 2)),
            Does::AnswersBytes(bytes) if bytes > body_max => Err(Failure::TooLarge),
            Does::AnswersBytes(bytes) => Ok(response(200, bytes)),
            Does::AnswersWait(status, after) => {
                Ok(Response { headers: vec![("retry-after".to_owned(), after.to_owned())], ..response(status, 2) })
            }
            Does::Breaks => Err(Failure::Broken),
            Does::IsSilent => std::future::pending().await,
            Does::Refuses => Err(Failure::Refused),
            Does::TakesMs(ms) => {
                tokio::time::sleep(Duration::from_millis(ms)).await;
                Ok(response(200, 2))
            }
        }
    }
}

fn permit(hops: &[&str]) -> Permit {
    let own = |text: &str| vec![text.to_owned()];
    let caller = Caller {
        user: UserId { issuer: "https://login.example".to_owned(), subject: "u-1".to_owned() },
        name: "Dr A Example".to_owned(),
        sds_user_id: None,
        sds_role_profile_id: None,
        human: true,
        organisation: Organisation { code: "RRK".parse().unwrap(), name: "Hospital".to_owned() },
        roles: own("R8000"),
        activities: own("B0360"),
        purposes: own("TREAT"),
        scopes: own("user/*.rs"),
        launch_patient: None,
        device: None,
        client: None,
        token_id: None,
    };
    let person: record::PersonId = "p-1".parse().unwrap();
    let question = Question::Read { person: person.clone(), need: Need::everything() };
    let hops = hops.iter().map(|hop| hop.parse().unwrap()).collect();
    let ask = Ask { request: "q-1".parse().unwrap(), caller, question, hops, wait: None };
    let facts = PersonFacts { person: Some(person.clone()), restriction: Restriction::Unrestricted };
    decide(
        admit(&Rules::shipped(), &ask, jiff::Timestamp::UNIX_EPOCH).unwrap(),
        &facts,
        &[Evidence::Launch(person)],
        jiff::Timestamp::UNIX_EPOCH,
    )
    .unwrap()
}

fn config(limits: Limits) -> SourceConfig {
    SourceConfig {
        id: "a".parse().unwrap(),
        organisation: "RRK".parse().unwrap(),
        base: "https://a.example/fhir".parse().unwrap(),
        auth: Auth::None,
        limits,
        exchange: None,
        ca_file: None,
    }
}

fn sources(script: Arc<Script>, limits: Limits) -> Sources {
    Sources::new(vec![config(limits)], script, Arc::new(jiff::Timestamp::UNIX_EPOCH), "own".parse().unwrap())
}

async fn leg(sources: &Sources) -> Result<Leg, Failure> {
    sources.leg(&permit(&[]), &"a".parse().unwrap(), Instant::now() + Duration::from_secs(10)).await
}

fn call(method: Method, target: &str) -> Call {
    Call { id: CallId(0), method, target: target.to_owned(), headers: Vec::new(), body: None, kinds: Vec::new(), priority: 0, about: None }
}

fn get() -> Call {
    call(Method::Get, "Patient/1")
}

/// Status or failure.
async fn ask(sources: &Sources, leg: &Leg, call: Call) -> Result<u16, Failure> {
    sources.ask(leg, call).await.outcome.map(|response| response.status)
}

#[tokio::test(start_paused = true)]
async fn there_is_one_more_try_at_most_and_only_for_what_may_pass() {
    async fn check(method: Method, does: &[Does], expected: Result<u16, Failure>, sent: usize) {
        let script = Script::of(does);
        let sources = sources(script.clone(), Limits::default());
        let leg = leg(&sources).await.unwrap();
        assert_eq!(ask(&sources, &leg, call(method, "Patient/1")).await, expected);
        assert_eq!(script.got().len(), sent, "{expected:?}");
    }
    use Does::{Answers, AnswersWait, Breaks, IsSilent, Refuses};
    check(Method::Get, &[Answers(200)], Ok(200), 1).await;
    check(Method::Get, &[Answers(502), Answers(200)], Ok(200), 2).await;
    check(Method::Get, &[Answers(503), Answers(200)], Ok(200), 2).await;
    check(Method::Get, &[Refuses, Answers(200)], Ok(200), 2).await;
    check(Method::Get, &[AnswersWait(429, "2"), Answers(200)], Ok(200), 2).await;
    check(Method::Get, &[AnswersWait(503, "2"), Answers(200)], Ok(200), 2).await;
    // Once, however often it fails.
    check(Method::Get, &[Answers(503)], Ok(503), 2).await;
    check(Method::Get, &[Refuses], Err(Failure::Refused), 2).await;
    // Not when the time to wait does not fit, or is not said, or cannot be read.
    check(Method::Get, &[AnswersWait(429, "60"), Answers(200)], Ok(429), 1).await;
    check(Method::Get, &[AnswersWait(503, "60"), Answers(200)], Ok(503), 1).await;
    check(Method::Get, &[Answers(429), Answers(200)], Ok(429), 1).await;
    check(Method::Get, &[AnswersWait(429, "Fri, 31 Dec 1999 23:59:59 GMT"), Answers(200)], Ok(429), 1).await;
    // Not for anything else.
    for status in [400, 401, 403, 404, 500, 501, 504] {
        check(Method::Get, &[Answers(status), Answers(200)], Ok(status), 1).await;
    }
    check(Method::Get, &[IsSilent, Answers(200)], Err(Failure::Timeout), 1).await;
    // What broke midway may have been heard.
    check(Method::Get, &[Breaks, Answers(200)], Err(Failure::Broken), 1).await;
    // Not for what is no plain read.
    check(Method::Post, &[Answers(503), Answers(200)], Ok(503), 1).await;
    check(Method::Post, &[Refuses, Answers(200)], Err(Failure::Refused), 1).await;
}

/// Over real sockets: nobody listens, or somebody hangs up before the answer is whole.
#[tokio::test]
async fn a_refused_connection_is_told_from_a_broken_one() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let http = Http::new(&[config(Limits::default())]).unwrap();
    let send = || {
        let url = format!("http://{address}/fhir/Patient/1").parse().unwrap();
        let until = Instant::now() + Duration::from_secs(8);
        let (method, headers, body) = (Verb::Get, Vec::new(), None);
        http.send(Request { source: "a".parse().unwrap(), method, url, headers, body, until, body_max: 1 << 20 })
    };
    for said in ["", "HTTP/1.1 200 OK\r\ncontent-type: application/fhir+json\r\ncontent-length: 100\r\n\r\n{"] {
        let answering = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut heard = [0; 4096];
            assert!(stream.read(&mut heard).await.unwrap() > 0);
            stream.write_all(said.as_bytes()).await.unwrap();
        };
        let (outcome, ()) = tokio::join!(send(), answering);
        assert_eq!(outcome.map(|response| response.status), Err(Failure::Broken), "{said:?}");
    }
    drop(listener);
    assert_eq!(send().await.map(|response| response.status), Err(Failure::Refused));
}

#[tokio::test(start_paused = true)]
async fn the_deadline_shrinks_on_the_way_down() {
    // The source's own limit is eight seconds; what is left of the read may be less.
    for (left_s, expected_s) in [(10, 8), (3, 3)] {
        let sources = sources(Script::of(&[Does::IsSilent]), Limits::default());
        let start = Instant::now();
        let leg = sources.leg(&permit(&[]), &"a".parse().unwrap(), start + Duration::from_secs(left_s)).await.unwrap();
        assert_eq!(ask(&sources, &leg, get()).await, Err(Failure::Timeout));
        assert_eq!(start.elapsed().as_secs(), expected_s);
    }
    // Calls of one leg share its time; they do not each get all of it.
    let script = Script::of(&[Does::TakesMs(5_000)]);
    let sources = sources(script.clone(), Limits::default());
    let start = Instant::now();
    let leg = leg(&sources).await.unwrap();
    assert_eq!(ask(&sources, &leg, get()).await, Ok(200));
    assert_eq!(ask(&sources, &leg, get()).await, Err(Failure::Timeout));
    assert_eq!(start.elapsed().as_secs(), 8);
    assert!(script.got().iter().all(|request| request.until == leg.until()));
}

#[tokio::test(start_paused = true)]
async fn a_source_without_a_free_place_is_throttled_after_a_short_queue() {
    let sources = sources(Script::of(&[Does::Answers(200)]), Limits { concurrent: 1, ..Limits::default() });
    let first = leg(&sources).await.unwrap();
    let start = Instant::now();
    assert_eq!(leg(&sources).await.map(drop), Err(Failure::Throttled));
    assert_eq!(start.elapsed().as_millis(), 200);
    // A place that is given back in time is taken.
    let waiting = leg(&sources);
    let giving = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        drop(first);
    };
    let (second, ()) = tokio::join!(waiting, giving);
    assert!(second.is_ok());
    assert_eq!(sources.state(&"a".parse().unwrap()).unwrap().legs, 1);
}

#[tokio::test(start_paused = true)]
async fn a_source_is_not_asked_faster_than_its_rate() {
    let script = Script::of(&[Does::Answers(200)]);
    let sources = sources(script.clone(), Limits { per_second: 2, ..Limits::default() });
    let leg = leg(&sources).await.unwrap();
    assert_eq!(ask(&sources, &leg, get()).await, Ok(200));
    assert_eq!(ask(&sources, &leg, get()).await, Ok(200));
    assert_eq!(ask(&sources, &leg, get()).await, Err(Failure::Throttled));
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(ask(&sources, &leg, get()).await, Ok(200));
    assert_eq!(script.got().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn calls_that_leave_evenly_spaced_are_never_more_in_any_second() {
    let script = Script::of(&[Does::Answers(200)]);
    let sources = sources(script.clone(), Limits { per_second: 5, spaced: true, queue_ms: 60_000, ..Limits::default() });
    let leg = leg(&sources).await.unwrap();
    let start = Instant::now();
    let mut left = Vec::new();
    for _ in 0..20 {
        assert_eq!(ask(&sources, &leg, get()).await, Ok(200));
        left.push(start.elapsed());
    }
    let of_a_second = |from: &Duration| left.iter().filter(|at| (*from..*from + Duration::from_secs(1)).contains(*at)).count();
    assert!(left.iter().all(|from| of_a_second(from) <= 5), "{left:?}");
    assert!(left[19] < Duration::from_millis(4_100), "{left:?}");
}

/// Ten good calls and ten bad ones: half of the last twenty.
async fn opened(does_then: &[Does]) -> (Sources, Arc<Script>, Leg) {
    let mut does = vec![Does::Answers(200); 10];
    does.extend(vec![Does::Answers(500); 10]);
    does.extend_from_slice(does_then);
    let script = Script::of(&does);
    let limits = Limits { source_ms: 120_000, ..Limits::default() };
    let sources = sources(script.clone(), limits);
    let leg = sources.leg(&permit(&[]), &"a".parse().unwrap(), Instant::now() + Duration::from_secs(100)).await.unwrap();
    for _ in 0..20 {
        ask(&sources, &leg, get()).await.unwrap();
    }
    (sources, script, leg)
}

#[tokio::test(start_paused = true)]
async fn a_breaker_opens_at_half_of_the_last_twenty_and_one_call_probes() {
    let (sources, script, leg) = opened(&[Does::Answers(500), Does::Answers(200)]).await;
    assert!(sources.state(&"a".parse().unwrap()).unwrap().breaker_open);
    assert_eq!(ask(&sources, &leg, get()).await, Err(Failure::CircuitOpen));
    assert_eq!(script.got().len(), 20, "it is left alone");
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert_eq!(ask(&sources, &leg, get()).await, Ok(500), "the probe");
    assert_eq!(ask(&sources, &leg, get()).await, Err(Failure::CircuitOpen), "it failed: another pause");
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert_eq!(ask(&sources, &leg, get()).await, Ok(200));
    assert_eq!(ask(&sources, &leg, get()).await, Ok(200), "closed again");
    assert!(!sources.state(&"a".parse().unwrap()).unwrap().breaker_open);
}

#[tokio::test(start_paused = true)]
async fn nine_of_twenty_do_not_open_a_breaker() {
    let mut does = vec![Does::Answers(500); 9];
    does.push(Does::Answers(200));
    let sources = sources(Script::of(&does), Limits::default());
    let leg = leg(&sources).await.unwrap();
    for _ in 0..25 {
        ask(&sources, &leg, get()).await.unwrap();
    }
    assert!(!sources.state(&"a".parse().unwrap()).unwrap().breaker_open);
}

#[tokio::test(start_paused = true)]
async fn a_probe_that_its_reader_gave_up_does_not_shut_a_source_out_for_good() {
    let (sources, _, leg) = opened(&[Does::IsSilent, Does::Answers(200)]).await;
    tokio::time::sleep(Duration::from_secs(10)).await;
    let given_up = tokio::time::timeout(Duration::from_secs(1), sources.ask(&leg, get())).await;
    assert!(given_up.is_err());
    assert_eq!(ask(&sources, &leg, get()).await, Ok(200));
}

#[tokio::test(start_paused = true)]
async fn one_leg_takes_no_more_bytes_than_its_cap() {
    let script = Script::of(&[Does::AnswersBytes(60)]);
    let sources = sources(script.clone(), Limits { bytes_max: 100, ..Limits::default() });
    let leg = leg(&sources).await.unwrap();
    assert_eq!(ask(&sources, &leg, get()).await, Ok(200));
    assert_eq!(ask(&sources, &leg, get()).await, Err(Failure::TooLarge));
    let caps: Vec<usize> = script.got().iter().map(|request| request.body_max).collect();
    assert_eq!(caps, [100, 40]);
    // With nothing left, nothing is asked.
    let script = Script::of(&[Does::AnswersBytes(100)]);
    let sources = self::sources(script.clone(), Limits { bytes_max: 100, ..Limits::default() });
    let leg = self::leg(&sources).await.unwrap();
    assert_eq!(ask(&sources, &leg, get()).await, Ok(200));
    assert_eq!(ask(&sources, &leg, get()).await, Err(Failure::TooLarge));
    assert_eq!(script.got().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn only_the_sources_own_origin_is_ever_asked() {
    async fn check(target: &str, asked: Option<&str>) {
        let script = Script::of(&[Does::Answers(200)]);
        let sources = sources(script.clone(), Limits::default());
        let leg = leg(&sources).await.unwrap();
        let outcome = ask(&sources, &leg, call(Method::Get, target)).await;
        let got: Vec<String> = script.got().iter().map(|request| request.url.to_string()).collect();
        match asked {
            Some(url) => assert_eq!((outcome, got), (Ok(200), vec![url.to_owned()]), "{target}"),
            None => assert_eq!((outcome, got), (Err(Failure::ForeignOrigin), vec![]), "{target}"),
        }
    }
    check("Patient/1", Some("https://a.example/fhir/Patient/1")).await;
    check("/Patient/1", Some("https://a.example/fhir/Patient/1")).await;
    check("https://a.example/other?page=2", Some("https://a.example/other?page=2")).await;
    check("https://A.EXAMPLE:443/fhir?page=2", Some("https://a.example/fhir?page=2")).await;
    check("http://a.example/fhir?page=2", None).await;
    check("https://a.example:8443/fhir?page=2", None).await;
    check("https://a.example.evil.example/fhir?page=2", None).await;
    check("https://a.example@evil.example/fhir?page=2", None).await;
    // What is no http address is a path, and stays below the base.
    check("//evil.example/fhir", Some("https://a.example/fhir/evil.example/fhir")).await;
    check("file:///etc/passwd", Some("https://a.example/fhir/file:///etc/passwd")).await;
}

#[tokio::test(start_paused = true)]
async fn every_call_says_which_exchanges_it_came_through() {
    let script = Script::of(&[Does::Answers(200)]);
    let sources = sources(script.clone(), Limits::default());
    let leg = sources.leg(&permit(&["first", "second"]), &"a".parse().unwrap(), Instant::now() + Duration::from_secs(10)).await.unwrap();
    ask(&sources, &leg, get()).await.unwrap();
    let headers = &script.got()[0].headers;
    let value = |name: &str| headers.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str());
    assert_eq!(value("severn-hops"), Some("first, second, own"));
    assert_eq!(value("x-request-id"), Some("q-1"));
    assert_eq!(value("authorization"), None);
    assert_eq!(value("severn-wait"), None);
}

#[tokio::test(start_paused = true)]
async fn a_neighbour_exchange_is_told_how_long_it_has() {
    let script = Script::of(&[Does::Answers(200), Does::Answers(200)]);
    let config = SourceConfig { exchange: Some("other".parse().unwrap()), ..config(Limits::default()) };
    let sources = Sources::new(vec![config], script.clone(), Arc::new(jiff::Timestamp::UNIX_EPOCH), "own".parse().unwrap());
    let leg = leg(&sources).await.unwrap();
    ask(&sources, &leg, get()).await.unwrap();
    tokio::time::advance(Duration::from_secs(3)).await;
    ask(&sources, &leg, get()).await.unwrap();
    let wait = |at: usize| script.got()[at].headers.iter().find(|(name, _)| name == "severn-wait").map(|(_, value)| value.clone()).unwrap();
    // Nine tenths of what is left of the source's eight seconds.
    assert_eq!((wait(0), wait(1)), ("7200".to_owned(), "4500".to_owned()));
}

fn message(verb: Verb) -> Message {
    Message { verb, target: "producer/1".to_owned(), headers: Vec::new(), body: None }
}

/// A national service is written to, so nothing is sent twice by itself; and it does not hear which exchanges a question came through.
#[tokio::test(start_paused = true)]
async fn a_national_service_is_told_each_thing_once() {
    let until = || Instant::now() + Duration::from_secs(10);
    let script = Script::of(&[Does::Answers(503), Does::Refuses, Does::TakesMs(3_000), Does::Answers(200)]);
    let limits = Limits { source_ms: 2_000, ..Limits::default() };
    let service = NationalService::new(config(limits), script.clone(), Arc::new(jiff::Timestamp::UNIX_EPOCH));
    let mut outcomes = Vec::new();
    for verb in [Verb::Delete, Verb::Get, Verb::Post, Verb::Put] {
        let errand = service.errand(&permit(&["other"]), until()).await.unwrap();
        outcomes.push(service.send(&errand, message(verb)).await.map(|response| response.status));
    }
    assert_eq!(outcomes, [Ok(503), Err(Failure::Refused), Err(Failure::Timeout), Ok(200)]);
    let got = script.got();
    assert_eq!(got.iter().map(|request| request.method).collect::<Vec<_>>(), [Verb::Delete, Verb::Get, Verb::Post, Verb::Put]);
    let header = |request: &Request, name: &str| request.headers.iter().find(|(own, _)| own == name).map(|(_, value)| value.clone());
    let ids: std::collections::BTreeSet<_> = got.iter().map(|request| header(request, "x-request-id").unwrap()).collect();
    assert_eq!(ids.len(), 4, "an id for each");
    for request in &got {
        assert_eq!((header(request, "x-correlation-id"), header(request, "severn-hops")), (None, None));
        assert_eq!(request.url.as_str(), "https://a.example/fhir/producer/1");
    }
    // Elsewhere it sends nothing.
    let errand = service.errand(&permit(&[]), until()).await.unwrap();
    let away = Message { target: "https://b.example/1".to_owned(), ..message(Verb::Get) };
    assert!(matches!(service.send(&errand, away).await, Err(Failure::ForeignOrigin)));
    assert_eq!(script.got().len(), 4);
}

#[tokio::test(start_paused = true)]
async fn a_national_service_that_fails_is_given_a_pause() {
    let script = Script::of(&[Does::Answers(500)]);
    let limits = Limits { breaker_window: 4, concurrent: 1, ..Limits::default() };
    let service = NationalService::new(config(limits), script.clone(), Arc::new(jiff::Timestamp::UNIX_EPOCH));
    let until = || Instant::now() + Duration::from_secs(10);
    for _ in 0..10 {
        let errand = service.errand(&permit(&[]), until()).await.unwrap();
        let _ = service.send(&errand, message(Verb::Get)).await;
    }
    assert_eq!(script.got().len(), 4);
    let held = service.errand(&permit(&[]), until()).await.unwrap();
    assert!(matches!(service.errand(&permit(&[]), until()).await, Err(Failure::Throttled)), "one place, and it is taken");
    drop(held);
    assert!(service.errand(&permit(&[]), until()).await.is_ok());
}

//! What a joined read of six sources costs, each figure beside a reference of the same run.
//!
//! Three parts: the processor time of a read against the splice floor, socket to socket; the speed of joining against that
//! of merely parsing the same bytes; the delay that joining adds to sources of 50 ms. Six sources of 200 kB that overlap by
//! 40 %, one person read over and over, `join=group`, the ledger synced, TLS off. Sources, floor and exchange are processes of their own.

#![expect(clippy::disallowed_methods, reason = "a bench reads the machine's clock")]

mod exchange;
mod floor;
mod process;
mod said;
mod sources;
mod speed;

use std::hint::black_box;
use std::path::Path;
use std::time::{Duration, Instant};

use axum::Router;
use exchange::Folder;
use process::{Process, machine};
use serde_json::Value;
use tokio::net::TcpListener;

/// The fewest rounds that show that everything works.
fn is_smoke() -> bool {
    std::env::var("SEVERN_BENCH").is_ok_and(|asked| asked == "smoke")
}

fn rounds(full: usize, smoke: usize) -> usize {
    if is_smoke() { smoke } else { full }
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["exchange", folder] => runtime.block_on(async { exchange::run(Path::new(folder), listen().await.1).await }),
        ["floor", port] => runtime.block_on(serve(|_| floor::router(port.parse().expect("a port")))),
        ["sources", _] => runtime.block_on(serve(sources::router)),
        // One part alone, to look at under a profiler.
        ["speed"] => join_speed(),
        _ => {
            println!("joined: {}; {} resources of six sources", machine(), said::RESOURCES * said::SOURCES.len());
            join_speed();
            runtime.block_on(async {
                let sources = Process::start("sources", "");
                join_cost(&sources).await;
                added_delay(&sources).await;
            });
        }
    }
}

/// A port for a part, told to the bench. The part ends with the bench, however that ends: its input is closed then.
async fn listen() -> (u16, TcpListener) {
    std::thread::spawn(|| {
        // Nothing is ever said; what counts is that it is over.
        let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
        std::process::exit(0);
    });
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    println!("{port}");
    (port, listener)
}

async fn serve(router: impl FnOnce(u16) -> Router) {
    let (port, listener) = listen().await;
    axum::serve(listener, router(port)).await.expect("serving");
}

/// Goals are shown, not enforced: the machine may be busy.
fn verdict(reached: bool) -> &'static str {
    if reached { "reached" } else { "NOT reached" }
}

/// Everything is there, and what is held twice was found to be.
fn check(body: &[u8]) {
    let bundle: Value = serde_json::from_slice(body).expect("JSON");
    let entries = bundle["entry"].as_array().expect("entries");
    let of = |kind: &str| entries.iter().filter(|entry| entry["resource"]["resourceType"] == kind).count();
    let issues = bundle["entry"][0]["resource"]["issue"].as_array().expect("issues");
    assert_eq!(issues.len(), 1, "every source answered");
    // Beside what the sources hold: the outcome, the exchange's own Patient, and the Linkages.
    assert_eq!(of("Linkage"), said::CLUSTERS, "clusters");
    assert_eq!(entries.len(), said::RESOURCES * said::SOURCES.len() + said::CLUSTERS + 2, "nothing is lost");
}

/// An answer of the same size as one that was checked, whole, and with as many entries.
fn check_quickly(body: &[u8], entries: usize) {
    let text = std::str::from_utf8(body).expect("UTF-8");
    assert_eq!(text.matches("\"fullUrl\":").count(), entries, "entries");
    assert!(body.ends_with(b"]}"), "the end");
}

fn join_speed() {
    let bodies: Vec<bytes::Bytes> = (0..said::SOURCES.len()).map(|at| said::everything(at, &speed::base(at))).collect();
    let size: usize = bodies.iter().map(bytes::Bytes::len).sum();
    assert!((190_000..210_000).contains(&bodies[0].len()), "a source says {} bytes", bodies[0].len());
    let joining = speed::Joining::new(bodies.clone());
    check(&joining.bundle());
    let (mut parse, mut join) = (Duration::MAX, Duration::MAX);
    let timed = |round: &dyn Fn()| {
        let start = Instant::now();
        round();
        start.elapsed()
    };
    for _ in 0..rounds(100, 5) {
        parse = parse.min(timed(&|| bodies.iter().for_each(|body| drop(black_box(serde_json::from_slice::<Value>(body))))));
        join = join.min(timed(&|| drop(black_box(joining.bundle()))));
    }
    let ratio = parse.as_secs_f64() / join.as_secs_f64();
    println!(
        "join speed: {} kB of R4 to a Bundle in {join:.1?}; serde_json::Value parses them in {parse:.1?}; \
         {ratio:.2} times its speed; goal at least 1.5: {} ({})",
        size / 1000,
        verdict(ratio >= 1.5),
        machine()
    );
}

/// Asks the exchange for one person's whole record.
struct Reader {
    client: reqwest::Client,
    url: String,
    token: String,
}

impl Reader {
    async fn of(exchange: &Process, folder: &Folder) -> Reader {
        let client = reqwest::Client::builder().no_gzip().build().expect("a client");
        let base = format!("http://127.0.0.1:{}/fhir/R4", exchange.port);
        let find = format!("{base}/Patient?identifier=https://fhir.nhs.uk/Id/nhs-number|{}", said::NUMBER);
        let found = client.get(find).bearer_auth(folder.token(None)).send().await.expect("an answer");
        let found: Value = serde_json::from_slice(&found.bytes().await.expect("a body")).expect("JSON");
        let entries = found["entry"].as_array().expect("entries");
        let person = entries.iter().find(|entry| entry["search"]["mode"] == "match").expect("a person")["resource"]["id"].clone();
        let person = person.as_str().expect("an id");
        let url = format!("{base}/Patient/{person}/$everything?_count=5000&join=group");
        Reader { client, url, token: folder.token(Some(person)) }
    }

    async fn read(&self) -> bytes::Bytes {
        fetch(self.client.get(&self.url).bearer_auth(&self.token)).await
    }
}

async fn fetch(request: reqwest::RequestBuilder) -> bytes::Bytes {
    request.send().await.and_then(reqwest::Response::error_for_status).expect("an answer").bytes().await.expect("a body")
}

async fn join_cost(sources: &Process) {
    let folder = Folder::new(sources.port, "now");
    let exchange = Process::start("exchange", &folder.path.display().to_string());
    let floor = Process::start("floor", &sources.port.to_string());
    let reader = Reader::of(&exchange, &folder).await;
    let spliced = || fetch(reader.client.get(format!("http://127.0.0.1:{}/", floor.port)));
    check(&reader.read().await);
    let resources = said::RESOURCES * said::SOURCES.len();
    let (warm, many) = (rounds(20, 2), rounds(50, 10));
    for _ in 0..warm {
        reader.read().await;
        spliced().await;
    }
    let (mut ours, mut least) = (Vec::new(), Vec::new());
    for _ in 0..rounds(9, 2) {
        let before = exchange.processor();
        for _ in 0..many {
            check_quickly(&reader.read().await, resources + said::CLUSTERS + 1);
        }
        let between = floor.processor();
        ours.push((exchange.processor() - before) / many as u32);
        for _ in 0..many {
            check_quickly(&spliced().await, resources);
        }
        least.push((floor.processor() - between) / many as u32);
    }
    let (ours, least) = (percentile(ours, 50), percentile(least, 50));
    let ratio = ours.as_secs_f64() / least.as_secs_f64();
    println!(
        "join cost: {ours:.1?} of processor time for a joined read, socket to socket; the splice floor {least:.1?}; \
         ratio {ratio:.2}; goal at most 2.0: {} ({})",
        verdict(ratio <= 2.0),
        machine()
    );
}

async fn added_delay(sources: &Process) {
    let folder = Folder::new(sources.port, "slow");
    let exchange = Process::start("exchange", &folder.path.display().to_string());
    let reader = Reader::of(&exchange, &folder).await;
    let resources = said::RESOURCES * said::SOURCES.len();
    check(&reader.read().await);
    let (mut alone, mut joined) = (Vec::new(), Vec::new());
    for round in 0..rounds(300, 20) {
        let source = said::SOURCES[round % said::SOURCES.len()];
        let direct = format!("{}/Patient/{}/$everything", sources::base(sources.port, "slow", source), said::PATIENT);
        let start = Instant::now();
        let body = fetch(reader.client.get(direct)).await;
        alone.push(start.elapsed());
        check_quickly(&body, said::RESOURCES);
        let start = Instant::now();
        let body = reader.read().await;
        joined.push(start.elapsed());
        check_quickly(&body, resources + said::CLUSTERS + 1);
    }
    for (percent, goal) in [(50, 1.1), (99, 1.3)] {
        let (alone, joined) = (percentile(alone.clone(), percent), percentile(joined.clone(), percent));
        let ratio = joined.as_secs_f64() / alone.as_secs_f64();
        println!(
            "added delay: p{percent} of a joined read {joined:.1?}; one source of {:?} alone {alone:.1?}; ratio {ratio:.2}; \
             goal at most {goal}: {} ({})",
            sources::SLOW,
            verdict(ratio <= goal),
            machine()
        );
    }
}

fn percentile(mut times: Vec<Duration>, percent: usize) -> Duration {
    times.sort();
    times[(times.len() * percent / 100).min(times.len() - 1)]
}

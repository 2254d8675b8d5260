//! The wire itself, over real sockets: whoever is slow, sends too much or never ends is told so or cut off, and others are served.

use std::sync::Arc;

use serde_json::Value;
use server::fhir_api::openapi;
use testbed::DEMO_PERSON;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use crate::logged::logged;
use crate::world::{Card, Setup, World, region};

const LIMITS: &str = "connections_max = 3\nheader_ms = 400\nbody_ms = 400\nidle_ms = 1500\nread_ms = 1000\nwrite_ms = 1000\n\
    http2_streams_max = 7\nhttp2_resets_max = 10\nrequest_bytes_max = 4096\nurl_bytes_max = 1000";

/// A world that listens, for as long as this is kept, and where.
async fn listening() -> ((World, JoinSet<()>), String) {
    let world = World::around(Arc::new(region(&["ccr"])), &Setup { limits: LIMITS, ..Setup::default() });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let mut serving = JoinSet::new();
    let app = world.app.clone();
    serving.spawn(async move { server::http::serve(listener, app, std::future::pending()).await.unwrap() });
    ((world, serving), address)
}

/// Everything that is said until the connection ends.
async fn heard(mut stream: TcpStream) -> String {
    let mut said = Vec::new();
    // A connection that is cut says so in more than one way.
    let _ = stream.read_to_end(&mut said).await;
    String::from_utf8_lossy(&said).into_owned()
}

/// What is said to these bytes.
async fn said(address: &str, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    heard(stream).await
}

fn status(said: &str) -> u16 {
    said.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or_default()
}

/// The OperationOutcome of an answer.
fn outcome(said: &str) -> Value {
    let (_, body) = said.split_once("\r\n\r\n").unwrap_or_default();
    serde_json::from_str(body).unwrap_or_else(|error| panic!("{error}: {said}"))
}

/// Others are served as if nothing had happened.
async fn is_well(address: &str) {
    let said = said(address, b"GET /live HTTP/1.1\r\nhost: severn.test\r\nconnection: close\r\n\r\n").await;
    assert_eq!(status(&said), 200, "{said}");
}

#[tokio::test]
async fn whoever_says_too_little_is_cut_off() {
    let (log, _logging) = logged();
    let (_world, address) = listening().await;
    for beginning in [
        "",
        "G",
        "PRI * HT",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "GET /fhir/R4/metadata HTTP/1.1\r\nhost: severn.test\r\nx-slow: ",
        "GET /fhir/R4/metadata HTTP/1.1\r\n",
    ] {
        let answer = said(&address, beginning.as_bytes()).await;
        assert!([0, 408].contains(&status(&answer)) || beginning.starts_with("PRI"), "{beginning:?}: {answer}");
        is_well(&address).await;
    }
    // A byte now and then does not help.
    let mut stream = TcpStream::connect(&address).await.unwrap();
    for byte in b"GET /live HTTP/1.1\r\nx-a: ".iter().chain(std::iter::repeat_n(&b'a', 200)) {
        if stream.write_all(&[*byte]).await.is_err() {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    assert!([0, 408].contains(&status(&heard(stream).await)));
    is_well(&address).await;
    assert!(!log.text().contains("panicked"), "{}", log.text());
}

#[tokio::test]
async fn whoever_says_too_much_is_told_so() {
    let (log, _logging) = logged();
    let ((world, _serving), address) = listening().await;
    let token = world.token(&Card::doctor());
    let close = "connection: close\r\nhost: severn.test\r\n";
    let long = "x".repeat(70_000);
    let many: String = (0..200).map(|n| format!("x-{n}: 1\r\n")).collect();
    let check = async |request: String, expected: &[u16]| {
        let answer = said(&address, request.as_bytes()).await;
        assert!(expected.contains(&status(&answer)), "{:.200}: {answer}", request);
        is_well(&address).await;
        answer
    };
    check(format!("GET /live HTTP/1.1\r\n{close}x-long: {long}\r\n\r\n"), &[431]).await;
    check(format!("GET /live HTTP/1.1\r\n{close}{many}\r\n"), &[431]).await;
    let answer = check(format!("GET /fhir/R4/Patient?x={} HTTP/1.1\r\n{close}\r\n", "y".repeat(1_000)), &[414]).await;
    assert_eq!(outcome(&answer)["issue"][0]["code"], "too-long");
    check(format!("GET /{long} HTTP/1.1\r\n{close}\r\n"), &[414, 431]).await;
    let post = |content_type: &str, framing: &str, body: &str| {
        format!(
            "POST /fhir/R4/Patient/$match HTTP/1.1\r\n{close}authorization: Bearer {token}\r\ncontent-type: {content_type}\r\n{framing}\r\n\r\n{body}"
        )
    };
    let length = |body: &str| format!("content-length: {}", body.len());
    let json = "application/fhir+json";
    let large = "x".repeat(5_000);
    let answer = check(post(json, &length(&large), &large), &[413]).await;
    assert_eq!(outcome(&answer)["issue"][0]["code"], "too-long");
    for body in ["[".repeat(4_000), "{\"a\":".repeat(800), "<a>".repeat(1_300)] {
        let answer = check(post(json, &length(&body), &body), &[400]).await;
        assert_eq!(outcome(&answer)["issue"][0]["code"], "invalid");
        check(post("application/fhir+xml", &length(&body), &body), &[400, 415]).await;
        let structured = format!(
            "POST /fhir/STU3/Patient/$gpc.getstructuredrecord HTTP/1.1\r\n{close}authorization: Bearer {token}\r\n{}\r\n\r\n{body}",
            length(&body)
        );
        check(structured, &[400]).await;
    }
    // A body that is announced and does not come.
    let answer = check(post(json, "content-length: 1000", "{"), &[408]).await;
    assert_eq!(outcome(&answer)["issue"][0]["code"], "timeout");
    check(post(json, "transfer-encoding: chunked", "5\r\n{\"a\":\r\n"), &[408]).await;
    // What two readers would understand in two ways is nobody's request.
    check(post(json, "transfer-encoding: chunked", "zz\r\nx\r\n"), &[400, 408, 413]).await;
    check(post(json, "content-length: 3\r\ncontent-length: 5", "{}   "), &[400]).await;
    check("GET /live HTTP/1.1\r\nhost: a\r\n folded: b\r\n\r\n".to_owned(), &[400]).await;
    check("\u{0}\u{1}\u{2}\r\n\r\nGET /live HTTP/1.1\r\n\r\n".to_owned(), &[400]).await;
    assert!(!log.text().contains("panicked"), "{}", log.text());
}

#[tokio::test]
async fn whoever_comes_when_all_places_are_taken_is_served_in_their_turn() {
    let (_world, address) = listening().await;
    let mut held = Vec::new();
    for _ in 0..3 {
        held.push(TcpStream::connect(&address).await.unwrap());
    }
    is_well(&address).await;
    drop(held);
}

/// A frame of HTTP/2.
fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = (payload.len() as u32).to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// `GET /live`, whole.
fn live(stream: u32) -> Vec<u8> {
    let block = [&[0x82, 0x86, 0x01, 0x01, b'a', 0x04, 0x05][..], b"/live"].concat();
    frame(1, 0x5, stream, &block)
}

/// The frames in what was said: kind, stream, payload.
fn frames(mut bytes: &[u8]) -> Vec<(u8, u32, Vec<u8>)> {
    let mut all = Vec::new();
    while let Some((head, rest)) = bytes.split_at_checked(9) {
        let length = usize::from(head[0]) << 16 | usize::from(head[1]) << 8 | usize::from(head[2]);
        let Some((payload, rest)) = rest.split_at_checked(length) else { break };
        all.push((head[3], u32::from_be_bytes([head[5], head[6], head[7], head[8]]), payload.to_vec()));
        bytes = rest;
    }
    all
}

async fn spoken(address: &str, bytes: &[u8]) -> Vec<(u8, u32, Vec<u8>)> {
    let mut stream = TcpStream::connect(address).await.unwrap();
    // It may be cut off while it speaks.
    let _ = stream.write_all(bytes).await;
    let mut said = Vec::new();
    let _ = stream.read_to_end(&mut said).await;
    frames(&said)
}

#[tokio::test]
async fn http2_has_limits_of_its_own() {
    let (log, _logging) = logged();
    let (_world, address) = listening().await;
    let settings = frame(4, 0, 0, &[]);
    let all = spoken(&address, &[PREFACE, &settings, &live(1)].concat()).await;
    let told = &all.iter().find(|(kind, ..)| *kind == 4).unwrap().2;
    assert!(told.chunks(6).any(|setting| setting == [0, 3, 0, 0, 0, 7]), "no more than seven streams at once: {told:?}");
    assert!(all.iter().any(|(kind, stream, _)| (*kind, *stream) == (1, 1)), "it was not answered: {all:?}");
    // Opened and taken back, without end.
    let resets: Vec<u8> = (0..5_000u32).flat_map(|n| [live(2 * n + 1), frame(3, 0, 2 * n + 1, &[0, 0, 0, 8])].concat()).collect();
    let all = spoken(&address, &[PREFACE, &settings, &resets].concat()).await;
    let gone = all.iter().find(|(kind, ..)| *kind == 7);
    assert!(gone.is_none_or(|(.., payload)| payload[4..8] == [0, 0, 0, 11]), "{gone:?}");
    is_well(&address).await;
    // A head that never ends, a window that is none, a frame that is too large.
    let endless: Vec<u8> = [frame(1, 0, 1, &[0x82]), (0..2_000).flat_map(|_| frame(9, 0, 1, &[0; 64])).collect()].concat();
    for bytes in [endless, frame(8, 0, 0, &[0, 0, 0, 0]), frame(0, 0, 1, &[0; 20_000]), frame(4, 0, 1, &[])] {
        spoken(&address, &[PREFACE, &settings, &bytes].concat()).await;
        is_well(&address).await;
    }
    assert!(!log.text().contains("panicked"), "{}", log.text());
}

/// Nothing of an answer is kept by anybody, guessed at, framed, or told of elsewhere.
#[tokio::test(start_paused = true)]
async fn every_answer_says_that_it_is_not_to_be_kept() {
    let world = World::of(&["ccr"]);
    let person = world.person(DEMO_PERSON).await;
    let token = world.doctor_of(&person);
    for operation in openapi::operations().iter().filter(|one| !one.path.contains("Appointment")) {
        let target = operation.path.replace("{id}", &person);
        for token in [None, Some(token.as_str())] {
            let answer = world.send(operation.method, &target, token, &[], "").await;
            let header = |name: &str| answer.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
            assert_eq!(header("cache-control"), "no-store", "{target}");
            assert_eq!((header("x-content-type-options"), header("referrer-policy")), ("nosniff", "no-referrer"), "{target}");
            let policy = header("content-security-policy");
            assert!(policy.starts_with("default-src 'none'") && policy.contains("frame-ancestors 'none'"), "{target}: {policy}");
            assert!(!answer.headers.contains_key("server") && !answer.headers.contains_key("x-powered-by"));
            // Only pages have cookies: for this host, and for no script.
            for cookie in answer.headers.get_all("set-cookie") {
                assert!(target.starts_with("/viewer") && cookie.to_str().unwrap().contains("; Path=/; HttpOnly; SameSite=Lax"), "{target}");
            }
            // Nobody is told by a page who asked for it may load it with their sign-in: there is none but the token.
            assert!(!answer.headers.contains_key("access-control-allow-credentials"), "{target}");
        }
    }
}

/// The document is of what is here: whatever it tells of is answered, by a status that it tells of; and what it does not is not here.
#[tokio::test(start_paused = true)]
async fn the_openapi_document_tells_of_what_is_here() {
    let world = World::of(&["ccr"]);
    let document = world.send("GET", "/openapi.json", None, &[], "").await;
    assert_eq!((document.status, document.json["openapi"].as_str()), (200, Some("3.1.0")));
    let token = world.token(&Card { scope: "user/*.rs severn.operator severn.privacy", ..Card::doctor() });
    let mut told = 0;
    for (path, methods) in document.json["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            told += 1;
            let target = path.replace("{id}", "none");
            for token in [None, Some(token.as_str())] {
                let answer = world.send(&method.to_uppercase(), &target, token, &[], "").await;
                let expected = &operation["responses"][answer.status.to_string()];
                assert!(expected.is_object(), "{method} {path}: {} is not told of", answer.status);
                assert_ne!(answer.status, 405, "{method} {path} is not here");
                let content_type = answer.headers["content-type"].to_str().unwrap().split(';').next().unwrap();
                assert!(expected["content"][content_type].is_object(), "{method} {path}: {} in {content_type}", answer.status);
                // Whoever is not known gets nothing but that, wherever the document says that a token is needed.
                if token.is_none() {
                    let open = operation["security"].as_array().is_some_and(Vec::is_empty);
                    assert_eq!(answer.status == 401, !open || target == "/viewer" && answer.status == 401, "{method} {path}");
                }
            }
        }
    }
    assert_eq!(told, openapi::operations().len());
}

#[tokio::test(start_paused = true)]
async fn what_is_not_here_is_said_in_an_outcome() {
    let world = World::of(&["ccr"]);
    for (method, target, status) in
        [("GET", "/nothing", 404), ("DELETE", "/live", 405), ("PUT", "/viewer", 405), ("POST", "/openapi.json", 405)]
    {
        let answer = world.send(method, target, None, &[], "").await;
        assert_eq!((answer.status, answer.json["resourceType"].as_str()), (status, Some("OperationOutcome")), "{method} {target}");
        assert_eq!(answer.headers.contains_key("allow"), status == 405);
    }
}

/// Pages of other origins may ask with a token of their own, and by nothing else; CHECKS of clients depend on these headers.
#[tokio::test(start_paused = true)]
async fn browsers_may_ask_from_elsewhere_by_token_only() {
    let world = World::of(&["ccr"]);
    let wanted = "authorization, content-type, accept, prefer, cache-control";
    let headers = [("origin", "https://app.example"), ("access-control-request-method", "GET"), ("access-control-request-headers", wanted)];
    let answer = world.send("OPTIONS", "/fhir/R4/Patient", None, &headers, "").await;
    let header = |name: &str| answer.headers[name].to_str().unwrap().to_ascii_lowercase();
    assert_eq!((answer.status, header("access-control-allow-origin").as_str()), (200, "*"));
    for name in wanted.split(", ") {
        assert!(header("access-control-allow-headers").contains(name), "{name}");
    }
    assert!(!header("access-control-allow-methods").contains("delete"));
    assert!(!answer.headers.contains_key("access-control-allow-credentials"));
}

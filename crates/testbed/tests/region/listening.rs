//! The region on loopback.

use std::net::{IpAddr, Ipv4Addr};
use testbed::{DEMO_PERSON, ELSEWHERE, Fault, LOCATOR, Region, RunningRegion};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

async fn running() -> RunningRegion {
    Region::start(LOOPBACK, None).await.expect("free ports")
}

/// Sends raw HTTP/1.1 and reads until the other side closes.
async fn speak(url: &str, method: &str, path: &str, body: &str) -> String {
    let host = url.strip_prefix("http://").expect("plain HTTP");
    let host = host.split('/').next().expect("a host");
    let mut stream = TcpStream::connect(host).await.expect("a listener");
    let request = format!("{method} {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}", body.len());
    stream.write_all(request.as_bytes()).await.expect("sent");
    let mut answer = Vec::new();
    // A reset is an end like any other here.
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8_lossy(&answer).into_owned()
}

fn find(region: &RunningRegion, supplier: &str) -> (String, String) {
    let url = region.supplier(supplier).expect("a supplier").base().to_owned();
    let path = testbed::habits(supplier).expect("a supplier").path;
    let query = format!("identifier=https://fhir.nhs.uk/Id/nhs-number%7C{DEMO_PERSON}");
    (url, format!("{path}/Patient?{query}"))
}

#[tokio::test]
async fn every_supplier_listens_on_its_own_port() {
    let region = running().await;
    let mut ports = std::collections::BTreeSet::new();
    for source in region.sources() {
        let (url, path) = find(&region, &source.id);
        assert!(url.starts_with(&source.url), "{url} is not below {}", source.url);
        assert!(ports.insert(url.split('/').nth(2).map(str::to_owned)));
        let answer = speak(&url, "GET", &path, "").await;
        let expected = if source.bearer.is_some() { "401" } else { "200" };
        assert!(answer.starts_with(&format!("HTTP/1.1 {expected}")), "{answer}");
    }
    region.stop().await;
}

#[tokio::test]
async fn faults_are_set_on_the_control_port() {
    let region = running().await;
    let control = region.control_url();
    let (url, path) = find(&region, "ccr");
    let put = async |supplier: &str, body: &str| speak(&control, "PUT", &format!("/faults/{supplier}"), body).await;
    assert!(put("ccr", r#"{"fault":"refusing","how":"unavailable"}"#).await.contains(" 200 "));
    assert!(speak(&url, "GET", &path, "").await.starts_with("HTTP/1.1 503"));
    assert!(put("nobody", "[]").await.contains(" 404 "));
    assert!(put("ccr", "{}").await.contains(" 400 "));
    assert!(speak(&control, "GET", "/faults", "").await.contains("unavailable"));
    assert!(speak(&control, "DELETE", "/faults/ccr", "").await.contains(" 200 "));
    assert!(speak(&url, "GET", &path, "").await.starts_with("HTTP/1.1 200"));
    assert!(speak(&control, "GET", "/", "").await.contains("[[source]]"));
    region.stop().await;
}

#[tokio::test]
async fn a_truncated_answer_breaks_off_and_a_closed_one_says_nothing() {
    let region = running().await;
    let (url, path) = find(&region, "ccr");
    let whole = speak(&url, "GET", &path, "").await;
    region.fail("ccr", Fault::Truncated);
    let cut = speak(&url, "GET", &path, "").await;
    assert!(cut.starts_with("HTTP/1.1 200") && cut.len() < whole.len());
    assert!(!cut.ends_with("0\r\n\r\n"), "the end was announced");
    region.fail("ccr", Fault::Refusing { how: testbed::Refusal::Closed });
    assert_eq!(speak(&url, "GET", &path, "").await, "");
    region.heal();
    assert_eq!(speak(&url, "GET", &path, "").await.len(), whole.len());
    region.stop().await;
}

#[tokio::test]
async fn a_stopped_region_no_longer_listens() {
    let region = running().await;
    region.fail("ccr", Fault::Silent);
    let (url, path) = find(&region, "ccr");
    let waiting = speak(&url, "GET", &path, "");
    let stop = async {
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        region.stop().await;
    };
    let (answer, ()) = tokio::join!(waiting, stop);
    assert_eq!(answer, "");
    let host = url.split('/').nth(2).expect("a host");
    assert!(TcpStream::connect(host).await.is_err());
}

#[tokio::test]
async fn answers_are_packed_for_those_who_can_unpack() {
    let region = running().await;
    let (url, path) = find(&region, "ccr");
    let host = url.split('/').nth(2).expect("a host");
    let mut stream = TcpStream::connect(host).await.expect("a listener");
    let request = format!("GET {path} HTTP/1.1\r\nhost: {host}\r\naccept-encoding: gzip\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.expect("sent");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.expect("an answer");
    assert!(String::from_utf8_lossy(&answer).contains("content-encoding: gzip"));
    region.stop().await;
}

#[tokio::test]
async fn the_blocks_of_a_region_are_known_before_it_starts() {
    // Ports that are free now; another process may take one, so it is tried a few times.
    for first in [18_700, 28_700, 38_700] {
        let Ok(region) = Region::start(LOOPBACK, Some(first)).await else { continue };
        let files = |id: &str| format!("tokens/{id}");
        let toml = testbed::region_toml(LOOPBACK, first, files);
        let blocks: Vec<String> = region.sources().iter().map(|source| source.to_toml(&files(&source.id))).collect();
        assert_eq!(toml, blocks.join("\n"));
        assert!(toml.parse::<toml::Table>().is_ok());
        region.stop().await;
        return;
    }
}

#[tokio::test]
async fn the_national_locator_listens_and_fails_like_a_supplier() {
    let region = running().await;
    let url = region.locator_url();
    assert!(region.sources().iter().all(|source| !source.url.starts_with(&url)), "it has a port of its own");
    let path =
        format!("/record-locator/consumer/FHIR/R4/DocumentReference?subject:identifier=https://fhir.nhs.uk/Id/nhs-number%7C{DEMO_PERSON}");
    let headers = "nhsd-end-user-organisation-ods: QHL\r\nx";
    let ask = async || speak(&url, "GET", &format!("{path} HTTP/1.1\r\n{headers}: "), "").await;
    let answer = ask().await;
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains(ELSEWHERE), "{answer}");
    assert_eq!(region.asked(LOCATOR).len(), 1);
    let control = region.control_url();
    assert!(speak(&control, "PUT", "/faults/nrl", r#"{"fault":"refusing","how":"unavailable"}"#).await.contains(" 200 "));
    assert!(ask().await.starts_with("HTTP/1.1 503"));
    region.fail(LOCATOR, Fault::Refusing { how: testbed::Refusal::Closed });
    assert_eq!(ask().await, "");
    region.heal();
    assert!(ask().await.starts_with("HTTP/1.1 200"));
    region.stop().await;
}

//! One pointer a person, before a pretend locator that lets anybody double.

#![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

use national::{Call, Failed, Kept, Locator, Method, Pointer, Publishing, Wish};
use testbed::Request;

const NUMBER: &str = "9990000018";
const HERE: &str = "https://exchange.example/fhir/R4/Patient/0190f3c2/$everything";

fn locator(custodian: &str) -> Locator {
    Locator { custodian: custodian.parse().unwrap(), end_user_organisation: custodian.parse().unwrap() }
}

fn present(url: &str) -> Wish {
    Wish::Present { url: url.to_owned() }
}

/// Sends one call to the pretend locator.
fn send(service: &testbed::Locator, call: &Call) -> (u16, Vec<u8>) {
    let mut request = Request::get(format!("/record-locator/{}", call.target));
    request.method = match call.method {
        Method::Delete => http::Method::DELETE,
        Method::Get => http::Method::GET,
        Method::Post => http::Method::POST,
        Method::Put => http::Method::PUT,
    };
    request.body = call.body.clone().unwrap_or_default().into();
    for (name, value) in &call.headers {
        request = request.with(name.parse().unwrap(), value);
    }
    let response = service.answer(&request);
    (response.status.as_u16(), response.body.to_vec())
}

fn step(service: &testbed::Locator, publishing: &mut Publishing, call: Call) -> Option<Call> {
    let (status, body) = send(service, &call);
    publishing.reply(Some((status, &body)))
}

fn keep(service: &testbed::Locator, custodian: &str, wish: Wish) -> Result<Kept, Failed> {
    let (mut publishing, call) = locator(custodian).keep(NUMBER.parse().unwrap(), wish);
    let mut next = Some(call);
    for _ in 0..50 {
        let Some(call) = next else { return publishing.outcome().unwrap() };
        next = step(service, &mut publishing, call);
    }
    panic!("sends without end");
}

fn look(service: &testbed::Locator, custodian: &str) -> Vec<(String, String)> {
    let (looking, call) = locator(custodian).look(NUMBER.parse().unwrap());
    let (status, body) = send(service, &call);
    let found = looking.read(Some((status, &body))).unwrap();
    found.into_iter().map(|Pointer { custodian, url }| (custodian.to_string(), url)).collect()
}

#[test]
fn one_pointer_a_person_however_often_it_is_wished() {
    let service = testbed::Locator::default();
    let check = |wish: Wish, made, changed, deleted, about: usize| {
        assert_eq!(keep(&service, "QHL", wish.clone()), Ok(Kept { made, changed, deleted }), "{wish:?}");
        assert_eq!(service.about(NUMBER), about, "{wish:?}");
    };
    check(Wish::Absent, 0, 0, 0, 0);
    check(present(HERE), 1, 0, 0, 1);
    check(present(HERE), 0, 0, 0, 1);
    check(present("https://exchange.example/elsewhere"), 0, 1, 0, 1);
    check(Wish::Absent, 0, 0, 1, 0);
    check(Wish::Absent, 0, 0, 0, 0);
}

#[test]
fn what_was_doubled_becomes_one_and_others_pointers_stay() {
    let service = testbed::Locator::default();
    for custodian in ["QHL", "QHL", "QHL", "RCB"] {
        service.put(custodian, NUMBER, HERE);
    }
    assert_eq!(keep(&service, "QHL", present(HERE)), Ok(Kept { made: 0, changed: 0, deleted: 2 }));
    assert_eq!(service.about(NUMBER), 2);
    assert_eq!(keep(&service, "QHL", Wish::Absent), Ok(Kept { made: 0, changed: 0, deleted: 1 }));
    assert_eq!(look(&service, "QHL"), [("RCB".to_owned(), HERE.to_owned())]);
}

#[test]
fn two_nodes_that_publish_at_once_leave_one() {
    let service = testbed::Locator::default();
    let begin = || locator("QHL").keep(NUMBER.parse().unwrap(), present(HERE));
    let ((mut one, first), (mut other, second)) = (begin(), begin());
    // Both look before either has written.
    let (mut a, mut b) = (step(&service, &mut one, first), step(&service, &mut other, second));
    while a.is_some() || b.is_some() {
        a = a.and_then(|call| step(&service, &mut one, call));
        b = b.and_then(|call| step(&service, &mut other, call));
    }
    assert!(one.outcome().unwrap().is_ok() && other.outcome().unwrap().is_ok());
    assert_eq!(service.about(NUMBER), 1);
}

#[test]
fn a_shared_record_finds_the_others_and_not_itself() {
    let service = testbed::Locator::default();
    keep(&service, "QHL", present(HERE)).unwrap();
    keep(&service, "RCB", present("https://north.example/r4/Patient/1")).unwrap();
    service.put("QOX", NUMBER, "ssp://not-on-the-web");
    service.put("RCB", "9990000026", "https://north.example/r4/Patient/2");
    assert_eq!(look(&service, "QHL"), [("RCB".to_owned(), "https://north.example/r4/Patient/1".to_owned())]);
    assert_eq!(look(&service, "RCB"), [("QHL".to_owned(), HERE.to_owned())]);
}

#[test]
fn a_pointer_names_the_person_in_its_subject_only() {
    let (mut publishing, _) = locator("QHL").keep(NUMBER.parse().unwrap(), present(HERE));
    let call = publishing.reply(Some((200, br#"{"resourceType":"Bundle"}"#))).unwrap();
    let body = call.body.unwrap();
    assert_eq!(body.matches(NUMBER).count(), 1);
    for part in ["887181000000106", "823651000000106", "\"dynamic\"", HERE, "\"QHL\""] {
        assert!(body.contains(part), "{part} in {body}");
    }
    assert!(call.headers.contains(&("nhsd-end-user-organisation-ods", "QHL".to_owned())));
}

#[test]
fn nothing_is_written_where_what_is_there_is_not_known() {
    let check = |reply: Option<(u16, &[u8])>, expected: Failed| {
        let (mut publishing, _) = locator("QHL").keep(NUMBER.parse().unwrap(), present(HERE));
        assert_eq!(publishing.reply(reply), None);
        assert_eq!(publishing.outcome(), Some(Err(expected)));
        let (looking, _) = locator("QHL").look(NUMBER.parse().unwrap());
        assert_eq!(looking.read(reply), Err(expected));
    };
    check(None, Failed::Silent);
    check(Some((503, b"")), Failed::Refused(503));
    check(Some((200, b"<html>")), Failed::Unreadable);
    check(Some((200, br#"{"resourceType":"OperationOutcome"}"#)), Failed::Unreadable);
}

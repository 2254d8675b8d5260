//! One pointer a person, before a pretend locator that lets anybody double.

#![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

use national::{Call, Failed, Kept, Locator, Method, Pointer, PracticeSetting, Publishing, Wish};
use testbed::Request;

const NUMBER: &str = "9990000018";
const HERE: &str = "https://exchange.example/fhir/R4/Patient/0190f3c2/$everything";

fn locator(custodian: &str) -> Locator {
    let setting = PracticeSetting { code: "394802001".to_owned(), display: "General medicine".to_owned() };
    let custodian: record::OdsCode = custodian.parse().unwrap();
    Locator { custodian: custodian.clone(), end_user_organisation: custodian, practice_setting: Some(setting) }
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
    for part in ["887181000000106", "716931000000107", "\"dynamic\"", "\"Direct\"", "practiceSetting", HERE, "\"QHL\""] {
        assert!(body.contains(part), "{part} in {body}");
    }
    assert!(call.headers.contains(&("nhsd-end-user-organisation-ods", "QHL".to_owned())));
}

/// A pointer is taken from its custodian only; a question is put on behalf of whoever reads.
#[test]
fn the_locator_is_told_by_the_custodian_and_asked_for_the_reader() {
    let locator = Locator { end_user_organisation: "RRK".parse().unwrap(), ..locator("QHL") };
    let behalf = |call: &Call| call.headers.iter().find(|(name, _)| *name == "nhsd-end-user-organisation-ods").unwrap().1.clone();
    let (mut publishing, call) = locator.keep(NUMBER.parse().unwrap(), present(HERE));
    assert_eq!(behalf(&call), "QHL");
    assert_eq!(behalf(&publishing.reply(Some((200, br#"{"resourceType":"Bundle"}"#))).unwrap()), "QHL");
    assert_eq!(behalf(&locator.look(NUMBER.parse().unwrap()).1), "RRK");
}

#[test]
fn a_call_is_printed_without_the_person() {
    let (mut publishing, first) = locator("QHL").keep(NUMBER.parse().unwrap(), present(HERE));
    let second = publishing.reply(Some((200, br#"{"resourceType":"Bundle"}"#))).unwrap();
    for printed in [format!("{first:?} {second:?} {publishing:?}"), format!("{:?}", locator("QHL").look(NUMBER.parse().unwrap()))] {
        assert!(!printed.contains(NUMBER), "{printed}");
    }
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
    // The first page of several is not all there is: ours may be on the next.
    check(Some((200, br#"{"resourceType":"Bundle","link":[{"relation":"next","url":"https://x"}]}"#)), Failed::Unreadable);
}

/// What is no entry is none, whatever stands in its place.
#[test]
fn a_bundle_of_what_is_no_entry_holds_no_pointer() {
    let number = NUMBER.parse().unwrap();
    for entry in ["2", "null", "true", "\"a\"", "[]", "{}", r#"{"resource":2}"#, r#"{"resource":{"resourceType":2}}"#] {
        let body = format!(r#"{{"resourceType":"Bundle","entry":[{entry}]}}"#);
        let found = locator("QHL").look(number).0.read(Some((200, body.as_bytes())));
        assert_eq!(found.unwrap().len(), 0, "{entry}");
        let (mut publishing, _) = locator("QHL").keep(number, Wish::Absent);
        assert!(publishing.reply(Some((200, body.as_bytes()))).is_none());
        assert!(matches!(publishing.outcome(), Some(Ok(_))), "{entry}: nothing is there to be taken away");
    }
}

#[test]
fn nothing_is_sent_to_a_pointer_that_cannot_be_named_in_a_path() {
    let service = testbed::Locator::default();
    keep(&service, "QHL", present(HERE)).unwrap();
    let (_, call) = locator("QHL").keep(NUMBER.parse().unwrap(), present(HERE));
    let there: serde_json::Value = serde_json::from_slice(&send(&service, &call).1).unwrap();
    // An address with these leads to the folder, or the one above.
    for id in [Some(""), Some("."), Some(".."), None] {
        let mut named = there.clone();
        named["entry"][0]["resource"]["id"] = id.into();
        for wish in [Wish::Absent, present("https://exchange.example/elsewhere")] {
            let (mut publishing, _) = locator("QHL").keep(NUMBER.parse().unwrap(), wish);
            assert_eq!(publishing.reply(Some((200, named.to_string().as_bytes()))), None, "{id:?}");
            assert_eq!(publishing.outcome(), Some(Err(Failed::Unreadable)), "{id:?}");
        }
    }
}

/// What the locator has written into a pointer stays as it is: it takes no change of those.
#[test]
fn a_pointer_that_is_led_elsewhere_stays_the_same_pointer() {
    let (mut publishing, _) = locator("QHL").keep(NUMBER.parse().unwrap(), present(HERE));
    let mut there: serde_json::Value = {
        let (mut first, _) = locator("QHL").keep(NUMBER.parse().unwrap(), present("https://exchange.example/old"));
        serde_json::from_str(&first.reply(Some((200, br#"{"resourceType":"Bundle"}"#))).unwrap().body.unwrap()).unwrap()
    };
    there["id"] = "QHL-1/../2?".into();
    there["date"] = "2026-05-01T00:00:00Z".into();
    there["masterIdentifier"] = serde_json::json!({"value": "1"});
    let bundle = serde_json::json!({"resourceType": "Bundle", "entry": [{"resource": there}]}).to_string();
    let call = publishing.reply(Some((200, bundle.as_bytes()))).unwrap();
    assert_eq!((call.method, call.target.as_str()), (Method::Put, "producer/FHIR/R4/DocumentReference/QHL-1%2F..%2F2%3F"));
    let changed: serde_json::Value = serde_json::from_str(&call.body.unwrap()).unwrap();
    assert_eq!(changed["content"][0]["attachment"]["url"], HERE);
    there["content"] = changed["content"].clone();
    assert_eq!(changed, there);
}

/// Pointers as the service's own tests have them: each is read, and ours has every element that all of them have.
/// Skipped, and says so, where `SEVERN_DATA` does not name the unpacked data.
#[test]
fn third_party_pointers_are_read_and_ours_lacks_nothing_that_they_have() {
    let folder =
        std::env::var_os("SEVERN_DATA").map(|data| std::path::PathBuf::from(data).join("nhs-nrl-r4/nrlf/tests/data/DocumentReference"));
    let Some(files) = folder.and_then(|folder| std::fs::read_dir(folder).ok()) else {
        println!("third-party: nhs-nrl-r4 skipped, SEVERN_DATA does not have it");
        return;
    };
    let (mut publishing, _) = locator("QHL").keep(NUMBER.parse().unwrap(), present(HERE));
    let ours = publishing.reply(Some((200, br#"{"resourceType":"Bundle"}"#))).unwrap().body.unwrap();
    let ours: serde_json::Value = serde_json::from_str(&ours).unwrap();
    let mut common: Option<std::collections::BTreeSet<String>> = None;
    let mut read = 0;
    for file in files {
        let theirs: serde_json::Value = serde_json::from_slice(&std::fs::read(file.unwrap().path()).unwrap()).unwrap();
        let keys: std::collections::BTreeSet<String> = theirs.as_object().unwrap().keys().cloned().collect();
        common = Some(common.map_or(keys.clone(), |common| &common & &keys));
        // Of another type than shared records, it is nobody's shared record.
        let number: String = theirs["subject"]["identifier"]["value"].as_str().unwrap().to_owned();
        let mut shared = theirs.clone();
        shared["type"] = ours["type"].clone();
        for (pointer, expected) in [(&theirs, 0), (&shared, 1)] {
            let bundle = serde_json::json!({"resourceType": "Bundle", "entry": [{"resource": pointer}]}).to_string();
            let (looking, _) = locator("QHL").look(number.parse().unwrap());
            assert_eq!(looking.read(Some((200, bundle.as_bytes()))).unwrap().len(), expected, "{theirs}");
        }
        read += 1;
    }
    assert!(read > 0);
    // What the service adds, and what is for people to read beside what the pointer leads to.
    let own = ["id", "description", "docStatus", "securityLabel"];
    let lacking: Vec<String> = common.unwrap().into_iter().filter(|key| ours.get(key).is_none() && !own.contains(&key.as_str())).collect();
    assert!(lacking.is_empty(), "{lacking:?}");
    println!("third-party: {read} pointers of nhs-nrl-r4 read");
}

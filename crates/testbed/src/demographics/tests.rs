use super::*;
use crate::message::Request;

const ID: &str = "60e0b220-8136-4ca5-ae46-1d97ef59d068";

fn ask(service: &Demographics, target: &str) -> (u16, Node) {
    let request = Request::get(format!("{PATH}{target}")).with(REQUEST_ID, ID).with(END_USER, "RRK");
    let response = service.answer(&request);
    (response.status.as_u16(), Node::parse(std::str::from_utf8(&response.body).unwrap()).unwrap())
}

fn code(answer: &Node) -> &str {
    let issue = &answer.at("issue").unwrap().items()[0];
    issue.at("details").unwrap().at("coding").unwrap().items()[0].text_at("code").unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_number_is_somebodys_was_somebodys_or_is_nobodys() {
    let check = |number: &str, status: u16, id_or_code: &str| {
        let (found, answer) = ask(&Demographics::of_the_region(), &format!("Patient/{number}"));
        let said = if found == 200 { answer.text_at("id").unwrap() } else { code(&answer) };
        assert_eq!((found, said), (status, id_or_code), "{number}");
    };
    check(DEMO_PERSON, 200, DEMO_PERSON);
    check(SUPERSEDED_NUMBER, 200, DEMO_PERSON);
    check(INVALIDATED_NUMBER, 404, "INVALIDATED_RESOURCE");
    check("9990000948", 404, "RESOURCE_NOT_FOUND");
    check("9990000019", 400, "INVALID_RESOURCE_ID");
}

#[tokio::test(start_paused = true)]
async fn whose_place_is_hidden_is_shown_without_it() {
    let service = Demographics::of_the_region();
    let hidden = ask(&service, &format!("Patient/{RESTRICTED_NUMBER}")).1;
    let shown = ask(&service, &format!("Patient/{DEMO_PERSON}")).1;
    for key in ["address", "telecom", "generalPractitioner"] {
        assert!(hidden.at(key).is_none() && shown.at(key).is_some(), "{key}");
    }
    assert!(ask(&service, "Patient?family=quillfeather&birthdate=eq1979-03-30").1.at("entry").is_some());
    assert!(ask(&service, "Patient?family=quillfeather&birthdate=eq1979-03-30&address-postalcode=B2*").1.at("entry").is_none());
}

#[tokio::test(start_paused = true)]
async fn a_search_wants_enough_and_shows_no_more_than_it_may() {
    let check = |query: &str, status: u16, found: usize| {
        let (got, answer) = ask(&Demographics::of_the_region(), &format!("Patient?{query}"));
        let entries = answer.at("entry").map_or(0, |entries| entries.items().len());
        assert_eq!((got, entries), (status, found), "{query}");
    };
    check("family=Hartley", 400, 0);
    check("family=Hartley&birthdate=1948-06-02&_max-results=51", 400, 0);
    check("family=Malik&birthdate=eq2017-02-21", 200, 2);
    check("family=malik&given=zar*&birthdate=eq2017-02-21", 200, 1);
    check("family=m*&birthdate=eq2017-02-21", 200, 0);
    check("family=Mallik&given=Zarah&birthdate=eq2017-02-21", 200, 0);
    check("family=Mallik&given=Zarah&birthdate=eq2017-02-21&_fuzzy-match=true", 200, 1);
    let (status, many) = ask(&Demographics::of_the_region(), "Patient?family=Malik&birthdate=eq2017-02-21&_max-results=1");
    assert_eq!((status, code(&many)), (200, "TOO_MANY_MATCHES"));
}

#[tokio::test(start_paused = true)]
async fn it_takes_five_calls_in_any_second_and_no_more() {
    let service = Demographics::of_the_region();
    let ask = || ask(&service, &format!("Patient/{DEMO_PERSON}")).0;
    assert_eq!((0..7).map(|_| ask()).collect::<Vec<_>>(), [200, 200, 200, 200, 200, 429, 429]);
    tokio::time::advance(Duration::from_millis(999)).await;
    assert_eq!(ask(), 429);
    tokio::time::advance(Duration::from_millis(1)).await;
    assert_eq!(ask(), 200);
}

#[tokio::test(start_paused = true)]
async fn a_request_without_an_id_is_refused() {
    let service = Demographics::of_the_region();
    let request = Request::get(format!("{PATH}Patient/{DEMO_PERSON}"));
    assert_eq!(service.answer(&request).status, 412);
    assert_eq!(service.answer(&request.clone().with(REQUEST_ID, "1234")).status, 400);
    assert_eq!(service.answer(&request.with(REQUEST_ID, ID)).status, 400);
}

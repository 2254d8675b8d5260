//! A pretend server as a function, and a crank.

use dialect::{Conversation, Dialect, Known, Opening, Settings, Told};
use fhir::Kind;
use record::{Call, Failure, Holder, Need, Reply, Response, Row, Status};

pub const BASE: &str = "https://fhir.trust.example/r4";
pub const NUMBER: &str = "9990000018";

pub type Said = Result<(u16, String), Failure>;

pub fn holder(local_ids: &[&str]) -> Holder {
    let local_ids = local_ids.iter().map(|id| (*id).to_owned()).collect();
    Holder { source: "trust".parse().unwrap(), number: NUMBER.parse().unwrap(), former: Vec::new(), local_ids }
}

pub fn settings() -> Settings {
    Settings::new(BASE.parse().unwrap(), "https://exchange.example/fhir/R4")
}

pub fn opening<'a>(holder: &'a Holder, settings: &'a Settings, known: &'a Known) -> Opening<'a> {
    Opening { holder, settings, known, reader: None, now: "2026-11-23T09:00:00Z".parse().unwrap() }
}

/// Turns the crank until it is done. `pick` chooses which of the calls under way is answered next.
pub fn crank(
    (mut conversation, calls): (Conversation, Vec<Call>),
    server: &dyn Fn(&str) -> Said,
    pick: &mut dyn FnMut(usize) -> usize,
) -> (Told, Vec<String>) {
    let (mut under_way, mut asked) = (calls, Vec::new());
    while !under_way.is_empty() {
        let call = under_way.remove(pick(under_way.len()));
        asked.push(call.target.clone());
        assert!(asked.len() < 5_000, "asks without end");
        under_way.extend(conversation.reply(answer(server, &call)));
    }
    assert!(conversation.is_done());
    (conversation.finish(), asked)
}

pub fn answer(server: &dyn Fn(&str) -> Said, call: &Call) -> Reply {
    let tried = "2026-11-23T09:00:00Z".parse().unwrap();
    let url = if call.target.starts_with("http") { call.target.clone() } else { format!("{BASE}/{}", call.target) };
    let outcome = server(&call.target).map(|(status, body)| {
        let content_type = if body.starts_with('<') { "text/html" } else { "application/fhir+json" };
        Response { status, content_type: content_type.to_owned(), headers: Vec::new(), body: body.into(), url }
    });
    Reply { id: call.id, tried, outcome }
}

pub fn read(need: &Need, settings: &Settings, server: &dyn Fn(&str) -> Said) -> Told {
    crank(Dialect::FHIR_R4.start(&opening(&holder(&[]), settings, &Known::default()), need), server, &mut |_| 0).0
}

pub fn row(told: &Told, kind: Kind) -> &Row {
    told.chart.rows.iter().find(|row| row.kind == kind).unwrap_or_else(|| panic!("no row for {kind}"))
}

pub fn status(told: &Told, kind: Kind) -> Status {
    row(told, kind).status.unwrap()
}

pub fn ids(told: &Told) -> Vec<String> {
    told.chart.items.iter().map(|item| format!("{}/{}", item.kind, item.id)).collect()
}

pub fn bundle(resources: &[String]) -> Said {
    page(resources, None)
}

pub fn page(resources: &[String], next: Option<&str>) -> Said {
    let entries: Vec<String> = resources.iter().map(|resource| format!(r#"{{"resource":{resource}}}"#)).collect();
    let link = next.map(|url| format!(r#""link":[{{"relation":"next","url":"{url}"}}],"#)).unwrap_or_default();
    Ok((200, format!(r#"{{"resourceType":"Bundle","type":"searchset",{link}"entry":[{}]}}"#, entries.join(","))))
}

pub fn patient(id: &str) -> String {
    format!(
        r#"{{"resourceType":"Patient","id":"{id}","identifier":[{{"system":"https://fhir.nhs.uk/Id/nhs-number","value":"{NUMBER}"}}],"birthDate":"1950-01-01"}}"#
    )
}

pub fn about(kind: &str, id: &str, rest: &str) -> String {
    format!(r#"{{"resourceType":"{kind}","id":"{id}","subject":{{"reference":"Patient/p"}}{rest}}}"#)
}

pub fn outcome(code: &str) -> String {
    format!(r#"{{"resourceType":"OperationOutcome","issue":[{{"severity":"error","code":"{code}"}}]}}"#)
}

/// A statement of capability with these types, all searchable by patient.
pub fn capability(everything: bool, kinds: &[&str]) -> Said {
    let operation = if everything { r#","operation":[{"name":"everything","definition":"x"}]"# } else { "" };
    let kinds = kinds.iter().map(|kind| format!(r#"{{"type":"{kind}","searchParam":[{{"name":"patient"}}]}}"#));
    let patient = format!(r#"{{"type":"Patient"{operation}}}"#);
    let all: Vec<String> = std::iter::once(patient).chain(kinds).collect();
    Ok((200, format!(r#"{{"resourceType":"CapabilityStatement","rest":[{{"mode":"server","resource":[{}]}}]}}"#, all.join(","))))
}

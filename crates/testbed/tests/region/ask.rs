//! Asking a supplier, for tests.

use testbed::{Habits, Maker, Node, Person, Region, Request, Response};

/// A GET below a supplier's base, in JSON.
pub fn get(habits: &Habits, rest: &str) -> Request {
    let request = Request::get(format!("{}/{rest}", habits.path));
    authorised(habits, request.with(http::header::ACCEPT, "application/fhir+json, application/json+fhir"))
}

pub fn authorised(habits: &Habits, request: Request) -> Request {
    match habits.auth {
        testbed::Auth::Bearer(token) => request.with(http::header::AUTHORIZATION, &format!("Bearer {token}")),
        testbed::Auth::None => request,
    }
}

/// A body in JSON.
pub fn json(response: &Response) -> Node {
    Node::parse(response.text()).unwrap_or_else(|why| panic!("{why}: {}", response.text()))
}

/// The resources of one Bundle.
pub fn resources(bundle: &Node) -> Vec<Node> {
    let entries = bundle.at("entry").map(Node::items).unwrap_or_default();
    entries.iter().filter_map(|entry| entry.at("resource").cloned()).collect()
}

/// The address of the next page.
pub fn next(bundle: &Node) -> Option<String> {
    let links = bundle.at("link").map(Node::items).unwrap_or_default();
    let next = links.iter().find(|link| link.text_at("relation") == Some("next"))?;
    next.text_at("url").map(str::to_owned)
}

/// Follows pages to the end; the resources of each page.
pub async fn pages(region: &Region, habits: &Habits, rest: &str) -> Vec<Vec<Node>> {
    let mut pages = Vec::new();
    let mut request = get(habits, rest);
    loop {
        let response = region.respond(habits.id, request).await.expect("an answer");
        assert_eq!(response.status, 200, "{} {rest}: {}", habits.id, response.text());
        let bundle = json(&response);
        pages.push(resources(&bundle));
        assert!(pages.len() < 1_000, "{} {rest} never ends", habits.id);
        let Some(next) = next(&bundle) else {
            return pages;
        };
        let base = region.supplier(habits.id).expect("a supplier").base();
        let rest = next.strip_prefix(base).unwrap_or_else(|| panic!("{next} leaves {base}"));
        request = get(habits, rest.trim_start_matches('/'));
        if rest.starts_with('?') {
            request.path_and_query = format!("{}{rest}", habits.path);
        }
    }
}

/// What a supplier wants beside the patient with a search for a type.
pub fn beside(habits: &Habits, kind: &str) -> &'static str {
    match kind {
        _ if habits.maker != Maker::Millennium => "&_count=200",
        "Appointment" => "&-date-or-req-period=ge1900-01-01T00:00:00.000Z&-date-or-req-period=lt2100-01-01T00:00:00.000Z",
        "CarePlan" => "&category=assess-plan",
        "RelatedPerson" => "&-relationship-level=Patient",
        _ => "",
    }
}

/// A search for a person by number, under the supplier's own name for the system.
pub fn by_number(habits: &Habits, number: &str) -> String {
    format!("Patient?identifier={}%7C{number}", habits.nhs_system)
}

/// Everything that a supplier holds about a person, asked type by type.
pub async fn everything(region: &Region, habits: &Habits, person: &Person) -> Vec<Node> {
    let ids = person.ids_at(habits);
    let Some(id) = ids.first() else {
        return Vec::new();
    };
    let mut all: Vec<Node> = pages(region, habits, &by_number(habits, &person.about.nhs_number)).await.concat();
    for kind in clinical_types(region, habits).await {
        all.extend(pages(region, habits, &format!("{kind}?patient={id}{}", beside(habits, &kind))).await.concat());
    }
    all
}

/// The types that a supplier says can be asked for by patient.
pub async fn clinical_types(region: &Region, habits: &Habits) -> Vec<String> {
    let response = region.respond(habits.id, get(habits, "metadata")).await.expect("an answer");
    let statement = json(&response);
    let rest = statement.at("rest").expect("rest").items()[0].clone();
    let by_patient = |resource: &&Node| {
        let params = resource.at("searchParam").map(Node::items).unwrap_or_default();
        params.iter().any(|param| param.text_at("name") == Some("patient"))
    };
    let all = rest.at("resource").expect("resources").items().to_vec();
    let all = all.iter().filter(by_patient);
    all.filter_map(|resource| resource.text_at("type").map(str::to_owned)).collect()
}

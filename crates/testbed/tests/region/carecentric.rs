//! A supplier that holds part of what it has in bundles of its own.

use std::collections::BTreeSet;

use testbed::{DEMO_PERSON, Fault, Habits, Node, Region, Request, Response, Wrong, people, person};

const BUNDLES: [(&str, &str); 7] = [
    ("AcuteBundle", "acute"),
    ("AdtBundle", "adt"),
    ("AlertsBundle", "alerts"),
    ("CommunityBundle", "community"),
    ("DemographicsBundle", "demographics"),
    ("GpBundle", "gp"),
    ("MentalHealthBundle", "mh"),
];

fn habits() -> &'static Habits {
    testbed::habits("ohc").expect("a supplier")
}

async fn asked(region: &Region, path: &str) -> Response {
    region.respond("ohc", Request::get(format!("{}/ccapi/{path}", habits().home()))).await.expect("an answer")
}

async fn find(region: &Region, number: &str) -> Node {
    let mut request = Request::get(format!("{}/ccapi/PatientSearch/Search", habits().home()));
    (request.method, request.body) = (http::Method::POST, format!(r#"{{"NhsNumber":"{number}"}}"#).into());
    Node::parse(region.respond("ohc", request).await.expect("an answer").text()).expect("JSON")
}

/// Records of a bundle, by the id that the exchange gets to know them by.
async fn records(region: &Region, bundle: (&str, &str), id: &str) -> BTreeSet<String> {
    let response = asked(region, &format!("{}?PatientDetailId={id}", bundle.0)).await;
    assert_eq!(response.status, 200);
    let node = Node::parse(response.text()).expect("JSON");
    let lists = node.members().iter().flat_map(|(_, value)| value.items());
    lists.filter_map(|record| record.members().first()?.1.as_text().map(|id| format!("{}-{id}", bundle.1))).collect()
}

#[tokio::test]
async fn fhir_and_bundles_together_hold_what_the_census_says() {
    let region = Region::in_memory();
    for person in people() {
        let Some(id) = person.ids_at(habits()).into_iter().next() else { continue };
        let mut held: BTreeSet<String> = BTreeSet::new();
        for bundle in BUNDLES {
            held.extend(records(&region, bundle, &id).await);
        }
        for expected in person.facts().iter().flat_map(|fact| &fact.held).filter(|held| held.supplier == "ohc") {
            let in_fhir = person.counts_in_fhir("ohc").contains_key(expected.resource_type);
            assert!(in_fhir || held.contains(&expected.id), "{}: {expected:?}", person.slug);
        }
    }
}

#[tokio::test]
async fn any_linked_id_gives_what_all_of_them_have() {
    let region = Region::in_memory();
    let ids = person(DEMO_PERSON).expect("the demo person").ids_at(habits());
    assert!(ids.len() > 1);
    let found = find(&region, DEMO_PERSON).await;
    let matches = found.at("PatientsCollection").expect("matches").items();
    assert_eq!(matches.iter().filter_map(|one| one.text_at("PatientDetailId")).collect::<Vec<_>>(), ids);
    for bundle in BUNDLES {
        let first = records(&region, bundle, &ids[0]).await;
        assert_eq!(first, records(&region, bundle, &ids[1]).await, "{bundle:?}");
    }
    assert!(records(&region, ("AdtBundle", "adt"), "nobody").await.is_empty());
    assert!(find(&region, "9991231231").await.at("PatientsCollection").expect("a list").items().is_empty());
    assert_eq!(asked(&region, "OtherBundle?PatientDetailId=1").await.status, 404);
}

#[tokio::test]
async fn faults_are_at_the_bundles_too() {
    let region = Region::in_memory();
    let id = person(DEMO_PERSON).expect("the demo person").ids_at(habits())[0].clone();
    region.fail("ohc", Fault::LosesType { kind: "Flag".into() });
    assert_eq!(asked(&region, &format!("AlertsBundle?PatientDetailId={id}")).await.status, 500);
    assert_eq!(asked(&region, &format!("AdtBundle?PatientDetailId={id}")).await.status, 200);
    let check = async |fault: Fault, name: &str, expected: Option<&str>| {
        region.fail("ohc", fault);
        let found = find(&region, DEMO_PERSON).await;
        assert_eq!(found.at("PatientsCollection").expect("matches").items()[0].text_at(name), expected);
    };
    check(Fault::WrongPerson { by: Wrong::BirthDate }, "DateOfBirth", Some("1901-02-03T00:00:00")).await;
    check(Fault::WrongPerson { by: Wrong::Slip }, "DateOfBirth", Some("1948-11-03T00:00:00")).await;
    check(Fault::WrongPerson { by: Wrong::NoBirthDate }, "DateOfBirth", None).await;
    check(Fault::WrongPerson { by: Wrong::GivenName }, "Forename", Some("Zebedee")).await;
    region.fail("ohc", Fault::Malformed);
    assert!(Node::parse(asked(&region, &format!("GpBundle?PatientDetailId={id}")).await.text()).is_err());
}

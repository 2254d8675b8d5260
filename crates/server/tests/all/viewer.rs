//! The pages that people read: who gets in, what a page says, and what it never says.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};
use testbed::{DEMO_PERSON, Fault, Refusal, Region, Supplier, habits};

use crate::tab::Tab;
use crate::world::{Answer, Card, Setup, World, region};

const OTHER: &str = "9990000026";

/// The text of a page: without marks, with one space between words.
fn text(answer: &Answer) -> String {
    let mut out = String::new();
    let mut rest = answer.text.as_str();
    while let Some((before, after)) = rest.split_once('<') {
        out.push_str(before);
        out.push(' ');
        rest = after.split_once('>').map_or("", |(_, after)| after);
    }
    out.push_str(rest);
    let whole = out.split_whitespace().collect::<Vec<_>>().join(" ");
    whole.replace("&#39;", "'").replace("&#38;", "&").replace("&#60;", "<").replace("&#62;", ">").replace("&#34;", "\"")
}

fn has(answer: &Answer, wanted: &[&str]) {
    let text = text(answer);
    for wanted in wanted {
        assert!(text.contains(wanted), "`{wanted}` is not in: {text}");
    }
}

async fn doctor<'a>(world: &'a World, person: &str) -> Tab<'a> {
    world.tab(&world.doctor_of(person)).await.unwrap()
}

/// Which section of a page something stands in.
fn section<'a>(answer: &'a Answer, anchor: &str) -> &'a str {
    let begin = answer.text.split_once(&format!("id=\"{anchor}\"")).unwrap_or_else(|| panic!("no section {anchor}")).1;
    begin.split("</section>").next().unwrap()
}

/// One source of these resources about the demo's person, whose demographics these change.
fn holding(patient: Value, resources: &[Value]) -> World {
    holding_as("", patient, resources)
}

/// The same of a source of which something more is configured.
fn holding_as(line: &str, patient: Value, resources: &[Value]) -> World {
    let about = &testbed::person(DEMO_PERSON).unwrap().about;
    let mut person = json!({"resourceType": "Patient", "id": "1", "birthDate": about.birth_date,
        "name": [{"family": about.family, "given": about.given}],
        "identifier": [{"system": habits("ccr").unwrap().nhs_system, "value": DEMO_PERSON}]});
    for (key, value) in patient.as_object().unwrap() {
        person[key] = value.clone();
    }
    let subject = json!({"reference": "Patient/1"});
    let own = resources.iter().map(|resource| {
        let mut resource = resource.clone();
        let by_patient = ["AllergyIntolerance", "Consent", "Device", "Immunization"];
        let key = if by_patient.iter().any(|kind| resource["resourceType"] == *kind) { "patient" } else { "subject" };
        if resource["resourceType"] != "Binary" {
            resource[key] = subject.clone();
        }
        resource.to_string()
    });
    let all = std::iter::once(person.to_string()).chain(own).collect();
    let source =
        Supplier::of_resources(habits("ccr").unwrap(), "http://ccr.testbed.example", [(DEMO_PERSON.to_owned(), all)].into()).unwrap();
    let lines = format!("nhs_number = \"verified\"\n{line}");
    World::around(Arc::new(Region::of([source])), &Setup { sources: vec![("ccr", lines.leak())], ..Setup::default() })
}

async fn page_of(patient: Value, resources: &[Value]) -> Answer {
    let world = holding(patient, resources);
    let person = world.person(DEMO_PERSON).await;
    let answer = doctor(&world, &person).await.read(&person).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer
}

fn allergy(id: &str, name: &str, clinical: &str, verification: &str) -> Value {
    let status =
        |system: &str, code: &str| json!({"coding": [{"system": format!("http://terminology.hl7.org/CodeSystem/{system}"), "code": code}]});
    json!({"resourceType": "AllergyIntolerance", "id": id, "code": {"text": name}, "clinicalStatus": status("allergyintolerance-clinical", clinical),
        "verificationStatus": status("allergyintolerance-verification", verification)})
}

#[tokio::test(start_paused = true)]
async fn whoever_is_not_signed_in_is_led_to_sign_in_and_entered() {
    let world = World::of(&["ccr"]);
    let person = world.person(DEMO_PERSON).await;
    let asked = world.region.asked("ccr").len();
    let path = format!("/viewer/patient/{person}");
    for (method, path, to) in [
        ("GET", path.as_str(), format!("/viewer/sign-in?person={person}")),
        ("POST", "/viewer/find", "/viewer/sign-in".to_owned()),
        ("POST", &format!("{path}/access"), format!("/viewer/sign-in?person={person}")),
    ] {
        for cookie in ["", "severn-session=made-up", "__Host-severn-session=made-up"] {
            // A token is no session, wherever it stands.
            let answer = world.send(method, path, Some(&world.doctor_of(&person)), &[("cookie", cookie)], "").await;
            let over = if cookie.is_empty() { to.clone() } else { format!("{to}{}over=1", if to.contains('?') { '&' } else { '?' }) };
            assert_eq!((answer.status, answer.headers["location"].to_str().unwrap()), (303, over.as_str()));
            assert!(answer.text.is_empty());
            assert_eq!(world.ledger.of(&answer.request()), ["refused"]);
        }
    }
    let home = world.send("GET", "/viewer", None, &[], "").await;
    assert_eq!((home.status, &home.headers["location"]), (303, &"/viewer/sign-in".parse().unwrap()));
    assert_eq!(world.region.asked("ccr").len(), asked, "no source is asked for them");
}

#[tokio::test(start_paused = true)]
async fn a_session_ends_when_it_is_idle_or_old_or_its_token_is() {
    let setup = Setup { blocks: "[viewer]\nidle_minutes = 10\nsession_minutes = 30\n", ..Setup::default() };
    let world = World::around(Arc::new(region(&["ccr"])), &setup);
    let over = async |tab: &Tab<'_>| {
        let answer = tab.get("/viewer").await;
        (answer.status == 303 && answer.headers["location"] == "/viewer/sign-in?over=1", answer.status)
    };
    let token = world.token(&Card::doctor());
    let tab = world.tab(&token).await.unwrap();
    world.clock.forward_s(599);
    assert_eq!(over(&tab).await, (false, 200));
    world.clock.forward_s(600);
    assert_eq!(over(&tab).await, (true, 303), "idle");
    assert_eq!(over(&tab).await, (true, 303), "and it stays over");
    let tab = world.tab(&token).await.unwrap();
    for _ in 0..3 {
        world.clock.forward_s(599);
        assert_eq!(over(&tab).await, (false, 200));
    }
    world.clock.forward_s(10);
    assert_eq!(over(&tab).await, (true, 303), "old");
    let tab = world.tab(&world.token(&Card { lives_s: 60, ..Card::doctor() })).await.unwrap();
    world.clock.forward_s(120);
    assert_eq!(over(&tab).await, (true, 303), "its token expired");
    let tab = world.tab(&token).await.unwrap();
    let out = tab.post("/viewer/sign-out", &[]).await;
    assert!(out.status == 303 && out.headers["set-cookie"].to_str().unwrap().contains("Max-Age=0"));
    assert_eq!(over(&tab).await, (true, 303), "signed out");
}

#[tokio::test(start_paused = true)]
async fn cookies_say_nothing_and_no_script_reads_them() {
    let world = World::of(&["ccr"]);
    let token = world.token(&Card::doctor());
    let id = "s-1".parse().unwrap();
    let cookie = world.app.begin_session(&token, &id).await.unwrap().cookie;
    assert!(cookie.ends_with("; Path=/; HttpOnly; SameSite=Lax"), "{cookie}");
    assert!(!token.contains(cookie.split(['=', ';']).nth(1).unwrap()));
    // Nobody is signed in by a token that opens nothing, nor any system.
    for token in ["nonsense".to_owned(), world.token(&Card { audience: "elsewhere", ..Card::doctor() }), world.token(&Card::system())] {
        assert!(world.tab(&token).await.is_none());
    }
}

#[tokio::test(start_paused = true)]
async fn a_form_of_anothers_making_does_nothing() {
    let world = World::of(&["ccr"]);
    let person = world.person(DEMO_PERSON).await;
    let (own, other) = (doctor(&world, &person).await, doctor(&world, &person).await);
    let asked = world.region.asked("ccr").len();
    let access = format!("/viewer/patient/{person}/access");
    for csrf in ["", "made-up", &other.csrf] {
        for (path, fields) in
            [("/viewer/find", ("number", DEMO_PERSON)), (access.as_str(), ("kind", "end-emergency")), ("/viewer/sign-out", ("a", "b"))]
        {
            let answer = own.post_bare(path, &[fields, ("csrf", csrf)]).await;
            assert_eq!(answer.status, 403, "{path}");
            assert_eq!(world.ledger.of(&answer.request()), ["refused"]);
            has(&answer, &["Nothing was done."]);
        }
    }
    assert_eq!(world.region.asked("ccr").len(), asked);
    assert_eq!(own.get("/viewer").await.status, 200, "nobody signed them out");
}

#[tokio::test(start_paused = true)]
async fn a_person_is_found_and_shown_by_the_rules_of_every_door() {
    let world = World::of(&["ccr", "gp"]);
    let tab = world.tab(&world.token(&Card::doctor())).await.unwrap();
    let found = tab.find("999 000 0018").await;
    assert_eq!(found.status, 200);
    has(&found, &["1 found", "HARTLEY, Margaret Anne", "11-Mar-1948", "Female", "999 000 0018"]);
    let person = found.text.split_once("/viewer/patient/").unwrap().1.split('"').next().unwrap().to_owned();
    // Found is not read.
    let refused = tab.read(&person).await;
    assert_eq!(refused.status, 403);
    assert_eq!(world.ledger.of(&refused.request()).last().unwrap(), "refused");
    has(&refused, &["Say that you care for HARTLEY, Margaret Anne", "Emergency access to the record of HARTLEY, Margaret Anne"]);
    assert!(!text(&refused).contains("enicillin"));
    // Nobody whom they were not shown is named, and somebody who is not is as somebody whom they may not see.
    world.person(OTHER).await;
    let (unknown, other) = (tab.read("nobody-of-that-id").await, tab.read(&world.person(OTHER).await).await);
    let bare = |answer: &Answer| answer.text.replace(&answer.request(), "");
    assert_eq!((unknown.status, bare(&unknown)), (other.status, bare(&other)));
    assert_eq!(tab.claim(&world.person(OTHER).await, "relationship", "TREAT").await.status, 400);
    // What is no reason is said to be none.
    let short =
        tab.post(&format!("/viewer/patient/{person}/access"), &[("kind", "relationship"), ("reason", "TREAT"), ("text", "short")]).await;
    assert_eq!(short.status, 400);
    has(&short, &["must say in words why you need this record"]);
    let claimed = tab.claim(&person, "relationship", "TREAT").await;
    assert_eq!((claimed.status, claimed.headers["location"].to_str().unwrap()), (303, format!("/viewer/patient/{person}").as_str()));
    let shown = tab.read(&person).await;
    assert_eq!(shown.status, 200);
    has(&shown, &["HARTLEY, Margaret Anne", "Born 11-Mar-1948 (78y)", "Gender Female", "NHS No. 999 000 0018", "Known allergies"]);
    let events = world.ledger.of(&shown.request());
    assert_eq!((events.first().unwrap().as_str(), events.last().unwrap().as_str()), ("opened", "closed"));
    // By who they are.
    world.settled().await;
    let fields = [("family", "Hartley"), ("given", "Margaret"), ("born", "1948-03-11"), ("postcode", "")];
    let traced = tab.post("/viewer/find", &fields).await;
    has(&traced, &["1 found", "HARTLEY, Margaret Anne", "999 000 0018"]);
    for wrong in [vec![("number", "9990000019")], vec![("family", "Hartley"), ("born", "11 March")]] {
        assert_eq!(tab.post("/viewer/find", &wrong).await.status, 400);
    }
    world.ledger.verify();
    assert!(!world.ledger.text().contains(DEMO_PERSON) && !world.ledger.text().contains("Hartley"));
}

#[tokio::test(start_paused = true)]
async fn a_role_that_may_not_is_refused_and_entered() {
    let world = World::of(&["ccr"]);
    let person = world.person(DEMO_PERSON).await;
    let asked = world.region.asked("ccr").len();
    for card in [
        Card { roles: vec![], ..Card::doctor() },
        Card { activities: vec![], ..Card::doctor() },
        Card { purpose: "HRESCH", ..Card::doctor() },
    ] {
        let card = Card { patient: Some(person.clone()), ..card };
        let tab = world.tab(&world.token(&card)).await.unwrap();
        for answer in [tab.read(&person).await, tab.find(DEMO_PERSON).await] {
            assert_eq!(answer.status, 403, "{:?} {:?}", card.roles, card.activities);
            assert_eq!(world.ledger.of(&answer.request()).last().unwrap(), "refused");
            assert!(!text(&answer).contains("HARTLEY"));
        }
    }
    assert_eq!(world.region.asked("ccr").len(), asked, "no source is asked for them");
}

#[tokio::test(start_paused = true)]
async fn an_emergency_is_said_as_long_as_it_lasts_and_ended_by_its_user() {
    let world = World::of(&["ccr"]);
    let card = Card { user: "u-9", activities: vec!["B0168", "B0264", "B0360"], lives_s: 48 * 3600, ..Card::doctor() };
    let tab = world.tab(&world.token(&card)).await.unwrap();
    tab.find(DEMO_PERSON).await;
    let person = world.person(DEMO_PERSON).await;
    assert_eq!(tab.read(&person).await.status, 403);
    // Nor by whoever may not claim one.
    let nurse = world.tab(&world.token(&Card::doctor())).await.unwrap();
    nurse.find(DEMO_PERSON).await;
    assert_eq!(nurse.claim(&person, "emergency", "unconscious").await.status, 403);
    assert_eq!(tab.claim(&person, "emergency", "unconscious").await.status, 303);
    let shown = tab.read(&person).await;
    assert_eq!(shown.status, 200);
    has(
        &shown,
        &[
            "Emergency access, recorded, until",
            "Overridden: that you have no relationship with this person here",
            "A privacy officer reviews this access",
        ],
    );
    let end = tab.post(&format!("/viewer/patient/{person}/access"), &[("kind", "end-emergency")]).await;
    assert_eq!(end.status, 303);
    assert_eq!(tab.read(&person).await.status, 403);
    world.ledger.verify();
}

#[tokio::test(start_paused = true)]
async fn what_contradicts_and_who_failed_stand_on_the_page() {
    let world = World::of(&["ccr", "gp", "uhb", "soc"]);
    let person = world.person(DEMO_PERSON).await;
    world.region.fail("soc", Fault::Refusing { how: Refusal::Unavailable });
    let page = doctor(&world, &person).await.read(&person).await;
    assert_eq!(page.status, 200);
    let soc = "Birmingham City Council adult and children's social care";
    has(&page, &["Answered in full: 3 of 4 sources", &format!("{soc}: answered with an error, or could not be reached")]);
    has(&page, &["Do not rely on its absence.", &format!("The list may be incomplete: {soc}"), "May be incomplete."]);
    has(&page, &["Sources differ in", "Riskier first. That is an order, not advice"]);
    // The one that says that they are in danger comes first.
    let differ = section(&page, "differ-1");
    assert!(differ.find("Confirmed").unwrap() < differ.find("Refuted").unwrap(), "{differ}");
    // What is refuted is not among what is current.
    let allergies = section(&page, "allergies");
    assert!(allergies.find("not current").unwrap() < allergies.find("Refuted").unwrap());
    has(&page, &["entries say this", "The same entry, passed on: one identifier."]);
    // A reader opens the line that a conflict is about.
    assert!(allergies.contains("href=\"#differ-1\""));
}

#[tokio::test(start_paused = true)]
async fn where_nobody_answers_the_page_says_that_it_knows_nothing() {
    let world = World::of(&["ccr"]);
    let person = world.person(DEMO_PERSON).await;
    world.region.fail("ccr", Fault::Refusing { how: Refusal::Unavailable });
    let page = doctor(&world, &person).await.read(&person).await;
    assert_eq!(page.status, 502);
    has(
        &page,
        &[
            "No source answered.",
            "Allergies unavailable",
            "Medications unavailable",
            "Problems unavailable",
            "Answered in full: 0 of 1 sources",
        ],
    );
    assert!(!text(&page).contains("No known allergies") && !text(&page).contains("not recorded Collab"));
}

#[tokio::test(start_paused = true)]
async fn allergies_have_four_states_in_the_words_laid_down() {
    let none = json!({"coding": [{"system": "http://snomed.info/sct", "code": "716186003", "display": "No known allergy"}]});
    let mut said_none = allergy("n", "No known allergy", "active", "confirmed");
    said_none["code"] = none;
    said_none["recordedDate"] = json!("2020-02-01");
    for (resources, label) in [
        (vec![allergy("a", "Penicillin", "active", "confirmed")], "Known allergies Penicillin."),
        (vec![said_none.clone()], "No known allergies said by Collaborative Care Record, 01-Feb-2020."),
        (vec![], "Allergies not recorded"),
        (vec![allergy("a", "Penicillin", "active", "entered-in-error")], "Allergies not recorded"),
    ] {
        let page = page_of(json!({}), &resources).await;
        has(&page, &[label]);
        let others = ["Known allergies ", "No known allergies", "Allergies not recorded", "Allergies unavailable"].into_iter();
        let stated = others.filter(|other| text(&page).contains(other)).count();
        assert_eq!(stated, 1, "{label}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_banner_is_written_by_the_rules() {
    let check = async |patient: Value, wanted: &[&str], unwanted: &[&str]| {
        let page = page_of(patient, &[]).await;
        let banner = page.text.split_once("aria-label=\"Patient\"").unwrap().1.split("</section>").next().unwrap();
        let banner = text(&Answer { text: banner.to_owned(), status: 200, headers: Default::default(), json: Value::Null });
        wanted.iter().for_each(|wanted| assert!(banner.contains(wanted), "`{wanted}`: {banner}"));
        unwanted.iter().for_each(|unwanted| assert!(!banner.contains(unwanted), "`{unwanted}`: {banner}"));
        assert!(!banner.contains('?'), "{banner}");
    };
    let name = |name: Value| json!({"name": [name]});
    check(
        name(json!({"family": "Hartley", "given": ["Margaret", "Anne"], "prefix": ["Mrs"]})),
        &["HARTLEY, Margaret Anne (Mrs)", "Born 11-Mar-1948 (78y)", "NHS No. 999 000 0018"],
        &["Died"],
    )
    .await;
    check(name(json!({"family": "van der Hartley-Öst", "given": ["Margaret"]})), &["VAN DER HARTLEY-ÖST, Margaret"], &[]).await;
    check(name(json!({"text": "Margaret Hartley", "given": ["Margaret"]})), &["Margaret"], &[", Margaret"]).await;
    check(json!({"gender": "female"}), &["Gender Female"], &[]).await;
    check(json!({"gender": "unknown"}), &["Gender Not known"], &[]).await;
    check(json!({"gender": null}), &["Gender Not known"], &[]).await;
    check(json!({"deceasedDateTime": "2026-03-10"}), &["Born 11-Mar-1948 Died 10-Mar-2026 Age at Death 77y"], &["(78y)"]).await;
    check(json!({"deceasedBoolean": true}), &["Died Date not known"], &["Age at Death", "(78y)"]).await;
    check(json!({"deceasedBoolean": false}), &["(78y)"], &["Died"]).await;
}

#[tokio::test(start_paused = true)]
async fn nothing_that_a_source_says_is_anything_but_text() {
    let bad = "<script>alert(1)</script><img src=x onerror=alert(1)>\"'><b>";
    let resources = [
        allergy("a", bad, "active", "confirmed"),
        json!({"resourceType": "Condition", "id": "c", "code": {"text": bad}, "note": [{"text": bad}],
            "text": {"status": "additional", "div": format!("<div xmlns=\"http://www.w3.org/1999/xhtml\">{bad}</div>")}}),
        json!({"resourceType": "Observation", "id": "o", "status": "final", "code": {"text": bad}, "valueString": bad,
            "referenceRange": [{"text": bad}], "interpretation": [{"text": bad}]}),
        json!({"resourceType": "CarePlan", "id": "p\" onclick=\"alert(1)", "status": "active", "intent": "plan", "title": bad}),
    ];
    let page =
        page_of(json!({"name": [{"family": format!("Hartley{bad}"), "given": ["Margaret"]}], "address": [{"text": bad}]}), &resources)
            .await;
    assert!(!page.text.contains("<img") && !page.text.contains("<b>") && !page.text.contains("onclick=\""), "{}", page.text);
    for script in page.text.match_indices("<script").map(|(at, _)| &page.text[at..]) {
        assert!(script.starts_with("<script type=\"module\" src=\"/viewer/assets/"), "{script:.80}");
    }
    assert!(!page.text.contains(" style=") && !page.text.contains("<style") && !page.text.contains(" onerror=a\""));
    let policy = page.headers["content-security-policy"].to_str().unwrap();
    for wanted in
        ["default-src 'none'", "script-src 'self'", "style-src 'self'", "form-action 'self'", "frame-ancestors 'none'", "base-uri 'none'"]
    {
        assert!(policy.contains(wanted), "{policy}");
    }
    assert!(!policy.contains("unsafe"), "{policy}");
    assert_eq!(
        (&page.headers["cache-control"], &page.headers["referrer-policy"]),
        (&"no-store".parse().unwrap(), &"no-referrer".parse().unwrap())
    );
    // Nothing on it leads to another address.
    for address in page
        .text
        .match_indices("href=\"")
        .chain(page.text.match_indices("src=\""))
        .map(|(at, _)| page.text[at..].split('"').nth(1).unwrap())
    {
        assert!(address.starts_with('/') || address.starts_with('#'), "{address}");
    }
}

#[tokio::test(start_paused = true)]
async fn results_keep_their_units_ranges_and_flags() {
    let result = |id: &str, value: &str, unit: &str, flag: Option<&str>| {
        let quantity = |value: &str| json!({"value": value.parse::<f64>().unwrap(), "unit": unit});
        let mut one = json!({"resourceType": "Observation", "id": id, "status": "final", "code": {"text": "Serum potassium"},
            "category": [{"coding": [{"code": "laboratory"}]}], "effectiveDateTime": "2026-10-14T08:55:00Z",
            "valueQuantity": quantity(value), "referenceRange": [{"low": quantity("3.5"), "high": quantity("5.3")}]});
        if let Some(flag) = flag {
            one["interpretation"] = json!([{"coding": [{"code": flag}]}]);
        }
        one
    };
    let undated = json!({"resourceType": "Observation", "id": "u", "status": "final", "code": {"text": "Haemoglobin"},
        "category": [{"coding": [{"code": "laboratory"}]}], "valueQuantity": {"value": 121, "unit": "g/L"}});
    let wrong = json!({"resourceType": "Observation", "id": "w", "status": "entered-in-error", "code": {"text": "Serum sodium"},
        "category": [{"coding": [{"code": "laboratory"}]}], "effectiveDateTime": "2026-10-13", "valueQuantity": {"value": 99, "unit": "mmol/L"}});
    let page = page_of(json!({}), &[result("1", "5.6", "mmol/L", Some("H")), result("2", "21.9", "mg/dL", None), undated, wrong]).await;
    let results = section(&page, "results");
    let said = text(&Answer { text: results.to_owned(), status: 200, headers: Default::default(), json: Value::Null });
    for wanted in [
        "5.6 mmol/L 3.5 mmol/L to 5.3 mmol/L High",
        "21.9 mg/dL 3.5 mg/dL to 5.3 mg/dL None given",
        "14-Oct-2026 09:55",
        "None given None given",
    ] {
        assert!(said.contains(wanted), "`{wanted}`: {said}");
    }
    // Undated first, under a heading of their own; what was never so last, and said to be.
    let at = |what: &str| said.find(what).unwrap_or_else(|| panic!("`{what}`: {said}"));
    assert!(at("Date not recorded") < at("Haemoglobin") && at("Haemoglobin") < at("Serum potassium"));
    assert!(at("Serum potassium") < at("1 not current: entered in error") && at("1 not current") < at("Serum sodium"));
}

#[tokio::test(start_paused = true)]
async fn withholding_is_announced_and_what_is_withheld_is_not() {
    let world = World::of(&["ccr", "mh"]);
    let person = world.person(DEMO_PERSON).await;
    // Who may not see what a whole record may hold is told that there is something.
    let card = Card { roles: vec!["R8003"], activities: vec!["B0264", "B0401"], patient: Some(person.clone()), ..Card::doctor() };
    let tab = world.tab(&world.token(&card)).await.unwrap();
    let page = tab.read(&person).await;
    assert_eq!(page.status, 200);
    has(&page, &["Some information is withheld: "]);
    let whole = doctor(&world, &person).await.read(&person).await;
    assert!(text(&whole).contains("PHQ-9") && !text(&page).contains("PHQ-9"));
}

/// Two people, two readers, many tabs: every page says of its banner's person only.
#[tokio::test(start_paused = true)]
async fn no_page_shows_one_person_under_anothers_banner() {
    let world = World::of(&["ccr", "gp"]);
    let people: Vec<(&str, String)> = vec![(DEMO_PERSON, world.person(DEMO_PERSON).await), (OTHER, world.person(OTHER).await)];
    let mut tabs: BTreeMap<usize, Tab<'_>> = BTreeMap::new();
    for (at, user) in ["u-1", "u-2"].into_iter().enumerate() {
        let tab = world.tab(&world.token(&Card { user, ..Card::doctor() })).await.unwrap();
        for (number, person) in &people {
            tab.find(number).await;
            assert_eq!(tab.claim(person, "relationship", "TREAT").await.status, 303);
        }
        tabs.insert(at, tab);
    }
    let about = |number: &str| testbed::person(number).unwrap().about.family.to_uppercase();
    for turn in 0..25 {
        let (first, second) = (&people[turn % 2], &people[(turn + 1) % 2]);
        let (one, two) = (&tabs[&(turn % 2)], &tabs[&(turn / 2 % 2)]);
        let pages = tokio::join!(one.read(&first.1), two.read(&second.1));
        for (page, (own, other)) in [(pages.0, (first, second)), (pages.1, (second, first))] {
            assert_eq!(page.status, 200);
            let spaced = |number: &str| format!("{} {} {}", &number[..3], &number[3..6], &number[6..]);
            has(&page, &[&spaced(own.0), &about(own.0)]);
            assert!(!page.text.contains(&spaced(other.0)) && !page.text.contains(&about(other.0)) && !page.text.contains(&other.1));
        }
    }
}

/// Every conflict has two sides at least: in what they differ, none is taken for another.
#[tokio::test(start_paused = true)]
async fn no_conflict_is_shown_with_one_side() {
    let world = World::of(&["ccr", "gp", "uhb", "rx", "mh", "ohc", "nbr"]);
    let person = world.person(DEMO_PERSON).await;
    let tab = doctor(&world, &person).await;
    let answer = world.get(&format!("Patient/{person}/$everything?_count=5000"), &world.doctor_of(&person)).await;
    let page = tab.read(&person).await;
    let conflicts = answer.of_type("DetectedIssue").count();
    assert!(conflicts > 2);
    for at in 1.. {
        if !page.text.contains(&format!("id=\"differ-{at}\"")) {
            assert!(at > 3, "{at}");
            break;
        }
        let sides = section(&page, &format!("differ-{at}")).matches("Said by").count();
        assert!(sides > 1, "differ-{at} has one side");
    }
}

fn snomed(code: &str, display: &str) -> Value {
    json!({"coding": [{"system": "http://snomed.info/sct", "code": code, "display": display}]})
}

fn words_of(part: &str) -> String {
    text(&Answer { text: part.to_owned(), status: 200, headers: Default::default(), json: Value::Null })
}

/// What stands under one topic of the summary.
fn topic(answer: &Answer, title: &str) -> String {
    let summary = section(answer, "critical");
    let begin = summary.split_once(&format!("<dt>{title}</dt>")).unwrap_or_else(|| panic!("no topic {title}: {}", words_of(summary))).1;
    words_of(begin.split("<dt>").next().unwrap())
}

#[tokio::test(start_paused = true)]
async fn what_binds_whoever_acts_next_comes_first_by_codes_and_by_names() {
    let flag = |id: &str, code: Value| json!({"resourceType": "Flag", "id": id, "status": "active", "code": code, "period": {"start": "2026-02-17"}});
    let named = |name: &str| json!({"text": name});
    let consent = |category: Value| {
        json!({"resourceType": "Consent", "id": "i", "status": "active", "dateTime": "2026-02-17", "category": [category],
            "scope": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/consentscope", "code": "adr"}]}})
    };
    let plan = |title: &str, planned: &str| {
        json!({"resourceType": "CarePlan", "id": "i", "status": "active", "intent": "plan", "title": title,
            "period": {"start": "2026-02-17"}, "activity": [{"detail": {"status": "in-progress", "description": planned}}]})
    };
    let device = |name: &str| json!({"resourceType": "Device", "id": "i", "status": "active", "type": {"text": name}});
    let procedure = |name: &str| json!({"resourceType": "Procedure", "id": "i", "status": "completed", "code": {"text": name}, "performedDateTime": "2026-02-17"});
    let taken = |name: &str, dose: &str| {
        json!({"resourceType": "MedicationStatement", "id": "i", "status": "active", "medicationCodeableConcept": {"text": name},
            "dosage": [{"text": dose}], "effectiveDateTime": "2026-02-17"})
    };
    let pregnant = json!({"resourceType": "Observation", "id": "i", "status": "final", "code": snomed("364320009", "Pregnancy status"),
        "valueCodeableConcept": {"text": "Not pregnant"}, "effectiveDateTime": "2026-02-17"});
    for (resource, title, said) in [
        // By its code alone: the source calls it otherwise.
        (flag("i", snomed("450476008", "Nid i'w adfywio")), "Resuscitation (CPR) and ReSPECT", "Nid i'w adfywio"),
        (flag("i", named("Not for DNACPR review")), "Resuscitation (CPR) and ReSPECT", "Not for DNACPR review"),
        (plan("ReSPECT form", "Comfort first"), "Resuscitation (CPR) and ReSPECT", "Planned: Comfort first"),
        (plan("At home", "Not for attempted cardiopulmonary resuscitation"), "Resuscitation (CPR) and ReSPECT", "At home"),
        (consent(named("No blood products")), "Advance decision", "No blood products"),
        (consent(named("Lasting power of attorney: Mrs J Doe")), "Power of attorney", "Mrs J Doe"),
        (flag("i", snomed("816361000000101", "Has appointed somebody")), "Power of attorney", "Has appointed somebody"),
        (plan("Crisis and contingency plan", "Ring her sister"), "Crisis plan", "Ring her sister"),
        (taken("Midazolam 10mg/2ml", "Anticipatory: only when a nurse is there"), "Anticipatory medicines", "Midazolam"),
        (device("Dual chamber pacemaker"), "Implants", "Dual chamber pacemaker"),
        (procedure("Total knee replacement"), "Implants", "Total knee replacement Completed"),
        (pregnant.clone(), "Pregnancy", "Not pregnant"),
        (taken("Apixaban 5mg tablets", "One twice a day"), "Anticoagulant", "Apixaban 5mg tablets"),
        (flag("i", named("MRSA carrier")), "Infection alert", "MRSA carrier"),
        (flag("i", named("British Sign Language interpreter needed")), "Reasonable adjustments", "interpreter needed"),
        (flag("i", named("Visit in pairs")), "Other alerts", "Visit in pairs"),
    ] {
        let page = page_of(json!({}), std::slice::from_ref(&resource)).await;
        let found = topic(&page, title);
        assert!(found.contains(said) && found.contains("Collaborative Care Record"), "{title}: {found}");
        if resource["resourceType"] != "Device" {
            assert!(found.contains("17-Feb-2026"), "{title}: {found}");
        } else {
            assert!(found.contains("Date not recorded"), "{title}: {found}");
        }
        assert_eq!(section(&page, "critical").matches("<dt>").count(), 1, "{title}");
    }
    // What is called by a common word is not taken for a plan; nor is a wheel of a chair for an implant.
    for resource in
        [plan("At home", "Treat with respect"), device("Walking frame"), procedure("Appendicectomy"), taken("Metformin", "Daily")]
    {
        assert_eq!(section(&page_of(json!({}), &[resource]).await, "critical").matches("<dt>").count(), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_not_recorded_is_never_said_to_be_none() {
    let page = page_of(json!({}), &[]).await;
    let summary = words_of(section(&page, "critical"));
    for wanted in [
        "Nothing is recorded that says so: Resuscitation (CPR) and ReSPECT, Advance decision, Power of attorney",
        "what is not here may be so",
    ] {
        assert!(summary.contains(wanted), "{summary}");
    }
    assert!(!summary.to_lowercase().contains("none") && !summary.contains(" no "), "{summary}");
    // Nor where somebody who may say so did not answer: then it is not known.
    let world = World::of(&["ccr", "gp", "soc"]);
    let person = world.person(DEMO_PERSON).await;
    world.region.fail("soc", Fault::Refusing { how: Refusal::Unavailable });
    let page = doctor(&world, &person).await.read(&person).await;
    let summary = words_of(section(&page, "critical"));
    assert!(summary.contains("Not known, for not everybody could be asked: Resuscitation (CPR) and ReSPECT"), "{summary}");
    assert!(!summary.contains("Nothing is recorded that says so"), "{summary}");
    // What is over is not in force, and is counted.
    let over = json!({"resourceType": "Flag", "id": "f", "status": "inactive", "code": {"text": "MRSA carrier"}});
    let wrong = json!({"resourceType": "Flag", "id": "w", "status": "entered-in-error", "code": {"text": "DNACPR"}});
    let page = page_of(json!({}), &[over, wrong]).await;
    let found = topic(&page, "Infection alert");
    assert!(found.starts_with("Nothing in force is recorded; 1 entry that is over stands in its section."), "{found}");
    assert!(words_of(section(&page, "critical")).contains("Nothing is recorded that says so: Resuscitation"));
}

/// Summary, then completeness, then the order of the Core Information Standard.
#[tokio::test(start_paused = true)]
async fn sections_stand_in_the_order_of_the_standard() {
    let world = World::of(&["ccr", "gp", "uhb", "rx", "mh", "ohc", "nbr", "soc"]);
    let mut seen = std::collections::BTreeSet::new();
    for number in [DEMO_PERSON, "9990000050", "9990000182"] {
        let person = world.person(number).await;
        let page = doctor(&world, &person).await.read(&person).await;
        let order = [
            "critical",
            "answered",
            "alerts",
            "who",
            "practice",
            "allergies",
            "medications",
            "problems",
            "diagnoses",
            "results",
            "observations",
            "procedures",
            "vaccinations",
            "pregnancy",
            "encounters",
            "appointments",
            "contacts",
            "professionals",
            "personalcontacts",
            "social",
            "services",
            "safeguarding",
            "legal",
            "plans",
            "requirements",
            "aboutme",
            "family",
            "assessments",
            "consent",
            "documents",
            "other",
        ];
        let places: Vec<usize> = order.iter().filter_map(|anchor| page.text.find(&format!("id=\"{anchor}\""))).collect();
        assert!(places.is_sorted(), "{number}: {places:?}");
        assert!(places.len() > 12, "{number}");
        seen.extend(order.into_iter().filter(|anchor| page.text.contains(&format!("id=\"{anchor}\""))));
    }
    for wanted in ["alerts", "practice", "legal", "plans", "requirements", "assessments", "documents"] {
        assert!(seen.contains(wanted), "{wanted}");
    }
}

/// A result of a laboratory.
fn result(id: &str, when: &str, value: Value, more: Value) -> Value {
    let mut one = json!({"resourceType": "Observation", "id": id, "status": "final", "code": snomed("1", "Serum potassium"),
        "category": [{"coding": [{"code": "laboratory"}]}], "effectiveDateTime": when, "valueQuantity": value});
    for (key, value) in more.as_object().unwrap() {
        one[key] = value.clone();
    }
    one
}

/// The results page of what one source holds.
async fn results_of(resources: &[Value]) -> Answer {
    let world = holding(json!({}), resources);
    let person = world.person(DEMO_PERSON).await;
    let answer = doctor(&world, &person).await.get(&format!("/viewer/patient/{person}/results")).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let events = world.ledger.of(&answer.request());
    assert_eq!((events.first().unwrap().as_str(), events.last().unwrap().as_str()), ("opened", "closed"));
    answer
}

#[tokio::test(start_paused = true)]
async fn a_chart_has_one_unit_and_every_range_stands_behind_its_own_value() {
    let of = |value: f64, unit: &str| json!({"value": value, "unit": unit});
    let range = |low: f64, high: f64, unit: &str| json!({"referenceRange": [{"low": of(low, unit), "high": of(high, unit)}]});
    let lab = |name: &str, more: Value| {
        let mut all = more;
        all["contained"] = json!([{"resourceType": "Organization", "id": "lab", "name": name}]);
        all["performer"] = json!([{"reference": "#lab"}]);
        all
    };
    let mut high = lab("Selly Oak Pathology", range(3.5, 5.3, "mmol/L"));
    high["interpretation"] = json!([{"coding": [{"code": "H"}]}]);
    let page = results_of(&[
        result("1", "2026-10-14T08:55:00Z", of(5.6, "mmol/L"), high),
        result("2", "2026-09-01", of(4.9, "mmol/L"), lab("Selly Oak Pathology", range(3.5, 5.3, "mmol/L"))),
        result("3", "2026-08-01", of(5.1, "mmol/L"), lab("Stafford Pathology", range(3.4, 5.1, "mmol/L"))),
        // A range of another unit is written and not drawn.
        result("4", "2026-07-01", of(5.0, "mmol/L"), lab("Stafford Pathology", range(13.0, 21.0, "mg/dL"))),
        result("5", "2026-06-01", of(20.0, "mg/dL"), json!({})),
        result("6", "2026-05-01", of(19.0, "mg/dL"), json!({})),
        // Listed, and not drawn.
        result("7", "2026-04-01", json!({"value": 1.5, "comparator": "<", "unit": "mmol/L"}), json!({})),
        result("8", "2026-03", of(4.4, "mmol/L"), json!({})),
        result("9", "2026-02-01", json!(null), json!({"valueString": "haemolysed"})),
        result("w", "2026-01-01", of(9.9, "mmol/L"), json!({"status": "entered-in-error"})),
    ])
    .await;
    let test = section(&page, "test-1");
    let charts: Vec<&str> = test.split("<figure").skip(1).map(|chart| chart.split("</figure>").next().unwrap()).collect();
    assert_eq!(charts.len(), 2, "{test}");
    let (millimoles, milligrams) = (charts[0], charts[1]);
    assert!(millimoles.contains("Serum potassium, in mmol/L") && milligrams.contains("Serum potassium, in mg/dL"), "{}", words_of(test));
    let marks = |chart: &str| chart.matches("class=\"sv-mark\"").count();
    let ranges = |chart: &str| chart.matches("class=\"sv-range\"").count();
    assert_eq!((marks(millimoles), ranges(millimoles), marks(milligrams), ranges(milligrams)), (4, 3, 2, 0));
    // Each laboratory has a mark and a line of its own.
    for wanted in ["circle: Stafford Pathology", "square: Selly Oak Pathology", "sv-join-1"] {
        assert!(millimoles.contains(wanted), "{wanted}: {millimoles}");
    }
    // What is abnormal is said in words, and ringed.
    assert!(millimoles.contains("class=\"sv-ring\"") && millimoles.contains(">High</text>") && !milligrams.contains("sv-ring"));
    // The same in words, for who does not see it.
    assert!(
        millimoles.contains("4 values from 01-Jul-2026 to 14-Oct-2026") && millimoles.contains("The newest is 5.6 mmol/L, flagged high.")
    );
    let said = words_of(test);
    for wanted in [
        "Units differ (mmol/L; mg/dL)",
        "Not drawn, and in the table: 2 no plain number; 1 whose day is not known.",
        "14-Oct-2026 09:55 5.6 mmol/L 3.5 mmol/L to 5.3 mmol/L High Selly Oak Pathology, says Collaborative Care Record",
        "01-Jul-2026 5.0 mmol/L 13.0 mg/dL to 21.0 mg/dL None given Stafford Pathology",
        "Apr-2026 <1.5 mmol/L",
        "haemolysed",
    ] {
        assert!(said.contains(wanted), "`{wanted}`: {said}");
    }
    assert!(!said.contains("9.9"), "{said}");
    assert!(text(&page).contains("1 entry that is not current (entered in error or cancelled) stands in the record only."));
}

#[tokio::test(start_paused = true)]
async fn one_test_is_what_has_one_code_and_two_codes_are_two_tests() {
    let of = |code: Value, id: &str, value: f64| {
        result(id, &format!("2026-0{id}-01"), json!({"value": value, "unit": "mmol/L"}), json!({"code": code}))
    };
    let page = results_of(&[
        of(snomed("11", "Glucose"), "1", 5.0),
        of(snomed("11", "Plasma glucose"), "2", 6.0),
        of(snomed("22", "Glucose"), "3", 7.0),
        of(json!({"text": "Sodium"}), "4", 140.0),
        of(json!({"text": "sodium"}), "5", 141.0),
    ])
    .await;
    let tests: Vec<String> = (1..=3).map(|number| words_of(section(&page, &format!("test-{number}")))).collect();
    let rows = |test: &str| test.matches("None given None given").count();
    assert_eq!(tests.iter().map(|test| rows(test)).collect::<Vec<_>>(), [1, 2, 2], "{tests:?}");
    assert!(tests.iter().any(|test| test.contains("Also called: Glucose") || test.contains("Also called: Plasma glucose")), "{tests:?}");
    assert!(!page.text.contains("id=\"test-4\""));
}

#[tokio::test(start_paused = true)]
async fn numbers_that_no_chart_can_hold_are_listed() {
    let of = |id: &str, value: &str| {
        let mut one = result(id, &format!("2026-0{id}-01"), json!({"unit": "1"}), json!({}));
        one["valueQuantity"]["value"] = serde_json::from_str(value).unwrap();
        one
    };
    let page = results_of(&[of("1", "1e300"), of("2", "7"), of("3", "7"), of("4", "0.0000001")]).await;
    let test = section(&page, "test-1");
    assert_eq!(test.matches("class=\"sv-mark\"").count(), 3);
    assert!(!test.contains("NaN") && !test.contains("inf"), "{test}");
}

/// The page of medicines beside each other, of what two sources hold: one of a practice, one of a hospital.
#[tokio::test(start_paused = true)]
async fn a_medicine_that_only_one_side_has_or_that_one_side_ended_stands_out_in_words() {
    let taken = |id: &str, name: &str, status: &str| {
        json!({"resourceType": "MedicationStatement", "id": id, "status": status, "medicationCodeableConcept": {"text": name},
            "effectiveDateTime": "2026-02-17", "dosage": [{"text": "One each morning"}]})
    };
    let ordered = |id: &str, name: &str, category: &str, when: &str| {
        json!({"resourceType": "MedicationRequest", "id": id, "status": "active", "intent": "order", "authoredOn": when,
            "category": [{"coding": [{"code": category}]}], "medicationCodeableConcept": {"text": name}})
    };
    let dispensed = json!({"resourceType": "MedicationDispense", "id": "d", "status": "completed", "whenHandedOver": "2026-10-22",
        "medicationCodeableConcept": {"text": "ramipril 10mg capsules"}});
    let hospital = [
        taken("1", "Ramipril 10mg capsules", "stopped"),
        ordered("2", "Ramipril 10mg capsules", "discharge", "2026-10-20"),
        ordered("3", "Ramipril 2.5mg capsules", "inpatient", "2026-10-19"),
        dispensed,
        taken("w", "Atenolol 50mg tablets", "entered-in-error"),
    ];
    let world = holding_as("care = \"hospital\"\n", json!({}), &hospital);
    let person = world.person(DEMO_PERSON).await;
    let page = doctor(&world, &person).await.get(&format!("/viewer/patient/{person}/medicines")).await;
    assert_eq!(page.status, 200, "{}", page.text);
    let events = world.ledger.of(&page.request());
    assert_eq!((events.first().unwrap().as_str(), events.last().unwrap().as_str()), ("opened", "closed"));
    let row = |name: &str| {
        let begin = page
            .text
            .split("<tr>")
            .find(|row| row.to_lowercase().contains(&format!(">{}</span>", name.to_lowercase())))
            .unwrap_or_else(|| panic!("{name}"));
        words_of(begin.split("</tr>").next().unwrap())
    };
    let ten = row("Ramipril 10mg capsules");
    for wanted in [
        "Active by the word of a discharge; ended by that of the hospital.",
        "See also Ramipril 2.5mg capsules.",
        "Last issued: 20-Oct-2026, Collaborative Care Record",
        "Last dispensed: 22-Oct-2026, Collaborative Care Record",
        "Statement that it is taken Stopped Dose: One each morning",
        "Dispensed Completed",
        "Nothing that came",
    ] {
        assert!(ten.contains(wanted), "`{wanted}`: {ten}");
    }
    let two = row("Ramipril 2.5mg capsules");
    assert!(two.contains("Only the hospital has it.") && two.contains("Last dispensed: not recorded"), "{two}");
    assert!(!page.text.contains("Atenolol"));
    assert!(text(&page).contains("1 entry that is not current"), "{}", text(&page));
    // Banner, who answered, and who read stand on every printed page.
    for wanted in ["aria-label=\"Patient\"", "class=\"sv-foot\"", "Answered in full: 1 of 1 sources"] {
        assert!(page.text.contains(wanted), "{wanted}");
    }
    // Of a source that does not say what care it gives, nothing is taken for a side's.
    let world = holding(json!({}), &[taken("1", "Ramipril 10mg capsules", "active")]);
    let person = world.person(DEMO_PERSON).await;
    let page = doctor(&world, &person).await.get(&format!("/viewer/patient/{person}/medicines")).await;
    has(&page, &["Only whoever passes it on has it."]);
}

#[tokio::test(start_paused = true)]
async fn documents_open_in_place_for_those_who_may_see_them() {
    let binary = |id: &str, kind: &str, data: &str| json!({"resourceType": "Binary", "id": id, "contentType": kind, "data": data_encoding::BASE64.encode(data.as_bytes())});
    let leads = |id: &str, kind: &str| {
        json!({"resourceType": "DocumentReference", "id": format!("r{id}"), "status": "current", "description": format!("Letter {id}"),
            "date": "2026-02-17T09:00:00Z", "content": [{"attachment": {"contentType": kind, "url": format!("Binary/{id}")}}]})
    };
    let html = "<h1>Dear Dr</h1><p onclick=alert(1)>Seen</p><script>alert(1)</script><img src=//a.example/x>";
    let all: Vec<(&str, &str, &str)> = vec![
        ("t", "text/plain; charset=utf-8", "Dear Dr <Rao> & all"),
        ("h", "text/html", html),
        ("p", "application/pdf", "%PDF-1.7"),
        ("x", "image/svg+xml", "<svg onload=alert(1)>"),
    ];
    let resources: Vec<Value> = all.iter().flat_map(|(id, kind, data)| [leads(id, kind), binary(id, kind, data)]).collect();
    let world = holding(json!({}), &resources);
    let person = world.person(DEMO_PERSON).await;
    let tab = doctor(&world, &person).await;
    let record = tab.read(&person).await;
    let path = |letter: &str| {
        let line = record.text.split("class=\"sv-line").find(|line| line.contains(&format!("<strong>Letter {letter}</strong>"))).unwrap();
        line.split("href=\"").map(|rest| rest.split('"').next().unwrap()).find(|path| path.contains("/document/")).unwrap().to_owned()
    };
    let text_page = tab.get(&path("t")).await;
    assert_eq!(text_page.status, 200, "{}", text_page.text);
    has(&text_page, &["Letter t", "17-Feb-2026 09:00", "Dear Dr <Rao> & all", "HARTLEY"]);
    let events = world.ledger.of(&text_page.request());
    assert_eq!((events.first().unwrap().as_str(), events.last().unwrap().as_str()), ("opened", "closed"));
    let page = tab.get(&path("h")).await;
    assert!(page.text.contains("<h1>Dear Dr</h1><p>Seen</p>") && !page.text.contains("alert") && !page.text.contains("a.example"));
    assert!(!page.headers["content-security-policy"].to_str().unwrap().contains("unsafe"));
    for (letter, kind, how) in [
        ("p", "application/pdf", "inline; filename=\"document.pdf\""),
        ("x", "application/octet-stream", "attachment; filename=\"document.bin\""),
    ] {
        has(&tab.get(&path(letter)).await, &[if letter == "p" { "Open the PDF of HARTLEY" } else { "Download the file of HARTLEY" }]);
        let file = tab.get(&format!("{}/file", path(letter))).await;
        let header = |name: &str| file.headers[name].to_str().unwrap();
        assert_eq!((file.status, header("content-type"), header("content-disposition")), (200, kind, how));
        assert_eq!((header("x-content-type-options"), header("cache-control")), ("nosniff", "no-store"));
        assert!(header("content-security-policy").starts_with("default-src 'none'"));
        assert_eq!(file.text, all.iter().find(|(id, ..)| *id == letter).unwrap().2);
        assert_eq!(world.ledger.of(&file.request()).last().unwrap(), "closed");
    }
    // What nobody minted, what is another's, and what may not be seen are one thing to whoever asks.
    let card = Card { activities: vec!["B0401"], patient: Some(person.clone()), ..Card::doctor() };
    let pharmacist = world.tab(&world.token(&card)).await.unwrap();
    let unknown = pharmacist.get(&format!("/viewer/patient/{person}/document/ccr-0")).await;
    let withheld = pharmacist.get(&path("t")).await;
    let bare = |answer: &Answer| answer.text.replace(&answer.request(), "");
    assert_eq!((unknown.status, withheld.status, bare(&withheld)), (404, 404, bare(&unknown)));
    let stranger = world.tab(&world.token(&Card { organisation: "RXK", ..Card::doctor() })).await.unwrap();
    for answer in [stranger.get(&path("t")).await, stranger.get(&format!("{}/file", path("p"))).await] {
        assert_eq!(answer.status, 403);
        assert_eq!(world.ledger.of(&answer.request()).last().unwrap(), "refused");
    }
}

/// A source that is away has not lost its document: the page says so, under the banner of whom it is about.
#[tokio::test(start_paused = true)]
async fn a_document_that_cannot_be_fetched_is_said_to_be_away() {
    let world = World::of(&["ccr", "gp", "uhb"]);
    let person = world.person(DEMO_PERSON).await;
    let tab = doctor(&world, &person).await;
    let record = tab.read(&person).await;
    let paths: Vec<&str> =
        record.text.split("href=\"").map(|rest| rest.split('"').next().unwrap()).filter(|path| path.contains("/document/")).collect();
    assert!(paths.len() > 1, "{paths:?}");
    for path in &paths {
        let page = tab.get(path).await;
        assert_eq!(page.status, 200, "{path}");
        assert!(page.text.contains("<pre class=\"sv-document\">"), "{path}: {}", text(&page));
    }
    let path = paths[0];
    let source = path.split("/document/").nth(1).and_then(|id| id.split('-').next()).unwrap();
    assert!(world.region.fail(source, Fault::Refusing { how: Refusal::Unavailable }));
    let page = tab.get(path).await;
    assert!(matches!(page.status, 404 | 502), "{}: {}", page.status, text(&page));
    assert!(!page.text.contains("<pre"));
}

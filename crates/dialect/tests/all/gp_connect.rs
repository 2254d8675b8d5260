//! General practice through GP Connect: what is asked, what its answers become, and what becomes of their holes.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use dialect::{Conversation, Dialect, Known, Opening, Settings, Told};
use fhir::Kind;
use record::{Call, Caller, Holder, Need, Organisation, Reply, Response, Status, UserId};
use serde_json::Value;

const BASE: &str = "https://proxy.example/https://gp.example/M85000/STU3/1/gpconnect";

fn dialect() -> Dialect {
    "gp-connect".parse().unwrap()
}

fn settings() -> Settings {
    let options = [("from_asid", "200000000115"), ("to_asid", "200000000116")];
    let options = options.map(|(key, value)| (key.to_owned(), value.to_owned())).into();
    Settings { options, ..Settings::new(BASE.parse().unwrap(), "https://exchange.example/fhir/R4") }
}

fn doctor() -> Caller {
    Caller {
        user: UserId { issuer: "https://login.example".to_owned(), subject: "u-1".to_owned() },
        name: "Dr Anita Maria Rao".to_owned(),
        sds_user_id: Some("999999999999".to_owned()),
        sds_role_profile_id: Some("888888888888".to_owned()),
        human: true,
        organisation: Organisation { code: "RRK".parse().unwrap(), name: "Queen Elizabeth Hospital".to_owned() },
        roles: vec!["R8000".to_owned()],
        activities: Vec::new(),
        purposes: vec!["TREAT".to_owned()],
        scopes: Vec::new(),
        launch_patient: None,
        device: Some("ward-7-pc-2".to_owned()),
        client: None,
        token_id: None,
    }
}

/// Starts a conversation about a person.
fn start(number: &str, need: &Need, reader: Option<&Caller>) -> (Conversation, Vec<Call>) {
    let holder = Holder { source: "gp".parse().unwrap(), number: number.parse().unwrap(), former: Vec::new(), local_ids: Vec::new() };
    let (settings, known, now) = (settings(), Known::default(), "2026-11-24T09:00:00Z".parse().unwrap());
    dialect().start(&Opening { holder: &holder, settings: &settings, known: &known, reader, now }, need)
}

fn reply(call: &Call, status: u16, body: &str) -> Reply {
    let response = Response {
        status,
        content_type: "application/fhir+json".to_owned(),
        headers: Vec::new(),
        body: body.to_owned().into(),
        url: format!("{BASE}/{}", call.target),
    };
    Reply { id: call.id, tried: "2026-11-24T09:00:00Z".parse().unwrap(), outcome: Ok(response) }
}

/// What one answer comes to.
fn told(number: &str, need: &Need, status: u16, body: &str) -> Told {
    let (mut conversation, calls) = start(number, need, Some(&doctor()));
    assert_eq!(calls.len(), 1);
    let more = conversation.reply(reply(&calls[0], status, body));
    assert!(more.is_empty() && conversation.is_done());
    conversation.finish()
}

fn status(told: &Told, kind: Kind) -> Status {
    told.chart.rows.iter().find(|row| row.kind == kind).unwrap().status.unwrap()
}

fn json(text: &[u8]) -> Value {
    serde_json::from_slice(text).unwrap()
}

#[test]
fn the_question_is_as_the_interface_wants_it() {
    let (_, calls) = start("9990000018", &Need::everything(), Some(&doctor()));
    let [call] = calls.as_slice() else { panic!("{calls:?}") };
    assert_eq!((call.method, call.target.as_str()), (record::Method::Post, "Patient/$gpc.getstructuredrecord"));
    let body = json(call.body.as_deref().unwrap());
    assert_eq!(body["parameter"][0]["valueIdentifier"]["value"], "9990000018");
    let names: Vec<&str> = body["parameter"].as_array().unwrap().iter().map(|parameter| parameter["name"].as_str().unwrap()).collect();
    let areas = [
        "Allergies",
        "Medication",
        "Consultations",
        "Problems",
        "Immunisations",
        "UncategorisedData",
        "Investigations",
        "Referrals",
        "DiaryEntries",
    ];
    assert_eq!(names[1..], areas.map(|area| format!("include{area}")));
    assert_eq!(body["parameter"][1]["part"][0], serde_json::json!({"name": "includeResolvedAllergies", "valueBoolean": true}));
    let headers: BTreeMap<&str, &str> = call.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert_eq!((headers["ssp-from"], headers["ssp-to"]), ("200000000115", "200000000116"));
    assert_eq!(headers["ssp-interactionid"], "urn:nhs:names:services:gpconnect:fhir:operation:gpc.getstructuredrecord-1");
    assert_eq!(headers["ssp-traceid"].split('-').map(str::len).collect::<Vec<_>>(), [8, 4, 4, 4, 12]);
    let parts: Vec<&str> = headers["authorization"].strip_prefix("Bearer ").unwrap().split('.').collect();
    assert_eq!((parts.len(), parts[2]), (3, ""));
    let decode = |part: &str| json(&data_encoding::BASE64URL_NOPAD.decode(part.as_bytes()).unwrap());
    assert_eq!(decode(parts[0]), serde_json::json!({"alg": "none", "typ": "JWT"}));
    let claims = decode(parts[1]);
    assert_eq!(claims["aud"], "https://gp.example/M85000/STU3/1/gpconnect");
    assert_eq!((claims["reason_for_request"].as_str(), claims["sub"].as_str()), (Some("directcare"), Some("u-1")));
    assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 300);
    let practitioner = &claims["requesting_practitioner"];
    assert_eq!(practitioner["name"][0], serde_json::json!({"family": "Rao", "given": ["Anita", "Maria"], "prefix": ["Dr"]}));
    let identifiers: Vec<&str> = practitioner["identifier"].as_array().unwrap().iter().map(|one| one["value"].as_str().unwrap()).collect();
    assert_eq!(identifiers, ["999999999999", "888888888888", "u-1", "R8000"]);
    assert_eq!(claims["requesting_organization"]["identifier"][0]["value"], "RRK");
    assert_eq!(claims["requesting_device"]["identifier"][0]["value"], "ward-7-pc-2");
    // Nothing of it is printed.
    let printed = format!("{call:?}");
    for secret in [parts[1], "9990000018", "Rao"] {
        assert!(!printed.contains(secret), "{printed}");
    }
}

#[test]
fn only_the_areas_wanted_are_asked_for() {
    let check = |kinds: &[Kind], expected: &[&str]| {
        let (_, calls) = start("9990000018", &Need::of(kinds), Some(&doctor()));
        let body = json(calls[0].body.as_deref().unwrap());
        let names: Vec<&str> = body["parameter"].as_array().unwrap().iter().skip(1).map(|one| one["name"].as_str().unwrap()).collect();
        assert_eq!(names, expected);
    };
    check(&[Kind::ALLERGY_INTOLERANCE], &["includeAllergies"]);
    check(&[Kind::MEDICATION_REQUEST], &["includeMedication"]);
    check(&[Kind::PATIENT], &[]);
}

#[test]
fn without_a_named_end_user_nobody_is_asked() {
    let check = |reader: Option<Caller>, why: &str| {
        let (conversation, calls) = start("9990000018", &Need::everything(), reader.as_ref());
        assert!(calls.is_empty() && conversation.is_done(), "{why}");
        let told = conversation.finish();
        assert!(told.chart.patients.is_empty() && told.chart.items.is_empty());
        for row in &told.chart.rows {
            assert_eq!((row.status, row.note.as_deref()), (Some(Status::Withheld), Some(why)), "{}", row.kind);
        }
    };
    check(None, "no-end-user");
    check(Some(Caller { human: false, ..doctor() }), "no-end-user");
    check(Some(Caller { name: " ".to_owned(), ..doctor() }), "no-end-user");
    check(Some(Caller { name: "u-1".to_owned(), sds_user_id: None, ..doctor() }), "no-end-user");
    check(Some(Caller { purposes: vec!["HRESCH".to_owned()], ..doctor() }), "not-direct-care");
    // Somebody without a smartcard is somebody.
    let (_, calls) = start("9990000018", &Need::everything(), Some(&Caller { sds_user_id: None, sds_role_profile_id: None, ..doctor() }));
    assert_eq!(calls.len(), 1);
}

#[test]
fn a_practice_of_an_older_version_is_asked_for_what_it_has() {
    let outcome = |named: &str| {
        format!(
            r#"{{"resourceType":"OperationOutcome","issue":[{{"severity":"error","code":"invalid","details":{{"coding":[{{"code":"INVALID_PARAMETER"}}]}},"diagnostics":"{named}"}}]}}"#
        )
    };
    let (mut conversation, calls) = start("9990000018", &Need::everything(), Some(&doctor()));
    let again = conversation.reply(reply(&calls[0], 422, &outcome("includeProblems")));
    assert!(again.len() == 1 && !conversation.is_done());
    assert!(!String::from_utf8_lossy(again[0].body.as_deref().unwrap()).contains("includeProblems"));
    assert!(String::from_utf8_lossy(again[0].body.as_deref().unwrap()).contains("includeImmunisations"));
    let last = conversation.reply(reply(&again[0], 422, &outcome("")));
    let body = String::from_utf8_lossy(last[0].body.as_deref().unwrap()).into_owned();
    assert!(body.contains("includeMedication") && !body.contains("includeImmunisations"), "{body}");
    assert_ne!(last[0].headers, calls[0].headers, "a token and a trace of its own for every question");
    let whole = std::fs::read_to_string(folder().join("whole/in-200.json")).unwrap();
    assert!(conversation.reply(reply(&last[0], 200, &whole)).is_empty());
    let told = conversation.finish();
    assert_eq!(status(&told, Kind::ALLERGY_INTOLERANCE), Status::Ok);
    // It came all the same: then the area is not whole, but there.
    assert_eq!(status(&told, Kind::CONDITION), Status::OkTruncated);
    assert_eq!(status(&told, Kind::SERVICE_REQUEST), Status::Unsupported);
}

#[test]
fn a_document_is_fetched_by_an_interaction_of_its_own() {
    let holder = Holder { source: "gp".parse().unwrap(), number: "9990000018".parse().unwrap(), former: Vec::new(), local_ids: Vec::new() };
    let (settings, known, doctor) = (settings(), Known::default(), doctor());
    let opening = Opening {
        holder: &holder,
        settings: &settings,
        known: &known,
        reader: Some(&doctor),
        now: "2026-11-24T09:00:00Z".parse().unwrap(),
    };
    let (mut conversation, calls) = dialect().read_one(&opening, "Binary", "07a6483f");
    let targets: Vec<&str> = calls.iter().map(|call| call.target.as_str()).collect();
    assert_eq!(targets, ["Patient/$gpc.getstructuredrecord", "Binary/07a6483f"]);
    assert!(calls[1].headers.iter().any(|(_, value)| value == "urn:nhs:names:services:gpconnect:documents:fhir:rest:read:binary-1"));
    conversation.reply(reply(&calls[1], 200, r#"{"resourceType":"Binary","id":"07a6483f","contentType":"text/plain","content":"aGk="}"#));
    assert!(!conversation.is_done());
    let whose = std::fs::read_to_string(folder().join("whole/in-200.json")).unwrap();
    conversation.reply(reply(&calls[0], 200, &whose));
    let told = conversation.finish();
    assert_eq!((told.chart.patients.len(), told.chart.items.len()), (1, 1));
    assert_eq!(status(&told, Kind::BINARY), Status::Ok);
}

#[test]
fn an_answer_without_a_patient_clears_nothing() {
    let told = told("9990000018", &Need::everything(), 200, r#"{"resourceType":"Bundle","type":"collection","entry":[]}"#);
    assert!(told.chart.rows.iter().all(|row| row.status == Some(Status::FailedParse)));
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/gp-connect")
}

/// Every folder of `fixtures/gp-connect/` is answered to a question for everything, by the status in the file's name. `BLESS=1` writes
/// what became of it anew.
#[test]
fn every_fixture_comes_out_as_it_says() {
    let mut cases: Vec<PathBuf> = std::fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path()).collect();
    cases.sort();
    assert!(cases.len() >= 5);
    for case in cases {
        let files = std::fs::read_dir(&case).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let file = files.into_iter().find(|name| name.starts_with("in-")).unwrap();
        let http: u16 = file.trim_start_matches("in-").trim_end_matches(".json").parse().unwrap();
        let told = told("9990000018", &Need::everything(), http, &std::fs::read_to_string(case.join(&file)).unwrap());
        let (mut rows, mut out, mut findings) = (String::new(), Vec::new(), String::new());
        for row in &told.chart.rows {
            let code = row.status.unwrap().code();
            writeln!(rows, "{} {code} {} {}", row.kind, row.counts.came, row.note.as_deref().unwrap_or_default()).unwrap();
        }
        for item in told.chart.patients.iter().chain(&told.chart.items) {
            out.push(json(item.tree.to_json().as_bytes()));
            for finding in &item.findings {
                writeln!(findings, "{}/{}: {} {}: {}", item.kind, item.id, finding.code.code(), finding.path, finding.detail).unwrap();
            }
        }
        for finding in &told.chart.findings {
            writeln!(findings, "the whole: {} {}: {}", finding.code.code(), finding.path, finding.detail).unwrap();
        }
        compare(&case.join("rows.txt"), &rows);
        compare(&case.join("findings.txt"), &findings);
        compare(&case.join("out.json"), &format!("{:#}\n", Value::Array(out)));
    }
}

fn compare(file: &Path, now: &str) {
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(file, now).unwrap();
    }
    let expected = std::fs::read_to_string(file).unwrap_or_default();
    assert!(expected == now, "{} differs; look at it with BLESS=1 and git diff", file.display());
}

/// The fixture of this name, passed on without what `gone` says.
fn relayed(case: &str, gone: &dyn Fn(&record::Item) -> bool) -> Value {
    let body = std::fs::read(folder().join(case).join("in-200.json")).unwrap();
    let mut chart = told("9990000018", &Need::everything(), 200, std::str::from_utf8(&body).unwrap()).chart;
    chart.items.retain(|item| !gone(item));
    let relay = dialect::relay(&"gp".parse().unwrap(), &settings(), &body.into(), "application/fhir+json", &chart).unwrap();
    json(&relay.json)
}

fn list<'a>(bundle: &'a Value, code: &str) -> &'a Value {
    let lists = bundle["entry"].as_array().unwrap().iter().map(|entry| &entry["resource"]);
    lists.into_iter().find(|one| one["resourceType"] == "List" && one["code"]["coding"][0]["code"] == code).unwrap()
}

#[test]
fn what_is_passed_on_whole_is_as_the_practice_said_it() {
    for case in ["whole", "warned", "holes"] {
        let own = json(&std::fs::read(folder().join(case).join("in-200.json")).unwrap());
        // Lists without an id are known by their content, and pass too.
        let passed = relayed(case, &|_| false);
        let without_lists = |bundle: &Value| -> Vec<Value> {
            let all = bundle["entry"].as_array().unwrap().iter().map(|entry| entry["resource"].clone());
            all.filter(|one| one["resourceType"] != "List").collect()
        };
        assert_eq!(without_lists(&passed), without_lists(&own), "{case}");
    }
}

#[test]
fn what_is_left_out_of_what_is_passed_on_is_announced_and_not_told() {
    let passed =
        relayed("listed", &|item| item.kind == Kind::CONDITION || item.id.ends_with("0002") && item.kind == Kind::ALLERGY_INTOLERANCE);
    let text = passed.to_string();
    assert!(!text.contains("D1111111") && !text.contains("Hypertension"), "{text}");
    assert!(!text.contains("A1111111-0000-4000-8000-000000000002") && !text.contains("penicillin"), "{text}");
    for code in ["717711000000103", "1103671000000101"] {
        let list = list(&passed, code);
        assert_eq!(list["extension"][0]["valueCode"], "confidential-items", "{list}");
        assert!(list["note"].to_string().contains("Items excluded due to confidentiality"));
        assert!(list.get("entry").is_none() && list.get("contained").is_none(), "{list}");
    }
    let active = list(&passed, "886921000000105");
    assert!(active.get("extension").is_none() && active["entry"].as_array().unwrap().len() == 1);
    // No address of the practice's or of the proxy's.
    assert!(!text.contains("gp.example") && !text.contains("proxy.example"), "{text}");
}

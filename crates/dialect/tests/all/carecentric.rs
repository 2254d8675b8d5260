//! CareCentric: what a conversation with it comes to, and what its records become.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use crate::server::*;
use dialect::{Dialect, Known, Settings, Told};
use fhir::{Kind, NodeKind, Ref, Tree};
use proptest::prelude::*;
use record::{Call, Failure, FindingCode, Item, Need, Status};

const BUNDLES: [(&str, &str); 7] = [
    ("Acute", "acute"),
    ("Adt", "adt"),
    ("Alerts", "alerts"),
    ("Community", "community"),
    ("Demographics", "demographics"),
    ("Gp", "gp"),
    ("MentalHealth", "mh"),
];

fn dialect() -> Dialect {
    "carecentric".parse().unwrap()
}

fn folder(case: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/carecentric").join(case)
}

/// What a case's files say; a bundle without a file is not offered.
fn case(case: &str) -> impl Fn(&str) -> Said {
    let folder = folder(case);
    move |target: &str| {
        let file = |name: &str| std::fs::read_to_string(folder.join(format!("{name}.json"))).ok();
        if target == "ccapi/PatientSearch/Search" {
            return file("find").map_or(Err(Failure::Refused), |body| Ok((200, body)));
        }
        if let Some(rest) = target.strip_prefix("ccapi/") {
            let (path, _) = rest.split_once("?PatientDetailId=").unwrap_or_else(|| panic!("{target} was asked"));
            let name = path.strip_suffix("Bundle").and_then(|path| BUNDLES.iter().find(|(own, _)| *own == path));
            let (_, name) = name.unwrap_or_else(|| panic!("{target} was asked"));
            return file(name).map_or(Ok((403, r#"{"message":"no subscription for this product"}"#.to_owned())), |body| Ok((200, body)));
        }
        match target.strip_prefix("stu3/").unwrap_or_else(|| panic!("{target} was asked")) {
            "metadata" => capability(false, &["AllergyIntolerance", "Condition", "MedicationStatement"]),
            rest => match rest.split_once("?patient=").and_then(|(kind, _)| file(kind)) {
                Some(body) => Ok((200, body)),
                None if rest.contains("?patient=") => bundle(&[]),
                None => Ok((404, String::new())),
            },
        }
    }
}

fn told(need: &Need, settings: &Settings, server: &dyn Fn(&str) -> Said) -> (Told, Vec<String>) {
    crank(dialect().start(&opening(&holder(&[]), settings, &Known::default()), need), server, &mut |_| 0)
}

fn whole(name: &str) -> Told {
    told(&Need::everything(), &settings(), &case(name)).0
}

fn item<'a>(told: &'a Told, id: &str) -> &'a Item {
    told.chart.items.iter().find(|item| item.id == id).unwrap_or_else(|| panic!("{id} is not in {:?}", ids(told)))
}

#[test]
fn the_person_is_found_first_and_each_bundle_is_asked_once() {
    let (told, asked) = told(&Need::everything(), &settings(), &case("mental-health"));
    assert_eq!(asked[..2], ["ccapi/PatientSearch/Search", "stu3/metadata"]);
    let bundles: Vec<&String> = asked.iter().filter(|target| target.contains("?PatientDetailId=")).collect();
    assert_eq!(bundles.len(), 7, "one call a bundle, for two linked ids: {bundles:?}");
    assert!(bundles.iter().all(|target| target.ends_with("=4471902")));
    assert!(asked.iter().all(|target| !target.starts_with("stu3/Patient?")), "nobody is looked up twice");
    let patients: Vec<&str> = told.chart.patients.iter().map(|item| item.id.as_str()).collect();
    assert_eq!(patients, ["trust-4471902", "trust-5519003"], "each id is a Patient of its own, for the guard");
}

#[test]
fn the_search_says_whom_it_is_for_in_its_body() {
    let (_, calls) = dialect().find(&opening(&holder(&[]), &settings(), &Known::default()));
    let find: &Call = calls.iter().find(|call| call.target.starts_with("ccapi")).unwrap();
    assert_eq!(find.method, record::Method::Post);
    assert_eq!(find.body.as_deref(), Some(&br#"{"NhsNumber":"9990000018","AllTenancies":true,"PageNumber":1,"PageSize":50}"#[..]));
    assert!(!find.target.contains(NUMBER), "no number in an address, which logs keep");
}

#[test]
fn records_say_whom_they_are_about_by_any_linked_id() {
    let told = whole("mental-health");
    let check = |id: &str, subject: &str| assert_eq!(item(&told, id).traits.subjects, [subject], "{id}");
    check("trust-mh-L-1", "trust-4471902");
    check("trust-mh-R-2", "trust-5519003");
    check("trust-mh-D-4", "trust-4471902"); // Said of the bundle.
    check("trust-mh-C-9", "trust-4471902"); // Said of an id that is only linked.
    assert!(item(&told, "trust-mh-C-9").findings.iter().any(|finding| finding.detail.contains("links to this Patient")));
}

#[test]
fn legal_status_and_crisis_plan_are_kept() {
    let told = whole("mental-health");
    let legal = item(&told, "trust-mh-L-1").tree.root();
    assert_eq!(legal.text("resourceType").as_deref(), Some("Flag"));
    assert!(legal.is("code.coding.system", "urn:example:mha") && legal.is("code.coding.code", "S17A"));
    assert!(legal.is("period.start", "2026-03-02") && legal.is("period.end", "2026-09-01"));
    let plan = item(&told, "trust-mh-C-9").tree.root();
    assert_eq!(plan.text("resourceType").as_deref(), Some("CarePlan"));
    let actions: Vec<_> = plan.all("activity.detail.code.text").into_iter().filter_map(Ref::value).collect();
    assert_eq!(actions, ["Ring June", "Home treatment team, same day"]);
    assert!(plan.to_json().contains("Not sleeping; not eating"), "what R4 has no place for is carried beside");
}

#[test]
fn codes_keep_their_own_systems_and_times_are_londons() {
    let told = whole("mental-health");
    let codes: Vec<String> = item(&told, "trust-mh-D-4")
        .tree
        .root()
        .all("code.coding")
        .into_iter()
        .map(|coding| format!("{}|{}", coding.text("system").unwrap(), coding.text("code").unwrap()))
        .collect();
    assert_eq!(codes, ["http://hl7.org/fhir/sid/icd-10|F32.1", "http://read.info/readv2|E2B..", "http://snomed.info/sct|310496002"]);
    let told = whole("hospital");
    assert!(item(&told, "trust-adt-880121").tree.root().is("period.start", "2025-08-16T19:20:00+01:00"));
    let second = item(&told, "trust-adt-880122").tree.root();
    assert!(second.is("period.start", "2026-07-14T10:30:00+01:00") && second.is("status", "unknown") && second.is("class.code", "AMB"));
    assert!(second.at("period.end").is_none(), "the system's word for no date is none");
}

#[test]
fn records_refer_to_each_other_across_bundles() {
    let told = whole("hospital");
    assert!(item(&told, "trust-acute-F-1").tree.root().is("encounter.reference", "Encounter/trust-adt-880121"));
    assert!(item(&told, "trust-adt-880121").tree.root().is("episodeOfCare.reference", "EpisodeOfCare/trust-community-E-77"));
    for item in &told.chart.items {
        assert!(item.findings.iter().all(|finding| finding.code != FindingCode::UnresolvedReference), "{} {:?}", item.id, item.findings);
    }
}

#[test]
fn bundles_that_are_not_offered_leave_their_types_unsupported() {
    let told = whole("both-parts");
    let check = |kind, expected| assert_eq!(status(&told, kind), expected, "{kind}: {:?}", row(&told, kind).note);
    check(Kind::FLAG, Status::Unsupported);
    check(Kind::ENCOUNTER, Status::Unsupported);
    check(Kind::CARE_PLAN, Status::Unsupported);
    check(Kind::CONDITION, Status::Ok); // The FHIR part and one bundle.
    check(Kind::FAMILY_MEMBER_HISTORY, Status::OkEmpty);
    check(Kind::ALLERGY_INTOLERANCE, Status::OkEmpty); // The FHIR part alone.
    check(Kind::TASK, Status::Unsupported);
    check(Kind::PATIENT, Status::Ok);
    assert!(row(&told, Kind::FLAG).note.as_deref().unwrap().contains("the alerts bundle is not offered"));
}

/// The hospital's answer, but for one call.
fn but_for(path: &'static str, said: Said) -> impl Fn(&str) -> Said {
    let server = case("hospital");
    move |target: &str| if target.contains(path) { said.clone() } else { server(target) }
}

#[test]
fn a_bundle_that_fails_is_named_in_its_types_and_in_no_other() {
    let check = |said: Said, expected: Status| {
        let (told, _) = told(&Need::everything(), &settings(), &but_for("AlertsBundle", said.clone()));
        assert_eq!(status(&told, Kind::FLAG), expected, "{said:?}");
        assert!(row(&told, Kind::FLAG).note.as_deref().unwrap_or_default().contains("alerts bundle"), "{said:?}");
        assert_eq!(status(&told, Kind::ENCOUNTER), Status::Ok);
    };
    check(Err(Failure::Timeout), Status::FailedTimeout);
    check(Err(Failure::Refused), Status::FailedHttp);
    check(Ok((500, String::new())), Status::FailedHttp);
    check(Ok((401, String::new())), Status::FailedAuth);
    check(Ok((403, "no".to_owned())), Status::FailedAuth);
    check(Ok((429, String::new())), Status::Throttled);
    check(Ok((404, String::new())), Status::Unsupported);
    check(Ok((200, "<html>".to_owned())), Status::FailedParse);
    check(Ok((200, "[]".to_owned())), Status::FailedParse);
    check(Ok((200, r#"{"PatientDetailId":"999"}"#.to_owned())), Status::FailedParse);
    check(Err(Failure::TooLarge), Status::OkTruncated);
}

#[test]
fn a_type_of_two_parts_of_which_one_fails_is_not_whole() {
    // Diagnoses of the hospital fail, the practice's problems came.
    let (told, _) = told(&Need::everything(), &settings(), &but_for("AcuteBundle", Ok((503, String::new()))));
    assert_eq!(status(&told, Kind::CONDITION), Status::OkTruncated);
    assert!(row(&told, Kind::CONDITION).note.as_deref().unwrap().contains("the acute bundle: failed-http: HTTP 503"));
    assert_eq!(status(&told, Kind::SERVICE_REQUEST), Status::FailedHttp);
    // The FHIR part fails, the bundles came.
    let (told, _) = crate::carecentric::told(&Need::everything(), &settings(), &but_for("stu3/Condition", Ok((500, String::new()))));
    assert_eq!(status(&told, Kind::CONDITION), Status::OkTruncated);
    assert_eq!(status(&told, Kind::ALLERGY_INTOLERANCE), Status::OkEmpty);
}

#[test]
fn fewer_records_than_the_bundle_counts_are_a_cut_list() {
    let body = r#"{"PatientDetailId":"5519003","AlertsCollection":[{"AlertId":"1","Alert":"x"}],"TotalItemCount":3}"#;
    let (told, _) = told(&Need::everything(), &settings(), &but_for("AlertsBundle", Ok((200, body.to_owned()))));
    assert_eq!(status(&told, Kind::FLAG), Status::OkTruncated);
}

#[test]
fn finding_that_fails_fails_every_row_and_finding_nobody_is_an_answer() {
    let all = |said: Said| {
        let (told, asked) = told(&Need::everything(), &settings(), &but_for("PatientSearch", said));
        assert!(asked.iter().all(|target| !target.contains("Bundle?")), "{asked:?}");
        told
    };
    let failed = all(Ok((503, String::new())));
    assert!(failed.chart.rows.iter().all(|row| row.status == Some(Status::FailedHttp)));
    let nobody = all(Ok((200, r#"{"PatientsCollection":[],"TotalItemCount":0}"#.to_owned())));
    assert!(nobody.chart.rows.iter().all(|row| row.status == Some(Status::OkEmpty)), "{:?}", nobody.chart.rows);
    let another =
        all(Ok((200, std::fs::read_to_string(folder("hospital").join("find.json")).unwrap().replace("999 000 0018", "9990000026"))));
    assert_eq!(another.chart.patients.len(), 1, "somebody else is shown to the guard, and not asked about");
}

#[test]
fn only_bundles_that_may_hold_what_is_needed_are_asked() {
    let (told, asked) = told(&Need::of(&[Kind::FLAG]), &settings(), &case("hospital"));
    let bundles: Vec<&str> = asked.iter().filter_map(|target| target.strip_prefix("ccapi/")?.split('?').next()).collect();
    assert_eq!(bundles, ["PatientSearch/Search", "AlertsBundle", "MentalHealthBundle"]);
    assert!(ids(&told).iter().all(|id| id.starts_with("Flag/")));
}

#[test]
fn one_record_is_read_from_its_bundle_and_one_resource_from_the_fhir_part() {
    let read = |kind: &str, id: &str, server: &dyn Fn(&str) -> Said| {
        crank(dialect().read_one(&opening(&holder(&[]), &settings(), &Known::default()), kind, id), server, &mut |_| 0)
    };
    let (told, asked) = read("Flag", "alerts-W-2", &case("hospital"));
    assert_eq!(ids(&told), ["Flag/trust-alerts-W-2"]);
    assert_eq!(asked, ["ccapi/PatientSearch/Search", "ccapi/AlertsBundle?PatientDetailId=5519003"]);
    let (told, asked) = read("Patient", "4471902", &case("mental-health"));
    assert_eq!(asked, ["ccapi/PatientSearch/Search", "ccapi/DemographicsBundle?PatientDetailId=4471902"]);
    assert_eq!(told.chart.patients.len(), 2);
    let server = |target: &str| match target {
        "stu3/Condition/901" => Ok((200, about("Condition", "901", ""))),
        _ => case("both-parts")(target),
    };
    let (told, _) = read("Condition", "901", &server);
    assert_eq!(ids(&told), ["Condition/trust-901"]);
}

#[test]
fn somebody_elses_record_keeps_its_subject_and_strays_are_in_quarantine() {
    let told = whole("odd");
    assert_eq!(item(&told, "trust-alerts-W-9").traits.subjects, ["trust-2"]);
    assert_eq!(ids(&told).iter().filter(|id| id.starts_with("Flag/trust.h.")).count(), 2, "two identical stay two");
    let quarantined: Vec<&str> = told.chart.quarantined.iter().map(|one| one.named.as_str()).collect();
    assert_eq!(quarantined, ["alerts.AlertsCollection", "alerts.MagicsCollection"]);
    assert_eq!(row(&told, Kind::FLAG).counts.came, 5);
    assert!(told.chart.findings.iter().any(|finding| finding.path == "alerts.Generated"));
}

#[test]
fn what_is_unfinished_at_the_deadline_is_named() {
    let server = case("hospital");
    let (mut conversation, calls) = dialect().start(&opening(&holder(&[]), &settings(), &Known::default()), &Need::everything());
    let next: Vec<Call> = calls.iter().flat_map(|call| conversation.reply(answer(&server, call))).collect();
    let alerts = next.iter().find(|call| call.target.contains("AlertsBundle")).unwrap();
    conversation.reply(answer(&server, alerts));
    let told = conversation.finish();
    assert_eq!(status(&told, Kind::ENCOUNTER), Status::FailedTimeout);
    assert_eq!(ids(&told).len(), 2, "what came stays");
    assert_eq!(status(&told, Kind::FLAG), Status::OkTruncated, "one bundle with flags came, the other did not");
}

/// Every folder of fixtures comes out as it says; `BLESS=1` writes that anew. No leaf of the JSON is lost without a word.
#[test]
fn every_fixture_comes_out_as_it_says() {
    for name in ["both-parts", "hospital", "mental-health", "odd"] {
        let told = whole(name);
        let (mut out, mut said) = (String::from("[\n"), String::new());
        for item in told.chart.patients.iter().chain(&told.chart.items) {
            if out.len() > 2 {
                out.push_str(",\n");
            }
            pretty(item.tree.root(), 0, &mut out);
            for finding in &item.findings {
                writeln!(said, "{}/{}: {} {}: {}", item.kind, item.id, finding.code.code(), finding.path, finding.detail).unwrap();
            }
        }
        for one in &told.chart.quarantined {
            writeln!(said, "quarantine: {} {}: {}", one.named, one.cause.code(), one.detail).unwrap();
        }
        for finding in &told.chart.findings {
            writeln!(said, "chart: {} {}: {}", finding.code.code(), finding.path, finding.detail).unwrap();
        }
        out.push_str("\n]\n");
        compare(&folder(name).join("out.json"), &out);
        compare(&folder(name).join("findings.txt"), &said);
        for (_, bundle) in BUNDLES {
            assert_eq!(lost(name, bundle, &told), Vec::<String>::new(), "{name} {bundle}");
        }
    }
}

/// Leaves of a bundle that are neither in the output nor named in a finding or in quarantine.
fn lost(name: &str, bundle: &str, told: &Told) -> Vec<String> {
    let Ok(body) = std::fs::read(folder(name).join(format!("{bundle}.json"))) else { return Vec::new() };
    let tree = Tree::from_json(body.into()).unwrap();
    let mut there: HashMap<String, usize> = HashMap::new();
    let items: Vec<&Item> = told.chart.patients.iter().chain(&told.chart.items).collect();
    for item in &items {
        // Part of a minted id or a reference is the record's own id.
        walk(item.tree.root(), "", &mut |_, leaf| {
            let value = leaf.value().unwrap_or_default();
            let own = value.rsplit('/').next().unwrap_or_default().split_once('-').map_or("", |(_, own)| own);
            *there.entry(own.strip_prefix(&format!("{bundle}-")).unwrap_or(own).to_owned()).or_default() += 1;
            *there.entry(value.into_owned()).or_default() += 1;
        });
    }
    let named: Vec<&str> = items
        .iter()
        .flat_map(|item| &item.findings)
        .chain(&told.chart.findings)
        .map(|finding| finding.path.as_str())
        .chain(told.chart.quarantined.iter().map(|one| one.named.as_str()).filter(|named| named.ends_with("MagicsCollection")))
        .collect();
    let mut lost = Vec::new();
    walk(tree.root(), bundle, &mut |path, leaf| {
        // Findings name a field of a collection, not which record of it.
        let (top, rest) = path.split_once('[').unwrap_or((path, ""));
        let path = format!("{top}{}", rest.split_once(']').map_or("", |(_, rest)| rest));
        let value = leaf.value().unwrap_or_default().into_owned();
        let covered = named.iter().any(|own| path.strip_prefix(own).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '['])));
        let counted = path.ends_with(".TotalItemCount") || value == "not an object";
        // A subject stands for every record that says it; ids are said once and may be referred to often.
        if !covered && !counted && !there.contains_key(&value) && !path.ends_with(".PatientDetailId") {
            lost.push(path);
        }
    });
    lost
}

fn walk(node: Ref<'_>, path: &str, leaf: &mut impl FnMut(&str, Ref<'_>)) {
    match node.kind() {
        NodeKind::Object => node.entries().for_each(|(key, child)| walk(child, &format!("{path}.{key}"), leaf)),
        NodeKind::Array => node.items().enumerate().for_each(|(place, child)| walk(child, &format!("{path}[{place}]"), leaf)),
        NodeKind::Null => {}
        _ => leaf(path, node),
    }
}

fn pretty(node: Ref<'_>, depth: usize, out: &mut String) {
    let (open, close) = match node.kind() {
        NodeKind::Array => ('[', ']'),
        NodeKind::Object => ('{', '}'),
        NodeKind::String | NodeKind::StringEscaped => return write!(out, "\"{}\"", node.raw()).unwrap(),
        _ => return out.push_str(node.raw()),
    };
    out.push(open);
    for (place, child) in node.items().enumerate() {
        out.push_str(if place == 0 { "\n" } else { ",\n" });
        out.push_str(&" ".repeat(depth + 1));
        if node.is_object() {
            write!(out, "\"{}\": ", child.key()).unwrap();
        }
        pretty(child, depth + 1, out);
    }
    write!(out, "\n{}{close}", " ".repeat(depth)).unwrap();
}

fn compare(file: &Path, now: &str) {
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(file, now).unwrap();
    }
    let expected = std::fs::read_to_string(file).unwrap_or_default();
    assert!(expected == now, "{} differs; look at it with BLESS=1 and git diff", file.display());
}

fn said(told: &Told) -> String {
    let chart = &told.chart;
    let item = |item: &Item| format!("{} {:?} {:?}", item.tree.to_json(), item.findings, item.traits);
    let items: Vec<String> = chart.patients.iter().chain(&chart.items).map(item).collect();
    format!("{items:#?} {:#?} {:#?} {:#?}", chart.rows, chart.quarantined, chart.findings)
}

proptest! {
    /// Golden case 20, as far as this source goes.
    #[test]
    fn the_order_of_replies_changes_nothing(picks in proptest::collection::vec(0usize..100, 0..120), places in 1usize..40, name in 0usize..4) {
        let server = case(["both-parts", "hospital", "mental-health", "odd"][name]);
        let settings = Settings { calls_max: places, ..settings() };
        let (straight, _) = told(&Need::everything(), &self::settings(), &server);
        let mut picks = picks.into_iter();
        let started = dialect().start(&opening(&holder(&[]), &settings, &Known::default()), &Need::everything());
        let (shuffled, _) = crank(started, &server, &mut |count| picks.next().unwrap_or_default() % count);
        prop_assert_eq!(said(&straight), said(&shuffled));
    }

    /// Every cut and every flip of a body ends in a status, never in a panic.
    #[test]
    fn no_body_panics(at in 0usize..4000, byte in any::<u8>(), cut in any::<bool>(), bundle in 0usize..7, name in 0usize..3) {
        let (_, bundle) = BUNDLES[bundle];
        let name = ["hospital", "mental-health", "odd"][name];
        if let Ok(mut body) = std::fs::read(folder(name).join(format!("{bundle}.json"))) {
            let at = at % body.len();
            if cut { body.truncate(at) } else { body[at] = byte }
            for item in dialect::convert_bundle(bundle, body.into()).unwrap().items {
                prop_assert!(Tree::from_json(item.tree.to_json().into()).is_ok());
            }
        }
    }
}

/// Other people's CareConnect, served as the FHIR part: each resource that `convert` makes comes out of the conversation, too.
#[test]
fn careconnect_is_read_in_the_fhir_part() {
    let Some(data) = std::env::var_os("SEVERN_DATA").map(|data| PathBuf::from(data).join("careconnect-stu3")).filter(|data| data.is_dir())
    else {
        return println!("third-party: careconnect-stu3 skipped, SEVERN_DATA does not have it");
    };
    let mut counts: std::collections::BTreeMap<String, (usize, usize)> = std::collections::BTreeMap::new();
    let (mut files, mut quarantined) = (0, 0);
    for file in crate::third_party::files(&data) {
        let body = bundled(&std::fs::read_to_string(&file).unwrap(), file.extension().is_some_and(|extension| extension == "xml"));
        let known = dialect::convert(fhir::Version::Stu3, body.clone().into(), "");
        let server = |target: &str| match target {
            "stu3/Condition?patient=1" => Ok((200, body.clone())),
            "stu3/AllergyIntolerance?patient=1" | "stu3/MedicationStatement?patient=1" => bundle(&[]),
            t if t.starts_with("stu3/") && t != "stu3/metadata" => Ok((404, String::new())),
            t if t.contains("Bundle?") => Ok((404, String::new())),
            _ => case("both-parts")(target),
        };
        let (told, _) = told(&Need::everything(), &settings(), &server);
        let found = told.chart.patients.len() + told.chart.items.len() + told.chart.quarantined.len();
        assert_eq!(found, known.items.len() + known.quarantined.len() + 1, "{} loses resources", file.display());
        files += 1;
        quarantined += told.chart.quarantined.len();
        for item in told.chart.patients.iter().chain(&told.chart.items).filter(|item| item.id != "trust-1") {
            let count = counts.entry(item.origin.kind.to_string()).or_default();
            *count = (count.0 + 1, count.1 + item.findings.len());
        }
    }
    println!("third-party: careconnect-stu3 through carecentric files={files} quarantined={quarantined}");
    for (kind, (resources, findings)) in counts {
        println!("third-party: careconnect-stu3 {kind:<24} resources={resources:<4} findings={findings}");
    }
}

/// A resource as the one entry of a Bundle; a Bundle as it is.
fn bundled(text: &str, xml: bool) -> String {
    // Not told by its first letter to be a web page.
    let bare = text.split_once("?>").map_or(text, |(_, rest)| rest);
    if text.contains("<Bundle") || text.contains("\"Bundle\"") {
        return format!("\n{bare}");
    }
    if !xml {
        return format!(r#"{{"resourceType":"Bundle","entry":[{{"resource":{text}}}]}}"#);
    }
    format!(r#" <Bundle xmlns="http://hl7.org/fhir"><entry><resource>{bare}</resource></entry></Bundle>"#)
}

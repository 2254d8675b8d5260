//! Every role and purpose, every view and type, every label, as a page that an information-governance lead can read and sign.
//!
//! The page is `output/who-may-read.txt`. When a rule changes, this test fails and prints the new page; whoever changes the
//! rule puts it in place of the old one, and it is signed anew.

#![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

use std::fmt::Write;

use access::{Evidence, Permit, PersonFacts, Restriction, View, admit, decide, withhold};
use fhir::{Kind, Tree};
use jiff::Timestamp;
use record::{Ask, CARRIED, Caller, Item, Need, Organisation, Origin, PersonId, Question, SharedRecord, Traits, UserId};

const PAGE: &str = include_str!("output/who-may-read.txt");

/// Roles by what they are, each with its activities.
const READERS: &[(&str, &str, &[&str])] = &[
    ("clinician, detailed record", "R8000", &["B0360"]),
    ("clinician, summary", "R8000", &["B0370"]),
    ("clinician, medication", "R8000", &["B0401"]),
    ("clinician, no activity", "R8000", &[]),
    ("nurse, detailed record", "R8001", &["B0360"]),
    ("health professional, detailed", "R8003", &["B0360"]),
    ("healthcare student, summary", "R8002", &["B0370"]),
    ("administrator", "R8008", &["B0360", "B0370", "B0401"]),
    ("privacy officer", "R0001", &["B0360", "B0370", "B0401"]),
    ("Caldicott Guardian", "R5105", &["B0360", "B0370", "B0401"]),
    ("a role nobody knows", "R9999", &["B0360", "B0370", "B0401"]),
    ("no role", "", &["B0360", "B0370", "B0401"]),
];

const PURPOSES: &[&str] = &["TREAT", "CAREMGT", "COC", "ETREAT", "BTG", "HRESCH", "HPAYMT", "HOPERAT", "PATADMIN", "nonsense", ""];

const LABELS: &[(&str, &str)] = &[
    ("N", "http://terminology.hl7.org/CodeSystem/v3-Confidentiality"),
    ("R", "http://terminology.hl7.org/CodeSystem/v3-Confidentiality"),
    ("V", "http://hl7.org/fhir/v3/Confidentiality"),
    ("HIV", "http://terminology.hl7.org/CodeSystem/v3-ActCode"),
    ("STD", "http://terminology.hl7.org/CodeSystem/v3-ActCode"),
    ("SEX", "http://terminology.hl7.org/CodeSystem/v3-ActCode"),
    ("PSY", "http://hl7.org/fhir/v3/ActCode"),
    ("SDV", "http://terminology.hl7.org/CodeSystem/v3-ActCode"),
    ("GDIS", "http://terminology.hl7.org/CodeSystem/v3-ActCode"),
];

fn person() -> PersonId {
    "p-1".parse().unwrap()
}

fn permit(role: &str, activities: &[&str], purpose: &str) -> Result<Permit, access::Refusal> {
    let own = |list: &[&str]| list.iter().filter(|text| !text.is_empty()).map(|text| (*text).to_owned()).collect();
    let caller = Caller {
        user: UserId { issuer: "https://login.example".to_owned(), subject: "u-1".to_owned() },
        name: "A Reader".to_owned(),
        sds_user_id: None,
        sds_role_profile_id: None,
        human: true,
        organisation: Organisation { code: "RRK".parse().unwrap(), name: "Hospital".to_owned() },
        roles: own(&[role]),
        activities: own(activities),
        purposes: own(&[purpose]),
        scopes: own(&["user/*.rs"]),
        launch_patient: None,
        device: None,
        client: None,
        token_id: None,
    };
    let question = Question::Read { person: person(), need: Need::everything() };
    let ask = Ask { request: "q".parse().unwrap(), caller, question, hops: Vec::new(), wait: None };
    let facts = PersonFacts { person: Some(person()), restriction: Restriction::Unrestricted };
    decide(admit(&ask)?, &facts, &[Evidence::Launch(person())], Timestamp::UNIX_EPOCH)
}

/// Whether a resource of this type with this label is shown.
fn shows(permit: &Permit, kind: Kind, label: Option<(&str, &str)>) -> bool {
    let meta = label.map(|(code, system)| format!(r#"{{"meta":{{"security":[{{"system":"{system}","code":"{code}"}}]}}}}"#));
    let item = Item {
        kind,
        id: "i".to_owned(),
        origin: Origin { source: "a".parse().unwrap(), kind: kind.name().into(), id: None },
        tree: Tree::from_json(meta.unwrap_or_else(|| "{}".to_owned()).into()).unwrap(),
        findings: Vec::new(),
        traits: Traits::default(),
    };
    let mut record = SharedRecord::of(person(), vec![item]);
    withhold(permit, &mut record);
    !record.items.is_empty()
}

fn page() -> String {
    let mut page = String::from(
        "WHO MAY READ, given a relationship with the person, whose record is not restricted\n\n\
         Without a relationship nobody may. Restricted people nobody may, until a policy with an approver says so.\n\
         The scopes of a token may narrow what stands here, and never widen it.\n\n\
         By role and purpose of use: what is seen\n\n",
    );
    write!(page, "{:32}", "").unwrap();
    PURPOSES.iter().for_each(|purpose| write!(page, "{:>11}", if purpose.is_empty() { "(none)" } else { purpose }).unwrap());
    page.push('\n');
    for (who, role, activities) in READERS {
        write!(page, "{who:32}").unwrap();
        for purpose in PURPOSES {
            let seen = match permit(role, activities, purpose).map(|permit| permit.decision().0) {
                Ok(View::Administrative) => "appointm.",
                Ok(View::Detailed) => "detailed",
                Ok(View::Identity) => "identity",
                Ok(View::Medication) => "medication",
                Ok(View::Summary) => "summary",
                Err(_) => "-",
            };
            write!(page, "{seen:>11}").unwrap();
        }
        page.push('\n');
    }
    let views =
        [("detailed", "R8000", "B0360"), ("summary", "R8000", "B0370"), ("medication", "R8000", "B0401"), ("appointm.", "R8008", "")];
    let views = views.map(|(name, role, activity)| (name, permit(role, &[activity], "TREAT").unwrap()));
    page.push_str("\nBy type: which view shows it\n\n");
    write!(page, "{:32}", "").unwrap();
    views.iter().for_each(|(name, _)| write!(page, "{name:>11}").unwrap());
    page.push('\n');
    let mut line = |name: &str, kind: Kind, label: Option<(&str, &str)>| {
        write!(page, "{name:32}").unwrap();
        for (_, permit) in &views {
            write!(page, "{:>11}", if shows(permit, kind, label) { "yes" } else { "-" }).unwrap();
        }
        page.push('\n');
    };
    CARRIED.iter().for_each(|kind| line(kind.name(), *kind, None));
    line("\nA condition that its source labels", Kind::CONDITION, None);
    for (code, system) in LABELS {
        line(&format!("  {code}"), Kind::CONDITION, Some((code, system)));
    }
    page
}

#[test]
fn who_may_read_is_as_it_was_signed() {
    let page = page();
    assert!(page == PAGE, "the rules are not those of output/who-may-read.txt. They are now:\n\n{page}");
}

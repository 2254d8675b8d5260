//! Who may find, who may read, who may claim; and what is withheld from those who may.

#![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

use access::{
    Claim, ClaimKind, Evidence, Lists, PersonFacts, Refusal, Restriction, Rules, Site, Terms, Text, admit, decide, grant, withhold,
};
use fhir::{Kind, Tree};
use jiff::Timestamp;
use record::{Ask, Caller, Cluster, Item, Need, Organisation, Origin, PersonId, Question, SharedRecord, Tier, Traits, UserId};

const NOW: Timestamp = Timestamp::UNIX_EPOCH;

fn caller(role: &str, activities: &[&str], purpose: &str) -> Caller {
    let own = |list: &[&str]| list.iter().map(|text| (*text).to_owned()).collect();
    Caller {
        user: UserId { issuer: "https://login.example".to_owned(), subject: "u-1".to_owned() },
        name: "Dr A Example".to_owned(),
        sds_user_id: Some("999999999999".to_owned()),
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
    }
}

fn person() -> PersonId {
    "p-1".parse().unwrap()
}

fn find(caller: Caller) -> Ask {
    Ask { request: "q".parse().unwrap(), caller, question: Question::Find("9990000018".parse().unwrap()), hops: Vec::new(), wait: None }
}

fn read(caller: Caller) -> Ask {
    Ask { question: Question::Read { person: person(), need: Need::everything() }, ..find(caller) }
}

/// Whom a rule names is told apart from everybody, and nobody else from anybody.
#[test]
fn a_rule_about_one_person_is_about_nobody_else() {
    let text = "@id(\"own.one-person\")\nforbid (principal, action == Action::\"read\", resource == Record::\"p-2\");".to_owned();
    let rules = Rules::load(&[Text { file: "own.cedar".to_owned(), text }], None, Site::default()).unwrap();
    for (who, opens) in [("p-1", true), ("p-2", false), ("p-3", true), ("p-2", false), ("p-1", true)] {
        let person: PersonId = who.parse().unwrap();
        let facts = PersonFacts { person: Some(person.clone()), restriction: Restriction::Unrestricted };
        let admission = admit(&rules, &read(caller("R8000", &["B0360"], "TREAT")), NOW).unwrap();
        assert_eq!(decide(admission, &facts, &[Evidence::Launch(person)], NOW).is_ok(), opens, "{who}");
    }
}

#[test]
fn finding_needs_the_trace_activity_a_known_role_a_scope_and_care_as_purpose() {
    let check = |change: &dyn Fn(&mut Caller), expected: Result<(), Refusal>| {
        let mut caller = caller("R8000", &["B0264"], "TREAT");
        change(&mut caller);
        assert_eq!(admit(&Rules::shipped(), &find(caller), NOW).map(|_| ()), expected);
    };
    check(&|_| {}, Ok(()));
    check(&|caller| caller.activities.clear(), Err(Refusal::NoActivity));
    check(&|caller| caller.activities = vec!["B0360".into()], Err(Refusal::NoActivity));
    check(&|caller| caller.roles = vec!["R9999".into()], Err(Refusal::UnknownRole));
    check(&|caller| caller.roles.clear(), Err(Refusal::UnknownRole));
    check(&|caller| caller.purposes = vec!["HRESCH".into()], Err(Refusal::NotCare));
    check(&|caller| caller.purposes.clear(), Err(Refusal::NotCare));
    check(&|caller| caller.scopes = vec!["openid".into()], Err(Refusal::Scope));
    check(&|caller| caller.scopes = vec!["user/*.cud".into()], Err(Refusal::Scope));
    check(&|caller| caller.scopes = vec!["user/*.read".into()], Ok(()));
}

#[test]
fn reading_needs_a_view_and_a_relationship_that_has_not_ended() {
    let later = NOW + jiff::SignedDuration::from_hours(1);
    let launch = Evidence::Launch(person());
    let other = Evidence::Launch("p-2".parse().unwrap());
    let claimed = Evidence::SelfClaimed { until: later };
    let over = Evidence::SelfClaimed { until: NOW };
    let facts = |person: Option<PersonId>, restriction| PersonFacts { person, restriction };
    let check = |activities: &[&str], facts: PersonFacts, evidence: &[Evidence], expected: Result<bool, Refusal>| {
        let decided = admit(&Rules::shipped(), &read(caller("R8000", activities, "TREAT")), NOW)
            .and_then(|admission| decide(admission, &facts, evidence, NOW));
        assert_eq!(decided.map(|permit| permit.is_emergency()), expected, "{activities:?} {facts:?} {evidence:?}");
    };
    let open = || facts(Some(person()), Restriction::Unrestricted);
    check(&["B0360"], open(), std::slice::from_ref(&launch), Ok(false));
    check(&["B0360"], open(), std::slice::from_ref(&claimed), Ok(false));
    check(&["B0360", "B0168"], open(), &[Evidence::Emergency { until: later }], Ok(true));
    check(&["B0360", "B0168"], open(), &[Evidence::Emergency { until: later }, claimed], Ok(false));
    // Who may claim no emergency, or no more, is opened nothing by one.
    check(&["B0360"], open(), &[Evidence::Emergency { until: later }], Err(Refusal::NoRelationship));
    check(&["B0360"], open(), &[], Err(Refusal::NoRelationship));
    check(&["B0360"], open(), &[other], Err(Refusal::NoRelationship));
    check(&["B0360"], open(), &[over], Err(Refusal::NoRelationship));
    check(&["B0264"], open(), std::slice::from_ref(&launch), Err(Refusal::NoActivity));
    check(&["B0360"], facts(None, Restriction::Unrestricted), std::slice::from_ref(&launch), Err(Refusal::UnknownPerson));
    check(&["B0360"], facts(Some(person()), Restriction::Restricted), std::slice::from_ref(&launch), Err(Refusal::Restricted));
    check(&["B0360"], facts(Some(person()), Restriction::Unknown), &[launch], Err(Refusal::Restricted));
}

/// A restricted record opens to one thing only: an emergency, to who may access flagged records, where somebody put their name to it.
#[test]
fn a_restricted_record_opens_in_an_emergency_that_somebody_accepted_and_without_a_place() {
    let later = NOW + jiff::SignedDuration::from_hours(1);
    let (launch, emergency) = (Evidence::Launch(person()), Evidence::Emergency { until: later });
    let accepted = Rules::load(&[], None, Site { restricted_in_emergency: true, ..Site::default() }).unwrap();
    let check = |rules: &Rules, activities: &[&str], restriction, evidence: &[Evidence], expected: Result<(bool, bool), Refusal>| {
        let facts = PersonFacts { person: Some(person()), restriction };
        let decided =
            admit(rules, &read(caller("R8000", activities, "ETREAT")), NOW).and_then(|admission| decide(admission, &facts, evidence, NOW));
        let decided = decided.map(|permit| (permit.is_emergency(), permit.hides_place()));
        assert_eq!(decided, expected, "{activities:?} {restriction:?} {evidence:?}");
    };
    use Restriction::{Restricted, Unknown, Unrestricted};
    let (all, closed) = (&["B0360", "B0168", "B1611"][..], Err(Refusal::Restricted));
    check(&accepted, all, Restricted, std::slice::from_ref(&emergency), Ok((true, true)));
    check(&accepted, all, Restricted, &[emergency.clone(), launch.clone()], Ok((true, true)));
    check(&accepted, all, Restricted, std::slice::from_ref(&launch), closed);
    check(&accepted, all, Restricted, &[Evidence::SelfClaimed { until: later }], closed);
    check(&accepted, all, Restricted, &[Evidence::Emergency { until: NOW }], Err(Refusal::NoRelationship));
    check(&accepted, &["B0360", "B0168"], Restricted, std::slice::from_ref(&emergency), closed);
    check(&accepted, &["B0360", "B1611"], Restricted, std::slice::from_ref(&emergency), Err(Refusal::NoRelationship));
    check(&accepted, all, Unknown, std::slice::from_ref(&emergency), closed);
    check(&accepted, all, Unrestricted, std::slice::from_ref(&emergency), Ok((true, false)));
    check(&Rules::shipped(), all, Restricted, std::slice::from_ref(&emergency), closed);
    let claimed = |rules: &Rules, activities: &[&str], kind, restriction| {
        access::claimable(rules, &caller("R8000", activities, "ETREAT"), kind, restriction, NOW)
    };
    assert_eq!(claimed(&accepted, all, ClaimKind::Emergency, Restricted), Ok(()));
    assert_eq!(claimed(&accepted, all, ClaimKind::Emergency, Unknown), closed.map(|_: (bool, bool)| ()));
    assert_eq!(claimed(&accepted, all, ClaimKind::Relationship, Restricted), Err(Refusal::Restricted));
    assert_eq!(claimed(&accepted, &["B0360", "B0168"], ClaimKind::Emergency, Restricted), Err(Refusal::Restricted));
    assert_eq!(claimed(&Rules::shipped(), all, ClaimKind::Emergency, Restricted), Err(Refusal::Restricted));
    assert_eq!(claimed(&Rules::shipped(), &[], ClaimKind::Relationship, Unrestricted), Ok(()), "the claim itself is judged by `grant`");
}

fn claim(kind: ClaimKind) -> Claim {
    Claim { kind, reason_system: String::new(), reason_code: "TREAT".to_owned(), text: "Unconscious in the department".to_owned() }
}

#[test]
fn golden_11_emergency_access_without_the_role_is_denied() {
    let terms = Terms { relationship_hours: 12, emergency_hours: 9 };
    let check = |caller: Caller, claim: Claim, expected: Result<i64, Refusal>| {
        let granted = grant(&Rules::shipped(), &read(caller), &claim, terms, NOW);
        assert_eq!(granted.map(|granted| granted.until.as_second() / 3600), expected);
    };
    let clinical = &["B0360", "B0168"];
    // Four hours is the most, whatever the configuration says.
    check(caller("R8000", clinical, "ETREAT"), claim(ClaimKind::Emergency), Ok(4));
    check(caller("R8000", &["B0360"], "ETREAT"), claim(ClaimKind::Emergency), Err(Refusal::NoActivity));
    check(caller("R8008", clinical, "ETREAT"), claim(ClaimKind::Emergency), Err(Refusal::NoActivity));
    check(caller("R0001", clinical, "ETREAT"), claim(ClaimKind::Emergency), Err(Refusal::NoActivity));
    check(caller("R8000", clinical, "HRESCH"), claim(ClaimKind::Emergency), Err(Refusal::NotCare));
    check(caller("R8000", clinical, "TREAT"), claim(ClaimKind::Relationship), Ok(12));
    check(caller("R0001", clinical, "TREAT"), claim(ClaimKind::Relationship), Err(Refusal::Unclaimable));
    check(caller("R8000", clinical, "TREAT"), Claim { text: " ".to_owned(), ..claim(ClaimKind::Relationship) }, Err(Refusal::Unclaimable));
    let machine = Caller { human: false, ..caller("R8000", clinical, "TREAT") };
    check(machine, claim(ClaimKind::Relationship), Err(Refusal::Unclaimable));
}

fn item(kind: Kind, id: &str, json: &str) -> Item {
    Item {
        kind,
        id: id.to_owned(),
        origin: Origin { source: "a".parse().unwrap(), kind: kind.name().into(), id: None },
        tree: Tree::from_json(json.to_owned().into()).unwrap(),
        findings: Vec::new(),
        traits: Traits::default(),
    }
}

fn shown(role: &str, activities: &[&str], items: Vec<Item>) -> (Vec<String>, usize) {
    let facts = PersonFacts { person: Some(person()), restriction: Restriction::Unrestricted };
    let permit = decide(
        admit(&Rules::shipped(), &read(caller(role, activities, "TREAT")), NOW).unwrap(),
        &facts,
        &[Evidence::Launch(person())],
        NOW,
    )
    .unwrap();
    let mut record = SharedRecord::of(person(), items);
    withhold(&permit, &Lists::default(), &mut record);
    (record.items.iter().map(|item| item.tree.to_json()).collect(), record.withheld.len())
}

#[test]
fn each_role_is_shown_its_view_and_no_more() {
    let items = || {
        vec![
            item(Kind::OBSERVATION, "o", "{}"),
            item(Kind::MEDICATION_REQUEST, "m", "{}"),
            item(Kind::CONDITION, "c", "{}"),
            item(Kind::APPOINTMENT, "x", "{}"),
        ]
    };
    for (role, activities, left) in [("R8000", ["B0360"], 4), ("R8000", ["B0370"], 2), ("R8003", ["B0401"], 1), ("R8008", ["B0360"], 1)] {
        let (shown, withheld) = shown(role, &activities, items());
        assert_eq!((shown.len(), withheld), (left, 4 - left), "{role} {activities:?}");
    }
}

#[test]
fn golden_13_what_is_withheld_takes_no_sibling_along_and_leaves_no_trace() {
    let secret = r#"{"meta":{"security":[{"system":"http://terminology.hl7.org/CodeSystem/v3-Confidentiality","code":"R"}]}}"#;
    let list = r#"{"text":{"div":"two"},"entry":[{"item":{"reference":"Condition/c1"}},{"item":{"reference":"Condition/c2"}}]}"#;
    let visit = r#"{"status":"finished","reasonReference":[{"reference":"Condition/c1"}]}"#;
    let items = vec![
        item(Kind::CONDITION, "c1", secret),
        item(Kind::CONDITION, "c2", "{}"),
        item(Kind::LIST, "l", list),
        item(Kind::ENCOUNTER, "e", visit),
    ];
    let (shown, withheld) = shown("R8000", &["B0360"], items);
    assert_eq!(withheld, 1);
    let redacted = r#"{"entry":[{"item":{"reference":"Condition/c2"}}],"meta":{"security":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ObservationValue","code":"REDACTED"}]}}"#;
    assert_eq!(shown, ["{}", redacted, r#"{"status":"finished"}"#]);
}

#[test]
fn golden_26_a_relay_without_the_label_is_withheld_with_what_its_owner_labels() {
    let secret = r#"{"meta":{"security":[{"system":"http://terminology.hl7.org/CodeSystem/v3-Confidentiality","code":"R"}]}}"#;
    let permit = {
        let facts = PersonFacts { person: Some(person()), restriction: Restriction::Unrestricted };
        decide(
            admit(&Rules::shipped(), &read(caller("R8000", &["B0360"], "TREAT")), NOW).unwrap(),
            &facts,
            &[Evidence::Launch(person())],
            NOW,
        )
        .unwrap()
    };
    let left = |tier: Tier| {
        let items =
            vec![item(Kind::CONDITION, "owned", secret), item(Kind::CONDITION, "relayed", "{}"), item(Kind::CONDITION, "other", "{}")];
        let mut record = SharedRecord::of(person(), items);
        let (id, why) = ("c".to_owned(), String::new());
        record.clusters.push(Cluster {
            id,
            tier,
            collapses: true,
            representative: 0,
            members: vec![0, 1],
            lagging: vec![],
            retracted: false,
            why,
        });
        withhold(&permit, &Lists::default(), &mut record);
        assert!(record.clusters.is_empty());
        record.items.iter().map(|item| item.id.clone()).collect::<Vec<_>>()
    };
    assert_eq!(left(Tier::T1), ["other"]);
    assert_eq!(left(Tier::T2), ["other"]);
    // What only looks the same is another's own statement.
    assert_eq!(left(Tier::T3), ["relayed", "other"]);
}

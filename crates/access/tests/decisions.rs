//! Who may find, who may read, who may claim, who works at the desks; what is withheld from those who may; and whom an objection keeps out.

#![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

use access::consent::{Directive, Directives, may_record, minded};
use access::{
    Category, Claim, ClaimKind, Evidence, Lists, Permit, PersonFacts, Refusal, Restriction, Rules, Site, Terms, Text, Tie, TieKind, admit,
    decide, grant, privacy, steward, withhold,
};
use fhir::{Kind, Tree};
use jiff::{SignedDuration, Timestamp};
use record::{
    Ask, Caller, Cluster, Item, Need, OdsCode, Organisation, Origin, PersonId, Question, SharedRecord, SourceId, Tier, Traits, UserId,
};

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

/// What is wrong with the caller is named before what their token does not cover, and that before what they may not do.
#[test]
fn of_several_refusals_that_is_named_which_says_least_of_the_rules() {
    let check =
        |ask: fn(Caller) -> Ask, purpose: &str, activities: &[&str], scopes: &str, launched: bool, expected: Result<(), Refusal>| {
            let scopes = scopes.split(' ').map(str::to_owned).collect();
            let caller = Caller { scopes, launch_patient: launched.then(person), ..caller("R8000", activities, purpose) };
            assert_eq!(admit(&Rules::shipped(), &ask(caller.clone()), NOW).map(|_| ()), expected, "{caller:?}");
        };
    let all = &["B0360", "B0264"];
    for ask in [read as fn(Caller) -> Ask, find] {
        check(ask, "TREAT", all, "user/*.rs", false, Ok(()));
        check(ask, "TREAT", all, "openid", false, Err(Refusal::Scope));
        check(ask, "TREAT", all, "openid", true, Err(Refusal::Scope));
        check(ask, "HRESCH", all, "openid", false, Err(Refusal::NotCare));
        check(ask, "TREAT", &[], "openid", false, Err(Refusal::Scope));
        check(ask, "TREAT", &[], "user/*.rs", false, Err(Refusal::NoActivity));
        check(ask, "TREAT", all, "user/*.rs?_id=1", false, Err(Refusal::ScopeFilter));
        check(ask, "TREAT", all, "patient/*.rs", false, Err(Refusal::Scope));
    }
    check(read, "TREAT", all, "user/Observation.rs", false, Ok(()));
    check(find, "TREAT", all, "user/Observation.rs", false, Err(Refusal::Scope));
    check(find, "TREAT", all, "user/Patient.rs", false, Ok(()));
    // Whoever is to see one person is not to find others.
    check(read, "TREAT", all, "patient/*.rs", true, Ok(()));
    check(find, "TREAT", all, "patient/*.rs", true, Err(Refusal::Scope));
}

/// A rule of a site that forbids is named itself, unless it says by which refusal.
#[test]
fn a_rule_of_a_site_refuses_by_the_name_that_it_gives() {
    let check = |annotation: &str, expected: Option<Refusal>| {
        let when = r#"when { resource.relationships.contains("launch") && principal.purposes.contains("COC") }"#;
        let text = format!("@id(\"site.own\")\n{annotation}\nforbid (principal, action == Action::\"read\", resource)\n{when};");
        let rules = Rules::load(&[Text { file: "site.cedar".to_owned(), text }], None, Site::default()).unwrap();
        let own = rules.names().into_iter().find(|rule| rule.as_str() == "site.own").unwrap();
        let facts = PersonFacts { person: Some(person()), restriction: Restriction::Unrestricted };
        let admission = admit(&rules, &read(caller("R8000", &["B0360"], "COC")), NOW).unwrap();
        let refused = decide(admission, &facts, &[Evidence::Launch(person())], NOW).err();
        assert_eq!(refused, Some(expected.unwrap_or(Refusal::Rule(own))), "{annotation}");
    };
    check("", None);
    check("@refusal(\"no-activity\")", Some(Refusal::NoActivity));
    check("@refusal(\"no-relationship\")", Some(Refusal::NoRelationship));
    check("@refusal(\"not-care\")", Some(Refusal::NotCare));
    check("@refusal(\"restricted\")", Some(Refusal::Restricted));
    check("@refusal(\"unclaimable\")", Some(Refusal::Unclaimable));
}

#[test]
fn a_tie_opens_the_record_to_the_organisation_that_it_names_while_it_speaks() {
    let hour = SignedDuration::from_hours(1);
    let check = |tie: Tie, expected: Result<bool, Refusal>| {
        let facts = PersonFacts { person: Some(person()), restriction: Restriction::Unrestricted };
        let admission = admit(&Rules::shipped(), &read(caller("R8000", &["B0360"], "TREAT")), NOW).unwrap();
        let decided = decide(admission, &facts, &[Evidence::Tied(tie.clone())], NOW);
        let by_it = decided.map(|permit| permit.why().iter().any(|rule| rule.as_str() == tie.kind.rule()));
        assert_eq!(by_it, expected, "{tie:?}");
    };
    for kind in TieKind::ALL {
        let tie = || Tie { kind, organisation: "RRK".parse().unwrap(), from: NOW, until: NOW + hour };
        check(tie(), Ok(true));
        check(Tie { organisation: "QWU".parse().unwrap(), ..tie() }, Err(Refusal::NoRelationship));
        check(Tie { from: NOW + hour, until: NOW + hour + hour, ..tie() }, Err(Refusal::NoRelationship));
        check(Tie { from: NOW - hour, until: NOW, ..tie() }, Err(Refusal::NoRelationship));
    }
}

#[test]
fn at_a_desk_works_a_person_whose_token_was_given_its_scope_and_who_has_the_role_for_it() {
    let check = |role: &str, scopes: &str, human: bool, operates: bool, reviews: Result<(), Refusal>| {
        let scopes = scopes.split(' ').map(str::to_owned).collect();
        let caller = Caller { scopes, human, ..caller(role, &["B0360"], "TREAT") };
        let operates = if operates { Ok(()) } else { Err(Refusal::Scope) };
        assert_eq!(steward(&Rules::shipped(), &caller, NOW), operates, "{caller:?}");
        assert_eq!(privacy(&Rules::shipped(), &caller, NOW), reviews, "{caller:?}");
    };
    let unscoped = Err(Refusal::Scope);
    check("R8000", "user/*.rs severn.operator", true, true, unscoped);
    check("R8000", "user/*.rs severn.operator", false, false, unscoped);
    for (role, reviews) in [("R0001", Ok(())), ("R5105", Ok(())), ("R8000", Err(Refusal::NoReviewer))] {
        check(role, "user/*.rs severn.privacy", true, false, reviews);
        check(role, "user/*.rs severn.privacy", false, false, unscoped);
        check(role, "user/*.rs severn.privacyx", true, false, unscoped);
        check(role, "user/*.rs", true, false, unscoped);
    }
}

/// What the ledger is told: by which rules, and of which version.
#[test]
fn whoever_may_is_told_apart_by_the_rules_that_made_it_so() {
    let names = |rules: &[access::RuleId]| rules.iter().map(|rule| rule.as_str()).collect::<Vec<_>>();
    let found = |activities: &[&str]| admit(&Rules::shipped(), &find(caller("R8000", activities, "TREAT")), NOW).unwrap();
    let admission = found(&["B0264"]);
    assert_eq!((names(admission.why()), admission.version()), (vec!["find.trace-activity"], Rules::shipped().version()));
    assert!(!admission.finds_restricted());
    assert!(found(&["B0264", "B1611"]).finds_restricted());
    for (scopes, more) in [("user/*.rs", None), ("user/Observation.rs", Some("scope.some-types"))] {
        let permit = permit(Caller { scopes: vec![scopes.to_owned()], ..caller("R8000", &["B0360"], "TREAT") });
        let why = ["view.clinician-full", "relationship.launch"].into_iter().chain(more);
        assert_eq!((names(permit.why()), permit.version()), (why.collect(), Rules::shipped().version()), "{scopes}");
    }
}

#[test]
fn reading_needs_a_view_and_a_relationship_that_has_not_ended() {
    let later = NOW + SignedDuration::from_hours(1);
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
    let later = NOW + SignedDuration::from_hours(1);
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
    // Nor by a token that covers nothing, or one person alone; what is wrong with the caller is named first.
    let scoped = |scopes: &str, caller: Caller| Caller { scopes: vec![scopes.to_owned()], launch_patient: Some(person()), ..caller };
    for (scopes, expected) in [
        ("openid", Err(Refusal::Scope)),
        ("patient/*.rs", Err(Refusal::Scope)),
        ("user/*.rs?_id=1", Err(Refusal::ScopeFilter)),
        ("user/*.r", Ok(12)),
        ("user/*.s", Ok(12)),
    ] {
        check(scoped(scopes, caller("R8000", clinical, "TREAT")), claim(ClaimKind::Relationship), expected);
    }
    check(scoped("openid", caller("R8000", &["B0360"], "ETREAT")), claim(ClaimKind::Emergency), Err(Refusal::Scope));
    check(scoped("openid", caller("R8000", clinical, "HRESCH")), claim(ClaimKind::Emergency), Err(Refusal::NotCare));
}

/// A law is claimed by whoever has the activity, where somebody put their name to it that it may be, and for four hours at most.
#[test]
fn a_law_overrides_what_a_person_objects_to_where_it_may_and_for_hours() {
    let lawful = Rules::load(&[], None, Site { legal_override: true, ..Site::default() }).unwrap();
    let later = NOW + SignedDuration::from_hours(1);
    let whole = || Directives::Known(vec![Directive::default()]);
    let check = |rules: &Rules, activity: &str, until: Timestamp, said: Directives, expected: Result<Option<Timestamp>, Refusal>| {
        let caller = caller("R8000", &["B0360", activity], "TREAT");
        let terms = Terms { relationship_hours: 12, emergency_hours: 9 };
        let claimed = grant(rules, &read(caller.clone()), &claim(ClaimKind::LegalOverride), terms, NOW);
        let hours = claimed.map(|granted| granted.until.as_second() / 3600);
        let may = activity == "B0082"
            && rules.version() == lawful.version()
            && rules.decide(access::Action::OverrideObjection, &caller, NOW).allowed;
        assert_eq!(hours, if may { Ok(4) } else { Err(Refusal::NoActivity) });
        let evidence = [Evidence::Launch(person()), Evidence::LegalOverride { until: NOW }, Evidence::LegalOverride { until }];
        let overridden = minded(permit_by(rules, caller, &evidence), &said, NOW).map(|permit| {
            let why = permit.why().iter().any(|rule| rule.as_str() == "objection.legal-override");
            assert_eq!((why, permit.objects_to_nothing()), (permit.overridden().is_some(), true));
            permit.overridden()
        });
        assert_eq!(overridden, expected, "{activity} {until}");
    };
    check(&lawful, "B0082", later, whole(), Ok(Some(later)));
    check(&lawful, "B0082", later, Directives::Known(Vec::new()), Ok(None));
    check(&lawful, "B0082", later, Directives::Unreachable, Err(Refusal::ObjectionsUnknown));
    check(&lawful, "B0082", NOW, whole(), Err(Refusal::Objected));
    check(&lawful, "B0168", later, whole(), Err(Refusal::Objected));
    check(&Rules::shipped(), "B0082", later, whole(), Err(Refusal::Objected));
}

fn permit(caller: Caller) -> Permit {
    permit_by(&Rules::shipped(), caller, &[Evidence::Launch(person())])
}

fn permit_by(rules: &Rules, caller: Caller, evidence: &[Evidence]) -> Permit {
    let facts = PersonFacts { person: Some(person()), restriction: Restriction::Unrestricted };
    decide(admit(rules, &read(caller), NOW).unwrap(), &facts, evidence, NOW).unwrap()
}

fn codes(all: &str) -> Vec<OdsCode> {
    all.split_whitespace().map(|code| code.parse().unwrap()).collect()
}

#[test]
fn an_objection_stands_against_whom_it_names_while_it_lasts() {
    let hour = SignedDuration::from_hours(1);
    let (before, after) = (Some(NOW - hour), Some(NOW + hour));
    for (recipients, from, until, stands) in [
        ("", None, None, true),
        ("RRK", None, None, true),
        ("QWU RRK", None, None, true),
        ("QWU", None, None, false),
        ("", before, None, true),
        ("", Some(NOW), None, true),
        ("", after, None, false),
        ("", None, before, false),
        ("", None, Some(NOW), false),
        ("", None, after, true),
        ("RRK", before, after, true),
        ("QWU", before, after, false),
        ("RRK", after, None, false),
    ] {
        let directive = Directive { recipients: codes(recipients), from, until, ..Directive::default() };
        assert_eq!(directive.stands(&caller("R8000", &["B0360"], "TREAT"), NOW), stands, "{directive:?}");
        let refused = minded(permit(caller("R8000", &["B0360"], "TREAT")), &Directives::Known(vec![directive]), NOW).err();
        assert_eq!(refused, stands.then_some(Refusal::Objected));
    }
}

/// Whose, and of what: of a problem and a medicine, held by two organisations.
#[test]
fn an_objection_keeps_back_what_it_names_and_until_somebody_looked_everything() {
    let (qwu, rxk, empty): (OdsCode, OdsCode, _) = ("QWU".parse().unwrap(), "RXK".parse().unwrap(), Tree::object());
    let told = |permit: &Permit| {
        let each = |custodian| {
            let objects = |kind| permit.objects(kind, &empty, custodian);
            (objects(Kind::CONDITION), objects(Kind::MEDICATION_REQUEST), permit.closes(custodian))
        };
        let named = |kind| permit.objected_custodians(kind, &empty).map(OdsCode::as_str).collect::<Vec<_>>().join(" ");
        (permit.objects_to_nothing(), each(&qwu), each(&rxk), named(Kind::CONDITION), named(Kind::MEDICATION_REQUEST))
    };
    let (all, none, medicines) = ((true, true, true), (false, false, false), (false, true, false));
    assert_eq!(told(&permit(caller("R8000", &["B0360"], "TREAT"))), (false, all, all, String::new(), String::new()), "nobody looked");
    for (custodians, categories, nothing, of_qwu, of_rxk, problems_of, medicines_of) in [
        (None, vec![], true, none, none, "", ""),
        (Some("QWU"), vec![], false, all, none, "QWU", "QWU"),
        (Some("QWU RXK"), vec![], false, all, all, "QWU RXK", "QWU RXK"),
        (Some(""), vec![Category::MEDICINES], false, medicines, medicines, "", ""),
        (Some("RXK"), vec![Category::MEDICINES], false, none, medicines, "", "RXK"),
    ] {
        let directive = |custodians| Directive { custodians: codes(custodians), categories, ..Directive::default() };
        let said = Directives::Known(custodians.map(directive).into_iter().collect());
        let permit = minded(permit(caller("R8000", &["B0360"], "TREAT")), &said, NOW).unwrap();
        assert_eq!(told(&permit), (nothing, of_qwu, of_rxk, problems_of.to_owned(), medicines_of.to_owned()), "{said:?}");
    }
}

/// An objection is recorded by a person who looks after whom it is of, with a token that lets Consents of them be written.
#[test]
fn what_a_person_says_is_recorded_by_who_may_write_of_this_very_person() {
    let later = NOW + SignedDuration::from_hours(1);
    let (launch, claimed) = (Evidence::Launch(person()), Evidence::SelfClaimed { until: later });
    let elsewhere = [Evidence::Launch("p-2".parse().unwrap()), claimed.clone()];
    let check = |human: bool, scopes: &str, evidence: &[Evidence], expected: Result<(), Refusal>| {
        let launch_patient = evidence.iter().find_map(|one| if let Evidence::Launch(person) = one { Some(person.clone()) } else { None });
        let scopes = scopes.split(' ').map(str::to_owned).collect();
        let sds_user_id = human.then(|| "999999999999".to_owned());
        let caller = Caller { human, scopes, launch_patient, sds_user_id, ..caller("R8000", &["B0360", "B0168"], "ETREAT") };
        assert_eq!(may_record(&permit_by(&Rules::shipped(), caller.clone(), evidence)), expected, "{caller:?} {evidence:?}");
    };
    let (of_launch, of_claim) = (std::slice::from_ref(&launch), std::slice::from_ref(&claimed));
    check(true, "user/*.rs user/Consent.cu", of_claim, Ok(()));
    check(true, "user/*.cruds", of_claim, Ok(()));
    check(true, "user/*.rs user/Condition.cu", of_claim, Err(Refusal::Scope));
    check(true, "user/*.rs", of_launch, Err(Refusal::Scope));
    check(true, "user/*.rs patient/Consent.cu", of_launch, Ok(()));
    check(true, "user/*.rs patient/Condition.cu", of_launch, Err(Refusal::Scope));
    check(true, "user/*.rs patient/Consent.cu", of_claim, Err(Refusal::Scope));
    check(true, "user/*.rs patient/Consent.cu", &elsewhere, Err(Refusal::Scope));
    check(true, "user/*.cruds", &[Evidence::Emergency { until: later }], Err(Refusal::NoRelationship));
    check(false, "system/*.cruds", of_claim, Err(Refusal::NoActivity));
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

/// What a reader may ask of a source, and what is said of what they may not, is what would be shown.
#[test]
fn what_may_be_asked_of_a_source_is_what_would_be_shown() {
    let sources: [SourceId; 3] = ["gp", "ccr", "soc"].map(|id| id.parse().unwrap());
    let [gp, ccr, soc] = &sources;
    let own = "@id(\"own.gp\") forbid (principal, action == Action::\"see\", resource) when { resource.source == \"gp\" && resource.category != \"allergies\" };
        @id(\"own.soc\") forbid (principal, action == Action::\"see\", resource) when { resource.source == \"soc\" };";
    let site = Site { sources: sources.iter().map(|id| (id.clone(), "RRK".parse().unwrap())).collect(), ..Site::default() };
    let rules = Rules::load(&[Text { file: "own.cedar".to_owned(), text: own.to_owned() }], None, site).unwrap();
    let by = |activity: &str, scope: &str| {
        let caller = Caller { scopes: vec![scope.to_owned()], ..caller("R8000", &[activity], "TREAT") };
        permit_by(&rules, caller, &[Evidence::Launch(person())])
    };
    let (role, scope) = ("your role and activities do not cover this type", "the scopes of your token do not cover this type");
    let shares = "what this source shares does not cover this type for you";
    let check = |permit: &Permit, kind: Kind, everywhere: Option<&str>, of: [Option<&str>; 3]| {
        assert_eq!((permit.lacks(kind), permit.allows(kind)), (everywhere, everywhere.is_none()), "{kind}");
        for (source, why) in sources.iter().zip(of) {
            assert_eq!((permit.lacks_of(source, kind), permit.may_ask(source, kind)), (why, why.is_none()), "{kind} of {source}");
            assert_eq!(permit.shows_all_plain(kind, source), why.is_none(), "{kind} of {source}");
        }
    };
    let full = by("B0360", "user/*.rs");
    check(&full, Kind::CONDITION, None, [Some(shares), None, Some(shares)]);
    check(&full, Kind::ALLERGY_INTOLERANCE, None, [None, None, Some(shares)]);
    assert_eq!([gp, ccr, soc].map(|source| full.may_ask_anything(source)), [true, true, false]);
    assert_eq!(full.views(), ["clinician-full"]);
    assert!(full.scopes().is_whole());
    let limited = by("B0370", "user/*.rs");
    check(&limited, Kind::APPOINTMENT, Some(role), [Some(role); 3]);
    assert_eq!(limited.views(), ["summary"]);
    let narrow = by("B0360", "user/Condition.rs");
    check(&narrow, Kind::ALLERGY_INTOLERANCE, Some(scope), [Some(scope); 3]);
    check(&narrow, Kind::CONDITION, None, [Some(shares), None, Some(shares)]);
    assert_eq!([gp, ccr, soc].map(|source| narrow.may_ask_anything(source)), [false, true, false]);
    assert!(narrow.scopes().covers(Kind::CONDITION) && !narrow.scopes().covers(Kind::ALLERGY_INTOLERANCE));
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

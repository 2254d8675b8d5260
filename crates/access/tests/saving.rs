//! What is refused when rules are saved, each with words, file and line; and that what is fine is not.

#![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

use std::collections::{BTreeMap, BTreeSet};

use access::{Fault, Rules, Site, Text};
use jiff::civil::date;

fn site() -> Site {
    let kinds = |kinds: &[&str]| kinds.iter().map(|kind| (*kind).to_owned()).collect::<BTreeSet<String>>();
    Site {
        sources: vec![("gp".parse().unwrap(), "M85001".parse().unwrap()), ("ccr".parse().unwrap(), "QWU".parse().unwrap())],
        organisations: BTreeMap::from([("RRK".to_owned(), kinds(&["RO197"])), ("FX123".to_owned(), kinds(&["RO182"]))]),
        strangers: BTreeSet::from(["p-unknown".to_owned()]),
        today: Some(date(2026, 11, 27)),
        ..Site::default()
    }
}

fn own(text: &str) -> Text {
    Text { file: "site.cedar".to_owned(), text: text.to_owned() }
}

fn faults(text: &str) -> Vec<Fault> {
    Rules::load(&[own(text)], None, site()).err().unwrap_or_default()
}

/// A rule that permits to see, with these conditions, is refused with these words; none: is taken.
fn check(condition: &str, words: &str) {
    let text = format!("// a comment\n@id(\"site.rule\")\npermit (principal, action == Action::\"see\", resource)\n{condition};\n");
    refused(&text, words, 2);
}

fn refused(text: &str, words: &str, line: usize) {
    let faults = faults(text);
    let said: Vec<String> = faults.iter().map(ToString::to_string).collect();
    if words.is_empty() {
        assert!(faults.is_empty(), "{text}\n{said:?}");
        return;
    }
    assert!(said.iter().any(|said| said.contains(words)), "{text}\n{said:?}");
    assert!(faults.iter().all(|fault| fault.file == "site.cedar" && fault.line == line), "{said:?}");
}

#[test]
fn the_rules_that_are_shipped_are_taken() {
    assert!(Rules::load(&[], None, site()).is_ok());
}

#[test]
fn golden_11_an_empty_group_is_refused_on_saving() {
    let empty = "an empty group";
    check("when { principal.roles.containsAny([]) }", empty);
    check("when { principal.roles.containsAll([]) }", empty);
    check("when { [].contains(resource.category) }", empty);
    check("when { principal in [] }", empty);
    check("unless { principal.roles.containsAny([]) }", empty);
    check("when { principal.roles == [] }", empty);
    check("when { if principal.human then [].contains(resource.category) else true }", empty);
    refused("@id(\"a\")\npermit (principal, action in [], resource);", "an empty group", 1);
    // That the emptiness of a caller's own set is asked for is no empty group.
    check("when { principal.views.isEmpty() }", "");
}

#[test]
fn golden_11_a_rule_for_an_unknown_patient_is_refused_on_saving() {
    let unknown = "\"p-unknown\" is no person that is known here";
    let with =
        |resource: &str, condition: &str| format!("@id(\"a\")\npermit (principal, action == Action::\"read\", {resource}){condition};");
    refused(&with("resource == Record::\"p-unknown\"", ""), unknown, 1);
    refused(&with("resource in Record::\"p-unknown\"", ""), unknown, 1);
    refused(&with("resource", " when { resource == Record::\"p-unknown\" }"), unknown, 1);
    refused(&with("resource", " unless { resource in [Record::\"p-unknown\", Record::\"p-1\"] }"), unknown, 1);
    refused(&with("resource == Record::\"p-1\"", ""), "", 1);
    let named = Rules::persons_named(&[own(&with("resource == Record::\"p-1\"", " unless { resource == Record::\"p-2\" }"))]);
    assert_eq!(named.into_iter().collect::<Vec<_>>(), ["p-1", "p-2"]);
}

#[test]
fn a_word_that_nothing_bears_is_refused_on_saving() {
    check("when { principal.roles.contains(\"R8000\") }", "");
    check("when { principal.roles.contains(\"R9999\") }", "\"R9999\" is no national job role code");
    check("when { principal.roles.containsAny([\"R8000\", \"r8001\"]) }", "\"r8001\" is no national job role code");
    check("when { principal.roles == [\"R0000\"] }", "\"R0000\" is no national job role code");
    check("when { principal.activities.contains(\"B0001\") }", "\"B0001\" is no national activity code");
    check("when { principal.purposes.contains(\"TREATMENT\") }", "\"TREATMENT\" is no purpose of use");
    check("when { principal.organisation == \"RRK\" }", "");
    check("when { principal.organisation == \"RRX\" }", "\"RRX\" is no organisation that is known here");
    check("when { \"RRX\" == principal.organisation }", "\"RRX\" is no organisation that is known here");
    check("when { [\"RRX\", \"RRK\"].contains(principal.organisation) }", "\"RRX\" is no organisation");
    check("when { principal.organisation_kinds.contains(\"RO182\") }", "");
    check("when { principal.organisation_kinds.contains(\"pharmacy\") }", "\"pharmacy\" is no kind of organisation");
    check("when { principal.views.contains(\"clinician-full\") }", "");
    check("when { principal.views.contains(\"clinician\") }", "\"clinician\" is no view that any rule lets somebody hold");
    check("when { principal.scopes.contains(\"severn.admin\") }", "\"severn.admin\" is no scope of Severn's own");
    check("when { resource.category == \"medicines\" }", "");
    check("when { resource.category == \"medication\" }", "\"medication\" is no category");
    check("when { resource.resource_type == \"condition\" }", "\"condition\" is no type of FHIR R4");
    check("when { resource.source == \"gp\" }", "");
    check("when { resource.source == \"pg\" }", "\"pg\" is no source that is configured");
    check("when { resource.source_organisation == \"QWU\" }", "");
    check("when { resource.source_organisation == \"QWV\" }", "\"QWV\" is no organisation that is known here");
    check("when { resource.labels.contains(\"HIV\") }", "\"HIV\" is no label of sensitivity");
    check("when { [\"hiv\", \"aids\"].containsAll(resource.labels) }", "\"aids\" is no label of sensitivity");
    check("when { resource.relationships.contains(\"friend\") }", "\"friend\" is nothing that speaks for a relationship");
    let restriction = "@id(\"a\")\nforbid (principal, action == Action::\"read\", resource) when { resource.restriction == \"S\" };";
    refused(restriction, "\"S\" is no restriction", 1);
}

#[test]
fn a_rule_that_can_never_apply_is_refused_on_saving() {
    let never = "can never apply";
    check("when { false }", never);
    check("when { principal.human && !principal.human }", never);
    check("when { principal.human } unless { principal.human }", never);
    check("when { resource.category == \"medicines\" && resource.category == \"allergies\" }", never);
    check("when { resource.category == \"medicines\" && [\"allergies\", \"problems\"].contains(resource.category) }", never);
    check("when { resource.category == \"medicines\" } unless { [\"allergies\", \"medicines\"].contains(resource.category) }", never);
    check("when { principal.roles.contains(\"R8000\") } unless { principal.roles.containsAny([\"R8000\", \"R8001\"]) }", never);
    check("when { resource.labels.contains(\"hiv\") && [\"mental-health\"].containsAll(resource.labels) }", never);
    check("when { resource.labels.isEmpty() && resource.labels.contains(\"hiv\") }", never);
    check(
        "when { (resource.category == \"medicines\" || resource.category == \"problems\") && resource.category == \"allergies\" }",
        never,
    );
    // Always overridden by what is shipped.
    check("when { resource.labels.contains(\"legally-restricted\") }", "sensitivity.legally-restricted forbids whatever it permits");
    check("when { resource.objected }", "sharing.objection forbids");
    check("when { resource.source_refused && principal.human }", "sharing.source-refused forbids");
    refused(
        "@id(\"a\")\npermit (principal, action == Action::\"hold\", resource == View::\"summary\") when { principal.roles.contains(\"R0001\") };",
        "view.none-for-reviewers forbids",
        1,
    );
    // Neither is so.
    check("when { principal.roles.contains(\"R8000\") && principal.roles.contains(\"R8001\") }", "");
    check("when { resource.category == \"medicines\" || resource.category == \"allergies\" }", "");
    check("when { [\"hiv\"].containsAll(resource.labels) } unless { resource.labels.contains(\"hiv\") }", "");
    check("when { resource.labels.contains(\"hiv\") && [\"mental-health\", \"hiv\"].containsAll(resource.labels) }", "");
    check("when { resource.labels.contains(\"hiv\") }", "");
}

/// A long rule in many cases would take the start of the program minutes: what cannot be judged is not taken.
#[test]
fn a_rule_of_too_many_conditions_is_refused_on_saving() {
    let alternatives: Vec<String> = (0..8).map(|role| format!("principal.roles.contains(\"R800{role}\")")).collect();
    let alternatives = format!("({})", alternatives.join(" || "));
    let condition = |more: usize| {
        let all =
            [vec![alternatives.as_str(); 3], vec!["resource.relationships.contains(\"self-claimed\")"; more], vec!["!principal.human"]];
        format!("when {{ principal.human && {} }}", all.concat().join(" && "))
    };
    check(&condition(1), "its conditions contradict one another");
    check(&condition(20), "its conditions contradict one another");
    check(&condition(300), "more conditions than can be looked through; write it as several rules");
}

#[test]
fn a_rule_whose_time_is_over_is_refused_on_saving_and_harmless_afterwards() {
    check("when { context.today <= datetime(\"2026-11-27\") }", "");
    check("when { context.today < datetime(\"2026-11-27\") }", "its time was over on 2026-11-26");
    check("when { datetime(\"2026-11-01\") > context.today }", "its time was over on 2026-10-31");
    check("when { context.today >= datetime(\"2027-01-01\") && context.today <= datetime(\"2026-12-01\") }", "ends before that");
    check("unless { context.today >= datetime(\"2026-11-27\") }", "its time was over on 2026-11-26");
    let text =
        own("@id(\"a\")\npermit (principal, action == Action::\"see\", resource) when { context.today < datetime(\"2026-11-27\") };");
    assert!(Rules::load(&[text], None, Site { today: None, ..site() }).is_ok());
}

#[test]
fn what_does_not_parse_or_fit_the_schema_is_refused_on_saving_all_at_once() {
    check("when { principal.rolls.contains(\"R8000\") }", "does not fit the schema");
    check("when { principal.roles == \"R8000\" }", "does not fit the schema");
    check("when { resource.restriction == \"restricted\" }", "does not fit the schema");
    check("when { context.now == datetime(\"2026-11-27\") }", "does not fit the schema");
    check("when { context.today < datetime(\"27 November\") }", "does not fit the schema");
    refused("permit (principal, action, resource);", "has no @id", 1);
    refused("@id(\"\")\npermit (principal, action, resource);", "has no @id", 1);
    refused("@id(\"a\")\npermit (principal, action == Action::\"peek\", resource);", "does not fit the schema", 1);
    refused("@id(\"a\")\npermit (principal == ?principal, action == Action::\"see\", resource);", "is not Cedar", 1);
    refused(
        "@id(\"a\") @refusal(\"because\")\nforbid (principal, action == Action::\"see\", resource) when { principal.human };",
        "is no refusal",
        1,
    );
    let several = "@id(\"a\")\npermit (principal, action == Action::\"see\", resource) when { principal.human };\n\n\
                   allow everything;\n\
                   @id(\"a\")\npermit (principal, action == Action::\"see\", resource) when { !principal.human };\n\
                   @id(\"shows.summary\")\npermit (principal, action == Action::\"see\", resource) when { !principal.human };\n\
                   @id(\"b\")\npermit (principal, action == Action::\"see\", resource) when { resource.category == \"x\" };";
    let said: Vec<String> = faults(several).iter().map(ToString::to_string).collect();
    assert_eq!(said.len(), 4, "{said:?}");
    assert!(said[0].starts_with("site.cedar:4: is not Cedar"), "{said:?}");
    assert!(said[1].starts_with("site.cedar:5: rule a: the rule at site.cedar:1 has the same id"), "{said:?}");
    assert!(said[2].starts_with("site.cedar:7: rule shows.summary: the rule at (shipped) shows.cedar:"), "{said:?}");
    assert!(said[3].starts_with("site.cedar:9: rule b: \"x\" is no category"), "{said:?}");
}

#[test]
fn a_matrix_is_checked_row_by_row() {
    let check = |rows: &str, expected: &[&str]| {
        let head = "source_organisation,consumer_organisation,category,role,purpose,from,until\n";
        let matrix = Text { file: "matrix.csv".to_owned(), text: format!("{head}{rows}") };
        let faults = Rules::load(&[], Some(&matrix), site()).err().unwrap_or_default();
        let said: Vec<String> = faults.iter().map(ToString::to_string).collect();
        assert_eq!(said, expected, "{rows}");
    };
    check("M85001,RRK,medicines,R8000,TREAT,2026-01-01,2027-01-01\n# QWU shares all\nQWU,,,,,,\nM85001,*,,,,,\n", &[]);
    check("", &["matrix.csv:1: an empty matrix: nobody shares anything with anybody"]);
    check(
        "M85001,RRX,,,,,\nM85001,RRK,drugs,R9999,,,\n,RRK,,,,,\nM85001,RRK,,,,2027-01-01,2026-12-01\nM85001,RRK,,,,,2026-11-26\nM85001,RRK,,,,soon,\n",
        &[
            "matrix.csv:2: \"RRX\" is no organisation that is known here (organisations stand in [policy] organisations, those of sources with them)",
            "matrix.csv:3: \"R9999\" is no national job role code (codes are those of policy/job-roles.csv)",
            "matrix.csv:3: \"drugs\" is no category (categories are those of crates/access/src/category.rs)",
            "matrix.csv:4: \"\" is no organisation that is known here (organisations stand in [policy] organisations, those of sources with them)",
            "matrix.csv:5: begins on 2027-01-01 and ends before that, on 2026-12-01",
            "matrix.csv:6: can never apply: its time was over on 2026-11-26",
            "matrix.csv:7: from is \"soon\", which is no date (YYYY-MM-DD)",
        ],
    );
    let matrix = Text { file: "matrix.csv".to_owned(), text: "source,consumer\n".to_owned() };
    assert!(Rules::load(&[], Some(&matrix), site()).unwrap_err().iter().any(|fault| fault.words.contains("the column role is missing")));
}

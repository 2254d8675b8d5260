//! Table two: role by purpose by sensitivity by relationship, with the rule that decides, as a page that an information-governance lead
//! can read and sign; and that no rule could be taken out without it, or a test that is named here, telling.
//!
//! The page is `output/who-may-read.txt`. When a rule changes, this test fails; `BLESS=1` writes the page anew, and it is signed anew.

#![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

mod page;

use access::{Category, Restriction, RuleId, Rules, Section, Text};
use fhir::Kind;

fn shipped() -> Rules {
    Rules::load(&[], None, page::site()).unwrap()
}

#[test]
fn who_may_read_is_as_it_was_signed() {
    let page = page::whole(&shipped());
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/output/who-may-read.txt");
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(file, &page).unwrap();
    }
    let signed = std::fs::read_to_string(file).unwrap();
    assert!(page == signed, "the rules are not those of output/who-may-read.txt; BLESS=1 writes what they are now, for signing anew");
}

/// What a site's rule that opens a label to everybody shows to a student, of a problem with that label.
fn opened_to_a_student(rules: &Rules) -> bool {
    let student = page::caller("R8004", &["B0360"], "TREAT");
    let supposed = page::supposed(rules, &student, "launch", Restriction::Unrestricted).unwrap();
    let source = "a".parse().unwrap();
    let section = Section {
        category: Category::PROBLEMS,
        kind: Kind::CONDITION,
        source: &source,
        labels: &["mental-health"],
        objected: false,
        source_refused: false,
    };
    supposed.decision(&section).allowed
}

fn opening() -> Text {
    let text = "@id(\"site.mental-health\")\npermit (principal, action == Action::\"see\", resource)\n\
                when { !principal.views.isEmpty() && [\"mental-health\"].containsAll(resource.labels) };";
    Text { file: "site.cedar".to_owned(), text: text.to_owned() }
}

#[test]
fn the_limited_view_stays_limited_when_a_site_opens_a_label_to_everybody() {
    let rules = Rules::load(&[opening()], None, page::site()).unwrap();
    assert!(!opened_to_a_student(&rules));
}

/// Rules that change nothing on the page by themselves: what tells that one is gone.
type Without = (&'static str, fn(RuleId) -> bool);
const ELSEWHERE: &[Without] =
    &[("sensitivity.limited-view", |rule| opened_to_a_student(&Rules::shipped_without(rule, &[opening()], page::site())))];

#[test]
fn no_rule_could_be_taken_out_without_the_page_or_a_named_test_telling() {
    let rules = shipped();
    let page: Vec<String> = page::parts(&rules).collect();
    let told = |rule: &RuleId| {
        let without = Rules::shipped_without(*rule, &[], page::site());
        let elsewhere = ELSEWHERE.iter().any(|(name, told)| *name == rule.as_str() && told(*rule));
        // The parts that are soonest made come first, and most rules tell there.
        elsewhere || page::parts(&without).zip(&page).any(|(part, signed)| part != *signed)
    };
    let survivors: Vec<RuleId> = rules.names().into_iter().filter(|rule| !told(rule)).collect();
    assert!(survivors.is_empty(), "these rules could be taken out, and nobody would notice: {survivors:?}");
}

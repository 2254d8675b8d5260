//! What a change of rules would change: who would gain and lose what, before it is made.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use record::{Caller, OdsCode, Organisation, UserId};

use super::{Action, Rules, Section, words};
use crate::Category;
use crate::decide::{EMERGENCY, RELATIONSHIPS, Restriction, Supposed};

/// Something that some gain or lose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Whether they gain it; they lose it otherwise.
    pub gained: bool,
    /// What, in words.
    pub what: String,
    /// Who: roles with their activities, organisation, purpose.
    pub who: BTreeSet<String>,
}

/// Looks through everybody whom either set of rules tells from others: each role, with all activities and with each alone, with all of
/// them at each organisation, and for each purpose; before each relationship, category and label, from each source.
pub fn difference(old: &Rules, new: &Rules, now: Timestamp) -> Vec<Change> {
    let mut changes: BTreeMap<(bool, String), BTreeSet<String>> = BTreeMap::new();
    for (who, caller) in callers(&[old, new]) {
        let (before, after) = (shown(old, &caller, now), shown(new, &caller, now));
        for (gained, what) in before.difference(&after).map(|what| (false, what)).chain(after.difference(&before).map(|what| (true, what)))
        {
            changes.entry((gained, what.clone())).or_default().insert(who.clone());
        }
    }
    changes.into_iter().map(|((gained, what), who)| Change { gained, what, who }).collect()
}

/// The purpose for which most is asked.
const USUAL: &str = "TREAT";

/// Everything that a caller may do, in words.
fn shown(rules: &Rules, caller: &Caller, now: Timestamp) -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    for action in [Action::Find, Action::FindRestricted, Action::ClaimRelationship, Action::ClaimEmergency, Action::OverrideObjection] {
        if rules.decide(action, caller, now).allowed {
            all.insert(format!("may {}", action.name()));
        }
    }
    for relationship in RELATIONSHIPS.into_iter().chain([EMERGENCY]) {
        for (restriction, words) in [(Restriction::Unrestricted, ""), (Restriction::Restricted, ", of restricted people too")] {
            let Ok(supposed) = Supposed::of(rules, caller, Some(relationship), restriction, now) else { continue };
            all.insert(format!("opens records by {relationship}{words}"));
            if restriction == Restriction::Unrestricted {
                all.extend(sections(rules, &supposed, relationship));
            }
        }
    }
    all
}

fn sections(rules: &Rules, supposed: &Supposed, relationship: &str) -> Vec<String> {
    let by = if rules.inner.mentions.seen.relationships { format!(", by {relationship}") } else { String::new() };
    let labels: Vec<&str> = words::LABELS.iter().copied().chain(rules.inner.site.labels.iter().map(String::as_str)).collect();
    let mut all = Vec::new();
    for source in rules.sources() {
        for category in Category::all() {
            let Some(kind) = fhir::Kind::all().find(|kind| Category::of_kind(*kind).contains(&category)) else { continue };
            let mut look = |labels: &[&str], objected: bool, words: &str| {
                if supposed.decision(&Section { category, kind, source, labels, objected, source_refused: false }).allowed {
                    all.push(format!("sees {} from {source}{words}{by}", category.name()));
                }
            };
            look(&[], false, "");
            look(&[], true, ", objected to");
            labels.iter().for_each(|label| look(&[label], false, &format!(", labelled {label}")));
        }
    }
    all
}

/// Everybody whom a rule tells from others, each under words for people.
fn callers(rules: &[&Rules]) -> Vec<(String, Caller)> {
    let told = |attribute: &str| -> BTreeSet<String> {
        rules.iter().filter_map(|rules| rules.inner.told.get(attribute)).flatten().cloned().collect()
    };
    let (roles, activities, purposes) = (told("roles"), told("activities"), told("purposes"));
    let mut sets: Vec<BTreeSet<String>> = activities.iter().map(|one| BTreeSet::from([one.clone()])).collect();
    sets.push(activities);
    sets.push(BTreeSet::new());
    let organisations = organisations(rules, &told("organisation"), &told("organisation_kinds"));
    let mut all = Vec::new();
    let Some((elsewhere, _)) = organisations.last() else { return all };
    for role in &roles {
        for set in &sets {
            for (at, organisation) in &organisations {
                for purpose in &purposes {
                    // One thing at a time: of all of them together there are too many, and few rules look at them together.
                    let usual = [set.len() > 1, at == elsewhere, purpose == USUAL];
                    if usual.iter().filter(|usual| !**usual).count() > 1 {
                        continue;
                    }
                    let with = if set.len() > 1 {
                        "every activity".to_owned()
                    } else {
                        set.iter().next().cloned().unwrap_or("no activity".to_owned())
                    };
                    let who = format!("{role} with {with}, {at}, for {purpose}");
                    all.push((who, caller(role, set, purpose, organisation.clone())));
                }
            }
        }
    }
    all
}

/// The organisations that rules name, one of each kind that they name, and one that they do not.
fn organisations(rules: &[&Rules], named: &BTreeSet<String>, kinds: &BTreeSet<String>) -> Vec<(String, OdsCode)> {
    let mut all: Vec<(String, OdsCode)> = named.iter().filter_map(|code| Some((format!("at {code}"), code.parse().ok()?))).collect();
    for kind in kinds {
        let one = rules.iter().flat_map(|rules| &rules.inner.site.organisations).find(|(_, own)| own.contains(kind));
        all.extend(one.and_then(|(code, _)| Some((format!("at one that is {kind} ({code})"), code.parse().ok()?))));
    }
    all.extend("ZZZ99".parse().ok().map(|code| ("at any other organisation".to_owned(), code)));
    all
}

fn caller(role: &str, activities: &BTreeSet<String>, purpose: &str, code: OdsCode) -> Caller {
    Caller {
        user: UserId { issuer: String::new(), subject: String::new() },
        name: String::new(),
        sds_user_id: None,
        sds_role_profile_id: None,
        human: true,
        organisation: Organisation { code, name: String::new() },
        roles: vec![role.to_owned()],
        activities: activities.iter().cloned().collect(),
        purposes: vec![purpose.to_owned()],
        scopes: Vec::new(),
        launch_patient: None,
        device: None,
        client: None,
        token_id: None,
    }
}

//! Four states of a list, never two: known, none on a clinician's word, not recorded, unavailable.

use fhir::{Kind, Ref};
use record::{AllergyState, Need, SharedRecord};
use terms::Negated;

/// The lists that carry a state, and the types behind each.
const LISTS: &[(&str, &[Kind])] = &[
    ("allergies", &[Kind::ALLERGY_INTOLERANCE]),
    ("medications", &[Kind::MEDICATION_REQUEST, Kind::MEDICATION_STATEMENT, Kind::MEDICATION_DISPENSE, Kind::MEDICATION_ADMINISTRATION]),
    ("problems", &[Kind::CONDITION]),
    ("results", &[Kind::OBSERVATION, Kind::DIAGNOSTIC_REPORT]),
    ("plans", &[Kind::CARE_PLAN]),
];

/// The state of each list that was asked for whole.
pub fn states(record: &SharedRecord, need: &Need) -> Vec<(&'static str, AllergyState)> {
    let asked =
        LISTS.iter().filter(|(_, kinds)| need.filters.is_empty() && need.since.is_none() && kinds.iter().all(|kind| need.wants(*kind)));
    asked.map(|(name, kinds)| (*name, state(record, kinds))).collect()
}

fn state(record: &SharedRecord, kinds: &[Kind]) -> AllergyState {
    let items = || record.items.iter().filter(|item| kinds.contains(&item.kind)).map(|item| item.tree.root());
    if items().any(|item| live(item) && !negation(item)) {
        return AllergyState::Known;
    }
    if !kinds.iter().all(|kind| complete(record, *kind)) {
        return AllergyState::Unavailable;
    }
    // "No known drug allergy" is shown as its own words and never promoted.
    if items().any(|item| live(item) && negates_all(item)) { AllergyState::NoKnown } else { AllergyState::NotRecorded }
}

/// Every row whole, and nothing held, quarantined or withheld.
fn complete(record: &SharedRecord, kind: Kind) -> bool {
    let untouched =
        record.plan.rows.iter().filter(|row| row.kind == kind).all(|row| !row.counts.withholds() && row.counts.quarantined == 0);
    untouched && record.plan.complete(kind)
}

/// Not refuted, entered in error, resolved, stopped or cancelled.
fn live(item: Ref<'_>) -> bool {
    let coded =
        |path: &str, codes: &[&str]| item.all(path).into_iter().filter_map(|code| code.value()).any(|code| codes.contains(&code.as_ref()));
    let refuted = coded("verificationStatus.coding.code", &["refuted", "entered-in-error"]);
    let over = coded("clinicalStatus.coding.code", &["resolved", "inactive"]);
    let gone =
        item.text("status").is_some_and(|status| matches!(status.as_ref(), "entered-in-error" | "cancelled" | "revoked" | "not-done"));
    !refuted && !over && !gone
}

fn negation(item: Ref<'_>) -> bool {
    negated(item).next().is_some()
}

/// "No known allergy" of any kind.
fn negates_all(item: Ref<'_>) -> bool {
    negated(item).any(|class| class == Negated::All)
}

/// The classes of allergies that an item says there are none of.
fn negated(item: Ref<'_>) -> impl Iterator<Item = Negated> {
    item.all("code.coding.code").into_iter().filter_map(|code| terms::negated(&code.value()?))
}

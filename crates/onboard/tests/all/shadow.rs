//! A supplier beside another: what is the same, what differs, and what only one has.

use std::sync::Arc;

use dialect::Dialect;
use onboard::shadow::{Comparison, Side, compare};
use testbed::{Fault, Refusal, Region};

use crate::world::{now, patients, supplier};

async fn compared(one: (&Arc<Region>, &str, Dialect), other: (&Arc<Region>, &str, Dialect)) -> Comparison {
    let (live, live_prober) = supplier(one.0, one.1);
    let (mut candidate, candidate_prober) = supplier(other.0, other.1);
    if one.1 == other.1 {
        candidate.id = "newcomer".parse().unwrap();
    }
    let live = Side { supplier: &live, dialect: one.2, prober: &live_prober };
    let candidate = Side { supplier: &candidate, dialect: other.2, prober: &candidate_prober };
    compare(&live, &candidate, &patients(), now(), |_| ()).await
}

#[tokio::test(start_paused = true)]
async fn a_supplier_says_the_same_as_itself() {
    let region = Arc::new(Region::in_memory());
    let compared = compared((&region, "ccr", Dialect::FHIR_R4), (&region, "ccr", Dialect::FHIR_R4)).await;
    let [same, different, live, candidate] = compared.totals();
    assert!(same > 20, "{compared:#?}");
    assert_eq!((different, live, candidate), (0, 0, 0), "{compared:#?}");
    assert!(compared.equal());
}

#[tokio::test(start_paused = true)]
async fn what_one_lacks_is_named_by_its_own_id() {
    let region = Arc::new(Region::in_memory());
    let carecentric = "carecentric".parse().unwrap();
    let compared = compared((&region, "ccr", Dialect::FHIR_R4), (&region, "ohc", carecentric)).await;
    let [same, _, live, candidate] = compared.totals();
    assert!(same > 0 && live > 0 && candidate > 0, "{compared:#?}");
    assert!(!compared.equal());
    let person = &compared.people[0];
    assert!(person.differences.iter().any(|one| one.starts_with("only here: ") && one.ends_with("of ccr")), "{person:#?}");
}

#[tokio::test(start_paused = true)]
async fn a_side_that_fails_is_never_taken_for_one_that_has_nothing() {
    let region = Arc::new(Region::in_memory());
    let broken = Arc::new(Region::in_memory());
    broken.fail("ccr", Fault::Refusing { how: Refusal::ServerError });
    let compared = compared((&region, "ccr", Dialect::FHIR_R4), (&broken, "ccr", Dialect::FHIR_R4)).await;
    assert!(!compared.equal());
    assert!(!compared.people[0].notes.is_empty(), "{compared:#?}");
}

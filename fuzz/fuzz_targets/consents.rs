//! A Consent, as somebody wants it recorded and as a source holds it. What forbids is never taken for silence.
#![no_main]

use access::consent::{stated, told};
use fhir::{Ref, Tree};
use libfuzzer_sys::fuzz_target;
use record::OdsCode;

/// Whether a provision denies anything, however deep.
fn denies(provision: Ref<'_>) -> bool {
    provision.is("type", "deny") || provision.all("provision").into_iter().any(denies)
}

fuzz_target!(|data: &[u8]| {
    let Ok(tree) = Tree::from_json(data.to_vec().into()) else { return };
    let (root, custodian) = (tree.root(), "QWU".parse::<OdsCode>().expect("a code"));
    let held = told(root, &custodian);
    if let Some(held) = &held {
        assert!(held.closes(&custodian) && held.custodians == [custodian.clone()] && held.recipients.is_empty());
    }
    let anybody = stated(root, &|_| true);
    if let Ok(known) = stated(root, &|code| code.as_str() == "RRK") {
        assert_eq!(anybody.as_ref(), Ok(&known), "who is known changes what is said");
        assert!(known.directive.recipients.iter().chain(&known.directive.custodians).all(|code| code.as_str() == "RRK"));
    }
    if let Ok(said) = &anybody {
        let when = (said.directive.from, said.directive.until);
        assert!(!matches!(when, (Some(from), Some(until)) if until <= from), "it never stands");
        let forbids = said.active && said.denies;
        assert_eq!(held.as_ref().map(|held| (held.from, held.until)), forbids.then_some(when), "held by a source it says another thing");
    }
    let privacy = root.all("scope.coding").iter().any(|coding| coding.is("code", "patient-privacy"));
    let forbids = privacy && root.is("status", "active") && root.all("provision").into_iter().any(denies);
    assert!(!forbids || held.is_some(), "what forbids is overlooked");
});

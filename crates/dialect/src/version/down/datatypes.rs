//! Datatypes that STU3 forms otherwise.

use fhir::NodeId;

use crate::version::draft::Draft;
use crate::version::rule::Rule::{Narrow, Rename, Run};
use crate::version::rule::Shape;

pub(super) const SHAPES: &[Shape] = &[
    Shape { from: "Address", to: "Address", rules: &[Narrow("use", &[("billing", "")])] },
    Shape { from: "Dosage", to: "Dosage", rules: &[Run(dose)] },
    Shape { from: "Identifier", to: "Identifier", rules: &[Narrow("use", &[("old", "")])] },
    Shape { from: "Money", to: "Money", rules: &[Run(currency)] },
    Shape {
        from: "Signature",
        to: "Signature",
        rules: &[
            Rename("who", "whoReference"),
            Rename("onBehalfOf", "onBehalfOfReference"),
            Rename("sigFormat", "contentType"),
            Rename("data", "blob"),
        ],
    },
];

/// The first dose stands in the dosage itself; R4's further ones have no place.
fn dose(draft: &mut Draft<'_>, dosage: NodeId) {
    let Some(first) = draft.items(dosage, "doseAndRate").into_iter().find(|item| draft.is_object(*item)) else { return };
    for key in ["doseRange", "doseQuantity", "rateRatio", "rateRange", "rateQuantity"] {
        if let Some(node) = draft.take(first, key) {
            draft.tree.set(dosage, key, node);
        }
    }
    if draft.is_hollow(first) {
        draft.tree.detach(first);
        crate::version::common::drop_if_empty(draft, dosage, "doseAndRate");
    }
}

/// Money was a Quantity in a currency's code.
fn currency(draft: &mut Draft<'_>, money: NodeId) {
    if draft.has(money, "currency") && !draft.has(money, "system") && draft.rename(money, "currency", "code") {
        draft.tree.set_string(money, "system", "urn:iso:std:iso:4217");
    }
}

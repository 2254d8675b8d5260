//! Medicines: what they are, asked for, supplied, given and taken.

use fhir::NodeId;

use crate::version::carry;
use crate::version::common::drop_if_empty;
use crate::version::draft::Draft;
use crate::version::rule::Rule::{Lift, Negated, Nest, Rename, Run, Wrap};
use crate::version::rule::{Rule, Shape};

/// How a dose was told, wherever it stood.
const DOSAGE: &[Rule] = &[
    Rename("additionalInstructions", "additionalInstruction"),
    Rename("siteCodeableConcept", "site"),
    Rename("quantityQuantity", "doseQuantity"),
    Rename("quantityRange", "doseRange"),
    Nest(&["doseRange", "doseQuantity", "rateRatio", "rateRange"], "doseAndRate"),
];

pub(super) const SHAPES: &[Shape] = &[
    Shape { from: "Medication", to: "Medication", rules: &[Run(product)] },
    Shape { from: "Medication.product.batch", to: "Medication.batch", rules: &[] },
    Shape {
        from: "Medication.product.ingredient",
        to: "Medication.ingredient",
        rules: &[Rename("item", "itemReference"), Rename("amount", "strength")],
    },
    Shape {
        from: "MedicationAdministration",
        to: "MedicationAdministration",
        rules: &[
            Rename("patient", "subject"),
            Wrap("practitioner", "actor"),
            Rename("practitioner", "performer"),
            Rename("encounter", "context"),
            Rename("prescription", "request"),
            Negated("wasNotGiven", "not-done"),
            Rename("reasonNotGiven", "statusReason"),
            Rename("reasonGiven", "reasonCode"),
            Rename("effectiveTimeDateTime", "effectiveDateTime"),
            Rename("effectiveTimePeriod", "effectivePeriod"),
        ],
    },
    Shape {
        from: "MedicationAdministration.dosage",
        to: "MedicationAdministration.dosage",
        rules: &[Rename("siteCodeableConcept", "site"), Rename("quantity", "dose")],
    },
    Shape {
        from: "MedicationDispense",
        to: "MedicationDispense",
        rules: &[Rename("patient", "subject"), Wrap("dispenser", "actor"), Rename("dispenser", "performer")],
    },
    Shape { from: "MedicationDispense.dosageInstruction", to: "Dosage", rules: DOSAGE },
    Shape {
        from: "MedicationOrder",
        to: "MedicationRequest",
        rules: &[
            Rename("dateWritten", "authoredOn"),
            Rename("reasonEnded", "statusReason"),
            Rename("patient", "subject"),
            Rename("prescriber", "requester"),
            Rename("reasonCodeableConcept", "reasonCode"),
        ],
    },
    Shape { from: "MedicationOrder.dispenseRequest", to: "MedicationRequest.dispenseRequest", rules: &[] },
    Shape { from: "MedicationOrder.dosageInstruction", to: "Dosage", rules: DOSAGE },
    Shape {
        from: "MedicationOrder.substitution",
        to: "MedicationRequest.substitution",
        rules: &[Rename("type", "allowedCodeableConcept")],
    },
    Shape {
        from: "MedicationStatement",
        to: "MedicationStatement",
        rules: &[
            Rename("patient", "subject"),
            Negated("wasNotTaken", "not-taken"),
            Rename("reasonNotTaken", "statusReason"),
            Rename("reasonForUseCodeableConcept", "reasonCode"),
            Rename("reasonForUseReference", "reasonReference"),
            Rename("supportingInformation", "derivedFrom"),
        ],
    },
    Shape { from: "MedicationStatement.dosage", to: "Dosage", rules: DOSAGE },
];

/// What a product is made of stands at the top in R4, which keeps one batch.
fn product(draft: &mut Draft<'_>, medication: NodeId) {
    Lift("product", "form", "form").apply(draft, medication);
    Lift("product", "ingredient", "ingredient").apply(draft, medication);
    Lift("product", "batch", "batch").apply(draft, medication);
    let batches = draft.items(medication, "batch");
    for batch in batches.into_iter().skip(1) {
        draft.tree.detach(batch);
        carry::beside(draft, medication, batch);
    }
    drop_if_empty(draft, medication, "product");
}

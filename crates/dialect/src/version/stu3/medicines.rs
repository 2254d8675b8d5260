//! Medicines: what they are, asked for, supplied, given and taken.

use fhir::NodeId;

use crate::version::carry;
use crate::version::common::{drop_if_empty, not_dispensed};
use crate::version::draft::Draft;
use crate::version::rule::Rule::{Context, Lift, Negated, Rename, Run, Unwrap};
use crate::version::rule::{SILENCE, Shape, deny};

pub(super) const SHAPES: &[Shape] = &[
    Shape {
        from: "Medication",
        to: "Medication",
        rules: &[Lift("package", "batch", "batch"), Run(|draft, object| drop_if_empty(draft, object, "package"))],
    },
    Shape { from: "Medication.ingredient", to: "Medication.ingredient", rules: &[Rename("amount", "strength")] },
    Shape { from: "Medication.package.batch", to: "Medication.batch", rules: &[] },
    Shape {
        from: "MedicationAdministration",
        to: "MedicationAdministration",
        rules: &[Negated("notGiven", "not-done"), Rename("reasonNotGiven", "statusReason"), Rename("prescription", "request")],
    },
    Shape {
        from: "MedicationDispense",
        to: "MedicationDispense",
        rules: &[
            Run(not_dispensed),
            Rename("notDoneReasonCodeableConcept", "statusReasonCodeableConcept"),
            Rename("notDoneReasonReference", "statusReasonReference"),
        ],
    },
    Shape {
        from: "MedicationRequest",
        to: "MedicationRequest",
        rules: &[Context("encounter"), Unwrap("requester", "agent"), Run(status_reason)],
    },
    Shape { from: "MedicationRequest.substitution", to: "MedicationRequest.substitution", rules: &[Rename("allowed", "allowedBoolean")] },
    Shape { from: "MedicationStatement", to: "MedicationStatement", rules: &[Run(taken), Rename("reasonNotTaken", "statusReason")] },
];

/// `n` is a status in R4, `y` what it means where it says nothing. `unk` and `na` tell no more than that silence: they
/// are carried, and not as a qualifier, which would keep every medicine of GP Connect from its twins.
fn taken(draft: &mut Draft<'_>, statement: NodeId) {
    let Some(node) = draft.at(statement, "taken") else { return };
    match draft.value(node).as_deref() {
        Some("n") => {
            draft.converted(node, "R4 says it by status not-taken");
            draft.take(statement, "taken");
            deny(draft, statement, "not-taken");
        }
        Some("y") => {
            draft.converted(node, SILENCE);
            draft.take(statement, "taken");
        }
        Some("na" | "unk") => {
            draft.take(statement, "taken");
            carry::beside(draft, statement, node);
        }
        _ => {}
    }
}

/// GP Connect says why a prescription ended in an extension; R4 has an element for the reason, and none for the day.
fn status_reason(draft: &mut Draft<'_>, request: NodeId) {
    if draft.has(request, "statusReason") {
        return;
    }
    for extension in draft.items(request, "extension") {
        let url = draft.text(extension, "url").unwrap_or_default();
        if !url.ends_with("/STU3/StructureDefinition/Extension-CareConnect-GPC-MedicationStatusReason-1") {
            continue;
        }
        super::findings::promoted(draft, extension, "statusReason", "valueCodeableConcept", "statusReason");
        if let Some(reason) = draft.take(extension, "statusReason") {
            draft.tree.set(request, "statusReason", reason);
        }
        if draft.keys(extension).iter().all(|key| key == "url") {
            if let Some(url) = draft.at(extension, "url") {
                draft.converted(url, "R4 has the element statusReason");
            }
            draft.tree.detach(extension);
        }
        break;
    }
    drop_if_empty(draft, request, "extension");
}

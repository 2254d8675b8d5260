//! Medicines asked for, supplied, given and taken.

use fhir::NodeId;

use crate::version::draft::Draft;
use crate::version::rule::Rule::{Denied, Narrow, Rename, Run, Wrap};
use crate::version::rule::Shape;

pub(super) const SHAPES: &[Shape] = &[
    Shape {
        from: "MedicationAdministration",
        to: "MedicationAdministration",
        rules: &[Denied("not-done", "notGiven", "unknown", &[("statusReason", "reasonNotGiven")]), Rename("request", "prescription")],
    },
    Shape {
        from: "MedicationDispense",
        to: "MedicationDispense",
        rules: &[
            Denied(
                "declined",
                "notDone",
                "stopped",
                &[("statusReasonCodeableConcept", "notDoneReasonCodeableConcept"), ("statusReasonReference", "notDoneReasonReference")],
            ),
            Narrow("status", &[("cancelled", "stopped"), ("unknown", "")]),
        ],
    },
    Shape {
        from: "MedicationRequest",
        to: "MedicationRequest",
        rules: &[
            Rename("encounter", "context"),
            Wrap("requester", "agent"),
            Run(status_reason),
            Narrow(
                "intent",
                &[
                    ("directive", "order"),
                    ("filler-order", "order"),
                    ("option", "proposal"),
                    ("original-order", "order"),
                    ("reflex-order", "order"),
                ],
            ),
        ],
    },
    Shape { from: "MedicationRequest.substitution", to: "MedicationRequest.substitution", rules: &[Rename("allowedBoolean", "allowed")] },
    Shape { from: "MedicationStatement", to: "MedicationStatement", rules: &[Run(taken), Narrow("status", &[("unknown", "")])] },
];

/// GP Connect says in an extension why a prescription ended, with the day, which came up as it was.
fn status_reason(draft: &mut Draft<'_>, request: NodeId) {
    const URL: &str = "https://fhir.nhs.uk/STU3/StructureDefinition/Extension-CareConnect-GPC-MedicationStatusReason-1";
    let Some(reason) = draft.take(request, "statusReason") else { return };
    draft.converted(reason, "STU3 has an extension for it");
    let inner = draft.extension("statusReason", "valueCodeableConcept", reason);
    let extensions = draft.items(request, "extension");
    match extensions
        .into_iter()
        .find(|one| draft.text(*one, "url").is_some_and(|url| url.ends_with("-CareConnect-GPC-MedicationStatusReason-1")))
    {
        Some(extension) => draft.extend(extension, inner),
        None => {
            let list = draft.tree.new_array();
            draft.tree.push(list, inner);
            let extension = draft.extension(URL, "extension", list);
            draft.extend(request, extension);
        }
    }
}

/// R4's statuses say whether it is taken: `not-taken` in so many words, active and completed by what they mean. Of the rest
/// STU3 is told that it is not known.
fn taken(draft: &mut Draft<'_>, statement: NodeId) {
    if draft.is(statement, "status", "not-taken") {
        if let Some(status) = draft.at(statement, "status") {
            draft.converted(status, "STU3 says it by taken");
        }
        draft.take(statement, "status");
        // Whoever overlooks `taken` must not show it as current.
        draft.tree.set_string(statement, "status", "stopped");
        draft.tree.set_string(statement, "taken", "n");
        draft.rename(statement, "statusReason", "reasonNotTaken");
    } else if draft.is(statement, "status", "active") && !was_unknown(draft, statement) {
        draft.tree.set_string(statement, "taken", "y");
    }
}

/// GP Connect says of every medicine that it does not know: that comes back from where it was carried.
fn was_unknown(draft: &Draft<'_>, statement: NodeId) -> bool {
    let extensions = draft.items(statement, "extension");
    extensions.into_iter().any(|one| draft.text(one, "url").is_some_and(|url| url.ends_with("/extension-MedicationStatement.taken")))
}

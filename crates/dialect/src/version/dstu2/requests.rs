//! Orders and referrals, which R4 made one type of.

use fhir::NodeId;

use crate::version::carry;
use crate::version::common::{drop_if_empty, referral, requested};
use crate::version::draft::Draft;
use crate::version::rule::Rule::{Gather, Note, Rename, Run};
use crate::version::rule::Shape;

/// DSTU2's one status said what R4 says in two: how far it is, and what kind of request it is.
const STATUS: &[(&str, &str, &str)] = &[
    ("aborted", "revoked", "order"),
    ("accepted", "active", "order"),
    ("active", "active", "order"),
    ("cancelled", "revoked", "order"),
    ("completed", "completed", "order"),
    ("draft", "draft", "order"),
    ("failed", "revoked", "order"),
    ("in-progress", "active", "order"),
    ("planned", "active", "plan"),
    ("proposed", "draft", "proposal"),
    ("received", "active", "order"),
    ("rejected", "revoked", "order"),
    ("requested", "active", "order"),
    ("review", "active", "order"),
    ("suspended", "on-hold", "order"),
];

pub(super) const SHAPES: &[Shape] = &[
    Shape {
        from: "CommunicationRequest",
        to: "CommunicationRequest",
        rules: &[
            Run(status),
            Rename("scheduledDateTime", "occurrenceDateTime"),
            Rename("scheduledPeriod", "occurrencePeriod"),
            Rename("reason", "reasonCode"),
            Rename("requestedOn", "authoredOn"),
            Run(priority),
        ],
    },
    Shape {
        from: "DeviceUseRequest",
        to: "DeviceRequest",
        rules: &[
            Run(status),
            Rename("device", "codeReference"),
            Rename("indication", "reasonCode"),
            Note("notes"),
            Rename("orderedOn", "authoredOn"),
            Rename("timingTiming", "occurrenceTiming"),
            Rename("timingPeriod", "occurrencePeriod"),
            Rename("timingDateTime", "occurrenceDateTime"),
        ],
    },
    Shape {
        from: "DiagnosticOrder",
        to: "ServiceRequest",
        rules: &[
            Run(status),
            Rename("orderer", "requester"),
            Rename("reason", "reasonCode"),
            Rename("supportingInformation", "supportingInfo"),
            Run(items),
        ],
    },
    Shape { from: "NutritionOrder", to: "NutritionOrder", rules: &[Run(status)] },
    Shape {
        from: "ProcedureRequest",
        to: "ServiceRequest",
        rules: &[
            Run(status),
            Rename("reasonCodeableConcept", "reasonCode"),
            Rename("scheduledDateTime", "occurrenceDateTime"),
            Rename("scheduledPeriod", "occurrencePeriod"),
            Rename("scheduledTiming", "occurrenceTiming"),
            Gather("notes", "note"),
            Rename("orderedOn", "authoredOn"),
            Rename("orderer", "requester"),
        ],
    },
    Shape {
        from: "ReferralRequest",
        to: "ServiceRequest",
        rules: &[
            Run(status),
            Rename("patient", "subject"),
            Rename("date", "authoredOn"),
            Rename("dateSent", "authoredOn"),
            Rename("type", "category"),
            Rename("specialty", "performerType"),
            Run(priority),
            Rename("recipient", "performer"),
            Rename("reason", "reasonCode"),
            Note("description"),
            Run(requested),
            Rename("supportingInformation", "supportingInfo"),
            Rename("fulfillmentTime", "occurrencePeriod"),
            Run(referral),
        ],
    },
];

fn status(draft: &mut Draft<'_>, request: NodeId) {
    let Some(node) = draft.at(request, "status") else { return };
    let old = draft.value(node).unwrap_or_default();
    let Some((_, new, intent)) = STATUS.iter().find(|(of, _, _)| *of == old) else { return };
    if *new != old || *intent != "order" {
        draft.converted(node, "R4 says it by status and intent");
        draft.tree.set_text(node, new);
    }
    if !draft.has(request, "intent") && draft.text(request, "resourceType").as_deref() != Some("CommunicationRequest") {
        draft.tree.set_string(request, "intent", intent);
    }
}

/// A priority that was a concept is a code in R4, where it is one of R4's; the concept stays beside it.
fn priority(draft: &mut Draft<'_>, request: NodeId) {
    let Some(concept) = draft.at(request, "priority").filter(|node| draft.is_object(*node)) else { return };
    let codes: Vec<String> = draft.items(concept, "coding").into_iter().filter_map(|coding| draft.text(coding, "code")).collect();
    let code = codes.into_iter().find(|code| matches!(code.as_str(), "asap" | "routine" | "stat" | "urgent"));
    draft.take(request, "priority");
    match code {
        Some(code) => {
            if let Some(under) = draft.tree.object_at(request, "_priority") {
                carry::onto(draft, under, concept);
            }
            draft.tree.set_string(request, "priority", &code);
        }
        None => carry::beside(draft, request, concept),
    }
}

/// An order of one item is a request for it. R4 has one code: an order of several is told in words, and its items stay beside it.
fn items(draft: &mut Draft<'_>, order: NodeId) {
    let items = draft.items(order, "item");
    if let [item] = items[..] {
        for key in ["code", "bodySite", "specimen"] {
            if !draft.has(order, key)
                && let Some(node) = draft.take(item, key)
            {
                draft.tree.set(order, key, node);
            }
        }
        if draft.is_hollow(item) {
            draft.take(order, "item");
        }
        return;
    }
    let words: Vec<String> = items
        .into_iter()
        .filter_map(|item| ["code.text", "code.coding.display", "code.coding.code"].iter().find_map(|path| draft.text(item, path)))
        .collect();
    if !words.is_empty() {
        let text = draft.tree.new_string(&words.join("; "));
        let concept = draft.wrapped("text", text);
        draft.tree.set(order, "code", concept);
    }
    drop_if_empty(draft, order, "item");
}

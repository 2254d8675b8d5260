//! Requests, most of which R4 made one type of.

use crate::version::common::{SUSPENDED, drop_if_empty, referral, requested};
use crate::version::rule::Rule::{Codes, Context, Note, Rename, Run, Unwrap};
use crate::version::rule::Shape;

pub(super) const SHAPES: &[Shape] = &[
    Shape {
        from: "CommunicationRequest",
        to: "CommunicationRequest",
        rules: &[Context("encounter"), Codes("status", SUSPENDED), Unwrap("requester", "agent"), Rename("topic", "about")],
    },
    Shape {
        from: "DeviceRequest",
        to: "DeviceRequest",
        rules: &[Context("encounter"), Codes("status", SUSPENDED), Unwrap("requester", "agent")],
    },
    Shape {
        from: "NutritionOrder",
        to: "NutritionOrder",
        rules: &[Codes(
            "status",
            &[("cancelled", "revoked"), ("planned", "active"), ("proposed", "draft"), ("requested", "active"), ("suspended", "on-hold")],
        )],
    },
    Shape {
        from: "ProcedureRequest",
        to: "ServiceRequest",
        rules: &[Context("encounter"), Codes("status", SUSPENDED), Unwrap("requester", "agent")],
    },
    Shape {
        from: "ReferralRequest",
        to: "ServiceRequest",
        rules: &[
            Context("encounter"),
            Codes("status", SUSPENDED),
            Rename("groupIdentifier", "requisition"),
            Rename("type", "category"),
            Run(requested),
            Unwrap("requester", "agent"),
            Rename("specialty", "performerType"),
            Rename("recipient", "performer"),
            Note("description"),
            Run(referral),
        ],
    },
    Shape {
        from: "RequestGroup",
        to: "RequestGroup",
        rules: &[Context("encounter"), Codes("status", SUSPENDED), Rename("reasonCodeableConcept", "reasonCode")],
    },
    Shape { from: "SupplyRequest", to: "SupplyRequest", rules: &[Run(ordered_item), Unwrap("requester", "agent")] },
    Shape {
        from: "Task",
        to: "Task",
        rules: &[
            Context("encounter"),
            Codes("priority", &[("normal", "routine")]),
            Rename("definitionUri", "instantiatesUri"),
            Unwrap("requester", "agent"),
            Rename("reason", "reasonCode"),
        ],
    },
];

/// What is asked for stands at the top in R4.
fn ordered_item(draft: &mut crate::version::draft::Draft<'_>, request: fhir::NodeId) {
    let Some(item) = draft.at(request, "orderedItem").filter(|node| draft.is_object(*node)) else { return };
    for key in ["itemCodeableConcept", "itemReference", "quantity"] {
        if !draft.has(request, key)
            && let Some(node) = draft.take(item, key)
        {
            draft.tree.set(request, key, node);
        }
    }
    drop_if_empty(draft, request, "orderedItem");
}

//! Requests, one type of which STU3 has in two.

use fhir::{NodeId, Ref};

use crate::version::draft::Draft;
use crate::version::rule::Rule::{Codes, Gather, Narrow, Nest, Rename, Run, Wrap};
use crate::version::rule::Shape;

/// Codes of requests.
pub(super) const STATUSES: &[(&str, &str)] = &[("on-hold", "suspended"), ("revoked", "cancelled")];
/// Codes of events.
pub(super) const STEPS: &[(&str, &str)] = &[("on-hold", "suspended"), ("stopped", "aborted")];
const INTENTS: &[(&str, &str)] = &[("directive", "order")];

pub(super) const SHAPES: &[Shape] = &[
    Shape {
        from: "CommunicationRequest",
        to: "CommunicationRequest",
        rules: &[Rename("encounter", "context"), Codes("status", STATUSES), Wrap("requester", "agent"), Rename("about", "topic")],
    },
    Shape {
        from: "DeviceRequest",
        to: "DeviceRequest",
        rules: &[Rename("encounter", "context"), Codes("status", STATUSES), Wrap("requester", "agent")],
    },
    Shape {
        from: "NutritionOrder",
        to: "NutritionOrder",
        rules: &[Codes("status", &[("on-hold", "suspended"), ("revoked", "cancelled")])],
    },
    // A referral, which is told apart by what it says.
    Shape {
        from: "ReferralRequest",
        to: "ReferralRequest",
        rules: &[
            Rename("encounter", "context"),
            Codes("status", STATUSES),
            Narrow("intent", INTENTS),
            Rename("requisition", "groupIdentifier"),
            Rename("category", "type"),
            Run(requested),
            Wrap("requester", "agent"),
            Rename("performerType", "specialty"),
            Rename("performer", "recipient"),
        ],
    },
    Shape { from: "RequestGroup", to: "RequestGroup", rules: &[Rename("encounter", "context"), Codes("status", STATUSES)] },
    Shape {
        from: "ServiceRequest",
        to: "ProcedureRequest",
        rules: &[Rename("encounter", "context"), Codes("status", STATUSES), Narrow("intent", INTENTS), Wrap("requester", "agent")],
    },
    Shape {
        from: "SupplyRequest",
        to: "SupplyRequest",
        rules: &[Wrap("requester", "agent"), Nest(&["itemCodeableConcept", "itemReference", "quantity"], "orderedItem")],
    },
    Shape {
        from: "Task",
        to: "Task",
        rules: &[
            Rename("encounter", "context"),
            Narrow("intent", &[("unknown", "")]),
            Rename("instantiatesUri", "definitionUri"),
            Wrap("requester", "agent"),
            Rename("reasonCode", "reason"),
        ],
    },
];

/// The concept of a referral, as a category says it: `Patient referral`.
pub(in crate::version) const REFERRAL: (&str, &str) = ("http://snomed.info/sct", "3457005");

/// Whether a ServiceRequest is a referral.
pub(in crate::version) fn is_referral(request: Ref<'_>) -> bool {
    request.is("resourceType", "ServiceRequest") && is_called_referral(request)
}

/// Whether a request's category says that it is a referral, by that concept, or its category or code in words.
pub(in crate::version) fn is_called_referral(request: Ref<'_>) -> bool {
    let (system, code) = REFERRAL;
    let category = request.all("category.coding").into_iter().any(|coding| coding.is("code", code) && coding.is("system", system));
    let texts = ["category.text", "category.coding.display", "code.text", "code.coding.display"];
    category || texts.iter().flat_map(|path| request.all(path)).any(|text| text.value().is_some_and(|text| says_referral(&text)))
}

fn says_referral(text: &str) -> bool {
    let mut words = text.split(|c: char| !c.is_alphabetic());
    words.any(|word| ["referral", "refer", "referred"].iter().any(|said| word.eq_ignore_ascii_case(said)))
}

/// The code and its details are all asked for.
fn requested(draft: &mut Draft<'_>, request: NodeId) {
    if let Some(code) = draft.take(request, "code") {
        draft.append(request, "serviceRequested", code);
    }
    Gather("orderDetail", "serviceRequested").apply(draft, request);
}

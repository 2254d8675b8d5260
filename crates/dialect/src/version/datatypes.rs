//! Datatypes whose form changed on the way to R4.

use fhir::NodeId;
use record::FindingCode;

use super::draft::Draft;
use super::rule::{Rule, Shape};

/// Of STU3.
pub(super) const STU3: &[Shape] = &[
    Shape {
        from: "Dosage",
        to: "Dosage",
        rules: &[Rule::Nest(&["doseRange", "doseQuantity", "rateRatio", "rateRange", "rateQuantity"], "doseAndRate")],
    },
    Shape { from: "Money", to: "Money", rules: MONEY },
    Shape { from: "Signature", to: "Signature", rules: SIGNATURE },
];

/// Of DSTU2.
pub(super) const DSTU2: &[Shape] = &[
    Shape { from: "HumanName", to: "HumanName", rules: &[Rule::Run(family)] },
    Shape { from: "Money", to: "Money", rules: MONEY },
    Shape { from: "Signature", to: "Signature", rules: SIGNATURE },
    Shape {
        from: "Timing.repeat",
        to: "Timing.repeat",
        rules: &[
            Rule::Rename("boundsQuantity", "boundsDuration"),
            Rule::Rename("durationUnits", "durationUnit"),
            Rule::Rename("periodUnits", "periodUnit"),
        ],
    },
];

const MONEY: &[Rule] = &[Rule::Run(currency)];

const SIGNATURE: &[Rule] = &[
    Rule::Rename("whoReference", "who"),
    Rule::Run(|draft, object| uri_as_person(draft, object, "whoUri", "who")),
    Rule::Rename("onBehalfOfReference", "onBehalfOf"),
    Rule::Run(|draft, object| uri_as_person(draft, object, "onBehalfOfUri", "onBehalfOf")),
    Rule::Rename("contentType", "sigFormat"),
    Rule::Rename("blob", "data"),
];

/// A URI that names somebody becomes the identifier of a Reference.
pub(super) fn uri_as_person(draft: &mut Draft<'_>, object: NodeId, old: &str, new: &str) {
    if draft.has(object, new) {
        return;
    }
    let Some(uri) = draft.take(object, old) else { return };
    let identifier = draft.tree.new_object();
    draft.tree.set_string(identifier, "system", "urn:ietf:rfc:3986");
    draft.tree.set(identifier, "value", uri);
    let reference = draft.wrapped("identifier", identifier);
    draft.tree.set(object, new, reference);
}

/// DSTU2 lists the parts of a family name; R4 has them in one string.
fn family(draft: &mut Draft<'_>, name: NodeId) {
    let parts: Vec<NodeId> = draft.items(name, "family").into_iter().filter(|part| !draft.is_null(*part)).collect();
    if parts.len() < 2 {
        return;
    }
    let whole: Vec<String> = parts.iter().filter_map(|part| draft.value(*part)).collect();
    if let Some(list) = draft.at(name, "family") {
        draft.converted(list, "its parts are one string in R4");
    }
    draft.tree.set_string(name, "family", &whole.join(" "));
    let Some(under) = draft.at(name, "_family").filter(|under| draft.is_array(*under)) else { return };
    let inner: Vec<NodeId> = draft.children(under).into_iter().filter(|item| draft.is_object(*item)).collect();
    draft.take(name, "_family");
    if let [one] = inner[..] {
        draft.tree.set(name, "_family", one);
    } else if !inner.is_empty() {
        draft.note(FindingCode::Lossy, under, "extensions of several parts have no place in R4");
    }
}

/// Money was a Quantity in a currency's code.
fn currency(draft: &mut Draft<'_>, money: NodeId) {
    let system = draft.text(money, "system");
    if !matches!(system.as_deref(), None | Some("urn:iso:std:iso:4217" | "urn:std:iso:4217" | "http://www.iso.org/iso/currency_codes")) {
        return;
    }
    if draft.rename(money, "code", "currency")
        && let Some(system) = draft.at(money, "system")
    {
        draft.converted(system, "R4's currencies are always ISO 4217");
        draft.take(money, "system");
    }
}

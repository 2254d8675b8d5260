//! Documents, consents, provenance and forms.

use fhir::NodeId;

use crate::version::draft::Draft;
use crate::version::rule::Rule::{Gather, Rename, Run, Wrap};
use crate::version::rule::Shape;

pub(super) const SHAPES: &[Shape] = &[
    Shape { from: "Binary", to: "Binary", rules: &[Rename("data", "content")] },
    Shape { from: "Composition", to: "Composition", rules: &[Rename("category", "class")] },
    Shape { from: "Consent", to: "Consent", rules: &[Rename("performer", "consentingParty"), Run(provision), Run(scope)] },
    Shape { from: "Consent.provision", to: "Consent.except", rules: &[] },
    Shape { from: "Consent.provision.actor", to: "Consent.except.actor", rules: &[] },
    Shape { from: "Consent.provision.data", to: "Consent.except.data", rules: &[] },
    Shape { from: "DocumentReference", to: "DocumentReference", rules: &[Rename("category", "class"), Rename("date", "indexed")] },
    Shape { from: "DocumentReference.context", to: "DocumentReference.context", rules: &[Wrap("related", "ref")] },
    Shape { from: "Provenance", to: "Provenance", rules: &[Rename("occurredPeriod", "period")] },
    Shape {
        from: "Provenance.agent",
        to: "Provenance.agent",
        rules: &[Gather("type", "role"), Rename("who", "whoReference"), Rename("onBehalfOf", "onBehalfOfReference")],
    },
    Shape { from: "Provenance.entity", to: "Provenance.entity", rules: &[Rename("what", "whatReference")] },
    Shape {
        from: "QuestionnaireResponse",
        to: "QuestionnaireResponse",
        rules: &[Rename("encounter", "context"), Rename("partOf", "parent")],
    },
];

/// What the outermost provision says, STU3's consent says itself; what is nested in it are exceptions.
fn provision(draft: &mut Draft<'_>, consent: NodeId) {
    let Some(provision) = draft.at(consent, "provision").filter(|node| draft.is_object(*node)) else { return };
    if draft.has(provision, "type") {
        // STU3 says permit or deny of exceptions only: there it cannot be overlooked.
        let list = draft.tree.new_array();
        draft.tree.push(list, provision);
        draft.tree.set(consent, "except", list);
        draft.take(consent, "provision");
        return;
    }
    for (inner, own) in [
        ("period", "period"),
        ("actor", "actor"),
        ("action", "action"),
        ("securityLabel", "securityLabel"),
        ("purpose", "purpose"),
        ("dataPeriod", "dataPeriod"),
        ("data", "data"),
        ("provision", "except"),
    ] {
        if !draft.has(consent, own)
            && let Some(node) = draft.take(provision, inner)
        {
            draft.tree.set(consent, own, node);
        }
    }
    crate::version::common::drop_if_empty(draft, consent, "provision");
}

/// Every consent of STU3 is to a privacy rule: that one scope goes without saying.
fn scope(draft: &mut Draft<'_>, consent: NodeId) {
    let Some(scope) = draft.at(consent, "scope") else { return };
    let codings = draft.items(scope, "coding");
    if codings.len() == 1 && draft.keys(scope).len() == 1 && draft.is(codings[0], "code", "patient-privacy") {
        draft.converted(scope, "the one scope that STU3 has");
        draft.take(consent, "scope");
    }
}

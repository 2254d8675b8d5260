//! Documents, lists and provenance.

use fhir::NodeId;

use crate::version::carry;
use crate::version::common::{APPENDED, created};
use crate::version::draft::Draft;
use crate::version::rule::Rule::{Codes, Rename, Run, Unwrap};
use crate::version::rule::Shape;

pub(super) const SHAPES: &[Shape] = &[
    Shape { from: "Binary", to: "Binary", rules: &[Rename("content", "data")] },
    Shape { from: "Composition", to: "Composition", rules: &[Rename("class", "category")] },
    Shape {
        from: "DocumentReference",
        to: "DocumentReference",
        rules: &[Rename("class", "category"), Rename("indexed", "date"), Codes("docStatus", APPENDED), Run(doc_status), Run(created)],
    },
    Shape { from: "DocumentReference.context", to: "DocumentReference.context", rules: &[Unwrap("related", "ref")] },
    Shape { from: "Provenance", to: "Provenance", rules: &[Rename("period", "occurredPeriod")] },
    Shape { from: "Provenance.agent", to: "Provenance.agent", rules: &[Rename("actor", "who"), Run(user)] },
    Shape { from: "Provenance.entity", to: "Provenance.entity", rules: &[Run(what)] },
];

/// A status that was a concept is one of R4's codes; what more the concept said stays beside it.
fn doc_status(draft: &mut Draft<'_>, document: NodeId) {
    const CODES: &[&str] = &["amended", "appended", "entered-in-error", "final", "preliminary"];
    let Some(concept) = draft.at(document, "docStatus").filter(|node| draft.is_object(*node)) else { return };
    let codings = draft.items(concept, "coding");
    let coding = codings.into_iter().find(|coding| draft.text(*coding, "code").is_some_and(|code| CODES.contains(&code.as_str())));
    draft.take(document, "docStatus");
    let Some(coding) = coding else {
        carry::beside(draft, document, concept);
        return;
    };
    let code = draft.text(coding, "code").unwrap_or_default();
    if let Some(under) = draft.tree.object_at(document, "_docStatus") {
        carry::onto(draft, under, concept);
    }
    let code = if code == "appended" { "amended" } else { &code };
    draft.tree.set_string(document, "docStatus", code);
}

/// A user who was only identified is a Reference by that identifier.
fn user(draft: &mut Draft<'_>, agent: NodeId) {
    if draft.has(agent, "who") {
        return;
    }
    if let Some(identifier) = draft.take(agent, "userId") {
        let reference = draft.wrapped("identifier", identifier);
        draft.tree.set(agent, "who", reference);
    }
}

/// An address and its words are one Reference in R4.
fn what(draft: &mut Draft<'_>, entity: NodeId) {
    for key in ["reference", "display"] {
        if let Some(node) = draft.take(entity, key)
            && let Some(reference) = draft.tree.object_at(entity, "what")
        {
            draft.tree.set(reference, key, node);
        }
    }
}

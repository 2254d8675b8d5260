//! Filled-in forms: groups and questions are all items in R4.

use fhir::NodeId;

use crate::version::common::drop_if_empty;
use crate::version::draft::Draft;
use crate::version::rule::Rule::{Gather, Rename, Run};
use crate::version::rule::Shape;

pub(super) const SHAPES: &[Shape] = &[
    Shape { from: "QuestionnaireResponse", to: "QuestionnaireResponse", rules: &[Run(top)] },
    Shape {
        from: "QuestionnaireResponse.group",
        to: "QuestionnaireResponse.item",
        rules: &[Rename("title", "text"), Gather("group", "item"), Gather("question", "item")],
    },
    Shape { from: "QuestionnaireResponse.group.question", to: "QuestionnaireResponse.item", rules: &[] },
    Shape {
        from: "QuestionnaireResponse.group.question.answer",
        to: "QuestionnaireResponse.item.answer",
        rules: &[Rename("valueInstant", "valueDateTime"), Gather("group", "item")],
    },
];

/// The group around all others says nothing by itself, unless it has words or a link of its own.
fn top(draft: &mut Draft<'_>, response: NodeId) {
    let Some(group) = draft.at(response, "group").filter(|node| draft.is_object(*node)) else { return };
    if draft.keys(group).iter().any(|key| key != "item") {
        draft.rename(response, "group", "item");
        draft.list(response, "item");
        return;
    }
    if let Some(items) = draft.take(group, "item") {
        draft.tree.set(response, "item", items);
    }
    drop_if_empty(draft, response, "group");
}

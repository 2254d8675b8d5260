//! The fixed order in which contradicting statements are shown: present before absent, high criticality before low,
//! active before stopped. An order, not advice.

use std::cmp::Reverse;

use crate::statement::{Facet, Statement};

/// What comes first is shown first.
pub(crate) type Rank<'a> = (bool, u8, u8, u8, u8, Reverse<Option<i128>>, &'a str);

/// The rank of a statement in a conflict.
pub(crate) fn rank<'a>(statement: &Statement<'a>) -> Rank<'a> {
    (
        statement.negated().is_some(),
        statement.standing as u8,
        match statement.facet(Facet::Criticality) {
            Some("high") => 0,
            Some("unable-to-assess") => 1,
            None => 2,
            Some(_) => 3,
        },
        match statement.facet(Facet::Status) {
            Some("active") => 0,
            Some("on-hold") => 1,
            None => 2,
            Some(_) => 3,
        },
        certainty(statement),
        Reverse(statement.when.map(|when| when.range().0)),
        &statement.item.id,
    )
}

/// How certain a statement is, the most certain first.
pub(crate) fn certainty(statement: &Statement<'_>) -> u8 {
    let status = statement.item.tree.root().get("status").and_then(|status| status.value()).unwrap_or_default();
    match (statement.verification().as_deref(), status.as_ref()) {
        (Some("confirmed"), _) | (None, "amended" | "completed" | "corrected" | "final") => 0,
        (None, _) => 1,
        (Some("unconfirmed" | "provisional" | "differential"), _) => 2,
        (Some(_), _) => 3,
    }
}

//! What leads to a resource by its R4 name or R4 address leads to its STU3 one.

use fhir::{Kind, NodeId};

use super::{Telling, stu3_name};
use crate::version::draft::Draft;

/// Looks at a node and all below it.
pub(super) fn all(draft: &mut Draft<'_>, node: NodeId, telling: &Telling<'_>) {
    for child in draft.children(node) {
        if draft.is_object(child) || draft.is_array(child) {
            all(draft, child, telling);
        } else if draft.tree.node(child).is_string() {
            rename(draft, child, telling);
        }
    }
}

fn rename(draft: &mut Draft<'_>, node: NodeId, telling: &Telling<'_>) {
    let reference = draft.tree.node(node).key() == "reference";
    let Some(text) = draft.value(node) else { return };
    let ours = Some(telling.r4_base).filter(|base| !base.is_empty()).and_then(|base| text.strip_prefix(base)?.strip_prefix('/'));
    let path = match ours {
        Some(path) => path,
        None if reference => text.as_str(),
        None => return,
    };
    let named = named(draft, node, path, telling);
    let new = match (ours, named) {
        (Some(path), named) => format!("{}/{}", telling.stu3_base, named.as_deref().unwrap_or(path)),
        (None, Some(named)) => named,
        (None, None) => return,
    };
    draft.converted(node, "what it leads to has another name or address in STU3");
    draft.tree.set_text(node, &new);
}

/// A path that begins with a type which STU3 calls otherwise, as it calls it.
fn named(draft: &Draft<'_>, node: NodeId, path: &str, telling: &Telling<'_>) -> Option<String> {
    let (named, rest) = path.split_once('/')?;
    let kind = Kind::parse(named)?;
    let id = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let new = match kind {
        Kind::SERVICE_REQUEST if (telling.is_referral)(id) || of_referrals(draft, node) => "ReferralRequest",
        kind => stu3_name(kind),
    };
    (new != named).then(|| format!("{new}/{rest}"))
}

/// Whether the reference stands where STU3 has nothing but referrals.
fn of_referrals(draft: &Draft<'_>, node: NodeId) -> bool {
    let holder = draft.tree.node(node).parent();
    let list = holder.and_then(|holder| holder.parent()).filter(|parent| parent.is_array());
    list.or(holder).is_some_and(|one| one.key() == "incomingReferral")
}

//! What a token of this exchange's own is granted: what was asked for, as far as what is registered covers it.

use access::Scope;
use fhir::Kind;

/// A scope that reads. What narrows by parameters does not: to leave those out would widen it.
fn reading(text: &str) -> Option<Scope<'_>> {
    Scope::parse(text).filter(|scope| scope.read || scope.search)
}

/// What both cover, in the spelling of the second version.
fn both(one: &Scope<'_>, other: &Scope<'_>) -> Option<String> {
    let kind = match (one.kind, other.kind) {
        (kind, None) | (None, kind) => kind,
        (kind, other) if kind == other => kind,
        _ => return None,
    };
    let verbs = match (one.read && other.read, one.search && other.search) {
        (true, true) => "rs",
        (true, false) => "r",
        (false, true) => "s",
        (false, false) => return None,
    };
    (one.context == other.context).then(|| format!("{}/{}.{verbs}", one.context, kind.map_or("*", Kind::name)))
}

/// Whether a scope of this context is understood, whole.
pub(crate) fn is_known(context: &str, text: &str) -> bool {
    reading(text).is_some_and(|scope| scope.context == context)
}

/// What of the scopes asked for is covered by those that are registered; in the spelling of the second version, each once.
pub fn narrowed(asked: &str, registered: &[String]) -> Vec<String> {
    let asked = asked.split_ascii_whitespace().filter_map(reading);
    let mut granted: Vec<String> = asked.flat_map(|one| registered.iter().filter_map(move |own| both(&one, &reading(own)?))).collect();
    granted.sort_unstable();
    granted.dedup();
    granted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_granted_that_is_not_both_asked_for_and_registered() {
        let check = |asked: &str, registered: &str, expected: &str| {
            let registered: Vec<String> = registered.split(' ').map(str::to_owned).collect();
            assert_eq!(narrowed(asked, &registered).join(" "), expected, "{asked} of {registered:?}");
        };
        check("system/*.rs", "system/*.rs", "system/*.rs");
        check("system/*.read", "system/*.rs", "system/*.rs");
        check("system/*.cruds", "system/*.rs", "system/*.rs");
        check("system/Observation.rs", "system/*.rs", "system/Observation.rs");
        check("system/*.rs", "system/Observation.rs system/Condition.r", "system/Condition.r system/Observation.rs");
        check("system/*.s system/Observation.r", "system/Observation.rs", "system/Observation.r system/Observation.s");
        check("system/Condition.rs", "system/Observation.rs", "");
        check("system/*.r", "system/*.s", "");
        check("system/Observation.rs system/Observation.rs", "system/*.rs", "system/Observation.rs");
        // Nobody gets another context, a desk, or more by leaving parameters out.
        for none in [
            "user/*.rs",
            "patient/*.rs",
            "severn.operator",
            "openid",
            "system/*.cud",
            "system/*.write",
            "system/*.sr",
            "system/Nothing.rs",
            "system/Observation.rs?category=laboratory",
            "system/*",
            "*/*.rs",
            "",
        ] {
            check(none, "system/*.rs", "");
        }
        check("system/*.rs", "user/*.rs severn.operator system/Observation.rs?x=1", "");
        check("patient/*.rs", "patient/*.rs", "patient/*.rs");
    }
}

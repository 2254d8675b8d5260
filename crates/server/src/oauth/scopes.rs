//! What a token of this exchange's own is granted: what was asked for, as far as what is registered covers it.

use fhir::Kind;

/// A scope that reads, taken apart: whose, of which types, by which deeds.
struct Scope<'a> {
    context: &'a str,
    kind: &'a str,
    read: bool,
    search: bool,
}

impl<'a> Scope<'a> {
    /// `None` where it reads nothing here, or narrows by parameters: to leave those out would widen it.
    fn parse(text: &'a str) -> Option<Scope<'a>> {
        let (context, rest) = text.split_once('/')?;
        let (kind, verbs) = rest.split_once('.')?;
        let known = kind == "*" || Kind::parse(kind).is_some();
        // The second version's verbs stand in this order, each once.
        let mut order = "cruds".chars();
        let ordered = !verbs.is_empty() && verbs.chars().all(|verb| order.any(|own| own == verb));
        let (read, search) = match verbs {
            "read" | "*" => (true, true),
            _ if ordered => (verbs.contains('r'), verbs.contains('s')),
            _ => (false, false),
        };
        (known && (read || search)).then_some(Scope { context, kind, read, search })
    }

    /// What both cover.
    fn both(&self, other: &Scope<'a>) -> Option<String> {
        let kind = match (self.kind, other.kind) {
            (one, "*") => one,
            ("*", other) => other,
            (one, other) if one == other => one,
            _ => return None,
        };
        let verbs = match (self.read && other.read, self.search && other.search) {
            (true, true) => "rs",
            (true, false) => "r",
            (false, true) => "s",
            (false, false) => return None,
        };
        (self.context == other.context).then(|| format!("{}/{kind}.{verbs}", self.context))
    }
}

/// Whether a scope of this context is understood, whole.
pub(crate) fn is_known(context: &str, text: &str) -> bool {
    Scope::parse(text).is_some_and(|scope| scope.context == context)
}

/// What of the scopes asked for is covered by those that are registered; in the spelling of the second version, each once.
pub(crate) fn narrowed(asked: &str, registered: &[String]) -> Vec<String> {
    let asked = asked.split_ascii_whitespace().filter_map(Scope::parse);
    let mut granted: Vec<String> = asked.flat_map(|one| registered.iter().filter_map(move |own| one.both(&Scope::parse(own)?))).collect();
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

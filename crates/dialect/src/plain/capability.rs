//! What a server says it can do.

use std::collections::BTreeMap;
use std::sync::Arc;

use fhir::{Ref, Tree};

/// What has been learnt of a source in general, about nobody: worth keeping for the next read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Known {
    /// Its statement of capability.
    pub(crate) capability: Option<Arc<Capability>>,
    /// Whether `$everything` works, where it was tried.
    pub(crate) everything: Option<bool>,
    /// Whether it was asked for its statement in vain: not again while this is remembered.
    pub(crate) silent: bool,
    /// Whether `_revinclude` was refused where the same question without it was answered.
    pub(crate) no_provenance: bool,
}

impl Known {
    /// Whether something else is said now of what was known: a source that was changed, not one of which more is known.
    pub fn contradicts(&self, now: &Known) -> bool {
        let other = |one: Option<&Arc<Capability>>, two: Option<&Arc<Capability>>| one.zip(two).is_some_and(|(one, two)| one != two);
        other(self.capability.as_ref(), now.capability.as_ref()) || self.everything.zip(now.everything).is_some_and(|(one, two)| one != two)
    }

    /// The same, with what is said now in place of what was said before.
    #[must_use]
    pub fn with(&self, now: &Known) -> Known {
        Known {
            capability: now.capability.clone().or_else(|| self.capability.clone()),
            everything: now.everything.or(self.everything),
            silent: now.silent,
            no_provenance: now.no_provenance,
        }
    }
}

/// A CapabilityStatement, or DSTU2's Conformance.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Capability {
    /// Whether it has `$everything` of a Patient.
    everything: bool,
    /// Types, each with its search parameters. Empty: it lists none.
    types: BTreeMap<String, Vec<String>>,
}

impl Capability {
    /// Reads a statement; `None` for anything else.
    pub(crate) fn read(tree: &Tree) -> Option<Capability> {
        let root = tree.root();
        if !matches!(root.text("resourceType").as_deref(), Some("CapabilityStatement" | "Conformance")) {
            return None;
        }
        let mut capability = Capability::default();
        for rest in root.all("rest").into_iter().filter(|rest| !rest.is("mode", "client")) {
            capability.everything |= rest.all("operation").into_iter().any(|operation| is_everything(operation, false));
            for resource in rest.all("resource") {
                let Some(name) = resource.text("type") else { continue };
                let of_patient = name == "Patient";
                capability.everything |= resource.all("operation").into_iter().any(|operation| is_everything(operation, of_patient));
                let params = resource.all("searchParam.name").into_iter().filter_map(|name| Some(name.value()?.into_owned()));
                capability.types.entry(name.into_owned()).or_default().extend(params);
            }
        }
        Some(capability)
    }

    /// Whether it says that it has `$everything`.
    pub(crate) fn has_everything(&self) -> bool {
        self.everything
    }

    /// Whether it knows a type; a statement that lists none says nothing.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.types.is_empty() || self.types.contains_key(name)
    }

    /// Whether it says that a type can be searched by `patient`.
    pub(crate) fn by_patient(&self, name: &str) -> bool {
        self.types.get(name).is_some_and(|params| params.iter().any(|own| own == "patient"))
    }

    /// Whether a type can be searched by `subject` and not by `patient`.
    pub(crate) fn by_subject(&self, name: &str) -> bool {
        let has = |param: &str| self.types.get(name).is_some_and(|params| params.iter().any(|own| own == param));
        has("subject") && !has("patient")
    }
}

/// STU3 and DSTU2 list operations for the whole server, where only the definition says of what.
fn is_everything(operation: Ref<'_>, of_patient: bool) -> bool {
    let definition = operation.text("definition").or_else(|| operation.text("definition.reference")).unwrap_or_default();
    let named = operation.text("name").is_some_and(|name| name.trim_start_matches('$').ends_with("everything"))
        || definition.ends_with("everything");
    let another = ["Encounter", "Group", "Composition", "Organization", "EpisodeOfCare"].iter().any(|kind| definition.contains(kind));
    named && (of_patient || !another)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(rest: &str) -> Capability {
        let json = format!(r#"{{"resourceType":"CapabilityStatement","rest":[{rest}]}}"#);
        Capability::read(&Tree::from_json(json.into()).unwrap()).unwrap()
    }

    #[test]
    fn everything_is_found_wherever_it_is_declared() {
        let check = |rest: &str, expected: bool| assert_eq!(read(rest).has_everything(), expected, "{rest}");
        check(r#"{"resource":[{"type":"Patient","operation":[{"name":"everything","definition":"http://x/Patient-everything"}]}]}"#, true);
        check(
            r#"{"resource":[{"type":"Encounter","operation":[{"name":"everything","definition":"http://x/Encounter-everything"}]}]}"#,
            false,
        );
        check(r#"{"operation":[{"name":"everything","definition":{"reference":"OperationDefinition/Patient-everything"}}]}"#, true);
        check(r#"{"operation":[{"name":"everything","definition":{"reference":"OperationDefinition/Encounter-everything"}}]}"#, false);
        check(r#"{"resource":[{"type":"Patient"}]}"#, false);
    }

    #[test]
    fn a_statement_without_types_says_nothing() {
        assert!(read("{}").has("Condition"));
        let capability = read(
            r#"{"resource":[{"type":"Condition","searchParam":[{"name":"subject"}]},{"type":"Flag","searchParam":[{"name":"patient"},{"name":"subject"}]}]}"#,
        );
        assert!(capability.has("Condition") && !capability.has("Task"));
        assert!(capability.by_subject("Condition") && !capability.by_subject("Flag"));
    }

    #[test]
    fn another_resource_is_no_statement() {
        assert_eq!(Capability::read(&Tree::from_json("{\"resourceType\":\"Patient\"}".into()).unwrap()), None);
    }
}

#[cfg(test)]
mod known_tests {
    use super::*;

    fn states(types: &[&str]) -> Known {
        let types = types.iter().map(|kind| ((*kind).to_owned(), Vec::new())).collect();
        Known { capability: Some(Arc::new(Capability { everything: true, types })), ..Known::default() }
    }

    #[test]
    fn known_is_contradicted_by_another_statement_and_not_by_silence_or_more() {
        let (one, nothing) = (states(&["Condition"]), Known::default());
        let works = |works| Known { everything: Some(works), ..Known::default() };
        for (before, now, contradicted) in [
            (&nothing, &one, false),
            (&one, &nothing, false),
            (&one, &states(&["Condition"]), false),
            (&one, &works(true), false),
            (&one, &states(&["Condition", "Procedure"]), true),
            (&works(true), &works(false), true),
        ] {
            assert_eq!(before.contradicts(now), contradicted, "{before:?} {now:?}");
        }
        // What is not said again is still known.
        assert!(one.with(&works(true)).with(&nothing).contradicts(&states(&[])));
        assert!(one.with(&works(true)).contradicts(&works(false)));
    }
}

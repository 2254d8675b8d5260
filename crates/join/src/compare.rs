//! Whether two statements of one type are about one thing, and whether they say the same of it (T3).

use fhir::Kind;
use fhir::date::{Partial, Precision};

use crate::statement::{Code, Facet, Standing, Statement};

/// How two statements stand to one another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// About one thing, and differing in what may not differ.
    Differ(Vec<Facet>),
    /// About two things.
    No,
    /// Perhaps about one thing; why it cannot be said.
    Perhaps(&'static str),
    /// About one thing, and nothing stated differs.
    Same,
}

/// Compares by the key of the type.
pub(crate) fn compare(a: &Statement<'_>, b: &Statement<'_>) -> Verdict {
    let negated = (a.negated(), b.negated());
    if negated != (None, None) {
        return if negated.0 == negated.1 && a.standing == b.standing { Verdict::Same } else { Verdict::No };
    }
    if !about_one(a, b) {
        return Verdict::No;
    }
    let opposed = a.standing != b.standing;
    for (name, space, value) in &a.detail().same {
        let named = *name == "title" && a.detail().decides && b.detail().decides;
        if !named && b.detail().same.iter().any(|(other, system, theirs)| other == name && system == space && theirs != value) {
            let nests = *name == "category";
            return if nests { Verdict::Perhaps("a diagnosis and a problem of the same code") } else { Verdict::No };
        }
    }
    let differ = differences(a, b);
    match when(a, b, opposed || differ.contains(&Facet::Verification) || differ.contains(&Facet::Recommendation)) {
        Verdict::Same => {}
        other => return other,
    }
    if !differ.is_empty() {
        return Verdict::Differ(differ);
    }
    comparable(a, b)
}

/// Facets that both state, and state differently.
pub(crate) fn differences(a: &Statement<'_>, b: &Statement<'_>) -> Vec<Facet> {
    let theirs = &b.detail().stated;
    let mut differ: Vec<Facet> = a
        .detail()
        .stated
        .iter()
        .filter(|(facet, measure, value)| theirs.iter().any(|(f, m, v)| f == facet && m == measure && v != value))
        .map(|(facet, _, _)| *facet)
        .collect();
    if a.standing != b.standing {
        let verified = matches!(a.kind(), Kind::ALLERGY_INTOLERANCE | Kind::CONDITION);
        differ.push(if verified { Facet::Verification } else { Facet::Status });
    }
    differ.sort();
    differ.dedup();
    differ
}

/// Whether both name one thing: a code in common, and no standard system in which they differ; words where neither has a code.
pub(crate) fn about_one(a: &Statement<'_>, b: &Statement<'_>) -> bool {
    match codes(&a.codes, &b.codes) {
        Shared::Some => true,
        // "Allergy to penicillin" and "Penicillin" have two codes and one agent.
        Shared::Contrary => a.kind() == Kind::ALLERGY_INTOLERANCE && words(a, b),
        Shared::None if a.codes.is_empty() && b.codes.is_empty() => {
            words(a, b) || matches!(a.kind(), Kind::APPOINTMENT | Kind::ENCOUNTER) && a.words().is_none() && b.words().is_none()
        }
        Shared::None => {
            let wordless = matches!(a.kind(), Kind::ENCOUNTER) && (a.codes.is_empty() || b.codes.is_empty());
            wordless || a.kind() == Kind::ALLERGY_INTOLERANCE && words(a, b)
        }
    }
}

/// Whether both are in the same words.
pub(crate) fn words(a: &Statement<'_>, b: &Statement<'_>) -> bool {
    a.words().is_some() && a.words() == b.words()
}

/// What two lists of codes have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shared {
    /// A standard system in which both have codes, and none in common.
    Contrary,
    /// No system in common, or a local one with other codes.
    None,
    /// A code, and nothing against it.
    Some,
}

pub(crate) fn codes(a: &[Code<'_>], b: &[Code<'_>]) -> Shared {
    let shared = |space| a.iter().any(|code| code.0 == space && b.contains(code));
    let contrary = a.iter().any(|(space, _)| space.is_standard() && b.iter().any(|(other, _)| other == space) && !shared(*space));
    if contrary {
        Shared::Contrary
    } else if a.iter().any(|code| b.contains(code)) {
        Shared::Some
    } else {
        Shared::None
    }
}

/// Equal at the coarser precision of the two; two instants are equal or they are two.
fn meets(a: &Partial, b: &Partial) -> bool {
    a == b || a.covers(b) && a.precision() != b.precision() || b.covers(a) && a.precision() != b.precision()
}

/// Whether the dates are those of one thing.
fn when(a: &Statement<'_>, b: &Statement<'_>, contradict: bool) -> Verdict {
    let dates = (a.when.as_ref(), b.when.as_ref());
    let same = |yes: bool| if yes { Verdict::Same } else { Verdict::No };
    match a.kind() {
        Kind::ALLERGY_INTOLERANCE => Verdict::Same,
        Kind::MEDICATION_REQUEST | Kind::MEDICATION_STATEMENT => line(a, b),
        Kind::APPOINTMENT | Kind::DIAGNOSTIC_REPORT | Kind::ENCOUNTER | Kind::OBSERVATION => match dates {
            // A day never equals a time on that day, nor another statement of that day.
            (Some(a), Some(b)) => same(a == b && a.precision() == Precision::Instant),
            _ => Verdict::No,
        },
        // A decision made anew elsewhere contradicts the one before it, whatever their dates: which stands is for a reader to see.
        Kind::CARE_PLAN if contradict && a.detail().decides && b.detail().decides => Verdict::Same,
        Kind::CONDITION => match dates {
            (Some(one), Some(other)) => same(meets(one, other)),
            // Confirmed and dated against refuted and undated is a conflict; otherwise an absent onset matches nothing.
            _ if contradict && (a.standing == Standing::Asserted || b.standing == Standing::Asserted) => Verdict::Same,
            _ => Verdict::Perhaps("the same code, and one has no onset"),
        },
        Kind::IMMUNIZATION => match dates {
            (Some(a), Some(b)) if meets(a, b) => Verdict::Same,
            (Some(a), Some(b)) if a.range().0 / DAY == b.range().0 / DAY => Verdict::Perhaps("the same vaccine at two times of one day"),
            _ => Verdict::No,
        },
        _ => match dates {
            (Some(a), Some(b)) => same(meets(a, b)),
            _ => Verdict::No,
        },
    }
}

const DAY: i128 = 86_400_000_000_000;

/// Lines of current medicines are one line whenever they were written; courses that ended are one when they are of one date.
fn line(a: &Statement<'_>, b: &Statement<'_>) -> Verdict {
    let dated = match (&a.when, &b.when) {
        (Some(a), Some(b)) => meets(a, b),
        _ => false,
    };
    let status = (a.facet(Facet::Status), b.facet(Facet::Status));
    match status {
        _ if dated => Verdict::Same,
        (Some("ended"), Some("ended")) => Verdict::No,
        (Some("ended"), _) => ended(a, b),
        (_, Some("ended")) => ended(b, a),
        _ => Verdict::Same,
    }
}

/// A course that ended before the other began is another; one stopped meanwhile contradicts it.
fn ended(over: &Statement<'_>, current: &Statement<'_>) -> Verdict {
    let stopped = over.item.tree.root().get("status").and_then(|status| status.value()).is_some_and(|status| status != "completed");
    // When it ended is unknown where nobody says so: an unknown end is before nothing.
    let end = over.detail().until.map(|end| end.range().1);
    let before = end.zip(current.when).is_some_and(|(end, start)| end < start.range().0);
    if stopped && !before { Verdict::Same } else { Verdict::No }
}

/// Whether what is stated suffices to say that nothing differs.
fn comparable(a: &Statement<'_>, b: &Statement<'_>) -> Verdict {
    let kind = a.kind();
    let (a, b) = (a.detail(), b.detail());
    match kind {
        Kind::OBSERVATION => {
            let shared = a
                .stated
                .iter()
                .filter(|(facet, measure, _)| *facet == Facet::Value && b.stated.iter().any(|(f, m, _)| f == facet && m == measure))
                .count();
            if a.values == 0 || b.values == 0 || shared == 0 {
                Verdict::Perhaps("the same test at the same time; the values cannot be compared")
            } else if a.values != b.values {
                Verdict::Perhaps("the same panel at the same time, with other components")
            } else {
                Verdict::Same
            }
        }
        Kind::MEDICATION_ADMINISTRATION | Kind::MEDICATION_DISPENSE | Kind::MEDICATION_REQUEST | Kind::MEDICATION_STATEMENT => {
            match (&a.directions, &b.directions) {
                (Some(one), Some(other)) if one != other => Verdict::Perhaps("the same medicine, with directions in other words"),
                _ => Verdict::Same,
            }
        }
        _ => Verdict::Same,
    }
}

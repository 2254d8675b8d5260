//! Whether a rule can ever apply. Its conditions are taken apart into cases, and each case looked through for what cannot be together.
//! Where that cannot be told, nothing is said.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::rc::Rc;

use cedar_policy::pst::{BinaryOp, Clause, Expr, Literal, UnaryOp, Var};
use jiff::civil::Date;

/// Cases looked through at most; a rule with more is not judged.
const CASES_MAX: usize = 512;
/// Conditions in all those cases at most; a rule with more is refused, since to look through it would take the start of the program
/// minutes. 32 a case is far more than a row of a sharing matrix comes to.
const CONDITIONS_MAX: usize = 32 * CASES_MAX;

/// One condition, and whether it holds.
#[derive(Clone)]
struct Atom<'a> {
    holds: bool,
    expression: &'a Expr,
    /// The condition written out: two that are the same are written the same.
    written: Rc<str>,
}

type Case<'a> = Vec<Atom<'a>>;

/// Why a rule was not taken apart.
enum Unjudged {
    Cases,
    Conditions,
}

/// Why a rule never applies, if that can be told. `today` is given where a rule whose time is over counts as one that never does.
pub(crate) fn never(clauses: &[Clause], today: Option<Date>) -> Option<String> {
    match cases(clauses) {
        Ok(cases) => impossible(&cases, today),
        Err(Unjudged::Cases) => None,
        Err(Unjudged::Conditions) => Some("it has more conditions than can be looked through; write it as several rules".to_owned()),
    }
}

/// Whether a rule that permits is always overridden by one that forbids, as far as their conditions go.
pub(crate) fn overridden(permits: &[Clause], forbids: &[Clause]) -> bool {
    let (Ok(permits), Ok(escapes)) = (cases(permits), escapes(forbids)) else { return false };
    both(&permits, &escapes).is_ok_and(|all| impossible(&all, None).is_some())
}

/// Why none of the cases can be.
fn impossible(cases: &[Case<'_>], today: Option<Date>) -> Option<String> {
    let mut first = None;
    for case in cases {
        first.get_or_insert(contradiction(case, today)?);
    }
    Some(first.unwrap_or_else(|| "its conditions are never true".to_owned()))
}

/// The cases in which a rule's conditions hold.
fn cases(clauses: &[Clause]) -> Result<Vec<Case<'_>>, Unjudged> {
    let mut all = vec![Vec::new()];
    for clause in clauses {
        let one = match clause {
            Clause::When(condition) => apart(condition, true)?,
            Clause::Unless(condition) => apart(condition, false)?,
        };
        all = both(&all, &one)?;
    }
    Ok(all)
}

/// The cases in which they do not.
fn escapes(clauses: &[Clause]) -> Result<Vec<Case<'_>>, Unjudged> {
    let mut all = Vec::new();
    for clause in clauses {
        all.extend(match clause {
            Clause::When(condition) => apart(condition, false)?,
            Clause::Unless(condition) => apart(condition, true)?,
        });
    }
    Ok(all)
}

fn both<'a>(left: &[Case<'a>], right: &[Case<'a>]) -> Result<Vec<Case<'a>>, Unjudged> {
    let conditions = |cases: &[Case<'_>]| cases.iter().map(Vec::len).sum::<usize>();
    if left.len() * right.len() > CASES_MAX {
        return Err(Unjudged::Cases);
    }
    if conditions(left) * right.len() + conditions(right) * left.len() > CONDITIONS_MAX {
        return Err(Unjudged::Conditions);
    }
    Ok(left.iter().flat_map(|one| right.iter().map(move |other| one.iter().chain(other).cloned().collect())).collect())
}

fn apart(expression: &Expr, holds: bool) -> Result<Vec<Case<'_>>, Unjudged> {
    match expression {
        Expr::UnaryOp { op: UnaryOp::Not, expr } => apart(expr, !holds),
        Expr::BinaryOp { op: BinaryOp::And, left, right } if holds => both(&apart(left, true)?, &apart(right, true)?),
        Expr::BinaryOp { op: BinaryOp::Or, left, right } if !holds => both(&apart(left, false)?, &apart(right, false)?),
        Expr::BinaryOp { op: BinaryOp::And | BinaryOp::Or, left, right } => {
            let (mut one, other) = (apart(left, holds)?, apart(right, holds)?);
            one.extend(other);
            if one.len() <= CASES_MAX { Ok(one) } else { Err(Unjudged::Cases) }
        }
        Expr::Literal(Literal::Bool(always)) => Ok(if *always == holds { vec![Vec::new()] } else { Vec::new() }),
        _ => Ok(vec![vec![Atom { holds, expression, written: format!("{expression:?}").into() }]]),
    }
}

/// What is known in one case of one attribute.
#[derive(Default)]
struct Known {
    /// What it may be, where it is one word; or what its words may be, where it is a set.
    within: Option<BTreeSet<String>>,
    /// What it is not, or has not.
    without: BTreeSet<String>,
    /// What it has, where it is a set.
    has: BTreeSet<String>,
    /// Groups of which it has one, where it is a set.
    any: Vec<BTreeSet<String>>,
    /// Whether it is empty, where it is a set.
    empty: bool,
    /// Whether it is one word.
    one: bool,
}

fn contradiction(case: &[Atom<'_>], today: Option<Date>) -> Option<String> {
    let (holds, fails): (Vec<&Atom<'_>>, Vec<&Atom<'_>>) = case.iter().partition(|atom| atom.holds);
    let holds: HashSet<&str> = holds.into_iter().map(|atom| &*atom.written).collect();
    if fails.into_iter().any(|atom| holds.contains(&*atom.written)) {
        return Some("its conditions contradict one another".to_owned());
    }
    let mut known: BTreeMap<String, Known> = BTreeMap::new();
    let (mut from, mut until) = (None::<Date>, None::<Date>);
    for atom in case {
        learn(atom, &mut known);
        if let Some((lower, upper)) = days(atom) {
            from = from.max(lower);
            until = [until, upper].into_iter().flatten().min();
        }
    }
    if let (Some(from), Some(until)) = (from, until)
        && until < from
    {
        return Some(format!("it begins on {from} and ends before that, on {until}"));
    }
    if let (Some(today), Some(until)) = (today, until)
        && until < today
    {
        return Some(format!("its time was over on {until}"));
    }
    known.iter().find_map(|(attribute, known)| known.contradicts().then(|| format!("its conditions on {attribute} contradict one another")))
}

impl Known {
    fn contradicts(&self) -> bool {
        let possible = |word: &String| !self.without.contains(word) && self.within.as_ref().is_none_or(|within| within.contains(word));
        // A set may have nothing at all, and fit whatever narrows it.
        self.one && self.within.as_ref().is_some_and(|within| !within.iter().any(possible))
            || self.has.iter().any(|word| !possible(word))
            || self.any.iter().any(|group| !group.iter().any(possible))
            || self.empty && !(self.has.is_empty() && self.any.is_empty())
    }

    fn narrow(&mut self, words: BTreeSet<String>) {
        self.within = Some(match self.within.take() {
            Some(known) => known.intersection(&words).cloned().collect(),
            None => words,
        });
    }
}

fn attribute(expression: &Expr) -> Option<String> {
    match expression {
        Expr::GetAttr { expr, attr } => match &**expr {
            Expr::Var(Var::Principal) => Some(format!("principal.{attr}")),
            Expr::Var(Var::Resource) => Some(format!("resource.{attr}")),
            Expr::Var(Var::Context) => Some(format!("context.{attr}")),
            _ => None,
        },
        _ => None,
    }
}

fn word(expression: &Expr) -> Option<String> {
    match expression {
        Expr::Literal(Literal::String(text)) => Some(text.to_string()),
        _ => None,
    }
}

fn words(expression: &Expr) -> Option<BTreeSet<String>> {
    match expression {
        Expr::Set(items) => items.iter().map(|item| word(item)).collect(),
        _ => None,
    }
}

fn learn(atom: &Atom<'_>, all: &mut BTreeMap<String, Known>) {
    if let Expr::UnaryOp { op: UnaryOp::IsEmpty, expr } = atom.expression
        && let Some(name) = attribute(expr)
        && atom.holds
    {
        all.entry(name).or_default().empty = true;
        return;
    }
    let Expr::BinaryOp { op, left, right } = atom.expression else { return };
    match (op, atom.holds) {
        (BinaryOp::Eq, true) | (BinaryOp::NotEq, false) => {
            for (one, other) in [(left, right), (right, left)] {
                if let (Some(name), Some(word)) = (attribute(one), word(other)) {
                    let known = all.entry(name).or_default();
                    known.one = true;
                    known.narrow(BTreeSet::from([word]));
                }
            }
        }
        (BinaryOp::Eq, false) | (BinaryOp::NotEq, true) => {
            for (one, other) in [(left, right), (right, left)] {
                if let (Some(name), Some(word)) = (attribute(one), word(other)) {
                    all.entry(name).or_default().without.insert(word);
                }
            }
        }
        (BinaryOp::Contains, holds) => {
            if let (Some(name), Some(word)) = (attribute(left), word(right)) {
                let known = all.entry(name).or_default();
                if holds {
                    known.has.insert(word)
                } else {
                    known.without.insert(word)
                };
            } else if let (Some(words), Some(name)) = (words(left), attribute(right)) {
                let known = all.entry(name).or_default();
                known.one = true;
                if holds { known.narrow(words) } else { known.without.extend(words) }
            }
        }
        (BinaryOp::ContainsAll, true) => {
            if let (Some(name), Some(words)) = (attribute(left), words(right)) {
                all.entry(name).or_default().has.extend(words);
            } else if let (Some(words), Some(name)) = (words(left), attribute(right)) {
                all.entry(name).or_default().narrow(words);
            }
        }
        (BinaryOp::ContainsAny, holds) => {
            let pair = match (attribute(left), words(right)) {
                (Some(name), Some(words)) => Some((name, words)),
                _ => attribute(right).zip(words(left)),
            };
            if let Some((name, words)) = pair {
                let known = all.entry(name).or_default();
                if holds { known.any.push(words) } else { known.without.extend(words) }
            }
        }
        _ => {}
    }
}

/// From which day and until which a condition on the day holds.
fn days(atom: &Atom<'_>) -> Option<(Option<Date>, Option<Date>)> {
    let Expr::BinaryOp { op, left, right } = atom.expression else { return None };
    let day = |expression: &Expr| match expression {
        Expr::UnaryOp { op: UnaryOp::Datetime, expr } => word(expr).and_then(|text| text.get(..10)?.parse::<Date>().ok()),
        _ => None,
    };
    let today = |expression: &Expr| attribute(expression).is_some_and(|name| name == "context.today");
    let (op, day) = match (today(left), today(right)) {
        (true, false) => (*op, day(right)?),
        (false, true) => {
            let turned = match op {
                BinaryOp::Less => BinaryOp::Greater,
                BinaryOp::LessEq => BinaryOp::GreaterEq,
                BinaryOp::Greater => BinaryOp::Less,
                BinaryOp::GreaterEq => BinaryOp::LessEq,
                other => *other,
            };
            (turned, day(left)?)
        }
        _ => return None,
    };
    Some(match (op, atom.holds) {
        (BinaryOp::Less, true) | (BinaryOp::GreaterEq, false) => (None, day.yesterday().ok()),
        (BinaryOp::LessEq, true) | (BinaryOp::Greater, false) => (None, Some(day)),
        (BinaryOp::Greater, true) | (BinaryOp::LessEq, false) => (day.tomorrow().ok(), None),
        (BinaryOp::GreaterEq, true) | (BinaryOp::Less, false) => (Some(day), None),
        (BinaryOp::Eq, true) | (BinaryOp::NotEq, false) => (Some(day), Some(day)),
        _ => return None,
    })
}

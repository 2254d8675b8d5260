//! What is wrong with rules that parse: looked for in all of them, before any decides.

use std::collections::BTreeSet;

use cedar_policy::pst::{Clause, EntityUID, Expr, Literal};
use cedar_policy::{Effect, PolicyId, PolicySet, Schema, ValidationMode, Validator};

use super::load::{Fault, Statement, compared, walk};
use super::{Site, reach, words};

/// Everything that is wrong with them.
pub(crate) fn all(statements: &[Statement], schema: &Schema, site: &Site, faults: &mut Vec<Fault>) {
    let before = faults.len();
    let given = views(statements);
    for statement in statements {
        let mut fault = |words: String| faults.push(of(statement, words));
        if groups_nothing(statement) {
            fault("an empty group: nobody is in it, and its contrary is everybody".to_owned());
            continue;
        }
        unknown(statement, site, &given).into_iter().for_each(&mut fault);
        if let Some(why) = reach::never(&statement.facts.clauses, site.today) {
            fault(format!("can never apply: {why}"));
        } else if let Some(other) = overridden(statement, statements) {
            fault(format!("can never apply: {} forbids whatever it permits", other.policy.id()));
        }
    }
    // What was said of a rule in our words is not said again in the schema's.
    let said: BTreeSet<String> = faults[before..].iter().filter_map(|fault| fault.rule.clone()).collect();
    faults.extend(misfits(statements, schema).into_iter().filter(|fault| fault.rule.as_ref().is_none_or(|rule| !said.contains(rule))));
}

fn of(statement: &Statement, words: String) -> Fault {
    Fault { file: statement.file.clone(), line: statement.line, rule: Some(statement.policy.id().to_string()), words }
}

/// Whether they fit the schema.
fn misfits(statements: &[Statement], schema: &Schema) -> Vec<Fault> {
    let set = match PolicySet::from_policies(statements.iter().map(|statement| statement.policy.clone())) {
        Ok(set) => set,
        Err(error) => return vec![Fault { file: String::new(), line: 0, rule: None, words: error.to_string() }],
    };
    let said = Validator::new(schema.clone()).validate(&set, ValidationMode::Strict);
    let errors = said.validation_errors().map(|error| (error.policy_id(), format!("does not fit the schema: {error}")));
    // A warning is of a rule that never applies, or of letters that look like others: neither is a rule that somebody meant.
    let warnings = said.validation_warnings().map(|warning| (warning.policy_id(), warning.to_string()));
    let found = |id: &PolicyId| statements.iter().find(|statement| statement.policy.id() == id);
    errors.chain(warnings).filter_map(|(id, words)| Some(of(found(id)?, words))).collect()
}

fn conditions(statement: &Statement) -> impl Iterator<Item = &Expr> {
    statement.facts.clauses.iter().map(|clause| {
        let (Clause::When(condition) | Clause::Unless(condition)) = clause;
        &**condition
    })
}

/// Whether a rule compares with a group that has nothing in it.
fn groups_nothing(statement: &Statement) -> bool {
    let mut empty = statement.facts.actions.as_ref().is_some_and(Vec::is_empty);
    for condition in conditions(statement) {
        walk(condition, &mut |one| empty |= matches!(one, Expr::Set(items) if items.is_empty()));
    }
    empty
}

/// The words of a rule that nothing bears here.
fn unknown(statement: &Statement, site: &Site, given: &BTreeSet<String>) -> BTreeSet<String> {
    let mut said = BTreeSet::new();
    let mut stranger = |uid: &EntityUID| {
        if uid.ty.to_string() == "Record" && site.strangers.contains(uid.eid.as_str()) {
            said.insert(format!("\"{}\" is no person that is known here", uid.eid));
        }
    };
    statement.facts.resource.iter().for_each(&mut stranger);
    for condition in conditions(statement) {
        walk(condition, &mut |one| {
            if let Expr::Literal(Literal::EntityUID(uid)) = one {
                stranger(uid);
            }
        });
    }
    for condition in conditions(statement) {
        compared(condition, &mut |attribute, word| said.extend(words::unknown(attribute, word, site, given)));
    }
    said
}

/// The views that some rule lets somebody hold.
fn views(statements: &[Statement]) -> BTreeSet<String> {
    let gives = |statement: &&Statement| {
        let holds = statement.facts.actions.as_ref().is_none_or(|actions| actions.iter().any(|action| action == "hold"));
        holds && statement.policy.effect() == Effect::Permit
    };
    let mut views = BTreeSet::new();
    for statement in statements.iter().filter(gives) {
        views.extend(statement.facts.resource.iter().filter(|uid| uid.ty.to_string() == "View").map(|uid| uid.eid.to_string()));
        for condition in conditions(statement) {
            walk(condition, &mut |one| {
                if let Expr::Literal(Literal::EntityUID(uid)) = one
                    && uid.ty.to_string() == "View"
                {
                    views.insert(uid.eid.to_string());
                }
            });
        }
    }
    views
}

/// A rule that forbids whatever this one permits, if one does and that can be told.
fn overridden<'a>(permit: &Statement, all: &'a [Statement]) -> Option<&'a Statement> {
    if permit.policy.effect() != Effect::Permit {
        return None;
    }
    let wider = |forbid: &&Statement| {
        let actions = match (&permit.facts.actions, &forbid.facts.actions) {
            (_, None) => true,
            (None, Some(_)) => false,
            (Some(own), Some(theirs)) => own.iter().all(|action| theirs.contains(action)),
        };
        actions && forbid.facts.anybody && forbid.facts.anything
    };
    let forbids = all.iter().filter(|other| other.policy.effect() == Effect::Forbid);
    forbids.filter(wider).find(|forbid| reach::overridden(&permit.facts.clauses, &forbid.facts.clauses))
}

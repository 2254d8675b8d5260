//! From text to rules that decide. What is wrong is said all at once, with file and line; of what is wrong nothing is loaded.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use cedar_policy::pst::{ActionConstraint, Clause, EntityOrSlot, EntityUID, Expr, Literal, PrincipalConstraint, ResourceConstraint};
use cedar_policy::{Authorizer, Policy, PolicyId, PolicySet, Schema};
use moka::sync::Cache;
use rustc_hash::FxHashMap;
use sha2::{Digest, Sha256};

use super::rule::{Action, RuleId};
use super::{Inner, Rules, SITUATIONS_MAX, Site, check, sharing};
use crate::Refusal;

const SCHEMA: &str = include_str!("../../policy/severn.cedarschema");

/// The rules that are shipped, one file a subject.
pub(crate) const SHIPPED: [(&str, &str); 9] = [
    ("purposes.cedar", include_str!("../../policy/purposes.cedar")),
    ("finding.cedar", include_str!("../../policy/finding.cedar")),
    ("views.cedar", include_str!("../../policy/views.cedar")),
    ("shows.cedar", include_str!("../../policy/shows.cedar")),
    ("relationships.cedar", include_str!("../../policy/relationships.cedar")),
    ("emergency.cedar", include_str!("../../policy/emergency.cedar")),
    ("sensitivity.cedar", include_str!("../../policy/sensitivity.cedar")),
    ("sharing.cedar", include_str!("../../policy/sharing.cedar")),
    ("desks.cedar", include_str!("../../policy/desks.cedar")),
];

/// A file of rules.
#[derive(Debug, Clone)]
pub struct Text {
    /// Its name, for people.
    pub file: String,
    /// What stands in it.
    pub text: String,
}

/// Something wrong with a rule.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fault {
    /// In which file.
    pub file: String,
    /// At which line the rule begins.
    pub line: usize,
    /// Which rule, where it has a name.
    pub rule: Option<String>,
    /// What is wrong with it.
    pub words: String,
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}: ", self.file, self.line)?;
        if let Some(rule) = &self.rule {
            write!(f, "rule {rule}: ")?;
        }
        f.write_str(&self.words)
    }
}

/// What the rules look at beyond what all of them do: facts that none looks at tell no two questions apart.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Mentions {
    pub organisation: bool,
    pub organisation_kinds: bool,
    pub resource_type: bool,
    pub source: bool,
    pub source_organisation: bool,
    /// By their ids. Anybody else is nobody in particular.
    pub persons: BTreeSet<String>,
    /// What the rules about sections look at of a caller and of what speaks for them.
    pub seen: Seen,
}

/// See [`Mentions::seen`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Seen {
    pub activities: bool,
    pub human: bool,
    pub organisation: bool,
    pub organisation_kinds: bool,
    pub purposes: bool,
    pub relationships: bool,
    pub roles: bool,
    pub scopes: bool,
}

/// One rule, parsed.
pub(crate) struct Statement {
    pub file: String,
    pub line: usize,
    pub policy: Policy,
    pub facts: Told,
}

/// What a rule says, taken apart.
pub(crate) struct Told {
    pub actions: Option<Vec<String>>,
    /// What its head names of what is done something with.
    pub resource: Vec<EntityUID>,
    /// Whether its head names nothing: then it is for whatever there is.
    pub anything: bool,
    /// Whether its head names nobody.
    pub anybody: bool,
    pub clauses: Vec<Clause>,
}

impl Rules {
    /// The rules that are shipped with a site's own, and its sharing matrix where it has one, checked.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with them, with file and line.
    pub fn load(own: &[Text], matrix: Option<&Text>, site: Site) -> Result<Rules, Vec<Fault>> {
        let shipped = SHIPPED.iter().map(|(file, text)| Text { file: format!("(shipped) {file}"), text: (*text).to_owned() });
        let mut texts: Vec<Text> = shipped.chain(own.iter().cloned()).collect();
        let mut faults = Vec::new();
        if let Some(matrix) = matrix {
            let (rules, wrong) = sharing::rules(matrix, &site);
            texts.push(rules);
            faults.extend(wrong);
        }
        Rules::checked(&texts, site, faults)
    }

    /// The persons whom these files name, by the exchange's own ids: whoever loads them looks up which of them are nobody.
    pub fn persons_named(own: &[Text]) -> BTreeSet<String> {
        let mut named = BTreeSet::new();
        for statement in parse(own, &mut Vec::new()) {
            let uids = statement.facts.resource.iter().filter(|uid| uid.ty.to_string() == "Record");
            named.extend(uids.map(|uid| uid.eid.to_string()));
            for Clause::When(condition) | Clause::Unless(condition) in &statement.facts.clauses {
                walk(condition, &mut |one| {
                    if let Expr::Literal(Literal::EntityUID(uid)) = one
                        && uid.ty.to_string() == "Record"
                    {
                        named.insert(uid.eid.to_string());
                    }
                });
            }
        }
        named
    }

    /// These rules and no others, checked: for tests of what each of them does.
    #[doc(hidden)]
    pub fn of(texts: &[Text], site: Site) -> Result<Rules, Vec<Fault>> {
        Rules::checked(texts, site, Vec::new())
    }

    fn checked(texts: &[Text], site: Site, mut faults: Vec<Fault>) -> Result<Rules, Vec<Fault>> {
        let statements = parse(texts, &mut faults);
        check::all(&statements, &schema(), &site, &mut faults);
        if !faults.is_empty() {
            faults.sort();
            faults.dedup();
            return Err(faults);
        }
        Ok(built(texts, statements, site))
    }
}

/// The rules that are shipped without one, and others beside them; they are not checked, since one may not be without another.
pub(crate) fn without(rule: RuleId, own: &[Text], site: Site) -> Rules {
    let shipped = SHIPPED.iter().map(|(file, text)| Text { file: (*file).to_owned(), text: (*text).to_owned() });
    let texts: Vec<Text> = shipped.chain(own.iter().cloned()).collect();
    let mut statements = parse(&texts, &mut Vec::new());
    statements.retain(|statement| AsRef::<str>::as_ref(statement.policy.id()) != rule.as_str());
    built(&texts, statements, site)
}

fn schema() -> Schema {
    let (schema, _) = Schema::from_cedarschema_str(SCHEMA).unwrap_or_else(|error| unreachable!("a test parses the schema: {error}"));
    schema
}

/// Takes the files apart into rules, and each rule by itself, so that one that is wrong hides no other.
fn parse(texts: &[Text], faults: &mut Vec<Fault>) -> Vec<Statement> {
    let mut statements: Vec<Statement> = Vec::new();
    for text in texts {
        for (line, statement) in split(&text.text) {
            let mut fault = |rule: Option<&str>, words: String| {
                faults.push(Fault { file: text.file.clone(), line, rule: rule.map(str::to_owned), words })
            };
            let policy = match Policy::parse(None, statement) {
                Ok(policy) => policy,
                Err(errors) => {
                    let said: Vec<String> = errors.iter().map(ToString::to_string).collect();
                    fault(None, format!("is not Cedar: {}", said.join("; ")));
                    continue;
                }
            };
            let Some(id) = policy.annotation("id").filter(|id| !id.trim().is_empty()).map(str::to_owned) else {
                fault(None, "has no @id(\"…\"): the ledger has to name it".to_owned());
                continue;
            };
            if let Some(other) = statements.iter().find(|other| AsRef::<str>::as_ref(other.policy.id()) == id) {
                fault(Some(&id), format!("the rule at {}:{} has the same id", other.file, other.line));
                continue;
            }
            if let Some(refusal) = policy.annotation("refusal").filter(|refusal| Refusal::parse(refusal).is_none()) {
                fault(Some(&id), format!("@refusal(\"{refusal}\") is no refusal that is known here"));
                continue;
            }
            let Ok(told) = told(&policy) else {
                fault(Some(&id), "cannot be taken apart".to_owned());
                continue;
            };
            if !told.clauses.iter().all(|(Clause::When(condition) | Clause::Unless(condition))| is_known(condition)) {
                fault(Some(&id), "says something of which it is not known here what it looks at".to_owned());
                continue;
            }
            statements.push(Statement { file: text.file.clone(), line, policy: policy.new_id(PolicyId::new(id)), facts: told });
        }
    }
    statements
}

fn told(policy: &Policy) -> Result<Told, String> {
    let pst = policy.to_pst().map_err(|error| error.to_string())?;
    let body = pst.body();
    let actions = match &body.action {
        ActionConstraint::Any => None,
        ActionConstraint::Eq(one) => Some(vec![one.eid.to_string()]),
        ActionConstraint::In(all) => Some(all.iter().map(|one| one.eid.to_string()).collect()),
    };
    let resource = match &body.resource {
        ResourceConstraint::Eq(EntityOrSlot::Entity(one))
        | ResourceConstraint::In(EntityOrSlot::Entity(one))
        | ResourceConstraint::IsIn(_, EntityOrSlot::Entity(one)) => vec![one.clone()],
        _ => Vec::new(),
    };
    let anything = matches!(body.resource, ResourceConstraint::Any);
    let anybody = matches!(body.principal, PrincipalConstraint::Any);
    Ok(Told { actions, resource, anything, anybody, clauses: body.clauses().clone() })
}

/// The rules of a file, each with the line it begins at. A rule ends with a semicolon outside of comments and quotes.
fn split(text: &str) -> Vec<(usize, &str)> {
    let (mut found, mut begin, mut quoted, mut comment, mut escaped) = (Vec::new(), None, false, false, false);
    let mut line = 1;
    let mut characters = text.char_indices().peekable();
    while let Some((at, character)) = characters.next() {
        match character {
            '\n' => {
                line += 1;
                comment = false;
            }
            _ if comment => {}
            '\\' if quoted && !escaped => {
                escaped = true;
                continue;
            }
            '"' if !escaped => quoted = !quoted,
            '/' if !quoted && characters.peek().is_some_and(|(_, next)| *next == '/') => {
                comment = true;
                continue;
            }
            _ => {}
        }
        escaped = false;
        if begin.is_none() && !comment && !character.is_whitespace() {
            begin = Some((line, at));
        }
        if let Some((first, from)) = begin.filter(|_| character == ';' && !quoted && !comment) {
            found.push((first, &text[from..=at]));
            begin = None;
        }
    }
    if let Some((first, from)) = begin {
        found.push((first, &text[from..]));
    }
    found
}

fn built(texts: &[Text], statements: Vec<Statement>, site: Site) -> Rules {
    let mut digest = Sha256::new();
    for text in texts {
        digest.update(text.text.as_bytes());
        digest.update([0]);
    }
    let version: String = digest.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    let (mut mentions, mut views) = (Mentions::default(), BTreeSet::new());
    let mut told: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut rules = FxHashMap::default();
    for statement in &statements {
        let id = statement.policy.id().to_string();
        rules.insert(id.clone(), (RuleId::new(&id), statement.policy.annotation("refusal").and_then(Refusal::parse)));
        let named = &statement.facts.resource;
        let sees = statement.facts.actions.as_ref().is_none_or(|actions| actions.iter().any(|action| action == Action::See.name()));
        views.extend(named.iter().filter(|one| one.ty.to_string() == "View").map(|one| one.eid.to_string()));
        mentions.persons.extend(named.iter().filter(|one| one.ty.to_string() == "Record").map(|one| one.eid.to_string()));
        for clause in &statement.facts.clauses {
            let (Clause::When(condition) | Clause::Unless(condition)) = clause;
            walk(condition, &mut |expression| match expression {
                Expr::GetAttr { attr, .. } => mentions.add(attr, sees),
                Expr::HasAttr { attrs, .. } => attrs.iter().for_each(|attr| mentions.add(attr, sees)),
                Expr::Literal(Literal::EntityUID(uid)) => match uid.ty.to_string().as_str() {
                    "Record" => drop(mentions.persons.insert(uid.eid.to_string())),
                    "View" => drop(views.insert(uid.eid.to_string())),
                    _ => {}
                },
                _ => {}
            });
            compared(condition, &mut |attribute, literal| {
                told.entry(attribute.to_owned()).or_default().insert(literal.to_owned());
            });
        }
    }
    let mut sets: BTreeMap<Action, PolicySet> = Action::ALL.into_iter().map(|action| (action, PolicySet::new())).collect();
    for statement in &statements {
        for (action, set) in &mut sets {
            let applies = statement.facts.actions.as_ref().is_none_or(|actions| actions.iter().any(|own| own == action.name()));
            if applies && let Err(error) = set.add(statement.policy.clone()) {
                // Ids were found to differ.
                tracing::error!(alert = "policy.not-loaded", %error, "a rule could not be added");
            }
        }
    }
    Rules {
        inner: Arc::new(Inner {
            sets: sets.into_iter().collect(),
            rules,
            views: views.into_iter().collect(),
            told,
            mentions,
            site,
            version,
            authorizer: Authorizer::new(),
            seats: Cache::new(SITUATIONS_MAX),
            callers: Cache::new(SITUATIONS_MAX),
            reads: Cache::new(SITUATIONS_MAX),
            seen: Cache::new(SITUATIONS_MAX),
        }),
    }
}

impl Mentions {
    fn add(&mut self, attribute: &str, sees: bool) {
        if sees {
            match attribute {
                "activities" => self.seen.activities = true,
                "human" => self.seen.human = true,
                "organisation" => self.seen.organisation = true,
                "organisation_kinds" => self.seen.organisation_kinds = true,
                "purposes" => self.seen.purposes = true,
                "relationships" => self.seen.relationships = true,
                "roles" => self.seen.roles = true,
                "scopes" => self.seen.scopes = true,
                _ => {}
            }
        }
        match attribute {
            "organisation" => self.organisation = true,
            "organisation_kinds" => self.organisation_kinds = true,
            "resource_type" => self.resource_type = true,
            "source" => self.source = true,
            "source_organisation" | "source_kinds" => self.source_organisation = true,
            _ => {}
        }
    }
}

/// Every expression within one, itself first.
pub(crate) fn walk(expression: &Expr, told: &mut impl FnMut(&Expr)) {
    told(expression);
    within(expression).into_iter().flatten().for_each(|one| walk(one, told));
}

/// What an expression is made of; none where that is not known: Cedar may learn others.
fn within(expression: &Expr) -> Option<Vec<&Expr>> {
    Some(match expression {
        Expr::BinaryOp { left, right, .. } => vec![left, right],
        Expr::GetAttr { expr, .. } | Expr::HasAttr { expr, .. } | Expr::Like { expr, .. } | Expr::UnaryOp { expr, .. } => vec![expr],
        Expr::IfThenElse { cond, then_expr, else_expr } => vec![cond, then_expr, else_expr],
        Expr::Is { expr, in_expr, .. } => std::iter::once(expr).chain(in_expr).map(|one| &**one).collect(),
        Expr::Literal(_) | Expr::Slot(_) | Expr::Var(_) => Vec::new(),
        Expr::Record(fields) => fields.values().map(|one| &**one).collect(),
        Expr::Set(items) => items.iter().map(|one| &**one).collect(),
        _ => return None,
    })
}

/// Whether everything within an expression is known, so that what it looks at is.
fn is_known(expression: &Expr) -> bool {
    within(expression).is_some_and(|parts| parts.into_iter().all(is_known))
}

/// Every attribute of the principal or the resource, with each text that it is compared with.
pub(crate) fn compared(expression: &Expr, told: &mut impl FnMut(&str, &str)) {
    walk(expression, &mut |one| {
        let Expr::BinaryOp { left, right, .. } = one else { return };
        for (attribute, other) in [(left, right), (right, left)] {
            let Expr::GetAttr { attr, .. } = &**attribute else { continue };
            match &**other {
                Expr::Literal(Literal::String(text)) => told(attr, text),
                Expr::Set(items) => items.iter().for_each(|item| {
                    if let Expr::Literal(Literal::String(text)) = &**item {
                        told(attr, text);
                    }
                }),
                _ => {}
            }
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a rule looks at tells which questions are one; of what is not understood nobody knows what it looks at.
    #[test]
    fn what_is_not_known_is_not_passed_over_wherever_it_stands() {
        let of = |text: &str| match told(&Policy::parse(None, text).unwrap()).unwrap().clauses.remove(0) {
            Clause::When(condition) | Clause::Unless(condition) => condition,
        };
        let condition =
            of("permit (principal, action, resource) when { if principal has roles then [1].contains(1) else resource is Section };");
        assert!(is_known(&condition));
        let strange = std::sync::Arc::new(Expr::Unknown { name: "x".into() });
        assert!(!is_known(&strange));
        assert!(!is_known(&Expr::Set(vec![condition.clone(), strange.clone()])));
        assert!(!is_known(&Expr::IfThenElse { cond: condition.clone(), then_expr: condition, else_expr: strange }));
    }

    #[test]
    fn a_file_is_taken_apart_into_its_rules_whatever_stands_in_quotes_and_comments() {
        let text = "// one; two\n@id(\"a;b // c\")\npermit (principal, action, resource);\n\n  forbid (principal, action, resource)\n  when { \"\\\";\" == \"x\" }; // ; end\nrest";
        let found = split(text);
        assert_eq!(found.iter().map(|(line, _)| *line).collect::<Vec<_>>(), [2, 5, 7]);
        assert!(found[0].1.starts_with("@id(\"a;b // c\")") && found[0].1.ends_with("resource);"));
        assert!(found[1].1.starts_with("forbid") && found[1].1.ends_with("};"));
        assert_eq!(found[2].1, "rest");
    }
}

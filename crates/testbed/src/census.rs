//! What a joined record should say, known without asking the code under test.

use crate::kinds::Kind;
use crate::person::{Fact, Holding, Person, people};
use crate::supplier::{SUPPLIERS, habits};
use std::fmt::Write;

/// How one holding of a fact stands to the first holding of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Nature {
    /// The same in life, but said so that no rule may bring them together; why.
    Apart(String),
    /// An independent statement that cannot be true beside the first: a conflict.
    Contradicts,
    /// An independent statement of the same.
    Duplicate,
    /// The first, or only, holding.
    First,
    /// A copy of what another supplier owns, under the same business identifier; whether the copy
    /// says something that the owner no longer says.
    Relayed {
        /// The owner.
        from: String,
        /// It differs from the owner's.
        lags: bool,
    },
    /// The same medicine, as another kind of fact (an order beside a statement).
    SameLine,
}

/// One supplier's holding, as it can be asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// The supplier.
    pub supplier: &'static str,
    /// The type at the supplier, in its own version.
    pub resource_type: &'static str,
    /// The id at the supplier.
    pub id: String,
    /// How it stands to the first.
    pub nature: Nature,
}

/// A fact, with everyone who holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expected {
    /// Key of the fact.
    pub key: String,
    /// Kind of fact.
    pub kind: Kind,
    /// Its holdings; the first is the one that the others are compared with.
    pub held: Vec<Held>,
}

impl Expected {
    /// The holdings that belong in one cluster with the first, the first included. A cluster needs
    /// two; fewer than that means the fact stands alone.
    pub fn together(&self) -> Vec<&Held> {
        let belongs = |held: &&Held| match held.nature {
            Nature::Duplicate | Nature::First | Nature::Relayed { .. } => true,
            Nature::Apart(_) | Nature::Contradicts | Nature::SameLine => false,
        };
        self.held.iter().filter(belongs).collect()
    }

    /// Whether independent holders contradict each other.
    pub fn is_in_conflict(&self) -> bool {
        self.held.iter().any(|held| held.nature == Nature::Contradicts)
    }
}

impl Person {
    /// Every fact, with what each supplier holds of it.
    pub fn facts(&self) -> Vec<Expected> {
        let expected = |fact: &Fact| Expected { key: fact.key.clone(), kind: fact.kind, held: held(fact) };
        self.facts.iter().map(expected).collect()
    }

    /// How many clinical resources a supplier holds, by type; lists and Binaries are not counted.
    pub fn counts(&self, supplier: &str) -> std::collections::BTreeMap<&'static str, usize> {
        let mut counts = std::collections::BTreeMap::new();
        for held in self.facts().iter().flat_map(|fact| &fact.held) {
            if held.supplier == supplier {
                *counts.entry(held.resource_type).or_default() += 1;
            }
        }
        counts
    }
}

fn held(fact: &Fact) -> Vec<Held> {
    let types: Vec<&'static str> = fact.holdings.iter().map(resource_type).collect();
    let one = |(at, holding): (usize, &Holding)| Held {
        supplier: holding.supplier,
        resource_type: types[at],
        id: holding.id.clone(),
        nature: nature(fact, at, types[at] == types[0] || at == 0 || same_fact(types[at], types[0])),
    };
    fact.holdings.iter().enumerate().map(one).collect()
}

/// An order is an order in every version; so is a referral.
fn same_fact(a: &str, b: &str) -> bool {
    let one_name = |kind: &str| match kind {
        "MedicationOrder" => "MedicationRequest".to_owned(),
        "ReferralRequest" => "ServiceRequest".to_owned(),
        kind => kind.to_owned(),
    };
    one_name(a) == one_name(b)
}

fn resource_type(holding: &Holding) -> &'static str {
    let version = habits(holding.supplier).map(|habits| habits.version);
    version.and_then(|version| holding.detail.resource_type(version)).unwrap_or("nothing")
}

fn nature(fact: &Fact, at: usize, same_type: bool) -> Nature {
    let holding = &fact.holdings[at];
    if let Some(why) = &holding.common.apart {
        return Nature::Apart(why.clone());
    }
    if let Some(from) = &holding.from {
        return Nature::Relayed { from: from.clone(), lags: differs(fact.kind, holding) };
    }
    if at == 0 {
        return Nature::First;
    }
    if !same_type {
        return Nature::SameLine;
    }
    if differs(fact.kind, holding) { Nature::Contradicts } else { Nature::Duplicate }
}

fn differs(kind: Kind, holding: &Holding) -> bool {
    holding.differs_in.iter().any(|name| kind.clashes().contains(&name.as_str()))
}

/// People by suppliers, with how many clinical resources each holds.
pub fn table() -> String {
    let mut out = format!("{:<12}{:<28}{:<12}", "NHS number", "name", "born");
    for supplier in SUPPLIERS {
        let _ = write!(out, "{:>6}", supplier.id);
    }
    let _ = writeln!(out, "{:>8}{:>10}{:>10}", "facts", "clusters", "conflicts");
    for person in people() {
        let about = &person.about;
        let name = format!("{} {}", about.given.first().map_or("", String::as_str), about.family);
        let _ = write!(out, "{:<12}{name:<28}{:<12}", about.nhs_number, about.birth_date);
        for supplier in SUPPLIERS {
            let cell = match person.known_to.contains_key(supplier.id) {
                true => person.counts(supplier.id).values().sum::<usize>().to_string(),
                false => "·".into(),
            };
            let _ = write!(out, "{cell:>6}");
        }
        let facts = person.facts();
        let clusters = facts.iter().filter(|fact| fact.together().len() > 1).count();
        let conflicts = facts.iter().filter(|fact| fact.is_in_conflict()).count();
        let _ = writeln!(out, "{:>8}{clusters:>10}{conflicts:>10}", facts.len());
    }
    out
}

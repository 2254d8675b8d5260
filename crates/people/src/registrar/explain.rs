//! Why two are one person, or are not: field by field.

use record::{NhsNumber, PersonId};

use super::Registrar;
use crate::matching::{Comparison, Decision, Folded};
use crate::{Entry, EntryKey, Person, Reason, RegisterDown};

/// Somebody, by whatever is known of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Whom {
    /// By an entry.
    Entry(EntryKey),
    /// By the NHS number.
    Number(NhsNumber),
    /// By the exchange's own id.
    Person(PersonId),
}

/// Why two entries are one person, or are not.
#[derive(Debug, Clone, PartialEq)]
pub struct Explained {
    /// One entry, and whose it is.
    pub entry: (PersonId, EntryKey),
    /// The other one, and whose it is.
    pub other: (PersonId, EntryKey),
    /// Field by field, without values.
    pub reasons: Vec<Reason>,
    /// All together, in bits: above 0 it is likelier that they are one person than not.
    pub weight: f64,
    /// The same as a probability.
    pub score: f64,
    /// What keeps the rules from linking them, whatever else agrees.
    pub guard: Option<&'static str>,
    /// What the rules make of it: `one person`, `perhaps`, `two people`.
    pub rules: &'static str,
    /// Whether somebody said that they are not one person.
    pub apart: bool,
}

impl Registrar {
    /// Somebody whole; none of whom nothing is known, or whose number was cut.
    pub async fn whom(&self, whom: &Whom) -> Result<Option<Person>, RegisterDown> {
        let id = match whom {
            Whom::Entry(key) => self.index.home(key),
            Whom::Number(number) => self.person_of(number).await?,
            Whom::Person(id) => Some(id.clone()),
        };
        let Some(id) = id else { return Ok(None) };
        Ok(self.register.person(&id).await?.filter(|person| !person.cut))
    }

    /// Why somebody's entries are linked: each entry with the other that is most like it. With two people, each entry of the one with
    /// each of the other, the likest first.
    pub async fn explain(&self, one: &Person, other: Option<&Person>) -> Result<Vec<Explained>, RegisterDown> {
        let mut explained = Vec::new();
        match other {
            Some(other) => {
                for a in &one.entries {
                    for b in &other.entries {
                        explained.push(self.compared((&one.id, a), (&other.id, b)).await?);
                    }
                }
                explained.sort_by(|a, b| b.weight.total_cmp(&a.weight));
            }
            None => {
                for a in &one.entries {
                    let weight =
                        |b: &&Entry| self.model.compare(&Folded::of(&a.demographics).fields(), &Folded::of(&b.demographics).fields());
                    let others = one.entries.iter().filter(|b| b.key != a.key);
                    let best = others.max_by(|b, c| weight(b).weights.total.total_cmp(&weight(c).weights.total));
                    if let Some(best) = best {
                        explained.push(self.compared((&one.id, a), (&one.id, best)).await?);
                    }
                }
            }
        }
        Ok(explained)
    }

    /// Why two entries are one person, or are not.
    pub async fn compared(&self, one: (&PersonId, &Entry), other: (&PersonId, &Entry)) -> Result<Explained, RegisterDown> {
        let comparison = self.model.compare(&Folded::of(&one.1.demographics).fields(), &Folded::of(&other.1.demographics).fields());
        let apart = self.register.apart(one.0, &one.1.key).await?.contains(&other.1.key);
        Ok(Explained {
            entry: (one.0.clone(), one.1.key.clone()),
            other: (other.0.clone(), other.1.key.clone()),
            reasons: reasons(&comparison),
            weight: f64::from(comparison.weights.total),
            score: comparison.probability(),
            guard: comparison.guard.map(|guard| guard.name()),
            rules: match comparison.decision {
                Decision::Match => "one person",
                Decision::NonMatch => "two people",
                Decision::Possible => "perhaps",
            },
            apart,
        })
    }
}

/// A comparison as reasons.
pub(super) fn reasons(comparison: &Comparison) -> Vec<Reason> {
    let rows = comparison.rows();
    rows.map(|(field, level, weight)| Reason { field: field.name(), level: level.name(), weight: f64::from(weight) }).collect()
}

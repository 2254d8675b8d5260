//! Whose a new entry is, among those it may be.

use record::PersonId;

use super::Fields;
use super::judge::{Comparison, Decision, Guard};
use super::model::Model;

/// Whose entry a candidate is, and whether it may be linked to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate<'a> {
    /// The person.
    pub person: &'a PersonId,
    /// Whether somebody said that the new entry is not this one, or the person's number is under investigation.
    pub barred: bool,
    /// Whether the new entry's number is the one that stands for this person. Of several who match by it, it is theirs.
    pub numbered: bool,
}

/// Whose a new entry is.
#[derive(Debug, Clone, PartialEq)]
pub enum Resolution<'a> {
    /// This person's.
    Linked {
        /// The person.
        person: &'a PersonId,
        /// By the number (0) or by weight (1).
        tier: u8,
        /// Where among the candidates the entry stands that decided it.
        candidate: usize,
        /// The comparison with that one.
        comparison: Comparison,
    },
    /// A new person's, and a steward is to look at these (the place among the candidates, at most one for each person, best first).
    /// None where nobody is like them.
    New {
        /// Perhaps theirs.
        probable: Vec<(usize, Comparison)>,
        /// They have the new entry's number, with another name and birth date.
        confused: Vec<(usize, Comparison)>,
    },
}

/// Decides whose a new entry is. `candidates` are entries, several of one person among them.
///
/// A person is joined where one of their entries matches, none of them is held by a number or by names and date against the new one more
/// strongly than the rest speaks for it, and no other person comes near.
pub fn resolve<'a>(model: &Model, new: &Fields<'_>, candidates: &[(Candidate<'a>, Fields<'_>)]) -> Resolution<'a> {
    let mut best: Vec<Standing<'a>> = Vec::new();
    for (at, (candidate, fields)) in candidates.iter().enumerate() {
        let comparison = model.compare(new, fields);
        match best.iter_mut().find(|standing| standing.person == candidate.person) {
            Some(standing) => standing.add(at, candidate, comparison),
            None => {
                let mut standing = Standing { person: candidate.person, at, barred: false, owner: false, number: false, comparison };
                standing.add(at, candidate, comparison);
                best.push(standing);
            }
        }
    }
    best.sort_by(|a, b| b.owns().cmp(&a.owns()).then(b.rank().total_cmp(&a.rank())).then_with(|| a.person.cmp(b.person)));
    decide(model, best)
}

/// How a person stands to the new entry.
struct Standing<'a> {
    person: &'a PersonId,
    at: usize,
    barred: bool,
    owner: bool,
    /// Whether one of their entries has another number.
    number: bool,
    comparison: Comparison,
}

impl Standing<'_> {
    fn add(&mut self, at: usize, candidate: &Candidate<'_>, comparison: Comparison) {
        self.barred |= candidate.barred;
        self.owner |= candidate.numbered;
        self.number |= comparison.guard == Some(Guard::Numbers);
        let order = |one: &Comparison| (one.decision, one.tier == Some(0));
        let better = order(&comparison) > order(&self.comparison)
            || order(&comparison) == order(&self.comparison) && comparison.weights.total > self.comparison.weights.total;
        if better {
            (self.at, self.comparison) = (at, comparison);
        }
    }

    /// Whether they match by the number that stands for them.
    fn owns(&self) -> bool {
        self.owner && self.comparison.tier == Some(0)
    }

    fn rank(&self) -> f32 {
        self.comparison.weights.total
    }

    fn links(&self) -> bool {
        self.comparison.decision == Decision::Match && !self.barred && (!self.number || self.comparison.tier == Some(0))
    }
}

fn decide<'a>(model: &Model, best: Vec<Standing<'a>>) -> Resolution<'a> {
    let leader = best.iter().position(Standing::links);
    if let Some(leader) = leader {
        let rival = best.iter().enumerate().filter(|(at, one)| *at != leader && !one.barred && !one.number).map(|(_, one)| one.rank());
        let next = rival.fold(f32::NEG_INFINITY, f32::max);
        let standing = &best[leader];
        if standing.comparison.tier == Some(0) || standing.rank() - next >= model.limits.margin_bits {
            return Resolution::Linked {
                person: standing.person,
                tier: standing.comparison.tier.unwrap_or(1),
                candidate: standing.at,
                comparison: standing.comparison,
            };
        }
    }
    let (mut probable, mut confused) = (Vec::new(), Vec::new());
    for one in best.iter().filter(|one| !one.barred && one.comparison.decision != Decision::NonMatch) {
        let list = if one.comparison.guard == Some(Guard::Confusion) { &mut confused } else { &mut probable };
        list.push((one.at, one.comparison));
    }
    Resolution::New { probable, confused }
}

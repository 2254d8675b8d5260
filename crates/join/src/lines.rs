//! Medicines that one source says a person takes and another has on a plan: two kinds of fact, never one cluster, that must not
//! disagree unseen. A hospital that stopped what the practice still lists may say it of a request that was reported to it.

use std::collections::BTreeMap;

use fhir::Kind;
use rustc_hash::FxHashMap;

use crate::compare::Verdict;
use crate::pair::{BUCKET_MAX, TOO_MANY, Token, between, tokens};
use crate::statement::{Facet, Speaker, Statement};
use crate::units::Unit;

/// A facet, and the items that differ in it.
type Disputes = Vec<(Facet, Vec<usize>)>;
/// Items, and what is to be known of them.
type Hints = Vec<(Vec<usize>, &'static str)>;
/// What a statement and a plan differ in, by their units.
type Differing = BTreeMap<(usize, usize), Vec<Facet>>;

/// Statements that a medicine is taken, and requests that plan it, with the units they make.
#[derive(Default)]
pub(crate) struct Lines<'a> {
    pub statements: Vec<Statement<'a>>,
    units: Vec<Unit>,
}

impl<'a> Lines<'a> {
    /// Keeps what tells of the course of a medicine, once its own type is woven.
    pub fn take(&mut self, statements: Vec<Statement<'a>>, units: Vec<Unit>) {
        let first = self.statements.len();
        let tells = |unit: &Unit| unit.members.iter().all(|member| tells_of_a_course(&statements[*member]));
        let kept = units.into_iter().filter(|unit| !unit.members.is_empty() && tells(unit));
        self.units.extend(kept.map(|mut unit| {
            unit.members.iter_mut().for_each(|member| *member += first);
            unit.lagging.iter_mut().for_each(|member| *member += first);
            unit.owner = unit.owner.map(|owner| owner + first);
            unit
        }));
        self.statements.extend(statements);
    }

    /// What a statement and a plan differ in, where each leads to the other only: the facet, and the items. Beside it, items that are
    /// too many to compare, and the words for it.
    pub fn disputes(&self) -> (Disputes, Hints) {
        let mut taken: FxHashMap<Token<'_>, Vec<usize>> = FxHashMap::default();
        let of_kind = |kind: Kind| self.units.iter().enumerate().filter(move |(_, unit)| self.statements[unit.members[0]].kind() == kind);
        for (place, unit) in of_kind(Kind::MEDICATION_STATEMENT) {
            self.each_token(unit, |token| taken.entry(token).or_default().push(place));
        }
        // By statement and the plan's source, and by plan and the statement's: what either could mean.
        let (mut found, mut hints) = (Differing::new(), Hints::new());
        let mut choices: BTreeMap<(usize, Speaker<'_>), usize> = BTreeMap::new();
        for (plan, unit) in of_kind(Kind::MEDICATION_REQUEST) {
            let mut places: Vec<usize> = Vec::new();
            self.each_token(unit, |token| places.extend(taken.get(&token).into_iter().flatten()));
            places.sort_unstable();
            places.dedup();
            if places.len() > BUCKET_MAX {
                hints.push((self.items(places.into_iter().chain([plan])), TOO_MANY));
                continue;
            }
            for statement in places {
                let differ = match between(&self.statements, &self.units[statement], unit) {
                    Verdict::Differ(facets) => facets,
                    Verdict::Same => Vec::new(),
                    Verdict::No | Verdict::Perhaps(_) => continue,
                };
                found.insert((statement, plan), differ);
                for (one, other) in [(statement, plan), (plan, statement)] {
                    let mut speakers: Vec<Speaker<'_>> = self.units[other].speakers(&self.statements).collect();
                    speakers.sort();
                    speakers.dedup();
                    speakers.into_iter().for_each(|speaker| *choices.entry((one, speaker)).or_default() += 1);
                }
            }
        }
        let mut disputes = self.opposed(&found, &choices);
        let sole = |one: usize, other: usize| self.units[other].speakers(&self.statements).any(|speaker| choices[&(one, speaker)] == 1);
        let certain = found.into_iter().filter(|((statement, plan), _)| sole(*statement, *plan) && sole(*plan, *statement));
        let both = |(statement, plan): (usize, usize)| self.items([statement, plan]);
        disputes.extend(certain.flat_map(|(pair, facets)| facets.into_iter().map(move |facet| (facet, both(pair)))));
        (disputes, hints)
    }

    /// Items of these units.
    fn items(&self, units: impl IntoIterator<Item = usize>) -> Vec<usize> {
        units.into_iter().flat_map(|unit| self.units[unit].members.iter().map(|member| self.statements[*member].at)).collect()
    }

    /// What could mean any of several of one source, where every one of them says otherwise of whether it is taken.
    fn opposed(&self, found: &Differing, choices: &BTreeMap<(usize, Speaker<'_>), usize>) -> Disputes {
        let mut ways: BTreeMap<usize, Vec<(usize, &Vec<Facet>)>> = BTreeMap::new();
        for ((statement, plan), facets) in found {
            ways.entry(*statement).or_default().push((*plan, facets));
            ways.entry(*plan).or_default().push((*statement, facets));
        }
        let mut disputes = Disputes::new();
        for ((one, speaker), _) in choices.iter().filter(|(_, count)| **count > 1) {
            let theirs = |(other, _): &&(usize, &Vec<Facet>)| self.units[*other].speakers(&self.statements).any(|own| own == *speaker);
            let others: Vec<&(usize, &Vec<Facet>)> = ways.get(one).into_iter().flatten().filter(theirs).collect();
            if others.iter().all(|(_, facets)| facets.contains(&Facet::Status)) {
                disputes.push((Facet::Status, self.items(others.into_iter().map(|(other, _)| *other).chain([*one]))));
            }
        }
        disputes
    }

    fn each_token<'t>(&'t self, unit: &Unit, mut take: impl FnMut(Token<'t>)) {
        unit.members.iter().for_each(|member| tokens(&self.statements[*member], &mut take));
    }
}

fn tells_of_a_course(statement: &Statement<'_>) -> bool {
    match statement.kind() {
        Kind::MEDICATION_REQUEST => statement.item.tree.root().is("intent", "plan"),
        kind => kind == Kind::MEDICATION_STATEMENT,
    }
}

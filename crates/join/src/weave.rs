//! From statements to clusters, conflicts and hints, type by type.

use std::collections::BTreeMap;

use aws_lc_rs::hmac;
use data_encoding::BASE32_NOPAD;
use fhir::Kind;
use record::{Cluster, Conflict, Fate, Finding, Hint, Item, Tier};
use terms::Negated;

use crate::content::Labels;
use crate::lines::Lines;
use crate::statement::{self, Chart, Standing, Statement};
use crate::units::{self, Unit};
use crate::{Rules, pair, risk};

/// What joining found.
#[derive(Debug, Default)]
pub(crate) struct Woven {
    pub clusters: Vec<Cluster>,
    pub conflicts: Vec<Conflict>,
    pub hints: Vec<Hint>,
    /// Findings by index of item.
    pub findings: Vec<(usize, Finding)>,
}

/// What is never behind a representative, even where it says the same word for word: plans and decisions.
const NEVER_COLLAPSED: &[Kind] = &[Kind::CARE_PLAN, Kind::CONSENT, Kind::FLAG];

/// Types in the order in which references lead back: what others refer to first.
fn turn(item: &Item) -> u8 {
    match item.kind {
        Kind::DEVICE | Kind::MEDICATION | Kind::ORGANIZATION | Kind::PRACTITIONER => 0,
        Kind::LOCATION | Kind::PRACTITIONER_ROLE => 1,
        Kind::ENCOUNTER | Kind::EPISODE_OF_CARE => 2,
        Kind::CARE_PLAN | Kind::COMPOSITION | Kind::DIAGNOSTIC_REPORT | Kind::LIST | Kind::PROVENANCE => 5,
        Kind::OBSERVATION if item.tree.root().get("hasMember").is_some() => 4,
        _ => 3,
    }
}

/// Joins items, sorted as they are shown. `fates` says which are history.
pub(crate) fn weave(items: &[Item], fates: &[Fate], rules: &Rules) -> Woven {
    let mut woven = Woven::default();
    let key = hmac::Key::new(hmac::HMAC_SHA256, &rules.key);
    let chart = Chart::new(items.iter());
    let mut labels = Labels::default();
    let mut turns: BTreeMap<(u8, &str), Vec<usize>> = BTreeMap::new();
    for (at, item) in items.iter().enumerate().filter(|(at, _)| fates[*at] != Fate::History) {
        turns.entry((turn(item), item.kind.name())).or_default().push(at);
    }
    let mut lines = Lines::default();
    for places in turns.into_values() {
        let statements: Vec<Statement<'_>> = places.iter().map(|at| statement::read(*at, &items[*at], &chart)).collect();
        let (mut units, findings) = units::units(&statements, &labels, rules);
        woven.findings.extend(findings.into_iter().map(|(place, finding)| (places[place], finding)));
        let paired = pair::pair(&statements, &units);
        let indices = |units: &[Unit], of: &[usize]| -> Vec<usize> {
            of.iter().flat_map(|unit| units[*unit].members.iter().map(|member| places[*member])).collect()
        };
        for (facet, of) in paired.disputes {
            woven.dispute(&key, facet.code(), indices(&units, &of), &statements, items);
        }
        woven.within_identifiers(&key, &statements, &units, items);
        for (of, why) in paired.hints {
            let mut members = indices(&units, &of);
            members.sort_unstable();
            woven.hints.push(Hint { members, why: why.to_owned() });
        }
        for group in paired.groups {
            let united = pair::united(&statements, &units, &group);
            units[group[0]] = united;
            group[1..].iter().for_each(|place| units[*place].members.clear());
        }
        for unit in units.iter().filter(|unit| !unit.members.is_empty()) {
            let ids = || unit.members.iter().map(|member| items[places[*member]].id.as_str());
            let label = ids().min().unwrap_or_default();
            labels.extend(ids().map(|id| ((items[places[unit.members[0]]].kind, id), label)));
            if unit.members.len() > 1 {
                woven.clusters.push(cluster(&key, unit, &statements, items));
            }
        }
        woven.negations(&key, &statements, items);
        if matches!(items[places[0]].kind, Kind::MEDICATION_REQUEST | Kind::MEDICATION_STATEMENT) {
            lines.take(statements, units);
        }
    }
    woven.between_kinds(&key, &lines, items);
    woven.clusters.sort_by_key(|cluster| cluster.representative);
    woven.conflicts.sort_by(|a, b| (&a.members, a.code).cmp(&(&b.members, b.code)));
    woven.conflicts.dedup_by(|a, b| a.id == b.id);
    woven.hints.sort_by(|a, b| (&a.members, &a.why).cmp(&(&b.members, &b.why)));
    woven.hints.dedup();
    woven
}

impl Woven {
    fn dispute(&mut self, key: &hmac::Key, code: &'static str, of: Vec<usize>, statements: &[Statement<'_>], items: &[Item]) {
        let mut members: Vec<&Statement<'_>> = statements.iter().filter(|statement| of.contains(&statement.at)).collect();
        members.sort_by_key(|statement| risk::rank(statement));
        let members: Vec<usize> = members.into_iter().map(|statement| statement.at).collect();
        let kind = items[members[0]].kind;
        self.conflicts.push(Conflict {
            id: keyed(key, code, members.iter().map(|at| &items[*at])),
            code,
            why: format!("{kind}: independent statements of one thing differ in {code}"),
            members,
        });
    }

    /// What a statement and a plan of one medicine differ in, where neither's own kind has told it of the same sources.
    fn between_kinds(&mut self, key: &hmac::Key, lines: &Lines<'_>, items: &[Item]) {
        let (disputes, hints) = lines.disputes();
        self.hints.extend(hints.into_iter().map(|(mut members, why)| {
            members.sort_unstable();
            Hint { members, why: why.to_owned() }
        }));
        for (facet, of) in disputes {
            let source = |at: &usize| &items[*at].origin.source;
            let told = |conflict: &Conflict| {
                let known = |at: &&usize| conflict.members.contains(*at);
                let members = || conflict.members.iter().map(source);
                conflict.code == facet.code()
                    && of.iter().any(|at| known(&at))
                    && of.iter().all(|at| members().any(|own| own == source(at)))
            };
            if !self.conflicts.iter().any(told) {
                self.dispute(key, facet.code(), of, &lines.statements, items);
            }
        }
    }

    /// Statements under one identifier that differ where no owner is here to say which of them stands.
    fn within_identifiers(&mut self, key: &hmac::Key, statements: &[Statement<'_>], units: &[Unit], items: &[Item]) {
        for (facet, of) in units::contradictions(statements, units) {
            let of = of.into_iter().map(|place| statements[place].at).collect();
            self.dispute(key, facet.code(), of, statements, items);
        }
    }

    /// "No known allergies" beside an active allergy of that class.
    fn negations(&mut self, key: &hmac::Key, statements: &[Statement<'_>], items: &[Item]) {
        if statements.first().is_none_or(|statement| statement.kind() != Kind::ALLERGY_INTOLERANCE) {
            return;
        }
        let live = |statement: &&Statement<'_>| statement.standing == Standing::Asserted;
        let of_class = |class: Negated, statement: &Statement<'_>| {
            let root = statement.item.tree.root();
            let category = |name: &str| {
                root.get("category").is_some_and(|list| list.items().any(|one| one.value().is_some_and(|value| value == name)))
            };
            match class {
                Negated::All => true,
                Negated::Drug => category("medication"),
                Negated::Environment => category("environment"),
                Negated::Food => category("food"),
                Negated::Named => false,
            }
        };
        let inactive = |statement: &Statement<'_>| {
            statement
                .item
                .tree
                .root()
                .all("clinicalStatus.coding.code")
                .into_iter()
                .any(|code| code.value().is_some_and(|code| code != "active"))
        };
        let positive: Vec<&Statement<'_>> =
            statements.iter().filter(live).filter(|statement| statement.negated().is_none() && !inactive(statement)).collect();
        let negative: Vec<&Statement<'_>> = statements.iter().filter(live).filter(|statement| statement.negated().is_some()).collect();
        let contradicted: Vec<usize> = negative
            .iter()
            .filter(|none| none.negated().is_some_and(|class| positive.iter().any(|statement| of_class(class, statement))))
            .map(|statement| statement.at)
            .collect();
        let contradicting = positive
            .iter()
            .filter(|statement| negative.iter().any(|none| none.negated().is_some_and(|class| of_class(class, statement))))
            .map(|statement| statement.at);
        if !contradicted.is_empty() {
            let of = contradicting.chain(contradicted.iter().copied()).collect();
            self.dispute(key, "negation", of, statements, items);
        }
    }
}

fn cluster(key: &hmac::Key, unit: &Unit, statements: &[Statement<'_>], items: &[Item]) -> Cluster {
    let mut members: Vec<usize> = unit.members.iter().map(|member| statements[*member].at).collect();
    members.sort_by(|a, b| items[*a].id.cmp(&items[*b].id));
    let rank = |member: usize| {
        let statement = &statements[member];
        (unit.owner != Some(member), unit.lagging.contains(&member), statement.standing, risk::certainty(statement))
    };
    let ranked = unit.members.iter().map(|member| (rank(*member), &statements[*member]));
    let best = ranked.min_by(|(a, one), (b, other)| {
        let newer = || crate::versions::newer_first(one.item, other.item);
        a.cmp(b).then_with(newer).then_with(|| one.item.id.cmp(&other.item.id))
    });
    let representative = best.map_or(members[0], |(_, statement)| statement.at);
    let kind = items[representative].kind;
    let marked = members.iter().any(|at| items[*at].traits.unknown_modifier);
    let tier = unit.tier.unwrap_or(Tier::T3);
    Cluster {
        id: keyed(key, "cluster", members.iter().map(|at| &items[*at])),
        tier,
        // What has a qualifier we cannot read may be grouped; it is never put behind another.
        collapses: tier <= Tier::T2 && !marked && !NEVER_COLLAPSED.contains(&kind),
        representative,
        lagging: unit.lagging.iter().map(|member| statements[*member].at).collect(),
        retracted: units::is_retracted(unit, statements),
        why: format!("{kind}: {}", unit.why),
        members,
    }
}

/// A keyed hash of sorted member ids: the same on every read, and nothing to guess a member from.
fn keyed<'a>(key: &hmac::Key, what: &str, members: impl Iterator<Item = &'a Item>) -> String {
    let mut ids: Vec<&str> = members.map(|item| item.id.as_str()).collect();
    ids.sort_unstable();
    let mut context = hmac::Context::with_key(key);
    context.update(what.as_bytes());
    for id in ids {
        context.update(b"\n");
        context.update(id.as_bytes());
    }
    BASE32_NOPAD.encode(&context.sign().as_ref()[..20]).to_lowercase()
}

//! Where the weights come from: the records themselves, by expectation and maximisation, without anybody's word for who is who.

use super::Fields;
use super::block;
use super::compare::{Field, Level, Pattern};
use super::frequency::Frequencies;
use super::model::{Limits, Model, Table};

/// Pairs that may be one person's, at most so many of them, teach what one person's records are like.
const LIKELY_MAX: usize = 1_000_000;
/// Pairs drawn by lot teach what two people's records are like.
const DRAWN: usize = 1_000_000;
/// So often weights and guesses are made from one another; they hardly move after ten.
const ROUNDS: usize = 12;

/// What is believed before anything is seen, as if so many pairs had been: it steadies levels that are rarely met.
const BELIEF_PAIRS: f64 = 40.0;

/// A field, and its levels: how often each is met between two records of one person, and of two.
type Belief = (Field, &'static [(Level, f64, f64)]);

/// How often a level is met between two records of one person, and between those of two, before anything is seen. Of each field the
/// levels that exist.
const BELIEFS: [Belief; 10] = [
    (
        Field::Given,
        &[
            (Level::Different, 0.01, 0.99),
            (Level::Distant, 0.01, 0.002),
            (Level::Initial, 0.015, 0.001),
            (Level::Sounds, 0.005, 0.0004),
            (Level::Near, 0.04, 0.0006),
            (Level::Middle, 0.01, 0.001),
            (Level::Variant, 0.02, 0.002),
            (Level::Swapped, 0.01, 0.000002),
            (Level::Same, 0.88, 0.003),
        ],
    ),
    (
        Field::Family,
        &[
            (Level::Different, 0.04, 0.99),
            (Level::Distant, 0.01, 0.0015),
            (Level::Sounds, 0.005, 0.0002),
            (Level::Near, 0.04, 0.0006),
            (Level::Part, 0.005, 0.0003),
            (Level::Swapped, 0.01, 0.000002),
            (Level::Same, 0.89, 0.004),
        ],
    ),
    (Field::Middle, &[(Level::Different, 0.06, 0.96), (Level::Initial, 0.3, 0.03), (Level::Near, 0.04, 0.002), (Level::Same, 0.6, 0.008)]),
    (
        Field::Birth,
        &[
            (Level::Different, 0.01, 0.985),
            (Level::Distant, 0.005, 0.013),
            (Level::Year, 0.005, 0.0002),
            (Level::Near, 0.02, 0.001),
            (Level::Swapped, 0.01, 0.00001),
            (Level::Same, 0.95, 0.00004),
        ],
    ),
    (Field::Sex, &[(Level::Different, 0.01, 0.5), (Level::Same, 0.99, 0.5)]),
    (
        Field::Address,
        &[
            (Level::Different, 0.15, 0.99),
            (Level::District, 0.04, 0.01),
            (Level::Distant, 0.01, 0.00001),
            (Level::Near, 0.06, 0.00008),
            (Level::Postcode, 0.04, 0.001),
            (Level::House, 0.05, 0.00001),
            (Level::Same, 0.65, 0.00006),
        ],
    ),
    (Field::Phone, &[(Level::Different, 0.3, 0.9999), (Level::Near, 0.02, 0.000001), (Level::Same, 0.68, 0.00004)]),
    (Field::Email, &[(Level::Different, 0.25, 0.9998), (Level::Near, 0.05, 0.0001), (Level::Same, 0.7, 0.00002)]),
    (Field::Practice, &[(Level::Different, 0.15, 0.997), (Level::Same, 0.85, 0.003)]),
    (Field::Number, &[(Level::Different, 0.005, 0.999998), (Level::Near, 0.001, 0.000001), (Level::Same, 0.994, 0.0000006)]),
];

/// A field that fewer drawn pairs have on both sides is believed, not counted.
const SEEN_MIN: f64 = 1000.0;

impl Model {
    /// Learns from records: `records` are of a file or of a register, of several sources, and many people have more than one among
    /// them. The same records give the same model, in whatever order they come.
    pub fn train(records: &[Fields<'_>]) -> Model {
        let mut frequencies = Frequencies::default();
        records.iter().for_each(|record| frequencies.count(record));
        let all = records.len() as f64 * (records.len() as f64 - 1.0) / 2.0;
        let (pairs, share) = thinned(block::pairs(records));
        let likely: Vec<Pattern> = pairs.iter().map(|(a, b)| Pattern::of(&records[*a as usize], &records[*b as usize])).collect();
        let drawn = drawn(records);
        let mut model = Model { same: believed(), other: chances(&drawn, None), frequencies, prior: 0.0, limits: Limits::default() };
        model.prior = -((all.max(2.0) / records.len().max(1) as f64).log2()) as f32;
        for _ in 0..ROUNDS {
            let matched = model.learn(&likely);
            model.other = chances(&drawn, Some(&model));
            let matched = (matched / share).max(1.0);
            model.prior = (matched / (all - matched).max(1.0)).log2() as f32;
        }
        model
    }

    /// Halfway between these weights and what is believed before anything is seen.
    pub(crate) fn halfway(&self) -> Model {
        let mut model = self.clone();
        for (field, levels) in BELIEFS {
            for (level, same, other) in levels {
                let (field, level) = (field as usize, *level as usize);
                let between = |learnt: f32, believed: f64| ((f64::from(learnt).exp2() + believed) / 2.0).log2() as f32;
                model.same[field][level] = between(self.same[field][level], *same);
                model.other[field][level] = between(self.other[field][level], *other);
            }
        }
        model
    }

    /// One round: guesses which pairs are one person's, and counts the levels among them. Gives how many there are.
    fn learn(&mut self, likely: &[Pattern]) -> f64 {
        let mut counts = [[0f64; Level::COUNT]; Field::ALL.len()];
        let mut matched = 0.0;
        for pattern in likely {
            let sure = certainty(self.weigh(pattern).total);
            if sure < 0.01 {
                continue;
            }
            matched += sure;
            for field in Field::ALL {
                counts[field as usize][pattern.level(field) as usize] += sure;
            }
        }
        for (field, levels) in BELIEFS {
            let seen: f64 = levels.iter().map(|(level, ..)| counts[field as usize][*level as usize]).sum();
            for (level, belief, _) in levels {
                let count = counts[field as usize][*level as usize] + belief * BELIEF_PAIRS;
                self.same[field as usize][*level as usize] = (count / (seen + BELIEF_PAIRS)).log2() as f32;
            }
        }
        matched
    }
}

/// The probability that belongs to log2 odds.
fn certainty(bits: f32) -> f64 {
    1.0 / (1.0 + f64::from(-bits).exp2())
}

fn believed() -> Table {
    let mut table = [[f32::NEG_INFINITY; Level::COUNT]; Field::ALL.len()];
    for (field, levels) in BELIEFS {
        for (level, belief, _) in levels {
            table[field as usize][*level as usize] = belief.log2() as f32;
        }
    }
    table
}

/// How often each level is met between two people. Pairs drawn by lot are now and then one person's: those count for what is left of them.
fn chances(drawn: &[Pattern], model: Option<&Model>) -> Table {
    let mut counts = [[0f64; Level::COUNT]; Field::ALL.len()];
    for pattern in drawn {
        let weight = model.map_or(1.0, |model| 1.0 - certainty(model.weigh(pattern).total));
        for field in Field::ALL {
            counts[field as usize][pattern.level(field) as usize] += weight;
        }
    }
    let mut table = [[0f32; Level::COUNT]; Field::ALL.len()];
    for (field, levels) in BELIEFS {
        let seen: f64 = levels.iter().map(|(level, ..)| counts[field as usize][*level as usize]).sum();
        for (level, _, belief) in levels {
            let counted = (counts[field as usize][*level as usize] + 0.5) / (seen + 1.0);
            table[field as usize][*level as usize] = if seen < SEEN_MIN { *belief } else { counted }.log2() as f32;
        }
    }
    table
}

/// Every so manieth pair, and the share that is.
fn thinned(pairs: Vec<(u32, u32)>) -> (Vec<(u32, u32)>, f64) {
    let step = pairs.len().div_ceil(LIKELY_MAX).max(1);
    let all = pairs.len().max(1) as f64;
    let kept: Vec<_> = pairs.into_iter().step_by(step).collect();
    let share = kept.len().max(1) as f64 / all;
    (kept, share)
}

/// Pairs by lot, the same ones for the same records.
fn drawn(records: &[Fields<'_>]) -> Vec<Pattern> {
    let mut state = 0x9E37_79B9_7F4A_7C15u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % records.len().max(1)
    };
    let pairs = if records.len() < 2 { 0 } else { DRAWN.min(records.len() * records.len()) };
    let lot = (0..pairs).map(|_| (next(), next()));
    lot.filter(|(a, b)| a != b).map(|(a, b)| Pattern::of(&records[a], &records[b])).collect()
}

//! Who is who among many records.

use rustc_hash::FxHashMap;

use super::Fields;
use super::block;
use super::compare::{Field, Level};
use super::judge::{Comparison, Decision, Guard};
use super::model::Model;

/// Pairs from these odds on are said, though most of them are not one person's: for whoever draws the line elsewhere.
const SAID_BITS: f32 = -14.0;

/// Two records that are or may be one person's, by their places, the lower first.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pair {
    /// One.
    pub a: u32,
    /// The other.
    pub b: u32,
    /// The posterior log2 odds.
    pub bits: f32,
    /// What the two alone come to.
    pub decision: Decision,
    /// By the number (0) or by weight (1), where it is a match.
    pub tier: Option<u8>,
    /// What holds them, if anything does.
    pub guard: Option<Guard>,
}

/// What linking a file came to.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Linked {
    /// For every record the first record of its person.
    pub clusters: Vec<u32>,
    /// The pairs that are or may be one person's, in order.
    pub pairs: Vec<Pair>,
}

/// Links records. The best links come first; each joins two groups only where nothing in the one speaks against the other, so that no
/// chain of likenesses leads from one person to another. `records` come in the order of their ids: it decides between equal links,
/// and nothing else depends on it.
pub fn link(model: &Model, records: &[Fields<'_>]) -> Linked {
    let pairs = score(model, records);
    let mut order: Vec<&Pair> = pairs.iter().filter(|pair| pair.decision == Decision::Match).collect();
    order.sort_by(|x, y| y.bits.total_cmp(&x.bits).then((x.a, x.b).cmp(&(y.a, y.b))));
    let near = Near::of(&order);
    let mut groups = Groups { home: (0..records.len() as u32).collect(), members: FxHashMap::default() };
    for pair in order {
        if !near.torn(model, records, pair) {
            groups.join(model, records, pair.a, pair.b);
        }
    }
    Linked { clusters: groups.home, pairs }
}

/// Compares all pairs that share a key, on all processors.
fn score(model: &Model, records: &[Fields<'_>]) -> Vec<Pair> {
    let pairs = block::pairs(records);
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let one = |part: &[(u32, u32)]| -> Vec<Pair> {
        part.iter()
            .filter_map(|&(a, b)| {
                let Comparison { weights, guard, decision, tier, .. } = model.compare(&records[a as usize], &records[b as usize]);
                (decision != Decision::NonMatch || weights.total > SAID_BITS).then_some(Pair {
                    a,
                    b,
                    bits: weights.total,
                    decision,
                    tier,
                    guard,
                })
            })
            .collect()
    };
    std::thread::scope(|scope| {
        let parts: Vec<_> = pairs.chunks(pairs.len().div_ceil(threads).max(1)).map(|part| scope.spawn(move || one(part))).collect();
        parts.into_iter().flat_map(|part| part.join().unwrap_or_default()).collect()
    })
}

/// The links of every record.
struct Near(FxHashMap<u32, Vec<(u32, f32)>>);

impl Near {
    fn of(links: &[&Pair]) -> Near {
        let mut near: FxHashMap<u32, Vec<(u32, f32)>> = FxHashMap::default();
        for link in links {
            near.entry(link.a).or_default().push((link.b, link.bits));
            near.entry(link.b).or_default().push((link.a, link.bits));
        }
        Near(near)
    }

    /// Whether one side of a link would go nearly as well to somebody who is not the other: an initial between twins.
    fn torn(&self, model: &Model, records: &[Fields<'_>], pair: &Pair) -> bool {
        let sides = [(pair.a, pair.b), (pair.b, pair.a)];
        sides.into_iter().any(|(one, other)| {
            let rivals = self.0.get(&one).into_iter().flatten();
            let close = rivals.filter(|(rival, bits)| *rival != other && *bits > pair.bits - model.limits.margin_bits);
            close.into_iter().any(|(rival, _)| {
                let apart = model.compare(&records[*rival as usize], &records[other as usize]);
                // One number with one birth date is one person, whatever the names are.
                let numbered = apart.pattern.level(Field::Number) == Level::Same && apart.guard == Some(Guard::Given);
                apart.guard.is_some_and(|guard| guard != Guard::Unsaid) && !numbered
            })
        })
    }
}

/// Groups of records while they grow.
struct Groups {
    home: Vec<u32>,
    /// Those of more than one record.
    members: FxHashMap<u32, Vec<u32>>,
}

impl Groups {
    fn of(&self, home: u32) -> Vec<u32> {
        self.members.get(&home).cloned().unwrap_or_else(|| vec![home])
    }

    fn join(&mut self, model: &Model, records: &[Fields<'_>], a: u32, b: u32) {
        let (a, b) = (self.home[a as usize], self.home[b as usize]);
        if a == b {
            return;
        }
        let (ours, theirs) = (self.of(a), self.of(b));
        if !agree(model, records, &ours, &theirs) {
            return;
        }
        let (low, high) = (a.min(b), a.max(b));
        let mut all = ours;
        all.extend(theirs);
        all.sort_unstable();
        all.iter().for_each(|member| self.home[*member as usize] = low);
        self.members.remove(&high);
        self.members.insert(low, all);
    }
}

/// Whether two groups may be one person: no two of their records are held against each other.
fn agree(model: &Model, records: &[Fields<'_>], ours: &[u32], theirs: &[u32]) -> bool {
    let mut held = 0;
    let mut sum = 0.0;
    for a in ours {
        for b in theirs {
            let comparison = model.compare(&records[*a as usize], &records[*b as usize]);
            match comparison.guard {
                Some(Guard::Numbers | Guard::Confusion) => return false,
                Some(Guard::Given | Guard::Birth) => held += 1,
                Some(Guard::Unsaid) | None => {}
            }
            sum += comparison.weights.total.clamp(-20.0, 40.0);
        }
    }
    let all = (ours.len() * theirs.len()) as f32;
    held as f32 / all <= 0.34 && sum / all >= model.limits.link_bits
}

//! Which pairs are worth comparing: those that share a key.

use std::hash::{Hash, Hasher};

use rustc_hash::FxHasher;

use super::Fields;
use super::text::skeleton;

/// A key that more records than this share says too little by itself: it is divided, first by the birth year, then by the district.
const BLOCK_MAX: usize = 300;

/// The pairs of records that share a key, each once, the lower first, in order.
pub(crate) fn pairs(records: &[Fields<'_>]) -> Vec<(u32, u32)> {
    let mut keyed: Vec<(u64, u32)> = Vec::with_capacity(records.len() * 10);
    for (index, record) in records.iter().enumerate() {
        each_key(record, &mut |key| keyed.push((key, index as u32)));
    }
    keyed.sort_unstable();
    keyed.dedup();
    let mut pairs = Vec::new();
    for block in keyed.chunk_by(|a, b| a.0 == b.0) {
        if block.len() <= BLOCK_MAX {
            all(block, &mut pairs);
        } else {
            divided(block, records, &mut pairs);
        }
    }
    pairs.sort_unstable();
    pairs.dedup();
    pairs
}

fn all(block: &[(u64, u32)], pairs: &mut Vec<(u32, u32)>) {
    for (at, (_, a)) in block.iter().enumerate() {
        pairs.extend(block[at + 1..].iter().map(|(_, b)| (*a, *b)));
    }
}

/// A key that is too common: together with one more thing, and where that is still too common, not at all.
fn divided(block: &[(u64, u32)], records: &[Fields<'_>], pairs: &mut Vec<(u32, u32)>) {
    for part in [year as fn(&Fields<'_>) -> u64, district, day] {
        let mut finer: Vec<(u64, u32)> = block.iter().map(|(_, index)| (part(&records[*index as usize]), *index)).collect();
        finer.retain(|(key, _)| *key != 0);
        finer.sort_unstable();
        finer.chunk_by(|a, b| a.0 == b.0).filter(|block| block.len() <= BLOCK_MAX).for_each(|block| all(block, pairs));
    }
}

fn year(fields: &Fields<'_>) -> u64 {
    fields.birth_date.map_or(0, |date| u64::from(date.year))
}

fn day(fields: &Fields<'_>) -> u64 {
    fields.birth_date.map_or(0, |date| u64::from(date.month) << 8 | u64::from(date.day))
}

fn district(fields: &Fields<'_>) -> u64 {
    fields.postcodes.first().map_or(0, |code| hash(&code.get(..4)))
}

fn hash(value: &impl Hash) -> u64 {
    let mut hasher = FxHasher::default();
    value.hash(&mut hasher);
    hasher.finish()
}

/// The keys of one record. Any one field may be wrong or missing, and any two of most, without all keys failing.
fn each_key(fields: &Fields<'_>, add: &mut dyn FnMut(u64)) {
    if let Some((number, _)) = &fields.number {
        add(hash(&(0, number)));
    }
    let sound = |name: &str| skeleton(name).key();
    let first = |name: &str| hash(&name.as_bytes().get(..3));
    let start = |name: &str| name.as_bytes().first().copied().unwrap_or(0);
    for given in &fields.givens {
        for family in &fields.families {
            // Exchanged names have the same keys.
            let both = (sound(given).min(sound(family)), sound(given).max(sound(family)));
            add(hash(&(1, both)));
            let letters = (first(given).min(first(family)), first(given).max(first(family)));
            add(hash(&(11, letters)));
        }
    }
    for code in &fields.postcodes {
        // Either name, since they may be exchanged.
        fields.givens.iter().chain(&fields.families).for_each(|name| add(hash(&(2, code, start(name)))));
    }
    fields.lines.iter().for_each(|line| add(hash(&(3, line))));
    if let Some(date) = fields.birth_date {
        add(hash(&(4, date)));
        if date.is_whole() {
            for name in fields.givens.iter().chain(&fields.families) {
                add(hash(&(5, date.month.min(date.day), date.month.max(date.day), sound(name))));
                add(hash(&(6, date.year, date.month, sound(name))));
                add(hash(&(7, date.year, date.day, sound(name))));
            }
        }
    }
    fields.phones.iter().for_each(|phone| add(hash(&(8, phone))));
    fields.emails.iter().for_each(|email| add(hash(&(9, email))));
    for family in &fields.families {
        fields.postcodes.iter().for_each(|code| add(hash(&(10, code, sound(family)))));
    }
}

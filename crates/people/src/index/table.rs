//! From a digest to the persons that have it, in five and a half bytes each.

use std::ops::Range;

/// How many bits of a digest the table can use at most: what is left of 64 is the ordinal's.
const DIGEST_BITS: u32 = 64 - ORDINAL_BITS;
const ORDINAL_BITS: u32 = 24;
const TAIL_BITS: u32 = 16;
/// How many pairs stand in a bucket on average.
const BUCKET: usize = 8;

/// How many persons a run can have at most, since their ordinals take three bytes.
pub(super) const PERSONS_MAX: usize = 1 << ORDINAL_BITS;

/// Pairs of digest and ordinal in order. The first bits of a digest lead to a bucket, the next sixteen stand in it; the rest is not
/// kept, so that one in some ten thousand searches finds somebody who is not meant.
#[derive(Default)]
pub(super) struct Table {
    pub(super) bits: u32,
    pub(super) starts: Vec<u32>,
    pub(super) tails: Vec<u16>,
    pub(super) ordinals: Vec<[u8; 3]>,
}

/// Pairs in the making.
#[derive(Default)]
pub(super) struct Pairs(Vec<u64>);

impl Pairs {
    pub(super) fn add(&mut self, digest: u64, ordinal: u32) {
        self.0.push(digest >> ORDINAL_BITS << ORDINAL_BITS | u64::from(ordinal));
    }

    /// The pairs in order, each once.
    pub(super) fn finish(self) -> Table {
        let mut pairs = self.0;
        let bits = (pairs.len() / BUCKET).max(1).ilog2().min(DIGEST_BITS - TAIL_BITS);
        let kept = u64::MAX << (64 - bits - TAIL_BITS) | ((1 << ORDINAL_BITS) - 1);
        pairs.iter_mut().for_each(|pair| *pair &= kept);
        pairs.sort_unstable();
        pairs.dedup();
        let mut table = Table { bits, ..Table::default() };
        table.starts.reserve_exact((1 << bits) + 1);
        table.tails.reserve_exact(pairs.len());
        table.ordinals.reserve_exact(pairs.len());
        for (at, pair) in pairs.iter().enumerate() {
            let bucket = table.bucket(*pair);
            while table.starts.len() <= bucket {
                table.starts.push(at as u32);
            }
            table.tails.push((pair >> (64 - bits - TAIL_BITS)) as u16);
            let [low, middle, high, ..] = pair.to_le_bytes();
            table.ordinals.push([low, middle, high]);
        }
        table.starts.resize((1 << bits) + 1, pairs.len() as u32);
        table
    }
}

impl Table {
    fn bucket(&self, digest: u64) -> usize {
        if self.bits == 0 { 0 } else { (digest >> (64 - self.bits)) as usize }
    }

    /// Where the pairs of a digest stand.
    pub(super) fn find(&self, digest: u64) -> Range<usize> {
        let bucket = self.bucket(digest);
        let bounds = self.starts.get(bucket).zip(self.starts.get(bucket + 1));
        let Some((start, end)) = bounds.map(|(start, end)| (*start as usize, *end as usize)) else { return 0..0 };
        let tail = (digest >> (64 - self.bits - TAIL_BITS)) as u16;
        let tails = &self.tails[start..end];
        let from = tails.partition_point(|other| *other < tail);
        let to = from + tails[from..].partition_point(|other| *other == tail);
        start + from..start + to
    }

    /// The ordinals of what was found, in order.
    pub(super) fn ordinals(&self, range: Range<usize>) -> impl Iterator<Item = u32> {
        self.ordinals[range].iter().map(|[low, middle, high]| u32::from_le_bytes([*low, *middle, *high, 0]))
    }

    /// Whether an ordinal is among what was found.
    pub(super) fn holds(&self, range: Range<usize>, ordinal: u32) -> bool {
        let whole = |[low, middle, high]: &[u8; 3]| u32::from_le_bytes([*low, *middle, *high, 0]);
        self.ordinals[range].binary_search_by_key(&ordinal, whole).is_ok()
    }

    /// Whether it can be read without stepping outside, and leads to none but so many persons: asked once of what came from a file.
    pub(super) fn is_sound(&self, persons: usize) -> bool {
        if self.bits > DIGEST_BITS - TAIL_BITS || self.ordinals(0..self.ordinals.len()).any(|ordinal| ordinal as usize >= persons) {
            return false;
        }
        let ends = self.starts.last() == Some(&(self.tails.len() as u32)) && self.starts.is_sorted();
        self.starts.len() == (1 << self.bits) + 1 && ends && self.tails.len() == self.ordinals.len()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn law_a_table_finds_all_that_was_put_in(pairs in prop::collection::vec((0u64..64, 0u32..1000), 0..400)) {
            let spread = |digest: u64| digest.wrapping_mul(0x9e37_79b9_7f4a_7c15);
            let mut making = Pairs::default();
            pairs.iter().for_each(|(digest, ordinal)| making.add(spread(*digest), *ordinal));
            let table = making.finish();
            prop_assert!(table.is_sound(1000));
            for digest in 0..70 {
                let mut wanted: Vec<u32> = pairs.iter().filter(|pair| pair.0 == digest).map(|pair| pair.1).collect();
                wanted.sort_unstable();
                wanted.dedup();
                let range = table.find(spread(digest));
                let found: Vec<u32> = table.ordinals(range.clone()).collect();
                prop_assert!(wanted.iter().all(|ordinal| found.contains(ordinal) && table.holds(range.clone(), *ordinal)));
                prop_assert!(found.is_sorted());
            }
        }
    }
}

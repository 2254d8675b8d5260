//! Chance that is the same on every run.

/// Numbers drawn one after another, after SplitMix64.
pub(super) struct Draw(u64);

impl Draw {
    /// Those of a seed and what they are drawn for.
    pub(super) fn of(seed: u64, what: &str, n: u64) -> Draw {
        let named = what.bytes().fold(seed, |sum, byte| mixed(sum ^ u64::from(byte)));
        Draw(mixed(named ^ n.wrapping_mul(0x9e37_79b9_7f4a_7c15)))
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mixed(self.0)
    }

    /// One of 0 to below `count`.
    pub(super) fn below(&mut self, count: u64) -> u64 {
        ((u128::from(self.next()) * u128::from(count)) >> 64) as u64
    }

    /// Of `from` to `to`, both among them.
    pub(super) fn between(&mut self, from: u64, to: u64) -> u64 {
        from + self.below(to - from + 1)
    }

    /// True so many times in ten thousand.
    pub(super) fn chance(&mut self, in_ten_thousand: u64) -> bool {
        self.below(10_000) < in_ten_thousand
    }

    pub(super) fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len() as u64) as usize]
    }

    /// One of a list whose first are the commonest.
    pub(super) fn common<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        let even = self.next() as f64 / u64::MAX as f64;
        let at = (even.powf(1.75) * from.len() as f64) as usize;
        &from[at.min(from.len() - 1)]
    }

    /// The place in a list of weights.
    pub(super) fn weighted(&mut self, weights: &[u64]) -> usize {
        let mut left = self.below(weights.iter().sum());
        weights.iter().position(|weight| left.checked_sub(*weight).map(|rest| left = rest).is_none()).unwrap_or(0)
    }
}

/// Stirs all bits.
pub(super) fn mixed(mut h: u64) -> u64 {
    h = (h ^ (h >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    h = (h ^ (h >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    h ^ (h >> 31)
}

//! Where all chance comes from: a seed and nothing else.

/// A chance in a thousand.
pub type PerMille = u64;

/// A stream of numbers that its seed decides (`SplitMix64`).
#[derive(Debug, Clone)]
pub struct Random(u64);

impl Random {
    /// The stream of a seed. Neighbouring seeds have nothing in common.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        let mut random = Self(seed);
        random.any();
        Self(random.any() ^ seed.rotate_left(32))
    }

    /// A stream of its own, so that drawing more from one does not change what another draws.
    #[must_use]
    pub fn fork(&mut self) -> Self {
        Self::new(self.any())
    }

    /// Any number.
    pub fn any(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `bound`; 0 where there is none.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.any() % bound.max(1)
    }

    /// A number from `low` to `high`, both included.
    pub fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.below(high.saturating_sub(low) + 1)
    }

    /// Whether something of these odds happens.
    pub fn happens(&mut self, odds: PerMille) -> bool {
        odds > 0 && self.below(1_000) < odds
    }

    /// One of several.
    ///
    /// # Panics
    /// When there is none to choose from.
    pub fn pick<'a, T>(&mut self, choices: &'a [T]) -> &'a T {
        let index = self.below(choices.len() as u64);
        &choices[usize::try_from(index).unwrap_or_default()]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_decides_everything_and_its_neighbour_something_else() {
        let draw = |seed| {
            let mut random = Random::new(seed);
            [random.any(), random.fork().any(), random.between(5, 9)]
        };
        assert_eq!(draw(1), draw(1));
        assert_ne!(draw(1), draw(2));
    }

    #[test]
    fn bounds_hold() {
        let mut random = Random::new(3);
        for _ in 0..1_000 {
            assert!(random.below(7) < 7);
            assert!((5..=9).contains(&random.between(5, 9)));
            assert!(!random.happens(0) && random.happens(1_000));
        }
        assert_eq!(random.below(0), 0);
    }
}

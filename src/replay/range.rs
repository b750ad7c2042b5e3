//! Which inputs of a recording are meant.

use std::ops::RangeInclusive;

/// Inputs by their numbers, the first and the last included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Range(RangeInclusive<u64>);

impl Range {
    /// Reads `FROM..TO`; without either it is the first or the last there is.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (from, to) = text.split_once("..")?;
        let number = |text: &str, otherwise| if text.is_empty() { Some(otherwise) } else { text.parse().ok() };
        let (from, to) = (number(from, 1)?, number(to, u64::MAX)?);
        (from <= to).then_some(Self(from..=to))
    }

    /// Whether an input is meant.
    #[must_use]
    pub fn has(&self, number: u64) -> bool {
        self.0.contains(&number)
    }

    /// Whether an input lies behind all that are meant.
    #[must_use]
    pub fn is_over(&self, number: u64) -> bool {
        number > *self.0.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ends_may_be_left_out_and_are_included() {
        let has = |text: &str, number| Range::parse(text).is_some_and(|range| range.has(number));
        assert!(has("3..5", 3) && has("3..5", 5) && !has("3..5", 6) && !has("3..5", 2));
        assert!(has("..5", 1) && has("4..", u64::MAX) && has("..", 1) && has("7..7", 7));
        for text in ["", "3", "5..3", "a..b", "3..5..7", "-1..2"] {
            assert_eq!(Range::parse(text), None, "{text}");
        }
    }
}

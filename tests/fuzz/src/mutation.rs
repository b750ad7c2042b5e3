//! New bytes from old ones, from a seed.

/// A stream of numbers that is the same for the same seed (`SplitMix64`).
#[derive(Debug, Clone)]
pub struct Dice(u64);

impl Dice {
    /// The stream of a seed.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number.
    pub const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `bound`; 0 where that is 0.
    pub fn below(&mut self, bound: usize) -> usize {
        let bound = bound as u64;
        usize::try_from(self.next().checked_rem(bound).unwrap_or_default()).unwrap_or_default()
    }
}

/// What JSON, quantities, names and messages are made of, and what breaks them.
const TOKENS: [&[u8]; 40] = [
    b"{",
    b"}",
    b"[",
    b"]",
    b"\"",
    b":",
    b",",
    b"\\",
    b"\\u0000",
    b"\\ud800",
    b"null",
    b"true",
    b"-1",
    b"0",
    b"1e400",
    b"18446744073709551616",
    b"0.1",
    b"{}",
    b"[]",
    b"\"\"",
    b"\n",
    b"\r\n",
    b"\0",
    b"\xff",
    b"\xc3\x28",
    b"$",
    b"/",
    b"..",
    b"../",
    b"Ki",
    b"m",
    b"e9",
    b"\x00\x00",
    b"\xff\xff\xff\xff\x0f",
    b"\x0a\x00",
    b"metadata",
    b"items",
    b"spec",
    b"type",
    b"resourceVersion",
];

/// No input grows beyond this.
const LENGTH_MAX: usize = 64 * 1024;

/// Some bytes of `corpus`, changed in a few places.
pub fn mutated(dice: &mut Dice, corpus: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = corpus.get(dice.below(corpus.len())).cloned().unwrap_or_default();
    for _ in 0..=dice.below(4) {
        let at = dice.below(bytes.len() + 1);
        let to = at + dice.below((bytes.len() - at).min(64) + 1);
        match dice.below(8) {
            0 => drop(bytes.drain(at..to)),
            1 => bytes.truncate(at),
            2 => drop(bytes.splice(at..at, TOKENS.get(dice.below(TOKENS.len())).copied().unwrap_or_default().iter().copied())),
            3 => drop(bytes.splice(at..to, TOKENS.get(dice.below(TOKENS.len())).copied().unwrap_or_default().iter().copied())),
            4 => {
                let piece = bytes.get(at..to).unwrap_or_default().repeat(1 + dice.below(4));
                drop(bytes.splice(at..at, piece));
            }
            5 => {
                let other = corpus.get(dice.below(corpus.len())).cloned().unwrap_or_default();
                let from = dice.below(other.len() + 1);
                drop(bytes.splice(at..to, other.get(from..).unwrap_or_default().iter().copied()));
            }
            6 => {
                if let Some(byte) = bytes.get_mut(at) {
                    *byte ^= 1 << dice.below(8);
                }
            }
            _ => {
                if let Some(byte) = bytes.get_mut(at) {
                    *byte = u8::try_from(dice.below(256)).unwrap_or_default();
                }
            }
        }
        bytes.truncate(LENGTH_MAX);
    }
    bytes
}

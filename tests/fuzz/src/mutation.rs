//! New bytes from old ones, from a seed.

use fastrand::Rng;

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
pub fn mutated(dice: &mut Rng, corpus: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = dice.choice(corpus).cloned().unwrap_or_default();
    for _ in 0..=dice.usize(..4) {
        let at = dice.usize(..=bytes.len());
        let to = at + dice.usize(..=(bytes.len() - at).min(64));
        match dice.usize(..8) {
            0 => drop(bytes.drain(at..to)),
            1 => bytes.truncate(at),
            2 => drop(bytes.splice(at..at, dice.choice(TOKENS).unwrap_or_default().iter().copied())),
            3 => drop(bytes.splice(at..to, dice.choice(TOKENS).unwrap_or_default().iter().copied())),
            4 => {
                let piece = bytes.get(at..to).unwrap_or_default().repeat(1 + dice.usize(..4));
                drop(bytes.splice(at..at, piece));
            }
            5 => {
                let other = dice.choice(corpus).cloned().unwrap_or_default();
                let from = dice.usize(..=other.len());
                drop(bytes.splice(at..to, other.get(from..).unwrap_or_default().iter().copied()));
            }
            6 => {
                if let Some(byte) = bytes.get_mut(at) {
                    *byte ^= 1 << dice.usize(..8);
                }
            }
            _ => {
                if let Some(byte) = bytes.get_mut(at) {
                    *byte = dice.u8(..);
                }
            }
        }
        bytes.truncate(LENGTH_MAX);
    }
    bytes
}

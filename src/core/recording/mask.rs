//! What stands for a secret in a recording.
//!
//! A mask has the length of what it stands for and keeps the characters on which anything depends: `$` and parentheses (kubelet expands `$(NAME)`),
//! quotes, backslashes and control characters (JSON escapes them, and NUL is refused). So a core that is handed the mask takes the same path. Masking a
//! mask changes nothing.

use std::fmt;

use crate::core::digest;

/// Stands for a secret that nothing is compared with.
#[must_use]
pub fn text(secret: &str) -> String {
    secret
        .chars()
        .map(|c| match c {
            '$' | '(' | ')' | '"' | '\\' => c,
            c if c.is_ascii_control() => c,
            c => match c.len_utf8() {
                1 => 'x',
                2 => 'é',
                3 => '€',
                _ => '😀',
            },
        })
        .collect()
}

/// Masks what the core compares: equal secrets get equal masks. That hangs on a key which is never written, so that nobody can try whether a secret is the
/// one that he thinks of.
#[derive(Clone)]
pub struct Mask(Option<String>);

impl fmt::Debug for Mask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "Mask(keyed)" } else { "Mask(kept)" })
    }
}

impl Mask {
    /// For a core that is handed secrets. The key is drawn for this process alone.
    #[must_use]
    pub fn keyed(key: [u8; 32]) -> Self {
        Self(Some(key.iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"))))
    }

    /// For a core that is handed masks: they stay as they are.
    #[must_use]
    pub const fn kept() -> Self {
        Self(None)
    }

    /// Stands for the digest of a request, which is made of values that a recording does not have.
    #[must_use]
    pub fn digest(&self, real: &str) -> String {
        self.stand_in(real)
    }

    /// Stands for a secret that is compared with others.
    #[must_use]
    pub fn stand_in(&self, secret: &str) -> String {
        let Some(key) = &self.0 else { return secret.to_owned() };
        let seed = digest::short(&[key, secret]);
        let mut mask = String::with_capacity(secret.len() + digest::SHORT);
        let mut block = 0_u32;
        while mask.len() < secret.len() {
            mask.push_str(&digest::short(&[key, &seed, &block.to_string()]));
            block += 1;
        }
        mask.truncate(secret.len());
        mask
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mask_has_the_length_and_the_meaning_of_what_it_stands_for() {
        for (secret, mask) in
            [("", ""), ("p@ss word", "xxxxxxxxx"), ("$(HOME)/a$$b", "$(xxxx)xx$$x"), ("{\"k\":1}\n", "x\"x\"xxx\n"), ("ü€😀\0", "é€😀\0")]
        {
            assert_eq!(text(secret), mask);
            assert_eq!(text(secret).len(), secret.len());
            assert_eq!(text(mask), mask, "masked again");
        }
    }

    #[test]
    fn equal_stays_equal_and_only_with_the_same_key() {
        let (mask, other) = (Mask::keyed([1; 32]), Mask::keyed([2; 32]));
        let secret = "c2VjcmV0".repeat(9);
        assert_eq!(mask.stand_in(&secret), mask.stand_in(&secret));
        assert_eq!(mask.stand_in(&secret).len(), secret.len());
        assert_ne!(mask.stand_in(&secret), mask.stand_in(&"c2VjcmV1".repeat(9)));
        assert_ne!(mask.stand_in(&secret), other.stand_in(&secret));
        assert_eq!(Mask::kept().stand_in("0123"), "0123");
    }
}

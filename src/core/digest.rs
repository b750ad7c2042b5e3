//! SHA-256, where two names must not meet by chance or by intent.
//!
//! The only file of the core that names `ring`, which rustls brings in any case: an own implementation would be one more to trust. `tests/purity`
//! holds it to `ring::digest`, which is a function of its input.

use std::fmt::Write as _;

use ring::digest::{SHA256, digest};

/// 80 bits of the digest of some texts, in hexadecimal: 20 characters. Other texts, or the same joined otherwise, give another digest.
#[must_use]
pub fn short(texts: &[&str]) -> String {
    let mut bytes = Vec::new();
    for text in texts {
        bytes.extend_from_slice(&u64::try_from(text.len()).unwrap_or(u64::MAX).to_be_bytes());
        bytes.extend_from_slice(text.as_bytes());
    }
    let mut hex = String::with_capacity(SHORT);
    for byte in digest(&SHA256, &bytes).as_ref().iter().take(SHORT / 2) {
        // Writing to a String cannot fail.
        let _ = write!(hex, "{byte:02x}");
    }
    hex
}

/// Characters of [`short`].
pub const SHORT: usize = 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_published_function() {
        // SHA-256 of eight zero bytes: one empty text, its length first.
        assert_eq!(short(&[""]), "af5570f5a1810b7af78c");
    }

    #[test]
    fn where_a_text_ends_matters() {
        assert_ne!(short(&["ab", "c"]), short(&["a", "bc"]));
        assert_eq!(short(&["ab", "c"]).len(), SHORT);
    }
}

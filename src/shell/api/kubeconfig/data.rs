//! A `…-data` field: PEM as base64, as kubectl writes it.

use crate::core::secret::Secret;

/// What kubectl writes in place of what it does not want to show.
const WITHHELD: [&str; 2] = ["DATA+OMITTED", "REDACTED"];

/// Whether kubectl left the value out.
pub(super) fn is_withheld(text: &str) -> bool {
    WITHHELD.contains(&text)
}

/// The text of a field. The error is a clause without it.
pub(super) fn decode(text: &str) -> Result<Secret, &'static str> {
    let bytes = bytes(text).ok_or("it is no base64")?;
    String::from_utf8(bytes).map(Secret::new).map_err(|_| "it is no PEM: it is not text")
}

/// Base64 with the standard alphabet and padding, which may stand on several lines.
pub(in crate::shell::api) fn bytes(text: &str) -> Option<Vec<u8>> {
    let letters: Vec<u8> = text.bytes().filter(|byte| !matches!(byte, b'\r' | b'\n')).collect();
    if !letters.len().is_multiple_of(4) {
        return None;
    }
    let unpadded = letters.strip_suffix(b"==").or_else(|| letters.strip_suffix(b"=")).unwrap_or(&letters);
    let mut bytes = Vec::with_capacity(letters.len() / 4 * 3);
    let (mut pending, mut bits) = (0_u32, 0_u32);
    for letter in unpadded {
        // At most 14 bits are ever pending; what is above them has been written.
        pending = (pending << 6 | u32::from(value(*letter)?)) & 0x3fff;
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            let [_, _, _, byte] = (pending >> bits).to_be_bytes();
            bytes.push(byte);
        }
    }
    Some(bytes)
}

fn value(letter: u8) -> Option<u8> {
    Some(match letter {
        b'A'..=b'Z' => letter - b'A',
        b'a'..=b'z' => letter - b'a' + 26,
        b'0'..=b'9' => letter - b'0' + 52,
        b'+' => 62,
        b'/' => 63,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::bytes;

    #[test]
    fn the_examples_of_rfc_4648_are_read() {
        for (text, wanted) in [
            ("", ""),
            ("Zg==", "f"),
            ("Zm8=", "fo"),
            ("Zm9v", "foo"),
            ("Zm9vYg==", "foob"),
            ("Zm9vYmE=", "fooba"),
            ("Zm9v\r\nYmFy\n", "foobar"),
        ] {
            assert_eq!(bytes(text).as_deref(), Some(wanted.as_bytes()), "{text:?}");
        }
        assert_eq!(bytes("AP+/+A=="), Some(vec![0x00, 0xff, 0xbf, 0xf8]));
    }

    #[test]
    fn everything_else_is_not() {
        for text in ["Zg", "Zg=", "Z===", "====", "=", "Zg==Zg==", "Zm9v ", "Zm-v", "Zm9\u{e4}", "-----BEGIN CERTIFICATE-----"] {
            assert_eq!(bytes(text), None, "{text:?}");
        }
    }
}

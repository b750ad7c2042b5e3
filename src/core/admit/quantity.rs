//! Kubernetes quantities: `500m`, `2`, `1.5Gi`, `1e3`.

use std::cmp::Ordering;
use std::fmt;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Digits of a mantissa that are taken; more would be beyond any machine.
const DIGITS_MAX: usize = 18;
const NANOS: i128 = 1_000_000_000;

/// An amount that is not negative. It keeps the text it was written as; two quantities compare by what they are worth.
#[derive(Debug, Clone)]
pub struct Quantity {
    text: String,
    nanos: i128,
}

impl Quantity {
    /// Reads a quantity.
    ///
    /// # Errors
    /// Says what a quantity looks like; reads on after the field's name.
    pub fn parse(text: &str) -> Result<Self, String> {
        let refused = || format!("{text:?} is not a quantity: write it like 500m, 2, 512Mi or 1.5Gi");
        let nanos = nanos(text).ok_or_else(refused)?;
        Ok(Self { text: text.into(), nanos })
    }

    /// As it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The number it is, where it is a whole one.
    #[must_use]
    pub fn whole(&self) -> Option<u64> {
        u64::try_from(self.nanos / NANOS).ok().filter(|_| self.nanos % NANOS == 0)
    }

    /// Whether it is nothing.
    #[must_use]
    pub const fn is_zero(&self) -> bool {
        self.nanos == 0
    }
}

/// What a text is worth, in billionths; rounded up, as Kubernetes does.
fn nanos(text: &str) -> Option<i128> {
    let end = text.bytes().position(|b| !(b.is_ascii_digit() || b == b'.')).unwrap_or(text.len());
    let (mantissa, suffix) = text.split_at_checked(end)?;
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    if whole.is_empty() && fraction.is_empty() || whole.len() + fraction.len() > DIGITS_MAX || fraction.contains('.') {
        return None;
    }
    let digits: i128 = format!("{whole}{fraction}").parse().ok()?;
    let scale = 10i128.checked_pow(u32::try_from(fraction.len()).ok()?)?;
    let value = digits.checked_mul(multiplier(suffix)?)?;
    // The multiplier is in billionths, so what is lost by dividing is below one of them.
    Some((value + scale - 1) / scale)
}

/// What a suffix multiplies by, in billionths.
fn multiplier(suffix: &str) -> Option<i128> {
    let decimal = |exponent: u32| 10i128.checked_pow(exponent + 9);
    let binary = |exponent: u32| Some((1i128 << exponent) * NANOS);
    match suffix {
        "n" => Some(1),
        "u" => Some(1_000),
        "m" => Some(1_000_000),
        "" => Some(NANOS),
        "k" => decimal(3),
        "M" => decimal(6),
        "G" => decimal(9),
        "T" => decimal(12),
        "P" => decimal(15),
        "E" => decimal(18),
        "Ki" => binary(10),
        "Mi" => binary(20),
        "Gi" => binary(30),
        "Ti" => binary(40),
        "Pi" => binary(50),
        "Ei" => binary(60),
        _ => {
            let exponent: i32 = suffix.strip_prefix(['e', 'E'])?.parse().ok()?;
            let exponent = u32::try_from(exponent.checked_add(9)?).ok()?;
            if exponent > 27 { None } else { 10i128.checked_pow(exponent) }
        }
    }
}

impl PartialEq for Quantity {
    fn eq(&self, other: &Self) -> bool {
        self.nanos == other.nanos
    }
}

impl Eq for Quantity {}

impl PartialOrd for Quantity {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Quantity {
    fn cmp(&self, other: &Self) -> Ordering {
        self.nanos.cmp(&other.nanos)
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Serialize for Quantity {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl<'de> Deserialize<'de> for Quantity {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_compare_by_worth() -> Result<(), String> {
        for (small, large) in
            [("500m", "1"), ("1G", "1Gi"), ("999k", "1M"), ("1e3", "1001"), ("0.1", "200m"), ("1Ki", "1.1Ki"), ("1n", "1u")]
        {
            assert!(Quantity::parse(small)? < Quantity::parse(large)?, "{small} < {large}");
        }
        for (one, same) in [("1", "1000m"), ("1Ki", "1024"), ("1.5Gi", "1536Mi"), ("1e3", "1k"), (".5", "0.5"), ("5.", "5")] {
            assert_eq!(Quantity::parse(one)?, Quantity::parse(same)?);
        }
        Ok(())
    }

    #[test]
    fn what_is_no_quantity_is_refused() {
        for text in ["", ".", "-1", "1 Gi", "Gi", "1GiB", "1e", "1e99", "1.2.3", "ten", "1234567890123456789", "١"] {
            assert!(Quantity::parse(text).is_err(), "{text}");
        }
    }
}

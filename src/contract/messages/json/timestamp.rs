//! A `google.protobuf.Timestamp` is written as RFC 3339 in UTC, with as many digits as it needs. One that has no
//! date between the years 1 and 9999 is written as its two numbers, so that nothing a peer sends is lost.

use super::super::protobuf::Timestamp;
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{Error as _, MapAccess, Visitor},
    ser::SerializeStruct,
};
use std::fmt;

const SECONDS_A_DAY: i64 = 86_400;
const NANOS_A_SECOND: i32 = 1_000_000_000;
/// 0001-01-01T00:00:00Z.
const SECONDS_MIN: i64 = -62_135_596_800;
/// 9999-12-31T23:59:59Z.
const SECONDS_MAX: i64 = 253_402_300_799;

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if let Some(text) = write(self) {
            return serializer.serialize_str(&text);
        }
        let mut numbers = serializer.serialize_struct("Timestamp", 2)?;
        numbers.serialize_field("seconds", &self.seconds)?;
        numbers.serialize_field("nanos", &self.nanos)?;
        numbers.end()
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TextOrNumbers)
    }
}

struct TextOrNumbers;

impl<'de> Visitor<'de> for TextOrNumbers {
    type Value = Timestamp;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a time such as \"2026-08-17T09:30:00.25Z\"")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Timestamp, E> {
        read(text).ok_or_else(|| E::invalid_value(serde::de::Unexpected::Str(text), &self))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut numbers: A) -> Result<Timestamp, A::Error> {
        let mut timestamp = Timestamp::default();
        while let Some(key) = numbers.next_key::<String>()? {
            match key.as_str() {
                "seconds" => timestamp.seconds = numbers.next_value()?,
                "nanos" => timestamp.nanos = numbers.next_value()?,
                other => return Err(A::Error::unknown_field(other, &["seconds", "nanos"])),
            }
        }
        Ok(timestamp)
    }
}

fn write(timestamp: &Timestamp) -> Option<String> {
    let Timestamp { seconds, nanos } = *timestamp;
    if !(SECONDS_MIN..=SECONDS_MAX).contains(&seconds) || !(0..NANOS_A_SECOND).contains(&nanos) {
        return None;
    }
    let (year, month, day) = date(seconds.div_euclid(SECONDS_A_DAY));
    let second = seconds.rem_euclid(SECONDS_A_DAY);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    let fraction = format!(".{nanos:09}");
    let fraction = fraction.trim_end_matches('0').trim_end_matches('.');
    Some(format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}{fraction}Z"))
}

fn read(text: &str) -> Option<Timestamp> {
    let (day, time) = text.strip_suffix('Z')?.split_once('T')?;
    let (time, fraction) = match time.split_once('.') {
        Some((time, fraction)) => (time, Some(fraction)),
        None => (time, None),
    };
    let [year, month, day] = numbers(day, '-', [4, 2, 2])?;
    let [hour, minute, second] = numbers(time, ':', [2, 2, 2])?;
    let days = days(year, month, day);
    if year < 1 || date(days) != (year, month, day) || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let nanos = match fraction {
        None => 0,
        Some(digits) if (1..=9).contains(&digits.len()) => number(&format!("{digits:0<9}"), 9)?.try_into().ok()?,
        Some(_) => return None,
    };
    Some(Timestamp { seconds: days * SECONDS_A_DAY + hour * 3600 + minute * 60 + second, nanos })
}

fn numbers(text: &str, separator: char, widths: [usize; 3]) -> Option<[i64; 3]> {
    let mut parts = text.split(separator);
    let mut values = [0; 3];
    for (value, width) in values.iter_mut().zip(widths) {
        *value = number(parts.next()?, width)?;
    }
    parts.next().is_none().then_some(values)
}

fn number(digits: &str, width: usize) -> Option<i64> {
    (digits.len() == width && digits.bytes().all(|digit| digit.is_ascii_digit())).then(|| digits.parse().ok()).flatten()
}

/// Days from 1970-01-01 to a date. Years begin in March, so that a leap day ends one.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month > 2 { year } else { year - 1 };
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    365 * year + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400) + day_of_year - 719_468
}

/// The date so many days after 1970-01-01; the inverse of [`days`].
fn date(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let (era, day_of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = (month_from_march + 2) % 12 + 1;
    let year = era * 400 + year_of_era + i64::from(month < 3);
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::{SECONDS_MAX, SECONDS_MIN, Timestamp, date, days, read, write};

    #[test]
    fn known_moments_hold_both_ways() {
        for (seconds, nanos, text) in [
            (0, 0, "1970-01-01T00:00:00Z"),
            (951_782_400, 0, "2000-02-29T00:00:00Z"),
            (1_786_959_000, 250_000_000, "2026-08-17T09:30:00.25Z"),
            (-1, 999_999_999, "1969-12-31T23:59:59.999999999Z"),
            (SECONDS_MIN, 0, "0001-01-01T00:00:00Z"),
            (SECONDS_MAX, 1, "9999-12-31T23:59:59.000000001Z"),
        ] {
            let timestamp = Timestamp { seconds, nanos };
            assert_eq!(write(&timestamp).as_deref(), Some(text));
            assert_eq!(read(text), Some(timestamp));
        }
    }

    #[test]
    fn every_day_of_four_centuries_survives() {
        let mut last = (0, 0, 0);
        for day in days(1800, 1, 1)..days(2200, 1, 1) {
            let (year, month, day_of_month) = date(day);
            assert!(last < (year, month, day_of_month));
            last = (year, month, day_of_month);
            assert_eq!(days(year, month, day_of_month), day);
        }
    }

    #[test]
    fn what_is_no_moment_is_refused() {
        for text in [
            "",
            "2026-08-17T09:30:00",
            "2026-08-17 09:30:00Z",
            "2026-02-29T00:00:00Z",
            "2026-13-01T00:00:00Z",
            "2026-00-01T00:00:00Z",
            "2026-01-00T00:00:00Z",
            "2026-01-01T24:00:00Z",
            "2026-01-01T00:00:60Z",
            "2026-01-01T00:00:00.Z",
            "2026-01-01T00:00:00.1234567890Z",
            "2026-1-01T00:00:00Z",
            "+026-01-01T00:00:00Z",
            "2026-01-01T00:00:00+00:00Z",
            "0000-01-01T00:00:00Z",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn a_moment_without_a_date_has_no_text() {
        for (seconds, nanos) in [(SECONDS_MAX + 1, 0), (SECONDS_MIN - 1, 0), (0, -1), (0, 1_000_000_000), (i64::MIN, i32::MIN)] {
            assert_eq!(write(&Timestamp { seconds, nanos }), None);
        }
    }
}

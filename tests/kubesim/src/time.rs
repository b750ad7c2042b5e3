//! Civil time from milliseconds since the Unix epoch: the model never asks a clock.

const DAY_MS: u64 = 86_400_000;
const WEEKDAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// Year, month (1 to 12) and day (1 to 31) of the given number of days since the epoch.
fn civil(days: u64) -> (u64, u64, u64) {
    // Counted from 0000-03-01, so that a leap day is the last day of a year.
    let shifted = days + 719_468;
    let era = shifted / 146_097;
    let of_era = shifted % 146_097;
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    (year, month, day)
}

fn days_from_civil(year: u64, month: u64, day: u64) -> u64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year / 400;
    let year_of_era = year % 400;
    let from_march = if month > 2 { month - 3 } else { month + 9 };
    let of_year = (153 * from_march + 2) / 5 + day - 1;
    let of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + of_year;
    (era * 146_097 + of_era).saturating_sub(719_468)
}

fn clock(ms: u64) -> (u64, u64, u64) {
    let seconds = ms % DAY_MS / 1000;
    (seconds / 3600, seconds / 60 % 60, seconds % 60)
}

/// `2026-11-23T22:30:14Z`, the form of a metadata timestamp.
pub(crate) fn rfc3339(ms: u64) -> String {
    let (year, month, day) = civil(ms / DAY_MS);
    let (hour, minute, second) = clock(ms);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

/// `2026-11-23T22:30:14.123000Z`, the form of an event's `eventTime`.
pub(crate) fn rfc3339_micro(ms: u64) -> String {
    let whole = rfc3339(ms);
    format!("{}.{:03}000Z", whole.trim_end_matches('Z'), ms % 1000)
}

/// `Mon, 23 Nov 2026 22:30:14 GMT`, the form of the `Date` header.
pub(crate) fn http_date(ms: u64) -> String {
    let days = ms / DAY_MS;
    let (year, month, day) = civil(days);
    let (hour, minute, second) = clock(ms);
    let weekday = WEEKDAYS[usize::try_from(days % 7).unwrap_or(0)];
    let month_name = MONTHS[usize::try_from(month - 1).unwrap_or(0)];
    format!("{weekday}, {day:02} {month_name} {year:04} {hour:02}:{minute:02}:{second:02} GMT")
}

/// Milliseconds since the epoch of an RFC 3339 date-time, or `None` if it is not one after 1970.
pub(crate) fn parse_rfc3339(text: &str) -> Option<u64> {
    let number = |from: usize, to: usize| -> Option<u64> {
        let part = text.get(from..to)?;
        part.bytes().all(|b| b.is_ascii_digit()).then_some(())?;
        part.parse().ok()
    };
    let mark = |at: usize, marks: &str| -> Option<()> { marks.contains(text.get(at..=at)?).then_some(()) };
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
    mark(4, "-")?;
    mark(7, "-")?;
    mark(10, "Tt")?;
    mark(13, ":")?;
    mark(16, ":")?;
    if year < 1970 || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    if hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let mut rest = text.get(19..)?;
    let mut millis = 0;
    if let Some(fraction) = rest.strip_prefix('.') {
        let digits = fraction.bytes().take_while(u8::is_ascii_digit).count();
        if digits == 0 {
            return None;
        }
        millis = format!("{:0<3}", fraction.get(..digits.min(3))?).parse::<u64>().ok()?;
        rest = fraction.get(digits..)?;
    }
    let seconds = ((days_from_civil(year, month, day) * 24 + hour) * 60 + minute) * 60 + second;
    let offset_seconds = match rest {
        "Z" | "z" => 0_i64,
        _ => {
            let sign = match rest.get(..1)? {
                "+" => -1,
                "-" => 1,
                _ => return None,
            };
            let hours: i64 = rest.get(1..3)?.parse().ok()?;
            let minutes: i64 = rest.get(4..6)?.parse().ok()?;
            if rest.get(3..4)? != ":" || rest.len() != 6 {
                return None;
            }
            sign * (hours * 60 + minutes) * 60
        }
    };
    Some(seconds.checked_add_signed(offset_seconds)? * 1000 + millis)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_known_instant_in_each_form() {
        let ms = 1_795_473_014_123;
        assert_eq!(rfc3339(ms), "2026-11-23T22:30:14Z");
        assert_eq!(rfc3339_micro(ms), "2026-11-23T22:30:14.123000Z");
        assert_eq!(http_date(ms), "Mon, 23 Nov 2026 22:30:14 GMT");
    }

    #[test]
    fn parsing_undoes_printing_across_leap_days() {
        for day in [0, 58, 59, 60, 789, 11_016, 19_782, 19_783, 47_541] {
            let ms = day * DAY_MS + 3_723_000;
            assert_eq!(parse_rfc3339(&rfc3339(ms)), Some(ms));
        }
        assert_eq!(parse_rfc3339("2026-11-23T23:30:14.5+01:00"), Some(1_795_473_014_500));
        assert_eq!(parse_rfc3339("2026-11-23 22:30:14Z"), None);
        assert_eq!(parse_rfc3339("tomorrow"), None);
    }
}

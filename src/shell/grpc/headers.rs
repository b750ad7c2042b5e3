//! What a call says beside its message.

use std::time::Duration;

use tonic::metadata::MetadataMap;

use crate::core::io::TraceParent;

/// How long the caller waits (`grpc-timeout`), if it says so in a way that gRPC knows.
pub(super) fn timeout(metadata: &MetadataMap) -> Option<Duration> {
    let text = metadata.get("grpc-timeout")?.to_str().ok()?;
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    if digits.is_empty() || digits.len() > 8 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let number: u64 = digits.parse().ok()?;
    match unit {
        "H" => Some(Duration::from_secs(number * 3_600)),
        "M" => Some(Duration::from_secs(number * 60)),
        "S" => Some(Duration::from_secs(number)),
        "m" => Some(Duration::from_millis(number)),
        "u" => Some(Duration::from_micros(number)),
        "n" => Some(Duration::from_nanos(number)),
        _ => None,
    }
}

/// The caller's trace (`traceparent`), if it is one.
pub(super) fn trace(metadata: &MetadataMap) -> Option<TraceParent> {
    TraceParent::parse(metadata.get("traceparent")?.to_str().ok()?)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test says what is wrong by failing")]

    use super::*;

    fn metadata(key: &'static str, value: &str) -> MetadataMap {
        let mut metadata = MetadataMap::new();
        metadata.insert(key, value.parse().unwrap());
        metadata
    }

    #[test]
    fn a_timeout_is_up_to_eight_digits_and_a_unit() {
        for (text, wanted) in [
            ("1H", Some(Duration::from_secs(3_600))),
            ("2M", Some(Duration::from_secs(120))),
            ("3S", Some(Duration::from_secs(3))),
            ("99999999m", Some(Duration::from_millis(99_999_999))),
            ("5u", Some(Duration::from_micros(5))),
            ("0n", Some(Duration::ZERO)),
            ("S", None),
            ("", None),
            ("123456789S", None),
            ("+1S", None),
            ("1s", None),
            ("1", None),
        ] {
            assert_eq!(timeout(&metadata("grpc-timeout", text)), wanted, "{text:?}");
        }
        assert_eq!(timeout(&MetadataMap::new()), None);
    }

    #[test]
    fn a_trace_is_taken_when_it_is_one() {
        let text = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        assert_eq!(trace(&metadata("traceparent", text)).unwrap().as_str(), text);
        assert_eq!(trace(&metadata("traceparent", "nonsense")), None);
    }
}

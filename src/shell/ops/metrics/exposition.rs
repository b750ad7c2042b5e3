//! The text a scraper reads, in either of its two forms, and which of them it asked for.

use std::fmt::Write as _;

use super::series::{Labels, Series, Value};
use super::table::{Family, Kind, Metric};

/// A form of the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::shell) enum Format {
    /// Prometheus' text format, 0.0.4.
    Text,
    /// `OpenMetrics` 1.0.
    OpenMetrics,
}

impl Format {
    /// The form to answer with to this `Accept`: `OpenMetrics` where it is asked for by name and no less liked than the text.
    pub(in crate::shell) fn accepted(accept: &str) -> Self {
        let weight = |wanted: fn(&str) -> bool| accept.split(',').filter(|range| wanted(range)).map(quality).max().unwrap_or_default();
        let open =
            weight(|range| media(range) == "application/openmetrics-text" && parameter(range, "version").is_none_or(|v| v == "1.0.0"));
        let text = weight(|range| matches!(media(range), "text/plain" | "text/*" | "*/*"));
        if open > 0 && open >= text { Self::OpenMetrics } else { Self::Text }
    }

    /// The value of `Content-Type`.
    pub(in crate::shell) const fn content_type(self) -> &'static str {
        match self {
            Self::Text => "text/plain; version=0.0.4; charset=utf-8",
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }
}

fn media(range: &str) -> &str {
    range.split(';').next().unwrap_or_default().trim()
}

fn parameter<'a>(range: &'a str, name: &str) -> Option<&'a str> {
    let parameters = range.split(';').skip(1).filter_map(|parameter| parameter.split_once('='));
    parameters.map(|(key, value)| (key.trim(), value.trim().trim_matches('"'))).find(|(key, _)| *key == name).map(|(_, value)| value)
}

/// The weight of a range in thousandths; one that cannot be read counts as none.
fn quality(range: &str) -> u16 {
    let Some(text) = parameter(range, "q") else { return 1_000 };
    let parsed = text.parse::<f32>().ok().filter(|weight| (0.0..=1.0).contains(weight));
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it lies between 0 and 1000")]
    parsed.map_or(0, |weight| (weight * 1_000.0) as u16)
}

/// Every series of every family.
pub(super) fn write(series: &Series, format: Format) -> String {
    let mut text = String::with_capacity(16 * 1024);
    for metric in Metric::ALL {
        let mut of = series.of(*metric).peekable();
        if of.peek().is_none() {
            continue;
        }
        let family = metric.family();
        describe(&mut text, &family, format);
        for (labels, value) in of {
            sample(&mut text, &family, labels, value);
        }
    }
    if format == Format::OpenMetrics {
        text.push_str("# EOF\n");
    }
    text
}

// Writing to a text cannot fail.
fn describe(text: &mut String, family: &Family, format: Format) {
    // The older form describes samples, not families, and knows no info.
    let (name, kind) = match (format, family.kind) {
        (Format::Text, Kind::Counter) => (format!("{}_total", family.name), "counter"),
        (Format::Text, Kind::Info) => (format!("{}_info", family.name), "gauge"),
        (Format::OpenMetrics, Kind::Counter) => (family.name.to_owned(), "counter"),
        (Format::OpenMetrics, Kind::Info) => (family.name.to_owned(), "info"),
        (_, Kind::Gauge) => (family.name.to_owned(), "gauge"),
        (_, Kind::Histogram(_)) => (family.name.to_owned(), "histogram"),
    };
    let _ = writeln!(text, "# HELP {name} {}", family.help);
    let _ = writeln!(text, "# TYPE {name} {kind}");
    if let (Format::OpenMetrics, Some(unit)) = (format, family.unit()) {
        let _ = writeln!(text, "# UNIT {name} {unit}");
    }
}

fn sample(text: &mut String, family: &Family, labels: &Labels, value: &Value) {
    let name = family.name;
    match value {
        Value::Number(number) => {
            let suffix = match family.kind {
                Kind::Counter => "_total",
                Kind::Info => "_info",
                Kind::Gauge | Kind::Histogram(_) => "",
            };
            let _ = writeln!(text, "{name}{suffix}{} {}", braces(family, labels, None), numeral(*number));
        }
        Value::Histogram { counts, sum } => {
            let Kind::Histogram(bounds) = family.kind else { return };
            let bounds = bounds.iter().map(|bound| format!("{bound:?}")).chain([String::from("+Inf")]);
            let mut count = 0;
            for (bound, more) in bounds.zip(counts) {
                count += more;
                let _ = writeln!(text, "{name}_bucket{} {count}", braces(family, labels, Some(&bound)));
            }
            let labels = braces(family, labels, None);
            let _ = writeln!(text, "{name}_sum{labels} {sum}\n{name}_count{labels} {count}");
        }
    }
}

fn braces(family: &Family, labels: &Labels, bound: Option<&str>) -> String {
    let named = family.labels.iter().copied().zip(labels.values()).chain(bound.map(|bound| ("le", bound)));
    let pairs: Vec<String> = named.map(|(name, value)| format!("{name}=\"{}\"", escape(value))).collect();
    if pairs.is_empty() { String::new() } else { format!("{{{}}}", pairs.join(",")) }
}

fn numeral(number: f64) -> String {
    if number == f64::INFINITY { "+Inf".into() } else { number.to_string() }
}

fn escape(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::super::series::NONE;
    use super::*;

    #[test]
    fn a_scraper_gets_the_form_it_likes_best() {
        for (accept, wanted) in [
            ("", Format::Text),
            ("*/*", Format::Text),
            ("text/plain", Format::Text),
            ("application/openmetrics-text", Format::OpenMetrics),
            // Prometheus 2 and 3.
            (
                "application/openmetrics-text;version=1.0.0;q=0.75,application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
                Format::OpenMetrics,
            ),
            (
                "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.5,*/*;q=0.2",
                Format::OpenMetrics,
            ),
            ("application/openmetrics-text; version=\"1.0.0\"; q=0.4, text/plain; q=0.5", Format::Text),
            ("application/openmetrics-text;version=2.0.0", Format::Text),
            ("application/openmetrics-text;q=0", Format::Text),
            ("application/openmetrics-text;q=much", Format::Text),
            ("nonsense;;;=,,q=1", Format::Text),
        ] {
            assert_eq!(Format::accepted(accept), wanted, "{accept}");
        }
    }

    fn some() -> Series {
        let mut series = Series::default();
        series.set(Metric::Build, ["1.0", "a\"b\\c\nd"], 1.0);
        series.set(Metric::Ready, NONE, 0.0);
        series.add(Metric::Rpcs, ["GetSandbox", "OK"], 3.0);
        series.observe(Metric::TransitionLag, NONE, 1.5, 2);
        series
    }

    #[test]
    fn prometheus_text() {
        assert_eq!(
            write(&some(), Format::Text),
            format!(
                "# HELP openshell_driver_build_info {}\n# TYPE openshell_driver_build_info gauge\n\
                 openshell_driver_build_info{{version=\"1.0\",revision=\"a\\\"b\\\\c\\nd\"}} 1\n\
                 # HELP openshell_driver_ready {}\n# TYPE openshell_driver_ready gauge\nopenshell_driver_ready 0\n\
                 # HELP openshell_driver_rpcs_total {}\n# TYPE openshell_driver_rpcs_total counter\n\
                 openshell_driver_rpcs_total{{method=\"GetSandbox\",code=\"OK\"}} 3\n\
                 # HELP openshell_driver_transition_lag_seconds {}\n# TYPE openshell_driver_transition_lag_seconds histogram\n{LAG}",
                Metric::Build.family().help,
                Metric::Ready.family().help,
                Metric::Rpcs.family().help,
                Metric::TransitionLag.family().help,
            )
        );
    }

    const LAG: &str = "openshell_driver_transition_lag_seconds_bucket{le=\"1.0\"} 0\n\
                       openshell_driver_transition_lag_seconds_bucket{le=\"2.0\"} 2\n\
                       openshell_driver_transition_lag_seconds_bucket{le=\"3.0\"} 2\n\
                       openshell_driver_transition_lag_seconds_bucket{le=\"5.0\"} 2\n\
                       openshell_driver_transition_lag_seconds_bucket{le=\"10.0\"} 2\n\
                       openshell_driver_transition_lag_seconds_bucket{le=\"30.0\"} 2\n\
                       openshell_driver_transition_lag_seconds_bucket{le=\"60.0\"} 2\n\
                       openshell_driver_transition_lag_seconds_bucket{le=\"120.0\"} 2\n\
                       openshell_driver_transition_lag_seconds_bucket{le=\"300.0\"} 2\n\
                       openshell_driver_transition_lag_seconds_bucket{le=\"+Inf\"} 2\n\
                       openshell_driver_transition_lag_seconds_sum 3\n\
                       openshell_driver_transition_lag_seconds_count 2\n";

    #[test]
    fn openmetrics_names_families_and_units_and_ends() {
        let text = write(&some(), Format::OpenMetrics);
        for part in [
            "# TYPE openshell_driver_build info\nopenshell_driver_build_info{version",
            "# TYPE openshell_driver_rpcs counter\nopenshell_driver_rpcs_total{method",
            "# TYPE openshell_driver_transition_lag_seconds histogram\n# UNIT openshell_driver_transition_lag_seconds seconds\n",
            LAG,
        ] {
            assert!(text.contains(part), "{part:?} is not in {text}");
        }
        assert!(text.ends_with("\n# EOF\n"));
    }
}

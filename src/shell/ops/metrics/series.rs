//! The numbers behind the metrics: a bounded set of series for each family.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::table::{Kind, Metric};
use crate::shell::limits;

/// Labels of one family.
pub const LABELS_MAX: usize = 3;
/// What stands for every label of series beyond [`limits::SERIES`].
const OTHER: &str = "other";

/// The values of a series' labels, in the order of [`Family::labels`](super::table::Family::labels); those it does not have are empty.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(in crate::shell) struct Labels([Cow<'static, str>; LABELS_MAX]);

/// Of a series that has none.
pub(super) const NONE: [&str; 0] = [];

impl Labels {
    /// The values of as many labels as there are.
    pub(super) fn values(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|value| &**value)
    }
}

impl<const N: usize> From<[&'static str; N]> for Labels {
    fn from(values: [&'static str; N]) -> Self {
        Self::from(values.map(Cow::Borrowed))
    }
}

impl<const N: usize> From<[Cow<'static, str>; N]> for Labels {
    fn from(values: [Cow<'static, str>; N]) -> Self {
        const { assert!(N <= LABELS_MAX, "no family has so many labels") };
        let mut labels = Self::default();
        for (place, value) in labels.0.iter_mut().zip(values) {
            *place = value;
        }
        labels
    }
}

/// What a series says.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    /// Of a counter, a gauge or an info.
    Number(f64),
    /// Of a histogram: how many observations lie between each bound and the one before, those above the last bound, and the sum of all.
    Histogram { counts: Vec<u64>, sum: f64 },
}

/// Every series.
#[derive(Debug, Default)]
pub(super) struct Series(BTreeMap<Metric, BTreeMap<Labels, Value>>);

impl Series {
    /// Adds to a counter.
    pub(super) fn add(&mut self, metric: Metric, labels: impl Into<Labels>, more: f64) {
        if let Value::Number(number) = self.value(metric, labels.into()) {
            *number += more;
        }
    }

    /// Sets a gauge, or a counter that somebody else counts.
    pub(super) fn set(&mut self, metric: Metric, labels: impl Into<Labels>, value: f64) {
        if let Value::Number(number) = self.value(metric, labels.into()) {
            *number = value;
        }
    }

    /// Forgets every series of a family: what is not set again is not there any more.
    pub(super) fn clear(&mut self, metric: Metric) {
        self.0.remove(&metric);
    }

    /// Counts `times` observations of this size.
    pub(super) fn observe(&mut self, metric: Metric, labels: impl Into<Labels>, size: f64, times: u64) {
        let Kind::Histogram(bounds) = metric.family().kind else { return };
        if let Value::Histogram { counts, sum } = self.value(metric, labels.into()) {
            let bucket = bounds.partition_point(|bound| *bound < size);
            if let Some(count) = counts.get_mut(bucket) {
                *count += times;
            }
            #[expect(clippy::cast_precision_loss, reason = "so many observations do not happen")]
            {
                *sum += size * times as f64;
            }
        }
    }

    /// The series of a family, by their labels.
    pub(super) fn of(&self, metric: Metric) -> impl Iterator<Item = (&Labels, &Value)> {
        self.0.get(&metric).into_iter().flatten()
    }

    fn value(&mut self, metric: Metric, labels: Labels) -> &mut Value {
        let kind = metric.family().kind;
        let family = self.0.entry(metric).or_default();
        let labels = if family.len() < limits::SERIES || family.contains_key(&labels) {
            labels
        } else {
            let mut other = Labels::default();
            other.0.iter_mut().zip(metric.family().labels).for_each(|(value, _)| *value = OTHER.into());
            other
        };
        family.entry(labels).or_insert_with(|| match kind {
            Kind::Counter | Kind::Gauge | Kind::Info => Value::Number(0.0),
            Kind::Histogram(bounds) => Value::Histogram { counts: vec![0; bounds.len() + 1], sum: 0.0 },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_observation_counts_up_to_the_bound_that_it_reaches() {
        let mut series = Series::default();
        for size in [0.0, 0.001, 0.002, 90.0, 91.0] {
            series.observe(Metric::RpcDuration, ["GetSandbox", "OK"], size, 1);
        }
        series.observe(Metric::RpcDuration, ["GetSandbox", "OK"], 0.003, 2);
        let counts = series.of(Metric::RpcDuration).find_map(|(_, value)| match value {
            Value::Histogram { counts, .. } => Some(counts.clone()),
            Value::Number(_) => None,
        });
        let counts = counts.unwrap_or_default();
        assert_eq!((counts.first(), counts.get(1), counts.iter().rev().nth(1), counts.last()), (Some(&2), Some(&3), Some(&1), Some(&1)));
    }

    #[test]
    fn series_are_bounded_and_what_is_too_much_is_counted_as_other() {
        let mut series = Series::default();
        for number in 0..limits::SERIES + 100 {
            series.add(Metric::ApiRequests, [Cow::Borrowed("get"), Cow::Owned(format!("resource{number}")), Cow::Borrowed("200")], 1.0);
        }
        assert_eq!(series.of(Metric::ApiRequests).count(), limits::SERIES + 1);
        let other = series.of(Metric::ApiRequests).find(|(labels, _)| labels.values().all(|value| value == OTHER));
        assert_eq!(other.map(|(_, value)| value), Some(&Value::Number(100.0)));
    }
}

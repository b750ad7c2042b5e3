//! What the process uses, as `/proc` says.

use std::fs::{self, File};
use std::io::Read;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Ticks of `/proc/self/stat` in a second; the kernel shows every architecture of ours this number.
const TICKS: f64 = 100.0;
/// Bytes read of a file of `/proc`.
const READ_MAX: u64 = 64 * 1024;

/// What the process uses. What cannot be read is missing: metrics without it are better than none.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Usage {
    /// Processor time, in seconds.
    pub(super) cpu: Option<f64>,
    /// When it started, in seconds since 1970.
    pub(super) started: Option<f64>,
    /// Bytes of memory.
    pub(super) resident: Option<f64>,
    /// Bytes of addresses.
    pub(super) addresses: Option<f64>,
    /// File descriptors.
    pub(super) open_fds: Option<f64>,
    /// As many may be open.
    pub(super) max_fds: Option<f64>,
}

impl Usage {
    /// Reads it.
    pub(super) fn now() -> Self {
        let stat = read("/proc/self/stat").and_then(|text| Stat::parse(&text));
        let status = read("/proc/self/status").unwrap_or_default();
        Self {
            cpu: stat.map(|stat| stat.cpu),
            started: stat.and_then(|stat| Some(boot()? + stat.started)),
            resident: kibibytes(&status, "VmRSS:"),
            addresses: kibibytes(&status, "VmSize:"),
            open_fds: open_fds(),
            max_fds: read("/proc/self/limits").and_then(|text| max_fds(&text)),
        }
    }
}

/// Seconds since 1970, on the clock that people set.
pub(super) fn wall() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).as_ref().map_or(0.0, Duration::as_secs_f64)
}

fn read(file: &str) -> Option<String> {
    let mut text = String::new();
    File::open(file).ok()?.take(READ_MAX).read_to_string(&mut text).ok()?;
    Some(text)
}

/// The parts of `/proc/self/stat` that concern us, in seconds; `started` is counted from when the machine did.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Stat {
    cpu: f64,
    started: f64,
}

impl Stat {
    fn parse(text: &str) -> Option<Self> {
        // The name before the parenthesis may hold anything.
        let fields: Vec<&str> = text.rsplit_once(')')?.1.split_ascii_whitespace().collect();
        // proc(5) counts from 1, and the first field after the name is the third.
        let ticks = |field: usize| fields.get(field - 3)?.parse::<f64>().ok();
        Some(Self { cpu: (ticks(14)? + ticks(15)?) / TICKS, started: ticks(22)? / TICKS })
    }
}

/// When the machine started.
fn boot() -> Option<f64> {
    read("/proc/stat")?.lines().find_map(|line| line.strip_prefix("btime "))?.trim().parse().ok()
}

fn kibibytes(status: &str, key: &str) -> Option<f64> {
    let number = status.lines().find_map(|line| line.strip_prefix(key))?.trim().strip_suffix("kB")?.trim().parse::<f64>().ok()?;
    Some(number * 1024.0)
}

fn open_fds() -> Option<f64> {
    // One of them is this directory.
    let count = fs::read_dir("/proc/self/fd").ok()?.count().checked_sub(1)?;
    u32::try_from(count).ok().map(f64::from)
}

fn max_fds(limits: &str) -> Option<f64> {
    let soft = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?.split_ascii_whitespace().next()?;
    if soft == "unlimited" { Some(f64::INFINITY) } else { soft.parse().ok() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_parentheses_and_blanks_moves_no_field() {
        let text = "7 (a) b (c)) S 1 1 1 0 -1 4194560 100 0 0 0 250 50 0 0 20 0 1 0 1200 1000000 300 18446744073709551615";
        assert_eq!(Stat::parse(text), Some(Stat { cpu: 3.0, started: 12.0 }));
        assert_eq!(Stat::parse("7 (a"), None);
        assert_eq!(Stat::parse("7 (a) S 1"), None);
    }

    #[test]
    fn sizes_and_limits() {
        assert_eq!(kibibytes("VmSize:\t  20 kB\nVmRSS:\t     10 kB\n", "VmRSS:"), Some(10_240.0));
        assert_eq!(kibibytes("VmRSS: many kB", "VmRSS:"), None);
        assert_eq!(max_fds("Max open files            1024                 4096                 files \n"), Some(1_024.0));
        assert_eq!(max_fds("Max open files            unlimited            unlimited            files \n"), Some(f64::INFINITY));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn this_process_has_all_of_it() {
        let usage = Usage::now();
        let within = |value: Option<f64>, low: f64, high: f64| value.is_some_and(|value| (low..high).contains(&value));
        assert!(within(usage.cpu, 0.0, 1e6), "{usage:?}");
        assert!(within(usage.started, 1.7e9, wall() + 2.0), "{usage:?}");
        assert!(within(usage.resident, 1e5, 1e12) && within(usage.addresses, 1e5, 1e16), "{usage:?}");
        assert!(within(usage.open_fds, 3.0, 1e6) && usage.max_fds.is_some(), "{usage:?}");
    }
}

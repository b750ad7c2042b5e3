//! What happened in a world, counted; and a number that stands for all its outputs.

use std::collections::BTreeMap;
use std::io;

use crate::driver::core::io::Output;

/// Whether outputs are hashed: only where two runs are compared, since it costs as much as the simulation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hashing {
    /// They are.
    On,
    /// They are not.
    Off,
}

/// Every kind of thing that goes wrong. A long run must have met each.
pub const FAULTS: [&str; 67] = [
    "API server away",
    "API server restarted",
    "a Sandbox expired",
    "a node was drained",
    "a node was lost",
    "a pod was deleted",
    "a pod was evicted, or failed",
    "a quota was set",
    "a token was rotated",
    "agent-sandbox was upgraded",
    "answer after abort",
    "answer lost",
    "answer overtaken by a later one",
    "answer spoilt",
    "answer too large",
    "answer whole at the last moment",
    "backup restored",
    "carried out twice",
    "done, and answered 5xx",
    "driver drained",
    "driver gave up",
    "driver killed",
    "driver left calls behind",
    "driver told to stop",
    "garbage in a watch",
    "gateway died",
    "history compacted",
    "lease moved",
    "line after abort",
    "refused with 401",
    "refused with 403",
    "refused with 404",
    "refused with 409",
    "refused with 410",
    "refused with 429",
    "refused with 429 and Retry-After",
    "refused with 5xx",
    "request lost",
    "request not sent",
    "rights were taken away",
    "slow way",
    "somebody copied a Sandbox",
    "somebody deleted a Sandbox",
    "somebody deleted new Sandboxes",
    "somebody suspended a Sandbox",
    "somebody took a Sandbox's name away",
    "somebody took a label away",
    "somebody took a name",
    "somebody touched a Sandbox",
    "the controller rested",
    "the garbage collector rested",
    "the namespace was deleted",
    "the resource was not served",
    "user gave up",
    "wall clock jumped",
    "watch cut inside a line",
    "watch gone silent",
    "watch line too large",
    "watch not answered",
    "watch not connected",
    "watch refused with 410",
    "watch refused with 429",
    "watch refused with another code",
    "watch reset before it was open",
    "watch told 410",
    "watch told another error",
    "write carried out late",
];

/// What happened.
#[derive(Debug, Clone)]
pub struct Summary {
    /// Things that happened.
    pub steps: u64,
    /// Simulated time.
    pub simulated_ms: u64,
    /// Outputs of the first process of the first driver.
    pub first_life: u64,
    /// Calls by gateways.
    pub calls: u64,
    /// Requests to the API server, watches included.
    pub requests: u64,
    /// Each transition of the core that was met, with its count.
    pub met: BTreeMap<[&'static str; 3], u64>,
    /// Each kind of thing that went wrong, with its count.
    pub faults: BTreeMap<&'static str, u64>,
    /// Stands for every output of every driver, in order.
    pub hash: Option<u64>,
}

impl Summary {
    /// Nothing yet.
    #[must_use]
    pub fn new(hashing: Hashing) -> Self {
        let hash = (hashing == Hashing::On).then_some(0xcbf2_9ce4_8422_2325);
        Self { steps: 0, simulated_ms: 0, first_life: 0, calls: 0, requests: 0, met: BTreeMap::new(), faults: BTreeMap::new(), hash }
    }

    /// Something goes wrong.
    pub fn fault(&mut self, what: &'static str) {
        debug_assert!(FAULTS.contains(&what), "{what} is no listed fault");
        *self.faults.entry(what).or_default() += 1;
    }

    /// An output is pushed.
    pub fn output(&mut self, output: &Output) {
        if let Some(hash) = &mut self.hash {
            // A hash takes everything.
            let _ = serde_json::to_writer(Fnv(hash), output);
        }
    }

    /// Adds another world's.
    pub fn add(&mut self, other: Self) {
        self.steps += other.steps;
        self.simulated_ms += other.simulated_ms;
        self.calls += other.calls;
        self.requests += other.requests;
        for (met, count) in other.met {
            *self.met.entry(met).or_default() += count;
        }
        for (fault, count) in other.faults {
            *self.faults.entry(fault).or_default() += count;
        }
    }
}

/// The 64-bit Fowler–Noll–Vo hash (1a).
struct Fnv<'a>(&'a mut u64);

impl io::Write for Fnv<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        for byte in bytes {
            *self.0 = (*self.0 ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

//! What a process costs, as the kernel counts it.

use std::fs;
use std::time::Duration;

use rig::Outcome;

/// A process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Process(pub u32);

/// What it has used since it began.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Used {
    /// Time on a processor.
    pub processor: Duration,
    /// How often it went to sleep of its own will, and so was woken.
    pub sleeps: u64,
}

impl Process {
    fn read(self, file: &str) -> Outcome<String> {
        let path = format!("/proc/{}/{file}", self.0);
        fs::read_to_string(&path).map_err(|error| format!("{path}: {error}").into())
    }

    fn kilobytes(self, name: &str) -> Outcome<u64> {
        let status = self.read("status")?;
        let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        let number = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
        number.ok_or_else(|| format!("process {} has no {name}", self.0).into())
    }

    /// Memory in use, in bytes.
    ///
    /// # Errors
    /// When the process has ended.
    pub fn resident(self) -> Outcome<u64> {
        Ok(self.kilobytes("VmRSS")? * 1024)
    }

    /// The most memory that was ever in use, or was since [`Process::forget_peak`].
    ///
    /// # Errors
    /// When the process has ended.
    pub fn peak(self) -> Outcome<u64> {
        Ok(self.kilobytes("VmHWM")? * 1024)
    }

    /// Counts the peak from here.
    ///
    /// # Errors
    /// When the process has ended, or is somebody else's.
    pub fn forget_peak(self) -> Outcome<()> {
        Ok(fs::write(format!("/proc/{}/clear_refs", self.0), "5")?)
    }

    /// What all its threads have used.
    ///
    /// # Errors
    /// When the process has ended.
    pub fn used(self) -> Outcome<Used> {
        let mut used = Used::default();
        for task in fs::read_dir(format!("/proc/{}/task", self.0))? {
            let task = task?.path();
            let nanos = fs::read_to_string(task.join("schedstat"))?;
            let nanos = nanos.split_whitespace().next().and_then(|number| number.parse().ok()).unwrap_or_default();
            used.processor += Duration::from_nanos(nanos);
            let status = fs::read_to_string(task.join("status"))?;
            let sleeps = status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:")?.trim().parse::<u64>().ok());
            used.sleeps += sleeps.unwrap_or_default();
        }
        Ok(used)
    }
}

impl Used {
    /// What was used since.
    #[must_use]
    pub fn since(self, before: Self) -> Self {
        Self { processor: self.processor.saturating_sub(before.processor), sleeps: self.sleeps.saturating_sub(before.sleeps) }
    }
}

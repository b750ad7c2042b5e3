//! A directory of recordings: each is whole or not there, only ours can read them, and the oldest make room.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::core::time::Wall;
use crate::shell::limits;

/// What names of recordings begin and end with. Between them stands when they were written, so that the names are in that order.
const NAME: (&str, &str) = ("recording-", ".jsonl");
/// What the name of an unfinished one ends with.
const UNFINISHED: &str = ".part";

/// Where recordings are written.
#[derive(Debug)]
pub(super) struct Directory {
    path: PathBuf,
    /// One at a time.
    writing: Mutex<()>,
}

impl Directory {
    /// A directory that is there, and can be written to.
    pub(super) fn open(path: PathBuf) -> Result<Self, String> {
        let probe = path.join(format!("{}probe{UNFINISHED}", NAME.0));
        let probed = create(&probe).and_then(|_| fs::remove_file(&probe));
        match probed {
            Ok(()) => Ok(Self { path, writing: Mutex::new(()) }),
            Err(error) => Err(format!(
                "--recording-dir {} cannot be written to ({error}): the root of a container is read-only, so mount a volume there, such as an emptyDir with a sizeLimit, \
                 that the user the driver runs as can write to",
                path.display()
            )),
        }
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Writes a recording and gives its path. The oldest are removed first, so that they make room for it.
    pub(super) fn put(&self, file: &[u8]) -> io::Result<PathBuf> {
        let _one = self.writing.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let own = self.own()?;
        let whole: Vec<&PathBuf> = own.iter().filter(|path| !is_unfinished(path)).collect();
        let unfinished = own.iter().filter(|path| is_unfinished(path));
        let too_old = whole.len().saturating_sub(limits::RECORDING_FILES - 1);
        for old in whole.into_iter().take(too_old).chain(unfinished) {
            fs::remove_file(old)?;
        }
        let path = self.free_name(own.last());
        let mut part = path.clone().into_os_string();
        part.push(UNFINISHED);
        let part = PathBuf::from(part);
        let written = create(&part).and_then(|mut out| {
            out.write_all(file)?;
            out.sync_all()
        });
        if let Err(error) = written.and_then(|()| fs::rename(&part, &path)) {
            // What is left of it takes the room that is missing.
            let _ = fs::remove_file(&part);
            return Err(error);
        }
        Ok(path)
    }

    /// Our files, oldest first.
    fn own(&self) -> io::Result<Vec<PathBuf>> {
        let mut own = Vec::new();
        for entry in fs::read_dir(&self.path)? {
            let path = entry?.path();
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            let name = name.strip_suffix(UNFINISHED).unwrap_or(name);
            if name.starts_with(NAME.0) && name.ends_with(NAME.1) {
                own.push(path);
            }
        }
        own.sort();
        Ok(own)
    }

    /// A name after all others: of several of one second, the number behind it says the order.
    fn free_name(&self, last: Option<&PathBuf>) -> PathBuf {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let stamp = Wall(i64::try_from(since.as_millis()).unwrap_or(i64::MAX)).to_string().replace([':', '-'], "");
        let last = last.and_then(|path| {
            path.file_name()?.to_str()?.strip_prefix(NAME.0)?.strip_prefix(stamp.as_str())?.get(1..4)?.parse::<u32>().ok()
        });
        let count = last.map_or(0, |last| last.saturating_add(1));
        self.path.join(format!("{}{stamp}-{count:03}{}", NAME.0, NAME.1))
    }
}

fn is_unfinished(path: &Path) -> bool {
    path.to_string_lossy().ends_with(UNFINISHED)
}

/// A file of ours alone.
fn create(path: &Path) -> io::Result<fs::File> {
    OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test says what is wrong by failing")]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;
    use crate::shell::tests::Scratch;

    #[test]
    fn the_newest_are_kept_and_nobody_elses_are_touched() {
        let scratch = Scratch::new();
        let at = scratch.path("r");
        fs::create_dir(&at).unwrap();
        fs::write(at.join("notes.txt"), "mine").unwrap();
        fs::write(at.join("recording-19990101T000000Z-000.jsonl.part"), "cut").unwrap();
        let directory = Directory::open(at.clone()).unwrap();
        let written: Vec<PathBuf> = (0..limits::RECORDING_FILES + 3).map(|n| directory.put(n.to_string().as_bytes()).unwrap()).collect();
        let kept = directory.own().unwrap();
        assert_eq!(kept, written.get(3..).unwrap());
        assert_eq!(fs::read_to_string(kept.last().unwrap()).unwrap(), (limits::RECORDING_FILES + 2).to_string());
        assert_eq!(fs::metadata(kept.last().unwrap()).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(at.join("notes.txt").exists());
    }

    #[test]
    fn what_cannot_be_written_to_is_said_before_anything_breaks() {
        let error = Directory::open("/proc/nowhere".into()).unwrap_err();
        assert!(error.contains("/proc/nowhere") && error.contains("mount a volume"), "{error}");
    }
}

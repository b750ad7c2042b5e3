//! The service account's token.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use http::header::HeaderValue;
use tokio::time::Instant;

use crate::shell::limits;

/// The `Authorization` header, as fresh as its file.
pub(super) struct Credentials {
    file: PathBuf,
    held: Mutex<Option<Held>>,
}

struct Held {
    header: HeaderValue,
    /// When the file was last looked at, whether or not that went well.
    looked: Instant,
}

impl Credentials {
    pub(super) fn new(file: PathBuf) -> Self {
        Self { file, held: Mutex::new(None) }
    }

    /// The header, read again when it is older than [`limits::TOKEN_AGE`]. An error only when there has never been one.
    pub(super) fn token(&self) -> Result<HeaderValue, String> {
        self.no_older_than(|held| held.looked.elapsed() < limits::TOKEN_AGE)
    }

    /// The header, read again now.
    pub(super) fn reread(&self) -> Result<HeaderValue, String> {
        self.no_older_than(|_| false)
    }

    fn no_older_than(&self, fresh: impl Fn(&Held) -> bool) -> Result<HeaderValue, String> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(held) = held.as_ref().filter(|held| fresh(held)) {
            return Ok(held.header.clone());
        }
        let header = match (read(&self.file), held.take()) {
            (Ok(header), _) => header,
            (Err(error), Some(old)) => {
                tracing::warn!(file = %self.file.display(), %error, "the service account's token could not be read again; the old one is used");
                old.header
            }
            (Err(error), None) => return Err(format!("the service account's token {} cannot be read: {error}", self.file.display())),
        };
        *held = Some(Held { header: header.clone(), looked: Instant::now() });
        Ok(header)
    }
}

/// Reads the file as a header that does not print.
fn read(path: &Path) -> Result<HeaderValue, String> {
    let mut text = String::from("Bearer ");
    let prefix = text.len();
    let file = File::open(path).map_err(|error| error.to_string())?;
    file.take(limits::TOKEN_FILE + 1).read_to_string(&mut text).map_err(|error| error.to_string())?;
    let text = text.trim_end();
    if text.len() as u64 > limits::TOKEN_FILE {
        return Err(format!("it is longer than {} bytes", limits::TOKEN_FILE));
    }
    if text.len() <= prefix {
        return Err("it is empty".into());
    }
    let mut header = HeaderValue::from_str(text).map_err(|_| "it holds a byte that no header can carry".to_owned())?;
    header.set_sensitive(true);
    Ok(header)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test says what is wrong by failing")]

    use std::fs;

    use super::*;
    use crate::shell::tests::Scratch;

    #[tokio::test]
    async fn the_token_is_read_again_when_asked_and_survives_a_file_that_is_gone() {
        let directory = Scratch::new();
        let file = directory.path("token");
        let credentials = Credentials::new(file.clone());
        assert!(credentials.token().unwrap_err().contains("token"));
        fs::write(&file, "first\n").unwrap();
        assert_eq!(credentials.token().unwrap(), "Bearer first");
        fs::write(&file, "second").unwrap();
        assert_eq!(credentials.token().unwrap(), "Bearer first");
        assert_eq!(credentials.reread().unwrap(), "Bearer second");
        fs::remove_file(&file).unwrap();
        assert_eq!(credentials.reread().unwrap(), "Bearer second");
    }

    #[tokio::test]
    async fn an_old_token_is_read_again() {
        let directory = Scratch::new();
        let file = directory.path("token");
        fs::write(&file, "first").unwrap();
        let credentials = Credentials::new(file.clone());
        credentials.token().unwrap();
        fs::write(&file, "second").unwrap();
        if let Some(held) = credentials.held.lock().unwrap().as_mut() {
            held.looked = held.looked.checked_sub(limits::TOKEN_AGE).unwrap();
        }
        assert_eq!(credentials.token().unwrap(), "Bearer second");
    }

    #[test]
    fn a_file_that_is_no_token_is_refused_without_being_quoted() {
        let directory = Scratch::new();
        let file = directory.path("token");
        for bytes in [&b""[..], b"\n", b"hunter2\nhunter2", b"\xff\xfe", &vec![b'a'; 70_000]] {
            fs::write(&file, bytes).unwrap();
            let error = read(&file).unwrap_err();
            assert!(!error.contains("hunter2"), "{error}");
        }
        fs::write(&file, "hunter2").unwrap();
        assert!(!format!("{:?}", read(&file).unwrap()).contains("hunter2"));
    }
}

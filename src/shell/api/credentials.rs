//! What a request carries so that the API server knows whose it is.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use http::header::HeaderValue;
use tokio::time::Instant;

use super::claims;
use super::server::{Identity, Pem};
use crate::shell::limits;

/// An `Authorization` header with a bearer token. It does not print.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bearer(HeaderValue);

/// The same as [`Identity`], in HTTP's terms.
pub(super) enum Credentials {
    /// A token that stays as it is.
    Fixed(Bearer),
    /// A token, as fresh as its file.
    File(TokenFile),
    /// None: the connection's certificate says it, which stays as it is.
    FixedCertificate,
    /// None: the connection's certificate says it, and the next connection has whatever the files then hold.
    CertificateFiles,
}

/// What is known of the token in use, for metrics.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(in crate::shell) struct TokenFacts {
    /// When its file was written, in seconds since 1970, if it is from a file.
    pub(in crate::shell) written: Option<f64>,
    /// When it expires, in seconds since 1970, if it says so.
    pub(in crate::shell) expires: Option<f64>,
    /// How often its file could not be read.
    pub(in crate::shell) read_errors: u64,
}

/// What can be done about a request that was answered 401.
pub(super) enum Remedy {
    /// Nothing: the credentials are what they are.
    Nothing,
    /// Send it again with this token.
    Token(Bearer),
    /// Send it again on another connection.
    Connection,
}

impl Credentials {
    pub(super) fn new(identity: &Identity) -> Self {
        match identity {
            Identity::Token(token) => Self::Fixed(token.clone()),
            Identity::TokenFile(file) => Self::File(TokenFile::new(file.clone())),
            Identity::Certificate { chain: Pem::Given(_), key: Pem::Given(_) } => Self::FixedCertificate,
            Identity::Certificate { .. } => Self::CertificateFiles,
        }
    }

    /// The token of a request, if it has one.
    pub(super) fn token(&self) -> Result<Option<Bearer>, String> {
        match self {
            Self::Fixed(token) => Ok(Some(token.clone())),
            Self::File(file) => file.token().map(Some),
            Self::FixedCertificate | Self::CertificateFiles => Ok(None),
        }
    }

    /// What is known of the token in use.
    pub(super) fn facts(&self) -> TokenFacts {
        match self {
            Self::Fixed(token) => TokenFacts { expires: token.expires(), ..TokenFacts::default() },
            Self::File(file) => file.facts(),
            Self::FixedCertificate | Self::CertificateFiles => TokenFacts::default(),
        }
    }

    /// What to do about a 401.
    pub(super) fn remedy(&self) -> Result<Remedy, String> {
        match self {
            Self::Fixed(_) | Self::FixedCertificate => Ok(Remedy::Nothing),
            Self::File(file) => file.reread().map(Remedy::Token),
            Self::CertificateFiles => Ok(Remedy::Connection),
        }
    }
}

/// A file with a token, and what it held when it was last read.
pub(super) struct TokenFile {
    file: PathBuf,
    held: Mutex<Option<Held>>,
    read_errors: AtomicU64,
}

struct Held {
    token: Bearer,
    /// When its file was written.
    written: Option<SystemTime>,
    /// When the file was last looked at, whether or not that went well.
    looked: Instant,
}

impl TokenFile {
    fn new(file: PathBuf) -> Self {
        Self { file, held: Mutex::new(None), read_errors: AtomicU64::new(0) }
    }

    fn facts(&self) -> TokenFacts {
        let held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let written = held.as_ref().and_then(|held| held.written?.duration_since(UNIX_EPOCH).ok());
        TokenFacts {
            written: written.map(|since| since.as_secs_f64()),
            expires: held.as_ref().and_then(|held| held.token.expires()),
            read_errors: self.read_errors.load(Ordering::Relaxed),
        }
    }

    /// The token, read again when it is older than [`limits::TOKEN_AGE`]. An error only when there has never been one.
    fn token(&self) -> Result<Bearer, String> {
        self.no_older_than(|held| held.looked.elapsed() < limits::TOKEN_AGE)
    }

    /// The token, read again now.
    fn reread(&self) -> Result<Bearer, String> {
        self.no_older_than(|_| false)
    }

    fn no_older_than(&self, fresh: impl Fn(&Held) -> bool) -> Result<Bearer, String> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(held) = held.as_ref().filter(|held| fresh(held)) {
            return Ok(held.token.clone());
        }
        let read = Bearer::read(&self.file);
        if read.is_err() {
            self.read_errors.fetch_add(1, Ordering::Relaxed);
        }
        let (token, written) = match (read, held.take()) {
            (Ok(token), _) => (token, fs::metadata(&self.file).and_then(|metadata| metadata.modified()).ok()),
            (Err(error), Some(old)) => {
                tracing::warn!(event = "token_unreadable", file = %self.file.display(), %error, "the bearer token could not be read again; the old one is used");
                (old.token, old.written)
            }
            (Err(error), None) => return Err(format!("the bearer token {} cannot be read: {error}", self.file.display())),
        };
        *held = Some(Held { token: token.clone(), written, looked: Instant::now() });
        Ok(token)
    }
}

impl Bearer {
    /// Takes a token as it is written, with blanks at its end. The error is a clause without it.
    pub(super) fn parse(token: &str) -> Result<Self, String> {
        let token = token.trim_end();
        if token.is_empty() {
            return Err("it is empty".into());
        }
        if token.len() as u64 > limits::TOKEN_FILE {
            return Err(format!("it is longer than {} bytes", limits::TOKEN_FILE));
        }
        let header = HeaderValue::from_str(&format!("Bearer {token}"));
        let mut header = header.map_err(|_| "it holds a byte that no header can carry".to_owned())?;
        header.set_sensitive(true);
        Ok(Self(header))
    }

    /// Reads a file with a token.
    pub(super) fn read(file: &Path) -> Result<Self, String> {
        let mut text = String::new();
        let file = File::open(file).map_err(|error| error.to_string())?;
        file.take(limits::TOKEN_FILE + 1).read_to_string(&mut text).map_err(|error| error.to_string())?;
        Self::parse(&text)
    }

    /// When it expires, in seconds since 1970, if it says so.
    fn expires(&self) -> Option<f64> {
        claims::expires(self.0.to_str().ok()?.strip_prefix("Bearer ")?)
    }

    /// The header, for the one place that must send it.
    pub(super) fn into_header(self) -> HeaderValue {
        self.0
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test says what is wrong by failing")]

    use super::*;
    use crate::shell::tests::Scratch;

    #[tokio::test]
    async fn the_token_is_read_again_when_asked_and_survives_a_file_that_is_gone() {
        let directory = Scratch::new();
        let file = directory.path("token");
        let credentials = TokenFile::new(file.clone());
        assert!(credentials.token().unwrap_err().contains("token"));
        fs::write(&file, "first\n").unwrap();
        assert_eq!(credentials.token().unwrap().0, "Bearer first");
        fs::write(&file, "second").unwrap();
        assert_eq!(credentials.token().unwrap().0, "Bearer first");
        assert_eq!(credentials.reread().unwrap().0, "Bearer second");
        fs::remove_file(&file).unwrap();
        assert_eq!(credentials.reread().unwrap().0, "Bearer second");
    }

    #[tokio::test]
    async fn an_old_token_is_read_again() {
        let directory = Scratch::new();
        let file = directory.path("token");
        fs::write(&file, "first").unwrap();
        let credentials = TokenFile::new(file.clone());
        credentials.token().unwrap();
        fs::write(&file, "second").unwrap();
        if let Some(held) = credentials.held.lock().unwrap().as_mut() {
            held.looked = held.looked.checked_sub(limits::TOKEN_AGE).unwrap();
        }
        assert_eq!(credentials.token().unwrap().0, "Bearer second");
    }

    #[test]
    fn a_file_that_is_no_token_is_refused_without_being_quoted() {
        let directory = Scratch::new();
        let file = directory.path("token");
        for bytes in [&b""[..], b"\n", b"hunter2\nhunter2", b"\xff\xfe", &vec![b'a'; 70_000]] {
            fs::write(&file, bytes).unwrap();
            let error = Bearer::read(&file).unwrap_err();
            assert!(!error.contains("hunter2"), "{error}");
        }
        fs::write(&file, "hunter2").unwrap();
        assert!(!format!("{:?}", Bearer::read(&file).unwrap()).contains("hunter2"));
    }
}

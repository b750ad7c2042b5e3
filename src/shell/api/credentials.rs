//! What a request carries so that the API server knows whose it is.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use http::header::HeaderValue;
use tokio::time::Instant;

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
}

struct Held {
    token: Bearer,
    /// When the file was last looked at, whether or not that went well.
    looked: Instant,
}

impl TokenFile {
    fn new(file: PathBuf) -> Self {
        Self { file, held: Mutex::new(None) }
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
        let token = match (Bearer::read(&self.file), held.take()) {
            (Ok(token), _) => token,
            (Err(error), Some(old)) => {
                tracing::warn!(file = %self.file.display(), %error, "the bearer token could not be read again; the old one is used");
                old.token
            }
            (Err(error), None) => return Err(format!("the bearer token {} cannot be read: {error}", self.file.display())),
        };
        *held = Some(Held { token: token.clone(), looked: Instant::now() });
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

    /// The header, for the one place that must send it.
    pub(super) fn into_header(self) -> HeaderValue {
        self.0
    }
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

//! The driver as the gateway's pod runs it: a process with flags, an environment, a log and signals.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::watch;
use tokio::time::timeout;

use crate::{Failure, Outcome};

/// Longest wait for something a process does at once; a gateway waits as long for the socket.
const PATIENCE: Duration = Duration::from_secs(30);

/// How to start a driver.
#[derive(Debug, Clone)]
pub struct Launch {
    /// The binary.
    pub binary: PathBuf,
    /// The API server.
    pub api: SocketAddr,
    /// A directory with `ca.crt` and `token`.
    pub credentials: PathBuf,
    /// Where the driver is to listen.
    pub socket: PathBuf,
    /// Further flags.
    pub flags: Vec<String>,
    /// Further variables.
    pub environment: Vec<(String, String)>,
    /// The user it runs as, where it is another than ours: only root can say so.
    pub uid: Option<u32>,
}

impl Launch {
    /// A driver with nothing but what it needs.
    #[must_use]
    pub fn new(binary: &Path, api: SocketAddr, credentials: &Path, socket: &Path) -> Self {
        Self {
            binary: binary.into(),
            api,
            credentials: credentials.into(),
            socket: socket.into(),
            flags: Vec::new(),
            environment: Vec::new(),
            uid: None,
        }
    }

    /// Lets it listen elsewhere.
    #[must_use]
    pub fn at(mut self, socket: &Path) -> Self {
        self.socket = socket.into();
        self
    }

    /// Adds a flag and its value.
    #[must_use]
    pub fn flag(mut self, name: &str, value: &str) -> Self {
        self.flags.extend([name.to_owned(), value.to_owned()]);
        self
    }

    /// Adds a variable.
    #[must_use]
    pub fn variable(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }
}

/// A running driver. It is killed when dropped.
#[derive(Debug)]
pub struct Driver {
    child: Child,
    log: Arc<Mutex<String>>,
    lines: watch::Receiver<usize>,
    /// Where it listens.
    pub socket: PathBuf,
}

impl Driver {
    /// Starts a driver. Its environment holds what [`Launch`] says and nothing else.
    ///
    /// # Errors
    /// When the binary cannot be started.
    pub fn start(launch: &Launch) -> Outcome<Self> {
        let mut command = Command::new(&launch.binary);
        if let Some(uid) = launch.uid {
            command.uid(uid);
        }
        let mut child = command
            .arg("--socket")
            .arg(&launch.socket)
            .args(&launch.flags)
            .env_clear()
            .env("KUBERNETES_SERVICE_HOST", launch.api.ip().to_string())
            .env("KUBERNETES_SERVICE_PORT", launch.api.port().to_string())
            .env("OPENSHELL_DRIVER_API_CREDENTIALS_DIR", &launch.credentials)
            // Drivers that run beside each other cannot all have the port; who wants one says so with a flag.
            .env("OPENSHELL_DRIVER_HEALTH_PORT", "off")
            .envs(launch.environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| format!("starting {}: {error}", launch.binary.display()))?;
        let stderr = child.stderr.take().ok_or("the driver has no standard error")?;
        let log = Arc::new(Mutex::new(String::new()));
        let (count, lines) = watch::channel(0);
        let written = Arc::clone(&log);
        tokio::spawn(async move {
            let mut stderr = BufReader::new(stderr).lines();
            while let Ok(Some(line)) = stderr.next_line().await {
                let mut log = written.lock().unwrap_or_else(PoisonError::into_inner);
                log.push_str(&line);
                log.push('\n');
                drop(log);
                count.send_modify(|count| *count += 1);
            }
        });
        Ok(Self { child, log, lines, socket: launch.socket.clone() })
    }

    /// Starts a driver and waits until it serves.
    ///
    /// # Errors
    /// When it does not within half a minute; its log is in the error.
    pub async fn ready(launch: &Launch) -> Outcome<Self> {
        let mut driver = Self::start(launch)?;
        driver.logged("driver ready").await?;
        Ok(driver)
    }

    /// The process's id.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        self.child.id()
    }

    /// What it has written so far.
    #[must_use]
    pub fn log(&self) -> String {
        self.log.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits for a line with this text.
    ///
    /// # Errors
    /// When none comes within half a minute, or the process ends without it; its log is in the error.
    pub async fn logged(&mut self, text: &str) -> Outcome<()> {
        self.logged_times(text, 1).await
    }

    /// Waits until a text has been logged so many times.
    ///
    /// # Errors
    /// As [`Driver::logged`].
    pub async fn logged_times(&mut self, text: &str, times: usize) -> Outcome<()> {
        let found = timeout(PATIENCE, async {
            loop {
                if self.log().matches(text).count() >= times {
                    return true;
                }
                if self.lines.changed().await.is_err() {
                    return self.log().matches(text).count() >= times;
                }
            }
        });
        if found.await.unwrap_or(false) {
            Ok(())
        } else {
            Err(format!("the driver did not log {text:?} {times} times:\n{}", self.log()).into())
        }
    }

    /// Sends a signal by name, such as `TERM`.
    ///
    /// # Errors
    /// When the process has ended.
    pub async fn signal(&self, name: &str) -> Outcome<()> {
        let pid = self.child.id().ok_or("the driver has ended already")?;
        let sent = Command::new("sh").arg("-c").arg(format!("kill -{name} {pid}")).status().await?;
        if sent.success() { Ok(()) } else { Err(Failure::from(format!("kill -{name} {pid} failed"))) }
    }

    /// Waits for the process to end, and for the last line of its log.
    ///
    /// # Errors
    /// When it does not within half a minute; its log is in the error.
    pub async fn ended(&mut self) -> Outcome<ExitStatus> {
        let ended = timeout(PATIENCE, async {
            let status = self.child.wait().await?;
            while self.lines.changed().await.is_ok() {}
            Ok(status)
        });
        ended.await.unwrap_or_else(|_| Err(format!("the driver does not end:\n{}", self.log()).into()))
    }
}

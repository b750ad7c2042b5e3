//! Whoever probes and scrapes: a plain HTTP/1 client of the driver's health port, and one that is up to no good.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

use crate::Outcome;
use crate::driver::Driver;

/// Longest wait for an answer.
const PATIENCE: Duration = Duration::from_secs(30);
/// Between two looks.
const LOOK: Duration = Duration::from_millis(20);

/// The health port of a driver.
#[derive(Debug, Clone, Copy)]
pub struct Health(pub SocketAddr);

/// What was answered.
#[derive(Debug, Clone)]
pub struct Page {
    /// The HTTP status.
    pub status: u16,
    /// The headers as they came, one a line.
    pub headers: String,
    /// The body.
    pub body: String,
}

impl Health {
    /// Where a driver that was started with `--health-port 0` listens.
    ///
    /// # Errors
    /// When it does not say so in its log.
    pub async fn of(driver: &mut Driver) -> Outcome<Self> {
        driver.logged("health and metrics are served on").await?;
        let log = driver.log();
        let said = log.split("health and metrics are served on ").nth(1).ok_or("no address")?;
        let digits: String = said.split(['"', ' ', '\n']).next().unwrap_or_default().rsplit(':').next().unwrap_or_default().into();
        Ok(Self(SocketAddr::from((Ipv4Addr::LOCALHOST, digits.parse()?))))
    }

    /// Asks for a path.
    ///
    /// # Errors
    /// When no answer comes.
    pub async fn get(self, path: &str) -> Outcome<Page> {
        self.ask(&format!("GET {path} HTTP/1.1\r\nHost: driver\r\n\r\n")).await
    }

    /// Asks for a path in this form.
    ///
    /// # Errors
    /// When no answer comes.
    pub async fn get_as(self, path: &str, accept: &str) -> Outcome<Page> {
        self.ask(&format!("GET {path} HTTP/1.1\r\nHost: driver\r\nAccept: {accept}\r\n\r\n")).await
    }

    /// Sends these bytes, and reads what comes until the driver ends the connection.
    ///
    /// # Errors
    /// When it does not within half a minute.
    pub async fn ask(self, request: &str) -> Outcome<Page> {
        let answer = timeout(PATIENCE, async {
            let mut stream = TcpStream::connect(self.0).await?;
            stream.write_all(request.as_bytes()).await?;
            let mut bytes = Vec::new();
            stream.read_to_end(&mut bytes).await?;
            Ok::<_, std::io::Error>(String::from_utf8_lossy(&bytes).into_owned())
        });
        let answer = answer.await??;
        let (head, body) = answer.split_once("\r\n\r\n").ok_or_else(|| format!("no answer, but {answer:?}"))?;
        let (first, headers) = head.split_once("\r\n").unwrap_or((head, ""));
        let status = first.split(' ').nth(1).unwrap_or_default().parse()?;
        Ok(Page { status, headers: headers.to_ascii_lowercase(), body: body.into() })
    }

    /// The number of a series, as it is written: `name{label="value"}`.
    ///
    /// # Errors
    /// When the metrics cannot be had.
    pub async fn number(self, series: &str) -> Outcome<Option<f64>> {
        let page = self.get("/metrics").await?;
        let written = page.body.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
        Ok(written.map(str::parse).transpose()?)
    }

    /// Waits until a series is as it must become.
    ///
    /// # Errors
    /// When it does not within half a minute; the metrics are in the error.
    pub async fn until(self, series: &str, is_so: impl Fn(f64) -> bool) -> Outcome<f64> {
        let waited = timeout(PATIENCE, async {
            loop {
                if let Some(number) = self.number(series).await?.filter(|number| is_so(*number)) {
                    return Ok(number);
                }
                sleep(LOOK).await;
            }
        });
        match waited.await {
            Ok(found) => found,
            Err(_) => Err(format!("{series} did not become as it must:\n{}", self.get("/metrics").await?.body).into()),
        }
    }
}

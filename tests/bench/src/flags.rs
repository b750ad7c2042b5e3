//! What is asked on the command line.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use lexopt::prelude::*;

/// How it is used.
pub const USAGE: &str = "usage: bench [--api kubesim|real] [--driver PATH] [FLAGS]
       bench echo SOCKET          (the gRPC server that does nothing; a run starts it itself)

  --api kubesim|real    a model of the API server in this process (default), or the one of tests/cluster/up --exec
  --driver PATH         our binary (target/release/openshell-driver-kyma)
  --peer SOCKET,PID     another ComputeDriver that serves there, beside ours in every round; may be said again
  --sizes N,N,…         how many sandboxes there are, ascending (100,1000,5000,10000)
  --rounds N            rounds of each operation (6)
  --operations N        creates, deletes and reads a round and caller (24)
  --lists N             lists a round and caller (3)
  --lives N             stops and starts (12)
  --events N            events of the watch (2000), at --rate a second (200)
  --starts N            times the driver is started (5)
  --idle SECONDS        how long nothing happens (60)
  --output DIRECTORY    for bench.json and bench.svg (target/bench)";

/// Which API server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Api {
    /// The model.
    Kubesim,
    /// The one this process was started in.
    Real,
}

/// Another driver.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peer {
    /// Where it serves.
    pub socket: PathBuf,
    /// Its process.
    pub pid: u32,
}

/// What is asked.
#[derive(Debug, Clone)]
pub struct Flags {
    /// The API server.
    pub api: Api,
    /// Our binary.
    pub driver: PathBuf,
    /// Others.
    pub peers: Vec<Peer>,
    /// How many sandboxes there are, ascending.
    pub sizes: Vec<usize>,
    /// Rounds of each operation.
    pub rounds: usize,
    /// Operations a round and caller.
    pub operations: usize,
    /// Lists a round and caller.
    pub lists: usize,
    /// Stops and starts.
    pub lives: usize,
    /// Events of the watch.
    pub events: usize,
    /// Events a second.
    pub rate: u32,
    /// Times the driver is started.
    pub starts: usize,
    /// How long nothing happens.
    pub idle: Duration,
    /// Where results are written.
    pub output: PathBuf,
}

/// What is to be done.
#[derive(Debug)]
pub enum Wish {
    /// Say how it is used.
    Help,
    /// Be the echo server.
    Echo(PathBuf),
    /// Measure.
    Run(Box<Flags>),
}

impl Default for Flags {
    fn default() -> Self {
        Self {
            api: Api::Kubesim,
            driver: "target/release/openshell-driver-kyma".into(),
            peers: Vec::new(),
            sizes: vec![100, 1_000, 5_000, 10_000],
            rounds: 6,
            operations: 24,
            lists: 3,
            lives: 12,
            events: 2_000,
            rate: 200,
            starts: 5,
            idle: Duration::from_secs(60),
            output: "target/bench".into(),
        }
    }
}

/// Reads the command line.
///
/// # Errors
/// What is wrong with it.
pub fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Wish, lexopt::Error> {
    let mut flags = Flags::default();
    let mut parser = lexopt::Parser::from_args(arguments);
    while let Some(argument) = parser.next()? {
        match argument {
            Long("help") | Short('h') => return Ok(Wish::Help),
            Value(word) if word == "echo" => return Ok(Wish::Echo(parser.value()?.into())),
            Long("api") => {
                flags.api = match parser.value()?.to_str() {
                    Some("kubesim") => Api::Kubesim,
                    Some("real") => Api::Real,
                    _ => return Err("--api is kubesim or real".into()),
                }
            }
            Long("driver") => flags.driver = parser.value()?.into(),
            Long("peer") => {
                let text = parser.value()?.string()?;
                let (socket, pid) = text.rsplit_once(',').ok_or("--peer is SOCKET,PID")?;
                flags.peers.push(Peer { socket: socket.into(), pid: pid.parse().map_err(|_| "--peer is SOCKET,PID")? });
            }
            Long("sizes") => {
                let text = parser.value()?.string()?;
                let sizes: Result<Vec<usize>, _> = text.split(',').map(str::parse).collect();
                flags.sizes = sizes.map_err(|_| "--sizes is numbers, with commas between them")?;
                if flags.sizes.is_empty() || !flags.sizes.is_sorted() {
                    return Err("--sizes ascend".into());
                }
            }
            Long("rounds") => flags.rounds = at_least_one(&mut parser)?,
            Long("operations") => flags.operations = at_least_one(&mut parser)?,
            Long("lists") => flags.lists = at_least_one(&mut parser)?,
            Long("lives") => flags.lives = at_least_one(&mut parser)?,
            Long("events") => flags.events = at_least_one(&mut parser)?,
            Long("rate") => flags.rate = u32::try_from(at_least_one(&mut parser)?).map_err(|_| "--rate is too large")?,
            Long("starts") => flags.starts = at_least_one(&mut parser)?,
            Long("idle") => flags.idle = Duration::from_secs(parser.value()?.parse()?),
            Long("output") => flags.output = parser.value()?.into(),
            other => return Err(other.unexpected()),
        }
    }
    Ok(Wish::Run(Box::new(flags)))
}

fn at_least_one(parser: &mut lexopt::Parser) -> Result<usize, lexopt::Error> {
    match parser.value()?.parse()? {
        0 => Err("at least 1 is needed".into()),
        number => Ok(number),
    }
}

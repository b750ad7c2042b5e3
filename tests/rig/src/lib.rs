//! What the process tests, the demo and the cluster tests share: a gateway that speaks gRPC over a Unix socket, the driver as a real process,
//! a wire to cut, and a place for their files. None of it knows the core; the messages are the contract's.

pub mod cluster;
pub mod driver;
pub mod gateway;
pub mod health;
pub mod kube;
pub mod raw;
pub mod relay;
pub mod sandbox;
pub mod scratch;

/// What went wrong, for whoever runs the test or the demo.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;

/// The result of something that can go wrong with the world.
pub type Outcome<T> = Result<T, Failure>;

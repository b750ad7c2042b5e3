//! The product as it is delivered: the real binary, a real socket, real TLS; a model cluster behind it and a gateway in front of it.
//!
//! Each test has a cluster, a directory and a driver of its own and waits for what it expects, never for time to pass.

mod chaos;
mod clock;
mod credential;
mod exposure;
mod failures;
mod frames;
mod health;
mod interrupted;
mod leaving;
mod life;
mod operator;
mod outage;
mod recorder;
mod recovery;
mod replicas;
mod rest;
mod restart;
mod rights;
mod scene;
mod secrets;
mod sharing;
mod size;
mod socket;
mod stop;
mod tools;
mod wire;
mod workspaces;

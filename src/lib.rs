//! An `OpenShell` compute driver for SAP BTP Kyma: it gives each sandbox of a gateway a place to live in a Kubernetes namespace.
//!
//! # The contract, in a paragraph
//!
//! All behaviour is one value, [`core::Driver`], and one method: hand [`handle`](core::Driver::handle) an [`Input`](core::io::Input) and the
//! time, then carry out every [`Output`](core::io::Output) it pushed, in order, before the next input. Inputs are what a gateway asks, what the
//! API server answers, what a watch says, and that time has passed; outputs are HTTP requests, replies, events, a wish to be woken, and notes.
//! The driver holds no socket, clock, thread or random source, so the same inputs give the same outputs, byte for byte. Its whole run loop:
//!
//! ```
//! use openshell_driver_kyma::config::Config;
//! use openshell_driver_kyma::core::Driver;
//! use openshell_driver_kyma::core::io::{Input, Output, Outputs};
//! use openshell_driver_kyma::core::time::Now;
//!
//! /// Whatever stands for the world: sockets in the product, a model in the simulation, a file in a replay.
//! trait World {
//!     /// Waits for the next input, or for the time last asked for to come.
//!     fn next(&mut self) -> (Now, Input);
//!     /// Sends a request, answers a call, sets the alarm, writes a log line.
//!     fn carry_out(&mut self, output: Output);
//! }
//!
//! fn run(config: Config, seed: [u8; 32], world: &mut impl World) {
//!     let mut driver = Driver::new(config, seed);
//!     let mut outputs = Outputs::new();
//!     loop {
//!         let (now, input) = world.next();
//!         driver.handle(now, input, &mut outputs);
//!         for output in outputs.drain(..) {
//!             if output == Output::Drained {
//!                 return;
//!             }
//!             world.carry_out(output);
//!         }
//!     }
//! }
//! ```
//!
//! # The house
//!
//! Data flows one way: input → admit → calls → render → output, and input → observe → store → events.
//!
//! * [`contract`]: the messages and the service, generated from `proto/` and checked in.
//! * [`core`]: everything that decides. [`core::io`] is its interface on one page; [`core::admit`] says whether a request is acceptable;
//!   [`core::calls`] has one small machine for each RPC; [`core::render`] says what a sandbox looks like to Kubernetes; [`core::observe`] keeps
//!   what the cluster says; [`core::kube`] is what the core knows of Kubernetes; [`core::limits`] has every bound.
//! * [`config`]: every setting, typed. [`cli`]: every flag, in one table.
//! * [`plan`]: what a call would cause, without a cluster. [`preflight`]: whether a cluster is fit. [`replay`]: what a driver did, once more; recorded by
//!   [`core::recording`].
//! * [`shell`]: everything that touches the world: the loop, the private socket, gRPC, the API client, health and metrics, the log.
//!
//! What happens on a create? [`shell`] decodes the call and hands it to the core; [`core::admit::Admitted::check`] checks it;
//! [`core::calls::create`] sends what [`core::render::sandbox`] renders, and is certain of what became of it before it answers. Every step of that
//! is a file in `vectors/create/`.
#![forbid(unsafe_code)]

pub mod cli;
pub mod config;
pub mod contract;
pub mod core;
pub mod plan;
pub mod preflight;
pub mod replay;
pub mod shell;

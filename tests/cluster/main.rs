//! The driver on a real control plane: the real binary, over its real socket, with a service-account token that has the driver's rights and no
//! others. `make test-cluster` starts etcd, kube-apiserver and the agent-sandbox controller and runs this in them: `tests/cluster/README.md`.
//!
//! `case_NN_…` is case NN of kubernetes.md §E; `docs/cases.md` has the list, and says which cannot be had on a real server. Each test has a
//! namespace, an account and a driver of its own and waits for what it expects.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test that meets what it did not expect ends there")]
#![allow(clippy::print_stdout, reason = "what took how long is for whoever reads the test's output")]

mod alone;
mod create;
mod deletion;
mod exposure;
mod forms;
mod lifecycle;
mod observe;
mod operator;
mod plan;
mod pods;
mod process;
mod rights;
mod scene;
mod workspaces;

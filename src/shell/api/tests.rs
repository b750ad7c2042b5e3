//! The client against a real server behind TLS.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test says what is wrong by failing")]

mod exchanges;
mod faults;
mod identities;
mod watches;

use std::time::Duration;

use tokio::time::Instant;

use super::{Api, ApiServer};
use crate::core::io::{ContentType, HttpRequest, Method};
use crate::core::secret::Body;
use crate::shell::tests::{PATIENCE, kube};

fn get(path: &str) -> HttpRequest {
    HttpRequest { method: Method::Get, path: path.into(), content_type: None, body: Body::EMPTY }
}

fn post(path: &str, body: &'static str) -> HttpRequest {
    HttpRequest { method: Method::Post, path: path.into(), content_type: Some(ContentType::Json), body: body.into() }
}

/// A deadline that a test does not meet.
fn later() -> Instant {
    Instant::now() + PATIENCE
}

fn api(server: &ApiServer) -> std::sync::Arc<Api> {
    std::sync::Arc::new(Api::new(server.clone()))
}

//! The gateway's side: gRPC calls become inputs, the core's replies and events go back.
//!
//! * [`service`]: one call, one stream; who leaves before the answer is reported exactly once.
//! * [`headers`]: what a call says beside its message.
//! * [`patience`]: a message that does not arrive in time.
//! * [`server`]: connections of the private socket, served by hyper.
//!
//! A method that is not in the contract is answered `UNIMPLEMENTED` by the generated code, a message that cannot be read
//! `INVALID_ARGUMENT` by [`super::codec`]. A client must name some authority that is a valid one for HTTP/2 (gateways send `[::]:50051`, any
//! host name will do): libraries that send the socket's path as `:authority` have that one stream reset by the HTTP/2 layer before it
//! becomes a call.

mod headers;
mod patience;
pub(super) mod server;
pub(super) mod service;

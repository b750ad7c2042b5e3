//! What of the contract the core knows: its messages, not its service.

#[path = "../../../src/contract/messages/mod.rs"]
pub mod messages;

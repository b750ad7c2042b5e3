//! A list of sandboxes that shares them with whoever keeps them.
//!
//! What a gateway is told of thousands of sandboxes is not copied to be sent: it is encoded from where it is.

use std::sync::Arc;

use bytes::{Buf, BufMut};
use prost::encoding::{DecodeContext, WireType, message, skip_field};
use prost::{DecodeError, Message};
use serde::{Deserialize, Serialize};

use super::compute::DriverSandbox;
use super::json;

/// Every sandbox of this gateway. On the wire and in JSON it is what `proto/` says of `openshell.compute.v1.ListSandboxesResponse`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ListSandboxesResponse {
    /// With their status.
    #[serde(skip_serializing_if = "json::is_unset")]
    pub sandboxes: Vec<Arc<DriverSandbox>>,
}

/// The field's number in `proto/`.
const SANDBOXES: u32 = 1;

impl Message for ListSandboxesResponse {
    fn encode_raw(&self, buffer: &mut impl BufMut) {
        for sandbox in &self.sandboxes {
            message::encode(SANDBOXES, &**sandbox, buffer);
        }
    }

    fn merge_field(&mut self, tag: u32, wire_type: WireType, buffer: &mut impl Buf, context: DecodeContext) -> Result<(), DecodeError> {
        if tag != SANDBOXES {
            return skip_field(wire_type, tag, buffer, context);
        }
        let mut sandbox = DriverSandbox::default();
        message::merge(wire_type, &mut sandbox, buffer, context)?;
        self.sandboxes.push(Arc::new(sandbox));
        Ok(())
    }

    fn encoded_len(&self) -> usize {
        self.sandboxes.iter().map(|sandbox| message::encoded_len(SANDBOXES, &**sandbox)).sum()
    }

    fn clear(&mut self) {
        self.sandboxes.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As prost would have it.
    #[derive(Clone, PartialEq, Message)]
    struct Generated {
        #[prost(message, repeated, tag = "1")]
        sandboxes: Vec<DriverSandbox>,
    }

    #[test]
    fn it_has_the_bytes_of_the_generated_message() -> Result<(), DecodeError> {
        let named = |name: &str| DriverSandbox { id: format!("id of {name}"), name: name.into(), ..DriverSandbox::default() };
        for names in [&[][..], &["a"], &["a", "", "c"]] {
            let generated = Generated { sandboxes: names.iter().map(|name| named(name)).collect() };
            let shared = ListSandboxesResponse { sandboxes: names.iter().map(|name| Arc::new(named(name))).collect() };
            let bytes = generated.encode_to_vec();
            assert_eq!((shared.encode_to_vec(), shared.encoded_len()), (bytes.clone(), bytes.len()));
            // A field that a later contract may add is passed over.
            let later = [&bytes[..], &[2 << 3, 7]].concat();
            assert_eq!((ListSandboxesResponse::decode(&bytes[..])?, ListSandboxesResponse::decode(&later[..])?), (shared.clone(), shared));
        }
        Ok(())
    }
}

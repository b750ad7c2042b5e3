//! Messages to and from bytes, for the generated service.
//!
//! It differs from tonic's own codec in what it says of a message that cannot be read: that is the caller's fault (`INVALID_ARGUMENT`), and
//! one case has a cause worth naming. Gateways before v0.0.91 asked for a GPU with a bool at the place where later ones put a message.

use std::marker::PhantomData;

use prost::{DecodeError, Message};
use tonic::Status;
use tonic::codec::{self, BufferSettings, DecodeBuf, Decoder};
use tonic_prost::ProstEncoder;

/// The oldest gateway release whose GPU requests are understood.
const OLDEST_GPU_RELEASE: &str = "v0.0.91";
/// How prost begins the place of a failure in the field that used to be a bool.
const GPU_FIELD: &str = "DriverSandboxSpec.resource_requirements: ";

/// Encodes `E` and decodes `D`.
#[derive(Debug, Clone)]
pub struct Codec<E, D>(PhantomData<fn(E) -> D>);

impl<E, D> Default for Codec<E, D> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

impl<E, D> codec::Codec for Codec<E, D>
where
    E: Message + Send + 'static,
    D: Message + Default + Send + 'static,
{
    type Encode = E;
    type Decode = D;
    type Encoder = ProstEncoder<E>;
    type Decoder = Reader<D>;

    fn encoder(&mut self) -> Self::Encoder {
        ProstEncoder::new(BufferSettings::default())
    }

    fn decoder(&mut self) -> Self::Decoder {
        Reader(PhantomData)
    }
}

/// Reads one `D`.
#[derive(Debug)]
pub struct Reader<D>(PhantomData<fn() -> D>);

impl<D: Message + Default> Decoder for Reader<D> {
    type Item = D;
    type Error = Status;

    fn decode(&mut self, bytes: &mut DecodeBuf<'_>) -> Result<Option<D>, Status> {
        D::decode(bytes).map(Some).map_err(|error| refusal(&error))
    }

    fn buffer_settings(&self) -> BufferSettings {
        BufferSettings::default()
    }
}

/// Says where the message is wrong, not what it holds.
fn refusal(error: &DecodeError) -> Status {
    let text = error.to_string();
    let text = text.split_once("message: ").map_or(text.as_str(), |(_, rest)| rest);
    if text.starts_with(GPU_FIELD) && text.contains("invalid wire type") {
        return Status::invalid_argument(format!(
            "this gateway asks for a GPU as releases before {OLDEST_GPU_RELEASE} did, which this driver does not understand; \
             update the gateway to {OLDEST_GPU_RELEASE} or later, or create the sandbox without a GPU"
        ));
    }
    let place: Vec<&str> = text.split(": ").take_while(|part| is_field(part)).collect();
    Status::invalid_argument(if place.is_empty() {
        "the request is not a message of openshell.compute.v1".to_owned()
    } else {
        format!("the request cannot be read: {} has another form in openshell.compute.v1", place.join(", in "))
    })
}

/// Whether this is a `Message.field` of prost's account of the place.
fn is_field(part: &str) -> bool {
    let is_name = |name: &str| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    part.split_once('.').is_some_and(|(message, field)| is_name(message) && is_name(field))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test says what is wrong by failing")]

    use super::*;
    use crate::contract::messages::compute::{CreateSandboxRequest, DriverSandbox};

    fn refused(bytes: &[u8]) -> Status {
        refusal(&CreateSandboxRequest::decode(bytes).unwrap_err())
    }

    #[test]
    fn a_gpu_asked_for_in_the_old_way_names_the_oldest_release_that_is_understood() {
        // sandbox (1) { spec (4) { 9: true } }
        let spec_field = spec_field();
        let status = refused(&[0x0a, 4, spec_field, 2, 9 << 3, 1]);
        assert_eq!(status.code(), tonic::Code::InvalidArgument);
        assert!(status.message().contains("v0.0.91"), "{}", status.message());
    }

    #[test]
    fn another_unreadable_field_is_named_without_what_it_holds() {
        // sandbox (1) { id (1): bytes that are no text }
        let status = refused(&[0x0a, 4, 0x0a, 2, 0xff, 0xfe]);
        assert_eq!(status.code(), tonic::Code::InvalidArgument);
        assert_eq!(
            status.message(),
            "the request cannot be read: DriverSandbox.id, in CreateSandboxRequest.sandbox has another form in openshell.compute.v1"
        );
    }

    #[test]
    fn bytes_that_are_no_message_are_refused() {
        let status = refused(b"hunter2");
        assert_eq!(status.code(), tonic::Code::InvalidArgument);
        assert!(!status.message().contains("hunter2"));
    }

    /// The key byte of `DriverSandbox.spec`, from the message itself.
    fn spec_field() -> u8 {
        let sandbox = DriverSandbox { spec: Some(Box::default()), ..DriverSandbox::default() };
        *sandbox.encode_to_vec().first().unwrap()
    }
}

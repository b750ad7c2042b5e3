//! Every message of the contract.
//!
//! The modules follow the packages of `proto/`, because generated code finds its neighbours that way;
//! [`compute`], [`extension`] and [`protobuf`] are the short names to use.
//!
//! A message has one form in JSON, which vectors, plans and recordings share: names as in `proto/`, what is unset
//! left out, bytes in base64, a `google.protobuf.Struct` as the JSON object it stands for, a timestamp in RFC 3339.
//! A key that is not in the message is refused. The JSON carries every value, secrets too: redact before writing.
//!
//! A message with a secret in it does not print the secret ([`std::fmt::Debug`] says names, keys and counts).

mod json;
mod redacted;
pub mod shared;

pub use google::protobuf;
pub use openshell::extension::v1 as extension;

/// Package `openshell.compute.v1`, with the message of it that is not generated.
pub mod compute {
    pub use super::openshell::compute::v1::*;
    pub use super::shared::ListSandboxesResponse;
}

/// Packages under `openshell`.
pub mod openshell {
    /// Packages under `openshell.compute`.
    pub mod compute {
        #[rustfmt::skip]
        #[allow(
            missing_docs, unused_qualifications, clippy::all, clippy::pedantic,
            reason = "generated from proto/"
        )]
        pub mod v1;
    }
    /// Packages under `openshell.extension`.
    pub mod extension {
        #[rustfmt::skip]
        #[allow(
            missing_docs, unused_qualifications, clippy::all, clippy::pedantic,
            reason = "generated from proto/"
        )]
        pub mod v1;
    }
}

/// Packages under `google`.
pub mod google {
    #[rustfmt::skip]
    #[allow(
        missing_docs, unused_qualifications, clippy::all, clippy::pedantic,
        reason = "generated from the definitions every protobuf compiler carries"
    )]
    pub mod protobuf;
}

//! The API server's version, for what depends on it.

use serde::{Deserialize, Serialize};

use super::list::describe;
use crate::core::secret::Body;

/// Kubernetes' `major.minor`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ServerVersion {
    /// 1
    pub major: u32,
    /// 36
    pub minor: u32,
}

impl ServerVersion {
    /// The first version whose kubelet and API server take image volumes unless told otherwise.
    pub const IMAGE_VOLUMES: Self = Self { major: 1, minor: 35 };

    /// Reads the body of `GET /version`. Distributions append `+` and more to the minor number.
    ///
    /// # Errors
    /// Says what was not understood.
    pub fn parse(body: &Body) -> Result<Self, String> {
        #[derive(Deserialize)]
        struct Info {
            major: String,
            minor: String,
        }
        let info: Info = serde_json::from_slice(&body.0).map_err(|error| describe(&error))?;
        let number = |text: &str| text.split(|c: char| !c.is_ascii_digit()).next().and_then(|digits| digits.parse().ok());
        match (number(&info.major), number(&info.minor)) {
            (Some(major), Some(minor)) => Ok(Self { major, minor }),
            _ => Err("the body has no version numbers".into()),
        }
    }
}

//! Answers a test asks for instead of the true one.

use crate::cluster::Cluster;
use crate::failure::Failure;
use crate::http::{Method, Request};

/// What to answer instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// 429 of overload protection, as text, with `Retry-After` if given.
    Overloaded {
        /// Seconds.
        retry_after: Option<u32>,
    },
    /// 429 as a `Status`, as an eviction budget answers it.
    TooManyRequests {
        /// Seconds.
        retry_after: u32,
    },
    /// 500 `InternalError`.
    Internal(String),
    /// 503 `ServiceUnavailable`.
    Unavailable(String),
    /// 403 that an admission plugin words.
    Denied(String),
    /// 401.
    Unauthorized,
}

/// Which requests get the wrong answer, and how many of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Requests with this method; `None` means any.
    pub method: Option<Method>,
    /// Requests whose path and query contain this.
    pub path_contains: String,
    /// How many; the fault is gone then.
    pub times: u32,
    /// The answer.
    pub trouble: Trouble,
}

impl Cluster {
    /// Lets the next matching requests fail, before they do anything.
    pub fn inject(&mut self, fault: Fault) {
        self.faults.push(fault);
    }

    pub(crate) fn injected(&mut self, request: &Request) -> Option<Failure> {
        let index = self.faults.iter().position(|fault| {
            fault.times > 0 && fault.method.is_none_or(|method| method == request.method) && request.path.contains(&fault.path_contains)
        })?;
        let fault = self.faults.get_mut(index)?;
        fault.times -= 1;
        let trouble = fault.trouble.clone();
        if fault.times == 0 {
            self.faults.remove(index);
        }
        Some(match trouble {
            Trouble::Overloaded { retry_after } => Failure::Overloaded { retry_after },
            Trouble::TooManyRequests { retry_after } => {
                Failure::too_many_requests("the server has received too many requests and has asked us to try again later", retry_after)
            }
            Trouble::Internal(message) => Failure::internal(message),
            Trouble::Unavailable(message) => Failure::unavailable(message),
            Trouble::Denied(message) => Failure::denied(message),
            Trouble::Unauthorized => Failure::unauthorized(),
        })
    }
}

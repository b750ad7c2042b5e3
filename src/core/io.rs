//! The whole interface of the core on one page.
//!
//! Whoever drives a [`Driver`](super::Driver) hands it one [`Input`] with the time, then carries out every [`Output`] it pushed, in order,
//! before the next input. Nothing else passes between the core and the world.

use std::collections::BTreeSet;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::grpc_status::Status;
use super::names::Namespace;
use super::note::Note;
use super::secret::Body;
use super::time::Mono;
use crate::contract::messages::compute as pb;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub u64);
    };
}

id! {
    /// One gRPC call; chosen by the shell, never used twice.
    CallId
}
id! {
    /// One HTTP exchange; counted by the core.
    ExchangeId
}
id! {
    /// One watch; counted by the core.
    WatchId
}

/// What the world tells the core.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Input {
    /// The gateway calls.
    Call {
        /// Names the call from here on.
        call: CallId,
        /// The method and its message.
        request: Request,
        /// When the caller stops waiting, if it said so (`grpc-timeout`).
        #[serde(default, skip_serializing_if = "Option::is_none")]
        deadline: Option<Mono>,
        /// The gateway's `traceparent`, for the log.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        trace: Option<TraceParent>,
        /// Of a call in a recording: what stands for the digest of its request, which has lost the values that it was made of. A live call has none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        digest: Option<String>,
    },
    /// The caller hung up, or its deadline passed. No reply to this call is wanted any more.
    Cancel {
        /// The call.
        call: CallId,
    },
    /// The reader of a `WatchSandboxes` stream can take that many more events.
    Credit {
        /// The stream.
        call: CallId,
        /// How many more.
        events: u32,
    },
    /// An HTTP exchange ended.
    Answer {
        /// Which one.
        exchange: ExchangeId,
        /// A whole response, or what is known of there being none.
        result: Result<Response, Fault>,
    },
    /// One line of a watch, without its newline.
    Line {
        /// Which watch.
        watch: WatchId,
        /// The line; it may hold secrets and does not print.
        line: Body,
    },
    /// A watch ended.
    Closed {
        /// Which watch.
        watch: WatchId,
        /// How.
        end: WatchEnd,
    },
    /// The file that lists namespaces has been read: at the start, and whenever it has changed.
    Namespaces {
        /// Their names, or why there are none to be had.
        names: Result<BTreeSet<Namespace>, String>,
    },
    /// The time asked for has come. Also the first input of a new driver: it is what starts it.
    Wake,
    /// Count everything: one [`Note::Surveyed`] follows, and nothing else comes of it.
    Survey,
    /// Finish what is in flight and take nothing new (SIGTERM).
    Stop,
}

/// What the core asks of the world.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Output {
    /// Send this request; one [`Input::Answer`] must follow, by `deadline` at the latest.
    Exchange {
        /// Names the exchange from here on.
        exchange: ExchangeId,
        /// Which connection carries it.
        lane: Lane,
        /// What to send.
        request: HttpRequest,
        /// When to give up: the answer is then [`Fault::Deadline`].
        deadline: Mono,
    },
    /// Open this watch and feed its lines; one [`Input::Closed`] must follow.
    Watch {
        /// Names the watch from here on.
        watch: WatchId,
        /// What to send.
        request: HttpRequest,
    },
    /// An exchange or a watch is no longer wanted; nothing more of it is expected.
    Abort(Aborted),
    /// Ends a call. Of a stream it is the end: `Ok(Reply::WatchSandboxes)` or a status.
    Reply {
        /// Which call.
        call: CallId,
        /// The answer.
        reply: Result<Reply, Status>,
    },
    /// The next event of a stream. Costs one credit.
    Event {
        /// Which stream.
        call: CallId,
        /// The event.
        event: pb::WatchSandboxesEvent,
    },
    /// Send [`Input::Wake`] at this time; replaces the wish before it.
    WakeAt(Mono),
    /// A fact for log, metrics and readiness.
    Note(Note),
    /// After [`Input::Stop`]: nothing is in flight any more.
    Drained,
    /// End the process: what is wrong, and the command that mends it.
    Exit {
        /// What the process ends with.
        code: ExitCode,
        /// For standard error.
        text: String,
    },
}

/// Outputs in the order in which they must be carried out.
pub type Outputs = Vec<Output>;

/// What [`Output::Abort`] ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Aborted {
    /// An exchange.
    Exchange(ExchangeId),
    /// A watch.
    Watch(WatchId),
}

/// Connections are separate, so that a page of a list or a thousand watch lines never delay a POST.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Lane {
    /// What a caller waits for.
    Requests,
    /// Pages of lists, confirmations: large, or nobody waits.
    Lists,
}

/// Why the process ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExitCode {
    /// The cluster is not fit for this driver and will not become so by waiting.
    Unfit,
}

/// A request to the API server. The shell adds host, credentials and user agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HttpRequest {
    /// The method.
    pub method: Method,
    /// Path and query, percent-encoded.
    pub path: String,
    /// The media type of `body`, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_type: Option<ContentType>,
    /// The body; empty for none.
    #[serde(default, skip_serializing_if = "Body::is_empty")]
    pub body: Body,
}

/// HTTP methods the driver uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Method {
    /// Read.
    Get,
    /// Create.
    Post,
    /// Change.
    Patch,
    /// Delete.
    Delete,
}

impl Method {
    /// As it stands in a request line.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }
}

/// Media types the driver sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ContentType {
    /// An object or options.
    #[serde(rename = "application/json")]
    Json,
    /// RFC 7386.
    #[serde(rename = "application/merge-patch+json")]
    MergePatch,
}

impl ContentType {
    /// The header's value.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::MergePatch => "application/merge-patch+json",
        }
    }
}

/// A whole answer of the API server, or of something in front of it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Response {
    /// The HTTP status.
    pub status: u16,
    /// `Content-Type`: errors may be plain text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_type: Option<String>,
    /// `Retry-After`, where it was a number of seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<Duration>,
    /// The first `Warning` header.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warning: Option<String>,
    /// `Date` as the server wrote it: ages are counted on its clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub date: Option<String>,
    /// At most as long as the shell's bound.
    #[serde(default, skip_serializing_if = "Body::is_empty")]
    pub body: Body,
}

/// What is known of an exchange that gave no answer. The text is for a person and holds no secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// The server never saw it: connecting failed, TLS failed, the stream was refused or lay beyond a GOAWAY's last id.
    NotSent(String),
    /// It may have been done: the connection broke after the request went out.
    Unknown(String),
    /// Its deadline passed; it may have been done.
    Deadline,
    /// It was answered with more bytes than the shell takes; it was done.
    TooLarge,
}

/// How a watch ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WatchEnd {
    /// The server closed it in good order.
    Clean,
    /// The server did not open it: any status but 200.
    Refused(Response),
    /// It broke, or could not be opened.
    Broken(Fault),
}

/// A W3C `traceparent`, carried into log lines.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TraceParent(String);

impl TraceParent {
    /// Takes a header's value when it has the form `00-<32 hex>-<16 hex>-<2 hex>`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let lengths: Vec<usize> = text.split('-').map(str::len).collect();
        let hex = text.bytes().all(|b| b == b'-' || b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        (hex && lengths == [2, 32, 16, 2]).then(|| Self(text.into()))
    }

    /// The header's value.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Which trace.
    #[must_use]
    pub fn trace_id(&self) -> &str {
        self.0.split('-').nth(1).unwrap_or_default()
    }

    /// Which span of it is the caller's.
    #[must_use]
    pub fn span_id(&self) -> &str {
        self.0.split('-').nth(2).unwrap_or_default()
    }
}

macro_rules! rpcs {
    (unary { $($(#[$doc:meta])* $name:ident: $request:ident => $response:ident),* $(,)? }
     streaming { $(#[$sdoc:meta])* $stream:ident: $srequest:ident }) => {
        /// The methods of `openshell.compute.v1.ComputeDriver`.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum Rpc { $($(#[$doc])* $name,)* $(#[$sdoc])* $stream }

        impl Rpc {
            /// Every method.
            pub const ALL: &'static [Self] = &[$(Self::$name,)* Self::$stream];

            /// The method's name as gRPC writes it.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => stringify!($name),)* Self::$stream => stringify!($stream) }
            }
        }

        /// A method and its request message.
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
        pub enum Request { $($(#[$doc])* $name(pb::$request),)* $(#[$sdoc])* $stream(pb::$srequest) }

        impl Request {
            /// Which method this calls.
            #[must_use]
            pub const fn rpc(&self) -> Rpc {
                match self { $(Self::$name(_) => Rpc::$name,)* Self::$stream(_) => Rpc::$stream }
            }
        }

        /// A method's answer; of the stream, its good end.
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
        pub enum Reply { $($(#[$doc])* $name(pb::$response),)* $(#[$sdoc])* $stream }
    };
}

rpcs! {
    unary {
        /// Who are you, and what can you do?
        GetCapabilities: GetCapabilitiesRequest => GetCapabilitiesResponse,
        /// Whose credential is this? (v0.1.x)
        AuthenticateSandbox: AuthenticateSandboxRequest => AuthenticateSandboxResponse,
        /// Which addresses must the gateway listen on for you?
        GetGatewayListenerRequirements: GetGatewayListenerRequirementsRequest => GetGatewayListenerRequirementsResponse,
        /// Would you create this?
        ValidateSandboxCreate: ValidateSandboxCreateRequest => ValidateSandboxCreateResponse,
        /// What is this sandbox's state?
        GetSandbox: GetSandboxRequest => GetSandboxResponse,
        /// What is the state of all?
        ListSandboxes: ListSandboxesRequest => ListSandboxesResponse,
        /// Create this.
        CreateSandbox: CreateSandboxRequest => CreateSandboxResponse,
        /// Stop this, and say so when it is stopped.
        StopSandbox: StopSandboxRequest => StopSandboxResponse,
        /// Start this again.
        StartSandbox: StartSandboxRequest => StartSandboxResponse,
        /// Delete this.
        DeleteSandbox: DeleteSandboxRequest => DeleteSandboxResponse,
        /// See to it that this workspace can hold sandboxes.
        EnsureWorkspace: EnsureWorkspaceRequest => EnsureWorkspaceResponse,
        /// Remove what this workspace needed.
        DeleteWorkspace: DeleteWorkspaceRequest => DeleteWorkspaceResponse,
    }
    streaming {
        /// Tell of every change.
        WatchSandboxes: WatchSandboxesRequest
    }
}

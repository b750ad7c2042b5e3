//! Every bound of the shell, in one place.

use std::time::Duration;

use crate::core::limits::MESSAGE_MAX;

/// Inputs waiting for the core. Whoever has one more waits: a call before it is taken, an answer before it is told.
pub const ARRIVALS: usize = 256;
/// Lines of one watch waiting for the core; then its stream is read no further, and the API server holds the rest.
pub const LINES_WAITING: usize = 8;

/// Connections on the private socket; one more is closed at once.
pub const CONNECTIONS: usize = 32;
/// Streams on one of them. Not below the core's bound on calls, so that it is the core that refuses, with a status that says so.
pub const STREAMS: u32 = 1_024;
/// Bytes of a call's header list.
pub const HEADER_LIST: u32 = 16 * 1024;
/// A gateway's largest message, with room for what its own release adds to it.
pub const REQUEST_MESSAGE: usize = MESSAGE_MAX + 64 * 1024;
/// How long a caller may take to send its message.
pub const REQUEST_ARRIVAL: Duration = Duration::from_secs(30);
/// Events a `WatchSandboxes` reader may leave unread.
pub const STREAM_CREDIT: u32 = 64;
/// Events read before the credit for them is given back.
pub const STREAM_CREDIT_BATCH: u32 = 16;
/// How long another process's socket may take to accept or refuse a connection before it counts as alive.
pub const SOCKET_PROBE: Duration = Duration::from_secs(1);

/// How long the socket waits for the first sync before it is bound all the same: a gateway gives up after 30 s.
pub const BIND_AFTER: Duration = Duration::from_secs(5);
/// How long a stop may take.
pub const STOP_WITHIN: Duration = Duration::from_secs(10);
/// How long connections may take to carry the last statuses after the core is done.
pub const LAST_WORDS: Duration = Duration::from_secs(2);
/// Pause after `accept` failed for want of file descriptors or memory.
pub const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Exchanges under way or waiting for their lane. The core bounds its calls well below; one more is answered as not sent.
pub const EXCHANGES: usize = 4_096;
/// Resolving, TCP and TLS together.
pub const CONNECT: Duration = Duration::from_secs(5);
/// Requests in flight on the lane of requests. An API server allows about a hundred streams on a connection.
pub const REQUESTS_IN_FLIGHT: usize = 64;
/// Lists in flight: each may be as large as [`LIST_BODY`].
pub const LISTS_IN_FLIGHT: usize = 8;
/// Watches open at once.
pub const WATCHES_OPEN: usize = 64;
/// How long the API server may take to begin its answer to a watch.
pub const WATCH_OPENING: Duration = Duration::from_secs(30);
/// How long the body of a refusal may take.
pub const REFUSAL_BODY: Duration = Duration::from_secs(10);
/// An unfinished exchange or watch on a connection that said nothing for so long takes the connection for dead.
pub const CONNECTION_SILENCE: Duration = Duration::from_secs(10);
/// Bytes of an answer on the lane of requests, and of a watch's refusal.
pub const REQUEST_BODY: usize = 4 * 1024 * 1024;
/// Bytes of a list's page.
pub const LIST_BODY: usize = 32 * 1024 * 1024;
/// Bytes of a watch's line: one object. etcd refuses larger ones than 1.5 MiB, and JSON may escape what it stores.
pub const LINE: usize = 4 * 1024 * 1024;
/// HTTP/2 window of one stream of the lane of requests.
pub const REQUEST_WINDOW: u32 = 256 * 1024;
/// HTTP/2 window of one list.
pub const LIST_WINDOW: u32 = 2 * 1024 * 1024;
/// HTTP/2 window of one watch. [`WATCHES_OPEN`] of them fit the connection's, so that one that is not read never holds up another.
pub const WATCH_WINDOW: u32 = 256 * 1024;

/// Connections on the health port; for one more the oldest is cut.
pub const HEALTH_CONNECTIONS: usize = 64;
/// How long a client of the health port may take to send its request's head.
pub const HEALTH_HEADERS: Duration = Duration::from_secs(5);
/// How long a connection of the health port may last.
pub const HEALTH_CONNECTION: Duration = Duration::from_secs(10);
/// Headers of a request on the health port.
pub const HEALTH_HEADER_COUNT: usize = 64;
/// Bytes of its head.
pub const HEALTH_BUFFER: usize = 16 * 1024;
/// How long the loop may take to answer for itself.
pub const HEALTH_LOOP: Duration = Duration::from_secs(2);
/// Age up to which metrics that were written for one are given to others.
pub const HEALTH_METRICS_AGE: Duration = Duration::from_secs(1);
/// Series of a metric; what would be more is counted as one.
pub const SERIES: usize = 400;

/// Age at which the token is read again; kubelet replaces it when 80 % of its life has passed.
pub const TOKEN_AGE: Duration = Duration::from_secs(60);
/// Bytes of a token file.
pub const TOKEN_FILE: u64 = 64 * 1024;
/// Bytes of a file with certificates or a key.
pub const PEM_FILE: u64 = 1024 * 1024;
/// Bytes of a kubeconfig.
pub const KUBECONFIG_FILE: u64 = 1024 * 1024;
/// Bytes of a segment of the flight recorder.
pub const RECORDING_SEGMENT: usize = 4 * 1024 * 1024;
/// Inputs of a segment.
pub const RECORDING_ENTRIES: usize = 50_000;
/// Segments that are kept: the one that is being filled, and the one before it.
pub const RECORDING_SEGMENTS: usize = 2;
/// Recordings in their directory.
pub const RECORDING_FILES: usize = 8;

/// Bytes of a fault's text.
pub const FAULT_TEXT: usize = 512;

/// Bytes of a file that lists namespaces.
pub const NAMESPACE_FILE: u64 = 1024 * 1024;
/// Between two looks at it.
pub const NAMESPACE_FILE_EVERY: Duration = Duration::from_millis(500);

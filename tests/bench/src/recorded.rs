//! Lines of watches as a real API server wrote them, with other names, ids and versions put in.

use bytes::Bytes;

/// A line that was recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recorded {
    /// A Sandbox, just created.
    SandboxAdded,
    /// A Sandbox that is ready.
    SandboxReady,
    /// Its pod, ready.
    PodReady,
    /// An Event about that pod.
    Event,
    /// A bookmark.
    Bookmark,
}

/// What the recorded sandbox was called.
const NAME: &str = "s000001";
const ID: &str = "00000000-0000-4000-8000-000000000001";
const SANDBOX_UID: &str = "08d9a832-6ba5-471d-9113-5a1886b43211";
const POD_UID: &str = "e600008a-a18f-4176-ac1c-81750b441644";
const EVENT_UID: &str = "c5029a1d-3326-4ba3-b07e-0d95fd958dea";
const EVENT_NAME: &str = ".7bxr8";

/// The name of a sandbox.
#[must_use]
pub fn name(number: usize) -> String {
    format!("s{number:06}")
}

/// The id of a sandbox, shaped like the gateway's.
#[must_use]
pub fn id(number: usize) -> String {
    format!("00000000-0000-4000-8000-{number:012}")
}

impl Recorded {
    const fn text(self) -> &'static str {
        match self {
            Self::SandboxAdded => include_str!("../recorded/sandbox-added.json"),
            Self::SandboxReady => include_str!("../recorded/sandbox-ready.json"),
            Self::PodReady => include_str!("../recorded/pod-ready.json"),
            Self::Event => include_str!("../recorded/event.json"),
            Self::Bookmark => include_str!("../recorded/bookmark.json"),
        }
    }

    /// Its version when it was recorded.
    const fn version(self) -> &'static str {
        match self {
            Self::SandboxAdded => "255",
            Self::SandboxReady => "267",
            Self::PodReady => "263",
            Self::Event => "260",
            Self::Bookmark => "254",
        }
    }

    /// The line for another sandbox, at another version.
    #[must_use]
    pub fn line(self, number: usize, version: usize) -> Bytes {
        let versioned = |version: &str| format!(r#""resourceVersion":"{version}""#);
        let text = self.text().trim_end().replace(ID, &id(number)).replace(NAME, &name(number));
        let text = text.replace(SANDBOX_UID, &format!("10000000-0000-4000-8000-{number:012}"));
        let text = text.replace(POD_UID, &format!("20000000-0000-4000-8000-{number:012}"));
        let text = text.replace(EVENT_UID, &format!("30000000-0000-4000-8000-{version:012}")).replace(EVENT_NAME, &format!(".{version:x}"));
        text.replace(&versioned(self.version()), &versioned(&version.to_string())).into()
    }

    /// The object of that line.
    #[must_use]
    pub fn object(self, number: usize, version: usize) -> Bytes {
        let line = self.line(number, version);
        let from = line.windows(OBJECT.len()).position(|window| window == OBJECT).map_or(0, |at| at + OBJECT.len());
        line.slice(from..line.len() - 1)
    }
}

const OBJECT: &[u8] = br#""object":"#;

/// The line of a Sandbox that is ready, with the controller saying that it is not.
#[must_use]
pub fn not_ready(line: &[u8]) -> Bytes {
    let text = String::from_utf8_lossy(line);
    text.replace(
        r#""message":"Pod is Ready","observedGeneration":1,"reason":"DependenciesReady","status":"True""#,
        r#""message":"Pod exists with phase: Pending","observedGeneration":1,"reason":"DependenciesNotReady","status":"False""#,
    )
    .into()
}

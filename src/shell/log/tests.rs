#![expect(clippy::unwrap_used, clippy::panic, reason = "a test says what is wrong by failing")]

use std::sync::{Arc, Mutex};

use super::*;

/// A log that a test reads.
#[derive(Clone, Default)]
pub(in crate::shell) struct Captured(Arc<Mutex<Vec<u8>>>);

impl Captured {
    pub(in crate::shell) fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap()).into_owned()
    }

    /// Everything `rust_log` asks for, as the process would print it.
    pub(in crate::shell) fn subscriber(&self, rust_log: &str, form: Form) -> impl Subscriber + Send + Sync + use<> {
        let bytes = Arc::clone(&self.0);
        let write = move |line: &[u8]| {
            bytes.lock().unwrap().extend_from_slice(line);
            Ok(())
        };
        Log { targets: targets(LevelFilter::INFO, Some(rust_log)).0, form, write }
    }
}

#[test]
fn other_crates_are_heard_from_warn_upwards_whatever_is_asked() {
    for asked in ["trace", "h2=trace,hyper::client=trace,openshell_driver_kyma=trace,warn"] {
        let log = Captured::default();
        tracing::subscriber::with_default(log.subscriber(asked, Form::Json), || {
            tracing::trace!(target: "h2::codec", "authorization: Bearer 1");
            tracing::info!(target: "hyper::client", "authorization: Bearer 2");
            tracing::info!(target: "openshell_driver_kyma_other", "authorization: Bearer 3");
            tracing::warn!(target: "h2::codec", "heard");
            tracing::debug!("own");
        });
        let text = log.text();
        assert!(!text.contains("Bearer"), "{text}");
        assert!(text.contains("heard") && text.contains("own"), "{text}");
    }
}

#[test]
fn the_level_holds_where_rust_log_says_nothing_or_nonsense() {
    for (rust_log, complains) in [(None, false), (Some(""), false), (Some("=a=b=c="), true)] {
        let (targets, complaint) = targets(LevelFilter::INFO, rust_log);
        assert_eq!(complaint.is_some(), complains, "{rust_log:?}");
        assert!(targets.would_enable(OWN, &tracing::Level::INFO));
        assert!(!targets.would_enable(OWN, &tracing::Level::DEBUG));
    }
}

#[test]
fn the_form_follows_the_terminal_unless_one_is_asked_for() {
    let forms = |format: LogFormat| (format.form(true), format.form(false));
    assert_eq!(forms(LogFormat::Auto), (Form::Coloured, Form::Json));
    assert_eq!(forms(LogFormat::Json), (Form::Json, Form::Json));
    assert_eq!(forms(LogFormat::Text), (Form::Coloured, Form::Text));
}

#[test]
fn a_line_that_cannot_be_written_is_counted() {
    let before = write_errors();
    let full =
        Log { targets: targets(LevelFilter::INFO, None).0, form: Form::Json, write: |_: &[u8]| Err(io::ErrorKind::StorageFull.into()) };
    tracing::subscriber::with_default(full, || tracing::info!("lost"));
    assert!(write_errors() > before);
}

#[test]
fn a_json_line_has_its_parts_and_is_one_line() {
    let log = Captured::default();
    tracing::subscriber::with_default(log.subscriber("info", Form::Json), || {
        tracing::warn!(event = "called", ms = 5_u64, code = None::<&str>, size = 1.5, yes = true, minus = -1, name = %"a\nb", "said \"so\"\n\u{1b}[0m");
        tracing::error!(target: "h2", "theirs");
    });
    let text = log.text();
    let lines: Vec<serde_json::Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let [own, theirs] = lines.as_slice() else { panic!("{text}") };
    let time = own.get("time").and_then(serde_json::Value::as_str).unwrap();
    assert!(time.len() == "2026-08-21T10:00:00.000Z".len() && time.ends_with('Z'), "{time}");
    let mut rest = own.clone();
    rest.as_object_mut().unwrap().remove("time");
    let wanted = serde_json::json!({
        "level": "WARN", "event": "called", "message": "said \"so\"\n\u{1b}[0m", "ms": 5, "size": 1.5, "yes": true, "minus": -1, "name": "a\nb",
    });
    assert_eq!(rest, wanted);
    assert_eq!(theirs.get("target"), Some(&"h2".into()));
}

#[test]
fn a_text_line_is_one_line_and_moves_no_cursor() {
    for form in [Form::Text, Form::Coloured] {
        let log = Captured::default();
        tracing::subscriber::with_default(log.subscriber("info", form), || {
            tracing::info!(event = "called", ms = 5_u64, name = %"a b\n\u{1b}[2J", "said so\r\nand more");
        });
        let text = log.text();
        assert_eq!(text.matches('\n').count(), 1, "{text:?}");
        assert!(!text.contains("\u{1b}[2J") && !text.contains('\r'), "{text:?}");
        assert!(text.contains("said so\\r\\nand more") && text.contains("event=called") && text.contains("ms=5"), "{text:?}");
        assert_eq!(text.contains('\u{1b}'), form == Form::Coloured, "{text:?}");
    }
}

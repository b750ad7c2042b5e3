//! A plan as text.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::{Outcome, Plan, Planned, When, yaml};

/// How a plan is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// As HTTP: each body in the bytes that are sent.
    Http,
    /// The same, with bodies as YAML.
    Yaml,
    /// One JSON object.
    Json,
}

impl Plan {
    /// The plan in this format, ending with a newline.
    #[must_use]
    pub fn print(&self, format: Format) -> String {
        match format {
            Format::Http => self.requests_as_text(|planned| {
                let body = String::from_utf8_lossy(&planned.request.body.0).into_owned();
                if body.is_empty() { body } else { body + "\n" }
            }),
            Format::Yaml => self.requests_as_text(|planned| body(planned).map(|value| yaml::document(&value)).unwrap_or_default()),
            Format::Json => format!("{:#}\n", self.as_json()),
        }
    }

    fn requests_as_text(&self, body: impl Fn(&Planned) -> String) -> String {
        let mut text = String::new();
        // Writing to a String cannot fail.
        for assumed in &self.assumed {
            let _ = writeln!(text, "# assumed: {assumed}");
        }
        if self.requests.is_empty() {
            text.push_str("# no request is sent\n");
        }
        let mut replied = false;
        for planned in &self.requests {
            if planned.when == When::AfterReply && !replied {
                replied = true;
                self.outcome_as_text(&mut text);
            }
            let request = &planned.request;
            let _ = writeln!(text, "\n{} {}", request.method.as_str(), request.path);
            if let Some(content_type) = request.content_type {
                let _ = writeln!(text, "Content-Type: {}\n", content_type.as_str());
            }
            text.push_str(&body(planned));
        }
        if !replied {
            self.outcome_as_text(&mut text);
        }
        text.trim_start_matches('\n').to_owned()
    }

    fn outcome_as_text(&self, text: &mut String) {
        // Writing to a String cannot fail.
        let _ = match &self.outcome {
            Outcome::Reply(reply) => writeln!(text, "\n# the gateway is told: OK {}", reply_as_json(reply)),
            Outcome::Refused(status) => writeln!(text, "\n# the gateway is told: {}", status.to_string().replace('\n', "\n# ")),
            Outcome::Silence => writeln!(text, "\n# the gateway is told nothing: the call waits for what does not come"),
        };
    }

    fn as_json(&self) -> Value {
        let requests: Vec<Value> = self
            .requests
            .iter()
            .map(|planned| {
                let mut request = serde_json::to_value(&planned.request).unwrap_or_default();
                if let Some(fields) = request.as_object_mut() {
                    fields.insert("when".into(), if planned.when == When::BeforeReply { "before_reply" } else { "after_reply" }.into());
                }
                request
            })
            .collect();
        let outcome = match &self.outcome {
            Outcome::Reply(reply) => json!({ "ok": reply_as_json(reply) }),
            Outcome::Refused(status) => json!({ "refused": status }),
            Outcome::Silence => json!("silence"),
        };
        json!({ "assumed": self.assumed, "requests": requests, "reply": outcome })
    }
}

fn reply_as_json(reply: &crate::core::io::Reply) -> Value {
    serde_json::to_value(reply).unwrap_or_default()
}

fn body(planned: &Planned) -> Option<Value> {
    serde_json::from_slice(&planned.request.body.0).ok()
}

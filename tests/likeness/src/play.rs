//! Playing the list.

use std::sync::Arc;
use std::time::Duration;

use rig::Outcome;
use serde_json::Value;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::compare::Deviation;
use crate::scenarios::{Scenario, all};
use crate::stage::Stage;
use crate::subject::Subject;

/// The longest a scenario may take.
const SCENARIO: Duration = Duration::from_secs(180);

/// Plays one scenario and gives its account.
///
/// # Errors
/// When it cannot be played to its end.
pub async fn one(scenario: &Scenario, subject: Arc<Subject>) -> Outcome<Value> {
    let playing = async {
        let mut stage = Stage::new(subject, scenario.id).await?;
        (scenario.play)(&mut stage).await?;
        Ok(stage.account())
    };
    tokio::time::timeout(SCENARIO, playing).await.map_err(|_| format!("not at its end after {SCENARIO:?}"))?
}

/// Plays every scenario, so many at once, each on the model or on the one real cluster; the accounts come in the list's order.
///
/// `only` is a part of the ids to play, empty for all.
pub async fn every(real: Option<Arc<Subject>>, at_once: usize, only: &str) -> Vec<(Scenario, Outcome<Value>)> {
    let turns = Arc::new(Semaphore::new(at_once));
    let mut playing = JoinSet::new();
    for (index, scenario) in all().filter(|scenario| scenario.id.contains(only)).enumerate() {
        let (turns, real) = (turns.clone(), real.clone());
        playing.spawn(async move {
            // The semaphore is never closed.
            let _turn = turns.acquire().await;
            let subject = match real {
                Some(real) => Ok(real),
                None => Subject::model().await.map(Arc::new),
            };
            let account = match subject {
                Ok(subject) => one(&scenario, subject).await,
                Err(failure) => Err(failure),
            };
            (index, scenario, account)
        });
    }
    let mut accounts = playing.join_all().await;
    accounts.sort_by_key(|(index, ..)| *index);
    accounts.into_iter().map(|(_, scenario, account)| (scenario, account)).collect()
}

/// A failure told to the reader: both answers, and the requests they answer.
#[must_use]
pub fn report(scenario: &Scenario, answered_by: &str, account: &Value, recorded: &Value, deviations: &[Deviation]) -> String {
    let mut lines = vec![String::new(), format!("== {}: {}", scenario.id, scenario.sentence)];
    let mut last = None;
    // Where the status differs all else does too.
    let refused: Vec<&str> = deviations.iter().filter_map(|deviation| deviation.at.strip_suffix("/answer/status")).collect();
    let is_told = |at: &str| !refused.iter().any(|step| at.starts_with(&format!("{step}/answer/"))) || at.ends_with("/answer/status");
    for deviation in deviations.iter().filter(|deviation| is_told(&deviation.at)) {
        let step = deviation.at.split('/').nth(1).and_then(|step| step.parse::<usize>().ok());
        if step != last {
            last = step;
            lines.extend(step.and_then(|step| recorded.get(step).or_else(|| account.get(step))).map(said));
        }
        if let Some(step) = step.filter(|_| deviation.at.ends_with("/answer/status")) {
            lines.push(format!("    the record: {}", recorded[step]["answer"]));
            lines.push(format!("    {answered_by}: {}", account[step]["answer"]));
            continue;
        }
        let say = |value: &Option<Value>| value.as_ref().map_or_else(|| "nothing".to_owned(), ToString::to_string);
        lines.push(format!("    {}", deviation.at));
        lines.push(format!("      the record: {}", say(&deviation.recorded)));
        lines.push(format!("      {answered_by}: {}", say(&deviation.answered)));
    }
    lines.push(String::new());
    lines.join("\n")
}

/// A step in a line: what was asked.
fn said(step: &Value) -> String {
    let body = if step["body"].is_null() { String::new() } else { format!(" {}", step["body"]) };
    let word = ["ask", "watch", "events of", "note", "act"].into_iter().find(|word| step[*word].is_string()).unwrap_or_default();
    format!("  {word} {}{body}", step[word].as_str().unwrap_or_default())
}

//! What a create that failed may have made all the same: it is looked for, and removed where its row is gone.

use super::{Caller, Create, Met, Next, State};
use crate::core::calls::{Cx, Step};
use crate::core::kube::answer::Verdict;
use crate::core::limits;
use crate::core::names::Uid;
use crate::core::note::Note;
use crate::core::turn::{Timer, Turn};

impl Create {
    /// From now on it is only looked for what a POST may have made.
    pub(super) fn search(&mut self, cx: &mut Cx<'_, '_>) {
        cx.turn.abort_call(cx.call);
        self.state = State::Pausing(Next::Search);
        self.tries = 0;
        cx.turn.set(Timer::CallDeadline(cx.call), cx.turn.now().mono.after(limits::UNDO_TIMEOUT));
        cx.pause(1, None);
    }

    /// Whether it only looks for what it may have left behind.
    #[must_use]
    pub const fn is_searching(&self) -> bool {
        matches!(self.state, State::Pausing(Next::Search) | State::Searching | State::Removing)
    }

    /// Gives up looking: where its row is gone, a person must.
    pub fn abandon(&self, turn: &mut Turn<'_>) {
        if self.caller != Caller::Refused {
            return;
        }
        turn.note(Note::Stray { object: (&self.object).into(), reason: self.trouble.clone() });
    }

    pub(super) fn searched(&mut self, cx: &mut Cx<'_, '_>, verdict: Verdict) -> Step {
        match verdict {
            Verdict::Done(response) => match self.meet(cx, &response.body) {
                Met::Ours(object) if self.caller == Caller::HungUp => {
                    self.entrust(cx);
                    cx.cluster.learn(cx.turn, *object);
                    Step::Done
                }
                Met::Ours(object) => {
                    let delete = cx.cluster.api().delete(&self.object, &Uid::new(object.metadata.uid));
                    self.state = State::Removing;
                    cx.send(delete);
                    Step::Wait
                }
                Met::Lost => Step::Done,
                // It holds the name now; once it is gone, a POST that is still on its way finds the name free.
                Met::Leaving | Met::Other(_) => self.missed(cx, format!("another Sandbox {} is in its place", self.object)),
                Met::Unreadable => self.later(cx, Next::Search, "the API server's answer cannot be read".into(), None),
            },
            Verdict::Absent(error) => self.missed(cx, error.to_string()),
            Verdict::NoNamespace(_) => Step::Done,
            other => {
                let trouble = other.trouble();
                self.later(cx, Next::Search, trouble.why, trouble.retry_after)
            }
        }
    }

    /// A read has not found it: so many of them are believed.
    fn missed(&mut self, cx: &mut Cx<'_, '_>, trouble: String) -> Step {
        self.absences += 1;
        if self.absences >= limits::UNDO_ABSENCES {
            return Step::Done;
        }
        self.later(cx, Next::Search, trouble, Some(limits::UNDO_SPACING))
    }

    pub(super) fn removed(&mut self, cx: &mut Cx<'_, '_>, verdict: Verdict) -> Step {
        match verdict {
            Verdict::Done(_) | Verdict::Absent(_) | Verdict::NoNamespace(_) => {
                cx.turn.note(Note::Undone { object: (&self.object).into() });
                Step::Done
            }
            // Whatever is there now is looked at again before anything is removed.
            other => {
                let trouble = other.trouble();
                self.later(cx, Next::Search, trouble.why, trouble.retry_after)
            }
        }
    }
}

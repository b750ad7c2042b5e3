//! What happens to the API server.

use super::World;
use super::happening::ServerAct;
use crate::books::Excuse;
use crate::truth::{Sid, Truth};

impl World {
    pub(super) fn server(&mut self, act: ServerAct) {
        if !self.storms() && act != ServerAct::Up {
            return;
        }
        match act {
            ServerAct::Restart => {
                self.summary.fault("API server restarted");
                self.trace.say(self.now_ms, || "the API server restarts".into());
                self.break_connections();
                self.cluster.restart_server();
            }
            ServerAct::Compact => {
                self.summary.fault("history compacted");
                self.trace.say(self.now_ms, || "the API server's history is compacted".into());
                self.cluster.compact();
            }
            ServerAct::Backup => {
                self.trace.say(self.now_ms, || "a backup is taken".into());
                self.backup = Some(self.cluster.backup());
            }
            ServerAct::Restore => self.restore_backup(),
            ServerAct::Down => {
                self.summary.fault("API server away");
                self.trace.say(self.now_ms, || "the API server goes away".into());
                self.server_up = false;
                self.break_connections();
                self.cluster.restart_server();
            }
            ServerAct::Up => {
                if !self.server_up {
                    self.trace.say(self.now_ms, || "the API server is back".into());
                }
                self.server_up = true;
            }
        }
        self.cluster_moved();
    }

    fn break_connections(&mut self) {
        self.break_channels();
        self.break_exchanges();
    }

    /// The cluster goes back in time; what was there then may be back without a row, and what came since is gone.
    fn restore_backup(&mut self) {
        let Some(backup) = self.backup.take() else { return };
        self.summary.fault("backup restored");
        self.trace.say(self.now_ms, || "the backup is restored".into());
        self.break_connections();
        // Those that lost their labels, too.
        let all = |truth: &Truth| {
            let hidden = truth.objects().values().filter_map(|seen| seen.sandbox.as_ref());
            truth.shown().map(|(sandbox, _)| sandbox).chain(hidden).cloned().collect::<Vec<Sid>>()
        };
        let before = all(&self.truth);
        self.cluster.restore(&backup);
        self.truth.restored(self.now_ms);
        self.truth.look(&mut self.cluster, self.now_ms);
        let after = all(&self.truth);
        for sandbox in before.into_iter().chain(after) {
            self.books.excuse(Excuse::LeftBehind, sandbox.clone(), "the cluster was set back to a backup");
            self.books.excuse(Excuse::Misjudged, sandbox, "the cluster was set back to a backup");
        }
    }
}

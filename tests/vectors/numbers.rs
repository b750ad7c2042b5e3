//! Numbers of exchanges and watches in a given world. What the driver asked for before the first step is not in the vector, so its numbers begin
//! where a reader expects them, however many things are observed: the first exchange is 3 and the first new watch is 2. The watch of Sandboxes is
//! 1, that of pods 101, that of Events 102, those of what follows Sandboxes 103 to 106, that of namespaces 107.

use openshell_driver_kyma::core::io::{Aborted, ExchangeId, Input, Output, WatchId};
use openshell_driver_kyma::core::note::Note;

/// Exchanges that a reader takes for granted: the list of Sandboxes and the API server's version.
const GRANTED: u64 = 2;
/// What the watches of other kinds are called, by a part of their path.
const WATCHES: [(&str, u64); 7] = [
    ("/pods?", 101),
    ("/events?", 102),
    ("/services?", 103),
    ("/apirules?", 104),
    ("/virtualservices?", 105),
    ("/networkpolicies?", 106),
    ("/namespaces?", 107),
];

/// How the numbers of a vector relate to those of the core.
#[derive(Debug, Default)]
pub struct Numbers {
    /// Exchanges and watches begun before the first step; none without a given world.
    exchanges: u64,
    watches: Vec<(u64, u64)>,
}

impl Numbers {
    /// Another exchange before the first step.
    pub fn exchanged(&mut self, exchange: ExchangeId) {
        self.exchanges = self.exchanges.max(exchange.0);
    }

    /// Another watch before the first step.
    pub fn watched(&mut self, watch: WatchId, path: &str) {
        let shown = WATCHES.iter().find(|(part, _)| path.contains(part)).map_or(1, |(_, shown)| *shown);
        self.watches.push((watch.0, shown));
    }

    fn exchange_out(&self, id: u64) -> u64 {
        if self.exchanges > 0 && id > self.exchanges { id - self.exchanges + GRANTED } else { id }
    }

    fn exchange_in(&self, id: u64) -> u64 {
        if self.exchanges > 0 && id > GRANTED { id + self.exchanges - GRANTED } else { id }
    }

    fn begun(&self) -> u64 {
        self.watches.iter().map(|(id, _)| *id).max().unwrap_or_default()
    }

    fn watch_out(&self, id: u64) -> u64 {
        let before = self.watches.iter().find(|(core, _)| *core == id).map(|(_, shown)| *shown);
        before.unwrap_or(if self.begun() > 0 { (id + 1).saturating_sub(self.begun()) } else { id })
    }

    fn watch_in(&self, id: u64) -> u64 {
        let before = self.watches.iter().find(|(_, shown)| *shown == id).map(|(core, _)| *core);
        before.unwrap_or(if self.begun() > 0 { id + self.begun() - 1 } else { id })
    }

    /// An input with the core's numbers.
    pub fn inward(&self, mut input: Input) -> Input {
        match &mut input {
            Input::Answer { exchange, .. } => exchange.0 = self.exchange_in(exchange.0),
            Input::Line { watch, .. } | Input::Closed { watch, .. } => watch.0 = self.watch_in(watch.0),
            _ => {}
        }
        input
    }

    /// An output with the vector's numbers.
    pub fn outward(&self, mut output: Output) -> Output {
        match &mut output {
            Output::Exchange { exchange, .. }
            | Output::Abort(Aborted::Exchange(exchange))
            | Output::Note(Note::UnknownExchange { exchange }) => exchange.0 = self.exchange_out(exchange.0),
            Output::Watch { watch, .. }
            | Output::Abort(Aborted::Watch(watch))
            | Output::Note(Note::UnknownWatch { watch } | Note::WatchSilent { watch, .. }) => watch.0 = self.watch_out(watch.0),
            _ => {}
        }
        output
    }
}

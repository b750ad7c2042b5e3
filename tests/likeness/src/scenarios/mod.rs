//! The list.

use std::pin::Pin;

use rig::Outcome;

use crate::stage::Stage;

mod access;
mod admission;
mod bodies;
mod collection;
mod controller;
mod create;
mod delete;
mod discovery;
mod events;
mod finalizers;
mod kinds;
mod list;
mod namespaces;
mod patch;
mod paths;
mod reviews;
mod schema;
mod selectors;
mod update;
mod versions;
mod watch;
mod watch_ends;

/// A scenario being played.
pub type Playing<'a> = Pin<Box<dyn Future<Output = Outcome<()>> + Send + 'a>>;

/// One thing that an API server does.
#[derive(Clone, Copy)]
pub struct Scenario {
    /// Names its record and its namespace.
    pub id: &'static str,
    /// What it shows.
    pub sentence: &'static str,
    /// Plays it.
    pub play: for<'a> fn(&'a mut Stage) -> Playing<'a>,
}

const fn scenario(id: &'static str, sentence: &'static str, play: for<'a> fn(&'a mut Stage) -> Playing<'a>) -> Scenario {
    Scenario { id, sentence, play }
}

/// Every scenario there is.
pub fn all() -> impl Iterator<Item = Scenario> {
    [
        create::ALL,
        bodies::ALL,
        schema::ALL,
        update::ALL,
        patch::ALL,
        delete::ALL,
        finalizers::ALL,
        collection::ALL,
        list::ALL,
        selectors::ALL,
        watch::ALL,
        watch_ends::ALL,
        paths::ALL,
        access::ALL,
        reviews::ALL,
        admission::ALL,
        namespaces::ALL,
        discovery::ALL,
        kinds::ALL,
        controller::ALL,
        events::ALL,
        versions::ALL,
    ]
    .into_iter()
    .flatten()
    .copied()
}

//! How a world begins.

use std::collections::BTreeMap;

use kubesim::{Cluster, Kind};
use serde_json::json;

use super::happening::{Happening, ServerAct};
use super::processes::Seat;
use super::{Chances, EPOCH_MS, INSPECTION_MS, Now, QUIET_MS, World, inspection};
use crate::books::Books;
use crate::gateway::Gateway;
use crate::home::{CHOSEN, FORBIDDEN, Home, WORKSPACES};
use crate::random::Random;
use crate::scenario::{Scenario, Weather};
use crate::schedule::Schedule;
use crate::summary::{Hashing, Summary};
use crate::trace::{Telling, Trace};
use crate::truth::Truth;

/// How often somebody looks how much there is of everything.
const SURVEYS: u64 = 6;

/// What a namespace needs besides itself: without the service account no pod is made. What is there already stays.
pub(super) fn furnish(cluster: &mut Cluster, namespace: &str) {
    let account = json!({ "metadata": { "name": "openshell-sandbox", "namespace": namespace } });
    let _ = cluster.create_object(Kind::ServiceAccount, account);
}

/// A namespace that somebody makes for sandboxes.
pub(super) fn settle(cluster: &mut Cluster, namespace: &str) {
    cluster.add_namespace(namespace, &[("pod-security.kubernetes.io/enforce", "privileged"), CHOSEN]);
    furnish(cluster, namespace);
}

impl World {
    /// The world of a scenario, with everything in the schedule that is certain to come.
    #[must_use]
    pub fn new(scenario: Scenario, telling: Telling, hashing: Hashing) -> Self {
        let mut random = Random::new(scenario.seed ^ 0x5eed_5eed_5eed_5eed);
        let chances = Chances {
            wire: random.fork(),
            watches: random.fork(),
            users: random.fork(),
            others: random.fork(),
            processes: random.fork(),
            ties: random.fork(),
        };
        let mut cluster = Cluster::new(scenario.options(), EPOCH_MS);
        for driver in &scenario.drivers {
            furnish(&mut cluster, &driver.namespace);
            match driver.home {
                Home::Shared => {}
                // Somebody else has a namespace of this name.
                Home::Managed => cluster.add_namespace(&driver.home_of(FORBIDDEN), &[("team", "payments")]),
                Home::Operator => {
                    cluster.add_namespace(FORBIDDEN, &[("pod-security.kubernetes.io/enforce", "privileged")]);
                    for workspace in WORKSPACES {
                        settle(&mut cluster, workspace);
                    }
                }
            }
        }
        let seats = scenario.drivers.iter().map(|plan| Seat::new(plan.clone(), random.any())).collect();
        let gateways = (0..scenario.gateways).map(|number| Gateway::new(number as u64 + 1, scenario.lifecycle)).collect();
        let leases = (0..scenario.gateways)
            .map(|gateway| scenario.drivers.iter().position(|driver| driver.gateway == gateway).unwrap_or_default())
            .collect();
        let mut world = Self {
            now_ms: 0,
            weather: Now::Storm,
            calm_since: None,
            steps: 0,
            schedule: Schedule::default(),
            chances,
            cluster,
            server_up: true,
            backup: None,
            truth: Truth::new(scenario.gateways),
            seats,
            gateways,
            leases,
            lines: BTreeMap::new(),
            channels: BTreeMap::new(),
            sandboxes: 0,
            squatters: 0,
            to_reap: 0,
            definition_missing: false,
            release: scenario.cluster.release,
            probes: inspection::Probes::default(),
            books: Books::new(&scenario),
            trace: Trace::new(telling),
            violation: None,
            summary: Summary::new(hashing),
            ended: false,
            recordings: Vec::new(),
            scenario,
        };
        world.trace.say(0, || format!("{:#?}", world.scenario));
        world.begin(&mut random);
        world
    }

    fn begin(&mut self, random: &mut Random) {
        for driver in 0..self.seats.len() {
            self.after(random.below(500), Happening::StartDriver(driver));
        }
        for gateway in 0..self.gateways.len() {
            self.after(random.between(1_000, 3_000), Happening::StartGateway(gateway));
        }
        // What goes wrong begins when gateways serve; how a driver starts in a storm is seen after each crash.
        let (from, storm) = (3_500, self.scenario.storm_ms);
        let times = |random: &mut Random, count: u64| -> Vec<u64> { (0..count).map(|_| from + random.below(storm)).collect() };
        let plan = &self.scenario;
        let mut due: Vec<(u64, Happening)> = Vec::new();
        due.extend((0..plan.users.settled).map(|_| (from, Happening::Wish)));
        due.extend(times(random, plan.users.wishes).into_iter().map(|at| (at, Happening::Wish)));
        due.extend(times(random, plan.processes.stops).into_iter().map(|at| (at, Happening::StopDriver)));
        due.extend(times(random, plan.processes.clock_jumps).into_iter().map(|at| (at, Happening::JumpClock)));
        due.extend(times(random, SURVEYS).into_iter().map(|at| (at, Happening::Survey)));
        for at in times(random, plan.processes.gateway_deaths) {
            due.push((at, Happening::KillGateway(usize::try_from(random.below(plan.gateways as u64)).unwrap_or_default())));
        }
        for at in times(random, plan.processes.lease_changes) {
            due.push((at, Happening::MoveLease(usize::try_from(random.below(plan.gateways as u64)).unwrap_or_default())));
        }
        due.extend(times(random, plan.server.restarts).into_iter().map(|at| (at, Happening::Server(ServerAct::Restart))));
        due.extend(times(random, plan.server.compactions).into_iter().map(|at| (at, Happening::Server(ServerAct::Compact))));
        for at in times(random, plan.server.outages) {
            due.push((at, Happening::Server(ServerAct::Down)));
            due.push((at + random.between(500, 100_000), Happening::Server(ServerAct::Up)));
        }
        for at in times(random, plan.server.restores) {
            due.push((at, Happening::Server(ServerAct::Backup)));
            due.push((at + random.between(100, 60_000), Happening::Server(ServerAct::Restore)));
        }
        for at in times(random, plan.others.acts) {
            due.push((at, Happening::Other(*random.pick(&plan.others.kinds))));
        }
        for (at, what) in due {
            self.after(at, what);
        }
        let storm = if self.scenario.weather == Weather::Calm { 0 } else { from };
        self.after(storm + self.scenario.storm_ms, Happening::Calm);
        self.after(from + self.scenario.storm_ms + QUIET_MS, Happening::Inspect);
        self.after(from + self.scenario.storm_ms + QUIET_MS + INSPECTION_MS, Happening::End);
    }
}

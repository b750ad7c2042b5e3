//! Users, and the supervisors of their sandboxes.

use std::collections::BTreeMap;

use crate::driver::contract::messages::compute as pb;

use super::World;
use super::happening::Happening;
use crate::books::{SECRET, TOKEN};
use crate::gateway::Wish;
use crate::gateway::row::{Phase, Session};
use crate::home::{FORBIDDEN, Home, WORKSPACES};
use crate::truth::{News, PodNews};

impl World {
    /// Some user of some gateway wishes something.
    pub(super) fn wish(&mut self) {
        let gateway = usize::try_from(self.chances.users.below(self.gateways.len() as u64)).unwrap_or_default();
        let rows: Vec<(String, Phase)> = self.gateways[gateway].rows().values().map(|row| (row.id.clone(), row.phase)).collect();
        let some = |world: &mut Self| (!rows.is_empty()).then(|| world.chances.users.pick(&rows).clone());
        let wish = match self.chances.users.below(20) {
            0..=9 => self.new_sandbox(gateway),
            10..=15 => match some(self) {
                Some((id, _)) => {
                    if self.chances.users.happens(300) {
                        let wait = self.chances.users.below(10_000);
                        self.after(wait, Happening::Follow(gateway, Box::new(Wish::Delete(id.clone()))));
                    }
                    Wish::Delete(id)
                }
                None => self.new_sandbox(gateway),
            },
            16..=18 => match some(self) {
                Some((id, Phase::Stopped | Phase::Starting)) => Wish::Start(id),
                Some((id, _)) => Wish::Stop(id),
                None => Wish::EnsureWorkspace(WORKSPACES[0].into()),
            },
            _ if self.chances.users.happens(500) => Wish::EnsureWorkspace(WORKSPACES[1].into()),
            _ if self.chances.users.happens(300) => Wish::DeleteWorkspace(FORBIDDEN.into()),
            _ => Wish::DeleteWorkspace(WORKSPACES[1].into()),
        };
        self.wish_of(gateway, wish);
    }

    pub(super) fn wish_of(&mut self, gateway: usize, wish: Wish) {
        self.trace.say(self.now_ms, || match &wish {
            Wish::Create { sandbox, patience_ms } => {
                let id = super::words::tail(&sandbox.id);
                format!("a user of gateway {gateway} wishes {id} {}/{}, patience {patience_ms:?}", sandbox.workspace, sandbox.name)
            }
            other => format!("a user of gateway {gateway} wishes {other:?}"),
        });
        self.gateways[gateway].wish(self.now_ms, wish);
        self.follow(gateway);
    }

    fn new_sandbox(&mut self, gateway: usize) -> Wish {
        self.sandboxes += 1;
        let number = self.sandboxes;
        let plan = self.scenario.users.clone();
        let name = format!("box-{}", self.chances.users.below(plan.names));
        let apart = self.seats.first().is_some_and(|seat| seat.plan.home != Home::Shared);
        let workspace = match self.chances.users.below(20) {
            0..=3 => WORKSPACES[1],
            4 if apart => FORBIDDEN,
            _ => WORKSPACES[0],
        };
        let gpus = self.chances.users.happens(plan.gpus).then(|| self.chances.users.between(1, 3));
        let resource_requirements = gpus.map(|count| {
            let count = u32::try_from(count).ok();
            pb::ResourceRequirements { gpu: Some(pb::GpuResourceRequirements { count }) }
        });
        let value = format!("{SECRET}-value-{number}");
        let environment = BTreeMap::from([("KEY".to_owned(), value)]);
        let sandbox = pb::DriverSandbox {
            id: format!("{:08x}-0000-4000-8000-{number:012x}", self.chances.users.any() >> 32),
            name,
            workspace: workspace.into(),
            spec: Some(Box::new(pb::DriverSandboxSpec {
                command: vec!["/bin/bash".into(), "-l".into()],
                tty: true,
                environment,
                resource_requirements,
                sandbox_token: format!("{TOKEN}-{number}"),
                template: Some(pb::DriverSandboxTemplate::default()),
                ..pb::DriverSandboxSpec::default()
            })),
            status: Some(pb::DriverSandboxStatus::default()),
            ..pb::DriverSandbox::default()
        };
        if self.chances.users.happens(150) {
            // Deleted while it is being created, or soon after.
            let wait = self.chances.users.below(4_000);
            self.after(wait, Happening::Follow(gateway, Box::new(Wish::Delete(sandbox.id.clone()))));
        }
        let patience_ms = self.chances.users.happens(plan.impatient).then(|| self.chances.users.below(20_000));
        Wish::Create { sandbox: Box::new(sandbox), patience_ms }
    }

    /// A pod came or went, and with it its supervisor.
    pub(super) fn supervisor_news(&mut self, news: News) {
        match news.what {
            PodNews::Came => {
                let wait = self.chances.users.between(500, 2_000);
                self.after(wait, Happening::Supervisor { pod: news.pod, sandbox: news.sandbox });
            }
            PodNews::Went => {
                for gateway in 0..self.gateways.len() {
                    self.gateways[gateway].supervisor(self.now_ms, &news.sandbox, Session::None);
                    self.follow(gateway);
                }
            }
        }
    }

    /// A supervisor calls.
    pub(super) fn supervisor(&mut self, pod: &str, sandbox: &str) {
        if !self.truth.has_pod(pod) {
            return;
        }
        for gateway in 0..self.gateways.len() {
            if self.gateways[gateway].rows().contains_key(sandbox) && !self.gateways[gateway].serves() {
                // The gateway is away: it is called again.
                return self.after(1_000, Happening::Supervisor { pod: pod.to_owned(), sandbox: sandbox.to_owned() });
            }
            self.gateways[gateway].supervisor(self.now_ms, sandbox, Session::Connected);
            self.follow(gateway);
        }
    }

    pub(super) fn start_gateway(&mut self, gateway: usize) {
        if self.gateways[gateway].is_up() {
            return;
        }
        self.trace.say(self.now_ms, || format!("gateway {gateway} starts"));
        self.gateways[gateway].start();
        self.follow(gateway);
        let pods: Vec<(String, String)> = self.truth.pods().iter().map(|(pod, sandbox)| (pod.clone(), sandbox.clone())).collect();
        for (pod, sandbox) in pods {
            self.after(1_500, Happening::Supervisor { pod, sandbox });
        }
    }

    pub(super) fn kill_gateway(&mut self, gateway: usize) {
        if !self.gateways[gateway].is_up() {
            return;
        }
        self.summary.fault("gateway died");
        self.trace.say(self.now_ms, || format!("gateway {gateway} dies"));
        self.gateways[gateway].die();
        self.follow(gateway);
        let away = self.chances.users.between(100, 20_000);
        self.after(away, Happening::StartGateway(gateway));
    }

    pub(super) fn move_lease(&mut self, gateway: usize) {
        let ours: Vec<usize> = (0..self.seats.len()).filter(|driver| self.seats[*driver].plan.gateway == gateway).collect();
        let next = *self.chances.users.pick(&ours);
        if next == self.leases[gateway] {
            return;
        }
        self.trace.say(self.now_ms, || format!("the lease of gateway {gateway} goes to driver {next}"));
        self.summary.fault("lease moved");
        self.leases[gateway] = next;
        self.gateways[gateway].move_lease(self.now_ms);
        self.follow(gateway);
    }
}

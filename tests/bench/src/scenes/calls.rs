//! Creates and deletes: the floor sends the same bytes to the same server.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use rig::Outcome;
use serde_json::Value;

use super::turns::{Act, Contestant, Played};
use super::{FLOOR, Run};
use crate::bytes::Requests;
use crate::server::{Client, Who};
use crate::subject::Subject;
use rig::gateway::Gateway;

/// The UIDs of what the floor has created.
type Uids = Arc<Mutex<BTreeMap<usize, String>>>;

pub(super) async fn play(run: &mut Run) -> Outcome<()> {
    let contestants = contestants(run);
    for callers in [1, 16] {
        let (mut creates, mut deletes) = (Played::new(contestants.len()), Played::new(contestants.len()));
        for round in 0..run.flags.rounds {
            let count = run.flags.operations * callers;
            let from = run.take_numbers(count * contestants.len()).start;
            let uids = Uids::default();
            let shared = Arc::new(Shared {
                floor: run.floor.clone(),
                gateways: run.drivers.iter().map(|driver| driver.gateway.clone()).collect(),
                requests: run.requests.clone(),
                uids,
                from,
                count,
            });
            let act: Act = {
                let shared = Arc::clone(&shared);
                Arc::new(move |who, at| {
                    let shared = Arc::clone(&shared);
                    Box::pin(async move { shared.create(who, at).await })
                })
            };
            creates.round(&run.server, &contestants, callers, count, round, &act).await?;
            let act: Act = Arc::new(move |who, at| {
                let shared = Arc::clone(&shared);
                Box::pin(async move { shared.delete(who, at).await })
            });
            deletes.round(&run.server, &contestants, callers, count, round, &act).await?;
            run.until_listed(0).await?;
        }
        run.report.rows.extend(creates.rows("create", 0, callers, &contestants));
        run.report.rows.extend(deletes.rows("delete", 0, callers, &contestants));
    }
    Ok(())
}

/// The floor, and every driver.
pub(super) fn contestants(run: &Run) -> Vec<Contestant> {
    let floor = Contestant { name: FLOOR.into(), process: None, who: None };
    let drivers = run.drivers.iter().enumerate().map(|(at, driver)| Contestant {
        name: driver.name.clone(),
        process: Some(driver.process),
        who: Some(if at == 0 { Who::Ours } else { Who::Peers }),
    });
    std::iter::once(floor).chain(drivers).collect()
}

struct Shared {
    floor: Client,
    gateways: Vec<Gateway>,
    requests: Requests,
    uids: Uids,
    from: usize,
    count: usize,
}

impl Shared {
    fn gateway(&self, who: usize) -> Outcome<&Gateway> {
        self.gateways.get(who.wrapping_sub(1)).ok_or_else(|| "nobody of that number".into())
    }

    async fn create(&self, who: usize, at: usize) -> Outcome<()> {
        let number = self.from + who * self.count + at;
        if who > 0 {
            return Subject::create(self.gateway(who)?, number).await;
        }
        let answer = self.floor.send(&self.requests.create(number)).await?;
        // What comes after the answer is not part of it: a driver reads it, too, but it is not the floor's business.
        let uid = uid(&answer)?;
        self.uids.lock().unwrap_or_else(PoisonError::into_inner).insert(number, uid);
        Ok(())
    }

    async fn delete(&self, who: usize, at: usize) -> Outcome<()> {
        let number = self.from + who * self.count + at;
        if who > 0 {
            return Subject::delete(self.gateway(who)?, number).await;
        }
        let uid = self.uids.lock().unwrap_or_else(PoisonError::into_inner).remove(&number).ok_or("a sandbox without a UID")?;
        self.floor.send(&self.requests.delete(number, &uid)).await.map(drop)
    }
}

/// The UID of an object. It is searched for: reading the whole object would count as the floor's time.
fn uid(object: &[u8]) -> Outcome<String> {
    let object: Value = serde_json::from_slice(object)?;
    Ok(object["metadata"]["uid"].as_str().ok_or("an object without a UID")?.to_owned())
}

//! Reads: the floor is a gRPC server that encodes and sends the same bytes, and does nothing else.

use std::sync::Arc;

use rig::{Failure, Outcome};

use super::Run;
use super::calls::contestants;
use super::turns::{Act, Played};
use crate::echo::{GET, LIST};
use crate::subject::{Subject, get_request};

pub(super) async fn play(run: &mut Run, sandboxes: usize) -> Outcome<()> {
    let ours = run.drivers.first().ok_or("there is no driver")?.gateway.clone();
    run.echo.say_get(Subject::get(&ours, 0).await?).await?;
    let everything = Subject::list(&ours).await?;
    #[expect(clippy::cast_precision_loss, reason = "for people")]
    run.report.fact("bytes of a list", sandboxes, super::OURS, everything.len() as f64, "bytes");
    run.echo.say_list(everything).await?;
    for callers in [1, 16] {
        measure(run, "get", sandboxes, callers, run.flags.operations * 4).await?;
        measure(run, "list", sandboxes, callers, run.flags.lists).await?;
    }
    Ok(())
}

async fn measure(run: &mut Run, what: &'static str, sandboxes: usize, callers: usize, each: usize) -> Outcome<()> {
    let contestants = contestants(run);
    let echo = run.echo.gateway.clone();
    let gateways: Vec<_> = run.drivers.iter().map(|driver| driver.gateway.clone()).collect();
    let everybody = Arc::new((echo, gateways));
    let is_list = what == "list";
    let act: Act = Arc::new(move |who, at| {
        let everybody = Arc::clone(&everybody);
        Box::pin(async move {
            let (echo, gateways) = &*everybody;
            let number = at.wrapping_mul(7_919) % sandboxes.max(1);
            let answer = match gateways.get(who.wrapping_sub(1)) {
                None if is_list => echo.bytes(LIST, bytes::Bytes::new()).await?,
                None => echo.bytes(GET, get_request(number)).await?,
                Some(driver) if is_list => Subject::list(driver).await?,
                Some(driver) => Subject::get(driver, number).await?,
            };
            if answer.is_empty() { Err(Failure::from("an empty answer")) } else { Ok(()) }
        })
    });
    let mut played = Played::new(contestants.len());
    for round in 0..run.flags.rounds {
        played.round(&run.server, &contestants, callers, each * callers, round, &act).await?;
    }
    run.report.rows.extend(played.rows(what, sandboxes, callers, &contestants));
    Ok(())
}

//! `bench`: how fast and how small the driver is. See [`bench::flags::USAGE`].
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "it is a program for a terminal")]
#![expect(clippy::disallowed_methods, reason = "it reads its arguments and writes its files")]

use std::process::ExitCode;

use bench::flags::{self, Flags, USAGE, Wish};
use bench::{echo, plot, scenes};
use rig::Outcome;

fn main() -> ExitCode {
    let wish = match flags::parse(std::env::args_os().skip(1)) {
        Ok(wish) => wish,
        Err(error) => {
            eprintln!("bench: {error}\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    let done = match wish {
        Wish::Help => {
            println!("{USAGE}");
            Ok(())
        }
        // On one thread, as the driver is.
        Wish::Echo(socket) => on(tokio::runtime::Builder::new_current_thread(), async move { echo::serve(&socket).await }),
        Wish::Run(flags) => on(tokio::runtime::Builder::new_multi_thread(), run(*flags)),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error}");
            ExitCode::FAILURE
        }
    }
}

fn on(mut runtime: tokio::runtime::Builder, work: impl Future<Output = Outcome<()>>) -> Outcome<()> {
    runtime.enable_all().build()?.block_on(work)
}

async fn run(flags: Flags) -> Outcome<()> {
    let output = flags.output.clone();
    let report = scenes::run(flags).await?;
    println!("{}", report.table());
    std::fs::create_dir_all(&output)?;
    std::fs::write(output.join("bench.json"), serde_json::to_vec_pretty(&report)?)?;
    plot::draw(&report, &output.join("bench.svg"))?;
    println!("written: {0}/bench.json, {0}/bench.svg", output.display());
    Ok(())
}

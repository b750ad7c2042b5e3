//! Plays a case so many times, for valgrind to count: `instructions CASE ACTS SANDBOXES`. With 0 acts it only sets the stage.

use std::hint::black_box;
use std::process::ExitCode;

use bench::stage::{Case, Stage};

#[expect(clippy::disallowed_methods, reason = "a command reads its arguments")]
fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let case = arguments.next().and_then(|name| Case::named(&name));
    let mut number = || arguments.next().and_then(|number| number.parse().ok());
    let (Some(case), Some(acts), Some(sandboxes)) = (case, number(), number()) else { return ExitCode::from(2) };
    let mut stage = Stage::new(sandboxes);
    // Made before they are played: making them is not what is counted.
    let acts: Vec<_> = (0..acts).map(|_| stage.act(case)).collect();
    for act in acts {
        black_box(stage.play(act));
    }
    ExitCode::SUCCESS
}

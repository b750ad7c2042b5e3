//! The core on one thread: inputs per second, bytes per second, and, with `--features allocations`, allocations for each input.

use bench::stage::{Case, Stage};
use divan::Bencher;
use divan::counter::{BytesCount, ItemsCount};

#[cfg(feature = "allocations")]
#[global_allocator]
static COUNTING: divan::AllocProfiler = divan::AllocProfiler::system();

/// Sandboxes that there are.
const SANDBOXES: usize = 5_000;

fn main() {
    divan::main();
}

/// Everything that comes one at a time.
#[divan::bench(args = [Case::Unchanged, Case::Changed, Case::Pod, Case::Added, Case::Event, Case::Bookmark, Case::Get, Case::Create], sample_size = 64)]
fn input(bencher: Bencher<'_, '_>, case: Case) {
    measure(bencher, case);
}

/// Everything that there is, at once.
#[divan::bench(args = [Case::List], sample_size = 1)]
fn everything(bencher: Bencher<'_, '_>, case: Case) {
    measure(bencher, case);
}

fn measure(bencher: Bencher<'_, '_>, case: Case) {
    let stage = std::cell::RefCell::new(Stage::new(SANDBOXES));
    bencher
        .with_inputs(|| stage.borrow_mut().act(case))
        .input_counter(|act| BytesCount::new(act.bytes()))
        .counter(ItemsCount::new(1usize))
        .bench_local_values(|act| stage.borrow_mut().play(act));
}

//! A stream of bytes cut into the lines of a watch.

// The cutter is private to the API client; this is the same file.
#[allow(dead_code, reason = "a target uses what it needs")]
#[path = "../../../src/shell/api/lines.rs"]
mod lines;

use bytes::Bytes;
use lines::Lines;

/// Lines longer than this are refused here.
const BOUND: usize = 64;

/// However a stream is cut into chunks, it has the same lines, none of them empty or longer than the bound; and it is whole just where it ends
/// with a newline. The first byte says how long chunks are.
pub fn watch_framing(data: &[u8]) {
    let Some((length, stream)) = data.split_first() else { return };
    let in_chunks = cut(stream.chunks(usize::from(*length).max(1)));
    let at_once = cut(std::iter::once(stream));
    let long = stream.split(|byte| *byte == b'\n').position(|line| line.len() > BOUND);
    match long {
        None => {
            let mut expected: Vec<&[u8]> = stream.split(|byte| *byte == b'\n').collect();
            let rest = expected.pop().unwrap_or_default();
            expected.retain(|line| !line.is_empty());
            assert!(in_chunks.lines == expected, "in chunks of {length}");
            assert!(at_once.lines == expected, "at once");
            assert!(in_chunks.whole == rest.is_empty() && at_once.whole == rest.is_empty() && !in_chunks.too_long, "the end");
        }
        Some(_) => assert!(in_chunks.too_long && at_once.too_long, "a line that is too long"),
    }
    assert!(in_chunks.lines.iter().chain(&at_once.lines).all(|line| !line.is_empty() && line.len() <= BOUND), "a line");
}

struct Cut {
    lines: Vec<Bytes>,
    too_long: bool,
    whole: bool,
}

fn cut<'a>(chunks: impl Iterator<Item = &'a [u8]>) -> Cut {
    let mut lines = Lines::new(BOUND);
    let mut found = Vec::new();
    for chunk in chunks {
        lines.take(Bytes::copy_from_slice(chunk));
        while let Some(line) = lines.next() {
            match line {
                Ok(line) => found.push(line),
                Err(_) => return Cut { lines: found, too_long: true, whole: false },
            }
        }
    }
    Cut { lines: found, too_long: false, whole: lines.is_whole() }
}

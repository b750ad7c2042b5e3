//! A stream of bytes cut into lines.

use bytes::{Buf, Bytes, BytesMut};

/// A line is longer than the bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TooLong;

/// Cuts chunks at newlines. A line within one chunk is not copied. Empty lines are left out: proxies send them to keep a stream alive.
#[derive(Debug)]
pub(super) struct Lines {
    bound: usize,
    /// The beginning of a line that has not ended.
    begun: BytesMut,
    /// What came and has not been cut.
    chunk: Bytes,
}

impl Lines {
    /// Lines of at most `bound` bytes.
    pub(super) fn new(bound: usize) -> Self {
        Self { bound, begun: BytesMut::new(), chunk: Bytes::new() }
    }

    /// Takes a chunk. The lines of the one before must have been taken out.
    pub(super) fn take(&mut self, chunk: Bytes) {
        debug_assert!(self.chunk.is_empty(), "the lines of the chunk before were not taken out");
        self.chunk = chunk;
    }

    /// The next line, without its newline; `None` when another chunk is needed.
    pub(super) fn next(&mut self) -> Option<Result<Bytes, TooLong>> {
        loop {
            let Some(end) = self.chunk.iter().position(|byte| *byte == b'\n') else {
                if self.begun.len() + self.chunk.len() > self.bound {
                    return Some(Err(TooLong));
                }
                self.begun.extend_from_slice(&self.chunk);
                self.chunk.clear();
                return None;
            };
            if self.begun.len() + end > self.bound {
                return Some(Err(TooLong));
            }
            let rest = self.chunk.split_to(end);
            self.chunk.advance(1);
            let line = if self.begun.is_empty() {
                rest
            } else {
                self.begun.extend_from_slice(&rest);
                self.begun.split().freeze()
            };
            if !line.is_empty() {
                return Some(Ok(line));
            }
        }
    }

    /// Whether no line has been begun: the stream may end here.
    pub(super) fn is_whole(&self) -> bool {
        self.begun.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(chunks: &[&'static str], bound: usize) -> (Vec<Result<String, TooLong>>, bool) {
        let mut lines = Lines::new(bound);
        let mut cut = Vec::new();
        for chunk in chunks {
            lines.take(Bytes::from_static(chunk.as_bytes()));
            while let Some(line) = lines.next() {
                let failed = line.is_err();
                cut.push(line.map(|line| String::from_utf8_lossy(&line).into_owned()));
                if failed {
                    return (cut, lines.is_whole());
                }
            }
        }
        (cut, lines.is_whole())
    }

    #[test]
    fn lines_are_the_same_however_the_stream_is_cut() {
        let text = "{\"a\":1}\n\nbb\nc\n";
        let wanted: Vec<Result<String, TooLong>> = ["{\"a\":1}", "bb", "c"].iter().map(|line| Ok((*line).to_owned())).collect();
        for at in 0..=text.len() {
            let (one, two) = text.split_at(at);
            assert_eq!(cut(&[one, two], 100), (wanted.clone(), true), "cut at {at}");
        }
        let bytes: Vec<&'static str> = text.split_inclusive(|_| true).collect();
        assert_eq!(cut(&bytes, 100), (wanted, true));
    }

    #[test]
    fn a_line_that_has_not_ended_is_kept_and_known() {
        assert_eq!(cut(&["a\nb"], 100), (vec![Ok("a".into())], false));
        assert_eq!(cut(&["a\n"], 100), (vec![Ok("a".into())], true));
        assert_eq!(cut(&[], 100), (vec![], true));
    }

    #[test]
    fn a_line_beyond_the_bound_is_an_error_as_soon_as_that_is_known() {
        assert_eq!(cut(&["abc\n"], 3).0, [Ok("abc".into())]);
        assert_eq!(cut(&["abcd\n"], 3).0, [Err(TooLong)]);
        assert_eq!(cut(&["ab", "cd"], 3).0, [Err(TooLong)]);
        assert_eq!(cut(&["ok\nab", "cd"], 3).0, [Ok("ok".into()), Err(TooLong)]);
    }
}

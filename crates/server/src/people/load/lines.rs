//! A file's lines as bytes, whatever they hold, each of limited length.

use std::io::{BufRead, Read};

/// Lines of a file, numbered from 1.
pub struct Lines {
    from: Box<dyn BufRead + Send>,
    limit: usize,
    line: u64,
    /// Read once and given back.
    back: Vec<Line>,
}

/// A line, with its end.
#[derive(Debug, Clone)]
pub struct Line {
    pub number: u64,
    pub bytes: Vec<u8>,
    /// Whether it is longer than may be; then its first bytes are here.
    pub cut: bool,
}

impl Lines {
    pub fn of(from: Box<dyn BufRead + Send>, limit: usize) -> Lines {
        Lines { from, limit, line: 0, back: Vec::new() }
    }

    /// The next one.
    pub fn next(&mut self) -> std::io::Result<Option<Line>> {
        if let Some(line) = self.back.pop() {
            return Ok(Some(line));
        }
        let mut bytes = Vec::new();
        (&mut self.from).take(self.limit as u64 + 1).read_until(b'\n', &mut bytes)?;
        if bytes.is_empty() {
            return Ok(None);
        }
        self.line += 1;
        let cut = bytes.len() > self.limit;
        if cut && bytes.last() != Some(&b'\n') {
            self.pass()?;
        }
        Ok(Some(Line { number: self.line, bytes, cut }))
    }

    /// Passes over the rest of a line.
    fn pass(&mut self) -> std::io::Result<()> {
        loop {
            let held = self.from.fill_buf()?;
            if held.is_empty() {
                return Ok(());
            }
            let end = held.iter().position(|byte| *byte == b'\n');
            let length = end.map_or(held.len(), |end| end + 1);
            self.from.consume(length);
            if end.is_some() {
                return Ok(());
            }
        }
    }

    /// Gives lines back, to be read again in their order.
    pub fn give_back(&mut self, lines: impl DoubleEndedIterator<Item = Line>) {
        self.back.extend(lines.rev());
    }
}

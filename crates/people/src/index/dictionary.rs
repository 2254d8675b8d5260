//! Texts that many have, once each.

use super::keys;

/// Texts by code.
#[derive(Default)]
pub(super) struct Dictionary {
    pub(super) arena: String,
    /// Where each text ends.
    pub(super) ends: Vec<u32>,
}

impl Dictionary {
    pub(super) fn text(&self, code: u32) -> &str {
        let code = code as usize;
        let start = if code == 0 { Some(0) } else { self.ends.get(code - 1).map(|end| *end as usize) };
        let end = self.ends.get(code).map(|end| *end as usize);
        start.zip(end).and_then(|(start, end)| self.arena.get(start..end)).unwrap_or("")
    }

    pub(super) fn add(&mut self, text: &str) -> u32 {
        self.arena.push_str(text);
        self.ends.push(self.arena.len() as u32);
        self.ends.len() as u32 - 1
    }

    pub(super) fn count(&self) -> usize {
        self.ends.len()
    }
}

/// A dictionary in the making: gives each text a code, and counts how often it was asked for.
#[derive(Default)]
pub(super) struct Interner {
    texts: Dictionary,
    counts: Vec<u32>,
    /// Open addressing: a code and one, or 0. Its length is a power of two.
    table: Vec<u32>,
}

impl Interner {
    pub(super) fn code(&mut self, text: &str) -> u32 {
        if (self.texts.count() + 1) * 2 > self.table.len() {
            self.grow();
        }
        let slot = self.slot(text);
        if self.table[slot] == 0 {
            self.table[slot] = self.texts.add(text) + 1;
            self.counts.push(0);
        }
        let code = self.table[slot] - 1;
        self.counts[code as usize] += 1;
        code
    }

    fn slot(&self, text: &str) -> usize {
        let mask = self.table.len() - 1;
        let mut slot = keys::hash(std::iter::once(text.as_bytes())) as usize & mask;
        while self.table[slot] != 0 && self.texts.text(self.table[slot] - 1) != text {
            slot = (slot + 1) & mask;
        }
        slot
    }

    fn grow(&mut self) {
        self.table = vec![0; (self.table.len() * 2).max(64)];
        for code in 0..self.texts.count() as u32 {
            let slot = self.slot(self.texts.text(code));
            self.table[slot] = code + 1;
        }
    }

    /// The dictionary of what came more than once, the commonest first so that their codes are short; and what became of each code:
    /// the new one, or none for a text that stands by itself.
    pub(super) fn finish(self) -> (Dictionary, Vec<Option<u32>>, Dictionary) {
        let mut common: Vec<u32> = (0..self.texts.count() as u32).filter(|code| self.counts[*code as usize] > 1).collect();
        common.sort_by_key(|code| (std::cmp::Reverse(self.counts[*code as usize]), *code));
        let length = common.iter().map(|code| self.texts.text(*code).len()).sum();
        let mut dictionary = Dictionary { arena: String::with_capacity(length), ends: Vec::with_capacity(common.len()) };
        let mut became = vec![None; self.texts.count()];
        for code in common {
            became[code as usize] = Some(dictionary.add(self.texts.text(code)));
        }
        (dictionary, became, self.texts)
    }
}

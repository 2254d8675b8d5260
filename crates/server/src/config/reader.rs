//! Reads TOML so that every mistake is told at once, each with its line.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::str::FromStr;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Something wrong in a configuration.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mistake {
    /// Line, from 1; 0 when it is about the whole.
    pub line: usize,
    /// What is wrong and what to do.
    pub what: String,
}

impl std::fmt::Display for Mistake {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.line {
            0 => f.write_str(&self.what),
            line => write!(f, "line {line}: {}", self.what),
        }
    }
}

/// Mistakes as they are found, and the text they are found in.
pub struct Mistakes<'a> {
    text: &'a str,
    found: RefCell<Vec<Mistake>>,
}

impl<'a> Mistakes<'a> {
    pub fn of(text: &'a str) -> Mistakes<'a> {
        Mistakes { text, found: RefCell::default() }
    }

    /// Notes a mistake at a byte offset.
    pub fn at(&self, offset: Option<usize>, what: impl Into<String>) {
        let line = offset.map_or(0, |offset| self.text.as_bytes().iter().take(offset).filter(|byte| **byte == b'\n').count() + 1);
        self.found.borrow_mut().push(Mistake { line, what: what.into() });
    }

    /// All of them, in order of lines.
    pub fn into_sorted(self) -> Vec<Mistake> {
        let mut found = self.found.into_inner();
        found.sort();
        found
    }
}

/// One table of the file, remembering which keys were asked for.
pub struct Section<'a> {
    name: String,
    offset: Option<usize>,
    table: Option<&'a DeTable<'a>>,
    mistakes: &'a Mistakes<'a>,
    asked: RefCell<BTreeSet<&'static str>>,
}

impl<'a> Section<'a> {
    /// A table found at `offset`.
    pub fn new(name: impl Into<String>, offset: Option<usize>, table: Option<&'a DeTable<'a>>, mistakes: &'a Mistakes<'a>) -> Section<'a> {
        Section { name: name.into(), offset, table, mistakes, asked: RefCell::default() }
    }

    fn raw(&self, key: &'static str) -> Option<&'a Spanned<DeValue<'a>>> {
        self.asked.borrow_mut().insert(key);
        self.table?.get(key)
    }

    fn wrong(&self, at: Option<usize>, key: &str, what: impl std::fmt::Display) {
        self.mistakes.at(at.or(self.offset), format!("{}.{key}: {what}", self.name));
    }

    /// Notes a mistake about `key`, at its line if it is there.
    pub fn mistake(&self, key: &'static str, what: impl std::fmt::Display) {
        self.wrong(self.raw(key).map(|value| value.span().start), key, what);
    }

    /// A string, if there.
    pub fn text(&self, key: &'static str) -> Option<String> {
        let value = self.raw(key)?;
        let text = value.get_ref().as_str();
        if text.is_none() {
            self.wrong(Some(value.span().start), key, format!("must be a string, not {}", value.get_ref().type_str()));
        }
        text.map(str::to_owned)
    }

    /// A string that parses as `T`, if there.
    pub fn parsed<T: FromStr>(&self, key: &'static str) -> Option<T>
    where
        T::Err: std::fmt::Display,
    {
        let text = self.text(key)?;
        text.parse().map_err(|error| self.mistake(key, format!("`{text}`: {error}"))).ok()
    }

    /// A string that must be there and parse; a missing one is a mistake.
    pub fn required<T: FromStr>(&self, key: &'static str) -> Option<T>
    where
        T::Err: std::fmt::Display,
    {
        if self.raw(key).is_none() {
            self.wrong(None, key, "is missing");
        }
        self.parsed(key)
    }

    /// Who answers for something: a name, and what makes it theirs to say.
    pub fn person(&self, key: &'static str) -> Option<String> {
        self.required::<String>(key).filter(|who| {
            let named = who.split_whitespace().count() > 1;
            if !named {
                self.mistake(key, "must name a person and their role: who answers for it");
            }
            named
        })
    }

    /// A whole number within bounds, or the default.
    pub fn number(&self, key: &'static str, default: u64, bounds: std::ops::RangeInclusive<u64>) -> u64 {
        let Some(value) = self.raw(key) else { return default };
        let number = value.get_ref().as_integer().and_then(|n| u64::from_str_radix(n.as_str(), n.radix()).ok());
        match number {
            Some(number) if bounds.contains(&number) => number,
            _ => {
                self.wrong(Some(value.span().start), key, format!("must be a whole number from {} to {}", bounds.start(), bounds.end()));
                default
            }
        }
    }

    /// `true` or `false`; false if not there.
    pub fn flag(&self, key: &'static str) -> bool {
        let Some(value) = self.raw(key) else { return false };
        let flag = value.get_ref().as_bool();
        if flag.is_none() {
            self.wrong(Some(value.span().start), key, format!("must be true or false, not {}", value.get_ref().type_str()));
        }
        flag.unwrap_or(false)
    }

    /// One of a few words, or the default.
    pub fn choice<T: Copy>(&self, key: &'static str, words: &[(&str, T)], default: T) -> T {
        let Some(text) = self.text(key) else { return default };
        match words.iter().find(|(word, _)| *word == text) {
            Some((_, value)) => *value,
            None => {
                let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
                self.mistake(key, format!("`{text}` is not known; use one of {}", known.join(", ")));
                default
            }
        }
    }

    /// A list of strings; empty if not there.
    pub fn texts(&self, key: &'static str) -> Vec<String> {
        let Some(value) = self.raw(key) else { return Vec::new() };
        let Some(array) = value.get_ref().as_array() else {
            self.wrong(Some(value.span().start), key, "must be a list of strings");
            return Vec::new();
        };
        array
            .iter()
            .filter_map(|item| {
                let text = item.get_ref().as_str().map(str::to_owned);
                if text.is_none() {
                    self.wrong(Some(item.span().start), key, "must be a list of strings");
                }
                text
            })
            .collect()
    }

    /// A table below this one; an empty one if not there.
    pub fn section(&self, key: &'static str) -> Section<'a> {
        let value = self.raw(key);
        let table = value.and_then(|value| value.get_ref().as_table());
        if let Some(value) = value
            && table.is_none()
        {
            self.wrong(Some(value.span().start), key, "must be a table");
        }
        let name = if self.name.is_empty() { key.to_owned() } else { format!("{}.{key}", self.name) };
        Section::new(name, value.map(|value| value.span().start).or(self.offset), table, self.mistakes)
    }

    /// Where it stands in the text.
    pub fn offset(&self) -> Option<usize> {
        self.offset
    }

    /// Whether `key` is there.
    pub fn has(&self, key: &'static str) -> bool {
        self.raw(key).is_some()
    }

    /// A list of tables (`[[key]]`); empty if not there.
    pub fn sections(&self, key: &'static str) -> Vec<Section<'a>> {
        let Some(value) = self.raw(key) else { return Vec::new() };
        let Some(array) = value.get_ref().as_array() else {
            self.wrong(Some(value.span().start), key, format!("must be a list of tables, each headed [[{key}]]"));
            return Vec::new();
        };
        array
            .iter()
            .filter_map(|item| {
                let table = item.get_ref().as_table();
                if table.is_none() {
                    self.wrong(Some(item.span().start), key, format!("must be a table, headed [[{key}]]"));
                }
                Some(Section::new(key, Some(item.span().start), Some(table?), self.mistakes))
            })
            .collect()
    }

    /// Notes every key that nobody asked for: a misspelt limit must not silently be its default.
    pub fn finish(self) {
        let asked = self.asked.into_inner();
        for (key, value) in self.table.into_iter().flatten() {
            if !asked.contains(key.get_ref().as_ref()) {
                let place = if self.name.is_empty() { String::new() } else { format!("{}.", self.name) };
                let near = asked.iter().find(|known| near(known, key.get_ref())).map(|known| format!("; did you mean `{known}`?"));
                let what = format!("{place}{} is not known{}", key.get_ref(), near.unwrap_or_default());
                self.mistakes.at(Some(key.span().start.min(value.span().start)), what);
            }
        }
    }
}

/// Whether two keys differ by a letter or two.
fn near(a: &str, b: &str) -> bool {
    let common = a.bytes().zip(b.bytes()).take_while(|(x, y)| x == y).count();
    let tail = a.bytes().rev().zip(b.bytes().rev()).take_while(|(x, y)| x == y).count();
    a.len().abs_diff(b.len()) <= 2 && common + tail + 2 >= a.len().max(b.len())
}

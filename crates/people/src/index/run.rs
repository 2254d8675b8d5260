//! Persons in order of their ids, packed: a segment of the base, or a layer of what changed since.

use record::{NhsNumber, PersonId, SourceId};

use super::bytes::{self, Cursor, varint};
use super::dictionary::{Dictionary, Interner};
use super::ids::Ids;
use super::keys;
use super::profile::{Profile, nine};
use super::table::{Pairs, Table};
use crate::matching::Folded;
use crate::{EntryKey, Person};

const RESTRICTED: u8 = 1;
const INVESTIGATED: u8 = 2;
const NUMBERED: u8 = 4;
const SUPERSEDED: u8 = 8;

/// Persons in order, and how they are found. Nothing in it ever changes.
#[derive(Default)]
pub(super) struct Run {
    pub(super) ids: Ids,
    /// Where each person's record ends.
    pub(super) ends: Vec<u32>,
    /// Records: flags, numbers, entries, then what the entries say.
    pub(super) records: Vec<u8>,
    pub(super) texts: Dictionary,
    /// Nine digits, whether it was superseded, and the ordinal, in 32, 8 and 24 bits, in order.
    pub(super) numbers: Vec<u64>,
    pub(super) homes: Table,
    pub(super) keys: Table,
}

/// What is held of a person, borrowed from wherever it stands.
#[derive(Default)]
pub(super) struct Held<'a> {
    pub(super) restricted: bool,
    pub(super) investigated: bool,
    pub(super) number: Option<u32>,
    pub(super) superseded: Vec<u32>,
    /// Source, local id, and which of the profiles is the entry's.
    pub(super) entries: Vec<(&'a str, &'a str, u32)>,
    pub(super) profiles: Vec<Profile<&'a str>>,
}

/// The first part of a record.
pub(super) struct Head {
    pub(super) restricted: bool,
    pub(super) investigated: bool,
    pub(super) number: Option<u32>,
    superseded: Vec<u32>,
}

/// The key of an entry in a table.
fn home_digest(source: &str, local_id: &str) -> u64 {
    keys::hash([source.as_bytes(), &[0], local_id.as_bytes()].into_iter())
}

impl Run {
    fn record(&self, ordinal: u32) -> Cursor<'_> {
        let ordinal = ordinal as usize;
        let start = if ordinal == 0 { 0 } else { self.ends[ordinal - 1] as usize };
        Cursor(&self.records[start..self.ends[ordinal] as usize])
    }

    /// The first part of a person's record, and the rest.
    pub(super) fn head(&self, ordinal: u32) -> (Head, Cursor<'_>) {
        let mut from = self.record(ordinal);
        let flags = from.byte();
        let number = (flags & NUMBERED != 0).then(|| from.whole());
        let count = if flags & SUPERSEDED != 0 { from.varint() } else { 0 };
        let superseded = (0..count).map(|_| from.whole()).collect();
        (Head { restricted: flags & RESTRICTED != 0, investigated: flags & INVESTIGATED != 0, number, superseded }, from)
    }

    /// The entries that follow the head: source, local id, profile.
    fn entries<'a>(&'a self, from: &mut Cursor<'a>, mut each: impl FnMut(&'a str, &'a str, u32)) {
        for _ in 0..from.varint() {
            let source = self.text(from).0.unwrap_or("");
            let profile = from.varint();
            each(source, from.text(), profile);
        }
    }

    fn text<'a>(&'a self, from: &mut Cursor<'a>) -> (Option<&'a str>, bool) {
        let code = from.varint();
        let text = match code >> 1 {
            0 => from.text(),
            code => self.texts.text(code - 1),
        };
        (Some(text).filter(|text| !text.is_empty()), code & 1 != 0)
    }

    /// What a person's entries say of them, each different saying once.
    pub(super) fn profiles(&self, ordinal: u32) -> Profiles<'_> {
        let (head, mut from) = self.head(ordinal);
        self.entries(&mut from, |_, _, _| {});
        let left = from.varint();
        Profiles { run: self, from, left, stands: head.number, first: None }
    }

    /// Everything that is held of a person.
    pub(super) fn held(&self, ordinal: u32) -> Held<'_> {
        let (head, mut from) = self.head(ordinal);
        let mut entries = Vec::new();
        self.entries(&mut from, |source, local_id, profile| entries.push((source, local_id, profile)));
        let left = from.varint();
        let profiles = Profiles { run: self, from, left, stands: head.number, first: None }.collect();
        let Head { restricted, investigated, number, superseded } = head;
        Held { restricted, investigated, number, superseded, entries, profiles }
    }

    /// The persons of a number: those for whom it stands first, each with whether it was superseded.
    pub(super) fn of_number(&self, number: &NhsNumber) -> impl Iterator<Item = (bool, u32)> {
        let low = u64::from(nine(number)) << 32;
        let from = self.numbers.partition_point(|pair| *pair < low);
        let same = self.numbers[from..].iter().take_while(move |pair| **pair >> 32 == low >> 32);
        same.map(|pair| (pair >> 24 & 1 == 1, (pair & 0xff_ffff) as u32))
    }

    /// The persons that have an entry: the digest says who may, their record who does.
    pub(super) fn of_entry(&self, key: &EntryKey) -> impl Iterator<Item = u32> {
        let range = self.homes.find(home_digest(key.source.as_str(), &key.local_id));
        self.homes.ordinals(range).filter(|ordinal| {
            let mut has = false;
            let mut from = self.head(*ordinal).1;
            self.entries(&mut from, |source, local_id, _| has |= source == key.source.as_str() && local_id == key.local_id);
            has
        })
    }

    /// The sources that hold a person, with their local ids.
    pub(super) fn keys_of(&self, ordinal: u32) -> Vec<EntryKey> {
        let mut out = Vec::new();
        let mut from = self.head(ordinal).1;
        self.entries(&mut from, |source, local_id, _| {
            out.extend(source.parse::<SourceId>().map(|source| EntryKey { source, local_id: local_id.to_owned() }));
        });
        out
    }
}

/// The profiles of a person, one after another.
pub(super) struct Profiles<'a> {
    run: &'a Run,
    from: Cursor<'a>,
    left: u32,
    stands: Option<u32>,
    first: Option<Profile<&'a str>>,
}

impl<'a> Iterator for Profiles<'a> {
    type Item = Profile<&'a str>;

    fn next(&mut self) -> Option<Profile<&'a str>> {
        self.left = self.left.checked_sub(1)?;
        let nothing = Profile::default();
        let first = self.first.as_ref().unwrap_or(&nothing);
        let run = self.run;
        let profile = Profile::read(first, self.stands, &mut self.from, |from| run.text(from));
        if self.first.is_none() {
            self.first = Some(profile.clone());
        }
        Some(profile)
    }
}

/// A run in the making. Texts get codes at once; which of them are worth a place in the dictionary is known at the end.
#[derive(Default)]
pub(super) struct Builder {
    ids: Ids,
    ends: Vec<u32>,
    records: Vec<u8>,
    texts: Interner,
    numbers: Vec<u64>,
    homes: Pairs,
    keys: Pairs,
}

impl Builder {
    pub(super) fn count(&self) -> usize {
        self.ids.count()
    }

    /// Whether it has room for another; records must be reached by four bytes.
    pub(super) fn is_full(&self, persons_max: usize) -> bool {
        self.count() >= persons_max || self.records.len() > (u32::MAX / 4) as usize
    }

    /// Adds a person, whose id comes after all others.
    pub(super) fn add(&mut self, person: &Person) {
        if person.cut {
            return self.add_cut(person);
        }
        let folded: Vec<Folded> = person.entries.iter().map(|entry| Folded::of(&entry.demographics)).collect();
        let mut held = Held {
            restricted: person.restricted,
            investigated: person.investigated,
            number: person.number.as_ref().map(nine),
            superseded: person.superseded.iter().map(nine).collect(),
            ..Held::default()
        };
        for (entry, folded) in person.entries.iter().zip(&folded) {
            let profile = Profile::of(&folded.fields(), |text| text);
            let at = held.profiles.iter().position(|other| *other == profile).unwrap_or_else(|| {
                held.profiles.push(profile);
                held.profiles.len() - 1
            });
            held.entries.push((entry.key.source.as_str(), &entry.key.local_id, at as u32));
        }
        self.append(&person.id, &held);
    }

    /// Adds a person whose number was cut: nothing leads to them but their entries' own ids.
    fn add_cut(&mut self, person: &Person) {
        let entries = person.entries.iter().map(|entry| (entry.key.source.as_str(), entry.key.local_id.as_str(), 0)).collect();
        self.append(&person.id, &Held { restricted: person.restricted, investigated: true, entries, ..Held::default() });
    }

    /// The same from what is held already.
    pub(super) fn append(&mut self, id: &PersonId, held: &Held<'_>) {
        let ordinal = self.ids.count() as u32;
        self.ids.push(id);
        self.find_by(ordinal, held);
        let flag = |flag: u8, on: bool| if on { flag } else { 0 };
        let flags = flag(RESTRICTED, held.restricted) | flag(INVESTIGATED, held.investigated);
        self.records.push(flags | flag(NUMBERED, held.number.is_some()) | flag(SUPERSEDED, !held.superseded.is_empty()));
        self.records.extend(held.number.iter().flat_map(|number| number.to_le_bytes()));
        if !held.superseded.is_empty() {
            varint(&mut self.records, held.superseded.len() as u32);
            self.records.extend(held.superseded.iter().flat_map(|number| number.to_le_bytes()));
        }
        varint(&mut self.records, held.entries.len() as u32);
        for (source, local_id, profile) in &held.entries {
            varint(&mut self.records, self.texts.code(source) + 1);
            varint(&mut self.records, *profile);
            bytes::text(&mut self.records, local_id);
        }
        varint(&mut self.records, held.profiles.len() as u32);
        let mut first = Profile::default();
        for (at, profile) in held.profiles.iter().enumerate() {
            let coded = Profile::of(&profile.clone().fields(), |text| self.texts.code(text));
            coded.write(&first, held.number, &mut self.records, |code, more, out| varint(out, (code + 1) << 1 | u32::from(more)));
            if at == 0 {
                first = coded;
            }
        }
        self.ends.push(self.records.len() as u32);
    }

    /// Notes by what a person is found.
    fn find_by(&mut self, ordinal: u32, held: &Held<'_>) {
        let stands = held.number.iter().map(|number| (number, 0));
        for (number, superseded) in stands.chain(held.superseded.iter().map(|number| (number, 1))) {
            self.numbers.push(u64::from(*number) << 32 | superseded << 24 | u64::from(ordinal));
        }
        for (source, local_id, _) in &held.entries {
            self.homes.add(home_digest(source, local_id), ordinal);
        }
        let mut digests: Vec<u64> = Vec::with_capacity(16);
        for profile in &held.profiles {
            keys::each(&profile.clone().fields(), |key| digests.push(key.digest));
        }
        digests.sort_unstable();
        digests.dedup();
        digests.into_iter().for_each(|digest| self.keys.add(digest, ordinal));
    }

    /// The run.
    pub(super) fn finish(mut self) -> Run {
        let (texts, became, were) = self.texts.finish();
        let mut rewriting = Rewriting { became: &became, were: &were, out: Vec::with_capacity(self.records.len()) };
        let mut start = 0;
        for end in &mut self.ends {
            rewriting.record(Cursor(&self.records[start..*end as usize]));
            start = *end as usize;
            *end = rewriting.out.len() as u32;
        }
        let mut records = rewriting.out;
        records.shrink_to_fit();
        self.numbers.sort_unstable();
        self.numbers.shrink_to_fit();
        self.ends.shrink_to_fit();
        self.ids.shrink();
        let (homes, keys) = (self.homes.finish(), self.keys.finish());
        Run { ids: self.ids, ends: self.ends, records, texts, numbers: self.numbers, homes, keys }
    }
}

/// Writes records again, with the codes of the finished dictionary and the texts that are in none.
struct Rewriting<'a> {
    became: &'a [Option<u32>],
    were: &'a Dictionary,
    out: Vec<u8>,
}

impl Rewriting<'_> {
    fn record(&mut self, mut from: Cursor<'_>) {
        let flags = from.byte();
        self.out.push(flags);
        if flags & NUMBERED != 0 {
            self.out.extend_from_slice(from.take(4));
        }
        if flags & SUPERSEDED != 0 {
            let count = from.varint();
            varint(&mut self.out, count);
            self.out.extend_from_slice(from.take(count as usize * 4));
        }
        let entries = from.varint();
        varint(&mut self.out, entries);
        for _ in 0..entries {
            let source = from.varint() - 1;
            text(self.became, self.were, source, false, &mut self.out);
            let profile = from.varint();
            varint(&mut self.out, profile);
            bytes::text(&mut self.out, from.text());
        }
        let profiles = from.varint();
        varint(&mut self.out, profiles);
        let mut first = Profile::default();
        // Which number stands does not matter here: it is written as it was read. Any that no entry gives will do.
        for at in 0..profiles {
            let profile = Profile::read(&first, STANDS, &mut from, |from| {
                let code = from.varint();
                if code >> 1 == 0 {
                    from.text(); // An empty list.
                }
                ((code >> 1).checked_sub(1), code & 1 != 0)
            });
            let (became, were) = (self.became, self.were);
            profile.write(&first, STANDS, &mut self.out, |code, more, out| text(became, were, *code, more, out));
            if at == 0 {
                first = profile;
            }
        }
    }
}

/// No nine digits, so that it stands for the number that stands.
const STANDS: Option<u32> = Some(u32::MAX);

fn text(became: &[Option<u32>], were: &Dictionary, code: u32, more: bool, out: &mut Vec<u8>) {
    match became.get(code as usize).copied().flatten() {
        Some(code) => varint(out, (code + 1) << 1 | u32::from(more)),
        None => {
            varint(out, u32::from(more));
            bytes::text(out, were.text(code));
        }
    }
}

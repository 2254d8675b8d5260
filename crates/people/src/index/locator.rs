//! The locator in memory: which sources hold whom, by category, how new what they hold is, and when they were last heard.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp, civil::Date};
use record::{PersonId, SourceId};

use super::bytes::{Cursor, varint};
use super::ids::Ids;
use super::stack::{Run, Shared, Stack};
use super::{Limits, arrays, snapshot};
use crate::Entry;

/// What sort of things a source holds of a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Category {
    /// Allergies and intolerances.
    Allergies,
    /// Appointments and referrals.
    Appointments,
    /// Who they are.
    Demographics,
    /// Letters and other documents.
    Documents,
    /// Encounters and stays.
    Encounters,
    /// Vaccinations.
    Immunisations,
    /// Medicines.
    Medications,
    /// Anything else.
    Other,
    /// Care plans, and what a person wishes.
    Plans,
    /// Problems and diagnoses.
    Problems,
    /// Procedures.
    Procedures,
    /// Observations and results.
    Results,
    /// Social care.
    SocialCare,
}

/// All categories.
const CATEGORIES: [Category; 13] = [
    Category::Allergies,
    Category::Appointments,
    Category::Demographics,
    Category::Documents,
    Category::Encounters,
    Category::Immunisations,
    Category::Medications,
    Category::Other,
    Category::Plans,
    Category::Problems,
    Category::Procedures,
    Category::Results,
    Category::SocialCare,
];

/// Some categories.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Categories(u16);

impl Categories {
    /// Whether there is none: the source was asked and held nothing.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether one is among them.
    pub fn contains(self, category: Category) -> bool {
        self.0 & 1 << category as u16 != 0
    }

    /// Each of them.
    pub fn iter(self) -> impl Iterator<Item = Category> {
        CATEGORIES.into_iter().filter(move |category| self.contains(*category))
    }
}

impl FromIterator<Category> for Categories {
    fn from_iter<I: IntoIterator<Item = Category>>(categories: I) -> Categories {
        Categories(categories.into_iter().fold(0, |set, category| set | 1 << category as u16))
    }
}

/// What a source was last heard to hold of a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holding {
    /// The source.
    pub source: SourceId,
    /// What it holds; nothing says that it was asked and knew nothing.
    pub categories: Categories,
    /// The newest date that stands in what it holds.
    pub newest: Option<Date>,
    /// When it said so, to the minute; earlier rather than later.
    pub heard: Timestamp,
}

impl Holding {
    /// What an entry alone says: that the source knows the person.
    pub fn of_entry(entry: &Entry) -> Holding {
        let categories = Categories::from_iter([Category::Demographics]);
        Holding { source: entry.key.source.clone(), categories, newest: None, heard: entry.seen }
    }

    /// Whether it is too old to be relied on, so that the source is asked anyway.
    pub fn is_due(&self, now: Timestamp, age_max: SignedDuration) -> bool {
        now.duration_since(self.heard) > age_max
    }
}

/// The locator. Cheap to clone: clones are the same locator.
#[derive(Clone)]
pub struct Locator {
    pub(super) shared: Arc<Shared<Rows>>,
}

impl Default for Locator {
    fn default() -> Locator {
        Locator::with(Limits::default())
    }
}

impl Locator {
    /// A locator that has heard nothing.
    pub fn new() -> Locator {
        Locator::default()
    }

    /// The same with other limits than the default ones.
    pub fn with(limits: Limits) -> Locator {
        Locator { shared: Arc::new(Shared::new(limits.segment_persons_max)) }
    }

    /// What is known of who holds a person, in order of sources. No row means that the source was never heard of this person.
    pub fn holdings(&self, person: &PersonId) -> Vec<Holding> {
        holdings(&self.shared.read(), person)
    }

    /// Writes down what sources were heard to say; what others said stays. Of one source the last counts.
    pub fn heard(&self, person: &PersonId, heard: &[Holding]) {
        self.shared.change(|stack| {
            let mut rows = by_source(holdings(stack, person));
            rows.extend(by_source(heard.to_vec()));
            stack.push_one(of_one(person, rows.into_values()), Vec::new());
        });
    }

    /// Replaces everything that is known of who holds a person: after a merge, an un-merge or a purge.
    pub fn put(&self, person: &PersonId, holdings: &[Holding]) {
        self.shared.push(of_one(person, by_source(holdings.to_vec()).into_values()), Vec::new());
    }

    /// Forgets a person.
    pub fn remove(&self, person: &PersonId) {
        self.shared.push(Rows::default(), vec![person.clone()]);
    }

    /// For making the base of a locator that has none yet, in order of persons' ids.
    pub fn filler(&self) -> LocatorFiller<'_> {
        LocatorFiller { locator: self, builder: Builder::default(), last: None }
    }

    /// How many persons changed since the base was made: when it is time to [`Locator::fold`].
    pub fn pending(&self) -> usize {
        self.shared.pending()
    }

    /// Folds what changed into the base, as [`super::Index::fold`] does.
    pub fn fold(&self) -> usize {
        self.shared.fold()
    }
}

fn by_source(holdings: Vec<Holding>) -> BTreeMap<SourceId, Holding> {
    holdings.into_iter().map(|holding| (holding.source.clone(), holding)).collect()
}

fn holdings(stack: &Stack<Rows>, person: &PersonId) -> Vec<Holding> {
    stack.find(person).map(|(run, ordinal)| run.holdings(ordinal)).unwrap_or_default()
}

fn of_one(person: &PersonId, rows: impl Iterator<Item = Holding>) -> Rows {
    let mut builder = Builder::default();
    builder.add(person, rows);
    Run::finish(builder)
}

/// Takes persons' rows in, in order of persons' ids.
pub struct LocatorFiller<'a> {
    locator: &'a Locator,
    builder: Builder,
    last: Option<PersonId>,
}

impl LocatorFiller<'_> {
    /// Takes a person's rows in. One whose id does not come after the last one's is put above the base, which costs more.
    pub fn add(&mut self, person: &PersonId, holdings: &[Holding]) {
        if self.last.as_ref().is_some_and(|last| last >= person) {
            return self.locator.put(person, holdings);
        }
        if Rows::is_full(&self.builder, self.locator.shared.persons_max()) {
            self.locator.shared.append(Run::finish(std::mem::take(&mut self.builder)));
        }
        self.builder.add(person, by_source(holdings.to_vec()).into_values());
        self.last = Some(person.clone());
    }

    /// Makes what is left findable.
    pub fn finish(self) {
        self.locator.shared.append(Run::finish(self.builder));
    }
}

/// Rows of persons in order, packed.
#[derive(Default)]
pub(super) struct Rows {
    ids: Ids,
    sources: Vec<SourceId>,
    /// Where each person's rows end.
    ends: Vec<u32>,
    /// Source, categories, newest as days and one or 0, heard in minutes.
    rows: Vec<u8>,
}

const EPOCH: Date = jiff::civil::date(1900, 1, 1);
/// 1 January 2020, in seconds: nobody was heard before.
const HEARD_FROM: i64 = 1_577_836_800;

impl Rows {
    fn holdings(&self, ordinal: u32) -> Vec<Holding> {
        let ordinal = ordinal as usize;
        let start = if ordinal == 0 { 0 } else { self.ends[ordinal - 1] as usize };
        let mut from = Cursor(&self.rows[start..self.ends[ordinal] as usize]);
        let mut out = Vec::new();
        while !from.0.is_empty() {
            let (source, categories, newest, heard) = (from.varint(), from.varint(), from.varint(), from.varint());
            let newest = newest.checked_sub(1).and_then(|days| EPOCH.checked_add(jiff::Span::new().days(i64::from(days))).ok());
            let heard = Timestamp::from_second(HEARD_FROM + i64::from(heard) * 60).unwrap_or(Timestamp::UNIX_EPOCH);
            let source = self.sources.get(source as usize).cloned();
            out.extend(source.map(|source| Holding { source, categories: Categories(categories as u16), newest, heard }));
        }
        out
    }
}

/// Rows in the making.
#[derive(Default)]
pub(super) struct Builder {
    run: Rows,
    codes: rustc_hash::FxHashMap<SourceId, u32>,
}

impl Builder {
    fn add(&mut self, person: &PersonId, rows: impl Iterator<Item = Holding>) {
        let run = &mut self.run;
        run.ids.push(person);
        for row in rows {
            let code = *self.codes.entry(row.source.clone()).or_insert_with(|| {
                run.sources.push(row.source.clone());
                run.sources.len() as u32 - 1
            });
            varint(&mut run.rows, code);
            varint(&mut run.rows, u32::from(row.categories.0));
            let days = row.newest.map(|date| date.duration_since(EPOCH).as_hours() / 24);
            varint(&mut run.rows, days.map_or(0, |days| days.clamp(0, i64::from(u32::MAX - 1)) as u32 + 1));
            varint(&mut run.rows, ((row.heard.as_second() - HEARD_FROM) / 60).clamp(0, i64::from(u32::MAX)) as u32);
        }
        run.ends.push(run.rows.len() as u32);
    }
}

impl Run for Rows {
    type Builder = Builder;

    fn ids(&self) -> &Ids {
        &self.ids
    }

    fn copy(&self, id: &PersonId, ordinal: u32, to: &mut Builder) {
        to.add(id, self.holdings(ordinal).into_iter());
    }

    fn is_full(builder: &Builder, persons_max: usize) -> bool {
        builder.run.ids.count() >= persons_max || builder.run.rows.len() > (u32::MAX / 4) as usize
    }

    fn finish(builder: Builder) -> Rows {
        let mut run = builder.run;
        run.ids.shrink();
        run.ends.shrink_to_fit();
        run.rows.shrink_to_fit();
        run
    }
}

impl snapshot::Stored for Rows {
    const OF: (&'static str, u8) = ("locator", 2);

    fn write(&self, out: &mut impl Write) -> io::Result<()> {
        self.ids.write(out)?;
        arrays::count(out, self.sources.len())?;
        for source in &self.sources {
            arrays::write_bytes(out, source.as_str().as_bytes())?;
        }
        arrays::write(out, &self.ends, u32::to_le_bytes)?;
        arrays::write_bytes(out, &self.rows)
    }

    fn read(from: &mut impl Read) -> io::Result<Rows> {
        let ids = Ids::read(from)?;
        let source = |from: &mut _| arrays::read_text(from)?.parse().map_err(|_| arrays::broken());
        let sources = (0..arrays::read_count(from)?).map(|_| source(from)).collect::<io::Result<_>>()?;
        let (ends, rows) = (arrays::read(from, u32::from_le_bytes)?, arrays::read_bytes(from)?);
        arrays::check(&ids, &ends, rows.len())?;
        Ok(Rows { ids, sources, ends, rows })
    }
}

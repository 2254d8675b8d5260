//! Making the base from the register.

use record::PersonId;

use super::Index;
use super::run::Builder;
use crate::{Person, Register, RegisterDown};

/// How far it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Persons taken in.
    pub persons: u64,
    /// Entries taken in.
    pub entries: u64,
    /// Persons in all, as far as that is known.
    pub total: Option<u64>,
}

/// Takes persons in, in order of their ids. What it has taken in is found once [`Filler::finish`] was called, or a segment is full.
pub struct Filler<'a> {
    index: &'a Index,
    builder: Builder,
    last: Option<PersonId>,
}

impl Index {
    /// For making the base of an index that has none yet. What is put or removed meanwhile stays above it.
    pub fn filler(&self) -> Filler<'_> {
        Filler { index: self, builder: Builder::default(), last: None }
    }

    /// Makes the base from the register, page by page. What changes in the register meanwhile is for the caller to put as well: it counts
    /// whether it comes before or after the page.
    pub async fn fill(
        &self,
        register: &dyn Register,
        page_persons_max: usize,
        mut told: impl FnMut(Progress) + Send,
    ) -> Result<Progress, RegisterDown> {
        let mut filler = self.filler();
        let mut progress = Progress { persons: 0, entries: 0, total: None };
        let mut after = None;
        loop {
            let page = register.page(after.as_ref(), page_persons_max).await?;
            for person in &page.persons {
                filler.add(person);
                progress.persons += 1;
                progress.entries += person.entries.len() as u64;
            }
            progress.total = page.total.or(progress.total);
            told(progress);
            match page.next {
                Some(next) => after = Some(next),
                None => break,
            }
        }
        filler.finish();
        Ok(progress)
    }
}

impl Filler<'_> {
    /// Takes a person in. One whose id does not come after the last one's is put above the base, which costs more.
    pub fn add(&mut self, person: &Person) {
        if self.last.as_ref().is_some_and(|last| *last >= person.id) {
            return self.index.put(person);
        }
        if self.builder.is_full(self.index.shared.persons_max()) {
            self.index.shared.append(std::mem::take(&mut self.builder).finish());
        }
        self.builder.add(person);
        self.last = Some(person.id.clone());
    }

    /// Makes what is left findable.
    pub fn finish(self) {
        self.index.shared.append(self.builder.finish());
    }
}

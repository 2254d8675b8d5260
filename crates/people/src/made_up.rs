//! A register as a demonstration may see it: people who are made up, and nobody else.

use std::sync::Arc;

use async_trait::async_trait;
use record::{NhsNumber, PersonId};

use crate::{Change, Entry, EntryKey, Event, News, NotWritten, Page, Person, Position, Register, RegisterDown, Task, TaskFilter, TaskId};

/// A pane before a register. Whoever has a number that might be somebody's, or any entry that gives one, is not there behind it, whoever
/// wrote them and when; and nothing is written that would put them there. Whoever has no number at all is taken for made up.
pub struct MadeUp(Arc<dyn Register>);

impl MadeUp {
    /// Before this register.
    pub fn of(register: Arc<dyn Register>) -> MadeUp {
        MadeUp(register)
    }

    async fn shows(&self, id: &PersonId) -> Result<bool, RegisterDown> {
        Ok(self.0.person(id).await?.is_none_or(|person| is_made_up(&person)))
    }

    async fn shows_task(&self, task: &Task) -> Result<bool, RegisterDown> {
        for key in std::iter::once(&task.entry).chain(&task.other) {
            if let Some(home) = self.0.home(key).await?
                && !self.shows(&home).await?
            {
                return Ok(false);
            }
        }
        self.shows(&task.person).await
    }
}

/// Whether an entry gives no number, or one that was never issued to anybody. What is no number is nobody's.
pub fn is_made_up_entry(entry: &Entry) -> bool {
    entry.demographics.number.as_ref().and_then(|number| number.valid()).is_none_or(|number| number.is_synthetic())
}

fn is_made_up(person: &Person) -> bool {
    person.number.iter().chain(&person.superseded).all(NhsNumber::is_synthetic) && person.entries.iter().all(is_made_up_entry)
}

/// Whether a change tells of nobody who might be real. To forget somebody, or that a number is nobody's, tells of nobody.
fn may_be_written(change: &Change) -> bool {
    match change {
        Change::Person(person) => is_made_up(person),
        Change::Put(_, entry) => is_made_up_entry(entry),
        Change::Apart(..)
        | Change::Cut(_)
        | Change::Event(_)
        | Change::Loaded(..)
        | Change::Purge(..)
        | Change::Task(_)
        | Change::Together(..) => true,
    }
}

#[async_trait]
impl Register for MadeUp {
    async fn page(&self, after: Option<&PersonId>, persons_max: usize) -> Result<Page, RegisterDown> {
        let mut page = self.0.page(after, persons_max).await?;
        page.persons.retain(is_made_up);
        Ok(page)
    }

    async fn person(&self, id: &PersonId) -> Result<Option<Person>, RegisterDown> {
        Ok(self.0.person(id).await?.filter(is_made_up))
    }

    async fn home(&self, key: &EntryKey) -> Result<Option<PersonId>, RegisterDown> {
        match self.0.home(key).await? {
            Some(home) => Ok(self.shows(&home).await?.then_some(home)),
            None => Ok(None),
        }
    }

    async fn of_number(&self, number: &NhsNumber) -> Result<Option<PersonId>, RegisterDown> {
        match self.0.of_number(number).await?.filter(|_| number.is_synthetic()) {
            Some(person) => Ok(self.shows(&person).await?.then_some(person)),
            None => Ok(None),
        }
    }

    async fn cut_among(&self, numbers: &[NhsNumber]) -> Result<Vec<NhsNumber>, RegisterDown> {
        self.0.cut_among(numbers).await
    }

    async fn apply(&self, batch: Vec<Change>, at: Option<Position>) -> Result<Position, NotWritten> {
        if !batch.iter().all(may_be_written) {
            return Err(RegisterDown("it is a demonstration's, and takes nobody with a number that might be somebody's".to_owned()).into());
        }
        self.0.apply(batch, at).await
    }

    async fn position(&self) -> Result<Position, RegisterDown> {
        self.0.position().await
    }

    async fn since(&self, position: Position, persons_max: usize) -> Result<Option<News>, RegisterDown> {
        let mut news = self.0.since(position, persons_max).await?;
        if let Some(news) = &mut news {
            news.persons.retain(is_made_up);
        }
        Ok(news)
    }

    async fn history(&self, person: &PersonId) -> Result<Vec<Event>, RegisterDown> {
        if self.shows(person).await? { self.0.history(person).await } else { Ok(Vec::new()) }
    }

    async fn apart(&self, person: &PersonId, key: &EntryKey) -> Result<Vec<EntryKey>, RegisterDown> {
        if self.shows(person).await? { self.0.apart(person, key).await } else { Ok(Vec::new()) }
    }

    async fn tasks(&self, filter: &TaskFilter) -> Result<Vec<Task>, RegisterDown> {
        let (mut filter, mut shown) = (filter.clone(), Vec::new());
        loop {
            let tasks = self.0.tasks(&filter).await?;
            let last = tasks.len() < filter.count_max;
            filter.after = tasks.last().map(|task| task.id.clone()).or(filter.after);
            for task in tasks {
                if shown.len() < filter.count_max && self.shows_task(&task).await? {
                    shown.push(task);
                }
            }
            if last || shown.len() >= filter.count_max {
                return Ok(shown);
            }
        }
    }

    async fn task(&self, id: &TaskId) -> Result<Option<Task>, RegisterDown> {
        match self.0.task(id).await? {
            Some(task) => Ok(self.shows_task(&task).await?.then_some(task)),
            None => Ok(None),
        }
    }

    async fn loaded(&self, file: &str) -> Result<u64, RegisterDown> {
        self.0.loaded(file).await
    }
}

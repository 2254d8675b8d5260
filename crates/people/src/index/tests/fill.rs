use async_trait::async_trait;

use super::*;
use crate::index::Progress;
use crate::{Change, Event, News, NotWritten, Page, Position, Register, RegisterDown, Task, TaskFilter, TaskId};

/// A register that gives pages and nothing else; after so many of them it is away.
struct Pages(Model, std::sync::atomic::AtomicUsize);

#[async_trait]
impl Register for Pages {
    async fn page(&self, after: Option<&PersonId>, persons_max: usize) -> Result<Page, RegisterDown> {
        let left = self.1.fetch_sub(1, std::sync::atomic::Ordering::Relaxed);
        if left == 0 {
            return Err(RegisterDown("away".to_owned()));
        }
        let from = after.map_or(std::ops::Bound::Unbounded, std::ops::Bound::Excluded);
        let persons: Vec<Person> =
            self.0.0.range::<PersonId, _>((from, std::ops::Bound::Unbounded)).take(persons_max).map(|(_, p)| p.clone()).collect();
        let next = persons.last().filter(|_| persons.len() == persons_max).map(|person| person.id.clone());
        Ok(Page { persons, total: Some(self.0.0.len() as u64), next })
    }
    async fn person(&self, _: &PersonId) -> Result<Option<Person>, RegisterDown> {
        Err(RegisterDown("not asked".to_owned()))
    }
    async fn home(&self, _: &EntryKey) -> Result<Option<PersonId>, RegisterDown> {
        Err(RegisterDown("not asked".to_owned()))
    }
    async fn of_number(&self, _: &NhsNumber) -> Result<Option<PersonId>, RegisterDown> {
        Err(RegisterDown("not asked".to_owned()))
    }
    async fn cut_among(&self, _: &[NhsNumber]) -> Result<Vec<NhsNumber>, RegisterDown> {
        Err(RegisterDown("not asked".to_owned()))
    }
    async fn apply(&self, _: Vec<Change>, _: Option<Position>) -> Result<Position, NotWritten> {
        Err(NotWritten::Behind)
    }
    async fn position(&self) -> Result<Position, RegisterDown> {
        Err(RegisterDown("not asked".to_owned()))
    }
    async fn since(&self, _: Position, _: usize) -> Result<Option<News>, RegisterDown> {
        Err(RegisterDown("not asked".to_owned()))
    }
    async fn history(&self, _: &PersonId) -> Result<Vec<Event>, RegisterDown> {
        Err(RegisterDown("not asked".to_owned()))
    }
    async fn apart(&self, _: &PersonId, _: &EntryKey) -> Result<Vec<EntryKey>, RegisterDown> {
        Err(RegisterDown("not asked".to_owned()))
    }
    async fn tasks(&self, _: &TaskFilter) -> Result<Vec<Task>, RegisterDown> {
        Err(RegisterDown("not asked".to_owned()))
    }
    async fn task(&self, _: &TaskId) -> Result<Option<Task>, RegisterDown> {
        Err(RegisterDown("not asked".to_owned()))
    }
    async fn loaded(&self, _: &str) -> Result<u64, RegisterDown> {
        Err(RegisterDown("not asked".to_owned()))
    }
}

fn town() -> Model {
    let people = (0..10).map(|n| person(&format!("p{n}"), None, vec![entry("uhb", &n.to_string(), "Smith", "1962-03-09")]));
    Model(people.map(|person| (person.id.clone(), person)).collect())
}

#[tokio::test]
async fn the_base_is_made_from_the_register_with_progress() {
    let index = Index::with(Limits { segment_persons_max: 4, ..Limits::default() });
    let mut told = Vec::new();
    let whole = index.fill(&Pages(town(), 99.into()), 3, |progress| told.push(progress)).await.unwrap();
    assert_eq!(whole, Progress { persons: 10, entries: 10, total: Some(10) });
    assert_eq!(told.iter().map(|progress| progress.persons).collect::<Vec<_>>(), [3, 6, 9, 10]);
    check(&index, &town(), &Demographics::default());
}

#[tokio::test]
async fn what_changes_while_the_base_is_made_stays_above_it() {
    let index = Index::with(Limits { segment_persons_max: 4, ..Limits::default() });
    let mut model = town();
    let newer = person("p3", Some("9990000018"), vec![entry("gp", "1", "Jones", "1970-01-02")]);
    index.change(std::slice::from_ref(&newer), &["p5".parse().unwrap()]);
    index.fill(&Pages(town(), 99.into()), 3, |_| {}).await.unwrap();
    model.change(&[newer], &["p5".parse().unwrap()]);
    check(&index, &model, &Demographics::default());
    index.fold();
    check(&index, &model, &Demographics::default());
}

#[tokio::test]
async fn a_register_that_is_away_is_no_empty_register() {
    assert!(Index::new().fill(&Pages(town(), 2.into()), 3, |_| {}).await.is_err());
}

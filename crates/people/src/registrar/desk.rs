//! The steward's desk: doubts are looked at side by side, decided, and decisions undone.

use record::PersonId;

use super::draft::Draft;
use super::explain::Explained;
use super::{Done, NotDone, Registrar};
use crate::{Author, Change, Deed, Doubt, Entry, EntryKey, Outcome, RegisterDown, Task, TaskFilter, TaskId};

/// A task with what it is about, side by side.
#[derive(Debug, Clone, PartialEq)]
pub struct Sides {
    /// The task.
    pub task: Task,
    /// The entry that raised it, and whose it is now; none if it is gone.
    pub entry: Option<(PersonId, Entry)>,
    /// The other one, where it is about two.
    pub other: Option<(PersonId, Entry)>,
    /// How the two compare.
    pub explained: Option<Explained>,
    /// Whether one of them is restricted: then neither side says where anybody is.
    pub restricted: bool,
}

impl Registrar {
    /// Tasks, in order of ids.
    pub async fn tasks(&self, filter: &TaskFilter) -> Result<Vec<Task>, RegisterDown> {
        self.register.tasks(filter).await
    }

    /// Raises a doubt about an entry that the guards did not let pass for a person. One that was decided is not raised again, and of
    /// whoever was cut none is.
    pub async fn held(&self, person: &PersonId, entry: &EntryKey) -> Result<Done, NotDone> {
        Ok(deed!(self, |draft| {
            for id in draft.home(entry).iter().chain([person]) {
                if draft.person(id).await?.is_some_and(|drafted| drafted.person.cut) {
                    return Ok(Done::default());
                }
            }
            draft.raise(Doubt::Held, person, entry, None).await?
        }))
    }

    /// A task with what it is about.
    pub async fn show(&self, id: &TaskId) -> Result<Sides, NotDone> {
        let task = self.register.task(id).await?.ok_or(NotDone::UnknownTask)?;
        let mut entry = self.entry_of(&task.entry).await?;
        let mut other = match &task.other {
            Some(other) => self.entry_of(other).await?,
            None => None,
        };
        let explained = match (&entry, &other) {
            (Some((home, entry)), Some((others_home, other))) => Some(self.compared((home, entry), (others_home, other)).await?),
            _ => None,
        };
        let sides = || entry.iter().chain(&other);
        let mut restricted = sides().any(|(_, entry)| entry.restricted);
        for (home, _) in sides() {
            restricted |= self.register.person(home).await?.is_some_and(|person| person.restricted);
        }
        if restricted {
            // They may be one: what one of them says of a place, the other's is.
            entry.iter_mut().chain(&mut other).for_each(|(_, entry)| entry.hide_place());
        }
        Ok(Sides { task, entry, other, explained, restricted })
    }

    /// An entry and whose it is. Nobody finds those whose number was cut.
    async fn entry_of(&self, key: &EntryKey) -> Result<Option<(PersonId, Entry)>, RegisterDown> {
        let Some(home) = self.index.home(key) else { return Ok(None) };
        let Some(person) = self.register.person(&home).await?.filter(|person| !person.cut) else { return Ok(None) };
        Ok(person.entries.into_iter().find(|entry| entry.key == *key).map(|entry| (home, entry)))
    }

    /// Decides a task: the two are linked, or set apart, or neither can be said.
    pub async fn decide(&self, id: &TaskId, outcome: Outcome, author: &Author, reason: &str) -> Result<Done, NotDone> {
        Ok(deed!(self, |draft| draft.decides(id, outcome, author, reason).await?))
    }

    /// Takes a decision back: what it linked is unlinked, what it set apart may be one again, and the task is open.
    pub async fn undo(&self, id: &TaskId, author: &Author, reason: &str) -> Result<Done, NotDone> {
        Ok(deed!(self, |draft| draft.undoes(id, author, reason).await?))
    }
}

impl Draft<'_> {
    async fn decides(&mut self, id: &TaskId, outcome: Outcome, author: &Author, reason: &str) -> Result<(), NotDone> {
        let task = self.registrar.register.task(id).await?.ok_or(NotDone::UnknownTask)?;
        if task.decided.is_some() {
            return Err(NotDone::Decided);
        }
        match (outcome, &task.other) {
            (Outcome::Unknown, _) => {}
            (Outcome::Same, Some(other)) => self.same(&task.entry, other, author, reason).await?,
            (Outcome::Different, Some(other)) => self.set_apart(&task.entry, other, author, reason).await?,
            // What was held is of the task's person, or is not.
            (Outcome::Same, None) => {
                let (home, _) = self.entry(&task.entry).await?;
                if home != task.person {
                    self.may_merge(&task.person, &home).await?;
                    self.merges(&task.person, &home, author, reason).await?;
                }
            }
            (Outcome::Different, None) => self.not_theirs(&task, author, reason).await?,
        }
        let person = self.whose(&task);
        self.change(Change::Task(Task { person, decided: Some((outcome, self.now, author.clone(), reason.to_owned())), ..task }));
        Ok(())
    }

    async fn undoes(&mut self, id: &TaskId, author: &Author, reason: &str) -> Result<(), NotDone> {
        let task = self.registrar.register.task(id).await?.ok_or(NotDone::UnknownTask)?;
        // What was closed because a number was cut is not a steward's decision.
        let decided = task.decided.as_ref().filter(|(_, _, author, _)| *author != Author::National);
        let (outcome, ..) = decided.ok_or(NotDone::NothingToUndo)?;
        match outcome {
            Outcome::Unknown => {}
            Outcome::Same => self.not_same(&task, author, reason).await?,
            Outcome::Different => self.not_different(&task, author, reason).await?,
        }
        self.reopened(task.id.clone());
        let person = self.whose(&task);
        self.change(Change::Task(Task { person, decided: None, ..task }));
        Ok(())
    }

    /// About whom a task is now: a doubt about two entries goes where the first goes.
    fn whose(&self, task: &Task) -> PersonId {
        let home = task.other.as_ref().and_then(|_| self.home(&task.entry));
        home.unwrap_or_else(|| task.person.clone())
    }

    async fn same(&mut self, one: &EntryKey, other: &EntryKey, author: &Author, reason: &str) -> Result<(), NotDone> {
        let ((from, one), (into, other)) = (self.entry(one).await?, self.entry(other).await?);
        if from == into {
            // By an earlier word; whatever number a source has given since, no steward confirms it.
            let drafted = self.drafted(&into).ok_or(NotDone::UnknownPerson)?;
            return if drafted.renumbered(&one) || drafted.renumbered(&other) { Err(NotDone::Numbers) } else { Ok(()) };
        }
        self.may_merge(&into, &from).await?;
        self.merges(&into, &from, author, reason).await
    }

    /// The entries came together by a merge, if they were not together before; that is undone.
    async fn not_same(&mut self, task: &Task, author: &Author, reason: &str) -> Result<(), NotDone> {
        let (into, _) = self.entry(&task.entry).await?;
        let history = self.registrar.register.history(&into).await?;
        let decided = task.decided.as_ref().map(|(_, at, ..)| *at);
        let merge = history.iter().rev().find_map(|event| match &event.deed {
            Deed::Merged { from, entries } if entries.contains(&task.entry) && Some(event.at) == decided => Some(from.clone()),
            _ => None,
        });
        match merge {
            Some(from) => self.unmerges(&into, &from, author, reason).await,
            None => Ok(()),
        }
    }

    /// The entry is none of the task's person.
    async fn not_theirs(&mut self, task: &Task, author: &Author, reason: &str) -> Result<(), NotDone> {
        // What was held may be in no person's hands yet.
        let Some(home) = self.home(&task.entry) else { return Ok(()) };
        if home == task.person {
            let (_, entry) = self.entry(&task.entry).await?;
            return match self.parts(entry, &home, author, reason).await {
                Err(NotDone::Alone) => Ok(()),
                done => done,
            };
        }
        let Some(drafted) = self.person(&task.person).await? else { return Ok(()) };
        let others: Vec<EntryKey> = drafted.person.entries.iter().map(|entry| entry.key.clone()).collect();
        for other in others {
            self.set_apart(&task.entry, &other, author, reason).await?;
        }
        Ok(())
    }

    /// What the decision set apart may be one again; an entry that it unlinked is linked again.
    async fn not_different(&mut self, task: &Task, author: &Author, reason: &str) -> Result<(), NotDone> {
        let Some(home) = self.home(&task.entry) else { return Ok(()) };
        let decided = task.decided.as_ref().map(|(_, at, ..)| *at);
        let history = self.registrar.register.history(&home).await?;
        let by_it = history.iter().filter(|event| Some(event.at) == decided);
        let others: Vec<EntryKey> = by_it
            .clone()
            .filter_map(|event| match &event.deed {
                Deed::Apart { entry, other } if *entry == task.entry => Some(other.clone()),
                _ => None,
            })
            .collect();
        let from = by_it.clone().find_map(|event| match &event.deed {
            Deed::Linked { entry, from, .. } if *entry == task.entry => from.clone(),
            _ => None,
        });
        for other in &others {
            self.set_together(&task.entry, other, author, reason).await?;
        }
        let Some(from) = from.filter(|from| *from != home) else { return Ok(()) };
        let (_, entry) = self.entry(&task.entry).await?;
        let drafted = self.person(&from).await?.filter(|drafted| !drafted.person.cut).ok_or(NotDone::UnknownPerson)?;
        let there: Vec<EntryKey> = drafted.person.entries.iter().map(|entry| entry.key.clone()).collect();
        let apart = self.registrar.register.apart(&home, &task.entry).await?;
        if apart.iter().any(|other| !others.contains(other) && there.contains(other)) {
            return Err(NotDone::Apart);
        }
        if !self.drafted(&from).is_some_and(|drafted| drafted.person.may_take(std::slice::from_ref(&entry), &[])) {
            return Err(NotDone::Numbers);
        }
        self.moves(entry, &home, &from, author, reason).await
    }
}

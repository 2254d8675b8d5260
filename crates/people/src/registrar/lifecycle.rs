//! What happens to a person and their number, by the national service's word.

use record::{NhsNumber, PersonId};

use super::draft::Draft;
use super::{Done, NotDone, Registrar};
use crate::{Author, Change, Deed, Doubt, EntryKey, Outcome, Person, RegisterDown, Task, TaskFilter};

const SUPERSEDED: &str = "the national service replaced the number";
/// Tasks read at once.
const TASKS: usize = 500;

impl Registrar {
    /// The national service returned `new` in answer to `old`: what is known under both is one person's. Where somebody said that they
    /// are not, a task is raised and nothing is linked (G9).
    pub async fn supersede(&self, old: &NhsNumber, new: &NhsNumber) -> Result<Done, NotDone> {
        if old == new {
            return Ok(Done::default());
        }
        Ok(deed!(self, |draft| draft.supersedes(old, new).await?))
    }

    /// A number was invalidated, or changed without a link to the new one: it cuts (G1). What is known under it is reached by nothing but
    /// an update of its own entries; what joined it with the person is purged; and no task names it any more.
    pub async fn cut(&self, old: &NhsNumber) -> Result<Done, NotDone> {
        Ok(deed!(self, |draft| draft.cuts(old).await?))
    }

    /// Somebody died; `when` as far as it is known, as in FHIR.
    pub async fn died(&self, person: &PersonId, when: &str) -> Result<Done, NotDone> {
        let when = Some(when.to_owned());
        self.mark(person, Deed::Died, "the national service says so", |person| std::mem::replace(&mut person.died, when.clone()) != when)
            .await
    }

    /// A number is under investigation: nothing is linked to its person meanwhile.
    pub async fn investigate(&self, number: &NhsNumber) -> Result<Done, NotDone> {
        let person = self.person_of(number).await?.ok_or(NotDone::UnknownPerson)?;
        let mark = |person: &mut Person| !std::mem::replace(&mut person.investigated, true);
        self.mark(&person, Deed::Investigated, "the national service investigates the number", mark).await
    }

    /// It no longer is.
    pub async fn investigation_ended(&self, number: &NhsNumber) -> Result<Done, NotDone> {
        let person = self.person_of(number).await?.ok_or(NotDone::UnknownPerson)?;
        let mark = |person: &mut Person| std::mem::replace(&mut person.investigated, false);
        self.mark(&person, Deed::InvestigationEnded, "the national service ended the investigation", mark).await
    }

    /// A person is marked as restricted, or no longer. What an entry of theirs says restricts them again when it comes anew.
    pub async fn restrict(&self, person: &PersonId, restricted: bool, author: &Author, reason: &str) -> Result<Done, NotDone> {
        let deed = if restricted { Deed::Restricted } else { Deed::RestrictionLifted };
        let mark = |person: &mut Person| std::mem::replace(&mut person.restricted, restricted) != restricted;
        self.mark_by(person, deed, author, reason, mark).await
    }

    async fn mark(&self, id: &PersonId, deed: Deed, reason: &str, mark: impl Fn(&mut Person) -> bool) -> Result<Done, NotDone> {
        self.mark_by(id, deed, &Author::National, reason, mark).await
    }

    /// Changes a person's own part; what is so already stays, and is not written again.
    async fn mark_by(
        &self,
        id: &PersonId,
        deed: Deed,
        author: &Author,
        reason: &str,
        mark: impl Fn(&mut Person) -> bool,
    ) -> Result<Done, NotDone> {
        Ok(deed!(self, |draft| {
            let mut person = draft.person(id).await?.ok_or(NotDone::UnknownPerson)?.person.clone();
            if mark(&mut person) {
                draft.alter(id, |own| *own = person);
                draft.event(id, author, deed.clone(), reason);
                draft.touch(id, None);
            }
        }))
    }
}

impl Draft<'_> {
    async fn supersedes(&mut self, old: &NhsNumber, new: &NhsNumber) -> Result<(), NotDone> {
        let (from, into) = (self.owner(old).await?, self.owner(new).await?);
        let id = match (from, into) {
            // Nobody is known by either: whoever asks again is told again.
            (None, None) => return Ok(()),
            (Some(person), None) | (None, Some(person)) => person,
            (Some(from), Some(into)) if from == into => into,
            (Some(from), Some(into)) => {
                if let Err((entry, other)) = self.may_be_one(&into, &from).await? {
                    // The national service and somebody here say different things: a person decides.
                    return Ok(self.raise(Doubt::Confusion, &from, &entry, Some(&other)).await?);
                }
                self.merges(&into, &from, &Author::National, SUPERSEDED).await?;
                let earlier = self.drafted(&from).map(|drafted| drafted.person.superseded.clone()).unwrap_or_default();
                self.alter(&from, |person| person.superseded.clear());
                self.alter(&into, |person| person.superseded.extend(earlier));
                into
            }
        };
        let drafted = self.person(&id).await?.ok_or(NotDone::UnknownPerson)?;
        if drafted.person.number == Some(*new) && drafted.person.superseded.contains(old) {
            return Ok(());
        }
        self.alter(&id, |person| {
            person.superseded.retain(|number| number != new && number != old);
            person.superseded.push(*old);
            person.number = Some(*new);
        });
        self.event(&id, &Author::National, Deed::NumberSuperseded, SUPERSEDED);
        self.touch(&id, None);
        Ok(())
    }

    async fn cuts(&mut self, old: &NhsNumber) -> Result<(), NotDone> {
        self.change(Change::Cut(*old));
        let Some(owner) = self.owner(old).await? else { return Ok(()) };
        let person = self.person(&owner).await?.ok_or(NotDone::UnknownPerson)?.person.clone();
        self.forget_tasks(&person, old).await?;
        if person.number == Some(*old) {
            self.cut_off(&owner);
        } else {
            // It was superseded before, and what it named lies with what has the new number: that goes its own way, silently.
            let gives = |claimed: &crate::ClaimedNumber| claimed.valid() == Some(*old);
            let theirs: Vec<_> = person.entries.into_iter().filter(|entry| entry.demographics.number.as_ref().is_some_and(gives)).collect();
            self.alter(&owner, |person| person.superseded.retain(|number| number != old));
            if !theirs.is_empty() {
                let apart = self.mint(None);
                for entry in theirs {
                    self.settle(&apart, entry).await?;
                }
                self.cut_off(&apart);
            }
        }
        self.event(&owner, &Author::National, Deed::Cut, "the number is no longer valid");
        self.change(Change::Purge(owner.clone(), *old));
        self.touch(&owner, None);
        Ok(())
    }

    /// The two entries, one of each person, of which somebody said that they are apart.
    async fn may_be_one(&mut self, into: &PersonId, from: &PersonId) -> Result<Result<(), (EntryKey, EntryKey)>, NotDone> {
        self.person(into).await?;
        self.person(from).await?;
        let keys = |id: &PersonId, draft: &Draft<'_>| -> Vec<EntryKey> {
            draft.drafted(id).map(|drafted| drafted.person.entries.iter().map(|entry| entry.key.clone()).collect()).unwrap_or_default()
        };
        let (own, theirs) = (keys(into, self), keys(from, self));
        for key in theirs {
            let apart = self.registrar.register.apart(from, &key).await?;
            if let Some(other) = apart.into_iter().find(|other| own.contains(other)) {
                return Ok(Err((key, other)));
            }
        }
        Ok(Ok(()))
    }

    pub(super) fn cut_off(&mut self, id: &PersonId) {
        self.alter(id, |person| {
            (person.number, person.cut) = (None, true);
            person.superseded.clear();
        });
    }

    /// Closes every task that an entry with the number is in, and takes the other entry out of it.
    async fn forget_tasks(&mut self, person: &Person, old: &NhsNumber) -> Result<(), RegisterDown> {
        let whole = person.number == Some(*old);
        let gives = |claimed: &crate::ClaimedNumber| claimed.valid() == Some(*old);
        let theirs = person.entries.iter().filter(|entry| whole || entry.demographics.number.as_ref().is_some_and(gives));
        let theirs: Vec<&EntryKey> = theirs.map(|entry| &entry.key).collect();
        let mut after = None;
        loop {
            let filter = TaskFilter { after: after.take(), count_max: TASKS, ..TaskFilter::default() };
            let tasks = self.registrar.register.tasks(&filter).await?;
            let whole_page = tasks.len() == TASKS;
            after = tasks.last().map(|task| task.id.clone());
            for task in tasks {
                let (named, other) = (theirs.contains(&&task.entry), task.other.as_ref().is_some_and(|other| theirs.contains(&other)));
                if !named && !other {
                    continue;
                }
                let entry = task.other.clone().filter(|_| named && !other).unwrap_or(task.entry.clone());
                let decided = Some((Outcome::Unknown, self.now, Author::National, String::new()));
                let home = self.home(&entry).unwrap_or(task.person.clone());
                self.change(Change::Task(Task { entry, other: None, person: home, decided, ..task }));
            }
            if !whole_page {
                return Ok(());
            }
        }
    }
}

//! A number was invalidated, or changed without a link to the new one: it cuts (G1). What was known under it goes where nobody finds it.
//! Where the number had been replaced by another before, by mistake, both had become one person: they are taken apart again, silently.

use std::collections::BTreeSet;

use record::{NhsNumber, PersonId};

use super::draft::Draft;
use super::numbers::{claims, given};
use super::{NotDone, rules};
use crate::matching::{Fields, Folded};
use crate::{Author, Change, Deed, Entry, EntryKey, NumberStatus, Outcome, Person, RegisterDown, Task, TaskFilter};

const INVALID: &str = "the number is no longer valid";
/// Of those who stay.
const STAYS: &str = "as the sources say";
/// Tasks read at once.
const TASKS: usize = 500;

/// Somebody from whom entries came, and who has none any more.
struct Former {
    person: PersonId,
    came: Vec<EntryKey>,
    /// Whether the national service made them one.
    national: bool,
}

/// What is under a number that was cut, and what is beside it.
struct Sides {
    going: Vec<Entry>,
    staying: Vec<Entry>,
    /// The numbers that stay.
    numbers: Vec<NhsNumber>,
    /// Persons who go with it.
    former: Vec<PersonId>,
    /// Whether the owner's own id was known under another number than the one that stands.
    renumbered: bool,
}

impl Draft<'_> {
    /// Cuts a number.
    pub(super) async fn cuts(&mut self, old: &NhsNumber) -> Result<(), NotDone> {
        self.change(Change::Cut(*old));
        let owner = self.owner(old).await?;
        if let Some(owner) = &owner {
            self.person(owner).await?;
        }
        if let Some(owner) = owner.filter(|owner| self.numbers_of(owner).contains(old)) {
            let sides = self.sides(&owner, old).await?;
            self.severs(&owner, &sides).await?;
            for person in &sides.former {
                self.cut_off(person);
                self.touch(person, None);
                self.change(Change::Purge(person.clone(), *old));
            }
            self.change(Change::Purge(owner, *old));
        }
        self.strays(old).await?;
        Ok(self.forget_tasks().await?)
    }

    /// Puts entries where nobody finds them. That they went there is kept, and told to nobody.
    pub(super) async fn hide(&mut self, entries: Vec<Entry>) -> Result<PersonId, RegisterDown> {
        let hidden = self.mint(None);
        self.cut_off(&hidden);
        for entry in entries {
            if let Some(home) = self.home(&entry.key) {
                // What was shown of them until now may have held what is not theirs.
                let since = self.linked_since(&home, &entry.key).await?;
                self.touch(&home, since);
                self.event(&home, &Author::National, Deed::Unlinked { entry: entry.key.clone(), to: hidden.clone() }, INVALID);
            }
            self.settle(&hidden, entry).await?;
        }
        Ok(hidden)
    }

    fn cut_off(&mut self, id: &PersonId) {
        self.hidden.push(id.clone());
        self.alter(id, |person| {
            person.has_numbers(Vec::new());
            person.cut = true;
        });
    }

    /// What goes with a number, and what stays. With it go the numbers that it replaced: they led here only by it, and whoever asks again
    /// is told again.
    async fn sides(&mut self, owner: &PersonId, old: &NhsNumber) -> Result<Sides, NotDone> {
        let person = self.person(owner).await?.ok_or(NotDone::UnknownPerson)?.person.clone();
        let mut gone = person.numbers();
        let numbers = gone.split_off(gone.iter().position(|number| number == old).map_or(0, |at| at + 1));
        let (former, renumbered) = self.former(owner).await?;
        let all = numbers.is_empty();
        let leaves = self.leaving(&person, &gone, &numbers, &former);
        let (going, staying): (Vec<Entry>, Vec<Entry>) = person.entries.into_iter().partition(|entry| all || leaves.contains(&entry.key));
        let goes = |key: &EntryKey| going.iter().any(|entry| entry.key == *key);
        let left = |former: &Former| -> Vec<&Entry> { staying.iter().filter(|entry| former.came.contains(&entry.key)).collect() };
        let with = |former: &Former| {
            let left = left(former);
            let of_another = left.iter().any(|entry| given(entry).is_some_and(|number| person.superseded.contains(&number)));
            left.is_empty() || former.came.iter().any(goes) || former.national && !of_another
        };
        let former = former.iter().filter(|former| with(former)).map(|former| former.person.clone()).collect();
        Ok(Sides { going, staying, numbers, former, renumbered })
    }

    /// The entries under numbers that go: those that give one, and of those that give none that stays what came with them, or is more like
    /// them than like the rest.
    fn leaving(&self, person: &Person, gone: &[NhsNumber], stay: &[NhsNumber], former: &[Former]) -> BTreeSet<EntryKey> {
        let (theirs, rest): (Vec<&Entry>, Vec<&Entry>) = person.entries.iter().partition(|entry| claims(entry, gone));
        let (bound, open): (Vec<&Entry>, Vec<&Entry>) =
            rest.into_iter().partition(|entry| given(entry).is_some_and(|number| stay.contains(&number)));
        let together = |entry: &Entry| {
            let came_with = |former: &&Former| former.came.contains(&entry.key);
            former.iter().filter(came_with).any(|former| theirs.iter().any(|other| former.came.contains(&other.key)))
        };
        let like = |entry: &Entry, others: &[&Entry]| {
            let weight = |other: &&Entry| {
                self.registrar.model.compare(&Folded::of(&entry.demographics).fields(), &Folded::of(&other.demographics).fields())
            };
            others.iter().map(|other| weight(other).weights.total).fold(0.0, f32::max)
        };
        let open = open.into_iter().filter(|entry| together(entry) || like(entry, &theirs) > like(entry, &bound));
        let keys = open.map(|entry| entry.key.clone()).collect::<Vec<_>>();
        theirs.iter().map(|entry| entry.key.clone()).chain(keys).collect()
    }

    /// Those whose entries came to somebody, by whatever way, and who have none and no number any more; and whether that somebody had
    /// another number, or was one of those.
    async fn former(&mut self, owner: &PersonId) -> Result<(Vec<Former>, bool), RegisterDown> {
        let (mut former, mut ask): (Vec<Former>, Vec<PersonId>) = (Vec::new(), vec![owner.clone()]);
        let mut renumbered = false;
        while let Some(into) = ask.pop() {
            for event in self.registrar.register.history(&into).await? {
                let (from, came) = match event.deed {
                    Deed::NumberSuperseded if into == *owner => {
                        renumbered = true;
                        continue;
                    }
                    Deed::Linked { entry, from: Some(from), .. } => (from, vec![entry]),
                    Deed::Merged { from, entries } => (from, entries),
                    _ => continue,
                };
                renumbered |= from == *owner;
                let Some(drafted) = self.person(&from).await? else { continue };
                let person = &drafted.person;
                if from == *owner || person.cut || !person.entries.is_empty() || person.number.is_some() {
                    continue;
                }
                let national = event.author == Author::National;
                match former.iter_mut().find(|known| known.person == from) {
                    Some(known) => {
                        known.came.extend(came);
                        known.national |= national;
                    }
                    None => {
                        former.push(Former { person: from.clone(), came, national });
                        ask.push(from);
                    }
                }
            }
        }
        Ok((former, renumbered))
    }

    /// Takes the two sides of a person apart. Whose id was known under a number that goes goes with it.
    async fn severs(&mut self, owner: &PersonId, sides: &Sides) -> Result<(), NotDone> {
        self.touch(owner, None);
        self.event(owner, &Author::National, Deed::Cut, INVALID);
        if sides.numbers.is_empty() {
            self.cut_off(owner);
            return Ok(());
        }
        let hidden = match sides.renumbered {
            true => {
                self.leave_behind(owner, sides).await?;
                owner.clone()
            }
            false => {
                let hidden = self.hide(sides.going.clone()).await?;
                self.give_numbers(owner, sides.numbers.clone());
                hidden
            }
        };
        // What is kept of it leads nowhere; but no rule ever joins the two sides again.
        for one in &sides.going {
            for other in &sides.staying {
                let (entry, other) = (one.key.clone(), other.key.clone());
                self.change(Change::Apart(hidden.clone(), entry.clone(), other.clone()));
                self.event(&hidden, &Author::National, Deed::Apart { entry, other }, INVALID);
            }
        }
        Ok(())
    }

    /// Those who stay leave a person whose id was known under a number that was cut, and are somebody new.
    async fn leave_behind(&mut self, owner: &PersonId, sides: &Sides) -> Result<(), NotDone> {
        let before = self.person(owner).await?.ok_or(NotDone::UnknownPerson)?.person.clone();
        let to = self.mint(None);
        self.cut_off(owner);
        for entry in &sides.going {
            let since = self.linked_since(owner, &entry.key).await?;
            self.touch(owner, since);
        }
        for entry in &sides.staying {
            let author = if self.is_by_word(owner, &entry.key).await? { Author::National } else { rules() };
            self.event(&to, &author, Deed::Linked { entry: entry.key.clone(), tier: None, weight: None, from: None }, STAYS);
            self.settle(&to, entry.clone()).await?;
        }
        let Person { restricted, died, investigated, .. } = before;
        self.alter(&to, |person| (person.restricted, person.died, person.investigated) = (restricted, died, investigated));
        self.give_numbers(&to, sides.numbers.clone());
        self.touch(&to, None);
        Ok(())
    }

    /// Entries of others that give a number, too, go where nobody finds them, as they would when they came anew.
    async fn strays(&mut self, old: &NhsNumber) -> Result<(), RegisterDown> {
        let asked = Fields { number: Some((*old, NumberStatus::Verified)), ..Fields::default() };
        let found = self.registrar.index.candidates(&asked, self.registrar.limits.compared_max);
        for found in found {
            let Some(drafted) = self.person(&found.person).await?.filter(|drafted| !drafted.person.cut) else { continue };
            let theirs: Vec<Entry> = drafted.person.entries.iter().filter(|entry| claims(entry, &[*old])).cloned().collect();
            if !theirs.is_empty() {
                self.hide(theirs).await?;
            }
        }
        Ok(())
    }

    /// Closes every task that names somebody who was cut here, or an entry of theirs, and takes whoever else it names out of it.
    pub(super) async fn forget_tasks(&mut self) -> Result<(), RegisterDown> {
        if self.hidden.is_empty() {
            return Ok(());
        }
        let mut after = None;
        loop {
            let filter = TaskFilter { after: after.take(), count_max: TASKS, ..TaskFilter::default() };
            let tasks = self.registrar.register.tasks(&filter).await?;
            after = tasks.last().map(|task| task.id.clone()).filter(|_| tasks.len() == TASKS);
            let last = after.is_none();
            // Those that were raised here stand nowhere yet.
            let raised = if last { self.tasks() } else { Vec::new() };
            for task in tasks.into_iter().chain(raised) {
                let forgotten = self.forgotten(task);
                self.changes(forgotten.into_iter().map(Change::Task));
            }
            if last {
                return Ok(());
            }
        }
    }

    fn forgotten(&self, task: Task) -> Option<Task> {
        let is_hidden = |key: &EntryKey| self.home(key).is_some_and(|home| self.hidden.contains(&home));
        let (named, other) = (is_hidden(&task.entry), task.other.as_ref().is_some_and(is_hidden));
        if !named && !other && !self.hidden.contains(&task.person) {
            return None;
        }
        let entry = task.other.clone().filter(|_| named && !other).unwrap_or(task.entry.clone());
        let person = self.home(&entry).unwrap_or(task.person.clone());
        if !named && !other && task.other.is_some() {
            // It is about two others, who left long ago.
            return Some(Task { person, ..task });
        }
        let decided = Some((Outcome::Unknown, self.now, Author::National, String::new()));
        Some(Task { entry, other: None, person, decided, ..task })
    }
}

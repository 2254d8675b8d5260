//! What happens to a person and their number, by the national service's word.

use record::{NhsNumber, PersonId};

use super::draft::Draft;
use super::numbers::{given, joined};
use super::{Done, NotDone, Registrar};
use crate::{Author, Deed, Doubt, Entry, EntryKey, Person, RegisterDown};

const SUPERSEDED: &str = "the national service replaced the number";

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
        // A number that was cut is nobody's, whatever is said of it later.
        if !self.registrar.register.cut_among(&[*old, *new]).await?.is_empty() {
            return Ok(());
        }
        match (self.owner(old).await?, self.owner(new).await?) {
            // Nobody is known by either: whoever asks again is told again.
            (None, None) => Ok(()),
            (None, Some(into)) => self.known_by_too(&into, old).await,
            (Some(person), None) => self.renumbers(&person, old, new).await,
            (Some(person), Some(same)) if person == same => self.renumbers(&person, old, new).await,
            (Some(from), Some(into)) => self.follows(&from, &into, old).await,
        }
    }

    /// Nothing was known under the old number; what comes is theirs.
    async fn known_by_too(&mut self, id: &PersonId, old: &NhsNumber) -> Result<(), NotDone> {
        self.person(id).await?;
        self.give_numbers(id, joined(self.numbers_of(id), vec![*old]));
        self.touch(id, None);
        Ok(())
    }

    /// Whoever has the old number has the new one, which is nobody else's.
    async fn renumbers(&mut self, id: &PersonId, old: &NhsNumber, new: &NhsNumber) -> Result<(), NotDone> {
        let person = &self.person(id).await?.ok_or(NotDone::UnknownPerson)?.person;
        let mut numbers = person.numbers();
        if person.number != Some(*old) {
            if numbers.contains(new) {
                return Ok(());
            }
            // Another number stands for them, by an earlier word of the service that it does not repeat: of that one it says nothing.
            numbers.retain(|number| number != old);
            if person.entries.iter().filter_map(given).any(|number| numbers.contains(&number)) {
                let to = self.mint(Some(*new));
                return self.follows(id, &to, old).await;
            }
            numbers = vec![*old];
        }
        numbers.retain(|number| number != new);
        numbers.push(*new);
        self.give_numbers(id, numbers);
        self.event(id, &Author::National, Deed::NumberSuperseded, SUPERSEDED);
        self.touch(id, None);
        Ok(())
    }

    /// What is known under the old number becomes somebody else's, who has the new one: all that somebody has for whom it stands; of
    /// somebody for whom another stands what gives it, for of the other number the service said nothing.
    async fn follows(&mut self, from: &PersonId, into: &PersonId, old: &NhsNumber) -> Result<(), NotDone> {
        let person = &self.person(from).await?.ok_or(NotDone::UnknownPerson)?.person;
        let whole = person.number == Some(*old);
        let going: Vec<Entry> = person.entries.iter().filter(|entry| whole || given(entry) == Some(*old)).cloned().collect();
        if let Some((entry, other)) = self.apart_from(into, from, &going).await? {
            // The national service and somebody here say different things: a person decides.
            return Ok(self.raise(Doubt::Confusion, from, &entry, Some(&other)).await?);
        }
        if whole {
            return self.merges(into, from, &Author::National, SUPERSEDED).await;
        }
        for entry in going {
            let (key, since) = (entry.key.clone(), self.linked_since(from, &entry.key).await?);
            self.event(from, &Author::National, Deed::Unlinked { entry: key.clone(), to: into.clone() }, SUPERSEDED);
            let linked = Deed::Linked { entry: key, tier: None, weight: None, from: Some(from.clone()) };
            self.event(into, &Author::National, linked, SUPERSEDED);
            self.settle(into, entry).await?;
            self.touch(from, since);
        }
        let mut left = self.numbers_of(from);
        left.retain(|number| number != old);
        self.give_numbers(from, left);
        self.give_numbers(into, joined(self.numbers_of(into), vec![*old]));
        self.touch(from, None);
        self.touch(into, None);
        Ok(())
    }

    /// Two entries, one that comes and one that is there, of which somebody said that they are apart.
    async fn apart_from(
        &mut self,
        into: &PersonId,
        from: &PersonId,
        going: &[Entry],
    ) -> Result<Option<(EntryKey, EntryKey)>, RegisterDown> {
        let own = self.person(into).await?.map(|drafted| drafted.person.entries.clone()).unwrap_or_default();
        for entry in going {
            let apart = self.registrar.register.apart(from, &entry.key).await?;
            if let Some(other) = apart.into_iter().find(|other| own.iter().any(|own| own.key == *other)) {
                return Ok(Some((entry.key.clone(), other)));
            }
        }
        Ok(None)
    }
}

//! Linking and unlinking by somebody's word.

use std::collections::BTreeSet;

use jiff::Timestamp;
use record::{NhsNumber, PersonId};

use super::draft::Draft;
use super::numbers::{given, joined, parted};
use super::{Done, NotDone, Registrar};
use crate::{Author, Change, Deed, Entry, EntryKey, Event, RegisterDown};

impl Registrar {
    /// Links an entry to a person; it leaves the one it was linked to.
    pub async fn link(&self, entry: &EntryKey, person: &PersonId, author: &Author, reason: &str) -> Result<Done, NotDone> {
        Ok(deed!(self, |draft| draft.links(entry, person, author, reason).await?))
    }

    /// Unlinks an entry from its person, of whose other entries it is apart from now on. It goes back to whom it came from, or to a
    /// person of its own.
    pub async fn unlink(&self, entry: &EntryKey, author: &Author, reason: &str) -> Result<Done, NotDone> {
        Ok(deed!(self, |draft| {
            let (home, entry) = draft.entry(entry).await?;
            draft.parts(entry, &home, author, reason).await?
        }))
    }

    /// Two entries are not one person: they are unlinked if they are linked, and never linked again until somebody says otherwise.
    pub async fn apart(&self, entry: &EntryKey, other: &EntryKey, author: &Author, reason: &str) -> Result<Done, NotDone> {
        Ok(deed!(self, |draft| draft.set_apart(entry, other, author, reason).await?))
    }

    /// Two entries that were said to be apart may be one person after all. Nothing is linked by that.
    pub async fn together(&self, entry: &EntryKey, other: &EntryKey, author: &Author, reason: &str) -> Result<Done, NotDone> {
        Ok(deed!(self, |draft| draft.set_together(entry, other, author, reason).await?))
    }

    /// Links all entries of one person to another. The person they leave stays, without entries.
    pub async fn merge(&self, into: &PersonId, from: &PersonId, author: &Author, reason: &str) -> Result<Done, NotDone> {
        if into == from {
            return Ok(Done::default());
        }
        Ok(deed!(self, |draft| {
            draft.may_merge(into, from).await?;
            draft.merges(into, from, author, reason).await?
        }))
    }

    /// Undoes the last merge of one person into another: what came and is still there goes back.
    pub async fn unmerge(&self, into: &PersonId, from: &PersonId, author: &Author, reason: &str) -> Result<Done, NotDone> {
        Ok(deed!(self, |draft| draft.unmerges(into, from, author, reason).await?))
    }
}

impl Draft<'_> {
    /// An entry, and whose it is. Those whose number was cut are not found.
    pub(super) async fn entry(&mut self, key: &EntryKey) -> Result<(PersonId, Entry), NotDone> {
        let home = self.home(key).ok_or(NotDone::UnknownEntry)?;
        let drafted = self.person(&home).await?.filter(|drafted| !drafted.person.cut).ok_or(NotDone::UnknownEntry)?;
        let entry = drafted.person.entries.iter().find(|entry| entry.key == *key).cloned();
        Ok((home, entry.ok_or(NotDone::UnknownEntry)?))
    }

    async fn links(&mut self, entry: &EntryKey, person: &PersonId, author: &Author, reason: &str) -> Result<(), NotDone> {
        let (home, entry) = self.entry(entry).await?;
        if home == *person {
            return Ok(());
        }
        self.may_join(&home, person, std::slice::from_ref(&entry.key)).await?;
        self.moves(entry, &home, person, author, reason).await
    }

    /// Whether entries of one person may be linked to another: nobody said otherwise, and no number speaks against it.
    pub(super) async fn may_join(&mut self, from: &PersonId, to: &PersonId, keys: &[EntryKey]) -> Result<(), NotDone> {
        self.may_come(from, to, keys, &[]).await
    }

    /// The same of entries that bring numbers of whom they come from.
    async fn may_come(&mut self, from: &PersonId, to: &PersonId, keys: &[EntryKey], numbers: &[NhsNumber]) -> Result<(), NotDone> {
        let theirs = |id: &PersonId, draft: &Draft<'_>| {
            let drafted = draft.drafted(id).filter(|drafted| !drafted.person.cut);
            drafted.map(|drafted| drafted.person.clone()).ok_or(NotDone::UnknownPerson)
        };
        self.person(from).await?;
        self.person(to).await?;
        let (from, to) = (theirs(from, self)?, theirs(to, self)?);
        if from.investigated || to.investigated {
            return Err(NotDone::Investigated);
        }
        let own: BTreeSet<&EntryKey> = to.entries.iter().map(|entry| &entry.key).collect();
        for key in keys {
            if self.registrar.register.apart(&from.id, key).await?.iter().any(|other| own.contains(other)) {
                return Err(NotDone::Apart);
            }
        }
        let entries: Vec<Entry> = from.entries.into_iter().filter(|entry| keys.contains(&entry.key)).collect();
        if to.may_take(&entries, numbers) { Ok(()) } else { Err(NotDone::Numbers) }
    }

    pub(super) async fn may_merge(&mut self, into: &PersonId, from: &PersonId) -> Result<(), NotDone> {
        let keys = self.keys_of(from).await?;
        let numbers = self.numbers_of(from);
        self.may_come(from, into, &keys, &numbers).await
    }

    async fn keys_of(&mut self, id: &PersonId) -> Result<Vec<EntryKey>, NotDone> {
        let drafted = self.person(id).await?.filter(|drafted| !drafted.person.cut).ok_or(NotDone::UnknownPerson)?;
        Ok(drafted.person.entries.iter().map(|entry| entry.key.clone()).collect())
    }

    /// Moves an entry from one person to another.
    pub(super) async fn moves(
        &mut self,
        entry: Entry,
        from: &PersonId,
        to: &PersonId,
        author: &Author,
        reason: &str,
    ) -> Result<(), NotDone> {
        let key = entry.key.clone();
        let since = self.linked_since(from, &key).await?;
        self.event(from, author, Deed::Unlinked { entry: key.clone(), to: to.clone() }, reason);
        self.event(to, author, Deed::Linked { entry: key, tier: None, weight: None, from: Some(from.clone()) }, reason);
        let number = given(&entry);
        self.settle(to, entry).await?;
        // A number goes where the only entry goes that gave it, and those that it replaced with it.
        let left = self.drafted(from).is_some_and(|drafted| drafted.person.entries.is_empty());
        let numbers = self.numbers_of(from);
        if left && number.is_some_and(|number| numbers.contains(&number)) && self.numbers_of(to).is_empty() {
            self.give_numbers(from, Vec::new());
            self.give_numbers(to, numbers);
        }
        self.touch(from, since);
        self.touch(to, None);
        Ok(())
    }

    /// Unlinks an entry, and sets it apart from the others.
    pub(super) async fn parts(&mut self, entry: Entry, home: &PersonId, author: &Author, reason: &str) -> Result<(), NotDone> {
        let key = entry.key.clone();
        let mut others = self.keys_of(home).await?;
        others.retain(|other| *other != key);
        if others.is_empty() {
            return Err(NotDone::Alone);
        }
        let to = match self.came_from(home, &entry).await? {
            Some(from) => from,
            None => self.mint(None),
        };
        self.moves(entry, home, &to, author, reason).await?;
        for other in others {
            self.change(Change::Apart(to.clone(), key.clone(), other.clone()));
            self.event(&to, author, Deed::Apart { entry: key.clone(), other }, reason);
        }
        Ok(())
    }

    /// From whom an entry was linked last, where it may go back.
    async fn came_from(&mut self, home: &PersonId, entry: &Entry) -> Result<Option<PersonId>, NotDone> {
        let key = &entry.key;
        let history = self.registrar.register.history(home).await?;
        let Some(from) = history.iter().rev().find_map(|event| came(event, key)).flatten().filter(|from| from != home) else {
            return Ok(None);
        };
        let apart = self.registrar.register.apart(home, key).await?;
        let drafted = self.person(&from).await?.filter(|drafted| !drafted.person.cut && !drafted.person.investigated);
        let entry = std::slice::from_ref(entry);
        let free = drafted.filter(|drafted| !drafted.person.entries.iter().any(|entry| apart.contains(&entry.key)));
        let free = free.is_some_and(|drafted| drafted.person.may_take(entry, &[]));
        Ok(free.then_some(from))
    }

    pub(super) async fn set_apart(&mut self, one: &EntryKey, other: &EntryKey, author: &Author, reason: &str) -> Result<(), NotDone> {
        let ((home, entry), (others_home, _)) = (self.entry(one).await?, self.entry(other).await?);
        if one == other {
            return Err(NotDone::Alone);
        }
        if home == others_home {
            return self.parts(entry, &home, author, reason).await;
        }
        self.change(Change::Apart(home.clone(), one.clone(), other.clone()));
        self.event(&home, author, Deed::Apart { entry: one.clone(), other: other.clone() }, reason);
        Ok(())
    }

    pub(super) async fn set_together(&mut self, one: &EntryKey, other: &EntryKey, author: &Author, reason: &str) -> Result<(), NotDone> {
        let (home, _) = self.entry(one).await?;
        self.entry(other).await?;
        if !self.registrar.register.apart(&home, one).await?.contains(other) {
            return Err(NotDone::NothingToUndo);
        }
        self.change(Change::Together(home.clone(), one.clone(), other.clone()));
        self.event(&home, author, Deed::Together { entry: one.clone(), other: other.clone() }, reason);
        Ok(())
    }

    /// Merges without asking whether that may be.
    pub(super) async fn merges(&mut self, into: &PersonId, from: &PersonId, author: &Author, reason: &str) -> Result<(), NotDone> {
        let keys = self.keys_of(from).await?;
        self.person(into).await?;
        let Some(drafted) = self.drafted(from) else { return Err(NotDone::UnknownPerson) };
        let (entries, restricted) = (drafted.person.entries.clone(), drafted.person.restricted);
        let numbers = joined(self.numbers_of(into), self.numbers_of(from));
        for entry in entries {
            self.event(from, author, Deed::Unlinked { entry: entry.key.clone(), to: into.clone() }, reason);
            self.settle(into, entry).await?;
        }
        if !numbers.is_empty() {
            self.give_numbers(from, Vec::new());
            self.give_numbers(into, numbers);
        }
        if restricted {
            self.alter(into, |person| person.restricted = true);
        }
        // What was shown of either since both were here lacked what is the other's.
        let since = self.known_since(into).await?.zip(self.known_since(from).await?).map(|(one, other)| one.max(other));
        self.event(into, author, Deed::Merged { from: from.clone(), entries: keys }, reason);
        self.touch(into, since);
        self.touch(from, since);
        Ok(())
    }

    pub(super) async fn unmerges(&mut self, into: &PersonId, from: &PersonId, author: &Author, reason: &str) -> Result<(), NotDone> {
        let history = self.registrar.register.history(into).await?;
        let last = history.iter().rev().find_map(|event| match &event.deed {
            Deed::Merged { from: other, entries } if other == from => Some(Some((entries.clone(), event))),
            Deed::Unmerged { to, .. } if to == from => Some(None),
            _ => None,
        });
        let (mut keys, merge) = last.flatten().ok_or(NotDone::NothingToUndo)?;
        let own = self.keys_of(into).await?;
        keys.retain(|key| own.contains(key));
        let there = self.keys_of(from).await?;
        for key in &keys {
            // Who was set apart since from somebody who went there does not go back to them.
            if self.registrar.register.apart(into, key).await?.iter().any(|other| there.contains(other)) {
                return Err(NotDone::Apart);
            }
        }
        let entries = self.drafted(into).map(|drafted| drafted.person.entries.clone()).unwrap_or_default();
        let (going, staying): (Vec<Entry>, Vec<Entry>) = entries.into_iter().partition(|entry| keys.contains(&entry.key));
        // By a steward's word only one of the two had numbers; by the national service's, the one that stands was the other's.
        let (gone, left) = parted(&self.numbers_of(into), &going, &staying, merge.author != Author::National);
        if !self.drafted(from).is_some_and(|drafted| drafted.person.may_take(&going, &gone)) {
            return Err(NotDone::Numbers);
        }
        for entry in going {
            self.event(from, author, Deed::Linked { entry: entry.key.clone(), tier: None, weight: None, from: Some(into.clone()) }, reason);
            self.settle(from, entry).await?;
        }
        if !gone.is_empty() {
            self.give_numbers(into, left);
            self.give_numbers(from, gone);
        }
        self.event(into, author, Deed::Unmerged { to: from.clone(), entries: keys }, reason);
        self.touch(into, Some(merge.at));
        self.touch(from, None);
        Ok(())
    }

    /// Since when a person has had any entry, as their history says.
    async fn known_since(&self, person: &PersonId) -> Result<Option<Timestamp>, RegisterDown> {
        let history = self.registrar.register.history(person).await?;
        Ok(history.first().map(|event| event.at))
    }

    /// Since when an entry is linked to a person, as their history says.
    pub(super) async fn linked_since(&self, person: &PersonId, key: &EntryKey) -> Result<Option<Timestamp>, RegisterDown> {
        let history = self.registrar.register.history(person).await?;
        Ok(history.iter().rev().find(|event| came(event, key).is_some()).map(|event| event.at))
    }

    /// Whether an entry is where it is by somebody's word, not by the rules and not because it is new.
    pub(super) async fn is_by_word(&self, person: &PersonId, key: &EntryKey) -> Result<bool, RegisterDown> {
        let history = self.registrar.register.history(person).await?;
        let last = history.iter().rev().find(|event| came(event, key).is_some());
        Ok(last.is_some_and(|event| matches!(event.author, Author::National | Author::Steward(_))))
    }
}

/// Whether by this event an entry came to the person, and from whom.
pub(super) fn came(event: &Event, key: &EntryKey) -> Option<Option<PersonId>> {
    match &event.deed {
        Deed::Linked { entry, from, .. } if entry == key => Some(from.clone()),
        Deed::Merged { from, entries } if entries.contains(key) => Some(Some(from.clone())),
        _ => None,
    }
}

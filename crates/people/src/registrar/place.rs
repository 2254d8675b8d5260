//! Where an entry belongs: taking one in, new or once more.

use std::collections::BTreeSet;

use record::{NhsNumber, PersonId};

use super::draft::Draft;
use super::numbers::{agree, given};
use super::rules;
use crate::matching::{self, Comparison, Decision, Fields, Folded, Guard, Resolution};
use crate::{Author, Deed, Demographics, Doubt, Entry, EntryKey, NumberStatus, Person, RegisterDown};

/// What the rules say of an entry.
pub(super) enum Place {
    /// It is this person's.
    Theirs { person: PersonId, tier: u8, weight: f64 },
    /// It is nobody's that is known. With these it is to be compared by a steward.
    New(Vec<(Doubt, EntryKey)>),
}

const BY_NUMBER: &str = "the verified NHS number and the birth date agree";
const BY_WEIGHT: &str = "enough agrees, and nothing speaks against it";
const CHANGED: &str = "the source changed who the entry is about";

impl Draft<'_> {
    /// Takes an entry in.
    pub(super) async fn take(&mut self, entry: Entry) -> Result<(), RegisterDown> {
        if entry.demographics.number.as_ref().and_then(|claimed| claimed.valid()).is_some_and(|number| self.cut.contains(&number)) {
            return self.take_cut(entry).await;
        }
        let Some(home) = self.home(&entry.key) else { return self.arrive(entry).await };
        let Some(drafted) = self.person(&home).await? else { return self.arrive(entry).await };
        let Some(old) = drafted.person.entries.iter().find(|own| own.key == entry.key) else { return self.arrive(entry).await };
        if entry.seen < old.seen || *old == entry {
            self.count.unchanged += 1;
            return Ok(());
        }
        let same = old.demographics == entry.demographics && old.restricted == entry.restricted;
        if same || drafted.person.cut && old.demographics.number == entry.demographics.number {
            match same {
                true => self.count.unchanged += 1,
                false => self.count.changed += 1,
            }
            self.put(&home, entry);
            return Ok(());
        }
        self.count.changed += 1;
        self.again(home, entry).await
    }

    /// An entry that gives a number that was cut: it stands by itself, where nothing finds it, and raises no doubt (G1).
    async fn take_cut(&mut self, entry: Entry) -> Result<(), RegisterDown> {
        let home = self.home(&entry.key);
        match &home {
            Some(_) => self.count.changed += 1,
            None => self.count.new += 1,
        }
        if let Some(home) = home {
            let Some(drafted) = self.person(&home).await? else { return Ok(()) };
            let older = drafted.person.entries.iter().any(|own| own.key == entry.key && own.seen > entry.seen);
            if older {
                return Ok(());
            }
            if drafted.person.cut {
                self.put(&home, entry);
                return Ok(());
            }
        }
        self.hide(vec![entry]).await.map(drop)
    }

    /// An entry that nobody had.
    async fn arrive(&mut self, entry: Entry) -> Result<(), RegisterDown> {
        self.count.new += 1;
        let key = entry.key.clone();
        let (to, doubts) = match self.place(&entry, None).await? {
            Place::Theirs { person, tier, weight } => {
                self.linked(&key, &person, (tier, weight), None);
                (person, Vec::new())
            }
            Place::New(doubts) => (self.own(&entry).await?, doubts),
        };
        self.settle(&to, entry).await?;
        self.doubt(&to, &key, doubts).await
    }

    /// An entry that says something else than before.
    async fn again(&mut self, home: PersonId, entry: Entry) -> Result<(), RegisterDown> {
        let key = entry.key.clone();
        let Some(drafted) = self.drafted(&home) else { return Ok(()) };
        let (alone, cut) = (drafted.person.entries.len() == 1, drafted.person.cut);
        // Whoever may see the one number's record may not for that see the other's.
        let renumbered = drafted.renumbered(&entry);
        // A word stands until whoever gave it takes it back. But it holds nobody who was cut, nor one with another number who is alone.
        let free = cut || renumbered && alone;
        let place = self.place(&entry, Some(Home { person: &home, left: renumbered || cut })).await?;
        let (to, doubts) = match place {
            Place::Theirs { person, .. } if person == home => return self.settle(&home, entry).await,
            // Whoever has the number stays: who agrees with them by it now comes to them.
            Place::Theirs { person, tier: 0, .. } if alone && self.owns(&home, &entry) => {
                self.settle(&home, entry.clone()).await?;
                return self.bring(&person, &home, &entry).await;
            }
            Place::Theirs { person, tier, weight } => {
                // What is like others here, and more like somebody there, is for a steward to see.
                if !free && (tier > 0 && !alone && !renumbered || self.is_by_word(&home, &key).await?) {
                    let other = self.best_of(&person, &entry).await?;
                    self.stay(&home, entry, false).await?;
                    return self.doubt(&home, &key, other.map(|other| (Doubt::Probable, other)).into_iter().collect()).await;
                }
                self.linked(&key, &person, (tier, weight), Some(&home).filter(|_| !cut));
                (person, Vec::new())
            }
            Place::New(mut doubts) => {
                let contradicts = renumbered || !alone && !self.fits(&home, &entry);
                if !contradicts && !cut {
                    self.settle(&home, entry).await?;
                    return self.doubt(&home, &key, doubts).await;
                }
                if !free && self.is_by_word(&home, &key).await? {
                    return self.stay(&home, entry, true).await;
                }
                // A number that the source itself changed raises no doubt.
                let other = self.best_of(&home, &entry).await?.filter(|_| !cut && !renumbered);
                doubts.extend(other.map(|other| (Doubt::Confusion, other)));
                let to = self.own(&entry).await?;
                self.event(
                    &to,
                    &rules(),
                    Deed::Linked { entry: key.clone(), tier: None, weight: None, from: Some(home.clone()).filter(|_| !cut) },
                    CHANGED,
                );
                (to, doubts)
            }
        };
        // Of whoever was cut no history leads anywhere.
        if !cut {
            let since = self.linked_since(&home, &key).await?;
            self.event(&home, &rules(), Deed::Unlinked { entry: key.clone(), to: to.clone() }, CHANGED);
            self.touch(&home, since);
        }
        self.touch(&to, None);
        self.settle(&to, entry).await?;
        self.doubt(&to, &key, doubts).await
    }

    /// Whether the number that an entry gives is the one that stands for a person to whom something may be linked.
    fn owns(&self, id: &PersonId, entry: &Entry) -> bool {
        let given = given(entry);
        self.drafted(id).is_some_and(|drafted| given.is_some() && drafted.person.number == given && !drafted.person.investigated)
    }

    /// Brings to a person who has the number those who gave it elsewhere, since what was said here was something else, and who agree with
    /// the entry that says it now.
    async fn bring(&mut self, from: &PersonId, to: &PersonId, with: &Entry) -> Result<(), RegisterDown> {
        self.person(from).await?;
        let agreeing: Vec<EntryKey> = self.compared(from, with).into_iter().filter(by_number).map(|(key, _)| key).collect();
        for key in agreeing {
            let entry = self.drafted(from).and_then(|drafted| drafted.person.entries.iter().find(|entry| entry.key == key).cloned());
            let Some(entry) = entry else { continue };
            if self.is_by_word(from, &key).await? {
                continue;
            }
            let since = self.linked_since(from, &key).await?;
            self.linked(&key, to, (0, 0.0), Some(from));
            self.event(from, &rules(), Deed::Unlinked { entry: key.clone(), to: to.clone() }, BY_NUMBER);
            self.touch(from, since);
            self.touch(to, None);
            self.settle(to, entry).await?;
        }
        Ok(())
    }

    /// An entry stays where it is, whatever it says now. Where that contradicts the others a steward is to see it; and once more where
    /// it is a number that does, though the two were said to be one person: nobody knew of it then.
    async fn stay(&mut self, home: &PersonId, entry: Entry, contradicts: bool) -> Result<(), RegisterDown> {
        let key = entry.key.clone();
        let renumbered = self.drafted(home).is_some_and(|drafted| drafted.renumbered(&entry));
        let other = self.best_of(home, &entry).await?;
        self.settle(home, entry).await?;
        match other {
            Some(other) if renumbered => self.raise_again(Doubt::Confusion, home, &key, &other).await,
            Some(other) if contradicts => self.raise(Doubt::Confusion, home, &key, Some(&other)).await,
            _ => Ok(()),
        }
    }

    /// Writes down that the rules linked an entry.
    fn linked(&mut self, key: &EntryKey, person: &PersonId, (tier, weight): (u8, f64), from: Option<&PersonId>) {
        let reason = if tier == 0 { BY_NUMBER } else { BY_WEIGHT };
        match tier {
            0 => self.count.by_number += 1,
            _ => self.count.by_weight += 1,
        }
        let weight = (tier > 0).then_some(weight);
        self.event(person, &rules(), Deed::Linked { entry: key.clone(), tier: Some(tier), weight, from: from.cloned() }, reason);
    }

    /// A person of its own for an entry: the number's, where nobody has it yet.
    async fn own(&mut self, entry: &Entry) -> Result<PersonId, RegisterDown> {
        self.count.persons += 1;
        let number = match given(entry) {
            Some(number) if self.owner(&number).await?.is_none() => Some(number),
            _ => None,
        };
        let to = self.mint(number);
        let deed = Deed::Linked { entry: entry.key.clone(), tier: None, weight: None, from: None };
        if self.home(&entry.key).is_none() {
            self.event(&to, &Author::Source(entry.key.source.clone()), deed, "nobody like them was known");
        }
        Ok(to)
    }

    /// Puts an entry under its person, and lets the person's own part follow.
    pub(super) async fn settle(&mut self, to: &PersonId, entry: Entry) -> Result<(), RegisterDown> {
        let from = self.home(&entry.key);
        let before = from.as_ref().and_then(|from| self.drafted(from)).map(|drafted| drafted.person.entries.as_slice());
        let gave = before.unwrap_or_default().iter().find(|own| own.key == entry.key).and_then(given);
        let (number, restricted) = (given(&entry), entry.restricted);
        self.person(to).await?;
        self.put(to, entry);
        if let (Some(from), Some(gave)) = (from, gave) {
            self.let_go(&from, gave).await?;
        }
        let Some(drafted) = self.drafted(to) else { return Ok(()) };
        if restricted && !drafted.person.restricted {
            self.alter(to, |person| person.restricted = true);
        }
        let Some(number) = number else { return Ok(()) };
        let wants = |person: &Person| person.numbers().is_empty() && !person.cut && agree(&[number], person.entries.iter());
        if self.drafted(to).is_some_and(|drafted| wants(&drafted.person)) && self.owner(&number).await?.is_none() {
            self.give_numbers(to, vec![number]);
        }
        Ok(())
    }

    /// A number that only the entry gave that went, or that now says something else, goes with it. One that replaced another stands by the
    /// national service's word, whoever gives it.
    async fn let_go(&mut self, id: &PersonId, gave: NhsNumber) -> Result<(), RegisterDown> {
        let Some(drafted) = self.person(id).await? else { return Ok(()) };
        let person = &drafted.person;
        let last = !person.entries.is_empty() && !person.entries.iter().any(|entry| given(entry) == Some(gave));
        if last && person.numbers() == [gave] {
            self.give_numbers(id, Vec::new());
        }
        Ok(())
    }

    /// Raises what there is to doubt about an entry.
    async fn doubt(&mut self, home: &PersonId, key: &EntryKey, doubts: Vec<(Doubt, EntryKey)>) -> Result<(), RegisterDown> {
        for (doubt, other) in doubts {
            self.raise(doubt, home, key, Some(&other)).await?;
        }
        Ok(())
    }

    /// What the rules say of an entry. What it said at home until now does not speak for itself.
    pub(super) async fn place(&mut self, entry: &Entry, home: Option<Home<'_>>) -> Result<Place, RegisterDown> {
        let folded = Folded::of(&entry.demographics);
        let among = self.among(&folded, &entry.key, home).await?;
        let number = self.standing(folded.fields().number).await?;
        let new = Fields { number, ..folded.fields() };
        let owner = match &number {
            Some((number, _)) => self.owner(number).await?,
            None => None,
        };
        let mut candidates: Vec<(matching::Candidate<'_>, Fields<'_>)> = Vec::with_capacity(among.len() * 2);
        for one in &among {
            let numbered = owner.as_ref() == Some(&one.person);
            let candidate = matching::Candidate { person: &one.person, barred: one.barred, numbered };
            one.each(|fields| candidates.push((candidate.clone(), fields)));
        }
        let (probable, confused) = match matching::resolve(&self.registrar.model, &new, &candidates) {
            Resolution::Linked { person, tier, comparison, .. } => {
                return Ok(Place::Theirs { person: person.clone(), tier, weight: f64::from(comparison.weights.total) });
            }
            Resolution::New { probable, confused } => (probable, confused),
        };
        if let Some(person) = self.waiting(&entry.demographics).await? {
            return Ok(Place::Theirs { person, tier: 0, weight: 0.0 });
        }
        // Two verified numbers that differ are two people until the national service says otherwise: no task joins them either.
        let told_apart = |at: usize, comparison: &Comparison| {
            let verified = |number: Option<(NhsNumber, NumberStatus)>| matches!(number, Some((_, NumberStatus::Verified)));
            comparison.guard == Some(Guard::Numbers) && verified(new.number) && verified(candidates[at].1.number)
        };
        let probable = probable.iter().filter(|(at, comparison)| !told_apart(*at, comparison)).map(|(at, _)| (Doubt::Probable, *at));
        let confused = confused.iter().map(|(at, _)| (Doubt::Confusion, *at));
        let doubts = confused.chain(probable).take(self.registrar.limits.doubts_max);
        let doubts: Vec<(Doubt, PersonId)> = doubts.map(|(doubt, at)| (doubt, candidates[at].0.person.clone())).collect();
        drop(candidates);
        let mut named = Vec::with_capacity(doubts.len());
        for (doubt, person) in doubts {
            named.extend(self.best_of(&person, entry).await?.map(|other| (doubt, other)));
        }
        Ok(Place::New(named))
    }

    /// A person who was made by a question about their number, and waits for their first entry.
    async fn waiting(&mut self, said: &Demographics) -> Result<Option<PersonId>, RegisterDown> {
        let Some(number) = said.number.as_ref().and_then(|claimed| claimed.verified()) else { return Ok(None) };
        let Some(owner) = self.owner(&number).await? else { return Ok(None) };
        let Some(drafted) = self.person(&owner).await? else { return Ok(None) };
        let person = &drafted.person;
        let waits = person.entries.is_empty() && !person.investigated && !person.cut && person.number == Some(number);
        Ok(waits.then_some(owner))
    }

    /// Those with whom an entry is compared. Whoever was cut is not among them.
    async fn among(&mut self, folded: &Folded, key: &EntryKey, home: Option<Home<'_>>) -> Result<Vec<Compared>, RegisterDown> {
        let registrar = self.registrar;
        let apart = match home {
            Some(home) => registrar.register.apart(home.person, key).await?,
            None => Vec::new(),
        };
        let mut ids: BTreeSet<PersonId> = self.sharing(folded);
        if let Some((number, _)) = folded.fields().number {
            ids.extend(self.owner(&number).await?);
        }
        let given = folded.fields().number.filter(|(_, status)| *status == NumberStatus::Verified);
        let stands = self.standing(given).await?;
        ids.extend(home.map(|home| home.person.clone()));
        let mut among = Vec::new();
        for found in registrar.index.candidates(&folded.fields(), registrar.limits.compared_max) {
            ids.remove(&found.person);
            if self.drafted(&found.person).is_some() {
                ids.insert(found.person);
                continue;
            }
            let barred = found.investigated || !apart.is_empty() && found.entries().iter().any(|own| apart.contains(own));
            among.push(Compared { person: found.person.clone(), barred, said: Said::Indexed(found) });
        }
        for id in ids {
            let Some(drafted) = self.person(&id).await? else { continue };
            let person = &drafted.person;
            if person.cut {
                continue;
            }
            let left = home.is_some_and(|home| home.left && *home.person == id);
            let barred = left || person.investigated || person.entries.iter().any(|entry| apart.contains(&entry.key));
            let others = person.entries.iter().zip(&drafted.folded).filter(|(entry, _)| entry.key != *key);
            let said = others.map(|(_, folded)| folded.clone()).collect();
            let said = Said::Drafted(said, person.number, person.superseded.clone());
            among.push(Compared { person: id, barred, said });
        }
        // Two people's numbers do not meet in one person, also where the entry that it is like gives none.
        if let (Some((given, _)), Some((stands, _))) = (given, stands) {
            among.iter_mut().for_each(|one| one.barred |= one.has_another(&given, &stands));
        }
        Ok(among)
    }

    /// A number that was superseded stands for the one that replaced it.
    async fn standing(&mut self, number: Option<(NhsNumber, NumberStatus)>) -> Result<Option<(NhsNumber, NumberStatus)>, RegisterDown> {
        let Some((given, status)) = number else { return Ok(None) };
        let Some(owner) = self.owner(&given).await? else { return Ok(number) };
        let stands = match self.drafted(&owner) {
            Some(drafted) => drafted.person.number,
            None => self.registrar.index.candidate(&owner).and_then(|owner| owner.number()),
        };
        Ok(Some((stands.unwrap_or(given), status)))
    }

    /// Whether an entry may still be the same person as the others of a person.
    fn fits(&self, id: &PersonId, entry: &Entry) -> bool {
        let fits =
            |comparison: &Comparison| matches!(comparison.guard, None | Some(Guard::Unsaid)) && comparison.decision != Decision::NonMatch;
        self.compared(id, entry).iter().any(|(_, comparison)| fits(comparison))
    }

    /// Of a person's other entries, the one that is most like this one.
    pub(super) async fn best_of(&mut self, id: &PersonId, entry: &Entry) -> Result<Option<EntryKey>, RegisterDown> {
        self.person(id).await?;
        let comparisons = self.compared(id, entry).into_iter();
        Ok(comparisons.max_by(|(_, a), (_, b)| a.weights.total.total_cmp(&b.weights.total)).map(|(key, _)| key))
    }

    fn compared(&self, id: &PersonId, entry: &Entry) -> Vec<(EntryKey, Comparison)> {
        let Some(drafted) = self.drafted(id) else { return Vec::new() };
        let new = Folded::of(&entry.demographics);
        let others = drafted.person.entries.iter().zip(&drafted.folded).filter(|(other, _)| other.key != entry.key);
        others.map(|(other, folded)| (other.key.clone(), self.registrar.model.compare(&new.fields(), &folded.fields()))).collect()
    }
}

/// Whether one with whom an entry was compared is the same by the number and the birth date.
fn by_number((_, comparison): &(EntryKey, Comparison)) -> bool {
    comparison.tier == Some(0)
}

/// Whose an entry was until now, and whether it has left them in any case.
#[derive(Clone, Copy)]
pub(super) struct Home<'a> {
    pub(super) person: &'a PersonId,
    pub(super) left: bool,
}

/// A person with whom an entry is compared.
struct Compared {
    person: PersonId,
    barred: bool,
    said: Said,
}

/// What a person's entries say: as the draft has it, with the number that stands and those it replaced; or as the index has it.
enum Said {
    Drafted(Vec<Folded>, Option<NhsNumber>, Vec<NhsNumber>),
    Indexed(crate::index::Candidate),
}

impl Compared {
    /// Whether they have another number than the one that stands for what is given or, where they have none, whether one of their entries
    /// gives another, verified.
    fn has_another(&self, given: &NhsNumber, stands: &NhsNumber) -> bool {
        let own = match &self.said {
            Said::Drafted(_, own, _) => *own,
            Said::Indexed(found) => found.number(),
        };
        if let Some(own) = own {
            return own != *stands;
        }
        let mut another = false;
        self.each(|fields| another |= matches!(fields.number, Some((other, NumberStatus::Verified)) if other != *given));
        another
    }

    fn each<'a>(&'a self, mut each: impl FnMut(Fields<'a>)) {
        match &self.said {
            Said::Drafted(said, stands, superseded) => said.iter().for_each(|folded| {
                let fields = folded.fields();
                let number = match (fields.number, stands) {
                    (Some((old, status)), Some(stands)) if superseded.contains(&old) => Some((*stands, status)),
                    (number, _) => number,
                };
                each(Fields { number, ..fields });
            }),
            Said::Indexed(found) => found.profiles().for_each(|fields| {
                let number = fields
                    .number
                    .map(|(given, status)| (if found.is_superseded(&given) { found.number().unwrap_or(given) } else { given }, status));
                each(Fields { number, ..fields });
            }),
        }
    }
}

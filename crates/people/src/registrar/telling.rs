//! A person's history as it may be told: nothing in it leads to anybody whose number was cut, or to what became of an entry since (G1).
//!
//! The register keeps every deed; what is told of them is less. An entry that went where nobody finds it was never here; one that came
//! from there begins anew.

use std::collections::BTreeMap;

use jiff::Timestamp;
use record::PersonId;

use super::Registrar;
use super::deeds::came;
use crate::{Deed, EntryKey, Event, RegisterDown};

/// Persons through whose hands an entry is followed back at most; what was before that is not told.
const HANDS_MAX: usize = 64;

impl Registrar {
    /// What was done to a person's entries, oldest first, without what leads to somebody whose number was cut; of these nothing.
    pub async fn history(&self, person: &PersonId) -> Result<Vec<Event>, RegisterDown> {
        let mut telling = Telling { registrar: self, cut: BTreeMap::new(), lives: BTreeMap::new() };
        let mut told = Vec::new();
        if telling.unless_cut(Some(person.clone())).await?.is_none() {
            return Ok(told);
        }
        for (at, event) in self.register.history(person).await?.into_iter().enumerate() {
            told.extend(telling.tell(at, event).await?);
        }
        Ok(told)
    }
}

/// What has been looked up while one history is told.
struct Telling<'a> {
    registrar: &'a Registrar,
    cut: BTreeMap<PersonId, bool>,
    lives: BTreeMap<EntryKey, Option<Life>>,
}

/// An entry from when it came from nobody who may be named.
#[derive(Clone)]
struct Life {
    /// In each person's history who had it, from which event on it is told of.
    from: BTreeMap<PersonId, usize>,
    begun: Timestamp,
}

impl Telling<'_> {
    /// What an event becomes when it is told.
    async fn tell(&mut self, at: usize, event: Event) -> Result<Vec<Event>, RegisterDown> {
        let keys = match &event.deed {
            Deed::Apart { entry, other } | Deed::Together { entry, other } => vec![entry.clone(), other.clone()],
            Deed::Linked { entry, .. } | Deed::Unlinked { entry, .. } => vec![entry.clone()],
            Deed::Merged { entries, .. } | Deed::Unmerged { entries, .. } => entries.clone(),
            // That there was another number before, which was cut, is told as little as which.
            Deed::Cut => return Ok(Vec::new()),
            Deed::Died
            | Deed::Investigated
            | Deed::InvestigationEnded
            | Deed::NumberSuperseded
            | Deed::Restricted
            | Deed::RestrictionLifted => return Ok(vec![event]),
        };
        let mut here = Vec::new();
        for key in &keys {
            if self.is_told(key, at, &event).await? {
                here.push(key.clone());
            }
        }
        let whole = here.len() == keys.len();
        if here.is_empty() && !whole {
            return Ok(Vec::new());
        }
        let deed = match event.deed.clone() {
            deed @ (Deed::Apart { .. } | Deed::Together { .. }) => whole.then_some(deed),
            Deed::Linked { entry, tier, weight, from } if whole => {
                let from = self.unless_cut(from).await?;
                Some(Deed::Linked { entry, tier, weight, from })
            }
            Deed::Unlinked { entry, to } if whole => self.unless_cut(Some(to)).await?.map(|to| Deed::Unlinked { entry, to }),
            Deed::Unmerged { to, .. } => self.unless_cut(Some(to)).await?.map(|to| Deed::Unmerged { to, entries: here }),
            Deed::Merged { from, .. } => match self.unless_cut(Some(from)).await? {
                Some(from) => Some(Deed::Merged { from, entries: here }),
                // They came from nobody who may be named.
                None => {
                    let linked = |entry| Deed::Linked { entry, tier: None, weight: None, from: None };
                    return Ok(here
                        .into_iter()
                        .map(|entry| Event { deed: linked(entry), reason: String::new(), ..event.clone() })
                        .collect());
                }
            },
            _ => None,
        };
        Ok(deed.map(|deed| Event { deed, ..event }).into_iter().collect())
    }

    /// Whether an entry may be named by the event of a person's history that stands at this place.
    async fn is_told(&mut self, key: &EntryKey, at: usize, event: &Event) -> Result<bool, RegisterDown> {
        if !self.lives.contains_key(key) {
            let life = self.life(key).await?;
            self.lives.insert(key.clone(), life);
        }
        let Some(Some(life)) = self.lives.get(key) else { return Ok(false) };
        Ok(match &event.deed {
            // The other one is not this person's.
            Deed::Apart { other, .. } | Deed::Together { other, .. } if other == key => life.begun <= event.at,
            _ => life.from.get(&event.person).is_some_and(|from| *from <= at),
        })
    }

    /// An entry's life, from hand to hand back to where it began; none where nobody finds it now.
    async fn life(&mut self, key: &EntryKey) -> Result<Option<Life>, RegisterDown> {
        let register = self.registrar.register();
        let mut hands = register.home(key).await?;
        let mut life: Option<Life> = None;
        for _ in 0..HANDS_MAX {
            let Some(person) = self.unless_cut(hands.take()).await? else { break };
            let history = register.history(&person).await?;
            let life = life.get_or_insert(Life { from: BTreeMap::new(), begun: Timestamp::MIN });
            let before = life.from.get(&person).map_or(history.as_slice(), |from| &history[..*from]);
            let coming = before.iter().enumerate().rev().find_map(|(at, event)| Some((at, event.at, came(event, key)?)));
            // Of whoever is here since before there was a history, all is told.
            let (at, begun, from) = coming.unwrap_or((0, Timestamp::MIN, None));
            life.from.insert(person, at);
            (life.begun, hands) = (begun, from);
        }
        Ok(life)
    }

    async fn unless_cut(&mut self, person: Option<PersonId>) -> Result<Option<PersonId>, RegisterDown> {
        let Some(person) = person else { return Ok(None) };
        if let Some(cut) = self.cut.get(&person) {
            return Ok(Some(person).filter(|_| !cut));
        }
        let cut = self.registrar.register.person(&person).await?.is_some_and(|person| person.cut);
        self.cut.insert(person.clone(), cut);
        Ok(Some(person).filter(|_| !cut))
    }
}

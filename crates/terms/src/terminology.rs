//! Terminologies that the operator supplies: what a code has in common with others.

pub(crate) mod maps;
pub(crate) mod medicines;
pub(crate) mod snomed;

use crate::Space;
pub(crate) use maps::Maps;
pub(crate) use medicines::{Level, Medicines};
pub(crate) use snomed::Snomed;

/// SNOMED CT, dm+d and concept maps, as far as they were loaded. Made by a [`crate::Loader`], then only read.
///
/// Sorted arrays of numbers, not maps of strings: the UK edition has a million concepts.
#[derive(Debug, Default)]
pub struct Terminology {
    pub(crate) snomed: Snomed,
    pub(crate) medicines: Medicines,
    pub(crate) maps: Maps,
}

/// The concept that a code stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Canonical {
    /// Its SNOMED CT (or dm+d) identifier.
    pub concept: u64,
    /// By what way: the least certain step of it.
    pub how: How,
}

/// By what way a code leads to its concept, the most certain first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum How {
    /// It is the code.
    Same,
    /// The code was retired, and its own terminology names the one in its place.
    Replaced,
    /// The code is of a brand or a pack, and this is its virtual product.
    Product,
    /// The code is of another system, and a map leads here.
    Mapped,
}

impl How {
    /// The word for it on the wire.
    pub fn code(self) -> &'static str {
        match self {
            How::Same => "same",
            How::Replaced => "replaced",
            How::Product => "product",
            How::Mapped => "mapped",
        }
    }
}

/// How much was loaded, and what it takes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Size {
    /// Concepts of SNOMED CT.
    pub concepts: usize,
    /// Products and packs of dm+d.
    pub products: usize,
    /// Codes of other systems that lead to one concept.
    pub mapped: usize,
    /// Codes of other systems that lead to several, and so to none.
    pub ambiguous: usize,
    /// Bytes of memory, of all together.
    pub bytes: usize,
}

/// Steps from a code to its concept: retired for a retired one, a pack of a brand of a product.
const STEPS_MAX: usize = 16;
/// Ancestors looked through for one. The most that a concept of the UK edition has is some hundreds.
const ANCESTORS_MAX: usize = 10_000;

impl Terminology {
    /// The concept that a code stands for; `None` where nothing that was loaded knows the code, and it can only be itself.
    pub fn canonical(&self, space: Space<'_>, code: &str) -> Option<Canonical> {
        match space {
            Space::Sctid => self.followed(sctid(code)?),
            other => {
                let concept = self.maps.find(other, &other.plain(code))?;
                let concept = self.followed(concept).map_or(concept, |found| found.concept);
                Some(Canonical { concept, how: How::Mapped })
            }
        }
    }

    /// A concept followed to the one that is in use for it.
    fn followed(&self, concept: u64) -> Option<Canonical> {
        if !self.snomed.holds(concept) && !self.medicines.holds(concept) {
            return None;
        }
        let mut found = Canonical { concept, how: How::Same };
        for _ in 0..STEPS_MAX {
            let next = self.medicines.replaced(found.concept).or_else(|| self.snomed.replaced(found.concept));
            let (next, how) = match next {
                Some(next) => (next, How::Replaced),
                None => match self.medicines.product(found.concept) {
                    Some(product) => (product, How::Product),
                    None => return Some(found),
                },
            };
            found = Canonical { concept: next, how: found.how.max(how) };
        }
        // Files that lead in a circle say nothing.
        Some(Canonical { concept, how: How::Same })
    }

    /// Whether one concept is a kind of the other, by the terminology's own word. Not of itself.
    pub fn subsumes(&self, ancestor: u64, descendant: u64) -> bool {
        let mut waiting = self.parents(descendant);
        let mut seen = Vec::new();
        while let Some(concept) = waiting.pop() {
            if concept == ancestor {
                return true;
            }
            if seen.len() < ANCESTORS_MAX
                && let Err(place) = seen.binary_search(&concept)
            {
                seen.insert(place, concept);
                waiting.extend(self.parents(concept));
            }
        }
        false
    }

    /// Every kind of a concept, by the terminology's own word, in order. Goes through all concepts: for the start, not for a read.
    pub fn descendants(&self, ancestor: u64) -> Vec<u64> {
        let mut known: std::collections::HashMap<u64, bool> = std::collections::HashMap::from([(ancestor, true)]);
        let mut found = Vec::new();
        for concept in self.snomed.ids().chain(self.medicines.ids()).filter(|concept| *concept != ancestor) {
            if self.leads_to(concept, &mut known) {
                found.push(concept);
            }
        }
        found.sort_unstable();
        found.dedup();
        found
    }

    /// Whether what is known is reached from a concept; what was passed on the way is known then.
    fn leads_to(&self, concept: u64, known: &mut std::collections::HashMap<u64, bool>) -> bool {
        let (mut waiting, mut passed) = (vec![concept], Vec::new());
        let mut leads = false;
        while let Some(at) = waiting.pop() {
            match known.get(&at) {
                Some(true) => {
                    leads = true;
                    break;
                }
                Some(false) => continue,
                None => {}
            }
            // Until it is known better: files that lead in a circle say nothing.
            known.insert(at, false);
            passed.push(at);
            waiting.extend(self.parents(at));
        }
        if leads {
            // Others on the way may lead elsewhere only: they are looked at when their turn comes.
            passed.iter().for_each(|at| _ = known.remove(at));
            known.insert(concept, true);
        }
        leads
    }

    fn parents(&self, concept: u64) -> Vec<u64> {
        self.snomed.parents(concept).chain(self.medicines.above(concept)).collect()
    }

    /// The name of a concept, where names were loaded.
    pub fn name(&self, concept: u64) -> Option<&str> {
        self.medicines.name(concept).or_else(|| self.snomed.name(concept))
    }

    /// Whether nothing was loaded.
    pub fn is_empty(&self) -> bool {
        let size = self.size();
        size.concepts + size.products + size.mapped == 0
    }

    /// How much was loaded.
    pub fn size(&self) -> Size {
        Size {
            concepts: self.snomed.len(),
            products: self.medicines.len(),
            mapped: self.maps.len(),
            ambiguous: self.maps.ambiguous(),
            bytes: self.snomed.bytes() + self.medicines.bytes() + self.maps.bytes(),
        }
    }
}

/// A SNOMED CT identifier, as a number.
pub(crate) fn sctid(code: &str) -> Option<u64> {
    let plain = (6..=18).contains(&code.len()) && !code.starts_with('0') && code.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| code.parse().ok()).flatten()
}

/// Text of many, each by its place.
#[derive(Debug, Default)]
pub(crate) struct Texts {
    all: String,
    /// Where each ends.
    ends: Vec<u32>,
}

impl Texts {
    pub fn push(&mut self, text: &str) {
        self.all.push_str(text);
        self.ends.push(u32::try_from(self.all.len()).unwrap_or(u32::MAX));
    }

    pub fn get(&self, place: usize) -> Option<&str> {
        let end = *self.ends.get(place)? as usize;
        let start = place.checked_sub(1).map_or(0, |before| self.ends[before] as usize);
        self.all.get(start..end).filter(|text| !text.is_empty())
    }

    pub fn len(&self) -> usize {
        self.ends.len()
    }

    pub fn shrink(&mut self) {
        self.all.shrink_to_fit();
        self.ends.shrink_to_fit();
    }

    pub fn bytes(&self) -> usize {
        self.all.capacity() + self.ends.capacity() * 4
    }
}

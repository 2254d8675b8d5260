//! Concepts of SNOMED CT: which are in use, what each is a kind of, and what took a retired one's place.

use super::Texts;

/// Concepts by their place in the order of their identifiers.
#[derive(Debug, Default)]
pub(crate) struct Snomed {
    ids: Vec<u64>,
    /// Where the parents of each begin; one more than there are concepts.
    starts: Vec<u32>,
    parents: Vec<u32>,
    /// Retired concepts and what took their place, by place.
    replaced: Vec<(u32, u32)>,
    names: Texts,
}

/// What the files say, before it is put in order.
#[derive(Debug, Default)]
pub(crate) struct Said {
    /// Identifier, day of effect, whether it is in use.
    pub concepts: Vec<(u64, u32, bool)>,
    /// A concept, and what it is a kind of.
    pub is_a: Vec<(u64, u64)>,
    /// A retired concept, and what is the same or took its place.
    pub replaced: Vec<(u64, u64)>,
    /// A concept and its full name.
    pub names: Vec<(u64, Box<str>)>,
}

impl Snomed {
    pub fn new(mut said: Said) -> Snomed {
        // Editions overlap; the later word on a concept stands.
        said.concepts.sort_unstable_by_key(|(id, day, _)| (*id, std::cmp::Reverse(*day)));
        said.concepts.dedup_by_key(|(id, _, _)| *id);
        let ids: Vec<u64> = said.concepts.iter().map(|(id, _, _)| *id).collect();
        let place = |id: u64| ids.binary_search(&id).ok().map(|place| place as u32);
        let mut edges: Vec<(u32, u32)> = said.is_a.drain(..).filter_map(|(child, parent)| Some((place(child)?, place(parent)?))).collect();
        edges.sort_unstable();
        edges.dedup();
        let mut starts = vec![0u32; ids.len() + 1];
        edges.iter().for_each(|(child, _)| starts[*child as usize + 1] += 1);
        (1..starts.len()).for_each(|at| starts[at] += starts[at - 1]);
        let parents = edges.iter().map(|(_, parent)| *parent).collect();
        let mut replaced: Vec<(u32, u32)> = said.replaced.iter().filter_map(|(old, new)| Some((place(*old)?, place(*new)?))).collect();
        replaced.retain(|(old, new)| old != new && !said.concepts[*old as usize].2);
        replaced.sort_unstable();
        replaced.dedup();
        // What has two in its place has none: which of them was meant is not for us to say.
        let doubtful: Vec<u32> = replaced.windows(2).filter(|pair| pair[0].0 == pair[1].0).map(|pair| pair[0].0).collect();
        replaced.retain(|(old, _)| doubtful.binary_search(old).is_err());
        replaced.shrink_to_fit();
        let names = names(&ids, said.names);
        Snomed { ids, starts, parents, replaced, names }
    }

    fn place(&self, id: u64) -> Option<usize> {
        self.ids.binary_search(&id).ok()
    }

    /// Every concept.
    pub fn ids(&self) -> impl Iterator<Item = u64> + '_ {
        self.ids.iter().copied()
    }

    pub fn holds(&self, id: u64) -> bool {
        self.place(id).is_some()
    }

    /// What took a retired concept's place.
    pub fn replaced(&self, id: u64) -> Option<u64> {
        let place = self.place(id)? as u32;
        let found = self.replaced.binary_search_by_key(&place, |(old, _)| *old).ok()?;
        Some(self.ids[self.replaced[found].1 as usize])
    }

    /// What a concept is a kind of, one step up.
    pub fn parents(&self, id: u64) -> impl Iterator<Item = u64> + '_ {
        let range = self.place(id).map_or(0..0, |place| self.starts[place] as usize..self.starts[place + 1] as usize);
        self.parents[range].iter().map(|parent| self.ids[*parent as usize])
    }

    pub fn name(&self, id: u64) -> Option<&str> {
        self.names.get(self.place(id)?)
    }

    pub fn len(&self) -> usize {
        self.ids.len()
    }

    pub fn bytes(&self) -> usize {
        self.ids.capacity() * 8 + (self.starts.capacity() + self.parents.capacity()) * 4 + self.replaced.capacity() * 8 + self.names.bytes()
    }
}

/// Names in the order of the concepts; empty where there is none.
fn names(ids: &[u64], mut said: Vec<(u64, Box<str>)>) -> Texts {
    said.sort_by_key(|(id, _)| *id);
    let mut texts = Texts::default();
    if said.is_empty() {
        return texts;
    }
    let mut said = said.into_iter().peekable();
    for id in ids {
        while said.next_if(|(other, _)| other < id).is_some() {}
        texts.push(said.peek().filter(|(other, _)| other == id).map_or("", |(_, name)| name));
    }
    texts.shrink();
    texts
}

//! A base in segments, and layers of what changed since: read without waiting, changed by swapping the whole list of them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::{ArcSwap, Guard};
use record::PersonId;

use super::ids::Ids;

/// Persons in order of their ids, packed.
pub(super) trait Run: Sized + Send + Sync + 'static {
    /// A run in the making.
    type Builder: Default;
    /// Who is in it.
    fn ids(&self) -> &Ids;
    /// Adds one of its persons to another run, after all that are there.
    fn copy(&self, id: &PersonId, ordinal: u32, to: &mut Self::Builder);
    /// Whether a run is as large as it may be.
    fn is_full(builder: &Self::Builder, persons_max: usize) -> bool;
    /// The finished run.
    fn finish(builder: Self::Builder) -> Self;
}

/// Persons that replace those of everything below, and persons who are gone.
pub(super) struct Layer<R> {
    pub(super) run: Arc<R>,
    /// In order.
    pub(super) gone: Arc<[PersonId]>,
}

/// A part of the base: the persons from one id up to the next segment's.
pub(super) struct Segment<R> {
    pub(super) first: PersonId,
    pub(super) run: Arc<R>,
}

/// All there is, at one moment.
pub(super) struct Stack<R> {
    /// In order of ids.
    pub(super) segments: Vec<Segment<R>>,
    /// The oldest first.
    pub(super) layers: Vec<Layer<R>>,
    /// How many of the oldest layers are being folded into the base, and stay as they are meanwhile.
    folding: usize,
}

/// What became of persons since: where they stand, or that they are gone.
type Changed<R> = BTreeMap<PersonId, Option<(Arc<R>, u32)>>;

impl<R> Clone for Layer<R> {
    fn clone(&self) -> Layer<R> {
        Layer { run: self.run.clone(), gone: self.gone.clone() }
    }
}

impl<R> Clone for Segment<R> {
    fn clone(&self) -> Segment<R> {
        Segment { first: self.first.clone(), run: self.run.clone() }
    }
}

impl<R> Clone for Stack<R> {
    fn clone(&self) -> Stack<R> {
        Stack { segments: self.segments.clone(), layers: self.layers.clone(), folding: self.folding }
    }
}

impl<R> Default for Stack<R> {
    fn default() -> Stack<R> {
        Stack { segments: Vec::new(), layers: Vec::new(), folding: 0 }
    }
}

impl<R: Run> Layer<R> {
    fn weight(&self) -> usize {
        self.run.ids().count() + self.gone.len()
    }

    fn changes(&self, id: &PersonId) -> bool {
        self.gone.binary_search(id).is_ok() || self.run.ids().find(id).is_some()
    }
}

impl<R: Run> Stack<R> {
    /// Every run, the newest first, each with how many layers lie above it.
    pub(super) fn runs(&self) -> impl Iterator<Item = (usize, &Arc<R>)> {
        let depth = self.layers.len();
        let layers = self.layers.iter().rev().map(|layer| &layer.run).enumerate();
        layers.chain(self.segments.iter().map(move |segment| (depth, &segment.run)))
    }

    /// Whether what a run says of a person was replaced by a newer layer.
    pub(super) fn is_replaced(&self, depth: usize, id: &PersonId) -> bool {
        self.layers.iter().rev().take(depth).any(|layer| layer.changes(id))
    }

    /// Where a person stands.
    pub(super) fn find(&self, id: &PersonId) -> Option<(&Arc<R>, u32)> {
        for layer in self.layers.iter().rev() {
            if let Some(ordinal) = layer.run.ids().find(id) {
                return Some((&layer.run, ordinal));
            }
            if layer.gone.binary_search(id).is_ok() {
                return None;
            }
        }
        let after = self.segments.partition_point(|segment| segment.first <= *id);
        let segment = self.segments.get(after.checked_sub(1)?)?;
        Some((&segment.run, segment.run.ids().find(id)?))
    }

    pub(super) fn push_one(&mut self, run: R, gone: Vec<PersonId>) {
        self.push(Layer { run: Arc::new(run), gone: gone.into() });
    }

    /// Puts a layer on top. Layers of about one size become one, so that there are few of them and each person is copied seldom.
    fn push(&mut self, layer: Layer<R>) {
        self.layers.push(layer);
        while self.layers.len() >= self.folding + 2 {
            let [.., older, newer] = &self.layers[..] else { break };
            if older.weight() > newer.weight() * 2 {
                break;
            }
            let changed = changed(&[older.clone(), newer.clone()]);
            let gone = changed.iter().filter(|(_, place)| place.is_none()).map(|(id, _)| id.clone()).collect();
            let mut builder = R::Builder::default();
            copy(&changed, &mut builder);
            self.layers.truncate(self.layers.len() - 2);
            self.layers.push(Layer { run: Arc::new(R::finish(builder)), gone });
        }
    }
}

fn changed<R: Run>(layers: &[Layer<R>]) -> Changed<R> {
    let mut changed = Changed::new();
    for layer in layers {
        changed.extend(layer.gone.iter().map(|id| (id.clone(), None)));
        let ordinals = 0..layer.run.ids().count() as u32;
        changed.extend(ordinals.filter_map(|ordinal| Some((layer.run.ids().id(ordinal)?, Some((layer.run.clone(), ordinal))))));
    }
    changed
}

fn copy<R: Run>(changed: &Changed<R>, builder: &mut R::Builder) {
    for (id, place) in changed {
        if let Some((run, ordinal)) = place {
            run.copy(id, *ordinal, builder);
        }
    }
}

/// A stack that is read while it changes.
pub(super) struct Shared<R> {
    stack: ArcSwap<Stack<R>>,
    /// Held by whoever makes the next stack.
    writing: Mutex<()>,
    /// Held by whoever folds: one at a time.
    folding: Mutex<()>,
    /// How many persons a segment has at most.
    persons_max: usize,
}

impl<R: Run> Shared<R> {
    pub(super) fn new(persons_max: usize) -> Shared<R> {
        let stack = ArcSwap::from_pointee(Stack::default());
        Shared { stack, writing: Mutex::default(), folding: Mutex::default(), persons_max: persons_max.clamp(1, super::table::PERSONS_MAX) }
    }

    /// What there is now. It stays as it is for as long as it is looked at.
    pub(super) fn read(&self) -> Guard<Arc<Stack<R>>> {
        self.stack.load()
    }

    pub(super) fn persons_max(&self) -> usize {
        self.persons_max
    }

    /// Swaps in the next stack.
    pub(super) fn change(&self, next: impl FnOnce(&mut Stack<R>)) {
        let _writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut stack = Stack::clone(&self.stack.load());
        next(&mut stack);
        self.stack.store(Arc::new(stack));
    }

    pub(super) fn push(&self, run: R, gone: Vec<PersonId>) {
        self.change(|stack| stack.push_one(run, gone));
    }

    /// Adds a segment whose persons come after all others of the base.
    pub(super) fn append(&self, run: R) {
        let _folding = self.folding.lock().unwrap_or_else(PoisonError::into_inner); // Which looks at the last segment, too.
        if let Some(first) = run.ids().first() {
            self.change(|stack| stack.segments.push(Segment { first, run: Arc::new(run) }));
        }
    }

    /// Holds what another holds now.
    pub(super) fn become_as(&self, other: &Shared<R>) {
        let _folding = self.folding.lock().unwrap_or_else(PoisonError::into_inner); // Which would put parts of what was before into it.
        let other = other.stack.load_full();
        self.change(|stack| *stack = Stack { folding: 0, ..Stack::clone(&other) });
    }

    /// How many persons changed since the base was made.
    pub(super) fn pending(&self) -> usize {
        self.read().layers.iter().map(Layer::weight).sum()
    }

    /// Folds the layers that are there now into the base, segment by segment, so that little more memory is needed meanwhile. Readers and
    /// writers go on. Returns how many segments were made anew.
    pub(super) fn fold(&self) -> usize {
        let _folding = self.folding.lock().unwrap_or_else(PoisonError::into_inner);
        self.change(|stack| stack.folding = stack.layers.len());
        let mut changed = changed(&self.read().layers.clone()[..self.read().folding]);
        let mut made = 0;
        let mut at = 0;
        while !changed.is_empty() {
            let stack = self.stack.load_full();
            let next = stack.segments.get(at + 1).map(|segment| segment.first.clone());
            let rest = next.map(|next| changed.split_off(&next)).unwrap_or_default();
            let old = stack.segments.get(at).map(|segment| segment.run.clone());
            drop(stack);
            let replaced = usize::from(old.is_some());
            let runs = if changed.is_empty() { None } else { Some(self.merged(old.as_deref(), &changed)) };
            match runs {
                None => at += 1,
                Some(runs) => {
                    made += runs.len();
                    let count = runs.len();
                    let segments = runs.into_iter().filter_map(|run| Some(Segment { first: run.ids().first()?, run: Arc::new(run) }));
                    let segments: Vec<_> = segments.collect();
                    self.change(|stack| drop(stack.segments.splice(at..at + replaced, segments)));
                    at += count;
                }
            }
            changed = rest;
        }
        self.change(|stack| {
            stack.layers.drain(..stack.folding);
            stack.folding = 0;
        });
        made
    }

    /// One segment with what changed of it: a segment again, none where nobody is left, several where it grew too large.
    fn merged(&self, old: Option<&R>, changed: &Changed<R>) -> Vec<R> {
        let mut runs = Vec::new();
        let mut builder = R::Builder::default();
        let mut add = |run: &R, id: &PersonId, ordinal: u32| {
            if R::is_full(&builder, self.persons_max) {
                runs.push(R::finish(std::mem::take(&mut builder)));
            }
            run.copy(id, ordinal, &mut builder);
        };
        let mut newer = changed.iter().peekable();
        for ordinal in 0..old.map_or(0, |old| old.ids().count() as u32) {
            let Some((old, id)) = old.and_then(|old| Some((old, old.ids().id(ordinal)?))) else { continue };
            while let Some((before, place)) = newer.next_if(|(other, _)| **other < id) {
                place.iter().for_each(|(run, ordinal)| add(run, before, *ordinal));
            }
            match newer.next_if(|(other, _)| **other == id) {
                Some((_, place)) => place.iter().for_each(|(run, ordinal)| add(run, &id, *ordinal)),
                None => add(old, &id, ordinal),
            }
        }
        for (id, place) in newer {
            place.iter().for_each(|(run, ordinal)| add(run, id, *ordinal));
        }
        runs.push(R::finish(builder));
        runs.retain(|run| run.ids().count() > 0);
        runs
    }
}

//! Calls that wait and calls under way.

use std::collections::BTreeMap;

use record::{Call, CallId};
use rustc_hash::FxHashMap;

/// What a call is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Errand {
    /// The statement of capability.
    Metadata,
    /// A page of the stream of this number.
    Page(usize),
    /// One resource that others refer to, by type and id in the source's words.
    Reference(String, String),
}

/// Calls of one leg. Only so many are under way at once: a source is somebody's hospital.
#[derive(Debug)]
pub(super) struct Calls {
    next: u32,
    under_way_max: usize,
    waiting: BTreeMap<(u8, CallId), (Call, Errand)>,
    under_way: FxHashMap<CallId, Errand>,
}

impl Calls {
    pub(super) fn new(under_way_max: usize) -> Calls {
        Calls { next: 0, under_way_max: under_way_max.max(1), waiting: BTreeMap::new(), under_way: FxHashMap::default() }
    }

    /// Puts a call in its place by priority.
    pub(super) fn put(&mut self, mut call: Call, errand: Errand) {
        call.id = CallId(self.next);
        self.next += 1;
        self.waiting.insert((call.priority, call.id), (call, errand));
    }

    /// The calls to send now.
    pub(super) fn send(&mut self) -> Vec<Call> {
        let mut sent = Vec::new();
        while self.under_way.len() < self.under_way_max
            && let Some((_, (call, errand))) = self.waiting.pop_first()
        {
            self.under_way.insert(call.id, errand);
            sent.push(call);
        }
        sent
    }

    /// What a reply answers; `None` for one nobody waits for.
    pub(super) fn answered(&mut self, id: CallId) -> Option<Errand> {
        self.under_way.remove(&id)
    }

    /// Takes away all that was not sent yet.
    pub(super) fn cancel_waiting(&mut self) -> Vec<Errand> {
        std::mem::take(&mut self.waiting).into_values().map(|(_, errand)| errand).collect()
    }

    /// Whether a statement of capability is still to come.
    pub(super) fn awaits_metadata(&self) -> bool {
        self.under_way.values().chain(self.waiting.values().map(|(_, errand)| errand)).any(|errand| *errand == Errand::Metadata)
    }

    /// Whether nothing waits and nothing is under way.
    pub(super) fn is_idle(&self) -> bool {
        self.waiting.is_empty() && self.under_way.is_empty()
    }
}

//! Where the resources of a leg stand, by what references call them.

use std::cell::OnceCell;

use fhir::Kind;
use rustc_hash::FxHashMap;

use super::Arrived;

/// Places of resources by type and minted id, and by address.
#[derive(Debug, Default)]
pub(super) struct Index {
    /// Minted id -> type and place; types after the first that share an id stand in `shared`.
    by_id: FxHashMap<String, (Kind, usize)>,
    shared: FxHashMap<(Kind, String), usize>,
    /// `fullUrl`, where it is no address made of a base, the type and the id.
    by_url: FxHashMap<String, usize>,
}

impl Index {
    /// Makes room for so many more resources.
    pub(super) fn reserve(&mut self, count: usize) {
        self.by_id.reserve(count);
    }

    /// Notes a resource; of several versions the last is found.
    pub(super) fn add(&mut self, arrived: &Arrived, place: usize) {
        match self.by_id.get_mut(&arrived.id) {
            Some((kind, first)) if *kind == arrived.kind => *first = place,
            Some(_) => {
                self.shared.insert((arrived.kind, arrived.id.clone()), place);
            }
            None => {
                self.by_id.insert(arrived.id.clone(), (arrived.kind, place));
            }
        }
    }

    /// Notes an address.
    pub(super) fn add_url(&mut self, url: Option<String>, place: usize) {
        if let Some(url) = url {
            self.by_url.insert(url, place);
        }
    }

    /// The resource of a type and minted id: its version that came last.
    pub(super) fn place(&self, kind: Kind, id: &str) -> Option<usize> {
        let (own, place) = self.by_id.get(id)?;
        if *own == kind { Some(*place) } else { self.shared.get(&(kind, id.to_owned())).copied() }
    }

    /// The addresses, with the place of each.
    pub(super) fn into_urls(self) -> impl Iterator<Item = (String, usize)> {
        self.by_url.into_iter()
    }

    /// The resource whose entry had this address.
    pub(super) fn by_url(&self, url: &str) -> Option<usize> {
        self.by_url.get(url).copied()
    }
}

/// The source's own ids, for references that say no type. Few sources write such: they are looked up when one is met.
#[derive(Debug, Default)]
pub(super) struct Names {
    /// The source's id -> its place; none where two types share an id.
    places: OnceCell<FxHashMap<String, Option<usize>>>,
}

impl Names {
    /// The only resource that the source calls by this id.
    pub(super) fn only(&self, arrived: &[Arrived], id: &str) -> Option<usize> {
        *self.places.get_or_init(|| named(arrived)).get(id)?
    }
}

fn named(arrived: &[Arrived]) -> FxHashMap<String, Option<usize>> {
    let mut places: FxHashMap<String, Option<usize>> = FxHashMap::default();
    for (place, one) in arrived.iter().enumerate() {
        let Some(id) = &one.origin.id else { continue };
        let known = places.entry(id.clone()).or_insert(Some(place));
        let same = known.is_some_and(|known| arrived[known].kind == one.kind && arrived[known].id == one.id);
        if !same {
            *known = None;
        }
    }
    places
}

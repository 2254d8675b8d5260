//! dm+d: medicines by what they are of.

use super::Texts;

/// Levels of dm+d.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Level {
    /// Actual product: a brand, or a maker's generic.
    Amp,
    /// A pack of an actual product.
    Ampp,
    /// Virtual product: substance, strength and form.
    Vmp,
    /// A pack of a virtual product.
    Vmpp,
    /// The moiety.
    Vtm,
}

/// Products by identifier.
#[derive(Debug, Default)]
pub(crate) struct Medicines {
    ids: Vec<u64>,
    levels: Vec<Level>,
    /// Of what each is, by place; itself where nothing is said.
    above: Vec<u32>,
    /// Former identifiers, and the one now in use.
    former: Vec<(u64, u64)>,
    names: Texts,
}

/// What the files say, before it is put in order.
#[derive(Debug, Default)]
pub(crate) struct Said {
    /// Identifier, level, of what it is, name.
    pub products: Vec<(u64, Level, Option<u64>, Box<str>)>,
    /// A former identifier, and the one now in use.
    pub former: Vec<(u64, u64)>,
}

impl Medicines {
    pub fn new(mut said: Said) -> Medicines {
        said.products.sort_by_key(|(id, level, ..)| (*id, *level));
        said.products.dedup_by_key(|(id, ..)| *id);
        let ids: Vec<u64> = said.products.iter().map(|(id, ..)| *id).collect();
        let place = |id: u64| ids.binary_search(&id).ok().map(|place| place as u32);
        let above = said.products.iter().enumerate().map(|(own, (_, _, above, _))| above.and_then(place).unwrap_or(own as u32)).collect();
        let levels = said.products.iter().map(|(_, level, ..)| *level).collect();
        let mut names = Texts::default();
        said.products.iter().for_each(|(_, _, _, name)| names.push(name));
        names.shrink();
        let mut former = said.former;
        // An identifier that is in use stands for itself, whatever it stood for before.
        former.retain(|(old, new)| old != new && place(*new).is_some() && place(*old).is_none());
        former.sort_unstable();
        former.dedup();
        let doubtful: Vec<u64> = former.windows(2).filter(|pair| pair[0].0 == pair[1].0).map(|pair| pair[0].0).collect();
        former.retain(|(old, _)| doubtful.binary_search(old).is_err());
        former.shrink_to_fit();
        Medicines { ids, levels, above, former, names }
    }

    fn place(&self, id: u64) -> Option<usize> {
        self.ids.binary_search(&id).ok()
    }

    /// Every product and pack.
    pub fn ids(&self) -> impl Iterator<Item = u64> + '_ {
        self.ids.iter().copied()
    }

    pub fn holds(&self, id: u64) -> bool {
        self.place(id).is_some() || self.replaced(id).is_some()
    }

    /// The identifier now in use for a former one.
    pub fn replaced(&self, id: u64) -> Option<u64> {
        let found = self.former.binary_search_by_key(&id, |(old, _)| *old).ok()?;
        Some(self.former[found].1)
    }

    /// The product that a brand or a pack is of, up to the virtual one.
    pub fn product(&self, id: u64) -> Option<u64> {
        let place = self.place(id)?;
        matches!(self.levels[place], Level::Amp | Level::Ampp | Level::Vmpp).then(|| self.up(place)).flatten()
    }

    /// Of what a product is, one step up; a moiety is of nothing.
    pub fn above(&self, id: u64) -> Option<u64> {
        self.up(self.place(id)?)
    }

    fn up(&self, place: usize) -> Option<u64> {
        let above = self.above[place] as usize;
        (above != place).then(|| self.ids[above])
    }

    pub fn name(&self, id: u64) -> Option<&str> {
        self.names.get(self.place(id)?)
    }

    pub fn len(&self) -> usize {
        self.ids.len()
    }

    pub fn bytes(&self) -> usize {
        self.ids.capacity() * 8 + self.levels.capacity() + self.above.capacity() * 4 + self.former.capacity() * 16 + self.names.bytes()
    }
}

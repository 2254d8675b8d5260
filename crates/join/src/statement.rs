//! What a resource states, as far as joining asks: which thing, when, and what two sources may not differ in.

use std::borrow::Cow;
use std::cell::OnceCell;

use fhir::date::Partial;
use fhir::{Kind, Ref};
use record::{Item, SourceId};
use rustc_hash::FxHashMap;
use smallvec::SmallVec;
use terms::{Negated, Space};

mod kinds;
mod rate;

/// A code in its space.
pub(crate) type Code<'a> = (Space<'a>, Cow<'a, str>);

/// Codes: most often one or two.
pub(crate) type Codes<'a> = SmallVec<[Code<'a>; 2]>;

/// A source, and the one behind it, if there is one.
pub(crate) type Speaker<'a> = (&'a SourceId, Option<&'a str>);

/// Something in which statements of one thing may differ, which makes them a conflict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Facet {
    Amount,
    Criticality,
    DoseNumber,
    Frequency,
    Laterality,
    Lot,
    Recommendation,
    Status,
    Value,
    Verification,
}

impl Facet {
    /// The code of a conflict.
    pub fn code(self) -> &'static str {
        match self {
            Facet::Amount | Facet::Frequency => "dose",
            Facet::Criticality => "criticality",
            Facet::DoseNumber => "dose-number",
            Facet::Laterality => "laterality",
            Facet::Lot => "lot",
            Facet::Recommendation => "recommendation",
            Facet::Status => "status",
            Facet::Value => "value",
            Facet::Verification => "verification-status",
        }
    }

    /// Whether it may not differ under one business identifier. The rest may lag behind the owner's word.
    pub fn is_exact(self) -> bool {
        matches!(self, Facet::Amount | Facet::DoseNumber | Facet::Frequency | Facet::Laterality | Facet::Lot | Facet::Value)
    }
}

/// How a statement stands to being so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Standing {
    /// It is said to be so.
    Asserted,
    /// It is said not to be so, not to have been done, or to be called off.
    Denied,
    /// It was a mistake to say it.
    Error,
}

/// What one resource states. What is seen at a glance tells with which others it is worth comparing; the rest is read when it is.
pub(crate) struct Statement<'a> {
    /// Index of the item.
    pub at: usize,
    pub item: &'a Item,
    /// Codes of what it is about.
    pub codes: Codes<'a>,
    /// The clinical date, or its beginning.
    pub when: Option<Partial>,
    pub standing: Standing,
    /// Business identifiers that are a key, and the provider's own: system and value.
    pub identifiers: Vec<(Cow<'a, str>, Cow<'a, str>)>,
    chart: &'a Chart<'a>,
    detail: OnceCell<Box<Detail<'a>>>,
    words: OnceCell<Option<String>>,
}

/// What only a comparison asks for.
#[derive(Debug, Default)]
pub(crate) struct Detail<'a> {
    /// The end, where there is one.
    pub until: Option<Partial>,
    /// What must be equal wherever both say it in one system, or these are two things: name, system (none: words) and value.
    pub same: Vec<(&'static str, Option<Space<'a>>, Cow<'a, str>)>,
    /// What may not differ: facet, what it is counted in, value. Compared where facet and measure are equal.
    pub stated: Vec<(Facet, Cow<'a, str>, Cow<'a, str>)>,
    /// Values were given in a form that cannot be compared with every other.
    pub values: usize,
    /// Directions in words only.
    pub directions: Option<String>,
    /// A plan that binds whoever acts next: known by its category, whatever its title.
    pub decides: bool,
}

impl<'a> Statement<'a> {
    pub fn kind(&self) -> Kind {
        self.item.kind
    }

    /// Who says it: the source, and the one behind it where the source passes on.
    pub fn speaker(&self) -> Speaker<'a> {
        (&self.item.origin.source, self.item.traits.via.as_deref())
    }

    pub fn detail(&self) -> &Detail<'a> {
        self.detail.get_or_init(|| Box::new(kinds::detail(self.kind(), self.item.tree.root(), self.chart)))
    }

    /// Words for what it is about, for comparing.
    pub fn words(&self) -> Option<&str> {
        self.words.get_or_init(|| kinds::words_about(self.kind(), self.item.tree.root(), self.chart)).as_deref()
    }

    /// For allergies: it says there are none of a class.
    pub fn negated(&self) -> Option<Negated> {
        if self.kind() != Kind::ALLERGY_INTOLERANCE {
            return None;
        }
        self.codes.iter().find_map(|(_, code)| terms::negated(code))
    }

    /// The code of its verification status.
    pub fn verification(&self) -> Option<Cow<'a, str>> {
        kinds::verification(self.item.tree.root())
    }

    /// The value of a facet, if stated.
    pub fn facet(&self, facet: Facet) -> Option<&str> {
        self.detail().stated.iter().find(|(name, _, _)| *name == facet).map(|(_, _, value)| value.as_ref())
    }

    /// The value that must be equal in whatever system it is said, if there is one.
    pub fn must(&self, name: &str) -> Option<(Option<Space<'a>>, &str)> {
        self.detail().same.iter().find(|(other, _, _)| *other == name).map(|(_, space, value)| (*space, value.as_ref()))
    }
}

impl<'a> Detail<'a> {
    fn states(&mut self, facet: Facet, measure: impl Into<Cow<'a, str>>, value: impl Into<Cow<'a, str>>) {
        self.stated.push((facet, measure.into(), value.into()));
    }
}

/// Every item by its minted reference (`Condition/gp-1`).
pub(crate) struct Chart<'a> {
    places: FxHashMap<(Kind, &'a str), &'a Item>,
}

impl<'a> Chart<'a> {
    pub fn new(items: impl Iterator<Item = &'a Item>) -> Chart<'a> {
        Chart { places: items.map(|item| ((item.kind, item.id.as_str()), item)).collect() }
    }

    /// What a Reference in a resource leads to: something contained, or another item.
    pub fn follow(&self, root: Ref<'a>, reference: Option<Ref<'a>>) -> Option<Ref<'a>> {
        let text = reference?.get("reference")?.value()?;
        if let Some(id) = text.strip_prefix('#') {
            return root.get("contained")?.items().find(|inner| inner.is("id", id));
        }
        let (kind, id) = text.split_once('/')?;
        self.places.get(&(Kind::parse(kind)?, id)).map(|item| item.tree.root())
    }
}

/// Reads what an item states, at a glance.
pub(crate) fn read<'a>(at: usize, item: &'a Item, chart: &'a Chart<'a>) -> Statement<'a> {
    let (kind, root) = (item.kind, item.tree.root());
    let mut identifiers = kinds::identifiers(kind, root);
    // By its provider's own id it is known by whatever way it came, as by an identifier. Source Patients stay each under its own.
    if let Some(original) = item.traits.original.as_ref().filter(|_| kind != Kind::PATIENT) {
        identifiers.push((original.provider.as_str().into(), original.id.as_str().into()));
    }
    Statement {
        at,
        item,
        codes: kinds::about(kind, root, chart),
        when: kinds::when(kind, root),
        standing: kinds::standing(kind, root),
        identifiers,
        chart,
        detail: OnceCell::new(),
        words: OnceCell::new(),
    }
}

/// Appends the codes of a CodeableConcept, or of each in a list.
fn codes<'a>(concept: Option<Ref<'a>>, into: &mut Codes<'a>) {
    let Some(concept) = concept else { return };
    let mut one = |concept: Ref<'a>| {
        for coding in concept.get("coding").into_iter().flat_map(Ref::items) {
            let Some(code) = coding.get("code").and_then(Ref::value) else { continue };
            let space = match coding.get("system") {
                Some(system) if system.is_string() => terms::space(system.raw()),
                _ => Space::Other(""),
            };
            into.push((space, code));
        }
    };
    if concept.is_array() { concept.items().for_each(one) } else { one(concept) }
}

/// The words of a CodeableConcept: its text, else a display.
fn words(concept: Option<Ref<'_>>) -> Option<String> {
    let concept = concept?;
    let concept = if concept.is_array() { concept.items().next()? } else { concept };
    let text = concept.get("text").or_else(|| concept.get("coding")?.items().find_map(|coding| coding.get("display")))?;
    Some(terms::plain(&text.value()?)).filter(|words| !words.is_empty())
}

/// A concept as one word to compare by, and its system: its first standard code, else any code, else its words.
fn concept_key<'a>(concept: Option<Ref<'a>>) -> Option<(Option<Space<'a>>, Cow<'a, str>)> {
    concept?;
    let mut found = Codes::new();
    codes(concept, &mut found);
    let best = found.iter().position(|(space, _)| space.is_standard()).unwrap_or(0);
    match best < found.len() {
        true => {
            let (space, code) = found.swap_remove(best);
            Some((Some(space), code))
        }
        false => words(concept).map(|words| (None, words.into())),
    }
}

/// What a value is counted in, where it is a code of a system, or words.
fn system<'a>(space: Option<Space<'a>>) -> Cow<'a, str> {
    match space {
        None => "words".into(),
        Some(Space::Other(uri)) => uri.into(),
        Some(Space::Sctid) => "SCTID".into(),
        Some(Space::Loinc) => "LOINC".into(),
        Some(space) => format!("{space:?}").into(),
    }
}

fn date(node: Option<Ref<'_>>) -> Option<Partial> {
    Partial::parse(&node.filter(|node| node.is_string())?.value()?)
}

/// The first date of places, each an element and (or an empty name) one below it.
fn first_date(root: Ref<'_>, places: &[(&str, &str)]) -> Option<Partial> {
    places.iter().find_map(|(name, below)| {
        let node = root.get(name)?;
        date(if below.is_empty() { Some(node) } else { node.get(below) })
    })
}

/// A Quantity in base units: what it counts, and how much.
fn quantity<'a>(node: Option<Ref<'_>>) -> Option<(Cow<'a, str>, Cow<'a, str>)> {
    let node = node?;
    let value = node.get("value")?.value()?;
    let unit = node.get("code").or_else(|| node.get("unit")).and_then(Ref::value).unwrap_or_default();
    let measure = terms::measure(&value, &unit)?;
    let amount = match node.get("comparator").and_then(Ref::value) {
        Some(comparator) => format!("{comparator}{}", measure.amount()),
        None => measure.amount(),
    };
    Some((measure.into_dimension(), amount.into()))
}

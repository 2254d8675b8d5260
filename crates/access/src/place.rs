//! Hiding a place: what is left of a joined record when nothing in it may tell where the person is, or was.
//!
//! A restricted person's whereabouts are a life-safety secret, and everything tells of a place: addresses and organisations, but also the
//! prefix of an id, the system of an identifier, who wrote a note, and which ward a sentence names. So nothing is taken out here; each
//! resource is written anew from what is known to tell of no place ([`shown`]), and what is not named there is not shown. What would mean
//! something else without the rest is withheld whole, and counted like all that is withheld.

mod shown;
mod words;

use std::collections::BTreeMap;

use fhir::{Kind, NodeId, Ref, Tree};
use record::{Item, SharedRecord, SourceId, Tier};
use rustc_hash::FxHashMap;

pub use words::Words;

use crate::spread::target;

/// By which names what is left goes.
pub struct Hiding<'a> {
    /// Each source, by a name that says only that it is not another.
    pub sources: BTreeMap<SourceId, SourceId>,
    /// A new id for a resource's: ids begin with the name of their source.
    pub id: &'a dyn Fn(Kind, &str) -> String,
    /// Words that name places of this region whatever the record says: its organisations.
    pub region: Words,
}

/// What stands where a code's words were left out, so that nobody takes the code to have come without any.
const LEFT_OUT: &str = "(words left out: they may name a place)";

/// Writes a record anew without anything that tells of a place. Of what is left, sources are numbered, ids are new, and every row of the
/// plan stays, with what was withheld counted.
pub fn hide(hiding: &Hiding<'_>, record: &mut SharedRecord) {
    let mut words = hiding.region.clone();
    record.items.iter().for_each(|item| words.learn(item.kind, item.tree.root()));
    let mut ids: FxHashMap<(Kind, String), String> = FxHashMap::default();
    for item in record.items.iter().filter(|item| shown::elements(item.kind).is_some()) {
        ids.insert((item.kind, item.id.clone()), (hiding.id)(item.kind, &item.id));
    }
    // What is withheld takes along what would mean something else without it.
    let written = loop {
        let writing = Writing { words: &words, ids: &ids, hiding };
        let written: Vec<Option<Tree>> = record.items.iter().map(|item| writing.item(item)).collect();
        let before = ids.len();
        for (item, _) in record.items.iter().zip(&written).filter(|(_, tree)| tree.is_none()) {
            ids.remove(&(item.kind, item.id.clone()));
        }
        if ids.len() == before {
            break written;
        }
    };
    for item in record.items.iter().zip(&written).filter(|(_, tree)| tree.is_none()).map(|(item, _)| item) {
        if let Some(row) = record.plan.row_mut(&item.origin.source, item.kind) {
            row.counts.withheld += 1;
        }
        record.withheld.push((item.origin.source.clone(), item.kind));
    }
    record.retain(&written.iter().map(Option::is_some).collect::<Vec<_>>());
    for (item, tree) in record.items.iter_mut().zip(written.into_iter().flatten()) {
        *item = hiding.anew(item, tree);
    }
    for source in record.plan.rows.iter_mut().map(|row| &mut row.source).chain(record.quarantined.iter_mut().map(|(source, _)| source)) {
        *source = hiding.source(source);
    }
    record.withheld.iter_mut().for_each(|(source, _)| *source = hiding.source(source));
    record.quarantined.iter_mut().for_each(|(_, one)| (one.id, one.detail) = (None, String::new()));
    for row in &mut record.plan.rows {
        // Notes are the sources' own words, or quote them.
        row.note = row.note.take().map(|_| "the source said more of this, which is not shown".to_owned());
        row.last_answered = None;
    }
    // Why they belong together may name a system of identifiers.
    record.clusters.iter_mut().for_each(|cluster| why(cluster.tier).clone_into(&mut cluster.why));
    record.hints.iter_mut().for_each(|hint| "they may belong together".clone_into(&mut hint.why));
    // Order tells nothing but what the new names say.
    record.plan.finalise();
}

/// Why a cluster is one, in words that any may have.
fn why(tier: Tier) -> &'static str {
    match tier {
        Tier::T0 => "versions of one resource",
        Tier::T1 => "one identifier",
        Tier::T2 => "the same content",
        Tier::T3 => "the same by what it states",
        Tier::T4 => "they may belong together",
    }
}

impl Hiding<'_> {
    /// A source without a name of its own here gets one that none has.
    fn source(&self, source: &SourceId) -> SourceId {
        self.sources.get(source).cloned().unwrap_or_else(|| "source0".parse().unwrap_or_else(|_| unreachable!("a source id")))
    }

    fn anew(&self, item: &Item, tree: Tree) -> Item {
        let id = (self.id)(item.kind, &item.id);
        let origin = record::Origin { source: self.source(&item.origin.source), kind: item.kind.name().into(), id: None };
        let traits = record::Traits {
            subjects: item.traits.subjects.iter().map(|id| (self.id)(Kind::PATIENT, id)).collect(),
            generated_narrative: true,
            ..record::Traits::default()
        };
        Item { kind: item.kind, id, origin, tree, findings: Vec::new(), traits }
    }
}

/// One record on its way to being written anew.
struct Writing<'a> {
    words: &'a Words,
    /// New ids of what is shown.
    ids: &'a FxHashMap<(Kind, String), String>,
    hiding: &'a Hiding<'a>,
}

impl Writing<'_> {
    /// A resource anew; none where it is not shown at all.
    fn item(&self, item: &Item) -> Option<Tree> {
        let id = self.ids.get(&(item.kind, item.id.clone()))?;
        let root = item.tree.root();
        // What modifies what it says, and is not known here, cannot be left out.
        if modified(root) {
            return None;
        }
        let mut out = Tree::object();
        let to = out.root().id();
        out.set_string(to, "resourceType", item.kind.name());
        out.set_string(to, "id", id);
        let meta = out.object_at(to, "meta")?;
        let tags = out.array_at(meta, "tag")?;
        out.push_coding(tags, "urn:severn:source", self.hiding.source(&item.origin.source).as_str());
        let contained = Contained::of(root).written(self, &mut out, to);
        self.elements(item.kind, root, &contained, &mut out, to)?;
        Some(out)
    }

    /// The elements of a resource that are shown; none where what is left would not say what it said.
    fn elements(&self, kind: Kind, from: Ref<'_>, contained: &Contained<'_>, out: &mut Tree, to: NodeId) -> Option<()> {
        if kind == Kind::PATIENT {
            shown::patient(from, out, to);
            return Some(());
        }
        for (key, value) in from.entries().filter(|(key, _)| shown::elements(kind).is_some_and(|keys| keys.contains(key))) {
            let at = At { kind, key, contained };
            if let Some(value) = self.value(at, value, out) {
                out.append(to, key, value);
            }
        }
        let has = |key: &str| out.node(to).entries().any(|(own, _)| own.starts_with(key));
        let had = |key: &str| from.entries().any(|(own, _)| own.starts_with(key));
        let says = shown::essential(kind).is_empty() || shown::essential(kind).iter().any(|key| has(key));
        // An observation without its value is another.
        let valued = kind != Kind::OBSERVATION || !(had("value") || had("component")) || has("value") || has("component");
        (says && valued).then_some(())
    }

    fn value(&self, at: At<'_>, from: Ref<'_>, out: &mut Tree) -> Option<NodeId> {
        if from.is_array() {
            let all: Vec<NodeId> = from.items().filter_map(|one| self.value(at, one, out)).collect();
            return (!all.is_empty()).then(|| {
                let list = out.new_array();
                all.into_iter().for_each(|one| out.push(list, one));
                list
            });
        }
        if !from.is_object() {
            return self.primitive(at.key, from, out);
        }
        if from.get("reference").is_some() || shown::REFERENCES.contains(&at.key) {
            return self.reference(at, from, out);
        }
        if shown::CODES.contains(&at.key) || from.get("coding").is_some() {
            return self.concept(at, from, out);
        }
        // A quantity in units of somebody's own is a number of nothing.
        if from.text("system").is_some_and(|system| !shown::is_public(&system)) {
            return None;
        }
        let object = out.new_object();
        for (key, value) in from.entries().filter(|(key, _)| shown::INNER.contains(key)) {
            if let Some(value) = self.value(At { key, ..at }, value, out) {
                out.append(object, key, value);
            }
        }
        let component = at.key == "component";
        let valued = |node: Ref<'_>| node.entries().any(|(key, _)| key.starts_with("value"));
        let kept = out.node(object);
        // A part of a result without its code, or its value, is another.
        let whole = !component || kept.get("code").is_some() && (valued(kept) || !valued(from));
        (whole && !kept.is_empty()).then_some(object)
    }

    fn primitive(&self, key: &str, from: Ref<'_>, out: &mut Tree) -> Option<NodeId> {
        if from.kind() == fhir::NodeKind::Null {
            return None;
        }
        let text = from.value()?;
        let tells = if shown::FREE.contains(&key) { self.words.tell(&text) } else { self.words.name(&text) };
        (!tells).then(|| out.copy(from))
    }

    /// To what is shown here, by its new id; never by words or identifiers.
    fn reference(&self, at: At<'_>, from: Ref<'_>, out: &mut Tree) -> Option<NodeId> {
        let reference = from.text("reference")?;
        let to = match reference.strip_prefix('#') {
            Some(inside) => format!("#{}", at.contained.name(inside)?),
            None => {
                let (kind, id) = target(&reference)?;
                // Their own Patient may be on another page; that it is theirs was seen to when it came.
                let id = match kind {
                    Kind::PATIENT => (self.hiding.id)(kind, id),
                    _ => self.ids.get(&(kind, id.to_owned()))?.clone(),
                };
                format!("{kind}/{id}")
            }
        };
        let object = out.new_object();
        out.set_string(object, "reference", &to);
        Some(object)
    }

    /// Codes of public systems, with their words where these name no place. Words alone only of what somebody takes or may not have:
    /// there more is lost by their absence than by a word too many.
    fn concept(&self, at: At<'_>, from: Ref<'_>, out: &mut Tree) -> Option<NodeId> {
        let public =
            |coding: &Ref<'_>| coding.text("system").is_some_and(|system| shown::is_public(&system)) && coding.get("code").is_some();
        let codings: Vec<Ref<'_>> = from.get("coding").into_iter().flat_map(Ref::items).filter(public).collect();
        let (object, mut list, mut spoken) = (out.new_object(), None, Vec::new());
        for coding in &codings {
            let (Some(system), Some(code)) = (coding.text("system"), coding.text("code")) else { continue };
            if self.words.name(&code) {
                continue;
            }
            let own = out.new_object();
            out.set_string(own, "system", &system);
            out.set_string(own, "code", &code);
            if let Some(display) = coding.text("display").filter(|display| !self.words.tell(display)) {
                out.set_string(own, "display", &display);
                spoken.push(display.into_owned());
            }
            let list = *list.get_or_insert_with(|| out.new_array());
            out.push(list, own);
        }
        let coded = list.is_some();
        if let Some(list) = list {
            out.append(object, "coding", list);
        }
        let same = |text: &str| spoken.iter().any(|display| display.eq_ignore_ascii_case(text));
        let worded = |text: &str| same(text) || shown::in_words(at.kind, at.key) && !self.words.tell(text);
        match from.text("text").filter(|text| worded(text)) {
            Some(text) => _ = out.set_string(object, "text", &text),
            None if coded && spoken.is_empty() && says_words(from) => _ = out.set_string(object, "text", LEFT_OUT),
            None if !coded => return None,
            None => {}
        }
        Some(object)
    }
}

/// Whether it had words of its own, of whichever coding.
fn says_words(concept: Ref<'_>) -> bool {
    concept.get("text").is_some() || concept.get("coding").is_some_and(|all| all.items().any(|one| one.get("display").is_some()))
}

/// What an element is of.
#[derive(Clone, Copy)]
struct At<'a> {
    kind: Kind,
    key: &'a str,
    contained: &'a Contained<'a>,
}

/// What stands inside a resource: medicines, mostly. They go by new names.
#[derive(Default)]
struct Contained<'a> {
    all: Vec<(String, Kind, Ref<'a>)>,
}

impl<'a> Contained<'a> {
    fn of(root: Ref<'a>) -> Contained<'a> {
        let named = |one: Ref<'a>| {
            let kind = Kind::parse(&one.text("resourceType")?).filter(|kind| *kind == Kind::MEDICATION)?;
            Some((one.text("id")?.into_owned(), kind, one))
        };
        Contained { all: root.get("contained").into_iter().flat_map(Ref::items).filter_map(named).collect() }
    }

    fn name(&self, id: &str) -> Option<String> {
        self.all.iter().position(|(own, ..)| own == id).map(inside)
    }

    /// Those that are written. What would not say what it said is not, and nothing leads to it then.
    fn written(self, writing: &Writing<'_>, out: &mut Tree, to: NodeId) -> Contained<'a> {
        let mut written = Contained::default();
        for (id, kind, from) in self.all {
            let own = out.new_object();
            out.set_string(own, "resourceType", kind.name());
            out.set_string(own, "id", &inside(written.all.len()));
            if writing.elements(kind, from, &Contained::default(), out, own).is_some()
                && let Some(list) = out.array_at(to, "contained")
            {
                out.push(list, own);
                written.all.push((id, kind, from));
            }
        }
        written
    }
}

/// What a contained resource goes by.
fn inside(at: usize) -> String {
    format!("inside-{}", at + 1)
}

/// Whether anything in it changes the meaning of the rest in a way that is not known here.
fn modified(node: Ref<'_>) -> bool {
    node.get("modifierExtension").is_some()
        || node.get("implicitRules").is_some()
        || !node.is_primitive() && node.items().filter(|child| !child.is_primitive()).any(modified)
}

#[cfg(test)]
mod tests;

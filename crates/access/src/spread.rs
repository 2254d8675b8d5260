//! What refers to what in a joined record, and what would betray it.

use std::collections::BTreeSet;

use fhir::{Kind, Ref};
use record::Item;
use rustc_hash::FxHashMap;

/// Who refers to whom, by index of item.
pub(crate) struct Links {
    /// Who refers to each.
    to: Vec<Vec<usize>>,
    /// What each refers to.
    from: Vec<Vec<usize>>,
    /// What each refers to as that which it is about.
    about: Vec<Vec<usize>>,
}

/// Kinds of which nobody can say what stands in them, or that are nothing but a way to something: whatever of these refers to what is
/// sensitive goes with it.
const ABOUT_WHOLE: &[Kind] = &[
    Kind::BINARY,
    Kind::COMMUNICATION,
    Kind::COMMUNICATION_REQUEST,
    Kind::COMPOSITION,
    Kind::DOCUMENT_REFERENCE,
    Kind::GOAL,
    Kind::MEDIA,
    Kind::TASK,
];
/// Elements of other kinds that say what it is all about: where each of these is gone, there is nothing left that does not tell of it.
const ABOUT: &[&str] = &["addresses", "derivedFrom", "focus", "hasMember", "implicated", "medicationReference", "result", "target"];
/// Kinds that stand for nothing by themselves: where only what is sensitive led to them, they tell of it.
const SUPPORTING: &[Kind] = &[
    Kind::BINARY,
    Kind::CARE_TEAM,
    Kind::DEVICE,
    Kind::HEALTHCARE_SERVICE,
    Kind::LOCATION,
    Kind::MEDICATION,
    Kind::ORGANIZATION,
    Kind::PRACTITIONER,
    Kind::PRACTITIONER_ROLE,
    Kind::SPECIMEN,
];

/// What a reference leads to, wherever it says that this is, and whichever version of it it names.
pub(crate) fn target(reference: &str) -> Option<(Kind, &str)> {
    let reference = reference.split_once("/_history/").map_or(reference, |(resource, _)| resource);
    let mut end = reference.rsplit('/');
    let (id, kind) = (end.next()?, end.next()?);
    Some((Kind::parse(kind)?, id))
}

/// The ids of what of a type a resource leads to: by references, or by the URLs of attachments.
pub fn leads_to(node: Ref<'_>, kind: Kind) -> BTreeSet<String> {
    let mut led = BTreeSet::new();
    let texts = ["reference", "url"].into_iter().filter_map(|key| node.get(key)?.value());
    led.extend(texts.filter_map(|text| Some(target(&text).filter(|(own, _)| *own == kind)?.1.to_owned())));
    node.items().filter(|child| !child.is_primitive()).for_each(|child| led.append(&mut leads_to(child, kind)));
    led
}

impl Links {
    pub fn of(items: &[Item]) -> Links {
        let mut places: FxHashMap<(Kind, &str), Vec<usize>> = FxHashMap::default();
        for (at, item) in items.iter().enumerate() {
            places.entry((item.kind, item.id.as_str())).or_default().push(at);
        }
        let none = || vec![Vec::new(); items.len()];
        let mut links = Links { to: none(), from: none(), about: none() };
        for (at, item) in items.iter().enumerate() {
            for (key, node) in item.tree.root().entries().filter(|(_, node)| !node.is_primitive()) {
                links.collect(at, node, ABOUT.contains(&key), &places);
            }
        }
        links
    }

    fn collect(&mut self, at: usize, node: Ref<'_>, about: bool, places: &FxHashMap<(Kind, &str), Vec<usize>>) {
        // An attachment leads to its Binary by a URL.
        for text in ["reference", "url"].into_iter().filter_map(|key| node.get(key)?.value()) {
            let Some((kind, id)) = target(&text) else { continue };
            for to in places.get(&(kind, id)).into_iter().flatten().filter(|to| **to != at) {
                self.from[at].push(*to);
                self.to[*to].push(at);
                if about {
                    self.about[at].push(*to);
                }
            }
        }
        node.items().filter(|child| !child.is_primitive()).for_each(|child| self.collect(at, child, about, places));
    }

    /// Who refers to an item.
    pub fn to(&self, item: usize) -> &[usize] {
        &self.to[item]
    }

    /// Keeps no more what would betray what is `secret`. Whether that was anything.
    pub fn betraying(&self, items: &[Item], secret: &[bool], kept: &mut [bool]) -> bool {
        let mut found = false;
        for (at, item) in items.iter().enumerate() {
            if kept[at] && item.kind != Kind::PATIENT && self.betrays(at, item, secret, kept) {
                kept[at] = false;
                found = true;
            }
        }
        found
    }

    fn betrays(&self, at: usize, item: &Item, secret: &[bool], kept: &[bool]) -> bool {
        let leads = |to: &usize| secret[*to];
        if ABOUT_WHOLE.contains(&item.kind) && self.from[at].iter().any(leads) {
            return true;
        }
        // An Observation has a value of its own, too; that it summed up what is gone is seen to when it is closed.
        let has_more = item.kind == Kind::OBSERVATION && item.tree.root().get("component").is_some();
        if !self.about[at].is_empty() && self.about[at].iter().all(leads) && !has_more {
            return true;
        }
        // What one document may not show, another does not show in its place.
        if item.kind == Kind::BINARY && self.to[at].iter().any(leads) {
            return true;
        }
        SUPPORTING.contains(&item.kind) && self.to[at].iter().any(leads) && !self.to[at].iter().any(|by| kept[*by])
    }
}

//! What a supplier holds: a folder for each person, filled when it is first opened.

use super::{Habits, Maker, auxiliary, lists, millennium, patient};
use crate::bundles;
use crate::node::{Node, list, object};
use crate::pen::Pen;
use crate::person::{Holding, Person, people};
use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, OnceLock};

/// One resource, with its JSON made once.
#[derive(Debug)]
pub(crate) struct Kept {
    pub(crate) kind: String,
    pub(crate) id: String,
    pub(crate) node: Node,
    pub(crate) json: String,
}

impl Kept {
    pub(crate) fn new(node: Node) -> Self {
        let text = |name| node.text_at(name).unwrap_or_default().to_owned();
        let (kind, id) = (text("resourceType"), text("id"));
        let json = node.to_json();
        Kept { kind, id, node, json }
    }
}

/// Where the content of a folder comes from.
#[derive(Debug)]
enum Content {
    Given,
    Life(&'static Person),
}

/// One person's folder.
#[derive(Debug)]
pub(crate) struct Folder {
    pub(crate) nhs_number: String,
    pub(crate) patient_ids: Vec<String>,
    content: Content,
    resources: OnceLock<Vec<Arc<Kept>>>,
}

/// All the folders of one supplier.
#[derive(Debug)]
pub(crate) struct Shelf {
    pub(crate) habits: Habits,
    pub(crate) base: String,
    pub(crate) folders: Vec<Folder>,
    auxiliary: OnceLock<HashMap<String, Arc<Kept>>>,
}

impl Shelf {
    /// The supplier's part of everyone in the pretend region.
    pub(crate) fn of_the_region(habits: &Habits, base: &str) -> Self {
        let folder = |person: &'static Person| Folder {
            nhs_number: person.about.nhs_number.clone(),
            patient_ids: person.ids_at(habits),
            content: Content::Life(person),
            resources: OnceLock::new(),
        };
        let mut folders: Vec<Folder> = people().iter().map(folder).collect();
        folders.retain(|folder| !folder.patient_ids.is_empty());
        let (habits, base) = (habits.clone(), base.to_owned());
        Shelf { habits, base, folders, auxiliary: OnceLock::new() }
    }

    /// Folders of resources from elsewhere, each under an NHS number.
    pub(crate) fn of_resources(habits: &Habits, base: &str, records: Vec<(String, Vec<Node>)>) -> Self {
        let folder = |(nhs_number, nodes): (String, Vec<Node>)| {
            let kept: Vec<Arc<Kept>> = nodes.into_iter().map(|n| Arc::new(Kept::new(n))).collect();
            let patients = kept.iter().filter(|k| k.kind == "Patient");
            Folder { nhs_number, patient_ids: patients.map(|k| k.id.clone()).collect(), content: Content::Given, resources: kept.into() }
        };
        Shelf {
            habits: habits.clone(),
            base: base.to_owned(),
            folders: records.into_iter().map(folder).collect(),
            auxiliary: OnceLock::from(HashMap::new()),
        }
    }

    /// Everything about one person, Patients first.
    pub(crate) fn open<'a>(&'a self, folder: &'a Folder) -> &'a [Arc<Kept>] {
        folder.resources.get_or_init(|| match folder.content {
            Content::Given => Vec::new(),
            Content::Life(person) => self.render(person),
        })
    }

    fn render(&self, person: &'static Person) -> Vec<Arc<Kept>> {
        let (habits, base) = (&self.habits, self.base.as_str());
        let mut nodes = patient::patients(habits, base, person);
        for fact in &person.facts {
            let in_fhir = |h: &&Holding| h.supplier == habits.id && bundles::place(fact.kind, h).is_none();
            for holding in fact.holdings.iter().filter(in_fhir) {
                nodes.extend(Pen::new(habits, base, person, &fact.key, holding).resources());
            }
        }
        if habits.lists {
            nodes.extend(lists::lists(habits, base, person, &nodes));
        }
        nodes.into_iter().map(|node| Arc::new(Kept::new(self.marked(node)))).collect()
    }

    /// Whether a resource is the first of its type that is held about its person.
    pub(crate) fn is_first_of_type(&self, kept: &Kept) -> bool {
        let first = |folder: &Folder| self.open(folder).iter().find(|one| one.kind == kept.kind).is_some_and(|one| one.id == kept.id);
        self.folders.iter().any(first)
    }

    /// As the supplier's maker has it: with the marks of Interweave, say.
    fn marked(&self, mut node: Node) -> Node {
        let habits = &self.habits;
        let provider = match habits.maker {
            Maker::Interweave(provider) => provider,
            Maker::Millennium => return millennium::told(node),
            _ => return node,
        };
        let tag = |name: &str, code: &str| {
            object! {
                "system": format!("https://fhir.interweavedigital.nhs.uk/{name}"), "code": code, "display": habits.name,
            }
        };
        if let Some(mut meta) = node.at("meta").cloned() {
            meta.append(object! { "tag": list![tag("Source", provider), tag("Provenance", habits.organisation)] });
            node.set("meta", meta);
        }
        node
    }

    fn auxiliary(&self) -> &HashMap<String, Arc<Kept>> {
        self.auxiliary.get_or_init(|| {
            let keep = |node| {
                let kept = Kept::new(self.marked(node));
                (format!("{}/{}", kept.kind, kept.id), Arc::new(kept))
            };
            auxiliary::auxiliary(&self.habits, &self.base).into_iter().map(keep).collect()
        })
    }

    /// A resource by its type and id.
    pub(crate) fn find(&self, kind: &str, id: &str) -> Option<Arc<Kept>> {
        if let Some(found) = self.auxiliary().get(&format!("{kind}/{id}")) {
            return Some(found.clone());
        }
        let held_by = |folder: &Folder| self.open(folder).iter().find(|k| k.kind == kind && k.id == id).cloned();
        self.folders.iter().find_map(held_by)
    }

    /// The auxiliary resources that some resources point at, and those that these point at.
    pub(crate) fn pointed_at(&self, from: &[Arc<Kept>]) -> Vec<Arc<Kept>> {
        let mut seen = BTreeSet::new();
        let mut found: Vec<Arc<Kept>> = Vec::new();
        let mut look: Vec<Arc<Kept>> = from.to_vec();
        while let Some(kept) = look.pop() {
            kept.node.each_object(&mut |object| {
                let Some(key) = object.text_at("reference").and_then(|r| self.local_key(r)) else {
                    return;
                };
                if let Some(aux) = self.auxiliary().get(&key)
                    && seen.insert(key)
                {
                    found.push(aux.clone());
                    look.push(aux.clone());
                }
            });
        }
        found.sort_by(|a, b| (&a.kind, &a.id).cmp(&(&b.kind, &b.id)));
        found
    }

    /// `Type/id`, of a reference in this supplier's style.
    pub(crate) fn local_key(&self, reference: &str) -> Option<String> {
        if let Some(id) = reference.strip_prefix("urn:uuid:") {
            let of = |kept: &Arc<Kept>| kept.id == id;
            let found = self.auxiliary().values().find(|kept| of(kept))?;
            return Some(format!("{}/{}", found.kind, found.id));
        }
        let rest = reference.strip_prefix(&self.base).unwrap_or(reference);
        let mut parts = rest.trim_start_matches('/').split('/');
        Some(format!("{}/{}", parts.next()?, parts.next()?))
    }
}

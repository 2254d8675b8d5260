//! Faults that change what resources say.

use super::{Fault, Wrong};
use crate::ident;
use crate::node::{Node, list, object};
use crate::supplier::{Habits, Kept, Place};
use std::collections::BTreeSet;
use std::sync::Arc;

const NOT_CLINICAL: &[&str] =
    &["Binary", "Location", "Medication", "OperationOutcome", "Organization", "Patient", "Practitioner", "PractitionerRole"];

/// The resources of an answer, as the faults would have them.
pub(crate) fn tamper(habits: &Habits, faults: &[Fault], kept: Vec<Arc<Kept>>) -> Vec<Arc<Kept>> {
    let mut kept = kept;
    for fault in faults {
        kept = match fault {
            Fault::DuplicatePatients => double_patients(kept),
            Fault::HugePage { entries } => swell(kept, *entries),
            Fault::NoSubject => misdirect(kept, &Node::Nothing),
            Fault::OtherSubject => misdirect(kept, &stranger(habits)),
            Fault::Rebuilt => kept.into_iter().map(rebuilt).collect(),
            Fault::WrongPerson { by } => kept.into_iter().map(|k| wrong(habits, *by, k)).collect(),
            _ => kept,
        };
    }
    kept
}

/// What stands before each id when all was built again.
const ANEW: &str = "8";

/// A resource under its new id, with its references led to those of others. Its business identifiers are what they were.
fn rebuilt(kept: Arc<Kept>) -> Arc<Kept> {
    let mut node = kept.node.clone();
    let anew = |text: &str| {
        let (before, id) = text.rsplit_once('/')?;
        Some(format!("{before}/{ANEW}{id}"))
    };
    node.change_objects(&mut |object| {
        for name in ["reference", "url"] {
            let held = object.text_at(name).filter(|text| name == "reference" || text.contains("/Binary/"));
            if let Some(text) = held.and_then(anew) {
                object.set(name, text);
            }
        }
    });
    node.set("id", format!("{ANEW}{}", kept.id));
    Arc::new(Kept::new(node))
}

/// The question as it would have been before all was built again, where it was: under an id from then, nothing is found.
pub(crate) fn rebuilt_from(faults: &[Fault], place: &Place) -> Option<Place> {
    if !faults.contains(&Fault::Rebuilt) {
        return None;
    }
    let before = |id: &str| id.strip_prefix(ANEW).unwrap_or("gone").to_owned();
    let mut place = place.clone();
    let mut parts: Vec<String> = place.path.split('/').map(str::to_owned).collect();
    if let Some(id) = parts.get_mut(1) {
        *id = before(id);
    }
    place.path = parts.join("/");
    for (name, value) in &mut place.params {
        if matches!(name.as_str(), "patient" | "subject" | "_id") {
            *value = before(value.rsplit('/').next().unwrap_or_default());
        }
    }
    Some(place)
}

fn stranger(habits: &Habits) -> Node {
    object! { "reference": format!("Patient/{}", stranger_id(habits)) }
}

/// An id of nobody that the supplier knows.
pub(crate) fn stranger_id(habits: &Habits) -> String {
    ident::local(habits.ids, "a stranger")
}

fn double_patients(kept: Vec<Arc<Kept>>) -> Vec<Arc<Kept>> {
    let mut doubled = Vec::with_capacity(kept.len() + 1);
    for one in kept {
        doubled.push(one.clone());
        if one.kind == "Patient" {
            let mut node = one.node.clone();
            node.set("id", format!("{}-2", one.id));
            doubled.push(Arc::new(Kept::new(node)));
        }
    }
    doubled
}

fn swell(kept: Vec<Arc<Kept>>, entries: usize) -> Vec<Arc<Kept>> {
    let clinical = kept.iter().find(|k| !NOT_CLINICAL.contains(&k.kind.as_str())).cloned();
    let mut kept = kept;
    let Some(pattern) = clinical else {
        return kept;
    };
    for at in kept.len()..entries {
        let mut node = pattern.node.clone();
        node.set("id", format!("more-{at}"));
        kept.push(Arc::new(Kept::new(node)));
    }
    kept
}

/// The first clinical resource of each type gets another subject, or none.
fn misdirect(kept: Vec<Arc<Kept>>, subject: &Node) -> Vec<Arc<Kept>> {
    let mut done = BTreeSet::new();
    let one = |k: Arc<Kept>| {
        if NOT_CLINICAL.contains(&k.kind.as_str()) || !done.insert(k.kind.clone()) {
            return k;
        }
        let mut node = k.node.clone();
        for name in ["subject", "patient", "for"] {
            if node.at(name).is_some() {
                node.set(name, subject.clone());
            }
        }
        Arc::new(Kept::new(node))
    };
    kept.into_iter().map(one).collect()
}

fn wrong(habits: &Habits, by: Wrong, kept: Arc<Kept>) -> Arc<Kept> {
    if kept.kind != "Patient" {
        return kept;
    }
    let mut node = kept.node.clone();
    let born = node.text_at("birthDate").unwrap_or_default().to_owned();
    match by {
        Wrong::BirthDate => node.set("birthDate", "1901-02-03"),
        Wrong::GivenName => rename(&mut node),
        Wrong::NoBirthDate => node.set("birthDate", Node::Nothing),
        Wrong::Number => node.change_objects(&mut |object| {
            let number = object.text_at("value").unwrap_or_default().to_owned();
            if object.text_at("system") == Some(habits.nhs_system) {
                object.set("value", ident::another_nhs_number(&number));
            }
        }),
        Wrong::Slip => node.set("birthDate", slip(&born)),
        Wrong::Unverified => node.change_objects(&mut |object| {
            if object.text_at("system") == Some(habits.nhs_system) {
                object.take("extension");
            }
        }),
    }
    Arc::new(Kept::new(node))
}

fn rename(node: &mut Node) {
    node.change_objects(&mut |object| {
        if object.at("given").is_some() {
            object.set("given", list!["Zebedee"]);
        }
    });
}

/// `1948-03-11` becomes `1948-11-03`; a day past the twelfth loses a digit's worth instead.
pub(crate) fn slip(born: &str) -> String {
    let parts: Vec<&str> = born.split('-').collect();
    let [year, month, day] = parts[..] else {
        return born.to_owned();
    };
    if day <= "12" && day != month {
        return format!("{year}-{day}-{month}");
    }
    let last = if day.ends_with('1') { '2' } else { '1' };
    format!("{year}-{month}-{}{last}", &day[..1])
}

//! Faults that change what resources say.

use super::{Fault, Wrong};
use crate::ident;
use crate::node::{Node, list, object};
use crate::supplier::{Habits, Kept, renumbered};
use std::collections::BTreeSet;
use std::sync::Arc;

const NOT_CLINICAL: &[&str] =
    &["Binary", "Location", "Medication", "OperationOutcome", "Organization", "Patient", "Practitioner", "PractitionerRole"];

/// The resources of an answer, as the faults would have them.
pub(crate) fn tamper(habits: &Habits, faults: &[Fault], kept: Vec<Arc<Kept>>) -> Vec<Arc<Kept>> {
    let mut kept = kept;
    for fault in faults {
        kept = match fault {
            Fault::Combined | Fault::Rebuilt => kept.into_iter().map(|kept| renumbered::told(fault, &kept)).collect(),
            Fault::DuplicatePatients => double_patients(kept),
            Fault::HugePage { entries } => swell(kept, *entries),
            Fault::NoSubject => misdirect(kept, &Node::Nothing),
            Fault::OtherSubject => misdirect(kept, &stranger(habits)),
            Fault::WrongPerson { by } => kept.into_iter().map(|k| wrong(habits, *by, k)).collect(),
            _ => kept,
        };
    }
    kept
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

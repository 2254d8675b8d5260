//! What both older versions do alike.

use fhir::NodeId;

use super::carry;
use super::down::{REFERRAL, is_called_referral};
use super::draft::Draft;
use super::rule::{SILENCE, deny};

pub(super) const ALLERGY_CLINICAL: &str = "http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical";
pub(super) const ALLERGY_VERIFICATION: &str = "http://terminology.hl7.org/CodeSystem/allergyintolerance-verification";
pub(super) const CONDITION_CLINICAL: &str = "http://terminology.hl7.org/CodeSystem/condition-clinical";
pub(super) const CONDITION_VERIFICATION: &str = "http://terminology.hl7.org/CodeSystem/condition-ver-status";
pub(super) const GENDER: &str = "http://hl7.org/fhir/administrative-gender";

/// Codes of requests and events that every type renamed alike.
pub(super) const SUSPENDED: &[(&str, &str)] = &[("cancelled", "revoked"), ("suspended", "on-hold")];
pub(super) const ABORTED: &[(&str, &str)] = &[("aborted", "stopped"), ("suspended", "on-hold")];

/// `docStatus` was said of appended documents too.
pub(super) const APPENDED: &[(&str, &str)] = &[("appended", "amended")];

/// What a claim is for.
pub(super) const CLAIM_USE: &[(&str, &str)] =
    &[("complete", "claim"), ("exploratory", "predetermination"), ("other", ""), ("proposed", "preauthorization")];

/// `unknown` is no verification status of R4.
pub(super) const UNVERIFIED: &[(&str, &str)] = &[("unknown", "")];

/// R4 keeps an animal in a standard extension of the Patient.
pub(super) fn animal(draft: &mut Draft<'_>, patient: NodeId) {
    let Some(animal) = draft.take_object(patient, "animal") else { return };
    let extension = draft.tree.new_object();
    draft.tree.set_string(extension, "url", "http://hl7.org/fhir/StructureDefinition/patient-animal");
    for key in ["species", "breed", "genderStatus"] {
        if let Some(node) = draft.take(animal, key) {
            let url = draft.tree.new_string(key);
            let inner = draft.wrapped("url", url);
            draft.tree.set(inner, "valueCodeableConcept", node);
            draft.extend(extension, inner);
        }
    }
    draft.extend(patient, extension);
    if !draft.is_hollow(animal) {
        draft.tree.set(patient, "animal", animal);
    }
}

/// When the document was made is said of its attachment, if there is one that does not say so itself.
pub(super) fn created(draft: &mut Draft<'_>, document: NodeId) {
    let contents = draft.items(document, "content");
    let [content] = contents[..] else { return };
    let Some(attachment) = draft.at(content, "attachment") else { return };
    if draft.is_object(attachment)
        && !draft.has(attachment, "creation")
        && let Some(created) = draft.take(document, "created")
    {
        draft.tree.set(attachment, "creation", created);
    }
}

/// Related statements: what R4 keeps under a name of its own moves there.
pub(super) fn related(draft: &mut Draft<'_>, observation: NodeId) {
    for item in draft.items(observation, "related") {
        let new = match draft.text(item, "type").as_deref() {
            Some("has-member") => "hasMember",
            Some("derived-from") => "derivedFrom",
            _ => continue,
        };
        let Some(target) = draft.take_object(item, "target") else { continue };
        if let Some(kind) = draft.take(item, "type") {
            draft.converted(kind, format!("R4 says it by the name {new}"));
        }
        super::rule::absorb(draft, target, item);
        draft.tree.detach(item);
        draft.append(observation, new, target);
    }
    drop_if_empty(draft, observation, "related");
}

/// Takes away a list or object that everything has left.
pub(super) fn drop_if_empty(draft: &mut Draft<'_>, object: NodeId, key: &str) {
    if draft.at(object, key).is_some_and(|node| draft.is_hollow(node)) {
        draft.take(object, key);
    }
}

/// One status of a goal became two: how it stands, and what was achieved.
pub(super) fn goal_status(draft: &mut Draft<'_>, goal: NodeId) {
    const ACHIEVEMENT: &str = "http://terminology.hl7.org/CodeSystem/goal-achievement";
    let Some(status) = draft.text(goal, "status") else { return };
    // R4's own, where it was carried beside, comes back by itself and is not to be read out of the nearest STU3 had.
    let own = format!("{}Goal.lifecycleStatus", carry::named_for(draft.to));
    let under = draft.at(goal, "_status").map(|under| draft.items(under, "extension")).unwrap_or_default();
    if under.into_iter().any(|one| draft.is(one, "url", &own)) {
        draft.rename(goal, "status", "lifecycleStatus");
        return;
    }
    let (life, achieved) = match status.as_str() {
        "achieved" => ("completed", Some("achieved")),
        "ahead-of-target" | "behind-target" | "on-target" => ("active", None),
        "in-progress" => ("active", Some("in-progress")),
        "sustaining" => ("active", Some("sustaining")),
        _ => {
            draft.rename(goal, "status", "lifecycleStatus");
            return;
        }
    };
    let Some(node) = draft.at(goal, "status") else { return };
    draft.converted(node, "R4 says it by lifecycleStatus and achievementStatus");
    let concept = match achieved {
        Some(code) => draft.concept(ACHIEVEMENT, code),
        // R4 has no such code; its binding lets the older one stand.
        None => draft.concept("http://hl7.org/fhir/goal-status", &status),
    };
    draft.rename(goal, "status", "lifecycleStatus");
    if let Some(node) = draft.at(goal, "lifecycleStatus") {
        draft.tree.set_text(node, life);
    }
    draft.tree.set(goal, "achievementStatus", concept);
}

/// A dispense that was not done was declined.
pub(super) fn not_dispensed(draft: &mut Draft<'_>, dispense: NodeId) {
    let Some(flag) = draft.at(dispense, "notDone") else { return };
    let done = draft.is(dispense, "notDone", "false");
    draft.converted(flag, if done { SILENCE } else { "R4 says it by status declined" });
    draft.take(dispense, "notDone");
    if !done {
        deny(draft, dispense, "declined");
    }
}

/// The first code asked for is the code; further ones are its details.
pub(super) fn requested(draft: &mut Draft<'_>, request: NodeId) {
    let services = draft.items(request, "serviceRequested");
    for (place, service) in services.into_iter().enumerate() {
        draft.tree.detach(service);
        if place == 0 {
            draft.tree.set(request, "code", service);
        } else {
            draft.append(request, "orderDetail", service);
        }
    }
    drop_if_empty(draft, request, "serviceRequested");
}

/// R4 has one type for all requests: that it is a referral, which its own type said, its category says where nothing else does.
pub(super) fn referral(draft: &mut Draft<'_>, request: NodeId) {
    if is_called_referral(draft.tree.node(request)) {
        return;
    }
    let (system, code) = REFERRAL;
    draft.converted(request, "R4 says by a category that it is a referral");
    let concept = draft.concept(system, code);
    for coding in draft.items(concept, "coding") {
        draft.tree.set_string(coding, "display", "Patient referral");
    }
    draft.append(request, "category", concept);
}

/// Keeps people who take part in care, whom R4 knows as a team, in a contained CareTeam that `key` refers to.
pub(super) fn team(draft: &mut Draft<'_>, object: NodeId, participants: &str, key: &str) {
    let members = draft.items(object, participants);
    if members.is_empty() {
        return;
    }
    let team = draft.tree.new_object();
    draft.tree.set_string(team, "resourceType", "CareTeam");
    draft.tree.set_string(team, "id", "severn-team");
    for member in members {
        draft.append(team, "participant", member);
    }
    draft.take(object, participants);
    draft.append(object, "contained", team);
    let text = draft.tree.new_string("#severn-team");
    let reference = draft.wrapped("reference", text);
    draft.append(object, key, reference);
}

/// Classes of encounters before R4's vocabulary, and its codes. The last said more than R4's do, and stay beside them.
const CLASSES: &[(&str, &str, bool)] = &[
    ("ambulatory", "AMB", true),
    ("emergency", "EMER", true),
    ("field", "FLD", true),
    ("home", "HH", true),
    ("inpatient", "IMP", true),
    ("virtual", "VR", true),
    ("daytime", "AMB", false),
    ("outpatient", "AMB", false),
];

const OLD_CLASSES: &str = "http://hl7.org/fhir/encounter-class";

/// DSTU2 has a code for the class; in STU3 some go on to write those codes in a Coding of no system.
pub(super) fn encounter_class(draft: &mut Draft<'_>, encounter: NodeId) {
    let Some(class) = draft.at(encounter, "class") else { return };
    let coding = if draft.is_object(class) {
        if draft.text(class, "system").is_some_and(|system| system != OLD_CLASSES) {
            return;
        }
        class
    } else {
        let coding = draft.tree.new_object();
        draft.tree.set(encounter, "class", coding);
        draft.tree.set_string(coding, "system", OLD_CLASSES);
        draft.tree.set(coding, "code", class);
        if let Some(under) = draft.take(encounter, "_class") {
            super::rule::absorb(draft, coding, under);
        }
        coding
    };
    let Some(node) = draft.at(coding, "code") else { return };
    let code = draft.value(node).unwrap_or_default();
    let Some((_, new, exact)) = CLASSES.iter().find(|(old, _, _)| *old == code) else { return };
    draft.converted(node, "R4 has another code for it");
    if let Some(system) = draft.at(coding, "system").filter(|node| draft.is_original(*node)) {
        draft.converted(system, "R4 has another code system for it");
    }
    draft.tree.set_string(coding, "system", "http://terminology.hl7.org/CodeSystem/v3-ActCode");
    draft.tree.set_string(coding, "code", new);
    if !exact {
        carry::onto(draft, coding, node);
    }
}

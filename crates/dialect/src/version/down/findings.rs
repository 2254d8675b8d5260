//! Allergies, problems, observations and what else is found about a person.

use fhir::NodeId;

use crate::version::common::{ALLERGY_CLINICAL, ALLERGY_VERIFICATION, CONDITION_CLINICAL, CONDITION_VERIFICATION, GENDER, drop_if_empty};
use crate::version::draft::Draft;
use crate::version::rule::Rule::{Code, Denied, Extended, Rename, Run, Sink};
use crate::version::rule::Shape;
use crate::version::{carry, rule};

/// R4's codes and STU3's.
type Codes = &'static [(&'static str, &'static str)];

const ALLERGY_CLINICALS: Codes = &[("active", "active"), ("inactive", "inactive"), ("resolved", "resolved")];
const ALLERGY_VERIFICATIONS: Codes = &[
    ("confirmed", "confirmed"),
    ("entered-in-error", "entered-in-error"),
    // Only later versions know it; what is not confirmed is said to be that.
    ("presumed", "unconfirmed"),
    ("refuted", "refuted"),
    ("unconfirmed", "unconfirmed"),
];
const CONDITION_CLINICALS: Codes = &[
    ("active", "active"),
    ("inactive", "inactive"),
    ("recurrence", "recurrence"),
    ("relapse", "recurrence"),
    ("remission", "remission"),
    ("resolved", "resolved"),
];
const CONDITION_VERIFICATIONS: Codes = &[
    ("confirmed", "confirmed"),
    ("differential", "differential"),
    ("entered-in-error", "entered-in-error"),
    ("provisional", "provisional"),
    ("refuted", "refuted"),
    // R4 has provisional and differential as kinds of it.
    ("unconfirmed", "provisional"),
];
const GENDERS: Codes = &[("female", "female"), ("male", "male"), ("other", "other"), ("unknown", "unknown")];

pub(super) const SHAPES: &[Shape] = &[
    Shape {
        from: "AllergyIntolerance",
        to: "AllergyIntolerance",
        rules: &[
            Code("clinicalStatus", ALLERGY_CLINICAL, ALLERGY_CLINICALS),
            Code("verificationStatus", ALLERGY_VERIFICATION, ALLERGY_VERIFICATIONS),
            Rename("recordedDate", "assertedDate"),
            Extended("encounter", "http://hl7.org/fhir/StructureDefinition/encounter-associatedEncounter", "valueReference"),
        ],
    },
    Shape {
        from: "Condition",
        to: "Condition",
        rules: &[
            Rename("encounter", "context"),
            Code("clinicalStatus", CONDITION_CLINICAL, CONDITION_CLINICALS),
            Code("verificationStatus", CONDITION_VERIFICATION, CONDITION_VERIFICATIONS),
            Rename("recordedDate", "assertedDate"),
        ],
    },
    Shape { from: "DetectedIssue", to: "DetectedIssue", rules: &[Rename("code", "category"), Rename("identifiedDateTime", "date")] },
    Shape {
        from: "FamilyMemberHistory",
        to: "FamilyMemberHistory",
        rules: &[Rename("sex", "gender"), Code("gender", GENDER, GENDERS), Rename("dataAbsentReason", "notDoneReason")],
    },
    Shape {
        from: "Immunization",
        to: "Immunization",
        rules: &[
            Denied("not-done", "notGiven", "completed", &[]),
            Rename("occurrenceDateTime", "date"),
            Rename("performer", "practitioner"),
            Run(explanation),
            Rename("protocolApplied", "vaccinationProtocol"),
            Extended("recorded", "https://fhir.hl7.org.uk/STU3/StructureDefinition/Extension-CareConnect-DateRecorded-1", "valueDateTime"),
        ],
    },
    Shape { from: "Immunization.performer", to: "Immunization.practitioner", rules: &[Rename("function", "role")] },
    Shape {
        from: "Immunization.protocolApplied",
        to: "Immunization.vaccinationProtocol",
        rules: &[Rename("doseNumberPositiveInt", "doseSequence"), Rename("seriesDosesPositiveInt", "seriesDoses")],
    },
    Shape {
        from: "Observation",
        to: "Observation",
        rules: &[
            Rename("encounter", "context"),
            Rename("effectiveInstant", "effectiveDateTime"),
            Run(whole_number),
            Run(comment),
            Run(related),
        ],
    },
    Shape { from: "Observation.component", to: "Observation.component", rules: &[Run(whole_number), Run(yes_or_no)] },
    Shape { from: "RiskAssessment", to: "RiskAssessment", rules: &[Rename("encounter", "context"), Run(first_reason), Run(comment)] },
    Shape { from: "Medication", to: "Medication", rules: &[Sink("batch", "package", "batch")] },
    Shape { from: "Medication.batch", to: "Medication.package.batch", rules: &[] },
    Shape { from: "Medication.ingredient", to: "Medication.ingredient", rules: &[Rename("strength", "amount")] },
];

/// Why it was given, and why not, stand within one element.
fn explanation(draft: &mut Draft<'_>, immunization: NodeId) {
    Sink("reasonCode", "explanation", "reason").apply(draft, immunization);
    if draft.is(immunization, "notGiven", "true") {
        Sink("statusReason", "explanation", "reasonNotGiven").apply(draft, immunization);
    }
}

/// STU3 knows no whole number as a value: a quantity of it, which carries it as it was.
fn whole_number(draft: &mut Draft<'_>, object: NodeId) {
    let Some(number) = draft.at(object, "valueInteger").filter(|_| !draft.has(object, "valueQuantity")) else { return };
    let Some(value) = draft.value(number).and_then(|digits| draft.tree.new_number(&digits)) else { return };
    draft.take(object, "valueInteger");
    let quantity = draft.wrapped("value", value);
    draft.tree.set(object, "valueQuantity", quantity);
    carry::onto(draft, quantity, number);
}

/// Nor a flag as the value of a component: its word.
fn yes_or_no(draft: &mut Draft<'_>, component: NodeId) {
    let Some(flag) = draft.at(component, "valueBoolean").filter(|_| !draft.has(component, "valueString")) else { return };
    let Some(word) = draft.value(flag) else { return };
    draft.take(component, "valueBoolean");
    draft.tree.set_string(component, "valueString", &word);
    super::rules::beside(draft, component, "valueString", flag);
}

/// Notes become one comment. A lone note's author and time stay with it; of several, each is carried as it is, too.
fn comment(draft: &mut Draft<'_>, object: NodeId) {
    let notes = draft.items(object, "note");
    if notes.is_empty() || draft.has(object, "comment") {
        return;
    }
    let texts: Vec<String> = notes.iter().filter_map(|note| draft.text(*note, "text")).collect();
    draft.take(object, "note");
    if let [note] = notes[..] {
        match draft.take(note, "text") {
            Some(text) => draft.tree.set(object, "comment", text),
            None => return carry::beside(draft, object, note),
        }
        for key in draft.keys(note) {
            match draft.take(note, &key) {
                Some(node) if key.starts_with('_') || key == "id" => {
                    draft.note(record::FindingCode::Lossy, node, "STU3 has no place for it: not carried")
                }
                Some(node) if key == "extension" => {
                    if let Some(under) = draft.tree.object_at(object, "_comment") {
                        let holder = draft.wrapped("extension", node);
                        rule::absorb(draft, under, holder);
                    }
                }
                Some(node) => super::rules::beside(draft, object, "comment", node),
                None => {}
            }
        }
        return;
    }
    if !texts.is_empty() {
        draft.tree.set_string(object, "comment", &texts.join("\n\n"));
    }
    for note in notes {
        carry::beside(draft, object, note);
    }
}

/// Members and origins are related observations in STU3.
fn related(draft: &mut Draft<'_>, observation: NodeId) {
    for (key, kind) in [("hasMember", "has-member"), ("derivedFrom", "derived-from")] {
        for target in draft.items(observation, key) {
            draft.tree.detach(target);
            let item = draft.tree.new_object();
            draft.tree.set_string(item, "type", kind);
            draft.tree.set(item, "target", target);
            draft.append(observation, "related", item);
        }
        draft.take(observation, key);
    }
    drop_if_empty(draft, observation, "related");
}

/// STU3 has one reason, a concept or a reference.
fn first_reason(draft: &mut Draft<'_>, assessment: NodeId) {
    if draft.has(assessment, "reasonReference") {
        return;
    }
    if let Some(first) = draft.items(assessment, "reasonCode").first().copied() {
        draft.tree.detach(first);
        draft.tree.set(assessment, "reasonCodeableConcept", first);
        drop_if_empty(draft, assessment, "reasonCode");
    }
}

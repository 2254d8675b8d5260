//! Allergies, problems, observations and what else is found about a person.

use fhir::NodeId;

use crate::version::carry;
use crate::version::common::{
    ABORTED, ALLERGY_CLINICAL, ALLERGY_VERIFICATION, CONDITION_CLINICAL, CONDITION_VERIFICATION, GENDER, UNVERIFIED, drop_if_empty, related,
};
use crate::version::draft::Draft;
use crate::version::rule::Rule::{Codes, Concept, Gather, Lift, Negated, Note, Rename, Run};
use crate::version::rule::Shape;

pub(super) const SHAPES: &[Shape] = &[
    Shape {
        from: "AllergyIntolerance",
        to: "AllergyIntolerance",
        rules: &[
            Run(allergy_status),
            Rename("substance", "code"),
            Run(other_category),
            Codes("criticality", &[("CRITH", "high"), ("CRITL", "low"), ("CRITU", "unable-to-assess")]),
            Rename("onset", "onsetDateTime"),
            Rename("reporter", "asserter"),
            Rename("lastOccurence", "lastOccurrence"),
        ],
    },
    Shape { from: "AllergyIntolerance.reaction", to: "AllergyIntolerance.reaction", rules: &[Run(certainty)] },
    Shape {
        from: "Condition",
        to: "Condition",
        rules: &[
            Rename("patient", "subject"),
            Rename("dateRecorded", "recordedDate"),
            Concept("clinicalStatus", CONDITION_CLINICAL),
            Codes("verificationStatus", UNVERIFIED),
            Concept("verificationStatus", CONDITION_VERIFICATION),
            Run(category),
            Rename("onsetQuantity", "onsetAge"),
            Rename("abatementQuantity", "abatementAge"),
            Note("notes"),
        ],
    },
    Shape { from: "DetectedIssue", to: "DetectedIssue", rules: &[Rename("category", "code"), Rename("date", "identifiedDateTime")] },
    Shape {
        from: "DiagnosticReport",
        to: "DiagnosticReport",
        rules: &[Rename("request", "basedOn"), Rename("image", "media"), Rename("codedDiagnosis", "conclusionCode")],
    },
    Shape { from: "DiagnosticReport.image", to: "DiagnosticReport.media", rules: &[] },
    Shape {
        from: "FamilyMemberHistory",
        to: "FamilyMemberHistory",
        rules: &[
            Concept("gender", GENDER),
            Rename("gender", "sex"),
            Rename("ageQuantity", "ageAge"),
            Rename("deceasedQuantity", "deceasedAge"),
        ],
    },
    Shape { from: "FamilyMemberHistory.condition", to: "FamilyMemberHistory.condition", rules: &[Rename("onsetQuantity", "onsetAge")] },
    Shape {
        from: "Immunization",
        to: "Immunization",
        rules: &[
            Codes("status", &[("in-progress", ""), ("on-hold", ""), ("stopped", "not-done")]),
            Negated("wasNotGiven", "not-done"),
            Rename("date", "occurrenceDateTime"),
            Run(reported),
            Run(given_by),
            Lift("explanation", "reason", "reasonCode"),
            Lift("explanation", "reasonNotGiven", "statusReason"),
            Rename("vaccinationProtocol", "protocolApplied"),
        ],
    },
    Shape {
        from: "Immunization.vaccinationProtocol",
        to: "Immunization.protocolApplied",
        rules: &[Rename("doseSequence", "doseNumberPositiveInt"), Rename("seriesDoses", "seriesDosesPositiveInt")],
    },
    Shape { from: "Observation", to: "Observation", rules: &[Note("comments"), Run(related)] },
    Shape { from: "Observation.referenceRange", to: "Observation.referenceRange", rules: &[Rename("meaning", "type")] },
    Shape {
        from: "Procedure",
        to: "Procedure",
        rules: &[
            Codes("status", ABORTED),
            Negated("notPerformed", "not-done"),
            Rename("reasonNotPerformed", "statusReason"),
            Rename("reasonCodeableConcept", "reasonCode"),
            Rename("request", "basedOn"),
            Gather("notes", "note"),
            Rename("used", "usedReference"),
        ],
    },
    Shape { from: "Procedure.performer", to: "Procedure.performer", rules: &[Rename("role", "function")] },
    Shape { from: "RiskAssessment", to: "RiskAssessment", rules: &[Rename("date", "occurrenceDateTime")] },
    Shape { from: "Specimen", to: "Specimen", rules: &[Rename("treatment", "processing"), Run(collection_notes)] },
    Shape { from: "Specimen.treatment", to: "Specimen.processing", rules: &[] },
];

/// One status said both how the allergy stands and how sure it is.
fn allergy_status(draft: &mut Draft<'_>, allergy: NodeId) {
    let under = draft.take(allergy, "_status");
    let Some(node) = draft.take(allergy, "status") else {
        if let Some(under) = under {
            draft.tree.set(allergy, "clinicalStatus", under);
        }
        return;
    };
    let status = draft.value(node).unwrap_or_default();
    let (clinical, verification) = match status.as_str() {
        "active" | "inactive" | "resolved" => (Some(status.as_str()), None),
        "confirmed" | "unconfirmed" => (Some("active"), Some(status.as_str())),
        "entered-in-error" | "refuted" => (None, Some(status.as_str())),
        _ => {
            draft.tree.set(allergy, "status", node);
            return;
        }
    };
    if verification.is_some() {
        draft.converted(node, "R4 says it by two statuses");
    }
    if let Some(code) = clinical {
        let concept = draft.concept(ALLERGY_CLINICAL, code);
        draft.tree.set(allergy, "clinicalStatus", concept);
    }
    if let Some(code) = verification {
        let concept = draft.concept(ALLERGY_VERIFICATION, code);
        draft.tree.set(allergy, "verificationStatus", concept);
    }
    if let Some(under) = under {
        carry_under(draft, allergy, under);
    }
}

fn carry_under(draft: &mut Draft<'_>, allergy: NodeId, under: NodeId) {
    let key = if draft.has(allergy, "clinicalStatus") { "clinicalStatus" } else { "verificationStatus" };
    if let Some(concept) = draft.at(allergy, key) {
        crate::version::rule::absorb(draft, concept, under);
    }
}

/// R4 has no category for the rest.
fn other_category(draft: &mut Draft<'_>, allergy: NodeId) {
    if draft.is(allergy, "category", "other")
        && let Some(node) = draft.take(allergy, "category")
    {
        carry::beside(draft, allergy, node);
    }
}

/// R4 keeps how certain a reaction is in a standard extension.
fn certainty(draft: &mut Draft<'_>, reaction: NodeId) {
    let Some(node) = draft.take(reaction, "certainty") else { return };
    let concept = draft.concept("http://terminology.hl7.org/CodeSystem/reaction-event-certainty", "");
    if let Some(coding) = draft.items(concept, "coding").first() {
        draft.tree.set(*coding, "code", node);
    }
    let url = "http://hl7.org/fhir/StructureDefinition/allergyintolerance-certainty";
    let extension = draft.extension(url, "valueCodeableConcept", concept);
    draft.extend(reaction, extension);
}

/// A `diagnosis` of DSTU2 is an encounter's diagnosis: R4's coding is added beside the older one.
fn category(draft: &mut Draft<'_>, condition: NodeId) {
    for category in draft.items(condition, "category") {
        let diagnosis = draft
            .items(category, "coding")
            .into_iter()
            .any(|coding| draft.is(coding, "system", "http://hl7.org/fhir/condition-category") && draft.is(coding, "code", "diagnosis"));
        if diagnosis {
            let coding = draft.coding("http://terminology.hl7.org/CodeSystem/condition-category", "encounter-diagnosis");
            draft.append(category, "coding", coding);
        }
    }
}

/// Who reported it second hand is not its primary source.
fn reported(draft: &mut Draft<'_>, immunization: NodeId) {
    let Some(node) = draft.at(immunization, "reported") else { return };
    let primary = match draft.value(node).as_deref() {
        Some("true") => false,
        Some("false") => true,
        _ => return,
    };
    draft.converted(node, "R4 asks whether it is the primary source, the opposite");
    draft.take(immunization, "reported");
    let value = draft.tree.new_bool(primary);
    draft.tree.set(immunization, "primarySource", value);
}

/// Who gave it and who ordered it are performers in R4, told apart by their function.
fn given_by(draft: &mut Draft<'_>, immunization: NodeId) {
    const FUNCTION: &str = "http://terminology.hl7.org/CodeSystem/v2-0443";
    let mut performers = Vec::new();
    for (key, code) in [("performer", "AP"), ("requester", "OP")] {
        let Some(actor) = draft.at(immunization, key).filter(|node| draft.is_object(*node)) else { continue };
        draft.take(immunization, key);
        let performer = draft.tree.new_object();
        let function = draft.concept(FUNCTION, code);
        draft.tree.set(performer, "function", function);
        draft.tree.set(performer, "actor", actor);
        performers.push(performer);
    }
    for performer in performers {
        draft.append(immunization, "performer", performer);
    }
}

fn collection_notes(draft: &mut Draft<'_>, specimen: NodeId) {
    let Some(collection) = draft.at(specimen, "collection").filter(|node| draft.is_object(*node)) else { return };
    for comment in draft.items(collection, "comment") {
        if draft.is_null(comment) {
            continue;
        }
        draft.tree.detach(comment);
        let annotation = draft.wrapped("text", comment);
        draft.append(specimen, "note", annotation);
    }
    if let Some(under) = draft.take(collection, "_comment") {
        carry::beside(draft, collection, under);
    }
    drop_if_empty(draft, collection, "comment");
}

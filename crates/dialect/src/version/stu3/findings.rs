//! Allergies, problems, observations and what else is found about a person.

use fhir::NodeId;

use crate::version::carry::named_for;
use crate::version::common::{
    ABORTED, ALLERGY_CLINICAL, ALLERGY_VERIFICATION, CONDITION_CLINICAL, CONDITION_VERIFICATION, GENDER, UNVERIFIED, related,
};
use crate::version::draft::Draft;
use crate::version::rule::Rule::{Codes, Concept, Context, Gather, Lift, Negated, Note, Rename, Run, Unwrap};
use crate::version::rule::{SILENCE, Shape};

pub(super) const SHAPES: &[Shape] = &[
    Shape {
        from: "AllergyIntolerance",
        to: "AllergyIntolerance",
        rules: &[
            Concept("clinicalStatus", ALLERGY_CLINICAL),
            Concept("verificationStatus", ALLERGY_VERIFICATION),
            Rename("assertedDate", "recordedDate"),
            Run(associated_encounter),
        ],
    },
    Shape {
        from: "Condition",
        to: "Condition",
        rules: &[
            Context("encounter"),
            Concept("clinicalStatus", CONDITION_CLINICAL),
            Codes("verificationStatus", UNVERIFIED),
            Concept("verificationStatus", CONDITION_VERIFICATION),
            Rename("assertedDate", "recordedDate"),
        ],
    },
    Shape { from: "DetectedIssue", to: "DetectedIssue", rules: &[Rename("category", "code"), Rename("date", "identifiedDateTime")] },
    Shape {
        from: "DiagnosticReport",
        to: "DiagnosticReport",
        rules: &[Context("encounter"), Unwrap("performer", "actor"), Rename("image", "media"), Rename("codedDiagnosis", "conclusionCode")],
    },
    Shape { from: "DiagnosticReport.image", to: "DiagnosticReport.media", rules: &[] },
    Shape {
        from: "FamilyMemberHistory",
        to: "FamilyMemberHistory",
        rules: &[Concept("gender", GENDER), Rename("gender", "sex"), Rename("notDoneReason", "dataAbsentReason"), Run(history_taken)],
    },
    Shape {
        from: "Immunization",
        to: "Immunization",
        rules: &[
            Negated("notGiven", "not-done"),
            Rename("date", "occurrenceDateTime"),
            Rename("practitioner", "performer"),
            Lift("explanation", "reason", "reasonCode"),
            Lift("explanation", "reasonNotGiven", "statusReason"),
            Rename("vaccinationProtocol", "protocolApplied"),
            Run(recorded),
        ],
    },
    Shape { from: "Immunization.practitioner", to: "Immunization.performer", rules: &[Rename("role", "function")] },
    Shape {
        from: "Immunization.vaccinationProtocol",
        to: "Immunization.protocolApplied",
        rules: &[Rename("doseSequence", "doseNumberPositiveInt"), Rename("seriesDoses", "seriesDosesPositiveInt")],
    },
    Shape { from: "Observation", to: "Observation", rules: &[Context("encounter"), Run(comment), Note("comment"), Run(related)] },
    Shape {
        from: "Procedure",
        to: "Procedure",
        rules: &[Context("encounter"), Codes("status", ABORTED), Negated("notDone", "not-done"), Rename("notDoneReason", "statusReason")],
    },
    Shape { from: "Procedure.performer", to: "Procedure.performer", rules: &[Rename("role", "function")] },
    Shape {
        from: "RiskAssessment",
        to: "RiskAssessment",
        rules: &[Context("encounter"), Run(comment), Note("comment"), Gather("reasonCodeableConcept", "reasonCode")],
    },
    Shape { from: "Specimen.collection", to: "Specimen.collection", rules: &[Run(fasting)] },
];

/// `notDone: false` is R4's silence; `true` is carried, as a qualifier nobody may overlook.
fn history_taken(draft: &mut Draft<'_>, history: NodeId) {
    if draft.is(history, "notDone", "false")
        && let Some(node) = draft.at(history, "notDone")
    {
        draft.converted(node, SILENCE);
        draft.take(history, "notDone");
    }
}

/// Takes the value out of the extension of this URL, where R4 has an element for it.
pub(super) fn promoted(draft: &mut Draft<'_>, object: NodeId, url_ends: &str, value: &str, element: &str) {
    if draft.has(object, element) {
        return;
    }
    for extension in draft.items(object, "extension") {
        let named = draft.text(extension, "url").is_some_and(|url| url.ends_with(url_ends));
        if !named || !draft.has(extension, value) {
            continue;
        }
        if let Some(url) = draft.at(extension, "url") {
            draft.converted(url, format!("R4 has the element {element}"));
        }
        if let Some(node) = draft.take(extension, value) {
            draft.tree.set(object, element, node);
        }
        if draft.keys(extension).iter().all(|key| key == "url") {
            draft.tree.detach(extension);
        }
        break;
    }
    crate::version::common::drop_if_empty(draft, object, "extension");
}

/// A comment that was made of R4's own notes gives way to them.
fn comment(draft: &mut Draft<'_>, object: NodeId) {
    let own = format!("{}{}.note", named_for(draft.to), draft.known(object).type_name);
    let notes = draft.items(object, "extension").into_iter().filter(|one| draft.is(*one, "url", &own)).count();
    if notes > 0
        && let Some(comment) = draft.take(object, "comment")
    {
        draft.converted(comment, "the notes it was made of stand in its place");
    }
}

fn associated_encounter(draft: &mut Draft<'_>, allergy: NodeId) {
    promoted(draft, allergy, "/StructureDefinition/encounter-associatedEncounter", "valueReference", "encounter");
}

fn recorded(draft: &mut Draft<'_>, immunization: NodeId) {
    promoted(draft, immunization, "Extension-CareConnect-DateRecorded-1", "valueDateTime", "recorded");
}

fn fasting(draft: &mut Draft<'_>, collection: NodeId) {
    promoted(draft, collection, "Extension-CareConnect-FastingStatus-1", "valueCodeableConcept", "fastingStatusCodeableConcept");
}

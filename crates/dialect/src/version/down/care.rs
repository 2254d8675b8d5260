//! Care as it is planned and given.

use fhir::NodeId;

use crate::version::carry;
use crate::version::draft::Draft;
use crate::version::rule::Rule::{Codes, Denied, Extended, Narrow, Rename, Run, Words, Wrap};
use crate::version::rule::Shape;

use super::requests::{STATUSES, STEPS};

pub(super) const SHAPES: &[Shape] = &[
    Shape {
        from: "Appointment",
        to: "Appointment",
        rules: &[
            Narrow("status", &[("checked-in", "arrived"), ("waitlist", "pending")]),
            Rename("reasonCode", "reason"),
            Rename("reasonReference", "indication"),
            Rename("basedOn", "incomingReferral"),
        ],
    },
    Shape { from: "CarePlan", to: "CarePlan", rules: &[Rename("encounter", "context"), Codes("status", STATUSES)] },
    Shape {
        from: "CarePlan.activity.detail",
        to: "CarePlan.activity.detail",
        rules: &[
            Rename("doNotPerform", "prohibited"),
            Narrow("status", &[("entered-in-error", ""), ("stopped", "cancelled")]),
            Words("statusReason"),
        ],
    },
    Shape { from: "CareTeam", to: "CareTeam", rules: &[Rename("encounter", "context")] },
    Shape {
        from: "ClinicalImpression",
        to: "ClinicalImpression",
        rules: &[Rename("encounter", "context"), Codes("status", &[("in-progress", "draft")])],
    },
    Shape {
        from: "Communication",
        to: "Communication",
        rules: &[
            Rename("encounter", "context"),
            Codes("status", STEPS),
            Denied("not-done", "notDone", "unknown", &[("statusReason", "notDoneReason")]),
            Run(topic),
        ],
    },
    Shape { from: "Encounter", to: "Encounter", rules: &[Rename("reasonCode", "reason"), Rename("basedOn", "incomingReferral")] },
    Shape { from: "Encounter.diagnosis", to: "Encounter.diagnosis", rules: &[Rename("use", "role")] },
    Shape { from: "Goal", to: "Goal", rules: &[Run(goal)] },
    Shape {
        from: "Procedure",
        to: "Procedure",
        rules: &[
            Rename("encounter", "context"),
            Codes("status", STEPS),
            Denied("not-done", "notDone", "unknown", &[("statusReason", "notDoneReason")]),
        ],
    },
    Shape { from: "Procedure.performer", to: "Procedure.performer", rules: &[Rename("function", "role")] },
    Shape {
        from: "Specimen.collection",
        to: "Specimen.collection",
        rules: &[Extended(
            "fastingStatusCodeableConcept",
            "https://fhir.hl7.org.uk/STU3/StructureDefinition/Extension-CareConnect-FastingStatus-1",
            "valueCodeableConcept",
        )],
    },
    Shape {
        from: "DiagnosticReport",
        to: "DiagnosticReport",
        rules: &[
            Rename("encounter", "context"),
            Wrap("performer", "actor"),
            Rename("media", "image"),
            Rename("conclusionCode", "codedDiagnosis"),
        ],
    },
    Shape { from: "DiagnosticReport.media", to: "DiagnosticReport.image", rules: &[] },
];

/// STU3's topic is what R4's `about` is; R4's own topic has no place.
fn topic(draft: &mut Draft<'_>, communication: NodeId) {
    if let Some(topic) = draft.take(communication, "topic") {
        carry::beside(draft, communication, topic);
    }
    draft.rename(communication, "about", "topic");
}

/// Two statuses become one: what was achieved says more than that it goes on.
fn goal(draft: &mut Draft<'_>, goal: NodeId) {
    let achieved = draft.at(goal, "achievementStatus").and_then(|node| draft.text(node, "coding.code"));
    let Some(life) = draft.text(goal, "lifecycleStatus") else {
        draft.rename(goal, "lifecycleStatus", "status");
        return;
    };
    let exact = match (life.as_str(), achieved.as_deref()) {
        ("completed", Some("achieved")) => Some("achieved"),
        ("active", Some("sustaining")) => Some("sustaining"),
        ("active", Some("in-progress")) => Some("in-progress"),
        ("active", Some(on @ ("ahead-of-target" | "behind-target" | "on-target"))) => Some(on),
        _ => None,
    };
    draft.rename(goal, "lifecycleStatus", "status");
    match exact.map(str::to_owned) {
        Some(status) => {
            for node in [draft.at(goal, "status"), draft.at(goal, "achievementStatus")].into_iter().flatten() {
                draft.converted(node, "STU3 says it by one status");
            }
            draft.tree.set_string(goal, "status", &status);
            // What it says beside its code is carried by the sweep.
            let plain = draft.at(goal, "achievementStatus").is_some_and(|concept| {
                draft.keys(concept).len() == 1
                    && draft.items(concept, "coding").len() == 1
                    && draft
                        .items(concept, "coding")
                        .iter()
                        .all(|one| draft.keys(*one).iter().all(|key| matches!(key.as_str(), "code" | "system")))
            });
            if plain {
                draft.take(goal, "achievementStatus");
            }
        }
        None => super::narrow(draft, goal, "status", &[("active", "in-progress"), ("completed", "")]),
    }
}

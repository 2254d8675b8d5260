//! Care as it is planned and given: encounters, episodes, plans, goals, appointments.

use fhir::NodeId;
use record::FindingCode;

use crate::version::carry;
use crate::version::common::{drop_if_empty, encounter_class, goal_status, team};
use crate::version::draft::Draft;
use crate::version::rule::Rule::{Codes, Context, Gather, Rename, Run, Split, Wrap};
use crate::version::rule::Shape;

pub(super) const SHAPES: &[Shape] = &[
    Shape { from: "Appointment", to: "Appointment", rules: &[Rename("type", "serviceType"), Rename("reason", "reasonCode")] },
    Shape {
        from: "CarePlan",
        to: "CarePlan",
        rules: &[
            Context("encounter"),
            Codes("status", &[("cancelled", "revoked"), ("proposed", "draft")]),
            Split("author", "contributor"),
            Rename("support", "supportingInfo"),
            Run(related_plans),
            Run(|draft, plan| team(draft, plan, "participant", "careTeam")),
        ],
    },
    Shape { from: "CarePlan.activity", to: "CarePlan.activity", rules: &[Rename("actionResulting", "outcomeReference")] },
    Shape { from: "CarePlan.activity.detail", to: "CarePlan.activity.detail", rules: &[Rename("prohibited", "doNotPerform")] },
    Shape { from: "CarePlan.participant", to: "CareTeam.participant", rules: &[] },
    Shape {
        from: "ClinicalImpression",
        to: "ClinicalImpression",
        rules: &[Rename("patient", "subject"), Codes("status", &[("draft", "in-progress")]), Rename("investigations", "investigation")],
    },
    Shape {
        from: "ClinicalImpression.finding",
        to: "ClinicalImpression.finding",
        rules: &[Rename("item", "itemCodeableConcept"), Rename("cause", "basis")],
    },
    Shape { from: "ClinicalImpression.investigations", to: "ClinicalImpression.investigation", rules: &[] },
    Shape {
        from: "Communication",
        to: "Communication",
        rules: &[
            Codes("status", &[("failed", "stopped"), ("rejected", "stopped"), ("suspended", "on-hold")]),
            Rename("reason", "reasonCode"),
            Rename("requestDetail", "basedOn"),
        ],
    },
    Shape {
        from: "Encounter",
        to: "Encounter",
        rules: &[
            Run(encounter_class),
            Rename("patient", "subject"),
            Gather("incomingReferral", "basedOn"),
            Rename("reason", "reasonCode"),
            Rename("indication", "reasonReference"),
            Run(diagnoses),
        ],
    },
    Shape {
        from: "EpisodeOfCare",
        to: "EpisodeOfCare",
        rules: &[
            Wrap("condition", "condition"),
            Rename("condition", "diagnosis"),
            Run(|draft, episode| team(draft, episode, "careTeam", "team")),
        ],
    },
    Shape { from: "EpisodeOfCare.careTeam", to: "CareTeam.participant", rules: &[] },
    Shape {
        from: "Goal",
        to: "Goal",
        rules: &[Run(goal_status), Run(goal_reason), Run(goal_target), Rename("author", "expressedBy"), Run(goal_outcome)],
    },
    Shape { from: "Schedule", to: "Schedule", rules: &[Rename("type", "serviceType")] },
    Shape { from: "Slot", to: "Slot", rules: &[Rename("type", "serviceType"), Rename("freeBusyType", "status")] },
];

/// Diagnoses on admission and discharge are R4's diagnoses of that use.
fn diagnoses(draft: &mut Draft<'_>, encounter: NodeId) {
    let Some(stay) = draft.at(encounter, "hospitalization").filter(|node| draft.is_object(*node)) else { return };
    for (key, code) in [("admittingDiagnosis", "AD"), ("dischargeDiagnosis", "DD")] {
        for condition in draft.items(stay, key) {
            draft.tree.detach(condition);
            let diagnosis = draft.wrapped("condition", condition);
            let kind = draft.concept("http://terminology.hl7.org/CodeSystem/diagnosis-role", code);
            draft.tree.set(diagnosis, "use", kind);
            draft.append(encounter, "diagnosis", diagnosis);
        }
        drop_if_empty(draft, stay, key);
    }
}

/// Plans that this one replaces or fulfils; what R4 has no name for is carried.
fn related_plans(draft: &mut Draft<'_>, plan: NodeId) {
    for related in draft.items(plan, "relatedPlan") {
        let new = match draft.text(related, "code").as_deref() {
            Some("fulfills") => "basedOn",
            Some("replaces") => "replaces",
            _ => continue,
        };
        let Some(other) = draft.take_object(related, "plan") else { continue };
        if let Some(code) = draft.take(related, "code") {
            draft.converted(code, format!("R4 says it by the name {new}"));
        }
        crate::version::rule::absorb(draft, other, related);
        draft.tree.detach(related);
        draft.append(plan, new, other);
    }
    drop_if_empty(draft, plan, "relatedPlan");
}

/// R4 has the reason as text; the concept stays beside it.
fn goal_reason(draft: &mut Draft<'_>, goal: NodeId) {
    let Some(concept) = draft.at(goal, "statusReason").filter(|node| draft.is_object(*node)) else { return };
    let words = ["text", "coding.display", "coding.code"].iter().find_map(|path| draft.text(concept, path));
    draft.take(goal, "statusReason");
    if let Some(under) = draft.tree.object_at(goal, "_statusReason") {
        carry::onto(draft, under, concept);
    }
    if let Some(words) = words {
        draft.tree.set_string(goal, "statusReason", &words);
    }
}

fn goal_target(draft: &mut Draft<'_>, goal: NodeId) {
    for (old, new) in [("targetDate", "dueDate"), ("targetQuantity", "dueDuration")] {
        if let Some(node) = draft.take(goal, old) {
            let target = draft.wrapped(new, node);
            draft.append(goal, "target", target);
        }
    }
}

fn goal_outcome(draft: &mut Draft<'_>, goal: NodeId) {
    for outcome in draft.items(goal, "outcome").into_iter().filter(|node| draft.is_object(*node)).collect::<Vec<_>>() {
        for (old, new) in [("resultCodeableConcept", "outcomeCode"), ("resultReference", "outcomeReference")] {
            if let Some(node) = draft.take(outcome, old) {
                draft.append(goal, new, node);
            }
        }
        if draft.is_hollow(outcome) {
            draft.tree.detach(outcome);
        } else {
            draft.note(FindingCode::Lossy, outcome, "what R4 has no place for of an outcome is carried by itself");
        }
    }
    drop_if_empty(draft, goal, "outcome");
}

//! Care as it is planned and given: encounters, plans, teams, goals, appointments.

use crate::version::common::{ABORTED, SUSPENDED, encounter_class, goal_status};
use crate::version::rule::Rule::{Codes, Context, Gather, Negated, Rename, Run, Split};
use crate::version::rule::Shape;

pub(super) const SHAPES: &[Shape] = &[
    Shape {
        from: "Appointment",
        to: "Appointment",
        rules: &[Rename("reason", "reasonCode"), Rename("indication", "reasonReference"), Rename("incomingReferral", "basedOn")],
    },
    Shape { from: "CarePlan", to: "CarePlan", rules: &[Context("encounter"), Codes("status", SUSPENDED), Split("author", "contributor")] },
    Shape { from: "CarePlan.activity.detail", to: "CarePlan.activity.detail", rules: &[Rename("prohibited", "doNotPerform")] },
    Shape { from: "CareTeam", to: "CareTeam", rules: &[Context("encounter")] },
    Shape {
        from: "ClinicalImpression",
        to: "ClinicalImpression",
        rules: &[Context("encounter"), Codes("status", &[("draft", "in-progress")])],
    },
    Shape {
        from: "Communication",
        to: "Communication",
        rules: &[
            Context("encounter"),
            Codes("status", ABORTED),
            Negated("notDone", "not-done"),
            Rename("notDoneReason", "statusReason"),
            Rename("topic", "about"),
        ],
    },
    Shape {
        from: "Encounter",
        to: "Encounter",
        rules: &[Run(encounter_class), Gather("incomingReferral", "basedOn"), Rename("reason", "reasonCode")],
    },
    Shape { from: "Encounter.diagnosis", to: "Encounter.diagnosis", rules: &[Rename("role", "use")] },
    Shape { from: "Goal", to: "Goal", rules: &[Run(goal_status)] },
];

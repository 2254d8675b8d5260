//! Orders and statements.

use super::{Medicine, community};
use crate::node::{Node, list, object};
use crate::pen::Pen;

impl Medicine {
    fn intent(&self) -> &str {
        self.intent.as_deref().unwrap_or("order")
    }

    /// General practice says in an extension whether an order is repeated.
    fn repeat_information(&self) -> Node {
        let Some(course) = self.course.as_deref() else {
            return Node::Nothing;
        };
        let display = match course {
            "acute" => "Acute",
            "repeat" => "Repeat",
            _ => "Repeat dispensing",
        };
        list![object! {
            "url": "https://fhir.nhs.uk/STU3/StructureDefinition/Extension-CareConnect-GPC-PrescriptionType-1",
            "valueCodeableConcept": object! { "coding": list![object! {
                "system": "https://fhir.nhs.uk/STU3/CodeSystem/CareConnect-PrescriptionType-1",
                "code": course,
                "display": display,
            }] },
        }]
    }

    pub(super) fn order_r4(&self, pen: &Pen<'_>) -> Node {
        let mut node = object! {
            "identifier": pen.identifiers(),
            "status": &self.status,
            "statusReason": self.why_stopped(),
            "intent": self.intent(),
            "category": list![community(pen.version(), "medicationrequest-category")],
        };
        node.append(pen.medicine(&self.what));
        node.append(object! {
            "subject": pen.subject(),
            "encounter": pen.encounter(),
            "authoredOn": pen.maybe_when(self.when.as_ref().or(self.since.as_ref())),
            "requester": pen.author(),
            "reasonCode": self.reasons(pen),
            "basedOn": list![self.order.as_deref().map(|key| pen.fact(key))],
            "groupIdentifier": self.group(),
            "note": pen.notes(),
            "dosageInstruction": self.dosages(pen),
            "dispenseRequest": self.supply(pen),
        });
        node
    }

    pub(super) fn order_stu3(&self, pen: &Pen<'_>) -> Node {
        let mut node = object! {
            "extension": self.repeat_information(),
            "identifier": pen.identifiers(),
            "basedOn": list![self.order.as_deref().map(|key| pen.fact(key))],
            "groupIdentifier": self.group(),
            "status": &self.status,
            "intent": self.intent(),
            "category": community(pen.version(), "medication-request-category"),
        };
        node.append(pen.medicine(&self.what));
        let requester = pen.author();
        let requester = match requester {
            Node::Nothing => Node::Nothing,
            agent => object! { "agent": agent, "onBehalfOf": pen.organisation() },
        };
        node.append(object! {
            "subject": pen.subject(),
            "context": pen.encounter(),
            "authoredOn": pen.maybe_when(self.when.as_ref().or(self.since.as_ref())),
            "requester": requester,
            "reasonCode": self.reasons(pen),
            "note": pen.notes(),
            "dosageInstruction": self.dosages(pen),
            "dispenseRequest": self.supply(pen),
        });
        node
    }

    pub(super) fn order_dstu2(&self, pen: &Pen<'_>) -> Node {
        let status = if self.status == "cancelled" { "stopped" } else { &self.status };
        let mut node = object! {
            "identifier": pen.identifiers(),
            "dateWritten": pen.maybe_when(self.when.as_ref().or(self.since.as_ref())),
            "status": status,
            "dateEnded": pen.maybe_when(self.until.as_ref()),
            "reasonEnded": self.why_stopped(),
            "patient": pen.subject(),
            "prescriber": pen.author(),
            "encounter": pen.encounter(),
            "reasonCodeableConcept": self.reason.as_deref().map(|reason| pen.concept(reason)),
            "note": pen.note_text(),
        };
        node.append(pen.medicine(&self.what));
        node.append(object! {
            "dosageInstruction": self.dosages(pen),
            "dispenseRequest": self.supply(pen),
        });
        node
    }

    pub(super) fn statement_r4(&self, pen: &Pen<'_>) -> Node {
        let mut node = object! {
            "identifier": pen.identifiers(),
            "basedOn": list![self.order.as_deref().map(|key| pen.fact(key))],
            "status": &self.status,
            "statusReason": list![self.why_stopped()],
            "category": community(pen.version(), "medication-statement-category"),
        };
        node.append(pen.medicine(&self.what));
        node.append(object! {
            "subject": pen.subject(),
            "context": pen.encounter(),
            "effectivePeriod": pen.period(self.since.as_ref(), self.until.as_ref()),
            "dateAsserted": pen.recorded(),
            "informationSource": pen.author(),
            "reasonCode": self.reasons(pen),
            "note": pen.notes(),
            "dosage": self.dosages(pen),
        });
        node
    }

    pub(super) fn statement_stu3(&self, pen: &Pen<'_>) -> Node {
        let mut node = object! {
            "identifier": pen.identifiers(),
            "basedOn": list![self.order.as_deref().map(|key| pen.fact(key))],
            "context": pen.encounter(),
            "status": &self.status,
            "category": community(pen.version(), "medication-statement-category"),
        };
        node.append(pen.medicine(&self.what));
        node.append(object! {
            "effectivePeriod": pen.period(self.since.as_ref(), self.until.as_ref()),
            "dateAsserted": pen.recorded(),
            "informationSource": pen.author(),
            "subject": pen.subject(),
            "taken": "unk",
            "reasonCode": self.reasons(pen),
            "note": pen.notes(),
            "dosage": self.dosages(pen),
        });
        node
    }

    pub(super) fn statement_dstu2(&self, pen: &Pen<'_>) -> Node {
        // The version has no word for "stopped".
        let status = match self.status.as_str() {
            "stopped" | "cancelled" | "on-hold" => "completed",
            status => status,
        };
        let mut node = object! {
            "identifier": pen.identifiers(),
            "patient": pen.subject(),
            "informationSource": pen.author(),
            "dateAsserted": pen.recorded(),
            "status": status,
            "reasonForUseCodeableConcept": self.reason.as_deref().map(|reason| pen.concept(reason)),
            "effectivePeriod": pen.period(self.since.as_ref(), self.until.as_ref()),
            "note": pen.note_text(),
        };
        node.append(pen.medicine(&self.what));
        node.append(object! { "dosage": self.dosages(pen) });
        node
    }
}

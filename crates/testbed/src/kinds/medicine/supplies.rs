//! Dispenses and administrations.

use super::{Medicine, quantity};
use crate::node::{Node, list, object};
use crate::pen::Pen;
use crate::supplier::Version;

impl Medicine {
    fn quantity(&self) -> Option<Node> {
        self.quantity.as_deref().map(quantity)
    }

    fn ordered(&self, pen: &Pen<'_>) -> Option<Node> {
        self.order.as_deref().map(|key| pen.fact(key))
    }

    pub(super) fn dispense(&self, pen: &Pen<'_>) -> Node {
        let mut node = object! { "identifier": pen.identifiers(), "status": &self.status };
        node.append(pen.medicine(&self.what));
        let performer = match pen.author() {
            Node::Nothing => object! { "actor": pen.organisation() },
            actor => object! { "actor": actor },
        };
        node.append(object! {
            "subject": pen.subject(),
            "context": pen.encounter(),
            "performer": list![performer],
            "authorizingPrescription": list![self.ordered(pen)],
            "quantity": self.quantity(),
            "whenPrepared": pen.maybe_when(self.since.as_ref()),
            "whenHandedOver": pen.maybe_when(self.when.as_ref()),
            "note": pen.notes(),
            "dosageInstruction": self.dosages(pen),
        });
        node
    }

    pub(super) fn dispense_dstu2(&self, pen: &Pen<'_>) -> Node {
        let mut node = object! {
            "identifier": pen.identifier(),
            "status": &self.status,
            "patient": pen.subject(),
            "dispenser": pen.author(),
            "authorizingPrescription": list![self.ordered(pen)],
            "quantity": self.quantity(),
        };
        node.append(pen.medicine(&self.what));
        node.append(object! {
            "whenPrepared": pen.maybe_when(self.since.as_ref()),
            "whenHandedOver": pen.maybe_when(self.when.as_ref()),
            "note": pen.note_text(),
            "dosageInstruction": self.dosages(pen),
        });
        node
    }

    pub(super) fn administration(&self, pen: &Pen<'_>) -> Node {
        let mut node = object! { "identifier": pen.identifiers(), "status": &self.status };
        node.append(pen.medicine(&self.what));
        let performer = match pen.author() {
            Node::Nothing => Node::Nothing,
            actor => object! { "actor": actor },
        };
        let request = match pen.version() {
            Version::R4 => object! { "request": self.ordered(pen) },
            Version::Stu3 | Version::Dstu2 => object! { "prescription": self.ordered(pen) },
        };
        node.append(object! {
            "subject": pen.subject(),
            "context": pen.encounter(),
            "effectiveDateTime": pen.maybe_when(self.when.as_ref()),
            "performer": list![performer],
            "reasonCode": self.reasons(pen),
        });
        node.append(request);
        node.append(object! { "note": pen.notes(), "dosage": self.given(pen) });
        node
    }

    pub(super) fn administration_dstu2(&self, pen: &Pen<'_>) -> Node {
        let mut node = object! {
            "identifier": pen.identifiers(),
            "status": &self.status,
            "patient": pen.subject(),
            "practitioner": pen.author(),
            "encounter": pen.encounter(),
            "prescription": self.ordered(pen),
            "reasonGiven": self.reasons(pen),
            "effectiveTimeDateTime": pen.maybe_when(self.when.as_ref()),
        };
        node.append(pen.medicine(&self.what));
        node.append(object! { "note": pen.note_text(), "dosage": self.given(pen) });
        node
    }

    fn given(&self, pen: &Pen<'_>) -> Node {
        let dose = self.dose.as_deref().map(quantity);
        let (dose_name, other) = match pen.version() {
            Version::Dstu2 => (Node::Nothing, Node::from(dose)),
            Version::Stu3 | Version::R4 => (Node::from(dose), Node::Nothing),
        };
        object! {
            "text": self.directions.as_deref(),
            "route": self.route.as_deref().map(|route| pen.concept(route)),
            "dose": dose_name,
            "quantity": other,
        }
    }
}

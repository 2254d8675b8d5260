//! People, places, things, and types a shared record seldom carries.

use fhir::NodeId;

use crate::version::draft::Draft;
use crate::version::rule::Rule::{Code, Codes, Rename, Run};
use crate::version::rule::Shape;

pub(super) const SHAPES: &[Shape] = &[
    Shape { from: "BodyStructure", to: "BodySite", rules: &[Rename("location", "code"), Rename("locationQualifier", "qualifier")] },
    Shape {
        from: "Claim",
        to: "Claim",
        rules: &[Codes("use", &[("claim", "complete"), ("predetermination", "exploratory"), ("preauthorization", "proposed")])],
    },
    Shape { from: "Device", to: "Device", rules: &[Run(names), Rename("udiCarrier", "udi"), Run(version)] },
    Shape { from: "Device.udiCarrier", to: "Device.udi", rules: &[] },
    Shape { from: "DeviceUseStatement", to: "DeviceUseStatement", rules: &[Rename("reasonCode", "indication")] },
    Shape { from: "GuidanceResponse", to: "GuidanceResponse", rules: &[Rename("encounter", "context")] },
    Shape {
        from: "Media",
        to: "Media",
        rules: &[
            Rename("encounter", "context"),
            Rename("createdDateTime", "occurrenceDateTime"),
            Rename("createdPeriod", "occurrencePeriod"),
            Code("type", "http://terminology.hl7.org/CodeSystem/media-type", &[("audio", "audio"), ("image", "photo"), ("video", "video")]),
        ],
    },
    Shape { from: "MolecularSequence", to: "Sequence", rules: &[] },
    Shape { from: "VisionPrescription", to: "VisionPrescription", rules: &[Rename("lensSpecification", "dispense")] },
    Shape { from: "VisionPrescription.lensSpecification", to: "VisionPrescription.dispense", rules: &[] },
];

/// Of a device's names STU3 has the model's, and within the UDI the label's.
fn names(draft: &mut Draft<'_>, device: NodeId) {
    for item in draft.items(device, "deviceName") {
        if draft.keys(item).iter().any(|key| !matches!(key.as_str(), "name" | "type")) {
            continue;
        }
        let udi = draft.items(device, "udiCarrier").first().copied().filter(|node| draft.is_object(*node));
        let (holder, key) = match (draft.text(item, "type").as_deref(), udi) {
            (Some("model-name"), _) => (device, "model"),
            (Some("udi-label-name"), Some(udi)) => (udi, "name"),
            _ => continue,
        };
        if draft.has(holder, key) {
            continue;
        }
        if let Some(kind) = draft.at(item, "type") {
            draft.converted(kind, "STU3 has an element for this name");
        }
        if let Some(name) = draft.take(item, "name") {
            draft.tree.set(holder, key, name);
            draft.tree.detach(item);
        }
    }
    crate::version::common::drop_if_empty(draft, device, "deviceName");
}

/// One version that is no more than a text.
fn version(draft: &mut Draft<'_>, device: NodeId) {
    let versions = draft.items(device, "version");
    let [one] = versions[..] else { return };
    if draft.keys(one).iter().any(|key| key != "value") {
        return;
    }
    if let Some(value) = draft.take(one, "value") {
        draft.tree.set(device, "version", value);
    }
}

//! Documents, consents, provenance and forms.

use fhir::NodeId;

use crate::version::carry::named_for;
use crate::version::common::{APPENDED, created};
use crate::version::datatypes::uri_as_person;
use crate::version::draft::Draft;
use crate::version::rule::Rule::{Codes, Context, Rename, Run, Sink, Unwrap};
use crate::version::rule::Shape;

pub(super) const SHAPES: &[Shape] = &[
    Shape { from: "Binary", to: "Binary", rules: &[Rename("content", "data")] },
    Shape {
        from: "Consent",
        to: "Consent",
        rules: &[
            Rename("consentingParty", "performer"),
            Sink("period", "provision", "period"),
            Sink("actor", "provision", "actor"),
            Sink("action", "provision", "action"),
            Sink("securityLabel", "provision", "securityLabel"),
            Sink("purpose", "provision", "purpose"),
            Sink("dataPeriod", "provision", "dataPeriod"),
            Sink("data", "provision", "data"),
            Sink("except", "provision", "provision"),
            Run(source),
            Run(scope),
        ],
    },
    Shape { from: "Consent.actor", to: "Consent.provision.actor", rules: &[] },
    Shape { from: "Consent.data", to: "Consent.provision.data", rules: &[] },
    Shape { from: "Consent.except", to: "Consent.provision", rules: &[] },
    Shape { from: "Consent.except.actor", to: "Consent.provision.actor", rules: &[] },
    Shape { from: "Consent.except.data", to: "Consent.provision.data", rules: &[] },
    Shape { from: "Composition", to: "Composition", rules: &[Rename("class", "category")] },
    Shape {
        from: "DocumentReference",
        to: "DocumentReference",
        rules: &[Rename("class", "category"), Rename("indexed", "date"), Codes("docStatus", APPENDED), Run(created)],
    },
    Shape { from: "DocumentReference.context", to: "DocumentReference.context", rules: &[Unwrap("related", "ref")] },
    Shape {
        from: "Media",
        to: "Media",
        rules: &[Context("encounter"), Rename("occurrenceDateTime", "createdDateTime"), Rename("occurrencePeriod", "createdPeriod")],
    },
    Shape { from: "Provenance", to: "Provenance", rules: &[Rename("period", "occurredPeriod")] },
    Shape {
        from: "Provenance.agent",
        to: "Provenance.agent",
        rules: &[
            Rename("whoReference", "who"),
            Run(|draft, agent| uri_as_person(draft, agent, "whoUri", "who")),
            Rename("onBehalfOfReference", "onBehalfOf"),
            Run(|draft, agent| uri_as_person(draft, agent, "onBehalfOfUri", "onBehalfOf")),
        ],
    },
    Shape {
        from: "Provenance.entity",
        to: "Provenance.entity",
        rules: &[
            Rename("whatReference", "what"),
            Rename("whatIdentifier", "what"),
            Run(|draft, entity| uri_as_person(draft, entity, "whatUri", "what")),
        ],
    },
    Shape { from: "VisionPrescription", to: "VisionPrescription", rules: &[Rename("dispense", "lensSpecification")] },
    Shape { from: "VisionPrescription.dispense", to: "VisionPrescription.lensSpecification", rules: &[] },
    Shape { from: "QuestionnaireResponse", to: "QuestionnaireResponse", rules: &[Context("encounter"), Rename("parent", "partOf")] },
];

/// A source that was only identified is a Reference by that identifier.
fn source(draft: &mut Draft<'_>, consent: NodeId) {
    if draft.has(consent, "sourceReference") {
        return;
    }
    if let Some(identifier) = draft.take(consent, "sourceIdentifier") {
        let reference = draft.wrapped("identifier", identifier);
        draft.tree.set(consent, "sourceReference", reference);
    }
}

/// STU3 knew consents to privacy rules only; R4 asks which kind it is.
fn scope(draft: &mut Draft<'_>, consent: NodeId) {
    let carried = format!("{}Consent.scope", named_for(draft.to));
    let comes_back = draft.items(consent, "modifierExtension").into_iter().any(|one| draft.is(one, "url", &carried));
    if !draft.has(consent, "scope") && !comes_back {
        draft.converted(consent, "scope is new in R4: patient-privacy, the one scope that STU3 had");
        let concept = draft.concept("http://terminology.hl7.org/CodeSystem/consentscope", "patient-privacy");
        draft.tree.set(consent, "scope", concept);
    }
}

//! What is known to tell of no place, type by type. Whatever does not stand here is not shown of whoever's place is hidden: a new element
//! is hidden until somebody has thought about it.

use fhir::{Kind, NodeId, Ref, Tree};
use terms::{Space, space};

/// The elements of a type that are shown; none where nothing of the type is. Left out are all types that say who, where and when somebody
/// was seen (encounters, appointments, organisations, people), all that hold free text (documents, messages, questionnaires, notes), and
/// elements that lead to either.
pub fn elements(kind: Kind) -> Option<&'static [&'static str]> {
    Some(match kind {
        Kind::ALLERGY_INTOLERANCE => &[
            "category",
            "clinicalStatus",
            "code",
            "criticality",
            "lastOccurrence",
            "onsetAge",
            "onsetDateTime",
            "onsetPeriod",
            "onsetRange",
            "patient",
            "reaction",
            "recordedDate",
            "type",
            "verificationStatus",
        ],
        Kind::CARE_PLAN => &["activity", "category", "created", "intent", "period", "status", "subject"],
        Kind::CONDITION => &[
            "abatementAge",
            "abatementDateTime",
            "abatementPeriod",
            "abatementRange",
            "bodySite",
            "category",
            "clinicalStatus",
            "code",
            "evidence",
            "onsetAge",
            "onsetDateTime",
            "onsetPeriod",
            "onsetRange",
            "recordedDate",
            "severity",
            "subject",
            "verificationStatus",
        ],
        Kind::DEVICE => &["expirationDate", "manufactureDate", "patient", "status", "type"],
        Kind::DIAGNOSTIC_REPORT => {
            &["category", "code", "conclusionCode", "effectiveDateTime", "effectivePeriod", "issued", "result", "status", "subject"]
        }
        Kind::FAMILY_MEMBER_HISTORY => &["condition", "date", "deceasedBoolean", "patient", "relationship", "sex", "status"],
        Kind::FLAG => &["category", "code", "period", "status", "subject"],
        Kind::GOAL => &["achievementStatus", "category", "description", "lifecycleStatus", "startDate", "statusDate", "subject"],
        Kind::IMMUNIZATION => &[
            "doseQuantity",
            "expirationDate",
            "isSubpotent",
            "occurrenceDateTime",
            "patient",
            "primarySource",
            "protocolApplied",
            "reasonCode",
            "recorded",
            "route",
            "site",
            "status",
            "statusReason",
            "vaccineCode",
        ],
        Kind::MEDICATION => &["amount", "code", "form", "ingredient", "status"],
        Kind::MEDICATION_ADMINISTRATION => &[
            "category",
            "dosage",
            "effectiveDateTime",
            "effectivePeriod",
            "medicationCodeableConcept",
            "medicationReference",
            "reasonCode",
            "status",
            "statusReason",
            "subject",
        ],
        Kind::MEDICATION_DISPENSE => &[
            "authorizingPrescription",
            "category",
            "daysSupply",
            "dosageInstruction",
            "medicationCodeableConcept",
            "medicationReference",
            "quantity",
            "status",
            "subject",
            "whenHandedOver",
            "whenPrepared",
        ],
        Kind::MEDICATION_REQUEST => &[
            "authoredOn",
            "category",
            "courseOfTherapyType",
            "dispenseRequest",
            "doNotPerform",
            "dosageInstruction",
            "intent",
            "medicationCodeableConcept",
            "medicationReference",
            "priority",
            "reasonCode",
            "reasonReference",
            "reportedBoolean",
            "status",
            "statusReason",
            "subject",
        ],
        Kind::MEDICATION_STATEMENT => &[
            "category",
            "dateAsserted",
            "dosage",
            "effectiveDateTime",
            "effectivePeriod",
            "medicationCodeableConcept",
            "medicationReference",
            "reasonCode",
            "reasonReference",
            "status",
            "statusReason",
            "subject",
        ],
        Kind::OBSERVATION => &[
            "bodySite",
            "category",
            "code",
            "component",
            "dataAbsentReason",
            "derivedFrom",
            "effectiveDateTime",
            "effectiveInstant",
            "effectivePeriod",
            "hasMember",
            "interpretation",
            "issued",
            "method",
            "referenceRange",
            "status",
            "subject",
            "valueBoolean",
            "valueCodeableConcept",
            "valueDateTime",
            "valueInteger",
            "valuePeriod",
            "valueQuantity",
            "valueRange",
            "valueRatio",
            "valueTime",
        ],
        Kind::PATIENT => &[],
        Kind::PROCEDURE => &[
            "bodySite",
            "category",
            "code",
            "complication",
            "outcome",
            "performedDateTime",
            "performedPeriod",
            "reasonCode",
            "reasonReference",
            "status",
            "statusReason",
            "subject",
        ],
        Kind::SPECIMEN => &["collection", "receivedTime", "status", "subject", "type"],
        _ => return None,
    })
}

/// Elements of which one must be left, or the resource says something else.
pub fn essential(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::ALLERGY_INTOLERANCE
        | Kind::CONDITION
        | Kind::DIAGNOSTIC_REPORT
        | Kind::FLAG
        | Kind::MEDICATION
        | Kind::OBSERVATION
        | Kind::PROCEDURE => &["code"],
        Kind::CARE_PLAN => &["category", "activity"],
        Kind::DEVICE | Kind::SPECIMEN => &["type"],
        Kind::FAMILY_MEMBER_HISTORY => &["relationship"],
        Kind::GOAL => &["description"],
        Kind::IMMUNIZATION => &["vaccineCode"],
        Kind::MEDICATION_ADMINISTRATION | Kind::MEDICATION_DISPENSE | Kind::MEDICATION_REQUEST | Kind::MEDICATION_STATEMENT => {
            &["medication"]
        }
        _ => &[],
    }
}

/// Elements inside of elements that are shown.
pub const INNER: &[&str] = &[
    "age",
    "amount",
    "appliesTo",
    "asNeededBoolean",
    "asNeededCodeableConcept",
    "bodySite",
    "boundsDuration",
    "boundsPeriod",
    "boundsRange",
    "code",
    "collectedDateTime",
    "collectedPeriod",
    "comparator",
    "count",
    "countMax",
    "dataAbsentReason",
    "dayOfWeek",
    "denominator",
    "detail",
    "doNotPerform",
    "dose",
    "doseAndRate",
    "doseNumberPositiveInt",
    "doseQuantity",
    "doseRange",
    "duration",
    "durationMax",
    "durationUnit",
    "end",
    "event",
    "expectedSupplyDuration",
    "exposureRoute",
    "frequency",
    "frequencyMax",
    "high",
    "initialFill",
    "interpretation",
    "isActive",
    "itemCodeableConcept",
    "itemReference",
    "kind",
    "low",
    "manifestation",
    "maxDosePerAdministration",
    "maxDosePerPeriod",
    "method",
    "numberOfRepeatsAllowed",
    "numerator",
    "offset",
    "onset",
    "onsetAge",
    "onsetPeriod",
    "onsetRange",
    "outcome",
    "period",
    "periodMax",
    "periodUnit",
    "quantity",
    "rateQuantity",
    "rateRange",
    "rateRatio",
    "referenceRange",
    "repeat",
    "route",
    "scheduledPeriod",
    "scheduledTiming",
    "sequence",
    "seriesDosesPositiveInt",
    "severity",
    "site",
    "start",
    "status",
    "strength",
    "substance",
    "system",
    "targetDisease",
    "text",
    "timeOfDay",
    "timing",
    "type",
    "unit",
    "validityPeriod",
    "value",
    "valueBoolean",
    "valueCodeableConcept",
    "valueDateTime",
    "valueInteger",
    "valuePeriod",
    "valueQuantity",
    "valueRange",
    "valueRatio",
    "valueTime",
    "when",
];

/// Primitives in which anything may stand.
pub const FREE: &[&str] = &["display", "text", "unit"];

/// Elements that are references, even where nothing in them says so.
pub const REFERENCES: &[&str] = &[
    "authorizingPrescription",
    "derivedFrom",
    "hasMember",
    "itemReference",
    "medicationReference",
    "patient",
    "reasonReference",
    "result",
    "subject",
];

/// Elements that are codes with words, even where they have no code. `code` of a quantity is a primitive.
pub const CODES: &[&str] = &[
    "achievementStatus",
    "appliesTo",
    "asNeededCodeableConcept",
    "bodySite",
    "category",
    "clinicalStatus",
    "code",
    "complication",
    "conclusionCode",
    "courseOfTherapyType",
    "dataAbsentReason",
    "description",
    "exposureRoute",
    "form",
    "interpretation",
    "itemCodeableConcept",
    "manifestation",
    "medicationCodeableConcept",
    "method",
    "outcome",
    "reasonCode",
    "relationship",
    "route",
    "sex",
    "severity",
    "site",
    "statusReason",
    "substance",
    "targetDisease",
    "type",
    "vaccineCode",
    "valueCodeableConcept",
    "verificationStatus",
];

/// What somebody takes, was given, or may not have: of that, words are shown without a code.
pub fn in_words(kind: Kind, key: &str) -> bool {
    let codes = matches!(kind, Kind::ALLERGY_INTOLERANCE | Kind::MEDICATION) && key == "code";
    codes || matches!(key, "itemCodeableConcept" | "medicationCodeableConcept" | "substance" | "vaccineCode")
}

/// Code systems that everybody uses: a supplier's own tell which supplier, and often which of its customers.
pub fn is_public(system: &str) -> bool {
    const PUBLISHERS: &[&str] = &["http://hl7.org/fhir/", "http://terminology.hl7.org/CodeSystem/"];
    const NATIONAL: &[&str] = &["https://fhir.hl7.org.uk/", "https://fhir.nhs.uk/"];
    let national = NATIONAL.iter().any(|base| system.starts_with(base)) && system.contains("CodeSystem/");
    !matches!(space(system), Space::Other(_))
        || matches!(system, "http://unitsofmeasure.org" | "urn:iso:std:iso:3166")
        || PUBLISHERS.iter().any(|base| system.starts_with(base))
        || national
}

/// Who somebody is, which whoever found them knows: name, number, birth date, gender, and whether they died.
pub fn patient(from: Ref<'_>, out: &mut Tree, to: NodeId) {
    for key in ["active", "birthDate", "deceasedBoolean", "deceasedDateTime", "gender"] {
        if let Some(value) = from.get(key).filter(|value| value.is_primitive()) {
            let value = out.copy(value);
            out.append(to, key, value);
        }
    }
    let is_number = |one: &Ref<'_>| one.is("system", record::NHS_NUMBER_SYSTEM);
    let numbers = from.get("identifier").into_iter().flat_map(Ref::items).filter(is_number);
    for value in numbers.filter_map(|one| one.text("value")).collect::<Vec<_>>() {
        let Some(list) = out.array_at(to, "identifier") else { return };
        let own = out.new_object();
        out.set_string(own, "system", record::NHS_NUMBER_SYSTEM);
        out.set_string(own, "value", &value);
        out.push(list, own);
    }
    for name in from.get("name").into_iter().flat_map(Ref::items).filter(|name| name.is_object()) {
        let own = out.new_object();
        for key in ["use", "family", "given", "prefix", "suffix"] {
            if let Some(value) = name.get(key).filter(|value| !value.is_object()) {
                let value = out.copy(value);
                out.append(own, key, value);
            }
        }
        if let Some(list) = out.array_at(to, "name") {
            out.push(list, own);
        }
    }
}

//! What Millennium wants with each search. The documented rules, type by type; what a type is divided by is every value it documents.

use fhir::Kind;

use crate::plain::search::{Dates, Search, Upper};

/// A type that takes nothing but a patient.
const fn bare(kind: Kind) -> Search {
    Search { kind, count: None, always: &[], tokens: &[], dates: None, provenance: false }
}

const fn dates(name: &'static str, upper: Upper) -> Option<Dates> {
    Some(Dates { name, upper, required: false })
}

const CLINICAL_STATUS: (&str, &[&str]) = ("clinical-status", &["active", "inactive", "resolved"]);

/// Types that are searched for by patient. Provenance comes along with those that allow it; it is not searched for.
pub(super) static SEARCHES: &[Search] = &[
    Search { tokens: &[CLINICAL_STATUS], provenance: true, ..bare(Kind::ALLERGY_INTOLERANCE) },
    // A patient is not enough: both ends of a range, with times and offset. The other of its two date parameters, `date`, leaves out
    // what is only proposed.
    Search {
        count: Some(100),
        dates: Some(Dates { name: "-date-or-req-period", upper: Upper::Lt, required: true }),
        ..bare(Kind::APPOINTMENT)
    },
    Search {
        count: Some(100),
        always: &[("category", "assess-plan")],
        dates: dates("date", Upper::Le),
        provenance: true,
        ..bare(Kind::CARE_PLAN)
    },
    Search { tokens: &[("category", &["longitudinal", "encounter"])], provenance: true, ..bare(Kind::CARE_TEAM) },
    Search {
        tokens: &[("category", &["problem-list-item", "encounter-diagnosis", "health-concern"]), CLINICAL_STATUS],
        provenance: true,
        ..bare(Kind::CONDITION)
    },
    bare(Kind::CONSENT),
    Search { provenance: true, ..bare(Kind::DEVICE) },
    // 10 unless asked for more, and 100 at most.
    Search { count: Some(100), dates: dates("date", Upper::Lt), provenance: true, ..bare(Kind::DIAGNOSTIC_REPORT) },
    Search { count: Some(100), dates: dates("date", Upper::Lt), provenance: true, ..bare(Kind::DOCUMENT_REFERENCE) },
    Search {
        count: Some(100),
        tokens: &[("status", &["planned", "in-progress", "finished", "cancelled"])],
        dates: dates("date", Upper::Lt),
        provenance: true,
        ..bare(Kind::ENCOUNTER)
    },
    Search { tokens: &[("status", &["partial", "completed", "entered-in-error", "health-unknown"])], ..bare(Kind::FAMILY_MEMBER_HISTORY) },
    Search { provenance: true, ..bare(Kind::GOAL) },
    // Only `ge` and `le`, alike in their precision.
    Search { dates: dates("date", Upper::Le), provenance: true, ..bare(Kind::IMMUNIZATION) },
    Search {
        count: Some(100),
        tokens: &[("status", &["in-progress", "not-done", "on-hold", "completed", "entered-in-error", "stopped", "unknown"])],
        dates: dates("effective-time", Upper::Lt),
        ..bare(Kind::MEDICATION_ADMINISTRATION)
    },
    // Its dates take a `ge` and no end.
    Search {
        count: Some(100),
        tokens: &[("status", &["active", "on-hold", "cancelled", "completed", "entered-in-error", "stopped", "draft", "unknown"])],
        dates: dates("-timing-boundsPeriod", Upper::Open),
        provenance: true,
        ..bare(Kind::MEDICATION_REQUEST)
    },
    // 50 unless asked for more, and 200 at most. Social history is on the first page, however much there is; later pages may be
    // short. `code` finds `Observation.code` only, so a blood pressure is found by its panel and never by a component: no search
    // here goes by code.
    Search {
        count: Some(200),
        tokens: &[("category", &["laboratory", "vital-signs", "social-history"])],
        dates: dates("date", Upper::Lt),
        provenance: true,
        ..bare(Kind::OBSERVATION)
    },
    Search { dates: dates("date", Upper::Lt), provenance: true, ..bare(Kind::PROCEDURE) },
    bare(Kind::QUESTIONNAIRE_RESPONSE),
    Search { always: &[("-relationship-level", "Patient")], ..bare(Kind::RELATED_PERSON) },
    Search { count: Some(100), provenance: true, ..bare(Kind::SERVICE_REQUEST) },
];

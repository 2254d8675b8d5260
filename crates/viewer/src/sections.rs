//! Which item stands under which heading, in the order of the Core Information Standard.

use fhir::{Kind, Ref};
use record::Item;

use crate::item::{concepts, text};

/// A heading, as the page has it, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "each is the heading of that name, as `title` below spells it")]
pub enum Heading {
    Alerts,
    Allergies,
    Medications,
    Problems,
    Diagnoses,
    Results,
    Observations,
    Procedures,
    Vaccinations,
    Pregnancy,
    Encounters,
    Appointments,
    Contacts,
    Professionals,
    PersonalContacts,
    Social,
    Services,
    Safeguarding,
    Legal,
    Plans,
    Requirements,
    AboutMe,
    Family,
    Assessments,
    Consent,
    Documents,
    Other,
}

impl Heading {
    /// Every heading, in order.
    pub const ALL: [Heading; 27] = [
        Heading::Alerts,
        Heading::Allergies,
        Heading::Medications,
        Heading::Problems,
        Heading::Diagnoses,
        Heading::Results,
        Heading::Observations,
        Heading::Procedures,
        Heading::Vaccinations,
        Heading::Pregnancy,
        Heading::Encounters,
        Heading::Appointments,
        Heading::Contacts,
        Heading::Professionals,
        Heading::PersonalContacts,
        Heading::Social,
        Heading::Services,
        Heading::Safeguarding,
        Heading::Legal,
        Heading::Plans,
        Heading::Requirements,
        Heading::AboutMe,
        Heading::Family,
        Heading::Assessments,
        Heading::Consent,
        Heading::Documents,
        Heading::Other,
    ];

    /// As it is read.
    pub fn title(self) -> &'static str {
        match self {
            Heading::Alerts => "Alerts",
            Heading::Allergies => "Allergies and adverse reactions",
            Heading::Medications => "Medications and medical devices",
            Heading::Problems => "Problems",
            Heading::Diagnoses => "Diagnoses",
            Heading::Results => "Investigation results",
            Heading::Observations => "Observations",
            Heading::Procedures => "Procedures and therapies",
            Heading::Vaccinations => "Vaccinations",
            Heading::Pregnancy => "Pregnancy status",
            Heading::Encounters => "Admissions, attendances, discharges and referrals",
            Heading::Appointments => "Appointments",
            Heading::Contacts => "Contacts with professionals",
            Heading::Professionals => "Professional contacts",
            Heading::PersonalContacts => "Personal contacts",
            Heading::Social => "Social context",
            Heading::Services => "Services and care",
            Heading::Safeguarding => "Safeguarding",
            Heading::Legal => "Legal information and advance decisions",
            Heading::Plans => "Care plans",
            Heading::Requirements => "Individual requirements and reasonable adjustments",
            Heading::AboutMe => "About me",
            Heading::Family => "Family history",
            Heading::Assessments => "Assessments",
            Heading::Consent => "Consent",
            Heading::Documents => "Documents",
            Heading::Other => "Everything else",
        }
    }

    /// For an address within the page.
    pub fn anchor(self) -> String {
        format!("{self:?}").to_lowercase()
    }

    /// The types of which a gap is a gap of this section.
    pub fn kinds(self) -> &'static [Kind] {
        match self {
            Heading::Alerts | Heading::Safeguarding | Heading::Requirements => &[Kind::FLAG],
            Heading::Allergies => &[Kind::ALLERGY_INTOLERANCE],
            Heading::Medications => &[
                Kind::MEDICATION_REQUEST,
                Kind::MEDICATION_STATEMENT,
                Kind::MEDICATION_DISPENSE,
                Kind::MEDICATION_ADMINISTRATION,
                Kind::DEVICE,
            ],
            Heading::Problems | Heading::Diagnoses => &[Kind::CONDITION],
            Heading::Results => &[Kind::OBSERVATION, Kind::DIAGNOSTIC_REPORT],
            Heading::Observations | Heading::Pregnancy | Heading::Social => &[Kind::OBSERVATION],
            Heading::Procedures => &[Kind::PROCEDURE],
            Heading::Vaccinations => &[Kind::IMMUNIZATION],
            Heading::Encounters => &[Kind::ENCOUNTER, Kind::EPISODE_OF_CARE, Kind::SERVICE_REQUEST],
            Heading::Appointments => &[Kind::APPOINTMENT],
            Heading::Contacts => &[Kind::COMMUNICATION],
            Heading::Professionals => &[Kind::CARE_TEAM],
            Heading::PersonalContacts => &[Kind::RELATED_PERSON],
            Heading::Services => &[Kind::TASK],
            Heading::Legal | Heading::Consent => &[Kind::CONSENT],
            Heading::Plans => &[Kind::CARE_PLAN, Kind::GOAL],
            Heading::AboutMe => &[Kind::CARE_PLAN, Kind::DOCUMENT_REFERENCE, Kind::QUESTIONNAIRE_RESPONSE],
            Heading::Family => &[Kind::FAMILY_MEMBER_HISTORY],
            Heading::Assessments => &[Kind::QUESTIONNAIRE_RESPONSE],
            Heading::Documents => &[Kind::DOCUMENT_REFERENCE],
            Heading::Other => &[],
        }
    }

    /// The list of four states that it shows.
    pub fn list(self) -> Option<(&'static str, &'static str)> {
        Some(match self {
            Heading::Allergies => ("allergies", "allergies"),
            Heading::Medications => ("medications", "medications"),
            Heading::Problems => ("problems", "problems"),
            Heading::Results => ("results", "results"),
            Heading::Plans => ("plans", "care plans"),
            _ => return None,
        })
    }

    /// Whether its items are read as a table of values.
    pub fn is_of_values(self) -> bool {
        matches!(self, Heading::Results | Heading::Observations)
    }

    /// Where an item stands; none for what stands in others' lines, or in the banner.
    pub fn of(item: &Item) -> Option<Heading> {
        let root = item.tree.root();
        Some(match item.kind {
            Kind::PATIENT => return None,
            kind if record::SUPPORTING.contains(&kind) && kind != Kind::DEVICE => return None,
            // They say of others' words whose they are.
            Kind::PROVENANCE | Kind::SPECIMEN => return None,
            Kind::CONDITION if has(root, "category", "encounter-diagnosis") && !has(root, "category", "problem-list-item") => {
                Heading::Diagnoses
            }
            Kind::OBSERVATION => observation(root),
            Kind::FLAG if named(root, &["safeguarding", "child protection", "looked after child", "domestic abuse"]) => {
                Heading::Safeguarding
            }
            Kind::FLAG if named(root, ADJUSTMENTS) => Heading::Requirements,
            Kind::CARE_PLAN | Kind::DOCUMENT_REFERENCE | Kind::QUESTIONNAIRE_RESPONSE if named(root, &["about me"]) => Heading::AboutMe,
            Kind::CONSENT if has(root, "scope", "adr") || has(root, "category", "acd") => Heading::Legal,
            kind => {
                let own = |heading: &Heading| !heading.is_of_names() && heading.kinds().contains(&kind);
                Heading::ALL.into_iter().find(own).unwrap_or(Heading::Other)
            }
        })
    }

    /// Whether only what is called so stands in it, and not all of its types.
    fn is_of_names(self) -> bool {
        matches!(self, Heading::Safeguarding | Heading::Legal | Heading::Requirements | Heading::AboutMe)
    }
}

fn observation(root: Ref<'_>) -> Heading {
    // Pregnancy status, by SNOMED CT and LOINC.
    let pregnant = ["77386006", "82810-3", "364320009"];
    if pregnant.iter().any(|code| has(root, "code", code)) {
        return Heading::Pregnancy;
    }
    match root {
        root if has(root, "category", "laboratory") || has(root, "category", "imaging") => Heading::Results,
        root if has(root, "category", "social-history") => Heading::Social,
        // A laboratory names a specimen or a range.
        root if root.get("specimen").is_some() => Heading::Results,
        _ => Heading::Observations,
    }
}

/// Words by which a need is called that services must meet.
pub(crate) const ADJUSTMENTS: &[&str] = &[
    "reasonable adjustment",
    "reasonable adjustments",
    "interpreter",
    "sign language",
    "easy read",
    "large print",
    "braille",
    "communication needs",
];

/// Where a code or a name says what an item is.
const NAMED: [&str; 4] = ["code", "category", "type", "valueCodeableConcept"];

/// All by which an item is called, in plain form.
pub(crate) fn called(root: Ref<'_>) -> String {
    let mut all: Vec<String> = Vec::new();
    for path in NAMED {
        all.extend(concepts(root, path));
        all.extend(root.all(&format!("{path}.coding")).into_iter().filter_map(|coding| text(coding, "display")));
    }
    all.extend(["title", "description"].iter().filter_map(|path| text(root, path)));
    all.extend(form(root));
    plain(&all.join(" . "))
}

/// What a form is called that says it in a group around all its questions.
pub(crate) fn form(root: Ref<'_>) -> Option<String> {
    let groups = root.all("item");
    let [group] = groups.as_slice() else { return None };
    text(*group, "text").filter(|_| root.is("resourceType", "QuestionnaireResponse") && group.get("answer").is_none())
}

fn named(root: Ref<'_>, words: &[&str]) -> bool {
    let called = called(root);
    words.iter().any(|words| called.contains(&format!(" {words} ")))
}

/// Words in small letters with one space around each.
pub(crate) fn plain(text: &str) -> String {
    let spaced: String = text.to_lowercase().chars().map(|c| if c.is_alphanumeric() { c } else { ' ' }).collect();
    format!(" {} ", spaced.split_whitespace().collect::<Vec<_>>().join(" "))
}

/// Whether a concept at a path has a code.
pub(crate) fn has(root: Ref<'_>, path: &str, code: &str) -> bool {
    root.all(&format!("{path}.coding.code")).into_iter().any(|own| own.value().is_some_and(|own| own == code))
}

#[cfg(test)]
mod tests {
    use fhir::Tree;
    use record::{Origin, Traits};

    use super::*;

    #[test]
    fn what_is_called_so_stands_by_its_name_and_the_rest_by_its_type() {
        let check = |kind: Kind, json: &str, expected: Option<Heading>| {
            let origin = Origin { source: "rookery".parse().unwrap(), kind: kind.name().into(), id: None };
            let tree = Tree::from_json(json.to_owned().into()).unwrap();
            let item = Item { kind, id: "x".to_owned(), origin, tree, findings: Vec::new(), traits: Traits::default() };
            assert_eq!(Heading::of(&item), expected, "{json}");
        };
        let about_me = r#"{"type":{"text":"About Me"}}"#;
        check(Kind::DOCUMENT_REFERENCE, about_me, Some(Heading::AboutMe));
        check(Kind::DOCUMENT_REFERENCE, r#"{"type":{"text":"Letter"}}"#, Some(Heading::Documents));
        check(Kind::CARE_PLAN, r#"{"title":"About me"}"#, Some(Heading::AboutMe));
        check(Kind::CARE_PLAN, r#"{"title":"Falls"}"#, Some(Heading::Plans));
        check(
            Kind::QUESTIONNAIRE_RESPONSE,
            r#"{"resourceType":"QuestionnaireResponse","item":[{"text":"About me"}]}"#,
            Some(Heading::AboutMe),
        );
        check(
            Kind::QUESTIONNAIRE_RESPONSE,
            r#"{"resourceType":"QuestionnaireResponse","item":[{"text":"PHQ-9"}]}"#,
            Some(Heading::Assessments),
        );
        check(Kind::FLAG, r#"{"code":{"text":"Child protection plan"}}"#, Some(Heading::Safeguarding));
        check(Kind::FLAG, r#"{"code":{"text":"Needs an interpreter"}}"#, Some(Heading::Requirements));
        check(Kind::FLAG, r#"{"code":{"text":"MRSA"}}"#, Some(Heading::Alerts));
        check(Kind::CONSENT, r#"{"scope":{"coding":[{"code":"adr"}]}}"#, Some(Heading::Legal));
        check(Kind::CONSENT, r#"{"scope":{"coding":[{"code":"patient-privacy"}]}}"#, Some(Heading::Consent));
        check(Kind::PATIENT, "{}", None);
        check(Kind::BASIC, "{}", Some(Heading::Other));
    }
}

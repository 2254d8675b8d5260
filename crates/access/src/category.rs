//! What the parts of a record are about: the words in which rules speak of them.

use fhir::{Kind, Tree};

/// What a part of a record is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Category(u8);

macro_rules! categories {
    ($($constant:ident = $name:literal, $words:literal);* $(;)?) => {
        /// Every category with what it holds, in words for people.
        const CATEGORIES: &[(&str, &str)] = &[$(($name, $words)),*];
        #[expect(non_camel_case_types, clippy::upper_case_acronyms, reason = "they number the constants")]
        #[repr(u8)]
        enum At { $($constant),* }
        impl Category {
            $(#[doc = $words] pub const $constant: Category = Category(At::$constant as u8);)*
        }
    };
}

categories! {
    ALERTS = "alerts", "Alerts and flags.";
    ALLERGIES = "allergies", "Allergies and adverse reactions.";
    APPOINTMENTS = "appointments", "Appointments.";
    ASSESSMENTS = "assessments", "Assessments, scores and questionnaires.";
    CARE_PLANS = "care-plans", "Care plans and goals.";
    CARE_TEAM = "care-team", "Who is in the care team.";
    COMMUNICATIONS = "communications", "Messages about the person.";
    CONSENTS = "consents", "Consents and objections.";
    CONSULTATIONS = "consultations", "Consultations, attendances and admissions.";
    DEVICES = "devices", "Devices and equipment.";
    DOCUMENTS = "documents", "Letters and documents.";
    FAMILY_HISTORY = "family-history", "What runs in the family.";
    IDENTITY = "identity", "Who the person is, their contacts, and who looks after them.";
    LISTS = "lists", "Lists, as a source keeps them.";
    MEDICINES = "medicines", "Medicines.";
    OBSERVATIONS = "observations", "Vital signs and other measurements.";
    OTHER = "other", "What is of a type that none of the others holds.";
    PROBLEMS = "problems", "Problems and diagnoses.";
    PROCEDURES = "procedures", "Procedures.";
    PROVENANCE = "provenance", "Who recorded what.";
    REFERRALS = "referrals", "Referrals and requests.";
    RESULTS = "results", "Results of investigations.";
    SAFEGUARDING = "safeguarding", "Safeguarding alerts.";
    SERVICES = "services", "Services and packages of care.";
    SOCIAL_CONTEXT = "social-context", "Social circumstances.";
    TASKS = "tasks", "Tasks.";
    VACCINATIONS = "vaccinations", "Vaccinations.";
}

impl Category {
    /// Its name in rules.
    pub fn name(self) -> &'static str {
        CATEGORIES[usize::from(self.0)].0
    }

    /// What it holds, in words for people.
    pub fn words(self) -> &'static str {
        CATEGORIES[usize::from(self.0)].1
    }

    /// The category of a name.
    pub fn parse(name: &str) -> Option<Category> {
        Category::all().find(|category| category.name() == name)
    }

    /// Every category, by name.
    pub fn all() -> impl Iterator<Item = Category> {
        (0..CATEGORIES.len() as u8).map(Category)
    }

    /// The categories that a resource of this type may be of; the first is that of one whose own codes say nothing.
    pub fn of_kind(kind: Kind) -> &'static [Category] {
        match kind {
            Kind::FLAG => &[Category::ALERTS, Category::SAFEGUARDING],
            Kind::OBSERVATION => &[Category::OBSERVATIONS, Category::RESULTS, Category::ASSESSMENTS, Category::SOCIAL_CONTEXT],
            Kind::ALLERGY_INTOLERANCE => &[Category::ALLERGIES],
            Kind::APPOINTMENT => &[Category::APPOINTMENTS],
            Kind::QUESTIONNAIRE_RESPONSE => &[Category::ASSESSMENTS],
            Kind::CARE_PLAN | Kind::GOAL => &[Category::CARE_PLANS],
            Kind::CARE_TEAM => &[Category::CARE_TEAM],
            Kind::COMMUNICATION => &[Category::COMMUNICATIONS],
            Kind::CONSENT => &[Category::CONSENTS],
            Kind::ENCOUNTER => &[Category::CONSULTATIONS],
            Kind::DEVICE => &[Category::DEVICES],
            Kind::BINARY | Kind::DOCUMENT_REFERENCE => &[Category::DOCUMENTS],
            Kind::FAMILY_MEMBER_HISTORY => &[Category::FAMILY_HISTORY],
            Kind::LOCATION | Kind::ORGANIZATION | Kind::PATIENT | Kind::PRACTITIONER | Kind::PRACTITIONER_ROLE | Kind::RELATED_PERSON => {
                &[Category::IDENTITY]
            }
            Kind::LIST => &[Category::LISTS],
            Kind::MEDICATION
            | Kind::MEDICATION_ADMINISTRATION
            | Kind::MEDICATION_DISPENSE
            | Kind::MEDICATION_REQUEST
            | Kind::MEDICATION_STATEMENT => &[Category::MEDICINES],
            Kind::CONDITION => &[Category::PROBLEMS],
            Kind::PROCEDURE => &[Category::PROCEDURES],
            Kind::PROVENANCE => &[Category::PROVENANCE],
            Kind::SERVICE_REQUEST => &[Category::REFERRALS],
            Kind::DIAGNOSTIC_REPORT | Kind::SPECIMEN => &[Category::RESULTS],
            Kind::EPISODE_OF_CARE => &[Category::SERVICES],
            Kind::TASK => &[Category::TASKS],
            Kind::IMMUNIZATION => &[Category::VACCINATIONS],
            _ => &[Category::OTHER],
        }
    }

    /// The category of one resource: where its type may be of several, what its own codes say.
    pub fn of(kind: Kind, tree: &Tree) -> Category {
        let all = Category::of_kind(kind);
        if all.len() == 1 {
            return all[0];
        }
        let codings = tree.root().all("category.coding");
        let said = codings.iter().find_map(|coding| match (kind, coding.text("code")?.as_ref()) {
            (Kind::FLAG, "safeguarding" | "safeguarding-issues") => Some(Category::SAFEGUARDING),
            (Kind::OBSERVATION, "laboratory" | "imaging") => Some(Category::RESULTS),
            (Kind::OBSERVATION, "survey") => Some(Category::ASSESSMENTS),
            (Kind::OBSERVATION, "social-history") => Some(Category::SOCIAL_CONTEXT),
            _ => None,
        });
        said.unwrap_or(all[0])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_resource_is_about_is_said_by_its_type_and_where_that_leaves_it_open_by_its_own_codes() {
        let check = |kind: Kind, json: &str, expected: &str| {
            let tree = Tree::from_json(json.to_owned().into()).unwrap();
            assert_eq!(Category::of(kind, &tree).name(), expected, "{json}");
            assert!(Category::of_kind(kind).contains(&Category::of(kind, &tree)));
        };
        let of = |code: &str| format!(r#"{{"category":[{{"coding":[{{"code":"x"}},{{"code":"{code}"}}]}}]}}"#);
        check(Kind::CONDITION, &of("laboratory"), "problems");
        check(Kind::OBSERVATION, "{}", "observations");
        check(Kind::OBSERVATION, &of("vital-signs"), "observations");
        check(Kind::OBSERVATION, &of("laboratory"), "results");
        check(Kind::OBSERVATION, &of("survey"), "assessments");
        check(Kind::OBSERVATION, &of("social-history"), "social-context");
        check(Kind::FLAG, "{}", "alerts");
        check(Kind::FLAG, &of("safeguarding"), "safeguarding");
        check(Kind::OBSERVATION, r#"{"category":"laboratory"}"#, "observations");
    }

    #[test]
    fn every_category_has_a_name_of_its_own() {
        let names: Vec<&str> = Category::all().map(Category::name).collect();
        assert!(names.is_sorted_by(|a, b| a < b));
        assert!(Category::all().all(|category| Category::parse(category.name()) == Some(category)));
    }
}

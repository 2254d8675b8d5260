//! Resource types of FHIR R4.

/// A resource type of FHIR R4, `Copy` and one byte wide.
///
/// Types that only older versions know are turned into these by `dialect`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Kind(u8);

macro_rules! kinds {
    ($($name:ident = $constant:ident),* $(,)?) => {
        const NAMES: &[&str] = &[$(stringify!($name)),*];

        #[expect(non_camel_case_types, clippy::upper_case_acronyms, reason = "only numbers the constants below")]
        #[repr(u8)]
        enum Number { $($constant),* }

        #[expect(missing_docs, reason = "each is the resource type of that name")]
        impl Kind {
            $(pub const $constant: Kind = Kind(Number::$constant as u8);)*
        }
    };
}

impl Kind {
    /// The type of this name, spelt exactly.
    pub fn parse(name: &str) -> Option<Kind> {
        NAMES.binary_search(&name).ok().map(|index| Kind(index as u8))
    }

    /// The name as FHIR spells it.
    pub fn name(self) -> &'static str {
        NAMES[self.0 as usize]
    }

    /// Every type, in the order of names.
    pub fn all() -> impl Iterator<Item = Kind> {
        (0..NAMES.len() as u8).map(Kind)
    }
}

impl std::fmt::Debug for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

// In order of names: `parse` searches by halves.
kinds! {
    Account = ACCOUNT,
    ActivityDefinition = ACTIVITY_DEFINITION,
    AdverseEvent = ADVERSE_EVENT,
    AllergyIntolerance = ALLERGY_INTOLERANCE,
    Appointment = APPOINTMENT,
    AppointmentResponse = APPOINTMENT_RESPONSE,
    AuditEvent = AUDIT_EVENT,
    Basic = BASIC,
    Binary = BINARY,
    BiologicallyDerivedProduct = BIOLOGICALLY_DERIVED_PRODUCT,
    BodyStructure = BODY_STRUCTURE,
    Bundle = BUNDLE,
    CapabilityStatement = CAPABILITY_STATEMENT,
    CarePlan = CARE_PLAN,
    CareTeam = CARE_TEAM,
    CatalogEntry = CATALOG_ENTRY,
    ChargeItem = CHARGE_ITEM,
    ChargeItemDefinition = CHARGE_ITEM_DEFINITION,
    Claim = CLAIM,
    ClaimResponse = CLAIM_RESPONSE,
    ClinicalImpression = CLINICAL_IMPRESSION,
    CodeSystem = CODE_SYSTEM,
    Communication = COMMUNICATION,
    CommunicationRequest = COMMUNICATION_REQUEST,
    CompartmentDefinition = COMPARTMENT_DEFINITION,
    Composition = COMPOSITION,
    ConceptMap = CONCEPT_MAP,
    Condition = CONDITION,
    Consent = CONSENT,
    Contract = CONTRACT,
    Coverage = COVERAGE,
    CoverageEligibilityRequest = COVERAGE_ELIGIBILITY_REQUEST,
    CoverageEligibilityResponse = COVERAGE_ELIGIBILITY_RESPONSE,
    DetectedIssue = DETECTED_ISSUE,
    Device = DEVICE,
    DeviceDefinition = DEVICE_DEFINITION,
    DeviceMetric = DEVICE_METRIC,
    DeviceRequest = DEVICE_REQUEST,
    DeviceUseStatement = DEVICE_USE_STATEMENT,
    DiagnosticReport = DIAGNOSTIC_REPORT,
    DocumentManifest = DOCUMENT_MANIFEST,
    DocumentReference = DOCUMENT_REFERENCE,
    EffectEvidenceSynthesis = EFFECT_EVIDENCE_SYNTHESIS,
    Encounter = ENCOUNTER,
    Endpoint = ENDPOINT,
    EnrollmentRequest = ENROLLMENT_REQUEST,
    EnrollmentResponse = ENROLLMENT_RESPONSE,
    EpisodeOfCare = EPISODE_OF_CARE,
    EventDefinition = EVENT_DEFINITION,
    Evidence = EVIDENCE,
    EvidenceVariable = EVIDENCE_VARIABLE,
    ExampleScenario = EXAMPLE_SCENARIO,
    ExplanationOfBenefit = EXPLANATION_OF_BENEFIT,
    FamilyMemberHistory = FAMILY_MEMBER_HISTORY,
    Flag = FLAG,
    Goal = GOAL,
    GraphDefinition = GRAPH_DEFINITION,
    Group = GROUP,
    GuidanceResponse = GUIDANCE_RESPONSE,
    HealthcareService = HEALTHCARE_SERVICE,
    ImagingStudy = IMAGING_STUDY,
    Immunization = IMMUNIZATION,
    ImmunizationEvaluation = IMMUNIZATION_EVALUATION,
    ImmunizationRecommendation = IMMUNIZATION_RECOMMENDATION,
    ImplementationGuide = IMPLEMENTATION_GUIDE,
    InsurancePlan = INSURANCE_PLAN,
    Invoice = INVOICE,
    Library = LIBRARY,
    Linkage = LINKAGE,
    List = LIST,
    Location = LOCATION,
    Measure = MEASURE,
    MeasureReport = MEASURE_REPORT,
    Media = MEDIA,
    Medication = MEDICATION,
    MedicationAdministration = MEDICATION_ADMINISTRATION,
    MedicationDispense = MEDICATION_DISPENSE,
    MedicationKnowledge = MEDICATION_KNOWLEDGE,
    MedicationRequest = MEDICATION_REQUEST,
    MedicationStatement = MEDICATION_STATEMENT,
    MedicinalProduct = MEDICINAL_PRODUCT,
    MedicinalProductAuthorization = MEDICINAL_PRODUCT_AUTHORIZATION,
    MedicinalProductContraindication = MEDICINAL_PRODUCT_CONTRAINDICATION,
    MedicinalProductIndication = MEDICINAL_PRODUCT_INDICATION,
    MedicinalProductIngredient = MEDICINAL_PRODUCT_INGREDIENT,
    MedicinalProductInteraction = MEDICINAL_PRODUCT_INTERACTION,
    MedicinalProductManufactured = MEDICINAL_PRODUCT_MANUFACTURED,
    MedicinalProductPackaged = MEDICINAL_PRODUCT_PACKAGED,
    MedicinalProductPharmaceutical = MEDICINAL_PRODUCT_PHARMACEUTICAL,
    MedicinalProductUndesirableEffect = MEDICINAL_PRODUCT_UNDESIRABLE_EFFECT,
    MessageDefinition = MESSAGE_DEFINITION,
    MessageHeader = MESSAGE_HEADER,
    MolecularSequence = MOLECULAR_SEQUENCE,
    NamingSystem = NAMING_SYSTEM,
    NutritionOrder = NUTRITION_ORDER,
    Observation = OBSERVATION,
    ObservationDefinition = OBSERVATION_DEFINITION,
    OperationDefinition = OPERATION_DEFINITION,
    OperationOutcome = OPERATION_OUTCOME,
    Organization = ORGANIZATION,
    OrganizationAffiliation = ORGANIZATION_AFFILIATION,
    Parameters = PARAMETERS,
    Patient = PATIENT,
    PaymentNotice = PAYMENT_NOTICE,
    PaymentReconciliation = PAYMENT_RECONCILIATION,
    Person = PERSON,
    PlanDefinition = PLAN_DEFINITION,
    Practitioner = PRACTITIONER,
    PractitionerRole = PRACTITIONER_ROLE,
    Procedure = PROCEDURE,
    Provenance = PROVENANCE,
    Questionnaire = QUESTIONNAIRE,
    QuestionnaireResponse = QUESTIONNAIRE_RESPONSE,
    RelatedPerson = RELATED_PERSON,
    RequestGroup = REQUEST_GROUP,
    ResearchDefinition = RESEARCH_DEFINITION,
    ResearchElementDefinition = RESEARCH_ELEMENT_DEFINITION,
    ResearchStudy = RESEARCH_STUDY,
    ResearchSubject = RESEARCH_SUBJECT,
    RiskAssessment = RISK_ASSESSMENT,
    RiskEvidenceSynthesis = RISK_EVIDENCE_SYNTHESIS,
    Schedule = SCHEDULE,
    SearchParameter = SEARCH_PARAMETER,
    ServiceRequest = SERVICE_REQUEST,
    Slot = SLOT,
    Specimen = SPECIMEN,
    SpecimenDefinition = SPECIMEN_DEFINITION,
    StructureDefinition = STRUCTURE_DEFINITION,
    StructureMap = STRUCTURE_MAP,
    Subscription = SUBSCRIPTION,
    SubscriptionStatus = SUBSCRIPTION_STATUS,
    Substance = SUBSTANCE,
    SubstanceNucleicAcid = SUBSTANCE_NUCLEIC_ACID,
    SubstancePolymer = SUBSTANCE_POLYMER,
    SubstanceProtein = SUBSTANCE_PROTEIN,
    SubstanceReferenceInformation = SUBSTANCE_REFERENCE_INFORMATION,
    SubstanceSourceMaterial = SUBSTANCE_SOURCE_MATERIAL,
    SubstanceSpecification = SUBSTANCE_SPECIFICATION,
    SupplyDelivery = SUPPLY_DELIVERY,
    SupplyRequest = SUPPLY_REQUEST,
    Task = TASK,
    TerminologyCapabilities = TERMINOLOGY_CAPABILITIES,
    TestReport = TEST_REPORT,
    TestScript = TEST_SCRIPT,
    ValueSet = VALUE_SET,
    VerificationResult = VERIFICATION_RESULT,
    VisionPrescription = VISION_PRESCRIPTION,
}

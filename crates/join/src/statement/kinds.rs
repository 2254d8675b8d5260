//! What each type states: what is seen at a glance, and what only a comparison asks for. Each a few elements.

use std::borrow::Cow;

use fhir::date::Partial;
use fhir::{Kind, Ref};

use super::{Chart, Codes, Detail, Facet, Standing, codes, concept_key, date, first_date, quantity, rate, system, words};

/// The codes of what it is about.
pub(super) fn about<'a>(kind: Kind, root: Ref<'a>, chart: &Chart<'a>) -> Codes<'a> {
    let mut found = Codes::new();
    codes(concept(kind, root, chart), &mut found);
    if kind == Kind::ALLERGY_INTOLERANCE && root.get("code").is_none() {
        for reaction in root.get("reaction").into_iter().flat_map(Ref::items) {
            codes(reaction.get("substance"), &mut found);
        }
    }
    found
}

/// The concept that says what it is about. A type that has none here has no clinical key: identifier and content can still join it.
fn concept<'a>(kind: Kind, root: Ref<'a>, chart: &Chart<'a>) -> Option<Ref<'a>> {
    match kind {
        Kind::APPOINTMENT => None,
        Kind::CARE_PLAN => root.get("category"),
        Kind::DOCUMENT_REFERENCE | Kind::ENCOUNTER => root.get("type"),
        Kind::IMMUNIZATION => root.get("vaccineCode"),
        Kind::MEDICATION_ADMINISTRATION | Kind::MEDICATION_DISPENSE | Kind::MEDICATION_REQUEST | Kind::MEDICATION_STATEMENT => {
            let inline = root.get("medicationCodeableConcept");
            inline.or_else(|| chart.follow(root, root.get("medicationReference"))?.get("code"))
        }
        _ => root.get("code"),
    }
}

/// Words for what it is about: of its concept, or of what stands for it.
pub(super) fn words_about<'a>(kind: Kind, root: Ref<'a>, chart: &Chart<'a>) -> Option<String> {
    let said = |node: Option<Ref<'a>>| node.and_then(Ref::value).map(|text| terms::plain(&text));
    match kind {
        Kind::ALLERGY_INTOLERANCE => {
            let named = match root.get("code") {
                Some(code) => words(Some(code)),
                None => root.get("reaction").and_then(|reactions| words(reactions.items().last()?.get("substance"))),
            };
            named.map(|words| terms::agent_in_words(&words))
        }
        Kind::CARE_PLAN => said(root.get("title")).or_else(|| words(root.get("category"))),
        Kind::MEDICATION_ADMINISTRATION | Kind::MEDICATION_DISPENSE | Kind::MEDICATION_REQUEST | Kind::MEDICATION_STATEMENT => {
            words(concept(kind, root, chart)).or_else(|| said(root.get("medicationReference")?.get("display")))
        }
        Kind::CONDITION | Kind::DIAGNOSTIC_REPORT | Kind::DOCUMENT_REFERENCE | Kind::IMMUNIZATION | Kind::OBSERVATION | Kind::PROCEDURE => {
            words(concept(kind, root, chart))
        }
        _ => None,
    }
}

/// The clinical date, or its beginning.
pub(super) fn when(kind: Kind, root: Ref<'_>) -> Option<Partial> {
    let places: &[(&str, &str)] = match kind {
        // When an allergy was written down is no clinical date: a copy that lags was written down before.
        Kind::ALLERGY_INTOLERANCE => &[("onsetDateTime", "")],
        Kind::APPOINTMENT => &[("start", "")],
        Kind::CARE_PLAN | Kind::ENCOUNTER => &[("period", "start")],
        Kind::CONDITION => &[("onsetDateTime", ""), ("onsetPeriod", "start")],
        Kind::DIAGNOSTIC_REPORT | Kind::MEDICATION_ADMINISTRATION => &[("effectiveDateTime", ""), ("effectivePeriod", "start")],
        Kind::DOCUMENT_REFERENCE => &[("date", "")],
        Kind::IMMUNIZATION => &[("occurrenceDateTime", "")],
        Kind::MEDICATION_DISPENSE => &[("whenHandedOver", ""), ("whenPrepared", "")],
        Kind::MEDICATION_REQUEST => &[("authoredOn", "")],
        Kind::MEDICATION_STATEMENT => &[("effectiveDateTime", ""), ("effectivePeriod", "start"), ("dateAsserted", "")],
        Kind::OBSERVATION => &[("effectiveDateTime", ""), ("effectivePeriod", "start"), ("effectiveInstant", "")],
        Kind::PROCEDURE => &[("performedDateTime", ""), ("performedPeriod", "start")],
        _ => &[("period", "start"), ("authoredOn", ""), ("authored", ""), ("dateTime", ""), ("start", ""), ("recordedDate", "")],
    };
    first_date(root, places)
}

/// The end, where there is one.
fn until(kind: Kind, root: Ref<'_>) -> Option<Partial> {
    match kind {
        Kind::CONDITION => date(root.get("abatementDateTime")),
        Kind::ENCOUNTER => first_date(root, &[("period", "end")]),
        Kind::MEDICATION_ADMINISTRATION | Kind::OBSERVATION => first_date(root, &[("effectivePeriod", "end")]),
        Kind::MEDICATION_REQUEST => date(root.at("dispenseRequest.validityPeriod.end")),
        Kind::MEDICATION_STATEMENT => first_date(root, &[("effectivePeriod", "end"), ("effectiveDateTime", "")]),
        Kind::PROCEDURE => first_date(root, &[("performedPeriod", "end")]),
        _ => None,
    }
}

/// Systems whose identifiers are globally unique and name one line, event or entry. A prescription's or a group's number is none.
const UNIQUE: &[&str] = &["https://fhir.nhs.uk/Id/cross-care-setting-identifier", "https://tpp-uk.com/Id/ccs-id", "urn:ietf:rfc:3986"];
const UNIQUE_BELOW: &[&str] = &["https://EMISWeb/"];
/// Systems that name organisations, sites and people who work there.
const DIRECTORY: &[(Kind, &str)] = &[
    (Kind::LOCATION, "https://fhir.nhs.uk/Id/ods-site-code"),
    (Kind::ORGANIZATION, "https://fhir.nhs.uk/Id/ods-organization-code"),
    (Kind::PRACTITIONER, "https://fhir.hl7.org.uk/Id/gmc-number"),
    (Kind::PRACTITIONER, "https://fhir.hl7.org.uk/Id/gmp-number"),
    (Kind::PRACTITIONER, "https://fhir.hl7.org.uk/Id/nmc-number"),
    (Kind::PRACTITIONER, "https://fhir.nhs.uk/Id/sds-user-id"),
    (Kind::PRACTITIONER_ROLE, "https://fhir.nhs.uk/Id/sds-role-profile-id"),
];

fn is_key(kind: Kind, system: &str, value: &str) -> bool {
    // Source Patients stay each under its own id.
    if kind == Kind::PATIENT {
        return false;
    }
    let unique = UNIQUE.contains(&system) || UNIQUE_BELOW.iter().any(|prefix| system.len() > prefix.len() && system.starts_with(prefix));
    let listed = DIRECTORY.iter().any(|(of, directory)| *of == kind && *directory == system);
    !value.is_empty() && (unique || listed)
}

/// Business identifiers that are a key: system and value.
pub(super) fn identifiers<'a>(kind: Kind, root: Ref<'a>) -> Vec<(Cow<'a, str>, Cow<'a, str>)> {
    let mut found = Vec::new();
    let mut take = |identifier: Ref<'a>| {
        if let (Some(system), Some(value)) = (identifier.get("system").and_then(Ref::value), identifier.get("value").and_then(Ref::value))
            && is_key(kind, &system, &value)
        {
            found.push((system, value));
        }
    };
    match root.get("identifier") {
        Some(list) if list.is_array() => list.items().for_each(&mut take),
        Some(one) => take(one),
        None => {}
    }
    root.get("masterIdentifier").into_iter().for_each(take);
    found
}

/// Codes of `status` that say a thing is not so, or called off.
const DENIED: &[&str] = &["cancelled", "declined", "noshow", "not-done", "not-taken", "rejected", "revoked"];

/// How it stands to being so.
pub(super) fn standing(kind: Kind, root: Ref<'_>) -> Standing {
    let verification = verification(root).unwrap_or_default();
    let status = root.get("status").and_then(Ref::value).unwrap_or_default();
    if verification == "entered-in-error" || status == "entered-in-error" {
        return Standing::Error;
    }
    // A course called off was there: it ended, it is not denied.
    let course = matches!(kind, Kind::MEDICATION_REQUEST | Kind::MEDICATION_STATEMENT) && status == "cancelled";
    if verification == "refuted" || DENIED.contains(&status.as_ref()) && !course { Standing::Denied } else { Standing::Asserted }
}

/// The first code of `verificationStatus`.
pub(super) fn verification<'a>(root: Ref<'a>) -> Option<Cow<'a, str>> {
    root.get("verificationStatus")?.get("coding")?.items().next()?.get("code")?.value().filter(|code| !code.is_empty())
}

/// Everything that a comparison asks for.
pub(super) fn detail<'a>(kind: Kind, root: Ref<'a>, chart: &Chart<'a>) -> Detail<'a> {
    let mut detail = Detail { until: until(kind, root), ..Detail::default() };
    if let Some(verification) = verification(root) {
        detail.states(Facet::Verification, "", verification);
    }
    match kind {
        Kind::ALLERGY_INTOLERANCE => allergy(&mut detail, root),
        Kind::CARE_PLAN => plan(&mut detail, root),
        Kind::CONDITION => condition(&mut detail, root),
        Kind::DIAGNOSTIC_REPORT => report(&mut detail, root),
        Kind::ENCOUNTER => encounter(&mut detail, root, chart),
        Kind::IMMUNIZATION => immunization(&mut detail, root),
        Kind::MEDICATION_ADMINISTRATION | Kind::MEDICATION_DISPENSE | Kind::MEDICATION_REQUEST | Kind::MEDICATION_STATEMENT => {
            medicine(&mut detail, kind, root);
        }
        Kind::OBSERVATION => observation(&mut detail, root, chart),
        Kind::PROCEDURE => laterality(&mut detail, root),
        _ => {}
    }
    detail
}

fn laterality<'a>(detail: &mut Detail<'a>, root: Ref<'a>) {
    if let Some((space, code)) = concept_key(root.get("bodySite")) {
        detail.states(Facet::Laterality, system(space), code);
    }
}

fn allergy<'a>(detail: &mut Detail<'a>, root: Ref<'a>) {
    if let Some(criticality) = root.get("criticality").and_then(Ref::value) {
        detail.states(Facet::Criticality, "", criticality);
    }
}

fn condition<'a>(detail: &mut Detail<'a>, root: Ref<'a>) {
    laterality(detail, root);
    let mut categories = Codes::new();
    codes(root.get("category"), &mut categories);
    let place = |code: &str| categories.iter().any(|(_, category)| category == code);
    // DSTU2 calls diagnosis what is no complaint, symptom or finding, and knows no problem list: that tells the two not apart.
    match (place("problem-list-item"), place("encounter-diagnosis") && !place("diagnosis")) {
        (true, false) => detail.same.push(("category", None, "problem".into())),
        (false, true) => detail.same.push(("category", None, "diagnosis".into())),
        _ => {}
    }
}

fn immunization<'a>(detail: &mut Detail<'a>, root: Ref<'a>) {
    if let Some(lot) = root.get("lotNumber").and_then(Ref::value) {
        detail.states(Facet::Lot, "", terms::plain(&lot));
    }
    let protocol = root.get("protocolApplied").and_then(|list| list.items().next());
    if let Some(number) = protocol.and_then(|protocol| protocol.get("doseNumberPositiveInt").or_else(|| protocol.get("doseNumberString"))) {
        detail.states(Facet::DoseNumber, "", number.value().unwrap_or_default());
    }
}

fn observation<'a>(detail: &mut Detail<'a>, root: Ref<'a>, chart: &Chart<'a>) {
    for name in ["method", "bodySite"] {
        if let Some((space, code)) = concept_key(root.get(name)) {
            detail.same.push((name, space, code));
        }
    }
    let specimen = chart.follow(root, root.get("specimen")).and_then(|specimen| concept_key(specimen.get("type")));
    if let Some((space, code)) = specimen {
        detail.same.push(("specimen", space, code));
    }
    if let Some((measure, value)) = value(root) {
        detail.states(Facet::Value, measure, value);
        detail.values += 1;
    }
    for component in root.get("component").into_iter().flat_map(Ref::items) {
        detail.values += 1;
        if let (Some((space, code)), Some((measure, value))) = (concept_key(component.get("code")), value(component)) {
            detail.states(Facet::Value, format!("{} {code} {measure}", system(space)), value);
        }
    }
}

/// The value of an Observation or of a component: what it is counted in, and how much.
fn value<'a>(node: Ref<'a>) -> Option<(Cow<'a, str>, Cow<'a, str>)> {
    let (name, value) = node.entries().find(|(key, _)| key.starts_with("value"))?;
    match name {
        "valueQuantity" => quantity(Some(value)),
        "valueCodeableConcept" => concept_key(Some(value)).map(|(space, code)| (system(space), code)),
        "valueString" => Some(("words".into(), terms::plain(&value.value()?).into())),
        "valueDateTime" => Some((name.into(), format!("{:?}", date(Some(value))?.range()).into())),
        _ if value.is_primitive() => Some((name.into(), value.value()?)),
        _ => Some((name.into(), value.to_json().into())),
    }
}

fn medicine<'a>(detail: &mut Detail<'a>, kind: Kind, root: Ref<'a>) {
    if matches!(kind, Kind::MEDICATION_REQUEST | Kind::MEDICATION_STATEMENT) {
        let status = root.get("status").and_then(Ref::value).unwrap_or_default();
        match status.as_ref() {
            "active" => detail.states(Facet::Status, "", "active"),
            "on-hold" => detail.states(Facet::Status, "", "on-hold"),
            "cancelled" | "completed" | "stopped" => detail.states(Facet::Status, "", "ended"),
            _ => {}
        }
        if let Some(intent) = root.get("intent").and_then(Ref::value) {
            detail.same.push(("intent", None, intent));
        }
    }
    let list = ["dosageInstruction", "dosage"].iter().find_map(|name| root.get(name));
    dosage(detail, list);
}

fn dosage<'a>(detail: &mut Detail<'a>, list: Option<Ref<'a>>) {
    let lines: Vec<Ref<'_>> = list.map(Ref::each).unwrap_or_default();
    let (mut amounts, mut times) = (Vec::new(), Vec::new());
    for line in &lines {
        let rate = line.get("doseAndRate").and_then(|rates| rates.items().next());
        let dose = rate.and_then(|rate| rate.get("doseQuantity")).or_else(|| line.get("doseQuantity")).or_else(|| line.get("dose"));
        amounts.extend(quantity(dose));
        if let Some(repeat) = line.at("timing.repeat") {
            times.extend(rate::of(repeat));
        }
        if let Some((space, code)) = concept_key(line.get("route")) {
            detail.same.push(("route", space, code));
        }
    }
    if let [(measure, amount)] = amounts.as_slice() {
        detail.states(Facet::Amount, measure.clone(), amount.clone());
    } else if !amounts.is_empty() {
        let all: Vec<String> = amounts.iter().map(|(measure, amount)| format!("{amount} {measure}")).collect();
        detail.states(Facet::Amount, "in steps", all.join(", "));
    }
    if !times.is_empty() {
        detail.states(Facet::Frequency, "", times.join(", "));
    }
    if amounts.is_empty() && times.is_empty() {
        let text: Vec<String> = lines.iter().filter_map(|line| Some(terms::plain(&line.get("text")?.value()?))).collect();
        detail.directions = Some(text.join("; ")).filter(|text| !text.is_empty());
    }
}

fn encounter<'a>(detail: &mut Detail<'a>, root: Ref<'a>, chart: &Chart<'a>) {
    if let Some(class) = root.get("class").and_then(|class| class.get("code")?.value()) {
        detail.same.push(("class", None, class));
    }
    let provider = root.get("serviceProvider");
    let organisation = chart.follow(root, provider);
    let name = organisation.and_then(|organisation| organisation.get("name")).or_else(|| provider?.get("display")).and_then(Ref::value);
    if let Some(name) = name {
        detail.same.push(("site", None, terms::plain(&name).into()));
    }
}

fn report<'a>(detail: &mut Detail<'a>, root: Ref<'a>) {
    let mut results: Vec<String> = root
        .get("result")
        .into_iter()
        .flat_map(Ref::items)
        .filter_map(|result| Some(terms::plain(&result.get("display")?.value()?)))
        .collect();
    if !results.is_empty() {
        results.sort();
        detail.same.push(("results", None, results.join(", ").into()));
    }
}

fn plan<'a>(detail: &mut Detail<'a>, root: Ref<'a>) {
    let title = root.get("title").and_then(Ref::value).map(|title| terms::plain(&title));
    detail.decides = words(root.get("category")).iter().chain(&title).any(|words| terms::is_decision(words));
    if let Some(title) = title {
        detail.same.push(("title", None, title.into()));
    }
    let mut said: Vec<String> = root
        .get("activity")
        .into_iter()
        .flat_map(Ref::items)
        .filter_map(|activity| recommended(activity.at("detail.code")))
        .map(Cow::into_owned)
        .collect();
    said.sort();
    if let Some(description) = root.get("description").and_then(Ref::value) {
        said.push(terms::plain(&description));
    }
    if !said.is_empty() {
        detail.states(Facet::Recommendation, "", said.join("; "));
    }
}

/// What a plan's activity says: in its words, which one source sends alone and another beside a code of its own.
fn recommended<'a>(concept: Option<Ref<'a>>) -> Option<Cow<'a, str>> {
    words(concept).map(Cow::from).or_else(|| concept_key(concept).map(|(_, code)| code))
}

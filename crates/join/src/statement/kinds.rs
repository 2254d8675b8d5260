//! What each type states: one function a type, each a few elements.

use fhir::{Kind, Ref};

use std::borrow::Cow;

use super::{Chart, Facet, Standing, Statement, codes, concept_key, date, quantity, system, words};

/// Reads by type. A type that is not here has no clinical key: identifier and content can still join it.
pub(super) fn read<'a>(statement: &mut Statement<'a>, root: Ref<'a>, chart: &Chart<'a>) {
    identifiers(statement, root);
    standing(statement, root);
    match statement.kind() {
        Kind::ALLERGY_INTOLERANCE => allergy(statement, root),
        Kind::APPOINTMENT => statement.when = date(root.get("start")),
        Kind::CARE_PLAN => plan(statement, root),
        Kind::CONDITION => condition(statement, root),
        Kind::DIAGNOSTIC_REPORT => report(statement, root),
        Kind::DOCUMENT_REFERENCE => document(statement, root),
        Kind::ENCOUNTER => encounter(statement, root, chart),
        Kind::IMMUNIZATION => immunization(statement, root),
        Kind::MEDICATION_ADMINISTRATION | Kind::MEDICATION_DISPENSE | Kind::MEDICATION_REQUEST | Kind::MEDICATION_STATEMENT => {
            medicine(statement, root, chart);
        }
        Kind::OBSERVATION => observation(statement, root, chart),
        Kind::PROCEDURE => procedure(statement, root),
        _ => other(statement, root),
    }
}

fn identifiers<'a>(statement: &mut Statement<'a>, root: Ref<'a>) {
    let listed = root.get("identifier").into_iter().flat_map(|list| if list.is_array() { list.items().collect() } else { vec![list] });
    for identifier in listed.chain(root.get("masterIdentifier")) {
        let (Some(system), Some(value)) = (identifier.get("system").and_then(Ref::value), identifier.get("value").and_then(Ref::value))
        else {
            continue;
        };
        statement.identifiers.push((system, value));
    }
}

/// Codes of `status` that say a thing is not so, or called off.
const DENIED: &[&str] = &["cancelled", "declined", "noshow", "not-done", "not-taken", "rejected", "revoked"];

fn standing<'a>(statement: &mut Statement<'a>, root: Ref<'a>) {
    let verification =
        root.get("verificationStatus").and_then(|status| status.get("coding")?.items().next()?.get("code")?.value()).unwrap_or_default();
    let status = root.get("status").and_then(Ref::value).unwrap_or_default();
    if verification == "entered-in-error" || status == "entered-in-error" {
        statement.standing = Standing::Error;
    } else if verification == "refuted" || DENIED.contains(&status.as_ref()) {
        statement.standing = Standing::Denied;
    }
    if !verification.is_empty() {
        statement.states(Facet::Verification, "", verification);
    }
}

fn about<'a>(statement: &mut Statement<'a>, concept: Option<Ref<'a>>) {
    codes(concept, &mut statement.codes);
    statement.words = words(concept);
}

fn laterality<'a>(statement: &mut Statement<'a>, root: Ref<'a>) {
    if let Some((space, code)) = concept_key(root.get("bodySite")) {
        statement.states(Facet::Laterality, system(space), code);
    }
}

fn allergy<'a>(statement: &mut Statement<'a>, root: Ref<'a>) {
    let code = root.get("code");
    about(statement, code);
    if code.is_none() {
        for reaction in root.get("reaction").into_iter().flat_map(Ref::items) {
            about(statement, reaction.get("substance"));
        }
    }
    statement.words = statement.words.take().map(|words| terms::agent_in_words(&words));
    statement.negated = statement.codes.iter().find_map(|(_, code)| terms::negated(code));
    if let Some(criticality) = root.get("criticality").and_then(Ref::value) {
        statement.states(Facet::Criticality, "", criticality);
    }
    // When it was written down is no clinical date: a copy that lags was written down before.
    statement.when = date(root.get("onsetDateTime"));
}

fn condition<'a>(statement: &mut Statement<'a>, root: Ref<'a>) {
    about(statement, root.get("code"));
    laterality(statement, root);
    statement.when = date(root.get("onsetDateTime")).or_else(|| date(root.at("onsetPeriod.start")));
    statement.until = date(root.get("abatementDateTime"));
    let mut categories = Vec::new();
    codes(root.get("category"), &mut categories);
    let place = |code: &str| categories.iter().any(|(_, category)| category == code);
    // DSTU2 calls diagnosis what is no complaint, symptom or finding, and knows no problem list: that tells the two not apart.
    match (place("problem-list-item"), place("encounter-diagnosis") && !place("diagnosis")) {
        (true, false) => statement.same.push(("category", None, "problem".into())),
        (false, true) => statement.same.push(("category", None, "diagnosis".into())),
        _ => {}
    }
}

fn immunization<'a>(statement: &mut Statement<'a>, root: Ref<'a>) {
    about(statement, root.get("vaccineCode"));
    statement.when = date(root.get("occurrenceDateTime"));
    if let Some(lot) = root.get("lotNumber").and_then(Ref::value) {
        statement.states(Facet::Lot, "", terms::plain(&lot));
    }
    let protocol = root.get("protocolApplied").and_then(|list| list.items().next());
    if let Some(number) = protocol.and_then(|protocol| protocol.get("doseNumberPositiveInt").or_else(|| protocol.get("doseNumberString"))) {
        statement.states(Facet::DoseNumber, "", number.value().unwrap_or_default());
    }
}

fn procedure<'a>(statement: &mut Statement<'a>, root: Ref<'a>) {
    about(statement, root.get("code"));
    laterality(statement, root);
    statement.when = date(root.get("performedDateTime")).or_else(|| date(root.at("performedPeriod.start")));
    statement.until = date(root.at("performedPeriod.end"));
}

fn observation<'a>(statement: &mut Statement<'a>, root: Ref<'a>, chart: &Chart<'a>) {
    about(statement, root.get("code"));
    let instant = || date(root.at("effectivePeriod.start")).or_else(|| date(root.get("effectiveInstant")));
    statement.when = date(root.get("effectiveDateTime")).or_else(instant);
    statement.until = date(root.at("effectivePeriod.end"));
    for name in ["method", "bodySite"] {
        if let Some((space, code)) = concept_key(root.get(name)) {
            statement.same.push((name, space, code));
        }
    }
    let specimen = chart.follow(root, root.get("specimen")).and_then(|specimen| concept_key(specimen.get("type")));
    if let Some((space, code)) = specimen {
        statement.same.push(("specimen", space, code));
    }
    if let Some((measure, value)) = value(root) {
        statement.states(Facet::Value, measure, value);
        statement.values += 1;
    }
    for component in root.get("component").into_iter().flat_map(Ref::items) {
        statement.values += 1;
        if let (Some((space, code)), Some((measure, value))) = (concept_key(component.get("code")), value(component)) {
            statement.states(Facet::Value, format!("{} {code} {measure}", system(space)), value);
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

fn medicine<'a>(statement: &mut Statement<'a>, root: Ref<'a>, chart: &Chart<'a>) {
    let inline = root.get("medicationCodeableConcept");
    let named = inline.or_else(|| chart.follow(root, root.get("medicationReference"))?.get("code"));
    about(statement, named);
    if statement.words.is_none() {
        statement.words = root.at("medicationReference.display").and_then(Ref::value).map(|text| terms::plain(&text));
    }
    let (when, until): (&[&str], &[&str]) = match statement.kind() {
        Kind::MEDICATION_REQUEST => (&["authoredOn"], &["dispenseRequest.validityPeriod.end"]),
        Kind::MEDICATION_STATEMENT => {
            (&["effectiveDateTime", "effectivePeriod.start", "dateAsserted"], &["effectivePeriod.end", "effectiveDateTime"])
        }
        Kind::MEDICATION_DISPENSE => (&["whenHandedOver", "whenPrepared"], &[]),
        _ => (&["effectiveDateTime", "effectivePeriod.start"], &["effectivePeriod.end"]),
    };
    statement.when = when.iter().find_map(|path| date(root.at(path)));
    statement.until = until.iter().find_map(|path| date(root.at(path)));
    if matches!(statement.kind(), Kind::MEDICATION_REQUEST | Kind::MEDICATION_STATEMENT) {
        let status = root.get("status").and_then(Ref::value).unwrap_or_default();
        match status.as_ref() {
            "active" => statement.states(Facet::Status, "", "active"),
            "on-hold" => statement.states(Facet::Status, "", "on-hold"),
            "cancelled" | "completed" | "stopped" => statement.states(Facet::Status, "", "ended"),
            _ => {}
        }
        // A course called off was there: it ended, it is not denied.
        if status == "cancelled" {
            statement.standing = Standing::Asserted;
        }
        if let Some(intent) = root.get("intent").and_then(Ref::value) {
            statement.same.push(("intent", None, intent));
        }
    }
    let list = ["dosageInstruction", "dosage"].iter().find_map(|name| root.get(name));
    dosage(statement, list);
}

fn dosage<'a>(statement: &mut Statement<'a>, list: Option<Ref<'a>>) {
    let lines: Vec<Ref<'_>> = list.map(Ref::each).unwrap_or_default();
    let (mut amounts, mut times) = (Vec::new(), Vec::new());
    for line in &lines {
        let rate = line.get("doseAndRate").and_then(|rates| rates.items().next());
        let dose = rate.and_then(|rate| rate.get("doseQuantity")).or_else(|| line.get("doseQuantity")).or_else(|| line.get("dose"));
        amounts.extend(quantity(dose));
        if let Some(repeat) = line.at("timing.repeat") {
            let part = |name: &str| repeat.get(name).and_then(Ref::value).unwrap_or_default();
            let often = format!("{} in {} {}", part("frequency"), part("period"), part("periodUnit"));
            if often.len() > 5 {
                times.push(often);
            }
        }
        if let Some((space, code)) = concept_key(line.get("route")) {
            statement.same.push(("route", space, code));
        }
    }
    if let [(measure, amount)] = amounts.as_slice() {
        statement.states(Facet::Amount, measure.clone(), amount.clone());
    } else if !amounts.is_empty() {
        let all: Vec<String> = amounts.iter().map(|(measure, amount)| format!("{amount} {measure}")).collect();
        statement.states(Facet::Amount, "in steps", all.join(", "));
    }
    if !times.is_empty() {
        statement.states(Facet::Frequency, "", times.join(", "));
    }
    if amounts.is_empty() && times.is_empty() {
        let text: Vec<String> = lines.iter().filter_map(|line| Some(terms::plain(&line.get("text")?.value()?))).collect();
        statement.directions = Some(text.join("; ")).filter(|text| !text.is_empty());
    }
}

fn encounter<'a>(statement: &mut Statement<'a>, root: Ref<'a>, chart: &Chart<'a>) {
    codes(root.get("type"), &mut statement.codes);
    statement.when = date(root.at("period.start"));
    statement.until = date(root.at("period.end"));
    if let Some(class) = root.at("class.code").and_then(Ref::value) {
        statement.same.push(("class", None, class));
    }
    let provider = root.get("serviceProvider");
    let organisation = chart.follow(root, provider);
    let name = organisation.and_then(|organisation| organisation.get("name")).or_else(|| provider?.get("display")).and_then(Ref::value);
    if let Some(name) = name {
        statement.same.push(("site", None, terms::plain(&name).into()));
    }
}

fn report<'a>(statement: &mut Statement<'a>, root: Ref<'a>) {
    about(statement, root.get("code"));
    statement.when = date(root.get("effectiveDateTime")).or_else(|| date(root.at("effectivePeriod.start")));
    let mut results: Vec<String> = root
        .get("result")
        .into_iter()
        .flat_map(Ref::items)
        .filter_map(|result| Some(terms::plain(&result.get("display")?.value()?)))
        .collect();
    if !results.is_empty() {
        results.sort();
        statement.same.push(("results", None, results.join(", ").into()));
    }
}

fn plan<'a>(statement: &mut Statement<'a>, root: Ref<'a>) {
    codes(root.get("category"), &mut statement.codes);
    statement.words = root.get("title").and_then(Ref::value).map(|title| terms::plain(&title)).or_else(|| words(root.get("category")));
    if let Some(title) = root.get("title").and_then(Ref::value) {
        statement.same.push(("title", None, terms::plain(&title).into()));
    }
    let category = words(root.get("category"));
    statement.decides = category.iter().chain(&statement.words).any(|words| terms::is_decision(words));
    statement.when = date(root.at("period.start"));
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
        statement.states(Facet::Recommendation, "", said.join("; "));
    }
}

/// What a plan's activity says: in its words, which one source sends alone and another beside a code of its own.
fn recommended<'a>(concept: Option<Ref<'a>>) -> Option<Cow<'a, str>> {
    words(concept).map(Cow::from).or_else(|| concept_key(concept).map(|(_, code)| code))
}

fn document<'a>(statement: &mut Statement<'a>, root: Ref<'a>) {
    about(statement, root.get("type"));
    statement.when = date(root.get("date"));
}

fn other<'a>(statement: &mut Statement<'a>, root: Ref<'a>) {
    codes(root.get("code"), &mut statement.codes);
    let places = ["period.start", "authoredOn", "authored", "dateTime", "start", "recordedDate"];
    statement.when = places.iter().find_map(|path| date(root.at(path)));
}

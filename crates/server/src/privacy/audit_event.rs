//! Lines of the ledger as FHIR R4 `AuditEvent`, in the patterns of IHE BALP 1.1 where a line is what a pattern is for.
//!
//! One resource a line; the lines of one request share its `X-Request-Id`. What the ledger does not know is not made up: the query is the
//! ledger's own words for it, since a raw one may hold anybody's number, and a client without a device has an address that is absent.

use audit::{Account, Event, Line, Outcome, Who};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use super::told::Place;

const DCM: &str = "http://dicom.nema.org/resources/ontology/DCM";
const BALP: &str = "https://profiles.ihe.net/ITI/BALP";
const RESTFUL: &str = "http://hl7.org/fhir/restful-interaction";
const ENTITY: &str = "http://terminology.hl7.org/CodeSystem/audit-entity-type";
const ROLE: &str = "http://terminology.hl7.org/CodeSystem/object-role";
const EVENT: &str = "http://terminology.hl7.org/CodeSystem/audit-event-type";

/// Who writes them down.
pub struct Observer<'a> {
    /// The exchange's id.
    pub exchange: &'a str,
    /// The operator's organisation.
    pub organisation: &'a str,
    /// The FHIR base.
    pub base: &'a str,
}

/// The id of a line's AuditEvent: run and number.
pub fn id(line: &Line) -> String {
    format!("{}.{}", line.run, line.sequence)
}

/// Run and number of an id.
pub fn line_of(id: &str) -> Option<(&str, u64)> {
    let (run, sequence) = id.rsplit_once('.')?;
    Some((run, sequence.parse().ok()?))
}

/// What a line is, as BALP has it.
struct Shape {
    kind: Value,
    subtype: Value,
    action: &'static str,
    profile: Option<&'static str>,
    /// DICOM's codes of who data or a query come from, and go to: the client first.
    flow: Option<(&'static str, &'static str)>,
}

fn coding(system: &str, code: &str, display: &str) -> Value {
    json!({"system": system, "code": code, "display": display})
}

fn rest() -> Value {
    coding(EVENT, "rest", "Restful Operation")
}

/// From the client to us, or back.
const ASKED: Option<(&str, &str)> = Some(("110153", "110152"));
const TOLD: Option<(&str, &str)> = Some(("110152", "110153"));

fn shape(account: &Account, event: Option<&Event>) -> Shape {
    let answered = account.outcome == Outcome::Answered;
    let own = |name: &str| coding("urn:severn:ledger-event", name, name);
    let search = coding(RESTFUL, "search", "search");
    match event {
        Some(Event::Opened { interaction, .. }) if interaction.contains(": ") => {
            Shape { kind: rest(), subtype: coding(RESTFUL, "operation", "operation"), action: "E", profile: None, flow: ASKED }
        }
        Some(Event::Opened { patient, .. }) => {
            let profile = if patient.is_empty() { "IHE.BasicAudit.Query" } else { "IHE.BasicAudit.PatientQuery" };
            Shape { kind: rest(), subtype: search, action: "E", profile: answered.then_some(profile), flow: ASKED }
        }
        Some(Event::Closed { shown, .. }) if !shown.is_empty() => Shape {
            kind: coding(DCM, "110106", "Export"),
            subtype: coding("http://terminology.hl7.org/CodeSystem/iso-21089-lifecycle", "disclose", "Disclose Record Lifecycle Event"),
            action: "R",
            profile: (!account.patients.is_empty()).then_some("IHE.BasicAudit.PrivacyDisclosure.Source"),
            flow: TOLD,
        },
        Some(Event::Disclosed { .. }) => {
            let profile = Some("IHE.BasicAudit.PatientRead");
            Shape { kind: rest(), subtype: coding(RESTFUL, "read", "read"), action: "R", profile, flow: TOLD }
        }
        Some(Event::Claimed { kind, .. }) if kind == "emergency" => Shape {
            kind: coding(DCM, "110113", "Security Alert"),
            subtype: coding(DCM, "110127", "Emergency Override Started"),
            action: "E",
            profile: None,
            flow: None,
        },
        Some(Event::EmergencyEnded { .. }) => Shape {
            kind: coding(DCM, "110113", "Security Alert"),
            subtype: coding(DCM, "110138", "Emergency Override Stopped"),
            action: "E",
            profile: None,
            flow: None,
        },
        Some(Event::Claimed { .. }) => {
            Shape { kind: coding(DCM, "110113", "Security Alert"), subtype: own("claimed"), action: "E", profile: None, flow: None }
        }
        Some(Event::Refused { .. }) => Shape { kind: rest(), subtype: own("refused"), action: "E", profile: None, flow: ASKED },
        other => {
            let name = other.and_then(|event| serde_json::to_value(event).ok()).and_then(|event| Some(event["event"].as_str()?.to_owned()));
            let kind = coding(DCM, "110100", "Application Activity");
            Shape { kind, subtype: own(name.as_deref().unwrap_or("unknown")), action: "E", profile: None, flow: None }
        }
    }
}

/// A line of a request as an AuditEvent.
pub fn resource(observer: &Observer<'_>, account: &Account, (line, event): (&Line, Option<&Event>), place: Place) -> Value {
    let shape = shape(account, event);
    let (outcome, why) = outcome(account, event);
    let mut profiles: Vec<String> = shape.profile.iter().map(|profile| format!("{BALP}/StructureDefinition/{profile}")).collect();
    let (agents, by_token) = agents(observer, account, &shape, place);
    if by_token {
        profiles.push(format!("{BALP}/StructureDefinition/IHE.BasicAudit.OAUTHaccessTokenUse.Comprehensive"));
    }
    let mut resource = json!({
        "resourceType": "AuditEvent",
        "id": id(line),
        "extension": [{"url": "urn:severn:ledger-hash", "valueString": line.hash}],
        "type": shape.kind,
        "subtype": [shape.subtype],
        "action": shape.action,
        "recorded": line.at,
        "outcome": outcome,
        "agent": agents,
        "source": {
            "site": observer.organisation,
            "observer": server(observer),
            "type": [coding("http://terminology.hl7.org/CodeSystem/security-source-type", "4", "Application Server")],
        },
        "entity": entities(account, event, place),
    });
    if !profiles.is_empty() {
        resource["meta"] = json!({"profile": profiles});
    }
    if let Some(why) = why.filter(|why| !why.is_empty()) {
        resource["outcomeDesc"] = json!(why);
    }
    resource
}

/// What came of it (audit-event-outcome): a refusal is a minor failure; where no line says how it ended, a serious one.
fn outcome<'a>(account: &'a Account, event: Option<&'a Event>) -> (&'static str, Option<&'a str>) {
    match (event, &account.outcome) {
        (Some(Event::Refused { why, .. }), _) => ("4", Some(why)),
        (Some(Event::Opened { .. }), Outcome::Refused(why)) => ("4", Some(why)),
        (Some(Event::Opened { .. }), Outcome::Unfinished) => ("8", Some("no line says how it ended")),
        _ => ("0", None),
    }
}

fn server(observer: &Observer<'_>) -> Value {
    json!({"identifier": {"system": "urn:severn:exchange", "value": observer.exchange}, "display": "Severn"})
}

/// Who took part, and whether a token's use is told whole.
fn agents(observer: &Observer<'_>, account: &Account, shape: &Shape, place: Place) -> (Vec<Value>, bool) {
    let kind = |system: &str, code: &str, display: &str| json!({"coding": [coding(system, code, display)]});
    let name = |code: &str| if code == "110153" { "Source Role ID" } else { "Destination Role ID" };
    let mut agents = Vec::new();
    let mut by_token = false;
    let user = account.by.as_ref().map(|who| place.told(who));
    if let Some(who) = &user {
        agents.push(person(who));
        if place == Place::Told {
            agents.push(json!({
                "type": kind("http://terminology.hl7.org/CodeSystem/v3-RoleClass", "PROV", "healthcare provider"),
                "who": {"identifier": {"system": "https://fhir.nhs.uk/Id/ods-organization-code", "value": who.organisation},
                        "display": some(&who.organisation_name)},
                "requestor": false,
            }));
        }
        if let (Some(client), true) = (&who.client, who.token.is_some()) {
            by_token = true;
            agents.push(json!({"type": kind(DCM, "110150", "Application"), "who": {"identifier": {"value": client}}, "requestor": false}));
        }
    }
    if let Some((client, us)) = shape.flow {
        let address = user.as_ref().and_then(|who| who.device.as_deref());
        let absent = json!({"extension": [{"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": "unknown"}]});
        let network = match address {
            // A device by its name.
            Some(address) => json!({"address": address, "type": "1"}),
            None => json!({"_address": absent}),
        };
        let client_id = user.as_ref().and_then(|who| who.client.as_deref()).unwrap_or("unknown");
        let who = json!({"identifier": {"value": client_id}});
        agents.push(json!({"type": kind(DCM, client, name(client)), "who": who, "requestor": false, "network": network}));
        let network = json!({"address": observer.base, "type": "5"});
        agents.push(json!({"type": kind(DCM, us, name(us)), "who": server(observer), "requestor": false, "network": network}));
    }
    if agents.is_empty() {
        agents.push(json!({"type": kind(DCM, "110150", "Application"), "who": server(observer), "requestor": true}));
    }
    agents.iter_mut().for_each(without_nulls);
    (agents, by_token)
}

fn person(who: &Who) -> Value {
    let code = |system: &str, code: &String| json!({"coding": [{"system": system, "code": code}]});
    let roles: Vec<Value> = who.roles.iter().map(|role| code("https://fhir.nhs.uk/Id/sds-role-code", role)).collect();
    let purposes: Vec<Value> =
        who.purposes.iter().map(|purpose| code("http://terminology.hl7.org/CodeSystem/v3-ActReason", purpose)).collect();
    let identifier = some(&who.subject).map(|subject| json!({"system": some(&who.issuer), "value": subject}));
    let called = some(&who.name).or(identifier.is_none().then_some("not named: it would tell where a restricted person is"));
    json!({
        "type": {"coding": [coding("http://terminology.hl7.org/CodeSystem/v3-ParticipationType", "IRCP", "information recipient")]},
        "role": list(roles),
        "who": {"identifier": identifier, "display": called},
        "altId": who.sds_user_id,
        "name": some(&who.name),
        "requestor": true,
        "policy": who.token.as_ref().map(|token| vec![format!("urn:ietf:params:oauth:jti:{token}")]),
        "purposeOfUse": list(purposes),
    })
}

fn entities(account: &Account, event: Option<&Event>, place: Place) -> Vec<Value> {
    let mut entities = vec![json!({
        "what": {"identifier": {"value": account.trace}},
        "type": {"system": format!("{BALP}/CodeSystem/BasicAuditEntityType"), "code": "XrequestId"},
    })];
    let person = |patient: &String| {
        json!({
            "what": {"reference": format!("Patient/{patient}")},
            "type": coding(ENTITY, "1", "Person"),
            "role": coding(ROLE, "1", "Patient"),
        })
    };
    // Of those who were named one by one, each line is about one.
    match event {
        Some(Event::Disclosed { patient, .. }) => entities.push(person(patient)),
        Some(Event::Opened { patient, .. }) if account.patients.len() > 1 => {
            entities.extend((!patient.is_empty()).then(|| person(patient)));
        }
        _ => entities.extend(account.patients.iter().map(person)),
    }
    match event {
        Some(Event::Opened { interaction, .. }) => entities.push(json!({
            "type": coding(ENTITY, "2", "System Object"),
            "role": coding(ROLE, "24", "Query"),
            "description": interaction,
            "query": BASE64_STANDARD.encode(interaction),
        })),
        Some(Event::Disclosed { answer, .. }) => entities.push(json!({
            "what": {"identifier": {"system": "urn:severn:answer", "value": answer}},
            "type": coding(ENTITY, "2", "System Object"),
            "role": coding(ROLE, "4", "Domain Resource"),
        })),
        _ => {}
    }
    if let Some(Event::Closed { shown, .. } | Event::Disclosed { shown, .. }) = event {
        for (n, shown) in (1..).zip(shown) {
            let what = match place {
                Place::Told => json!({"identifier": {"system": "urn:severn:source", "value": shown.source}}),
                Place::Hidden => json!({"display": format!("Source {n}")}),
            };
            let kinds = account.shown.get(&shown.source).into_iter().flatten();
            let detail: Vec<Value> = kinds.map(|(kind, count)| json!({"type": kind, "valueString": count.to_string()})).collect();
            let mut entity = json!({
                "what": what,
                "type": coding(ENTITY, "2", "System Object"),
                "role": coding(ROLE, "4", "Domain Resource"),
                "detail": list(detail),
            });
            without_nulls(&mut entity);
            entities.push(entity);
        }
    }
    entities
}

fn some(text: &str) -> Option<&str> {
    (!text.is_empty()).then_some(text)
}

/// FHIR knows no empty lists.
fn list(values: Vec<Value>) -> Option<Vec<Value>> {
    (!values.is_empty()).then_some(values)
}

/// FHIR knows no nulls.
fn without_nulls(value: &mut Value) {
    match value {
        Value::Object(members) => {
            members.retain(|_, member| !member.is_null());
            members.values_mut().for_each(without_nulls);
        }
        Value::Array(values) => values.iter_mut().for_each(without_nulls),
        _ => {}
    }
}

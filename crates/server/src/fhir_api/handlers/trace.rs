//! `Patient?family=…&birthdate=…` and `Patient/$match`: who might be meant? Candidates; identity only.

use audit::Audited;
use axum::http::{StatusCode, header};
use fhir::Kind;
use people::{Candidate, Traced};
use record::{Address, Demographics, Name, Question, Sex, Sought};
use serde_json::{Value, json};

use super::super::params::{Params, alternatives};
use super::super::search::number;
use super::super::{App, Asked, Face, Fault, Written};
use super::fault;
use crate::answer::{Head, Pieces, outcome, page};

/// Search parameters by which somebody is looked for.
const SOUGHT: &[&str] = &[
    "address",
    "address-city",
    "address-postalcode",
    "birthdate",
    "email",
    "family",
    "gender",
    "general-practitioner",
    "given",
    "name",
    "phone",
    "telecom",
];
/// Parameters that are taken beside them.
const BESIDE: &[&str] = &["_count", "_elements", "_format", "_pretty", "_summary", "_total"];

/// Whether a search of Patients is one by demographics.
pub(super) fn seeks(params: &Params) -> bool {
    params.0.iter().any(|param| SOUGHT.contains(&param.name.as_str()))
        && !params.0.iter().any(|param| matches!(param.name.as_str(), "patient" | "subject" | "_id"))
}

impl App {
    /// `Patient?family=…`: who fits, as FHIR searches do.
    pub(in super::super) async fn seek(&self, asked: Asked) -> Result<Audited<Written>, Fault> {
        let known = |name: &str| SOUGHT.contains(&name) || BESIDE.contains(&name);
        if asked.strict
            && let Some(param) = asked.params.0.iter().find(|param| !known(&param.name))
        {
            return Err(Fault::parameter(&param.name, "is not a parameter of a search by demographics here"));
        }
        let count = asked.params.number("_count")?.filter(|count| *count > 0);
        let sought = Sought { demographics: of_params(&asked.params)?, count, certain_only: false };
        self.candidates(asked, sought).await
    }

    /// `Patient/$match`: who fits, how well, and why.
    pub(in super::super) async fn match_patient(&self, asked: Asked) -> Result<Audited<Written>, Fault> {
        let sought = of_body(&asked)?;
        self.candidates(asked, sought).await
    }

    async fn candidates(&self, asked: Asked, sought: Sought) -> Result<Audited<Written>, Fault> {
        let traced = self.exchange.trace(asked.ask(Question::Trace(Box::new(sought)))).await.map_err(fault)?;
        let (candidates, said): (&[Candidate], Value) = match &*traced {
            Traced::TooLittle(least) => return Err(Fault::parameter("Patient", *least)),
            Traced::TooMany => (&[], outcome::single("warning", "too-costly", TOO_MANY)),
            Traced::Candidates(found) if found.is_empty() => (&[], outcome::single("information", "not-found", NOBODY)),
            Traced::Candidates(found) => (found, outcome::single("information", "informational", ONLY_CANDIDATES)),
        };
        let base = self.base(Face::R4);
        let mut pieces = Pieces::default();
        for candidate in candidates {
            let minted = minted(candidate).to_string();
            pieces.match_of(&base, candidate.person.as_str(), minted.as_bytes(), &search_of(candidate));
            pieces.cut(true);
            let theirs = theirs(candidate);
            pieces.entry(&base, Kind::PATIENT.name(), theirs["id"].as_str().unwrap_or_default(), "include", theirs.to_string().as_bytes());
            pieces.join_last();
        }
        let head = Head {
            id: asked.request.as_str().to_owned(),
            kind: "searchset".to_owned(),
            timestamp: self.clock.now().to_string(),
            tags: self.marks(),
            total: (!matches!(&*traced, Traced::TooMany)).then(|| pieces.matches()),
            self_url: format!("{}{}", self.config.exchange.public_url, asked.target),
            outcome: said,
        };
        let (json, _) = page(&head, &pieces, 0, usize::MAX, |_| String::new());
        Ok(traced.map(|_| Written::new(StatusCode::OK, json)))
    }
}

const TOO_MANY: &str = "More people fit this than may be shown. Say more of the person: given name, postcode, or NHS number.";
const NOBODY: &str = "Nobody who may be shown to you fits this.";
const ONLY_CANDIDATES: &str = "Candidates by demographics. Check with the person who they are before a record is opened.";

/// The exchange's own Patient: number and link, and nothing else.
fn minted(candidate: &Candidate) -> Value {
    let mut minted = json!({"resourceType": "Patient", "id": candidate.person.as_str()});
    if let Some(number) = &candidate.number {
        minted["identifier"] = json!([{"use": "official", "system": record::NHS_NUMBER_SYSTEM, "value": number.expose()}]);
    }
    minted["link"] = json!([{"other": {"reference": format!("Patient/{}", theirs_id(candidate))}, "type": "seealso"}]);
    minted
}

/// The id that the source's Patient has in every answer. Of somebody restricted it would tell who holds them, and so where they live.
fn theirs_id(candidate: &Candidate) -> String {
    let key = &candidate.best.key;
    match candidate.restricted {
        true => format!("{}.said", candidate.person),
        false => dialect::mint(&key.source, "Patient", &key.local_id),
    }
}

/// What a source says of who they are: names, birth date, gender; no more is shown of somebody who was only looked for.
fn theirs(candidate: &Candidate) -> Value {
    let said = &candidate.best.demographics;
    let name = |name: &Name| {
        let mut json = json!({});
        if name.used == record::NameUse::Old {
            json["use"] = json!("old");
        }
        if !name.family.is_empty() {
            json["family"] = json!(name.family);
        }
        if !name.given.is_empty() {
            json["given"] = json!(name.given);
        }
        json
    };
    let mut theirs = json!({
        "resourceType": "Patient",
        "id": theirs_id(candidate),
        "meta": {"tag": [{"system": "urn:severn:source", "code": candidate.best.key.source.as_str()}]},
    });
    if candidate.restricted {
        // Whose Patient they are tells where they live.
        theirs["meta"] = json!({"security": [{"system": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "code": "R"}]});
    }
    if !said.names.is_empty() {
        theirs["name"] = said.names.iter().map(name).collect();
    }
    if let Some(sex) = said.sex {
        theirs["gender"] = json!(sex);
    }
    if let Some(date) = said.birth_date {
        theirs["birthDate"] = json!(date.to_string());
    }
    theirs
}

/// How well a candidate fits, and why: `search` of its entry.
fn search_of(candidate: &Candidate) -> Value {
    let reasons = candidate.reasons.iter().map(|reason| {
        json!({"url": "field", "extension": [
            {"url": "name", "valueCode": reason.field},
            {"url": "level", "valueString": reason.level},
            {"url": "weight", "valueDecimal": hundredths(reason.weight)},
        ]})
    });
    json!({
        "extension": [
            {"url": "http://hl7.org/fhir/StructureDefinition/match-grade", "valueCode": candidate.grade.code()},
            {"url": "urn:severn:match", "extension": reasons.collect::<Vec<_>>()},
        ],
        "mode": "match",
        "score": hundredths(candidate.score.clamp(0.0, 1.0)),
    })
}

/// A number to the hundredth: more would tell a guesser how near he is.
fn hundredths(number: f64) -> f64 {
    (number * 100.0).round() / 100.0
}

/// Whom a search of Patients seeks.
pub fn of_params(params: &Params) -> Result<Demographics, Fault> {
    let mut said = Demographics::default();
    let mut name = Name::default();
    let mut address = Address::default();
    for param in &params.0 {
        let Some(known) = SOUGHT.iter().find(|known| **known == param.name) else { continue };
        if !matches!(param.modifier.as_deref(), None | Some("exact")) {
            return Err(Fault::parameter(*known, "is searched by as it stands here, without a modifier"));
        }
        let value = match alternatives(&param.value).as_slice() {
            [one] => one.trim().to_owned(),
            [] => continue,
            _ => return Err(Fault::parameter(*known, "takes one value here: look for one person at a time")),
        };
        match *known {
            "address" => address.line = joined(address.line, &value),
            "address-city" => address.town = value,
            "address-postalcode" => address.postcode = value,
            "birthdate" => said.birth_date = Some(birth_date(&value)?),
            "email" => said.emails.push(value),
            "family" => name.family = joined(name.family, &value),
            "gender" => said.sex = Some(Sex::of_code(&value).ok_or_else(|| Fault::parameter("gender", "must be female, male or other"))?),
            "general-practitioner" => said.practice = Some(practice(&value)?),
            "given" => name.given.extend(value.split_whitespace().map(str::to_owned)),
            "name" => by_name(&mut name, &value),
            // `phone` and `telecom`.
            _ => match value.rsplit_once('|').unwrap_or(("", &value)) {
                (_, mail) if mail.contains('@') => said.emails.push(mail.to_owned()),
                (_, phone) => said.phones.push(phone.to_owned()),
            },
        }
    }
    if name != Name::default() {
        said.names.push(name);
    }
    if address != Address::default() {
        said.addresses.push(address);
    }
    Ok(said)
}

/// `name` is any part: of several words the last is taken for the family's.
fn by_name(name: &mut Name, value: &str) {
    let mut words: Vec<&str> = value.split_whitespace().collect();
    if name.family.is_empty() {
        words.pop().unwrap_or_default().clone_into(&mut name.family);
    }
    name.given.extend(words.into_iter().map(str::to_owned));
}

fn joined(before: String, more: &str) -> String {
    if before.is_empty() { more.to_owned() } else { format!("{before} {more}") }
}

fn birth_date(value: &str) -> Result<record::BirthDate, Fault> {
    let text = value.strip_prefix("eq").unwrap_or(value);
    text.parse().map_err(|error| Fault::parameter("birthdate", format!("{error}")))
}

/// The practice's ODS code, bare or with its system.
fn practice(value: &str) -> Result<String, Fault> {
    let code = value.rsplit_once(['|', '/']).map_or(value, |(_, code)| code);
    let code: record::OdsCode = code.parse().map_err(|error| Fault::parameter("general-practitioner", format!("{error}")))?;
    Ok(code.to_string())
}

/// A `Parameters` with `resource` (a Patient), `onlyCertainMatches` and `count`; a Patient by itself is taken, too.
fn of_body(asked: &Asked) -> Result<Sought, Fault> {
    of_tree(&body(asked)?)
}

/// The same, once it is read.
pub fn of_tree(tree: &fhir::Tree) -> Result<Sought, Fault> {
    let root = tree.root();
    let (patient, certain_only, count) = match tree.resource_type().as_deref() {
        Some("Patient") => (Some(root), false, None),
        Some("Parameters") => {
            let parameters = root.all("parameter");
            let named = |name: &str| parameters.iter().find(|parameter| parameter.is("name", name));
            let count = named("count").and_then(|parameter| parameter.text("valueInteger"));
            let count = count.map(|text| text.parse::<usize>().map_err(|_| Fault::parameter("count", "must be a whole number")));
            let certain = named("onlyCertainMatches").is_some_and(|parameter| parameter.is("valueBoolean", "true"));
            (named("resource").and_then(|parameter| parameter.get("resource")), certain, count.transpose()?)
        }
        _ => return Err(Fault::parameter("body", "must be a Parameters resource whose parameter `resource` is a Patient")),
    };
    let patient = patient.filter(|patient| patient.is("resourceType", "Patient"));
    let patient = patient.ok_or_else(|| Fault::parameter("resource", "must be a Patient"))?;
    if let Some(date) = patient.text("birthDate") {
        birth_date(&date)?;
    }
    let demographics = people::patient::demographics(patient);
    if let Some(said) = &demographics.number {
        number("resource", &format!("{}|{}", record::NHS_NUMBER_SYSTEM, said.value))?;
    }
    Ok(Sought { demographics, count: count.filter(|count| *count > 0), certain_only })
}

fn body(asked: &Asked) -> Result<fhir::Tree, Fault> {
    let content_type = asked.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("application/fhir+json");
    let bytes = asked.body.clone();
    match content_type {
        json if json.contains("json") => {
            fhir::Tree::from_json(bytes).map_err(|error| Fault::parameter("body", format!("is no JSON: {error}")))
        }
        xml if xml.contains("xml") => {
            fhir::Tree::from_xml(asked.face.version(), bytes).map_err(|error| Fault::parameter("body", format!("is no FHIR XML: {error}")))
        }
        _ => Err(Fault::UnsupportedMedia),
    }
}

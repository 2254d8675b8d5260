//! `AuditEvent`: lines of the ledger, searched and read. For whoever reviews accesses, and for nobody else.

use std::collections::BTreeSet;

use audit::{Account, Audited, By, Event, Found, Line, Lookup, Who, accounts};
use axum::http::StatusCode;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::super::params::{Params, clipped};
use super::super::search::{PatientRef, patient};
use super::super::{App, Asked, Face, Fault, Written};
use crate::answer::outcome;
use crate::privacy::audit_event::{self, Observer};
use crate::privacy::room::{Failed, always};
use crate::privacy::told::Place;
use crate::privacy::{place, placed};

/// Parameters of a search; `agent` and `entity` by identifier.
const KNOWN: &[&str] = &[
    "_after",
    "_count",
    "_format",
    "_pretty",
    "agent",
    "agent.identifier",
    "date",
    "entity",
    "entity.identifier",
    "patient",
    "patient.identifier",
];

/// A page: AuditEvents and whom they are about, and where the next begins.
struct Told {
    resources: Vec<Value>,
    people: BTreeSet<String>,
    next: Option<(Found, usize)>,
}

impl App {
    pub(in super::super) async fn audit_events(&self, asked: Asked) -> Result<Audited<Written>, Fault> {
        in_r4(&asked)?;
        self.reviews(&asked.caller, &asked.request).await?;
        if let Some(param) = asked.params.0.iter().find(|param| !KNOWN.contains(&param.name.as_str())) {
            // A narrowing that is not made would show what was not asked for.
            return Err(Fault::parameter(
                clipped(&param.name),
                "is not a search parameter of AuditEvent here; metadata lists those that are",
            ));
        }
        let most = self.config.privacy.report_max;
        let count = asked.params.number("_count")?.filter(|count| *count > 0).map_or(most, |count| count.min(most));
        let (since, until) = period(&asked.params)?;
        let by = self.by(&asked.params).await?;
        let (from, skip) = match asked.params.one("_after")? {
            Some(after) => after_of(after)?,
            None => (None, 0),
        };
        let lookup = Lookup { by, since, until, from, count_max: count };
        let look = async {
            let told = self.told(&lookup, skip, count).await?;
            let people = told.people.clone();
            Ok::<_, Failed>((told, people))
        };
        let told = self.privacy.shows(&asked.request, Who::of(&asked.caller), "search AuditEvent", look).await?;
        Ok(told.map(|told| Written::new(StatusCode::OK, self.events_bundle(&asked, &told).to_string().into_bytes())))
    }

    pub(in super::super) async fn audit_event(&self, asked: Asked, id: String) -> Result<Audited<Written>, Fault> {
        in_r4(&asked)?;
        self.reviews(&asked.caller, &asked.request).await?;
        let look = async {
            let Some((run, sequence)) = audit_event::line_of(&id) else { return Err(Failed::Unknown) };
            let line = self.privacy.reader.line(run, sequence).await?.ok_or(Failed::Unknown)?;
            let all = accounts(&self.privacy.reader.lines_of(std::slice::from_ref(&line.trace)).await?);
            let own = |account: &&Account| account.lines.iter().any(|(own, _)| own.run == line.run && own.sequence == line.sequence);
            let account = all.iter().find(own).ok_or(Failed::Unknown)?;
            let hidden = self.privacy.hidden(std::iter::once(account)).await?;
            let resource = account.lines.iter().find(|(own, _)| own.sequence == line.sequence && own.run == line.run);
            let resource = resource.map(|(line, event)| self.resource(account, (line, event.as_ref()), &hidden)).ok_or(Failed::Unknown)?;
            Ok::<_, Failed>((resource, account.patients.clone()))
        };
        let resource =
            self.privacy.shows(&asked.request, Who::of(&asked.caller), "read AuditEvent", look).await.map_err(|failed| match failed {
                Failed::Unknown => Fault::NotFound("There is no AuditEvent of that id.".into()),
                other => other.into(),
            })?;
        Ok(resource.map(|resource| Written::new(StatusCode::OK, resource.to_string().into_bytes())))
    }

    fn resource(&self, account: &Account, line: (&Line, Option<&Event>), hidden: &BTreeSet<String>) -> Value {
        let base = self.base(Face::R4);
        let exchange = &self.config.exchange;
        let observer = Observer { exchange: exchange.id.as_str(), organisation: exchange.organisation.as_str(), base: &base };
        audit_event::resource(&observer, account, line, Place::of(account, hidden))
    }

    /// AuditEvents from a place on, the latest request first and each request in its order, until there are enough.
    async fn told(&self, lookup: &Lookup, mut skip: usize, count: usize) -> Result<Told, Failed> {
        let mut told = Told { resources: Vec::new(), people: BTreeSet::new(), next: None };
        let mut lookup = lookup.clone();
        loop {
            let page = self.privacy.page(&lookup).await?;
            for (found, account) in &page.accounts {
                for (at, (line, event)) in account.lines.iter().enumerate().skip(std::mem::take(&mut skip)) {
                    if told.resources.len() == count {
                        told.next = Some((found.clone(), at));
                        return Ok(told);
                    }
                    told.resources.push(self.resource(account, (line, event.as_ref()), &page.hidden));
                    told.people.extend(account.patients.iter().cloned());
                }
            }
            match page.next {
                Some(next) if told.resources.len() < count => lookup.from = Some(next),
                next => {
                    told.next = next.map(|next| (next, 0));
                    return Ok(told);
                }
            }
        }
    }

    fn events_bundle(&self, asked: &Asked, told: &Told) -> Value {
        let base = self.base(Face::R4);
        let mut entries = vec![json!({
            "fullUrl": format!("urn:uuid:{}", uuid::Uuid::new_v4()),
            "resource": outcome::single("information", "informational", "Lines of the ledger, the latest request first."),
            "search": {"mode": "outcome"},
        })];
        entries.extend(told.resources.iter().map(|resource| {
            let id = resource["id"].as_str().unwrap_or_default();
            json!({"fullUrl": format!("{base}/AuditEvent/{id}"), "resource": resource, "search": {"mode": "match"}})
        }));
        let mut links = vec![json!({"relation": "self", "url": format!("{}{}", self.config.exchange.public_url, asked.target)})];
        if let Some((found, skip)) = &told.next {
            let mut query = url::form_urlencoded::Serializer::new(String::new());
            for param in asked.params.0.iter().filter(|param| param.name != "_after") {
                let name = param.modifier.as_ref().map_or_else(|| param.name.clone(), |modifier| format!("{}:{modifier}", param.name));
                query.append_pair(&name, &param.value);
            }
            query.append_pair("_after", &format!("{skip}~{}", place(found)));
            links.push(json!({"relation": "next", "url": format!("{base}/AuditEvent?{}", query.finish())}));
        }
        json!({
            "resourceType": "Bundle", "type": "searchset", "timestamp": self.clock.now().to_string(), "link": links, "entry": entries,
        })
    }

    /// By what is searched: one of whom, who, or whose data; by none of them, everything of a time.
    async fn by(&self, params: &Params) -> Result<By, Fault> {
        let mut all = Vec::new();
        if let Some(reference) = patient(params)? {
            let person = match reference {
                PatientRef::Id(id) => self.exchange.person_of_patient(&id).await,
                PatientRef::Number(number) => self.exchange.person_of_number(&number).await,
            };
            let person = person.map_err(|_| Fault::Unavailable)?;
            all.push(By::Patient(person.map(|person| person.to_string()).unwrap_or_default()));
        }
        for param in &params.0 {
            let by_identifier = param.name.ends_with(".identifier") || param.modifier.as_deref() == Some("identifier");
            let name = param.name.trim_end_matches(".identifier");
            if !matches!(name, "agent" | "entity") {
                continue;
            }
            let identifier = || param.value.rsplit_once('|').filter(|(system, value)| !system.is_empty() && !value.is_empty());
            let wrong = |why: &str| Fault::parameter(clipped(&param.name), why);
            let (system, value) = by_identifier.then(identifier).flatten().ok_or_else(|| {
                wrong("is searched by identifier: agent:identifier=ISSUER|SUBJECT, entity:identifier=urn:severn:source|SOURCE")
            })?;
            all.push(match (name, system) {
                ("agent", "https://fhir.nhs.uk/Id/sds-user-id") => By::SdsUser(value.to_owned()),
                ("agent", issuer) => By::User { issuer: issuer.to_owned(), subject: value.to_owned() },
                (_, "urn:severn:source") => By::Source(value.to_owned()),
                _ => return Err(wrong("is searched by the identifier of a source only: urn:severn:source|SOURCE")),
            });
        }
        match all.len() {
            0 => Ok(By::Anything),
            1 => Ok(all.remove(0)),
            _ => Err(Fault::parameter("patient", "only one of patient, agent and entity narrows a search")),
        }
    }
}

/// The resource is another one in STU3, and nobody of those asks who looked.
fn in_r4(asked: &Asked) -> Result<(), Fault> {
    match asked.face {
        Face::R4 => Ok(()),
        Face::Stu3 => Err(Fault::NotSupported("Who looked is told in R4 only: ask for AuditEvent below /fhir/R4.".into())),
    }
}

/// Where a page begins: how many of a request's lines were told before.
fn after_of(text: &str) -> Result<(Option<Found>, usize), Fault> {
    let wrong = || Fault::parameter("_after", "is not a place of this server's; follow the link `next` verbatim");
    let (skip, found) = text.split_once('~').ok_or_else(wrong)?;
    Ok((Some(placed("_after", found)?), skip.parse().map_err(|_| wrong())?))
}

/// The period that every `date` allows.
fn period(params: &Params) -> Result<(Timestamp, Timestamp), Fault> {
    let (mut since, mut until) = always();
    for param in params.all("date") {
        let wrong = || Fault::parameter("date", "must be a date or an instant, with eq, ge, gt, le or lt before it if anything");
        let prefix = param.value.get(..2).filter(|prefix| prefix.bytes().all(|byte| byte.is_ascii_lowercase()));
        let value = param.value[prefix.map_or(0, str::len)..].replace(' ', "+");
        let (first, after) = span(&value).ok_or_else(wrong)?;
        match prefix {
            None | Some("eq") => (since, until) = (since.max(first), until.min(after)),
            Some("ge") => since = since.max(first),
            Some("gt") => since = since.max(after),
            Some("le") => until = until.min(after),
            Some("lt") => until = until.min(first),
            Some(_) => return Err(wrong()),
        }
    }
    Ok((since, until))
}

/// From when until before when a date or an instant lasts, days in UTC.
fn span(text: &str) -> Option<(Timestamp, Timestamp)> {
    if let Ok(instant) = text.parse::<Timestamp>() {
        let unit = if text.contains('.') { jiff::SignedDuration::from_micros(1) } else { jiff::SignedDuration::from_secs(1) };
        return Some((instant, instant.checked_add(unit).ok()?));
    }
    let day: jiff::civil::Date = match text.len() {
        4 => format!("{text}-01-01").parse().ok()?,
        7 => format!("{text}-01").parse().ok()?,
        10 => text.parse().ok()?,
        _ => return None,
    };
    let next = match text.len() {
        4 => day.checked_add(jiff::Span::new().years(1)),
        7 => day.checked_add(jiff::Span::new().months(1)),
        _ => day.tomorrow(),
    };
    let at = |day: jiff::civil::Date| Some(day.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp());
    Some((at(day)?, at(next.ok()?)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_is_as_long_as_it_says() {
        let check = |query: &str, expected: Option<(&str, &str)>| {
            let found = period(&Params::parse(query)).ok().map(|(since, until)| (since.to_string(), until.to_string()));
            assert_eq!(found, expected.map(|(since, until)| (since.to_owned(), until.to_owned())), "{query}");
        };
        let (begin, end) = always();
        let (begin, end) = (begin.to_string(), end.to_string());
        check("date=2026-11", Some(("2026-11-01T00:00:00Z", "2026-12-01T00:00:00Z")));
        check("date=eq2026", Some(("2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z")));
        check("date=ge2026-11-01&date=lt2026-11-03", Some(("2026-11-01T00:00:00Z", "2026-11-03T00:00:00Z")));
        check("date=gt2026-11-01", Some(("2026-11-02T00:00:00Z", &end)));
        check("date=le2026-11-01", Some((&begin, "2026-11-02T00:00:00Z")));
        check("date=ge2026-11-01T09:00:00%2B01:00", Some(("2026-11-01T08:00:00Z", &end)));
        check("", Some((&begin, &end)));
        for wrong in ["date=yesterday", "date=ne2026", "date=2026-13-01", "date=20", "date="] {
            check(wrong, None);
        }
    }
}

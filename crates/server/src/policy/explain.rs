//! What a caller would see of a patient, and by which rules: by the facts of the store.

use std::fmt::Write;
use std::path::Path;

use access::{Action, Category, Evidence, Permit, PersonFacts, Restriction, Rules, Section};
use anyhow::{Context, bail};
use exchange::restriction;
use jiff::Timestamp;
use record::{Ask, Caller, Need, NhsNumber, PersonId, Question, SourceId};
use store::Store;

use crate::config::Config;

/// What is to be explained.
pub struct Asked<'a> {
    /// A file of claims.
    pub caller: &'a Path,
    /// An exchange's id or an NHS number.
    pub patient: Option<&'a str>,
    /// Only this source.
    pub source: Option<&'a str>,
}

/// The explanation, as a page of text.
pub async fn told(config: &Config, asked: Asked<'_>) -> anyhow::Result<String> {
    let caller = caller(asked.caller)?;
    let rules = super::load(config)?;
    let sources: Vec<SourceId> =
        config.sources.iter().map(|source| source.id.clone()).filter(|id| asked.source.is_none_or(|only| only == id.as_str())).collect();
    if sources.is_empty() {
        bail!("there is no source \"{}\" in the configuration", asked.source.unwrap_or_default());
    }
    let now = crate::wiring::system_clock().now();
    let mut page = String::new();
    who(&mut page, &rules, &caller, now);
    let patient = match asked.patient {
        Some(patient) => Some(known(&*super::command::store(config)?, &caller, patient, now).await?),
        None => None,
    };
    reading(&mut page, &rules, &caller, patient, &sources, now);
    Ok(page)
}

fn caller(file: &Path) -> anyhow::Result<Caller> {
    let text = std::fs::read_to_string(file).with_context(|| format!("reading the claims {}", file.display()))?;
    let claims = serde_json::from_str(&text).with_context(|| format!("{} is not a JSON object", file.display()))?;
    crate::token::described(claims).with_context(|| format!("{}: these claims would not make a token that is taken here", file.display()))
}

fn names<T: ToString>(all: &[T]) -> String {
    if all.is_empty() { "none".to_owned() } else { all.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ") }
}

fn who(page: &mut String, rules: &Rules, caller: &Caller, now: Timestamp) {
    let _ = writeln!(page, "{} at {} ({})", caller.name, caller.organisation.name, caller.organisation.code);
    let _ =
        writeln!(page, "  roles {}; activities {}; purposes {}", names(&caller.roles), names(&caller.activities), names(&caller.purposes));
    let _ = writeln!(page, "  judged by version {} of the rules\n", rules.version());
    for (words, action) in [
        ("find people", Action::Find),
        ("find restricted people among them", Action::FindRestricted),
        ("claim a relationship", Action::ClaimRelationship),
        ("claim an emergency", Action::ClaimEmergency),
        ("override an objection", Action::OverrideObjection),
        ("read who looked", Action::ReviewAudit),
        ("work at the operator's desk", Action::Operate),
    ] {
        let decided = rules.decide(action, caller, now);
        let why = if decided.rules.is_empty() { "no rule permits it".to_owned() } else { names(&decided.rules) };
        let _ = writeln!(page, "{} {words}: {why}", if decided.allowed { "May" } else { "May not" });
    }
    page.push('\n');
}

/// A patient, and what speaks for a relationship of the caller's with them.
struct Patient {
    facts: PersonFacts,
    evidence: Vec<Evidence>,
}

async fn known(store: &dyn Store, caller: &Caller, patient: &str, now: Timestamp) -> anyhow::Result<Patient> {
    let person: Option<PersonId> = match patient.parse::<NhsNumber>() {
        Ok(number) => store.known(&number).await?,
        Err(_) => patient.parse().ok(),
    };
    let Some(person) = person else { bail!("nobody is known here by what was given") };
    let number = store.number_of(&person).await?;
    let claims = exchange::Claims::of(store, &person, &caller.user, now).await?;
    let own = claims.into_iter().filter(|claim| claim.organisation == caller.organisation.code);
    let mut evidence: Vec<Evidence> = own.map(|claim| claim.evidence()).collect();
    if caller.launch_patient.as_ref() == Some(&person) {
        evidence.push(Evidence::Launch(person.clone()));
    }
    let ties = exchange::Ties::ties(store, &person).await?;
    evidence.extend(ties.into_iter().filter(|(_, tie)| tie.speaks_for(caller, now)).map(|(_, tie)| Evidence::Tied(tie)));
    let facts = PersonFacts { restriction: restriction(number.as_ref()), person: number.map(|_| person) };
    Ok(Patient { facts, evidence })
}

fn reading(page: &mut String, rules: &Rules, caller: &Caller, patient: Option<Patient>, sources: &[SourceId], now: Timestamp) {
    let Some(patient) = patient else {
        for relationship in access::RELATIONSHIPS.into_iter().chain([access::EMERGENCY]) {
            let supposed = access::Supposed::of(rules, caller, Some(relationship), Restriction::Unrestricted, now);
            let _ = match supposed {
                Ok(supposed) => writeln!(page, "With {relationship}: may open a record that is not restricted ({})", names(supposed.why())),
                Err(refusal) => writeln!(page, "With {relationship}: may not open a record: {refusal}"),
            };
        }
        return;
    };
    match patient.facts.restriction {
        Restriction::Unrestricted => page.push_str("The patient is not restricted (a synthetic person).\n"),
        Restriction::Restricted => page.push_str("The patient is restricted.\n"),
        Restriction::Unknown => page.push_str("Whether the patient is restricted is not known here: the national service was not asked.\n"),
    }
    let speaks: Vec<String> = patient
        .evidence
        .iter()
        .map(|one| match one {
            Evidence::Emergency { until } => format!("an emergency, claimed until {until}"),
            Evidence::Launch(_) => "the launch of the token".to_owned(),
            Evidence::LegalOverride { until } => format!("(no relationship, but a law that overrides objections, claimed until {until})"),
            Evidence::SelfClaimed { until } => format!("a relationship, claimed until {until}"),
            Evidence::Tied(tie) => format!("{} at {} until {}", tie.kind.name(), tie.organisation, tie.until),
        })
        .collect();
    let _ = writeln!(page, "What speaks for a relationship with them: {}.", names(&speaks));
    let Some(person) = patient.facts.person.clone() else {
        page.push_str("May not open their record: there is no such person here\n");
        return;
    };
    let Ok(request) = "explain".parse() else { return };
    let question = Question::Read { person, need: Need::everything() };
    let ask = Ask { request, caller: caller.clone(), question, hops: Vec::new(), wait: None };
    let decided = access::admit(rules, &ask, now).and_then(|admission| access::decide(admission, &patient.facts, &patient.evidence, now));
    match decided {
        Err(refusal) => {
            let _ = writeln!(page, "May not open their record: {refusal}");
        }
        Ok(permit) => {
            let _ = writeln!(page, "May open their record ({}), and holds: {}", names(permit.why()), names(permit.views()));
            sources.iter().for_each(|source| sections(page, &permit, source));
        }
    }
}

fn sections(page: &mut String, permit: &Permit, source: &SourceId) {
    let _ = writeln!(page, "\nFrom {source}");
    for category in Category::all() {
        let Some(kind) = fhir::Kind::all().find(|kind| Category::of_kind(*kind).contains(&category)) else { continue };
        let plain = Section { category, kind, source, labels: &[], objected: false, source_refused: false };
        let decided = permit.decision(&plain);
        let by = if decided.rules.is_empty() { "no rule shows it".to_owned() } else { names(&decided.rules) };
        let (shown, scopes) = (decided.allowed, permit.scopes().covers(kind));
        let word = if shown && scopes { "shown" } else { "withheld" };
        let _ = write!(
            page,
            "  {:16} {word} ({by}{})",
            category.name(),
            if shown && !scopes { "; the token's scopes do not cover it" } else { "" }
        );
        let open: Vec<&str> = access::LABELS
            .iter()
            .copied()
            .filter(|label| permit.decision(&Section { labels: &[label], ..plain }).allowed && shown && scopes)
            .collect();
        let _ = writeln!(page, "{}", if open.is_empty() { String::new() } else { format!("; with the labels {} too", open.join(", ")) });
    }
}

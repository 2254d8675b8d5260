//! Opening the evidence vault, and holding what is in it. One person asks what a request showed, and why; another, of another role,
//! approves it; until its time is over either of them opens it. Each step is on the ledger.

use std::collections::BTreeSet;

use audit::{Account, Audited, Event, Shown, Who, accounts};
use data_encoding::HEXLOWER;
use exchange::{Name, VaultStep, digest_of, is_hidden_name};
use jiff::Timestamp;
use record::{PersonId, RequestId};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::room::{Failed, Room, is_one};
use crate::config::vault::VaultConfig;

/// Who decided about somebody's evidence, and why: the body of a step.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Said {
    by: Who,
    /// What an opening is of: the request, as the ledger names it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    request: String,
    why: String,
    /// Until when an opening may be approved, and opened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    until: Option<String>,
}

/// An opening, as far as it has come.
pub struct Opening {
    asked: VaultStep,
    said: Said,
    until: Timestamp,
    approved: Option<(Timestamp, Who)>,
}

/// Openings that are listed at once.
const OPENINGS_MAX: usize = 200;

impl Opening {
    fn of(steps: &[VaultStep]) -> Option<Opening> {
        let asked = steps.first().filter(|first| first.held.is_none())?;
        let said: Said = serde_json::from_str(&asked.body).ok()?;
        let approved = match steps.get(1) {
            Some(step) => Some((step.at, serde_json::from_str::<Said>(&step.body).ok()?.by)),
            None => None,
        };
        Some(Opening { until: said.until.as_deref()?.parse().ok()?, asked: asked.clone(), said, approved })
    }

    /// For whoever decides about it.
    pub fn told(&self) -> Value {
        let who = |who: &Who| json!({"name": who.name, "user": who.subject, "issuer": who.issuer, "roles": who.roles});
        let approved = self.approved.as_ref().map(|(at, by)| json!({"at": at.to_string(), "by": who(by)}));
        json!({
            "id": self.asked.id, "patient": self.asked.person.as_str(), "request": self.said.request, "why": self.said.why,
            "asked": {"at": self.asked.at.to_string(), "by": who(&self.said.by)}, "until": self.until.to_string(), "approved": approved,
        })
    }
}

/// Whether somebody has one of these roles.
fn of_role(by: &Who, roles: &[String]) -> Result<(), Failed> {
    if by.roles.iter().any(|role| roles.contains(role)) { Ok(()) } else { Err(Failed::Role) }
}

impl Room {
    /// Something is decided between two lines of the ledger, the later of which says what: whose evidence, which step, of what, and why.
    async fn decides<T>(
        &self,
        trace: &RequestId,
        by: &Who,
        what: &str,
        decision: impl Future<Output = Result<(T, (PersonId, &'static str, String, String)), Failed>>,
    ) -> Result<Audited<T>, Failed> {
        let opened = Event::Opened { by: by.clone(), interaction: format!("privacy: {what}"), patient: String::new(), hops: Vec::new() };
        let entry = self.ledger.open(trace, opened).await.map_err(|_| Failed::Down("the ledger cannot be written".to_owned()))?;
        match decision.await {
            Ok((value, (person, step, of, why))) => {
                let event = Event::Vault { by: Some(by.clone()), patient: person.to_string(), step: step.to_owned(), of, why };
                Ok(entry.close(value, event).await)
            }
            Err(why) => {
                entry.close((), Event::refused(Some(by.clone()), "", why.to_string())).await;
                Err(why)
            }
        }
    }

    /// Asks that what a request showed of a person be opened.
    pub async fn ask_opening(
        &self,
        trace: &RequestId,
        by: Who,
        (config, person, request, why): (&VaultConfig, PersonId, String, String),
    ) -> Result<Audited<Opening>, Failed> {
        let decision = async {
            of_role(&by, &config.asking_roles)?;
            if shown(&self.accounts_of(&request, &person).await?).is_empty() {
                return Err(Failed::Unknown);
            }
            let (id, at) = (uuid::Uuid::new_v4().to_string(), self.clock.now());
            let until = at.checked_add(config.opening).map_err(|_| Failed::Over)?;
            let said = Said { by: by.clone(), request: request.clone(), why: why.clone(), until: Some(until.to_string()) };
            let asked = self.step(&person, &id, 1, None, &said).await?;
            let of = format!("{id} of {request}");
            Ok((Opening { asked, said, until, approved: None }, (person, "asked", of, why)))
        };
        self.decides(trace, &by, "ask for evidence", decision).await
    }

    /// Approves that it is opened: another person, of another role, in time.
    pub async fn approve_opening(&self, trace: &RequestId, by: Who, config: &VaultConfig, id: &str) -> Result<Audited<Opening>, Failed> {
        let decision = async {
            of_role(&by, &config.approving_roles)?;
            let mut opening = self.opening(id).await?;
            if is_one(&opening.said.by, &by) {
                return Err(Failed::Own);
            }
            if opening.approved.is_some() {
                return Err(Failed::Decided("approved"));
            }
            let said = Said { by: by.clone(), request: String::new(), why: String::new(), until: None };
            let step = self.step(&opening.asked.person, id, 2, None, &said).await?;
            opening.approved = Some((step.at, by.clone()));
            let person = opening.asked.person.clone();
            Ok((opening, (person, "approved", id.to_owned(), String::new())))
        };
        self.decides(trace, &by, &format!("approve evidence {id}"), decision).await
    }

    /// What the request showed, as far as it is kept: by one of the two who decided on it, in time.
    pub async fn open_evidence(&self, trace: &RequestId, by: Who, config: &VaultConfig, id: &str) -> Result<Audited<Value>, Failed> {
        let look = async {
            let opening = self.opening(id).await?;
            let (_, approver) = opening.approved.as_ref().ok_or(Failed::Waits)?;
            match (is_one(&opening.said.by, &by), is_one(approver, &by)) {
                (true, _) => of_role(&by, &config.asking_roles)?,
                (_, true) => of_role(&by, &config.approving_roles)?,
                _ => return Err(Failed::Role),
            }
            let person = &opening.asked.person;
            let accounts = self.accounts_of(&opening.said.request, person).await?;
            let hidden = !self.hidden(accounts.iter()).await?.is_empty();
            let mut told = Vec::new();
            for shown in shown(&accounts) {
                told.push(self.as_shown(person, shown, hidden).await?);
            }
            let value = json!({"opening": opening.told(), "shown": told});
            Ok::<_, Failed>((value, BTreeSet::from([person.to_string()])))
        };
        self.shows(trace, by.clone(), &format!("open evidence {id}"), look).await
    }

    /// Openings that may still be approved or opened.
    pub async fn openings(&self, config: &VaultConfig) -> Result<Vec<Opening>, Failed> {
        let now = self.clock.now();
        let since = now.checked_sub(config.opening).unwrap_or(Timestamp::MIN);
        let mut openings = Vec::new();
        for first in self.evidence.openings(since, OPENINGS_MAX).await? {
            openings.extend(Opening::of(&self.evidence.steps(&first.id).await?).filter(|one| now < one.until));
        }
        Ok(openings)
    }

    /// One that is there, and whose time is not over.
    pub async fn opening(&self, id: &str) -> Result<Opening, Failed> {
        let opening = Opening::of(&self.evidence.steps(id).await?).ok_or(Failed::Unknown)?;
        if self.clock.now() < opening.until { Ok(opening) } else { Err(Failed::Over) }
    }

    /// The requests of a name that are about a person.
    async fn accounts_of(&self, request: &str, person: &PersonId) -> Result<Vec<Account>, Failed> {
        let mut accounts = accounts(&self.reader.lines_of(&[request.to_owned()]).await?);
        accounts.retain(|account| account.patients.contains(person.as_str()));
        Ok(accounts)
    }

    async fn step(&self, person: &PersonId, id: &str, number: u32, held: Option<bool>, said: &Said) -> Result<VaultStep, Failed> {
        let body = serde_json::to_string(said).map_err(|error| Failed::Down(error.to_string()))?;
        let step = VaultStep { person: person.clone(), id: id.to_owned(), number, at: self.clock.now(), held, body };
        if self.evidence.add_step(&step).await? { Ok(step) } else { Err(Failed::Decided("something else")) }
    }

    /// What was shown of one source, checked against the digest that the ledger has of it.
    async fn as_shown(&self, person: &PersonId, shown: &Shown, hidden: bool) -> Result<Value, Failed> {
        if hidden && !is_hidden_name(&shown.source) {
            return Ok(json!({"why": "it was shown before their place was a secret, and tells it"}));
        }
        let not_kept = |why: &str| json!({"source": shown.source, "digest": shown.digest, "as_in_the_ledger": false, "why": why});
        let whole: Option<[u8; 32]> = HEXLOWER.decode(shown.digest.as_bytes()).ok().and_then(|digest| digest.try_into().ok());
        let Some(whole) = whole else { return Ok(not_kept("the ledger's digest cannot be read")) };
        let list = self.evidence.evidence(person, &[Name::Answer(whole)]).await?.into_iter().next().flatten();
        let Some(list) = list else { return Ok(not_kept("it was not kept, or the key to it was destroyed")) };
        let digests: Vec<[u8; 32]> = list.chunks(32).filter_map(|digest| digest.try_into().ok()).collect();
        let names: Vec<Name> = digests.iter().copied().map(Name::Resource).collect();
        let resources = self.evidence.evidence(person, &names).await?;
        let (mut all, mut told) = (Vec::new(), Vec::new());
        let manifest = shown.resources.resources();
        let mut sound = manifest.len() == digests.len();
        for (((kind, id, version), digest), bytes) in manifest.into_iter().zip(&digests).zip(resources) {
            let bytes = bytes.filter(|bytes| digest_of(bytes) == *digest);
            sound &= bytes.is_some();
            all.extend_from_slice(bytes.as_deref().unwrap_or_default());
            // Its own text, so that whoever is given it can check it, too.
            let text = bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
            told.push(json!({"type": kind, "id": id, "version": version, "digest": HEXLOWER.encode(digest), "as_shown": text}));
        }
        let as_in_the_ledger = sound && digest_of(&all) == whole;
        Ok(json!({"source": shown.source, "digest": shown.digest, "as_in_the_ledger": as_in_the_ledger, "resources": told}))
    }

    /// Holds a person's evidence, or lets it go again: with theirs, that of everybody who turned out to be them.
    pub async fn hold(
        &self,
        trace: &RequestId,
        by: Who,
        (person, held, why): (PersonId, bool, String),
    ) -> Result<Audited<Vec<Value>>, Failed> {
        let decision = async {
            let merged = self.index.known(&person).await?.merged;
            let (mut changed, said) = (false, Said { by: by.clone(), request: String::new(), why: why.clone(), until: None });
            for whose in std::iter::once(&person).chain(&merged) {
                let steps = self.evidence.steps(whose.as_str()).await?;
                if steps.last().and_then(|last| last.held).unwrap_or(false) == held {
                    continue;
                }
                let number = u32::try_from(steps.len()).map_or(u32::MAX, |count| count.saturating_add(1));
                self.step(whose, whose.as_str(), number, Some(held), &said).await?;
                changed = true;
            }
            if !changed {
                return Err(Failed::Decided(if held { "held" } else { "not held" }));
            }
            let step = if held { "held" } else { "hold lifted" };
            Ok((self.holds(&person).await?, (person.clone(), step, String::new(), why)))
        };
        self.decides(trace, &by, if held { "hold evidence" } else { "lift a hold" }, decision).await
    }

    /// When a person's evidence was held, and let go again.
    pub async fn holds(&self, person: &PersonId) -> Result<Vec<Value>, Failed> {
        let told = |step: VaultStep| {
            let said: Option<Said> = serde_json::from_str(&step.body).ok();
            let by = said.as_ref().map(|said| json!({"name": said.by.name, "user": said.by.subject, "issuer": said.by.issuer}));
            json!({"at": step.at.to_string(), "held": step.held, "by": by, "why": said.map(|said| said.why)})
        };
        Ok(self.evidence.steps(person.as_str()).await?.into_iter().map(told).collect())
    }
}

/// What requests showed of sources, in the order that they did.
fn shown(accounts: &[Account]) -> Vec<&Shown> {
    let lines = accounts.iter().flat_map(|account| &account.lines);
    lines
        .filter_map(|(_, event)| match event {
            Some(Event::Closed { shown, .. } | Event::Disclosed { shown, .. }) => Some(shown),
            _ => None,
        })
        .flatten()
        .collect()
}

//! One practice's structured record, passed on as the practice gave it. A joined record in a practice's shape would be imported as
//! that practice's own; so this is one source's answer, unjoined, to readers who may see it, or nothing.

use access::{Permit, Refusal};
use audit::{Audited, Entry};
use bytes::Bytes;
use dialect::{Known, Opening, Relay, Told};
use fhir::Kind;
use identity::{Leg, Verdict, guard, release};
use record::{Ask, CARRIED, Chart, Holder, Item, Need, NhsNumber, Plan, Question, Row, SharedRecord, SourceId, Status};
use tokio::time::Instant;

use crate::consent::Unshared;
use crate::facts::About;
use crate::gather::{self, status_of};
use crate::told::{self, Digests};
use crate::{Elsewhere, Exchange, Refused, SourceEntry};

/// What came of asking the practices.
#[derive(Debug, Clone)]
pub struct Relayed {
    /// Whose answer it is, and the answer; none where no practice gave one about the right person.
    pub answer: Option<(SourceId, Relay)>,
    /// How each practice that was asked answered.
    pub plan: Plan,
}

impl Exchange {
    /// Asks the practices that speak GP Connect, one after the other, for these areas (`includeAllergies`, …) of a person's record,
    /// and passes on the first answer that is about the right person: permitted, guarded, labels obeyed, entered in the ledger.
    pub async fn relay(&self, ask: Ask, areas: &[&str]) -> Result<Audited<Relayed>, Refused> {
        self.no_loop(&ask).await?;
        let until = self.until(&ask);
        let (entry, permit, number, about) = self.may_relay(&ask, until).await?;
        let mut record = SharedRecord::of(permit.person().clone(), Vec::new());
        let mut answer = None;
        let practices = self.parts.entries.iter().filter(|practice| {
            let came_from_there = practice.exchange.as_ref().is_some_and(|exchange| ask.hops.contains(exchange));
            let may_ask = permit.may_ask(&practice.id, Kind::LIST) && !permit.closes(&practice.organisation);
            practice.dialect.relays() && !practice.compare && may_ask && !came_from_there
        });
        for practice in practices {
            let objections = self.held_beside(&permit, practice, (number, &about), until).await;
            match self.ask_practice(&permit, practice, (number, &about), areas, until).await {
                Err(status) => {
                    let row = |kind: &Kind| Row { status: Some(status), ..Row::new(practice.id.clone(), *kind) };
                    record.plan.rows.extend(CARRIED.iter().map(row));
                }
                Ok((told, body)) => answer = self.pass_on(&permit, practice, (number, &about), &ask, (told, objections), body, &mut record),
            }
            if answer.is_some() {
                break;
            }
        }
        record.plan.finalise();
        let (shown, bytes) = Digests::of(&record).told();
        let closing = told::closed(&permit, &record, &Elsewhere::NotAsked, shown);
        let audited = entry.close(Relayed { answer, plan: record.plan }, closing).await;
        self.parts.vault.keep(permit.trace(), permit.person(), self.parts.clock.now(), bytes);
        self.parts.monitoring.saw(&permit);
        Ok(audited)
    }

    /// The same steps as for any read. Lists carry the structure and the warnings of such a record, and it is about its Patient: who may
    /// not see them gets none.
    async fn may_relay(&self, ask: &Ask, until: Instant) -> Result<(Entry, Permit, NhsNumber, About), Refused> {
        let Question::Read { person, .. } = &ask.question else { return Err(Refused::Denied(Refusal::NoActivity)) };
        let entry = self.parts.ledger.open(&ask.request, told::opened(ask)).await.map_err(|down| Refused::Unavailable(down.to_string()))?;
        let (permitted, about) = self.decide(ask, person, until).await?;
        match (permitted, about.number) {
            // A practice's own bytes tell which practice it is.
            (Ok(permit), Some(_)) if permit.hides_place() => Err(self.refused(entry, ask, Refusal::Restricted).await),
            (Ok(permit), Some(number)) if permit.allows(Kind::LIST) && permit.allows(Kind::PATIENT) => Ok((entry, permit, number, about)),
            (Ok(_), Some(_)) => Err(self.refused(entry, ask, Refusal::NoActivity).await),
            (Err(refusal), _) => Err(self.refused(entry, ask, refusal).await),
            (Ok(_), None) => Err(self.refused(entry, ask, Refusal::UnknownPerson).await),
        }
    }

    /// One practice's answer: what it says in our words, and its own bytes.
    async fn ask_practice(
        &self,
        permit: &Permit,
        practice: &SourceEntry,
        (number, about): (NhsNumber, &About),
        areas: &[&str],
        until: Instant,
    ) -> Result<(Told, Option<(Bytes, String)>), Status> {
        let leg = self.parts.sources.leg(permit, &practice.id, until).await.map_err(status_of)?;
        let holder = Holder { source: practice.id.clone(), number, former: about.former.clone(), local_ids: Vec::new() };
        let known = Known::default();
        let reader = Some(permit.caller());
        let opening = Opening { holder: &holder, settings: &practice.settings, known: &known, reader, now: self.parts.clock.now() };
        let (mut conversation, mut calls) = dialect::structured_record(&opening, areas);
        let mut body = None;
        while let Some(call) = calls.pop() {
            let reply = self.parts.sources.ask(&leg, call).await;
            let good = reply.outcome.as_ref().ok().filter(|response| (200..300).contains(&response.status));
            body = good.map(|response| (response.body.clone(), response.content_type.clone()));
            calls.extend(conversation.reply(reply));
        }
        Ok((conversation.finish(), body))
    }

    /// What the person objects to at other sources of the same organisation, which holds it for all that it has.
    async fn held_beside(
        &self,
        permit: &Permit,
        practice: &SourceEntry,
        (number, about): (NhsNumber, &About),
        until: Instant,
    ) -> Vec<Item> {
        let need = Need::of(&[Kind::CONSENT]);
        let beside = |other: &&SourceEntry| other.organisation == practice.organisation && other.id != practice.id;
        let others = self.parts.entries.iter().filter(beside).filter(|other| !other.compare && other.exchange.is_none());
        let mut held = Vec::new();
        for other in others {
            let holder = Holder { source: other.id.clone(), number, former: about.former.clone(), local_ids: Vec::new() };
            let Some(chart) = gather::leg(&self.parts, permit, other.clone(), &holder, &need, until).await.chart else { continue };
            let verdict = guard(&about.facts(number, None), &[Leg { chart: &chart, trust: other.trust }]).into_iter().next();
            let released = release(&verdict.unwrap_or(Verdict::NoPatient), chart);
            held.extend(released.items.into_iter().filter(|item| item.kind == Kind::CONSENT));
        }
        held
    }

    /// What of a practice's answer may pass; its rows go into the plan whatever it is.
    #[expect(clippy::too_many_arguments, reason = "it ends one function, and has its facts")]
    fn pass_on(
        &self,
        permit: &Permit,
        practice: &SourceEntry,
        (number, about): (NhsNumber, &About),
        ask: &Ask,
        (told, objections): (Told, Vec<Item>),
        body: Option<(Bytes, String)>,
        record: &mut SharedRecord,
    ) -> Option<(SourceId, Relay)> {
        let birth_date = match &ask.question {
            Question::Read { need, .. } => need.birth_date.as_ref(),
            Question::Find(_) | Question::Trace(_) => None,
        };
        let facts = about.facts(number, birth_date);
        let verdict = guard(&facts, &[Leg { chart: &told.chart, trust: practice.trust }]).into_iter().next().unwrap_or(Verdict::NoPatient);
        let chart = release(&verdict, told.chart);
        let mut own = SharedRecord::of(permit.person().clone(), chart.patients.iter().chain(&chart.items).cloned().collect());
        own.plan.rows = chart.rows.clone();
        own.quarantined = chart.quarantined.iter().map(|one| (practice.id.clone(), one.clone())).collect();
        let held = self.held(permit, own.items.iter().chain(&objections));
        self.mark(permit, &mut own, &Unshared { held, ..Unshared::default() });
        access::withhold(permit, &self.parts.sensitivity, &mut own);
        without_cut(&mut own);
        join::settle(&mut own, record::Join::All);
        record.plan.rows.extend(own.plan.rows);
        let (Verdict::Accepted(_), Some((body, content_type))) = (&verdict, body) else { return None };
        let (patients, items) = own.items.clone().into_iter().partition(|item| item.kind == Kind::PATIENT);
        let left = Chart { patients, items, ..chart };
        let relay = dialect::relay(&practice.id, &practice.settings, &body, &content_type, &left)?;
        record.items = own.items;
        record.fates = own.fates;
        Some((practice.id.clone(), relay))
    }
}

/// The practice's own bytes pass, or do not: what lost a part of its own goes whole.
fn without_cut(record: &mut SharedRecord) {
    let kept: Vec<bool> = record.items.iter().map(|item| item.kind == Kind::LIST || !access::is_redacted(item)).collect();
    for item in record.items.iter().zip(&kept).filter(|(_, kept)| !**kept).map(|(item, _)| item) {
        if let Some(row) = record.plan.row_mut(&item.origin.source, item.kind) {
            row.counts.withheld += 1;
        }
    }
    record.retain(&kept);
}

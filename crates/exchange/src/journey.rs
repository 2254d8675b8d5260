//! Reading a record: the stages in order.

use access::{Permit, Restriction};
use audit::{Audited, Entry, Event, Who};
use dialect::Attachment;
use fhir::Kind;
use identity::{Category, Facts, Heard, Leg, Verdict, guard, release};
use record::{AllergyState, Ask, Chart, Fate, Holder, Need, NhsNumber, Plan, Question, Row, SharedRecord, SourceId, Status};
use rustc_hash::{FxHashMap, FxHashSet};
use tokio::time::Instant;

use crate::consent::Unshared;
use crate::facts::About;
use crate::gather::{self, LegEnd, Legs};
use crate::registration::Told;
use crate::told::{self, Digests};
use crate::{Elsewhere, Exchange, Met, Monitoring, Refused, Vault, evidence, hidden, parts::Parts, record_locator, select};

/// A read under way: permitted, its legs running.
pub(crate) struct Watching {
    pub(crate) permit: Permit,
    number: NhsNumber,
    about: About,
    need: Need,
    until: Instant,
    pub(crate) legs: Legs,
}

/// By which claims something is shown that is not shown without: until when each lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Claimed {
    /// An emergency: nothing else speaks for a relationship.
    pub emergency: Option<jiff::Timestamp>,
    /// A law that overrides what the person objects to here.
    pub overridden: Option<jiff::Timestamp>,
}

/// A joined record and what its reader needs beside it.
#[derive(Debug, Clone)]
pub struct Joined {
    /// The record.
    pub record: SharedRecord,
    /// The person's number.
    pub number: NhsNumber,
    /// Who else holds a shared record of the person, as far as the national locator said.
    pub elsewhere: Elsewhere,
    /// Where the national demographics service did not answer: since when nobody knows whether what it said of the person still holds.
    pub unconfirmed: Option<jiff::Timestamp>,
    /// By which claims something is shown that is not shown without.
    pub claimed: Claimed,
    /// Whether whatever tells of a place was taken out: the person is restricted.
    pub place_hidden: bool,
    /// The state of each list asked for: `allergies`, `medications`, `problems`, `results`, `plans`.
    pub states: Vec<(&'static str, AllergyState)>,
    /// Of what the reader's scopes let anything be shown; what is not the sources' but our own, too.
    pub scopes: access::Cover,
    /// By which set of rules it was permitted.
    pub rules: String,
}

/// A joined record on its way to its reader: its entry is open until it is closed on what is shown.
pub struct Answering {
    entry: Entry,
    permit: Permit,
    joined: Joined,
    monitoring: Monitoring,
    vault: Vault,
    now: jiff::Timestamp,
    /// The exchange whose record it is; none where it is another's, or nobody's.
    own: Option<Exchange>,
}

impl std::ops::Deref for Answering {
    type Target = Joined;
    fn deref(&self) -> &Joined {
        &self.joined
    }
}

impl Answering {
    /// Closes the entry on an answer, and on the bytes that it shows of each item.
    pub async fn close<T>(self, answer: T, shown: Digests) -> Audited<T> {
        self.closed(shown, |_| answer).await
    }

    /// Closes the entry on the whole record.
    pub async fn close_whole(self) -> Audited<Joined> {
        let shown = Digests::of(&self.joined.record);
        self.closed(shown, |joined| joined).await
    }

    async fn closed<T>(self, shown: Digests, answer: impl FnOnce(Joined) -> T) -> Audited<T> {
        let (shown, bytes) = shown.told();
        let closing = told::closed(&self.permit, &self.joined.record, &self.joined.elsewhere, shown);
        let number = self.joined.number;
        let audited = self.entry.close(answer(self.joined), closing).await;
        self.vault.keep(self.permit.trace(), self.permit.person(), self.now, bytes);
        self.monitoring.saw(&self.permit);
        point(self.own, &self.permit, number);
        audited
    }
}

/// A read is over, and the person's record is here: behind it, they get their pointer.
fn point(own: Option<Exchange>, permit: &Permit, number: NhsNumber) {
    if let Some(locator) = own.as_ref().and_then(|exchange| exchange.parts.record_locator.as_ref()) {
        locator.met(permit, number);
    }
}

impl Exchange {
    /// Asks one question about one person of every source: permitted, and entered in the ledger. Read this function first.
    pub(crate) async fn watch(&self, ask: Ask) -> Result<(Entry, Watching), Refused> {
        let Question::Read { person, need } = &ask.question else { return Err(Refused::Denied(access::Refusal::NoActivity)) };
        self.no_loop(&ask).await?;
        let entry =
            self.parts.ledger.open(&ask.request, told::opened(&ask)).await.map_err(|down| Refused::Unavailable(down.to_string()))?;
        let until = self.until(&ask);
        let (permitted, about) = self.decide(&ask, person, until).await?;
        let (permit, number) = match (permitted, about.number) {
            (Ok(permit), Some(number)) => (permit, number),
            (Err(refusal), _) => {
                self.hide(&ask, person, &about);
                return Err(self.refused(entry, &ask, refusal).await);
            }
            (Ok(_), None) => return Err(self.refused(entry, &ask, access::Refusal::UnknownPerson).await),
        };
        let located = self.parts.locator.located(permit.admission(), &number).await.unwrap_or_else(|down| {
            tracing::warn!(error = %down, "the locator did not answer; every source is asked");
            Vec::new()
        });
        let need = need.clone();
        let consulting = {
            let (parts, permit, ask) = (self.parts.clone(), permit.clone(), ask.clone());
            async move { record_locator::consult(&parts, &permit, &ask, number, until).await }
        };
        let question = gather::Question { ask, number, former: about.former.clone(), need: self.gathered(&need), located, until };
        let legs = Legs::begin(&self.parts, &permit, question, consulting);
        Ok((entry, Watching { permit, number, about, need, until, legs }))
    }

    /// Permits a read anew that is under way, of the same person by the same number, and by what is known of them now.
    pub(crate) async fn permit_anew(&self, ask: &Ask, watching: &mut Watching) -> Result<Result<(), access::Refusal>, Refused> {
        let (permitted, about) = self.decide(ask, &watching.permit.person().clone(), watching.until).await?;
        let permit = match permitted {
            Ok(permit) if about.number == Some(watching.number) && !permit.hides_place() => permit,
            // What came was asked for where nothing had to be hidden.
            Ok(_) => return Ok(Err(access::Refusal::UnknownPerson)),
            Err(refusal) => return Ok(Err(refusal)),
        };
        (watching.permit, watching.about) = (permit, about);
        Ok(Ok(()))
    }

    /// What is to be asked of sources. Where lists say what is sensitive, everything: what a thing leads to may be so, and what is not
    /// there cannot be seen to be. Always what the person objects to there; and whatever its age, since what is old makes sensitive what
    /// is new.
    fn gathered(&self, need: &Need) -> Need {
        let mut gathered = Need { since: None, ..need.gathered() };
        match self.parts.sensitivity.is_empty() {
            true if !gathered.wants(Kind::CONSENT) => gathered.kinds.push(Kind::CONSENT),
            true => {}
            false => gathered.kinds.clear(),
        }
        gathered
    }

    /// The same, whole: every leg guarded, all joined, and from the joined record withheld what the permit does not cover.
    /// It leaves when its entry is closed on what is shown of it.
    pub async fn read(&self, ask: Ask) -> Result<Answering, Refused> {
        let (entry, mut watching) = self.watch(ask).await?;
        watching.legs.end().await;
        let ends = watching.legs.take();
        Ok(self.join(entry, &watching, ends).await)
    }

    /// What the legs came to, joined.
    pub(crate) async fn join(&self, entry: Entry, watching: &Watching, ends: Vec<LegEnd>) -> Answering {
        let Watching { permit, number, about, need, until, legs } = watching;
        let (permit, number, until, elsewhere) = (permit.clone(), *number, *until, legs.elsewhere().clone());
        let Guarded { mut charts, plan, heard, told, said, refused, unsaid, mut attachments } = guarded(
            &about.facts(number, need.birth_date.as_ref()),
            ends,
            need,
            (&self.parts.settings.relationship, self.parts.clock.now()),
        );
        // Once for a read, whatever was shown of it before all had ended.
        if legs.are_over() {
            self.parts.observed.guarded(&permit, &charts);
        }
        charts.extend(self.own_consents(permit.person(), &about.merged, need).await);
        let mut record = join::charts(permit.person().clone(), charts, &self.parts.rules);
        let unshared = Unshared { held: self.held(&permit, &record.items), unsaid, refused };
        self.mark(&permit, &mut record, &unshared);
        // Sources that gave no chart have rows too.
        record.plan.rows.extend(plan.rows);
        record.plan.finalise();
        access::withhold(&permit, &self.parts.sensitivity, &mut record);
        lead_on(&record, &mut attachments);
        if let Some(id) = need.attachment.as_ref().filter(|_| permit.allows(Kind::BINARY) && !permit.hides_place()) {
            self.fetch(
                &permit,
                &about.facts(number, need.birth_date.as_ref()),
                &mut record,
                attachments.iter().find(|(_, one)| one.id == *id),
                until,
            )
            .await;
            // It may carry a label of its own.
            self.mark(&permit, &mut record, &unshared);
            access::withhold(&permit, &self.parts.sensitivity, &mut record);
        }
        let mut unsaid = unshared.unsaid;
        let place_hidden = permit.hides_place();
        if place_hidden {
            let names = hidden::hide(&self.parts, permit.person(), &mut record);
            unsaid = unsaid.iter().filter_map(|source| names.get(source).cloned()).collect();
            // Nothing is fetched, and nothing is read again by the id that it had.
            attachments.clear();
        }
        select::narrow(&mut record, need);
        self.without_heard(&mut record, need, &unsaid);
        join::settle(&mut record, need.join);
        let states = join::states(&record, need);
        let own = (!place_hidden && self.holds(&heard, &elsewhere)).then(|| self.clone());
        if place_hidden {
            self.keep_plan(&permit, &record).await;
        } else {
            tokio::join!(self.keep(&permit, &number, &record, heard, &attachments), self.learn(permit.person(), said));
            self.parts.registration.tell(permit.person(), told);
        }
        let (scopes, rules) = (permit.scopes().clone(), permit.version().to_owned());
        let joined = Joined {
            record,
            number,
            elsewhere,
            unconfirmed: about.unconfirmed,
            claimed: Claimed { emergency: about.emergency, overridden: permit.overridden() },
            place_hidden,
            states,
            scopes,
            rules,
        };
        let (monitoring, vault, now) = (self.parts.monitoring.clone(), self.parts.vault.clone(), self.parts.clock.now());
        Answering { entry, permit, joined, monitoring, vault, now, own }
    }

    /// That Consents were asked for where none was wanted is no part of the answer, but where that they did not come took something away.
    fn without_heard(&self, record: &mut SharedRecord, need: &Need, unsaid: &[SourceId]) {
        if self.parts.sensitivity.is_empty() && !need.gathered().wants(Kind::CONSENT) {
            record.plan.rows.retain(|row| row.kind != Kind::CONSENT || unsaid.contains(&row.source));
        }
    }

    /// Whether a record of the person is here that is not another's: a source answered about them that is neither another exchange
    /// nor, by the national locator's word, itself the shared record of somebody who points at it. A pointer to what we only hear from
    /// those would double theirs.
    fn holds(&self, heard: &[Heard], elsewhere: &Elsewhere) -> bool {
        let own = |source: &SourceId| {
            let entry = self.parts.entries.iter().find(|entry| entry.id == *source);
            entry.is_some_and(|entry| entry.exchange.is_none() && !elsewhere.names(&entry.organisation))
        };
        heard.iter().any(|heard| heard.holds && own(&heard.source))
    }

    /// Asks for an attachment that the record leads to, and adds it. The source answers for the right person, or nothing is added.
    async fn fetch(
        &self,
        permit: &Permit,
        facts: &Facts,
        record: &mut SharedRecord,
        wanted: Option<&(SourceId, Attachment)>,
        until: Instant,
    ) {
        let Some((source, attachment)) = wanted.filter(|(source, _)| permit.may_ask(source, Kind::BINARY)) else { return };
        // Some sources send the content along with everything else.
        if record.items.iter().any(|item| item.kind == Kind::BINARY && item.id == attachment.id) {
            return;
        }
        let Some(entry) = self.parts.entries.iter().find(|entry| entry.id == *source) else { return };
        let own = || record.items.iter().filter(|item| item.kind == Kind::PATIENT && item.origin.source == *source);
        // What others said before was weighed when the source's Patient was accepted.
        let facts = facts.as_accepted(own());
        let holder = Holder {
            source: source.clone(),
            number: facts.number,
            former: facts.former.clone(),
            local_ids: own().filter_map(|item| item.origin.id.clone()).collect(),
        };
        let told = gather::fetch(&self.parts, permit, entry, &holder, &attachment.source_id, until).await;
        let (mut status, mut items) = (told.as_ref().err().copied(), Vec::new());
        if let Ok(told) = told {
            let legs = [Leg { chart: &told.chart, trust: entry.trust }];
            let verdict = guard(&facts, &legs).into_iter().next().unwrap_or(Verdict::NoPatient);
            let chart = release(&verdict, told.chart);
            status = chart.rows.iter().find(|row| row.kind == Kind::BINARY).and_then(|row| row.status);
            items = chart.items;
            items.retain(|item| item.kind == Kind::BINARY && item.id == attachment.id);
        }
        if record.plan.row_mut(source, Kind::BINARY).is_none() {
            record.plan.rows.push(Row::new(source.clone(), Kind::BINARY));
        }
        // What else came of the type stays counted.
        if let Some(row) = record.plan.row_mut(source, Kind::BINARY) {
            row.status = status;
            row.tried = Some(self.parts.clock.now());
            row.counts.came += items.len() as u64;
        }
        record.plan.finalise();
        record.fates.extend(items.iter().map(|_| Fate::Single));
        record.items.append(&mut items);
    }

    /// Writes down what was learnt. None of it withholds the answer; each failure is said.
    async fn keep(
        &self,
        permit: &Permit,
        number: &NhsNumber,
        record: &SharedRecord,
        heard: Vec<Heard>,
        attachments: &[(SourceId, Attachment)],
    ) {
        let Parts { locator, minted, clock, .. } = &*self.parts;
        let ids = met(record, attachments);
        let (heard, ids, ()) = tokio::join!(
            locator.heard(number, heard, clock.now()),
            minted.keep_ids(permit.person(), &ids),
            self.keep_plan(permit, record),
        );
        if let Err(down) = heard {
            tracing::warn!(error = %down, "what was heard could not be written to the locator");
        }
        if let Err(down) = ids {
            tracing::warn!(error = %down, "minted ids could not be kept; reads by id will be refused");
        }
    }

    /// The plan of a read, for whoever made it. Of somebody whose place is hidden it is all that is kept.
    async fn keep_plan(&self, permit: &Permit, record: &SharedRecord) {
        let Parts { plans, clock, settings, .. } = &*self.parts;
        let until = clock.now() + settings.plans_kept;
        if let Err(down) = plans.keep_plan(permit.trace(), permit.person(), &permit.caller().user, &record.plan, until).await {
            tracing::warn!(error = %down, "a plan could not be kept");
        }
    }

    /// Whoever turns out to be restricted has no pointer, nor has a number that is nobody's any more: one that was made before is taken
    /// away, behind the refusal.
    fn hide(&self, ask: &Ask, person: &record::PersonId, about: &About) {
        let Some(locator) = &self.parts.record_locator else { return };
        let number = about.cut.or(about.number.filter(|_| about.restriction == Restriction::Restricted));
        if let (Ok(admission), Some(number)) = (self.admit(ask), number) {
            locator.hide(&admission, person, number);
        }
    }

    /// When a read must end: at our own limit, or when whoever passed the question on stops waiting.
    pub(crate) fn until(&self, ask: &Ask) -> Instant {
        let read = self.parts.settings.read;
        Instant::now() + ask.wait.map_or(read, |wait| wait.min(read))
    }

    /// A question that has been here, or came through too many exchanges, goes no further.
    pub(crate) async fn no_loop(&self, ask: &Ask) -> Result<(), Refused> {
        let settings = &self.parts.settings;
        if !ask.hops.contains(&settings.own) && ask.hops.len() <= settings.hops_max {
            return Ok(());
        }
        let event = Event::refused(Some(Who::of(&ask.caller)), "", "loop");
        self.parts.ledger.note(&ask.request, &event).await.map_err(|down| Refused::Unavailable(down.to_string()))?;
        Err(Refused::Loop)
    }

    /// Closes an entry on a refusal, with the version of the rules as they stand.
    pub(crate) async fn refused(&self, entry: Entry, ask: &Ask, refusal: access::Refusal) -> Refused {
        let policy = told::policy(self.parts.policy.rules().version(), &[]);
        let event = Event::Refused { by: Some(Who::of(&ask.caller)), patient: told::patient(ask), why: refusal.to_string(), policy };
        entry.close((), event).await;
        Refused::Denied(refusal)
    }
}

/// Leaves of what can be fetched that to which all that was attached to it still leads: what is withheld leads nowhere, nor does anything
/// else lead there in its place; and no more does what lost that part of its own.
fn lead_on(record: &SharedRecord, attachments: &mut Vec<(SourceId, Attachment)>) {
    if attachments.is_empty() {
        return;
    }
    let items: FxHashMap<(Kind, &str), &record::Item> = record.items.iter().map(|item| ((item.kind, item.id.as_str()), item)).collect();
    let leads = |one: &Attachment| {
        items.get(&(one.of.0, one.of.1.as_str())).is_some_and(|item| access::leads_to(item.tree.root(), Kind::BINARY).contains(&one.id))
    };
    let gone: FxHashSet<String> = attachments.iter().filter(|(_, one)| !leads(one)).map(|(_, one)| one.id.clone()).collect();
    attachments.retain(|(_, one)| !gone.contains(&one.id));
}

/// What is left of the legs when the guards have seen them.
#[derive(Default)]
struct Guarded {
    charts: Vec<Chart>,
    /// The rows of sources without a chart.
    plan: Plan,
    heard: Vec<Heard>,
    /// Who the sources say that the person is.
    told: Told,
    /// What ties the person to organisations, by their own word.
    said: Vec<evidence::Said>,
    /// What sources refused to tell of.
    refused: Vec<(SourceId, Kind)>,
    /// Sources that did not say what the person objects to there.
    unsaid: Vec<SourceId>,
    /// What can be fetched from those whose answer was about the right person.
    attachments: Vec<(SourceId, Attachment)>,
}

/// Every leg guarded and released.
fn guarded(
    facts: &Facts,
    ends: Vec<LegEnd>,
    need: &Need,
    (relationship, now): (&evidence::RelationshipSettings, jiff::Timestamp),
) -> Guarded {
    let legs: Vec<Leg<'_>> = ends.iter().filter_map(|end| Some(Leg { chart: end.chart.as_ref()?, trust: end.entry.trust })).collect();
    let mut verdicts = guard(facts, &legs).into_iter();
    let mut guarded = Guarded::default();
    for end in ends {
        guarded.plan.rows.extend(end.rows);
        guarded.refused.extend(end.refused.iter().map(|kind| (end.entry.id.clone(), *kind)));
        let Some(chart) = end.chart else { continue };
        guarded.unsaid.extend(end.unsaid.then(|| end.entry.id.clone()));
        let verdict = verdicts.next().unwrap_or(Verdict::NoPatient);
        guarded.heard.extend(hearing(&chart, &verdict, now));
        guarded.told.add(&end.entry, facts, &chart, &verdict, now);
        if matches!(verdict, Verdict::Accepted(_)) {
            guarded.attachments.extend(end.attachments.into_iter().map(|one| (chart.source.clone(), one)));
        }
        let chart = release(&verdict, chart);
        if matches!(verdict, Verdict::Accepted(_)) {
            guarded.said.extend(evidence::said(&end.entry, &chart, need, relationship, now));
        }
        guarded.charts.push(chart);
    }
    guarded
}

/// What a leg says about whether its source knows the person: only an answer does.
fn hearing(chart: &Chart, verdict: &Verdict, now: jiff::Timestamp) -> Option<Heard> {
    let patients = chart.rows.iter().find(|row| row.kind == Kind::PATIENT);
    let answered = patients.and_then(|row| row.status).is_some_and(|status| matches!(status, Status::Ok | Status::OkEmpty));
    let local_ids =
        |ids: &[String]| chart.patients.iter().filter(|item| ids.contains(&item.id)).filter_map(|item| item.origin.id.clone()).collect();
    let source = chart.source.clone();
    match verdict {
        Verdict::Accepted(ids) => Some(Heard { source, holds: true, local_ids: local_ids(ids), categories: categories(chart, now) }),
        Verdict::NoPatient if answered => Some(Heard { source, holds: false, local_ids: Vec::new(), categories: Vec::new() }),
        // Held, mismatched or failed: what it holds is not known.
        _ => None,
    }
}

/// What a source answered of each type, nothing included.
fn categories(chart: &Chart, now: jiff::Timestamp) -> Vec<Category> {
    let mut newest: FxHashMap<Kind, Option<i128>> = FxHashMap::default();
    for item in &chart.items {
        let known = newest.entry(item.kind).or_default();
        *known = (*known).max(join::clinical(item));
    }
    let answered = chart
        .rows
        .iter()
        .filter(|row| row.status.is_some_and(|status| matches!(status, Status::Ok | Status::OkEmpty | Status::OkTruncated)));
    let category = |row: &Row| {
        let date = newest.get(&row.kind).copied().flatten().and_then(|nanos| jiff::Timestamp::from_nanosecond(nanos).ok());
        let newest_date = date.map(|date| jiff::tz::Offset::UTC.to_datetime(date).date());
        Category { kind: row.kind, holds: newest.contains_key(&row.kind), newest: newest_date, heard: now }
    };
    let kinds = answered.filter(|row| row.kind != Kind::PATIENT);
    kinds.map(category).collect()
}

/// The ids by which what is in a record can be read again.
fn met<'a>(record: &'a SharedRecord, attachments: &'a [(SourceId, Attachment)]) -> Vec<Met<'a>> {
    let of = |item: &'a record::Item| Met {
        kind: item.kind,
        id: &item.id,
        source: &item.origin.source,
        source_kind: &item.origin.kind,
        source_id: item.origin.id.as_deref(),
    };
    let attached = attachments.iter().map(|(source, one)| Met {
        kind: Kind::BINARY,
        id: &one.id,
        source,
        source_kind: Kind::BINARY.name(),
        source_id: Some(&one.source_id),
    });
    record.items.iter().map(of).chain(attached).collect()
}

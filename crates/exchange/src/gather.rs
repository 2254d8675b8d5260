//! Asking all sources at once, each leg to its end.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError};

use access::{Admission, Permit};
use dialect::{Attachment, Conversation, Everything, Known, Opening, Told};
use fhir::Kind;
use futures::StreamExt;
use futures::stream::FuturesUnordered;
use identity::Located;
use record::{Ask, CARRIED, Call, Chart, Counts, Failure, Holder, Need, NhsNumber, Row, SourceId, Status};
use source::Leg;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::parts::{Locate, Parts, SourceEntry};
use crate::{Elsewhere, hidden};

/// The note on the rows of a source that has not answered yet, where what others said is shown before it has.
pub const NOT_YET: &str = "not-yet";

/// What one source came to.
#[derive(Clone)]
pub(crate) struct LegEnd {
    pub(crate) entry: SourceEntry,
    /// What it said; none when it was not asked.
    pub(crate) chart: Option<Chart>,
    /// Rows when there is no chart.
    pub(crate) rows: Vec<Row>,
    /// What can be fetched from it.
    pub(crate) attachments: Vec<Attachment>,
    /// The types that it refused to tell of.
    pub(crate) refused: Vec<Kind>,
    /// Whether it answered, and did not say what the person objects to there, which it may hold.
    pub(crate) unsaid: bool,
}

impl LegEnd {
    /// A source that gave no answer.
    fn silent(entry: &SourceEntry, rows: Vec<Row>) -> LegEnd {
        LegEnd { entry: entry.clone(), chart: None, rows, attachments: Vec::new(), refused: Vec::new(), unsaid: false }
    }
}

/// What is to be asked of whom.
pub(crate) struct Question {
    pub(crate) ask: Ask,
    pub(crate) number: NhsNumber,
    pub(crate) former: Vec<NhsNumber>,
    pub(crate) need: Need,
    pub(crate) located: Vec<Located>,
    pub(crate) until: Instant,
}

/// Why a source is not asked, if it is not.
fn not_asked(parts: &Parts, permit: &Permit, entry: &SourceEntry, question: &Question) -> Option<(Status, Option<jiff::Timestamp>)> {
    if entry.exchange.as_ref().is_some_and(|exchange| question.ask.hops.contains(exchange)) {
        return Some((Status::NotAskedLoop, None));
    }
    if entry.compare {
        return Some((Status::NotAskedShadow, None));
    }
    if !permit.may_ask_anything(&entry.id) || permit.closes(&entry.organisation) {
        return Some((Status::Withheld, None));
    }
    let miss = question.located.iter().find(|located| located.source == entry.id && !located.holds)?;
    let age = parts.clock.now().duration_since(miss.heard);
    let believed = entry.locate == Locate::Index && !permit.is_emergency() && age.unsigned_abs() < parts.settings.locator_age;
    believed.then_some((Status::NotLocated, Some(miss.heard)))
}

/// Every source asked at once; each leg says how it went. Legs belong to this: when it is dropped, so are they.
///
/// What the national locator says comes while they run. A source that said before that it does not know the person is asked all the
/// same when its organisation now says, there, that it holds their shared record.
pub(crate) struct Legs {
    parts: Arc<Parts>,
    permit: Permit,
    question: Question,
    under_way: JoinSet<LegEnd>,
    /// Sources that are not asked unless the locator names them.
    passed_over: Vec<(SourceEntry, Status, Option<jiff::Timestamp>)>,
    /// What the locator is asked, while it has not said.
    consulting: JoinSet<Elsewhere>,
    elsewhere: Elsewhere,
    ends: Vec<LegEnd>,
}

impl Legs {
    /// Begins them all.
    pub(crate) fn begin(
        parts: &Arc<Parts>,
        permit: &Permit,
        question: Question,
        consulting: impl Future<Output = Elsewhere> + Send + 'static,
    ) -> Legs {
        let mut legs = Legs {
            parts: parts.clone(),
            permit: permit.clone(),
            question,
            under_way: JoinSet::new(),
            passed_over: Vec::new(),
            consulting: JoinSet::new(),
            elsewhere: Elsewhere::default(),
            ends: Vec::new(),
        };
        legs.consulting.spawn(consulting);
        for entry in &parts.entries {
            match not_asked(parts, permit, entry, &legs.question) {
                Some((status, heard)) => legs.passed_over.push((entry.clone(), status, heard)),
                None => legs.ask(entry),
            }
        }
        legs
    }

    fn ask(&mut self, entry: &SourceEntry) {
        let question = &self.question;
        let located = question.located.iter().find(|located| located.source == entry.id && located.holds);
        let holder = Holder {
            source: entry.id.clone(),
            number: question.number,
            former: question.former.clone(),
            local_ids: located.map(|located| located.local_ids.clone()).unwrap_or_default(),
        };
        let (parts, permit, entry) = (self.parts.clone(), self.permit.clone(), entry.clone());
        let (need, until) = (question.need.clone(), question.until);
        self.under_way.spawn(async move {
            let asking = leg(&parts, &permit, entry, &holder, &need, until);
            hidden::quietly(&permit, asking).await
        });
    }

    /// Waits until one more has ended: false when all have. What is dropped while it waits loses nothing.
    pub(crate) async fn next(&mut self) -> bool {
        loop {
            tokio::select! {
                Some(said) = self.consulting.join_next() => {
                    self.elsewhere = said.unwrap_or_default();
                    for (entry, status, heard) in std::mem::take(&mut self.passed_over) {
                        match status == Status::NotLocated && self.elsewhere.names(&entry.organisation) {
                            true => self.ask(&entry),
                            false => self.ends.push(LegEnd::silent(&entry, rows(&entry, &self.question.need, status, heard))),
                        }
                    }
                }
                Some(ended) = self.under_way.join_next() => match ended {
                    Ok(end) => {
                        self.ends.push(end);
                        return true;
                    }
                    Err(_) => return panicked(),
                },
                else => return false,
            }
        }
    }

    /// Waits for all of them.
    pub(crate) async fn end(&mut self) {
        while self.next().await {}
    }

    /// What the locator said, as far as it has.
    pub(crate) fn elsewhere(&self) -> &Elsewhere {
        &self.elsewhere
    }

    /// Whether nothing may come any more.
    pub(crate) fn are_over(&self) -> bool {
        self.consulting.is_empty() && self.under_way.is_empty()
    }

    /// Whether what came can be shown before the rest has: some source has answered, and every one that said before that it holds what
    /// the person objects to has ended. What such a one says takes away from what others do.
    pub(crate) fn can_be_shown(&self) -> bool {
        let ended = |source: &SourceId| self.ends.iter().any(|end| end.entry.id == *source);
        let objects = |located: &&Located| located.categories.iter().any(|category| category.kind == Kind::CONSENT && category.holds);
        self.ends.iter().any(|end| end.chart.is_some())
            && self.question.located.iter().filter(objects).all(|located| ended(&located.source))
    }

    /// The sources that are asked and have not ended, with what they are not yet known to hold: as though they were silent.
    fn awaited(&self) -> Vec<LegEnd> {
        let awaited = |entry: &&SourceEntry| {
            let passed_over = self.passed_over.iter().any(|(passed, _, _)| passed.id == entry.id);
            !passed_over && !self.ends.iter().any(|end| end.entry.id == entry.id)
        };
        let over = self.are_over();
        let silent = |entry: &SourceEntry| {
            // A bug in a dialect takes away no more than its own source's answer.
            let (status, note) = if over { (Status::FailedInternal, None) } else { (Status::FailedTimeout, Some(NOT_YET.to_owned())) };
            let rows = rows(entry, &self.question.need, status, None).into_iter().map(|row| Row { note: note.clone(), ..row });
            LegEnd::silent(entry, rows.collect())
        };
        self.parts.entries.iter().filter(awaited).map(silent).collect()
    }

    /// How every source ended; of those that have not, that they have not yet.
    pub(crate) fn so_far(&self) -> Vec<LegEnd> {
        let passed = |(entry, status, heard): &(SourceEntry, Status, Option<jiff::Timestamp>)| {
            LegEnd::silent(entry, rows(entry, &self.question.need, *status, *heard))
        };
        let mut ends = self.ends.clone();
        ends.extend(self.passed_over.iter().map(passed));
        ends.extend(self.awaited());
        ends.sort_by(|a, b| a.entry.id.cmp(&b.entry.id));
        ends
    }

    /// How every source ended, once all have.
    pub(crate) fn take(&mut self) -> Vec<LegEnd> {
        let awaited = self.awaited();
        let mut ends = std::mem::take(&mut self.ends);
        ends.extend(awaited);
        ends.sort_by(|a, b| a.entry.id.cmp(&b.entry.id));
        ends
    }
}

/// A bug in a dialect must not take the other sources' answers along; the rows of its own name it. The words of a panic may quote what
/// it was at.
fn panicked() -> bool {
    tracing::error!("a leg ended in a panic");
    true
}

fn rows(entry: &SourceEntry, need: &Need, status: Status, last_answered: Option<jiff::Timestamp>) -> Vec<Row> {
    let wanted = CARRIED.iter().filter(|kind| need.wants(**kind));
    wanted.map(|kind| Row { status: Some(status), last_answered, ..Row::new(entry.id.clone(), *kind) }).collect()
}

/// Asks one source.
pub(crate) async fn leg(parts: &Parts, permit: &Permit, entry: SourceEntry, holder: &Holder, need: &Need, until: Instant) -> LegEnd {
    let allowed = Allowed::of(permit, &parts.sensitivity, &entry.id, need);
    let mut seeing = parts.observed.begins(permit, &entry.id);
    let leg = match parts.sources.leg(permit, &entry.id, until).await {
        Ok(leg) => leg,
        Err(failure) => {
            seeing.ended(std::iter::once(status_of(failure)));
            let (note, now) = (why(failure), parts.clock.now());
            let tried = note.is_none().then_some(now);
            let rows = rows(&entry, need, status_of(failure), None).into_iter();
            let rows = rows.map(|row| Row { tried, note: note.map(str::to_owned), ..row }).collect();
            let (source, status) = (hidden::counted(permit, &entry.id).to_owned(), status_of(failure).code());
            metrics::counter!("severn_source_legs_failed_total", "source" => source, "status" => status).increment(1);
            return LegEnd::silent(&entry, rows);
        }
    };
    seeing.asks();
    let (known, since) = known(parts, &entry);
    let (settings, now) = (allowed.settings(&entry.settings), parts.clock.now());
    let opening = Opening { holder, settings: &settings, known: &known, reader: Some(permit.caller()), now };
    let (conversation, calls) = entry.dialect.start(&opening, &allowed.need);
    let told = converse(parts, &leg, conversation, calls).await;
    seeing.learnt(&told.learnt);
    learn(parts, &entry, told.learnt, since);
    let mut chart = told.chart;
    if entry.exchange.is_none() && consents(&chart) == Some(Status::OkTruncated) {
        // A long answer may be cut before it comes to what the person objects to: that is asked for by itself.
        let settings = dialect::Settings { everything: Everything::Never, ..settings.clone() };
        let (conversation, calls) =
            entry.dialect.start(&Opening { settings: &settings, ..opening }, &Need { kinds: vec![Kind::CONSENT], ..allowed.need.clone() });
        with_consents(&mut chart, converse(parts, &leg, conversation, calls).await.chart);
    }
    let refused = chart.rows.iter().filter(|row| row.status == Some(Status::Withheld)).map(|row| row.kind).collect();
    let unsaid = unsaid(&entry, &chart);
    let rows = allowed.told(&entry, &mut chart);
    seeing.ended(chart.rows.iter().chain(&rows).filter_map(|row| row.status));
    let mut statuses: BTreeMap<&str, u64> = BTreeMap::new();
    for row in chart.rows.iter().chain(&rows) {
        *statuses.entry(row.status.map_or("none", Status::code)).or_default() += 1;
    }
    for (status, count) in statuses {
        let source = hidden::counted(permit, &entry.id).to_owned();
        metrics::counter!("severn_source_rows_total", "source" => source, "status" => status).increment(count);
    }
    LegEnd { entry, chart: Some(chart), rows, attachments: told.attachments, refused, unsaid }
}

/// Whether a source did not say what the person objects to there, and may hold it. One that does not carry Consents holds none; another
/// exchange minds what is objected to behind it.
fn unsaid(entry: &SourceEntry, chart: &Chart) -> bool {
    entry.exchange.is_none() && !matches!(consents(chart), Some(Status::Ok | Status::OkEmpty | Status::CacheFresh | Status::Unsupported))
}

/// How a source answered for Consents.
fn consents(chart: &Chart) -> Option<Status> {
    chart.rows.iter().find(|row| row.kind == Kind::CONSENT).and_then(|row| row.status)
}

/// Puts Consents that came whole in place of those that may not have.
fn with_consents(chart: &mut Chart, whole: Chart) {
    if !matches!(consents(&whole), Some(Status::Ok | Status::OkEmpty)) {
        return;
    }
    let of_consents = |kind: Kind| kind == Kind::CONSENT;
    chart.items.retain(|item| !of_consents(item.kind));
    chart.items.extend(whole.items.into_iter().filter(|item| of_consents(item.kind)));
    chart.items.sort_by(|a, b| (&a.id, a.kind).cmp(&(&b.id, b.kind)));
    chart.quarantined.retain(|one| !one.kind.is_some_and(of_consents));
    chart.quarantined.extend(whole.quarantined.into_iter().filter(|one| one.kind.is_some_and(of_consents)));
    chart.rows.retain(|row| !of_consents(row.kind));
    chart.rows.extend(whole.rows.into_iter().filter(|row| of_consents(row.kind)));
}

/// Asks one source for an attachment, and for the Patient to judge it by.
pub(crate) async fn fetch(
    parts: &Parts,
    permit: &Permit,
    entry: &SourceEntry,
    holder: &Holder,
    id: &str,
    until: Instant,
) -> Result<Told, Status> {
    let leg = parts.sources.leg(permit, &entry.id, until).await.map_err(status_of)?;
    let (known, since) = known(parts, entry);
    let opening = Opening { holder, settings: &entry.settings, known: &known, reader: Some(permit.caller()), now: parts.clock.now() };
    let (conversation, calls) = entry.dialect.read_one(&opening, Kind::BINARY.name(), id);
    let told = converse(parts, &leg, conversation, calls).await;
    learn(parts, entry, told.learnt.clone(), since);
    Ok(told)
}

/// What of a need may be asked for at all. Permission is enforced here, and again on what came.
struct Allowed {
    need: Need,
    /// The types of which nothing is shown, each with why: those are asked for only where the rest is judged by them.
    barred: Vec<(Kind, &'static str)>,
    /// Whether every type may be asked for, wanted or not.
    whole: bool,
}

impl Allowed {
    fn of(permit: &Permit, sensitivity: &access::Lists, source: &SourceId, need: &Need) -> Allowed {
        let wanted = || CARRIED.iter().copied().filter(|kind| need.wants(*kind));
        let mut kinds: Vec<Kind> = wanted().filter(|kind| permit.may_ask(source, *kind) || access::judges(*kind, sensitivity)).collect();
        let barred: Vec<(Kind, &'static str)> = wanted().filter_map(|kind| Some((kind, permit.lacks_of(source, kind)?))).collect();
        let whole = CARRIED.iter().all(|kind| permit.may_ask(source, *kind));
        if barred.is_empty() {
            return Allowed { need: need.clone(), barred, whole };
        }
        if kinds.is_empty() {
            // No types would mean all of them. Who the person is may be asked by everybody who may read.
            kinds.push(Kind::PATIENT);
        }
        Allowed { need: Need { kinds, ..need.clone() }, barred, whole }
    }

    /// `$everything` asks for what is barred, too, even where that is not wanted.
    fn settings(&self, settings: &dialect::Settings) -> dialect::Settings {
        let everything = if self.whole { settings.everything } else { Everything::Never };
        dialect::Settings { everything, ..settings.clone() }
    }

    /// Rows of what was barred. A source may tell more than it was asked: of that only the status is said.
    fn told(&self, entry: &SourceEntry, chart: &mut Chart) -> Vec<Row> {
        let bar = |row: Row, why: &str| {
            let withheld = row.counts.withheld + row.counts.filtered;
            let counts = Counts { withheld, filtered: 0, ..row.counts };
            Row { status: Some(Status::Withheld), note: Some(why.to_owned()), counts, ..row }
        };
        for row in &mut chart.rows {
            if let Some((_, why)) = self.barred.iter().find(|(kind, _)| *kind == row.kind) {
                *row = bar(row.clone(), why);
            }
        }
        let there = |kind: Kind| chart.rows.iter().any(|row| row.kind == kind);
        self.barred.iter().filter(|(kind, _)| !there(*kind)).map(|(kind, why)| bar(Row::new(entry.id.clone(), *kind), why)).collect()
    }
}

/// Asks one source whether it knows the number.
pub(crate) async fn find(
    parts: &Parts,
    admission: &Admission,
    entry: &SourceEntry,
    (number, former): (NhsNumber, &[NhsNumber]),
    until: Instant,
) -> Result<Told, Failure> {
    let leg = parts.sources.leg_to_find(admission, &entry.id, until).await?;
    let holder = Holder { source: entry.id.clone(), number, former: former.to_vec(), local_ids: Vec::new() };
    let (known, since) = known(parts, entry);
    let opening = Opening {
        holder: &holder,
        settings: &entry.settings,
        known: &known,
        reader: Some(&admission.ask().caller),
        now: parts.clock.now(),
    };
    let (conversation, calls) = entry.dialect.find(&opening);
    let told = converse(parts, &leg, conversation, calls).await;
    learn(parts, entry, told.learnt.clone(), since);
    Ok(told)
}

pub(crate) fn status_of(failure: Failure) -> Status {
    match failure {
        Failure::CircuitOpen => Status::CircuitOpen,
        Failure::Broken | Failure::ForeignOrigin | Failure::Refused => Status::FailedHttp,
        Failure::NoEndUser => Status::Withheld,
        Failure::Throttled => Status::Throttled,
        Failure::Timeout => Status::FailedTimeout,
        Failure::TooLarge => Status::OkTruncated,
        Failure::Unauthorised => Status::FailedAuth,
    }
}

/// The code on the rows of a source that was not asked, for want of somebody to ask for.
pub(crate) fn why(failure: Failure) -> Option<&'static str> {
    (failure == Failure::NoEndUser).then_some("no-end-user")
}

/// Turns the crank of one conversation until it is done or its time is up. What came by then stays; what did not is named by the chart's rows.
async fn converse(parts: &Parts, leg: &Leg, mut conversation: Conversation, calls: Vec<Call>) -> Told {
    let mut under_way = FuturesUnordered::new();
    under_way.extend(calls.into_iter().map(|call| parts.sources.ask(leg, call)));
    let time_up = tokio::time::sleep_until(leg.until());
    tokio::pin!(time_up);
    loop {
        tokio::select! {
            biased;
            reply = under_way.next() => match reply {
                Some(reply) => under_way.extend(conversation.reply(reply).into_iter().map(|call| parts.sources.ask(leg, call))),
                None => break,
            },
            () = &mut time_up => break,
        }
    }
    drop(under_way);
    conversation.finish()
}

/// What is known of a source, and since when; nothing, since now, when that is too old to be believed.
fn known(parts: &Parts, entry: &SourceEntry) -> (Known, jiff::Timestamp) {
    let now = parts.clock.now();
    let kept = parts.known.lock().unwrap_or_else(PoisonError::into_inner).get(&entry.id).cloned();
    let fresh = kept.filter(|(_, since)| now.duration_since(*since).unsigned_abs() < parts.settings.known_age);
    fresh.unwrap_or((Known::default(), now))
}

/// What a conversation adds is as old as what it set out with, so that nothing is believed for longer by being used. A younger
/// one's word stays.
fn learn(parts: &Parts, entry: &SourceEntry, learnt: Known, since: jiff::Timestamp) {
    if learnt == Known::default() {
        return;
    }
    let mut all = parts.known.lock().unwrap_or_else(PoisonError::into_inner);
    if all.get(&entry.id).is_none_or(|(_, kept)| *kept <= since) {
        all.insert(entry.id.clone(), (learnt, since));
    }
}

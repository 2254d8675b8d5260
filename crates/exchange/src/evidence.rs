//! What speaks for a relationship before anybody claims one: learnt from what earlier reads showed, from the person index and the national
//! demographics service. No source is asked to find it.
//!
//! A source's word ties a person only to the organisation whose record it is, or to one that the configuration says it speaks for
//! (`vouches_for`): by naming an organisation nobody can open somebody's record to it.

use std::time::Duration;

use access::{Evidence, Tie, TieKind};
use fhir::date::Partial;
use fhir::{Kind, Ref};
use jiff::{SignedDuration, Timestamp};
use record::{Ask, Chart, Item, Need, ODS_SYSTEM, OdsCode, PersonId, SourceId, Status};

use crate::facts::About;
use crate::index::{Known, Practice};
use crate::{Exchange, Refused, SourceEntry};

/// The national demographics service, among the sources of ties. No source has this id where the service is asked.
const NATIONAL: &str = "pds";

/// Ties of one kind that one source may say of one person; the latest stand.
const TIES_MAX: usize = 50;

/// A tie that lasts so little longer than the one that is kept is not written again.
const SAME: SignedDuration = SignedDuration::from_hours(24);

/// For how long each kind of tie speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RelationshipSettings {
    /// Before an appointment begins, and after.
    pub appointment: Duration,
    /// After a care team was last heard of.
    pub care_team: Duration,
    /// After an encounter or episode was last heard of as open.
    pub episode: Duration,
    /// An encounter that began longer ago was not ended by mistake: it is not believed to be open.
    pub encounter_age: Duration,
    /// After a practice was last heard of as the one that the person is registered with.
    pub practice: Duration,
    /// After a referral was made.
    pub referral: Duration,
}

impl Default for RelationshipSettings {
    fn default() -> RelationshipSettings {
        let days = |days: u64| Duration::from_secs(days * 86_400);
        RelationshipSettings {
            appointment: days(90),
            care_team: days(90),
            episode: days(30),
            encounter_age: days(365),
            practice: days(90),
            referral: days(180),
        }
    }
}

/// What one source said of one kind of ties.
pub(crate) struct Said {
    source: SourceId,
    kind: TieKind,
    /// Whether it said all of that kind; else what it said before stands beside it.
    whole: bool,
    ties: Vec<Tie>,
}

impl Exchange {
    /// What speaks for a relationship of this caller with this person now.
    pub(crate) async fn evidence(&self, ask: &Ask, person: &PersonId, index: &Known) -> Result<Vec<Evidence>, Refused> {
        let now = self.parts.clock.now();
        let claims = self.parts.claims.of(person, &ask.caller.user, now).await?;
        let claimed = claims.into_iter().filter(|claim| claim.speaks_for(&ask.caller, index)).map(|claim| claim.evidence());
        let launched = match &ask.caller.launch_patient {
            Some(launched) if launched == person || self.is_theirs(launched, person).await? => Some(Evidence::Launch(person.clone())),
            _ => None,
        };
        let ties = self.parts.ties.ties(person).await?;
        // Where the national service says who their practice is, nobody else does.
        let registered =
            |source: &SourceId, tie: &Tie| source.as_str() == NATIONAL && tie.kind == TieKind::RegisteredPractice && now < tie.until;
        let registered = ties.iter().any(|(source, tie)| registered(source, tie));
        let practices = index.practices.iter().filter(|_| !registered).filter_map(|practice| self.registered(practice));
        let stands = |source: &SourceId, tie: &Tie| !registered || tie.kind != TieKind::RegisteredPractice || source.as_str() == NATIONAL;
        let ties = ties
            .iter()
            .filter(|(source, tie)| stands(source, tie))
            .map(|(_, tie)| tie.clone())
            .chain(practices)
            .filter(|tie| tie.speaks_for(&ask.caller, now));
        Ok(claimed.chain(launched).chain(ties.map(Evidence::Tied)).collect())
    }

    /// A practice of the index as a tie; none where its source does not speak for it.
    fn registered(&self, practice: &Practice) -> Option<Tie> {
        let source = self.parts.entries.iter().find(|entry| entry.id == practice.source)?;
        let until = practice.seen.checked_add(self.parts.settings.relationship.practice).ok()?;
        let (kind, organisation) = (TieKind::RegisteredPractice, practice.organisation.clone());
        source.speaks_for(&organisation).then_some(Tie { kind, organisation, from: practice.seen, until })
    }

    /// Whether an id in a launch context is one that was minted for a source's Patient of this person and of nobody else: a reader's
    /// system may have them open by either id.
    async fn is_theirs(&self, launched: &PersonId, person: &PersonId) -> Result<bool, Refused> {
        let met = self.parts.minted.resolve(Kind::PATIENT, launched.as_str()).await?;
        Ok(!met.is_empty() && met.iter().all(|one| one.person == *person))
    }

    /// Keeps what the national service said of the person's practice, now.
    pub(crate) async fn keep_practice(&self, person: &PersonId, about: &About) {
        let Some(practice) = &about.practice else { return };
        let now = self.parts.clock.now();
        let until = now.checked_add(self.parts.settings.relationship.practice).unwrap_or(now);
        let kind = TieKind::RegisteredPractice;
        let ties = practice.iter().map(|code| Tie { kind, organisation: code.clone(), from: now, until }).collect();
        let source = NATIONAL.parse().expect("letters are a source id");
        self.learn(person, vec![Said { source, kind, whole: true, ties }]).await;
    }

    /// Keeps what was said. It withholds nothing when it cannot: a later answer brings it again.
    pub(crate) async fn learn(&self, person: &PersonId, said: Vec<Said>) {
        if said.is_empty() {
            return;
        }
        if let Err(down) = self.try_to_learn(person, said).await {
            tracing::warn!(error = %down, "what ties a person to organisations could not be kept; a later answer brings it again");
        }
    }

    async fn try_to_learn(&self, person: &PersonId, said: Vec<Said>) -> Result<(), crate::StoreDown> {
        let (kept, now) = (self.parts.ties.ties(person).await?, self.parts.clock.now());
        let mut new = Vec::new();
        for Said { source, kind, whole, mut ties } in said {
            let before: Vec<&Tie> = kept.iter().filter(|(own, tie)| *own == source && tie.kind == kind).map(|(_, tie)| tie).collect();
            if !whole {
                ties.extend(before.iter().map(|tie| (*tie).clone()));
            }
            let ties = told_once(ties, now);
            let same = |(one, other): (&Tie, &&Tie)| {
                one.organisation == other.organisation
                    && other.from <= one.from
                    && one.from.duration_since(other.from) < SAME
                    && one.until.duration_since(other.until).abs() < SAME
            };
            if ties.len() != before.len() || !ties.iter().zip(&before).all(same) {
                new.push((source, kind, ties));
            }
        }
        // The answer waits for it: once, however many sources said something new.
        if new.is_empty() { Ok(()) } else { self.parts.ties.keep_ties(person, &new).await }
    }
}

/// Those that are not over, each once, in order.
fn told_once(mut ties: Vec<Tie>, now: Timestamp) -> Vec<Tie> {
    ties.retain(|tie| now < tie.until);
    // What lasts longest first, of each organisation and beginning.
    ties.sort_by(|a, b| (&a.organisation, a.from, b.until).cmp(&(&b.organisation, b.from, a.until)));
    ties.dedup_by(|a, b| a.organisation == b.organisation && a.from == b.from);
    if ties.len() > TIES_MAX {
        ties.sort_by_key(|tie| std::cmp::Reverse(tie.until));
        ties.truncate(TIES_MAX);
        ties.sort_by(|a, b| (&a.organisation, a.from).cmp(&(&b.organisation, b.from)));
    }
    ties
}

impl SourceEntry {
    /// Whether its word ties a person to an organisation: its own, or one that the configuration says it speaks for.
    pub(crate) fn speaks_for(&self, organisation: &OdsCode) -> bool {
        self.organisation == *organisation || self.vouches_for.contains(organisation)
    }
}

/// What a released chart says ties its person to organisations.
pub(crate) fn said(source: &SourceEntry, chart: &Chart, need: &Need, settings: &RelationshipSettings, now: Timestamp) -> Vec<Said> {
    let reading = Reading { source, chart, settings, now };
    let narrowed = need.by_id || need.since.is_some() || !need.filters.is_empty();
    let kinds: [(TieKind, &[Kind]); 4] = [
        (TieKind::Appointment, &[Kind::APPOINTMENT]),
        (TieKind::CareTeam, &[Kind::CARE_TEAM]),
        (TieKind::OpenEpisode, &[Kind::ENCOUNTER, Kind::EPISODE_OF_CARE]),
        (TieKind::Referral, &[Kind::SERVICE_REQUEST]),
    ];
    let of = |(tie, kinds): (TieKind, &[Kind])| {
        let status = |kind: &Kind| chart.rows.iter().find(|row| row.kind == *kind).and_then(|row| row.status);
        let answered = |kind: &Kind| matches!(status(kind), Some(Status::Ok | Status::OkEmpty | Status::OkTruncated));
        let whole = !narrowed && kinds.iter().all(|kind| matches!(status(kind), Some(Status::Ok | Status::OkEmpty)));
        let items = chart.items.iter().filter(|item| kinds.contains(&item.kind));
        let ties = items.flat_map(|item| reading.ties(tie, item)).collect();
        kinds.iter().any(answered).then(|| Said { source: source.id.clone(), kind: tie, whole, ties })
    };
    let registered = reading.registered(narrowed);
    kinds.into_iter().filter_map(of).chain([registered]).filter(|said| said.whole || !said.ties.is_empty()).collect()
}

/// One chart, as it is read for ties.
struct Reading<'a> {
    source: &'a SourceEntry,
    chart: &'a Chart,
    settings: &'a RelationshipSettings,
    now: Timestamp,
}

impl Reading<'_> {
    /// The ties of one resource.
    fn ties(&self, kind: TieKind, item: &Item) -> Vec<Tie> {
        let root = item.tree.root();
        let Some((from, until)) = self.span(kind, item.kind, root) else { return Vec::new() };
        let mut organisations: Vec<OdsCode> =
            named(kind, item.kind).iter().flat_map(|path| root.all(path)).flat_map(|one| self.organisations(one)).collect();
        organisations.sort_unstable();
        organisations.dedup();
        organisations.retain(|organisation| self.source.speaks_for(organisation));
        organisations.into_iter().map(|organisation| Tie { kind, organisation, from, until }).collect()
    }

    /// The practices that the source's accepted Patients give, led to within the answer.
    fn registered(&self, narrowed: bool) -> Said {
        let (kind, now) = (TieKind::RegisteredPractice, self.now);
        let until = now.checked_add(self.settings.practice).unwrap_or(now);
        let given = self.chart.patients.iter().flat_map(|item| item.tree.root().all("generalPractitioner"));
        let organisations = given.flat_map(|one| self.organisations(one)).filter(|organisation| self.source.speaks_for(organisation));
        let ties = organisations.map(|organisation| Tie { kind, organisation, from: now, until }).collect();
        Said { source: self.source.id.clone(), kind, whole: !narrowed && !self.chart.patients.is_empty(), ties }
    }

    /// From when until when a resource ties; none where it does not.
    fn span(&self, tie: TieKind, kind: Kind, root: Ref<'_>) -> Option<(Timestamp, Timestamp)> {
        let status = root.text("status").unwrap_or_default();
        let (began, ended) = (moment(root, "period.start", first), moment(root, "period.end", last));
        let over = |until: Timestamp| ended.map_or(until, |ended| until.min(ended));
        let since = |age: Duration| self.now.checked_sub(age).ok();
        let after = |from: Timestamp, time: Duration| from.checked_add(time).ok();
        match tie {
            TieKind::Appointment if matches!(&*status, "pending" | "booked" | "arrived" | "checked-in" | "fulfilled") => {
                let begins = moment(root, "start", first)?;
                Some((begins.checked_sub(self.settings.appointment).ok()?, after(begins, self.settings.appointment)?))
            }
            TieKind::CareTeam if status == "active" => Some((began.unwrap_or(self.now), over(after(self.now, self.settings.care_team)?))),
            TieKind::OpenEpisode if kind == Kind::EPISODE_OF_CARE && matches!(&*status, "active" | "onhold") => {
                Some((began.unwrap_or(self.now), over(after(self.now, self.settings.episode)?)))
            }
            // An arrival, a dispatch, a call: it is open from the moment that the organisation has it. Encounters are often never ended.
            TieKind::OpenEpisode if kind == Kind::ENCOUNTER && matches!(&*status, "arrived" | "triaged" | "in-progress" | "onleave") => {
                let began = began.filter(|began| since(self.settings.encounter_age).is_some_and(|oldest| oldest <= *began))?;
                Some((began, over(after(self.now, self.settings.episode)?)))
            }
            TieKind::Referral if status == "active" && !root.is("intent", "proposal") && !root.is("intent", "plan") => {
                let made = moment(root, "authoredOn", first)?;
                Some((made, after(made, self.settings.referral)?))
            }
            _ => None,
        }
    }

    /// The organisations that a reference leads to: by its own code, or by that of the organisation, place or role it names in the same
    /// answer. A local id is never taken for a code.
    fn organisations(&self, reference: Ref<'_>) -> Vec<OdsCode> {
        let coded = reference.at("identifier").and_then(code);
        let led = || {
            let target = reference.text("reference")?;
            let (kind, id) = target.split_once('/')?;
            let item = self.chart.items.iter().find(|item| item.kind.name() == kind && item.id == id)?;
            let root = item.tree.root();
            match item.kind {
                Kind::ORGANIZATION => root.all("identifier").into_iter().find_map(code),
                Kind::LOCATION => self.organisations(root.at("managingOrganization")?).into_iter().next(),
                Kind::PRACTITIONER_ROLE => self.organisations(root.at("organization")?).into_iter().next(),
                _ => None,
            }
        };
        coded.or_else(led).into_iter().collect()
    }
}

/// Where a resource names the organisations that it ties to.
fn named(tie: TieKind, kind: Kind) -> &'static [&'static str] {
    match tie {
        TieKind::Appointment => &["participant.actor"],
        TieKind::CareTeam => &["managingOrganization", "participant.member", "participant.onBehalfOf"],
        TieKind::OpenEpisode if kind == Kind::ENCOUNTER => &["serviceProvider"],
        TieKind::OpenEpisode => &["managingOrganization"],
        TieKind::Referral => &["performer"],
        TieKind::RegisteredPractice => &[],
    }
}

fn code(identifier: Ref<'_>) -> Option<OdsCode> {
    identifier.is("system", ODS_SYSTEM).then(|| identifier.text("value")?.trim().parse().ok()).flatten()
}

/// The moment that a date stands for: its first or its last.
fn moment(root: Ref<'_>, path: &str, of: fn(Partial) -> i128) -> Option<Timestamp> {
    Timestamp::from_nanosecond(of(Partial::parse(&root.text(path)?)?)).ok()
}

fn first(date: Partial) -> i128 {
    date.range().0
}

fn last(date: Partial) -> i128 {
    date.range().1
}

#[cfg(test)]
mod tests;

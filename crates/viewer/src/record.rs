//! A joined record, laid out: banner, completeness, what matters first, conflicts, sections.

use std::collections::BTreeMap;

use audit::Audited;
use exchange::{Coming, Elsewhere, Exchange, Joined, Names, Pace, Refused};
use fhir::Kind;
use jiff::Timestamp;
use record::{AllergyState, Ask, Fate, Item, SharedRecord, SourceId, Status, Tier};

use crate::banner::{self, Banner, Identity, Practice};
use crate::completeness::{self, Completeness, kind_in_words};
use crate::critical::{self, Critical};
use crate::item::{Cluster, Line, Reader};
use crate::sections::Heading;
use crate::words;

/// All that a page of a record says. It is made of one read.
#[derive(Debug, Clone)]
pub struct Record {
    /// Whose: the exchange's id, for addresses.
    pub person: String,
    /// Where the record's own page is: empty on it.
    pub home: String,
    /// Which of its pages this is.
    pub sheet: &'static str,
    /// Who they are.
    pub banner: Banner,
    /// The allergies of the banner.
    pub allergies: Allergies,
    /// Who answered.
    pub completeness: Completeness,
    /// What else to know of the answer.
    pub notices: Vec<String>,
    /// Where it is shown in an emergency: when that ends.
    pub emergency: Option<Timestamp>,
    /// Where a law overrides what they object to here: until when.
    pub overridden: Option<String>,
    /// Whether whatever tells of a place was taken out.
    pub place_hidden: bool,
    /// What binds whoever acts next.
    pub critical: Critical,
    /// What sources contradict each other in.
    pub conflicts: Vec<Conflict>,
    /// Who they are, as each source has it.
    pub identities: Vec<Identity>,
    /// The practices that sources name.
    pub practices: Vec<Practice>,
    /// Everything, under its headings.
    pub sections: Vec<Section>,
    /// Whether no source answered, though not all said that they know nothing.
    pub unanswered: bool,
    /// Whether one of them did not reply in time.
    pub timed_out: bool,
    /// Where what has not come yet is told, when it comes.
    pub more: Option<String>,
    /// When it was read.
    pub read_at: String,
}

/// The allergies of the banner: one of four states, in the words laid down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Allergies {
    /// The state.
    pub state: AllergyState,
    /// Its words.
    pub label: &'static str,
    /// What is known, riskier first; or by whom and when it was said that there is none.
    pub known: Vec<String>,
    /// Why the list may be incomplete, or is unavailable.
    pub lacking: Option<String>,
    /// Whether sources contradict each other.
    pub differs: bool,
}

/// Items that contradict each other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    /// For an address within the page.
    pub anchor: String,
    /// What differs, in words.
    pub title: String,
    /// Of what.
    pub about: String,
    /// Why they are opposed.
    pub why: String,
    /// Riskier first: an order, not advice.
    pub sides: Vec<Side>,
}

/// What one or more sources say in a conflict, word for word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Side {
    /// What is said.
    pub line: Line,
    /// Who says so.
    pub sources: Vec<String>,
}

/// A heading, and what stands below it.
#[derive(Debug, Clone)]
pub struct Section {
    /// For an address within the page.
    pub anchor: String,
    /// The heading.
    pub title: &'static str,
    /// What to know of the list as a whole: its state, sources that lack.
    pub state: Option<String>,
    /// Sources that did not answer for it, or withhold some of it.
    pub lacking: Vec<String>,
    /// Whether items are read as values.
    pub is_of_values: bool,
    /// Items without a date.
    pub undated: Vec<Line>,
    /// Items, newest first.
    pub dated: Vec<Line>,
    /// Entered in error, refuted, cancelled or not done.
    pub struck: Vec<Line>,
    /// How many lines.
    pub count: usize,
}

impl Section {
    /// The lists that it is read by, each under its own heading where it has one.
    pub fn lists(&self) -> Vec<(&'static str, &[Line])> {
        [("Date not recorded", self.undated.as_slice()), ("", self.dated.as_slice())]
            .into_iter()
            .filter(|(_, lines)| !lines.is_empty())
            .collect()
    }
}

/// The pages of one record.
const SHEETS: &[(&str, &str, &str)] =
    &[("record", "The record", ""), ("results", "Results and charts", "/results"), ("medicines", "Medicines reconciliation", "/medicines")];

/// Reads a record by the exchange's own way, and lays it out: as all pages have it, and as one of them has it beside. The entry is closed
/// on the whole of it.
///
/// # Errors
///
/// Permission said no, or nothing could be asked.
pub async fn read<T>(
    exchange: &Exchange,
    ask: Ask,
    now: Timestamp,
    (sheet, lay_out): (&'static str, impl FnOnce(&Joined) -> T),
) -> Result<Audited<(Record, T)>, Refused> {
    let joined = exchange.read(ask).await?.close_whole().await;
    Ok(joined.map(|joined| {
        let record = Record::of(&joined, exchange, now);
        (Record { home: format!("/viewer/patient/{}", record.person), sheet, ..record }, lay_out(&joined))
    }))
}

/// The same of a record as its answers come: what is there at first, and what may still.
///
/// # Errors
///
/// As of [`read`].
pub async fn begin(exchange: &Exchange, ask: Ask, pace: Pace, now: Timestamp) -> Result<(Audited<Record>, Option<Coming>), Refused> {
    let (answering, coming) = exchange.read_as_it_comes(ask, pace).await?;
    Ok((answering.close_whole().await.map(|joined| Record::of(&joined, exchange, now)), coming))
}

/// It anew, when more has come.
///
/// # Errors
///
/// As of [`read`].
pub async fn more(exchange: &Exchange, coming: Coming, now: Timestamp) -> Result<(Audited<Record>, Option<Coming>), Refused> {
    let (answering, coming) = exchange.more(coming).await?;
    Ok((answering.close_whole().await.map(|joined| Record::of(&joined, exchange, now)), coming))
}

/// Every line of a record, and what it was made with.
pub(crate) struct Laid<'a> {
    /// What looks up names.
    pub reader: Reader<'a>,
    /// Lines, each with its item's index.
    pub lines: Vec<(usize, Line)>,
}

impl<'a> Laid<'a> {
    pub fn of(joined: &'a Joined, names: &'a dyn Names) -> Laid<'a> {
        let reader = Reader::of(&joined.record, names);
        let conflicts = conflicts(&joined.record, &reader);
        let lines = lines(&joined.record, &reader, &conflicts);
        Laid { reader, lines }
    }
}

impl Record {
    /// The pages that it has: which, what it is called, and where it is below the record's.
    pub(crate) fn sheets(&self) -> &'static [(&'static str, &'static str, &'static str)] {
        SHEETS
    }

    /// Of one read.
    pub fn of(joined: &Joined, names: &dyn Names, now: Timestamp) -> Record {
        let record = &joined.record;
        let reader = Reader::of(record, names);
        let completeness = Completeness::of(record, names);
        let rows = &record.plan.rows;
        let answered = rows.iter().any(|row| row.status.is_some_and(Status::answered) || row.counts.single + row.counts.clustered > 0);
        let knows_nothing = rows.iter().all(|row| row.status.is_none_or(Status::complete));
        let awaits_nobody = completeness.awaited().is_empty();
        let conflicts = conflicts(record, &reader);
        let lines = lines(record, &reader, &conflicts);
        let mut notices = notices(
            joined,
            rows.iter().all(|row| row.status.is_none_or(|status| !matches!(status, Status::Ok | Status::OkTruncated))) && knows_nothing,
        );
        notices.extend(aside(record));
        Record {
            person: record.person.to_string(),
            home: String::new(),
            sheet: "record",
            banner: Banner::of(record, joined.number.expose(), now),
            allergies: allergies(joined, names, &lines),
            completeness,
            notices,
            emergency: joined.claimed.emergency,
            overridden: joined.claimed.overridden.map(words::instant),
            place_hidden: joined.place_hidden,
            critical: critical::summary(record, &lines, |kinds| lacking(record, kinds, names)),
            identities: banner::identities(record, |item| reader.source(item)),
            practices: banner::practices(record, &reader),
            sections: sections(joined, names, lines),
            conflicts,
            unanswered: !answered && !knows_nothing && awaits_nobody,
            timed_out: rows.iter().any(|row| row.status == Some(Status::FailedTimeout)),
            more: None,
            read_at: words::instant(now),
        }
    }
}

impl Record {
    /// Sections that stand before who the person is, and those behind.
    pub fn sections_before_who(&self, before: bool) -> Vec<&Section> {
        self.sections.iter().filter(|section| (section.anchor == Heading::Alerts.anchor()) == before).collect()
    }
}

/// Every line of the page, each with its item's index: those who stand behind another stand in its cluster.
fn lines(record: &SharedRecord, reader: &Reader<'_>, conflicts: &[Conflict]) -> Vec<(usize, Line)> {
    let mut behind: BTreeMap<usize, ()> = BTreeMap::new();
    let mut clusters: BTreeMap<usize, Cluster> = BTreeMap::new();
    for cluster in &record.clusters {
        let mut members = vec![cluster.representative];
        members.extend(cluster.members.iter().copied().filter(|member| *member != cluster.representative));
        behind.extend(members.iter().skip(1).map(|member| (*member, ())));
        let owner = reader.source(&record.items[cluster.representative]);
        let lines: Vec<Line> = members
            .iter()
            .map(|member| {
                let mut line = reader.line(&record.items[*member]);
                if cluster.lagging.contains(member) {
                    line.notes.push(format!("Older copy, held by {}", line.source));
                }
                if cluster.retracted {
                    line.notes.push("Retracted by its author".to_owned());
                    line.struck = true;
                }
                line
            })
            .collect();
        let mut sources: Vec<String> = lines.iter().map(|line| line.source.clone()).collect();
        sources.dedup();
        let why = format!("{} {}", tier(cluster.tier, &owner), sentence(&cluster.why));
        clusters.insert(cluster.representative, Cluster { sources, why: why.trim().to_owned(), members: lines });
    }
    let of = |(at, item): (usize, &Item)| {
        let mut line = reader.line(item);
        if let Some(cluster) = clusters.get(&at) {
            line.cluster = Some(cluster.clone());
            line.notes.extend(
                cluster
                    .members
                    .first()
                    .into_iter()
                    .filter(|first| first.struck && !line.struck)
                    .map(|_| "Retracted by its author".to_owned()),
            );
            line.struck |= cluster.members.iter().all(|member| member.struck);
        }
        let members: Vec<&str> = line.cluster.iter().flat_map(|cluster| &cluster.members).map(|member| member.anchor.as_str()).collect();
        let opposed = |side: &Side| side.line.anchor == line.anchor || members.contains(&side.line.anchor.as_str());
        line.opposed = conflicts.iter().find(|conflict| conflict.sides.iter().any(opposed)).map(|conflict| conflict.anchor.clone());
        (at, line)
    };
    let shown = |(at, _): &(usize, &Item)| !matches!(record.fates[*at], Fate::History | Fate::Collapsed) && !behind.contains_key(at);
    record.items.iter().enumerate().filter(shown).map(of).collect()
}

/// How sure it is that they are one, for a reader.
fn tier(tier: Tier, owner: &str) -> String {
    match tier {
        Tier::T0 => "Versions of one entry.".to_owned(),
        Tier::T1 => format!("The same entry, passed on: one identifier. {owner} stands first."),
        Tier::T2 => "The same content, word for word, from each.".to_owned(),
        Tier::T3 => "Probably the same: each stays an entry of its own, and they are only shown together.".to_owned(),
        Tier::T4 => "Perhaps the same.".to_owned(),
    }
}

fn sentence(why: &str) -> String {
    match why.trim() {
        "" => String::new(),
        why => format!("Matched by {}.", why.trim_end_matches('.')),
    }
}

fn conflicts(record: &SharedRecord, reader: &Reader<'_>) -> Vec<Conflict> {
    // Of the same items, all that differs is said once.
    let mut found: Vec<(&[usize], Vec<String>, Vec<&str>)> = Vec::new();
    for conflict in &record.conflicts {
        let differs = conflict.code.replace('-', " ");
        match found.iter_mut().find(|(members, ..)| *members == conflict.members) {
            Some((_, all, whys)) => {
                all.push(differs);
                whys.push(&conflict.why);
            }
            None => found.push((&conflict.members, vec![differs], vec![&conflict.why])),
        }
    }
    // In the order of the sections: allergies before what they are given.
    found.sort_by_key(|(members, ..)| members.first().and_then(|first| Heading::of(&record.items[*first])));
    let mut conflicts = Vec::new();
    for (number, (members, differs, mut whys)) in found.into_iter().enumerate() {
        let mut sides: Vec<Side> = Vec::new();
        for member in members {
            let line = reader.line(&record.items[*member]);
            let same = |side: &&mut Side| {
                // Whatever is shown of them: in what they differ, they are never one side.
                let shown =
                    |line: &Line| (line.what.clone(), line.tags.clone(), line.date.clone(), line.readings.clone(), line.details.clone());
                shown(&side.line) == shown(&line)
            };
            match sides.iter_mut().find(same) {
                Some(side) if !side.sources.contains(&line.source) => side.sources.push(line.source),
                Some(_) => {}
                None => sides.push(Side { sources: vec![line.source.clone()], line }),
            }
        }
        whys.dedup();
        let about = sides.first().map(|side| side.line.what.clone()).unwrap_or_default();
        let anchor = format!("differ-{}", number + 1);
        conflicts.push(Conflict { anchor, title: words::list(&differs), about, why: whys.join("; "), sides });
    }
    conflicts
}

fn allergies(joined: &Joined, names: &dyn Names, lines: &[(usize, Line)]) -> Allergies {
    let record = &joined.record;
    let state = joined.states.iter().find(|(list, _)| *list == "allergies").map_or(AllergyState::Unavailable, |(_, state)| *state);
    let of_kind = |kind: Kind| move |(at, _): &&(usize, Line)| record.items[*at].kind == kind;
    let all: Vec<&Line> = lines.iter().filter(of_kind(Kind::ALLERGY_INTOLERANCE)).map(|(_, line)| line).collect();
    let over = |line: &&&Line| !line.struck && !line.tags.iter().any(|tag| matches!(tag.text.as_str(), "Resolved" | "Inactive"));
    let high = |line: &Line| line.tags.iter().any(|tag| tag.text == "High criticality");
    let mut live: Vec<&Line> = all.iter().copied().filter(|line| over(&line)).collect();
    live.sort_by_key(|line| !high(line));
    let said = |line: &Line| match state {
        AllergyState::NoKnown => {
            format!("said by {}{}", line.source, if line.date.is_empty() { String::new() } else { format!(", {}", line.date) })
        }
        _ if high(line) => format!("{} (high criticality)", line.what),
        _ => line.what.clone(),
    };
    let mut known: Vec<String> = live.iter().map(|line| said(line)).collect();
    known.dedup();
    let gaps = lacking(record, &[Kind::ALLERGY_INTOLERANCE], names);
    let lacking = match (state, gaps.is_empty()) {
        (AllergyState::Known | AllergyState::Unavailable, false) => Some(gaps.join("; ")),
        _ => None,
    };
    Allergies {
        state,
        label: match state {
            AllergyState::Known => "Known allergies",
            AllergyState::NoKnown => "No known allergies",
            AllergyState::NotRecorded => "Allergies not recorded",
            AllergyState::Unavailable => "Allergies unavailable",
        },
        known: if matches!(state, AllergyState::Known | AllergyState::NoKnown) { known } else { Vec::new() },
        lacking,
        differs: all.iter().any(|line| line.opposed.is_some()),
    }
}

/// Why medicines may be lacking.
pub(crate) fn lacking_medicines(record: &SharedRecord, names: &dyn Names) -> Vec<String> {
    lacking(record, Heading::Medications.kinds(), names)
}

/// Why results and measurements may be lacking.
pub(crate) fn lacking_values(record: &SharedRecord, names: &dyn Names) -> Vec<String> {
    lacking(record, &[Kind::OBSERVATION, Kind::DIAGNOSTIC_REPORT], names)
}

/// Why some of these types may be lacking, each with the sources of which it is so.
fn lacking(record: &SharedRecord, kinds: &[Kind], names: &dyn Names) -> Vec<String> {
    let mut by_source: BTreeMap<&SourceId, &'static str> = BTreeMap::new();
    for row in record.plan.rows.iter().filter(|row| kinds.contains(&row.kind)) {
        let status = row.status.unwrap_or(Status::FailedInternal);
        let why = match () {
            () if !status.complete() => completeness::ended(row),
            () if row.counts.withholds() => Status::Withheld.words(),
            () if row.counts.quarantined > 0 => "some of it is held back",
            () => continue,
        };
        by_source.entry(&row.source).or_insert(why);
    }
    let mut by_why: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (source, why) in by_source {
        by_why.entry(why).or_default().push(names.of(source).0);
    }
    by_why.into_iter().map(|(why, sources)| format!("{}: {why}", sources.join(", "))).collect()
}

fn sections(joined: &Joined, names: &dyn Names, lines: Vec<(usize, Line)>) -> Vec<Section> {
    let record = &joined.record;
    let mut by_heading: BTreeMap<Heading, Vec<Line>> = BTreeMap::new();
    for (at, line) in lines {
        if let Some(heading) = Heading::of(&record.items[at]) {
            by_heading.entry(heading).or_default().push(line);
        }
    }
    let section = |heading: Heading| {
        let all = by_heading.remove(&heading).unwrap_or_default();
        let lacking = lacking(record, heading.kinds(), names);
        let state = heading.list().map(|(list, words)| state(joined, list, words));
        // A list that has a state is never just left out; what lacks is said where it would stand.
        if all.is_empty() && state.is_none() {
            return None;
        }
        let count = all.len();
        let (struck, current): (Vec<Line>, Vec<Line>) = all.into_iter().partition(|line| line.struck);
        let (undated, dated) = current.into_iter().partition(|line| line.date.is_empty());
        let (anchor, title) = (heading.anchor(), heading.title());
        Some(Section { anchor, title, state, lacking, is_of_values: heading.is_of_values(), undated, dated, struck, count })
    };
    Heading::ALL.into_iter().filter_map(section).collect()
}

fn state(joined: &Joined, list: &str, words: &str) -> String {
    let state = joined.states.iter().find(|(own, _)| *own == list).map_or(AllergyState::Unavailable, |(_, state)| *state);
    match state {
        AllergyState::Known => format!("Known {words}"),
        AllergyState::NoKnown => format!("No known {words}"),
        AllergyState::NotRecorded => format!("{} not recorded", words::code(words)),
        AllergyState::Unavailable => format!("{} unavailable", words::code(words)),
    }
}

fn notices(joined: &Joined, nobody: bool) -> Vec<String> {
    let mut notices = Vec::new();
    if nobody {
        notices.push("Every source was asked or is known to hold nothing: nobody knows this person.".to_owned());
    }
    match &joined.elsewhere {
        Elsewhere::NotAsked => {}
        Elsewhere::NoEndUser => {
            notices.push("The national record locator was not asked who else holds a record: it is asked in a person's name.".to_owned())
        }
        Elsewhere::Silent(_) => {
            notices.push(
                "The national record locator did not answer: whether another shared record holds this person is not known.".to_owned(),
            );
        }
        Elsewhere::Told(custodians) => {
            notices.extend(
                custodians
                    .iter()
                    .map(|custodian| format!("Another shared record holds this person, says the national record locator: {custodian}.")),
            );
        }
    }
    if let Some(since) = joined.unconfirmed {
        notices.push(format!(
            "The national demographics service does not answer. Who the person is, and that their record is not restricted, is as it said at {}.",
            words::instant(since)
        ));
    }
    notices
}

/// What has no line of its own, counted: nothing is cut without saying so.
fn aside(record: &SharedRecord) -> Vec<String> {
    let history = record.fates.iter().filter(|fate| **fate == Fate::History).count();
    let mut kinds: BTreeMap<String, usize> = BTreeMap::new();
    for item in record.items.iter().filter(|item| item.kind != Kind::PATIENT && Heading::of(item).is_none()) {
        *kinds.entry(kind_in_words(item.kind)).or_default() += 1;
    }
    let mut said = Vec::new();
    if history > 0 {
        said.push(format!(
            "{} not listed: newer versions of the same entries are.",
            words::count(history, "earlier version is", "earlier versions are")
        ));
    }
    if !kinds.is_empty() {
        let all: Vec<String> = kinds.into_iter().map(|(kind, count)| words::count(count, kind.trim_end_matches('s'), &kind)).collect();
        said.push(format!("Named in other entries and not listed by themselves: {}.", words::list(&all)));
    }
    said
}

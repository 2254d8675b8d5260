//! Who answered, who did not, and what is not shown: in words, for every source.

use std::collections::BTreeMap;

use exchange::{NOT_YET, Names};
use fhir::Kind;
use record::{Row, SharedRecord, SourceId, Status};

use crate::words;

/// How whole the page is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Completeness {
    /// Every source, those with gaps first.
    pub sources: Vec<Source>,
    /// Sources that withhold something.
    pub withheld: Vec<String>,
    /// What is held back, by source and cause.
    pub held: Vec<String>,
}

/// One source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// Its name.
    pub name: String,
    /// ODS code of whoever answers for it.
    pub organisation: String,
    /// Whether everything came that was asked for.
    pub whole: bool,
    /// Whether it was asked and answered at all.
    pub answered: bool,
    /// Whether it has not answered yet, and still may.
    pub awaited: bool,
    /// In a few words: `answered`, or what is lacking.
    pub state: String,
    /// What is lacking, and what it does not offer.
    pub gaps: Vec<Gap>,
    /// Resources of its on the page.
    pub shown: u64,
    /// When it was asked.
    pub asked: Option<String>,
    /// When it last answered, where that was before.
    pub last: Option<String>,
}

/// Types for which a source's answer ended in one way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gap {
    /// How, in words.
    pub how: String,
    /// The types, in words.
    pub kinds: String,
    /// Whether something is lacking for it.
    pub lacking: bool,
}

impl Completeness {
    /// Of a record.
    pub fn of(record: &SharedRecord, names: &dyn Names) -> Completeness {
        let mut rows: BTreeMap<&SourceId, Vec<&Row>> = BTreeMap::new();
        for row in &record.plan.rows {
            rows.entry(&row.source).or_default().push(row);
        }
        let mut sources: Vec<Source> = rows.iter().map(|(id, rows)| source(id, rows, names)).collect();
        sources.sort_by_key(|source| (source.whole, !source.answered));
        let withholds = |rows: &&Vec<&Row>| rows.iter().any(|row| row.counts.withholds() || row.status == Some(Status::Withheld));
        let withheld = rows.iter().filter(|(_, rows)| withholds(rows)).map(|(id, _)| names.of(id).0).collect();
        let mut causes: BTreeMap<(&SourceId, &str), usize> = BTreeMap::new();
        for (source, one) in &record.quarantined {
            *causes.entry((source, one.cause.code())).or_default() += 1;
        }
        let held = causes.into_iter().map(|((source, cause), count)| {
            let entries = words::count(count, "entry is", "entries are");
            format!("{}: {entries} held back, and not shown ({})", names.of(source).0, words::code(cause).to_lowercase())
        });
        Completeness { sources, withheld, held: held.collect() }
    }

    /// How many answered in full.
    pub fn whole(&self) -> usize {
        self.sources.iter().filter(|source| source.whole).count()
    }

    /// Whether all did.
    pub fn is_whole(&self) -> bool {
        self.whole() == self.sources.len() && self.withheld.is_empty() && self.held.is_empty()
    }

    /// Those that may still answer.
    pub fn awaited(&self) -> Vec<&str> {
        self.sources.iter().filter(|source| source.awaited).map(|source| source.name.as_str()).collect()
    }

    /// Those that did not.
    pub fn lacking(&self) -> impl Iterator<Item = &Source> {
        self.sources.iter().filter(|source| !source.whole)
    }
}

/// How an answer ended, in words.
pub(crate) fn ended(row: &Row) -> &'static str {
    match row.note.as_deref() {
        Some(NOT_YET) => "not answered yet",
        _ => row.status.unwrap_or(Status::FailedInternal).words(),
    }
}

fn source(id: &SourceId, rows: &[&Row], names: &dyn Names) -> Source {
    let (name, organisation) = names.of(id);
    if let Some(row) = rows.iter().find(|row| row.note.as_deref() == Some(NOT_YET)) {
        let (state, gaps) = (ended(row).to_owned(), Vec::new());
        return Source { name, organisation, whole: false, answered: false, awaited: true, state, gaps, shown: 0, asked: None, last: None };
    }
    let mut by_way: BTreeMap<(bool, Status, Option<&str>), Vec<Kind>> = BTreeMap::new();
    for row in rows {
        let status = row.status.unwrap_or(Status::FailedInternal);
        if matches!(status, Status::Ok | Status::OkEmpty) && row.note.is_none() {
            continue;
        }
        by_way.entry((status.complete(), status, row.note.as_deref())).or_default().push(row.kind);
    }
    let gap = |((complete, status, note), kinds): (&(bool, Status, Option<&str>), &Vec<Kind>)| {
        let note = note.map(|note| format!(" ({note})")).unwrap_or_default();
        let kinds = if kinds.len() == rows.len() { "everything".to_owned() } else { kinds_in_words(kinds) };
        Gap { how: format!("{}{note}", status.words()), kinds, lacking: !complete }
    };
    let gaps: Vec<Gap> = by_way.iter().map(gap).collect();
    let status_of = |row: &&&Row| row.status.unwrap_or(Status::FailedInternal);
    let answered = rows.iter().any(|row| row.status.is_some_and(Status::answered));
    // That something is withheld is said apart, of all sources; one of which nothing is left beside did not answer.
    let came = |row: &&Row| row.status.is_some_and(|status| status.complete() || status == Status::Withheld && answered);
    let whole = rows.iter().all(came);
    // Of several ways in which something is lacking, the one of most types.
    let lacks = |(complete, status, _): &(bool, Status, Option<&str>)| !(*complete || whole && *status == Status::Withheld);
    let worst = by_way.iter().filter(|(way, _)| lacks(way)).max_by_key(|(_, kinds)| kinds.len()).map(|((_, status, _), _)| *status);
    let state = match (worst, answered) {
        (Some(worst), true) if worst.answered() || worst == Status::Withheld => worst.words().to_owned(),
        (Some(worst), true) => format!("answered in part; {}", worst.words()),
        (Some(worst), false) => worst.words().to_owned(),
        (None, true) => "answered".to_owned(),
        (None, false) => rows.iter().min_by_key(status_of).map_or("not asked", |row| status_of(&row).words()).to_owned(),
    };
    Source {
        name,
        organisation,
        whole,
        answered,
        awaited: false,
        state,
        gaps,
        shown: rows.iter().map(|row| row.counts.single + row.counts.clustered + row.counts.collapsed).sum(),
        asked: rows.iter().filter_map(|row| row.tried).min().map(words::instant),
        last: rows.iter().filter_map(|row| row.last_answered).max().map(words::instant),
    }
}

/// Types as readers call them, each once.
fn kinds_in_words(kinds: &[Kind]) -> String {
    let mut all: Vec<String> = kinds.iter().map(|kind| kind_in_words(*kind)).collect();
    all.sort();
    all.dedup();
    words::list(&all)
}

/// `MedicationRequest` as `medication requests`.
pub fn kind_in_words(kind: Kind) -> String {
    match kind {
        Kind::ALLERGY_INTOLERANCE => "allergies".to_owned(),
        Kind::BINARY => "attachments".to_owned(),
        Kind::CONDITION => "problems and diagnoses".to_owned(),
        Kind::DIAGNOSTIC_REPORT => "reports".to_owned(),
        Kind::DOCUMENT_REFERENCE => "documents".to_owned(),
        Kind::ENCOUNTER => "admissions and contacts".to_owned(),
        Kind::EPISODE_OF_CARE => "episodes of care".to_owned(),
        Kind::FAMILY_MEMBER_HISTORY => "family history".to_owned(),
        Kind::FLAG => "alerts".to_owned(),
        Kind::IMMUNIZATION => "vaccinations".to_owned(),
        Kind::OBSERVATION => "results and observations".to_owned(),
        Kind::ORGANIZATION => "organisations".to_owned(),
        Kind::PATIENT => "demographics".to_owned(),
        Kind::PROVENANCE => "provenance notes".to_owned(),
        Kind::QUESTIONNAIRE_RESPONSE => "assessments".to_owned(),
        Kind::RELATED_PERSON => "personal contacts".to_owned(),
        Kind::SERVICE_REQUEST => "referrals and requests".to_owned(),
        kind => {
            let mut out = String::new();
            for letter in kind.name().chars() {
                if letter.is_uppercase() && !out.is_empty() {
                    out.push(' ');
                }
                out.extend(letter.to_lowercase());
            }
            out + "s"
        }
    }
}

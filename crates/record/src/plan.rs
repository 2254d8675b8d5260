//! The plan of a read: source by type, and how each row ended.

use fhir::Kind;

use crate::SourceId;

/// How a row ended. Every row ends in exactly one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[expect(missing_docs, reason = "each is the status of that name, as `code` below spells it")]
pub enum Status {
    Ok,
    OkEmpty,
    OkTruncated,
    CacheFresh,
    CacheStale,
    NotLocated,
    NotAskedLoop,
    NotAskedShadow,
    NotAskedScope,
    NoRecordGiven,
    Unsupported,
    Withheld,
    Throttled,
    CircuitOpen,
    FailedTimeout,
    FailedAuth,
    FailedHttp,
    FailedParse,
    FailedInternal,
    IdentityMismatch,
}

impl Status {
    /// Every status.
    pub const ALL: [Status; 20] = [
        Status::Ok,
        Status::OkEmpty,
        Status::OkTruncated,
        Status::CacheFresh,
        Status::CacheStale,
        Status::NotLocated,
        Status::NotAskedLoop,
        Status::NotAskedShadow,
        Status::NotAskedScope,
        Status::NoRecordGiven,
        Status::Unsupported,
        Status::Withheld,
        Status::Throttled,
        Status::CircuitOpen,
        Status::FailedTimeout,
        Status::FailedAuth,
        Status::FailedHttp,
        Status::FailedParse,
        Status::FailedInternal,
        Status::IdentityMismatch,
    ];

    /// The status of a code; of those that share one, the first.
    pub fn of_code(code: &str) -> Option<Status> {
        Status::ALL.into_iter().find(|status| status.code() == code)
    }

    /// The code on the wire, of system `urn:severn:status`.
    pub fn code(self) -> &'static str {
        match self {
            Status::Ok => "ok",
            Status::OkEmpty => "ok-empty",
            Status::OkTruncated => "ok-truncated",
            Status::CacheFresh => "cache-fresh",
            Status::CacheStale => "cache-stale",
            Status::NotLocated => "not-located",
            Status::NotAskedLoop | Status::NotAskedShadow | Status::NotAskedScope => "not-asked",
            Status::NoRecordGiven => "no-record-given",
            Status::Unsupported => "unsupported",
            Status::Withheld => "withheld",
            Status::Throttled => "throttled",
            Status::CircuitOpen => "circuit-open",
            Status::FailedTimeout => "failed-timeout",
            Status::FailedAuth => "failed-auth",
            Status::FailedHttp => "failed-http",
            Status::FailedParse => "failed-parse",
            Status::FailedInternal => "failed-internal",
            Status::IdentityMismatch => "identity-mismatch",
        }
    }

    /// The reason that goes with `not-asked`.
    pub fn reason(self) -> Option<&'static str> {
        match self {
            Status::NotAskedLoop => Some("loop"),
            Status::NotAskedShadow => Some("shadow"),
            Status::NotAskedScope => Some("scope"),
            _ => None,
        }
    }

    /// What it means, for the reader of a page.
    pub fn words(self) -> &'static str {
        match self {
            Status::Ok => "answered",
            Status::OkEmpty => "answered, holds nothing",
            Status::OkTruncated => "answered, but more exists than was fetched",
            Status::CacheFresh => "served from a recent copy",
            Status::CacheStale => "no reply; an older copy is shown",
            Status::NotLocated => "said before that it does not know this person; not asked again",
            Status::NotAskedLoop => "not asked: the question came from there",
            Status::NotAskedShadow => "not asked: kept for comparison only",
            Status::NotAskedScope => "not asked: not part of the question",
            Status::NoRecordGiven => "gave no record, reason not stated",
            Status::Unsupported => "cannot answer for this type",
            Status::Withheld => "some information is withheld",
            Status::Throttled => "not asked: too many questions are waiting for it",
            Status::CircuitOpen => "not asked: it has been failing and is given a pause",
            Status::FailedTimeout => "no reply in time",
            Status::FailedAuth => "did not accept our credentials",
            Status::FailedHttp => "answered with an error, or could not be reached",
            Status::FailedParse => "sent something that could not be read",
            Status::FailedInternal => "failed inside this exchange",
            Status::IdentityMismatch => "answered about somebody else; nothing of its answer is shown",
        }
    }

    /// Whether the source answered for this type: with data, with nothing, or from cache.
    pub fn answered(self) -> bool {
        matches!(self, Status::Ok | Status::OkEmpty | Status::OkTruncated | Status::CacheFresh | Status::CacheStale)
    }

    /// Whether a list with this row is whole.
    pub fn complete(self) -> bool {
        matches!(
            self,
            Status::Ok
                | Status::OkEmpty
                | Status::CacheFresh
                | Status::NotLocated
                | Status::Unsupported
                | Status::NotAskedLoop
                | Status::NotAskedShadow
                | Status::NotAskedScope
        )
    }

    /// Whether this is a failure of the source or of the way to it.
    pub fn failed(self) -> bool {
        matches!(
            self,
            Status::Throttled
                | Status::CircuitOpen
                | Status::FailedTimeout
                | Status::FailedAuth
                | Status::FailedHttp
                | Status::FailedParse
                | Status::FailedInternal
                | Status::IdentityMismatch
        )
    }
}

/// One row: a source, a type, and how it went.
#[derive(Debug, Clone)]
pub struct Row {
    /// The source.
    pub source: SourceId,
    /// The type.
    pub kind: Kind,
    /// How it ended; `None` while pending.
    pub status: Option<Status>,
    /// What the status needs said: the code behind a withholding (`no-end-user`), a parameter dropped, a page cut. No patient data.
    pub note: Option<String>,
    /// When the source was asked.
    pub tried: Option<jiff::Timestamp>,
    /// When it last answered for this person, if that was before now.
    pub last_answered: Option<jiff::Timestamp>,
    /// What became of what it returned.
    pub counts: Counts,
}

impl Row {
    /// A pending row.
    pub fn new(source: SourceId, kind: Kind) -> Row {
        Row { source, kind, status: None, note: None, tried: None, last_answered: None, counts: Counts::default() }
    }
}

/// Each resource that came in is in exactly one of the others, so `came` is their sum.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Resources the source returned (`in` on the wire).
    pub came: u64,
    /// Shown, in no cluster.
    pub single: u64,
    /// Shown, in a cluster.
    pub clustered: u64,
    /// Behind a representative, by `join=collapse`.
    pub collapsed: u64,
    /// Older versions of the same resource (T0).
    pub history: u64,
    /// Wider than what was asked, filtered here.
    pub filtered: u64,
    /// Withheld by permission.
    pub withheld: u64,
    /// In quarantine.
    pub quarantined: u64,
    /// Shown without some part of theirs: counted among those that are shown, and once more here.
    pub redacted: u64,
}

impl Counts {
    /// Whether any of it, or a part of any, is withheld.
    pub fn withholds(&self) -> bool {
        self.withheld > 0 || self.redacted > 0
    }

    /// Whether every resource is accounted for.
    pub fn add_up(&self) -> bool {
        self.came == self.single + self.clustered + self.collapsed + self.history + self.filtered + self.withheld + self.quarantined
    }
}

/// The plan of one read.
#[derive(Debug, Clone, Default)]
pub struct Plan {
    /// One row per source and type, in order of source, then type.
    pub rows: Vec<Row>,
}

impl Plan {
    /// Gives `failed-internal` to every row nobody filled.
    pub fn finalise(&mut self) {
        for row in &mut self.rows {
            row.status.get_or_insert(Status::FailedInternal);
        }
        self.rows.sort_by(|a, b| (&a.source, a.kind.name()).cmp(&(&b.source, b.kind.name())));
    }

    /// The row of a source and type.
    pub fn row_mut(&mut self, source: &SourceId, kind: Kind) -> Option<&mut Row> {
        self.rows.iter_mut().find(|row| row.kind == kind && row.source == *source)
    }

    /// Whether every row for `kind` is whole.
    pub fn complete(&self, kind: Kind) -> bool {
        self.rows.iter().filter(|row| row.kind == kind).all(|row| row.status.is_some_and(Status::complete))
    }
}

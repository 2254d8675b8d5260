//! One visit to one supplier: the probes in order, and what they leave.

use std::collections::BTreeMap;

use dialect::{Dialect, Fit, Searches, Seen};
use fhir::{Tree, Version};
use record::{NhsNumber, OdsCode, SourceId};
use source::Prober;

use crate::desk::{Asked, Desk};
use crate::finding::{Finding, Severity, Topic};
use crate::probes::{self, capability::Statement, lookup::Found};
use crate::secrets::Secrets;

/// A person to ask about: made up, or by consent.
#[derive(Debug, Clone)]
pub struct Patient {
    /// Their number.
    pub number: NhsNumber,
    /// Their birth date (`YYYY-MM-DD`), to judge answers by.
    pub birth_date: Option<String>,
}

/// The supplier, as whoever onboards it names it.
#[derive(Debug, Clone)]
pub struct Supplier {
    /// The id it is to have.
    pub id: SourceId,
    /// For people.
    pub name: String,
    /// Who answers for it, if that was said.
    pub organisation: Option<OdsCode>,
    /// How to speak with it; the dialect is replaced by what is recognised unless one is given.
    pub settings: dialect::Settings,
    /// The dialect that was given.
    pub dialect: Option<Dialect>,
    /// `auth` as in a `[[source]]` block.
    pub auth: String,
    /// The credentials that it is shown.
    pub secrets: Secrets,
    /// Whether its NHS numbers are verified by contract.
    pub verified: bool,
    /// `ca_file`, as given.
    pub ca_file: Option<String>,
}

/// What a visit saw.
#[derive(Debug)]
pub struct Visit {
    /// Who was visited.
    pub supplier: Supplier,
    /// When.
    pub at: jiff::Timestamp,
    /// The version it speaks.
    pub version: Option<Version>,
    /// How to speak with it.
    pub dialect: Option<Dialect>,
    /// Which dialects fit, best first, and by which signs.
    pub fits: Vec<Fit>,
    /// What was seen of it.
    pub seen: Seen,
    /// What it says it can do.
    pub statement: Statement,
    /// For each spelling of the NHS number's system, whether a search by it found the first test patient.
    pub spellings: BTreeMap<String, bool>,
    /// Each type's status in a whole read of the first test patient found, and how many came.
    pub rows: BTreeMap<String, (String, u64)>,
    /// Test patients of whom a record came, whatever was found of it.
    pub read: usize,
    /// Milliseconds of the calls: half were as fast as the first, 95 in a hundred as the second.
    pub speed_ms: Option<(u64, u64)>,
    /// Everything that was asked, in order.
    pub asked: Vec<Asked>,
    /// Everything found, the worst first in each topic.
    pub findings: Vec<Finding>,
    /// The organisation that test patients say manages them.
    pub organisation_seen: Option<OdsCode>,
}

impl Visit {
    /// The worst that was found.
    pub fn worst(&self) -> Severity {
        self.findings.iter().map(|finding| finding.severity).min().unwrap_or(Severity::Fine)
    }

    /// How many findings are of a severity.
    pub fn count(&self, severity: Severity) -> usize {
        self.findings.iter().filter(|finding| finding.severity == severity).count()
    }
}

/// What the probes hand on to each other.
#[derive(Default)]
pub(crate) struct Gathered {
    pub(crate) seen: Seen,
    pub(crate) statement: Statement,
    pub(crate) found: Vec<Found>,
    pub(crate) spellings: BTreeMap<String, bool>,
    pub(crate) rows: BTreeMap<String, (String, u64)>,
    pub(crate) read: usize,
    pub(crate) resources: Vec<Tree>,
    pub(crate) organisation: Option<OdsCode>,
}

/// Visits a supplier. `say` is told what is looked at, for whoever waits.
pub async fn visit(supplier: Supplier, patients: &[Patient], prober: &Prober, now: jiff::Timestamp, say: impl Fn(&str)) -> Visit {
    let base = supplier.settings.source_base.as_str().to_owned();
    let mut desk = Desk::new(prober, &supplier, patients);
    let mut got = Gathered::default();
    got.seen.base = base;
    say("what it says it can do");
    let version = probes::capability::probe(&mut desk, &supplier, &mut got).await;
    // Where this is not told yet, it is asked as a plain server is: that tells.
    let first = supplier.dialect.or_else(|| dialect::recognise(&got.seen).first().map(|fit| fit.dialect));
    let searches = first.map_or(Searches::Everything, |dialect| dialect.card().searches);
    if searches >= Searches::Patients {
        say("whether it finds patients by NHS number");
        probes::lookup::probe(&mut desk, &supplier, patients, &mut got).await;
    }
    say("how it refuses");
    probes::errors::probe(&mut desk, &mut got, searches).await;
    // Identifiers, links and errors are signs too: the dialect is told by what came so far.
    if searches == Searches::Everything {
        probes::paging::probe(&mut desk, &mut got).await;
    }
    let fits = dialect::recognise(&got.seen);
    let dialect = supplier.dialect.or_else(|| fits.first().map(|fit| fit.dialect));
    let searches = dialect.map_or(searches, |dialect| searches.min(dialect.card().searches));
    if searches < Searches::Everything {
        // It was asked as a plain server is, until it was known that it is none.
        desk.findings.retain(|finding| finding.topic != Topic::Paging);
    }
    probes::capability::judge_dialect(&mut desk, &supplier, &fits, dialect);
    say("a whole record of each test patient");
    if let Some(dialect) = dialect {
        probes::record::probe(&mut desk, &supplier, dialect, patients, now, &mut got).await;
    }
    if got.read == 0 {
        desk.find(nothing_read(patients));
    }
    if searches < Searches::Everything {
        probes::paging::within_record(&mut desk, &got);
    }
    say("what the resources are like");
    probes::content::probe(&mut desk, &got).await;
    probes::security::probe(&mut desk, &supplier, patients, searches).await;
    say("how fast it is");
    let speed_ms = probes::speed::probe(&mut desk, patients, searches).await;
    let fits = fits.into_iter().map(|fit| Fit { why: fit.why.iter().map(|sign| desk.blots.text(sign)).collect(), ..fit }).collect();
    let statement = got.statement.blotted(&desk.blots);
    let mut findings = desk.findings;
    findings.sort_by_key(|finding| (finding.topic, finding.severity));
    Visit {
        at: now,
        version,
        dialect,
        fits,
        seen: got.seen,
        statement,
        spellings: got.spellings,
        rows: got.rows,
        read: got.read,
        speed_ms,
        asked: desk.asked,
        findings,
        organisation_seen: got.organisation,
        supplier,
    }
}

/// Without a record nothing is proven, however well the rest looks.
fn nothing_read(patients: &[Patient]) -> Finding {
    let todo = match patients {
        [] => "Give one or more by --patient, of those the supplier loaded for testing.",
        _ => "Mend what is said of finding and reading them, or give others that it holds by --patient.",
    };
    Finding::new(Topic::Record, "nothing-read", Severity::Broken, "Nothing could be judged: no test patient was read.", todo)
}

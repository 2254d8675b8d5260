//! G2 to G5: is a leg about the right person?

use std::collections::{BTreeMap, BTreeSet};

use fhir::Ref;
use record::{Chart, Item, NHS_NUMBER_SYSTEM, NhsNumber, SourceId};

use crate::names::compatible;

/// What is known of the person from elsewhere.
#[derive(Debug, Clone)]
pub struct Facts {
    /// Their number.
    pub number: NhsNumber,
    /// Numbers that the national service replaced by it: whoever still has one of them means the same person.
    pub former: Vec<NhsNumber>,
    /// A birth date from the national service, the person index, or the caller, whichever of these comes first.
    pub birth_date: Option<String>,
    /// Given names from the national service, current and previous.
    pub given_names: Vec<String>,
    /// What the person index has of them, source by source. Where nothing above is known, they have a vote beside the legs: what a
    /// source said before counts where it says nothing now.
    pub voices: Vec<Voice>,
}

impl Facts {
    /// Only the number is known.
    pub fn of(number: NhsNumber) -> Facts {
        Facts { number, former: Vec::new(), birth_date: None, given_names: Vec::new(), voices: Vec::new() }
    }
}

/// What one source said before of who a person is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Voice {
    /// The source.
    pub source: SourceId,
    /// The birth date, `YYYY-MM-DD`.
    pub birth_date: Option<String>,
    /// First given names, current and previous.
    pub given_names: Vec<String>,
}

/// The birth date that the person index stands for: one held by a strict majority of the sources that give any, and by two at least.
/// One source alone is no index: its word stands with those of the legs.
pub fn agreed(voices: &[Voice]) -> Option<String> {
    let mut votes = Votes::default();
    let sources: BTreeSet<&SourceId> = voices.iter().map(|voice| &voice.source).collect();
    for source in sources {
        votes.cast(voices.iter().filter(|voice| voice.source == *source).filter_map(|voice| voice.birth_date.as_deref()));
    }
    votes.majority().filter(|(_, count)| *count >= 2).map(|(date, _)| date.to_owned())
}

/// One leg to be judged.
#[derive(Debug, Clone, Copy)]
pub struct Leg<'a> {
    /// What it said.
    pub chart: &'a Chart,
    /// Whether its entries must say themselves that the number is verified.
    pub trust: Trust,
}

/// How a source's NHS numbers are believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trust {
    /// Only entries whose status says present and verified.
    Check,
    /// The source is declared verified by contract.
    Verified,
}

/// What is decided of a leg.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// These Patients (minted ids) are the person; more than one is flagged (G5).
    Accepted(Vec<String>),
    /// Perhaps: kept for a steward, and the reader is told.
    Held(Held),
    /// Somebody else.
    Mismatch(Mismatch),
    /// No Patient came; nothing to judge.
    NoPatient,
}

/// Why a leg is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Held {
    /// A digit of the birth date, or day and month, are slipped.
    BirthDateSlip,
    /// No birth date.
    NoBirthDate,
    /// The given name differs, as with twins.
    GivenName,
    /// The number is not said to be verified.
    Unverified,
}

impl Held {
    /// Words for the reader; they say nothing of the value.
    pub fn words(self) -> &'static str {
        match self {
            Held::BirthDateSlip => "has a possible record, held: birth date differs by a slip",
            Held::NoBirthDate => "has a possible record, held: it gives no birth date",
            Held::GivenName => "has a possible record, held: given name differs",
            Held::Unverified => "has a possible record, held: its NHS number is not verified",
        }
    }
}

/// Why a leg is about somebody else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mismatch {
    /// Another birth date.
    BirthDate,
    /// Another number, or none.
    Number,
}

/// What one Patient says of itself.
struct Said {
    id: String,
    birth_date: Option<String>,
    given: Vec<String>,
    verified: bool,
}

/// Judges every leg of a read, in the order given. Legs are compared with each other only where nothing else is known.
pub fn guard(facts: &Facts, legs: &[Leg<'_>]) -> Vec<Verdict> {
    let said: Vec<Vec<Said>> = legs
        .iter()
        .map(|leg| leg.chart.patients.iter().filter(|item| is_theirs(item, facts)).map(|item| said(item, leg.trust)).collect())
        .collect();
    // Whoever answers now speaks for itself.
    let silent: Vec<&Voice> = facts.voices.iter().filter(|voice| !legs.iter().any(|leg| leg.chart.source == voice.source)).collect();
    let standing = match &facts.birth_date {
        Some(date) => Standing::Date(date.clone()),
        None => majority(&said, &silent),
    };
    let names = names_that_stand(facts, &said, &silent);
    legs.iter().zip(&said).map(|(leg, said)| verdict(leg.chart, said, &standing, &names)).collect()
}

/// The birth date that stands.
enum Standing {
    Date(String),
    /// The legs disagree and no date has a strict majority: nothing of any is shown.
    Disputed,
    /// No leg gives one.
    Nothing,
}

fn majority(said: &[Vec<Said>], silent: &[&Voice]) -> Standing {
    let mut votes = Votes::default();
    said.iter().for_each(|leg| votes.cast(leg.iter().filter_map(|said| said.birth_date.as_deref())));
    silent.iter().for_each(|voice| votes.cast(voice.birth_date.as_deref()));
    match votes.majority() {
        Some((date, _)) => Standing::Date(date.to_owned()),
        None if votes.voters == 0 => Standing::Nothing,
        None => Standing::Disputed,
    }
}

/// Birth dates and how many give them.
#[derive(Default)]
struct Votes<'a> {
    dates: BTreeMap<&'a str, usize>,
    voters: usize,
}

impl<'a> Votes<'a> {
    /// One voter's, each date once.
    fn cast(&mut self, dates: impl IntoIterator<Item = &'a str>) {
        let dates: BTreeSet<&str> = dates.into_iter().collect();
        self.voters += usize::from(!dates.is_empty());
        dates.into_iter().for_each(|date| *self.dates.entry(date).or_default() += 1);
    }

    /// The date that more than half of the voters give.
    fn majority(&self) -> Option<(&'a str, usize)> {
        let most = self.dates.iter().max_by_key(|(_, count)| **count)?;
        (most.1 * 2 > self.voters).then_some((*most.0, *most.1))
    }
}

/// Given names to compare with: those known, else those of a strict majority of legs and silent sources that are compatible with each
/// other.
fn names_that_stand(facts: &Facts, said: &[Vec<Said>], silent: &[&Voice]) -> Names {
    if !facts.given_names.is_empty() {
        return Names::These(facts.given_names.clone());
    }
    let legs = said.iter().map(|leg| leg.iter().flat_map(|said| &said.given).collect::<Vec<_>>());
    let heard = silent.iter().map(|voice| voice.given_names.iter().collect::<Vec<_>>());
    let voters: Vec<Vec<&String>> = legs.chain(heard).filter(|names| !names.is_empty()).collect();
    let agree = |a: &[&String], b: &[&String]| a.iter().any(|x| b.iter().any(|y| compatible(x, y)));
    let supported = voters.iter().filter(|one| voters.iter().filter(|other| agree(one, other)).count() * 2 > voters.len());
    let mut names: Vec<String> = supported.flatten().map(|name| (*name).clone()).collect();
    names.sort();
    names.dedup();
    match names.is_empty() {
        true if voters.is_empty() => Names::Unknown,
        true => Names::Disputed,
        false => Names::These(names),
    }
}

/// The given names that stand.
enum Names {
    /// No majority: every leg is held rather than one believed.
    Disputed,
    These(Vec<String>),
    /// Nobody gives any.
    Unknown,
}

impl Names {
    /// Whether somebody of these given names may be meant. A Patient without any says nothing against it.
    fn fit(&self, given: &[String]) -> bool {
        match self {
            _ if given.is_empty() => true,
            Names::Disputed => false,
            Names::These(names) => given.iter().any(|own| names.iter().any(|name| compatible(own, name))),
            Names::Unknown => true,
        }
    }
}

fn verdict(chart: &Chart, said: &[Said], standing: &Standing, names: &Names) -> Verdict {
    if said.is_empty() {
        return if chart.patients.is_empty() && chart.items.is_empty() { Verdict::NoPatient } else { Verdict::Mismatch(Mismatch::Number) };
    }
    let judged: Vec<Result<String, Verdict>> = said.iter().map(|said| judge(said, standing, names)).collect();
    let accepted: Vec<String> = judged.iter().filter_map(|one| one.as_ref().ok().cloned()).collect();
    if !accepted.is_empty() {
        return Verdict::Accepted(accepted);
    }
    // The worst is told: a mismatch before a doubt.
    let refused: Vec<Verdict> = judged.into_iter().filter_map(Result::err).collect();
    let mismatch = refused.iter().find(|one| matches!(one, Verdict::Mismatch(_))).cloned();
    mismatch.or_else(|| refused.into_iter().next()).unwrap_or(Verdict::NoPatient)
}

fn judge(said: &Said, standing: &Standing, names: &Names) -> Result<String, Verdict> {
    match (&said.birth_date, standing) {
        (_, Standing::Disputed) => return Err(Verdict::Mismatch(Mismatch::BirthDate)),
        (None, _) => return Err(Verdict::Held(Held::NoBirthDate)),
        (Some(own), Standing::Date(date)) if own != date => {
            return Err(if slip(own, date) { Verdict::Held(Held::BirthDateSlip) } else { Verdict::Mismatch(Mismatch::BirthDate) });
        }
        (Some(_), _) => {}
    }
    if !said.verified {
        return Err(Verdict::Held(Held::Unverified));
    }
    if names.fit(&said.given) { Ok(said.id.clone()) } else { Err(Verdict::Held(Held::GivenName)) }
}

/// One digit different, or day and month exchanged.
fn slip(a: &str, b: &str) -> bool {
    if a.len() != 10 || b.len() != 10 {
        return false;
    }
    let different = a.bytes().zip(b.bytes()).filter(|(x, y)| x != y).count();
    let exchanged = a.get(..5) == b.get(..5) && a.get(5..7) == b.get(8..10) && a.get(8..10) == b.get(5..7);
    different == 1 || exchanged
}

/// Whether a Patient carries the number, is in use, and was not replaced by another.
fn is_theirs(item: &Item, facts: &Facts) -> bool {
    let root = item.tree.root();
    let replaced = root.all("link").into_iter().any(|link| link.is("type", "replaced-by"));
    let theirs = numbers(root)
        .filter_map(|identifier| identifier.text("value")?.parse::<NhsNumber>().ok())
        .any(|own| own == facts.number || facts.former.contains(&own));
    theirs && !replaced && !root.is("active", "false")
}

fn numbers(root: Ref<'_>) -> impl Iterator<Item = Ref<'_>> {
    root.all("identifier").into_iter().filter(|identifier| identifier.is("system", NHS_NUMBER_SYSTEM) && !identifier.is("use", "old"))
}

fn said(item: &Item, trust: Trust) -> Said {
    let root = item.tree.root();
    // Current and previous names count; of each, the first given name.
    let given = root
        .all("name")
        .into_iter()
        .filter_map(|name| name.all("given").into_iter().next()?.value().map(|given| given.into_owned()))
        .collect();
    let verified = trust == Trust::Verified || numbers(root).any(says_verified);
    Said { id: item.id.clone(), birth_date: root.text("birthDate").map(|date| date.into_owned()), given, verified }
}

/// UK Core's and CareConnect's spellings of "number present and verified", and England's own code `01`.
fn says_verified(identifier: Ref<'_>) -> bool {
    let status = identifier
        .all("extension")
        .into_iter()
        .filter(|extension| extension.text("url").is_some_and(|url| url.contains("NHSNumberVerificationStatus")));
    status
        .flat_map(|extension| extension.all("valueCodeableConcept.coding.code"))
        .filter_map(|code| code.value())
        .any(|code| matches!(code.as_ref(), "number-present-and-verified" | "01"))
}

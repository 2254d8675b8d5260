//! G2 to G5: is a leg about the right person?

use std::collections::BTreeMap;

use fhir::Ref;
use record::{Chart, Item, NHS_NUMBER_SYSTEM, NhsNumber};

use crate::names::compatible;

/// What is known of the person from elsewhere.
#[derive(Debug, Clone)]
pub struct Facts {
    /// Their number.
    pub number: NhsNumber,
    /// A birth date from the national service, the person index, or the caller, whichever of these comes first.
    pub birth_date: Option<String>,
    /// Given names from the national service or the person index, current and previous.
    pub given_names: Vec<String>,
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
        .map(|leg| leg.chart.patients.iter().filter(|item| is_theirs(item, &facts.number)).map(|item| said(item, leg.trust)).collect())
        .collect();
    let standing = match &facts.birth_date {
        Some(date) => Standing::Date(date.clone()),
        None => majority(&said),
    };
    let names = names_that_stand(facts, &said);
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

fn majority(said: &[Vec<Said>]) -> Standing {
    let mut votes: BTreeMap<&str, usize> = BTreeMap::new();
    let mut voters = 0;
    for leg in said {
        let mut dates: Vec<&str> = leg.iter().filter_map(|said| said.birth_date.as_deref()).collect();
        dates.sort_unstable();
        dates.dedup();
        if !dates.is_empty() {
            voters += 1;
        }
        dates.into_iter().for_each(|date| *votes.entry(date).or_default() += 1);
    }
    match votes.iter().max_by_key(|(_, count)| **count) {
        None => Standing::Nothing,
        Some((date, count)) if count * 2 > voters => Standing::Date((*date).to_owned()),
        Some(_) => Standing::Disputed,
    }
}

/// Given names to compare with: those known, else those of a strict majority of the legs that are compatible with each other.
fn names_that_stand(facts: &Facts, said: &[Vec<Said>]) -> Vec<String> {
    if !facts.given_names.is_empty() {
        return facts.given_names.clone();
    }
    let legs: Vec<Vec<&String>> = said
        .iter()
        .map(|leg| leg.iter().flat_map(|said| &said.given).collect::<Vec<_>>())
        .filter(|names: &Vec<&String>| !names.is_empty())
        .collect();
    let agree = |a: &[&String], b: &[&String]| a.iter().any(|x| b.iter().any(|y| compatible(x, y)));
    let supported = legs.iter().filter(|leg| legs.iter().filter(|other| agree(leg, other)).count() * 2 > legs.len());
    let mut names: Vec<String> = supported.flatten().map(|name| (*name).clone()).collect();
    names.sort();
    names.dedup();
    if names.is_empty() && !legs.is_empty() {
        // No majority: a name nobody has, so that every leg is held rather than one believed.
        return vec!["\u{0}".to_owned()];
    }
    names
}

fn verdict(chart: &Chart, said: &[Said], standing: &Standing, names: &[String]) -> Verdict {
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

fn judge(said: &Said, standing: &Standing, names: &[String]) -> Result<String, Verdict> {
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
    let fits = names.is_empty() || said.given.is_empty() || said.given.iter().any(|own| names.iter().any(|name| compatible(own, name)));
    if fits { Ok(said.id.clone()) } else { Err(Verdict::Held(Held::GivenName)) }
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
fn is_theirs(item: &Item, number: &NhsNumber) -> bool {
    let root = item.tree.root();
    let replaced = root.all("link").into_iter().any(|link| link.is("type", "replaced-by"));
    let theirs = numbers(root)
        .any(|identifier| identifier.text("value").and_then(|value| value.parse::<NhsNumber>().ok()).is_some_and(|own| own == *number));
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

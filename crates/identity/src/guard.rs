//! G2 to G5: is a leg about the right person?

use fhir::Ref;
use record::{Chart, Item, NHS_NUMBER_SYSTEM, NhsNumber, SourceId};

use crate::standing::{Born, Names, Witnesses};

/// What is known of the person from elsewhere. Of the birth dates the first that there is stands: the national service's, the person
/// index's, the caller's.
#[derive(Debug, Clone)]
pub struct Facts {
    /// Their number.
    pub number: NhsNumber,
    /// Numbers that the national service replaced by it: whoever still has one of them means the same person.
    pub former: Vec<NhsNumber>,
    /// The birth date by the national service.
    pub birth_date: Option<String>,
    /// Given names by the national service, current and previous.
    pub given_names: Vec<String>,
    /// What the person index has of them: as many for a source as it has entries of theirs. Whoever answers now is believed as it
    /// answers, whatever its voice says. A birth date of two sources at least, and of more than half of those that the index has heard,
    /// is the index's; where nothing else is known, those that say nothing now vote with the legs.
    pub voices: Vec<Voice>,
    /// The birth date that whoever asks gave.
    pub said_by_caller: Option<String>,
}

impl Facts {
    /// Only the number is known.
    pub fn of(number: NhsNumber) -> Facts {
        let (former, given_names, voices) = (Vec::new(), Vec::new(), Vec::new());
        Facts { number, former, birth_date: None, given_names, voices, said_by_caller: None }
    }

    /// The same for what else a source answers, once these Patients of its were accepted: what they say stands.
    pub fn as_accepted<'a>(&self, patients: impl IntoIterator<Item = &'a Item>) -> Facts {
        let said: Vec<Said> = patients.into_iter().map(|item| said(item, Trust::Check)).collect();
        let birth_date = said.iter().find_map(|said| said.birth_date.clone()).or_else(|| self.birth_date.clone());
        let mut given_names = self.given_names.clone();
        if given_names.is_empty() {
            given_names.extend(said.into_iter().flat_map(|said| said.given));
        }
        Facts { birth_date, given_names, ..self.clone() }
    }
}

/// What one source said before of who a person is, in one of its entries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Voice {
    /// The source.
    pub source: SourceId,
    /// The birth date, `YYYY-MM-DD`.
    pub birth_date: Option<String>,
    /// First given names, current and previous.
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
pub(crate) struct Said {
    id: String,
    pub(crate) birth_date: Option<String>,
    pub(crate) given: Vec<String>,
    verified: bool,
}

/// Judges every leg of a read, in the order given. Legs are compared with each other only where nothing else is known.
pub fn guard(facts: &Facts, legs: &[Leg<'_>]) -> Vec<Verdict> {
    let said: Vec<Vec<Said>> = legs
        .iter()
        .map(|leg| leg.chart.patients.iter().filter(|item| is_theirs(item, facts)).map(|item| said(item, leg.trust)).collect())
        .collect();
    let witnesses = Witnesses::of(facts, legs, &said);
    let (born, names) = (witnesses.birth_date(facts), witnesses.given_names(facts));
    legs.iter().zip(&said).map(|(leg, said)| verdict(leg.chart, said, &born, &names)).collect()
}

fn verdict(chart: &Chart, said: &[Said], born: &Born, names: &Names) -> Verdict {
    if said.is_empty() {
        return if chart.patients.is_empty() && chart.items.is_empty() { Verdict::NoPatient } else { Verdict::Mismatch(Mismatch::Number) };
    }
    let judged: Vec<Result<String, Verdict>> = said.iter().map(|said| judge(said, born, names)).collect();
    let accepted: Vec<String> = judged.iter().filter_map(|one| one.as_ref().ok().cloned()).collect();
    if !accepted.is_empty() {
        return Verdict::Accepted(accepted);
    }
    // The worst is told: a mismatch before a doubt.
    let refused: Vec<Verdict> = judged.into_iter().filter_map(Result::err).collect();
    let mismatch = refused.iter().find(|one| matches!(one, Verdict::Mismatch(_))).cloned();
    mismatch.or_else(|| refused.into_iter().next()).unwrap_or(Verdict::NoPatient)
}

fn judge(said: &Said, born: &Born, names: &Names) -> Result<String, Verdict> {
    match (&said.birth_date, born) {
        (_, Born::Disputed) => return Err(Verdict::Mismatch(Mismatch::BirthDate)),
        (None, _) => return Err(Verdict::Held(Held::NoBirthDate)),
        (Some(own), Born::On(date)) if own != date => {
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

/// Whether a Patient carries the number, or one that it replaced, is in use, and was not replaced by another: whether its source means
/// this person by it, rightly or not.
pub fn is_theirs(item: &Item, facts: &Facts) -> bool {
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

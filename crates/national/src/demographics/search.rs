//! Finding somebody's number. The service audits everybody it matches, so a question is as narrow as it can be.

use record::{BirthDate, Sex};
use serde_json::Value;

use super::patient::{self, list};
use super::{Asking, Failed, Person, outcome};
use crate::{Call, Reply, plain};

/// A question who somebody is.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Search {
    /// The family name; a `*` at its end, after two letters at least, stands for any rest.
    pub family: Option<String>,
    /// Given names, each with a `*` in the same way.
    pub given: Vec<String>,
    /// The birth date, whole.
    pub birth_date: Option<BirthDate>,
    /// Gender: the service advises to leave it out.
    pub gender: Option<Sex>,
    /// The postcode, with a `*` in the same way. Restricted people are never found by it.
    pub postcode: Option<String>,
    /// Whether names that sound alike are found, too.
    pub fuzzy: bool,
    /// Whether only what agrees in everything is found.
    pub exact: bool,
    /// Whether previous names and addresses count.
    pub history: bool,
    /// At most so many people, 1 to 50; one more, and it says that there are too many.
    pub results_max: Option<u8>,
}

impl std::fmt::Debug for Search {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Search(redacted)")
    }
}

/// A question that the service would not take: what it needs at least.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TooLittle {
    /// Without `fuzzy`: family name and birth date.
    #[error("a search wants a family name and a whole birth date")]
    Plain,
    /// With it: given and family name and birth date; or birth date, gender, postcode and one of the names.
    #[error("a fuzzy search wants given and family name and birth date, or birth date, gender, postcode and one of the names")]
    Fuzzy,
    /// `fuzzy` and `exact` exclude each other.
    #[error("a search is fuzzy or exact, not both")]
    Both,
    /// Not between 1 and 50.
    #[error("a search wants at least 1 person and at most 50")]
    Results,
}

/// Somebody who might be meant.
#[derive(Debug, Clone, PartialEq)]
pub struct Match {
    /// Who.
    pub person: Person,
    /// How well they agree, in the service's own measure: 1 is everything.
    pub score: f64,
}

/// What the service said.
#[derive(Debug, Clone, PartialEq)]
pub enum Searched {
    /// These, in its order. None: nobody whom it may show agrees. That is not that there is nobody: by a postcode it finds no
    /// restricted person.
    Matches(Vec<Match>),
    /// It fits more people than it may show (HTTP 200 all the same); nobody is.
    TooMany,
    /// It did not say.
    Failed(Failed),
}

/// A search under way.
#[derive(Debug, Clone, Copy)]
pub struct Searching(());

impl Search {
    /// As the service advises where one person is to be found: three letters of the given name, two of the postcode, previous names
    /// and addresses too, nothing fuzzy, and no more than one.
    pub fn unique(given: &str, family: &str, birth_date: BirthDate, postcode: &str) -> Search {
        let start = |text: &str, letters: usize| {
            let text = text.trim();
            let more = text.chars().nth(letters).is_some();
            format!("{}{}", text.chars().take(letters).collect::<String>(), if more { "*" } else { "" })
        };
        let one = |text: String| (!text.is_empty()).then_some(text);
        Search {
            family: one(family.trim().to_owned()),
            given: one(start(given, 3)).into_iter().collect(),
            birth_date: Some(birth_date),
            postcode: one(start(postcode, 2)),
            history: true,
            results_max: Some(1),
            ..Search::default()
        }
    }

    /// Whether the service would take it.
    fn check(&self) -> Result<(), TooLittle> {
        let born = self.birth_date.is_some_and(BirthDate::is_whole);
        let (family, given) = (self.family.is_some(), !self.given.is_empty());
        let place = self.gender.is_some() && self.postcode.is_some();
        let enough = if self.fuzzy { born && (family && given || place && (family || given)) } else { born && family };
        match () {
            () if self.fuzzy && self.exact => Err(TooLittle::Both),
            () if self.results_max.is_some_and(|most| !(1..=50).contains(&most)) => Err(TooLittle::Results),
            () if enough => Ok(()),
            () => Err(if self.fuzzy { TooLittle::Fuzzy } else { TooLittle::Plain }),
        }
    }

    fn query(&self) -> String {
        let mut pairs: Vec<(&str, String)> = Vec::new();
        pairs.extend(self.family.clone().map(|family| ("family", family)));
        pairs.extend(self.given.iter().map(|given| ("given", given.clone())));
        pairs.extend(self.birth_date.map(|date| ("birthdate", format!("eq{date}"))));
        let gender = self.gender.map(|sex| match sex {
            Sex::Female => "female",
            Sex::Male => "male",
            Sex::Other => "other",
        });
        pairs.extend(gender.map(|gender| ("gender", gender.to_owned())));
        pairs.extend(self.postcode.clone().map(|postcode| ("address-postalcode", postcode)));
        let flags = [("_fuzzy-match", self.fuzzy), ("_exact-match", self.exact), ("_history", self.history)];
        pairs.extend(flags.iter().filter(|(_, on)| *on).map(|(name, _)| (*name, "true".to_owned())));
        pairs.extend(self.results_max.map(|most| ("_max-results", most.to_string())));
        let pairs: Vec<String> = pairs.into_iter().map(|(name, value)| format!("{name}={}", plain(&value))).collect();
        pairs.join("&")
    }
}

impl Asking {
    /// Begins to look for somebody.
    pub fn search(&self, search: &Search) -> Result<(Searching, Call), TooLittle> {
        search.check()?;
        Ok((Searching(()), self.call(format!("Patient?{}", search.query()))))
    }
}

impl Searching {
    /// What came of it.
    pub fn read(self, reply: Reply<'_>) -> Searched {
        match reply {
            None => Searched::Failed(Failed::Silent),
            Some((200, body)) => matches(body).unwrap_or(Searched::Failed(Failed::Malformed)),
            Some((status, body)) => Searched::Failed(Failed::Refused { status, code: outcome::code(body) }),
        }
    }
}

fn matches(body: &[u8]) -> Option<Searched> {
    let answer: Value = serde_json::from_slice(body).ok()?;
    if outcome::code_of(&answer).is_some_and(|code| code.as_str() == "TOO_MANY_MATCHES") {
        return Some(Searched::TooMany);
    }
    if answer["resourceType"] != "Bundle" || answer["type"] != "searchset" {
        return None;
    }
    // One that cannot be read might be the one who is meant: then nobody is told.
    let read = |entry: &Value| {
        let score = entry["search"]["score"].as_f64().filter(|score| (0.0..=1.0).contains(score))?;
        Some(Match { person: patient::read(&entry["resource"])?, score })
    };
    list(&answer["entry"]).iter().map(read).collect::<Option<Vec<_>>>().map(Searched::Matches)
}

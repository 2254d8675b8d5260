//! People with lives, and who holds which part of them.
//!
//! A fact of a life is said once, in `fixtures/people/<name>.toml`. Each supplier that knows of it
//! is a *holding*: it may have it at first hand or from another, and may say it differently.

use crate::kinds::{Detail, Kind};
use crate::supplier::Habits;
use crate::{ident, region};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};
use toml::{Table, Value};

mod all;

/// One person of the pretend region.
#[derive(Clone, Debug)]
pub struct Person {
    /// The name of the file this life is written in.
    pub slug: String,
    /// Who they are, said once.
    pub about: About,
    /// The suppliers that know the person, and under which names and ids.
    pub known_to: BTreeMap<String, KnownAs>,
    /// Everything that any supplier holds.
    pub facts: Vec<Fact>,
}

/// Who a person is.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct About {
    /// Ten digits, beginning with 999: never issued to anyone.
    pub nhs_number: String,
    /// The life in a few sentences, for the people who read this file.
    pub story: String,
    /// Mr, Mrs, Dr…
    pub title: Option<String>,
    /// Given names, the first one used.
    pub given: Vec<String>,
    /// Family name.
    pub family: String,
    /// A family name used before.
    pub previous_family: Option<String>,
    /// A given name used before.
    pub previous_given: Option<Vec<String>>,
    /// `male`, `female`, `other` or `unknown`.
    pub gender: String,
    /// Day of birth.
    pub birth_date: String,
    /// Day of death.
    pub died: Option<String>,
    /// Lines, the last one the postcode.
    #[serde(default)]
    pub address: Vec<String>,
    /// A telephone number from the ranges kept for fiction.
    pub phone: Option<String>,
    /// ODS code of the registered practice.
    pub practice: Option<String>,
    /// Warnings that the practice puts on its lists, such as `confidential-items`.
    #[serde(default)]
    pub practice_warnings: Vec<String>,
}

/// How one supplier knows a person, where it differs from the truth.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct KnownAs {
    /// The supplier's own id of the person; made from the person when absent.
    pub id: Option<String>,
    /// Further ids that the supplier has linked to the same person.
    pub also: Vec<String>,
    /// Another given name.
    pub given: Option<Vec<String>>,
    /// Another family name.
    pub family: Option<String>,
    /// Another gender.
    pub gender: Option<String>,
    /// Another birth date.
    pub birth_date: Option<String>,
    /// Another address.
    pub address: Option<Vec<String>>,
    /// NHS number status, `01` to `08`; `01` (present and verified) when absent.
    pub verification: Option<String>,
}

/// One fact of a life.
#[derive(Clone, Debug)]
pub struct Fact {
    /// Short name of the fact, unique within the person.
    pub key: String,
    /// What kind of fact it is.
    pub kind: Kind,
    /// Who holds it. The first is the one that the others are compared with.
    pub holdings: Vec<Holding>,
}

/// One supplier's holding of a fact.
#[derive(Clone, Debug)]
pub struct Holding {
    /// The supplier that holds it.
    pub supplier: &'static str,
    /// Whose it is, when the holder only passes it on.
    pub from: Option<String>,
    /// The id of the resource at the supplier.
    pub id: String,
    pub(crate) said: Arc<Table>,
    pub(crate) common: Common,
    pub(crate) detail: Detail,
}

/// What can be said about a fact of any kind.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Common {
    /// Why no rule may bring this holding together with the others.
    pub apart: Option<String>,
    /// ODS code of the organisation it happened at; the holder's own when absent.
    pub at: Option<String>,
    /// The member of staff who said or did it.
    pub by: Option<String>,
    /// `text`, `local` or the name of the only coding to send.
    pub coded: Option<String>,
    /// Marked as not to be disclosed to the patient.
    pub confidential: bool,
    /// Key of the encounter it belongs to.
    pub encounter: Option<String>,
    /// Overrides the id of the resource.
    pub id: Option<String>,
    /// Overrides the business identifier.
    pub identifier: Option<String>,
    /// A free-text note.
    pub note: Option<String>,
    /// Which of the supplier's ids for the person this hangs on: 0 is the first.
    pub patient: usize,
    /// Name of the place, such as a ward.
    pub place: Option<String>,
    /// A qualifier, sent as a modifier extension.
    pub qualifier: Option<String>,
    /// When it was written down.
    pub recorded: Option<String>,
    /// How the subject is said: `reference`, `identifier`, `contained` or `absent`.
    pub subject: Option<String>,
    /// Version of the resource.
    pub version: Option<u32>,
    /// What the clinician typed, in place of the term.
    pub worded: Option<String>,
}

const COMMON: &[&str] = &[
    "apart",
    "at",
    "by",
    "coded",
    "confidential",
    "encounter",
    "id",
    "identifier",
    "note",
    "patient",
    "place",
    "qualifier",
    "recorded",
    "subject",
    "version",
    "worded",
];

/// Everyone in the pretend region.
pub fn people() -> &'static [Person] {
    static PEOPLE: LazyLock<Vec<Person>> = LazyLock::new(|| {
        let read = |(slug, text): &(&str, &str)| match Person::parse(slug, text) {
            Ok(person) => person,
            Err(why) => panic!("fixtures/people/{slug}.toml: {why}"),
        };
        all::FILES.iter().map(read).collect()
    });
    &PEOPLE
}

/// The person with this NHS number.
pub fn person(nhs_number: &str) -> Option<&'static Person> {
    people().iter().find(|p| p.about.nhs_number == nhs_number)
}

impl Person {
    /// Reads a life from its file.
    pub fn parse(slug: &str, text: &str) -> Result<Self, String> {
        let mut table: Table = text.parse().map_err(|e| format!("{e}"))?;
        let known_to = table.remove("known_to").unwrap_or(Value::Table(Table::new()));
        let known_to: BTreeMap<String, KnownAs> = known_to.try_into().map_err(|e| format!("known_to: {e}"))?;
        let mut by_kind = Vec::new();
        for kind in Kind::ALL {
            if let Some(Value::Array(facts)) = table.remove(kind.table()) {
                by_kind.push((*kind, facts));
            }
        }
        let about: About = Value::Table(table).try_into().map_err(|e| format!("{e}"))?;
        let mut person = Person { slug: slug.to_owned(), about, known_to, facts: Vec::new() };
        for (kind, facts) in by_kind {
            for (at, fact) in facts.into_iter().enumerate() {
                let read = person.read_facts(kind, at, fact);
                let read = read.map_err(|why| format!("{} {}: {why}", kind.table(), at + 1))?;
                person.facts.extend(read);
            }
        }
        Ok(person)
    }

    /// The supplier's id (or ids) for this person, the first one first.
    pub fn ids_at(&self, habits: &Habits) -> Vec<String> {
        let Some(known) = self.known_to.get(habits.id) else {
            return Vec::new();
        };
        let seed = format!("{}/patient/{}", self.about.nhs_number, habits.id);
        let made = || ident::local(habits.ids, &seed);
        let mut ids = vec![known.id.clone().unwrap_or_else(made)];
        ids.extend(known.also.iter().cloned());
        ids
    }

    /// The fact of this key.
    pub fn fact(&self, key: &str) -> Option<&Fact> {
        self.facts.iter().find(|fact| fact.key == key)
    }

    fn read_facts(&self, kind: Kind, at: usize, fact: Value) -> Result<Vec<Fact>, String> {
        let Value::Table(mut table) = fact else {
            return Err("is not a table".into());
        };
        let held: Vec<String> = match table.remove("held") {
            Some(held) => held.try_into().map_err(|e| format!("held: {e}"))?,
            None => return Err("says nobody holds it".into()),
        };
        let but: BTreeMap<String, Table> = match table.remove("but") {
            Some(but) => but.try_into().map_err(|e| format!("but: {e}"))?,
            None => BTreeMap::new(),
        };
        let key = match table.remove("key") {
            Some(Value::String(key)) => key,
            Some(_) => return Err("key is not a string".into()),
            None => format!("{}-{}", kind.table(), at + 1),
        };
        if let Some(stray) = but.keys().find(|label| !held.iter().any(|h| label_of(h) == **label)) {
            return Err(format!("says what {stray} says differently, but {stray} does not hold it"));
        }
        let mut holdings = Vec::new();
        for who in &held {
            let but = but.get(label_of(who).as_str());
            holdings.push(self.read_holding(kind, &key, who, &table, but)?);
        }
        Ok(Detail::series(Fact { key, kind, holdings }))
    }

    fn read_holding(&self, kind: Kind, key: &str, who: &str, said: &Table, but: Option<&Table>) -> Result<Holding, String> {
        let label = label_of(who);
        let name = label.split(' ').next().unwrap_or_default();
        let habits = crate::supplier::habits(name).ok_or(format!("no supplier {name}"))?;
        if !self.known_to.contains_key(habits.id) {
            return Err(format!("is held by {name}, who does not know the person"));
        }
        let mut table = said.clone();
        for (name, value) in but.into_iter().flatten() {
            match value.as_str() {
                Some("") => table.remove(name),
                _ => table.insert(name.clone(), value.clone()),
            };
        }
        let said = Arc::new(table.clone());
        let mut common = Table::new();
        for name in COMMON {
            if let Some(value) = table.remove(*name) {
                common.insert((*name).to_owned(), value);
            }
        }
        let common: Common = Value::Table(common).try_into().map_err(|e| format!("{e}"))?;
        let detail = Detail::read(kind, table)?;
        let seed = format!("{}/{key}/{who}", self.about.nhs_number);
        let id = common.id.clone();
        Ok(Holding {
            supplier: habits.id,
            from: who.split_once(" from ").map(|(_, from)| from.to_owned()),
            id: id.unwrap_or_else(|| ident::local(habits.ids, &seed)),
            said,
            common,
            detail,
        })
    }

    /// The ODS code of whoever a holding belongs to.
    pub(crate) fn owner<'a>(&'a self, holding: &'a Holding) -> &'a str {
        let owner = holding.from.as_deref().unwrap_or(holding.supplier);
        match owner {
            "gp" => self.about.practice.as_deref().unwrap_or("X26"),
            owner => crate::supplier::habits(owner).map_or(owner, |habits| habits.organisation),
        }
    }

    /// The identifier that goes with a fact wherever it is passed on.
    pub(crate) fn business_identifier(&self, key: &str, holding: &Holding) -> (String, String) {
        let owner = self.owner(holding);
        let seed = holding.common.identifier.as_deref().unwrap_or(key);
        let seed = format!("{}/{owner}/{seed}", self.about.nhs_number);
        match region::organisation(owner).and_then(|o| o.system.as_deref()) {
            Some("EMIS") => (format!("https://EMISWeb/{owner}"), ident::guid(&seed).to_uppercase()),
            Some("TPP") => ("https://tpp-uk.com/Id/ccs-id".into(), ident::hex(&seed)),
            Some(_) => {
                let system = "https://fhir.nhs.uk/Id/cross-care-setting-identifier";
                (system.into(), ident::guid(&seed))
            }
            None => ("urn:ietf:rfc:3986".into(), format!("urn:uuid:{}", ident::guid(&seed))),
        }
    }
}

/// `ccr from gp` is the holder `ccr`. A second holding of the same supplier has another word
/// behind its name, to be told from the first: `ccr hospital from RQ3`.
fn label_of(who: &str) -> String {
    who.split_once(" from ").map_or(who, |(label, _)| label).to_owned()
}

impl Holding {
    /// The member of staff who said or did it.
    pub fn by(&self) -> Option<&str> {
        self.common.by.as_deref()
    }

    /// ODS code of where it happened, when said.
    pub fn at(&self) -> Option<&str> {
        self.common.at.as_deref()
    }

    /// The place, when said.
    pub fn place(&self) -> Option<&str> {
        self.common.place.as_deref()
    }
}

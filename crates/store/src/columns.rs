//! What stands in the register's columns, in both stores alike: the forms in which entries, events and tasks are written.
//!
//! They are arrays of JSON, led by a version: small, and quick to read fifteen million times.

use std::borrow::Cow;

use people::{
    Address, Author, ClaimedNumber, Deed, Demographics, Doubt, Entry, EntryKey, Name, NameUse, NumberStatus, Outcome, Person, Position, Sex,
};
use record::{NhsNumber, PersonId};
use serde::{Deserialize, Serialize};

use crate::Secrets;

/// A column cannot be read: it was written by something else, or under another key.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("the column {0} cannot be read: another program or another key wrote it")]
pub(crate) struct Unreadable(pub(crate) &'static str);

const VERSION: u8 = 1;

/// The id of a batch.
pub(crate) fn batch_id(text: &str) -> Result<uuid::Uuid, Unreadable> {
    text.parse().map_err(|_| Unreadable("batch.id"))
}

/// A position, as a column counts.
pub(crate) fn place(position: Position) -> Result<i64, Unreadable> {
    i64::try_from(position.batches).map_err(|_| Unreadable("batch.position"))
}

/// Of rows in order of batches, of which one more was read than wanted: the last batch of which all rows were read; if there is none,
/// the one that is too large by itself. None where no row was left out.
pub(crate) fn last_whole<T>(rows: &[(i64, T)], wanted: usize) -> Option<i64> {
    let (broken, _) = rows.get(wanted)?;
    rows.iter().rev().map(|(batch, _)| *batch).find(|batch| batch != broken).or(Some(*broken))
}

type Text<'a> = Cow<'a, str>;

#[derive(Serialize, Deserialize)]
struct SaidRow<'a>(
    u8,
    #[serde(borrow)] Option<(Text<'a>, bool)>,
    #[serde(borrow)] Vec<NameRow<'a>>,
    #[serde(borrow)] Option<Text<'a>>,
    Option<u8>,
    #[serde(borrow)] Vec<AddressRow<'a>>,
    #[serde(borrow)] Vec<Text<'a>>,
    #[serde(borrow)] Vec<Text<'a>>,
    #[serde(borrow)] Option<Text<'a>>,
);

#[derive(Serialize, Deserialize)]
struct NameRow<'a>(#[serde(borrow)] Text<'a>, #[serde(borrow)] Vec<Text<'a>>, bool);

#[derive(Serialize, Deserialize)]
struct AddressRow<'a>(#[serde(borrow)] Text<'a>, #[serde(borrow)] Text<'a>, #[serde(borrow)] Text<'a>, bool);

const SEXES: [Sex; 3] = [Sex::Female, Sex::Male, Sex::Other];

fn old(used: NameUse) -> bool {
    used == NameUse::Old
}

fn used(old: bool) -> NameUse {
    if old { NameUse::Old } else { NameUse::Current }
}

fn lent(texts: &[String]) -> Vec<Text<'_>> {
    texts.iter().map(|text| Cow::from(text.as_str())).collect()
}

fn owned(texts: Vec<Text<'_>>) -> Vec<String> {
    texts.into_iter().map(Cow::into_owned).collect()
}

fn said_bytes(said: &Demographics) -> Option<Vec<u8>> {
    let number = said.number.as_ref().map(|claimed| (Cow::from(claimed.value.as_str()), claimed.status == NumberStatus::Verified));
    let names = said.names.iter().map(|name| NameRow(Cow::from(&name.family), lent(&name.given), old(name.used)));
    let addresses = said
        .addresses
        .iter()
        .map(|address| AddressRow(Cow::from(&address.line), Cow::from(&address.town), Cow::from(&address.postcode), old(address.used)));
    let row = SaidRow(
        VERSION,
        number,
        names.collect(),
        said.birth_date.map(|date| Cow::from(date.to_string())),
        said.sex.and_then(|sex| SEXES.iter().position(|known| *known == sex)).map(|index| index as u8),
        addresses.collect(),
        lent(&said.phones),
        lent(&said.emails),
        said.practice.as_deref().map(Cow::from),
    );
    serde_json::to_vec(&row).ok()
}

fn said_of(bytes: &[u8]) -> Option<Demographics> {
    let row: SaidRow<'_> = serde_json::from_slice(bytes).ok().filter(|row: &SaidRow<'_>| row.0 == VERSION)?;
    let status = |verified| if verified { NumberStatus::Verified } else { NumberStatus::Unverified };
    let number = row.1.map(|(value, verified)| ClaimedNumber { value: value.into_owned(), status: status(verified) });
    let names = row.2.into_iter().map(|name| Name { family: name.0.into_owned(), given: owned(name.1), used: used(name.2) });
    let addresses = row.5.into_iter().map(|address| Address {
        line: address.0.into_owned(),
        town: address.1.into_owned(),
        postcode: address.2.into_owned(),
        used: used(address.3),
    });
    Some(Demographics {
        number,
        names: names.collect(),
        birth_date: row.3.map(|date| date.parse()).transpose().ok()?,
        sex: row.4.map(|index| SEXES.get(usize::from(index)).copied().ok_or(())).transpose().ok()?,
        addresses: addresses.collect(),
        phones: owned(row.6),
        emails: owned(row.7),
        practice: row.8.map(Cow::into_owned),
    })
}

/// Under which name an entry's demographics are sealed.
pub(crate) fn entry_name(key: &EntryKey) -> String {
    format!("{}/{}", key.source, key.local_id)
}

/// An entry's demographics, sealed.
pub(crate) fn seal_entry(secrets: &Secrets, entry: &Entry) -> Result<Vec<u8>, Unreadable> {
    said_bytes(&entry.demographics).and_then(|plain| secrets.seal_said(&entry_name(&entry.key), plain)).ok_or(Unreadable("entry.said"))
}

/// The same, read again in the room that they came in.
pub(crate) fn open_entry(secrets: &Secrets, key: &EntryKey, sealed: &mut [u8]) -> Result<Demographics, Unreadable> {
    secrets.open_said(&entry_name(key), sealed).and_then(said_of).ok_or(Unreadable("entry.said"))
}

/// What few persons have: superseded numbers, when they died, and whether their number was cut.
#[derive(Serialize, Deserialize)]
struct Rest(Vec<String>, Option<String>, #[serde(default)] bool);

/// A person's superseded numbers and death, sealed; none where there is neither.
fn seal_rest(secrets: &Secrets, person: &PersonId, rest: &Opened) -> Result<Option<Vec<u8>>, Unreadable> {
    let Opened { superseded, died, cut, .. } = rest;
    if superseded.is_empty() && died.is_none() && !cut {
        return Ok(None);
    }
    let numbers = superseded.iter().map(|number| number.expose().to_owned()).collect();
    let plain = serde_json::to_vec(&Rest(numbers, died.clone(), *cut)).ok();
    let sealed = plain.and_then(|plain| secrets.seal_said(person.as_str(), plain));
    sealed.map(Some).ok_or(Unreadable("person.rest"))
}

/// A person's sealed columns, `sealed` and `rest`.
pub(crate) type Sealed = (Option<Vec<u8>>, Option<Vec<u8>>);

/// A person's sealed columns.
pub(crate) fn seal_person(secrets: &Secrets, person: &Person) -> Result<Sealed, Unreadable> {
    let sealed = person.number.as_ref().map(|number| secrets.seal(number).ok_or(Unreadable("person.sealed"))).transpose()?;
    let rest = Opened { number: None, superseded: person.superseded.clone(), died: person.died.clone(), cut: person.cut };
    Ok((sealed, seal_rest(secrets, &person.id, &rest)?))
}

/// What stands in a person's sealed columns.
pub(crate) struct Opened {
    pub number: Option<NhsNumber>,
    pub superseded: Vec<NhsNumber>,
    pub died: Option<String>,
    pub cut: bool,
}

/// The same, read again.
pub(crate) fn open_person(secrets: &Secrets, person: &PersonId, (sealed, rest): Sealed) -> Result<Opened, Unreadable> {
    let number = sealed.map(|sealed| secrets.unseal(&sealed).ok_or(Unreadable("person.sealed"))).transpose()?;
    let (superseded, died, cut) = open_rest(secrets, person, rest)?;
    Ok(Opened { number, superseded, died, cut })
}

/// A person's sealed columns under the key that seals, none where they are already; and the numbers in them.
pub(crate) fn resealed_person(
    secrets: &Secrets,
    person: &PersonId,
    columns: Sealed,
) -> Result<(Option<Sealed>, Vec<NhsNumber>), Unreadable> {
    let opened = open_person(secrets, person, columns.clone())?;
    let (sealed, rest) = columns;
    let old = opened.number.as_ref().filter(|_| sealed.as_ref().is_some_and(|sealed| !secrets.is_new(sealed)));
    let number = old.map(|number| secrets.seal(number).ok_or(Unreadable("person.sealed"))).transpose()?;
    let said = rest.as_ref().map(|rest| secrets.resealed(person.as_str(), rest)).transpose()?.flatten();
    let changed = number.is_some() || said.is_some();
    let numbers = opened.number.into_iter().chain(opened.superseded).collect();
    Ok((changed.then(|| (number.or(sealed), said.or(rest))), numbers))
}

/// The numbers of a person's sealed columns that they are not to have any more.
pub(crate) fn let_go(secrets: &Secrets, person: &Person, columns: Sealed) -> Result<Vec<NhsNumber>, Unreadable> {
    let Opened { number, superseded, .. } = open_person(secrets, &person.id, columns)?;
    let stays = |number: &NhsNumber| person.number.as_ref() == Some(number) || person.superseded.contains(number);
    Ok(number.into_iter().chain(superseded).filter(|old| !stays(old)).collect())
}

/// A person's sealed columns without one of their numbers.
pub(crate) fn without(secrets: &Secrets, person: &PersonId, number: &NhsNumber, columns: Sealed) -> Result<Sealed, Unreadable> {
    let mut opened = open_person(secrets, person, columns.clone())?;
    opened.superseded.retain(|one| one != number);
    let sealed = columns.0.filter(|_| opened.number.as_ref() != Some(number));
    Ok((sealed, seal_rest(secrets, person, &opened)?))
}

fn open_rest(secrets: &Secrets, person: &PersonId, sealed: Option<Vec<u8>>) -> Result<(Vec<NhsNumber>, Option<String>, bool), Unreadable> {
    let Some(mut sealed) = sealed else { return Ok((Vec::new(), None, false)) };
    let plain = secrets.open_said(person.as_str(), &mut sealed);
    let rest: Option<Rest> = plain.and_then(|plain| serde_json::from_slice(plain).ok());
    let Rest(numbers, died, cut) = rest.ok_or(Unreadable("person.rest"))?;
    let numbers = numbers.iter().map(|number| number.parse()).collect::<Result<_, _>>();
    Ok((numbers.map_err(|_| Unreadable("person.rest"))?, died, cut))
}

/// `code:rest`, by a letter for the kind.
pub(crate) fn author_text(author: &Author) -> String {
    match author {
        Author::National => "national".to_owned(),
        Author::Rules(version) => format!("rules:{version}"),
        Author::Source(source) => format!("source:{source}"),
        Author::Steward(who) => format!("steward:{who}"),
    }
}

/// The same, read again.
pub(crate) fn author_of(text: &str) -> Result<Author, Unreadable> {
    let unreadable = Unreadable("author");
    match text.split_once(':') {
        None if text == "national" => Ok(Author::National),
        Some(("rules", version)) => Ok(Author::Rules(version.to_owned())),
        Some(("source", source)) => source.parse().map(Author::Source).map_err(|_| unreadable),
        Some(("steward", who)) => Ok(Author::Steward(who.to_owned())),
        _ => Err(unreadable),
    }
}

type Key<'a> = (Text<'a>, Text<'a>);

/// A deed, as it is written.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum DeedRow<'a> {
    Apart(#[serde(borrow)] Key<'a>, #[serde(borrow)] Key<'a>),
    Cut,
    Died,
    Investigated,
    InvestigationEnded,
    Linked(#[serde(borrow)] Key<'a>, Option<u8>, Option<f64>, #[serde(default, borrow)] Option<Text<'a>>),
    Merged(#[serde(borrow)] Text<'a>, #[serde(borrow)] Vec<Key<'a>>),
    NumberSuperseded,
    Restricted,
    RestrictionLifted,
    Together(#[serde(borrow)] Key<'a>, #[serde(borrow)] Key<'a>),
    Unlinked(#[serde(borrow)] Key<'a>, #[serde(borrow)] Text<'a>),
    Unmerged(#[serde(borrow)] Text<'a>, #[serde(borrow)] Vec<Key<'a>>),
}

fn key(key: &EntryKey) -> Key<'_> {
    (Cow::from(key.source.as_str()), Cow::from(key.local_id.as_str()))
}

fn key_of((source, local_id): Key<'_>) -> Option<EntryKey> {
    Some(EntryKey { source: source.parse().ok()?, local_id: local_id.into_owned() })
}

fn keys(all: &[EntryKey]) -> Vec<Key<'_>> {
    all.iter().map(key).collect()
}

fn keys_of(all: Vec<Key<'_>>) -> Option<Vec<EntryKey>> {
    all.into_iter().map(key_of).collect()
}

/// A deed as text.
pub(crate) fn deed_text(deed: &Deed) -> Result<String, Unreadable> {
    let row = match deed {
        Deed::Apart { entry, other } => DeedRow::Apart(key(entry), key(other)),
        Deed::Cut => DeedRow::Cut,
        Deed::Died => DeedRow::Died,
        Deed::Investigated => DeedRow::Investigated,
        Deed::InvestigationEnded => DeedRow::InvestigationEnded,
        Deed::Linked { entry, tier, weight, from } => {
            DeedRow::Linked(key(entry), *tier, *weight, from.as_ref().map(|from| Cow::from(from.as_str())))
        }
        Deed::Merged { from, entries } => DeedRow::Merged(Cow::from(from.as_str()), keys(entries)),
        Deed::NumberSuperseded => DeedRow::NumberSuperseded,
        Deed::Restricted => DeedRow::Restricted,
        Deed::RestrictionLifted => DeedRow::RestrictionLifted,
        Deed::Together { entry, other } => DeedRow::Together(key(entry), key(other)),
        Deed::Unlinked { entry, to } => DeedRow::Unlinked(key(entry), Cow::from(to.as_str())),
        Deed::Unmerged { to, entries } => DeedRow::Unmerged(Cow::from(to.as_str()), keys(entries)),
    };
    serde_json::to_string(&row).map_err(|_| Unreadable("event.deed"))
}

/// The same, read again.
pub(crate) fn deed_of(text: &str) -> Result<Deed, Unreadable> {
    serde_json::from_str(text).ok().and_then(deed_of_row).ok_or(Unreadable("event.deed"))
}

fn deed_of_row(row: DeedRow<'_>) -> Option<Deed> {
    Some(match row {
        DeedRow::Apart(entry, other) => Deed::Apart { entry: key_of(entry)?, other: key_of(other)? },
        DeedRow::Cut => Deed::Cut,
        DeedRow::Died => Deed::Died,
        DeedRow::Investigated => Deed::Investigated,
        DeedRow::InvestigationEnded => Deed::InvestigationEnded,
        DeedRow::Linked(entry, tier, weight, from) => {
            Deed::Linked { entry: key_of(entry)?, tier, weight, from: from.map(|from| from.parse()).transpose().ok()? }
        }
        DeedRow::Merged(from, entries) => Deed::Merged { from: from.parse().ok()?, entries: keys_of(entries)? },
        DeedRow::NumberSuperseded => Deed::NumberSuperseded,
        DeedRow::Restricted => Deed::Restricted,
        DeedRow::RestrictionLifted => Deed::RestrictionLifted,
        DeedRow::Together(entry, other) => Deed::Together { entry: key_of(entry)?, other: key_of(other)? },
        DeedRow::Unlinked(entry, to) => Deed::Unlinked { entry: key_of(entry)?, to: to.parse().ok()? },
        DeedRow::Unmerged(to, entries) => Deed::Unmerged { to: to.parse().ok()?, entries: keys_of(entries)? },
    })
}

/// The code of a doubt.
pub(crate) fn doubt_text(doubt: Doubt) -> &'static str {
    match doubt {
        Doubt::Confusion => "confusion",
        Doubt::Held => "held",
        Doubt::Probable => "probable",
    }
}

/// The same, read again.
pub(crate) fn doubt_of(text: &str) -> Result<Doubt, Unreadable> {
    let known = [Doubt::Confusion, Doubt::Held, Doubt::Probable];
    known.into_iter().find(|doubt| doubt_text(*doubt) == text).ok_or(Unreadable("task.doubt"))
}

/// The code of an outcome.
pub(crate) fn outcome_text(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Different => "different",
        Outcome::Same => "same",
        Outcome::Unknown => "unknown",
    }
}

/// The same, read again.
pub(crate) fn outcome_of(text: &str) -> Result<Outcome, Unreadable> {
    let known = [Outcome::Different, Outcome::Same, Outcome::Unknown];
    known.into_iter().find(|outcome| outcome_text(*outcome) == text).ok_or(Unreadable("task.outcome"))
}

/// What was claimed, by its two columns.
pub(crate) fn claim_kind(emergency: bool, overrides: bool) -> access::ClaimKind {
    match (emergency, overrides) {
        (true, _) => access::ClaimKind::Emergency,
        (false, true) => access::ClaimKind::LegalOverride,
        (false, false) => access::ClaimKind::Relationship,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_source_said_is_read_as_it_was_written() {
        let said = Demographics {
            number: Some(ClaimedNumber { value: "not a number".into(), status: NumberStatus::Verified }),
            names: vec![Name { family: "O\"Hara\n".into(), given: vec!["Zoë".into(), String::new()], used: NameUse::Old }],
            birth_date: Some("1962-03".parse().unwrap()),
            sex: Some(Sex::Other),
            addresses: vec![Address {
                line: "1 High St".into(),
                town: "Dudley".into(),
                postcode: "DY1 1AA".into(),
                used: NameUse::Current,
            }],
            phones: vec!["07700 900000".into()],
            emails: vec!["a@example.org".into()],
            practice: Some("M85001".into()),
        };
        for said in [said, Demographics::default()] {
            assert!(said_of(&said_bytes(&said).unwrap()).unwrap() == said);
        }
    }

    #[test]
    fn what_something_else_wrote_is_not_taken_for_an_entry() {
        for bytes in ["", "[]", "[2,null,[],null,null,[],[],[],null]", "[1,null,[],\"1962-13\",null,[],[],[],null]", "{}"] {
            assert!(said_of(bytes.as_bytes()).is_none(), "{bytes}");
        }
    }
}

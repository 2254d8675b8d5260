//! Who the page is about, by the rules for patient banners: name, born, gender, NHS number, in that order, and what sources differ in.

use fhir::{Kind, Ref};
use jiff::Timestamp;
use record::{Fate, Item, SharedRecord};

use crate::item::Reader;
pub(crate) use crate::item::text;
use crate::words;

/// The banner. It is made of the same read as the page below it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Banner {
    /// `SURNAME, Given (Title)`; `Not known` where no source gave one.
    pub name: String,
    /// Preferred name, where it is another.
    pub preferred: Option<String>,
    /// Birth date and age.
    pub born: Born,
    /// Gender.
    pub gender: &'static str,
    /// NHS number, 3 3 4.
    pub number: String,
    /// Date of death and age at death, where any source says that they died.
    pub died: Option<Born>,
    /// What the sources differ in, in words; empty where they agree.
    pub differs: Vec<&'static str>,
}

/// A date and the age on it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Born {
    /// Clinical form, or `Not known`.
    pub date: String,
    /// The age.
    pub age: Option<String>,
}

/// What one source says of who they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// Label and value, those that are given.
    pub rows: Vec<(&'static str, String)>,
    /// The source.
    pub source: String,
}

/// The practice that one source has the person registered with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Practice {
    /// Its name, and its doctor's where that is what is named.
    pub name: String,
    /// The source.
    pub source: String,
}

impl Banner {
    /// Of the Patients that passed the guards; the number is the one that was read by.
    pub fn of(record: &SharedRecord, number: &str, now: Timestamp) -> Banner {
        let patients: Vec<Ref<'_>> = patients(record).map(|item| item.tree.root()).collect();
        let first = |of: fn(Ref<'_>) -> Option<String>| patients.iter().find_map(|patient| of(*patient));
        let born = first(|patient| text(patient, "birthDate"));
        let death = died(&patients);
        let age_at = |day| born.as_deref().and_then(|born| words::age(born, day));
        let died = death.map(|death| {
            let day = death.get(..10).and_then(|day| day.parse().ok());
            let date = if death.is_empty() { "Date not known".to_owned() } else { words::date(&death) };
            Born { date, age: day.and_then(age_at) }
        });
        // Whoever died has no age now.
        let age = if died.is_some() { None } else { age_at(words::today(now)) };
        let name = first(name_of);
        Banner {
            preferred: first(preferred).filter(|known| name.as_ref().is_none_or(|name| !name.contains(known.as_str()))),
            name: name.unwrap_or_else(|| "Not known".to_owned()),
            born: Born { date: born.as_deref().map_or_else(|| "Not known".to_owned(), words::date), age },
            gender: words::gender(first(|patient| text(patient, "gender")).as_deref().unwrap_or_default()),
            number: words::number(number),
            died,
            differs: differs(&patients),
        }
    }
}

/// What each source says of who they are, in order of sources.
pub fn identities(record: &SharedRecord, name: impl Fn(&Item) -> String) -> Vec<Identity> {
    let identity = |item: &Item| {
        let patient = item.tree.root();
        let lines = |label: &'static str, all: Vec<String>| all.into_iter().map(move |one| (label, one)).collect::<Vec<_>>();
        let mut rows = lines("Name", patient.all("name").into_iter().filter_map(written_name).collect());
        rows.extend(lines("Born", text(patient, "birthDate").map(|born| words::date(&born)).into_iter().collect()));
        rows.extend(lines("Gender", text(patient, "gender").map(|code| words::gender(&code).to_owned()).into_iter().collect()));
        rows.extend(lines(
            "Died",
            died(&[patient]).map(|day| if day.is_empty() { "Date not known".into() } else { words::date(&day) }).into_iter().collect(),
        ));
        rows.extend(lines("Address", patient.all("address").into_iter().filter_map(address).collect()));
        rows.extend(lines("Contact", patient.all("telecom").into_iter().filter_map(contact).collect()));
        Identity { rows, source: name(item) }
    };
    patients(record).map(identity).collect()
}

/// The practices that sources name, in order of sources.
pub(crate) fn practices(record: &SharedRecord, reader: &Reader<'_>) -> Vec<Practice> {
    let named = |item: &Item| {
        let root = item.tree.root();
        let names: Vec<String> = root.all("generalPractitioner").into_iter().filter_map(|one| reader.named(one, root)).collect();
        (!names.is_empty()).then(|| Practice { name: names.join("; "), source: reader.source(item) })
    };
    patients(record).filter_map(named).collect()
}

pub(crate) fn patients(record: &SharedRecord) -> impl Iterator<Item = &Item> {
    let shown = record.items.iter().zip(&record.fates).filter(|(_, fate)| **fate != Fate::History).map(|(item, _)| item);
    shown.filter(|item| item.kind == Kind::PATIENT)
}

/// The name that is in use: the official before the usual before any that is not old.
pub(crate) fn name_of(patient: Ref<'_>) -> Option<String> {
    let names = patient.all("name");
    let used = |wanted: &str| names.iter().copied().find(|name| name.is("use", wanted));
    let current = || names.iter().copied().find(|name| !["old", "nickname", "maiden"].iter().any(|other| name.is("use", other)));
    written(used("official").or_else(|| used("usual")).or_else(current).or_else(|| names.first().copied())?)
}

fn preferred(patient: Ref<'_>) -> Option<String> {
    let nickname = patient.all("name").into_iter().find(|name| name.is("use", "nickname"))?;
    text(nickname, "given").or_else(|| text(nickname, "text"))
}

/// `SURNAME, Given (Title)`
pub(crate) fn written(name: Ref<'_>) -> Option<String> {
    let joined = |key: &str| {
        name.all(key).into_iter().filter_map(|part| part.value()).map(|part| part.trim().to_owned()).collect::<Vec<_>>().join(" ")
    };
    let (family, given, title) = (joined("family").to_uppercase(), joined("given"), joined("prefix"));
    let title = if title.is_empty() { title } else { format!(" ({title})") };
    match (family.as_str(), given.as_str()) {
        ("", "") => text(name, "text"),
        ("", given) => Some(format!("{given}{title}")),
        (family, "") => Some(format!("{family}{title}")),
        (family, given) => Some(format!("{family}, {given}{title}")),
    }
}

fn written_name(name: Ref<'_>) -> Option<String> {
    let used = text(name, "use").filter(|used| used != "official" && used != "usual");
    written(name).map(|whole| used.map_or(whole.clone(), |used| format!("{whole} ({used} name)")))
}

/// The day of death; empty where it is only known that they died.
fn died(patients: &[Ref<'_>]) -> Option<String> {
    let dated = patients.iter().find_map(|patient| text(*patient, "deceasedDateTime"));
    dated.or_else(|| patients.iter().any(|patient| patient.is("deceasedBoolean", "true")).then(String::new))
}

fn address(address: Ref<'_>) -> Option<String> {
    let parts: Vec<String> = ["line", "city", "district", "postalCode"]
        .iter()
        .flat_map(|key| address.all(key))
        .filter_map(|part| part.value())
        .map(|part| part.trim().to_owned())
        .filter(|part| !part.is_empty())
        .collect();
    let whole = if parts.is_empty() { text(address, "text")? } else { parts.join(", ") };
    let used = text(address, "use").filter(|used| used != "home").map(|used| format!(" ({used})")).unwrap_or_default();
    Some(format!("{whole}{used}"))
}

fn contact(point: Ref<'_>) -> Option<String> {
    let value = text(point, "value")?;
    let kind = text(point, "use").or_else(|| text(point, "system")).map(|kind| format!(" ({kind})")).unwrap_or_default();
    Some(format!("{value}{kind}"))
}

/// Only two that are given differ: what one does not say is no difference.
fn differs(patients: &[Ref<'_>]) -> Vec<&'static str> {
    let several = |all: Vec<Option<String>>| {
        let mut all: Vec<String> = all.into_iter().flatten().collect();
        all.sort();
        all.dedup();
        all.len() > 1
    };
    let family = |patient: Ref<'_>| name_of(patient).map(|name| name.split(',').next().unwrap_or_default().to_owned());
    let given = |patient: Ref<'_>| {
        let name = name_of(patient)?;
        name.split_once(", ").map(|(_, given)| given.split([' ', '(']).next().unwrap_or_default().to_lowercase())
    };
    let death = |patient: Ref<'_>| Some(died(&[patient]).is_some().to_string());
    let each = |of: &dyn Fn(Ref<'_>) -> Option<String>| several(patients.iter().map(|patient| of(*patient)).collect());
    let checks = [
        ("family name", each(&family)),
        ("given name", each(&given)),
        ("birth date", each(&|patient| text(patient, "birthDate"))),
        ("gender", each(&|patient| text(patient, "gender"))),
        ("whether they died", each(&death)),
    ];
    checks.into_iter().filter(|(_, differs)| *differs).map(|(name, _)| name).collect()
}

//! The tables beside this file, read once: what each bundle holds and where its fields go in R4.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use fhir::Kind;
use serde::Deserialize;

/// What all bundles come to.
#[derive(Debug)]
pub(super) struct Tables {
    /// In the order of asking: warnings and plans before the rest.
    pub bundles: Vec<Bundle>,
    /// What every record may say.
    pub common: BTreeMap<String, Field>,
    /// Keys of a coded value, and their systems.
    pub systems: BTreeMap<String, String>,
}

/// One bundle: one call.
#[derive(Debug)]
pub(super) struct Bundle {
    /// Leads the ids of its records.
    pub name: String,
    /// Below the JSON part's base.
    pub path: String,
    pub collections: Vec<Collection>,
}

/// One list of records of one sort.
#[derive(Debug)]
pub(super) struct Collection {
    pub name: String,
    pub kind: Kind,
    /// The field with the record's own id.
    pub id: String,
    /// Whether that is the resource's id as it stands, without the bundle's name before it.
    pub bare_id: bool,
    /// Where the Patient is named; a Patient itself names none.
    pub subject: Option<Vec<Step>>,
    pub shape: Shape,
    /// Objects inside a record, by the name that `each` gives them.
    pub each: BTreeMap<String, Shape>,
    /// By name: what a value becomes.
    pub maps: BTreeMap<String, BTreeMap<String, String>>,
}

/// How an object becomes another.
#[derive(Debug, Default)]
pub(super) struct Shape {
    pub fields: BTreeMap<String, Field>,
    /// What R4 wants said and the record does not say. A nested one is set only where what holds it came.
    pub always: Vec<(Vec<Step>, toml::Value)>,
}

/// Where a field goes, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Field {
    pub path: Vec<Step>,
    pub rule: Rule,
}

/// One step of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Step {
    pub key: String,
    pub list: List,
}

/// Which item of a list a step means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum List {
    /// Its one item; at a path's end a new one.
    First,
    /// A new item.
    New,
    /// It is no list.
    None,
}

/// How a value becomes what R4 has for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Rule {
    Bool,
    Concept,
    /// A date; a time of day is not carried.
    Date,
    /// A date, or a time where one is known: midnight means that it is not.
    Day,
    /// An object, by the shape of this name.
    Each(String),
    /// R4 has no place for it: it is carried in an extension.
    Extension,
    Identifier,
    /// The id of another record of the same person: `Patient.link`.
    Link,
    Map(String),
    Number,
    /// The id of another record: its type and bundle.
    Reference(String, String),
    Text,
    /// A local time.
    Time,
}

/// The tables. That they are legal is what a test is for.
pub(super) fn tables() -> &'static Tables {
    static TABLES: LazyLock<Tables> = LazyLock::new(|| match read() {
        Ok(tables) => tables,
        Err(why) => unreachable!("the tables are part of the program, and a test reads them: {why}"),
    });
    &TABLES
}

const COMMON: &str = include_str!("common.toml");
/// In the order of asking.
const BUNDLES: [(&str, &str); 7] = [
    ("demographics", include_str!("demographics.toml")),
    ("alerts", include_str!("alerts.toml")),
    ("mental-health", include_str!("mental-health.toml")),
    ("gp", include_str!("gp.toml")),
    ("community", include_str!("community.toml")),
    ("acute", include_str!("acute.toml")),
    ("adt", include_str!("adt.toml")),
];

type Maps = BTreeMap<String, BTreeMap<String, String>>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawCommon {
    fields: BTreeMap<String, String>,
    systems: BTreeMap<String, String>,
    maps: Maps,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawBundle {
    bundle: String,
    path: String,
    collection: Vec<RawCollection>,
    #[serde(default)]
    maps: Maps,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct RawCollection {
    name: String,
    kind: String,
    id: String,
    #[serde(default, rename = "bare_id")]
    bare_id: bool,
    subject: Option<String>,
    #[serde(default)]
    always: toml::Table,
    fields: BTreeMap<String, String>,
    #[serde(default)]
    each: Maps,
    #[serde(default)]
    each_always: BTreeMap<String, toml::Table>,
}

fn read() -> Result<Tables, String> {
    let common: RawCommon = toml::from_str(COMMON).map_err(|error| format!("common: {error}"))?;
    let bundle = |(name, text): (&str, &str)| {
        let raw: RawBundle = toml::from_str(text).map_err(|error| format!("{name}: {error}"))?;
        let mut maps = common.maps.clone();
        maps.extend(raw.maps);
        let collections = raw.collection.into_iter().map(|collection| of_collection(collection, &maps));
        let collections = collections.collect::<Result<_, String>>().map_err(|why| format!("{name}: {why}"))?;
        Ok(Bundle { name: raw.bundle, path: raw.path, collections })
    };
    let bundles = BUNDLES.into_iter().map(bundle).collect::<Result<_, String>>()?;
    Ok(Tables { bundles, common: fields(common.fields)?, systems: common.systems })
}

fn of_collection(raw: RawCollection, maps: &Maps) -> Result<Collection, String> {
    let told = |why: String| format!("{}: {why}", raw.name);
    let kind = Kind::parse(&raw.kind).ok_or_else(|| told(format!("{} is no type of R4", raw.kind)))?;
    let mut each_always = raw.each_always;
    let mut each = BTreeMap::new();
    for (name, own) in raw.each {
        let always = constants(each_always.remove(&name).unwrap_or_default()).map_err(told)?;
        each.insert(name, Shape { fields: fields(own).map_err(told)?, always });
    }
    if let Some(stray) = each_always.keys().next() {
        return Err(told(format!("each-always.{stray} has no each.{stray}")));
    }
    let shape = Shape { fields: fields(raw.fields).map_err(told)?, always: constants(raw.always).map_err(told)? };
    for field in shape.fields.values().chain(each.values().flat_map(|shape| shape.fields.values())) {
        match &field.rule {
            Rule::Each(name) if !each.contains_key(name) => return Err(told(format!("each {name} is not there"))),
            Rule::Map(name) if !maps.contains_key(name) => return Err(told(format!("map {name} is not there"))),
            _ => {}
        }
    }
    let subject = raw.subject.as_deref().map(path).transpose().map_err(told)?;
    if subject.is_none() && kind != Kind::PATIENT {
        return Err(told("it does not say where the Patient is named".to_owned()));
    }
    Ok(Collection { name: raw.name, kind, id: raw.id, bare_id: raw.bare_id, subject, shape, each, maps: maps.clone() })
}

fn constants(table: toml::Table) -> Result<Vec<(Vec<Step>, toml::Value)>, String> {
    table.into_iter().map(|(at, value)| Ok((path(&at)?, value))).collect()
}

fn fields(raw: BTreeMap<String, String>) -> Result<BTreeMap<String, Field>, String> {
    raw.into_iter().map(|(name, text)| field(&text).map(|field| (name.clone(), field)).map_err(|why| format!("{name}: {why}"))).collect()
}

/// `period.start | time`
fn field(text: &str) -> Result<Field, String> {
    let (at, how) = text.split_once('|').map_or((text, ""), |(at, how)| (at, how.trim()));
    if text.trim() == "extension" {
        return Ok(Field { path: Vec::new(), rule: Rule::Extension });
    }
    let words: Vec<&str> = how.split_whitespace().collect();
    let rule = match words.as_slice() {
        [] => Rule::Text,
        ["bool"] => Rule::Bool,
        ["concept"] => Rule::Concept,
        ["date"] => Rule::Date,
        ["day"] => Rule::Day,
        ["each", name] => Rule::Each((*name).to_owned()),
        ["identifier"] => Rule::Identifier,
        ["link"] => Rule::Link,
        ["map", name] => Rule::Map((*name).to_owned()),
        ["number"] => Rule::Number,
        ["reference", kind, bundle] => Rule::Reference((*kind).to_owned(), (*bundle).to_owned()),
        ["time"] => Rule::Time,
        _ => return Err(format!("no rule \"{how}\"")),
    };
    Ok(Field { path: path(at.trim())?, rule })
}

/// `participant[+].individual.display`
fn path(text: &str) -> Result<Vec<Step>, String> {
    let step = |part: &str| {
        let (key, list) = match part.strip_suffix("[]") {
            Some(key) => (key, List::First),
            None => part.strip_suffix("[+]").map_or((part, List::None), |key| (key, List::New)),
        };
        let legal = !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_alphanumeric());
        if legal { Ok(Step { key: key.to_owned(), list }) } else { Err(format!("\"{text}\" is no path")) }
    };
    text.split('.').map(step).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tables_are_legal_and_each_bundle_has_a_name_of_its_own() {
        let tables = read().unwrap();
        let names: std::collections::BTreeSet<&str> = tables.bundles.iter().map(|bundle| bundle.name.as_str()).collect();
        assert_eq!(names.len(), BUNDLES.len());
        // No FHIR id of the supplier's own looks like a record's.
        assert!(names.iter().all(|name| name.bytes().all(|byte| byte.is_ascii_lowercase())));
    }

    /// Everything a record becomes is an element that R4 has.
    #[test]
    fn every_path_leads_to_an_element_of_r4() {
        let definitions = fhir::tables::of(fhir::Version::R4);
        for bundle in &tables().bundles {
            for collection in &bundle.collections {
                let kind = definitions.type_of(collection.kind.name()).expect("a type");
                let fields = collection.shape.fields.iter().filter(|(_, field)| !field.path.is_empty());
                for (name, field) in fields {
                    let first = &field.path[0].key;
                    assert!(kind.elements.iter().any(|element| first.starts_with(element.name)), "{}.{name}: {first}", collection.name);
                }
            }
        }
    }

    #[test]
    fn a_field_says_where_and_how() {
        let step = |key: &str, list| Step { key: key.to_owned(), list };
        let check = |text: &str, path: Vec<Step>, rule| assert_eq!(field(text), Ok(Field { path, rule }), "{text}");
        check("title", vec![step("title", List::None)], Rule::Text);
        check("period.start | time", vec![step("period", List::None), step("start", List::None)], Rule::Time);
        check("note[+].text", vec![step("note", List::New), step("text", List::None)], Rule::Text);
        check("extension", Vec::new(), Rule::Extension);
        check("role[] | map a", vec![step("role", List::First)], Rule::Map("a".to_owned()));
        for wrong in ["", "a..b", "a | sometimes", "a b"] {
            assert!(field(wrong).is_err(), "{wrong}");
        }
    }
}

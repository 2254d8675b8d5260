//! What a source said of each type, as one object of JSON: `{"Condition":[1,"2024-05-01","2026-11-23T09:00:00Z"]}`. Both stores merge a
//! later one into it by themselves.

use fhir::Kind;
use identity::{Category, Located};
use record::SourceId;
use serde_json::{Map, Value};

pub(crate) fn write(categories: &[Category]) -> String {
    let row = |one: &Category| {
        let said = serde_json::json!([u8::from(one.holds), one.newest.map(|date| date.to_string()), one.heard.to_string()]);
        (one.kind.name().to_owned(), said)
    };
    Value::Object(categories.iter().map(row).collect::<Map<_, _>>()).to_string()
}

/// What cannot be read is as if it had not been heard: the source is asked.
pub(crate) fn read(text: &str) -> Vec<Category> {
    let Ok(Value::Object(all)) = serde_json::from_str(text) else { return Vec::new() };
    let category = |(kind, said): (&String, &Value)| {
        Some(Category {
            kind: Kind::parse(kind)?,
            holds: said[0] == 1,
            newest: said[1].as_str().and_then(|date| date.parse().ok()),
            heard: said[2].as_str()?.parse().ok()?,
        })
    };
    let mut categories: Vec<Category> = all.iter().filter_map(category).collect();
    categories.sort_unstable_by_key(|one| one.kind);
    categories
}

/// Ids, one a line.
pub(crate) fn ids(text: &str) -> Vec<String> {
    text.split('\n').filter(|id| !id.is_empty()).map(str::to_owned).collect()
}

/// A source gave an entry: it holds the person, unless it said later that it does not know them.
pub(crate) fn given(located: &mut Vec<Located>, source: SourceId, local_id: String, seen: jiff::Timestamp) {
    let Some(row) = located.iter_mut().find(|row| row.source == source) else {
        located.push(Located { source, holds: true, local_ids: vec![local_id], categories: Vec::new(), heard: seen });
        return;
    };
    if !row.holds && row.heard >= seen {
        return;
    }
    if !row.holds {
        (row.holds, row.heard) = (true, seen);
        row.categories.clear();
    }
    if !row.local_ids.contains(&local_id) {
        row.local_ids.push(local_id);
    }
}

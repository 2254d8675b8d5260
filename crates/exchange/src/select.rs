//! What a search narrows to: filters and includes, applied to the joined record.

use fhir::tables::{self, SearchKind};
use fhir::{Kind, Ref};
use record::{Filter, Item, Need, SUPPORTING, SharedRecord};

/// Keeps what matches and what matches refer to. What is left out counts as `filtered` in the plan.
pub fn narrow(record: &mut SharedRecord, need: &Need) {
    if need.kinds.is_empty() && need.since.is_none() {
        return;
    }
    let kept = keep(record, need);
    if kept.iter().all(|kept| *kept) {
        return;
    }
    for item in record.items.iter().zip(&kept).filter(|(_, kept)| !**kept).map(|(item, _)| item) {
        if let Some(row) = record.plan.row_mut(&item.origin.source, item.kind) {
            row.counts.filtered += 1;
        }
    }
    record.retain(&kept);
}

fn keep(record: &SharedRecord, need: &Need) -> Vec<bool> {
    // Whose record it is, and what others lead to, has no time of its own in it.
    let recent = |item: &Item| item.kind == Kind::PATIENT || SUPPORTING.contains(&item.kind) || need.is_recent(item);
    let wanted = |item: &Item| need.wants(item.kind) && recent(item) && need.filters.iter().all(|filter| matches(item, filter));
    let mut kept: Vec<bool> = record.items.iter().map(wanted).collect();
    // Includes may lead on: from a request to a medication to its maker.
    loop {
        let wanted: rustc_hash::FxHashSet<String> =
            record.items.iter().zip(&kept).filter(|(_, kept)| **kept).flat_map(|(item, _)| referred(item, need)).collect();
        let mut grew = false;
        for (index, item) in record.items.iter().enumerate() {
            if !kept[index] && wanted.contains(&format!("{}/{}", item.kind, item.id)) {
                kept[index] = true;
                grew = true;
            }
        }
        if !grew {
            return kept;
        }
    }
}

fn referred(item: &Item, need: &Need) -> Vec<String> {
    let includes = need.includes.iter().filter(|include| include.kind == item.kind);
    let params = includes
        .flat_map(|include| tables::search_params(item.kind).iter().filter(move |param| include.name == "*" || param.name == include.name));
    let paths = params.flat_map(|param| param.paths.iter());
    paths.flat_map(|path| item.tree.root().all(path)).filter_map(|node| Some(node.text("reference")?.into_owned())).collect()
}

/// Whether an item matches one parameter: any of its alternatives.
fn matches(item: &Item, filter: &Filter) -> bool {
    if filter.kind != item.kind {
        return true;
    }
    if filter.name == "_id" {
        return filter.values.contains(&item.id);
    }
    if filter.name == "_lastUpdated" {
        let node = item.tree.root().at("meta.lastUpdated");
        return filter.values.iter().any(|value| node.is_some_and(|node| date_matches(node, value)));
    }
    if filter.name == dialect::STU3_TYPE {
        return filter.values.iter().any(|named| named == dialect::stu3_type(item.tree.root()));
    }
    // Parameters that no table knows were ignored or refused before.
    let Some(param) = tables::search_params(item.kind).iter().find(|param| param.name == filter.name) else { return true };
    let nodes: Vec<Ref<'_>> = param.paths.iter().flat_map(|path| item.tree.root().all(path)).collect();
    if filter.modifier.as_deref() == Some("missing") {
        return filter.values.iter().any(|value| (value == "true") == nodes.is_empty());
    }
    let any =
        nodes.iter().any(|node| filter.values.iter().any(|value| value_matches(*node, param.kind, value, filter.modifier.as_deref())));
    if filter.modifier.as_deref() == Some("not") { !any } else { any }
}

fn value_matches(node: Ref<'_>, kind: SearchKind, value: &str, modifier: Option<&str>) -> bool {
    match kind {
        SearchKind::Date => date_matches(node, value),
        SearchKind::Quantity | SearchKind::Number => number_matches(node, value),
        SearchKind::Reference => {
            node.text("reference").is_some_and(|reference| reference == value || reference.rsplit('/').next() == Some(value))
        }
        SearchKind::String => strings(node).iter().any(|text| string_matches(text, value, modifier)),
        SearchKind::Token => match modifier {
            Some("text") => strings(node).iter().any(|text| text.to_lowercase().contains(&value.to_lowercase())),
            _ => token_matches(node, value),
        },
        // Ignored or refused before.
        SearchKind::Composite | SearchKind::Special => true,
        SearchKind::Uri => node.value().is_some_and(|text| text == value),
    }
}

/// `code`, `system|code`, `|code`, `system|` against a Coding, CodeableConcept, Identifier, ContactPoint, code or boolean.
fn token_matches(node: Ref<'_>, value: &str) -> bool {
    let (system, code) = match value.split_once('|') {
        Some((system, code)) => (Some(system), code),
        None => (None, value),
    };
    let fits = |own_system: Option<&str>, own_code: Option<&str>| {
        system.is_none_or(|system| own_system.unwrap_or_default() == system) && (code.is_empty() || own_code == Some(code))
    };
    if node.is_primitive() {
        return fits(None, node.value().as_deref());
    }
    let codings = node.all("coding");
    if !codings.is_empty() {
        return codings.iter().any(|coding| fits(coding.text("system").as_deref(), coding.text("code").as_deref()));
    }
    let own = node.text("code").or_else(|| node.text("value"));
    fits(node.text("system").as_deref(), own.as_deref())
}

fn strings(node: Ref<'_>) -> Vec<String> {
    if node.is_primitive() {
        return node.value().map(|text| text.into_owned()).into_iter().collect();
    }
    node.items().flat_map(strings).collect()
}

fn string_matches(text: &str, value: &str, modifier: Option<&str>) -> bool {
    let (text, value) = (text.to_lowercase(), value.to_lowercase());
    match modifier {
        Some("exact") => text == value,
        Some("contains") => text.contains(&value),
        _ => text.starts_with(&value),
    }
}

/// FHIR's date search: the ranges that both sides stand for, compared by the prefix.
fn date_matches(node: Ref<'_>, value: &str) -> bool {
    let (prefix, text) = match value.get(..2) {
        Some(prefix) if prefix.bytes().all(|byte| byte.is_ascii_lowercase()) => (prefix, &value[2..]),
        _ => ("eq", value),
    };
    let Some(asked) = fhir::date::Partial::parse(&text.replace(' ', "+")) else { return false };
    let (from, to) = asked.range();
    let Some((own_from, own_to)) = own_range(node) else { return false };
    match prefix {
        "eq" => own_from >= from && own_to <= to,
        "ne" => !(own_from >= from && own_to <= to),
        "gt" => own_to > to,
        "lt" => own_from < from,
        "ge" => own_to >= from,
        "le" => own_from <= to,
        "sa" => own_from > to,
        "eb" => own_to < from,
        _ => false,
    }
}

/// The range of a date, an instant, or a Period, whose missing ends are open.
fn own_range(node: Ref<'_>) -> Option<(i128, i128)> {
    let range = |text: &str| fhir::date::Partial::parse(text).map(|partial| partial.range());
    if node.is_primitive() {
        return range(&node.value()?);
    }
    let start = node.text("start").and_then(|text| range(&text)).map_or(i128::MIN, |(from, _)| from);
    let end = node.text("end").and_then(|text| range(&text)).map_or(i128::MAX, |(_, to)| to);
    Some((start, end))
}

/// `number`, or `number|system|code`: a value in another unit is another value.
fn number_matches(node: Ref<'_>, value: &str) -> bool {
    let mut parts = value.split('|');
    let number = parts.next().unwrap_or_default();
    let (system, code) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let is = |name: &str, asked: &str| node.is(name, asked);
    if !(system.is_empty() || is("system", system)) || !(code.is_empty() || is("code", code) || system.is_empty() && is("unit", code)) {
        return false;
    }
    let (prefix, text) = match number.get(..2) {
        Some(prefix) if prefix.bytes().all(|byte| byte.is_ascii_lowercase()) => (prefix, &number[2..]),
        _ => ("eq", number),
    };
    let own = node.text("value").or_else(|| node.value());
    let (Some(own), Ok(asked)) = (own.and_then(|own| own.parse::<f64>().ok()), text.parse::<f64>()) else { return false };
    match prefix {
        "gt" => own > asked,
        "lt" => own < asked,
        "ge" => own >= asked,
        "le" => own <= asked,
        "ne" => own != asked,
        _ => own == asked,
    }
}

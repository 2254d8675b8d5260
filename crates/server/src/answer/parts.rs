//! The parts of an answer, in order: the person, each item with what belongs beside it, Provenance.

use std::collections::BTreeMap;

use exchange::Names;
use fhir::Kind;
use record::{Fate, Item, NhsNumber, SharedRecord, SourceId};
use rustc_hash::FxHashMap;
use serde_json::{Value, json};

use super::pages::Pieces;

/// How an answer is to be laid out.
pub struct Style<'a> {
    /// The FHIR base that clients see, without a slash at its end.
    pub base: &'a str,
    /// The type searched for; none for `$everything`. Other types are included, not matched.
    pub main: Option<Kind>,
    /// Whether the exchange's own Patient is shown.
    pub patient: bool,
    /// Whether to add a Provenance for each source's answer.
    pub provenance: bool,
    /// Who assembles, for Provenance: exchange, version and rule-set hash.
    pub assembler: &'a Assembler,
    /// Names of sources.
    pub names: &'a dyn Names,
    /// The request's id and time.
    pub request: &'a str,
    /// When the answer was made.
    pub now: jiff::Timestamp,
}

/// Who put a record together, and by which rules.
#[derive(Debug, Clone)]
pub struct Assembler {
    /// The exchange's id and this program's version.
    pub name: String,
    /// The operator's ODS code.
    pub organisation: String,
    /// Hash of the rules of translating and joining.
    pub rules: String,
}

/// What an entry has beside its resource, tags and all, and what a Linkage takes: to make room once.
const ENTRY_LEN: usize = 400;
const LINKAGE_LEN: usize = 640;

/// Lays out a record. Tags are written into the resources on their way out; with it goes where each item's
/// bytes are.
pub fn parts(record: &SharedRecord, number: &NhsNumber, style: &Style<'_>) -> (Pieces, Vec<Written>) {
    let room = record.items.iter().map(|item| item.tree.json_len_about() + ENTRY_LEN).sum::<usize>() + record.clusters.len() * LINKAGE_LEN;
    let mut pieces = Pieces::with_room(room);
    if style.patient && style.main.is_none_or(|kind| kind == Kind::PATIENT) {
        pieces.entry(style.base, "Patient", record.person.as_str(), "match", minted(record, number).to_string().as_bytes());
        pieces.cut(true);
    }
    let places = Places::of(record);
    let mut tags = Tags::of(record);
    let mut written = Vec::with_capacity(record.items.len());
    for (index, item) in record.items.iter().enumerate() {
        if !places.shown[index] {
            continue;
        }
        let matched = style.main.is_none_or(|kind| kind == item.kind);
        let mode = if matched { "match" } else { "include" };
        let piece = pieces.len();
        pieces.entry_of(style.base, item.kind.name(), &item.id, mode, |out| {
            let start = out.len();
            tags.write(record, index, out);
            written.push(Written { item: index, piece, bytes: start..out.len() });
        });
        for beside in &places.beside[index] {
            write_beside(&mut pieces, record, beside, style);
        }
        pieces.cut(matched);
    }
    if style.provenance {
        for (id, provenance) in provenances(record, &places.shown, style) {
            pieces.entry(style.base, "Provenance", &id, "include", provenance.to_string().as_bytes());
            pieces.join_last();
        }
    }
    (pieces, written)
}

/// Where an item of the record stands in an answer.
pub struct Written {
    /// The index of the item.
    pub item: usize,
    /// In which piece.
    pub piece: usize,
    /// Where in the pieces' bytes.
    pub bytes: std::ops::Range<usize>,
}

/// The exchange's own Patient: the number and links, and nothing else.
pub fn minted(record: &SharedRecord, number: &NhsNumber) -> Value {
    let links: Vec<Value> = record
        .items
        .iter()
        .filter(|item| item.kind == Kind::PATIENT)
        .map(|item| json!({"other": {"reference": format!("Patient/{}", item.id)}, "type": "seealso"}))
        .collect();
    let mut patient = json!({
        "resourceType": "Patient",
        "id": record.person.as_str(),
        "identifier": [{"use": "official", "system": record::NHS_NUMBER_SYSTEM, "value": number.expose()}],
    });
    if !links.is_empty() {
        patient["link"] = Value::Array(links);
    }
    patient
}

/// What stands beside an item.
enum Beside {
    Cluster(usize),
    Conflict(usize),
}

/// What is shown, and what stands beside it, by index of item.
struct Places {
    shown: Vec<bool>,
    beside: Vec<Vec<Beside>>,
}

impl Places {
    fn of(record: &SharedRecord) -> Places {
        // Older versions are history: reachable by the source's own id, counted in the plan, not part of the list.
        let shown: Vec<bool> = record.fates.iter().map(|fate| !matches!(fate, Fate::Collapsed | Fate::History)).collect();
        let mut beside: Vec<Vec<Beside>> = record.items.iter().map(|_| Vec::new()).collect();
        for (number, cluster) in record.clusters.iter().enumerate() {
            beside[cluster.representative].push(Beside::Cluster(number));
        }
        for (number, conflict) in record.conflicts.iter().enumerate() {
            if let Some(first) = conflict.members.iter().find(|member| shown[**member]) {
                beside[*first].push(Beside::Conflict(number));
            }
        }
        Places { shown, beside }
    }
}

/// What each item is tagged with beside its source: how fresh it is, and the cluster that it is in.
struct Tags {
    freshness: FxHashMap<(SourceId, Kind), &'static str>,
    /// By index of item.
    cluster: Vec<Option<usize>>,
    /// Room for the tags of one item.
    written: Vec<u8>,
}

impl Tags {
    fn of(record: &SharedRecord) -> Tags {
        let freshness = record.plan.rows.iter().filter_map(|row| Some(((row.source.clone(), row.kind), fresh(row.status?)))).collect();
        let mut cluster = vec![None; record.items.len()];
        for (number, one) in record.clusters.iter().enumerate() {
            one.members.iter().for_each(|member| cluster[*member] = Some(number));
        }
        Tags { freshness, cluster, written: Vec::with_capacity(512) }
    }

    /// Writes an item with its tags. Where its own `meta` is of another shape than FHIR's, it is left alone.
    fn write(&mut self, record: &SharedRecord, index: usize, out: &mut Vec<u8>) {
        let item = &record.items[index];
        let tags = item.tree.root().get("meta").and_then(|meta| meta.get("tag")).filter(|tags| tags.is_array());
        let Some(tags) = tags else { return item.tree.write_json(out) };
        self.written.clear();
        let fresh = self.freshness.get(&(item.origin.source.clone(), item.kind)).copied().unwrap_or("ok");
        self.tag("urn:severn:freshness", fresh);
        if let Some(cluster) = self.cluster[index].map(|number| &record.clusters[number]) {
            self.tag("urn:severn:cluster", &cluster.id);
            self.tag("urn:severn:tier", cluster.tier.code());
            if cluster.lagging.contains(&index) {
                self.tag("urn:severn:relay", "older-copy");
            }
            if cluster.retracted {
                self.tag("urn:severn:relay", "retracted-by-author");
            }
        }
        item.tree.write_json_with(tags.id(), &self.written, out);
    }

    /// Systems and codes of ours need no JSON escapes.
    fn tag(&mut self, system: &str, code: &str) {
        if !self.written.is_empty() {
            self.written.push(b',');
        }
        for piece in ["{\"system\":\"", system, "\",\"code\":\"", code, "\"}"] {
            self.written.extend_from_slice(piece.as_bytes());
        }
    }
}

fn fresh(status: record::Status) -> &'static str {
    match status {
        record::Status::CacheFresh => "cache-fresh",
        record::Status::CacheStale => "cache-stale",
        _ => "ok",
    }
}

fn reference(item: &Item) -> Value {
    json!({"reference": format!("{}/{}", item.kind, item.id)})
}

fn write_beside(pieces: &mut Pieces, record: &SharedRecord, beside: &Beside, style: &Style<'_>) {
    match beside {
        Beside::Cluster(number) => {
            let cluster = &record.clusters[*number];
            let others = cluster.members.iter().filter(|member| **member != cluster.representative);
            // There are many, so they are written without a tree in between. Types, ids and tiers need no JSON escapes; words may.
            let mut linkage = format!(
                "{{\"resourceType\":\"Linkage\",\"id\":\"{}\",\"meta\":{{\"tag\":[{{\"system\":\"urn:severn:tier\",\"code\":\"{}\"}}]}},\
                 \"extension\":[{{\"url\":\"urn:severn:why\",\"valueString\":{}}}],\"active\":true,\"item\":[",
                cluster.id,
                cluster.tier.code(),
                Value::from(cluster.why.as_str())
            );
            for (kind, member) in [("source", &cluster.representative)].into_iter().chain(others.map(|member| ("alternate", member))) {
                let item = &record.items[*member];
                let comma = if kind == "source" { "" } else { "," };
                for part in [comma, "{\"type\":\"", kind, "\",\"resource\":{\"reference\":\"", item.kind.name(), "/", &item.id, "\"}}"] {
                    linkage.push_str(part);
                }
            }
            linkage.push_str("]}");
            pieces.entry(style.base, "Linkage", &cluster.id, "include", linkage.as_bytes());
        }
        Beside::Conflict(number) => {
            let conflict = &record.conflicts[*number];
            let implicated: Vec<Value> = conflict.members.iter().map(|member| reference(&record.items[*member])).collect();
            let issue = json!({
                "resourceType": "DetectedIssue",
                "id": conflict.id,
                "status": "final",
                "code": {"coding": [{"system": "urn:severn:conflict", "code": conflict.code}]},
                "implicated": implicated,
                "detail": conflict.why,
            });
            pieces.entry(style.base, "DetectedIssue", &conflict.id, "include", issue.to_string().as_bytes());
        }
    }
}

/// One Provenance for each source that has something in the answer.
fn provenances(record: &SharedRecord, shown: &[bool], style: &Style<'_>) -> Vec<(String, Value)> {
    let mut by_source: BTreeMap<&SourceId, Vec<&Item>> = BTreeMap::new();
    for item in record.items.iter().zip(shown).filter(|(_, shown)| **shown).map(|(item, _)| item) {
        by_source.entry(&item.origin.source).or_default().push(item);
    }
    by_source.into_iter().map(|(source, items)| provenance(source, &items, style)).collect()
}

fn provenance(source: &SourceId, items: &[&Item], style: &Style<'_>) -> (String, Value) {
    let id = format!("{source}-{}", style.request).chars().take(64).collect::<String>();
    let (name, organisation) = style.names.of(source);
    let findings: Vec<Value> =
        items.iter().flat_map(|item| item.findings.iter().map(move |finding| finding_extension(item, finding))).collect();
    let mut extensions = vec![
        json!({"url": "urn:severn:source", "valueString": source.as_str()}),
        json!({"url": "urn:severn:rules", "valueString": style.assembler.rules}),
    ];
    extensions.extend(findings);
    let kind =
        |code: &str| json!({"coding": [{"system": "http://terminology.hl7.org/CodeSystem/provenance-participant-type", "code": code}]});
    let mut custodian = json!({"display": name});
    if !organisation.is_empty() {
        custodian["identifier"] = json!({"system": record::ODS_SYSTEM, "value": organisation});
    }
    let provenance = json!({
        "resourceType": "Provenance",
        "id": id,
        "extension": extensions,
        "target": items.iter().map(|item| reference(item)).collect::<Vec<_>>(),
        "recorded": style.now.to_string(),
        "agent": [
            {"type": kind("assembler"), "who": {"identifier": {"system": record::ODS_SYSTEM, "value": style.assembler.organisation}, "display": style.assembler.name}},
            {"type": kind("custodian"), "who": custodian},
        ],
        "entity": items.iter().filter_map(|item| original(item)).collect::<Vec<_>>(),
    });
    (id, provenance)
}

/// The id and version by which the source knows an item.
fn original(item: &Item) -> Option<Value> {
    let id = item.origin.id.as_ref()?;
    let version = item.version().map(|version| format!("/_history/{version}")).unwrap_or_default();
    let what = json!({
        "identifier": {"system": format!("urn:severn:original:{}", item.origin.source), "value": format!("{}/{id}{version}", item.origin.kind)},
        "reference": format!("{}/{}", item.kind, item.id),
    });
    Some(json!({"role": "source", "what": what}))
}

fn finding_extension(item: &Item, finding: &record::Finding) -> Value {
    json!({"url": "urn:severn:finding", "extension": [
        {"url": "item", "valueReference": reference(item)},
        {"url": "code", "valueCode": finding.code.code()},
        {"url": "path", "valueString": finding.path},
        {"url": "detail", "valueString": finding.detail},
    ]})
}

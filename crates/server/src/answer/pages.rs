//! Entries in one buffer, cut into pieces that stay together on a page.

use serde_json::{Value, json};

/// Entries of a Bundle as bytes, in pieces: an item and what belongs beside it are one piece. A comma leads each entry, as the
/// outcome stands before all of them.
#[derive(Debug, Clone, Default)]
pub struct Pieces {
    bytes: Vec<u8>,
    /// Where each piece ends, and whether it holds a match.
    ends: Vec<(usize, bool)>,
}

impl Pieces {
    /// With room for so many bytes.
    pub fn with_room(bytes: usize) -> Pieces {
        Pieces { bytes: Vec::with_capacity(bytes), ends: Vec::new() }
    }

    /// Appends one entry to the piece under way.
    pub fn entry(&mut self, base: &str, kind: &str, id: &str, mode: &str, resource: &[u8]) {
        self.entry_of(base, kind, id, mode, |out| out.extend_from_slice(resource));
    }

    /// The same with a resource that is written in its place.
    pub fn entry_of(&mut self, base: &str, kind: &str, id: &str, mode: &str, resource: impl FnOnce(&mut Vec<u8>)) {
        // Bases, types, ids and modes need no JSON escapes.
        for piece in [",{\"fullUrl\":\"", base, "/", kind, "/", id, "\",\"resource\":"] {
            self.bytes.extend_from_slice(piece.as_bytes());
        }
        resource(&mut self.bytes);
        for piece in [",\"search\":{\"mode\":\"", mode, "\"}}"] {
            self.bytes.extend_from_slice(piece.as_bytes());
        }
    }

    /// Appends a Patient that was found, with how well it fits: `search` of its entry.
    pub fn match_of(&mut self, base: &str, id: &str, patient: &[u8], search: &Value) {
        for piece in [",{\"fullUrl\":\"", base, "/Patient/", id, "\",\"resource\":"] {
            self.bytes.extend_from_slice(piece.as_bytes());
        }
        self.bytes.extend_from_slice(patient);
        for piece in [",\"search\":", &search.to_string(), "}"] {
            self.bytes.extend_from_slice(piece.as_bytes());
        }
    }

    /// Ends the piece under way.
    pub fn cut(&mut self, matched: bool) {
        self.ends.push((self.bytes.len(), matched));
    }

    /// Adds what was written since the last cut to the last piece (or makes it the first).
    pub fn join_last(&mut self) {
        let matched = self.ends.pop().is_some_and(|(_, matched)| matched);
        self.cut(matched);
    }

    /// Whether there are no pieces.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// How many pieces.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// How many matches.
    pub fn matches(&self) -> usize {
        self.ends.iter().filter(|(_, matched)| *matched).count()
    }

    /// Bytes of the pieces, where these are there.
    pub fn bytes(&self, at: std::ops::Range<usize>) -> &[u8] {
        self.bytes.get(at).unwrap_or_default()
    }

    fn slice(&self, from: usize, to: usize) -> &[u8] {
        let end_of = |count: usize| count.checked_sub(1).map_or(0, |last| self.ends[last].0);
        &self.bytes[end_of(from)..end_of(to)]
    }

    /// Everything as bytes, to seal away.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.bytes.len() + self.ends.len() * 9 + 8);
        out.extend_from_slice(&(self.ends.len() as u64).to_le_bytes());
        for (end, matched) in &self.ends {
            out.extend_from_slice(&(*end as u64).to_le_bytes());
            out.push(u8::from(*matched));
        }
        out.extend_from_slice(&self.bytes);
        out
    }

    /// The inverse of [`Pieces::to_bytes`]; `None` if that is not what these bytes are.
    pub fn from_bytes(bytes: &[u8]) -> Option<Pieces> {
        let word = |at: usize| Some(u64::from_le_bytes(bytes.get(at..at + 8)?.try_into().ok()?) as usize);
        let count = word(0)?;
        let mut ends = Vec::new();
        for index in 0..count {
            let at = 8 + index * 9;
            ends.push((word(at)?, *bytes.get(at + 8)? == 1));
        }
        Some(Pieces { bytes: bytes.get(8 + count * 9..)?.to_vec(), ends })
    }
}

/// What every page of an answer carries.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub struct Head {
    /// `Bundle.id`: the request's id.
    pub id: String,
    /// `Bundle.type`.
    pub kind: String,
    /// When the answer was made.
    pub timestamp: String,
    /// Codings of `Bundle.meta.tag`.
    pub tags: Vec<(String, String)>,
    /// `Bundle.total`, only when every row is complete.
    pub total: Option<usize>,
    /// The link `self`.
    pub self_url: String,
    /// The OperationOutcome that leads every page.
    pub outcome: Value,
}

/// One page as JSON, from piece `from` on. Returns the body and where the next page starts, if there is one.
pub fn page(head: &Head, pieces: &Pieces, from: usize, count: usize, next_url: impl FnOnce(usize) -> String) -> (Vec<u8>, Option<usize>) {
    let to = pieces.len().min(from.saturating_add(count));
    let next = (to < pieces.len()).then_some(to);
    let mut body = lead(head, next.map(next_url));
    body.extend_from_slice(pieces.slice(from, to));
    body.extend_from_slice(END);
    (body, next)
}

/// The whole answer as one page. The pieces stay in their place, and what leads them is put before them.
pub fn only_page(head: &Head, mut pieces: Pieces) -> Vec<u8> {
    let lead = lead(head, None);
    pieces.bytes.reserve(lead.len() + END.len());
    pieces.bytes.extend_from_slice(END);
    pieces.bytes.splice(..0, lead);
    pieces.bytes
}

const END: &[u8] = b"]}";

/// What stands before the pieces of a page, the outcome last.
fn lead(head: &Head, next_url: Option<String>) -> Vec<u8> {
    let mut links = vec![json!({"relation": "self", "url": head.self_url})];
    if let Some(url) = next_url {
        links.push(json!({"relation": "next", "url": url}));
    }
    let mut bundle = json!({"resourceType": "Bundle", "id": head.id});
    if !head.tags.is_empty() {
        bundle["meta"] = json!({"tag": head.tags.iter().map(|(system, code)| json!({"system": system, "code": code})).collect::<Vec<_>>()});
    }
    bundle["type"] = json!(head.kind);
    bundle["timestamp"] = json!(head.timestamp);
    if let Some(total) = head.total {
        bundle["total"] = json!(total);
    }
    bundle["link"] = json!(links);
    let mut lead = bundle.to_string().into_bytes();
    lead.pop();
    lead.extend_from_slice(b",\"entry\":[{\"resource\":");
    lead.extend_from_slice(head.outcome.to_string().as_bytes());
    lead.extend_from_slice(b",\"search\":{\"mode\":\"outcome\"}}");
    lead
}

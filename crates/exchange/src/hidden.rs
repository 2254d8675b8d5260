//! Reading somebody whose place is hidden: by which names their sources go, and that nobody is told of them on the way.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::future::Future;

use access::{Hiding, Permit, PlaceWords};
use aws_lc_rs::hmac;
use fhir::Kind;
use futures::future::Either;
use record::{PersonId, SharedRecord, SourceId};
use tracing::instrument::WithSubscriber;
use tracing::subscriber::NoSubscriber;

use crate::parts::Parts;

/// How many letters of a keyed hash make an id.
const ID_LEN: usize = 40;

/// Takes out of a record whatever tells of a place, and returns by which names its sources go now: `source1`, `source2` …
///
/// The numbers are in the order of a hash under the exchange's own key, of the person and the source: the same in every answer about the
/// person, other ones for the next, and whoever has the key can tell afterwards which source was which.
pub(crate) fn hide(parts: &Parts, person: &PersonId, record: &mut SharedRecord) -> BTreeMap<SourceId, SourceId> {
    let key = hmac::Key::new(hmac::HMAC_SHA256, &parts.rules.key);
    let hash = |what: &str| hmac::sign(&key, format!("place|{person}|{what}").as_bytes());
    let mut order: Vec<(Vec<u8>, &SourceId)> =
        parts.entries.iter().map(|entry| (hash(entry.id.as_str()).as_ref().to_vec(), &entry.id)).collect();
    order.sort();
    let numbered = |(at, (_, source)): (usize, (Vec<u8>, &SourceId))| Some((source.clone(), format!("source{}", at + 1).parse().ok()?));
    let mut sources: BTreeMap<SourceId, SourceId> = order.into_iter().enumerate().filter_map(numbered).collect();
    // What is recorded here is at no place.
    let own: Option<SourceId> = crate::consent::OWN.parse().ok();
    sources.extend(own.map(|own| (own.clone(), own)));
    let mut region = PlaceWords::default();
    for entry in &parts.entries {
        [entry.name.as_str(), entry.organisation.as_str(), entry.id.as_str()].into_iter().for_each(|name| region.add(name));
    }
    let id = |kind: Kind, id: &str| {
        let hash = hash(&format!("{kind}/{id}"));
        let mut text = hash.as_ref().iter().fold(String::new(), |mut text, byte| {
            // Writing to a String cannot fail.
            let _ = write!(text, "{byte:02x}");
            text
        });
        text.truncate(ID_LEN);
        text
    };
    let hiding = Hiding { sources, id: &id, region };
    access::hide(&hiding, record);
    hiding.sources
}

/// Does something about somebody whose place is hidden without a word in the log, which would say which source was asked about whom.
pub(crate) fn quietly<F: Future>(permit: &Permit, work: F) -> impl Future<Output = F::Output> {
    match permit.hides_place() {
        true => Either::Left(work.with_subscriber(NoSubscriber::default())),
        false => Either::Right(work),
    }
}

/// Under which name a source is counted.
pub(crate) fn counted<'a>(permit: &Permit, source: &'a SourceId) -> &'a str {
    if permit.hides_place() { "hidden" } else { source.as_str() }
}

/// Whether a source's id is one that sources go by when a place is hidden; no source's own may be.
pub fn is_hidden_name(id: &str) -> bool {
    id.strip_prefix("source").is_some_and(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
}

/// What a source whose place is hidden is called: none where it is not such a one.
pub(crate) fn name(source: &SourceId) -> Option<String> {
    is_hidden_name(source.as_str()).then(|| source.as_str().replacen("source", "Source ", 1))
}

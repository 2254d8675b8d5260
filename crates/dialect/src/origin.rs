//! Who first said a resource that exchanges pass on, so that it is one fact by whatever way it came.
//!
//! Two marks in `meta.tag` make it known. Interweave's *Source* names the data provider, in words that every exchange uses.
//! Ours name the way: `urn:severn:source` the source that the last exchange had it from, `urn:severn:via` those before, the
//! nearest to the provider first. An exchange puts each source's name before the id, so the provider's own id is what is left
//! when they are taken off again.

use fhir::Ref;
use record::{Item, Original};

/// The data provider (a system), in Interweave's words.
pub(crate) const PROVIDER_TAG: &str = "https://fhir.interweavedigital.nhs.uk/Source";
/// The source that an exchange had a resource from.
pub(crate) const SOURCE_TAG: &str = "urn:severn:source";
/// The same, of the exchanges before.
pub(crate) const VIA_TAG: &str = "urn:severn:via";

/// Says of an item that came from its provider, without a word of its own on who that is, that this is the provider.
pub(crate) fn own(item: &mut Item, provider: &str) {
    if item.traits.original.is_none() {
        let id = without(&item.id, item.origin.source.as_str()).map(str::to_owned);
        item.traits.original = id.map(|id| Original { provider: provider.to_owned(), id, hops: 0 });
    }
}

/// Who first said an item, by its own tags.
pub(crate) fn told(item: &Item) -> Option<Original> {
    let tags = item.tree.root().all("meta.tag");
    let provider = codes(&tags, PROVIDER_TAG).next()?;
    let way: Vec<String> = codes(&tags, VIA_TAG).collect();
    let mut id = without(&item.id, item.origin.source.as_str())?;
    for source in way.iter().rev() {
        id = without(id, source)?;
    }
    Some(Original { provider, id: id.to_owned(), hops: way.len() })
}

/// An id without the name before it. A hash shows nothing of what it was made from.
fn without<'a>(id: &'a str, source: &str) -> Option<&'a str> {
    id.strip_prefix(source)?.strip_prefix('-').filter(|id| !id.is_empty())
}

/// Codes of one system among tags, in their order.
pub(crate) fn codes<'a>(tags: &'a [Ref<'a>], system: &'a str) -> impl Iterator<Item = String> + 'a {
    tags.iter().filter(move |tag| tag.is("system", system)).filter_map(|tag| Some(tag.text("code")?.into_owned()))
}

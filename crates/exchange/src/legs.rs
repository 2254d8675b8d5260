//! One leg: a source's conversation, from the first call to its chart.

use std::sync::Arc;

use access::Permit;
use dialect::{Conversation, Told};
use futures::StreamExt;
use futures::stream::FuturesUnordered;
use record::Call;
use source::Leg;
use tokio::time::Instant;

use crate::exchange::Parts;
use crate::SourceEntry;

/// Turns the crank of one conversation until it is done or its time is up.
/// What came by then stays; what did not is named by the chart's rows.
pub async fn converse(parts: &Arc<Parts>, permit: &Permit, entry: &SourceEntry, mut conversation: Conversation, calls: Vec<Call>, leg: &Leg, until: Instant) -> Told {
    let mut under_way = FuturesUnordered::new();
    let ask = |call: Call| parts.sources.ask(permit, &entry.id, leg, call);
    under_way.extend(calls.into_iter().map(ask));
    let time_up = tokio::time::sleep_until(until);
    tokio::pin!(time_up);
    loop {
        tokio::select! {
            biased;
            reply = under_way.next() => match reply {
                Some(reply) => under_way.extend(conversation.reply(reply).into_iter().map(ask)),
                None => break,
            },
            () = &mut time_up => break,
        }
    }
    conversation.finish()
}

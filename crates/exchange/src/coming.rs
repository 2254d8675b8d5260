//! A read that is shown as its answers come: first what is there when nothing more has come for a while, then the whole of it anew
//! whenever more has.
//!
//! Each part is a record in its own right, as a read that had waited no longer would have it: sources that have not answered are named
//! on its plan as silent, everything is guarded, joined and withheld again, and each leaves under an entry of its own. Nothing is shown
//! before every source has ended that said earlier that it holds what the person objects to; nor of somebody whose place is hidden, of
//! whom who answers when would tell.

use std::time::Duration;

use audit::Entry;
use record::Ask;
use tokio::time::Instant;

use crate::journey::Watching;
use crate::{Answering, Exchange, Refused, told};

/// When what has come is shown.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// After nothing more has come for so long.
    pub settled: Duration,
    /// After so long in any case, once anything is there.
    pub latest: Duration,
}

/// The rest of a read of which something was shown. Dropped, it asks nobody any further.
pub struct Coming {
    ask: Ask,
    pace: Pace,
    watching: Watching,
}

impl Exchange {
    /// Like [`Exchange::read`], and no longer than until what is there has settled; with what may still come.
    pub async fn read_as_it_comes(&self, ask: Ask, pace: Pace) -> Result<(Answering, Option<Coming>), Refused> {
        let (entry, mut watching) = self.watch(ask.clone()).await?;
        if watching.permit.hides_place() {
            watching.legs.end().await;
        }
        let mut coming = Coming { ask, pace, watching };
        coming.settle().await;
        Ok(self.part(entry, coming).await)
    }

    /// The record anew, when more has come: permitted anew, since what was claimed may be over, and what is objected to may be new.
    pub async fn more(&self, mut coming: Coming) -> Result<(Answering, Option<Coming>), Refused> {
        coming.watching.legs.next().await;
        // What is open on the ledger waits for nobody: whoever leaves meanwhile leaves nothing open.
        coming.settle().await;
        let opened = self.parts.ledger.open(&coming.ask.request, told::opened(&coming.ask)).await;
        let entry = opened.map_err(|down| Refused::Unavailable(down.to_string()))?;
        if let Err(refusal) = self.permit_anew(&coming.ask, &mut coming.watching).await? {
            return Err(self.refused(entry, &coming.ask, refusal).await);
        }
        Ok(self.part(entry, coming).await)
    }

    /// What there is of it now, and the rest.
    async fn part(&self, entry: Entry, mut coming: Coming) -> (Answering, Option<Coming>) {
        let legs = &mut coming.watching.legs;
        let over = legs.are_over();
        let ends = if over { legs.take() } else { legs.so_far() };
        let answering = self.join(entry, &coming.watching, ends).await;
        (answering, (!over).then_some(coming))
    }
}

impl Coming {
    /// Waits until what there is may be shown, and nothing more has come for a while.
    async fn settle(&mut self) {
        let latest = Instant::now() + self.pace.latest;
        let legs = &mut self.watching.legs;
        loop {
            if !legs.can_be_shown() {
                if !legs.next().await {
                    break;
                }
                continue;
            }
            let shown = (Instant::now() + self.pace.settled).min(latest);
            tokio::select! {
                biased;
                more = legs.next() => if !more { break },
                () = tokio::time::sleep_until(shown) => break,
            }
        }
    }
}

//! Where lines stand while the store is away.

use async_trait::async_trait;

use crate::{JournalDown, Line};

/// A journal on this node: lines that the store could not take, in order, until they are shipped.
#[async_trait]
pub trait NodeJournal: Send + Sync + 'static {
    /// Adds lines; returns when they are on disk, all of them or none.
    async fn keep(&self, lines: Vec<Line>) -> Result<(), JournalDown>;
    /// The next lines that were not shipped; none where all were.
    async fn next(&self, most: usize) -> Result<Vec<Line>, JournalDown>;
    /// So many of them were shipped.
    async fn shipped(&self, count: usize) -> Result<(), JournalDown>;
}

//! One question about one number at a time.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use record::NhsNumber;
use tokio::sync::OwnedMutexGuard;

type Turn = tokio::sync::Mutex<()>;

/// Numbers that somebody asks about now.
#[derive(Default)]
pub(super) struct Flights {
    turns: Mutex<HashMap<NhsNumber, Weak<Turn>>>,
}

/// When so many are listed, those that nobody waits for any more are struck out.
const LISTED: usize = 1_024;

impl Flights {
    /// A turn to ask about a number; dropping it lets the next one have it.
    pub(super) async fn of(&self, number: NhsNumber) -> OwnedMutexGuard<()> {
        self.turn(number).lock_owned().await
    }

    fn turn(&self, number: NhsNumber) -> Arc<Turn> {
        let mut turns = self.turns();
        if let Some(turn) = turns.get(&number).and_then(Weak::upgrade) {
            return turn;
        }
        if turns.len() >= LISTED {
            turns.retain(|_, turn| turn.strong_count() > 0);
        }
        let turn = Arc::new(Turn::new(()));
        turns.insert(number, Arc::downgrade(&turn));
        turn
    }

    fn turns(&self) -> MutexGuard<'_, HashMap<NhsNumber, Weak<Turn>>> {
        self.turns.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

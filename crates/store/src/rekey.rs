//! Changing the master key: everything that an old key sealed is sealed anew, while others are at work.
//!
//! First the old keys are taken out of use: whoever would still seal by one is refused, so that nothing old comes after. Then everybody
//! is gone through, a batch a transaction, and once more until nothing was left to do: that is the proof. Whoever is stopped begins
//! again, and goes quickly past what is done. At the end the old keys may be taken out of the file; the store knows them, and
//! lets none of them seal again.

use async_trait::async_trait;
use exchange::StoreDown;
use record::PersonId;

/// The steps; [`rekey`] takes them in order.
#[async_trait]
pub trait Rekey: Send + Sync {
    /// Takes every key but the first out of use, once whoever writes by one has done so. The names of those that were, now or before.
    async fn retire_keys(&self) -> Result<Vec<String>, StoreDown>;

    /// Seals some persons and their entries anew, in order of their ids, where the first key did not seal them.
    async fn reseal(&self, after: Option<&PersonId>, persons_max: usize) -> Result<Resealed, StoreDown>;

    /// The same of what stands apart from persons: numbers that were cut, notes of privacy officers, what was said about sharing.
    async fn reseal_others(&self) -> Result<Others, StoreDown>;

    /// The keys that are out of use open nothing any more, and are not asked for.
    async fn forget_keys(&self) -> Result<(), StoreDown>;
}

/// What became of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resealed {
    /// Rows that were sealed anew or led anew.
    pub changed: usize,
    /// The last person of it; none when it was the last batch.
    pub next: Option<PersonId>,
}

/// What became of what stands apart from persons.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Others {
    /// Rows that were sealed anew or led anew.
    pub changed: usize,
    /// Numbers cut by a program that did not keep which they were: only the old key knows them again.
    pub unknown_cuts: usize,
}

/// What was done in all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rekeyed {
    /// The names of the keys that opened something before. Without [`Rekeyed::unknown_cuts`] they open nothing now.
    pub old: Vec<String>,
    /// Rows that were sealed anew or led anew.
    pub changed: usize,
    /// Cut numbers that only the old keys know again: while there are some, the old keys stay.
    pub unknown_cuts: usize,
}

/// Seals everything anew under the first key, `persons_max` at a time; `tell` hears how many rows were. Other nodes know both keys, and
/// seal by the same one.
pub async fn rekey(store: &dyn crate::Store, persons_max: usize, mut tell: impl FnMut(usize)) -> Result<Rekeyed, StoreDown> {
    let old = store.retire_keys().await?;
    let mut done = Rekeyed { old, changed: 0, unknown_cuts: 0 };
    if done.old.is_empty() {
        return Ok(done);
    }
    loop {
        let others = store.reseal_others().await?;
        let (mut changed, mut after) = (others.changed, None);
        loop {
            let batch = store.reseal(after.as_ref(), persons_max.max(1)).await?;
            changed += batch.changed;
            tell(done.changed + changed);
            after = batch.next;
            if after.is_none() {
                break;
            }
        }
        (done.changed, done.unknown_cuts) = (done.changed + changed, others.unknown_cuts);
        if changed == 0 {
            break;
        }
    }
    if done.unknown_cuts == 0 {
        store.forget_keys().await?;
    }
    Ok(done)
}

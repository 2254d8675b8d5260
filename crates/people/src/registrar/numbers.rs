//! The numbers of a person: the one that stands, and those that it replaced. The verified numbers of two people never meet in one, unless
//! the national service says that they are one person's.

use std::collections::BTreeSet;

use record::{NhsNumber, PersonId};

use super::draft::{Draft, Drafted};
use crate::{Entry, Person};

/// The verified number that an entry gives.
pub(super) fn given(entry: &Entry) -> Option<NhsNumber> {
    entry.demographics.number.as_ref().and_then(|claimed| claimed.verified())
}

/// Whether an entry gives one of these numbers, verified or not.
pub(super) fn claims(entry: &Entry, numbers: &[NhsNumber]) -> bool {
    entry.demographics.number.as_ref().and_then(|claimed| claimed.valid()).is_some_and(|number| numbers.contains(&number))
}

/// Whether entries can be one person's by the verified numbers that they give: those that the person has; where they have none, one and
/// the same.
pub(super) fn agree<'a>(numbers: &[NhsNumber], entries: impl Iterator<Item = &'a Entry>) -> bool {
    let given: BTreeSet<NhsNumber> = entries.filter_map(given).collect();
    if numbers.is_empty() { given.len() <= 1 } else { given.iter().all(|number| numbers.contains(number)) }
}

impl Person {
    /// Their numbers, each after those that it replaced; the last one stands.
    pub(super) fn numbers(&self) -> Vec<NhsNumber> {
        self.superseded.iter().chain(&self.number).copied().collect()
    }

    /// They have these numbers from now on, the last of which stands.
    pub(super) fn has_numbers(&mut self, mut numbers: Vec<NhsNumber>) {
        self.number = numbers.pop();
        self.superseded = numbers;
    }

    /// Whether entries may come to them, and with those the numbers of whom they come from.
    pub(super) fn may_take(&self, entries: &[Entry], numbers: &[NhsNumber]) -> bool {
        let silent = numbers.is_empty() && entries.iter().all(|entry| given(entry).is_none());
        silent
            || match (self.numbers().as_slice(), numbers) {
                ([], numbers) => agree(numbers, self.entries.iter().chain(entries)),
                (own, []) => agree(own, entries.iter()),
                _ => false,
            }
    }
}

impl Drafted {
    /// Whether an entry of theirs now gives another verified number than theirs: than those that they have or, where they have none, than
    /// the others give.
    pub(super) fn renumbered(&self, entry: &Entry) -> bool {
        let others = self.person.entries.iter().filter(|own| own.key != entry.key);
        match self.person.numbers().as_slice() {
            [] => given(entry).is_some() && !agree(&[], others.chain([entry])),
            own => !agree(own, std::iter::once(entry)),
        }
    }
}

/// The numbers of two who become one: whatever one has comes before the number that stands for the other.
pub(super) fn joined(mut own: Vec<NhsNumber>, others: Vec<NhsNumber>) -> Vec<NhsNumber> {
    let stands = own.pop();
    own.extend(others);
    own.extend(stands);
    own
}

/// Which of a person's numbers go with entries that leave, and which stay: those go that nobody gives who stays, up to the last that one
/// of those who leave gives. With `whole` it is known that they came with all of them.
pub(super) fn parted(numbers: &[NhsNumber], going: &[Entry], staying: &[Entry], whole: bool) -> (Vec<NhsNumber>, Vec<NhsNumber>) {
    let gives = |entries: &[Entry], number: &NhsNumber| entries.iter().any(|entry| given(entry).as_ref() == Some(number));
    let stays = |number: &NhsNumber| gives(staying, number);
    let whole = whole && !numbers.iter().any(stays);
    let last = numbers.iter().rposition(|number| gives(going, number) && !stays(number));
    let goes = |at: usize, number: &NhsNumber| last.is_some_and(|last| whole || at <= last) && !stays(number);
    let (gone, left): (Vec<_>, Vec<_>) = numbers.iter().copied().enumerate().partition(|(at, number)| goes(*at, number));
    let numbers = |list: Vec<(usize, NhsNumber)>| list.into_iter().map(|(_, number)| number).collect();
    (numbers(gone), numbers(left))
}

impl Draft<'_> {
    /// A person's numbers, as the draft has them.
    pub(super) fn numbers_of(&self, id: &PersonId) -> Vec<NhsNumber> {
        self.drafted(id).map(|drafted| drafted.person.numbers()).unwrap_or_default()
    }

    /// A person has these numbers from now on, the last of which stands. They must have been read.
    pub(super) fn give_numbers(&mut self, id: &PersonId, numbers: Vec<NhsNumber>) {
        if self.numbers_of(id) != numbers {
            self.alter(id, |person| person.has_numbers(numbers));
        }
    }
}

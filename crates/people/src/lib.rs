//! The person index: who a source's patient entry is about, and which entries are about one person.
//!
//! | word | meaning |
//! |---|---|
//! | *entry* | one source's record of one patient: its local id, and the [`Demographics`] it gives |
//! | *person* | entries linked with one another, under the exchange's own id; linked, never merged |
//! | *event* | a link, an unlink, or anything else that was done to a person's entries, by whom and why |
//! | *apart* | two entries of which somebody said that they are not the same person |
//! | *task* | a doubt that a steward decides |
//! | *register* | the store behind it: the truth, of which the index in memory is a copy |
//!
//! Matching yields candidates for the locator and for the steward. It never releases clinical data: that is for the guards
//! (`identity`), which every leg passes on its own answer.

mod candidate;
mod entry;
mod event;
pub mod index;
mod made_up;
pub mod matching;
pub mod patient;
mod register;
pub mod registrar;
mod task;

pub use candidate::{Candidate, Grade, Nameable, Reason, Traced};
pub use entry::{Entry, EntryKey, Person};
pub use event::{Author, Deed, Event};
pub use made_up::{MadeUp, is_made_up_entry};
pub use record::{Address, BirthDate, ClaimedNumber, Demographics, MalformedBirthDate, Name, NameUse, NumberStatus, Sex};
pub use register::{Change, News, NoPosition, NotWritten, Page, Position, Register, RegisterDown};
pub use registrar::Registrar;
pub use task::{Doubt, Outcome, Task, TaskFilter, TaskId};

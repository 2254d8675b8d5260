//! What each interaction does.

mod access;
mod audit_event;
mod consent;
mod elsewhere;
mod find;
mod page;
mod plan;
mod read;
pub(super) mod trace;

use exchange::Refused;

use super::Fault;
pub(crate) use read::unknown;

/// What the journey refused, as this server says it.
pub(crate) fn fault(refused: Refused) -> Fault {
    match refused {
        Refused::Denied(_) => Fault::Denied,
        Refused::Loop => Fault::Loop,
        Refused::Undecided => Fault::Undecided,
        Refused::Unavailable(_) => Fault::Unavailable,
    }
}

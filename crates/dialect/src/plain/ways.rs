//! What one family of servers does otherwise than others that speak the same version.

use fhir::{Kind, Ref};
use record::{Item, Status};

/// Ways of a server. [`PLAIN`] has none.
#[derive(Debug)]
pub(crate) struct Ways {
    /// Whether `$everything` takes `_type`, so that one question is enough for any number of types.
    pub everything_of_types: bool,
    /// The last word on an item.
    pub finish: fn(&mut Item),
    /// Whether a resource is of the server's own making, and nothing that anybody said of the person.
    pub made: fn(Kind, Ref<'_>) -> bool,
    /// Whether one Patient stands for all: the one that the server made, or the first whose id is known.
    pub one_patient: bool,
    /// Asked with every question about a person's data.
    pub parameters: &'static [(&'static str, &'static str)],
    /// What an HTTP status of refusal means, where asking otherwise is no use.
    pub refusal: fn(u16) -> Option<Status>,
}

/// A server without ways of its own.
pub(crate) static PLAIN: Ways =
    Ways { everything_of_types: false, finish: |_| {}, made: |_, _| false, one_patient: false, parameters: &[], refusal: |_| None };

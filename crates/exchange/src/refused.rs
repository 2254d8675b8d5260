//! Why a question was not taken on its journey.

use access::Refusal;

/// Why there is no answer. What a source did is never here: that is in the plan.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// Permission said no. On the ledger.
    #[error("not permitted")]
    Denied(Refusal),
    /// The question has been here already, or came too far.
    #[error("the question came back, or through too many exchanges")]
    Loop,
    /// Whether those whom the answer would name may be named cannot be known now. On the ledger.
    #[error("the national demographics service does not say now who may be named")]
    Undecided,
    /// The ledger or the store cannot be written, and nothing is read without them.
    #[error("the ledger or the store is away: {0}")]
    Unavailable(String),
}

impl From<crate::StoreDown> for Refused {
    fn from(down: crate::StoreDown) -> Refused {
        Refused::Unavailable(down.0)
    }
}

//! What a clinical safety officer and an information-governance lead are given with a release: the hazard log, and the pack of documents
//! of which every claim leads to a test or to a section that is there.
//!
//! It reads documents and source text and runs nothing: that a test passes is `make test`'s word, that it is there and not ignored is said
//! here ([`Tests`]). What it leaves to others: whether a signature stands under any of it (`server`'s ladder).

mod hazard;
mod links;
mod pack;
mod report;
mod tests;

pub use hazard::{Control, ControlKind, Hazard, Likelihood, Log, Risk, Severity, Status};
pub use links::{Document, faults};
pub use pack::{Pack, Release};
pub use report::report;
pub use tests::Tests;

/// Why there is no log or no pack.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file cannot be read or written.
    #[error("{file}: {cause}")]
    File {
        /// Which.
        file: String,
        /// Why.
        #[source]
        cause: std::io::Error,
    },
    /// A file of hazards is not what it must be.
    #[error("{file}: {what}")]
    Hazards {
        /// Which.
        file: String,
        /// What is wrong with it.
        what: String,
    },
    /// The documents claim what is not there; one sentence each.
    #[error("{} claim{} nothing stands behind:\n  {}", .0.len(), if .0.len() == 1 { "" } else { "s" }, .0.join("\n  "))]
    Faults(Vec<String>),
}

impl Error {
    fn file(path: &std::path::Path) -> impl FnOnce(std::io::Error) -> Error {
        let file = path.display().to_string();
        |cause| Error::File { file, cause }
    }
}

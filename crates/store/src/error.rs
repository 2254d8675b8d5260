//! What keeps a store from being opened.

/// The store could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A file cannot be read or written.
    #[error("{file}: {what}")]
    File {
        /// The file.
        file: String,
        /// What is wrong.
        what: String,
    },
    /// The master keys cannot be used.
    #[error("the keys {file}: {what}")]
    Key {
        /// The file, or variable.
        file: String,
        /// What is wrong.
        what: String,
    },
    /// The file's schema is of a later program.
    #[error("the store is of schema version {found}, this program knows up to {known}: use the program that wrote it, or a later one")]
    Newer {
        /// The file's version.
        found: i64,
        /// What this program knows.
        known: i64,
    },
    /// The store was written with another master key.
    #[error("the store was written with another master key: by this one nobody in it would be known, and everybody would be made anew")]
    OtherKey,
    /// The key that would seal was taken out of use.
    #[error("the first key was taken out of use by `severn store rekey`: the newest key must stand first")]
    RetiredKey,
    /// PostgreSQL said no, or nothing.
    #[error("PostgreSQL: {0}")]
    Postgres(String),
    /// A program of PostgreSQL's is not here, or did not do its work.
    #[error("{0}")]
    Program(String),
    /// SQLite said no.
    #[error("opening the store: {0}")]
    Sqlite(#[from] rusqlite::Error),
    /// A certificate authority cannot be read.
    #[error("certificates of {file}: {what}")]
    Tls {
        /// The file.
        file: String,
        /// What is wrong.
        what: String,
    },
    /// The URL of PostgreSQL cannot be used.
    #[error("the URL of PostgreSQL: {0}")]
    Url(String),
}

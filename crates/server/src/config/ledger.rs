//! `[ledger]`: how it is vouched for, and where it stands while the store is away.

use std::path::PathBuf;
use std::time::Duration;

use audit::PublicKey;
use url::Url;

use super::reader::Section;
use super::{Reader, StoreConfig, StorePlace};

/// `[ledger]`
#[derive(Debug, Clone)]
pub struct LedgerConfig {
    /// How often a checkpoint is made.
    pub checkpoint: Duration,
    /// Every so many names all chains.
    pub whole_every: u64,
    /// The key that signs checkpoints; made when it is not there.
    pub key_file: PathBuf,
    /// By whose signature checkpoints are believed beside that key's: public keys in base64, or files that hold them.
    pub trusted_keys: Vec<String>,
    /// Where entries stand on this node while the store is away.
    pub journal_file: PathBuf,
    /// Bytes of it; when it is full nothing is read.
    pub journal_bytes_max: u64,
    /// How long a participant who is asked over HTTPS may take.
    pub witness: Duration,
    /// `[[ledger.witness]]`: who is handed every checkpoint.
    pub witnesses: Vec<WitnessConfig>,
}

/// `[[ledger.witness]]`
#[derive(Debug, Clone)]
pub struct WitnessConfig {
    /// By which what it was handed is remembered.
    pub name: String,
    /// Where it is handed over.
    pub place: WitnessPlace,
}

/// Where checkpoints are handed over.
#[derive(Debug, Clone)]
pub enum WitnessPlace {
    /// They are added to a file that somebody else keeps.
    File(PathBuf),
    /// They are posted.
    Url {
        /// Where.
        url: Url,
        /// A file that holds a bearer token.
        token_file: Option<PathBuf>,
    },
}

/// Participants who must have a copy before nobody alone can make all of it anew.
pub(crate) const WITNESSES: usize = 2;

impl LedgerConfig {
    /// What is to be known of it, for people.
    pub fn words(&self) -> String {
        let names: Vec<&str> = self.witnesses.iter().map(|witness| witness.name.as_str()).collect();
        let seconds = self.checkpoint.as_secs();
        let handed = if names.is_empty() { "nobody".to_owned() } else { names.join(", ") };
        let few = match names.len() < WITNESSES {
            true => ". Name two others in [[ledger.witness]]: whoever has the store and the key could make all of it anew",
            false => "",
        };
        format!("the ledger's checkpoints are made every {seconds} s and handed to {handed}{few}")
    }
}

impl<'a> Reader<'a> {
    /// `None` only where a mistake was noted.
    pub(super) fn ledger(&self, section: Section<'a>, store: Option<&StoreConfig>) -> Option<LedgerConfig> {
        let beside = |end: &str| match store.map(|store| &store.place) {
            Some(StorePlace::Sqlite(file)) => PathBuf::from(format!("{}.{end}", file.display())),
            _ => self.path(&format!("severn.{end}")),
        };
        let file = |key, end| section.text(key).map_or_else(|| beside(end), |path| self.path(&path));
        let trusted = |key: String| if PublicKey::parse(&key).is_some() { key } else { self.path(&key).display().to_string() };
        let witnesses: Vec<_> = section.sections("witness").into_iter().map(|witness| self.witness(witness)).collect();
        let config = LedgerConfig {
            checkpoint: Duration::from_secs(section.number("checkpoint_seconds", 60, 1..=3_600)),
            whole_every: section.number("checkpoint_whole_every", 1_440, 2..=1_000_000),
            key_file: file("key_file", "ledger.pem"),
            trusted_keys: section.texts("trusted_keys").into_iter().map(trusted).collect(),
            journal_file: file("journal_file", "journal"),
            journal_bytes_max: section.number("journal_bytes_max", 256 << 20, 1 << 20..=1 << 40),
            witness: Duration::from_millis(section.number("witness_ms", 5_000, 100..=60_000)),
            witnesses: witnesses.into_iter().collect::<Option<_>>()?,
        };
        for (at, witness) in config.witnesses.iter().enumerate() {
            if config.witnesses[..at].iter().any(|other| other.name == witness.name) {
                section.mistake("witness", format!("`{}` is there twice", witness.name));
            }
        }
        section.finish();
        Some(config)
    }

    fn witness(&self, section: Section<'a>) -> Option<WitnessConfig> {
        let name = section.required("name");
        let token_file = section.text("token_file").map(|path| self.path(&path));
        let url = super::sign_in::address(&section, "url");
        let place = match (section.text("file"), url) {
            (Some(file), None) if token_file.is_none() => Some(WitnessPlace::File(self.path(&file))),
            (None, Some(url)) => Some(WitnessPlace::Url { url, token_file }),
            _ if section.has("url") && !section.has("file") => None,
            _ => {
                section.mistake("name", "needs one of file and url (and a token_file only with url)");
                None
            }
        };
        section.finish();
        Some(WitnessConfig { name: name?, place: place? })
    }
}

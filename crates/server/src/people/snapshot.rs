//! The person index in a file between two runs, so that a start need not read the whole register. It spares time and nothing else: where
//! the file is not there, damaged, of another program or of another register, the register is read.

use std::fs::File;
use std::io::{BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;
use people::index::{self, Index};
use people::{Position, Registrar};

/// Where the snapshot is, how often it is written, and by which key it is sealed.
#[derive(Clone)]
pub struct Snapshots {
    /// The file.
    pub file: PathBuf,
    /// How often it is written, if anything changed.
    pub every: Duration,
    /// By what it is sealed: it holds who people are.
    pub key: [u8; 32],
}

/// The words of a panic may quote what it was at.
#[derive(Debug, thiserror::Error)]
#[error("it ended in a panic")]
struct Panicked;

impl Snapshots {
    /// Goes on from the snapshot, if there is one that fits the register. Why not, else.
    pub async fn read(&self, registrar: &Registrar, limits: index::Limits) -> anyhow::Result<Result<(), String>> {
        let (file, key) = (self.file.clone(), self.key);
        let read = tokio::task::spawn_blocking(move || read(&file, &key, limits)).await.map_err(|_| Panicked)?;
        let (index, position) = match read {
            Ok(found) => found,
            Err(why) => return Ok(Err(why)),
        };
        match registrar.resume(&index, position).await? {
            true => Ok(Ok(())),
            false => Ok(Err("the register has gone on too far since, or is another".to_owned())),
        }
    }

    /// Writes it anew, whole or not at all. Returns up to where it holds.
    pub async fn write(&self, registrar: &Registrar) -> anyhow::Result<Position> {
        let position = registrar.position().await;
        let (file, key, index) = (self.file.clone(), self.key, registrar.index().clone());
        tokio::task::spawn_blocking(move || write(&file, &key, &index, position)).await.map_err(|_| Panicked)??;
        Ok(position)
    }

    /// Writes it now and then, as long as it is awaited.
    pub async fn keep(&self, registrar: &Registrar) {
        let mut written = registrar.position().await;
        loop {
            tokio::time::sleep(self.every).await;
            if registrar.position().await == written {
                continue;
            }
            match self.write(registrar).await {
                Ok(position) => written = position,
                Err(error) => tracing::warn!(file = %self.file.display(), error = %format!("{error:#}"), "no snapshot was written"),
            }
        }
    }
}

fn read(file: &Path, key: &[u8; 32], limits: index::Limits) -> Result<(Index, Position), String> {
    let file = File::open(file).map_err(|error| error.to_string())?;
    let (index, position) = Index::read_snapshot(limits, key, BufReader::new(file), |_| true).map_err(|refused| refused.to_string())?;
    Ok((index, position.parse().map_err(|error: people::NoPosition| error.to_string())?))
}

fn write(file: &Path, key: &[u8; 32], index: &Index, position: Position) -> anyhow::Result<()> {
    use std::os::unix::fs::OpenOptionsExt;
    let beside = PathBuf::from(format!("{}.new", file.display()));
    let open = File::options().write(true).create(true).truncate(true).mode(0o600).open(&beside);
    let mut out = BufWriter::new(open.with_context(|| beside.display().to_string())?);
    index.write_snapshot(&position.to_string(), key, &mut out)?;
    out.flush()?;
    out.get_ref().sync_all()?;
    std::fs::rename(&beside, file).with_context(|| file.display().to_string())
}

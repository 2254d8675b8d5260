//! Who is handed the ledger's checkpoints: a file that somebody else keeps, or an address.

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use async_trait::async_trait;
use audit::Witness;
use url::Url;

use crate::config::ledger::{LedgerConfig, WitnessPlace};

/// Everybody that a configuration names.
pub fn all(config: &LedgerConfig) -> anyhow::Result<Vec<Box<dyn Witness>>> {
    let witness = |one: &crate::config::ledger::WitnessConfig| -> anyhow::Result<Box<dyn Witness>> {
        let name = one.name.clone();
        Ok(match &one.place {
            WitnessPlace::File(file) => Box::new(AFile { name, file: file.clone() }),
            WitnessPlace::Url { url, token_file } => {
                let client = client(config.witness)?;
                Box::new(AnAddress { name, url: url.clone(), token_file: token_file.clone(), client })
            }
        })
    };
    config.witnesses.iter().map(witness).collect()
}

fn client(limit: Duration) -> anyhow::Result<reqwest::Client> {
    Ok(reqwest::Client::builder().timeout(limit).redirect(reqwest::redirect::Policy::none()).build()?)
}

struct AFile {
    name: String,
    file: PathBuf,
}

#[async_trait]
impl Witness for AFile {
    fn name(&self) -> &str {
        &self.name
    }

    async fn take(&self, lines: &[String]) -> Result<(), String> {
        let (file, text) = (self.file.clone(), lines.iter().map(|line| format!("{line}\n")).collect::<String>());
        let added = tokio::task::spawn_blocking(move || add(&file, &text));
        added.await.map_err(|error| error.to_string())?.map_err(|error| error.to_string())
    }
}

/// Adds text to a file, synced. It is only ever added to, so that it may lie where nothing else is allowed: a line that was cut off
/// before stays, and what it was is written whole after it.
fn add(path: &Path, text: &str) -> std::io::Result<()> {
    let is_new = !path.exists();
    let mut file = OpenOptions::new().append(true).create(true).open(path)?;
    let begin = if is_cut_off(path)? { "\n" } else { "" };
    file.write_all(format!("{begin}{text}").as_bytes())?;
    file.sync_all()?;
    match path.parent().filter(|folder| is_new && !folder.as_os_str().is_empty()) {
        Some(folder) => File::open(folder)?.sync_all(),
        None => Ok(()),
    }
}

fn is_cut_off(path: &Path) -> std::io::Result<bool> {
    let mut file = File::open(path)?;
    if file.metadata()?.len() == 0 {
        return Ok(false);
    }
    let mut last = [0];
    file.seek(SeekFrom::End(-1))?;
    file.read_exact(&mut last)?;
    Ok(last != *b"\n")
}

struct AnAddress {
    name: String,
    url: Url,
    token_file: Option<PathBuf>,
    client: reqwest::Client,
}

#[async_trait]
impl Witness for AnAddress {
    fn name(&self) -> &str {
        &self.name
    }

    /// Posts lines as NDJSON. Whoever answers with 2xx has them.
    async fn take(&self, lines: &[String]) -> Result<(), String> {
        let body: String = lines.iter().map(|line| format!("{line}\n")).collect();
        let mut request = self.client.post(self.url.clone()).header("content-type", "application/x-ndjson").body(body);
        if let Some(file) = &self.token_file {
            let token = std::fs::read_to_string(file).map_err(|error| format!("its token: {error}"))?;
            request = request.bearer_auth(token.trim());
        }
        // Neither the address nor what it says back is for the log.
        let response = request.send().await.map_err(|error| error.without_url().to_string())?;
        match response.status().is_success() {
            true => Ok(()),
            false => Err(format!("it answered {}", response.status().as_u16())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_was_cut_off_stays_and_stands_whole_after_itself() {
        let path = std::env::temp_dir().join(format!("severn-witness-{}", uuid::Uuid::new_v4()));
        add(&path, "one\n").unwrap();
        File::options().append(true).open(&path).unwrap().write_all(b"tw").unwrap();
        add(&path, "two\nthree\n").unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "one\ntw\ntwo\nthree\n");
        std::fs::remove_file(&path).unwrap();
    }
}

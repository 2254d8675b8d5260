//! `[store]`: one file, or PostgreSQL.

use std::path::PathBuf;
use std::time::Duration;

use ::store::{PostgresSettings, Secrets, StoreError};

use super::reader::Section;
use super::{Reader, StoreConfig, StorePlace};

impl StoreConfig {
    /// The master keys. Where there is no key file yet, one is made.
    pub fn secrets(&self) -> Result<Secrets, StoreError> {
        match &self.key_env {
            Some(name) => of_variable(name),
            None => Secrets::open(&self.key_file),
        }
    }

    /// Where the keys are, in words.
    pub fn keys(&self) -> String {
        match &self.key_env {
            Some(name) => format!("the variable {name}"),
            None => self.key_file.display().to_string(),
        }
    }
}

fn of_variable(name: &str) -> Result<Secrets, StoreError> {
    let wrong = |what: String| StoreError::Key { file: format!("in the variable {name}"), what };
    let text = std::env::var(name).map_err(|_| wrong("it is not set".to_owned()))?;
    Secrets::of(text.as_bytes()).map_err(wrong)
}

impl<'a> Reader<'a> {
    /// `None` only where a mistake was noted.
    pub(super) fn store(&self, section: Section<'a>) -> Option<StoreConfig> {
        let url = section.text("url").unwrap_or_else(|| "sqlite:severn.db".to_owned());
        let place = match url.split_once(':') {
            Some(("sqlite", file)) => Some(StorePlace::Sqlite(self.path(file.trim_start_matches("//")))),
            Some(("postgres" | "postgresql", _)) => self.postgres(&section, &url).map(StorePlace::Postgres),
            _ => {
                section.mistake("url", "must be sqlite:FILE or postgres://USER@HOST/DATABASE");
                None
            }
        };
        let beside = match &place {
            Some(StorePlace::Sqlite(file)) => PathBuf::from(format!("{}.key", file.display())),
            _ => self.path("severn.key"),
        };
        let key_file = section.text("key_file").map_or(beside, |path| self.path(&path));
        let key_env = section.text("key_env");
        if let Some(name) = &key_env {
            if section.has("key_file") {
                section.mistake("key_env", "stands beside key_file: the keys are in one place");
            } else if let Err(error) = of_variable(name) {
                section.mistake("key_env", error);
            }
        }
        section.finish();
        Some(StoreConfig { place: place?, key_file, key_env })
    }

    fn postgres(&self, section: &Section<'a>, url: &str) -> Option<PostgresSettings> {
        let ms = |key, default, bounds| Duration::from_millis(section.number(key, default, bounds));
        let settings = PostgresSettings {
            url: url.to_owned(),
            password: section.text("password_file").and_then(|path| self.password(section, &path)),
            ca_file: section.text("ca_file").map(|path| self.path(&path)),
            pool_max: section.number("connections", 16, 1..=1_000) as usize,
            connect: ms("connect_ms", 2_000, 50..=60_000),
            statement: ms("statement_ms", 5_000, 50..=600_000),
            patience: ms("patience_ms", 6_000, 0..=600_000),
        };
        let mistake = settings.mistake();
        if let Some(mistake) = &mistake {
            section.mistake("url", mistake);
        }
        mistake.is_none().then_some(settings)
    }

    /// A password stands in a file of its own, its first line.
    fn password(&self, section: &Section<'a>, path: &str) -> Option<String> {
        let file = self.path(path);
        match std::fs::read_to_string(&file) {
            Ok(text) => text.lines().next().map(str::to_owned),
            Err(error) => {
                section.mistake("password_file", format!("{}: {error}", file.display()));
                None
            }
        }
    }
}

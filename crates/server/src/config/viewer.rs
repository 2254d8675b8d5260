//! `[viewer]` and `[sign_in.viewer]`: how long people stay signed in, and by whom they sign in.

use std::path::PathBuf;

use super::Reader;
use super::reader::Section;

/// `[viewer]`
#[derive(Debug, Clone)]
pub struct ViewerConfig {
    /// How long somebody may do nothing.
    pub idle_minutes: u64,
    /// How long somebody stays signed in at most; a token's own end comes first.
    pub session_minutes: u64,
    /// How long nothing more has come when what is there of a record is shown, before all of it is; none where it is waited for whole.
    pub pace: Option<exchange::Pace>,
    /// Records at once of which something is still to come; of more all is waited for.
    pub coming_max: usize,
    /// Sessions at once; whoever was here least is signed out first.
    pub sessions_max: u64,
}

/// `[sign_in.viewer]`: the viewer as an application of that provider.
#[derive(Debug, Clone)]
pub struct Application {
    /// `client_id`
    pub client_id: String,
    /// What the way in is called.
    pub name: String,
    /// A file with the secret, where the provider gave one.
    pub secret_file: Option<PathBuf>,
    /// What is asked for.
    pub scope: String,
}

impl<'a> Reader<'a> {
    pub(super) fn viewer(&self, section: Section<'a>) -> ViewerConfig {
        let milliseconds = |key, default| std::time::Duration::from_millis(section.number(key, default, 0..=10_000));
        let (settled, latest) = (milliseconds("settled_ms", 250), milliseconds("first_paint_ms", 2_000));
        let config = ViewerConfig {
            pace: (!latest.is_zero()).then_some(exchange::Pace { settled, latest }),
            coming_max: section.number("coming_max", 1_000, 1..=100_000) as usize,
            idle_minutes: section.number("idle_minutes", 15, 1..=60),
            session_minutes: section.number("session_minutes", 480, 5..=720),
            sessions_max: section.number("sessions_max", 10_000, 1..=1_000_000),
        };
        if config.session_minutes < config.idle_minutes {
            section.mistake("session_minutes", "is less than idle_minutes: nobody could be idle so long");
        }
        section.finish();
        config
    }

    /// `None` where there is no such table; inside, `None` only where a mistake was noted.
    pub(super) fn application(&self, provider: &Section<'a>, issuer: Option<&str>) -> Option<Option<Application>> {
        if !provider.has("viewer") {
            return None;
        }
        let section = provider.section("viewer");
        let client_id = section.required::<String>("client_id");
        let name = section.text("name").unwrap_or_else(|| issuer.unwrap_or_default().to_owned());
        let secret_file = section.text("secret_file").map(|path| self.path(&path));
        let scope = section.text("scope").unwrap_or_else(|| "openid user/*.rs severn.operator severn.privacy".to_owned());
        if !scope.split_whitespace().any(|one| one == "openid") {
            section.mistake("scope", "must have openid: without it nobody says who signed in");
        }
        for key in ["authorize_url", "token_url"] {
            if !provider.has(key) {
                section.mistake("client_id", format!("needs sign_in.{key}: that is where its people go"));
            }
        }
        section.finish();
        Some(client_id.map(|client_id| Application { client_id, name, secret_file, scope }))
    }
}

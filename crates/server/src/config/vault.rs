//! `[vault]`: what answers showed, kept for evidence.

use std::time::Duration;

use exchange::VaultSettings;

use super::Reader;
use super::reader::Section;

/// `[vault]`
#[derive(Debug, Clone)]
pub struct VaultConfig {
    /// Limits of what waits to be kept; nothing is kept where there are none.
    pub settings: Option<VaultSettings>,
    /// Years that evidence is kept after something was last shown of the person.
    pub retention_years: u64,
    /// For how long an opening that was asked for may be approved, and opened.
    pub opening: Duration,
    /// Roles of whom one asks for an opening.
    pub asking_roles: Vec<String>,
    /// Roles of whom another approves it.
    pub approving_roles: Vec<String>,
}

/// A privacy officer asks, a Caldicott Guardian approves.
const ASKING: &str = "R0001";
const APPROVING: &str = "R5105";

impl<'a> Reader<'a> {
    pub(super) fn vault(&self, section: Section<'a>) -> VaultConfig {
        let roles = |key, default: &str| match section.has(key) {
            true => section.texts(key),
            false => vec![default.to_owned()],
        };
        let (asking_roles, approving_roles) = (roles("asking_roles", ASKING), roles("approving_roles", APPROVING));
        if asking_roles.is_empty() || approving_roles.is_empty() {
            section.mistake("approving_roles", "who asks and who approves must each have a role".to_owned());
        }
        if asking_roles.iter().any(|role| approving_roles.contains(role)) {
            section.mistake("approving_roles", "whoever asks must not be able to approve by the same role".to_owned());
        }
        let settings = VaultSettings {
            queue_max: section.number("queue_max", 1_000, 1..=1_000_000) as usize,
            queue_bytes_max: section.number("queue_bytes_max", 64 << 20, 1 << 20..=1 << 36) as usize,
            answer_bytes_max: section.number("answer_bytes_max", 32 << 20, 1 << 10..=1 << 32) as usize,
            tries: section.number("tries", 6, 1..=20) as u32,
            retry: Duration::from_millis(section.number("retry_ms", 500, 10..=60_000)),
        };
        if settings.answer_bytes_max > settings.queue_bytes_max {
            section.mistake("answer_bytes_max", "is more than the queue takes (queue_bytes_max)".to_owned());
        }
        let on = section.choice("keep", &[("shown", true), ("nothing", false)], true);
        let config = VaultConfig {
            settings: on.then_some(settings),
            retention_years: section.number("retention_years", 25, 8..=200),
            opening: Duration::from_secs(section.number("opening_hours", 24, 1..=24 * 30) * 3600),
            asking_roles,
            approving_roles,
        };
        section.finish();
        config
    }
}

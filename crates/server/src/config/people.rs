//! `[people]`: limits of the person index.

use std::path::PathBuf;
use std::time::Duration;

use people::registrar::Limits;

use super::Reader;
use super::reader::Section;

/// `[people]`
#[derive(Debug, Clone)]
pub struct PeopleConfig {
    /// What the registrar may take.
    pub limits: Limits,
    /// What the index in memory may take.
    pub index: people::index::Limits,
    /// How answers find their way into the index.
    pub registration: exchange::RegistrationSettings,
    /// Rows of a file that are written at once.
    pub load_batch: usize,
    /// Bytes of one row of a file.
    pub row_bytes_max: usize,
    /// Bytes of a file that is one Bundle: it is read whole.
    pub bundle_bytes_max: usize,
    /// Characters of a name, a line of an address, a telephone number …
    pub value_chars_max: usize,
    /// Names of one patient; likewise addresses, telephone numbers and e-mail addresses.
    pub values_max: usize,
    /// Years that somebody may be old before a birth date is taken for a mistake.
    pub age_years_max: u64,
    /// Tasks that a list shows at once.
    pub tasks_max: usize,
    /// How often it is read what others (a command, another node) changed in the register.
    pub follow: Duration,
    /// Where the index is kept between two runs, and how often it is written; without it the register is read at each start.
    pub snapshot: Option<(PathBuf, Duration)>,
}

impl<'a> Reader<'a> {
    pub(super) fn people(&self, section: Section<'a>) -> PeopleConfig {
        let (default, index, registration) =
            (Limits::default(), people::index::Limits::default(), exchange::RegistrationSettings::default());
        let size = |key, default: usize, bounds| section.number(key, default as u64, bounds) as usize;
        let every = Duration::from_secs(60 * section.number("snapshot_minutes", 60, 1..=10_000));
        let config = PeopleConfig {
            limits: Limits {
                compared_max: size("compared_max", default.compared_max, 1..=10_000),
                doubts_max: size("doubts_max", default.doubts_max, 1..=100),
                shown_max: size("shown_max", default.shown_max, 1..=1_000),
                page_persons_max: size("page_persons_max", default.page_persons_max, 1..=1_000_000),
                pending_max: size("pending_max", default.pending_max, 1..=100_000_000),
                news_persons_max: size("news_persons_max", default.news_persons_max, 1..=1_000_000),
                tries_max: size("tries_max", default.tries_max, 1..=1_000),
            },
            index: people::index::Limits {
                segment_persons_max: size("segment_persons_max", index.segment_persons_max, 1_000..=100_000_000),
                search_persons_max: size("search_persons_max", index.search_persons_max, 1..=1_000_000),
            },
            registration: exchange::RegistrationSettings {
                queue_max: size("answers_queue_max", registration.queue_max, 1..=10_000_000),
                remembered_max: section.number("answers_remembered_max", registration.remembered_max, 0..=100_000_000),
                remembered: Duration::from_secs(3600 * section.number("answers_remembered_hours", 24, 1..=10_000)),
            },
            load_batch: size("load_batch", 1_000, 1..=100_000),
            row_bytes_max: size("row_bytes_max", 256 << 10, 256..=64 << 20),
            bundle_bytes_max: size("bundle_bytes_max", 256 << 20, 1_024..=1 << 31),
            value_chars_max: size("value_chars_max", 200, 1..=100_000),
            values_max: size("values_max", 50, 1..=10_000),
            age_years_max: section.number("age_years_max", 130, 1..=1_000),
            tasks_max: size("tasks_max", 100, 1..=10_000),
            follow: Duration::from_millis(section.number("follow_ms", 1_000, 50..=3_600_000)),
            snapshot: section.text("snapshot_file").map(|file| (self.path(&file), every)),
        };
        section.finish();
        config
    }
}

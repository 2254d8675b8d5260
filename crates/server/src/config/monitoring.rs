//! `[monitoring]`: which reads are brought before a privacy officer.

use exchange::MonitoringLimits;

use super::Reader;
use super::reader::Section;
use crate::monitoring::{Files, staff, watched};

/// `[monitoring]`
#[derive(Debug, Clone)]
pub struct MonitoringConfig {
    /// When a rule fires.
    pub limits: MonitoringLimits,
    /// Reads that may wait to be looked at.
    pub queue_max: usize,
    /// The operator's lists.
    pub files: Files,
}

impl<'a> Reader<'a> {
    pub(super) fn monitoring(&self, section: Section<'a>) -> MonitoringConfig {
        let default = MonitoringLimits::default();
        let file = |key: &'static str| section.text(key).map(|path| self.path(&path));
        let files = Files { staff: file("staff_file"), watched: file("watch_list_file") };
        if let Some(Err(why)) = files.staff.as_deref().map(staff) {
            section.mistake("staff_file", format!("{why:#}"));
        }
        if let Some(Err(why)) = files.watched.as_deref().map(watched) {
            section.mistake("watch_list_file", format!("{why:#}"));
        }
        let config = MonitoringConfig {
            limits: MonitoringLimits {
                people_hour_max: section.number("people_hour_max", default.people_hour_max, 1..=1_000_000),
                people_day_max: section.number("people_day_max", default.people_day_max, 1..=1_000_000),
                deceased_days: section.number("deceased_days", default.deceased_days, 0..=36_500),
            },
            queue_max: section.number("queue_max", 10_000, 1..=10_000_000) as usize,
            files,
        };
        section.finish();
        config
    }
}

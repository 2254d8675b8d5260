//! `[privacy]`: the privacy officer's desk, and what is told of who looked.

use super::Reader;
use super::reader::Section;

/// `[privacy]`
#[derive(Debug, Clone)]
pub struct PrivacyConfig {
    /// Tasks that a list shows at once.
    pub tasks_max: usize,
    /// Lines that a report or a page of AuditEvents is made of at once.
    pub report_max: usize,
    /// Staff whose names a patient is not told, for their safety: national user ids, or `issuer|subject`.
    pub withheld_names: Vec<String>,
}

impl<'a> Reader<'a> {
    pub(super) fn privacy(&self, section: Section<'a>) -> PrivacyConfig {
        let config = PrivacyConfig {
            tasks_max: section.number("tasks_max", 100, 1..=10_000) as usize,
            report_max: section.number("report_max", 200, 1..=10_000) as usize,
            withheld_names: section.texts("withheld_names"),
        };
        section.finish();
        config
    }
}

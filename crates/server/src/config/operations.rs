//! `[operations]`: what is kept of how sources do, for those who operate the exchange.

use exchange::ObservedSettings;

use super::Reader;
use super::reader::Section;

impl<'a> Reader<'a> {
    pub(super) fn operations(&self, section: Section<'a>) -> ObservedSettings {
        let config = ObservedSettings {
            history_minutes: section.number("history_minutes", 360, 10..=10_080),
            window_minutes: section.number("window_minutes", 15, 1..=1_440),
        };
        if config.window_minutes > config.history_minutes {
            section.mistake("window_minutes", "is more than history_minutes: so much is not kept");
        }
        section.finish();
        config
    }
}

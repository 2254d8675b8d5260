//! `[relationship]`: for how long what ties a person to an organisation speaks for a relationship.

use std::time::Duration;

use exchange::RelationshipSettings;
use record::OdsCode;

use super::Reader;
use super::reader::Section;

impl<'a> Reader<'a> {
    pub(super) fn relationship(&self, section: Section<'a>) -> RelationshipSettings {
        let default = RelationshipSettings::default();
        let days = |key, default: Duration, most| {
            let days = section.number(key, default.as_secs() / 86_400, 1..=most);
            Duration::from_secs(days * 86_400)
        };
        let settings = RelationshipSettings {
            appointment: days("appointment_days", default.appointment, 365),
            care_team: days("care_team_days", default.care_team, 365),
            episode: days("episode_days", default.episode, 365),
            encounter_age: days("encounter_age_days", default.encounter_age, 3_650),
            practice: days("practice_days", default.practice, 365),
            referral: days("referral_days", default.referral, 730),
        };
        section.finish();
        settings
    }

    /// Organisations that a key lists by their codes.
    pub(super) fn organisations(&self, section: &Section<'a>, key: &'static str) -> Vec<OdsCode> {
        let codes = section.texts(key).into_iter().filter_map(|text| match text.parse() {
            Ok(code) => Some(code),
            Err(error) => {
                section.mistake(key, format!("`{text}`: {error}"));
                None
            }
        });
        codes.collect()
    }
}

//! `[policy]`: the site's own rules beside those that are shipped.

use std::path::PathBuf;

use super::Reader;
use super::reader::Section;

/// `[policy]`
#[derive(Debug, Clone, Default)]
pub struct PolicyConfig {
    /// Files of Cedar policies.
    pub files: Vec<PathBuf>,
    /// The sharing matrix (CSV); without one every source shares with whoever may read.
    pub sharing: Option<PathBuf>,
    /// The organisations that take part (CSV: `code,kind`, one row a kind), for rules that speak of them or of what they are.
    pub organisations: Option<PathBuf>,
    /// National activity codes that rules may speak of beside the usual ones.
    pub activities: Vec<String>,
    /// Who approved that restricted people may be read in an emergency, without whatever tells of a place; nobody: they may not.
    pub restricted_in_emergency: Option<Acceptance>,
    /// Who approved that objections recorded here may be overridden by law (B0082); nobody: they may not.
    pub legal_override: Option<Acceptance>,
}

/// `[policy.restricted_in_emergency]`, `[policy.legal_override]`: somebody's name under a choice that is not ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Acceptance {
    /// Who, with what makes it theirs to say.
    pub accepted_by: String,
    /// When.
    pub accepted_on: jiff::civil::Date,
}

impl<'a> Reader<'a> {
    pub(super) fn policy(&self, section: Section<'a>) -> PolicyConfig {
        let path = |key| section.text(key).map(|path| self.path(&path));
        let accepted = |key| section.has(key).then(|| acceptance(section.section(key))).flatten();
        let policy = PolicyConfig {
            files: section.texts("files").iter().map(|path| self.path(path)).collect(),
            sharing: path("sharing"),
            organisations: path("organisations"),
            activities: section.texts("activities"),
            restricted_in_emergency: accepted("restricted_in_emergency"),
            legal_override: accepted("legal_override"),
        };
        let lacking = |path: &PathBuf| (!path.is_file()).then(|| format!("{} is no file", path.display()));
        policy.files.iter().filter_map(lacking).for_each(|what| section.mistake("files", what));
        policy.sharing.iter().filter_map(lacking).for_each(|what| section.mistake("sharing", what));
        policy.organisations.iter().filter_map(lacking).for_each(|what| section.mistake("organisations", what));
        section.finish();
        policy
    }
}

fn acceptance(section: Section<'_>) -> Option<Acceptance> {
    let (accepted_by, accepted_on) = (section.person("accepted_by"), section.required("accepted_on"));
    section.finish();
    Some(Acceptance { accepted_by: accepted_by?, accepted_on: accepted_on? })
}

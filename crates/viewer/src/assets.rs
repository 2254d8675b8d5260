//! Styles and behaviour, embedded; each by a name that changes with its content, so that a browser may keep what it has for good.

/// A file that pages refer to.
pub struct Asset {
    /// Its name, with a fingerprint of its content.
    pub name: &'static str,
    /// Its name without.
    pub stem: &'static str,
    /// Its media type.
    pub kind: &'static str,
    /// What is in it.
    pub bytes: &'static [u8],
}

include!(concat!(env!("OUT_DIR"), "/assets.rs"));

/// The file of a name.
pub fn named(name: &str) -> Option<&'static Asset> {
    ALL.iter().find(|asset| asset.name == name)
}

/// Names of style sheets, in the order in which they count.
pub fn styles() -> impl Iterator<Item = &'static str> {
    ALL.iter().filter(|asset| asset.kind.starts_with("text/css")).map(|asset| asset.name)
}

/// The icon.
pub fn icon() -> Option<&'static str> {
    ALL.iter().find(|asset| asset.stem == "icon").map(|asset| asset.name)
}

/// The script, where the design system's is there.
pub fn script() -> Option<&'static str> {
    ALL.iter().find(|asset| asset.stem == "viewer" && asset.kind.starts_with("text/javascript")).map(|asset| asset.name)
}

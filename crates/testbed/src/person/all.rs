//! The files in `fixtures/people`. A test compares this list with the folder.

macro_rules! files {
    ($($slug:literal),* $(,)?) => {
        /// Slug and text of each life.
        pub(super) const FILES: &[(&str, &str)] = &[
            $(($slug, include_str!(concat!("../../../../fixtures/people/", $slug, ".toml")))),*
        ];
    };
}

files![
    "aisha-malik",
    "delroy-campbell",
    "doris-whittaker",
    "emily-carter",
    "grace-bellamy",
    "kofi-mensah",
    "leo-novak",
    "margaret-hartley",
    "thomas-bevan",
    "zara-malik",
];

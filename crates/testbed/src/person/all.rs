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
    "adam-wojcik",
    "aisha-malik",
    "alex-morgan",
    "barry-stokes",
    "bethany-ross",
    "catherine-lowe",
    "chloe-davenport",
    "delroy-campbell",
    "doris-whittaker",
    "emily-carter",
    "evelyn-price",
    "george-papadakis",
    "grace-bellamy",
    "gwilym-rees",
    "hannah-lindqvist",
    "harold-tranter",
    "imran-sheikh",
    "irene-fawcett",
    "isaac-thornton",
    "jacqueline-obi",
    "jayden-marsh",
    "kofi-mensah",
    "kyle-rafferty",
    "leo-novak",
    "linda-fairbrother",
    "margaret-hartley",
    "mary-jones-ludlow",
    "mary-jones-tipton",
    "mohammed-iqbal",
    "nasreen-akhtar",
    "oscar-fielding",
    "philip-ashdown",
    "priyanka-desai",
    "raymond-tully",
    "ruth-weaver",
    "samuel-okoro",
    "sandra-nicholls",
    "sophie-hargreaves",
    "thomas-bevan",
    "tracey-cole",
    "vera-kimberley",
    "winifred-tranter",
    "winston-clarke",
    "zara-malik",
];

//! Clusters what says the same and shows what contradicts. Not built yet: see the table in README.md.

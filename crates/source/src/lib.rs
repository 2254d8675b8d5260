//! Asks many sources at once, inside their limits. Not built yet: see the table in README.md.

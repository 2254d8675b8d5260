//! Systems, codes and units. Not built yet: see the table in README.md.

//! Keeps the ledger, persons, claims, ids and plans. Not built yet: see the table in README.md.

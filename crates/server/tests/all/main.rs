//! The whole exchange in one process, before a pretend region in memory: what must happen, and what must not.
//!
//! Time is paused, so that slow and silent suppliers cost no waiting.

#![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

mod audit_report;
mod audited;
mod carecentric;
mod cis2;
mod clients;
mod coming;
mod commands;
mod consent;
mod demographics;
mod desks;
mod discovery;
mod documents;
mod emergency;
mod everybody;
mod evidence;
mod following;
mod golden;
mod governance;
mod hidden_place;
mod kept;
mod keys;
mod killed;
mod ladder;
mod launches;
mod lifecycle;
mod linkage;
mod loading;
mod logged;
mod makers;
mod monitoring;
mod mutual_tls;
mod on_behalf;
mod onboard;
mod operations;
mod parameters;
mod people;
mod plants;
#[path = "../../../store/tests/all/postgres.rs"]
mod postgres;
mod practice;
mod privacy;
mod providers;
mod record_locator;
mod ring;
mod rules;
mod scopes;
mod sign_in;
mod signer;
mod steward;
mod stu3;
mod survive;
mod tab;
mod terminology;
mod tokens;
mod trace;
mod unsaid;
mod vault;
mod viewer;
mod who_may_ask;
mod whom;
mod wire;
mod world;
mod xml;

//! What the `severn` binary is made of: HTTP, configuration, commands.
//!
//! A library only so that tests and benches can drive the whole exchange inside their own process: [`wiring::app`] builds
//! it, [`http::router`] is its every route.

pub mod answer;
pub mod audit;
pub mod check;
pub mod client;
pub mod config;
pub mod convert;
#[cfg(feature = "demo")]
pub mod demo;
mod desk;
pub mod fhir_api;
#[doc(hidden)]
pub mod fuzzing;
pub mod http;
pub mod jwks;
pub mod ladder;
pub mod launch;
pub mod logs;
pub mod metrics;
pub mod monitoring;
pub mod oauth;
pub mod onboard;
pub mod operations;
mod page;
pub mod people;
pub mod policy;
pub mod privacy;
pub mod routes;
pub mod safety;
pub mod sensitivity;
pub mod serve;
pub mod smart;
pub mod steward;
pub mod store;
pub mod terminology;
pub mod tls;
pub mod token;
pub mod turns;
pub mod viewer;
pub mod wiring;

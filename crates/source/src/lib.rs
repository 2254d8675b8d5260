//! Asking sources: deadlines that shrink, places, rates, breakers, one retry, and the caller's word on every hop.
//!
//! A [`Leg`] is leave to ask one source about one person for one request: it holds a place at the source, the time that
//! is left, and how much may still be fetched. [`Sources::ask`] sends one call of it and always returns a [`record::Reply`];
//! a source that fails is data, not an error. No leg without a permit (or an admission, for "do you hold this number").
//!
//! A [`NationalService`] is no source: it holds no record. The way to it is guarded in the same manner, by an [`Errand`] that takes a permit.
//!
//! What it leaves to others: what to ask and what the answer means (`dialect`), and in which order (`exchange`).

mod auth;
mod breaker;
mod config;
mod http;
mod keys;
mod leg;
mod national;
mod on_behalf;
mod places;
mod prober;
mod transport;

pub use auth::AuthError;
pub use config::{Auth, Limits, OnBehalf, SourceConfig};
pub use http::Http;
pub use keys::{KeyFault, SigningKey};
pub use leg::{Leg, Sources};
pub use national::{Errand, Message, NationalService};
pub use on_behalf::iua;
pub use places::{State, Timer};
pub use prober::{Probed, Prober};
pub use transport::{Request, Transport, Verb};

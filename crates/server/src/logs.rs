//! The log: for the machine's deeds. People's deeds are in the ledger, and nobody's name, number or address is in the log.

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, fmt};

/// Whose words are known to name nobody, at whatever level.
const OURS: &[&str] = &[
    "access",
    "assurance",
    "audit",
    "dialect",
    "exchange",
    "fhir",
    "identity",
    "join",
    "national",
    "onboard",
    "people",
    "record",
    "server",
    "severn",
    "source",
    "store",
    "terms",
    "testbed",
];

/// Starts logging to standard error; `RUST_LOG` chooses what.
pub fn start() {
    let chosen = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn,severn=info"));
    let layer = fmt::layer().with_writer(std::io::stderr).with_filter(filter_fn(may_be_logged)).with_filter(chosen);
    tracing_subscriber::registry().with(layer).init();
    tell_of_panics();
}

/// Libraries quote, at their lower levels, what goes through them: addresses with numbers in them, headers with tokens, values of
/// statements. None of it is logged, whatever `RUST_LOG` says.
pub fn may_be_logged(metadata: &tracing::Metadata<'_>) -> bool {
    let ours = metadata.target().split("::").next().is_some_and(|own| OURS.contains(&own));
    ours || *metadata.level() <= tracing::Level::INFO
}

/// Says where a panic was, and not in which words: they may quote what it was at.
pub fn tell_of_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(place, "a panic: this is a bug in Severn");
    }));
}

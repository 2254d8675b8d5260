//! The log: for the machine's deeds. People's deeds are in the ledger.

/// Starts logging to standard error; `RUST_LOG` chooses what.
pub fn start() {
    use tracing_subscriber::EnvFilter;
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn,severn=info"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
}

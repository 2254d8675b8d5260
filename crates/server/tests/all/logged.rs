//! What a test's thread logs.

use std::io::Write;
use std::sync::{Arc, Mutex};

use tracing_subscriber::Layer;
use tracing_subscriber::filter::{LevelFilter, filter_fn};
use tracing_subscriber::layer::SubscriberExt;

/// The whole log of a test's thread.
#[derive(Clone, Default)]
pub struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Log {
    /// So far.
    pub fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

/// Everything that is logged by anybody of us in this process, on whatever thread, as it would be with `RUST_LOG=trace`. Where tests share
/// a process, what others log is there, too.
pub fn everything_logged() -> Log {
    let log = Log::default();
    let writer = log.clone();
    let layer = tracing_subscriber::fmt::layer().with_ansi(false).with_writer(move || writer.clone());
    let layer = layer.with_filter(filter_fn(server::logs::may_be_logged)).with_filter(LevelFilter::TRACE);
    let _ = tracing::subscriber::set_global_default(tracing_subscriber::registry().with(layer));
    log
}

/// Everything that is logged, of every level.
pub fn logged() -> (Log, tracing::subscriber::DefaultGuard) {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_ansi(false).with_writer(move || writer.clone());
    (log, tracing::subscriber::set_default(subscriber.finish()))
}

//! `[limits]` of connections: how many, for how long, and how much of each before it is known who asks.

use std::time::Duration;

use super::reader::Section;

/// Limits of the wire.
#[derive(Debug, Clone)]
pub struct ConnectionLimits {
    /// `connections_max`: at once; others wait.
    pub connections_max: usize,
    /// `header_ms`: for the head of a request, and for the first bytes of a connection.
    pub header: Duration,
    /// `body_ms`: for a body, all of it.
    pub body: Duration,
    /// `idle_ms`: for anything at all to come or go; longer than a read takes.
    pub idle: Duration,
    /// `write_ms`: for a client that takes nothing of what is written to it.
    pub write: Duration,
    /// `header_bytes_max`: of a head, address and all.
    pub header_bytes_max: usize,
    /// `headers_max`
    pub headers_max: usize,
    /// `url_bytes_max`: path and query.
    pub url_bytes_max: usize,
    /// `http2_streams_max`: requests at once on one connection.
    pub http2_streams_max: u32,
    /// `http2_resets_max`: requests taken back before they were looked at; more end the connection.
    pub http2_resets_max: usize,
}

impl ConnectionLimits {
    /// The keys of `[limits]`, each with its default.
    pub(super) fn read(section: &Section<'_>) -> ConnectionLimits {
        let ms = |key, default, bounds| Duration::from_millis(section.number(key, default, bounds));
        let size = |key, default, bounds| section.number(key, default, bounds) as usize;
        let limits = ConnectionLimits {
            connections_max: size("connections_max", 4_096, 1..=1_000_000),
            header: ms("header_ms", 10_000, 100..=120_000),
            body: ms("body_ms", 20_000, 100..=600_000),
            idle: ms("idle_ms", 60_000, 1_000..=3_600_000),
            write: ms("write_ms", 30_000, 1_000..=600_000),
            header_bytes_max: size("header_bytes_max", 65_536, 8_192..=1 << 24),
            headers_max: size("headers_max", 100, 10..=10_000),
            url_bytes_max: size("url_bytes_max", 8_192, 256..=1 << 20),
            http2_streams_max: section.number("http2_streams_max", 128, 1..=10_000) as u32,
            http2_resets_max: size("http2_resets_max", 20, 1..=10_000),
        };
        if limits.idle.as_millis() <= u128::from(section.number("read_ms", 10_000, 100..=120_000)) {
            section.mistake("idle_ms", "must be longer than read_ms: nothing comes while a record is read");
        }
        let head = section.number("token_bytes_max", 16_384, 256..=1 << 20) as usize + limits.url_bytes_max;
        if limits.header_bytes_max < head + OTHER_HEADERS {
            let least = head + OTHER_HEADERS;
            section.mistake("header_bytes_max", format!("must be {least} at least: a head holds an address, a token, and other headers"));
        }
        limits
    }
}

/// What headers take beside the address and the token.
const OTHER_HEADERS: usize = 4_096;

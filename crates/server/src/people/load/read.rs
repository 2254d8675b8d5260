//! What a file is, and its parts.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context, bail};
use bytes::Bytes;
use fhir::{Bundle, Tree, Version};

use super::Format;
use super::lines::Lines;

const GZIP: [u8; 2] = [0x1f, 0x8b];
/// How much is looked at to see what a file is.
const HEAD: usize = 1 << 16;

/// A file that is open.
pub struct Opened {
    pub body: Body,
    bytes: Arc<AtomicU64>,
}

/// What is in it.
pub enum Body {
    /// A heading, then rows.
    Csv(Lines),
    /// Patients one a line.
    Ndjson(Lines),
    /// The resources of a Bundle; where one could not be read, why.
    Bundle(std::vec::IntoIter<fhir::Entry>),
}

impl Opened {
    /// Opens a file, packed or not.
    pub fn of(file: &Path, format: Format, row_bytes_max: usize, bundle_bytes_max: usize) -> anyhow::Result<Opened> {
        Opened::from(Box::new(File::open(file)?), format, row_bytes_max, bundle_bytes_max)
    }

    /// The same of what is at hand.
    pub fn from(from: Box<dyn Read + Send>, format: Format, row_bytes_max: usize, bundle_bytes_max: usize) -> anyhow::Result<Opened> {
        let bytes = Arc::new(AtomicU64::new(0));
        let counted = Counted { from, bytes: bytes.clone() };
        let mut reader = BufReader::with_capacity(HEAD, counted);
        let packed = reader.fill_buf()?.starts_with(&GZIP);
        let mut reader: Box<dyn BufRead + Send> = match packed {
            true => Box::new(BufReader::with_capacity(HEAD, flate2::bufread::MultiGzDecoder::new(reader))),
            false => Box::new(reader),
        };
        let head = reader.fill_buf().context("it cannot be unpacked")?;
        let body = match if format == Format::Auto { told(head)? } else { format } {
            Format::Bundle => Body::Bundle(bundle(reader, bundle_bytes_max)?.entries.into_iter()),
            Format::Csv => Body::Csv(Lines::of(reader, row_bytes_max)),
            Format::Auto | Format::Bulk | Format::Ndjson => Body::Ndjson(Lines::of(reader, row_bytes_max)),
        };
        Ok(Opened { body, bytes })
    }

    /// How many bytes of the file were read.
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }
}

struct Counted {
    from: Box<dyn Read + Send>,
    bytes: Arc<AtomicU64>,
}

impl Read for Counted {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let length = self.from.read(into)?;
        self.bytes.fetch_add(length as u64, Ordering::Relaxed);
        Ok(length)
    }
}

/// What a file is, by how it begins.
fn told(head: &[u8]) -> anyhow::Result<Format> {
    let head = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
    let start = head.iter().position(|byte| !byte.is_ascii_whitespace());
    Ok(match start.map(|start| &head[start..]) {
        None => bail!("it is empty"),
        Some([b'<', ..]) => Format::Bundle,
        Some(json @ [b'{', ..]) => {
            let line = json.split(|byte| *byte == b'\n').next().unwrap_or_default();
            let bundle = |tree: &Tree| tree.root().is("resourceType", "Bundle");
            match Tree::from_json(Bytes::copy_from_slice(line)) {
                Ok(tree) if bundle(&tree) => Format::Bundle,
                Ok(_) => Format::Ndjson,
                // A resource over several lines; or a line longer than what was looked at, which is a Bundle if it says so here.
                Err(_) if line.len() < json.len() => {
                    if broken_line(line) {
                        Format::Ndjson
                    } else {
                        Format::Bundle
                    }
                }
                Err(_) if line.windows(8).any(|window| window == b"\"Bundle\"") => Format::Bundle,
                Err(_) => Format::Ndjson,
            }
        }
        Some(_) => Format::Csv,
    })
}

/// Whether a line of JSON that cannot be read is one that ends where an object does: a bad row, and not the beginning of a larger thing.
fn broken_line(line: &[u8]) -> bool {
    line.trim_ascii_end().ends_with(b"}") && line.len() > 2
}

fn bundle(from: Box<dyn BufRead + Send>, bytes_max: usize) -> anyhow::Result<Bundle> {
    let mut body = Vec::new();
    from.take(bytes_max as u64 + 1).read_to_end(&mut body)?;
    if body.len() > bytes_max {
        bail!("it is larger than people.bundle_bytes_max ({bytes_max} bytes); export Patients one a line instead");
    }
    let body = Bytes::from(body);
    let start = body.iter().find(|byte| !byte.is_ascii_whitespace() && ![0xef, 0xbb, 0xbf].contains(*byte));
    let read = match start {
        // What a Patient is made of differs little between versions; a version's own tables read its own lists.
        Some(b'<') => [Version::R4, Version::Stu3, Version::Dstu2]
            .into_iter()
            .map(|version| Bundle::from_xml(version, body.clone()))
            .find(Result::is_ok),
        _ => None,
    };
    let read = match (read, start) {
        (Some(read), _) => read,
        (None, Some(b'<')) => Bundle::from_xml(Version::R4, body),
        (None, _) => Bundle::from_json(body),
    };
    read.context("it is no FHIR")
}

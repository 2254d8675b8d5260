//! dm+d's release files: one XML file a level, each a flat list of products.

use std::io::BufRead;

use quick_xml::Reader;
use quick_xml::events::Event;

use super::{LoadError, Loader, PROGRESS_EVERY, Progress};
use crate::terminology::{Level, sctid};

/// How a level is written: its element, its identifier, of what it is, and its former identifier.
struct Written {
    element: &'static str,
    level: Level,
    id: &'static str,
    above: &'static str,
    former: &'static str,
}

const LEVELS: &[Written] = &[
    Written { element: "VTM", level: Level::Vtm, id: "VTMID", above: "", former: "VTMIDPREV" },
    Written { element: "VMP", level: Level::Vmp, id: "VPID", above: "VTMID", former: "VPIDPREV" },
    Written { element: "VMPP", level: Level::Vmpp, id: "VPPID", above: "VPID", former: "" },
    Written { element: "AMP", level: Level::Amp, id: "APID", above: "VPID", former: "" },
    Written { element: "AMPP", level: Level::Ampp, id: "APPID", above: "APID", former: "" },
];

/// One product as its element says it. Only what it says itself counts: prices and packs lie deeper or beside.
#[derive(Default)]
struct Product {
    id: String,
    above: String,
    former: String,
    name: String,
    /// Of a history file.
    now: String,
    before: String,
}

impl Loader {
    /// A file of VTMs, VMPs, VMPPs, AMPs or AMPPs, or of the history of their identifiers: what it is of is what it says.
    pub fn dmd(&mut self, file: &str, read: impl BufRead, progress: &mut Progress<'_>) -> Result<(), LoadError> {
        let mut reader = Reader::from_reader(read);
        let fault = |what: String| LoadError { file: file.to_owned(), line: 0, what };
        let (mut room, mut path, mut count) = (Vec::new(), Vec::<String>::new(), 0);
        let mut under_way: Option<UnderWay> = None;
        loop {
            room.clear();
            let place = reader.buffer_position();
            let event = reader.read_event_into(&mut room).map_err(|error| fault(format!("byte {place}: {error}")))?;
            match event {
                Event::Start(start) => {
                    let name = start.local_name().as_ref().to_owned();
                    let level = LEVELS.iter().find(|level| level.element == name);
                    path.push(name);
                    // `VMP` is an element of a product and, elsewhere, of nothing else.
                    if let (None, Some(level)) = (&under_way, level) {
                        under_way = Some(UnderWay { depth: path.len(), level, product: Product::default() });
                    }
                }
                Event::Text(text) => {
                    if let Some(slot) = slot(&mut under_way, &path) {
                        slot.push_str(text.as_ref());
                    }
                }
                Event::GeneralRef(name) => {
                    if let Some(slot) = slot(&mut under_way, &path) {
                        slot.extend(meant(&name));
                    }
                }
                Event::End(_) => {
                    if let Some(UnderWay { level, product, .. }) = under_way.take_if(|one| path.len() == one.depth) {
                        self.product(level, product).map_err(|what| fault(format!("byte {place}: {what}")))?;
                        count += 1;
                        if count % PROGRESS_EVERY == 0 {
                            progress(file, count);
                        }
                    }
                    path.pop();
                }
                Event::Eof => break,
                _ => {}
            }
        }
        if count == 0 {
            return Err(fault("holds no product of dm+d: no VTM, VMP, VMPP, AMP or AMPP".to_owned()));
        }
        progress(file, count);
        Ok(())
    }

    fn product(&mut self, level: &Written, product: Product) -> Result<(), String> {
        let id = |text: &str| sctid(text.trim()).ok_or_else(|| format!("`{}` is no identifier of dm+d", text.trim()));
        let maybe = |text: &str| if text.trim().is_empty() { Ok(None) } else { id(text).map(Some) };
        if let (Some(now), Some(before)) = (maybe(&product.now)?, maybe(&product.before)?) {
            self.medicines.former.push((before, now));
            return Ok(());
        }
        let own = id(&product.id)?;
        if let Some(former) = maybe(&product.former)? {
            self.medicines.former.push((former, own));
        }
        self.medicines.products.push((own, level.level, maybe(&product.above)?, product.name.trim().into()));
        Ok(())
    }
}

/// A product whose element has begun, at this depth.
struct UnderWay {
    depth: usize,
    level: &'static Written,
    product: Product,
}

/// Where the text of the element at hand belongs, if anywhere.
fn slot<'a>(under_way: &'a mut Option<UnderWay>, path: &[String]) -> Option<&'a mut String> {
    let UnderWay { depth, level, product } = under_way.as_mut()?;
    let name = path.last().filter(|_| path.len() == *depth + 1)?.as_str();
    match name {
        "NM" => Some(&mut product.name),
        "IDCURRENT" => Some(&mut product.now),
        "IDPREVIOUS" => Some(&mut product.before),
        name if name == level.id => Some(&mut product.id),
        name if name == level.above => Some(&mut product.above),
        name if name == level.former => Some(&mut product.former),
        _ => None,
    }
}

/// The character that an entity stands for.
fn meant(name: &quick_xml::events::BytesRef<'_>) -> Option<char> {
    match &**name {
        "amp" => Some('&'),
        "apos" => Some('\''),
        "gt" => Some('>'),
        "lt" => Some('<'),
        "quot" => Some('"'),
        _ => name.resolve_char_ref().ok().flatten(),
    }
}

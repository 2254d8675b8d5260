//! A run of persons as what a stack is made of, and as it stands in a file.

use std::io::{self, Read, Write};

use record::PersonId;

use super::arrays;
use super::dictionary::Dictionary;
use super::ids::Ids;
use super::run::{Builder, Run};
use super::table::Table;

impl super::stack::Run for Run {
    type Builder = Builder;

    fn ids(&self) -> &Ids {
        &self.ids
    }

    fn copy(&self, id: &PersonId, ordinal: u32, to: &mut Builder) {
        to.append(id, &self.held(ordinal));
    }

    fn is_full(builder: &Builder, persons_max: usize) -> bool {
        builder.is_full(persons_max)
    }

    fn finish(builder: Builder) -> Run {
        builder.finish()
    }
}

impl super::snapshot::Stored for Run {
    const OF: (&'static str, u8) = ("person index", 1);

    fn write(&self, out: &mut impl Write) -> io::Result<()> {
        self.ids.write(out)?;
        arrays::write(out, &self.ends, u32::to_le_bytes)?;
        arrays::write_bytes(out, &self.records)?;
        self.texts.write(out)?;
        arrays::write(out, &self.numbers, u64::to_le_bytes)?;
        self.homes.write(out)?;
        self.keys.write(out)
    }

    fn read(from: &mut impl Read) -> io::Result<Run> {
        let ids = Ids::read(from)?;
        let (ends, records) = (arrays::read(from, u32::from_le_bytes)?, arrays::read_bytes(from)?);
        arrays::check(&ids, &ends, records.len())?;
        let (texts, numbers) = (Dictionary::read(from)?, arrays::read(from, u64::from_le_bytes)?);
        let persons = ids.count();
        if numbers.iter().any(|pair| (pair & 0xff_ffff) as usize >= persons) {
            return Err(arrays::broken());
        }
        let (homes, keys) = (Table::read(from, persons)?, Table::read(from, persons)?);
        Ok(Run { ids, ends, records, texts, numbers, homes, keys })
    }
}

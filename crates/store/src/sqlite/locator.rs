//! The locator in SQLite: what sources answered, and the entries that they gave.

use access::Admission;
use async_trait::async_trait;
use identity::{Heard, Located, Locator, LocatorDown};
use record::{NhsNumber, SourceId};
use rusqlite::{Connection, params};

use super::people::{SqliteStore, led, mint, parsed, timestamp};
use crate::{Secrets, kinds};

/// Rows of a person, of which later entries know better.
fn located(connection: &Connection, secrets: &Secrets, number: &NhsNumber) -> rusqlite::Result<Vec<Located>> {
    let Some(person) = led(connection, secrets, number)? else { return Ok(Vec::new()) };
    let mut statement = connection.prepare_cached("SELECT source, holds, local_ids, kinds, heard FROM located WHERE person = ?")?;
    let rows = statement.query_map(params![person], |row| {
        Ok(Located {
            source: parsed::<SourceId>(row.get(0)?)?,
            holds: row.get(1)?,
            local_ids: kinds::ids(&row.get::<_, String>(2)?),
            categories: kinds::read(&row.get::<_, String>(3)?),
            heard: timestamp(row.get(4)?)?,
        })
    })?;
    let mut located = rows.collect::<Result<Vec<_>, _>>()?;
    let mut statement = connection.prepare_cached("SELECT source, local_id, seen FROM entry WHERE person = ?")?;
    let entries = statement.query_map(params![person], |row| {
        let seen = jiff::Timestamp::from_microsecond(row.get(2)?).map_err(|_| rusqlite::Error::InvalidQuery)?;
        Ok((parsed::<SourceId>(row.get(0)?)?, row.get::<_, String>(1)?, seen))
    })?;
    for entry in entries {
        let (source, local_id, seen) = entry?;
        kinds::given(&mut located, source, local_id, seen);
    }
    Ok(located)
}

#[async_trait]
impl Locator for SqliteStore {
    async fn located(&self, _admission: &Admission, number: &NhsNumber) -> Result<Vec<Located>, LocatorDown> {
        let number = *number;
        let found = self.with(move |connection, secrets| located(connection, secrets, &number));
        found.await.map_err(|down| LocatorDown(down.0))
    }

    async fn heard(&self, number: &NhsNumber, heard: Vec<Heard>, now: jiff::Timestamp) -> Result<(), LocatorDown> {
        let number = *number;
        let written = self.with(move |connection, secrets| {
            let person = mint(connection, secrets, &number)?;
            let transaction = connection.transaction()?;
            {
                // What was heard of other types stays, unless the source does not know the person at all.
                let sql = "INSERT INTO located (person, source, holds, local_ids, kinds, heard) VALUES (?1, ?2, ?3, ?4, ?5, ?6) \
                    ON CONFLICT (person, source) DO UPDATE SET holds = ?3, local_ids = ?4, \
                    kinds = CASE WHEN ?3 THEN json_patch(kinds, ?5) ELSE ?5 END, heard = ?6";
                let mut insert = transaction.prepare_cached(sql)?;
                for one in &heard {
                    let (ids, kinds) = (one.local_ids.join("\n"), kinds::write(&one.categories));
                    insert.execute(params![person, one.source.as_str(), one.holds, ids, kinds, now.to_string()])?;
                }
            }
            transaction.commit()
        });
        written.await.map_err(|down| LocatorDown(down.0))
    }
}

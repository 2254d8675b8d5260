//! The locator in PostgreSQL: what sources answered, and the entries that they gave.

use access::Admission;
use async_trait::async_trait;
use exchange::StoreDown;
use identity::{Heard, Located, Locator, LocatorDown};
use record::{NhsNumber, PersonId};

use super::arrays::micros;
use super::door::{PostgresStore, Trouble, asked};
use super::people::parsed;
use super::sql;
use crate::kinds;

impl PostgresStore {
    async fn rows_of(&self, person: &PersonId) -> Result<Vec<Located>, StoreDown> {
        asked!(self, |client| {
            let (located, entries) = (client.prepare_cached(sql::LOCATED).await?, client.prepare_cached(sql::ENTRIES_GIVEN).await?);
            let person = person.as_str();
            let key: [&(dyn tokio_postgres::types::ToSql + Sync); 1] = [&person];
            let (rows, given) = tokio::try_join!(client.query(&located, &key), client.query(&entries, &key))?;
            let rows = rows.iter().map(|row| {
                Ok(Located {
                    source: parsed(row.get(0), "located.source")?,
                    holds: row.get(1),
                    local_ids: kinds::ids(row.get(2)),
                    categories: kinds::read(row.get(3)),
                    heard: row.get(4),
                })
            });
            let mut located = rows.collect::<Result<Vec<_>, Trouble>>()?;
            for row in &given {
                kinds::given(&mut located, parsed(row.get(0), "entry.source")?, row.get(1), row.get(2));
            }
            Ok(located)
        })
    }

    async fn write_heard(&self, number: &NhsNumber, heard: &[Heard], now: jiff::Timestamp) -> Result<(), StoreDown> {
        let person = self.mint(number).await?;
        // One row a source, whatever was said last.
        let last = heard.iter().enumerate().filter(|(place, one)| !heard[place + 1..].iter().any(|later| later.source == one.source));
        let mut heard: Vec<&Heard> = last.map(|(_, one)| one).collect();
        heard.sort_unstable_by(|a, b| a.source.cmp(&b.source));
        let sources: Vec<&str> = heard.iter().map(|one| one.source.as_str()).collect();
        let holds: Vec<bool> = heard.iter().map(|one| one.holds).collect();
        let ids: Vec<String> = heard.iter().map(|one| one.local_ids.join("\n")).collect();
        let said: Vec<String> = heard.iter().map(|one| kinds::write(&one.categories)).collect();
        asked!(self, |client| {
            let statement = client.prepare_cached(sql::HEARD).await?;
            client.execute(&statement, &[&person.as_str(), &sources, &holds, &ids, &said, &micros(now)]).await?;
            Ok(())
        })
    }
}

#[async_trait]
impl Locator for PostgresStore {
    async fn located(&self, _admission: &Admission, number: &NhsNumber) -> Result<Vec<Located>, LocatorDown> {
        let down = |down: StoreDown| LocatorDown(down.0);
        let person = self.whose(sql::PERSON_OF_NUMBER, &self.secrets.pseudonyms(number)).await.map_err(down)?;
        match person {
            Some(person) => self.rows_of(&person).await.map_err(down),
            None => Ok(Vec::new()),
        }
    }

    async fn heard(&self, number: &NhsNumber, heard: Vec<Heard>, now: jiff::Timestamp) -> Result<(), LocatorDown> {
        self.write_heard(number, &heard, now).await.map_err(|down| LocatorDown(down.0))
    }
}

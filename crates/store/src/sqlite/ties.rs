//! What ties persons to organisations, in SQLite.

use access::{Tie, TieKind};
use async_trait::async_trait;
use exchange::{StoreDown, Ties};
use record::{PersonId, SourceId};
use rusqlite::{Row, params};

use super::people::{SqliteStore, parsed};

fn tie(row: &Row<'_>) -> rusqlite::Result<(SourceId, Tie)> {
    let at = |column| jiff::Timestamp::from_microsecond(row.get(column)?).map_err(|_| rusqlite::Error::InvalidQuery);
    let kind = TieKind::of(&row.get::<_, String>(1)?).ok_or(rusqlite::Error::InvalidQuery)?;
    Ok((parsed(row.get(0)?)?, Tie { kind, organisation: parsed(row.get(2)?)?, from: at(3)?, until: at(4)? }))
}

#[async_trait]
impl Ties for SqliteStore {
    async fn ties(&self, person: &PersonId) -> Result<Vec<(SourceId, Tie)>, StoreDown> {
        let person = person.as_str().to_owned();
        self.with(move |connection, _| {
            let sql =
                "SELECT source, kind, organisation, since, until FROM tie WHERE person = ? ORDER BY source, kind, organisation, since";
            connection.prepare_cached(sql)?.query_map([person], tie)?.collect()
        })
        .await
    }

    async fn keep_ties(&self, person: &PersonId, said: &[(SourceId, TieKind, Vec<Tie>)]) -> Result<(), StoreDown> {
        let (person, said) = (person.as_str().to_owned(), said.to_vec());
        self.with(move |connection, _| {
            let transaction = connection.transaction()?;
            {
                let mut forget = transaction.prepare_cached("DELETE FROM tie WHERE person = ? AND source = ? AND kind = ?")?;
                let sql = "INSERT OR IGNORE INTO tie (person, source, kind, organisation, since, until) VALUES (?, ?, ?, ?, ?, ?)";
                let mut insert = transaction.prepare_cached(sql)?;
                for (source, kind, ties) in &said {
                    let (source, kind) = (source.as_str(), kind.name());
                    forget.execute(params![person, source, kind])?;
                    for tie in ties {
                        let (from, until) = (tie.from.as_microsecond(), tie.until.as_microsecond());
                        insert.execute(params![person, source, kind, tie.organisation.as_str(), from, until])?;
                    }
                }
            }
            transaction.commit()
        })
        .await
    }
}

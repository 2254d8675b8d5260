//! What is asked while somebody waits, all in one place: a test looks at each, whether it names the key by which its table is
//! distributed.

macro_rules! hot {
    ($($(#[$doc:meta])* $name:ident = $sql:expr;)*) => {
        $($(#[$doc])* pub(super) const $name: &str = $sql;)*
        /// Every one, by its name.
        #[cfg(test)]
        const ALL: &[(&str, &str)] = &[$((stringify!($name), $name)),*];
    };
}

hot! {
    PERSON_OF_NUMBER = "SELECT person FROM number WHERE pseudonym = ANY($1) LIMIT 1";
    CUT_AMONG = "SELECT pseudonym FROM cut_number WHERE pseudonym = ANY($1)";
    CUT = "INSERT INTO cut_number (pseudonym, sealed) SELECT * FROM unnest($1::bytea[], $2::bytea[]) ON CONFLICT (pseudonym) DO NOTHING";
    NUMBER_OF_PERSON = "SELECT sealed FROM person WHERE person = $1";
    PURGES = "SELECT purges FROM person WHERE person = $1";
    MINT_NUMBER = "INSERT INTO number (pseudonym, person) SELECT *, $2::text FROM unnest($1::bytea[]) ON CONFLICT DO NOTHING";
    MINT_PERSON = "INSERT INTO person (person, sealed) VALUES ($1, $2)";
    KEEP_CLAIM = "INSERT INTO claimed (person, id, issuer, subject, organisation, client, emergency, reason, trace, since, until, entered, overrides) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) ON CONFLICT DO NOTHING";
    CLAIMS = "SELECT person, id, issuer, subject, organisation, client, emergency, reason, trace, since, until, overrides FROM claimed \
        WHERE person = $1 AND issuer = $2 AND subject = $3 AND until > $4 ORDER BY until";
    END_CLAIM = "UPDATE claimed SET until = $3 WHERE person = $1 AND id = $2 AND until > $3";
    LEASE_CLAIM = "UPDATE claimed SET leased = $4 WHERE person = $1 AND id = $2 AND NOT entered AND (leased IS NULL OR leased <= $3)";
    ENTER_CLAIM = "UPDATE claimed SET entered = true WHERE person = $1 AND id = $2";
    CONSENTS = "SELECT DISTINCT ON (id) id, version, at, body FROM consent WHERE person = $1 ORDER BY id, version DESC";
    CONSENT = "SELECT id, version, at, body FROM consent WHERE person = $1 AND id = $2 AND version = $3";
    KEEP_CONSENT = "INSERT INTO consent (person, id, version, at, body) SELECT $1::text, $2::text, $3::bigint, $4::timestamptz, $5::bytea \
        WHERE (SELECT coalesce(max(version), 0) FROM consent WHERE person = $1 AND id = $2) = $3 - 1 ON CONFLICT DO NOTHING";
    TIES = "SELECT source, kind, organisation, since, until FROM tie WHERE person = $1 ORDER BY source, kind, organisation, since";
    FORGET_TIES_OF_KIND = "DELETE FROM tie WHERE person = $1 AND source = $2 AND kind = $3";
    KEEP_TIES = "INSERT INTO tie (person, source, kind, organisation, since, until) \
        SELECT $1::text, $2::text, $3::text, * FROM unnest($4::text[], $5::timestamptz[], $6::timestamptz[]) ON CONFLICT DO NOTHING";
    KEEP_IDS = "INSERT INTO minted (person, kind, id, source, source_kind, source_id) \
        SELECT $1::text, * FROM unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::text[]) ON CONFLICT DO NOTHING";
    LEAD_IDS = "INSERT INTO minted_home (person, kind, id) SELECT $1::text, * FROM unnest($2::text[], $3::text[]) ON CONFLICT DO NOTHING";
    PERSONS_OF_ID = "SELECT person FROM minted_home WHERE id = $1 AND kind = $2";
    MINTED = "SELECT person, source, source_kind, source_id FROM minted WHERE person = ANY($1) AND kind = $2 AND id = $3";
    KEEP_PLAN = "INSERT INTO plan (person, request, issuer, subject, rows, until) VALUES ($1, $2, $3, $4, $5, $6) \
        ON CONFLICT (person, request, issuer, subject) DO UPDATE SET rows = excluded.rows, until = excluded.until";
    PLAN = "SELECT rows FROM plan WHERE person = $1 AND request = $2 AND issuer = $3 AND subject = $4 AND until > $5";
    LOCATED = "SELECT source, holds, local_ids, kinds::text, heard FROM located WHERE person = $1";
    ENTRIES_GIVEN = "SELECT source, local_id, seen FROM entry WHERE person = $1";
    /// What was heard of other types stays, unless the source does not know the person at all.
    HEARD = "INSERT INTO located (person, source, holds, local_ids, kinds, heard) \
        SELECT $1::text, source, holds, local_ids, kinds::jsonb, $6 \
        FROM unnest($2::text[], $3::bool[], $4::text[], $5::text[]) AS said (source, holds, local_ids, kinds) \
        ON CONFLICT (person, source) DO UPDATE SET holds = excluded.holds, local_ids = excluded.local_ids, heard = excluded.heard, \
        kinds = CASE WHEN excluded.holds THEN located.kinds || excluded.kinds ELSE excluded.kinds END";
    PERSON = "SELECT person, sealed, rest, restricted, investigated FROM person WHERE person = $1";
    ENTRIES = "SELECT person, source, local_id, provider, restricted, seen, said FROM entry WHERE person = $1 ORDER BY source, local_id";
    HOME = "SELECT person FROM home WHERE local_id = $1 AND source = $2";
    HOMES = "SELECT source, local_id, person FROM home WHERE local_id = ANY($1) AND source = ANY($2)";
    HISTORY = "SELECT at, author, deed, reason FROM event WHERE person = $1 ORDER BY sequence";
    APART = "SELECT other_source, other_local_id FROM apart WHERE person = $1 AND source = $2 AND local_id = $3 ORDER BY 1, 2";
    HOME_OF_TASK = "SELECT person FROM task_home WHERE id = $1";
    HOMES_OF_TASKS = "SELECT id, person FROM task_home WHERE id = ANY($1)";
    TASK = "SELECT id, person, source, local_id, other_source, other_local_id, doubt, raised, outcome, decided, author, why \
        FROM task WHERE person = $1 AND id = $2";
    SEALED = "SELECT person, sealed, rest FROM person WHERE person = ANY($1)";
    LET_GO = "DELETE FROM number WHERE pseudonym = ANY($1) AND person = ANY($2)";
    WRITE_PERSONS = "INSERT INTO person (person, sealed, rest, restricted, investigated, changed) \
        SELECT *, $6::bigint FROM unnest($1::text[], $2::bytea[], $3::bytea[], $4::bool[], $5::bool[]) \
        ON CONFLICT (person) DO UPDATE SET sealed = excluded.sealed, rest = excluded.rest, \
        restricted = excluded.restricted, investigated = excluded.investigated, changed = excluded.changed";
    TAKEN = "SELECT person FROM number WHERE pseudonym = ANY($1)";
    /// Whose own part was written has it already.
    MARK = "UPDATE person SET changed = $2 WHERE person = ANY($1) AND changed <> $2";
    LEAD_NUMBERS = "INSERT INTO number (pseudonym, person) SELECT * FROM unnest($1::bytea[], $2::text[]) \
        ON CONFLICT (pseudonym) DO UPDATE SET person = excluded.person";
    MAKE_PERSONS = "INSERT INTO person (person, changed) SELECT *, $2::bigint FROM unnest($1::text[]) ON CONFLICT DO NOTHING";
    DROP_ENTRY = "DELETE FROM entry WHERE person = $1 AND source = $2 AND local_id = $3";
    WRITE_ENTRIES = "INSERT INTO entry (person, source, local_id, provider, restricted, seen, said) \
        SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::bool[], $6::timestamptz[], $7::bytea[]) \
        ON CONFLICT (person, source, local_id) DO UPDATE SET provider = excluded.provider, restricted = excluded.restricted, \
        seen = excluded.seen, said = excluded.said";
    LEAD_ENTRIES = "INSERT INTO home (person, source, local_id) SELECT * FROM unnest($1::text[], $2::text[], $3::text[]) \
        ON CONFLICT (local_id, source) DO UPDATE SET person = excluded.person";
    DROP_APARTS = "DELETE FROM apart WHERE person = $1 AND source = $2 AND local_id = $3 RETURNING other_source, other_local_id";
    SET_APART = "INSERT INTO apart (person, source, local_id, other_source, other_local_id) VALUES ($1, $2, $3, $4, $5) \
        ON CONFLICT DO NOTHING";
    SET_TOGETHER = "DELETE FROM apart WHERE person = $1 AND source = $2 AND local_id = $3 AND other_source = $4 AND other_local_id = $5";
    DROP_TASK = "DELETE FROM task WHERE person = $1 AND id = $2";
    WRITE_TASK = "INSERT INTO task \
        (person, id, source, local_id, other_source, other_local_id, doubt, raised, outcome, decided, author, why) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) \
        ON CONFLICT (person, id) DO UPDATE SET source = excluded.source, local_id = excluded.local_id, \
        other_source = excluded.other_source, other_local_id = excluded.other_local_id, doubt = excluded.doubt, \
        raised = excluded.raised, outcome = excluded.outcome, decided = excluded.decided, author = excluded.author, why = excluded.why";
    LEAD_TASKS = "INSERT INTO task_home (id, person) SELECT * FROM unnest($1::text[], $2::text[]) \
        ON CONFLICT (id) DO UPDATE SET person = excluded.person";
    ADD_EVENTS = "INSERT INTO event (person, at, author, deed, reason) \
        SELECT * FROM unnest($1::text[], $2::timestamptz[], $3::text[], $4::text[], $5::text[])";
    FORGET_NUMBER = "DELETE FROM number WHERE pseudonym = ANY($1) AND person = $2";
    FORGET_LOCATED = "DELETE FROM located WHERE person = $1";
    FORGET_LOCATED_THERE = "DELETE FROM located WHERE person = $1 AND source = $2";
    FORGET_TIES = "DELETE FROM tie WHERE person = $1";
    FORGET_TIES_THERE = "DELETE FROM tie WHERE person = $1 AND source = $2";
    FORGET_CLAIMS = "DELETE FROM claimed WHERE person = $1 AND entered";
    END_EMERGENCIES = "UPDATE claimed SET until = since WHERE person = $1 AND NOT entered";
    FORGET_IDS = "DELETE FROM minted WHERE person = $1 RETURNING kind, id";
    FORGET_IDS_THERE = "DELETE FROM minted WHERE person = $1 AND source = $2 RETURNING kind, id";
    FORGET_HOMES_OF_IDS = "DELETE FROM minted_home WHERE id = ANY($1) AND person = $2";
    FORGET_PLANS = "DELETE FROM plan WHERE person = $1";
    COUNT_PURGE = "UPDATE person SET purges = purges + 1 WHERE person = $1";
    WRITE_SEALED = "UPDATE person SET sealed = $2, rest = $3, purges = purges + 1 WHERE person = $1";
    ENTER = "INSERT INTO entered (name, at, trace, patient) SELECT * FROM unnest($1::text[], $2::timestamptz[], $3::text[], $4::text[]) \
        ON CONFLICT DO NOTHING";
    ENTERED = "SELECT DISTINCT at, trace FROM entered WHERE name = $1 AND at >= $2 AND at < $3 AND (at, trace) <= ($4, $5) \
        ORDER BY at DESC, trace DESC LIMIT $6";
    ENTERED_PEOPLE = "SELECT count(DISTINCT patient) FROM entered WHERE name = $1 AND at >= $2 AND patient <> ''";
    PERSON_KEY = "SELECT sealed FROM person_key WHERE person = $1";
    MAKE_PERSON_KEY = "INSERT INTO person_key (person, sealed, shown) SELECT $1::text, $2::bytea, $3::timestamptz \
        WHERE EXISTS (SELECT FROM person WHERE person = $1::text) ON CONFLICT (person) DO NOTHING";
    SHOWN = "UPDATE person_key SET shown = $2 WHERE person = $1 AND shown < $3";
    EVIDENCE_AMONG = "SELECT address FROM evidence WHERE person = $1 AND address = ANY($2)";
    EVIDENCE_OF = "SELECT address, sealed FROM evidence WHERE person = $1 AND address = ANY($2)";
    KEEP_EVIDENCE = "INSERT INTO evidence (person, address, sealed) SELECT $1::text, * FROM unnest($2::bytea[], $3::bytea[]) \
        ON CONFLICT (person, address) DO NOTHING";
    ADD_STEP = "INSERT INTO vault_step (person, id, number, at, held, body) \
        SELECT $1::text, $2::text, $3::bigint, $4::timestamptz, $5::boolean, $6::bytea \
        WHERE (SELECT coalesce(max(number), 0) FROM vault_step WHERE person = $1::text AND id = $2::text) = $3::bigint - 1 \
        ON CONFLICT (person, id, number) DO NOTHING";
    STEP = "SELECT person, id, number, at, held, body FROM vault_step WHERE person = $1 AND id = $2 AND number = $3";
    NAMED = "SELECT DISTINCT trace FROM entered WHERE name = $1 AND at >= $2";
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::postgres::distribute::TABLES;

    /// The table that a statement is about.
    fn table(sql: &str) -> &str {
        let words: Vec<&str> = sql.split_whitespace().collect();
        let place = match words[0] {
            "SELECT" => words.iter().position(|word| *word == "FROM").unwrap() + 1,
            "INSERT" | "DELETE" => 2,
            "UPDATE" => 1,
            other => panic!("{other}"),
        };
        words[place]
    }

    #[test]
    fn whatever_is_asked_while_somebody_waits_names_the_distribution_key() {
        for (name, sql) in ALL {
            let own = TABLES.iter().find(|(known, _)| *known == table(sql));
            let (_, key) = own.unwrap_or_else(|| panic!("{name}: {} is not distributed", table(sql)));
            let named = match sql.starts_with("INSERT") {
                true => sql.split_once('(').unwrap().1.split_once(')').unwrap().0.split(", ").any(|column| column == *key),
                false => {
                    let filter = sql.split_once(" WHERE ").map(|(_, filter)| filter).unwrap_or_default();
                    filter.split(" AND ").any(|part| part.starts_with(&format!("{key} = $")) || part.starts_with(&format!("{key} = ANY($")))
                }
            };
            assert!(named, "{name} does not name {key}: {sql}");
        }
        assert!(ALL.len() > 40);
    }
}

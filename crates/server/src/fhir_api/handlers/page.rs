//! A further page of an answer.

use audit::Audited;
use axum::http::StatusCode;

use super::super::snapshots::Cursor;
use super::super::{App, Asked, Fault, Written};
use super::fault;
use crate::answer::page;

impl App {
    pub(in super::super) async fn page(&self, asked: Asked) -> Result<Audited<Written>, Fault> {
        let Some(text) = asked.params.one("_page")? else {
            return Err(Fault::NotSupported(
                "Searching over all types at once is not supported; search a type, or use Patient/{id}/$everything.".into(),
            ));
        };
        let cursor = Cursor::decode(text)
            .ok_or_else(|| Fault::parameter("_page", "is not a cursor of this server; follow the link `next` verbatim"))?;
        let (kept, pieces) = self.snapshots.open(&asked.user(), &cursor).ok_or(Fault::Gone)?;
        let person = kept.person.parse().map_err(|_| Fault::Gone)?;
        // Permission may have ended since the first page.
        let until = |text: &Option<String>| text.as_deref().map(str::parse).transpose().map_err(|_| Fault::Gone);
        let claimed = exchange::Claimed { emergency: until(&kept.emergency)?, overridden: until(&kept.overridden)? };
        let made = kept.head.timestamp.parse().map_err(|_| Fault::Gone)?;
        let shown = kept.marks.shown(&pieces, cursor.from, cursor.count);
        let leave = self
            .exchange
            .page(&asked.request, &asked.caller, &person, &kept.head.id, (cursor.from, shown), (made, &kept.rules, claimed))
            .await
            .map_err(fault)?;
        let leave = leave.ok_or(Fault::Gone)?;
        let (json, _) = page(&kept.head, &pieces, cursor.from, cursor.count, |from| {
            self.page_url(asked.face, &cursor.at(from, cursor.count), kept.xml)
        });
        Ok(leave.map(|()| Written { status: StatusCode::OK, json, referrals: kept.referrals, emergency: claimed.emergency }))
    }
}

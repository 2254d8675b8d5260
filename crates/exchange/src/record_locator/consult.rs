//! Asking who else holds a shared record of a person: the route from shared record to shared record.
//!
//! It is asked beside the sources, not before them. Whom the index names is asked at once and waits for nobody; only a source that
//! would not be asked waits for the locator's word, since only for that one it changes anything. So a read costs no more than the
//! locator's own budget, and nothing where the sources take longer.

use access::Permit;
use national::Failed;
use record::{Ask, Failure, NhsNumber, OdsCode, Status};
use tokio::time::Instant;

use super::{Elsewhere, RecordLocator, send};
use crate::gather::status_of;
use crate::parts::Parts;

/// Asks, where that is wished and somebody asks. Its failure is a word to the reader and takes nothing from the record.
pub(crate) async fn consult(parts: &Parts, permit: &Permit, ask: &Ask, number: NhsNumber, until: Instant) -> Elsewhere {
    let Some(locator) = &parts.record_locator else { return Elsewhere::NotAsked };
    let Some(budget) = locator.settings.consult.filter(|_| ask.hops.is_empty()) else { return Elsewhere::NotAsked };
    // Who else holds a record of them is where they are.
    if permit.hides_place() {
        return Elsewhere::NotAsked;
    }
    if !permit.caller().human {
        return Elsewhere::NoEndUser;
    }
    match locator.look(permit, number, until.min(Instant::now() + budget)).await {
        Ok(custodians) => Elsewhere::Told(custodians),
        Err(status) => {
            tracing::warn!(request = %permit.trace(), status = status.code(), "the national record locator did not say who else holds a record");
            Elsewhere::Silent(status)
        }
    }
}

impl RecordLocator {
    async fn look(&self, permit: &Permit, number: NhsNumber, until: Instant) -> Result<Vec<OdsCode>, Status> {
        let asking = async {
            let errand = self.way.errand(permit, until).await.map_err(failed)?;
            let (looking, call) = self.settings.locator.look(number);
            let response = send(&self.way, &errand, call).await.map_err(failed)?;
            let pointers = looking.read(Some((response.status, &response.body))).map_err(status_of_refusal)?;
            let mut custodians: Vec<OdsCode> = pointers.into_iter().map(|pointer| pointer.custodian).collect();
            custodians.dedup();
            Ok(custodians)
        };
        tokio::time::timeout_at(until, asking).await.unwrap_or(Err(Status::FailedTimeout))
    }
}

/// Of a list that was cut off nothing is told: it is as good as none.
fn failed(failure: Failure) -> Status {
    match failure {
        Failure::TooLarge => Status::FailedParse,
        other => status_of(other),
    }
}

fn status_of_refusal(refusal: Failed) -> Status {
    match refusal {
        Failed::Refused(401 | 403) => Status::FailedAuth,
        Failed::Refused(429) => Status::Throttled,
        Failed::Refused(_) => Status::FailedHttp,
        Failed::Silent => Status::FailedTimeout,
        Failed::Unreadable => Status::FailedParse,
    }
}

//! What the service says, done to the person index: it is so for every later read, and for every search.

use national::demographics::{Death, Label, Person};
use people::registrar::{Done, NotDone};
use people::{Author, Registrar};
use record::{NhsNumber, RequestId};

use crate::{Refused, Registration};

const REASON: &str = "the national demographics service says so";

/// Who does it, who sees to what it leaves, and the request that the service was asked for.
type Hands<'a> = (&'a Registrar, &'a Registration, &'a RequestId);

/// What it says of a number that is somebody's: which one replaced it, whether their place is hidden, whether they died. Returns the
/// numbers that were replaced by the one that stands.
pub(super) async fn person((registrar, behind, request): Hands<'_>, asked: NhsNumber, who: &Person) -> Result<Vec<NhsNumber>, Refused> {
    let replaced = asked != who.number;
    if replaced {
        done((behind, request), "replaced a number", registrar.supersede(&asked, &who.number).await)?;
    }
    let mut former: Vec<NhsNumber> = replaced.then_some(asked).into_iter().collect();
    let Some(id) = registrar.person_of(&who.number).await? else { return Ok(former) };
    let Some(known) = registrar.register().person(&id).await? else { return Ok(former) };
    former.extend(known.superseded.iter().copied().filter(|one| *one != who.number));
    former.sort_unstable();
    former.dedup();
    // A source's own mark stands beside the service's label: the stricter holds.
    let restricted = who.label == Label::Restricted || known.entries.iter().any(|entry| entry.restricted);
    if restricted != known.restricted {
        done((behind, request), "labelled them", registrar.restrict(&id, restricted, &Author::National, REASON).await)?;
    }
    if let Some(Death::At(when)) = &who.deceased
        && known.died.as_ref() != Some(when)
    {
        done((behind, request), "told of a death", registrar.died(&id, when).await)?;
    }
    Ok(former)
}

/// A number that is nobody's any more: nothing here leads from it to anybody, nor what was read of them by it.
pub(super) async fn cut((registrar, behind, request): Hands<'_>, number: NhsNumber) -> Result<(), Refused> {
    done((behind, request), "invalidated a number", registrar.cut(&number).await)
}

/// The service's word stands whether or not the index could follow; only a register that does not answer keeps a read from going on.
fn done((behind, request): (&Registration, &RequestId), what: &'static str, outcome: Result<Done, NotDone>) -> Result<(), Refused> {
    match outcome {
        Ok(done) => {
            behind.did(request, what, done);
            Ok(())
        }
        Err(NotDone::Down(down)) => Err(down.into()),
        Err(why) => {
            tracing::warn!(%why, "what the national demographics service says could not be done to the person index");
            Ok(())
        }
    }
}

impl From<people::RegisterDown> for Refused {
    fn from(down: people::RegisterDown) -> Refused {
        Refused::Unavailable(down.0)
    }
}

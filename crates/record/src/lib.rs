//! The nouns of Severn: what flows from a question to a record. Knows nothing of how anything is done.
//!
//! | word | meaning |
//! |---|---|
//! | *ask* | one question about one person, with who asks and why |
//! | *caller* | who asks: a person in a role at an organisation, or a system |
//! | *source* | a system that is asked |
//! | *holder* | a source together with the ids by which it knows the person |
//! | *call*, *reply* | one HTTP exchange with a source, as values |
//! | *chart* | what one source said about the person, in R4, with findings beside it |
//! | *item* | one resource of a chart |
//! | *finding* | something odd or lossy in a source's data |
//! | *plan*, *row* | which source was asked for which type, and how that went |
//! | *cluster* | items that say the same |
//! | *conflict* | items that speak of the same and contradict |
//! | *record* | the joined whole: items, clusters, conflicts, plan |
//! | *demographics* | what is said of who somebody is |
//! | *entry* | a line of the ledger |

mod ask;
mod birth_date;
mod call;
mod carried;
mod chart;
mod clock;
mod demographics;
mod finding;
mod ids;
mod nhs_number;
mod plan;
mod shared;

pub use ask::{Ask, Caller, Filter, Include, Join, Need, Organisation, Question, Sought, UserId};
pub use birth_date::{BirthDate, MalformedBirthDate};
pub use call::{Call, CallId, Failure, Method, Reply, Response};
pub use carried::{CARRIED, SUPPORTING};
pub use chart::{Cause, Chart, Holder, Item, Origin, Original, Quarantined, Traits};
pub use clock::Clock;
pub use demographics::{Address, ClaimedNumber, Demographics, Name, NameUse, NumberStatus, Sex};
pub use finding::{Finding, FindingCode};
pub use ids::{ExchangeId, MalformedId, OdsCode, PersonId, RequestId, SourceId};
pub use nhs_number::{MalformedNhsNumber, NhsNumber};
pub use plan::{Counts, Plan, Row, Status};
pub use shared::{AllergyState, Cluster, Conflict, Fate, Hint, SharedRecord, Tier};

/// The system URI of NHS numbers.
pub const NHS_NUMBER_SYSTEM: &str = "https://fhir.nhs.uk/Id/nhs-number";
/// The system URI of organisation codes.
pub const ODS_SYSTEM: &str = "https://fhir.nhs.uk/Id/ods-organization-code";

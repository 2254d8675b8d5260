//! Persons and their numbers as a demonstration may know them.

use std::sync::Arc;

use async_trait::async_trait;
use record::{NhsNumber, PersonId};

use crate::{People, StoreDown};

/// A pane before the persons of a store: whoever has a number that might be somebody's is not there, whoever made them and when.
pub(crate) struct MadeUp(pub(crate) Arc<dyn People>);

#[async_trait]
impl People for MadeUp {
    async fn person_of(&self, number: &NhsNumber) -> Result<PersonId, StoreDown> {
        if !number.is_synthetic() {
            return Err(StoreDown("it is a demonstration's, and makes nobody of a number that might be somebody's".to_owned()));
        }
        self.0.person_of(number).await
    }

    async fn known(&self, number: &NhsNumber) -> Result<Option<PersonId>, StoreDown> {
        if number.is_synthetic() { self.0.known(number).await } else { Ok(None) }
    }

    async fn ready(&self) -> Result<(), StoreDown> {
        self.0.ready().await
    }

    async fn number_of(&self, person: &PersonId) -> Result<Option<NhsNumber>, StoreDown> {
        Ok(self.0.number_of(person).await?.filter(NhsNumber::is_synthetic))
    }
}

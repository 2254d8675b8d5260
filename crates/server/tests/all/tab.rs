//! Somebody at the pages: a session in place of a token.

use record::RequestId;
use server::viewer::Begun;

use crate::signer::form;
use crate::world::{Answer, World};

const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

/// A browser in which somebody is signed in.
pub struct Tab<'a> {
    pub world: &'a World,
    pub cookie: String,
    pub csrf: String,
}

impl World {
    /// Signs somebody in by a token, as a sign-in and a launch do; none where the token opens nothing.
    pub async fn tab(&self, token: &str) -> Option<Tab<'_>> {
        let id: RequestId = uuid::Uuid::new_v4().to_string().parse().unwrap();
        let Begun { cookie, csrf, .. } = self.app.begin_session(token, &id).await.ok()?;
        Some(Tab { world: self, cookie: cookie.split(';').next().unwrap().to_owned(), csrf })
    }
}

impl Tab<'_> {
    pub async fn get(&self, path: &str) -> Answer {
        self.world.send("GET", path, None, &[("cookie", &self.cookie)], "").await
    }

    /// Sends a form with what goes with this session.
    pub async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let fields: Vec<(&str, &str)> = fields.iter().copied().chain([("csrf", self.csrf.as_str())]).collect();
        self.post_bare(path, &fields).await
    }

    /// Sends a form as it is.
    pub async fn post_bare(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        self.world.send("POST", path, None, &[("cookie", &self.cookie), FORM], &form(fields)).await
    }

    pub async fn find(&self, number: &str) -> Answer {
        self.post("/viewer/find", &[("number", number)]).await
    }

    pub async fn read(&self, person: &str) -> Answer {
        self.get(&format!("/viewer/patient/{person}")).await
    }

    /// Claims in words that are taken.
    pub async fn claim(&self, person: &str, kind: &str, reason: &str) -> Answer {
        let fields = [("kind", kind), ("reason", reason), ("text", "Admitted to my ward this morning")];
        self.post(&format!("/viewer/patient/{person}/access"), &fields).await
    }
}

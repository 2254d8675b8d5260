//! Pages of an answer, and the opaque links between them.

use super::{Habits, Maker, PageLinks, millennium};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// A question, and how far its answer has been read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// Path below the base, such as `Observation` or `Patient/1/$everything`.
    pub(super) path: String,
    /// Parameters.
    pub(super) params: Vec<(String, String)>,
    /// Entries that went before.
    pub(super) offset: usize,
}

impl Place {
    /// From a path and its query: a fresh question, or the continuation that a token stands for.
    pub(super) fn read(path: &str, params: Vec<(String, String)>) -> Option<Self> {
        let token =
            |(name, value): &(String, String)| matches!(name.as_str(), "_getpages" | "pageContext" | "queryId").then(|| value.clone());
        match params.iter().find_map(token) {
            None => Some(Place { path: path.to_owned(), params, offset: 0 }),
            Some(token) => Self::from_token(&token),
        }
    }

    /// The first value of a parameter.
    pub(super) fn param(&self, name: &str) -> Option<&str> {
        self.params.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    /// How many entries this page may have.
    pub(super) fn size(&self, habits: &Habits) -> usize {
        let (usual, most) = match habits.maker {
            Maker::Millennium => millennium::page(&self.path),
            _ => habits.page,
        };
        let asked = self.param("_count").and_then(|count| count.parse().ok());
        let size = asked.unwrap_or(usual).clamp(1, most);
        // A short page is not the last page.
        match habits.links {
            PageLinks::Context if self.offset > 0 => (size * 2 / 3).max(1),
            _ => size,
        }
    }

    /// The address of the page that begins at an offset.
    pub(super) fn link(&self, habits: &Habits, base: &str, offset: usize) -> String {
        let token = self.token(offset);
        match habits.links {
            PageLinks::Context => {
                format!("{base}/{}?pageContext={token}&direction=NEXT", self.path)
            }
            PageLinks::GetPages => {
                let size = self.size(habits);
                format!("{base}?_getpages={token}&_getpagesoffset={offset}&_count={size}&_bundletype=searchset")
            }
            PageLinks::QueryId => {
                let page = offset / self.size(habits) + 1;
                format!("{base}/{}?queryId={token}&page={page}", self.path)
            }
        }
    }

    /// The address of this page itself, as it was asked for first.
    pub(super) fn address(&self, base: &str) -> String {
        format!("{base}/{}", self.spelled())
    }

    /// The question, as it stands below the base.
    pub(super) fn spelled(&self) -> String {
        if self.params.is_empty() {
            return self.path.clone();
        }
        let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(&self.params).finish();
        format!("{}?{query}", self.path)
    }

    fn token(&self, offset: usize) -> String {
        URL_SAFE_NO_PAD.encode(format!("{offset} {}", self.spelled()))
    }

    fn from_token(token: &str) -> Option<Self> {
        let spelled = String::from_utf8(URL_SAFE_NO_PAD.decode(token).ok()?).ok()?;
        let (offset, spelled) = spelled.split_once(' ')?;
        let (path, query) = spelled.split_once('?').unwrap_or((spelled, ""));
        Some(Place { path: path.to_owned(), params: params(query), offset: offset.parse().ok()? })
    }
}

/// The parameters of a query string.
pub(super) fn params(query: &str) -> Vec<(String, String)> {
    url::form_urlencoded::parse(query.as_bytes()).into_owned().collect()
}

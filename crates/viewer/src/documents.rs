//! A document in its place: what it is, and its content as far as a page can hold it.
//!
//! Text is text, and HTML is cleaned to what says something: no script, style, picture, form, frame, address or name is left of it. All
//! else is handed on as a file, by the same read.

use std::collections::HashSet;

use data_encoding::BASE64;
use exchange::{Joined, Names};
use fhir::Kind;
use record::Status;

use crate::item::{Line, text};
use crate::record::Laid;

/// A document.
#[derive(Debug, Clone)]
pub struct Document {
    /// The id of its content.
    pub id: String,
    /// The entry that leads to it.
    pub line: Line,
    /// Its content.
    pub content: Content,
}

/// What is in it.
#[derive(Debug, Clone)]
pub enum Content {
    /// Plain text.
    Text(String),
    /// HTML, cleaned.
    Html(String),
    /// A file: its bytes, its type as it may be told to a browser, and the end of its name.
    File(Vec<u8>, &'static str, &'static str),
    /// It could not be had: why, in words.
    Away(String),
}

/// Types that are handed on as what they are: a browser shows or keeps them, and runs none.
const FILES: [(&str, &str); 8] = [
    ("application/pdf", "pdf"),
    ("application/rtf", "rtf"),
    ("text/rtf", "rtf"),
    ("application/msword", "doc"),
    ("application/vnd.openxmlformats-officedocument.wordprocessingml.document", "docx"),
    ("image/jpeg", "jpg"),
    ("image/png", "png"),
    ("image/tiff", "tiff"),
];

impl Document {
    /// Of a read that fetched it; none where nothing that is shown leads to it.
    pub fn of(joined: &Joined, names: &dyn Names, id: &str) -> Option<Document> {
        let laid = Laid::of(joined, names);
        let items = &joined.record.items;
        let leads = |(at, _): &&(usize, Line)| access::leads_to(items[*at].tree.root(), Kind::BINARY).contains(id);
        let (at, line) = laid.lines.iter().find(leads)?;
        let binary = items.iter().find(|item| item.kind == Kind::BINARY && item.id == id);
        let content = match binary {
            Some(binary) => content(binary.tree.root()),
            None => {
                let source = &items[*at].origin.source;
                let row = joined.record.plan.rows.iter().find(|row| row.source == *source && row.kind == Kind::BINARY);
                let status = row.and_then(|row| row.status).unwrap_or(Status::FailedInternal);
                Content::Away(format!("{}: {}", line.source, status.words()))
            }
        };
        Some(Document { id: id.to_owned(), line: line.clone(), content })
    }

    /// Whether it could not be had.
    pub fn is_away(&self) -> bool {
        matches!(self.content, Content::Away(_))
    }

    pub(crate) fn is_pdf(&self) -> bool {
        matches!(self.content, Content::File(_, "application/pdf", _))
    }
}

fn content(binary: fhir::Ref<'_>) -> Content {
    let said = text(binary, "contentType").unwrap_or_default().to_lowercase();
    let kind = said.split(';').next().unwrap_or_default().trim();
    let data: String = text(binary, "data").unwrap_or_default().split_whitespace().collect();
    let Ok(bytes) = BASE64.decode(data.as_bytes()) else {
        return Content::Away("What came is not as FHIR writes a file".to_owned());
    };
    match kind {
        "text/plain" | "text/html" | "application/xhtml+xml" => match (String::from_utf8(bytes), kind) {
            (Ok(text), "text/plain") => Content::Text(text),
            (Ok(text), _) => Content::Html(cleaned(&text)),
            // In letters of another kind: wrong ones would be worse than none.
            (Err(bytes), _) => Content::File(bytes.into_bytes(), "application/octet-stream", "bin"),
        },
        kind => {
            let (kind, end) = FILES.into_iter().find(|(own, _)| *own == kind).unwrap_or(("application/octet-stream", "bin"));
            Content::File(bytes, kind, end)
        }
    }
}

/// What of HTML says something.
fn cleaned(html: &str) -> String {
    const TAGS: [&str; 38] = [
        "abbr",
        "address",
        "b",
        "blockquote",
        "br",
        "caption",
        "code",
        "dd",
        "div",
        "dl",
        "dt",
        "em",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "hr",
        "i",
        "li",
        "ol",
        "p",
        "pre",
        "s",
        "section",
        "span",
        "strong",
        "sub",
        "sup",
        "table",
        "tbody",
        "td",
        "tfoot",
        "th",
        "thead",
        "tr",
        "u",
    ];
    let mut cleaner = ammonia::Builder::empty();
    cleaner.tags(TAGS.into_iter().chain(["ul"]).collect());
    cleaner.tag_attributes([("td", HashSet::from(["colspan", "rowspan"])), ("th", HashSet::from(["colspan", "rowspan"]))].into());
    // Their content is no text of the document.
    cleaner.clean_content_tags(HashSet::from(["script", "style", "title", "head"]));
    cleaner.clean(html).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_html_only_what_says_something_is_left() {
        for (html, left) in [
            ("<p onclick=alert(1) class=a id=main style='color:red'>Dear <b>Dr</b></p>", "<p>Dear <b>Dr</b></p>"),
            ("<script>alert(1)</script><style>*{display:none}</style>a", "a"),
            ("<img src=https://a.example/x onerror=alert(1)>a<a href='javascript:alert(1)'>b</a>", "ab"),
            ("<form action=/viewer/sign-out><input name=csrf><button>c</button></form>", "c"),
            ("<iframe src=//a.example></iframe><object data=x></object><svg onload=alert(1)><text>a picture</text></svg>d", "d"),
            (
                "<table><tr><td colspan=2 onmouseover=x>e</td></tr></table>",
                "<table><tbody><tr><td colspan=\"2\">e</td></tr></tbody></table>",
            ),
            ("<p>unclosed</div></main></body></html><h1>f", "<p>unclosed</p><h1>f</h1>"),
        ] {
            assert_eq!(cleaned(html), left, "{html}");
        }
    }
}

//! Narratives: what a page may show of the XHTML a source sent.
//!
//! FHIR allows a small part of XHTML. Here it is smaller still: nothing that runs, and nothing that is fetched from
//! elsewhere when the page is opened, so a link keeps its words and loses its address.

use quick_xml::escape::{escape, resolve_html5_entity, resolve_xml_entity, unescape_with};
use quick_xml::events::{BytesStart, Event};
use quick_xml::reader::Reader;

const XHTML: &str = "http://www.w3.org/1999/xhtml";

/// Elements that stay. In order: searched by halves.
#[rustfmt::skip]
const ELEMENTS: &[&str] = &[
    "a", "abbr", "acronym", "address", "b", "bdo", "big", "blockquote", "br", "caption", "cite", "code", "col", "colgroup", "dd",
    "dfn", "div", "dl", "dt", "em", "font", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "i", "img", "kbd", "li", "ol", "p", "pre",
    "q", "s", "samp", "small", "span", "strike", "strong", "sub", "sup", "table", "tbody", "td", "tfoot", "th", "thead", "tr",
    "tt", "u", "ul", "var",
];

/// Elements that go with all that is in them; others go and leave their text.
const SWALLOWED: &[&str] =
    &["applet", "audio", "embed", "head", "iframe", "math", "noscript", "object", "script", "style", "svg", "template", "title", "video"];

/// Attributes that stay wherever they are. In order: searched by halves.
#[rustfmt::skip]
const ATTRIBUTES: &[&str] = &[
    "abbr", "align", "alt", "axis", "bgcolor", "border", "cellpadding", "cellspacing", "char", "charoff", "class", "clear",
    "color", "cols", "colspan", "compact", "dir", "face", "frame", "headers", "height", "id", "lang", "name", "noshade", "nowrap",
    "rowspan", "rules", "scope", "size", "span", "start", "summary", "title", "type", "valign", "value", "vspace", "width",
    "xml:lang",
];

/// What a `style` may not say: fetch, run, or lay itself over the page.
const STYLES: &[&str] = &["url", "expression", "javascript", "position", "behavior", "binding", "import", "@", "\\", "/*", "<"];

/// What became of a narrative.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Narrative {
    /// Not well-formed XHTML: the whole is shown as plain text.
    Broken(String),
    /// Something was taken out or respelt.
    Cleaned(String),
    /// Nothing to do.
    Fine,
}

/// Reads the `div` of a narrative.
pub(crate) fn clean(div: &str) -> Narrative {
    if is_plain(div, Form::Text) { Narrative::Fine } else { cleaned(div) }
}

/// How a narrative is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// As the inside of a JSON string.
    Json,
    /// As it is.
    Text,
}

impl Form {
    /// The start tag of most narratives.
    fn start(self) -> &'static [u8] {
        match self {
            Form::Json => b"<div xmlns=\\\"http://www.w3.org/1999/xhtml\\\">",
            Form::Text => b"<div xmlns=\"http://www.w3.org/1999/xhtml\">",
        }
    }

    fn quote(self) -> &'static [u8] {
        match self {
            Form::Json => b"\\\"",
            Form::Text => b"\"",
        }
    }
}

/// Elements inside one another that a glance follows.
const OPEN_MAX: usize = 16;

/// Whether a glance at a `div` shows that nothing is to be done: known elements with one
/// harmless attribute at most, closed in turn, and text without references. Most narratives are so; of all others [`cleaned`] decides.
pub(crate) fn is_plain(div: &str, form: Form) -> bool {
    let Some(mut rest) = div.as_bytes().strip_prefix(form.start()) else { return false };
    let mut open = [0; OPEN_MAX];
    open[0] = word(b"div");
    let mut depth = 1;
    while let Some(tag) = plain_text(rest, form) {
        let closes = tag.first() == Some(&b'/');
        let tag = &tag[usize::from(closes)..];
        let length = tag.iter().take_while(|byte| byte.is_ascii_alphanumeric()).count();
        let name = word(&tag[..length]);
        let (attribute, after) = match &tag[length..] {
            [b'>', after @ ..] => (None, after),
            with => {
                let Some(end) = with.iter().position(|byte| *byte == b'>') else { return false };
                (Some(&with[..end]), &with[end + 1..])
            }
        };
        rest = after;
        if closes {
            depth -= 1;
            if open[depth] != name || attribute.is_some() {
                return false;
            }
            if depth == 0 {
                return rest.is_empty();
            }
            continue;
        }
        let attribute = attribute.unwrap_or_default();
        let (attribute, empty) = attribute.strip_suffix(b"/").map_or((attribute, false), |attribute| (attribute, true));
        let harmless = attribute.is_empty() || attribute.strip_prefix(b" ").is_some_and(|attribute| is_harmless(attribute, form));
        if !is_element(name) || !harmless {
            return false;
        }
        if !empty {
            if depth == OPEN_MAX {
                return false;
            }
            open[depth] = name;
            depth += 1;
        }
    }
    false
}

/// A name of up to eight letters as one number, to compare at once; nothing for a longer one.
const fn word(name: &[u8]) -> u64 {
    let (mut word, mut at) = (0, 0);
    while at < name.len() && name.len() <= 8 {
        word = word << 8 | name[at] as u64;
        at += 1;
    }
    word
}

/// Elements that stay, as words in order; those whose names are longer are not known at a glance.
const WORDS: [u64; ELEMENTS.len()] = {
    let mut words = [0; ELEMENTS.len()];
    let mut count = 0;
    while count < ELEMENTS.len() {
        let one = word(ELEMENTS[count].as_bytes());
        let mut at = count;
        while at > 0 && words[at - 1] > one {
            words[at] = words[at - 1];
            at -= 1;
        }
        words[at] = one;
        count += 1;
    }
    words
};

/// What follows the next `<`, if nothing before it needs a closer look. Of JSON's escapes only those of quotes and line ends
/// are passed over.
fn plain_text(text: &[u8], form: Form) -> Option<&[u8]> {
    let mut at = 0;
    loop {
        at += text.get(at..)?.iter().position(|byte| SPECIAL[usize::from(*byte)])?;
        match text.get(at)? {
            b'<' => return Some(&text[at + 1..]),
            b'\\' if form == Form::Json => match text.get(at + 1)? {
                b'"' | b'n' => at += 2,
                _ => return None,
            },
            b'&' | b'>' => return None,
            byte if *byte < b' ' && *byte != b'\n' => return None,
            _ => at += 1,
        }
    }
}

/// Bytes that need a look: markup, references, escapes, control characters.
const SPECIAL: [bool; 256] = {
    let mut special = [false; 256];
    let mut byte = 0;
    while byte < b' ' as usize {
        special[byte] = true;
        byte += 1;
    }
    (special[b'<' as usize], special[b'>' as usize], special[b'&' as usize], special[b'\\' as usize]) = (true, true, true, true);
    special
};

fn is_element(name: u64) -> bool {
    name != 0 && WORDS.binary_search(&name).is_ok()
}

fn is_harmless(attribute: &[u8], form: Form) -> bool {
    let Some(end) = attribute.iter().position(|byte| *byte == b'=') else { return false };
    let (name, value) = (&attribute[..end], &attribute[end + 1..]);
    let value = value.strip_prefix(form.quote()).and_then(|value| value.strip_suffix(form.quote()));
    ATTRIBUTES.binary_search_by(|attribute| attribute.as_bytes().cmp(name)).is_ok()
        && value.is_some_and(|value| value.iter().all(|byte| byte.is_ascii_alphanumeric() || b" -_%.#".contains(byte)))
}

fn cleaned(div: &str) -> Narrative {
    let mut cleaner =
        Cleaner { out: String::with_capacity(div.len() + 48), changed: false, open: Vec::new(), swallowing: 0, closed: false };
    match cleaner.run(div) {
        Some(()) if !cleaner.changed => Narrative::Fine,
        Some(()) => Narrative::Cleaned(cleaner.out),
        None => Narrative::Broken(format!("<div xmlns=\"{XHTML}\">{}</div>", escape(printable(div)))),
    }
}

/// Without the characters that XML cannot carry.
fn printable(text: &str) -> String {
    text.chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\r' | '\t')).collect()
}

struct Cleaner {
    out: String,
    changed: bool,
    /// For each open element, whether its tags were written.
    open: Vec<bool>,
    /// How many open elements are being swallowed.
    swallowing: usize,
    /// Whether the root has ended.
    closed: bool,
}

impl Cleaner {
    /// `None` when it is not well-formed, or its root is no `div`.
    fn run(&mut self, div: &str) -> Option<()> {
        let mut reader = Reader::from_str(div);
        loop {
            match reader.read_event().ok()? {
                Event::Start(tag) => self.start(&tag, false)?,
                Event::Empty(tag) => self.start(&tag, true)?,
                Event::End(tag) => self.end(tag.name().0),
                Event::Text(text) => self.text(&text.into_inner())?,
                Event::GeneralRef(entity) => self.entity(&entity.into_inner())?,
                Event::CData(data) => {
                    self.changed = true;
                    let text = data.into_inner();
                    self.text(&escape(text))?;
                }
                Event::Comment(_) | Event::Decl(_) | Event::DocType(_) | Event::PI(_) => self.changed = true,
                Event::Eof => return (self.open.is_empty() && self.closed).then_some(()),
            }
        }
    }

    fn start(&mut self, tag: &BytesStart<'_>, empty: bool) -> Option<()> {
        let name = tag.name().0;
        let root = self.open.is_empty();
        if root && (self.closed || name != "div") {
            return None;
        }
        let keep = self.swallowing == 0 && ELEMENTS.binary_search(&name).is_ok();
        if keep {
            self.out.push('<');
            self.out.push_str(name);
            self.attributes(tag, root)?;
            self.out.push_str(if empty { "/>" } else { ">" });
        } else {
            self.changed = true;
        }
        if empty {
            self.closed |= root;
            return Some(());
        }
        self.open.push(keep);
        if self.swallowing > 0 || SWALLOWED.binary_search(&name.to_ascii_lowercase().as_str()).is_ok() {
            self.swallowing += 1;
        }
        Some(())
    }

    fn end(&mut self, name: &str) {
        if self.open.pop() == Some(true) {
            self.out.push_str("</");
            self.out.push_str(name);
            self.out.push('>');
        }
        self.swallowing = self.swallowing.saturating_sub(1);
        self.closed |= self.open.is_empty();
    }

    fn attributes(&mut self, tag: &BytesStart<'_>, root: bool) -> Option<()> {
        let mut named = false;
        for attribute in tag.attributes() {
            let attribute = attribute.ok()?;
            let name = attribute.key.0;
            let value = unescape_with(&attribute.value, resolve).ok()?;
            if name == "xmlns" && root && value == XHTML {
                named = true;
            } else if !stays(tag.name().0, name, &value) {
                self.changed = true;
                continue;
            }
            let plain = !attribute.value.contains(['<', '"']) && !attribute.value.contains('&');
            self.out.push(' ');
            self.out.push_str(name);
            self.out.push_str("=\"");
            if plain {
                self.out.push_str(&attribute.value);
            } else {
                let escaped = escape(value.as_ref());
                self.changed |= escaped != attribute.value;
                self.out.push_str(&escaped);
            }
            self.out.push('"');
        }
        if root && !named {
            self.changed = true;
            self.out.push_str(" xmlns=\"");
            self.out.push_str(XHTML);
            self.out.push('"');
        }
        Some(())
    }

    /// Text outside the root is no narrative; white space there goes.
    fn text(&mut self, text: &str) -> Option<()> {
        if self.open.is_empty() {
            self.changed |= !text.is_empty();
            return text.trim().is_empty().then_some(());
        }
        if self.swallowing == 0 {
            self.out.push_str(text);
        }
        Some(())
    }

    /// XML knows five names; those of HTML are written as the characters they stand for.
    fn entity(&mut self, name: &str) -> Option<()> {
        if self.open.is_empty() {
            return None;
        }
        if self.swallowing > 0 {
            return Some(());
        }
        if name.starts_with('#') || resolve_xml_entity(name).is_some() {
            unescape_with(&format!("&{name};"), resolve).ok()?;
            self.out.push('&');
            self.out.push_str(name);
            self.out.push(';');
        } else {
            self.changed = true;
            match resolve_html5_entity(name) {
                Some(text) => self.out.push_str(&escape(text)),
                None => {
                    self.out.push_str("&amp;");
                    self.out.push_str(name);
                    self.out.push(';');
                }
            }
        }
        Some(())
    }
}

fn resolve(name: &str) -> Option<&'static str> {
    resolve_xml_entity(name).or_else(|| resolve_html5_entity(name))
}

fn stays(element: &str, name: &str, value: &str) -> bool {
    match name {
        "href" => element == "a" && value.starts_with('#'),
        "src" => element == "img" && (value.starts_with('#') || is_picture(value)),
        "style" => {
            let folded: String = value.chars().filter(|c| !c.is_whitespace()).flat_map(char::to_lowercase).collect();
            !STYLES.iter().any(|word| folded.contains(word))
        }
        _ => ATTRIBUTES.binary_search(&name).is_ok(),
    }
}

/// A picture inside the narrative itself. SVG may run.
fn is_picture(src: &str) -> bool {
    ["gif", "jpeg", "jpg", "png"].iter().any(|kind| {
        src.strip_prefix("data:image/").and_then(|rest| rest.strip_prefix(kind)).is_some_and(|rest| rest.starts_with(";base64,"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_glance_sees_most_narratives() {
        let check = |inner: &str, plain: bool| {
            assert_eq!(is_plain(&wrapped(inner), Form::Text), plain, "{inner}");
            assert_eq!(is_plain(&in_json(&wrapped(inner)), Form::Json), plain, "{inner}");
            assert!(!plain || cleaned(&wrapped(inner)) == Narrative::Fine, "{inner}");
        };
        check("<p><b>Serum potassium</b>: 4.1 mmol/L<br/></p>", true);
        check("<table class=\"grid\"><tr><td colspan=\"2\">x</td></tr></table>", true);
        check("<p>a \"b\"\nc</p>", true);
        check("<p>a &amp; b</p>", false);
        check("<td class=\\\"x\\\">a</td>", false);
        check("<p>a</b>", false);
        check("<p", false);
        check("</div><div>", false);
        check("<td onclick=\"x\">a</td>", false);
        check("<p id=\"a\" id=\"a\">x</p>", false);
        check("<script>x</script>", false);
    }

    fn in_json(text: &str) -> String {
        text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
    }

    fn wrapped(inner: &str) -> String {
        format!("<div xmlns=\"{XHTML}\">{inner}</div>")
    }

    #[test]
    fn the_tables_are_in_order() {
        for table in [ELEMENTS, SWALLOWED, ATTRIBUTES] {
            assert!(table.is_sorted());
        }
    }

    #[test]
    fn what_is_harmless_stays_byte_for_byte() {
        for inner in [
            "plain",
            "<p>a &amp; b &lt; c &#160;</p>",
            "<table border=\"1\"><tr><td colspan=\"2\" style=\"color: red\">x</td></tr></table>",
            "<br/><hr/><a href=\"#x\">here</a><img src=\"#pic\" alt=\"a\"/>",
            "<img src=\"data:image/png;base64,AAAA\" alt=\"\"/>",
            "",
        ] {
            assert_eq!(clean(&wrapped(inner)), Narrative::Fine, "{inner}");
        }
    }

    #[test]
    fn what_runs_or_fetches_goes() {
        let check = |inner: &str, expected: &str| assert_eq!(clean(&wrapped(inner)), Narrative::Cleaned(wrapped(expected)), "{inner}");
        check("a<script>alert(1)</script>b", "ab");
        check("a<SCRIPT>alert(1)</SCRIPT>b", "ab");
        check("<svg><p>x</p></svg>y", "y");
        check("<iframe src=\"https://x\"/>y", "y");
        check("<p onclick=\"x()\">a</p>", "<p>a</p>");
        check("<a href=\"javascript:x()\">a</a>", "<a>a</a>");
        check("<a href=\"https://x.example\">a</a>", "<a>a</a>");
        check("<img src=\"https://x.example/p.png\" alt=\"p\"/>", "<img alt=\"p\"/>");
        check("<img src=\"data:image/svg+xml;base64,AA\"/>", "<img/>");
        check("<p style=\"background: URL (x)\">a</p>", "<p>a</p>");
        check("<p style=\"background: u&#114;l(x)\">a</p>", "<p>a</p>");
        check("<p style=\"position:fixed\">a</p>", "<p>a</p>");
        check("<form action=\"x\"><b>a</b></form>", "<b>a</b>");
        check("a<!-- b -->c<?x y?>d", "acd");
        check("<![CDATA[<b>]]>", "&lt;b&gt;");
        check("a&nbsp;b&eacute;&unheard;", "a\u{a0}b\u{e9}&amp;unheard;");
        check("<p title='a \"b\"'>x</p>", "<p title=\"a &quot;b&quot;\">x</p>");
        check("<o:p>x</o:p>", "x");
    }

    #[test]
    fn a_missing_namespace_is_added() {
        assert_eq!(clean("<div>x</div>"), Narrative::Cleaned(wrapped("x")));
        assert_eq!(clean(" <div>x</div>\n"), Narrative::Cleaned(wrapped("x")));
        assert_eq!(clean(&format!("<div xmlns=\"{XHTML}\"/>")), Narrative::Fine);
    }

    #[test]
    fn what_is_broken_is_shown_as_text() {
        for text in [
            "plain",
            "<p>no div</p>",
            "<div><p>open</div>",
            "<div>a < b</div>",
            "",
            "<div/><div/>",
            "<div a=\"1\" a=\"2\"/>",
            "<div>&#0;</div>",
        ] {
            let Narrative::Broken(shown) = clean(text) else { panic!("{text} was read") };
            assert_eq!(clean(&shown), Narrative::Fine, "{shown}");
        }
    }

    proptest! {
        #[test]
        fn what_a_glance_lets_pass_is_fine(inner in "(</?(p|b|td|br|div|svg|p id=\"[a1 -]{0,2}\"|td name=\"x\"|img src=\"x\")?/?>|[a-z<>&;\"'= \\\\]{0,3}){0,8}") {
            let div = wrapped(&inner);
            if is_plain(&div, Form::Text) || is_plain(&in_json(&div), Form::Json) {
                prop_assert_eq!(cleaned(&div), Narrative::Fine, "{}", div);
            }
        }

        #[test]
        fn cleaning_twice_changes_nothing(div in "(<(div|p|b|script|a href=\"[a-z#:]{0,9}\")>|</(div|p|b|script|a)>|[ a-z&;#<>\"']{0,5}){0,12}") {
            if let Narrative::Cleaned(text) | Narrative::Broken(text) = clean(&format!("<div>{div}</div>")) {
                prop_assert!(!text.contains("<script") && !text.contains("javascript:"));
                prop_assert_eq!(clean(&text), Narrative::Fine, "{}", text);
            }
        }
    }
}

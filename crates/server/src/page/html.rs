//! The page as HTML: no script, no style from elsewhere, every string escaped.

use std::fmt::Write;

use super::view::View;

const STYLE: &str = "body{font:16px/1.5 Arial,sans-serif;margin:0;background:#f0f4f5;color:#212b32}\
header{position:sticky;top:0;background:#005eb8;color:#fff;padding:.6rem 1rem}header b{font-size:1.2rem;margin-right:1.5rem}header span{margin-right:1.5rem}\
main{max-width:70rem;margin:1rem auto;padding:0 1rem}section{background:#fff;padding:1rem;margin:0 0 1rem;border:1px solid #d8dde0}\
h2{margin:0 0 .5rem;font-size:1.1rem}table{border-collapse:collapse;width:100%}th,td{text-align:left;vertical-align:top;padding:.25rem .75rem .25rem 0;border-bottom:1px solid #d8dde0}\
.allergies{display:inline-block;background:#fff;color:#212b32;padding:0 .5rem;font-weight:bold}.known{background:#ffeb3b}.differ{border-left:8px solid #d5281b}.missing{border-left:8px solid #ffb81c}\
.tag{background:#d8dde0;padding:0 .3rem;margin-right:.2rem;white-space:nowrap}";

/// Escapes text for HTML.
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

/// Lays a record out as a page.
pub fn html(view: &View) -> String {
    let mut out = String::new();
    let e = escape;
    let (complete, all) = view.completeness();
    let known = if view.allergies.starts_with("Known allergies") { " known" } else { "" };
    // Writing to a String cannot fail.
    let _ = write!(
        out,
        "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content=\"width=device-width\"><title>Record</title><style>{STYLE}</style>\
         <header><b>{}</b><span>Born <b>{}</b></span><span>Gender <b>{}</b></span><span>NHS No. <b>{}</b></span><span class=\"allergies{known}\">{}</span></header><main>",
        e(view.names.first().map(String::as_str).unwrap_or("Not known")),
        e(&view.born),
        e(&view.gender),
        e(&view.number),
        e(view.allergies)
    );
    let _ = write!(
        out,
        "<section class=\"{}\"><h2>Answered in full: {complete} of {all} sources</h2><table>",
        if complete < all { "missing" } else { "" }
    );
    for source in &view.sources {
        let _ = write!(
            out,
            "<tr><th scope=row>{}<td>{} shown<td>{}",
            e(&source.name),
            source.shown,
            e(&source.gaps().collect::<Vec<_>>().join("; "))
        );
    }
    out.push_str("</table>");
    for notice in &view.notices {
        let _ = write!(out, "<p>{}</p>", e(notice));
    }
    out.push_str("</section>");
    for conflict in &view.conflicts {
        let _ = write!(
            out,
            "<section class=differ><h2>Sources differ: {}</h2><p>Riskier first; an order, not advice.</p><ul>",
            e(&conflict.code)
        );
        for item in &conflict.items {
            let _ = write!(out, "<li>{}", e(item));
        }
        out.push_str("</ul></section>");
    }
    for (heading, lines) in &view.sections {
        let _ = write!(out, "<section><h2>{}</h2><table><thead><tr><th>Date<th>What<th>Status<th>Said by</thead>", e(heading));
        for line in lines {
            let sources: String = line.sources.iter().map(|source| format!("<span class=tag>{}</span>", e(source))).collect();
            let tier = line.tier.as_ref().map(|tier| format!(" <small>{}</small>", e(tier))).unwrap_or_default();
            let date = if line.date.is_empty() { "Not recorded" } else { &line.date };
            let _ = write!(out, "<tr><td>{}<td>{}<td>{}<td>{sources}{tier}", e(date), e(&line.what), e(&line.status));
        }
        out.push_str("</table></section>");
    }
    let _ = write!(out, "<p><small>Request {}. Shown times are as each source wrote them.</small></p></main></html>", e(&view.request));
    out
}

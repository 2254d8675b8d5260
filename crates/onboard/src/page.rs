//! The report as a page: no script, nothing fetched, prints on paper.

use std::fmt::Write;

use crate::block;
use crate::finding::{Finding, Severity, Topic};
use crate::shadow::Comparison;
use crate::visit::Visit;

const STYLE: &str = include_str!("page.css");

/// The page of a visit; with what changed since the last one, where that was asked.
pub fn html(visit: &Visit, changes: Option<&[String]>) -> String {
    let mut out = head(&format!("Onboarding report: {}", visit.supplier.name));
    summary(&mut out, visit);
    if let Some(changes) = changes {
        drifted(&mut out, changes);
    }
    mend(&mut out, visit);
    configuration(&mut out, visit);
    topics(&mut out, visit);
    signs(&mut out, visit);
    rows(&mut out, visit);
    questions(&mut out, visit);
    out.push_str("</main></body></html>\n");
    out
}

/// The page of a comparison.
pub fn shadow(comparison: &Comparison) -> String {
    let [live, candidate] = comparison.ids.each_ref().map(|id| escape(id));
    let mut out = head(&format!("{} ({candidate}) beside {} ({live})", comparison.candidate, comparison.live));
    let people = comparison.people.len();
    let whom = if people == 1 { "one person".to_owned() } else { format!("{people} people") };
    add(
        &mut out,
        format_args!("<p class=lead>What {candidate} says of {whom}, beside what {live} says. Nothing of it was shown to a reader.</p>"),
    );
    let [same, different, live_only, candidate_only] = comparison.totals();
    add(
        &mut out,
        format_args!(
            "<ul class=tiles><li class=fine><b>{same}</b> in both, the same<li class=wrong><b>{different}</b> in both, different\
             <li class=broken><b>{live_only}</b> only in {live}<li class=advice><b>{candidate_only}</b> only in {candidate}</ul>"
        ),
    );
    for person in &comparison.people {
        add(&mut out, format_args!("<h2>{}</h2>", escape(&person.name)));
        person.notes.iter().for_each(|note| add(&mut out, format_args!("<p class=note>{}</p>", escape(note))));
        add(
            &mut out,
            format_args!(
                "<table><thead><tr><th>Type<th class=n>in both, the same<th class=n>in both, different\
                 <th class=n>only in {live}<th class=n>only in {candidate}</thead>"
            ),
        );
        for (kind, counts) in &person.kinds {
            let counts: String = counts.iter().map(|count| format!("<td class=n>{count}")).collect();
            add(&mut out, format_args!("<tr><td>{}{counts}", escape(kind)));
        }
        out.push_str("</table>");
        list(&mut out, "Differences", &person.differences);
    }
    out.push_str("</main></body></html>\n");
    out
}

fn head(title: &str) -> String {
    format!(
        "<!doctype html>\n<html lang=en-GB><head><meta charset=utf-8><meta name=viewport content=\"width=device-width\">\
         <title>{0}</title><style>{STYLE}</style></head><body><main><h1>{0}</h1>\n",
        escape(title)
    )
}

/// Writing to a String cannot fail.
fn add(out: &mut String, words: std::fmt::Arguments<'_>) {
    let _ = out.write_fmt(words);
    out.push('\n');
}

fn summary(out: &mut String, visit: &Visit) {
    let verdict = match visit.worst() {
        _ if visit.read == 0 => "Nothing could be judged: no test patient was read.",
        Severity::Broken => "Records cannot be read from it safely yet. What is broken comes first below.",
        Severity::Wrong => "Records can be read from it; some of what it says is lost, held back or guessed.",
        Severity::Advice => "It can be connected as it is. Some things could be better.",
        Severity::Fine => "It can be connected as it is.",
    };
    add(out, format_args!("<p class=\"lead {}\">{verdict}</p>", visit.worst().word()));
    out.push_str("<ul class=tiles>");
    for severity in [Severity::Broken, Severity::Wrong, Severity::Advice, Severity::Fine] {
        add(out, format_args!("<li class={0}><b>{1}</b> {0}", severity.word(), visit.count(severity)));
    }
    out.push_str("</ul><dl class=facts>");
    let fact = |out: &mut String, name: &str, value: &str| add(out, format_args!("<dt>{name}<dd>{}", escape(value)));
    fact(out, "Address", visit.supplier.settings.source_base.as_str());
    fact(out, "Software", if visit.statement.software.is_empty() { "it does not say" } else { &visit.statement.software });
    fact(out, "Speaks", &visit.version.map_or_else(|| "not known".to_owned(), |version| format!("FHIR {}", version.name())));
    fact(out, "Dialect", visit.dialect.map_or("not known", dialect::Dialect::name));
    fact(out, "Looked at", &visit.at.strftime("%-d %B %Y, %H:%M UTC").to_string());
    fact(out, "Questions", &format!("{}, one after another", visit.asked.len()));
    if let Some((middle, late)) = visit.speed_ms {
        fact(out, "A lookup takes", &format!("{middle} ms (median), {late} ms (slowest)"));
    }
    out.push_str("</dl>\n");
}

fn drifted(out: &mut String, changes: &[String]) {
    if changes.is_empty() {
        out.push_str("<h2>Since the last run</h2><p>Nothing changed.</p>");
    } else {
        list(out, "Since the last run", changes);
    }
}

fn list(out: &mut String, title: &str, lines: &[String]) {
    if lines.is_empty() {
        return;
    }
    add(out, format_args!("<h2>{title}</h2><ul>"));
    lines.iter().for_each(|line| add(out, format_args!("<li>{}", escape(line))));
    out.push_str("</ul>");
}

/// What is broken and wrong, across topics, with what to do.
fn mend(out: &mut String, visit: &Visit) {
    let mut found: Vec<&Finding> = visit.findings.iter().filter(|finding| finding.severity <= Severity::Wrong).collect();
    if found.is_empty() {
        return;
    }
    found.sort_by_key(|finding| (finding.severity, finding.topic));
    out.push_str("<h2>To mend</h2><ol class=mend>");
    for finding in found {
        add(out, format_args!("<li class={}>{}", finding.severity.word(), card(finding)));
    }
    out.push_str("</ol>");
}

fn card(finding: &Finding) -> String {
    let mut out = format!("<span class=tag>{}</span> <b>{}</b>", finding.severity.word(), escape(&finding.said));
    if !finding.todo.is_empty() {
        add(&mut out, format_args!("<p class=todo>{}</p>", escape(&finding.todo)));
    }
    if !finding.places.is_empty() {
        let places: Vec<String> = finding.places.iter().map(|place| format!("<li><code>{}</code>", escape(place))).collect();
        add(&mut out, format_args!("<ul class=places>{}</ul>", places.join("")));
    }
    out
}

fn configuration(out: &mut String, visit: &Visit) {
    out.push_str("<h2>Configuration to paste</h2>");
    match block::toml(visit) {
        Some(block) => add(out, format_args!("<pre>{}</pre>", escape(&block))),
        None => out.push_str("<p>None: how it is to be spoken with is not known.</p>"),
    }
}

fn topics(out: &mut String, visit: &Visit) {
    out.push_str("<h2>What was looked at</h2>");
    for topic in Topic::ALL {
        let mut found = visit.findings.iter().filter(|finding| finding.topic == topic).peekable();
        if found.peek().is_none() {
            continue;
        }
        add(out, format_args!("<section><h3>{}</h3><ul class=found>", topic.title()));
        for finding in found {
            match finding.severity {
                Severity::Broken | Severity::Wrong => add(
                    out,
                    format_args!(
                        "<li class={0}><span class=tag>{0}</span> {1} <i>See To mend.</i>",
                        finding.severity.word(),
                        escape(&finding.said)
                    ),
                ),
                Severity::Advice | Severity::Fine => add(out, format_args!("<li class={}>{}", finding.severity.word(), card(finding))),
            }
        }
        out.push_str("</ul></section>");
    }
}

fn signs(out: &mut String, visit: &Visit) {
    out.push_str("<h2>By what it is recognised</h2><table><thead><tr><th>Dialect<th>Score<th>Signs seen</thead>");
    for fit in &visit.fits {
        add(out, format_args!("<tr><td>{}<td class=n>{}<td>{}", fit.dialect.name(), fit.score, escape(&fit.why.join("; "))));
    }
    out.push_str("</table>");
}

fn rows(out: &mut String, visit: &Visit) {
    if visit.rows.is_empty() {
        return;
    }
    out.push_str("<h2>What the first test patient\u{2019}s record holds</h2><table><thead><tr><th>Type<th>Status<th>Came</thead>");
    for (kind, (status, came)) in &visit.rows {
        add(out, format_args!("<tr><td>{kind}<td>{status}<td class=n>{came}"));
    }
    out.push_str("</table>");
}

fn questions(out: &mut String, visit: &Visit) {
    out.push_str("<h2>Every question, and what came</h2><p>Addresses below the base; numbers, and the values of links that it gave, are blotted out.</p>");
    out.push_str("<table class=questions><thead><tr><th>At (UTC)<th>For<th>Question<th>Answer<th>ms</thead>");
    for asked in &visit.asked {
        add(
            out,
            format_args!(
                "<tr{}><td>{}<td>{}<td><code>{}</code><td>{}<td class=n>{}",
                if asked.good { "" } else { " class=bad" },
                asked.at.strftime("%Y-%m-%dT%H:%M:%SZ"),
                asked.topic.title(),
                escape(&asked.question),
                escape(&asked.answer),
                asked.took.as_millis()
            ),
        );
    }
    out.push_str("</table>");
}

/// Text as it may stand in a page.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

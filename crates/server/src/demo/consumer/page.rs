//! The exercise and its report as HTML: no script, every string escaped.

use super::checks::{CHECKS, Seen, Signed, Stage};
use crate::page::escape;

const STYLE: &str = "body{font:1rem/1.5 system-ui,sans-serif;max-width:50rem;margin:2rem auto;padding:0 1rem;color:#212b32}\
code,pre{background:#f0f4f5;padding:.1rem .3rem;overflow-wrap:anywhere;white-space:pre-wrap}pre{padding:1rem}fieldset{border:1px solid #768692;margin:1rem 0}\
input[type=text]{width:100%;font:inherit;padding:.3rem;box-sizing:border-box}button{font:inherit;padding:.4rem 1rem}\
table{border-collapse:collapse;width:100%}td,th{border:1px solid #aeb7bd;padding:.4rem;text-align:left;vertical-align:top}\
.now{border-left:.5rem solid #005eb8;padding-left:1rem}.no{border-left:.5rem solid #d5281b;padding-left:1rem}.yes{border-left:.5rem solid #007f3b;padding-left:1rem}";

/// What the exercise's page shows.
pub struct Shown<'a> {
    /// The exchange's public URL.
    pub public: &'a str,
    /// The person's id.
    pub person: &'a str,
    /// And NHS number.
    pub number: &'a str,
    /// The consumer's token for the exercise.
    pub token: &'a str,
    /// Where the exercise stands.
    pub stage: Stage,
    /// What was asked so far.
    pub seen: &'a [Seen],
}

/// The page that the exercise is done from.
pub fn exercise(shown: &Shown<'_>) -> String {
    let stages: String = Stage::ALL.into_iter().map(|stage| stage_section(stage, shown)).collect();
    let (public, person) = (escape(shown.public), escape(shown.person));
    head("Does the screen show an incomplete read?")
        + &format!(
            "<p>A pretend person, NHS number {number}, is read by your system at each of three stages. Look at its screen, not at this page. \
             A named person signs what they saw.</p>\
             <h2>What your system reads</h2><p><code>{public}/fhir/R4</code> or <code>{public}/fhir/STU3</code>, the Patient \
             <code>{person}</code>, always with <code>_complete=partial</code>: \
             <code>{public}/fhir/STU3/Patient/{person}/$everything?_complete=partial</code></p>\
             <p>With this token (eight hours):</p><pre>{token}</pre>\
             <form method=post action=\"/exercise/report\" id=report></form>{stages}\
             <h2>Signature</h2>{who}{role}{name}{client}\
             <p><label>It reads <select name=face form=report><option>STU3<option>R4</select></label></p>\
             <p><button form=report>Sign and make the report</button></p></main></html>",
            number = escape(shown.number),
            token = escape(shown.token),
            who = text("who", "Your name"),
            role = text("role", "Your role (who answers for this screen: clinical safety officer, Caldicott Guardian…)"),
            name = text("name", "The system's name and version"),
            client = text("client", "The client id of its own tokens, in use later"),
        )
}

fn text(name: &str, label: &str) -> String {
    format!("<p><label>{}<br><input type=text name={name} form=report required></label></p>", escape(label))
}

fn stage_section(stage: Stage, shown: &Shown<'_>) -> String {
    let now = stage == shown.stage;
    let asked = shown.seen.iter().filter(|one| one.stage == stage).count();
    let turn = if now {
        format!("<p><strong>This is so now.</strong> Requests seen at this stage: {asked}. Reload to count again.</p>")
    } else {
        format!(
            "<form method=post action=\"/exercise/stage\"><input type=hidden name=stage value={}><button>Make it so</button> Requests seen: {asked}.</form>",
            stage.code()
        )
    };
    let checks: String = CHECKS.iter().filter(|(of, ..)| *of == stage).map(|(_, key, words)| question(key, words)).collect();
    format!("<section{}><h2>{}</h2>{turn}{checks}</section>", if now { " class=now" } else { "" }, escape(stage.words()))
}

fn question(key: &str, words: &str) -> String {
    format!(
        "<fieldset><legend>{}</legend><label><input type=radio name={key} value=yes form=report> It is so</label> \
         <label><input type=radio name={key} value=no form=report checked> It is not so</label>\
         <p><label>Note<br><input type=text name={key}-note form=report></label></p></fieldset>",
        escape(words)
    )
}

/// What was signed, what the exchange saw, and the block or why there is none.
pub fn report(signed: &Signed, seen: &[Seen]) -> String {
    let against = signed.against(seen);
    let verdict = match signed.block(seen) {
        Some(block) => format!(
            "<section class=yes><h2>It may have incomplete reads</h2><p>Paste this into the exchange's configuration; <code>severn check</code> looks at it:</p><pre>{}</pre></section>",
            escape(&block)
        ),
        None => format!(
            "<section class=no><h2>It may not have incomplete reads</h2><p>It gets whole answers or none, until this is mended:</p><ul>{}</ul></section>",
            against.iter().map(|reason| format!("<li>{}", escape(reason))).collect::<String>()
        ),
    };
    let rows: String = CHECKS
        .iter()
        .map(|(stage, key, words)| {
            let (so, note) = signed.answers.get(key).cloned().unwrap_or_default();
            format!(
                "<tr><td>{}<td>{}<td>{}<td>{}",
                escape(stage.words()),
                escape(words),
                if so { "It is so" } else { "It is not so" },
                escape(&note)
            )
        })
        .collect();
    let requests: String = Stage::ALL
        .into_iter()
        .map(|stage| {
            let own: Vec<&Seen> = seen.iter().filter(|one| one.stage == stage && one.face == signed.face).collect();
            let answered = own.iter().filter(|one| one.status == 200).count();
            let partial = own.iter().filter(|one| one.partial).count();
            format!("<tr><td>{}<td>{}<td>{partial}<td>{answered}", escape(stage.words()), own.len())
        })
        .collect();
    head("Incomplete reads on a consumer's screen")
        + &format!(
            "<p>{name} (client <code>{client}</code>), reading {face}. Signed by {who}, {at}.</p>{verdict}\
             <h2>What was seen on the screen</h2><table><tr><th>Stage<th>Looked for<th>Answer<th>Note{rows}</table>\
             <h2>What the exchange saw</h2><table><tr><th>Stage<th>Requests<th>of them with _complete=partial<th>answered{requests}</table>\
             <p>Severn {version}. Keep this page with the safety case.</p></main></html>",
            name = escape(&signed.name),
            client = escape(&signed.client),
            face = escape(signed.face.path()),
            who = escape(&signed.who),
            at = escape(&signed.at.to_string()),
            version = env!("CARGO_PKG_VERSION"),
        )
}

fn head(title: &str) -> String {
    let title = escape(title);
    format!(
        "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content=\"width=device-width\"><title>{title}</title><style>{STYLE}</style><main><h1>{title}</h1>"
    )
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn what_is_typed_in_is_never_markup() {
        let fields = ["who", "role", "name", "client", "names-note"].map(|key| (key.to_owned(), "<script>x</script>".to_owned()));
        let html = report(&Signed::of(&BTreeMap::from(fields), jiff::Timestamp::UNIX_EPOCH), &[]);
        assert!(!html.contains("<script"), "{html}");
        assert!(html.contains("may not have incomplete reads"));
    }
}

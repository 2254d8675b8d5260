//! Whether strangers are kept out, and what the answers say to the browsers and caches on their way.

use dialect::Searches;
use record::NHS_NUMBER_SYSTEM;

use super::lookup::search;
use crate::desk::Desk;
use crate::finding::{Finding, Severity, Topic};
use crate::visit::{Patient, Supplier};

/// Asks as a stranger, and looks at the headers of an answer about a patient.
pub(crate) async fn probe(desk: &mut Desk<'_>, supplier: &Supplier, patients: &[Patient], searches: Searches) {
    let topic = Topic::Security;
    let secure = supplier.settings.source_base.scheme() == "https";
    if secure {
        desk.find(Finding::fine(
            topic,
            "tls",
            "It is reached over TLS 1.2 or later, with a certificate that is trusted here and names this host.",
        ));
    } else {
        desk.find(Finding::new(
            topic,
            "no-tls",
            Severity::Wrong,
            "It is reached without TLS: whoever is on the way reads and changes what passes.",
            "Serve https with TLS 1.2 or later.",
        ));
    }
    let Some(patient) = patients.first().filter(|_| searches >= Searches::Patients) else { return };
    let target = search(NHS_NUMBER_SYSTEM, patient.number.expose());
    let Some(stranger) = desk.get_as_stranger(topic, &target).await else { return };
    match stranger.status() {
        401 | 403 => desk.find(Finding::fine(
            topic,
            "strangers-kept-out",
            format!("Whoever shows no credentials is refused ({}).", stranger.status()),
        )),
        200 => desk.find(
            Finding::new(
                topic,
                "open-to-all",
                Severity::Wrong,
                "It names patients to whoever asks, without credentials.",
                "Ask for a client certificate or a token before real data are loaded; a private network alone is not enough.",
            )
            .at([stranger.question.clone()]),
        ),
        _ => {}
    }
    let Some(heard) = desk.get_wrong(topic, &target).await else { return };
    let mut missing = Vec::new();
    if !heard.header("cache-control").is_some_and(|value| value.contains("no-store")) {
        missing.push("Cache-Control: no-store (else caches on the way keep patients' data)");
    }
    if secure && heard.header("strict-transport-security").is_none() {
        missing.push("Strict-Transport-Security");
    }
    if heard.header("x-content-type-options").is_none() {
        missing.push("X-Content-Type-Options: nosniff");
    }
    if heard.header("access-control-allow-origin") == Some("*") {
        missing.push("Access-Control-Allow-Origin must not be * on patients' data");
    }
    if heard.response().is_none() || missing.is_empty() {
        return;
    }
    desk.find(
        Finding::new(
            topic,
            "headers",
            Severity::Advice,
            "Answers about patients lack headers that protect them.",
            "Send them with every answer.",
        )
        .at(missing),
    );
}

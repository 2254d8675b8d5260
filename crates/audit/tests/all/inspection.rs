//! Whatever is done to a ledger is found, and the first bad entry named.

use audit::{Checkpoint, Line, Problem, PublicKey, Report, Signed};
use proptest::prelude::*;
use proptest::sample::Index;

use crate::sample::{Sample, checked, key, ndjson};

/// What a report names, in order: `a 3` is an entry, `#2` a checkpoint (with the first entry that it leaves alone), `proof` and `copy`.
fn named(report: &Report) -> Vec<String> {
    let name = |problem: &Problem| match problem {
        Problem::Checkpoint(bad) => match &bad.entry {
            Some((run, sequence)) => format!("#{} {run} {sequence}", bad.number),
            None => format!("#{}", bad.number),
        },
        Problem::Entry(bad) | Problem::Name(bad) => format!("{} {}", bad.run, bad.sequence),
        Problem::Proof(_) => "proof".to_owned(),
        Problem::Witness { .. } => "copy".to_owned(),
    };
    report.problems.iter().map(name).collect()
}

#[tokio::test]
async fn a_whole_ledger_is_found_whole_in_the_store_and_in_its_export() {
    let sample = Sample::new().await;
    let trusted = [sample.key.public()];
    for report in [sample.in_store(&[], &trusted), checked(&sample.export(), &[], &trusted), checked(&sample.export(), &[], &[])] {
        assert_eq!(report.problems, []);
        assert_eq!((report.verified.lines, report.verified.runs, report.unvouched), (11, 3, 1));
        assert_eq!(report.checkpoint, Some((3, "2026-11-23T09:00:00Z".into())));
        assert_eq!(report.keys, [sample.key.public().to_string()]);
    }
    let other = [key().public()];
    assert_eq!(named(&sample.in_store(&[], &other)), ["#1 a 1"]);
    assert_eq!(named(&checked(&sample.export(), &[], &other)), ["#1 a 1", "proof"]);
}

type Change = fn(&mut Sample);

/// Takes lines for what they are worth to somebody who may write the store, but has no key.
fn rehashed(lines: &mut [Line], from: usize) {
    for at in from..lines.len() {
        if at > from && lines[at].run != lines[at - 1].run {
            break;
        }
        if at > from {
            lines[at].previous = lines[at - 1].hash.clone();
        }
        lines[at].hash = hash(&lines[at]);
    }
}

/// The chain's hash, written a second time.
fn hash(line: &Line) -> String {
    let parts = [&line.run, &line.sequence.to_string(), &line.at, &line.trace, &line.event, &line.previous];
    let bytes: Vec<u8> = parts.iter().flat_map(|part| [&(part.len() as u64).to_le_bytes(), part.as_bytes()].concat()).collect();
    data_encoding::HEXLOWER.encode(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &bytes).as_ref())
}

fn resigned(sample: &mut Sample, at: usize, change: impl FnOnce(&mut Checkpoint)) {
    let mut checkpoint = sample.checkpoints[at].checkpoint.clone();
    change(&mut checkpoint);
    sample.checkpoints[at] = Signed::by(&sample.key, checkpoint);
}

#[tokio::test]
async fn whatever_is_done_to_rows_is_found_and_the_first_bad_entry_named() {
    let table: &[(&str, Change, &[&str])] = &[
        ("an event", |s| s.lines[2].event = s.lines[2].event.replace("no", "on"), &["a 3"]),
        ("a time", |s| s.lines[2].at = s.lines[2].at.replace('9', "8"), &["a 3"]),
        ("a trace", |s| s.lines[2].trace = "q9".into(), &["a 3"]),
        ("a hash", |s| s.lines[2].hash = s.lines[2].hash.replace('a', "b"), &["a 3"]),
        ("a previous hash", |s| s.lines[2].previous = s.lines[1].previous.clone(), &["a 3"]),
        (
            "an event and its hash",
            |s| {
                s.lines[2].event = "{}".into();
                s.lines[2].hash = hash(&s.lines[2]);
            },
            &["a 4"],
        ),
        (
            "an event and every hash after it",
            |s| {
                s.lines[2].event = "{}".into();
                rehashed(&mut s.lines, 2);
            },
            &["a 5"],
        ),
        ("the first removed", |s| drop(s.lines.remove(0)), &["a 1"]),
        ("one in the middle removed", |s| drop(s.lines.remove(2)), &["a 3"]),
        ("the last that is vouched for removed, and what follows", |s| drop(s.lines.drain(4..6)), &["a 5"]),
        ("the last of the last run removed", |s| drop(s.lines.pop()), &["c 4"]),
        ("the only one of a run removed", |s| drop(s.lines.remove(6)), &["b 1"]),
        ("a whole run removed", |s| s.lines.retain(|line| line.run != "c"), &["c 1"]),
        ("the first run removed", |s| s.lines.retain(|line| line.run != "a"), &["a 1"]),
        ("two in a row in each other's place", |s| s.lines.swap(1, 2), &["a 2"]),
        (
            "two in each other's place, with each other's numbers",
            |s| {
                s.lines.swap(1, 2);
                (s.lines[1].sequence, s.lines[2].sequence) = (2, 3);
            },
            &["a 2"],
        ),
        ("two of different runs in each other's place", |s| s.lines.swap(5, 6), &["a 6"]),
        ("one twice", |s| s.lines.insert(3, s.lines[2].clone()), &["a 3"]),
        ("the last twice", |s| s.lines.push(s.lines[10].clone()), &["c 4"]),
        ("a run that calls itself another", |s| s.lines[6].run = "bb".into(), &["b 1"]),
        ("everything gone", |s| s.lines.clear(), &["a 1"]),
        ("a checkpoint's signature", |s| s.checkpoints[1].signature = s.checkpoints[0].signature.clone(), &["#2 a 3"]),
        ("a wrong root", |s| resigned(s, 1, |one| one.root = "0".repeat(64)), &["#2 a 3"]),
        (
            "heads rolled back",
            |s| {
                let back = s.checkpoints[0].checkpoint.heads[0].clone();
                resigned(s, 2, |one| one.heads[0] = back);
            },
            &["#3 a 3"],
        ),
        ("a forged head", |s| resigned(s, 0, |one| one.heads[0].hash = "0".repeat(64)), &["#1 a 1"]),
        ("a checkpoint removed", |s| drop(s.checkpoints.remove(1)), &["#2 a 3"]),
        ("the first checkpoint removed", |s| drop(s.checkpoints.remove(0)), &["#1 a 1"]),
    ];
    for (what, change, expected) in table {
        let mut sample = Sample::new().await;
        // Who has no key has no other proof either.
        let [_, _, proof] = sample.export();
        change(&mut sample);
        let trusted = [sample.key.public()];
        assert_eq!(named(&sample.in_store(&[], &trusted)), *expected, "{what}");
        let [ledger, checkpoints, _] = sample.export();
        assert_eq!(named(&checked(&[ledger, checkpoints, proof], &[], &trusted)), *expected, "{what}, exported");
    }
}

#[tokio::test]
async fn what_no_checkpoint_vouches_for_yet_is_missed_in_an_export_only() {
    let mut sample = Sample::new().await;
    let [_, checkpoints, proof] = sample.export();
    sample.lines.remove(5);
    let trusted = [sample.key.public()];
    assert_eq!(sample.in_store(&[], &trusted).problems, []);
    let [ledger, _, _] = sample.export();
    assert_eq!(named(&checked(&[ledger, checkpoints, proof], &[], &trusted)), ["a 6"]);
}

#[tokio::test]
async fn a_cut_off_export_is_found() {
    let whole = Sample::new().await;
    let (files, trusted) = (whole.export(), [whole.key.public()]);
    let lines: Vec<usize> = (0..files[0].len()).filter(|at| files[0][*at] == b'\n').collect();
    let cut = |file: usize, at: usize| {
        let mut files = files.clone();
        files[file].truncate(at);
        named(&checked(&files, &[], &trusted))
    };
    assert_eq!(cut(0, lines[2] + 1), ["a 4"]);
    assert_eq!(cut(0, lines[2] + 9), ["a 4"]);
    assert_eq!(cut(0, lines[9] + 1), ["c 4"]);
    assert_eq!(cut(0, lines[10]), ["c 4"], "only the end of the last line");
    assert_eq!(cut(0, 0), ["a 1"]);
    assert_eq!(cut(1, 0), ["#3"]);
    assert_eq!(cut(1, files[1].len() - 1), ["#3"], "only the end of the last line");
    for at in 0..files[2].len() {
        assert_eq!(cut(2, at), ["proof"], "{at}");
    }
}

#[tokio::test]
async fn copies_show_what_was_taken_away_with_its_checkpoints() {
    let whole = Sample::new().await;
    let copy = ndjson(&whole.checkpoints);
    let trusted = [whole.key.public()];
    let check = |sample: &Sample, copy: &[u8], expected: &[&str]| {
        assert_eq!(named(&sample.in_store(&[("w", copy.to_vec())], &trusted)), expected);
    };
    check(&whole, &copy, &[]);
    // A copy lags, or begins later; the last was cut off and written again.
    let lines: Vec<&[u8]> = copy.split_inclusive(|byte| *byte == b'\n').collect();
    check(&whole, lines[0], &[]);
    check(&whole, lines[2], &[]);
    check(&whole, &[lines[0], &lines[1][..30], b"\n", lines[1]].concat(), &[]);
    check(&whole, &[lines[0], lines[0]].concat(), &[]);
    check(&whole, &[lines[0], &lines[1][..30]].concat(), &["copy"]);
    check(&whole, &[lines[0], b"?\n", lines[1]].concat(), &["copy"]);
    // The end was taken away, with the checkpoints that vouch for it; and all of both.
    let mut short = Sample { key: key(), ..Sample::new().await };
    short.checkpoints = whole.checkpoints[..1].to_vec();
    short.lines = whole.lines[..3].to_vec();
    assert_eq!(named(&short.in_store(&[], &trusted)), [] as [&str; 0]);
    check(&short, &copy, &["#2 a 3", "a 4"]);
    (short.lines, short.checkpoints) = (Vec::new(), Vec::new());
    check(&short, &copy, &["#1 a 1", "a 1"]);
    // Everything was made anew, with the key.
    let anew = Sample { key: whole.key, ..Sample::new().await };
    let mut other = anew.checkpoints.clone();
    for one in &mut other {
        one.checkpoint.at = "2026-11-23T10:00:00Z".into();
        one.checkpoint.key = anew.key.public().to_string();
        *one = Signed::by(&anew.key, one.checkpoint.clone());
    }
    let words = anew_words(&other[..1], &copy, &trusted);
    assert!(words.contains("one of them is forged"), "{words}");
}

fn anew_words(checkpoints: &[Signed], copy: &[u8], trusted: &[PublicKey]) -> String {
    let mut inspection = audit::Inspection::new(trusted.to_vec(), 0);
    checkpoints.iter().for_each(|one| inspection.checkpoint(one.line().as_bytes()));
    inspection.witness("w", std::io::Cursor::new(copy)).unwrap();
    inspection.finish(Ok(())).problems.iter().map(|problem| format!("{problem}\n")).collect()
}

/// A checkpoint that names every chain stands by itself: what was before it is missed by its number.
#[test]
fn the_first_checkpoints_are_missed_though_the_next_names_every_chain() {
    let (key, mut course) = (key(), audit::Course::default());
    let heads = |sequence| vec![audit::Head { run: "a".into(), sequence, hash: "0".repeat(64) }];
    let all = [1, 2, 3].map(|sequence| {
        let next = course.next(heads(sequence), "2026-11-23T09:00:00Z".into(), 2, &key).unwrap();
        course.add(&next, &[key.public()]).unwrap();
        next
    });
    let check = |after: u64, from: usize, copy: usize, expected: &[&str]| {
        let mut inspection = audit::Inspection::new(vec![key.public()], after);
        all[from..].iter().for_each(|one| inspection.checkpoint(one.line().as_bytes()));
        inspection.witness("w", std::io::Cursor::new(ndjson(&all[copy..]))).unwrap();
        inspection.begin();
        let mut report = inspection.finish(Ok(()));
        report.problems.retain(|problem| matches!(problem, Problem::Checkpoint(_)));
        assert_eq!(named(&report), expected, "after {after}, from {from}");
    };
    check(0, 0, 1, &[]);
    check(0, 1, 0, &["#1 a 1"]);
    check(0, 2, 2, &["#1 a 1"]);
    // Of what begins later nobody expects them.
    check(3, 2, 0, &[]);
}

#[tokio::test]
async fn an_export_of_what_is_after_a_checkpoint_goes_on_from_what_it_signed() {
    let whole = Sample::new().await;
    let part = |lines: &[Line]| {
        let sample = Sample { key: key(), lines: lines.to_vec(), checkpoints: whole.checkpoints.clone(), after: 2 };
        let [ledger, checkpoints, _] = sample.export();
        let own = Sample {
            after: 2,
            lines: [&whole.lines[5..6], &whole.lines[7..]].concat(),
            checkpoints: whole.checkpoints.clone(),
            key: key(),
        };
        let [_, _, proof] = own.export();
        checked(&[ledger, checkpoints, proof], &[], &[])
    };
    let kept = [&whole.lines[5..6], &whole.lines[7..]].concat();
    let report = part(&kept);
    assert_eq!((report.problems.as_slice(), report.verified.lines, report.verified.runs), (&[][..], 5, 2));
    assert_eq!(named(&part(&kept[1..])), ["a 6"]);
    assert_eq!(named(&part(&kept[..4])), ["c 4"]);
    assert_eq!(named(&part(&[&whole.lines[4..6], &whole.lines[7..]].concat())), ["a 5"]);
    assert_eq!(named(&part(&[&kept[..1], &whole.lines[6..]].concat())), ["b 1"]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn any_byte_that_changes_in_an_export_is_found(file in 0usize..3, at in any::<Index>(), to in any::<u8>()) {
        let (files, trusted) = exported_once();
        let mut changed = files.clone();
        let at = at.index(changed[file].len());
        prop_assume!(changed[file][at] != to);
        changed[file][at] = to;
        let report = checked(&changed, &[], trusted);
        prop_assert!(!report.problems.is_empty(), "file {}, byte {}: {} became {}", file, at, files[file][at], to);
        if file == 0 {
            let line = files[0][..at].iter().filter(|byte| **byte == b'\n').count();
            let expected = ["a 1", "a 2", "a 3", "a 4", "a 5", "a 6", "b 1", "c 1", "c 2", "c 3", "c 4"][line];
            // Where it is the name that changed, by the name as it stands now.
            let now = changed[0].split(|byte| *byte == b'\n').nth(line).and_then(|line| serde_json::from_slice::<audit::Line>(line).ok());
            let now = now.map(|line| format!("{} {}", line.run, line.sequence));
            let told = named(&report);
            prop_assert!(told == [expected] || told.first() == now.as_ref(), "{:?}, and not {}", told, expected);
        }
    }

    #[test]
    fn any_bit_that_flips_in_a_row_names_it(line in 0usize..11, field in 0usize..7, at in any::<Index>(), bit in 0u8..7) {
        let mut sample = sample_once().lines.clone();
        let (run, sequence) = (sample[line].run.clone(), sample[line].sequence);
        let row = &mut sample[line];
        if field == 6 {
            row.sequence ^= 1 << bit;
        } else {
            let text = [&mut row.run, &mut row.at, &mut row.trace, &mut row.event, &mut row.previous, &mut row.hash].into_iter().nth(field).unwrap();
            prop_assume!(!text.is_empty());
            let mut bytes = text.clone().into_bytes();
            let at = at.index(bytes.len());
            bytes[at] ^= 1 << bit;
            let Ok(changed) = String::from_utf8(bytes) else { return Ok(()) };
            *text = changed;
        }
        // As a store gives them.
        sample.sort_by(|a, b| (&a.run, a.sequence).cmp(&(&b.run, b.sequence)));
        let once = sample_once();
        let mut inspection = audit::Inspection::new(Vec::new(), 0);
        once.checkpoints.iter().for_each(|one| inspection.checkpoint(one.line().as_bytes()));
        let outcome = sample.iter().try_for_each(|line| inspection.line(line));
        let report = inspection.finish(outcome);
        let Some(Problem::Entry(bad)) = report.problems.first() else { panic!("not found") };
        // A row that lies about its place is found where it is missing, or where it is.
        if field != 0 && field != 6 {
            prop_assert_eq!((&bad.run, bad.sequence), (&run, sequence));
        }
    }
}

fn sample_once() -> &'static Sample {
    static SAMPLE: std::sync::OnceLock<Sample> = std::sync::OnceLock::new();
    SAMPLE.get_or_init(|| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(Sample::new())
    })
}

fn exported_once() -> &'static ([Vec<u8>; 3], Vec<PublicKey>) {
    static EXPORTED: std::sync::OnceLock<([Vec<u8>; 3], Vec<PublicKey>)> = std::sync::OnceLock::new();
    EXPORTED.get_or_init(|| (sample_once().export(), vec![sample_once().key.public()]))
}

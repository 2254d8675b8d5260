//! The ledger as it is handed out and checked elsewhere. The first byte picks what is done: one of the three files of a good export is
//! meddled with, all three are whatever comes, a copy of the checkpoints is meddled with, or a line is read. An altered export is
//! never verified whole.
#![no_main]

use std::sync::LazyLock;

use audit::{Course, Event, Exported, Head, Line, Proof, PublicKey, Report, Signed, SigningKey, exported, verify_export};
use aws_lc_rs::digest::{SHA256, digest};
use data_encoding::HEXLOWER;
use fuzz::{folder, meddled};
use libfuzzer_sys::fuzz_target;

struct Here {
    key: PublicKey,
    files: [Vec<u8>; 3],
}

/// As the ledger has it: each part behind its length.
fn hash(line: &Line) -> String {
    let parts = [&line.run, &line.sequence.to_string(), &line.at, &line.trace, &line.event, &line.previous];
    let text: Vec<u8> = parts.iter().flat_map(|part| [&(part.len() as u64).to_le_bytes(), part.as_bytes()].concat()).collect();
    HEXLOWER.encode(digest(&SHA256, &text).as_ref())
}

fn chain(run: &str, count: u64) -> Vec<Line> {
    let mut lines: Vec<Line> = Vec::new();
    for sequence in 1..=count {
        let previous = lines.last().map(|line| line.hash.clone()).unwrap_or_default();
        let event = r#"{"event":"closed","outcome":"answered","policy":[],"legs":[],"shown":[]}"#.to_owned();
        let mut line = Line {
            run: run.into(),
            sequence,
            at: format!("2026-11-28T09:00:0{sequence}Z"),
            trace: "q".into(),
            event,
            previous,
            hash: String::new(),
        };
        line.hash = hash(&line);
        lines.push(line);
    }
    lines
}

static HERE: LazyLock<Here> = LazyLock::new(|| {
    let folder = folder();
    let key = SigningKey::open(&folder.join("ledger.pem")).expect("a key");
    let _ = std::fs::remove_dir_all(folder);
    let (one, other) = (chain("a", 5), chain("b", 3));
    let head = |line: &Line| Head { run: line.run.clone(), sequence: line.sequence, hash: line.hash.clone() };
    let (mut course, mut checkpoints) = (Course::default(), String::new());
    // The first and the third name every chain.
    for heads in [
        vec![head(&one[1])],
        vec![head(&one[3]), head(&other[0])],
        vec![head(&one[3]), head(&other[2])],
        vec![head(&one[4]), head(&other[2])],
    ] {
        let next = course.next(heads, "2026-11-28T09:01:00Z".into(), 2, &key).expect("chains go on");
        course.add(&next, &[key.public()]).expect("it holds");
        checkpoints += &(next.line() + "\n");
    }
    let ledger: String = one.iter().chain(&other).map(|line| exported(line) + "\n").collect();
    let last = course.hash().map(|hash| (course.number(), hash.to_owned()));
    let heads = vec![head(&one[4]), head(&other[2])];
    let proof = Proof::new("2026-11-28T09:02:00Z".into(), 0, 8, heads, last, &key).signed(&key);
    let here = Here { key: key.public(), files: [ledger, checkpoints, proof].map(String::into_bytes) };
    let report = here.checked(&here.files, None);
    assert!(report.problems.is_empty() && report.unvouched == 0 && report.verified.lines == 8, "{report:?}");
    here
});

impl Here {
    fn checked(&self, [ledger, checkpoints, proof]: &[Vec<u8>; 3], copy: Option<&[u8]>) -> Report {
        let files = Exported { ledger: ledger.as_slice(), checkpoints: checkpoints.as_slice(), proof: proof.clone() };
        let copies = copy.map(|copy| ("copy".to_owned(), copy)).into_iter().collect();
        verify_export(files, copies, vec![self.key.clone()], |_| {}).expect("bytes can be read")
    }
}

fuzz_target!(|data: &[u8]| {
    let Some((pick, body)) = data.split_first() else { return };
    let here = &*HERE;
    match pick % 6 {
        which @ 0..=2 => {
            let mut files = here.files.clone();
            files[usize::from(which)] = meddled(&files[usize::from(which)], body);
            let report = here.checked(&files, None);
            assert_eq!(report.problems.is_empty(), files == here.files, "an altered export is verified whole");
        }
        3 => {
            let mut parts = body.splitn(3, |byte| *byte == 0).map(<[u8]>::to_vec);
            let files = [(); 3].map(|()| parts.next().unwrap_or_default());
            assert!(!here.checked(&files, None).problems.is_empty(), "nobody signed it");
        }
        4 => {
            let copy = meddled(&here.files[1], body);
            if here.checked(&here.files, Some(&copy)).problems.is_empty() {
                let own: Vec<&[u8]> = here.files[1].split(|byte| *byte == b'\n').collect();
                // All but the ends of lines that stand whole behind them.
                let lines: Vec<&[u8]> = copy.split(|byte| *byte == b'\n').collect();
                let torn = |at: usize| lines.get(at + 1).is_some_and(|next| next.starts_with(lines[at]));
                assert!((0..lines.len()).all(|at| own.contains(&lines[at]) || torn(at)), "a copy that says another thing");
            }
        }
        _ => {
            if let Some(signed) = Signed::read(body) {
                assert_eq!(signed.line().as_bytes(), body, "one checkpoint, two texts");
            }
            if let Ok(event) = serde_json::from_slice::<Event>(body) {
                let text = serde_json::to_string(&event).expect("is written");
                assert_eq!(serde_json::from_str::<Event>(&text).ok(), Some(event), "{text}");
            }
        }
    }
});

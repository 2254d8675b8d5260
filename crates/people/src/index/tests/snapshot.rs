use super::*;

fn file() -> Vec<u8> {
    let index = Index::with(Limits { segment_persons_max: 2, ..Limits::default() });
    for n in 0..5 {
        index.put(&person(&format!("p{n}"), None, vec![entry("uhb", &n.to_string(), "Smith", "1962-03-09")]));
    }
    let mut file = Vec::new();
    index.write_snapshot("42", &KEY, &mut file).unwrap();
    file
}

fn refused(file: &[u8], key: &[u8; 32]) -> String {
    let read = Index::read_snapshot(Limits::default(), key, file, |position| position == "42");
    read.map(|_| ()).unwrap_err().to_string()
}

#[test]
fn a_snapshot_is_read_with_its_key_only() {
    let file = file();
    let (index, position) = Index::read_snapshot(Limits::default(), &KEY, &file[..], |position| position == "42").unwrap();
    assert_eq!((index.count(), position.as_str()), (5, "42"));
    assert_eq!(refused(&file, &[8; 32]), "the snapshot is damaged, or sealed with another key");
}

#[test]
fn a_snapshot_shows_nothing_in_the_open() {
    let file = file();
    let shows = |text: &[u8]| file.windows(text.len()).any(|window| window.eq_ignore_ascii_case(text));
    assert!(!shows(b"smith") && !shows(b"uhb"));
}

#[test]
fn a_damaged_or_shortened_snapshot_is_refused_wherever_it_is_damaged() {
    let file = file();
    for at in 0..file.len() {
        let mut damaged = file.clone();
        damaged[at] ^= 0x40;
        refused(&damaged, &KEY);
        refused(&file[..at], &KEY);
    }
    assert_eq!(refused(&file[..file.len() - 1], &KEY), "the snapshot is cut off");
    assert_eq!(refused(&[&file[..], b"x"].concat(), &KEY), "the snapshot is damaged, or sealed with another key");
    assert_eq!(refused(b"", &KEY), "the snapshot is cut off");
    assert_eq!(refused(&[b'x'; 100], &KEY), "this is no snapshot of the person index");
}

#[test]
fn a_snapshot_of_another_version_kind_or_time_is_refused() {
    let file = file();
    let mut newer = file.clone();
    newer[8] += 1;
    assert!(refused(&newer, &KEY).starts_with("the snapshot is of version 2, this program's is 1"));
    let stale = Index::read_snapshot(Limits::default(), &KEY, &file[..], |_| false);
    assert!(matches!(stale, Err(SnapshotRefused::Stale)));
    let locator = Locator::read_snapshot(Limits::default(), &KEY, &file[..], |_| true);
    assert!(matches!(locator, Err(SnapshotRefused::NotOne("locator"))));
}

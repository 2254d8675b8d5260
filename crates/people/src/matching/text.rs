//! How alike two folded texts are. Works on bytes, on the stack: millions of pairs are compared, and none of them allocates.

/// Longer texts are compared by their first so many bytes.
const BYTES_MAX: usize = 48;

fn cut(text: &str) -> &[u8] {
    &text.as_bytes()[..text.len().min(BYTES_MAX)]
}

/// How many single changes (a letter more, less, other, or two neighbours swapped) lead from one to the other; stops at `limit + 1`.
pub(crate) fn edits(a: &str, b: &str, limit: usize) -> usize {
    let (a, b) = (cut(a), cut(b));
    if a.len().abs_diff(b.len()) > limit {
        return limit + 1;
    }
    let mut rows = [[0u8; BYTES_MAX + 1]; 3];
    for (column, cell) in rows[0].iter_mut().enumerate() {
        *cell = column as u8;
    }
    for i in 1..=a.len() {
        let (this, last, before) = (i % 3, (i + 2) % 3, (i + 1) % 3);
        rows[this][0] = i as u8;
        let mut least = i as u8;
        for j in 1..=b.len() {
            let other = u8::from(a[i - 1] != b[j - 1]);
            let mut cost = (rows[last][j - 1] + other).min(rows[last][j] + 1).min(rows[this][j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                cost = cost.min(rows[before][j - 2] + 1);
            }
            rows[this][j] = cost;
            least = least.min(cost);
        }
        if usize::from(least) > limit {
            return limit + 1;
        }
    }
    usize::from(rows[a.len() % 3][b.len()]).min(limit + 1)
}

/// Jaro-Winkler's likeness, 0 to 1.
pub(crate) fn likeness(a: &str, b: &str) -> f32 {
    let (a, b) = (cut(a), cut(b));
    if a.is_empty() || b.is_empty() {
        return 0.0;
    }
    let window = (a.len().max(b.len()) / 2).saturating_sub(1);
    let mut taken = 0u64; // One bit for each byte of `b`.
    let mut common = [0u8; BYTES_MAX];
    let mut count = 0;
    for (i, byte) in a.iter().enumerate() {
        let from = i.saturating_sub(window);
        for (j, other) in b.iter().enumerate().take((i + window + 1).min(b.len())).skip(from) {
            if taken & (1 << j) == 0 && byte == other {
                taken |= 1 << j;
                common[count] = *byte;
                count += 1;
                break;
            }
        }
    }
    if count == 0 {
        return 0.0;
    }
    let order = b.iter().enumerate().filter(|(j, _)| taken & (1 << j) != 0).map(|(_, byte)| byte);
    let moved = order.zip(&common).filter(|(one, other)| one != other).count() / 2;
    let (m, la, lb) = (count as f32, a.len() as f32, b.len() as f32);
    let jaro = (m / la + m / lb + (m - moved as f32) / m) / 3.0;
    let start = a.iter().zip(b).take(4).take_while(|(one, other)| one == other).count() as f32;
    jaro + start * 0.1 * (1.0 - jaro)
}

/// The share of neighbouring letters that two texts have in common, 0 to 1, wherever they stand: words may change places, blanks come
/// and go.
pub(crate) fn overlap(a: &str, b: &str) -> f32 {
    let (a, b) = (neighbours(a), neighbours(b));
    let count = |bits: &[u64; 8]| bits.iter().map(|word| word.count_ones()).sum::<u32>();
    let (mine, yours) = (count(&a), count(&b));
    let common: u32 = a.iter().zip(&b).map(|(a, b)| (a & b).count_ones()).sum();
    if mine + yours == 0 { 0.0 } else { 2.0 * common as f32 / (mine + yours) as f32 }
}

/// One bit for every two neighbours, blanks left out.
fn neighbours(text: &str) -> [u64; 8] {
    let mut bits = [0u64; 8];
    let mut last = 0u32;
    for byte in text.bytes().filter(|byte| *byte != b' ') {
        let hash = (last.wrapping_mul(0x9E37_79B1) ^ u32::from(byte).wrapping_mul(0x85EB_CA77)).wrapping_mul(0xC2B2_AE3D) >> 23;
        bits[hash as usize / 64] |= 1 << (hash % 64);
        last = u32::from(byte);
    }
    bits
}

/// A name as it sounds in any spelling of it: consonants alone, one for each family of them, none twice in a row. The first letter
/// stays, vowels as one. It is coarse on purpose: Mohammed and Muhamad, Chowdhury and Choudhary are one, and so are Jon and Jane.
pub(crate) fn skeleton(name: &str) -> Skeleton {
    let bytes = name.as_bytes();
    let mut skeleton = Skeleton { bytes: [0; 8], length: 0 };
    let mut last = 0;
    for (i, byte) in bytes.iter().enumerate() {
        let next = bytes.get(i + 1).copied().unwrap_or(0);
        let class = match byte {
            b'a' | b'e' | b'i' | b'o' | b'u' | b'y' if i == 0 => b'a',
            b'a' | b'e' | b'i' | b'o' | b'u' | b'y' => continue,
            b'h' | b'w' if i > 0 => continue,
            b'p' if next == b'h' => b'f',
            b'c' if next == b'h' => b'j',
            b'c' | b'k' | b'q' | b'x' => b'k',
            b'g' | b'j' => b'j',
            b'd' | b't' => b't',
            b'b' | b'p' => *byte,
            b'f' | b'v' | b'w' => b'f',
            b's' | b'z' => b's',
            other => *other,
        };
        if class != last && usize::from(skeleton.length) < skeleton.bytes.len() {
            skeleton.bytes[usize::from(skeleton.length)] = class;
            skeleton.length += 1;
        }
        last = class;
    }
    skeleton
}

/// See [`skeleton`].
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Skeleton {
    bytes: [u8; 8],
    length: u8,
}

impl Skeleton {
    /// How many sounds.
    pub(crate) fn sounds(self) -> u8 {
        self.length
    }

    /// As a number, for keys.
    pub(crate) fn key(self) -> u64 {
        u64::from_le_bytes(self.bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edits_are_counted_up_to_their_limit() {
        let table = [
            ("malik", "malik", 0),
            ("malik", "mlik", 1),
            ("malik", "mailk", 1),
            ("malik", "mallik", 1),
            ("malik", "mblik", 1),
            ("smith", "jones", 3),
            ("", "", 0),
            ("", "ab", 2),
            ("kerry", "kelly", 2),
        ];
        for (a, b, expected) in table {
            assert_eq!(edits(a, b, 2), expected, "{a} {b}");
            assert_eq!(edits(b, a, 2), expected, "{b} {a}");
        }
    }

    #[test]
    fn likeness_is_that_of_jaro_and_winkler() {
        for (a, b) in [("martha", "marhta"), ("dwayne", "duane"), ("dixon", "dicksonx"), ("a", "b"), ("katherine", "catherine")] {
            let expected = strsim::jaro_winkler(a, b) as f32;
            assert!((likeness(a, b) - expected).abs() < 0.02, "{a} {b}: {} {expected}", likeness(a, b));
        }
    }

    #[test]
    fn spellings_of_one_name_sound_alike() {
        for (a, b) in
            [("mohammed", "muhamad"), ("chowdhury", "choudhary"), ("philip", "filip"), ("stephen", "stefan"), ("qureshi", "koreshi")]
        {
            assert!(skeleton(a) == skeleton(b), "{a} {b}");
        }
        assert!(skeleton("malik") != skeleton("khan"));
    }
}

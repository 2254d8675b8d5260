//! Words as people type them.

/// Lower case, one space between words, nothing but letters, digits and what tells words apart; for comparing only.
pub fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for word in text.split_whitespace() {
        if !plain.is_empty() {
            plain.push(' ');
        }
        plain.extend(word.chars().flat_map(char::to_lowercase));
    }
    while plain.ends_with(['.', ',', ';', ':']) {
        plain.pop();
    }
    plain
}

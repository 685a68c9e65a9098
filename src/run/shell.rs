//! Words for a shell: what the workbench copies is pasted into one, and parts of it come from files.

use crate::error::text;

/// A word as a shell takes it: quoted where it holds more than letters, digits and signs that mean
/// nothing. Control codes are left out.
pub fn quoted(word: &str) -> String {
    let word = text::clean(word);
    let plain = |c: char| c.is_ascii_alphanumeric() || "=._-/:,@%+".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.into_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_a_word_holds_stays_one_word() {
        assert_eq!(quoted("features.10"), "features.10");
        assert_eq!(quoted("/my runs"), "'/my runs'");
        assert_eq!(quoted("x; rm -rf ~"), "'x; rm -rf ~'");
        assert_eq!(quoted("it's $HOME\n\u{1b}[2J"), r"'it'\''s $HOME [2J'");
        assert_eq!(quoted(""), "''");
    }
}

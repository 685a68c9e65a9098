//! One key press: from the terminal's event, from and to the way people write it.

use std::fmt;

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

/// A key with its modifiers. `c` and `C` differ; Shift is not kept for characters, because the
/// character already tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Key {
    /// Which.
    pub code: KeyCode,
    /// Held down with it: Ctrl, Alt, and Shift for keys that are no characters.
    pub modifiers: KeyModifiers,
}

const NAMED: &[(&str, KeyCode)] = &[
    ("Space", KeyCode::Char(' ')),
    ("Enter", KeyCode::Enter),
    ("Esc", KeyCode::Esc),
    ("Tab", KeyCode::Tab),
    ("Shift-Tab", KeyCode::BackTab),
    ("Backspace", KeyCode::Backspace),
    ("Delete", KeyCode::Delete),
    ("Insert", KeyCode::Insert),
    ("Up", KeyCode::Up),
    ("Down", KeyCode::Down),
    ("Left", KeyCode::Left),
    ("Right", KeyCode::Right),
    ("Home", KeyCode::Home),
    ("End", KeyCode::End),
    ("PgUp", KeyCode::PageUp),
    ("PgDn", KeyCode::PageDown),
];

impl Key {
    /// One layer back, as terminals send it.
    pub const ESCAPE: Key = Key { code: KeyCode::Esc, modifiers: KeyModifiers::NONE };

    /// The key that was pressed after Esc, if this is Esc and a character in one piece: terminals
    /// send the same for Alt.
    pub fn after_escape(self) -> Option<Self> {
        let is_both = self.modifiers == KeyModifiers::ALT && matches!(self.code, KeyCode::Char(_));
        is_both.then(|| Self::new(self.code, KeyModifiers::NONE))
    }

    /// The key of an event; `None` for a release, or for modifiers alone.
    pub fn from_event(event: &KeyEvent) -> Option<Self> {
        if event.kind == KeyEventKind::Release || matches!(event.code, KeyCode::Modifier(_)) {
            return None;
        }
        Some(Self::new(event.code, event.modifiers))
    }

    /// A key as it is compared: Shift dropped where the code already tells.
    pub fn new(code: KeyCode, modifiers: KeyModifiers) -> Self {
        let mut modifiers =
            modifiers & (KeyModifiers::CONTROL | KeyModifiers::ALT | KeyModifiers::SHIFT);
        let mut code = code;
        if code == KeyCode::Tab && modifiers.contains(KeyModifiers::SHIFT) {
            code = KeyCode::BackTab;
        }
        if matches!(code, KeyCode::Char(_) | KeyCode::BackTab) {
            modifiers.remove(KeyModifiers::SHIFT);
        }
        if let KeyCode::Char(c) = code
            && modifiers.contains(KeyModifiers::CONTROL)
        {
            // Terminals cannot tell Ctrl-l from Ctrl-L.
            code = KeyCode::Char(c.to_ascii_lowercase());
        }
        Self { code, modifiers }
    }

    /// The character it types into a text field, if it types one.
    pub fn typed(self) -> Option<char> {
        match self.code {
            KeyCode::Char(c) if self.modifiers.is_empty() && !c.is_control() => Some(c),
            _ => None,
        }
    }

    /// `q`, `?`, `Space`, `Ctrl-l`, `Alt-Enter`, `Shift-Tab`, `F1`.
    pub fn parse(text: &str) -> Option<Self> {
        let mut modifiers = KeyModifiers::NONE;
        let mut rest = text;
        let code = loop {
            if let Some((_, code)) = NAMED.iter().find(|(n, _)| n.eq_ignore_ascii_case(rest)) {
                break *code;
            }
            let mut characters = rest.chars();
            if let (Some(c), None) = (characters.next(), characters.next()) {
                if c.is_control() || c == ' ' {
                    return None;
                }
                break KeyCode::Char(c);
            }
            if let Some(number) = rest.strip_prefix('F').and_then(|n| n.parse().ok())
                && (1..=24).contains(&number)
            {
                break KeyCode::F(number);
            }
            let (modifier, after) = rest.split_once('-')?;
            modifiers |= match modifier.to_ascii_lowercase().as_str() {
                "ctrl" => KeyModifiers::CONTROL,
                "alt" => KeyModifiers::ALT,
                "shift" => KeyModifiers::SHIFT,
                _ => return None,
            };
            rest = after;
        };
        if matches!(code, KeyCode::Char(_)) && modifiers.contains(KeyModifiers::SHIFT) {
            return None; // write the character that Shift makes
        }
        Some(Self::new(code, modifiers))
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (modifier, name) in [
            (KeyModifiers::CONTROL, "Ctrl-"),
            (KeyModifiers::ALT, "Alt-"),
            (KeyModifiers::SHIFT, "Shift-"),
        ] {
            if self.modifiers.contains(modifier) {
                f.write_str(name)?;
            }
        }
        if let Some((name, _)) = NAMED.iter().find(|(_, code)| *code == self.code) {
            return f.write_str(name);
        }
        match self.code {
            KeyCode::Char(c) => write!(f, "{c}"),
            KeyCode::F(n) => write!(f, "F{n}"),
            other => write!(f, "{other}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn c_and_capital_c_differ_and_shift_does_not_count_twice() {
        let shifted = Key::new(KeyCode::Char('C'), KeyModifiers::SHIFT);
        assert_eq!(Some(shifted), Key::parse("C"));
        assert_ne!(Key::parse("c"), Key::parse("C"));
    }

    #[test]
    fn a_release_is_no_key() {
        let event =
            KeyEvent::new_with_kind(KeyCode::Char('q'), KeyModifiers::NONE, KeyEventKind::Release);
        assert_eq!(Key::from_event(&event), None);
    }

    #[test]
    fn nonsense_is_refused() {
        for text in ["", "Ctrl-", "Hyper-x", "F99", "Shift-a", "ab"] {
            assert_eq!(Key::parse(text), None, "{text}");
        }
    }

    #[test]
    fn the_dash_is_a_key_too() {
        assert_eq!(Key::parse("-").unwrap().code, KeyCode::Char('-'));
        assert_eq!(Key::parse("Ctrl--").unwrap().code, KeyCode::Char('-'));
    }

    proptest! {
        #[test]
        fn what_is_printed_parses_back(
            code in prop_oneof![
                any::<char>().prop_filter("visible", |c| !c.is_control()).prop_map(KeyCode::Char),
                (1u8..=24).prop_map(KeyCode::F),
                proptest::sample::select(NAMED).prop_map(|(_, code)| code),
            ],
            bits in 0u8..8,
        ) {
            let key = Key::new(code, KeyModifiers::from_bits_truncate(bits));
            prop_assert_eq!(Key::parse(&key.to_string()), Some(key));
        }
    }
}

//! Keys and mouse as terminals have always sent them: the escape sequences of xterm and its kin.

use crossterm::event::{
    Event, KeyCode, KeyEvent, KeyModifiers, MouseButton, MouseEvent, MouseEventKind,
};

fn key(code: KeyCode, modifiers: KeyModifiers) -> Event {
    Event::Key(KeyEvent::new(code, modifiers))
}

/// A character from the keyboard. Control characters are the keys that make them.
pub(super) fn typed(c: char, alt: bool) -> Event {
    let control = |c: char| (KeyCode::Char(c), KeyModifiers::CONTROL);
    let below = |offset: u8| char::from(c as u8 + offset);
    let (code, modifiers) = match c {
        // Not '\n': Enter sends that in no raw mode, Ctrl-J does.
        '\r' => (KeyCode::Enter, KeyModifiers::NONE),
        '\t' => (KeyCode::Tab, KeyModifiers::NONE),
        // Some terminals' Backspace is Ctrl-H, and nothing tells them apart.
        '\u{7f}' | '\u{8}' => (KeyCode::Backspace, KeyModifiers::NONE),
        '\0' => control(' '),
        '\u{1}'..='\u{1a}' => control(below(b'a' - 1)),
        '\u{1b}' => (KeyCode::Esc, KeyModifiers::NONE),
        '\u{1c}'..='\u{1f}' => control(below(b'4' - 0x1c)),
        c if c.is_uppercase() => (KeyCode::Char(c), KeyModifiers::SHIFT),
        c => (KeyCode::Char(c), KeyModifiers::NONE),
    };
    key(code, if alt { modifiers | KeyModifiers::ALT } else { modifiers })
}

/// `ESC O letter`
pub(super) fn single_shift(letter: u8) -> Option<Event> {
    let code = match letter {
        b'M' => KeyCode::Enter,
        b'P'..=b'S' => KeyCode::F(1 + letter - b'P'),
        _ => arrow(letter)?,
    };
    Some(key(code, KeyModifiers::NONE))
}

/// `ESC [ [ letter`: the Linux console's F1 to F5.
pub(super) fn console(letter: u8) -> Option<Event> {
    matches!(letter, b'A'..=b'E').then(|| key(KeyCode::F(1 + letter - b'A'), KeyModifiers::NONE))
}

fn arrow(letter: u8) -> Option<KeyCode> {
    Some(match letter {
        b'A' => KeyCode::Up,
        b'B' => KeyCode::Down,
        b'C' => KeyCode::Right,
        b'D' => KeyCode::Left,
        b'H' => KeyCode::Home,
        b'F' => KeyCode::End,
        _ => return None,
    })
}

/// `ESC [ parameters letter`; `None` for what is no key.
pub(super) fn control(parameters: &str, end: u8) -> Option<Event> {
    if let Some(mouse) = parameters.strip_prefix('<') {
        return self::mouse(mouse, end == b'm').filter(|_| matches!(end, b'M' | b'm'));
    }
    if !parameters.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b';' | b':')) {
        return None;
    }
    let mut numbers = parameters.split(';');
    let first: u32 = match numbers.next() {
        None | Some("") => 1,
        Some(number) => number.parse().ok()?,
    };
    // `5:3` is Ctrl, released; only with a keyboard protocol that nobody asked for.
    let mut second = numbers.next().unwrap_or("1").split(':');
    let modifiers = modifiers(second.next().and_then(|number| number.parse().ok()).unwrap_or(1));
    if second.next() == Some("3") {
        return None;
    }
    let code = match (end, parameters) {
        (b'I', "") => return Some(Event::FocusGained),
        (b'O', "") => return Some(Event::FocusLost),
        (b'Z', _) => return Some(key(KeyCode::BackTab, modifiers | KeyModifiers::SHIFT)),
        // F3 with a modifier is what a cursor position looks like, which nobody asks for.
        (b'P' | b'Q' | b'S', _) => KeyCode::F(1 + end - b'P'),
        // xterm's modifyOtherKeys.
        (b'~', _) if first == 27 => {
            let c = char::from_u32(numbers.next()?.parse().ok()?)?;
            return Some(with(c, modifiers));
        }
        (b'~', _) => numbered(first)?,
        (b'u', _) => return Some(with(char::from_u32(first)?, modifiers)),
        _ => arrow(end)?,
    };
    Some(key(code, modifiers))
}

/// A character that was pressed with these.
fn with(c: char, modifiers: KeyModifiers) -> Event {
    if modifiers.is_empty() {
        return typed(c, false);
    }
    let code = match c {
        '\r' => KeyCode::Enter,
        '\t' => KeyCode::Tab,
        '\u{1b}' => KeyCode::Esc,
        '\u{7f}' => KeyCode::Backspace,
        c => KeyCode::Char(c),
    };
    key(code, modifiers)
}

fn numbered(number: u32) -> Option<KeyCode> {
    Some(match number {
        1 | 7 => KeyCode::Home,
        2 => KeyCode::Insert,
        3 => KeyCode::Delete,
        4 | 8 => KeyCode::End,
        5 => KeyCode::PageUp,
        6 => KeyCode::PageDown,
        11..=15 => KeyCode::F(number as u8 - 10),
        17..=21 => KeyCode::F(number as u8 - 11),
        23..=26 => KeyCode::F(number as u8 - 12),
        28..=29 => KeyCode::F(number as u8 - 13),
        31..=34 => KeyCode::F(number as u8 - 14),
        _ => return None,
    })
}

/// xterm's number for them is 1 and a bit for each.
fn modifiers(number: u8) -> KeyModifiers {
    let bits = number.saturating_sub(1);
    [(1, KeyModifiers::SHIFT), (2, KeyModifiers::ALT), (4, KeyModifiers::CONTROL)]
        .into_iter()
        .filter(|(bit, _)| bits & bit != 0)
        .fold(KeyModifiers::NONE, |all, (_, modifier)| all | modifier)
}

/// SGR: `button;column;row`, from 1.
fn mouse(parameters: &str, released: bool) -> Option<Event> {
    let mut numbers = parameters.split(';').map(|number| number.parse::<u16>().ok());
    let (bits, column, row) = (numbers.next()??, numbers.next()??, numbers.next()??);
    let button = match bits & 3 {
        0 => MouseButton::Left,
        1 => MouseButton::Middle,
        _ => MouseButton::Right,
    };
    let kind = match (bits & 0b1110_0011, released) {
        (64, _) => MouseEventKind::ScrollUp,
        (65, _) => MouseEventKind::ScrollDown,
        (66, _) => MouseEventKind::ScrollLeft,
        (67, _) => MouseEventKind::ScrollRight,
        (35, _) => MouseEventKind::Moved,
        (0..3, true) => MouseEventKind::Up(button),
        (0..3, false) => MouseEventKind::Down(button),
        (32..35, _) => MouseEventKind::Drag(button),
        _ => return None,
    };
    let modifier = |bit: u16, modifier| if bits & bit != 0 { modifier } else { KeyModifiers::NONE };
    let modifiers = modifier(4, KeyModifiers::SHIFT)
        | modifier(8, KeyModifiers::ALT)
        | modifier(16, KeyModifiers::CONTROL);
    let (column, row) = (column.checked_sub(1)?, row.checked_sub(1)?);
    Some(Event::Mouse(MouseEvent { kind, column, row, modifiers }))
}

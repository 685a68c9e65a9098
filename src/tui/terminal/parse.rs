//! What a terminal sends, taken apart: keys, mouse and pastes on one side, answers to questions on
//! the other. Both come in one stream of bytes, and an answer may come at any time, in any pieces;
//! taken for keys it would do things. So there is one parser, from the first question to the end.

use crossterm::event::{Event, KeyCode, KeyEvent, KeyModifiers};

use super::keys;

/// A piece of the stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// The user did something.
    Event(Event),
    /// The terminal answered.
    Answer(Answer),
}

/// What a terminal answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// DA1, what it can do: 4 is sixel.
    Attributes(Vec<u16>),
    /// `CSI 16 t`: pixels across and down a cell.
    CellSize(u16, u16),
    /// XTVERSION, its name and version: `kitty(0.41.1)`.
    Version(String),
    /// OSC 11, its background: red, green, blue.
    Background([u8; 3]),
    /// To kitty's graphics query of this number: whether it understood.
    Graphics(u32, bool),
    /// DSR: everything that was sent before has been taken in.
    Ready,
}

/// How long what has come so far may stand before [`Parser::flush`] takes it for keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Waiting {
    /// Nothing is left over.
    No,
    /// A lone Esc, or the beginning of a key: as long as a person would not notice.
    Shortly,
    /// The middle of an answer: as long as a slow line may take.
    Long,
    /// The middle of a paste, which has an end of its own.
    ForItsEnd,
}

/// Takes bytes in any pieces.
#[derive(Debug, Default)]
pub struct Parser {
    buffer: Vec<u8>,
}

/// What the beginning of the buffer is.
enum Step {
    /// So many bytes, and what they mean; `None` = nothing to us.
    Taken(usize, Option<Input>),
    /// It may go on.
    Unfinished,
}

const PASTE_START: &[u8] = b"\x1b[200~";
const PASTE_END: &[u8] = b"\x1b[201~";
/// No answer is longer; what goes on without an end is not one.
const LONGEST_ANSWER: usize = 4096;

impl Parser {
    /// Takes bytes in; answers what is complete.
    pub fn feed(&mut self, bytes: &[u8]) -> Vec<Input> {
        self.buffer.extend_from_slice(bytes);
        self.take(false)
    }

    /// Nothing more has come for as long as [`Parser::waiting`] says: what stands there is keys, or
    /// a piece of an answer whose rest was lost.
    pub fn flush(&mut self) -> Vec<Input> {
        self.take(true)
    }

    /// Whether something stands there unfinished.
    pub fn waiting(&self) -> Waiting {
        match self.buffer.as_slice() {
            [] => Waiting::No,
            buffer if buffer.starts_with(PASTE_START) => Waiting::ForItsEnd,
            [0x1b, b']' | b'P' | b'_', _, ..] => Waiting::Long,
            _ => Waiting::Shortly,
        }
    }

    fn take(&mut self, is_over: bool) -> Vec<Input> {
        let mut inputs = Vec::new();
        let mut at = 0;
        while at < self.buffer.len() {
            let rest = &self.buffer[at..];
            match step(rest) {
                Step::Taken(length, input) => {
                    at += length.max(1);
                    inputs.extend(input);
                }
                Step::Unfinished if is_over && !rest.starts_with(PASTE_START) => {
                    let (length, event) = given_up(rest);
                    at += length;
                    inputs.extend(event.map(Input::Event));
                }
                Step::Unfinished => break,
            }
        }
        self.buffer.drain(..at);
        inputs
    }
}

/// What an unfinished beginning was, after all: its length, and the key.
fn given_up(buffer: &[u8]) -> (usize, Option<Event>) {
    let key = |code, modifiers| Some(Event::Key(KeyEvent::new(code, modifiers)));
    match buffer {
        [0x1b] => (1, key(KeyCode::Esc, KeyModifiers::NONE)),
        [0x1b, byte @ (b'[' | b']' | b'P' | b'_' | b'O')] => {
            (2, key(KeyCode::Char(char::from(*byte)), KeyModifiers::ALT))
        }
        // A piece of a sequence or of a character.
        _ => (buffer.len(), None),
    }
}

fn step(buffer: &[u8]) -> Step {
    match buffer {
        [] | [0x1b] | [0x1b, b'O'] => Step::Unfinished,
        [0x1b, 0x1b, ..] => Step::Taken(1, Some(Input::Event(Event::Key(KeyCode::Esc.into())))),
        [0x1b, b'[', ..] => control_sequence(buffer),
        [0x1b, b'O', letter, ..] => match keys::single_shift(*letter) {
            Some(event) => Step::Taken(3, Some(Input::Event(event))),
            None => character(buffer),
        },
        [0x1b, kind @ (b']' | b'P' | b'_'), rest @ ..] => match rest.first() {
            None => Step::Unfinished,
            // Only what answers begin with: whoever types Alt-P goes on with something else.
            Some(byte) if begins_answer(*kind, *byte) => string(buffer, *kind),
            Some(_) => character(buffer),
        },
        _ => character(buffer),
    }
}

fn begins_answer(kind: u8, byte: u8) -> bool {
    match kind {
        b']' => byte.is_ascii_digit(),
        b'P' => byte.is_ascii_digit() || matches!(byte, b'>' | b'!' | b'$'),
        _ => byte == b'G',
    }
}

/// A key that is one character, perhaps with Alt (Esc before it).
fn character(buffer: &[u8]) -> Step {
    let (alt, rest) = match buffer {
        [0x1b, rest @ ..] => (true, rest),
        _ => (false, buffer),
    };
    let Some(first) = rest.first() else { return Step::Unfinished };
    let length = match first {
        0xc2..=0xdf => 2,
        0xe0..=0xef => 3,
        0xf0..=0xf4 => 4,
        _ => 1,
    };
    // Only as long as it can still become one.
    let present = rest.iter().take(length).skip(1).take_while(|byte| **byte & 0xc0 == 0x80).count();
    if rest.len() < length && present + 1 == rest.len() {
        return Step::Unfinished;
    }
    let taken = usize::from(alt) + 1 + present;
    let text = rest.get(..=present).and_then(|bytes| std::str::from_utf8(bytes).ok());
    let event = text.and_then(|text| text.chars().next()).map(|c| keys::typed(c, alt));
    Step::Taken(taken, event.map(Input::Event))
}

/// `ESC [ … letter`
fn control_sequence(buffer: &[u8]) -> Step {
    if buffer.starts_with(PASTE_START) {
        let text = &buffer[PASTE_START.len()..];
        let Some(end) = text.windows(PASTE_END.len()).position(|bytes| bytes == PASTE_END) else {
            return Step::Unfinished;
        };
        let pasted = String::from_utf8_lossy(&text[..end]).into_owned();
        let length = PASTE_START.len() + end + PASTE_END.len();
        return Step::Taken(length, Some(Input::Event(Event::Paste(pasted))));
    }
    let body = &buffer[2..];
    // The Linux console's function keys.
    if let [b'[', rest @ ..] = body {
        return match rest.first() {
            None => Step::Unfinished,
            Some(letter) => Step::Taken(4, keys::console(*letter).map(Input::Event)),
        };
    }
    let length = body.iter().take_while(|byte| matches!(byte, 0x20..=0x3f)).count();
    let Some(end) = body.get(length) else {
        return if length < LONGEST_ANSWER { Step::Unfinished } else { Step::Taken(2, None) };
    };
    if !matches!(end, 0x40..=0x7e) {
        // Cut off in the middle: what follows is something else.
        return match length {
            0 => Step::Taken(2, Some(Input::Event(keys::typed('[', true)))),
            _ => Step::Taken(2 + length, None),
        };
    }
    // The mouse as it was before SGR: three bytes follow.
    if *end == b'M' && length == 0 {
        return if body.len() < 4 { Step::Unfinished } else { Step::Taken(6, None) };
    }
    let parameters = std::str::from_utf8(&body[..length]).unwrap_or_default();
    let input = answer(parameters, *end)
        .map(Input::Answer)
        .or_else(|| keys::control(parameters, *end).map(Input::Event));
    Step::Taken(3 + length, input)
}

fn answer(parameters: &str, end: u8) -> Option<Answer> {
    // kitty leaves the last one empty: `?62;`.
    let numbers = |text: &str| {
        let given = text.split(';').filter(|number| !number.is_empty());
        given.map(|number| number.parse().ok()).collect::<Option<Vec<u16>>>()
    };
    match (end, parameters) {
        (b'c', _) => Some(Answer::Attributes(numbers(parameters.strip_prefix('?')?)?)),
        (b'n', "0") => Some(Answer::Ready),
        (b't', _) => match numbers(parameters)?[..] {
            [6, height, width] if width > 0 && height > 0 => Some(Answer::CellSize(width, height)),
            _ => None,
        },
        _ => None,
    }
}

/// `ESC ] … BEL` or `ESC P … ESC \` or `ESC _ … ESC \`
fn string(buffer: &[u8], kind: u8) -> Step {
    let body = &buffer[2..];
    let end = body.iter().position(|byte| matches!(byte, 0x1b | 0x07 | 0x9c | 0x18 | 0x1a));
    let Some(end) = end else {
        return if body.len() < LONGEST_ANSWER { Step::Unfinished } else { Step::Taken(2, None) };
    };
    let length = match &body[end..] {
        [0x1b, b'\\', ..] => end + 2,
        [0x1b] => return Step::Unfinished,
        // Cut off by another sequence.
        [0x1b, ..] => return Step::Taken(2 + end, None),
        _ => end + 1,
    };
    let text = String::from_utf8_lossy(&body[..end]);
    let answer = match kind {
        b']' => text.strip_prefix("11;").and_then(colour).map(Answer::Background),
        b'P' => text.strip_prefix(">|").map(|name| Answer::Version(name.to_owned())),
        _ => graphics(&text),
    };
    Step::Taken(2 + length, answer.map(Input::Answer))
}

/// `rgb:ffff/ffff/ffff`, one to four digits a channel.
fn colour(text: &str) -> Option<[u8; 3]> {
    let text = text.strip_prefix("rgb:").or_else(|| text.strip_prefix("rgba:"))?;
    let mut channels = text.split('/').map(|digits| {
        let most = 16_u32.checked_pow(digits.len() as u32)?.checked_sub(1)?;
        let value = u32::from_str_radix(digits, 16).ok()?;
        (digits.len() <= 4).then(|| (value * 255).checked_div(most).unwrap_or(0) as u8)
    });
    Some([channels.next()??, channels.next()??, channels.next()??])
}

/// `Gi=31;OK`
fn graphics(text: &str) -> Option<Answer> {
    let (keys, message) = text.strip_prefix('G')?.split_once(';')?;
    let number = keys.split(',').find_map(|key| key.strip_prefix("i=")?.parse().ok())?;
    Some(Answer::Graphics(number, message == "OK"))
}

#[cfg(test)]
mod tests;

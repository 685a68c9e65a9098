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
    /// The middle of a sequence, which no person types: as long as a slow line may take.
    Long,
    /// The middle of a paste, which has an end of its own. Should that be lost, keys are to be keys
    /// again one day.
    ForItsEnd,
}

/// Takes bytes in any pieces.
#[derive(Debug, Default)]
pub struct Parser {
    buffer: Vec<u8>,
    /// How much of the text of a paste was searched for its end.
    searched: usize,
    /// The beginning of what was given up. Its rest may come all the same, and is no keys.
    late: Vec<u8>,
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
/// Of a longer paste the first so many bytes are taken.
const LONGEST_PASTE: usize = 1 << 20;
/// No answer is longer; what goes on without an end is not one, and means nothing.
const LONGEST_ANSWER: usize = 4096;
/// No key that is pressed sends more at once.
const LONGEST_KEY: usize = 16;

impl Parser {
    /// Takes bytes in; answers what is complete.
    pub fn feed(&mut self, bytes: &[u8]) -> Vec<Input> {
        let late = std::mem::take(&mut self.late);
        // After a paste without an end a person's keys are keys.
        let goes_on = bytes.len() > LONGEST_KEY || find(bytes, PASTE_END).is_some();
        if late != PASTE_START || goes_on {
            self.buffer.extend(late);
        }
        self.buffer.extend_from_slice(bytes);
        self.take(false)
    }

    /// Nothing more has come for as long as [`Parser::waiting`] says: what stands there is keys, or
    /// a piece of a sequence whose rest is late, and lost if this is said once more.
    pub fn flush(&mut self) -> Vec<Input> {
        self.late.clear();
        self.take(true)
    }

    /// Whether something stands there unfinished.
    pub fn waiting(&self) -> Waiting {
        match self.buffer.as_slice() {
            [] if self.late.is_empty() => Waiting::No,
            [] => Waiting::Long,
            buffer if buffer.starts_with(PASTE_START) => Waiting::ForItsEnd,
            buffer if is_no_key(buffer) => Waiting::Long,
            _ => Waiting::Shortly,
        }
    }

    fn take(&mut self, is_over: bool) -> Vec<Input> {
        let mut inputs = Vec::new();
        let mut at = 0;
        while at < self.buffer.len() {
            let rest = &self.buffer[at..];
            let step = match rest.strip_prefix(PASTE_START) {
                Some(text) => paste(text, &mut self.searched),
                None => step(rest),
            };
            match step {
                Step::Taken(length, input) => {
                    at += length.max(1);
                    inputs.extend(input);
                }
                Step::Unfinished if is_over => {
                    if let Some(text) = rest.strip_prefix(PASTE_START) {
                        inputs.push(pasted(text));
                        self.late = PASTE_START.to_vec();
                        self.searched = 0;
                        at = self.buffer.len();
                    } else if is_no_key(rest) {
                        self.late = rest.to_vec();
                        at = self.buffer.len();
                    } else {
                        let (length, event) = given_up(rest);
                        at += length;
                        inputs.extend(event.map(Input::Event));
                    }
                }
                Step::Unfinished => break,
            }
        }
        self.buffer.drain(..at);
        self.bound();
        inputs
    }

    /// However much comes without an end, only so much is kept of it.
    fn bound(&mut self) {
        let most = PASTE_START.len() + LONGEST_PASTE;
        if self.buffer.starts_with(PASTE_START) {
            let end = self.buffer.len() - (PASTE_END.len() - 1);
            if end > most {
                self.buffer.drain(most..end);
                // Not across the gap: the end would be none.
                self.searched = LONGEST_PASTE;
            }
        } else if self.buffer.len() > LONGEST_ANSWER {
            // Goes on as what nothing is known by.
            self.buffer = match self.buffer.get(1) {
                Some(b'[') => b"\x1b[!".to_vec(),
                Some(b']') => b"\x1b]0".to_vec(),
                Some(b'P') => b"\x1bP0".to_vec(),
                _ => b"\x1b_G;".to_vec(),
            };
        }
    }
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}

/// Whether this beginning is one that no person types: several bytes of a sequence, or half a
/// character.
fn is_no_key(buffer: &[u8]) -> bool {
    matches!(
        buffer,
        [0x1b, b'[' | b']' | b'P' | b'_', _, ..] | [0xc2..=0xf4, ..] | [0x1b, 0xc2..=0xf4, ..]
    )
}

/// The text of a paste, without its beginning; `searched`: how far its end has been looked for.
fn paste(text: &[u8], searched: &mut usize) -> Step {
    let from = (*searched).min(text.len());
    let Some(end) = find(&text[from..], PASTE_END) else {
        *searched = from.max(text.len().saturating_sub(PASTE_END.len() - 1));
        return Step::Unfinished;
    };
    *searched = 0;
    let end = from + end;
    Step::Taken(PASTE_START.len() + end + PASTE_END.len(), Some(pasted(&text[..end])))
}

fn pasted(text: &[u8]) -> Input {
    let text = &text[..text.len().min(LONGEST_PASTE)];
    Input::Event(Event::Paste(String::from_utf8_lossy(text).into_owned()))
}

/// What an unfinished beginning was, after all: its length, and the key.
fn given_up(buffer: &[u8]) -> (usize, Option<Event>) {
    let key = |code, modifiers| Some(Event::Key(KeyEvent::new(code, modifiers)));
    match buffer {
        [0x1b] => (1, key(KeyCode::Esc, KeyModifiers::NONE)),
        [0x1b, byte @ (b'[' | b']' | b'P' | b'_' | b'O')] => {
            (2, key(KeyCode::Char(char::from(*byte)), KeyModifiers::ALT))
        }
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
    let body = &buffer[2..];
    // The Linux console's function keys.
    if let [b'[', rest @ ..] = body {
        return match rest.first() {
            None => Step::Unfinished,
            Some(letter) => match keys::console(*letter) {
                Some(key) => Step::Taken(4, Some(Input::Event(key))),
                // Perhaps the next sequence.
                None => Step::Taken(3, None),
            },
        };
    }
    let length = body.iter().take_while(|byte| matches!(byte, 0x20..=0x3f)).count();
    let Some(end) = body.get(length) else { return Step::Unfinished };
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
    // Not 0x9c, which is the end for terminals of 8 bits, and in UTF-8 half of a letter.
    let Some(end) = body.iter().position(|byte| *byte < 0x20) else { return Step::Unfinished };
    let length = match &body[end..] {
        [0x1b, b'\\', ..] => end + 2,
        [0x1b] => return Step::Unfinished,
        [0x07, ..] => end + 1,
        // Cut off by another sequence, or by a key such as Ctrl-C.
        _ => return Step::Taken(2 + end, None),
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

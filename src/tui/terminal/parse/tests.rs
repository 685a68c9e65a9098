//! Every key and every answer, in whatever pieces they come.

use proptest::prelude::*;

use super::*;

fn all(bytes: &[u8]) -> Vec<Input> {
    let mut parser = Parser::default();
    let mut inputs = parser.feed(bytes);
    inputs.extend(parser.flush());
    inputs
}

fn key(code: KeyCode, modifiers: KeyModifiers) -> Input {
    Input::Event(Event::Key(KeyEvent::new(code, modifiers)))
}

fn typed(text: &str) -> Vec<Input> {
    text.chars().map(|c| Input::Event(keys::typed(c, false))).collect()
}

/// What real terminals send, and what it means.
fn samples() -> Vec<(&'static [u8], Option<Input>)> {
    use KeyCode::{BackTab, Backspace, Char, Delete, Down, Enter, F, Home, Left, PageUp, Up};
    use KeyModifiers as With;
    let answer = |answer| Some(Input::Answer(answer));
    let key = |code, modifiers| Some(key(code, modifiers));
    vec![
        (b"q", key(Char('q'), With::NONE)),
        (b"Q", key(Char('Q'), With::SHIFT)),
        ("ö".as_bytes(), key(Char('ö'), With::NONE)),
        ("€".as_bytes(), key(Char('€'), With::NONE)),
        (b"\r", key(Enter, With::NONE)),
        (b"\x7f", key(Backspace, With::NONE)),
        (b"\x03", key(Char('c'), With::CONTROL)),
        (b"\x0c", key(Char('l'), With::CONTROL)),
        (b"\x1bx", key(Char('x'), With::ALT)),
        (b"\x1b[A", key(Up, With::NONE)),
        (b"\x1bOB", key(Down, With::NONE)),
        (b"\x1b[1;5D", key(Left, With::CONTROL)),
        (b"\x1b[H", key(Home, With::NONE)),
        (b"\x1b[5~", key(PageUp, With::NONE)),
        (b"\x1b[3;2~", key(Delete, With::SHIFT)),
        (b"\x1b[Z", key(BackTab, With::SHIFT)),
        (b"\x1bOP", key(F(1), With::NONE)),
        (b"\x1b[15~", key(F(5), With::NONE)),
        (b"\x1b[[C", key(F(3), With::NONE)),
        (b"\x1b[I", Some(Input::Event(Event::FocusGained))),
        (b"\x1b[200~two\x1b[A\nlines\x1b[201~", {
            Some(Input::Event(Event::Paste("two\x1b[A\nlines".into())))
        }),
        (b"\x1b[?62;4;22c", answer(Answer::Attributes(vec![62, 4, 22]))),
        (b"\x1b[?62;c", answer(Answer::Attributes(vec![62]))),
        (b"\x1b[?1;2c", answer(Answer::Attributes(vec![1, 2]))),
        (b"\x1b[6;20;10t", answer(Answer::CellSize(10, 20))),
        (b"\x1b[0n", answer(Answer::Ready)),
        (b"\x1bP>|kitty(0.41.1)\x1b\\", answer(Answer::Version("kitty(0.41.1)".into()))),
        (b"\x1bP>|XTerm(379)\x1b\\", answer(Answer::Version("XTerm(379)".into()))),
        (b"\x1b]11;rgb:1414/1717/1d1d\x1b\\", answer(Answer::Background([0x14, 0x17, 0x1d]))),
        (b"\x1b]11;rgb:ff/ff/ff\x07", answer(Answer::Background([255; 3]))),
        (b"\x1b_Gi=31;OK\x1b\\", answer(Answer::Graphics(31, true))),
        (b"\x1b_Gi=32;EINVAL:no\x1b\\", answer(Answer::Graphics(32, false))),
        // Nobody asked, and nothing may come of it.
        (b"\x1b[?997;1n", None),
        (b"\x1b[12;40R", None),
        (b"\x1b[>1;4000;33c", None),
        (b"\x1b[?2026;2$y", None),
        (b"\x1b]10;rgb:0/0/0\x07", None),
        (b"\x1bP1$r0m\x1b\\", None),
    ]
}

#[test]
fn keys_and_answers_are_told_apart() {
    for (bytes, meant) in samples() {
        let shown = bytes.escape_ascii();
        assert_eq!(all(bytes), meant.into_iter().collect::<Vec<_>>(), "{shown}");
    }
}

#[test]
fn a_lone_escape_is_a_key_once_nothing_follows() {
    let mut parser = Parser::default();
    assert_eq!(parser.feed(b"\x1b"), []);
    assert_eq!(parser.waiting(), Waiting::Shortly);
    assert_eq!(parser.flush(), [key(KeyCode::Esc, KeyModifiers::NONE)]);
    assert_eq!(parser.waiting(), Waiting::No);
    assert_eq!(all(b"\x1b\x1b"), vec![key(KeyCode::Esc, KeyModifiers::NONE); 2]);
    assert_eq!(all(b"\x1b]"), [key(KeyCode::Char(']'), KeyModifiers::ALT)]);
    assert_eq!(all(b"\x1bPq")[1], key(KeyCode::Char('q'), KeyModifiers::NONE));
}

#[test]
fn the_mouse_counts_from_nought() {
    use crossterm::event::{MouseButton, MouseEventKind};
    let kind = |bytes: &[u8]| match &all(bytes)[..] {
        [Input::Event(Event::Mouse(mouse))] => Some((mouse.kind, mouse.column, mouse.row)),
        _ => None,
    };
    let left = MouseButton::Left;
    assert_eq!(kind(b"\x1b[<0;1;5M"), Some((MouseEventKind::Down(left), 0, 4)));
    assert_eq!(kind(b"\x1b[<0;200;50m"), Some((MouseEventKind::Up(left), 199, 49)));
    assert_eq!(kind(b"\x1b[<32;7;8M"), Some((MouseEventKind::Drag(left), 6, 7)));
    assert_eq!(kind(b"\x1b[<65;7;8M"), Some((MouseEventKind::ScrollDown, 6, 7)));
    assert_eq!(kind(b"\x1b[<0;0;8M"), None);
}

#[test]
fn an_answer_that_breaks_off_presses_no_key() {
    assert_eq!(all(b"\x1b]11;rgb:1414/17"), []);
    assert_eq!(all(b"\x1b_Gi=31;O"), []);
    // The next one is whole.
    assert_eq!(all(b"\x1b_Gi=31;O\x1b[0n"), [Input::Answer(Answer::Ready)]);
    assert_eq!(all(b"\x1b[6;20\x1b[A"), [key(KeyCode::Up, KeyModifiers::NONE)]);
}

proptest! {
    #[test]
    fn any_pieces_mean_the_same(
        picks in prop::collection::vec(0_usize..samples().len(), 1..12),
        cuts in prop::collection::vec(0_usize..400, 0..12),
    ) {
        let samples = samples();
        let bytes: Vec<u8> = picks.iter().flat_map(|pick| samples[*pick].0.to_vec()).collect();
        let meant: Vec<Input> =
            picks.iter().filter_map(|pick| samples[*pick].1.clone()).collect();
        let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut % (bytes.len() + 1)).collect();
        cuts.extend([0, bytes.len()]);
        cuts.sort_unstable();
        let mut parser = Parser::default();
        let mut inputs = Vec::new();
        for pair in cuts.windows(2) {
            inputs.extend(parser.feed(&bytes[pair[0]..pair[1]]));
        }
        inputs.extend(parser.flush());
        prop_assert_eq!(inputs, meant);
    }

    #[test]
    fn whatever_comes_it_goes_on(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let mut parser = Parser::default();
        parser.feed(&bytes);
        parser.flush();
        prop_assume!(parser.waiting() != Waiting::ForItsEnd);
        prop_assert_eq!(parser.feed(b"q"), typed("q"));
    }
}

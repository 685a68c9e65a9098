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

#[test]
fn the_rest_of_a_sequence_may_be_late_and_is_no_keys() {
    for (bytes, meant) in samples() {
        for cut in 1..bytes.len() {
            let (head, tail) = bytes.split_at(cut);
            let mut parser = Parser::default();
            let early = parser.feed(head);
            // An Esc that stands alone is a key, and so is Alt with a bracket.
            if !matches!(parser.waiting(), Waiting::Long) {
                continue;
            }
            let late = [early, parser.flush(), parser.feed(tail)].concat();
            let shown = bytes.escape_ascii();
            assert_eq!(late, meant.clone().into_iter().collect::<Vec<_>>(), "{shown} at {cut}");
            assert_eq!(parser.waiting(), Waiting::No, "{shown} at {cut}");
        }
    }
    // Later still it is lost, and a key is a key.
    let mut parser = Parser::default();
    parser.feed(b"\x1b[?62;4");
    assert_eq!([parser.flush(), parser.flush(), parser.feed(b"q")].concat(), typed("q"));
}

#[test]
fn a_paste_without_an_end_does_not_keep_the_keys() {
    let paste = |text: &str| Input::Event(Event::Paste(text.into()));
    let mut parser = Parser::default();
    assert_eq!(parser.feed(b"\x1b[200~half of"), []);
    assert_eq!(parser.waiting(), Waiting::ForItsEnd);
    assert_eq!(parser.flush(), [paste("half of")]);
    assert_eq!(parser.feed(b"q"), typed("q"));
    // The other half comes after all.
    parser.feed(b"\x1b[200~rm");
    assert_eq!(parser.flush(), [paste("rm")]);
    assert_eq!(parser.feed(b" x\x1b[201~q"), [vec![paste(" x")], typed("q")].concat());
    assert_eq!(parser.waiting(), Waiting::No);
}

#[test]
fn of_a_large_paste_the_beginning_is_taken() {
    let mut parser = Parser::default();
    parser.feed(b"\x1b[200~");
    for _ in 0..600 {
        assert_eq!(parser.feed(&[b'x'; 4096]), []);
        assert!(parser.buffer.len() <= LONGEST_PASTE + 16);
    }
    assert_eq!(parser.feed(b"y\x1b[20"), []);
    match &parser.feed(b"1~q")[..] {
        [Input::Event(Event::Paste(text)), key] => {
            assert_eq!(text, &"x".repeat(LONGEST_PASTE));
            assert_eq!(std::slice::from_ref(key), typed("q"));
        }
        other => panic!("{} inputs", other.len()),
    }
}

#[test]
fn what_has_no_end_is_dropped_to_its_end() {
    let kinds = [
        ("\x1b[1", "c"),
        ("\x1b]11;rgb:", "\x07"),
        ("\x1bP>|", "\x1b\\"),
        ("\x1b_Gi=31;", "\x1b\\"),
    ];
    for (start, end) in kinds {
        let mut parser = Parser::default();
        assert_eq!(parser.feed(start.as_bytes()), []);
        for _ in 0..5 {
            assert_eq!(parser.feed(&[b'1'; 2000]), []);
            assert!(parser.buffer.len() <= LONGEST_ANSWER);
        }
        let rest = parser.feed(format!("1{end}q").as_bytes());
        assert_eq!(rest, typed("q"), "{start:?}");
    }
}

#[test]
fn names_are_any_characters_and_keys_are_not_part_of_them() {
    let version = Input::Answer(Answer::Version("Über".into()));
    assert_eq!(all("\x1bP>|Über\x1b\\".as_bytes()), [version]);
    let control_c = key(KeyCode::Char('c'), KeyModifiers::CONTROL);
    assert_eq!(all(b"\x1bP>|k\x03"), [control_c]);
    assert_eq!(all(b"\x1b[[\x1b[A"), [key(KeyCode::Up, KeyModifiers::NONE)]);
}

#[test]
fn keys_with_numbers_and_those_that_share_a_byte() {
    use KeyCode::{Char, F};
    let with = KeyModifiers::CONTROL;
    assert_eq!(all(b"\n"), [key(Char('j'), with)]);
    for (number, f) in [(26, 14), (28, 15), (29, 16), (31, 17), (34, 20)] {
        let bytes = format!("\x1b[{number}~");
        assert_eq!(all(bytes.as_bytes()), [key(F(f), KeyModifiers::NONE)]);
    }
    assert_eq!(all(b"\x1b[27;5;106~"), [key(Char('j'), with)]);
    assert_eq!(all(b"\x1b[97:65;2u"), []);
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
        // Once for what is late, once more for what is lost.
        parser.flush();
        parser.flush();
        prop_assert_eq!(parser.waiting(), Waiting::No);
        prop_assert_eq!(parser.feed(b"q"), typed("q"));
    }
}

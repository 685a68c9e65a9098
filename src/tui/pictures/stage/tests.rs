//! What is sent, when, and what is taken back, for every way pictures can go.

use super::*;
use crate::tui::pictures::encoder::encode;
use crate::tui::pictures::protocol::Cell;

const AREA: Rect = Rect { x: 0, y: 0, width: 60, height: 20 };

fn stage(protocol: Protocol) -> Stage {
    let stage = Stage::new(7);
    stage.take(Route { protocol, through_tmux: false, cell: Cell { width: 10, height: 20 } });
    stage
}

fn picture(shade: u8) -> Arc<Picture> {
    let pixels = (0..24 * 24).map(|at| [(at % 256) as u8, shade, (at / 7 % 256) as u8]).collect();
    Arc::new(Picture { width: 24, height: 24, pixels })
}

/// What a frame sends besides its text, and its buffer.
struct Frame {
    before: String,
    after: String,
    buf: Buffer,
    cleared: bool,
}

/// Draws pictures at places, and what `over` draws over them.
fn frame(
    stage: &Stage,
    pictures: &[(&Arc<Picture>, Rect)],
    room: Option<usize>,
    over: impl Fn(&mut Buffer),
) -> Frame {
    let before = stage.start(room);
    stage.begin();
    let mut buf = Buffer::empty(AREA);
    for (picture, place) in pictures {
        stage.draw(picture, *place, &mut buf, Tones::True);
    }
    over(&mut buf);
    stage.settle(&mut buf);
    let cleared = stage.takes_clear();
    if cleared {
        stage.cleared();
    }
    let after = stage.finish(room);
    for job in stage.jobs().unwrap_or_default() {
        let data = encode(&job);
        let Job { key, picture, route } = job;
        stage.put(Encoded { key, picture, route, data });
    }
    Frame { before, after, buf, cleared }
}

fn nothing(_: &mut Buffer) {}

/// Larger than a piece.
fn noise(seed: u32) -> Arc<Picture> {
    let mut state = seed;
    let pixels = (0..128 * 128)
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state.to_be_bytes()[..3].try_into().unwrap()
        })
        .collect();
    Arc::new(Picture { width: 128, height: 128, pixels })
}

fn places(count: usize) -> Vec<Rect> {
    (0..count).map(|at| Rect::new(at as u16 * 7, 2, 6, 3)).collect()
}

fn placeholders(buf: &Buffer) -> usize {
    buf.content().iter().filter(|cell| cell.symbol().starts_with('\u{10EEEE}')).count()
}

#[test]
fn kitty_gets_each_picture_once_and_shows_it_from_then_on() {
    let stage = stage(Protocol::Kitty);
    let pictures: Vec<Arc<Picture>> = (0..5).map(picture).collect();
    let shown: Vec<_> = pictures.iter().zip(places(5)).collect();
    assert_eq!(frame(&stage, &shown, None, nothing).before, "");
    let mut sent = 0;
    let mut frames = 0;
    while stage.has_more() {
        let frame = frame(&stage, &shown, None, nothing);
        let new = frame.before.matches("a=T").count();
        assert!(new <= MOST_NEW);
        sent += new;
        frames += 1;
        assert_eq!(placeholders(&frame.buf), sent * 18);
        assert!(frames < 10, "it never ends");
    }
    assert_eq!(sent, 5);
    // Another page, and back: nothing is sent again.
    assert_eq!(frame(&stage, &[], None, nothing).before, "");
    let back = frame(&stage, &shown, None, nothing);
    assert_eq!((back.before.as_str(), placeholders(&back.buf)), ("", 5 * 18));
    assert!(stage.status().unwrap().sent > 500);
}

#[test]
fn what_leaves_the_cache_leaves_the_terminal() {
    let stage = stage(Protocol::Kitty);
    let (keep, drop_it) = (picture(1), picture(2));
    let places = places(2);
    let both = [(&keep, places[0]), (&drop_it, places[1])];
    for _ in 0..3 {
        frame(&stage, &both, None, nothing);
    }
    assert_eq!(stage.farewell().matches("d=I").count(), 2);
    drop(drop_it);
    frame(&stage, &[(&keep, places[0])], None, nothing);
    let next = frame(&stage, &[(&keep, places[0])], None, nothing).before;
    assert_eq!(next.matches("a=d,d=I").count(), 1, "{next:?}");
    assert_eq!(stage.farewell().matches("d=I").count(), 1);
}

#[test]
fn all_is_sent_again_when_the_terminal_may_be_another() {
    let stage = stage(Protocol::Kitty);
    let picture = picture(1);
    let shown = [(&picture, places(1)[0])];
    for _ in 0..3 {
        frame(&stage, &shown, None, nothing);
    }
    stage.forget();
    let mut sent = String::new();
    for _ in 0..3 {
        sent.push_str(&frame(&stage, &shown, None, nothing).before);
    }
    assert_eq!((sent.matches("a=d").count(), sent.matches("a=T").count()), (1, 1));
}

#[test]
fn a_slow_line_gets_a_piece_at_a_time_and_the_visible_first() {
    let stage = stage(Protocol::Kitty);
    let (first, second) = (noise(1), noise(2));
    let place = Rect::new(1, 1, 12, 6);
    frame(&stage, &[(&first, place)], Some(0), nothing);
    assert_eq!(frame(&stage, &[(&first, place)], Some(0), nothing).before, "");
    let piece = frame(&stage, &[(&first, place)], Some(5000), nothing);
    assert!(piece.before.len() > 4000 && piece.before.len() < 5000, "{}", piece.before.len());
    assert_eq!(placeholders(&piece.buf), 0, "it is not there yet");
    assert!(stage.farewell().starts_with("\x1b_Gq=2,m=0;"), "nothing is left half sent");
    // Scrolled away: what was begun is broken off, the one that is seen comes.
    frame(&stage, &[(&second, place)], Some(0), nothing);
    let next = frame(&stage, &[(&second, place)], Some(9000), nothing).before;
    assert!(next.starts_with("\x1b_Gq=2,m=0;\x1b\\\x1b_Ga=d"), "{:?}", &next[..60]);
    assert_eq!(next.matches("a=T").count(), 1);
}

#[test]
fn numbers_run_out_and_the_oldest_pictures_make_room() {
    let stage = stage(Protocol::Kitty);
    let pictures: Vec<Arc<Picture>> = (0..250_u32).map(|n| picture(n as u8)).collect();
    let place = places(1)[0];
    for one in &pictures {
        for _ in 0..2 {
            frame(&stage, &[(one, place)], None, nothing);
        }
    }
    let last = frame(&stage, &[(&pictures[249], place)], None, nothing);
    assert_eq!(placeholders(&last.buf), 18);
    assert!(stage.farewell().matches("d=I").count() <= 240);
}

#[test]
fn more_pictures_than_numbers_come_to_an_end() {
    let stage = stage(Protocol::Kitty);
    let pictures: Vec<Arc<Picture>> = (0..245_u32).map(|n| picture(n as u8)).collect();
    let place = |at: usize| Rect::new(at as u16 % 30 * 2, at as u16 / 30, 1, 1);
    let all: Vec<_> = pictures.iter().enumerate().map(|(at, one)| (one, place(at))).collect();
    frame(&stage, &all, None, nothing);
    let mut frames = 0;
    while stage.has_more() {
        frame(&stage, &all, None, nothing);
        frames += 1;
        assert!(frames < 200, "it never ends");
    }
    let last = frame(&stage, &all, None, nothing);
    let half = last.buf.content().iter().filter(|cell| cell.symbol() == "▀").count();
    assert_eq!((last.before.as_str(), placeholders(&last.buf), half), ("", 240, 5));
    // Where there are fewer, those that had to do without come too.
    let rest = &all[200..];
    for _ in 0..5 {
        frame(&stage, rest, None, nothing);
    }
    assert_eq!(placeholders(&frame(&stage, rest, None, nothing).buf), 45);
}

#[test]
fn what_is_forgotten_half_sent_is_broken_off_first() {
    let half_sent = || {
        let stage = stage(Protocol::Kitty);
        let noise = noise(1);
        let shown = [(&noise, Rect::new(1, 1, 12, 6))];
        frame(&stage, &shown, Some(0), nothing);
        assert!(frame(&stage, &shown, Some(5000), nothing).before.contains("m=1"));
        (stage, noise)
    };
    let (stage, noise) = half_sent();
    stage.forget();
    assert!(stage.farewell().starts_with("\x1b_Gq=2,m=0;"));
    let shown = [(&noise, Rect::new(1, 1, 12, 6))];
    let next = frame(&stage, &shown, None, nothing).before;
    assert!(next.starts_with("\x1b_Gq=2,m=0;\x1b\\"), "{next:?}");
    let sent = frame(&stage, &shown, None, nothing).before;
    assert_eq!((sent.matches("a=T").count(), sent.matches("m=0").count()), (1, 1));
    // Another way from now on: nothing of the old one stays.
    let (stage, _) = half_sent();
    let cell = Cell { width: 10, height: 20 };
    stage.take(Route { protocol: Protocol::Half, through_tmux: false, cell });
    let next = stage.start(Some(0));
    assert!(next.starts_with("\x1b_Gq=2,m=0;\x1b\\\x1b_Ga=d,d=I,"), "{next:?}");
    assert_eq!((stage.start(None), stage.farewell()), (String::new(), String::new()));
}

#[test]
fn what_tmux_may_have_dropped_is_sent_again() {
    for (through_tmux, times) in [(true, 1), (false, 0)] {
        let stage = stage(Protocol::Kitty);
        let cell = Cell { width: 10, height: 20 };
        stage.take(Route { protocol: Protocol::Kitty, through_tmux, cell });
        let picture = picture(1);
        let shown = [(&picture, places(1)[0])];
        for _ in 0..3 {
            frame(&stage, &shown, None, nothing);
        }
        assert_eq!(stage.doubt(), through_tmux);
        let sent: String = (0..3).map(|_| frame(&stage, &shown, None, nothing).before).collect();
        assert_eq!(sent.matches("a=T").count(), times);
    }
}

#[test]
fn pixels_go_where_they_are_whole_and_come_back_when_what_covers_them_goes() {
    for protocol in [Protocol::Sixel, Protocol::Iterm2] {
        let stage = stage(protocol);
        let (left, right) = (picture(1), picture(2));
        let places = places(2);
        let both = [(&left, places[0]), (&right, places[1])];
        frame(&stage, &both, None, nothing);
        let first = frame(&stage, &both, None, nothing);
        assert_eq!(first.after.matches("\x1b7\x1b[3;").count(), 2, "{protocol:?}");
        assert!(first.buf.content().iter().all(|cell| cell.symbol() != MARK));
        assert_eq!(frame(&stage, &both, None, nothing).after, "", "they stand");
        assert!(!stage.has_more());
        // A dialog over a corner of the right one.
        let dialog = |buf: &mut Buffer| {
            buf.set_string(9, 3, "dialog", ratatui::style::Style::new());
        };
        let covered = frame(&stage, &both, None, dialog);
        assert!(!covered.cleared && covered.after.is_empty());
        let erased =
            |x: u16, y: u16| covered.buf[(x, y)].diff_option == CellDiffOption::AlwaysUpdate;
        assert!(places[1].positions().all(|at| erased(at.x, at.y)));
        assert!(!erased(places[0].x, places[0].y));
        let uncovered = frame(&stage, &both, None, nothing);
        assert_eq!(uncovered.after.matches("\x1b7").count(), 1);
        // Another picture in a place that is just being erased waits for the next frame, which sends
        // those cells again.
        let swapped = [(&left, places[0]), (&left, places[1])];
        let first = frame(&stage, &swapped, None, nothing);
        assert!(!first.cleared && first.after.is_empty() && stage.has_more());
        assert_eq!(frame(&stage, &swapped, None, nothing).after.matches("\x1b7").count(), 1);
        // Another page: all is cleared.
        assert!(frame(&stage, &[], None, nothing).cleared);
        assert!(!frame(&stage, &[], None, nothing).cleared);
    }
}

#[test]
fn pixels_never_reach_the_last_row_and_wait_for_room() {
    let stage = stage(Protocol::Sixel);
    let picture = picture(3);
    let low = Rect::new(0, 14, 12, 6);
    frame(&stage, &[(&picture, low)], None, nothing);
    assert_eq!(frame(&stage, &[(&picture, low)], Some(0), nothing).after, "");
    assert!(stage.has_more());
    let sent = frame(&stage, &[(&picture, low)], Some(1), nothing).after;
    let height = sent.split("\"1;1;").nth(1).unwrap().split(['#', ';']).nth(1).unwrap();
    assert!(height.parse::<u16>().unwrap() <= 5 * 20, "{height}");
}

#[test]
fn half_blocks_come_bit_by_bit_over_a_slow_line_and_at_once_otherwise() {
    let stage = stage(Protocol::Half);
    let pictures: Vec<Arc<Picture>> = (0..4).map(picture).collect();
    let shown: Vec<_> = pictures.iter().zip(places(4)).collect();
    let drawn = |frame: &Frame| {
        let drawn = |place: &Rect| frame.buf[(place.x, place.y)].symbol() == "▀";
        places(4).iter().filter(|place| drawn(place)).count()
    };
    let one = 6 * 3 * HALF_BLOCK;
    for count in 1..=4 {
        assert_eq!(drawn(&frame(&stage, &shown, Some(one + 10), nothing)), count);
        assert_eq!(stage.has_more(), count < 4);
    }
    stage.forget();
    assert_eq!(drawn(&frame(&stage, &shown, None, nothing)), 4);
    // A picture larger than the room comes all the same.
    stage.forget();
    assert_eq!(drawn(&frame(&stage, &shown, Some(1), nothing)), 1);
    // Nobody was asked: plain half-blocks.
    assert_eq!(drawn(&frame(&Stage::default(), &shown, Some(1), nothing)), 4);
}

#[test]
fn what_was_encoded_for_another_way_is_not_taken() {
    let stage = stage(Protocol::Sixel);
    let picture = picture(3);
    let shown = [(&picture, places(1)[0])];
    stage.begin();
    stage.draw(&picture, shown[0].1, &mut Buffer::empty(AREA), Tones::True);
    let job = stage.jobs().unwrap().remove(0);
    assert!(stage.jobs().is_none(), "asked once");
    let kitty = Route { protocol: Protocol::Kitty, ..job.route };
    stage.take(kitty);
    let Job { key, picture, route } = job.clone();
    assert!(!stage.put(Encoded { key, picture, route, data: encode(&job) }));
    frame(&stage, &shown, None, nothing);
    assert!(frame(&stage, &shown, None, nothing).before.contains("a=T"));
}

//! The chosen image: original, perturbation, adversarial; what the network makes of them; how far
//! apart they are.

use std::path::PathBuf;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use super::bars::{self, Bars};
use super::live::{Standing, largest, requests, trio};
use super::rows::{Outcome, Row};
use super::{Shown, State, say};
use crate::run::live::Attacked;
use crate::run::results::attack::{Attack, Pair};
use crate::tui::action::{Action, Place};
use crate::tui::pictures::{Request, gain_for, scale};
use crate::tui::screen::runs::short_name;
use crate::tui::screen::{Click, DrawContext, Scene, View};
use crate::tui::text;
use crate::tui::theme::Role;
use crate::tui::widget::grid;
use crate::tui::world::RunDetail;

/// What there is to show of the chosen image.
enum Seen<'a> {
    /// What the small worker answered last.
    Live(&'a Attacked),
    /// What the run's attack stage left.
    Stored { attack: &'a Attack, pair: &'a Pair, original: Option<PathBuf>, adversarial: PathBuf },
    /// Nothing but its place in the test split.
    Untried(&'a Row),
    /// No image at all.
    Nothing,
}

fn seen<'a>(state: &'a State, shown: &'a Shown<'_>) -> Seen<'a> {
    let live = state.live.shown();
    let row = shown.row();
    let is_of_this = |attacked: &&Attacked| {
        state.live.run().is_some() || row.is_some_and(|row| row.image == attacked.image)
    };
    if let Some(attacked) = live.filter(is_of_this) {
        return Seen::Live(attacked);
    }
    let Some(row) = row else { return Seen::Nothing };
    let attack = shown.detail.and_then(|detail| Some((detail, detail.attack.as_deref()?)));
    let pair = attack.and_then(|(_, attack)| attack.pairs.get(row.pair?));
    match (attack, pair) {
        (Some((detail, attack)), Some(pair)) => Seen::Stored {
            attack,
            pair,
            original: original(detail, &pair.image),
            adversarial: detail.file(&pair.picture),
        },
        _ => Seen::Untried(row),
    }
}

/// The run keeps originals of the images that excite a neuron, as the network sees them.
fn original(detail: &RunDetail, image: &str) -> Option<PathBuf> {
    let neurons = detail.neurons.as_deref()?;
    let mut tops = neurons.layers.iter().flat_map(|layer| &layer.neurons).flat_map(|n| &n.real);
    tops.find(|top| top.image == image).map(|top| detail.file(&top.picture))
}

impl Seen<'_> {
    /// Original, perturbation, adversarial, as far as there are files.
    fn pictures(&self) -> [Option<Request>; 3] {
        match self {
            Self::Live(attacked) => requests(attacked).map(Some),
            Self::Stored { attack, original: Some(original), adversarial, .. } => {
                trio(original, adversarial, gain_for(attack.linf_max)).map(Some)
            }
            Self::Stored { adversarial, .. } => {
                [None, None, Some(Request::File(adversarial.clone()))]
            }
            Self::Untried(_) | Self::Nothing => [None, None, None],
        }
    }
}

/// The pictures on the screen first, then those of the rows beside, so that the next key press
/// finds them ready.
pub(super) fn wants(state: &State, shown: &Shown<'_>) -> Vec<Request> {
    let mut wanted = state.live.wants();
    wanted.extend(seen(state, shown).pictures().into_iter().flatten());
    if state.live.run().is_some() {
        return wanted;
    }
    let pairs = shown.detail.and_then(|detail| Some((detail, &detail.attack.as_deref()?.pairs)));
    let near = [shown.at.checked_add(1), shown.at.checked_sub(1)];
    for row in near.into_iter().flatten().filter_map(|at| shown.rows.get(at)) {
        let pair = pairs.and_then(|(detail, pairs)| Some((detail, pairs.get(row.pair?)?)));
        wanted.extend(pair.map(|(detail, pair)| Request::File(detail.file(&pair.picture))));
    }
    wanted
}

/// Rows of the region, from the top. What has no room is left out: bars before pictures.
#[derive(Debug, PartialEq, Eq)]
struct Rows {
    messages: u16,
    pictures: u16,
    bars: u16,
    /// A blank row below the pictures' captions.
    air: u16,
}

impl Rows {
    /// Beside what is listed: settings, titles, captions, outcome, facts.
    const FIXED: u16 = 5;
    const LEAST_PICTURE: u16 = 5;
    const GOOD_BARS: u16 = 7;
    /// Where the pictures are zoomed on a small screen.
    const FEW_BARS: u16 = 4;

    fn share(height: u16, messages: u16, tallest_picture: u16, good_bars: u16) -> Self {
        let mut left = height.saturating_sub(Self::FIXED);
        let mut take = |wanted: u16, keep: u16| {
            let taken = wanted.min(left.saturating_sub(keep));
            left -= taken;
            taken
        };
        // More than that belongs into a log.
        let messages = take(messages.min(4), Self::LEAST_PICTURE);
        let bars = take(good_bars, Self::LEAST_PICTURE);
        let air = take(1, Self::LEAST_PICTURE + 6);
        let pictures = take(tallest_picture, 0);
        // What is left when the pictures are as wide as there is room for.
        let bars = bars + take((bars::MOST + 1).saturating_sub(bars), 0);
        Self { messages, pictures, bars, air }
    }
}

const GAP: u16 = 2;

pub(super) fn draw(
    state: &State,
    shown: &Shown<'_>,
    scene: &Scene<'_>,
    context: &DrawContext<'_>,
    area: Rect,
    buf: &mut Buffer,
    view: &mut View,
) {
    view.clickable(area, Click::Region(Place::Attack));
    let seen = seen(state, shown);
    let mut inner = context.frame(Line::from(title(&seen, shown, area.width)), area, buf);
    if inner.is_empty() {
        return;
    }
    let messages = messages(state, shown, &seen, context, inner.width);
    let third = ((inner.width + GAP) / 3).saturating_sub(GAP);
    let few = state.zoomed && inner.height < 24;
    let good_bars = if few { Rows::FEW_BARS } else { Rows::GOOD_BARS };
    let rows = Rows::share(inner.height, messages.len() as u16, third.div_ceil(2), good_bars);
    draw_settings(state, shown, &seen, context, inner, buf);
    inner = below(inner, 1);
    let nothing = matches!(seen, Seen::Nothing);
    let told = if nothing { inner.height } else { rows.messages };
    for ((role, line), row) in messages.iter().zip(inner.rows()).take(told.into()) {
        let line = text::fit(line, row.width.into());
        buf.set_string(row.x, row.y, line, context.style(*role));
    }
    inner = below(inner, rows.messages);
    if nothing {
        return;
    }
    let height = (rows.pictures + 2).min(inner.height);
    let used = draw_pictures(&seen, shown, scene, context, Rect { height, ..inner }, buf);
    inner = below(inner, used + rows.air);
    for ((role, line), row) in sentences(&seen, shown).into_iter().zip(inner.rows()) {
        let line = text::fit(&line, row.width.into());
        buf.set_string(row.x, row.y, line, context.style(role));
    }
    inner = below(inner, 2);
    if let Seen::Live(attacked) = seen {
        let bars = Bars {
            label: attacked.label,
            before: &attacked.clean,
            after: &attacked.adversarial,
            names: &shown.names,
        };
        // Small pictures grow by whole factors only: what they leave is the bars'.
        bars.draw(context, inner, buf);
    } else if inner.height > 1 {
        let now = context.key(Action::AttackNow, Place::Attack);
        let words = format!(
            "The probability of every class, before and after, stands here once {now} has attacked \
             the image live."
        );
        say(&words, Role::Muted, context, below(inner, u16::from(inner.height > 3)), buf);
    }
}

fn below(area: Rect, rows: u16) -> Rect {
    let rows = rows.min(area.height);
    Rect { y: area.y + rows, height: area.height - rows, ..area }
}

fn title(seen: &Seen<'_>, shown: &Shown<'_>, width: u16) -> String {
    let mut title = match seen {
        Seen::Live(attacked) => {
            format!("image {} · {}", attacked.image, shown.names.of(attacked.label))
        }
        Seen::Stored { pair, .. } => format!("image {} · {}", pair.index, pair.image),
        Seen::Untried(row) => format!("image {} · {}", row.image, shown.names.of(row.label)),
        Seen::Nothing => "image".into(),
    };
    let run = short_name(shown.run);
    if text::width(&title) + text::width(run) + 12 <= usize::from(width) {
        title = format!("{run} · {title}");
    }
    text::fit(&title, usize::from(width.saturating_sub(4)))
}

/// What the keys have set, and at the right how it stands with computing it.
fn draw_settings(
    state: &State,
    shown: &Shown<'_>,
    seen: &Seen<'_>,
    context: &DrawContext<'_>,
    area: Rect,
    buf: &mut Buffer,
) {
    let knobs = &shown.knobs;
    let parts = [Some(knobs.method()), Some(knobs.bound()), knobs.effort(), knobs.aim()];
    let mut x = area.x;
    for (at, part) in parts.into_iter().flatten().enumerate() {
        let room = |x: u16| usize::from(area.right().saturating_sub(x));
        if at > 0 {
            x = buf.set_stringn(x, area.y, " · ", room(x), context.style(Role::Muted)).0;
        }
        x = buf.set_stringn(x, area.y, part, room(x), context.style(Role::Text)).0;
    }
    let key = context.key(Action::AttackNow, Place::Attack);
    let (role, words): (Role, Vec<String>) = match state.live.standing() {
        Standing::Off => (Role::Muted, vec![format!("{key} attacks it live")]),
        Standing::Starting => (
            Role::Running,
            vec![
                "starting the attack worker: loading the network…".into(),
                "loading the network…".into(),
                "loading…".into(),
            ],
        ),
        Standing::Computing(image) => {
            let other = !matches!(seen, Seen::Live(attacked) if attacked.image == image);
            let there = other && state.live.shown().is_some();
            let long = there.then(|| format!("recomputing for image {image}…"));
            let words = long.into_iter().chain(["recomputing…".into(), "…".into()]);
            (Role::Running, words.collect())
        }
        Standing::Done => {
            let made_with = state.live.split().filter(|split| !split.weights.is_empty());
            let long = made_with.map(|split| {
                format!("live · {} · {}", text::clean(&split.weights), text::clean(&split.device))
            });
            (Role::Muted, long.into_iter().chain(["live".into()]).collect())
        }
        Standing::Refused(_) => (Role::Warning, vec!["refused".into()]),
        Standing::Failed(_) => (Role::Error, vec!["worker ended".into()]),
    };
    let room = usize::from(area.right().saturating_sub(x + 2));
    if let Some(words) = words.iter().find(|words| text::width(words) <= room) {
        let at = area.right() - text::width(words) as u16;
        buf.set_string(at, area.y, words, context.style(role));
    }
}

/// Why there is no answer, and what to do about it.
fn messages(
    state: &State,
    shown: &Shown<'_>,
    seen: &Seen<'_>,
    context: &DrawContext<'_>,
    width: u16,
) -> Vec<(Role, String)> {
    let key = context.key(Action::AttackNow, Place::Attack);
    let (role, words) = match state.live.standing() {
        Standing::Refused(why) => (Role::Warning, format!("refused: {why}")),
        Standing::Failed(why) => {
            (Role::Error, format!("the attack worker ended: {why} ({key} starts it again)"))
        }
        Standing::Off if matches!(seen, Seen::Nothing) && shown.all == 0 => (
            Role::Muted,
            format!(
                "The picture stands here, before and after, and what the network makes of both. \
                 {key} opens the network and attacks the first image of the test split."
            ),
        ),
        _ => return Vec::new(),
    };
    text::wrap(&words, width.into()).into_iter().map(|line| (role, line)).collect()
}

/// Answers the rows that it took.
fn draw_pictures(
    seen: &Seen<'_>,
    shown: &Shown<'_>,
    scene: &Scene<'_>,
    context: &DrawContext<'_>,
    area: Rect,
    buf: &mut Buffer,
) -> u16 {
    let third = ((area.width + GAP) / 3).saturating_sub(GAP);
    let rows = area.height.saturating_sub(2);
    let pictures = seen.pictures();
    // Two pixels a cell: an odd side would leave half a row open.
    let square = third.min(rows * 2) & !1;
    let decoded = |request: &Request| scene.pictures.get(request)?.as_ref().ok();
    let (across, down) =
        pictures.iter().flatten().find_map(decoded).filter(|_| context.pictures).map_or(
            (square, square),
            |picture| {
                let most = (usize::from(third), usize::from(rows) * 2);
                let (across, down) = scale::fit((picture.width, picture.height), most);
                (across as u16, down as u16)
            },
        );
    // Pictures stand close to one another; captions need some cells even of small ones.
    let pitch = (third + GAP).min((across + GAP).max(20));
    let titles = [
        ("original".to_owned(), Role::Real),
        (
            match &pictures[1] {
                Some(Request::Difference { gain, .. }) => perturbation(*gain, third),
                _ => "perturbation".into(),
            },
            Role::Text,
        ),
        ("adversarial".to_owned(), Role::Adversarial),
    ];
    let captions = captions(seen, shown, third.min(pitch.saturating_sub(1)).into());
    for (at, request) in pictures.iter().enumerate() {
        let x = area.x + at as u16 * pitch;
        let width = usize::from(third.min(area.right().saturating_sub(x)));
        let (title, role) = &titles[at];
        buf.set_stringn(x, area.y, text::fit(title, width), width, context.style(*role));
        let frame = Rect { x, y: area.y + 1, width: across, height: down.div_ceil(2) };
        if let Some(request) = request {
            grid::draw_picture(scene.pictures.get(request), context, frame, buf);
        } else if at == 0 {
            let now = context.key(Action::AttackNow, Place::Attack);
            let is_stored = matches!(seen, Seen::Stored { .. });
            let why = if is_stored { "not kept by the run; " } else { "" };
            let middle = below(frame, frame.height.saturating_sub(2) / 2);
            say(&format!("{why}{now} brings it"), Role::Muted, context, middle, buf);
        }
        let y = frame.bottom();
        if y < area.bottom() {
            buf.set_stringn(x, y, &captions[at], width, context.style(Role::Text));
        }
    }
    (down.div_ceil(2) + 2).min(area.height)
}

fn perturbation(gain: u16, room: u16) -> String {
    let long = format!("perturbation ×{gain}");
    if text::width(&long) <= room.into() { long } else { format!("change ×{gain}") }
}

/// What stands below each picture, so that its number is never cut off.
fn captions(seen: &Seen<'_>, shown: &Shown<'_>, width: usize) -> [String; 3] {
    let named = |class: Option<u32>, all: &[f32]| {
        let Some(class) = class else { return String::new() };
        let value = all.get(class as usize).copied().unwrap_or(f32::NAN);
        let number = format!("{value:.3}");
        let name = shown.names.of(class);
        format!("{} {number}", text::fit(&name, width.saturating_sub(number.len() + 1)))
    };
    match seen {
        Seen::Live(attacked) => [
            named(largest(&attacked.clean), &attacked.clean),
            format!("at most {}/255", attacked.linf),
            named(largest(&attacked.adversarial), &attacked.adversarial),
        ],
        Seen::Stored { attack, pair, .. } => [
            text::fit(&shown.names.of(pair.prediction_clean), width),
            text::fit(&format!("at most {}/255", attack.linf_max), width),
            text::fit(&shown.names.of(pair.prediction_adversarial), width),
        ],
        Seen::Untried(_) | Seen::Nothing => Default::default(),
    }
}

/// The L2 norm of a change of 0..1 pixels, in the unit of an l2 epsilon.
fn length(l2: f64) -> String {
    format!("{:.1}/255 in L2", l2 * 255.0)
}

/// What became of the image, and the facts of the attack.
fn sentences(seen: &Seen<'_>, shown: &Shown<'_>) -> [(Role, String); 2] {
    let name = |class: u32| shown.names.of(class).into_owned();
    let outcome = |label: u32, before: Option<u32>, after: Option<u32>| {
        let (symbol, word, role) = Outcome::of(label, before, after).sign();
        let mut line = format!("{symbol} {word} · true class {}", name(label));
        if let (Some(before), Some(after)) = (before, after) {
            line = format!("{line} · {} → {}", name(before), name(after));
        }
        (role, line)
    };
    match seen {
        Seen::Live(attacked) => {
            let before = largest(&attacked.clean);
            let after = largest(&attacked.adversarial);
            let facts = format!(
                "max {:>2}/255 · {} · {:>4} ms · {}",
                attacked.linf,
                length(attacked.l2),
                attacked.took_ms,
                attacked.attack
            );
            [outcome(attacked.label, before, after), (Role::Muted, facts)]
        }
        Seen::Stored { attack, pair, .. } => {
            let (before, after) = (pair.prediction_clean, pair.prediction_adversarial);
            let mut facts = format!(
                "max {} · mean {} · {} in the run",
                attack.largest_change(),
                length(attack.l2_mean),
                attack.name()
            );
            if let Some(target) = pair.target {
                facts = format!("aimed at {} · {facts}", name(target));
            }
            [outcome(pair.label, Some(before), Some(after)), (Role::Muted, facts)]
        }
        Seen::Untried(row) => {
            [outcome(row.label, row.before, row.after), (Role::Muted, String::new())]
        }
        Seen::Nothing => [(Role::Muted, String::new()), (Role::Muted, String::new())],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_is_told_in_the_unit_of_its_bound() {
        assert_eq!(length(300.0 / 255.0), "300.0/255 in L2");
    }

    #[test]
    fn pictures_come_before_bars_and_bars_take_what_pictures_cannot() {
        let small = Rows::share(11, 0, 8, 7);
        assert_eq!(small, Rows { messages: 0, pictures: 5, bars: 1, air: 0 });
        let good = Rows::share(20, 0, 8, 7);
        assert_eq!(good, Rows { messages: 0, pictures: 8, bars: 7, air: 0 });
        let wide = Rows::share(40, 0, 12, 7);
        assert_eq!(wide, Rows { messages: 0, pictures: 12, bars: 11, air: 1 });
        assert_eq!(Rows::share(0, 3, 9, 7), Rows { messages: 0, pictures: 0, bars: 0, air: 0 });
    }
}

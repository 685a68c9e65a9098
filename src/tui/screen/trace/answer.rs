//! The picture, large, an adversarial one beside its original; what it is, what the network answers,
//! and what it would answer without the neurons that are switched off.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Modifier;
use ratatui::text::{Line, Span};

use super::ablation::{self, Moved};
use super::list::signed;
use super::shown::{Pane, sign};
use super::{Measure, State, empty};
use crate::run::results::trace::Prediction;
use crate::tui::pictures::Request;
use crate::tui::screen::{DrawContext, Scene};
use crate::tui::text;
use crate::tui::theme::Role;
use crate::tui::widget::gauge::Gauge;
use crate::tui::widget::grid;

/// From here on the words stand beside the picture.
const BESIDE: u16 = 34;
/// Words beside a picture need so many cells.
const WORDS: u16 = 20;
/// Cells of ` 0.812 →  0.301 −0.511`, and of the same without what was before.
const MOVED: u16 = 22;
const MOVED_SHORT: u16 = 13;

/// Its pictures, in the order in which they stand.
fn requests(pane: &Pane<'_>) -> Vec<(&'static str, Request)> {
    let Some(prediction) = pane.prediction else { return Vec::new() };
    let file = |name: &str| Request::File(pane.seen.detail.file(name));
    let (_, word, _) = sign(&prediction.kind);
    match &prediction.original {
        Some(original) => vec![(word, file(&prediction.picture)), ("original", file(original))],
        None => vec![("", file(&prediction.picture))],
    }
}

pub(super) fn wants(pane: &Pane<'_>, pictures: &mut Vec<Request>) {
    pictures.extend(requests(pane).into_iter().map(|(_, request)| request));
}

pub(super) fn draw(
    state: &State,
    pane: &Pane<'_>,
    scene: &Scene<'_>,
    context: &DrawContext<'_>,
    area: Rect,
    buf: &mut Buffer,
) {
    let Some(prediction) = pane.prediction else {
        let inner = context.frame(Line::from("answer"), area, buf);
        return empty::say("No prediction is listed.", context, inner, buf);
    };
    let off = pane.off(state);
    let inner = context.frame(title(pane, prediction, &off, area.width, context), area, buf);
    let words = draw_pictures(pane, scene, context, inner, buf);
    draw_words(state, pane, prediction, &off, context, (words, buf));
}

/// The kind, the classes, which neurons are off, the image: as much as there is room for.
fn title<'a>(
    pane: &Pane<'_>,
    prediction: &Prediction,
    off: &[usize],
    width: u16,
    context: &DrawContext<'_>,
) -> Line<'a> {
    let room = usize::from(width).saturating_sub(6);
    let (symbol, word, role) = sign(&prediction.kind);
    let run = if pane.has_neighbour {
        format!("{} · ", text::fit_ends(pane.seen.name(), 24))
    } else {
        String::new()
    };
    let without = if off.is_empty() {
        String::new()
    } else {
        let names: Vec<String> = off.iter().map(usize::to_string).collect();
        format!(" · without {}", names.join(", "))
    };
    let head = format!("{symbol} {word}");
    let image = text::clean(&prediction.image);
    let image = image.rsplit('/').next().unwrap_or_default();
    let taken = text::width(&head) + text::width(&without);
    let mut spans = Vec::new();
    let mut left = room.saturating_sub(taken);
    if text::width(&run) <= left {
        left -= text::width(&run);
        spans.push(Span::raw(run));
    }
    spans.push(Span::styled(head, context.style(role)));
    // What is off is the more important the less else there is.
    if left > 8 {
        let name = format!(" · {}", text::fit_end(image, left - 3));
        spans.push(Span::raw(name));
    }
    spans.push(Span::styled(text::fit(&without, room), context.style(Role::Warning)));
    Line::from(spans)
}

/// Draws the pictures as large as they fit; answers where there is room for words.
fn draw_pictures(
    pane: &Pane<'_>,
    scene: &Scene<'_>,
    context: &DrawContext<'_>,
    inner: Rect,
    buf: &mut Buffer,
) -> Rect {
    let requests = requests(pane);
    let count = requests.len().max(1) as u16;
    let captions = u16::from(count > 1 && inner.height > 4);
    let is_beside = inner.width >= BESIDE;
    let (across, down) = if is_beside {
        // Words first: a picture whose answer cannot be read is a picture alone.
        let most = (inner.width / 2).min(inner.width.saturating_sub(WORDS + 2));
        (((most + 1) / count).saturating_sub(1), inner.height.saturating_sub(captions))
    } else {
        (inner.width / count, (inner.height / 2).saturating_sub(captions))
    };
    let side = across.min(down.saturating_mul(2));
    let side = side - side % 2;
    if side < 4 {
        return inner;
    }
    for (at, (caption, request)) in requests.iter().enumerate() {
        let x = inner.x + at as u16 * (side + 1);
        let place = Rect { x, y: inner.y, width: side, height: side / 2 }.intersection(inner);
        grid::draw_picture(scene.pictures.get(request), context, place, buf);
        if captions > 0 && place.bottom() < inner.bottom() {
            let role = if at == 0 { Role::Adversarial } else { Role::Real };
            let style = context.style(role);
            buf.set_stringn(x, place.bottom(), text::fit(caption, side.into()), side.into(), style);
        }
    }
    if is_beside {
        let taken = (count * (side + 1) + 1).min(inner.width);
        Rect { x: inner.x + taken, width: inner.width - taken, ..inner }
    } else {
        let taken = (side / 2 + captions).min(inner.height);
        Rect { y: inner.y + taken, height: inner.height - taken, ..inner }
    }
}

fn draw_words(
    state: &State,
    pane: &Pane<'_>,
    prediction: &Prediction,
    off: &[usize],
    context: &DrawContext<'_>,
    (area, buf): (Rect, &mut Buffer),
) {
    let mut rows = area.rows();
    let mut put = |role: Role, words: &str, buf: &mut Buffer| {
        for line in text::wrap(words, area.width.into()) {
            let Some(row) = rows.next() else { return };
            buf.set_stringn(row.x, row.y, line, row.width.into(), context.style(role));
        }
    };
    put(Role::Text, &classes(pane, prediction), buf);
    let ablation = ablation::find(prediction, off).filter(|_| !off.is_empty());
    let moved = ablation::moved(prediction, ablation);
    let bars = Bars { pane, prediction, moved: &moved };
    // The facts below come after every class of the answer.
    for (class, row) in moved.iter().zip(rows.by_ref()) {
        bars.draw(class, context, row, buf);
    }
    let mut put = |role: Role, words: &str, buf: &mut Buffer| {
        for line in text::wrap(words, area.width.into()) {
            let Some(row) = rows.next() else { return };
            buf.set_stringn(row.x, row.y, line, row.width.into(), context.style(role));
        }
    };
    if let Some(ablation) = ablation {
        let change = signed(ablation.probability - prediction.probability);
        let followed = pane.seen.class(prediction.followed);
        let (before, after) = (prediction.probability, ablation.probability);
        let neurons = if off.len() == 1 { "1 neuron" } else { &format!("{} neurons", off.len()) };
        let words = format!("{followed}: {before:.3} → {after:.3} without {neurons}, {change}");
        put(Role::Warning, &words, buf);
    }
    for (role, words) in facts(state, pane, prediction) {
        put(role, &words, buf);
    }
}

/// `true dog · answer cat · target bus`
fn classes(pane: &Pane<'_>, prediction: &Prediction) -> String {
    let name = |class: Option<u32>| class.map(|class| pane.seen.class(class));
    let answer = name(prediction.answers.first().map(|answer| answer.class));
    let parts = [
        name(prediction.label).map(|label| format!("true {label}")),
        answer.map(|answer| format!("answer {answer}")),
        name(prediction.target).map(|target| format!("target {target}")),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join(" · ")
}

/// What is followed, and how far the checks agree: here, and over all predictions.
fn facts(state: &State, pane: &Pane<'_>, prediction: &Prediction) -> Vec<(Role, String)> {
    let trace = pane.seen.trace;
    let followed = pane.seen.class(prediction.followed);
    let mut facts = vec![(
        Role::Muted,
        format!(
            "followed {followed}: probability {:.3}, logit {:.2}",
            prediction.probability, prediction.logit
        ),
    )];
    let [gradient, mean] = in_the_same_place(prediction);
    let count = prediction.neurons.len();
    facts.push((
        Role::Text,
        format!(
            "here gradient × activation has {gradient} of {count} neurons in the same place, the \
             mean instead of 0 {mean} of {count}"
        ),
    ));
    let agreement = &trace.agreement;
    if agreement.images > 0 {
        let (gradient, mean) = (agreement.gradient, agreement.mean);
        facts.push((
            Role::Muted,
            format!(
                "over {} predictions: gradient × activation ranks as the logit's difference by \
                 {:.2} and names {:.0} % of its {}, the mean {:.2} and {:.0} %",
                crate::tui::number::count(agreement.images),
                gradient.correlation,
                100.0 * gradient.overlap,
                trace.top,
                mean.correlation,
                100.0 * mean.overlap
            ),
        ));
    }
    if Measure::of(state, trace).word() != trace.measure {
        let words = format!("the neurons were chosen by {}", text::fit(&trace.measure, 20));
        facts.push((Role::Muted, words));
    }
    facts
}

/// How many of the influential neurons gradient × activation, and the mean, put in the same place as
/// the logit's difference does.
fn in_the_same_place(prediction: &Prediction) -> [usize; 2] {
    use crate::run::results::trace::Influence;
    let order = |value: fn(&Influence) -> f64| {
        let mut order: Vec<&Influence> = prediction.neurons.iter().collect();
        order.sort_by(|a, b| value(b).total_cmp(&value(a)).then(a.index.cmp(&b.index)));
        order.into_iter().map(|neuron| neuron.index).collect::<Vec<_>>()
    };
    let logit = order(|neuron| neuron.logit);
    let same = |other: Vec<usize>| logit.iter().zip(&other).filter(|(a, b)| a == b).count();
    [same(order(|neuron| neuron.gradient)), same(order(|neuron| neuron.mean))]
}

/// The answer's classes below each other.
struct Bars<'a> {
    pane: &'a Pane<'a>,
    prediction: &'a Prediction,
    moved: &'a [Moved],
}

impl Bars<'_> {
    /// What a class is to the picture: told by a symbol as well as by colour.
    fn sign(&self, class: u32) -> (&'static str, Role) {
        let answer = self.prediction.answers.first().map(|answer| answer.class);
        if Some(class) == self.prediction.label {
            ("✓", Role::Real)
        } else if Some(class) == answer && self.prediction.label.is_some() {
            ("✗", Role::Adversarial)
        } else if Some(class) == self.prediction.target {
            ("▸", Role::Adversarial)
        } else {
            (" ", Role::Muted)
        }
    }

    fn draw(&self, moved: &Moved, context: &DrawContext<'_>, row: Rect, buf: &mut Buffer) {
        let names = self.moved.iter().map(|moved| text::width(&self.pane.seen.class(moved.class)));
        let name_width = names.max().unwrap_or(0).min(16).min(usize::from(row.width / 3));
        let name = text::pad(&self.pane.seen.class(moved.class), name_width);
        let (symbol, role) = self.sign(moved.class);
        buf.set_stringn(row.x, row.y, symbol, row.width.into(), context.style(role));
        let style = context.style(Role::Text);
        let style = if moved.class == self.prediction.followed {
            style.add_modifier(Modifier::BOLD)
        } else {
            style
        };
        let room = usize::from(row.width.saturating_sub(2));
        buf.set_stringn(row.x + 2, row.y, name, room, style);
        let from = (row.x + 3 + name_width as u16).min(row.right());
        let rest = Rect { x: from, width: row.right() - from, ..row };
        let change = moved.change().map_or_else(|| "      ".to_owned(), signed);
        let (number, width) = match moved.after {
            None => (moved.before.text(), 6),
            Some(after) if rest.width >= MOVED + 8 => {
                (format!("{} → {} {change}", moved.before.text(), after.text()), MOVED)
            }
            Some(after) => (format!("{} {change}", after.text()), MOVED_SHORT),
        };
        let gauge = Gauge {
            label: "",
            value: moved.after.unwrap_or(moved.before).value(),
            number: &number,
            role: if role == Role::Muted { Role::Series1 } else { role },
            label_width: 0,
            number_width: width,
            ascii: context.glyphs.is_ascii(),
            theme: context.theme,
        };
        gauge.draw(rest, buf);
    }
}

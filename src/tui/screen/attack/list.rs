//! The images to pick from: one line each, only those in sight are drawn.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::rows::{Listed, Row};
use super::{Shown, State, say};
use crate::tui::action::{Action, Place};
use crate::tui::number;
use crate::tui::screen::{Click, DrawContext, Scene, View};
use crate::tui::text;
use crate::tui::theme::Role;
use crate::tui::widget::list::Ground;

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
    let mut inner = context.frame(title(state, shown, context, area.width), area, buf);
    if state.filtering && inner.height > 0 {
        let row = Rect { y: inner.bottom() - 1, height: 1, ..inner };
        buf.set_stringn(row.x, row.y, "/", row.width.into(), context.style(Role::Key));
        let field = Rect { x: row.x + 1, width: row.width.saturating_sub(1), ..row };
        state.filter.draw(context, field.intersection(row), buf, view);
        inner.height -= 1;
    }
    if shown.rows.is_empty() {
        let words = if shown.all == 0 {
            nothing(shown, scene, context)
        } else {
            none(state, shown, context)
        };
        return say(&words, Role::Muted, context, inner, buf);
    }
    let columns = Columns::new(inner.width);
    if inner.height >= 4 && columns.after > 0 {
        let head = columns.line(["#", "true", "before", "after"]);
        let at = inner.x + 2 + WORD + 1;
        let room = usize::from(inner.right().saturating_sub(at));
        buf.set_stringn(at, inner.y, head, room, context.style(Role::Muted));
        inner = Rect { y: inner.y + 1, height: inner.height - 1, ..inner };
    }
    let rows = usize::from(inner.height);
    let first = view.scroll(Place::Attack, shown.at, shown.rows.len(), rows);
    for ((at, row), place) in shown.rows.iter().enumerate().skip(first).zip(inner.rows()) {
        draw_row(row, at == shown.at, shown, columns, context, place, buf);
        view.clickable(place, Click::Row(Place::Attack, at));
    }
}

fn title(state: &State, shown: &Shown<'_>, context: &DrawContext<'_>, width: u16) -> Line<'static> {
    let at = number::count(shown.at as u64 + u64::from(!shown.rows.is_empty()));
    let listed = number::count(shown.rows.len() as u64);
    let only = match state.listed {
        Listed::All => "",
        Listed::Fooled => " · fooled",
        Listed::Held => " · held",
    };
    let filter = if state.filter.is_empty() || state.filtering {
        String::new()
    } else {
        format!(" · /{}", text::fit(state.filter.text(), 10))
    };
    let sought = format!("{only}{filter}");
    // Of which attack the outcomes are: rows that the run did not attack have the live one's.
    let attack = shown.detail.and_then(|detail| detail.attack.as_deref());
    let of = attack.map(|attack| {
        let name = attack.name();
        let name = text::clean(&name);
        if shown.rows.iter().all(|row| row.pair.is_some()) {
            format!("{name} · {at} of {listed}")
        } else {
            format!("image {at} of {listed} · {name} and live")
        }
    });
    let room = usize::from(width).saturating_sub(4 + text::width(&sought));
    let title = of.filter(|title| text::width(title) <= room);
    let plain = || if shown.all == 0 { "images".into() } else { format!("image {at} of {listed}") };
    let mut title = Line::from(title.unwrap_or_else(plain));
    if !sought.is_empty() {
        title.push_span(Span::styled(sought, context.style(Role::Warning)));
    }
    title
}

/// Why the list is empty, and what fills it.
fn nothing(shown: &Shown<'_>, scene: &Scene<'_>, context: &DrawContext<'_>) -> String {
    let Some(detail) = shown.detail else { return "reading…".into() };
    let planned = detail.spec.lines().any(|line| line.trim() == "[attack]");
    let run = scene.world.run(shown.run);
    if planned && run.is_some_and(|run| run.status.is_live()) {
        return "The run has not come to its attack stage yet; its images appear here.".into();
    }
    let now = context.key(Action::AttackNow, Place::Attack);
    if planned {
        return format!(
            "The run ended without its adversarial images, or their list cannot be read; its log on \
             the first screen says more.\n\n{now} opens its network and lists the whole test split."
        );
    }
    format!(
        "The run wrote no adversarial images: an [attack] section makes them.\n\n{now} opens its \
         network and lists the whole test split."
    )
}

fn none(state: &State, shown: &Shown<'_>, context: &DrawContext<'_>) -> String {
    let back = context.key(Action::Back, Place::Attack);
    let words = match state.listed {
        Listed::All => format!("matches '{}'", state.filter.text()),
        Listed::Fooled if state.filter.is_empty() => "fooled the network".into(),
        Listed::Held if state.filter.is_empty() => "held".into(),
        Listed::Fooled => format!("fooled the network and matches '{}'", state.filter.text()),
        Listed::Held => format!("held and matches '{}'", state.filter.text()),
    };
    format!("None of {} images {words}; {back} shows more.", number::count(shown.all as u64))
}

/// Behind a row whose outcome is the live attack's.
const LIVE: &str = "live";

/// The longest word that fits beside its symbol: `wrong` stands for `wrong before`.
const WORD: u16 = 6;
const INDEX: u16 = 5;

/// Cells of the columns behind symbol and word; 0 = left out.
#[derive(Debug, Clone, Copy)]
struct Columns {
    label: u16,
    before: u16,
    after: u16,
}

impl Columns {
    fn new(width: u16) -> Self {
        let room = width.saturating_sub(2 + WORD + 1 + INDEX + 1);
        match room {
            // Three names of nine cells, or two: what it was before is told by the word.
            29.. => Self { label: room / 3, before: room / 3, after: room - room / 3 * 2 },
            17.. => Self { label: room / 2, before: 0, after: room - room / 2 },
            _ => Self { label: room, before: 0, after: 0 },
        }
    }

    fn line(self, [index, label, before, after]: [&str; 4]) -> String {
        let mut line = text::pad_left(index, INDEX.into());
        for (name, width) in [(label, self.label), (before, self.before), (after, self.after)] {
            if width > 0 {
                line.push(' ');
                // The last one of each needs no blank behind it, the others have theirs in front.
                line.push_str(&text::pad(name, usize::from(width.saturating_sub(1))));
            }
        }
        line
    }
}

fn draw_row(
    row: &Row,
    is_chosen: bool,
    shown: &Shown<'_>,
    columns: Columns,
    context: &DrawContext<'_>,
    place: Rect,
    buf: &mut Buffer,
) {
    let ground = Ground::draw(context, is_chosen, place, buf);
    let (symbol, word, role) = row.outcome().sign();
    let word = if word.len() > WORD.into() { word.split(' ').next().unwrap_or(word) } else { word };
    let sign = format!("{symbol} {word}");
    buf.set_stringn(place.x, place.y, sign, place.width.into(), ground.over(role));
    let name = |class: Option<u32>| {
        class.map_or_else(|| "–".into(), |class| shown.names.of(class).into_owned())
    };
    let line = columns.line([
        &row.image.to_string(),
        &name(Some(row.label)),
        &name(row.before),
        &name(row.after),
    ]);
    let at = place.x + 2 + WORD + 1;
    let mut room = usize::from(place.right().saturating_sub(at));
    if row.is_live() && room > LIVE.len() {
        room -= LIVE.len() + 1;
        let x = place.right() - LIVE.len() as u16;
        buf.set_string(x, place.y, LIVE, ground.over(Role::Muted));
    }
    buf.set_string(at, place.y, text::fit(line.trim_end(), room), ground.plain(Role::Text));
}

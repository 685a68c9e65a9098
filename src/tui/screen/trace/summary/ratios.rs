//! The representation ratios of adversarial images (SCIENCE §7): below 1 is nearer to the class of
//! the original than to the one that was reached.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::run::results::trace::{Ratio, Representation};
use crate::tui::number;
use crate::tui::screen::DrawContext;
use crate::tui::text;
use crate::tui::theme::Role;

/// Bins of a histogram in steps of 0.05; the last counts all of 2 and above.
const PER_ONE: u16 = 20;
/// Cells of the count at the left.
const LABEL: u16 = 6;
/// From here on the two stand beside each other.
const BESIDE: u16 = 104;
const EIGHTHS: [&str; 9] = [" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"];

pub(super) fn draw(
    found: &Representation,
    context: &DrawContext<'_>,
    area: Rect,
    buf: &mut Buffer,
) {
    let towards = if found.towards == "target" { "the target" } else { "the answer" };
    let words = format!(
        "below 1: nearer to the original's class than to {towards}'s; {} reference images",
        number::count(found.reference_images)
    );
    let lines = text::wrap(&words, area.width.into());
    for (line, row) in lines.iter().zip(area.rows()) {
        buf.set_stringn(row.x, row.y, line, row.width.into(), context.style(Role::Muted));
    }
    let taken = (lines.len() as u16).min(area.height);
    let area = Rect { y: area.y + taken, height: area.height - taken, ..area };
    let of = |what: &str| format!("{what} over the same to {towards}'s");
    let mean = of("r_mean: distance to the mean of the true class");
    let pair = format!(
        "r_pair: distance to the original over that to the nearest real image of {towards}'s class"
    );
    let halves = if area.width >= BESIDE {
        let half = area.width / 2 - 1;
        [Rect { width: half, ..area }, Rect { x: area.right() - half, width: half, ..area }]
    } else {
        let half = area.height / 2;
        [
            Rect { height: half, ..area },
            Rect { y: area.y + half, height: area.height - half, ..area },
        ]
    };
    for ((words, ratio), place) in
        [(mean, &found.mean), (pair, &found.pair)].into_iter().zip(halves)
    {
        draw_ratio(&words, ratio, context, place, buf);
    }
}

fn draw_ratio(words: &str, ratio: &Ratio, context: &DrawContext<'_>, area: Rect, buf: &mut Buffer) {
    let [low, high] = ratio.interval;
    let told = if ratio.images == 0 {
        "no image has it".to_owned()
    } else {
        format!(
            "mean {:.3} [{low:.3}, {high:.3}] · median {:.3} · below 1: {} of {} images",
            ratio.mean,
            ratio.median,
            number::percent(ratio.below_one),
            number::count(ratio.images)
        )
    };
    let lines = text::wrap(words, area.width.into()).into_iter().map(|line| (Role::Text, line));
    let told = text::wrap(&told, area.width.into()).into_iter().map(|line| (Role::Accent, line));
    let lines: Vec<(Role, String)> = lines.chain(told).collect();
    for ((role, line), row) in lines.iter().zip(area.rows()) {
        buf.set_stringn(row.x, row.y, line, row.width.into(), context.style(*role));
    }
    let taken = (lines.len() as u16).min(area.height);
    let area = Rect { y: area.y + taken, height: area.height - taken, ..area };
    draw_histogram(&ratio.histogram, context, area, buf);
}

/// Columns from 0 to 2 and beyond, as wide as there is room for; a line at 1.
fn draw_histogram(counts: &[u64], context: &DrawContext<'_>, area: Rect, buf: &mut Buffer) {
    let Some(most) = counts.iter().copied().max().filter(|most| *most > 0) else { return };
    let bins = counts.len() as u16;
    let wide = area.width.saturating_sub(LABEL) / bins.max(1);
    // Without room for every bin nothing is drawn: a part would look like the whole.
    if wide == 0 || area.height < 4 {
        return;
    }
    let wide = wide.min(3);
    let rows = (area.height - 1).min(12);
    let (bottom, left) = (area.y + rows, area.x + LABEL);
    let muted = context.style(Role::Muted);
    let label = text::pad_left(&number::count(most), usize::from(LABEL - 1));
    buf.set_stringn(area.x, area.y, label, usize::from(LABEL), muted);
    // The line at 1 lies behind the columns.
    let one = left + PER_ONE * wide;
    if one < area.right() {
        for y in area.y..bottom {
            buf.set_stringn(one, y, "┊", 1, context.style(Role::Accent));
        }
    }
    for (bin, count) in counts.iter().enumerate() {
        let eighths = (*count as f64 / most as f64 * f64::from(rows) * 8.0).round() as u16;
        // What is there is seen, however little it is.
        let eighths = if *count > 0 { eighths.max(1) } else { 0 };
        let role = if bin < usize::from(PER_ONE) { Role::Real } else { Role::Adversarial };
        for row in 0..rows {
            let part = eighths.saturating_sub(row * 8).min(8);
            if part == 0 {
                break;
            }
            let x = left + bin as u16 * wide;
            let symbol = EIGHTHS[usize::from(part)].repeat(usize::from(wide));
            let room = usize::from(wide);
            buf.set_stringn(x, bottom - 1 - row, symbol, room, context.style(role));
        }
    }
    for (at, label) in [(0, "0"), (PER_ONE / 2, "0.5"), (PER_ONE, "1"), (PER_ONE * 3 / 2, "1.5")] {
        let x = left + at * wide;
        if at < bins && x < area.right() {
            buf.set_stringn(x, bottom, label, usize::from(area.right() - x), muted);
        }
    }
    if bins > PER_ONE * 2 {
        let x = left + PER_ONE * 2 * wide;
        if x < area.right() {
            let label = text::fit("2+", usize::from(area.right() - x));
            buf.set_string(x, bottom, label, muted);
        }
    }
}

//! The WordNet tree of the classes of a neuron's images: where they join is lit.
//!
//! ```text
//! real · 2 classes · LC 0.812 · consis 0.941   adversarial · 7 classes · LC 0.231 · consis 0.512
//! ◆ dog, 13 below entity                       ◆ whole, 3 below entity
//! entity › … › ◆ dog                           entity › physical entity › object › ◆ whole
//! ├─ beagle                        89 %        ├─ artifact
//! ```

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Modifier;
use ratatui::text::Line;

use super::filter::Row;
use super::shown::Shown;
use super::{State, empty};
use crate::report::hypernym_tree::{self, tree};
use crate::run::results::consistency::{Consistency, Level};
use crate::tui::screen::meaning::told;
use crate::tui::screen::{DrawContext, Scene};
use crate::tui::text;
use crate::tui::theme::Role;

/// What stands before the noun in which the classes join.
const SIGN: &str = "◆";
/// From here on both sides stand beside each other.
const BESIDE: u16 = 64;
/// No noun of WordNet is deeper.
const DEEPEST: usize = 64;
/// Rows above a tree.
const HEAD: u16 = 2;
/// Cells of a share: `100 %`, and a blank before it.
const SHARE: usize = 6;

pub(super) fn draw(
    state: &State,
    shown: &Shown<'_>,
    scene: &Scene<'_>,
    context: &DrawContext<'_>,
    area: Rect,
    buf: &mut Buffer,
) {
    let row = super::chosen(state, shown);
    let index = row.map(|row| format!(" · neuron {}", row.index)).unwrap_or_default();
    let inner = context.frame(Line::from(format!("wordnet tree{index}")), area, buf);
    let results = shown.seen.detail.consistency.as_deref();
    let neuron = row.and_then(|row| row.meaning.level);
    let (Some(results), Some(neuron)) = (results, neuron) else {
        let words = match row {
            Some(_) => empty::lacks("consistency", &shown.seen, scene, context),
            None => "No neuron is listed.".to_owned(),
        };
        return empty::say(&words, context, inner, buf);
    };
    let real = Half { word: "real", role: Role::Real, results, level: &neuron.real };
    let Some(level) = &neuron.adversarial else {
        return real.draw(state.scroll, context, inner, buf);
    };
    let adversarial = Half { word: "adversarial", role: Role::Adversarial, results, level };
    if inner.width >= BESIDE {
        let half = (inner.width - 2) / 2;
        real.draw(state.scroll, context, Rect { width: half, ..inner }, buf);
        let right = Rect { x: inner.x + half + 2, width: inner.width - half - 2, ..inner };
        adversarial.draw(state.scroll, context, right, buf);
    } else {
        let most = inner.height.div_ceil(2);
        let lines = real.lines(inner.width.into()).len().min(inner.height.into());
        let height = (lines as u16 + HEAD).min(most);
        real.draw(state.scroll, context, Rect { height, ..inner }, buf);
        let below = Rect { y: inner.y + height, height: inner.height - height, ..inner };
        adversarial.draw(state.scroll, context, below, buf);
    }
}

/// How many lines the longer of a neuron's trees has: as far as it can be scrolled.
pub(super) fn length(shown: &Shown<'_>, row: &Row<'_>) -> usize {
    let (Some(results), Some(neuron)) =
        (shown.seen.detail.consistency.as_deref(), row.meaning.level)
    else {
        return 0;
    };
    let levels = std::iter::once(&neuron.real).chain(&neuron.adversarial);
    levels.map(|level| tree(results, level).lines().len()).max().unwrap_or(0)
}

/// One side of the attack.
struct Half<'a> {
    word: &'static str,
    role: Role,
    results: &'a Consistency,
    level: &'a Level,
}

/// A line as it is drawn.
struct Drawn {
    indent: String,
    names: String,
    share: Option<f64>,
    is_common_ancestor: bool,
}

impl Half<'_> {
    fn draw(&self, scroll: usize, context: &DrawContext<'_>, area: Rect, buf: &mut Buffer) {
        let width = usize::from(area.width);
        if area.height == 0 || width == 0 {
            return;
        }
        let title = text::fit(&self.title(), width);
        buf.set_string(area.x, area.y, title, context.style(self.role));
        let level = Rect { y: area.y + 1, height: area.height - 1, ..area };
        if !level.is_empty() && !self.is_silent() {
            let style = context.style(Role::Accent);
            buf.set_string(level.x, level.y, text::fit(&self.level_in_words(), width), style);
        }
        let area = Rect { y: area.y + HEAD, height: area.height.saturating_sub(HEAD), ..area };
        let lines = self.lines_in(width, context.glyphs.is_ascii());
        if lines.is_empty() {
            let words = "It is silent: it answers to all of these images alike.";
            return empty::say(words, context, area, buf);
        }
        let rows = usize::from(area.height);
        let first = scroll.min(lines.len().saturating_sub(rows));
        for (line, row) in lines.iter().skip(first).zip(area.rows()) {
            draw_line(line, context, row, buf);
        }
        let hidden = lines.len().saturating_sub(first + rows);
        if hidden > 0 && area.height > 1 {
            let words = format!(" {} more ", hidden + 1);
            let row = area.bottom() - 1;
            let blank = " ".repeat(width);
            buf.set_string(area.x, row, blank, context.style(Role::Text));
            buf.set_stringn(area.x, row, words, width, context.style(Role::Muted));
        }
    }

    fn is_silent(&self) -> bool {
        told(self.level).is_none()
    }

    /// Which side, and how much its images have in common.
    fn title(&self) -> String {
        let Level { lc, consistency, classes, .. } = self.level;
        if self.is_silent() {
            return format!("{} · silent", self.word);
        }
        let classes = match classes.len() {
            1 => "1 class".to_owned(),
            count => format!("{count} classes"),
        };
        format!("{} · {classes} · LC {lc:.3} · consis {consistency:.3}", self.word)
    }

    /// Where the classes join: the deeper, the more specific.
    fn level_in_words(&self) -> String {
        let Some(noun) = self.results.nouns.get(self.level.ancestor) else { return String::new() };
        let root = self.results.nouns.first().map_or("the root", |root| root.name.as_str());
        match noun.depth {
            0 => format!("{SIGN} {}: the root of all nouns", noun.name),
            depth => format!("{SIGN} {}, {depth} below {root}", noun.name),
        }
    }

    fn lines(&self, width: usize) -> Vec<Drawn> {
        self.lines_in(width, false)
    }

    fn lines_in(&self, width: usize, ascii: bool) -> Vec<Drawn> {
        let lines = tree(self.results, self.level).lines();
        let line = |(at, line): (usize, &hypernym_tree::Line)| {
            let indent = line.indent(at == 0, ascii);
            let sign = if line.is_common_ancestor { 2 } else { 0 };
            let share = if line.share.is_some() { SHARE } else { 0 };
            let room = width.saturating_sub(text::width(&indent) + sign + share);
            Drawn {
                indent,
                names: self.names(line, room),
                share: line.share,
                is_common_ancestor: line.is_common_ancestor,
            }
        };
        lines.iter().enumerate().map(line).collect()
    }

    /// A chain of nouns; the middle gives way: the last one is what the line is about.
    fn names(&self, line: &hypernym_tree::Line, room: usize) -> String {
        let names = text::clean(&line.names(self.results)).into_owned();
        if text::width(&names) <= room {
            return names;
        }
        let name = |at: Option<&usize>| {
            let noun = at.and_then(|noun| self.results.nouns.get(*noun));
            noun.map_or("", |noun| noun.name.as_str())
        };
        let (first, last) = (name(line.nouns.first()), name(line.nouns.last()));
        let (first, last) = (&*text::clean(first), &*text::clean(last));
        // As much of the end as there is room for.
        let ends = line.nouns.get(2..).unwrap_or_default();
        let tries = (0..ends.len()).map(|at| {
            let ends = ends[at..].iter().map(|noun| name(Some(noun)));
            let ends: Vec<&str> = ends.collect();
            format!("{first} › … › {}", text::clean(&ends.join(" › ")))
        });
        let long = tries.take(DEEPEST).find(|words| text::width(words) <= room);
        match line.nouns.len() {
            3.. if long.is_some() => long.unwrap_or_default(),
            2.. if text::width(last) + 4 <= room => format!("… › {last}"),
            _ => text::fit(last, room),
        }
    }
}

fn draw_line(line: &Drawn, context: &DrawContext<'_>, row: Rect, buf: &mut Buffer) {
    let room = |x: u16| usize::from(row.right().saturating_sub(x));
    let style = context.style(Role::Border);
    let (mut x, _) = buf.set_stringn(row.x, row.y, &line.indent, room(row.x), style);
    let style = match (line.is_common_ancestor, line.share) {
        (true, _) => context.style(Role::Accent).add_modifier(Modifier::BOLD),
        (false, Some(_)) => context.style(Role::Text),
        (false, None) => context.style(Role::Muted),
    };
    if line.is_common_ancestor {
        x = buf.set_stringn(x, row.y, format!("{SIGN} "), room(x), style).0;
    }
    buf.set_stringn(x, row.y, &line.names, room(x), style);
    if let Some(share) = line.share {
        // Rounded: shares of ten images are whole tenths, and others are told as near as it goes.
        let share = format!("{:>3.0} %", share * 100.0);
        let at = row.right().saturating_sub(SHARE as u16 - 1).max(row.x);
        buf.set_stringn(at, row.y, share, room(at), context.style(Role::Text));
    }
}

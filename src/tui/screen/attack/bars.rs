//! Class probabilities before and after, a pair of bars a class: the true class first, then the
//! likeliest on either side.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::live::largest;
use super::rows::Names;
use crate::tui::screen::DrawContext;
use crate::tui::text;
use crate::tui::theme::Role;
use crate::tui::widget::gauge::Gauge;

/// More classes than that say nothing.
pub(super) const MOST: u16 = 10;
/// ` 0.942`
const NUMBER: u16 = 5;
/// The longest word beside a class.
const WORD: u16 = 13;
const LONGEST_NAME: usize = 18;
/// Longer bars tell no more.
const WIDEST: u16 = 48;

/// What is drawn.
#[derive(Debug)]
pub(super) struct Bars<'a> {
    pub(super) label: u32,
    /// One probability a class.
    pub(super) before: &'a [f32],
    pub(super) after: &'a [f32],
    pub(super) names: &'a Names,
}

impl Bars<'_> {
    /// Draws a heading where there is room for it, then as many classes as fit.
    pub(super) fn draw(&self, context: &DrawContext<'_>, area: Rect, buf: &mut Buffer) {
        if area.height == 0 {
            return;
        }
        let heading = u16::from(area.height >= 3);
        let classes = self.classes((area.height - heading).min(MOST).into());
        let names: Vec<_> = classes.iter().map(|class| self.names.of(*class)).collect();
        // Of all classes: bars keep their place from image to image.
        let all = (0..self.count()).map(|class| text::width(&self.names.of(class)));
        let widest = all.max().unwrap_or(0);
        let name_width = widest.min(LONGEST_NAME).min(usize::from(area.width) / 4);
        let from = area.x + 2 + name_width as u16;
        let word = if area.right().saturating_sub(from) >= 2 * 20 + WORD { WORD + 1 } else { 0 };
        let half = (area.right().saturating_sub(from + word) / 2).min(WIDEST);
        let sides = [(from, Role::Real), (from + half, Role::Adversarial)];
        if heading > 0 {
            for ((x, role), title) in sides.into_iter().zip(["before", "after"]) {
                let room = usize::from(half.saturating_sub(2));
                buf.set_stringn(x + 2, area.y, title, room, context.style(role));
            }
        }
        for ((class, name), row) in classes.iter().zip(&names).zip(area.rows().skip(heading.into()))
        {
            let (symbol, words, role) = self.sign(*class);
            buf.set_stringn(row.x, row.y, symbol, 1, context.style(role));
            let name = text::fit(name, name_width);
            buf.set_stringn(row.x + 2, row.y, name, name_width, context.style(Role::Text));
            for ((x, role), all) in sides.into_iter().zip([self.before, self.after]) {
                let value = f64::from(all.get(*class as usize).copied().unwrap_or(f32::NAN));
                let gauge = Gauge {
                    label: "",
                    value,
                    number: &format!("{value:.3}"),
                    role,
                    label_width: 0,
                    number_width: NUMBER,
                    ascii: context.glyphs.is_ascii(),
                    theme: context.theme,
                };
                gauge.draw(Rect { x, width: half.saturating_sub(1), ..row }, buf);
            }
            if word > 0 {
                let at = from + 2 * half + 1;
                buf.set_stringn(at, row.y, words, WORD.into(), context.style(role));
            }
        }
    }

    /// The true class, then the likeliest before or after, likeliest first.
    fn classes(&self, most: usize) -> Vec<u32> {
        let either = |class: u32| {
            let of = |all: &[f32]| all.get(class as usize).copied().unwrap_or(0.0);
            of(self.before).max(of(self.after))
        };
        let mut others: Vec<u32> = (0..self.count()).filter(|class| *class != self.label).collect();
        others.sort_by(|a, b| either(*b).total_cmp(&either(*a)));
        std::iter::once(self.label).chain(others).take(most).collect()
    }

    fn count(&self) -> u32 {
        u32::try_from(self.before.len().max(self.after.len())).unwrap_or(u32::MAX)
    }

    /// What a class is to the image: told by a symbol and a word.
    fn sign(&self, class: u32) -> (&'static str, &'static str, Role) {
        let (before, after) = (largest(self.before), largest(self.after));
        match (Some(class) == before, Some(class) == after) {
            _ if class == self.label => ("✓", "true class", Role::Real),
            (true, true) => ("–", "answer", Role::Muted),
            (false, true) => ("✗", "answer after", Role::Adversarial),
            (true, false) => ("–", "answer before", Role::Muted),
            _ => (" ", "", Role::Muted),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_true_class_comes_first_and_the_likeliest_of_either_side_follow() {
        let names = Names::Folders(
            [(0, "cat"), (1, "dog"), (2, "ship"), (3, "car")]
                .map(|(class, name)| (class, name.to_owned()))
                .into(),
        );
        let bars = Bars {
            label: 2,
            before: &[0.05, 0.15, 0.7, 0.1],
            after: &[0.6, 0.0, 0.1, 0.3],
            names: &names,
        };
        assert_eq!(bars.classes(9), [2, 0, 3, 1]);
        assert_eq!(bars.classes(2), [2, 0]);
        let words = |class| bars.sign(class).1;
        assert_eq!([0, 1, 2].map(words), ["answer after", "", "true class"]);
    }
}

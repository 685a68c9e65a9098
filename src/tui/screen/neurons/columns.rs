//! The columns of the list of neurons: which there is room for, and what stands in them.

use super::list::Sort;
use crate::run::results::neurons::{Layer, Neuron};
use crate::tui::number;
use crate::tui::screen::meaning::{Meaning, Meanings};
use crate::tui::text;

/// What [`cells`] are.
pub(super) const HEAD: [&str; 10] =
    ["#", "class", "real", "adv", "diff", "change", "act", "concept", "iou", "LC"];

pub(super) fn cells(neuron: &Neuron, meaning: &Meaning<'_>) -> [String; 10] {
    let none = || "–".to_owned();
    let Some(favourite) = neuron.favourite() else {
        let mut cells: [String; 10] = std::array::from_fn(|_| none());
        (cells[0], cells[1]) = (neuron.index.to_string(), "silent".into());
        cells[7] = "silent".into();
        return cells;
    };
    let of = |count: usize, all: usize| {
        if all == 0 { none() } else { format!("{count}/{all}") }
    };
    let share = |value: Option<f64>| value.map_or_else(none, |value| format!("{value:.2}"));
    // What it matches too little to be said to detect it would read as if it did.
    let concept = meaning.real().filter(|best| meaning.detects(best));
    [
        neuron.index.to_string(),
        favourite.label.to_owned(),
        of(favourite.real, neuron.real.len()),
        of(favourite.adversarial, neuron.adversarial.len()),
        share(neuron.disagreement()),
        share(neuron.change()),
        number::value(neuron.top_activation()),
        concept.map_or_else(none, |best| best.concept.clone()),
        meaning.number("iou").map_or_else(none, intersection),
        meaning.number("lc").map_or_else(none, |value| format!("{value:.3}")),
    ]
}

/// `.041`: the third digit tells what detects from what does not.
fn intersection(value: f64) -> String {
    let text = format!("{value:.3}");
    text.strip_prefix('0').map_or_else(|| format!("{value:.2}"), str::to_owned)
}

/// Which numbers there is room for, each with its cells: what it is sorted by before all. Index and
/// class always stand there; where the run was dissected, the concept stands for the class.
#[derive(Debug)]
pub(super) struct Columns {
    name: usize,
    numbers: Vec<(usize, usize)>,
}

impl Columns {
    pub(super) fn of(width: u16, sort: Sort, layer: &Layer, meanings: &Meanings<'_>) -> Self {
        let has_change = layer.neurons.iter().any(|neuron| neuron.change().is_some());
        let by_change = sort == Sort::Change && has_change;
        // `9/9`, `100/100`, and a blank before it.
        let most = |neuron: &Neuron| neuron.real.len().max(neuron.adversarial.len());
        let pictures = layer.neurons.iter().map(most).max().unwrap_or(0);
        let count = (2 * pictures.to_string().len() + 2).max(5);
        if !meanings.is_empty() {
            return Self::with_meanings(width, sort, has_change, count, meanings);
        }
        // Long counts must not take the class its room.
        let wide = 36 + 2 * (count as u16 - 5);
        let columns = [
            (2, count, width >= wide),
            (3, count, width >= wide),
            (4, 6, width >= 24 || !by_change),
            (5, 7, has_change && (width >= wide + 7 || by_change)),
            (6, 7, width >= 26 && !(width < 36 && by_change)),
        ];
        let there = columns.into_iter().filter(|(_, _, is_there)| *is_there);
        Self { name: 1, numbers: there.map(|(cell, width, _)| (cell, width)).collect() }
    }

    /// What neurons mean before what excites them; `count`: cells of a count of pictures.
    fn with_meanings(
        width: u16,
        sort: Sort,
        has_change: bool,
        count: usize,
        meanings: &Meanings<'_>,
    ) -> Self {
        /// Cells of a concept that can still be told from others.
        const NAME: usize = 6;
        let sorted = match sort {
            Sort::Change => Some(5),
            Sort::Activation => Some(6),
            _ => None,
        };
        let columns = [
            (8, 5, meanings.dissected.is_some()),
            (9, 6, meanings.levels.is_some()),
            (4, 6, true),
            (6, 7, true),
            (2, count, true),
            (3, count, true),
            (5, 7, has_change),
        ];
        let is_first = |(cell, ..): &&(usize, usize, bool)| Some(*cell) == sorted;
        let first = columns.iter().filter(is_first);
        let others = columns.iter().filter(|column| !is_first(column));
        let mut left = usize::from(width).saturating_sub(5 + NAME);
        let mut numbers: Vec<(usize, usize)> = Vec::new();
        for (cell, width, is_there) in first.chain(others) {
            if *is_there && *width <= left {
                left -= width;
                numbers.push((*cell, *width));
            }
        }
        let place = |cell: usize| [8, 9, 2, 3, 4, 5, 6].iter().position(|other| *other == cell);
        numbers.sort_by_key(|(cell, _)| place(*cell));
        Self { name: if meanings.dissected.is_some() { 7 } else { 1 }, numbers }
    }

    pub(super) fn row(&self, cells: &[String; 10], sign: &str, width: u16) -> String {
        let cell = |at: usize| cells.get(at).map_or("", String::as_str);
        let tail: String =
            self.numbers.iter().map(|(at, width)| text::pad_left(cell(*at), *width)).collect();
        let room = usize::from(width).saturating_sub(5 + text::width(&tail));
        format!("{}{sign}{}{tail}", text::pad_left(cell(0), 4), text::pad(cell(self.name), room))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::fixture;

    #[test]
    fn columns_stay_apart_and_the_class_keeps_its_room_with_many_pictures() {
        let mut layer = fixture::with_regions().layers.remove(1);
        for neuron in &mut layer.neurons {
            for tops in [&mut neuron.real, &mut neuron.adversarial] {
                let first = tops[0].clone();
                tops.resize(100, first);
            }
        }
        let head =
            ["#", "harvestman", "100/100", "100/100", "0.97", "-12 %", "30.75", "–", "–", "–"];
        for sort in [Sort::Disagreement, Sort::Activation] {
            for width in 26_u16..120 {
                let columns = Columns::of(width, sort, &layer, &Meanings::default());
                let row = columns.row(&head.map(str::to_owned), " ", width);
                assert_eq!(text::width(&row), usize::from(width), "{row}");
                let class = row.split_whitespace().nth(1).unwrap();
                assert!(class.starts_with("harv") && !class.contains('/'), "{width}: {row}");
                assert_eq!(row.matches("100/100").count(), row.matches(" 100/100").count());
                if width >= 36 {
                    assert!(row.contains("harvest"), "{width}: {row}");
                }
            }
        }
    }

    #[test]
    fn what_neurons_mean_stands_first_where_the_run_knows_it() {
        let layer = fixture::with_regions().layers.remove(1);
        let (dissect, consistency) = (fixture::dissect(0), fixture::consistency(0));
        let dissected = dissect.layers.last();
        let both = Meanings { dissected, levels: consistency.layers.last() };
        let row = |width: u16, sort, meanings: &Meanings<'_>| {
            Columns::of(width, sort, &layer, meanings).row(&HEAD.map(str::to_owned), " ", width)
        };
        let words = |row: String| row.split_whitespace().collect::<Vec<_>>().join(" ");
        assert_eq!(words(row(22, Sort::Disagreement, &both)), "# conce… iou LC");
        assert_eq!(words(row(38, Sort::Iou, &both)), "# concept iou LC diff act");
        let alone = Meanings { dissected, levels: None };
        assert_eq!(words(row(30, Sort::Activation, &alone)), "# concept iou diff act");
        let levels = Meanings { dissected: None, ..both };
        assert_eq!(words(row(30, Sort::Consistency, &levels)), "# class LC diff act");
        for width in 11..120 {
            let row = row(width, Sort::Change, &both);
            assert_eq!(text::width(&row), usize::from(width), "{row}");
        }
        let neuron = &layer.neurons[147];
        let cells = cells(neuron, &both.neuron(147));
        assert_eq!(cells[7], "dog");
        assert_eq!(cells[8], ".112");
        assert_eq!(["1.00", ".000"], [1.0, 0.0002].map(intersection));
    }
}

//! Which curves a run has, and where they stand in the region.

use std::ops::RangeInclusive;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::State;
use crate::run::latest::attack_behind;
use crate::tui::action::Place;
use crate::tui::history::{History, SMOOTHING, Series};
use crate::tui::screen::runs::short_name;
use crate::tui::screen::{Click, DrawContext, Scene, View};
use crate::tui::theme::Role;
use crate::tui::widget::curve::{Across, Curve, Line, steps_of};

/// A chart of one run: its metrics, and what they are called in the legend.
#[derive(Debug)]
struct Recipe {
    title: &'static str,
    lines: &'static [(&'static str, &'static str, Role)],
    limits: (f64, f64),
    scale: f64,
    /// Only what is noisy from step to step is smoothed: a smoothed accuracy would be a wrong one.
    noisy: bool,
}

const NO_LIMITS: (f64, f64) = (f64::NEG_INFINITY, f64::INFINITY);
const FRACTION: (f64, f64) = (0.0, 1.0);
const POSITIVE: (f64, f64) = (0.0, f64::INFINITY);
const GIB: f64 = 1_073_741_824.0;

const LOSS: &str = "loss";
const PROBE: &str = "probe top-1";

// The most telling first: a small screen shows only the first.
const RECIPES: [Recipe; 11] = [
    Recipe {
        title: LOSS,
        lines: &[
            ("loss", "clean", Role::Real),
            ("adversarial_loss", "adversarial", Role::Adversarial),
            ("total_loss", "total", Role::Series4),
        ],
        limits: NO_LIMITS,
        scale: 1.0,
        noisy: true,
    },
    Recipe {
        title: "top-1",
        lines: &[
            ("top1", "clean", Role::Real),
            ("adversarial_top1", "adversarial", Role::Adversarial),
        ],
        limits: FRACTION,
        scale: 1.0,
        noisy: false,
    },
    Recipe {
        title: "consistency loss",
        lines: &[("consistency_loss", "consistency", Role::Series3)],
        limits: POSITIVE,
        scale: 1.0,
        noisy: true,
    },
    // FGSM up while PGD falls to nothing is catastrophic overfitting: they belong in one chart.
    Recipe {
        title: PROBE,
        lines: &[
            ("probe_top1", "clean", Role::Real),
            ("fgsm_top1", "FGSM", Role::Series4),
            ("pgd_top1", "PGD", Role::Adversarial),
        ],
        limits: FRACTION,
        scale: 1.0,
        noisy: false,
    },
    Recipe {
        title: "feature distance",
        lines: &[("feature_distance", "real to adversarial", Role::Series3)],
        limits: POSITIVE,
        scale: 1.0,
        noisy: false,
    },
    Recipe {
        title: "LC of watched neurons",
        lines: &[("lc", "real", Role::Real), ("lc_adversarial", "adversarial", Role::Adversarial)],
        limits: FRACTION,
        scale: 1.0,
        noisy: false,
    },
    Recipe {
        title: "CS1 of watched neurons",
        lines: &[("cs1", "real to adversarial", Role::Series3)],
        limits: FRACTION,
        scale: 1.0,
        noisy: false,
    },
    Recipe {
        title: "top-5",
        lines: &[
            ("top5", "clean", Role::Real),
            ("adversarial_top5", "adversarial", Role::Adversarial),
        ],
        limits: FRACTION,
        scale: 1.0,
        noisy: false,
    },
    Recipe {
        title: "learning rate",
        lines: &[("learning_rate", "learning rate", Role::Series5)],
        limits: POSITIVE,
        scale: 1.0,
        noisy: false,
    },
    Recipe {
        title: "images per second",
        lines: &[("images_per_second", "images/s", Role::Series3)],
        limits: POSITIVE,
        scale: 1.0,
        noisy: true,
    },
    Recipe {
        title: "memory, GiB",
        lines: &[("memory_bytes", "memory", Role::Series4)],
        limits: POSITIVE,
        scale: 1.0 / GIB,
        noisy: false,
    },
];

/// One chart with the data that it has.
#[derive(Debug)]
pub struct Chart<'a> {
    title: String,
    /// Which attack the adversarial line is under.
    under: Option<String>,
    lines: Vec<Line<'a>>,
    recipe: &'static Recipe,
}

/// A chart needs this much to say something.
pub const LEAST_HEIGHT: u16 = 6;
// Lower than this, the next chart waits for `next_curve` or a larger screen.
const GOOD_HEIGHT: u16 = 8;
const GOOD_WIDTH: u16 = 50;

/// The charts of the selected run, or of the compared ones over one another.
pub fn of<'a>(scene: &'a Scene<'a>) -> Vec<Chart<'a>> {
    if scene.compared.len() > 1 { compared(scene) } else { single(scene) }
}

fn single<'a>(scene: &'a Scene<'a>) -> Vec<Chart<'a>> {
    let Some(detail) = scene.selected.and_then(|id| scene.world.detail(id)) else {
        return Vec::new();
    };
    let probe = attack_behind(&detail.spec, None);
    let trained_against = trained_against(&detail.spec);
    let chart = |recipe: &'static Recipe| {
        let line = |(metric, name, role): &(&str, &'static str, Role)| {
            let series = series_of(&detail.history, metric)?;
            Some(Line { name, series, role: *role, intervals: &[] })
        };
        let lines: Vec<Line<'a>> = recipe.lines.iter().filter_map(line).collect();
        // The curve is the probe's, or that of the objective; what was evaluated afterwards stands
        // below.
        let under = match (recipe.title, &trained_against) {
            (PROBE, _) => None,
            (LOSS, Some(method)) => Some(format!("trained against {method}")),
            _ => probe.clone(),
        };
        let under = under.filter(|_| lines.len() > 1);
        (!lines.is_empty()).then_some(Chart { title: recipe.title.into(), under, lines, recipe })
    };
    RECIPES.iter().filter_map(chart).collect()
}

/// The attack of adversarial training, `fgsm`, if that is what a spec asks for.
fn trained_against(spec: &str) -> Option<String> {
    let spec: toml::Table = spec.parse().ok()?;
    let method = spec.get("train")?.get("adversarial")?.get("method")?;
    Some(method.as_str()?.to_owned())
}

fn compared<'a>(scene: &'a Scene<'a>) -> Vec<Chart<'a>> {
    let mut charts = Vec::new();
    for recipe in &RECIPES {
        for (metric, name, _) in recipe.lines {
            let mut lines = Vec::new();
            for (index, id) in scene.compared.iter().enumerate() {
                let Some(detail) = scene.world.detail(id) else { continue };
                let Some(series) = series_of(&detail.history, metric) else { continue };
                lines.push(Line {
                    name: short_name(id),
                    series,
                    role: role_of(index),
                    intervals: &[],
                });
            }
            if !lines.is_empty() {
                let title = if recipe.lines.len() > 1 && !["clean", "real"].contains(name) {
                    format!("{name} {}", recipe.title)
                } else {
                    recipe.title.to_owned()
                };
                charts.push(Chart { title, under: None, lines, recipe });
            }
        }
    }
    charts
}

fn series_of<'a>(history: &'a History, metric: &str) -> Option<&'a Series> {
    ["train", "attack", "evaluate"].iter().find_map(|stage| history.series(stage, metric))
}

/// The colour of a compared run, by its place among them.
pub fn role_of(index: usize) -> Role {
    Role::SERIES[index % Role::SERIES.len()]
}

/// The steps that all charts share, so that one cursor means the same everywhere.
pub fn steps(charts: &[Chart<'_>]) -> RangeInclusive<u64> {
    let all: Vec<Line<'_>> = charts.iter().flat_map(|chart| chart.lines.iter().copied()).collect();
    steps_of(&all)
}

/// The step of the point next to `from`: the cursor stands on measured points only, but never
/// takes more than some 100 key presses across.
pub fn neighbour(charts: &[Chart<'_>], from: u64, forward: bool) -> Option<u64> {
    let range = steps(charts);
    let stride = (range.end().saturating_sub(*range.start()) / 100).max(1);
    let lines = charts.iter().flat_map(|chart| &chart.lines);
    if forward {
        let beyond = from.saturating_add(stride - 1);
        lines.filter_map(|line| line.series.after(beyond)).map(|b| b.first_step).min()
    } else {
        let before = from.checked_sub(stride)?;
        lines.filter_map(|line| line.series.at(before)).map(|b| b.first_step).max()
    }
}

/// What is measured and how it is shown, the most telling first: where there is little room, the
/// chart leaves out what comes last.
fn title_of(chart: &Chart<'_>, smoothing: usize, log: bool) -> Vec<String> {
    let weight = SMOOTHING.get(smoothing).filter(|_| smoothing > 0);
    let parts = [
        Some(chart.title.clone()),
        log.then(|| "log".to_owned()),
        chart.under.clone(),
        weight.map(|weight| format!("smoothing {weight}")),
    ];
    parts.into_iter().flatten().collect()
}

/// Draws as many charts as there is good room for, from the one that is chosen.
pub fn draw(
    charts: &[Chart<'_>],
    state: &State,
    context: &DrawContext<'_>,
    area: Rect,
    buf: &mut Buffer,
    view: &mut View,
) {
    if area.height < 2 || charts.is_empty() {
        return;
    }
    let columns = if area.width >= GOOD_WIDTH * 2 && charts.len() > 1 { 2 } else { 1 };
    let rows = (area.height / GOOD_HEIGHT).clamp(1, charts.len().div_ceil(columns) as u16);
    let shown = charts.len().min(usize::from(rows) * usize::from(columns as u16));
    // The last page is filled up rather than left half empty.
    let first = (state.chart % charts.len()).min(charts.len() - shown);
    let range = steps(charts);
    for (index, chart) in charts[first..first + shown].iter().enumerate() {
        let (column, row) = ((index % columns) as u16, (index / columns) as u16);
        // Two columns have two blanks between them.
        let width = (area.width - 2 * (columns as u16 - 1)) / columns as u16;
        let top = area.height * row / rows;
        let bottom = area.height * (row + 1) / rows;
        let cell =
            Rect { x: area.x + column * (width + 2), y: area.y + top, width, height: bottom - top };
        let alone = index + 1 == shown && column == 0;
        let cell = if alone { Rect { width: area.width, ..cell } } else { cell };
        let smoothing = if chart.recipe.noisy { state.smoothing } else { 0 };
        let title = title_of(chart, smoothing, state.log);
        let curve = Curve {
            title: &title,
            lines: &chart.lines,
            steps: range.clone(),
            smoothing,
            log: state.log,
            scale: chart.recipe.scale,
            limits: chart.recipe.limits,
            cursor: state.cursor,
            across: Across::STEPS,
            empty: if state.log {
                "nothing above zero to show on this scale"
            } else {
                "no finite value"
            },
            ascii: context.glyphs.is_ascii(),
            theme: context.theme,
        };
        let Some(plot) = curve.draw(cell, buf) else { continue };
        for x in plot.area.x..plot.area.right() {
            let strip = Rect { x, width: 1, ..plot.area };
            view.clickable(strip, Click::Step(Place::Details, plot.step_at(x)));
        }
    }
}

//! Figure 10: how alike the classes of a neuron's real and adversarial images are (CS1, CS2), over
//! how near the classes of its real images are to each other (LC); other curves of the layer; the
//! means beside them.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use super::means;
use super::shown::{Seen, Shown};
use super::{State, empty};
use crate::run::results::consistency::{Estimate, Group};
use crate::tui::history::Series;
use crate::tui::screen::{DrawContext, Scene};
use crate::tui::text;
use crate::tui::theme::Role;
use crate::tui::widget::curve::{Across, Curve, Line as CurveLine};

/// LC and IoU are drawn to a ten-thousandth.
const PER_UNIT: f64 = 10_000.0;
/// From here on the means stand beside the curve.
const BESIDE: u16 = 100;
/// Rows below which a curve says nothing.
const LEAST_CURVE: u16 = 7;
/// Metrics of the training's looks at neurons: see `[train.neurons]`.
const LIVE: [(&str, &str); 3] =
    [("lc", "LC"), ("lc_adversarial", "LC adversarial"), ("cs1", "CS1")];

/// What is drawn over what.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Chart {
    /// CS1 and CS2 over LC.
    #[default]
    Consistency,
    /// The share of detectors over the threshold of intersection over union.
    Thresholds,
    /// Mean LC over sigma.
    Sigmas,
    /// LC and CS1 over the steps of the training.
    Training,
}

const CHARTS: [Chart; 4] = [Chart::Consistency, Chart::Thresholds, Chart::Sigmas, Chart::Training];

impl Chart {
    /// The chosen one where the runs have it; else the first that they have.
    pub(super) fn of(chosen: Self, shown: &Shown<'_>) -> Self {
        let first = || CHARTS.into_iter().find(|chart| chart.is_there(shown));
        if chosen.is_there(shown) { chosen } else { first().unwrap_or_default() }
    }

    /// The next one that the runs have; `by`: 1, or 3 for the one before.
    pub(super) fn next(self, by: usize, shown: &Shown<'_>) -> Self {
        let at = CHARTS.iter().position(|chart| *chart == self).unwrap_or(0);
        let others = (1..=CHARTS.len()).map(|step| CHARTS[(at + step * by) % CHARTS.len()]);
        others.into_iter().find(|chart| chart.is_there(shown)).unwrap_or(self)
    }

    fn is_there(self, shown: &Shown<'_>) -> bool {
        let has = |seen: &Seen<'_>| {
            let (levels, dissected) = (seen.meanings.levels, seen.meanings.dissected);
            let is_drawn =
                |group: &Group| group.cs1.or(group.cs2).is_some() || group.cs2_null.is_some();
            match self {
                Self::Consistency => levels.is_some_and(|layer| layer.groups.iter().any(is_drawn)),
                Self::Thresholds => dissected.is_some_and(|layer| !layer.sweep.is_empty()),
                Self::Sigmas => levels.is_some_and(|layer| !layer.sweep.is_empty()),
                Self::Training => {
                    let history = &seen.detail.history;
                    LIVE.iter().any(|(metric, _)| history.series("train", metric).is_some())
                }
            }
        };
        shown.runs().iter().any(has)
    }

    /// Where several runs share the chart, its legend needs the room.
    fn title(self, several: bool) -> Vec<String> {
        match self {
            Self::Consistency if several => vec!["over LC".into()],
            Self::Consistency => vec!["CS1 and CS2 over LC".into(), "95 % intervals".into()],
            Self::Thresholds => vec!["detectors over the iou threshold".into()],
            Self::Sigmas => vec!["mean LC over sigma".into()],
            Self::Training => {
                vec!["while it trained".into(), "means of the neurons looked at".into()]
            }
        }
    }

    fn across(self) -> Across<'static> {
        match self {
            Self::Consistency => Across { word: "LC", per_unit: PER_UNIT as u64, ends: true },
            Self::Thresholds => Across { word: "iou", per_unit: PER_UNIT as u64, ends: true },
            Self::Sigmas => Across { word: "sigma", per_unit: PER_UNIT as u64, ends: true },
            Self::Training => Across::STEPS,
        }
    }
}

/// A line, before it has its colour.
#[derive(Debug)]
struct Measured {
    name: String,
    series: Series,
    intervals: Vec<(u64, f64, f64)>,
    /// What chance alone gives: quiet, and of no colour.
    is_null: bool,
}

impl Measured {
    /// Of points in their order; those at one place count once, the last one.
    fn new(
        name: String,
        points: impl Iterator<Item = (f64, f64, Option<[f64; 2]>)>,
    ) -> Option<Self> {
        let (series, intervals) = (Series::default(), Vec::new());
        let mut line = Self { name, series, intervals, is_null: false };
        let mut before = None;
        for (x, y, interval) in points {
            if !x.is_finite() || x < 0.0 {
                continue;
            }
            let step = (x * PER_UNIT).round() as u64;
            // A file that is out of order must not take back what was drawn.
            if before.is_some_and(|before| step < before) {
                continue;
            }
            before = Some(step);
            line.series.push(step, 0.0, y);
            line.intervals.extend(interval.map(|[low, high]| (step, low, high)));
        }
        (!line.series.is_empty()).then_some(line)
    }

    fn null(self) -> Self {
        Self { is_null: true, ..self }
    }
}

/// The lines of a run; `of`: its number, where several stand in one chart.
fn lines_of(chart: Chart, seen: &Seen<'_>, of: &str, is_first: bool) -> Vec<Measured> {
    let name = |word: &str| if of.is_empty() { word.to_owned() } else { format!("{word} {of}") };
    let estimates = |word: &str, groups: &[Group], get: fn(&Group) -> Option<Estimate>| {
        let points = groups.iter().filter_map(|group| {
            let estimate = get(group)?;
            Some((group.lc, estimate.mean, estimate.interval))
        });
        Measured::new(name(word), points)
    };
    match chart {
        Chart::Consistency => {
            let Some(layer) = seen.meanings.levels else { return Vec::new() };
            let null = || {
                let points = layer.groups.iter();
                let points = points.filter_map(|group| Some((group.lc, group.cs2_null?, None)));
                Measured::new("all alike".into(), points).map(Measured::null)
            };
            let cs1 = estimates("CS1", &layer.groups, |group| group.cs1);
            let cs2 = estimates("CS2", &layer.groups, |group| group.cs2);
            let null = is_first.then(null).flatten();
            [null, cs1, cs2].into_iter().flatten().collect()
        }
        Chart::Thresholds => {
            let Some(layer) = seen.meanings.dissected else { return Vec::new() };
            let line = |word: &str, get: &dyn Fn(usize) -> Option<f64>| {
                let points = layer.sweep.iter().enumerate();
                let points =
                    points.filter_map(|(at, point)| Some((point.threshold, get(at)?, None)));
                Measured::new(name(word), points)
            };
            let real = line("real", &|at| Some(layer.sweep[at].ratio.real));
            let adversarial = line("adversarial", &|at| layer.sweep[at].ratio.adversarial);
            // One of the two: they are near to each other, and quiet.
            let null = is_first.then(|| line("shuffled", &|at| Some(layer.sweep[at].null)));
            let null = null.flatten().map(Measured::null);
            [null, real, adversarial].into_iter().flatten().collect()
        }
        Chart::Sigmas => {
            let Some(layer) = seen.meanings.levels else { return Vec::new() };
            let points = layer.sweep.iter();
            let real = points.clone().map(|point| (point.sigma, point.lc, None));
            let attacked =
                points.filter_map(|point| Some((point.sigma, point.adversarial_lc?, None)));
            let real = Measured::new(name("real"), real);
            let attacked = Measured::new(name("adversarial"), attacked);
            [real, attacked].into_iter().flatten().collect()
        }
        Chart::Training => LIVE
            .iter()
            .filter_map(|(metric, word)| {
                let series = seen.detail.history.series("train", metric)?;
                let intervals = Vec::new();
                let series = series.clone();
                Some(Measured { name: name(word), series, intervals, is_null: false })
            })
            .collect(),
    }
}

/// Every line of the chart, of as many runs as it has colours for, and the names of the runs that it
/// has none for. Several are told apart by their numbers, which stand before their names beside the
/// means.
fn lines(chart: Chart, shown: &Shown<'_>) -> (Vec<Measured>, Vec<String>) {
    let runs = shown.runs();
    let several = runs.len() > 1;
    let coloured = |lines: &[Measured]| lines.iter().filter(|line| !line.is_null).count();
    let (mut all, mut without): (Vec<Measured>, Vec<String>) = (Vec::new(), Vec::new());
    for (at, seen) in runs.iter().enumerate() {
        let of = if several { (at + 1).to_string() } else { String::new() };
        let of_run = lines_of(chart, seen, &of, at == 0);
        if coloured(&all) + coloured(&of_run) > Role::SERIES.len() {
            without.push(format!("{} {}", at + 1, seen.name()));
        } else {
            all.extend(of_run);
        }
    }
    (all, without)
}

pub(super) fn draw(
    state: &State,
    shown: &Shown<'_>,
    scene: &Scene<'_>,
    context: &DrawContext<'_>,
    area: Rect,
    buf: &mut Buffer,
) {
    let chart = Chart::of(state.chart, shown);
    let title = format!("level and consistency · {}", text::fit_ends(shown.layer, 24));
    let inner = context.frame(Line::from(title), area, buf);
    if !chart.is_there(shown) {
        let words = empty::lacks("consistency", &shown.seen, scene, context);
        return empty::say(&words, context, inner, buf);
    }
    let (measured, without) = lines(chart, shown);
    let (place, words) = split(state, shown, chart, &without, inner);
    let lines: Vec<CurveLine<'_>> = measured
        .iter()
        .zip(roles(&measured))
        .map(|(line, role)| CurveLine {
            name: &line.name,
            series: &line.series,
            role,
            intervals: &line.intervals,
        })
        .collect();
    let first = measured.iter().filter_map(|line| line.series.first()).map(|b| b.first_step).min();
    let last = measured.iter().filter_map(|line| line.series.last()).map(|b| b.last_step).max();
    let (first, last) = (first.unwrap_or(0), last.unwrap_or(0));
    let first = if first <= last / 2 { 0 } else { first };
    let group = group(state, shown).filter(|_| chart == Chart::Consistency && context.focused);
    let title = chart.title(shown.runs().len() > 1);
    let curve = Curve {
        title: &title,
        lines: &lines,
        steps: first..=last,
        smoothing: 0,
        log: false,
        scale: 1.0,
        limits: (0.0, 1.0),
        cursor: group.map(|(_, group)| (group.lc * PER_UNIT).round().max(0.0) as u64),
        across: chart.across(),
        empty: "nothing was measured",
        ascii: context.glyphs.is_ascii(),
        theme: context.theme,
    };
    curve.draw(place, buf);
    for ((role, line), row) in words.1.iter().zip(words.0.rows()) {
        buf.set_stringn(row.x, row.y, line, row.width.into(), context.style(*role));
    }
}

/// What chance gives is quiet; the others have the colours of their kind.
fn roles(measured: &[Measured]) -> Vec<Role> {
    let mut colours = Role::SERIES.into_iter();
    let role = |line: &Measured| if line.is_null { Some(Role::Muted) } else { colours.next() };
    measured.iter().map(role).map(|role| role.unwrap_or(Role::Text)).collect()
}

/// The group under the cursor, and its place.
pub(super) fn group<'a>(state: &State, shown: &Shown<'a>) -> Option<(usize, &'a Group)> {
    let groups = &shown.seen.meanings.levels?.groups;
    let at = state.group.min(groups.len().checked_sub(1)?);
    Some((at, groups.get(at)?))
}

type Words = Vec<(Role, String)>;

/// Where the curve stands, and where the words with what they are: beside it or below, as many as
/// leave it room.
fn split(
    state: &State,
    shown: &Shown<'_>,
    chart: Chart,
    without: &[String],
    inner: Rect,
) -> (Rect, (Rect, Words)) {
    let beside = inner.width >= BESIDE;
    let width = if beside { (inner.width * 9 / 20).min(78) } else { inner.width };
    // What is not drawn comes first: the picture alone would say that there is no more.
    let mut words = Words::new();
    let mut warn = |told: String| {
        let lines = text::wrap(&text::clean(&told), width.into());
        words.extend(lines.into_iter().map(|line| (Role::Warning, line)));
    };
    if !without.is_empty() {
        warn(format!("not drawn, the colours do not suffice: {}", without.join(", ")));
    }
    shown.without().for_each(|(name, why)| warn(format!("{name}: {why}")));
    words.extend(means::lines(shown, width.into()));
    if let (Chart::Consistency, Some((at, group))) = (chart, group(state, shown)) {
        words.extend(of_group(at, group, shown, width.into()));
    }
    if beside {
        let chart = Rect { width: inner.width - width - 2, ..inner };
        return (chart, (Rect { x: inner.right() - width, width, ..inner }, words));
    }
    let most = inner.height.saturating_sub(LEAST_CURVE);
    let height = (words.len() as u16).min(most);
    let chart = Rect { height: inner.height - height, ..inner };
    (chart, (Rect { y: chart.bottom(), height, ..inner }, words))
}

/// The numbers under the cursor: a curve over fractions tells none.
fn of_group(at: usize, group: &Group, shown: &Shown<'_>, room: usize) -> Words {
    let count = shown.seen.meanings.levels.map_or(0, |layer| layer.groups.len());
    let [low, high] = group.lc_range;
    let mut parts = vec![format!(
        "group {} of {count}: {} neurons of LC {low:.3} to {high:.3}",
        at + 1,
        group.neurons
    )];
    let told = |word: &str, estimate: Option<Estimate>| {
        estimate.map(|estimate| format!("{word} {}", means::interval(&estimate)))
    };
    parts.extend(told("CS1", group.cs1));
    parts.extend(told("CS2", group.cs2));
    parts.extend(group.cs2_null.map(|null| format!("all classes alike {null:.3}")));
    let lines = text::wrap(&parts.join(" · "), room);
    lines.into_iter().map(|line| (Role::Text, line)).collect()
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::Arc;

    use super::*;
    use crate::run::event::Event;
    use crate::tui::fixture::{self, FAILED, FINISHED, RUNNING};
    use crate::tui::pictures::Cache;
    use crate::tui::screen::runs::short_name;

    #[test]
    fn three_runs_have_their_curves_and_who_has_none_is_named() {
        let mut world = fixture::world_with_concepts(Path::new("/none"));
        for id in [FINISHED, RUNNING, FAILED] {
            let detail = Arc::make_mut(world.details.get_mut(id).unwrap());
            detail.consistency = Some(Arc::new(fixture::consistency(0)));
            let metrics = LIVE.map(|(name, _)| (name.to_owned(), 0.5)).into();
            detail.history.push(&Event { t: 1.0, stage: "train".into(), step: 100, metrics });
        }
        let state = State { beside: vec![RUNNING.into(), FAILED.into()], ..State::default() };
        let cache = Cache::default();
        let scene =
            Scene { world: &world, selected: Some(FINISHED), compared: &[], pictures: &cache };
        let shown = Shown::new(&state, &scene).unwrap();
        let (drawn, without) = lines(Chart::Consistency, &shown);
        let names: Vec<&str> = drawn.iter().map(|line| line.name.as_str()).collect();
        assert_eq!(names, ["all alike", "CS1 1", "CS2 1", "CS1 2", "CS2 2", "CS1 3", "CS2 3"]);
        assert_eq!(without, [] as [String; 0]);
        let roles = roles(&drawn);
        assert_eq!(roles[0], Role::Muted);
        assert_eq!(roles[1..], Role::SERIES);
        let (drawn, without) = lines(Chart::Training, &shown);
        assert_eq!(drawn.len(), 6);
        assert_eq!(without, [format!("3 {}", short_name(FAILED))]);
    }

    #[test]
    fn points_out_of_order_and_without_a_place_are_passed_over() {
        let points = [(0.1, 0.9, None), (f64::NAN, 1.0, None), (0.05, 0.1, None), (0.2, 0.8, None)];
        let line = Measured::new("CS1".into(), points.into_iter()).unwrap();
        let steps: Vec<u64> = line.series.buckets().map(|bucket| bucket.first_step).collect();
        assert_eq!(steps, [1_000, 2_000]);
        assert!(Measured::new("CS1".into(), std::iter::empty()).is_none());
    }
}

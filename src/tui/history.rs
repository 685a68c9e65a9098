//! Metric series of one run, kept for drawing: bounded memory, no spike ever lost, smoothing ready.
//! Knows events, not files and not the screen.
//!
//! A series keeps its newest points one by one and everything older in buckets of equally many
//! points. When there are too many buckets, neighbours merge and buckets become twice as wide. A
//! bucket remembers minimum, maximum, mean and last, so what is drawn from it still touches every
//! extreme value.

mod blocks;

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use crate::run::event::Event;
use blocks::Blocks;

/// How much the smoothed curve remembers: the weight of the past, as TensorBoard counts it.
/// Level 0 is no smoothing.
pub const SMOOTHING: [f64; 8] = [0.0, 0.5, 0.8, 0.9, 0.95, 0.98, 0.99, 0.998];

const SMOOTHED: usize = SMOOTHING.len() - 1;

// With 96 bytes a bucket, a full series takes 1.1 MiB. 4096 is ten times the dots of a screen
// 200 columns wide.
const RECENT: usize = 8192;
const FOLDED: usize = 4096;

/// One point, or several neighbouring ones folded together.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bucket {
    /// Step of the first point.
    pub first_step: u64,
    /// Step of the last point.
    pub last_step: u64,
    /// Time of the last point: seconds of work since the run started.
    pub t: f64,
    /// Smallest finite value; NaN if there is none.
    pub min: f64,
    /// Largest finite value; NaN if there is none.
    pub max: f64,
    /// The last value as it came, finite or not.
    pub last: f64,
    /// How many values were finite.
    pub finite: u32,
    /// How many were NaN or infinite: the curve has a hole here.
    pub holes: u32,
    sum: f64,
    smoothed: [f32; SMOOTHED],
}

impl Bucket {
    fn point(step: u64, t: f64, value: f64, smoothed: [f32; SMOOTHED]) -> Self {
        let finite = value.is_finite();
        let shown = if finite { value } else { f64::NAN };
        Self {
            first_step: step,
            last_step: step,
            t,
            min: shown,
            max: shown,
            last: value,
            finite: u32::from(finite),
            holes: u32::from(!finite),
            sum: if finite { value } else { 0.0 },
            smoothed,
        }
    }

    /// Mean of the finite values; NaN if there is none.
    pub fn mean(&self) -> f64 {
        self.sum / f64::from(self.finite)
    }

    /// The smoothed curve after the last point, at a level of [`SMOOTHING`]; level 0 is the mean.
    pub fn smoothed(&self, level: usize) -> f64 {
        match level.checked_sub(1) {
            None => self.mean(),
            Some(index) => self.smoothed.get(index).map_or(f64::NAN, |&value| f64::from(value)),
        }
    }

    /// Adds the points of `later`, which follow this bucket's own.
    pub fn absorb(&mut self, later: &Bucket) {
        self.last_step = later.last_step;
        self.t = later.t;
        // f64::min and max answer the other value where one is NaN.
        self.min = self.min.min(later.min);
        self.max = self.max.max(later.max);
        self.last = later.last;
        self.finite = self.finite.saturating_add(later.finite);
        self.holes = self.holes.saturating_add(later.holes);
        self.sum += later.sum;
        self.smoothed = later.smoothed;
    }
}

/// One metric of one stage over its steps.
#[derive(Debug, Clone)]
pub struct Series {
    folded: Blocks,
    width: u32,
    recent: Blocks,
    mean: Averages,
}

/// Exponential moving averages at every level, without the bias towards zero of their first values.
#[derive(Debug, Clone, Copy)]
struct Averages {
    value: [f64; SMOOTHED],
    // decay^n: what is left of the (absent) value before the first.
    missing: [f64; SMOOTHED],
}

impl Averages {
    fn new() -> Self {
        Self { value: [0.0; SMOOTHED], missing: [1.0; SMOOTHED] }
    }

    fn push(&mut self, value: f64) {
        for (level, decay) in SMOOTHING[1..].iter().enumerate() {
            self.missing[level] *= decay;
            let weight = (1.0 - decay) / (1.0 - self.missing[level]);
            self.value[level] += weight * (value - self.value[level]);
        }
    }

    fn rounded(&self) -> [f32; SMOOTHED] {
        self.value.map(|value| value as f32)
    }
}

impl Default for Series {
    fn default() -> Self {
        Self {
            folded: Blocks::default(),
            width: 1,
            recent: Blocks::default(),
            mean: Averages::new(),
        }
    }
}

impl Series {
    /// Appends a point. Points from `step` on that are already there were undone by a resume and
    /// are forgotten first.
    pub fn push(&mut self, step: u64, t: f64, value: f64) {
        self.rewind(step);
        if value.is_finite() {
            self.mean.push(value);
        }
        let smoothed =
            if self.mean.missing[0] < 1.0 { self.mean.rounded() } else { [f32::NAN; SMOOTHED] };
        self.recent.push(Bucket::point(step, t, value, smoothed));
        while self.recent.len() > RECENT {
            if let Some(oldest) = self.recent.pop_front() {
                self.fold(oldest);
            }
        }
    }

    /// Forgets everything from `step` on. Exact for the newest points; a bucket of older ones that
    /// reaches past `step` is cut there but keeps its extremes.
    fn rewind(&mut self, step: u64) {
        if self.last().is_none_or(|last| last.last_step < step) {
            return;
        }
        let keep = self.recent.partition_point(|point| point.last_step < step);
        self.recent.truncate(keep);
        let keep = self.folded.partition_point(|bucket| bucket.first_step < step);
        self.folded.truncate(keep);
        if let Some(bucket) = self.folded.last_mut() {
            bucket.last_step = bucket.last_step.min(step.saturating_sub(1));
        }
        self.mean = self.averages_so_far();
    }

    fn averages_so_far(&self) -> Averages {
        let count: u64 = self.buckets().map(|bucket| u64::from(bucket.finite)).sum();
        let mut averages = Averages::new();
        if let (Some(last), true) = (self.last(), count > 0) {
            for (level, decay) in SMOOTHING[1..].iter().enumerate() {
                averages.value[level] = f64::from(last.smoothed[level]);
                averages.missing[level] = decay.powf(count as f64);
            }
        }
        averages
    }

    fn fold(&mut self, point: Bucket) {
        match self.folded.last_mut() {
            Some(last) if last.finite.saturating_add(last.holes) < self.width => {
                last.absorb(&point);
            }
            _ => {
                if self.folded.len() == FOLDED {
                    self.widen();
                }
                self.folded.push(point);
            }
        }
    }

    fn widen(&mut self) {
        let mut merged = Blocks::default();
        for (index, bucket) in self.folded.iter_from(0).enumerate() {
            match merged.last_mut() {
                Some(first) if index % 2 == 1 => first.absorb(bucket),
                _ => merged.push(*bucket),
            }
        }
        self.folded = merged;
        self.width = self.width.saturating_mul(2);
    }

    /// Everything, oldest first.
    pub fn buckets(&self) -> impl Iterator<Item = &Bucket> {
        self.folded.iter_from(0).chain(self.recent.iter_from(0))
    }

    /// What touches a range of steps, oldest first. Found by bisection.
    pub fn range(&self, steps: RangeInclusive<u64>) -> impl Iterator<Item = &Bucket> {
        let (from, to) = (*steps.start(), *steps.end());
        let folded = self.folded.partition_point(|bucket| bucket.last_step < from);
        let recent = self.recent.partition_point(|bucket| bucket.last_step < from);
        self.folded
            .iter_from(folded)
            .chain(self.recent.iter_from(recent))
            .take_while(move |bucket| bucket.first_step <= to)
    }

    /// The newest point.
    pub fn last(&self) -> Option<&Bucket> {
        self.recent.last().or(self.folded.last())
    }

    /// The oldest.
    pub fn first(&self) -> Option<&Bucket> {
        self.folded.first().or(self.recent.first())
    }

    /// Where the curve stands at a step: the newest that had begun by then.
    pub fn at(&self, step: u64) -> Option<&Bucket> {
        let recent = self.recent.partition_point(|bucket| bucket.first_step <= step);
        if let Some(index) = recent.checked_sub(1) {
            return self.recent.get(index);
        }
        let folded = self.folded.partition_point(|bucket| bucket.first_step <= step);
        folded.checked_sub(1).and_then(|index| self.folded.get(index))
    }

    /// The first point after a step.
    pub fn after(&self, step: u64) -> Option<&Bucket> {
        let index = self.folded.partition_point(|bucket| bucket.first_step <= step);
        self.folded.get(index).or_else(|| {
            let index = self.recent.partition_point(|bucket| bucket.first_step <= step);
            self.recent.get(index)
        })
    }

    /// How many buckets.
    pub fn len(&self) -> usize {
        self.folded.len() + self.recent.len()
    }

    /// Whether there is nothing.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// The series of a run, by stage and metric.
#[derive(Debug, Clone, Default)]
pub struct History {
    stages: BTreeMap<String, Stage>,
}

#[derive(Debug, Clone, Default)]
struct Stage {
    last_step: u64,
    series: BTreeMap<String, Series>,
}

impl History {
    /// Takes in one line of `events.jsonl`. A step before the stage's last one means that the run
    /// went back to a checkpoint: what came after it, in any metric, no longer happened.
    pub fn push(&mut self, event: &Event) {
        if !self.stages.contains_key(&event.stage) {
            self.stages.insert(event.stage.clone(), Stage::default());
        }
        let Some(stage) = self.stages.get_mut(&event.stage) else { return };
        if event.step < stage.last_step {
            for series in stage.series.values_mut() {
                series.rewind(event.step);
            }
        }
        stage.last_step = event.step;
        for (metric, &value) in &event.metrics {
            if let Some(series) = stage.series.get_mut(metric) {
                series.push(event.step, event.t, value);
            } else {
                let mut series = Series::default();
                series.push(event.step, event.t, value);
                stage.series.insert(metric.clone(), series);
            }
        }
    }

    /// The series of a metric, if it has any point.
    pub fn series(&self, stage: &str, metric: &str) -> Option<&Series> {
        self.stages.get(stage)?.series.get(metric).filter(|series| !series.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn series(values: impl IntoIterator<Item = f64>) -> Series {
        let mut series = Series::default();
        for (step, value) in values.into_iter().enumerate() {
            series.push(step as u64, step as f64, value);
        }
        series
    }

    fn extremes<'a>(buckets: impl Iterator<Item = &'a Bucket>) -> (f64, f64) {
        buckets.fold((f64::NAN, f64::NAN), |(min, max), b| (min.min(b.min), max.max(b.max)))
    }

    #[test]
    fn five_million_points_stay_small_and_keep_their_spike() {
        let spike = 1_234_567;
        let count = 5_000_000;
        let series = series((0..count).map(|i| if i == spike { 99.0 } else { 1.0 }));
        assert!(series.buckets().count() <= RECENT + FOLDED);
        assert_eq!(extremes(series.buckets()).1, 99.0);
        let holder = series.range(spike..=spike).next().unwrap();
        assert_eq!(holder.max, 99.0);
        let total: u64 = series.buckets().map(|b| u64::from(b.finite)).sum();
        assert_eq!(total, count);
    }

    #[test]
    fn smoothing_has_no_bias_and_equals_the_formula() {
        let values = [3.0, 1.0, 2.0, 5.0];
        let series = series(values);
        let decay: f64 = SMOOTHING[2];
        let biased = values.iter().fold(0.0, |mean, value| decay * mean + (1.0 - decay) * value);
        let expected = biased / (1.0 - decay.powi(4));
        assert!((series.last().unwrap().smoothed(2) - expected).abs() < 1e-6);
        assert!((series.first().unwrap().smoothed(7) - 3.0).abs() < 1e-6);
    }

    #[test]
    fn a_hole_stays_out_of_mean_and_smoothing() {
        let series = series([f64::NAN, 2.0, f64::INFINITY, 4.0]);
        assert!(series.first().unwrap().smoothed(1).is_nan());
        assert_eq!(extremes(series.buckets()), (2.0, 4.0));
        assert_eq!(series.buckets().map(|b| b.holes).sum::<u32>(), 2);
        assert!(series.last().unwrap().smoothed(1).is_finite());
    }

    #[test]
    fn a_resume_replaces_what_came_after_the_checkpoint() {
        let mut resumed = series((0..20).map(f64::from));
        let mut straight = series((0..10).map(f64::from));
        for step in 10..15 {
            resumed.push(step, 1.0, 0.5);
            straight.push(step, 1.0, 0.5);
        }
        assert_eq!(resumed.buckets().count(), 15);
        assert_eq!(extremes(resumed.buckets()).1, 9.0);
        for (a, b) in resumed.buckets().zip(straight.buckets()) {
            assert!((a.smoothed(4) - b.smoothed(4)).abs() < 1e-5);
        }
    }

    #[test]
    fn a_resume_rewinds_every_metric_of_its_stage_only() {
        let event = |stage: &str, step, metrics: &[(&str, f64)]| Event {
            t: 0.0,
            stage: stage.into(),
            step,
            metrics: metrics.iter().map(|(name, value)| ((*name).to_owned(), *value)).collect(),
        };
        let mut history = History::default();
        history.push(&event("train", 10, &[("loss", 1.0)]));
        history.push(&event("train", 10, &[("top1", 0.5)]));
        history.push(&event("train", 20, &[("loss", 2.0), ("top1", 0.6)]));
        history.push(&event("evaluate", 64, &[("top1", 0.7)]));
        history.push(&event("train", 11, &[("loss", 3.0)]));
        let last = |stage, metric| history.series(stage, metric).unwrap().last().unwrap().last;
        assert_eq!(last("train", "loss"), 3.0);
        assert_eq!(last("train", "top1"), 0.5);
        assert_eq!(last("evaluate", "top1"), 0.7);
        assert!(history.series("train", "nothing").is_none());
    }

    #[test]
    fn finds_what_stands_at_a_step() {
        let mut series = Series::default();
        for step in [10, 20, 30] {
            series.push(step, 0.0, step as f64);
        }
        assert!(series.at(9).is_none());
        assert_eq!(series.at(10).unwrap().last, 10.0);
        assert_eq!(series.at(29).unwrap().last, 20.0);
        assert_eq!(series.at(99).unwrap().last, 30.0);
        assert_eq!(series.after(10).unwrap().last, 20.0);
        assert!(series.after(30).is_none());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        #[test]
        fn thinning_keeps_extremes_count_and_order(
            values in prop::collection::vec(-1e6_f64..1e6, 1..60),
            repeat in 1_usize..1200,
        ) {
            let all: Vec<f64> = values.iter().flat_map(|v| (0..repeat).map(move |i| v + i as f64)).collect();
            let series = series(all.iter().copied());
            let expected = all.iter().fold((f64::NAN, f64::NAN), |(a, b), v| (f64::min(a, *v), f64::max(b, *v)));
            prop_assert_eq!(extremes(series.buckets()), expected);
            let count: u32 = series.buckets().map(|b| b.finite).sum();
            prop_assert_eq!(count as usize, all.len());
            let buckets: Vec<_> = series.buckets().collect();
            prop_assert!(buckets.windows(2).all(|w| w[0].last_step < w[1].first_step));
            prop_assert!(buckets.iter().all(|b| b.min <= b.mean() + 1e-6 && b.mean() <= b.max + 1e-6));
            prop_assert_eq!(buckets.last().unwrap().last, *all.last().unwrap());
        }

        #[test]
        fn any_order_of_resumes_equals_the_last_word_for_every_step(
            pushes in prop::collection::vec((0_u64..60, -10.0_f64..10.0), 1..200),
        ) {
            let mut series = Series::default();
            let mut model: BTreeMap<u64, f64> = BTreeMap::new();
            for (step, value) in pushes {
                series.push(step, 0.0, value);
                model.retain(|kept, _| *kept < step);
                model.insert(step, value);
            }
            let seen: Vec<_> = series.buckets().map(|b| (b.first_step, b.last)).collect();
            prop_assert_eq!(seen, model.into_iter().collect::<Vec<_>>());
        }

        #[test]
        fn a_range_is_what_a_search_through_everything_finds(
            steps in prop::collection::btree_set(0_u64..40_000, 1..14_000),
            from in 0_u64..40_000,
            length in 0_u64..5_000,
        ) {
            let mut series = Series::default();
            for step in steps {
                series.push(step, 0.0, step as f64);
            }
            let to = from + length;
            let found: Vec<_> = series.range(from..=to).map(|b| b.first_step).collect();
            let expected: Vec<_> = series
                .buckets()
                .filter(|b| b.last_step >= from && b.first_step <= to)
                .map(|b| b.first_step)
                .collect();
            prop_assert_eq!(found, expected);
        }
    }
}

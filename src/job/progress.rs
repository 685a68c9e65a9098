//! How far a run is, and how long it will take: over all its stages, from what it measured.

use std::io::{Read, Seek, SeekFrom};
use std::path::Path;
use std::time::Instant;

use crate::run::event::Event;

/// Seconds of work, waiting and pauses not counted, going on where an interrupted run ended.
#[derive(Debug)]
pub struct Clock {
    before: f64,
    since: Option<Instant>,
}

impl Clock {
    /// Goes on after the last event of the file, or starts at 0.
    pub fn after(events: &Path) -> Self {
        Self { before: last_time(events).unwrap_or(0.0), since: Some(Instant::now()) }
    }

    /// Now.
    pub fn seconds(&self) -> f64 {
        self.before + self.since.map_or(0.0, |since| since.elapsed().as_secs_f64())
    }

    /// Stands still.
    pub fn pause(&mut self) {
        self.before = self.seconds();
        self.since = None;
    }

    /// Runs again.
    pub fn go_on(&mut self) {
        self.since = Some(Instant::now());
    }
}

/// The last line of the events is well within this.
const TAIL: u64 = 8192;

fn last_time(events: &Path) -> Option<f64> {
    let mut file = std::fs::File::open(events).ok()?;
    let length = file.metadata().ok()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(TAIL))).ok()?;
    let mut tail = Vec::new();
    // Never more than that: a file that has no end would take all memory.
    file.take(TAIL).read_to_end(&mut tail).ok()?;
    tail.split(|&byte| byte == b'\n')
        .rev()
        .find_map(|line| serde_json::from_slice::<Event>(line).ok())
        .map(|event| event.t)
}

/// The stages of a run and what each one costs, relative to the others.
#[derive(Debug)]
pub struct Plan {
    stages: Vec<(&'static str, f64)>,
    current: usize,
    done: f64,
    /// When and at which step the current stage began in this process: what was done before an
    /// interruption tells nothing about the speed now.
    begun: Option<(f64, u64)>,
}

impl Plan {
    /// `stages` in order, with their relative cost.
    pub fn new(stages: Vec<(&'static str, f64)>) -> Self {
        Self { stages, current: 0, done: 0.0, begun: None }
    }

    /// The current stage's name.
    pub fn stage(&self) -> &'static str {
        self.stages.get(self.current).map_or("", |(name, _)| name)
    }

    /// Begins a stage.
    pub fn enter(&mut self, stage: &str) {
        self.current = self.stages.iter().position(|(name, _)| *name == stage).unwrap_or(0);
        self.done = self.stages[..self.current].iter().map(|(_, cost)| cost).sum();
        self.begun = None;
    }

    /// Ends it.
    pub fn leave(&mut self) {
        self.begun = None;
    }

    /// Progress of the whole run (0..1) and the seconds left, once something was measured.
    pub fn advance(&mut self, step: u64, steps: u64, now: f64) -> (f64, Option<f64>) {
        let total: f64 = self.stages.iter().map(|(_, cost)| cost).sum();
        let cost = self.stages.get(self.current).map_or(0.0, |(_, cost)| *cost);
        if steps == 0 || total <= 0.0 || cost <= 0.0 {
            return (0.0, None);
        }
        let fraction = (step as f64 / steps as f64).clamp(0.0, 1.0);
        let progress = (self.done + cost * fraction) / total;
        let (since, from) = *self.begun.get_or_insert((now, step));
        let measured = step.saturating_sub(from);
        let elapsed = now - since;
        // A first step is slow (threads, pages, files): no promise before the second.
        if measured < 2 || elapsed < 0.5 {
            return (progress, None);
        }
        let whole_stage = elapsed / measured as f64 * steps as f64;
        let later = (total - self.done - cost) / cost * whole_stage;
        (progress, Some(whole_stage * (1.0 - fraction) + later))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_runs_over_all_stages() {
        let mut plan = Plan::new(vec![("train", 8.0), ("attack", 2.0)]);
        plan.enter("train");
        assert_eq!(plan.advance(0, 100, 0.0), (0.0, None));
        let (progress, eta) = plan.advance(50, 100, 10.0);
        assert!((progress - 0.4).abs() < 1e-9);
        // 10 s for half of the training, 10 more, and a quarter of 20 for the attack.
        assert!((eta.unwrap() - 15.0).abs() < 1e-9);
        plan.enter("attack");
        let (progress, eta) = plan.advance(100, 100, 25.0);
        assert!((progress - 1.0).abs() < 1e-9);
        assert_eq!(eta, None);
    }

    #[test]
    fn a_resumed_stage_is_judged_by_its_speed_now() {
        let mut plan = Plan::new(vec![("train", 1.0)]);
        plan.enter("train");
        plan.advance(90, 100, 500.0);
        let (_, eta) = plan.advance(95, 100, 505.0);
        assert!((eta.unwrap() - 5.0).abs() < 1e-9);
    }

    #[test]
    fn the_clock_goes_on_after_the_last_event() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("events.jsonl");
        assert!(Clock::after(&path).seconds() < 1.0);
        let lines = "{\"t\":41.5,\"stage\":\"train\",\"step\":1,\"metrics\":{}}\n{\"t\":42.";
        std::fs::write(&path, lines).unwrap();
        let mut clock = Clock::after(&path);
        assert!((41.5..42.5).contains(&clock.seconds()));
        clock.pause();
        let paused = clock.seconds();
        assert_eq!(clock.seconds(), paused);
    }
}

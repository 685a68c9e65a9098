//! How much may be on its way to the terminal. Between here and there lie buffers that take hundreds
//! of kilobytes at once: whatever is written waits behind them, the answer to a key too. So now and
//! then the terminal is asked whether it has come that far, and more is sent when it says so.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// On its way at most, on a line whose speed is not known yet: a tenth of a second at 1 Mbit/s.
const LEAST: usize = 12 << 10;
/// And on the fastest.
const MOST: usize = 256 << 10;
/// Less than this is not worth a question.
const SMALL: usize = 1 << 10;
/// The line may hold what it carries in this time.
const AHEAD: Duration = Duration::from_millis(100);
/// An answer that takes longer is not waited for.
const PATIENCE: Duration = Duration::from_secs(2);

/// What has been sent and not been confirmed.
#[derive(Debug)]
pub struct Pace {
    /// Whether the terminal answers at all.
    answers: bool,
    /// Bytes before each question that waits for its answer, and when it was asked.
    asked: VecDeque<(usize, Instant)>,
    /// Since the last question.
    unasked: usize,
    window: usize,
}

impl Default for Pace {
    fn default() -> Self {
        Self { answers: false, asked: VecDeque::new(), unasked: 0, window: LEAST }
    }
}

impl Pace {
    /// The terminal has answered something, so it will answer this, too.
    pub fn trust(&mut self) {
        self.answers = true;
    }

    /// Bytes were written.
    pub fn wrote(&mut self, bytes: usize) {
        self.unasked += bytes;
    }

    /// Whether it is time to ask; the caller then does.
    pub fn asks(&mut self, now: Instant) -> bool {
        if !self.answers || self.unasked < SMALL {
            return false;
        }
        self.asked.push_back((std::mem::take(&mut self.unasked), now));
        true
    }

    /// The answer came.
    pub fn confirmed(&mut self, now: Instant) {
        self.answers = true;
        let Some((bytes, asked)) = self.asked.pop_front() else { return };
        // Small ones tell the way there and back, not the speed.
        if bytes >= LEAST / 2 {
            let seconds = now.saturating_duration_since(asked).as_secs_f64().max(1e-4);
            let carried = bytes as f64 / seconds * AHEAD.as_secs_f64();
            // Up in steps: one quick answer may be luck.
            self.window = (carried as usize).clamp(LEAST, MOST).min(self.window * 2);
        }
    }

    /// Bytes that may be sent now; `None` = as many as one likes, since nobody confirms any.
    pub fn room(&mut self, now: Instant) -> Option<usize> {
        self.give_up(now);
        let under_way: usize = self.asked.iter().map(|(bytes, _)| bytes).sum();
        self.answers.then(|| self.window.saturating_sub(under_way + self.unasked))
    }

    /// Until when nothing may be sent unless an answer comes; `None` = something may.
    pub fn blocked_until(&mut self, now: Instant) -> Option<Instant> {
        if self.room(now) != Some(0) {
            return None;
        }
        self.asked.front().map(|(_, asked)| *asked + PATIENCE)
    }

    /// Everything so far is somebody else's: the terminal was left and is taken over again.
    pub fn forget(&mut self) {
        *self = Self { answers: self.answers, ..Self::default() };
    }

    fn give_up(&mut self, now: Instant) {
        let is_late = |asked: Instant| now.saturating_duration_since(asked) >= PATIENCE;
        if self.asked.front().is_some_and(|(_, asked)| is_late(*asked)) {
            // Perhaps another terminal by now. Should it answer after all, it is trusted again.
            self.asked.clear();
            self.unasked = 0;
            self.answers = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminal_that_never_answers_is_not_waited_for() {
        let mut pace = Pace::default();
        let now = Instant::now();
        pace.wrote(1 << 20);
        assert!(!pace.asks(now));
        assert_eq!((pace.room(now), pace.blocked_until(now)), (None, None));
    }

    #[test]
    fn what_is_on_its_way_stays_within_the_window() {
        let mut pace = Pace::default();
        pace.trust();
        let start = Instant::now();
        let mut sent = 0;
        while let Some(room @ 1..) = pace.room(start) {
            let bytes = room.min(3000);
            pace.wrote(bytes);
            sent += bytes;
            pace.asks(start);
        }
        assert_eq!(sent, LEAST);
        // A last piece may be too small to be worth a question: the ones before it are enough.
        assert_eq!(pace.blocked_until(start), Some(start + PATIENCE));
        pace.confirmed(start + Duration::from_millis(24));
        assert_eq!(pace.room(start), Some(3000));
    }

    #[test]
    fn a_fast_line_may_hold_more_and_a_slow_one_less_again() {
        let mut pace = Pace::default();
        pace.trust();
        let mut now = Instant::now();
        let mut round = |pace: &mut Pace, millis: u64| {
            let room = pace.room(now).unwrap();
            pace.wrote(room);
            assert!(pace.asks(now));
            now += Duration::from_millis(millis);
            pace.confirmed(now);
            pace.room(now).unwrap()
        };
        for _ in 0..10 {
            round(&mut pace, 1);
        }
        assert_eq!(round(&mut pace, 1), MOST);
        // 256 KiB in two seconds less a bit: a megabit.
        assert_eq!(round(&mut pace, 1999), 13_113);
    }

    #[test]
    fn an_answer_that_is_lost_does_not_stop_the_screen() {
        let mut pace = Pace::default();
        pace.trust();
        let start = Instant::now();
        pace.wrote(LEAST);
        assert!(pace.asks(start));
        assert!(pace.blocked_until(start).is_some());
        assert_eq!(pace.blocked_until(start + PATIENCE), None);
        assert_eq!(pace.room(start + PATIENCE), None);
        pace.confirmed(start + PATIENCE);
        assert_eq!(pace.room(start + PATIENCE), Some(LEAST));
    }
}

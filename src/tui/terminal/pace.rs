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
/// An answer that takes longer is not waited for. tmux lets none through while its pane is hidden.
const PATIENCE: Duration = Duration::from_secs(2);

/// What has been sent and not been confirmed.
#[derive(Debug)]
pub struct Pace {
    /// Whether the terminal answers at all.
    answers: bool,
    /// It has answered this question, not only others.
    is_proven: bool,
    /// An answer did not come: the next may.
    is_doubtful: bool,
    /// Something was sent of which nobody knows whether it arrived.
    is_lost: bool,
    /// Bytes before each question that waits for its answer, and when it was asked.
    asked: VecDeque<(usize, Instant)>,
    /// Since the last question.
    unasked: usize,
    window: usize,
    /// Answers that may still come, to this or to an owner of the terminal after us.
    owed: usize,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            answers: false,
            is_proven: false,
            is_doubtful: false,
            is_lost: false,
            asked: VecDeque::new(),
            unasked: 0,
            window: LEAST,
            owed: 0,
        }
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

    /// Whether it is time to ask; the caller then does. `matters`: what was written must not be
    /// lost unnoticed, however little it is.
    pub fn asks(&mut self, now: Instant, matters: bool) -> bool {
        let is_worth_it = self.unasked >= SMALL || (matters && self.unasked > 0);
        // In doubt one question at a time is enough to learn that there are answers again.
        if !self.answers || !is_worth_it || (self.is_doubtful && !self.asked.is_empty()) {
            return false;
        }
        self.asked.push_back((std::mem::take(&mut self.unasked), now));
        self.owed += 1;
        true
    }

    /// The answer came. Whether something before it may have been lost on its way.
    pub fn confirmed(&mut self, now: Instant) -> bool {
        (self.answers, self.is_proven, self.is_doubtful) = (true, true, false);
        self.owed = self.owed.saturating_sub(1);
        let Some((bytes, asked)) = self.asked.pop_front() else {
            return std::mem::take(&mut self.is_lost);
        };
        // Small ones tell the way there and back, not the speed.
        if bytes >= LEAST / 2 {
            let seconds = now.saturating_duration_since(asked).as_secs_f64().max(1e-4);
            let carried = bytes as f64 / seconds * AHEAD.as_secs_f64();
            // Up in steps: one quick answer may be luck.
            self.window = (carried as usize).clamp(LEAST, MOST).min(self.window * 2);
        }
        std::mem::take(&mut self.is_lost)
    }

    /// Bytes that may be sent now; `None` = as many as one likes, since nobody confirms any.
    pub fn room(&mut self, now: Instant) -> Option<usize> {
        self.give_up(now);
        let under_way: usize = self.asked.iter().map(|(bytes, _)| bytes).sum();
        // In doubt as much as a slow line carries, until the next question is given up, too.
        let is_bound = self.answers && (self.is_proven || !self.is_doubtful);
        is_bound.then(|| self.window.saturating_sub(under_way + self.unasked))
    }

    /// Until when nothing may be sent unless an answer comes; `None` = something may. Text always
    /// may where answers have failed to come.
    pub fn blocked_until(&mut self, now: Instant) -> Option<Instant> {
        if self.room(now) != Some(0) || self.is_doubtful {
            return None;
        }
        self.asked.front().map(|(_, asked)| *asked + PATIENCE)
    }

    /// Whether answers may still come.
    pub fn awaits_answers(&self) -> bool {
        self.owed > 0
    }

    /// Everything so far is somebody else's: the terminal was left and is taken over again, or it
    /// was out of sight and is seen again.
    pub fn forget(&mut self) {
        *self = Self {
            answers: self.answers,
            is_proven: self.is_proven,
            is_lost: self.is_lost || !self.asked.is_empty(),
            owed: self.owed,
            ..Self::default()
        };
    }

    fn give_up(&mut self, now: Instant) {
        let is_late = |asked: Instant| now.saturating_duration_since(asked) >= PATIENCE;
        if self.asked.front().is_some_and(|(_, asked)| is_late(*asked)) {
            // Perhaps another terminal by now, or none that is seen. It is asked on.
            self.asked.clear();
            self.unasked = 0;
            self.owed = 0;
            self.window = LEAST;
            (self.is_doubtful, self.is_lost) = (true, true);
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
        assert!(!pace.asks(now, true));
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
            pace.asks(start, false);
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
            assert!(pace.asks(now, false));
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
    fn an_answer_that_is_lost_stops_neither_the_screen_nor_the_questions() {
        let mut pace = Pace::default();
        pace.trust();
        let start = Instant::now();
        pace.wrote(100);
        assert!(!pace.asks(start, false) && pace.asks(start, true), "little, but pictures");
        assert!(!pace.confirmed(start));
        pace.wrote(LEAST);
        assert!(pace.asks(start, false));
        assert!(pace.blocked_until(start).is_some() && pace.awaits_answers());
        // Given up and asked again, one question at a time; pictures as on a slow line.
        let mut now = start;
        for _ in 0..5 {
            now += PATIENCE;
            assert_eq!((pace.blocked_until(now), pace.room(now)), (None, Some(LEAST)));
            pace.wrote(LEAST);
            assert!(pace.asks(now, false));
            assert_eq!((pace.blocked_until(now), pace.room(now)), (None, Some(0)));
            pace.wrote(LEAST);
            assert!(!pace.asks(now, true));
        }
        // It answers again: what went before may be lost, and all is as it was.
        assert!(pace.confirmed(now + PATIENCE / 2));
        pace.wrote(LEAST);
        assert!(pace.asks(now, false) && pace.blocked_until(now).is_some());
        assert!(!pace.confirmed(now));
    }

    #[test]
    fn a_terminal_that_answers_everything_else_is_not_held_back() {
        let mut pace = Pace::default();
        pace.trust();
        let start = Instant::now();
        pace.wrote(LEAST);
        assert!(pace.asks(start, false));
        assert_eq!(pace.room(start + PATIENCE), None);
    }

    #[test]
    fn who_comes_back_is_not_waited_for_and_what_was_under_way_may_be_lost() {
        let mut pace = Pace::default();
        pace.trust();
        let start = Instant::now();
        pace.forget();
        assert!(!pace.confirmed(start), "nothing was under way");
        pace.wrote(LEAST);
        assert!(pace.asks(start, false) && pace.blocked_until(start).is_some());
        pace.forget();
        assert_eq!((pace.blocked_until(start), pace.room(start)), (None, Some(LEAST)));
        assert!(pace.confirmed(start));
    }
}

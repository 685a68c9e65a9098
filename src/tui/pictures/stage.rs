//! What is where: which pictures the frame shows, which of them the terminal has, what is to be sent
//! next. Screens only draw; the rest goes on between the frames.
//!
//! A frame goes: [`Stage::start`] (bytes before it), [`Stage::begin`], the screens draw,
//! [`Stage::settle`], [`Stage::finish`] (bytes after it).

mod transfers;

use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::{Arc, Weak};

use ratatui::buffer::{Buffer, CellDiffOption};
use ratatui::layout::Rect;
use ratatui::style::Modifier;

use super::Picture;
use super::encoder::{Data, Encoded, Job, Key, filled};
use super::halfblock::{self, Tones};
use super::kitty::{self, Id, Ids, Transfer};
use super::protocol::{Protocol, Route};
use crate::tui::terminal::query::through_tmux;

/// New pictures a frame: the eye cannot follow more, and keys come between.
const MOST_NEW: usize = 2;
/// Encoded pictures that are kept for the case that they are shown again.
const MOST_KEPT: usize = 400;
/// Bytes of a half-block cell: two colours of up to 19 each, and the character.
const HALF_BLOCK: usize = 41;
/// Stands in cells whose pixels a picture covers, until the frame is done: no text has it.
const MARK: &str = "\u{10FFFD}";

/// Shared by the screens, which draw on it, and the workbench, which sends what they drew.
#[derive(Debug)]
pub struct Stage {
    inner: RefCell<Inner>,
}

#[derive(Debug)]
struct Inner {
    /// `None` = nobody was asked: half-blocks, and nothing else.
    route: Option<Route>,
    ids: Ids,
    entries: HashMap<Key, Entry>,
    /// In this frame, in the order of drawing.
    wanted: Vec<Key>,
    placed: Vec<(Key, Rect)>,
    /// What of the last frame stands on the screen.
    shown: Vec<(Key, Rect)>,
    /// Where pixels went in this frame.
    erased: Vec<Rect>,
    transfer: Option<(Key, Transfer)>,
    /// To be deleted at the terminal.
    leaving: Vec<Id>,
    /// Ends what an earlier way began. To be sent before anything else, whatever the way is now.
    pending: String,
    /// Bytes that half-blocks may take in this frame; `None` = as many as they like.
    room: Option<usize>,
    put_off: bool,
    clear: bool,
    frame: u64,
    sent: u64,
    sent_when_drawn: u64,
}

#[derive(Debug)]
struct Entry {
    /// Also keeps the address from being used by another picture.
    source: Weak<Picture>,
    state: State,
    wanted: u64,
}

#[derive(Debug)]
enum State {
    /// To be encoded; whether the encoder knows.
    Asked(bool),
    /// Encoded.
    Ready(Data),
    /// Encoded, but all numbers are taken by what is in sight: half-blocks until one is free.
    Crowded(Data),
    /// At the terminal, under this number.
    Sent(Id),
    /// Will never be.
    Failed,
}

/// What the status lines say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Status {
    /// How pictures are drawn.
    pub protocol: Protocol,
    /// Bytes of pictures so far.
    pub sent: u64,
}

impl Default for Stage {
    fn default() -> Self {
        Self::new(0)
    }
}

impl Stage {
    /// `process` is any number that other processes do not have: pictures are numbered by it.
    pub fn new(process: u64) -> Self {
        Self {
            inner: RefCell::new(Inner {
                route: None,
                ids: Ids::of(process),
                entries: HashMap::new(),
                wanted: Vec::new(),
                placed: Vec::new(),
                shown: Vec::new(),
                erased: Vec::new(),
                transfer: None,
                leaving: Vec::new(),
                pending: String::new(),
                room: None,
                put_off: false,
                clear: false,
                frame: 0,
                sent: 0,
                sent_when_drawn: 0,
            }),
        }
    }

    /// Pictures go this way from now on.
    pub fn take(&self, route: Route) {
        let mut inner = self.inner.borrow_mut();
        if inner.route != Some(route) {
            inner.forget();
            inner.leave();
            inner.route = Some(route);
        }
    }

    /// What the status lines say; `None` while nobody was asked.
    pub fn status(&self) -> Option<Status> {
        let inner = self.inner.borrow();
        inner.route.map(|route| Status { protocol: route.protocol, sent: inner.sent })
    }

    /// Whether pictures are more than text here.
    pub fn sends_pixels(&self) -> bool {
        self.inner.borrow().route.is_some_and(|route| route.protocol != Protocol::Half)
    }

    /// Bytes to be sent before the frame: pictures that the last one wanted, as far as there is
    /// `room`, and what the terminal need not keep.
    pub fn start(&self, room: Option<usize>) -> String {
        let mut inner = self.inner.borrow_mut();
        let mut out = std::mem::take(&mut inner.pending);
        if let Some(route) = inner.route
            && route.protocol == Protocol::Kitty
        {
            inner.start_kitty(route.through_tmux, room.unwrap_or(usize::MAX), &mut out);
        }
        inner.sweep();
        inner.room = room;
        out
    }

    /// A frame begins.
    pub fn begin(&self) {
        let mut inner = self.inner.borrow_mut();
        inner.frame += 1;
        inner.wanted.clear();
        inner.placed.clear();
        inner.put_off = false;
        inner.sent_when_drawn = inner.sent;
    }

    /// Draws a picture at the left top of `area`, as large as it fits. `false`: it is on its way, and
    /// something else has to hold its place.
    pub fn draw(&self, picture: &Arc<Picture>, area: Rect, buf: &mut Buffer, tones: Tones) -> bool {
        self.inner.borrow_mut().draw(picture, area, buf, tones)
    }

    /// A frame is drawn: whatever covers pictures has come, and what has to go is seen.
    pub fn settle(&self, buf: &mut Buffer) {
        self.inner.borrow_mut().settle(buf);
    }

    /// Whether the screen must be cleared before this frame is sent: pixels stand there that text
    /// alone would not take away.
    pub fn takes_clear(&self) -> bool {
        std::mem::take(&mut self.inner.borrow_mut().clear)
    }

    /// The screen was cleared.
    pub fn cleared(&self) {
        self.inner.borrow_mut().shown.clear();
    }

    /// Bytes to be sent after the frame: pixels, as far as there is `room`.
    pub fn finish(&self, room: Option<usize>) -> String {
        let mut inner = self.inner.borrow_mut();
        match inner.route {
            Some(route) if matches!(route.protocol, Protocol::Sixel | Protocol::Iterm2) => {
                inner.finish_pixels(route.through_tmux, room.unwrap_or(usize::MAX))
            }
            _ => String::new(),
        }
    }

    /// Whether the next frame would bring more, though nothing has happened.
    pub fn has_more(&self) -> bool {
        let inner = self.inner.borrow();
        let waits = |key: &Key| {
            inner.entries.get(key).is_some_and(|entry| matches!(entry.state, State::Ready(_)))
        };
        let pending = match inner.route.map(|route| route.protocol) {
            Some(Protocol::Kitty) => inner.wanted.iter().any(waits),
            Some(Protocol::Sixel | Protocol::Iterm2) => {
                inner.placed.iter().any(|place| waits(&place.0) && !inner.shown.contains(place))
            }
            _ => inner.put_off,
        };
        pending || inner.sent != inner.sent_when_drawn
    }

    /// What the encoder has to do, most urgent first; `None` = what it was told last.
    pub fn jobs(&self) -> Option<Vec<Job>> {
        self.inner.borrow_mut().jobs()
    }

    /// Takes in what was encoded; whether it is wanted now.
    pub fn put(&self, encoded: Encoded) -> bool {
        let mut inner = self.inner.borrow_mut();
        if inner.route != Some(encoded.route) {
            return false;
        }
        let is_wanted = inner.wanted.contains(&encoded.key);
        if let Some(entry) = inner.entries.get_mut(&encoded.key)
            && matches!(entry.state, State::Asked(_))
        {
            entry.state = encoded.data.map_or(State::Failed, State::Ready);
        }
        is_wanted
    }

    /// The terminal may have lost everything: all of it is sent again.
    pub fn forget(&self) {
        self.inner.borrow_mut().forget();
    }

    /// What to send when the terminal is given back: nothing of ours stays in its memory.
    pub fn farewell(&self) -> String {
        let inner = self.inner.borrow();
        let mut out = inner.pending.clone();
        let Some(route) = inner.route else { return out };
        match route.protocol {
            Protocol::Half => {}
            Protocol::Sixel | Protocol::Iterm2 => out.push_str("\x1b[2J"),
            Protocol::Kitty => {
                if let Some((_, transfer)) = &inner.transfer {
                    if transfer.is_under_way() {
                        out.push_str(&kitty::break_off(route.through_tmux));
                    }
                    out.push_str(&kitty::delete(transfer.id(), route.through_tmux));
                }
                let sent = inner.entries.values().filter_map(|entry| match entry.state {
                    State::Sent(id) => Some(id),
                    _ => None,
                });
                for id in sent.chain(inner.leaving.iter().copied()) {
                    out.push_str(&kitty::delete(id, route.through_tmux));
                }
            }
        }
        out
    }

    /// What was sent through tmux may have been dropped there, as it is while its pane is hidden:
    /// it is sent again. Whether there is something to send.
    pub fn doubt(&self) -> bool {
        let mut inner = self.inner.borrow_mut();
        let goes_astray = |route: Route| route.through_tmux && route.protocol == Protocol::Kitty;
        let is_meant = inner.route.is_some_and(goes_astray);
        if is_meant {
            inner.forget();
        }
        is_meant
    }
}

impl Inner {
    /// Drops what nobody can want any more, and the oldest of what is kept.
    fn sweep(&mut self) {
        let mut dropped: Vec<Key> = self
            .entries
            .iter()
            .filter(|(_, entry)| entry.source.strong_count() == 0)
            .map(|(key, _)| *key)
            .collect();
        let surplus = self.entries.len().saturating_sub(dropped.len() + MOST_KEPT);
        if surplus > 0 {
            let mut old: Vec<(u64, Key)> = self
                .entries
                .iter()
                .filter(|(key, entry)| entry.wanted < self.frame && !dropped.contains(key))
                .map(|(key, entry)| (entry.wanted, *key))
                .collect();
            old.sort_unstable();
            dropped.extend(old.into_iter().take(surplus).map(|(_, key)| key));
        }
        for key in dropped {
            if let Some(Entry { state: State::Sent(id), .. }) = self.entries.remove(&key) {
                self.leaving.push(id);
            }
        }
    }

    fn draw(&mut self, picture: &Arc<Picture>, area: Rect, buf: &mut Buffer, tones: Tones) -> bool {
        let Some(route) = self.route else {
            halfblock::draw(picture, area, buf, tones);
            return true;
        };
        if route.protocol == Protocol::Half {
            return self.draw_half(picture, area, buf, tones);
        }
        // None partly outside its rectangle, none in the last row: the terminal would scroll.
        let free = Rect { height: buf.area.height.saturating_sub(1), ..buf.area };
        let area = area.intersection(free);
        if area.is_empty() {
            return true;
        }
        let cell = (usize::from(route.cell.width), usize::from(route.cell.height));
        let room = (usize::from(area.width) * cell.0, usize::from(area.height) * cell.1);
        let (width, height) = filled((picture.width, picture.height), room);
        let columns = (width.div_ceil(cell.0.max(1)) as u16).clamp(1, area.width);
        let rows = (height.div_ceil(cell.1.max(1)) as u16).clamp(1, area.height);
        let key = Key { address: Arc::as_ptr(picture) as usize, columns, rows };
        let place = Rect { width: columns, height: rows, ..area };
        let frame = self.frame;
        let entry = self.entries.entry(key).or_insert_with(|| Entry {
            source: Arc::downgrade(picture),
            state: State::Asked(false),
            wanted: frame,
        });
        entry.wanted = frame;
        if !self.wanted.contains(&key) {
            self.wanted.push(key);
        }
        match (&entry.state, route.protocol) {
            (State::Sent(id), Protocol::Kitty) => kitty::place(*id, place, buf),
            (State::Ready(_), Protocol::Sixel | Protocol::Iterm2) => {
                for position in place.positions() {
                    if let Some(cell) = buf.cell_mut(position) {
                        cell.set_symbol(MARK);
                        cell.modifier = Modifier::empty();
                    }
                }
            }
            (State::Failed | State::Crowded(_), _) => {
                halfblock::draw(picture, area, buf, tones);
                return true;
            }
            _ => return false,
        }
        self.placed.push((key, place));
        true
    }

    /// Over a slow line a screen full of half-blocks takes seconds, so they too come bit by bit.
    fn draw_half(
        &mut self,
        picture: &Arc<Picture>,
        area: Rect,
        buf: &mut Buffer,
        tones: Tones,
    ) -> bool {
        let key =
            Key { address: Arc::as_ptr(picture) as usize, columns: area.width, rows: area.height };
        let cost = usize::from(area.width) * usize::from(area.height) * HALF_BLOCK;
        let is_there = self.shown.contains(&(key, area));
        // One picture at least, or a large one would never come.
        let is_first = self.placed.iter().all(|place| self.shown.contains(place));
        match &mut self.room {
            _ if is_there => {}
            Some(room) if *room >= cost || (is_first && *room > 0) => {
                *room = room.saturating_sub(cost);
            }
            None => {}
            Some(_) => {
                self.put_off = true;
                return false;
            }
        }
        self.placed.push((key, area));
        halfblock::draw(picture, area, buf, tones);
        true
    }

    fn settle(&mut self, buf: &mut Buffer) {
        let Some(route) = self.route else { return };
        match route.protocol {
            Protocol::Half => self.shown.clone_from(&self.placed),
            Protocol::Kitty => {
                for (key, place) in &self.placed {
                    if let Some(Entry { state: State::Sent(id), .. }) = self.entries.get(key) {
                        kitty::shorten(*id, *place, buf);
                    }
                }
            }
            Protocol::Sixel | Protocol::Iterm2 => self.settle_pixels(buf),
        }
    }

    fn settle_pixels(&mut self, buf: &mut Buffer) {
        // Something lies over it: not drawn at all.
        let is_whole = |place: &Rect| {
            place.positions().all(|at| buf.cell(at).is_some_and(|cell| cell.symbol() == MARK))
        };
        let whole: Vec<(Key, Rect)> =
            self.placed.iter().copied().filter(|(_, place)| is_whole(place)).collect();
        for (_, place) in &self.placed {
            for position in place.positions() {
                if let Some(cell) = buf.cell_mut(position)
                    && cell.symbol() == MARK
                {
                    cell.set_symbol(" ");
                }
            }
        }
        let (stay, gone): (Vec<_>, Vec<_>) =
            self.shown.drain(..).partition(|place| whole.contains(place));
        // Another page: everything anew. Otherwise only where something went.
        self.erased.clear();
        if stay.is_empty() && !gone.is_empty() {
            self.clear = true;
        } else {
            self.erased.extend(gone.iter().map(|(_, place)| *place));
        }
        for place in &self.erased {
            for position in place.intersection(buf.area).positions() {
                if let Some(cell) = buf.cell_mut(position) {
                    cell.set_diff_option(CellDiffOption::AlwaysUpdate);
                }
            }
        }
        self.shown = stay;
        self.placed = whole;
    }

    fn finish_pixels(&mut self, wrapped: bool, room: usize) -> String {
        let mut out = String::new();
        let mut new = 0;
        for (key, place) in &self.placed {
            // Cells that were erased differ from those of the next frame, which sends them once more.
            let is_erased = self.erased.iter().any(|erased| erased.intersects(*place));
            if new == MOST_NEW || is_erased || self.shown.contains(&(*key, *place)) {
                continue;
            }
            let Some(Entry { state: State::Ready(Data::Sequence(sequence)), .. }) =
                self.entries.get(key)
            else {
                continue;
            };
            // One at least: it cannot be cut in pieces.
            if room == 0 || (new > 0 && out.len() + sequence.len() > room) {
                break;
            }
            // The cursor goes back to where the text has it.
            let (x, y) = (place.x + 1, place.y + 1);
            let _ = write!(out, "\x1b7\x1b[{y};{x}H");
            if wrapped {
                out.push_str(&through_tmux(sequence));
            } else {
                out.push_str(sequence);
            }
            out.push_str("\x1b8");
            self.shown.push((*key, *place));
            new += 1;
        }
        self.sent += out.len() as u64;
        out
    }

    fn jobs(&mut self) -> Option<Vec<Job>> {
        let route = self.route?;
        let is_new = |key: &Key| {
            self.entries.get(key).is_some_and(|entry| matches!(entry.state, State::Asked(false)))
        };
        if !self.wanted.iter().any(is_new) {
            return None;
        }
        let job = |key: &Key| {
            let entry = self.entries.get(key)?;
            let picture = entry.source.upgrade()?;
            matches!(entry.state, State::Asked(_)).then_some(Job { key: *key, picture, route })
        };
        let jobs: Vec<Job> = self.wanted.iter().filter_map(job).collect();
        for (key, entry) in &mut self.entries {
            if let State::Asked(known) = &mut entry.state {
                *known = jobs.iter().any(|job| job.key == *key);
            }
        }
        Some(jobs)
    }

    fn forget(&mut self) {
        if let Some((_, transfer)) = self.transfer.take() {
            if transfer.is_under_way() {
                // Otherwise what is sent next would be taken for more of it.
                let wrapped = self.route.is_some_and(|route| route.through_tmux);
                self.pending.push_str(&kitty::break_off(wrapped));
            }
            self.leaving.push(transfer.id());
        }
        for (_, entry) in self.entries.drain() {
            if let State::Sent(id) = entry.state {
                self.leaving.push(id);
            }
        }
        self.shown.clear();
        self.placed.clear();
        self.wanted.clear();
    }
}

#[cfg(test)]
mod tests;

//! kitty's side of the stage: which picture is sent next and under which number, and what is taken
//! back.

use super::super::encoder::{Data, Key};
use super::super::kitty::{self, Id, Transfer};
use super::{Entry, Inner, MOST_NEW, State};

impl Inner {
    /// Pictures that the last frame wanted, as far as there is `room`.
    pub(super) fn start_kitty(&mut self, wrapped: bool, room: usize, out: &mut String) {
        self.admit_crowded();
        // Scrolled away in the middle: the line is for what is seen.
        if let Some((key, transfer)) = &self.transfer
            && !self.wanted.contains(key)
            && room > 0
        {
            if transfer.is_under_way() {
                out.push_str(&kitty::break_off(wrapped));
            }
            self.leaving.push(transfer.id());
            self.transfer = None;
        }
        let mut new = 0;
        while out.len() + kitty::PIECE <= room && new < MOST_NEW {
            if self.transfer.is_none() {
                for id in self.leaving.drain(..) {
                    out.push_str(&kitty::delete(id, wrapped));
                    self.ids.give_back(id);
                }
                self.transfer = self.next_transfer();
            }
            let Some((key, transfer)) = &mut self.transfer else { break };
            if let Some(piece) = transfer.next(wrapped) {
                self.sent += piece.len() as u64;
                out.push_str(&piece);
            }
            if transfer.is_under_way() {
                continue;
            }
            let (key, id) = (*key, transfer.id());
            self.transfer = None;
            new += 1;
            match self.entries.get_mut(&key) {
                Some(entry) => entry.state = State::Sent(id),
                None => self.leaving.push(id),
            }
        }
    }

    /// The first wanted picture that is encoded and has not been sent.
    fn next_transfer(&mut self) -> Option<(Key, Transfer)> {
        let is_ready = |key: &&Key| {
            self.entries.get(key).is_some_and(|entry| matches!(entry.state, State::Ready(_)))
        };
        let key = *self.wanted.iter().find(is_ready)?;
        let Some(id) = self.ids.take().or_else(|| self.make_room()) else {
            self.crowd_out();
            return None;
        };
        let State::Ready(Data::Png(png)) = &self.entries.get(&key)?.state else { return None };
        Some((key, Transfer::new(id, png, key.columns, key.rows)))
    }

    /// No number is left for what is ready: waiting for one would be drawing for ever.
    fn crowd_out(&mut self) {
        for entry in self.entries.values_mut() {
            entry.state = match std::mem::replace(&mut entry.state, State::Failed) {
                State::Ready(data) => State::Crowded(data),
                state => state,
            };
        }
    }

    /// There may be a number again for what had to do without.
    fn admit_crowded(&mut self) {
        let is_out_of_sight =
            |entry: &Entry| matches!(entry.state, State::Sent(_)) && entry.wanted < self.frame;
        let has_room = !self.leaving.is_empty()
            || self.ids.has_free()
            || self.entries.values().any(is_out_of_sight);
        if !has_room {
            return;
        }
        for entry in self.entries.values_mut() {
            entry.state = match std::mem::replace(&mut entry.state, State::Failed) {
                State::Crowded(data) => State::Ready(data),
                state => state,
            };
        }
    }

    /// The number of the picture that has not been wanted for longest. Sent anew under it, the new
    /// picture replaces the old one.
    fn make_room(&mut self) -> Option<Id> {
        let oldest = self
            .entries
            .iter()
            .filter_map(|(key, entry)| match entry.state {
                State::Sent(id) if entry.wanted < self.frame => Some((entry.wanted, *key, id)),
                _ => None,
            })
            .min_by_key(|(wanted, key, _)| (*wanted, *key));
        let (_, key, id) = oldest?;
        self.entries.remove(&key);
        Some(id)
    }

    /// The way is about to change: what the old one left at the terminal goes.
    pub(super) fn leave(&mut self) {
        let wrapped = self.route.is_some_and(|route| route.through_tmux);
        for id in std::mem::take(&mut self.leaving) {
            self.pending.push_str(&kitty::delete(id, wrapped));
            self.ids.give_back(id);
        }
    }
}

//! One run that a screen looks at closely: its history, its log, its results.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Instant, SystemTime};

use serde::Deserialize;

use super::LIST;
use super::looks::Looks;
use crate::run::bookmarks::{self, Bookmarks};
use crate::run::folder::RunFolder;
use crate::run::follow::Follower;
use crate::tui::history::History;
use crate::tui::text;
use crate::tui::world::RunDetail;

/// Lines of `log.txt` that are kept.
const LOG_LINES: usize = 1000;

/// When a file was last written, and how long it is: whether to read it again.
type Stamp = Option<(SystemTime, u64)>;

pub(super) struct Followed {
    id: String,
    follower: Follower,
    detail: Arc<RunDetail>,
    next_results: Instant,
    evaluate: Stamp,
    attack: Stamp,
    neurons: Stamp,
    dissect: Stamp,
    consistency: Stamp,
    trace: Stamp,
    bookmarks: Stamp,
    looks: Looks,
}

impl Followed {
    pub(super) fn new(id: String, folder: PathBuf) -> Self {
        Self {
            id,
            follower: Follower::new(&folder),
            detail: Arc::new(RunDetail { folder, ..RunDetail::default() }),
            next_results: Instant::now(),
            evaluate: None,
            attack: None,
            neurons: None,
            dissect: None,
            consistency: None,
            trace: None,
            bookmarks: None,
            looks: Looks::default(),
        }
    }

    pub(super) fn id(&self) -> &String {
        &self.id
    }

    /// Looks at the results at once the next time.
    #[cfg(test)]
    pub(super) fn look_now(&mut self) {
        self.next_results = Instant::now();
    }

    pub(super) fn detail(&self) -> Arc<RunDetail> {
        Arc::clone(&self.detail)
    }

    /// Reads what is new; answers whether anything is.
    pub(super) fn poll(&mut self) -> bool {
        let update = self.follower.poll();
        let mut changed = update.restarted || !update.events.is_empty() || !update.log.is_empty();
        if changed {
            let detail = Arc::make_mut(&mut self.detail);
            if update.restarted {
                detail.history = History::default();
                detail.log.clear();
                detail.neuron_history.clear();
                self.looks = Looks::default();
            }
            for event in &update.events {
                detail.history.push(event);
            }
            detail.log.extend(update.log.iter().map(|line| text::clean(line).into_owned()));
            let surplus = detail.log.len().saturating_sub(LOG_LINES);
            detail.log.drain(..surplus);
        }
        let now = Instant::now();
        if now >= self.next_results {
            self.next_results = now + LIST;
            changed |= self.read_files();
        }
        // Somebody has just pressed a key for it, and waits.
        changed | self.read_bookmarks()
    }

    fn read_bookmarks(&mut self) -> bool {
        let now = stamp(&self.detail.folder.join(bookmarks::FILE));
        if self.bookmarks == now {
            return false;
        }
        self.bookmarks = now;
        let detail = Arc::make_mut(&mut self.detail);
        match Bookmarks::read(&detail.folder) {
            Ok(read) => detail.bookmarks = read,
            Err(error) => detail.log.push(complaint(&error.message)),
        }
        true
    }

    fn read_files(&mut self) -> bool {
        let path = self.detail.folder.clone();
        let Ok(folder) = RunFolder::open(&path) else { return false };
        let mut changed = false;
        if self.detail.spec.is_empty()
            && let Ok(spec) = folder.spec()
        {
            Arc::make_mut(&mut self.detail).spec = spec;
            changed = true;
        }
        let detail = &mut self.detail;
        let mut results = Results { folder: &folder, detail, complaints: Vec::new(), changed };
        results.newer("evaluate", &mut self.evaluate, |detail, new| detail.evaluate = Some(new));
        results.newer("attack", &mut self.attack, |detail, new| detail.attack = Some(new));
        results.newer("neurons", &mut self.neurons, |detail, new| detail.neurons = Some(new));
        results.newer("dissect", &mut self.dissect, |detail, new| detail.dissect = Some(new));
        results.newer("consistency", &mut self.consistency, |detail, new| {
            detail.consistency = Some(new);
        });
        results.newer("trace", &mut self.trace, |detail, new| detail.trace = Some(new));
        changed = results.changed;
        let mut complaints = results.complaints;
        if self.looks.read(&path, &mut complaints) {
            Arc::make_mut(&mut self.detail).neuron_history = self.looks.kept();
            changed = true;
        }
        if !complaints.is_empty() {
            let complaints = complaints.iter().map(|message| complaint(message));
            Arc::make_mut(&mut self.detail).log.extend(complaints);
            changed = true;
        }
        changed
    }
}

fn stamp(file: &Path) -> Stamp {
    let metadata = file.metadata().ok()?;
    metadata.modified().ok().map(|time| (time, metadata.len()))
}

/// A line of the log that says what cannot be read.
fn complaint(message: &str) -> String {
    format!("error: {}", text::clean(message))
}

/// The results of a run: those that are new are put where they belong.
struct Results<'a> {
    folder: &'a RunFolder,
    detail: &'a mut Arc<RunDetail>,
    complaints: Vec<String>,
    changed: bool,
}

impl Results<'_> {
    /// Reads a result if its file is another than last time. What was read before stays where the
    /// new one cannot be read, and that it cannot is told.
    fn newer<T: for<'de> Deserialize<'de>>(
        &mut self,
        name: &'static str,
        stamp: &mut Stamp,
        put: impl FnOnce(&mut RunDetail, Arc<T>),
    ) {
        let file = self.folder.path().join("results").join(format!("{name}.json"));
        if file.metadata().is_err() {
            return;
        }
        let now = self::stamp(&file);
        if *stamp == now {
            return;
        }
        *stamp = now;
        match self.folder.result(name) {
            Ok(Some(result)) => {
                let detail = Arc::make_mut(self.detail);
                put(detail, Arc::new(result));
                detail.unreadable.remove(name);
                self.changed = true;
            }
            Ok(None) => {}
            Err(error) => {
                let told = text::clean(&error.message).into_owned();
                Arc::make_mut(self.detail).unreadable.insert(name, told);
                self.complaints.push(error.message);
                self.changed = true;
            }
        }
    }
}

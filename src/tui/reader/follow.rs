//! One run that a screen looks at closely: its history, its log, its results.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Instant, SystemTime};

use serde::Deserialize;

use super::LIST;
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
        }
    }

    pub(super) fn id(&self) -> &String {
        &self.id
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
        changed
    }

    fn read_files(&mut self) -> bool {
        let path = self.detail.folder.clone();
        let Ok(folder) = RunFolder::open(&path) else { return false };
        let mut changed = false;
        let mut complaints = Vec::new();
        if self.detail.spec.is_empty()
            && let Ok(spec) = folder.spec()
        {
            Arc::make_mut(&mut self.detail).spec = spec;
            changed = true;
        }
        if let Some(result) = newer(&folder, "evaluate", &mut self.evaluate, &mut complaints) {
            Arc::make_mut(&mut self.detail).evaluate = Some(Arc::new(result));
            changed = true;
        }
        if let Some(result) = newer(&folder, "attack", &mut self.attack, &mut complaints) {
            Arc::make_mut(&mut self.detail).attack = Some(Arc::new(result));
            changed = true;
        }
        if let Some(result) = newer(&folder, "neurons", &mut self.neurons, &mut complaints) {
            Arc::make_mut(&mut self.detail).neurons = Some(Arc::new(result));
            changed = true;
        }
        if !complaints.is_empty() {
            let complaints = complaints.iter().map(|line| text::clean(line).into_owned());
            Arc::make_mut(&mut self.detail).log.extend(complaints);
            changed = true;
        }
        changed
    }
}

/// The result, if its file is another than last time.
fn newer<T: for<'de> Deserialize<'de>>(
    folder: &RunFolder,
    name: &str,
    stamp: &mut Stamp,
    complaints: &mut Vec<String>,
) -> Option<T> {
    let file = folder.path().join("results").join(format!("{name}.json"));
    let metadata = file.metadata().ok()?;
    let now = metadata.modified().ok().map(|time| (time, metadata.len()));
    if *stamp == now {
        return None;
    }
    *stamp = now;
    match folder.result(name) {
        Ok(result) => result,
        Err(error) => {
            complaints.push(format!("error: {}", error.message));
            None
        }
    }
}

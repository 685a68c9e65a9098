//! The list of runs: what is known of each, and what changed since it was last read.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::Arc;

use super::latest::Latest;
use crate::run::folder::RunFolder;
use crate::tui::world::{RunSummary, World};

/// Reads the list again and again.
#[derive(Debug)]
pub(super) struct Listing {
    root: PathBuf,
    latest: HashMap<String, Latest>,
}

impl Listing {
    pub(super) fn new(root: PathBuf) -> Self {
        Self { root, latest: HashMap::new() }
    }

    /// Of how many runs the last values are kept.
    #[cfg(test)]
    pub(super) fn known(&self) -> usize {
        self.latest.len()
    }

    /// Brings `world` up to date; answers whether anything in it changed. Runs that did not change
    /// stay the same allocation.
    pub(super) fn read(&mut self, world: &mut World) -> bool {
        let listed = match RunFolder::list(&self.root) {
            Ok(listed) => listed,
            Err(error) => {
                let hint = error.hint.as_ref().map_or(String::new(), |hint| format!(" ({hint})"));
                let problem = Some(format!("{}{hint}", error.message));
                // What was seen before stays: a network file system may come back.
                return std::mem::replace(&mut world.problem, problem.clone()) != problem;
            }
        };
        let mut changed = world.problem.take().is_some();
        let (mut runs, mut unreadable) = (Vec::with_capacity(listed.len()), Vec::new());
        let old: HashMap<&str, &Arc<RunSummary>> =
            world.runs.iter().map(|run| (run.info.id.as_str(), run)).collect();
        for one in listed {
            match one.run {
                Ok((folder, mut info, state, status)) => {
                    // A copied or renamed folder still has the old name in it; everything else
                    // goes by the folder's.
                    info.id.clone_from(&one.id);
                    let latest = self
                        .latest
                        .entry(one.id)
                        .or_insert_with(|| Latest::new(folder.path().to_owned()));
                    latest.read();
                    let run = RunSummary {
                        folder: folder.path().to_owned(),
                        info,
                        state,
                        status,
                        latest: latest.metrics().clone(),
                    };
                    match old.get(run.info.id.as_str()) {
                        Some(old) if same(old, &run) => runs.push(Arc::clone(old)),
                        _ => {
                            changed = true;
                            runs.push(Arc::new(run));
                        }
                    }
                }
                Err(error) => unreadable.push((one.id, error.message)),
            }
        }
        changed |= runs.len() != world.runs.len() || unreadable != world.unreadable;
        let there: HashSet<&str> = runs.iter().map(|run| run.info.id.as_str()).collect();
        self.latest.retain(|id, _| there.contains(id.as_str()));
        world.runs = runs;
        world.unreadable = unreadable;
        changed
    }
}

/// A heartbeat alone changes nothing that is shown.
fn same(old: &RunSummary, new: &RunSummary) -> bool {
    let beat = |run: &RunSummary| {
        let mut state = run.state.clone();
        state.heartbeat = 0.0;
        state
    };
    old.status == new.status
        && old.latest == new.latest
        && old.info == new.info
        && beat(old) == beat(new)
}

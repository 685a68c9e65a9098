//! What the network says of every image, and which predictions are traced.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Chosen, Kind, Record, Stage};
use crate::attack::measure::predictions;
use crate::data::{Class, Dataset, Example, Pictures};
use crate::error::{Error, Result};
use crate::job::context::{Context, Flow};
use crate::job::stage::ranking::twins::Written;
use crate::job::stage::{from, read_before};
use crate::model::Mode;

/// Some images of a kind of origin.
#[derive(Clone)]
pub(super) struct Set {
    origin: Origin,
    pub(super) dataset: Arc<dyn Dataset>,
}

/// Where images are from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Origin {
    Split,
    Twins,
    Given,
}

impl Set {
    /// What its records are filed under.
    fn word(&self) -> &'static str {
        match self.origin {
            Origin::Split => "test",
            Origin::Twins => "adversarial-set",
            Origin::Given => "pictures",
        }
    }

    /// Whether it is the test split.
    pub(super) fn is_split(&self) -> bool {
        self.origin == Origin::Split
    }

    /// Whether a user has pointed at its pictures.
    pub(super) fn is_given(&self) -> bool {
        self.origin == Origin::Given
    }
}

/// Pictures that a user points at, by their names in the folder that was named.
#[derive(Debug)]
pub(super) struct Given {
    pictures: Pictures,
    root: PathBuf,
}

impl Given {
    /// `pointed_at`: the folder, or the one file.
    pub(super) fn new(pictures: Pictures, pointed_at: &str) -> Self {
        let path = Path::new(pointed_at);
        let root = if path.is_dir() { path } else { path.parent().unwrap_or(Path::new("")) };
        Self { pictures, root: root.to_owned() }
    }

    pub(super) fn names(&self) -> Vec<String> {
        (0..self.len()).map(|index| self.name(index)).collect()
    }
}

impl Dataset for Given {
    fn len(&self) -> usize {
        self.pictures.len()
    }

    fn example(&self, index: usize) -> Result<Example> {
        self.pictures.example(index)
    }

    fn label(&self, _: usize) -> u32 {
        0
    }

    fn name(&self, index: usize) -> String {
        let path = self.pictures.path(index);
        path.strip_prefix(&self.root).unwrap_or(path).to_string_lossy().into_owned()
    }

    fn classes(&self) -> &[Class] {
        &[]
    }

    fn shape(&self) -> [usize; 3] {
        self.pictures.shape()
    }
}

/// What the network says of a batch, but for what could not be read.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Seen {
    images: Vec<usize>,
    answers: Vec<u32>,
}

impl Stage {
    /// What is looked at, one after the other.
    pub(super) fn sets(&self) -> Vec<Set> {
        let first = match &self.given {
            Some(given) => {
                let dataset = Arc::clone(given) as Arc<dyn Dataset>;
                Set { origin: Origin::Given, dataset }
            }
            None => Set { origin: Origin::Split, dataset: Arc::clone(&self.ranking.dataset) },
        };
        let files: Vec<PathBuf> = self.ranking.twins.iter().map(|twin| twin.path.clone()).collect();
        let twins = (!files.is_empty()).then(|| {
            let dataset = Arc::new(Written::new(files, self.ranking.dataset.shape()));
            Set { origin: Origin::Twins, dataset }
        });
        [first].into_iter().chain(twins).collect()
    }

    fn looked(&self, set: &Set) -> String {
        format!("{} {}", self.key, set.word())
    }

    /// Has every image of a set answered that was not in an earlier try.
    pub(super) fn look(&mut self, context: &mut Context, set: &Set) -> Result<Flow> {
        let (pass, size, len) =
            (self.looked(set), self.section.batch_size.max(1), set.dataset.len());
        let batches = len.div_ceil(size);
        let missing = |batch: &usize| self.ledger.get(&pass, *batch).is_none();
        let Some(first) = (0..batches).find(missing) else {
            self.ranking.progress[0] += len as u64;
            return Ok(Flow::Continue);
        };
        self.ranking.goes_on(context, (first * size).min(len), 1)?;
        // What adversarial image cannot be read is missing from a set that says it has it.
        let mut loader = if set.origin == Origin::Twins {
            read_before(context, &set.dataset, (0..len).collect(), size, first)?
        } else {
            from(context, &set.dataset, size, first, &self.damage)?
        };
        let mut position = first;
        // Over all tries, so that the last one is the whole set's.
        let before = self.answers(set);
        let is_hit = |(image, answer): &&(usize, u32)| self.label(set, *image) == Some(*answer);
        let mut hits = before.iter().filter(is_hit).count();
        let mut seen = before.len();
        while let Some(batch) = loader.next() {
            let batch = batch?.to_device(self.ranking.model.device())?;
            let output = self.ranking.model.forward(&batch.images, Mode::Evaluate, &[])?;
            let answers = predictions(&output.logits)?;
            for (image, answer) in batch.indices.iter().zip(&answers) {
                hits += usize::from(self.label(set, *image) == Some(*answer));
                seen += 1;
            }
            // A batch of which every image is damaged is passed over: it has a record all the same.
            for empty in position..loader.position() - 1 {
                self.ledger.put(&pass, empty, Record::Seen(Seen::default()))?;
            }
            let reached = (loader.position() * size).min(len) - (position * size).min(len);
            position = loader.position();
            let record = Record::Seen(Seen { images: batch.indices, answers });
            self.ledger.put(&pass, position - 1, record)?;
            let flow = self.ranking.advance(context, reached)?;
            let metric = match set.origin {
                Origin::Split => Some("top1"),
                Origin::Twins => Some("adversarial_top1"),
                Origin::Given => None,
            };
            if let Some(metric) = metric {
                let step = self.ranking.progress[0];
                context.metrics(step, &[(metric, hits as f64 / seen.max(1) as f64)])?;
            }
            if flow == Flow::Stop {
                return Ok(Flow::Stop);
            }
        }
        for empty in position..batches {
            self.ledger.put(&pass, empty, Record::Seen(Seen::default()))?;
        }
        Ok(Flow::Continue)
    }

    /// What the network says of each image of a set that could be read.
    pub(super) fn answers(&self, set: &Set) -> Vec<(usize, u32)> {
        let pass = self.looked(set);
        let seen = self.ledger.pass(&pass).filter_map(|(_, record)| match record {
            Record::Seen(seen) => {
                Some(seen.images.iter().copied().zip(seen.answers.iter().copied()))
            }
            Record::Traced(_) => None,
        });
        seen.flatten().collect()
    }

    /// The true class of an image: of an adversarial one its original's.
    pub(super) fn label(&self, set: &Set, image: usize) -> Option<u32> {
        let dataset = &self.ranking.dataset;
        match set.origin {
            Origin::Split => Some(dataset.label(image)),
            Origin::Twins => self.ranking.twins.get(image).map(|twin| dataset.label(twin.original)),
            Origin::Given => None,
        }
    }

    /// Which predictions are traced, of each kind that there is. Adversarial are those images that
    /// the network takes for another class than their originals'. Errors: nothing could be read.
    pub(super) fn choose(&self, sets: &[Set]) -> Result<Vec<Chosen>> {
        let mut chosen = Vec::new();
        for set in sets {
            let answers = self.answers(set);
            if answers.is_empty() {
                return Err(Error::failed("no image could be read, so none was traced"));
            }
            let of = |kind: Kind, wanted: &dyn Fn(usize, u32) -> bool, limit: usize| {
                let found = answers.iter().filter(|(image, answer)| wanted(*image, *answer));
                let found: Vec<usize> = found.map(|(image, _)| *image).collect();
                let images = evenly(&found, limit);
                let kept = match self.section.pictures {
                    0 => Vec::new(),
                    pictures => evenly(&images, pictures),
                };
                Chosen { kind, set: set.clone(), images, kept: kept.into_iter().collect() }
            };
            let limit = self.section.limit;
            let is_right = |image: usize, answer: u32| self.label(set, image) == Some(answer);
            match set.origin {
                Origin::Split => {
                    if self.section.images == "all" {
                        chosen.push(of(Kind::Right, &is_right, limit));
                    }
                    chosen.push(of(Kind::Wrong, &|image, answer| !is_right(image, answer), limit));
                }
                Origin::Twins => {
                    let fooled = |image, answer| !is_right(image, answer);
                    chosen.push(of(Kind::Adversarial, &fooled, limit));
                }
                // Whoever points at pictures wants all of them.
                Origin::Given => chosen.push(of(Kind::Given, &|_, _| true, 0)),
            }
        }
        // In the order of the results.
        chosen.sort_by_key(|of_kind| of_kind.kind == Kind::Given);
        Ok(chosen)
    }
}

/// At most so many of them, evenly spread; 0 = all.
fn evenly(all: &[usize], most: usize) -> Vec<usize> {
    if most == 0 || most >= all.len() {
        return all.to_vec();
    }
    (0..most).map(|at| all[at * all.len() / most]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_are_spread_over_all() {
        let all: Vec<usize> = (10..20).collect();
        assert_eq!(evenly(&all, 4), [10, 12, 15, 17]);
        assert_eq!(evenly(&all, 0), all);
        assert_eq!(evenly(&all, 10), all);
        assert_eq!(evenly(&all, 11), all);
        assert_eq!(evenly(&[], 3), [0_usize; 0]);
    }
}

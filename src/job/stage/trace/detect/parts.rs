//! What is done of the detectors' work, part by part: a stage that was stopped begins anew the part
//! that it was at, and no other.

use serde::{Deserialize, Serialize};

use super::Ended;
use crate::error::{Error, Result};
use crate::job::context::Context;
use crate::job::ledger::Ledger;
use crate::neuron::trace::detector::Scores;

/// A part that is done.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Part {
    /// Both representation ratios.
    Ratios(Ratios),
    /// Real images.
    Real(Real),
    /// One attack.
    Fooled(Fooled),
}

impl Part {
    pub(super) fn ratios(&self) -> Option<&Ratios> {
        if let Self::Ratios(ratios) = self { Some(ratios) } else { None }
    }

    pub(super) fn real(&self) -> Option<&Real> {
        if let Self::Real(real) = self { Some(real) } else { None }
    }

    pub(super) fn fooled(&self) -> Option<&Fooled> {
        if let Self::Fooled(fooled) = self { Some(fooled) } else { None }
    }
}

/// Both ratios of the images that have them.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Ratios {
    pub(super) mean: Vec<f64>,
    pub(super) pair: Vec<f64>,
}

/// What the detectors say of real images.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Real {
    pub(super) calibration: Vec<Scores>,
    pub(super) tried: Vec<Scores>,
    /// Those of the tried that the network has right, by their places in the test split.
    pub(super) right: Vec<usize>,
}

/// What the detectors say of images that fool the network, and of how many were attacked.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Fooled {
    pub(super) attacked: u64,
    pub(super) scores: Vec<Scores>,
}

/// The parts that are done.
pub(super) struct Parts {
    ledger: Ledger<Part>,
    /// A hash of weights, images and settings: the parts of others are none of ours.
    key: String,
}

impl Parts {
    /// Takes up what an earlier try has left.
    pub(super) fn open(context: &Context, key: &str) -> Result<Self> {
        Ok(Self { ledger: Ledger::open(context.folder(), "trace-detect")?, key: key.to_owned() })
    }

    /// The part of this name: as it was done before, otherwise as `make` does it now, and as a
    /// resumed stage finds it. `of` and `from` are how a [`Part`] holds it.
    pub(super) fn take<T>(
        &mut self,
        name: &str,
        (of, from): (fn(T) -> Part, fn(&Part) -> Option<&T>),
        make: impl FnOnce() -> Result<Ended<T>>,
    ) -> Result<Ended<T>>
    where
        T: Clone,
    {
        let name = format!("{} {name}", self.key);
        if self.ledger.get(&name, 0).and_then(from).is_none() {
            let Ended::Done(made) = make()? else { return Ok(Ended::Stopped) };
            self.ledger.put(&name, 0, of(made))?;
        }
        let found = self.ledger.get(&name, 0).and_then(from).cloned();
        found
            .map(Ended::Done)
            .ok_or_else(|| Error::failed("a part of the stage is not what it was"))
    }

    /// All of it is in the results.
    pub(super) fn close(self) {
        self.ledger.close();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::neuron::trace::detector::MOST_SUSPECTED;

    #[test]
    fn a_part_that_is_done_is_not_done_again_and_another_keys_is() {
        let folder = tempfile::tempdir().unwrap();
        let open = |key: &str| {
            let ledger = Ledger::open(folder.path(), "trace-detect").unwrap();
            Parts { ledger, key: key.to_owned() }
        };
        let how =
            (Part::Fooled as fn(Fooled) -> Part, Part::fooled as fn(&Part) -> Option<&Fooled>);
        let fooled = |attacked| Fooled { attacked, scores: vec![[0.1, MOST_SUSPECTED, 1.0 / 3.0]] };
        let take = |key: &str, attacked: Option<u64>| {
            let make = || Ok(attacked.map_or(Ended::Stopped, |count| Ended::Done(fooled(count))));
            match open(key).take("attack cw", how, make).unwrap() {
                Ended::Done(found) => Some(found),
                Ended::Stopped => None,
            }
        };
        assert_eq!(take("a", None), None);
        let first = take("a", Some(7)).unwrap();
        assert_eq!((first.attacked, first.scores[0][1]), (7, MOST_SUSPECTED));
        assert_eq!(take("a", Some(8)), Some(first), "the very same numbers");
        assert_eq!(take("b", Some(8)).unwrap().attacked, 8);
    }
}

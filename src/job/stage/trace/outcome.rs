//! `results/trace.json` from what was traced, and its pictures.

use std::collections::{BTreeMap, BTreeSet};

use rayon::prelude::*;

use super::{Chosen, Kind, Set, Stage};
use crate::data::Dataset;
use crate::error::Result;
use crate::job::context::Context;
use crate::job::stage::attack::FOLDER;
use crate::job::stage::pixels::{self, PictureNames};
use crate::job::stage::ranking::put;
use crate::neuron::trace::usual::{Group, Usual as Found};
use crate::run::results::trace::{
    Agreement, Check, OfClass, OfError, Prediction, Shared, Trace, Usual,
};
use crate::run::write;
use crate::spec::{self, Followed, FollowedName};

/// Where the pictures of the test split go, in the run folder.
const PICTURES: &str = "trace/pictures";

/// Where adversarial images go that another run or program made.
const TWINS: &str = "trace/adversarial";

/// Where pictures go that a user pointed at, as the network saw them.
const GIVEN: &str = "trace/given";

/// Neurons that are told of each kind.
const MOST_USUAL: usize = 20;

/// Groups of predictions, while they are added up.
#[derive(Default)]
struct Groups {
    of_kinds: Vec<(Kind, Group)>,
    /// By class.
    of_classes: BTreeMap<u32, Group>,
    /// By label and answer.
    of_errors: BTreeMap<(u32, u32), [Group; 2]>,
    /// Of each check.
    checks: [Sums; 2],
    images: u64,
}

/// Sums of a check over all predictions; of its rank correlation over those that have one.
#[derive(Debug, Clone, Copy, Default)]
struct Sums {
    correlation: f64,
    correlated: u64,
    overlap: f64,
}

/// The pictures that the result names.
#[derive(Default)]
struct Shown {
    originals: BTreeSet<usize>,
    twins: BTreeSet<usize>,
    given: BTreeSet<usize>,
}

impl Stage {
    /// Writes the pictures, and makes the result; nothing of the detector yet.
    pub(super) fn result(
        &self,
        context: &Context,
        sets: &[Set],
        chosen: &[Chosen],
    ) -> Result<Trace> {
        let (mut groups, mut predictions) = (Groups::default(), Vec::new());
        let mut shown = Shown::default();
        let given = self.given.as_ref().map(|given| PictureNames::of(&**given));
        for of_kind in chosen {
            let mut group = Group::new(self.tap.shape[0]);
            self.each_traced(context, of_kind.kind, |traced, probability, logit| {
                let prediction = &traced.prediction;
                let behind: Vec<usize> =
                    prediction.neurons.iter().map(|neuron| neuron.index).collect();
                let add = |group: &mut Group| group.add(&behind, probability, logit);
                add(&mut group);
                self.file(&mut groups, of_kind.kind, prediction, add);
                for (sums, (correlation, overlap)) in groups.checks.iter_mut().zip(traced.checks) {
                    sums.correlation += correlation.unwrap_or_default();
                    sums.correlated += u64::from(correlation.is_some());
                    sums.overlap += overlap;
                }
                groups.images += 1;
                if of_kind.kept.contains(&traced.image) {
                    let named = (of_kind, given.as_ref());
                    predictions.push(self.named(named, traced.image, prediction, &mut shown));
                }
            })?;
            groups.of_kinds.push((of_kind.kind, group));
        }
        self.write_pictures(context, &shown, given.as_ref())?;
        let split = sets.iter().find(|set| set.is_split());
        let answers = split.map(|set| self.answers(set)).unwrap_or_default();
        let is_right =
            |(image, answer): &&(usize, u32)| self.ranking.dataset.label(*image) == *answer;
        let damaged = sets.iter().map(|set| set.dataset.len() - self.answers(set).len());
        Ok(Trace {
            classes: self.class_names(),
            layer: self.tap.name.clone(),
            neurons: self.tap.shape[0],
            top: self.section.top,
            class: match self.section.class {
                Followed::Named(name) => spec::word(name),
                Followed::Class(class) => class.to_string(),
            },
            measure: spec::word(self.section.measure),
            images: self.section.images.clone(),
            image_size: self.ranking.dataset.shape()[1],
            tested: answers.len() as u64,
            right: answers.iter().filter(is_right).count() as u64,
            damaged: damaged.sum::<usize>() as u64,
            predictions,
            kinds: self.kinds(&groups),
            of_errors: self.of_errors(&groups),
            of_classes: self.of_classes(&groups),
            agreement: agreement(&groups),
            representation: None,
            detector: None,
        })
    }

    /// Adds a prediction to the groups of its class, or of its error, where it was followed back from
    /// its answer.
    fn file(
        &self,
        groups: &mut Groups,
        kind: Kind,
        prediction: &Prediction,
        add: impl Fn(&mut Group),
    ) {
        let answer = prediction.answers.first().map(|answer| answer.class);
        let (Some(label), Some(answer)) = (prediction.label, answer) else { return };
        // The neurons that brought another class say nothing of why it is this one.
        if prediction.followed != answer {
            return;
        }
        let empty = || Group::new(self.tap.shape[0]);
        match kind {
            Kind::Right => add(groups.of_classes.entry(label).or_insert_with(empty)),
            Kind::Wrong | Kind::Adversarial => {
                let of_error = groups.of_errors.entry((label, answer));
                let of_error = of_error.or_insert_with(|| [empty(), empty()]);
                add(&mut of_error[usize::from(kind == Kind::Adversarial)]);
            }
            Kind::Given => {}
        }
    }

    /// Names of the network's classes; those that the data has no name for are called by their number.
    fn class_names(&self) -> Vec<String> {
        let known = self.ranking.dataset.classes();
        let name = |class: usize| {
            known.get(class).map_or_else(|| class.to_string(), |class| class.name.clone())
        };
        (0..self.ranking.model.classes().max(known.len())).map(name).collect()
    }

    fn kinds(&self, groups: &Groups) -> Vec<Shared> {
        let (top, neurons) = (self.section.top, self.tap.shape[0]);
        let shared = |(kind, group): &(Kind, Group)| Shared {
            kind: kind.word().to_owned(),
            images: group.predictions(),
            overlap: group.overlap(top),
            chance: top as f64 / neurons.max(1) as f64,
            neurons: told(group.usual(MOST_USUAL)),
        };
        groups.of_kinds.iter().map(shared).collect()
    }

    fn of_classes(&self, groups: &Groups) -> Vec<OfClass> {
        let of_class = |(class, group): (&u32, &Group)| OfClass {
            class: *class,
            images: group.predictions(),
            neurons: told(group.usual(self.section.top)),
        };
        groups.of_classes.iter().map(of_class).collect()
    }

    fn of_errors(&self, groups: &Groups) -> Vec<OfError> {
        let top = self.section.top;
        let mut errors = Vec::new();
        for ((label, predicted), of_error) in &groups.of_errors {
            for (kind, group) in [Kind::Wrong, Kind::Adversarial].into_iter().zip(of_error) {
                if group.predictions() == 0 {
                    continue;
                }
                let usual = group.usual(top);
                let among = |class: &u32| {
                    let of_class = groups.of_classes.get(class)?.usual(top);
                    let is_there =
                        |one: &&Found| of_class.iter().any(|other| other.index == one.index);
                    Some(usual.iter().filter(is_there).count())
                };
                let (of_label, of_predicted) = (among(label), among(predicted));
                errors.push(OfError {
                    kind: kind.word().to_owned(),
                    label: *label,
                    predicted: *predicted,
                    images: group.predictions(),
                    neurons: told(usual),
                    of_label,
                    of_predicted,
                });
            }
        }
        // Stable: equally frequent ones stay in the order of their classes.
        errors.sort_by_key(|error| std::cmp::Reverse(error.images));
        errors
    }

    /// A prediction with its names and files.
    fn named(
        &self,
        (chosen, given): (&Chosen, Option<&PictureNames>),
        image: usize,
        prediction: &Prediction,
        shown: &mut Shown,
    ) -> Prediction {
        let mut named = Prediction { kind: chosen.kind.word().to_owned(), ..prediction.clone() };
        let original = |image| format!("{PICTURES}/{}", self.ranking.names.of_image(image));
        match chosen.kind {
            Kind::Right | Kind::Wrong => {
                named.image = self.ranking.dataset.name(image);
                named.picture = original(image);
                shown.originals.insert(image);
            }
            Kind::Adversarial => {
                let twin = &self.ranking.twins[image];
                named.image.clone_from(&twin.name);
                named.picture = format!("{}/{}", self.twins_folder(), twin.name);
                named.original = Some(original(twin.original));
                named.target = twin.target;
                shown.twins.insert(image);
                shown.originals.insert(twin.original);
            }
            Kind::Given => {
                named.image = chosen.set.dataset.name(image);
                named.picture = format!("{GIVEN}/{}", given.map_or("", |of| of.of_image(image)));
                shown.given.insert(image);
            }
        }
        named
    }

    /// Where adversarial images lie in the run folder: the run's own set does already.
    fn twins_folder(&self) -> &'static str {
        if self.section.adversarial == "stage" { FOLDER } else { TWINS }
    }

    /// Writes what the result names, so that the run folder stands alone.
    fn write_pictures(
        &self,
        context: &Context,
        shown: &Shown,
        given: Option<&PictureNames>,
    ) -> Result<()> {
        let run = context.folder();
        self.ranking.write_pictures(&run.join(PICTURES), shown.originals.iter().copied())?;
        if self.twins_folder() == TWINS {
            shown.twins.par_iter().try_for_each(|&number| {
                let twin = &self.ranking.twins[number];
                let bytes = std::fs::read(&twin.path)
                    .map_err(|error| write::failed("read", &twin.path, &error))?;
                put(&run.join(TWINS).join(&twin.name), &bytes)
            })?;
        }
        let Some((pictures, names)) = self.given.as_ref().zip(given) else { return Ok(()) };
        shown.given.par_iter().try_for_each(|&image| {
            let example = pictures.example(image)?;
            let bytes = pixels::encode(&example.pixels, pictures.shape())?;
            put(&run.join(GIVEN).join(names.of_image(image)), &bytes)
        })
    }
}

fn told(usual: Vec<Found>) -> Vec<Usual> {
    let one = |Found { index, share, mean: [probability, logit] }| Usual {
        index,
        share,
        probability,
        logit,
    };
    usual.into_iter().map(one).collect()
}

fn agreement(groups: &Groups) -> Agreement {
    let check = |sums: Sums| Check {
        correlation: sums.correlation / sums.correlated.max(1) as f64,
        overlap: sums.overlap / groups.images.max(1) as f64,
    };
    let [gradient, mean] = groups.checks;
    Agreement { images: groups.images, gradient: check(gradient), mean: check(mean) }
}

/// What it found, in words.
pub(super) fn lines(result: &Trace) -> Vec<String> {
    let traced: Vec<String> =
        result.kinds.iter().map(|kind| format!("{} {}", kind.images, kind.kind)).collect();
    let mut lines = vec![format!(
        "traced {} predictions back to the {} neurons of {}",
        traced.join(", "),
        result.neurons,
        result.layer
    )];
    let agreement = &result.agreement;
    if agreement.images > 0 {
        let check = |name: &str, check: Check| {
            format!(
                "{name}: rank correlation {:.3} with the prediction difference of the logit, {:.0} % \
                 of the {} neurons with the largest in common",
                check.correlation,
                100.0 * check.overlap,
                result.top
            )
        };
        lines.push(check("gradient × activation", agreement.gradient));
        lines.push(check("setting a neuron to its mean", agreement.mean));
    }
    if result.class != spec::word(FollowedName::Predicted) {
        lines.push(format!(
            "trace.class = {}: the neurons of a class and of an error are told of those predictions \
             only whose answer is the class that was followed",
            result.class
        ));
    }
    for kind in &result.kinds {
        let Some(overlap) = kind.overlap else { continue };
        lines.push(format!(
            "{}: two predictions have {:.0} % of their influential neurons in common, {:.0} % by chance",
            kind.kind,
            100.0 * overlap,
            100.0 * kind.chance
        ));
    }
    lines
}

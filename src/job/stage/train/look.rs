//! Looks at chosen neurons while the network is trained: what excites them now, of a fixed set of
//! test images and of their adversarial twins. `neurons/history/` keeps every look.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use candle_core::Tensor;
use rayon::prelude::*;

use super::probe::PROBE;
use super::{BATCH, Training};
use crate::attack::Victims;
use crate::attack::measure::predictions;
use crate::data::epoch_order;
use crate::error::{Error, Result};
use crate::job::build;
use crate::job::context::{Context, Flow};
use crate::job::stage::consistency::{Means, Measure};
use crate::job::stage::neurons::PICTURES;
use crate::job::stage::pixels::{self, PictureNames};
use crate::job::stage::ranking::{put, top_image};
use crate::job::stage::rounded::attacked;
use crate::job::stage::{chosen, runs_of};
use crate::model::{LayerTap, Mode, Model};
use crate::neuron::activation::Maxima;
use crate::neuron::top::TopImages;
use crate::run::history;
use crate::run::results::neurons::{Layer, Neuron, Neurons, TopImage};
use crate::spec::{AttackMethod, ConsistencySpec, Interval, TrainNeuronsSpec};

/// When to look, and at what.
pub(super) struct Looks {
    spec: TrainNeuronsSpec,
    taps: Vec<LayerTap>,
    names: PictureNames,
    every: Interval,
    /// Where every class is a noun.
    measure: Option<Measure>,
    /// The step of the last look of this process.
    last: Option<u64>,
}

impl Looks {
    /// As the spec has it. Errors name the key that does not fit the network.
    pub(super) fn new(
        spec: &TrainNeuronsSpec,
        model: &Model,
        test: &dyn crate::data::Dataset,
        consistency: Option<&ConsistencySpec>,
    ) -> Result<Self> {
        let every = spec
            .every
            .parse()
            .map_err(|reason| Error::bad_input(format!("train.neurons.every: {reason}")))?;
        let taps = build::chosen_taps(model, spec)?;
        let consistency = consistency.cloned().unwrap_or_default();
        Ok(Self {
            spec: spec.clone(),
            taps,
            names: PictureNames::of(test),
            every,
            // Whoever asks for [consistency] was told of a class without one before.
            measure: Measure::new(&consistency, test.classes()).ok(),
            last: None,
        })
    }

    /// Level and consistency, over the neurons of a look and by the pictures that it ranks
    /// (SCIENCE §4.2); of those only such as excite a neuron more than the image of
    /// their side that does so least.
    fn means(&self, neurons: &Neurons, sides: [&Side; 2]) -> Option<Means> {
        let labels = |pictures: &[TopImage], least: f32| -> Vec<u32> {
            let above = pictures.iter().filter(|picture| picture.activation > f64::from(least));
            above.map(|picture| picture.label_index).collect()
        };
        let of_neuron = |layer: usize, neuron: &Neuron| {
            let [real, adversarial] = sides.map(|side| side.least[layer][neuron.index]);
            [labels(&neuron.real, real), labels(&neuron.adversarial, adversarial)]
        };
        let of: Vec<[Vec<u32>; 2]> = (neurons.layers.iter().enumerate())
            .flat_map(|(at, layer)| layer.neurons.iter().map(move |neuron| of_neuron(at, neuron)))
            .collect();
        let slices = of.iter().map(|[real, adversarial]| [&real[..], &adversarial[..]]);
        self.measure.as_ref()?.means(neurons.adversarial_images > 0, slices)
    }

    /// Whether a look is due at a step; `epochs` = how many have just ended, if one has.
    fn are_due(&self, step: u64, epochs: Option<u64>) -> bool {
        if self.last == Some(step) {
            return false;
        }
        match self.every {
            Interval::Epochs(every) => epochs.is_some_and(|epochs| epochs.is_multiple_of(every)),
            // What the training began with is a look too.
            Interval::Steps(every) => step.is_multiple_of(every),
            Interval::Seconds(_) => false,
        }
    }
}

/// One side of a look.
struct Side {
    tops: Vec<TopImages>,
    /// Each neuron's smallest answer to an image, by layer.
    least: Vec<Vec<f32>>,
    /// Pixels of the adversarial images that some neuron likes.
    kept: HashMap<usize, Vec<u8>>,
}

impl Side {
    fn new(taps: &[LayerTap], top: usize) -> Self {
        let tops = taps.iter().map(|tap| TopImages::new(tap.shape[0], top)).collect();
        let least = taps.iter().map(|tap| vec![f32::INFINITY; tap.shape[0]]).collect();
        Self { tops, least, kept: HashMap::new() }
    }

    fn add(
        &mut self,
        model: &Model,
        taps: &[&str],
        images: &Tensor,
        indices: &[usize],
    ) -> Result<()> {
        let output = model.forward(images, Mode::Evaluate, taps)?;
        let predictions = predictions(&output.logits)?;
        let layers = self.tops.iter_mut().zip(&mut self.least);
        for ((top, least), maps) in layers.zip(&output.taps) {
            let (_, channels, height, width) = maps.dims4()?;
            let values: Vec<f32> = maps.flatten_all()?.to_vec1()?;
            let maxima = Maxima::of(&values, channels, width, height * width);
            top.offer_batch(indices, &predictions, &maxima);
            for image in 0..indices.len() {
                let answers = least.iter_mut().zip(maxima.image(image).0);
                answers.for_each(|(least, answer)| *least = least.min(*answer));
            }
        }
        Ok(())
    }

    /// The images that one of the chosen neurons likes.
    fn liked(&self, chosen: &[usize]) -> BTreeSet<usize> {
        let neurons = self.tops.iter().map(TopImages::neurons);
        let of_chosen = neurons.flat_map(|all| chosen.iter().filter_map(move |at| all.get(*at)));
        of_chosen.flatten().map(|ranked| ranked.image).collect()
    }
}

impl Training {
    /// Looks at the neurons if that is due. `epochs` = how many have just ended, if one has.
    pub(super) fn look_if_due(
        &mut self,
        context: &mut Context,
        epochs: Option<u64>,
    ) -> Result<Flow> {
        let step = self.numbers.step;
        let Some(looks) = &self.looks else { return Ok(Flow::Continue) };
        if !looks.are_due(step, epochs) {
            return Ok(Flow::Continue);
        }
        let Some((neurons, means)) = self.look(context)? else { return Ok(Flow::Stop) };
        let json = serde_json::to_vec(&neurons)
            .map_err(|error| Error::failed(format!("failed to write JSON: {error}")))?;
        context.write(&history::file(step), &json)?;
        context.pictures(step, &neurons)?;
        if let Some(means) = means {
            let mut metrics = vec![("lc", means.lc)];
            metrics.extend(means.lc_adversarial.map(|lc| ("lc_adversarial", lc)));
            metrics.extend(means.cs1.map(|cs1| ("cs1", cs1)));
            context.metrics(step, &metrics)?;
        }
        if let Some(looks) = &mut self.looks {
            looks.last = Some(step);
        }
        Ok(Flow::Continue)
    }

    /// `None` = asked to stop meanwhile.
    fn look(&mut self, context: &mut Context) -> Result<Option<(Neurons, Option<Means>)>> {
        let Some(looks) = &self.looks else { return Ok(None) };
        let (spec, taps) = (looks.spec.clone(), looks.taps.clone());
        let names: Vec<&str> = taps.iter().map(|tap| tap.name.as_str()).collect();
        let how = self.spec.probe.how.clone();
        let runs = runs_of(context.folder()).to_owned();
        let attack = match how.method {
            AttackMethod::None => None,
            _ => Some(build::attack(context.spec(), &how, &runs)?),
        };
        // The probe set's draw: a test split may be sorted by class.
        let mut some = epoch_order(self.test.len(), context.spec().seed, PROBE, true);
        some.truncate(spec.images);
        some.sort_unstable();
        let (mut real, mut adversarial) = (Side::new(&taps, spec.top), Side::new(&taps, spec.top));
        let mut images = 0;
        let test = Arc::clone(&self.test);
        for batch in chosen(context, &test, some, BATCH, &self.test_damage)? {
            let batch = batch?.to_device(self.trainer.model.device())?;
            images += batch.indices.len() as u64;
            let model = &self.trainer.model;
            real.add(model, &names, &batch.images, &batch.indices)?;
            if let Some(attack) = &attack {
                let victims = Victims {
                    images: &batch.images,
                    labels: &batch.labels,
                    indices: &batch.indices,
                    targets: None,
                };
                let bounded = (&**attack, how.pixel_bound());
                let made = attacked(bounded, model, &victims, test.shape())?;
                adversarial.add(model, &names, &made.images, &batch.indices)?;
                adversarial.kept.extend(batch.indices.iter().copied().zip(made.bytes));
                let liked = adversarial.liked(&spec.neurons);
                adversarial.kept.retain(|image, _| liked.contains(image));
            }
            match context.progress(self.numbers.step, self.steps)? {
                Flow::Stop => return Ok(None),
                Flow::Checkpoint => self.save(context)?,
                Flow::Continue => {}
            }
        }
        self.write_looked_at(context, &real, &adversarial)?;
        let neurons = self.looked(&real, &adversarial, images, attack.is_some());
        let looks = self.looks.as_ref();
        let means = looks.and_then(|looks| looks.means(&neurons, [&real, &adversarial]));
        Ok(Some((neurons, means)))
    }

    /// The pictures of a look: the real ones once, the adversarial ones beside the look.
    fn write_looked_at(&self, context: &Context, real: &Side, adversarial: &Side) -> Result<()> {
        let Some(looks) = &self.looks else { return Ok(()) };
        let shape = self.test.shape();
        let folder = context.folder().join(PICTURES);
        let liked: Vec<usize> = real.liked(&looks.spec.neurons).into_iter().collect();
        liked.par_iter().try_for_each(|&image| {
            let path = folder.join(looks.names.of_image(image));
            if path.exists() {
                return Ok(());
            }
            put(&path, &pixels::encode(&self.test.example(image)?.pixels, shape)?)
        })?;
        let folder = context.folder().join(history::pictures(self.numbers.step));
        adversarial.kept.par_iter().try_for_each(|(&image, pixels)| {
            put(&folder.join(looks.names.of_image(image)), &pixels::encode(pixels, shape)?)
        })
    }

    fn looked(&self, real: &Side, adversarial: &Side, images: u64, attacked: bool) -> Neurons {
        let mut neurons = Neurons {
            split: "test".into(),
            real_images: images,
            adversarial_images: if attacked { images } else { 0 },
            image_size: self.test.shape()[1],
            ..Neurons::default()
        };
        let Some(looks) = &self.looks else { return neurons };
        let own = history::pictures(self.numbers.step);
        let tell = |side: &Side, layer: usize, neuron: usize, folder: &str| {
            let ranked = side.tops[layer].neurons()[neuron].iter();
            let told = ranked.map(|top| {
                let picture = format!("{folder}/{}", looks.names.of_image(top.image));
                top_image(&*self.test, top, top.image, picture)
            });
            told.collect::<Vec<_>>()
        };
        for (layer, tap) in looks.taps.iter().enumerate() {
            let chosen = looks.spec.neurons.iter().filter(|neuron| **neuron < tap.shape[0]);
            neurons.layers.push(Layer {
                layer: tap.name.clone(),
                receptive_field: None,
                neurons: chosen
                    .map(|&index| Neuron {
                        index,
                        real: tell(real, layer, index, PICTURES),
                        adversarial: tell(adversarial, layer, index, &own),
                        threshold: None,
                        regions: None,
                        discrepancy: None,
                    })
                    .collect(),
            });
        }
        neurons.classes = self.test.classes().iter().map(|class| class.name.clone()).collect();
        neurons
    }
}

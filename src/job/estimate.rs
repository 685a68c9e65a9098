//! What a spec will cost, told before anything starts: steps, images, bytes. No time: that is
//! measured once the run goes, not guessed.

use crate::data::Dataset;
use crate::data::labelled::Labelled;
use crate::job::build;
use crate::model::Model;
use crate::neuron::top_set::share_of;
use crate::spec::{OptimizerName, Spec, Split, TraceSpec};

/// The cost of a spec on its data and network.
#[derive(Debug, Clone, PartialEq)]
pub struct Estimate {
    /// Images of the training split.
    pub train_images: usize,
    /// Images of the test split.
    pub test_images: usize,
    /// Names of the data's classes.
    pub classes: Vec<String>,
    /// `[channels, height, width]` of every image.
    pub shape: [usize; 3],
    /// Numbers that training moves.
    pub weights: usize,
    /// What a user should know about the data and the weights, a line each.
    pub notes: Vec<String>,
    /// Places that can be read, from input to output.
    pub taps: Vec<Tap>,
    /// Of `[train]`.
    pub train: Option<TrainEstimate>,
    /// Forward passes over one image in `[evaluate]`, by attack, with those that need a gradient.
    pub evaluate: Option<Passes>,
    /// Of `[attack]`.
    pub attack: Option<AttackEstimate>,
    /// Of `[neurons]`.
    pub neurons: Option<NeuronsEstimate>,
    /// Of `[dissect]`.
    pub dissect: Option<DissectEstimate>,
    /// Of `[consistency]`.
    pub consistency: Option<ConsistencyEstimate>,
    /// Of `[trace]`.
    pub trace: Option<TraceEstimate>,
}

/// A layer tap, as plain data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tap {
    /// The name in the parameter tree.
    pub name: String,
    /// The papers' name.
    pub alias: Option<String>,
    /// `[channels, height, width]`.
    pub shape: [usize; 3],
}

/// How often images go through the network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Passes {
    /// Forward only.
    pub forward: usize,
    /// Forward and back to the image.
    pub gradient: usize,
}

/// The cost of `[train]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TrainEstimate {
    /// Optimizer steps an epoch.
    pub steps_an_epoch: usize,
    /// Optimizer steps in all.
    pub steps: usize,
    /// Training images seen in all.
    pub images: usize,
    /// What it takes to attack as many: adversarial training sees each a second time, attacked.
    pub attack: Option<Passes>,
    /// One checkpoint: weights and the optimizer's tensors.
    pub checkpoint_bytes: u64,
}

/// The cost of `[attack]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AttackEstimate {
    /// Adversarial images written.
    pub images: usize,
    /// Their PNGs, at most: noise hardly compresses.
    pub most_bytes: u64,
}

/// The cost of `[neurons]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NeuronsEstimate {
    /// Layers looked at.
    pub layers: usize,
    /// Channels of those layers.
    pub neurons: usize,
    /// Sides: real, and adversarial if there are such images.
    pub sides: usize,
    /// Pictures named in the result.
    pub pictures: usize,
}

/// The cost of `[dissect]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DissectEstimate {
    /// Labelled images.
    pub images: usize,
    /// Concepts that they are labelled with.
    pub concepts: usize,
    /// Layers looked at.
    pub layers: usize,
    /// Channels of those layers.
    pub neurons: usize,
    /// What it takes to attack the images.
    pub attack: Option<Passes>,
    /// PNGs of the attacked ones, at most; 0 = none.
    pub most_bytes: u64,
}

/// The cost of `[consistency]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConsistencyEstimate {
    /// Layers looked at.
    pub layers: usize,
    /// Channels of those layers.
    pub neurons: usize,
    /// Sides: real, and adversarial if there are such images.
    pub sides: usize,
    /// Images that are ranked, of the real ones.
    pub images: usize,
}

/// The cost of `[trace]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TraceEstimate {
    /// Channels of the layer.
    pub neurons: usize,
    /// Images that the network answers: of the test split, or the pictures pointed at.
    pub images: usize,
    /// Sides: real, and adversarial if there are such images.
    pub sides: usize,
    /// Images of the training split that are looked at.
    pub reference: usize,
    /// Predictions traced, at most.
    pub predictions: usize,
    /// Passes through what follows the layer, two for each neuron of each of them, at most.
    pub passes: usize,
}

/// Fewer images a neuron than this say little of what it answers to.
const FEW: usize = 10;

/// A line if `[consistency]` counts that few `images` of a side, `real` or `adversarial`, that has
/// some.
pub fn few_counted(side: &str, share: f64, images: usize) -> Option<String> {
    let top = share_of(share, images);
    (1..FEW).contains(&top).then(|| {
        let of = if top == 1 { "image counts" } else { "images count" };
        format!(
            "consistency.share = {share} of {images} {side} images: only {top} {of} a neuron, so \
             its LC and CS are nearly chance; raise consistency.share"
        )
    })
}

/// How many layers `asked` names (none = all), and how many channels they have.
fn layers_of(model: &Model, asked: &[String]) -> [usize; 2] {
    let is_asked = |tap: &&crate::model::LayerTap| {
        let named = |name: &String| *name == tap.name || Some(name) == tap.alias.as_ref();
        asked.is_empty() || asked.iter().any(named)
    };
    let layers: Vec<_> = model.taps().iter().filter(is_asked).collect();
    [layers.len(), layers.iter().map(|tap| tap.shape[0]).sum()]
}

/// Bytes of so many PNGs of a shape, at most.
fn pngs(images: usize, [channels, height, width]: [usize; 3]) -> u64 {
    // A PNG row has one byte of its own, a file about 70 of frame.
    images as u64 * ((channels * width + 1) * height + 70) as u64
}

/// 1 or 2.
fn sides_of(adversarial: &str) -> usize {
    if adversarial == "none" { 1 } else { 2 }
}

/// The estimate for a resolved spec on its two splits, its labelled data and its network.
pub fn estimate(
    spec: &Spec,
    [train, test]: [&dyn Dataset; 2],
    labelled: Option<&dyn Labelled>,
    model: &Model,
) -> Estimate {
    let weights = model.parameters().count();
    Estimate {
        train_images: train.len(),
        test_images: test.len(),
        classes: test.classes().iter().map(|class| class.name.clone()).collect(),
        shape: test.shape(),
        weights,
        notes: Vec::new(),
        taps: model
            .taps()
            .iter()
            .map(|tap| Tap { name: tap.name.clone(), alias: tap.alias.clone(), shape: tap.shape })
            .collect(),
        train: spec.train.as_ref().map(|section| {
            let steps_an_epoch = train.len().div_ceil(section.batch_size.max(1));
            // PyTorch's optimizers, which ours follow: SGD keeps one moment, Adam two.
            let tensors = match section.optimizer.name {
                OptimizerName::Sgd if section.optimizer.momentum == 0.0 => 1,
                OptimizerName::Sgd => 2,
                OptimizerName::Adam | OptimizerName::Adamw => 3,
            };
            let images = train.len().saturating_mul(section.epochs);
            TrainEstimate {
                steps_an_epoch,
                steps: steps_an_epoch.saturating_mul(section.epochs),
                images,
                attack: section.adversarial.as_ref().map(|adversarial| {
                    let [forward, gradient] =
                        adversarial.passes().map(|passes| images.saturating_mul(passes));
                    Passes { forward, gradient }
                }),
                checkpoint_bytes: weights as u64 * 4 * tensors,
            }
        }),
        evaluate: spec.evaluate.as_ref().map(|section| {
            // Each attack's own, and one forward through every network that its images are tried on.
            let [forward, gradient] =
                section.passes().into_iter().fold([0_usize, 0_usize], |sum, (how, targets)| {
                    let [forward, gradient] = how.passes();
                    [
                        sum[0].saturating_add(forward).saturating_add(targets),
                        sum[1].saturating_add(gradient),
                    ]
                });
            Passes {
                forward: forward.saturating_mul(test.len()),
                gradient: gradient.saturating_mul(test.len()),
            }
        }),
        attack: spec.attack.as_ref().map(|section| {
            let images = test.len().saturating_mul(section.targets_per_image);
            AttackEstimate { images, most_bytes: pngs(images, test.shape()) }
        }),
        neurons: spec.neurons.as_ref().map(|section| {
            let [layers, neurons] = layers_of(model, &section.layers);
            let sides = sides_of(&section.adversarial);
            let top = section.top.min(test.len());
            NeuronsEstimate { layers, neurons, sides, pictures: neurons * sides * top }
        }),
        dissect: spec.dissect.as_ref().zip(labelled).map(|(section, data)| {
            let [layers, neurons] = layers_of(model, &section.layers);
            let images = data.len();
            let named = data.concepts().iter().filter(|concept| !concept.name.is_empty());
            DissectEstimate {
                images,
                concepts: named.count(),
                layers,
                neurons,
                attack: section.attack.as_ref().map(|attack| {
                    let [forward, gradient] =
                        attack.how.passes().map(|passes| images.saturating_mul(passes));
                    Passes { forward, gradient }
                }),
                most_bytes: section.attack.as_ref().map_or(0, |_| pngs(images, data.shape())),
            }
        }),
        consistency: spec.consistency.as_ref().map(|section| {
            let [layers, neurons] = layers_of(model, &section.layers);
            let sides = sides_of(&section.adversarial);
            let split = if section.split == Split::Test { test } else { train };
            ConsistencyEstimate { layers, neurons, sides, images: split.len() }
        }),
        trace: spec.trace.as_ref().map(|section| trace(spec, section, [train, test], model)),
    }
}

/// That of `[trace]`; whoever asks has looked whether the pictures are there.
fn trace(
    spec: &Spec,
    section: &TraceSpec,
    [train, test]: [&dyn Dataset; 2],
    model: &Model,
) -> TraceEstimate {
    let tap = build::tap_to_trace(section, model).ok();
    let neurons = tap.map_or(0, |tap| tap.shape[0]);
    let given = build::given_pictures(section, test.shape()).ok().flatten();
    let most = |images: usize| if section.limit == 0 { images } else { section.limit.min(images) };
    let real = match (&given, section.images.as_str()) {
        (Some(given), _) => given.len(),
        // Right ones and wrong ones.
        (None, "all") => test.len().min(2 * most(test.len())),
        (None, _) => most(test.len()),
    };
    let adversarial = match section.adversarial.as_str() {
        "none" => 0,
        "stage" => {
            let each = spec.attack.as_ref().map_or(1, |attack| attack.targets_per_image);
            most(test.len().saturating_mul(each))
        }
        _ => most(test.len()),
    };
    let predictions = real + adversarial;
    TraceEstimate {
        neurons,
        images: given.map_or(test.len(), |given| given.len()),
        sides: sides_of(&section.adversarial),
        reference: if section.reference == 0 {
            train.len()
        } else {
            section.reference.min(train.len())
        },
        predictions,
        passes: predictions.saturating_mul(2 * neurons),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Class, Example};
    use crate::error::{Error, Result};
    use crate::model::{self, ModelConfig};
    use crate::spec::{Document, OptimizerSpec};

    struct Blank(usize, Vec<Class>);

    impl Dataset for Blank {
        fn len(&self) -> usize {
            self.0
        }
        fn example(&self, _: usize) -> Result<Example> {
            Err(Error::failed("an estimate decodes nothing"))
        }
        fn label(&self, _: usize) -> u32 {
            0
        }
        fn name(&self, index: usize) -> String {
            format!("{index}.png")
        }
        fn classes(&self) -> &[Class] {
            &self.1
        }
        fn shape(&self) -> [usize; 3] {
            [3, 32, 32]
        }
    }

    #[test]
    fn costs_follow_from_spec_data_and_network() {
        let text = "[train]\nepochs = 3\nbatch_size = 64\n[attack]\n[neurons]\nlayers = [\"conv2\"]\n\
                    [evaluate]\nattacks = [{ method = \"none\" }, { method = \"fgsm\", epsilon = 1 }]";
        let mut spec = Document::parse("a.toml", text).unwrap().spec().unwrap();
        let classes = vec![Class { name: "a".into(), wnid: None }; 5];
        let config = ModelConfig::plain(5, 3, 32);
        let device = candle_core::Device::Cpu;
        let network = model::build(model::Arch::Shapesnet, config, &device).unwrap();
        let (train, test) = (Blank(130, classes.clone()), Blank(7, classes));
        let costs = estimate(&spec, [&train, &test], None, &network);
        let trained = costs.train.unwrap();
        assert_eq!((trained.steps_an_epoch, trained.steps, trained.images), (3, 9, 390));
        assert_eq!(trained.checkpoint_bytes, costs.weights as u64 * 8);
        assert_eq!(trained.attack, None);
        for (section, passes) in [
            ("{ method = \"pgd\", steps = 5, epsilon = 8 }", [0, 5]),
            ("{ method = \"fgsm\", target = \"none\" }", [0, 1]),
            ("{ method = \"fgsm\" }", [1, 1]),
            ("{ method = \"least-likely\", target = \"least-likely\" }", [1, 1]),
        ] {
            let mut document = Document::parse("a.toml", text).unwrap();
            document.set(&format!("train.adversarial={section}")).unwrap();
            let trained =
                estimate(&document.spec().unwrap(), [&train, &test], None, &network).train;
            let [forward, gradient] = passes.map(|passes| 390 * passes);
            assert_eq!(trained.unwrap().attack, Some(Passes { forward, gradient }), "{section}");
        }
        assert_eq!(costs.evaluate, Some(Passes { forward: 14, gradient: 7 }));
        assert_eq!(costs.attack.unwrap().images, 7);
        let curve = "evaluate.curve={ method = \"pgd\", epsilons = [0, 4] }";
        let transfer = "evaluate.transfer={ method = \"fgsm\" }";
        let mut document = Document::parse("a.toml", text).unwrap();
        for set in [curve, transfer, "attack.target=random", "attack.targets_per_image=3"] {
            document.set(set).unwrap();
        }
        let more = estimate(&document.spec().unwrap(), [&train, &test], None, &network);
        // The curve's PGD makes 20 steps.
        let expected = Passes { forward: 14 + 14 + 14, gradient: 7 + 7 * 20 + 7 };
        assert_eq!(more.evaluate, Some(expected));
        assert_eq!(more.attack.unwrap().images, 21);
        let conv2 = costs.taps.iter().find(|tap| tap.name == "conv2").unwrap().shape[0];
        let neurons = costs.neurons.unwrap();
        assert_eq!((neurons.layers, neurons.neurons, neurons.sides), (1, conv2, 2));
        assert_eq!(neurons.pictures, conv2 * 2 * 7, "never more pictures than images");

        document.set("trace.limit=3").unwrap();
        let traced = estimate(&document.spec().unwrap(), [&train, &test], None, &network).trace;
        let last = costs.taps.last().unwrap().shape[0];
        // Right and wrong ones of seven images, and three adversarial ones.
        let expected = TraceEstimate {
            neurons: last,
            images: 7,
            sides: 2,
            reference: 130,
            predictions: 6 + 3,
            passes: 9 * 2 * last,
        };
        assert_eq!((costs.trace, traced), (None, Some(expected)));

        let train_spec = spec.train.as_mut().unwrap();
        train_spec.optimizer =
            OptimizerSpec { name: OptimizerName::Adam, ..OptimizerSpec::default() };
        let adam = estimate(&spec, [&train, &test], None, &network).train.unwrap();
        assert_eq!(adam.checkpoint_bytes, costs.weights as u64 * 12);
    }
}

//! From a spec as it was written to one that is complete, with everything opened once that it names:
//! what does not fit is said before a run folder is made.

use std::path::Path;
use std::sync::Arc;

use candle_core::Device;

use super::taps::{check_channels, check_looks};
use super::{
    adversarial, adversarial_set, against, arch, chosen_taps, header, known_class, labelled,
    named_network, network_on, normalisation, nouns, open_data, single, taps, whole_word,
};
use crate::data::labelled::Labelled;
use crate::data::{Class, Opened};
use crate::device::{DeviceName, usual_precision};
use crate::error::{Error, Result};
use crate::job::estimate::{self, Estimate};
use crate::model::Model;
use crate::ops::Precision;
use crate::run::folder::RunFolder;
use crate::spec::{self, DissectAttackSpec, Spec, Split};

/// Fills every key whose default the data or the weights decide, so that what is written into the
/// run is complete. `runs` is where `run:ID` looks.
pub fn resolve(spec: &mut Spec, runs: &Path) -> Result<Opened> {
    prepare(spec, runs).map(|prepared| prepared.opened)
}

/// What a spec names, opened.
struct Prepared {
    opened: Opened,
    /// On the CPU.
    network: Model,
    /// Of `[dissect]`.
    labelled: Option<Arc<dyn Labelled>>,
}

/// The same with everything else that had to be opened for it.
fn prepare(spec: &mut Spec, runs: &Path) -> Result<Prepared> {
    let asked: DeviceName = spec.device.parse()?;
    let (device, no_card) = asked.resolve();
    precision(spec, &device.open()?)?;
    spec.device = device.to_string();
    // What the settings say of it was filled in before.
    spec.tensorboard.get_or_insert(false);
    // Once: `last` is another run when the worker reads it, this one itself.
    spec.model.weights =
        spec.model.weights.as_deref().map(|word| whole_word(word, runs)).transpose()?;
    let ranked = spec.neurons.as_mut().map(|section| &mut section.adversarial);
    let counted = spec.consistency.as_mut().map(|section| &mut section.adversarial);
    let traced = spec.trace.as_mut().map(|section| &mut section.adversarial);
    for source in ranked.into_iter().chain(counted).chain(traced) {
        if let Some(id) = source.strip_prefix("run:") {
            *source = format!("run:{}", RunFolder::resolve(runs, id)?.id());
        }
    }
    let header = match &spec.model.weights {
        Some(word) => header("model", spec.model.arch, word, runs)?,
        None => None,
    };
    if spec.data.image_size.is_none() {
        spec.data.image_size = header.as_ref().map(|header| header.image_size);
    }
    if spec.data.image_size.is_none() && spec.data.format == spec::DataFormat::ImageFolder {
        spec.data.image_size = arch(spec.model.arch)?.usual_image_size();
    }
    let mut opened = open_data(spec)?;
    let [channels, height, _] = opened.test.shape();
    spec.data.image_size = Some(height);
    let classes = opened.test.classes().len();
    match spec.model.classes {
        Some(asked) if asked < classes => {
            return Err(Error::bad_input(format!(
                "model.classes = {asked}, but the data has {classes} classes"
            ))
            .hint("leave model.classes out to have as many as the data"));
        }
        Some(_) => {}
        None => {
            let of_weights = header.as_ref().map_or(classes, |header| header.classes);
            if of_weights < classes {
                return Err(Error::bad_input(format!(
                    "the weights tell {of_weights} classes apart, but the data has {classes}"
                ))
                .hint("use weights trained on this data, or leave model.weights out"));
            }
            spec.model.classes = Some(of_weights);
        }
    }
    let (mean, std) = match &header {
        Some(header) if header.channels == channels => (header.mean.clone(), header.std.clone()),
        _ => normalisation(arch(spec.model.arch)?, spec.data.format, channels),
    };
    spec.model.mean.get_or_insert(mean);
    spec.model.std.get_or_insert(std);
    if let Some(header) = &header {
        opened.notes.extend(other_classes(&header.class_names, opened.test.classes()));
    }
    opened.notes.extend(no_card);
    let ranked = spec.neurons.as_ref().map(|section| ("neurons", &section.adversarial));
    let counted = spec.consistency.as_ref().map(|section| ("consistency", &section.adversarial));
    let traced = spec.trace.as_ref().map(|section| ("trace", &section.adversarial));
    for (section, source) in ranked.into_iter().chain(counted).chain(traced) {
        if let Some(id) = source.strip_prefix("run:") {
            let made_by = RunFolder::resolve(runs, id)?;
            adversarial_set(section, source, made_by.path(), &*opened.test)?;
        }
    }
    if let Some(attack) = spec.dissect.as_mut().and_then(|section| section.attack.as_mut()) {
        attack.target = Some(attack.target());
    }
    super::resolve_members(spec, channels, runs)?;
    // Whatever does not fit is said now, before a run folder is made; on the CPU, since a card may
    // be full of another run.
    let network = network_on(&Device::Cpu, spec, channels, runs)?;
    if let Some(spec::Target::Class(class)) = spec.attack.as_ref().map(|attack| attack.target) {
        known_class("attack.target", class, &network)?;
    }
    if let Some(looks) = spec.train.as_ref().and_then(|train| train.neurons.as_ref()) {
        chosen_taps(&network, looks)?;
        check_looks(spec, opened.train.len())?;
    }
    adversarial::resolve(spec, &network)?;
    single::check(spec, opened.train.len(), &network)?;
    against(spec, &network, runs)?;
    for (_, how) in spec.methods() {
        super::attack::attack_on(&Device::Cpu, spec, how, runs)?;
    }
    if let Some(transfer) = spec.evaluate.as_ref().and_then(|evaluate| evaluate.transfer.as_ref()) {
        for named in transfer.sources.iter().chain(&transfer.targets) {
            named_network(spec, named, runs)?;
        }
    }
    if let Some(neurons) = &spec.neurons {
        let layers = taps(&network, "neurons.layers", &neurons.layers)?;
        check_channels(&network, "neurons.discrepancy", &neurons.discrepancy, &layers)?;
    }
    if let Some(section) = &spec.consistency {
        taps(&network, "consistency.layers", &section.layers)?;
        nouns(section, opened.test.classes())?;
    }
    super::trace::resolve(spec, &opened, &network)?;
    let labelled = match &spec.dissect {
        Some(section) => {
            taps(&network, "dissect.layers", &section.layers)?;
            let attack = section.attack.as_ref().map(DissectAttackSpec::target);
            if let Some(spec::Target::Class(class)) = attack {
                known_class("dissect.attack.target", class, &network)?;
            }
            Some(labelled(spec, section)?)
        }
        None => None,
    };
    Ok(Prepared { opened, network, labelled })
}

/// Resolves a spec and tells what it will cost; starts nothing.
pub fn estimate(spec: &mut Spec, runs: &Path) -> Result<Estimate> {
    let Prepared { opened, network, labelled } = prepare(spec, runs)?;
    let (train, test) = (&*opened.train, &*opened.test);
    let labelled = labelled.as_deref();
    let mut estimate = estimate::estimate(spec, [train, test], labelled, &network);
    estimate.notes = opened.notes;
    estimate.notes.extend(spec.consistency.as_ref().and_then(|section| {
        let split = if section.split == Split::Test { test } else { train };
        estimate::few_counted("real", section.share, split.len())
    }));
    Ok(estimate)
}

/// A line if the weights call the data's first classes by other names: their outputs then mean
/// something else, and accuracies measured on this data mean nothing.
fn other_classes(of_weights: &[String], of_data: &[Class]) -> Option<String> {
    let mut both = of_weights.iter().zip(of_data).enumerate();
    let (class, (weights, data)) = both.find(|(_, (weights, data))| **weights != data.name)?;
    Some(format!(
        "the weights were trained on other classes: class {class} is '{weights}' to them and '{}' \
         in this data",
        data.name
    ))
}

/// Writes down how exactly the run computes. Errors if the device cannot do as it asks.
fn precision(spec: &mut Spec, device: &Device) -> Result<()> {
    let usual = match usual_precision(device) {
        Precision::F32 => spec::Precision::F32,
        Precision::Tf32 => spec::Precision::Tf32,
        Precision::Bf16 => spec::Precision::Bf16,
    };
    let precision = *spec.precision.get_or_insert(usual);
    if device.is_cpu() && precision != spec::Precision::F32 {
        let word = spec::word(precision);
        return Err(Error::bad_input(format!(
            "precision = '{word}', but the run would be on the CPU, which computes in f32 alone"
        ))
        .hint("leave precision out, or see `glassbox doctor` for why there is no graphics card"));
    }
    Ok(())
}

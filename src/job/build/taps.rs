//! Which layers and channels a spec asks for, and whether the network has them.

use crate::error::text::escaped;
use crate::error::{Error, Result};
use crate::model::{LayerTap, Model};
use crate::spec::{self, Spec};

/// The layer taps that `key` asks for, each once, as the model names them; none asked for = all.
pub fn taps(model: &Model, key: &str, asked: &[String]) -> Result<Vec<String>> {
    if asked.is_empty() {
        return Ok(model.taps().iter().map(|tap| tap.name.clone()).collect());
    }
    let mut found: Vec<String> = Vec::with_capacity(asked.len());
    for name in asked {
        let tap = tap(model, key, name)?;
        // A layer may be asked for by its name and by its alias.
        if !found.contains(&tap) {
            found.push(tap);
        }
    }
    Ok(found)
}

/// The name of the tap that one is called, by name or alias.
fn tap(model: &Model, key: &str, name: &str) -> Result<String> {
    let is_it = |tap: &&LayerTap| tap.name == name || tap.alias.as_deref() == Some(name);
    model.taps().iter().find(is_it).map(|tap| tap.name.clone()).ok_or_else(|| {
        let known: Vec<&str> = model.taps().iter().map(|t| t.name.as_str()).collect();
        let aliases = model.taps().iter().filter_map(|tap| tap.alias.as_deref());
        let nearest = spec::nearest::nearest(name, aliases.chain(known.clone()))
            .map(|nearest| format!(", did you mean '{nearest}'?"))
            .unwrap_or_default();
        Error::bad_input(format!("{key}: no layer '{}'{nearest}", escaped(name))).hint(format!(
            "{} has: {}",
            model.arch(),
            known.join(", ")
        ))
    })
}

/// The layer taps that `[train.neurons]` looks at: those it names, or the last one. Errors: a tap
/// that is none, a channel that none of them has.
pub fn chosen_taps(model: &Model, spec: &spec::TrainNeuronsSpec) -> Result<Vec<LayerTap>> {
    let names = match spec.layers.as_slice() {
        [] => model.taps().last().map(|tap| tap.name.clone()).into_iter().collect(),
        asked => taps(model, "train.neurons.layers", asked)?,
    };
    // A list that fits the widest layer may be too long for others; one that fits none is a slip.
    if spec.neurons.iter().all(|neuron| *neuron >= widest(model, &names)) {
        check_channels(model, "train.neurons.neurons", &spec.neurons, &names)?;
    }
    Ok(model.taps().iter().filter(|tap| names.contains(&tap.name)).cloned().collect())
}

/// More looks than this would fill the run folder with pictures that nobody goes through.
const MOST_LOOKS: usize = 2000;

/// Errors if `[train.neurons]` would look more often than that.
pub(super) fn check_looks(spec: &Spec, images: usize) -> Result<()> {
    let Some(train) = &spec.train else { return Ok(()) };
    let Some(every) = train.neurons.as_ref().map(|looks| looks.every.parse()) else {
        return Ok(());
    };
    let Ok(spec::Interval::Steps(every)) = every else { return Ok(()) };
    let steps = images.div_ceil(train.batch_size.max(1)).saturating_mul(train.epochs);
    let looks = steps / usize::try_from(every).unwrap_or(usize::MAX).max(1);
    if looks <= MOST_LOOKS {
        return Ok(());
    }
    Err(Error::bad_input(format!(
        "train.neurons.every = '{every} steps' looks {looks} times in {steps} steps; at most \
         {MOST_LOOKS} are kept"
    ))
    .hint(format!("\"{} steps\" or more", steps.div_ceil(MOST_LOOKS))))
}

/// Channels of the widest of these layers.
fn widest(model: &Model, layers: &[String]) -> usize {
    let named = model.taps().iter().filter(|tap| layers.contains(&tap.name));
    named.map(|tap| tap.shape[0]).max().unwrap_or(0)
}

/// Errors if no layer of `layers` has a channel that `key` names.
pub(super) fn check_channels(
    model: &Model,
    key: &str,
    asked: &[usize],
    layers: &[String],
) -> Result<()> {
    let most = widest(model, layers);
    match asked.iter().find(|neuron| **neuron >= most) {
        None => Ok(()),
        Some(neuron) => Err(Error::bad_input(format!(
            "{key}: no layer that is looked at has a channel {neuron}"
        ))
        .hint(format!("the widest has {most}: 0 to {}", most.saturating_sub(1)))),
    }
}

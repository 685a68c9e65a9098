//! What `[trace]` looks at: the layer, and the pictures that a user points at.

use std::path::Path;

use super::{known_class, taps};
use crate::data::{Opened, Pictures};
use crate::error::{Error, Result};
use crate::job::predict::usual_crop;
use crate::model::{LayerTap, Model};
use crate::neuron::trace;
use crate::spec::{Followed, Measure, Spec, TraceSpec};

/// Fills the keys of `[trace]` that the network decides. Errors: whatever does not fit the network or
/// the data, and pictures that are not there.
pub(super) fn resolve(spec: &mut Spec, opened: &Opened, network: &Model) -> Result<()> {
    let Some(section) = &mut spec.trace else { return Ok(()) };
    let tap = tap_to_trace(section, network)?;
    if section.top > tap.shape[0] {
        return Err(Error::bad_input(format!(
            "trace.top = {}, but layer '{}' has {} neurons",
            section.top, tap.name, tap.shape[0]
        ))
        .hint("--set trace.top=5, or choose another layer"));
    }
    if let Followed::Class(class) = section.class {
        known_class("trace.class", class, network)?;
    }
    given_pictures(section, opened.test.shape())?;
    if opened.train.is_empty() {
        return Err(Error::bad_input(
            "[trace] learns from images of the training split what a class usually excites, and \
             there are none",
        )
        .hint("give data.path a training split"));
    }
    section.layer = Some(tap.name);
    Ok(())
}

/// The layer whose neurons are looked at: the one that is named, otherwise the last.
pub fn tap_to_trace(section: &TraceSpec, network: &Model) -> Result<LayerTap> {
    let goes_on = |tap: &&LayerTap| network.goes_on_from(&tap.name);
    let named = match &section.layer {
        Some(name) => {
            let found = taps(network, "trace.layer", std::slice::from_ref(name))?;
            network.taps().iter().find(|tap| found.contains(&tap.name))
        }
        None => network.taps().iter().rfind(goes_on),
    };
    named.filter(goes_on).cloned().ok_or_else(|| {
        let arch = network.arch();
        let what = match named {
            Some(tap) => format!(
                "trace.layer: what follows '{}' in {arch} needs more than its maps, so that it cannot \
                 be gone through again without a neuron",
                tap.name
            ),
            None => format!("trace.layer: {arch} has no layer that can be gone on from"),
        };
        let all = network.taps().iter().filter(goes_on);
        let names: Vec<&str> = all.map(|tap| tap.name.as_str()).collect();
        Error::bad_input(what).hint(format!("layers that work: {}", names.join(", ")))
    })
}

/// The pictures that `trace.images` points at, in natural order, made as large as the network's other
/// images the way `glassbox predict` does; `None` where it names the test split or its errors.
pub fn given_pictures(section: &TraceSpec, shape: [usize; 3]) -> Result<Option<Pictures>> {
    if matches!(section.images.as_str(), "all" | "errors") {
        return Ok(None);
    }
    let [channels, side, _] = shape;
    let path = Path::new(&section.images).to_owned();
    let found = Pictures::find(&[path], usual_crop(side), channels).map_err(|mut error| {
        error.message = format!("trace.images: {}", error.message);
        error
    })?;
    Ok(Some(found.in_natural_order()))
}

/// What of a class makes a neuron influential.
pub fn measure(measure: Measure) -> trace::Measure {
    match measure {
        Measure::Probability => trace::Measure::Probability,
        Measure::Logit => trace::Measure::Logit,
    }
}

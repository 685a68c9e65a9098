//! What `[trace]` looks at: the layer, and the pictures that a user points at.

use std::path::Path;

use super::{known_class, taps};
use crate::data::{Opened, Pictures};
use crate::error::{Error, Result};
use crate::job::predict::usual_crop;
use crate::model::{LayerTap, Model};
use crate::neuron::trace;
use crate::neuron::trace::reference::{MOST_MEANS, bytes_of_means};
use crate::spec::{Followed, Measure, Spec, TraceSpec};

/// Fills the keys of `[trace]` that the network decides. Errors: whatever does not fit the network or
/// the data, and pictures that are not there.
pub(super) fn resolve(spec: &mut Spec, opened: &Opened, network: &Model) -> Result<()> {
    let Some(section) = &mut spec.trace else { return Ok(()) };
    let tap = tap_to_trace(section, network)?;
    means_fit(&tap, network.classes())?;
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

/// Errors: the means of the classes in the layer take more memory than [`MOST_MEANS`].
fn means_fit(tap: &LayerTap, classes: usize) -> Result<()> {
    let bytes = bytes_of_means(tap.shape, classes);
    if bytes <= MOST_MEANS {
        return Ok(());
    }
    let [neurons, height, width] = tap.shape;
    Err(Error::bad_input(format!(
        "trace.layer: the means of {classes} classes in layer '{}', {neurons} maps of \
         {height}×{width}, take {bytes} bytes; at most {MOST_MEANS} are allowed",
        tap.name
    ))
    .hint("choose a later layer, whose maps are smaller: --set trace.layer=..."))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_layer_whose_class_means_take_too_much_memory_is_refused() {
        let tap = |shape| LayerTap { name: "features.2".into(), alias: None, shape };
        // ResNet-18's first stage and VGG-16's first block, of ImageNet's classes.
        assert!(means_fit(&tap([64, 56, 56]), 1000).is_ok());
        let error = means_fit(&tap([64, 224, 224]), 1000).unwrap_err();
        assert_eq!(error.exit_code(), 2);
        for part in ["trace.layer", "features.2", "12845056000 bytes", "2147483648"] {
            assert!(error.message.contains(part), "no '{part}' in {}", error.message);
        }
        assert_eq!(bytes_of_means([usize::MAX; 3], 9), u64::MAX);
    }
}

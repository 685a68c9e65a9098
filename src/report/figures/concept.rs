//! Figure 1 (SCIENCE §3): a concept beside what the neuron that detects it best really answers to:
//! labelled pictures of the concept that it fires on, labelled pictures that excite it without the
//! concept, and what else excites it among the images of the run.

use std::path::Path;

use super::grid::{self, Row, Shown};
use super::{Draft, Made, Names, Part};
use crate::error::{Error, Result};
use crate::report::drawing::Picture;
use crate::report::number;
use crate::report::raster::Tiles;
use crate::run::folder::{self, RunFolder};
use crate::run::results::dissect::{Dissect, Layer, Neuron, Outlines};
use crate::run::results::neurons::Neurons;

/// So many pictures of a kind.
const MOST: usize = 6;

/// One of each run and layer in which a neuron detects a concept.
pub(super) fn figures(folders: &[RunFolder]) -> Result<Vec<Draft>> {
    let mut runs: Vec<(&RunFolder, Dissect)> = Vec::new();
    for folder in folders {
        if runs.iter().any(|(known, _)| known.id() == folder.id()) {
            continue;
        }
        runs.extend(folder.result::<Dissect>("dissect")?.map(|result| (folder, result)));
    }
    let ids: Vec<String> = runs.iter().map(|(folder, _)| folder.id()).collect();
    let names = Names::of(ids.iter().map(String::as_str));
    let mut drafts = Vec::new();
    for (folder, result) in &runs {
        let neurons = folder.result::<Neurons>("neurons")?;
        for layer in &result.layers {
            if let Some(neuron) = best(layer) {
                drafts.push(draft(folder, layer, neuron, neurons.as_ref(), &names)?);
            }
        }
    }
    Ok(drafts)
}

/// The neuron with the largest IoU that has pictures; ties by index.
fn best(layer: &Layer) -> Option<&Neuron> {
    let with = layer.neurons.iter().filter(|neuron| {
        !neuron.pictures.is_empty()
            && neuron.outlines.is_some()
            && !neuron.best.real.concept.is_empty()
    });
    with.max_by(|a, b| a.best.real.iou.total_cmp(&b.best.real.iou).then(b.index.cmp(&a.index)))
}

fn draft(
    folder: &RunFolder,
    layer: &Layer,
    neuron: &Neuron,
    neurons: Option<&Neurons>,
    names: &Names,
) -> Result<Draft> {
    let run = folder.id();
    let concept = &neuron.best.real.concept;
    let (with, without) = labelled(folder.path(), neuron)?;
    let (others, has_others) = others(folder.path(), layer, neuron, neurons)?;
    let row = |name: String, about: &str, pictures, nothing| Row {
        name,
        about: about.into(),
        pictures,
        nothing,
    };
    let rows = [
        row(
            format!("{concept}, and it fires"),
            "labelled pictures that excite it most and show the concept; lit where it fires",
            with,
            "none of the labelled pictures that excite it most shows the concept",
        ),
        row(
            format!("no {concept}, and it fires"),
            "labelled pictures that excite it as much",
            without,
            "all of the labelled pictures that excite it most show the concept",
        ),
        row(
            "what else excites it".into(),
            "images of the run's own data; their classes, and the activation",
            others,
            "the run has no results/neurons.json for this layer",
        ),
    ];
    let title =
        format!("\"{concept}\" beside what neuron {} of {} answers to", neuron.index, layer.layer);
    let about = format!(
        "neuron {} of {}, {} · IoU {:.3}",
        neuron.index,
        layer.neurons.len(),
        layer.layer,
        neuron.best.real.iou
    );
    let left_out =
        if has_others { "" } else { " Its other images are not in the results of this run." };
    Ok(Draft {
        name: names.file(&run, &format!("concept-{}", layer.layer)),
        number: Some("Figure 1"),
        title: names.title(&run, &title),
        caption: format!(
            "The neuron that matches its concept best, and what it really answers to. The rest of a \
             labelled picture is dimmed to 0.2. Pictures with the concept that it ignores are not in \
             the results, which keep the most exciting ones.{left_out}"
        ),
        runs: vec![run],
        part: Part::Concepts,
        source: "results/dissect.json, results/neurons.json",
        made: Made::Drawing(grid::drawing(&title, concept, &about, &rows)?),
    })
}

/// The labelled pictures with the concept, and those without, the most exciting first.
fn labelled(run: &Path, neuron: &Neuron) -> Result<(Vec<Shown>, Vec<Shown>)> {
    let (mut with, mut without) = (Vec::new(), Vec::new());
    let Some(outlines) = &neuron.outlines else { return Ok((with, without)) };
    let strip = inside(run, outlines)?;
    let tiles = Tiles::read(&strip)?;
    for (index, picture) in neuron.pictures.iter().enumerate() {
        let has_concept = tiles
            .tile(index)
            .is_some_and(|tile| tile.iter().any(|byte| byte & Outlines::CONCEPT != 0));
        let row = if has_concept { &mut with } else { &mut without };
        if row.len() < MOST {
            row.push(Shown {
                picture: Picture::Tile {
                    file: inside(run, &picture.picture)?,
                    strip: strip.clone(),
                    index,
                },
                lines: vec![number::value(picture.activation)],
                is_marked: false,
            });
        }
    }
    Ok((with, without))
}

/// The images of the run's own data that excite the neuron, and whether the run knows them.
fn others(
    run: &Path,
    layer: &Layer,
    neuron: &Neuron,
    neurons: Option<&Neurons>,
) -> Result<(Vec<Shown>, bool)> {
    let found = neurons
        .and_then(|neurons| neurons.layers.iter().find(|of| of.layer == layer.layer))
        .and_then(|of| of.neurons.iter().find(|of| of.index == neuron.index));
    let Some(found) = found else { return Ok((Vec::new(), false)) };
    let shown = found.real.iter().take(MOST).map(|top| {
        Ok(Shown {
            picture: Picture::File(inside(run, &top.picture)?),
            lines: vec![top.label.clone(), number::value(top.activation)],
            is_marked: false,
        })
    });
    Ok((shown.collect::<Result<_>>()?, true))
}

/// A path of a results file, which may not lead out of the run folder.
pub(super) fn inside(run: &Path, relative: &str) -> Result<std::path::PathBuf> {
    folder::inside(run, relative).ok_or_else(|| {
        Error::failed(format!(
            "{} names a picture outside its folder: '{}'",
            crate::error::text::shown(run),
            crate::error::text::printable(relative)
        ))
    })
}

//! The neurons of a run, at its end or at a step of its training, and what figures need of them.

use std::path::{Path, PathBuf};

use super::{Options, Panel, Row, Shown, Side};
use crate::error::text::{clean, printable};
use crate::error::{Error, Result};
use crate::report::raster::Tiles;
use crate::run::folder::{self, RunFolder};
use crate::run::history;
use crate::run::results::neurons::{Layer, Neuron, Neurons, Strip, TopImage};
use crate::spec;

/// A run's neurons.
#[derive(Debug, Clone)]
pub struct Source {
    folder: RunFolder,
    title: String,
    step: Option<u64>,
    /// As the file has them.
    pub neurons: Neurons,
}

impl Source {
    /// Of the run's results, or of what was seen at a step of its training. Bad input where there is
    /// no such thing, with what there is.
    pub fn open(folder: &RunFolder, step: Option<u64>) -> Result<Self> {
        let neurons = match step {
            None => folder.result::<Neurons>("neurons")?.ok_or_else(|| nothing(folder))?,
            Some(step) => at_step(folder, step)?,
        };
        let title = folder.info()?.title;
        Ok(Self { folder: folder.clone(), title, step, neurons })
    }

    /// The run's id.
    pub fn run(&self) -> String {
        self.folder.id()
    }

    /// Where the run lies.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// A layer by its tap's name. Bad input: none of that name.
    pub fn layer(&self, name: &str) -> Result<&Layer> {
        self.neurons.layers.iter().find(|layer| layer.layer == name).ok_or_else(|| {
            let names: Vec<&str> =
                self.neurons.layers.iter().map(|layer| layer.layer.as_str()).collect();
            Error::bad_input(format!(
                "run '{}' looked at no layer '{}'",
                self.run(),
                printable(name)
            ))
            .hint(format!("its layers: {}", names.join(", ")))
        })
    }

    /// A neuron of a layer, as a figure shows it.
    pub fn panel(&self, layer: &Layer, neuron: &Neuron, options: Options) -> Result<Panel> {
        let tiles = match options.look {
            None => None,
            Some(_) => Some(self.tiles(layer, neuron)?),
        };
        let row = |side, images: &[TopImage]| -> Result<Row> {
            let tile = |rank| Strip::tile(neuron, side == Side::Adversarial, rank);
            let most = options.top.unwrap_or(usize::MAX);
            let shown = images.iter().take(most).enumerate().map(|(rank, top)| {
                let region = tiles.as_ref().map(|tiles| self.region(neuron, tiles, tile(rank)));
                Ok(Some(self.shown(top, region.transpose()?)?))
            });
            Ok(Row { side, pictures: shown.collect::<Result<_>>()?, kept: images.len() })
        };
        let mut rows =
            vec![row(Side::Real, &neuron.real)?, row(Side::Adversarial, &neuron.adversarial)?];
        if options.originals {
            rows.push(self.originals(layer, neuron, options.top.unwrap_or(usize::MAX))?);
        }
        rows.retain(|row| !row.pictures.is_empty());
        Ok(Panel {
            run: self.run(),
            title: self.title.clone(),
            step: self.step,
            layer: layer.layer.clone(),
            neuron: neuron.index,
            neurons: layer.neurons.len(),
            name: neuron.favourite().map_or("silent", |favourite| favourite.label).to_owned(),
            story: neuron.story(),
            disagreement: neuron.disagreement(),
            image_size: self.neurons.image_size,
            rows,
        })
    }

    /// What drives a neuron, by its feature map. Bad input where the run did not keep it.
    fn tiles(&self, layer: &Layer, neuron: &Neuron) -> Result<Tiles> {
        let strip = neuron.regions.as_ref().ok_or_else(|| {
            Error::bad_input(format!(
                "run '{}' kept no regions of neuron {} of '{}'",
                self.run(),
                neuron.index,
                layer.layer
            ))
            .hint(format!(
                "runs of this version keep them; run its spec again: glassbox run {}",
                self.path().join("spec.toml").display()
            ))
        })?;
        Tiles::read(&self.inside(strip)?)
    }

    fn region(&self, neuron: &Neuron, tiles: &Tiles, index: usize) -> Result<Vec<u8>> {
        let side = self.neurons.image_size;
        tiles.tile(index).filter(|_| tiles.side() == side).ok_or_else(|| {
            let pictures = neuron.real.len() + neuron.adversarial.len();
            Error::failed(format!(
                "the regions of neuron {} in run '{}' are not {pictures} tiles of {side} pixels",
                neuron.index,
                self.run()
            ))
            .hint("the run folder is damaged; run its spec again")
        })
    }

    fn shown(&self, top: &TopImage, region: Option<Vec<u8>>) -> Result<Shown> {
        Ok(Shown {
            picture: self.inside(&top.picture)?,
            name: top.picture.clone(),
            label: top.label.clone(),
            answer: (top.label_index != top.prediction_index).then(|| top.prediction.clone()),
            activation: top.activation,
            rank: None,
            region,
        })
    }

    /// The clean originals below their adversarial versions.
    fn originals(&self, layer: &Layer, neuron: &Neuron, most: usize) -> Result<Row> {
        let shown = neuron.adversarial.iter().take(most).map(|top| {
            let Some(original) = &top.counterpart else { return Ok(None) };
            Ok(Some(Shown {
                picture: self.inside(&original.picture)?,
                name: original.picture.clone(),
                label: top.label.clone(),
                answer: (top.label_index != original.prediction_index)
                    .then(|| original.prediction.clone()),
                activation: original.activation,
                rank: Some(original.rank),
                region: None,
            }))
        });
        let pictures: Vec<Option<Shown>> = shown.collect::<Result<_>>()?;
        if neuron.adversarial.iter().all(|top| top.counterpart.is_none()) {
            return Err(Error::bad_input(format!(
                "run '{}' kept no originals of the adversarial pictures of neuron {} of '{}'",
                self.run(),
                neuron.index,
                layer.layer
            ))
            .hint("leave out --originals, or run its spec again: this version keeps them"));
        }
        Ok(Row { side: Side::Original, pictures, kept: neuron.adversarial.len() })
    }

    /// A path of the results file, which may not lead out of the run folder.
    fn inside(&self, relative: &str) -> Result<PathBuf> {
        folder::inside(self.path(), relative).ok_or_else(|| {
            Error::failed(format!(
                "run '{}' names a picture outside its folder: '{}'",
                self.run(),
                printable(relative)
            ))
        })
    }
}

/// A neuron by its channel. Bad input: none of that number.
pub fn neuron(layer: &Layer, index: usize) -> Result<&Neuron> {
    layer.neurons.iter().find(|neuron| neuron.index == index).ok_or_else(|| {
        let last = layer.neurons.iter().map(|neuron| neuron.index).max().unwrap_or(0);
        Error::bad_input(format!("layer '{}' has no neuron {index}", clean(&layer.layer)))
            .hint(format!("its neurons are 0 to {last}"))
    })
}

/// Why there are no neurons, and what brings them.
fn nothing(folder: &RunFolder) -> Error {
    let id = folder.id();
    let error = Error::bad_input(format!("run '{id}' has no neurons to view"));
    let planned = spec::read_resolved(&folder.path().join("spec.toml"))
        .is_ok_and(|spec| spec.neurons.is_some());
    let status = folder.status().map(|(_, status)| status);
    match status {
        Ok(status) if planned && status.is_live() => {
            error.hint(format!("it has not come that far: glassbox watch {id}"))
        }
        Ok(status) if planned => error
            .hint(format!("it is {} and never came that far: glassbox resume {id}", status.word())),
        _ => error.hint("a spec with a [neurons] section makes them: glassbox run quickstart"),
    }
}

fn at_step(folder: &RunFolder, step: u64) -> Result<Neurons> {
    let list = folder.path().join(history::FOLDER);
    let steps = history::steps(folder.path())
        .map_err(|error| crate::run::write::failed("read the folder", &list, &error))?;
    let Some((_, path)) = steps.iter().find(|(known, _)| *known == step) else {
        let id = folder.id();
        let error =
            Error::bad_input(format!("run '{id}' kept no look at its neurons at step {step}"));
        return Err(match steps.as_slice() {
            [] => error.hint("it kept none at all; without --step its final neurons are shown"),
            steps => error.hint(format!("it kept steps {}", listed(steps))),
        });
    };
    let text =
        std::fs::read(path).map_err(|error| crate::run::write::failed("read", path, &error))?;
    serde_json::from_slice(&text)
        .map_err(|error| Error::failed(format!("failed to read '{}': {error}", path.display())))
}

/// `100, 200, … 900`: all where they are few.
fn listed(steps: &[(u64, PathBuf)]) -> String {
    const FEW: usize = 12;
    let words: Vec<String> = steps.iter().map(|(step, _)| step.to_string()).collect();
    if words.len() <= FEW {
        return words.join(", ");
    }
    let last = words.last().map_or("", String::as_str);
    format!("{}, … {last}", words[..FEW - 1].join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_steps_are_listed_by_the_first_and_the_last() {
        let steps =
            |count: u64| (1..=count).map(|at| (at * 100, PathBuf::new())).collect::<Vec<_>>();
        assert_eq!(listed(&steps(3)), "100, 200, 300");
        assert!(listed(&steps(40)).ends_with("1100, … 4000"), "{}", listed(&steps(40)));
    }
}

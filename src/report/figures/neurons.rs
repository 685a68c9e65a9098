//! Figures 2 and 4 to 9 (SCIENCE §3): the pictures that excite neurons most, real above adversarial;
//! and the same neurons in two runs.

use super::{Draft, Made, Names, Options, Part};
use crate::error::Result;
use crate::report::figure::{self, Figure, Gallery, Source};
use crate::run::folder::{RunFolder, short_name};
use crate::run::results::neurons::Neurons;

/// One of each run and layer, and one of each layer that the first two runs share.
pub(super) fn figures(folders: &[RunFolder], options: Options) -> Result<Vec<Draft>> {
    let mut sources: Vec<Source> = Vec::new();
    for folder in folders {
        let is_known = sources.iter().any(|source| source.run() == folder.id());
        if !is_known && folder.result::<Neurons>("neurons")?.is_some() {
            sources.push(Source::open(folder, None)?);
        }
    }
    let ids: Vec<String> = sources.iter().map(Source::run).collect();
    let names = Names::of(ids.iter().map(String::as_str));
    let shown = figure::Options { look: options.look, originals: false, top: Some(figure::TOP) };
    let mut drafts = Vec::new();
    for source in &sources {
        for gallery in figure::galleries(source, options.neurons, shown)? {
            if !gallery.figure.panels.is_empty() {
                drafts.extend(of_layer(gallery, &names));
            }
        }
    }
    if let [first, second, ..] = sources.as_slice() {
        drafts.extend(side_by_side(first, second, options, shown)?);
    }
    Ok(drafts)
}

fn of_layer(gallery: Gallery, names: &Names) -> Vec<Draft> {
    let Gallery { run, layer, neurons, order, figure, .. } = gallery;
    let draft = |page: Figure| Draft {
        name: names.file(&run, &format!("neurons-{layer}")),
        number: Some("Figures 2, 4–9"),
        title: names.title(&run, &format!("What neurons of {layer} like")),
        caption: format!(
            "{} of {neurons} neurons, by {}. Of each the real pictures that excite it most, above the \
             adversarial ones, named by what most of its real ones show. Below each picture: its \
             class, → what the network takes it for where that is another, and the activation.",
            page.panels.len(),
            order.word()
        ),
        runs: vec![run.clone()],
        part: Part::Neurons,
        source: "results/neurons.json",
        made: Made::Neurons(page),
    };
    figure.pages().into_iter().map(draft).collect()
}

/// The neurons of which real and adversarial pictures disagree most in the first run, in both.
fn side_by_side(
    first: &Source,
    second: &Source,
    options: Options,
    shown: figure::Options,
) -> Result<Vec<Draft>> {
    // Two of each, so half as many are as long.
    let most = options.neurons.div_ceil(2);
    let mut drafts = Vec::new();
    for gallery in figure::galleries(first, most, shown)? {
        let Some(layer) = second.neurons.layers.iter().find(|layer| layer.layer == gallery.layer)
        else {
            continue;
        };
        if layer.neurons.len() != gallery.neurons || gallery.figure.panels.is_empty() {
            continue;
        }
        let mut panels = Vec::new();
        for panel in gallery.figure.panels {
            let neuron = figure::neuron(layer, panel.neuron)?;
            panels.push(panel);
            panels.push(second.panel(layer, neuron, shown)?);
        }
        let (a, b) = (first.run(), second.run());
        let title = format!("The same neurons of {} in two runs", gallery.layer);
        let figure = Figure { title: Some(title.clone()), look: options.look, panels };
        let draft = |page: Figure| Draft {
            name: format!("beside-{}", gallery.layer),
            number: None,
            title: title.clone(),
            caption: format!(
                "The neurons whose real and adversarial pictures disagree most in {}, each above the \
                 neuron of the same channel in {}. Channels of networks that were trained apart have \
                 nothing in common but their number.",
                short_name(&a),
                short_name(&b)
            ),
            runs: vec![a.clone(), b.clone()],
            part: Part::Neurons,
            source: "results/neurons.json",
            made: Made::Neurons(page),
        };
        drafts.extend(figure.pages().into_iter().map(draft));
    }
    Ok(drafts)
}

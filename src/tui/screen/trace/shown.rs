//! What the screen's state means for the runs that are there now.

use super::filter::Row;
use super::{State, ablation};
use crate::run::results::trace::{Influence, Prediction, Trace};
use crate::tui::screen::Scene;
use crate::tui::screen::meaning::Meanings;
use crate::tui::screen::runs::short_name;
use crate::tui::screen::terms::Filter;
use crate::tui::text;
use crate::tui::theme::Role;
use crate::tui::world::RunDetail;

/// A prediction's kind and image: what it is known by in every run.
pub(super) type Key = (String, String);

pub(super) fn key(prediction: &Prediction) -> Key {
    (prediction.kind.clone(), prediction.image.clone())
}

/// One run's trace.
#[derive(Debug, Clone, Copy)]
pub(super) struct Seen<'a> {
    pub(super) run: &'a str,
    pub(super) detail: &'a RunDetail,
    pub(super) trace: &'a Trace,
    /// What its neurons mean.
    pub(super) meanings: Meanings<'a>,
}

impl<'a> Seen<'a> {
    fn of(scene: &Scene<'a>, run: &str) -> Option<Self> {
        let run = scene.world.run(run)?.info.id.as_str();
        let detail = scene.world.details.get(run)?.as_ref();
        let trace = detail.trace.as_deref()?;
        Some(Self { run, detail, trace, meanings: Meanings::of(detail, &trace.layer) })
    }

    pub(super) fn name(&self) -> &'a str {
        short_name(self.run)
    }

    /// A class by name, or by its index where it has none.
    pub(super) fn class(&self, class: u32) -> String {
        class_name(&self.trace.classes, class)
    }

    /// Its best concept on real images, in brackets where it does not detect it, with its
    /// intersection over union.
    pub(super) fn concept(&self, neuron: usize) -> Option<(String, f64)> {
        let meaning = self.meanings.neuron(neuron);
        let best = meaning.real()?;
        let name = text::clean(&best.concept);
        let name = if meaning.detects(best) { name.into_owned() } else { format!("({name})") };
        Some((name, best.iou))
    }

    /// The share of the traced predictions of a kind in which a neuron is influential. Only the
    /// most frequent are stored.
    pub(super) fn share(&self, kind: &str, neuron: usize) -> Option<f64> {
        let shared = self.trace.kinds.iter().find(|shared| shared.kind == kind)?;
        shared.neurons.iter().find(|usual| usual.index == neuron).map(|usual| usual.share)
    }
}

pub(super) fn class_name(classes: &[String], class: u32) -> String {
    let name = classes.get(class as usize).map(|name| text::clean(name).into_owned());
    name.filter(|name| !name.is_empty()).unwrap_or_else(|| class.to_string())
}

/// A kind of prediction, told by symbol, word and role: colour is never the only one.
pub(super) fn sign(kind: &str) -> (&'static str, &'static str, Role) {
    match kind {
        "right" => ("✓", "right", Role::Finished),
        "wrong" => ("✗", "wrong", Role::Error),
        "adversarial" => ("▲", "adversarial", Role::Adversarial),
        "given" => ("◆", "given", Role::Accent),
        _ => ("·", "other", Role::Muted),
    }
}

/// One run's prediction.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pane<'a> {
    pub(super) seen: Seen<'a>,
    /// `None`: none is listed.
    pub(super) prediction: Option<&'a Prediction>,
    /// It is of the run that stands beside: nothing is switched off there.
    pub(super) is_other: bool,
    /// Another run stands beside it: the title says whose it is.
    pub(super) has_neighbour: bool,
    /// The chosen neuron's place in the selected run's prediction: of the run beside it is the one
    /// in the same place.
    pub(super) rank: usize,
}

impl<'a> Pane<'a> {
    /// The chosen neuron and its place.
    pub(super) fn neuron(&self) -> Option<(usize, &'a Influence)> {
        let neurons = &self.prediction?.neurons;
        let at = self.rank.min(neurons.len().checked_sub(1)?);
        Some((at, neurons.get(at)?))
    }

    /// The neurons that are switched off.
    pub(super) fn off(&self, state: &State) -> Vec<usize> {
        match self.prediction {
            Some(prediction) if !self.is_other => {
                ablation::off(&state.off, self.seen.run, prediction)
            }
            _ => Vec::new(),
        }
    }
}

/// A run that stands beside the selected one.
#[derive(Debug, Clone)]
pub(super) enum Other<'a> {
    There(Seen<'a>, &'a Prediction),
    /// Its short name, and why nothing of it is shown.
    Without(String, String),
}

/// What the state means for the run that is selected.
#[derive(Debug)]
pub(super) struct Shown<'a> {
    pub(super) seen: Seen<'a>,
    pub(super) other: Option<Other<'a>>,
    /// Filtered and in order.
    pub(super) rows: Vec<Row<'a>>,
    /// The chosen one's place in `rows`.
    pub(super) at: usize,
    /// What of the filter means nothing.
    pub(super) problem: Option<String>,
    /// The chosen neuron's place among the influential ones.
    pub(super) rank: usize,
}

impl<'a> Shown<'a> {
    /// `None`: the run has no trace.
    pub(super) fn new(state: &State, scene: &Scene<'a>) -> Option<Self> {
        let seen = Seen::of(scene, scene.selected?)?;
        let filter = Filter::parse::<Row<'_>>(state.filter.text());
        let classes = &seen.trace.classes;
        let all = seen.trace.predictions.iter().map(|prediction| Row { prediction, classes });
        let mut rows: Vec<Row<'a>> = all.filter(|row| filter.keeps(row)).collect();
        state.sort.order(&mut rows, state.reversed);
        let is_chosen = |row: &Row<'_>| {
            let chosen = state.prediction.as_ref();
            chosen.is_some_and(|(kind, image)| {
                row.prediction.kind == *kind && row.prediction.image == *image
            })
        };
        let at = rows.iter().position(is_chosen).unwrap_or(0);
        let prediction = rows.get(at).map(|row| row.prediction);
        let other = state.others(scene).into_iter().next();
        let other = other.map(|id| other_of(scene, &id, prediction));
        let rank = prediction.and_then(|prediction| {
            prediction.neurons.iter().position(|neuron| Some(neuron.index) == state.neuron)
        });
        let (rank, problem) = (rank.unwrap_or(0), filter.problem);
        Some(Self { seen, other, rows, at, problem, rank })
    }

    pub(super) fn prediction(&self) -> Option<&'a Prediction> {
        self.rows.get(self.at).map(|row| row.prediction)
    }

    /// The selected run's.
    pub(super) fn pane(&self) -> Pane<'a> {
        Pane {
            seen: self.seen,
            prediction: self.prediction(),
            is_other: false,
            has_neighbour: self.other.is_some(),
            rank: self.rank,
        }
    }

    /// 0 = the selected run's, 1 = that of the run beside; else who is not there, and why.
    pub(super) fn pane_at(&self, at: usize) -> Result<Pane<'a>, (String, String)> {
        match &self.other {
            Some(Other::There(seen, prediction)) if at > 0 => Ok(Pane {
                seen: *seen,
                prediction: Some(*prediction),
                is_other: true,
                has_neighbour: true,
                rank: self.rank,
            }),
            Some(Other::Without(name, why)) if at > 0 => {
                Err((text::fit_ends(name, 30), text::clean(why).into_owned()))
            }
            _ => Ok(self.pane()),
        }
    }
}

fn other_of<'a>(scene: &Scene<'a>, id: &str, prediction: Option<&Prediction>) -> Other<'a> {
    let name = short_name(id).to_owned();
    let without = |why: &str| Other::Without(name.clone(), why.to_owned());
    if scene.world.run(id).is_none() {
        return without("This run is gone.");
    }
    if !scene.world.details.contains_key(id) {
        return without("reading…");
    }
    let Some(seen) = Seen::of(scene, id) else {
        return without("It traced no predictions: a [trace] section in its spec does.");
    };
    let Some(prediction) = prediction else { return without("No prediction is chosen.") };
    let of_image = || seen.trace.predictions.iter().filter(|p| p.image == prediction.image);
    // The network may be right where the other is wrong: the same real picture stands there still.
    let is_attacked = prediction.kind == "adversarial";
    let same = of_image()
        .find(|p| p.kind == prediction.kind)
        .or_else(|| of_image().find(|p| (p.kind == "adversarial") == is_attacked));
    match same {
        Some(same) => Other::There(seen, same),
        None => without(
            "It kept no trace of this picture: trace.pictures in its spec says how many it keeps \
             of each kind.",
        ),
    }
}

//! `dissect`: the concept that each neuron detects, by Network Dissection on images whose pixels are
//! labelled, as they are and attacked (SCIENCE §4.1).
//!
//! Passes over the images: one finds above which value each neuron fires; one lays where it fires
//! over the labels, and over those of another image for the null. With `[dissect.attack]` one attacks
//! each image, and finds the thresholds anew; one does with the written 8-bit images the same. What
//! a pass has found is written down now and then, so that a stage that was killed goes on. Then the
//! few pictures that some neuron likes are looked at again.

mod attacking;
mod count;
mod label_ahead;
mod outcome;
mod outlines;
mod precision;
mod presence;

use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;

use self::attacking::Attacking;
use self::count::{Count, Counts};
use self::outcome::Outcome;
use self::presence::Presence;
use super::evaluate::cost_of_attack;
use super::ranking::found::Found;
use super::ranking::side::{Side, Work};
use super::ranking::{Asked, Ranking, clear, twins};
use crate::data::labelled::Labelled;
use crate::data::{Class, Dataset, Example};
use crate::error::{Error, Result};
use crate::job::build;
use crate::job::context::{Context, Flow, StageEnd};
use crate::neuron::dissection::Vocabulary;
use crate::run::results::dissect::{ALL, Dissect};
use crate::spec::{DissectSpec, Spec, Split};

/// Where the pictures of real images go.
const PICTURES: &str = "dissect/pictures";

/// Where the adversarial images go.
const ADVERSARIAL: &str = "dissect/adversarial";

/// What the passes have found so far, until the stage is done.
const UNDER_WAY: &str = "progress/dissect";

/// What the thresholds of the adversarial images are filed under.
const ADVERSARIAL_PASS: &str = "adversarial";

/// What it costs, in forward passes over the test split.
pub fn cost(spec: &Spec, section: &DissectSpec) -> f64 {
    let labelled = build::labelled(spec, section).map(|data| data.len());
    let test = build::open_test(spec).map(|data| data.len());
    // What cannot be opened its own stage tells of.
    let share = match (labelled, test) {
        (Ok(labelled), Ok(test)) if test > 0 => labelled as f64 / test as f64,
        _ => 1.0,
    };
    let attack = section.attack.as_ref();
    share * (2.5 + attack.map_or(0.0, |attack| 2.0 + cost_of_attack(&attack.how)))
}

/// Runs the stage.
pub fn run(context: &mut Context) -> Result<StageEnd> {
    let spec = context.spec().clone();
    let Some(section) = spec.dissect.clone() else { return Ok(StageEnd::Done) };
    let data = build::labelled(&spec, &section)?;
    let asked = Asked {
        section: "dissect",
        layers: &section.layers,
        split: Split::Test,
        adversarial: "none",
        batch_size: section.batch_size,
    };
    let whole: Arc<dyn Dataset> = Arc::new(WholeOnly(Arc::clone(&data)));
    let ranking = Ranking::over(context, whole, "labelled data", asked)?;
    let vocabulary = Vocabulary {
        categories: data.categories().len(),
        category_of: data.concepts().iter().map(|concept| concept.category).collect(),
    };
    let mut stage = Stage { ranking, data, vocabulary, section, seed: spec.seed };
    let end = stage.run(context)?;
    if end == StageEnd::Done {
        clear(context.folder(), UNDER_WAY);
    }
    Ok(end)
}

/// The stage under way.
struct Stage {
    ranking: Ranking,
    data: Arc<dyn Labelled>,
    vocabulary: Vocabulary,
    section: DissectSpec,
    seed: u64,
}

/// The images that could be read, in order, and what the network takes them for.
struct Read {
    images: Vec<usize>,
    predictions: Vec<u32>,
}

impl Stage {
    fn run(&mut self, context: &mut Context) -> Result<StageEnd> {
        let folder = context.folder().join(UNDER_WAY);
        let settings = serde_json::to_vec(&(&self.section, self.seed))
            .map_err(|error| Error::failed(format!("failed to write JSON: {error}")))?;
        let work = Work {
            folder: &folder,
            taps: &self.ranking.taps.clone(),
            key: self.ranking.key(&settings)?,
        };
        let (top, above) = (self.section.top, Some(self.section.quantile));
        let ranked = (self.ranking.dataset.len(), top);
        let mut real = Side::open(&work, "real", ranked, above)?;
        self.ranking.progress[1] = self.expected_passes();
        self.ranking.goes_on(context, real.next(), 1)?;
        if self.ranking.rank_real(context, &mut real)? == Flow::Stop {
            return Ok(StageEnd::Stopped);
        }
        // From here on the labels are read beside the images.
        self.ranking.dataset = Arc::<dyn Labelled>::clone(&self.data);
        let read = Read::of(&real)?;
        if read.images.is_empty() {
            return Err(Error::failed("no labelled image could be read, so none was dissected"));
        }
        let presence = Presence::open(&folder, read.images.len(), self.data.concepts().len())?;
        let Some(of_real) = self.count_real(context, &work, &real, &read, &presence)? else {
            return Ok(StageEnd::Stopped);
        };
        let attack = self.section.attack.clone();
        if attack.is_some() {
            self.name_twins(context.folder(), &read);
        }
        // Without an attack it is over no images.
        let ranked = (self.ranking.twins.len(), top);
        let above = above.filter(|_| attack.is_some());
        let mut adversarial = Side::open(&work, ADVERSARIAL_PASS, ranked, above)?;
        if attacking::is_any_lost(&self.ranking, adversarial.next()) {
            Side::forget(&work, ADVERSARIAL_PASS);
            adversarial = Side::open(&work, ADVERSARIAL_PASS, ranked, above)?;
        }
        let mut of_adversarial = None;
        if let Some(attack) = &attack {
            let attacking = Attacking::new(context, attack)?;
            let ranking = &mut self.ranking;
            if attacking.run(context, ranking, &read, &mut adversarial)? == Flow::Stop {
                return Ok(StageEnd::Stopped);
            }
            let counted = self.count_adversarial(context, &work, [&real, &adversarial], &read)?;
            let Some(counted) = counted else { return Ok(StageEnd::Stopped) };
            of_adversarial = Some(counted);
        }
        let found = Found::of(&self.ranking, [&real, &adversarial]);
        let outcome = Outcome {
            stage: self,
            found: &found,
            read: &read,
            presence: &presence,
            real: &of_real,
            adversarial: of_adversarial.as_ref(),
        };
        let Some(result) = outcome.write(context)? else { return Ok(StageEnd::Stopped) };
        for line in lines(&result) {
            context.log(&line)?;
        }
        Ok(StageEnd::Done)
    }

    /// How much there will be to do: never more looks than each neuron's whole share.
    fn expected_passes(&self) -> u64 {
        let images = self.data.len();
        let shares: usize = self.ranking.taps.iter().map(|tap| tap.shape[0]).sum();
        let looks = (shares * self.section.top).min(images) as u64;
        let images = images as u64;
        let attacked = self
            .section
            .attack
            .as_ref()
            .map_or(0, |attack| images * (1 + attacking::cost(attack)) + looks);
        2 * images + looks + attacked
    }

    /// Where the adversarial image of each one lies, or will.
    fn name_twins(&mut self, run: &Path, read: &Read) {
        let folder = run.join(ADVERSARIAL);
        let twin = |&original: &usize| {
            let name = self.ranking.names.of_image(original).to_owned();
            twins::Twin { original, path: folder.join(&name), name, target: None }
        };
        self.ranking.twins = read.images.iter().map(twin).collect();
    }

    fn count_real(
        &mut self,
        context: &mut Context,
        work: &Work<'_>,
        real: &Side,
        read: &Read,
        presence: &Presence,
    ) -> Result<Option<Counts>> {
        let count = Count {
            name: "real",
            data: &self.data,
            images: Arc::<dyn Labelled>::clone(&self.data),
            order: read.images.clone(),
            labelled: &read.images,
            shuffled: Some(shuffled(&read.images, self.seed)),
            thresholds: vec![real.thresholds()],
            presence: Some(presence),
            vocabulary: &self.vocabulary,
        };
        count.run(context, work, &mut self.ranking)
    }

    fn count_adversarial(
        &mut self,
        context: &mut Context,
        work: &Work<'_>,
        [real, adversarial]: [&Side; 2],
        read: &Read,
    ) -> Result<Option<Counts>> {
        let written = self.ranking.twins.iter().map(|twin| twin.path.clone()).collect();
        let images = twins::Written::new(written, self.ranking.dataset.shape());
        let count = Count {
            name: "adversarial",
            data: &self.data,
            images: Arc::new(images),
            order: (0..read.images.len()).collect(),
            labelled: &read.images,
            shuffled: Some(shuffled(&read.images, self.seed)),
            thresholds: vec![real.thresholds(), adversarial.thresholds()],
            presence: None,
            vocabulary: &self.vocabulary,
        };
        count.run(context, work, &mut self.ranking)
    }
}

impl Read {
    fn of(real: &Side) -> Result<Self> {
        let mut read = Self { images: Vec::new(), predictions: Vec::new() };
        real.rows().read(0..usize::MAX, |image, prediction, _| {
            read.images.push(image);
            read.predictions.push(prediction);
            Ok(())
        })?;
        Ok(read)
    }
}

/// For each image another one, whose labels it gets in the null: its successor in a shuffled circle,
/// so that none keeps its own (but one that is alone).
fn shuffled(images: &[usize], seed: u64) -> Vec<usize> {
    let order = crate::data::epoch_order(images.len(), seed, NULL, true);
    let mut other = images.to_vec();
    for (at, &from) in order.iter().enumerate() {
        other[from] = images[order[(at + 1) % order.len()]];
    }
    other
}

/// An epoch that no training reaches: what the null draws is its own.
const NULL: u64 = u64::from_le_bytes(*b"dissect0");

/// What it found, in words.
fn lines(result: &Dissect) -> Vec<String> {
    let percent = |ratio: Option<&f64>| 100.0 * ratio.copied().unwrap_or(0.0);
    let line = |layer: &crate::run::results::dissect::Layer| {
        let mut line = format!(
            "{}: {:.1} % of {} neurons detect a concept, {:.1} % with shuffled labels",
            layer.layer,
            percent(layer.ratio.real.get(ALL)),
            layer.neurons.len(),
            percent(layer.null.get(ALL)),
        );
        if let Some(attacked) = &layer.ratio.adversarial {
            let null = layer.adversarial_null.as_ref().and_then(|null| null.get(ALL));
            let _ = write!(
                line,
                "; on adversarial images {:.1} %, {:.1} % with shuffled labels",
                percent(attacked.get(ALL)),
                percent(null)
            );
        }
        line
    };
    result.layers.iter().map(line).collect()
}

/// The images whose labels can be read: the others are damaged.
struct WholeOnly(Arc<dyn Labelled>);

impl Dataset for WholeOnly {
    fn len(&self) -> usize {
        self.0.len()
    }

    fn example(&self, index: usize) -> Result<Example> {
        self.0.labels(index)?;
        self.0.example(index)
    }

    fn label(&self, index: usize) -> u32 {
        self.0.label(index)
    }

    fn name(&self, index: usize) -> String {
        self.0.name(index)
    }

    fn classes(&self) -> &[Class] {
        self.0.classes()
    }

    fn shape(&self) -> [usize; 3] {
        self.0.shape()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_image_keeps_its_own_labels_in_the_null() {
        let images: Vec<usize> = (0..50).map(|at| at * 3 + 1).collect();
        let other = shuffled(&images, 1);
        assert!(images.iter().zip(&other).all(|(own, other)| own != other));
        let mut all = other.clone();
        all.sort_unstable();
        assert_eq!(all, images, "every image's labels are used once");
        assert_ne!(other, shuffled(&images, 2));
        assert_eq!(shuffled(&[4], 1), [4]);
        assert!(shuffled(&[], 1).is_empty());
    }
}

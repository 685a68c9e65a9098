//! One pass over images and their labels: what neurons and concepts have in common.

use std::sync::Arc;

use super::label_ahead::LabelAhead;
use super::presence::Presence;
use crate::data::Dataset;
use crate::data::labelled::Labelled;
use crate::error::Result;
use crate::job::context::{Context, Flow};
use crate::job::stage::ranking::Ranking;
use crate::job::stage::ranking::saved::Saved;
use crate::job::stage::ranking::side::Work;
use crate::job::stage::read_before;
use crate::neuron::dissection::{Dissection, Vocabulary};

/// What the pass counts, by set of thresholds and layer.
pub(super) type Counts = Vec<Vec<Dissection>>;

/// A pass.
pub(super) struct Count<'a> {
    /// What it is filed under.
    pub(super) name: &'a str,
    pub(super) data: &'a Arc<dyn Labelled>,
    /// What the network looks at.
    pub(super) images: Arc<dyn Dataset>,
    /// Which of them, in this order.
    pub(super) order: Vec<usize>,
    /// By place in this order: the labelled image that it is, or is a version of.
    pub(super) labelled: &'a [usize],
    /// By place: whose labels it has in the null.
    pub(super) shuffled: Option<Vec<usize>>,
    /// Sets of them, each by layer and neuron.
    pub(super) thresholds: Vec<Vec<Vec<f32>>>,
    pub(super) presence: Option<&'a Presence>,
    pub(super) vocabulary: &'a Vocabulary,
}

impl Count<'_> {
    /// Goes on where an earlier try was. `None` = asked to stop meanwhile.
    pub(super) fn run(
        self,
        context: &mut Context,
        work: &Work<'_>,
        ranking: &mut Ranking,
    ) -> Result<Option<Counts>> {
        let path = work.folder.join(format!("{}.counts", self.name));
        let mut saved = Saved::new(path, work.key);
        let (mut next, mut counts) = self.earlier(&saved).unwrap_or_else(|| (0, self.fresh()));
        ranking.goes_on(context, next, 1)?;
        let (size, all) = (ranking.batch_size, self.order.len());
        if next >= all {
            return Ok(Some(counts));
        }
        let first = next / size;
        let mut labels = self.labels(context, size, first);
        let order = self.order.clone();
        let mut loader = read_before(context, &self.images, order, size, first)?;
        let names: Vec<String> = ranking.taps.iter().map(|tap| tap.name.clone()).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        while let Some(batch) = loader.next() {
            let batch = batch?.to_device(ranking.model.device())?;
            next = (loader.position() * size).min(all);
            let places = next - batch.indices.len()..next;
            let maps = ranking.model.features(&batch.images, &names)?;
            let labels = labels.next()?;
            let (own, shuffled) = labels.split_at(places.len());
            let indices = &self.labelled[places.clone()];
            for (layer, maps) in maps.iter().enumerate() {
                let (_, _, height, width) = maps.dims4()?;
                let values: Vec<f32> = maps.flatten_all()?.to_vec1()?;
                for set in &mut counts {
                    set[layer].add(&values, [height, width], indices, own, shuffled);
                }
            }
            if let Some(presence) = self.presence {
                places.clone().zip(own).try_for_each(|(place, own)| presence.put(place, own))?;
            }
            let flow = ranking.advance(context, places.len())?;
            self.save(&mut saved, next, flow != Flow::Continue, &counts)?;
            if flow == Flow::Stop {
                return Ok(None);
            }
        }
        self.save(&mut saved, all, true, &counts)?;
        Ok(Some(counts))
    }

    fn fresh(&self) -> Counts {
        let of = |thresholds: &Vec<f32>| {
            Dissection::new(thresholds.clone(), self.vocabulary, self.shuffled.is_some())
        };
        self.thresholds.iter().map(|set| set.iter().map(of).collect()).collect()
    }

    /// What an earlier try has counted, and up to where.
    fn earlier(&self, saved: &Saved) -> Option<(usize, Counts)> {
        let (next, parts) = saved.read()?;
        let mut counts = self.fresh();
        let all: Vec<&mut Dissection> = counts.iter_mut().flatten().collect();
        if all.len() != parts.len() {
            return None;
        }
        let whole = all.into_iter().zip(&parts).all(|(of, part)| of.restore(part));
        whole.then_some((next, counts))
    }

    fn save(&self, saved: &mut Saved, next: usize, now: bool, counts: &Counts) -> Result<()> {
        saved.save(next, now, || {
            // What the file counts as done must be there.
            self.presence.map_or(Ok(()), Presence::sync)?;
            Ok(counts.iter().flatten().map(Dissection::to_bytes).collect())
        })
    }

    /// The labels of each batch from `first` on, its own and then those of the null.
    fn labels(&self, context: &Context, size: usize, first: usize) -> LabelAhead {
        let batch = |at: usize| {
            let places = at * size..((at + 1) * size).min(self.labelled.len());
            let other = self.shuffled.iter().flat_map(|of| &of[places.clone()]);
            self.labelled[places.clone()].iter().chain(other).copied().collect()
        };
        let batches = (first..self.labelled.len().div_ceil(size)).map(batch).collect();
        LabelAhead::new(Arc::clone(self.data), batches, context.spec().data.workers)
    }
}

//! What real images of the training split do in the layer.

use super::Stage;
use crate::data::epoch_order;
use crate::error::{Error, Result};
use crate::job::context::{Context, Flow};
use crate::job::stage::{chosen, log_damage};
use crate::neuron::trace::Reference;

impl Stage {
    /// The images of the training split that are looked at, ascending: one of each of as many equal
    /// parts of the split, drawn from the seed, so that none of its classes is passed over.
    pub(super) fn reference_images(&self) -> Vec<usize> {
        draw(self.reference.len(), self.section.reference, self.spec.seed)
    }

    /// Gathers what they do. `None` = asked to stop. Errors: none could be read.
    pub(super) fn gather(&mut self, context: &mut Context) -> Result<Option<Reference>> {
        let images = self.reference_images();
        let damage = std::sync::Arc::default();
        let (size, asked) = (self.section.batch_size.max(1), images.len());
        let classes = self.ranking.model.classes();
        let mut gathered = Reference::builder(self.tap.shape, classes, asked);
        let mut seen = 0;
        for batch in chosen(context, &self.reference, images, size, &damage)? {
            let batch = batch?.to_device(self.ranking.model.device())?;
            let maps = self.ranking.model.features(&batch.images, &[&self.tap.name])?;
            let labels: Vec<u32> = batch.labels.to_vec1()?;
            gathered.add(&maps[0], &labels)?;
            seen += labels.len();
            if self.ranking.advance(context, labels.len())? == Flow::Stop {
                return Ok(None);
            }
        }
        if seen == 0 {
            return Err(Error::failed("no image of the training split could be read"));
        }
        self.ranking.progress[0] += (asked - seen) as u64;
        log_damage(context, "training split", &damage, &mut 0)?;
        Ok(Some(gathered.finish()))
    }
}

/// One of each of `asked` equal parts of `0..all`, drawn from the seed; 0 asked = all.
fn draw(all: usize, asked: usize, seed: u64) -> Vec<usize> {
    if asked == 0 || asked >= all {
        return (0..all).collect();
    }
    let mut drawn = vec![None; asked];
    for image in epoch_order(all, seed, 0, true) {
        // The part that it lies in: part p has the images from p · all / asked on.
        let part = ((image + 1) * asked - 1) / all;
        drawn[part].get_or_insert(image);
    }
    drawn.into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_of_each_part_is_drawn_from_the_seed() {
        for (all, asked) in [(10, 3), (100, 7), (9, 8), (5, 1)] {
            let drawn = draw(all, asked, 3);
            assert_eq!(drawn.len(), asked, "{all} {asked}");
            for (part, image) in drawn.iter().enumerate() {
                let of_part = part * all / asked..(part + 1) * all / asked;
                assert!(of_part.contains(image), "{drawn:?}");
            }
            assert!(drawn.is_sorted());
        }
        assert_eq!(draw(4, 0, 1), [0, 1, 2, 3]);
        assert_eq!(draw(4, 9, 1), [0, 1, 2, 3]);
        assert_eq!(draw(1000, 20, 5), draw(1000, 20, 5));
        assert_ne!(draw(1000, 20, 5), draw(1000, 20, 6));
    }
}

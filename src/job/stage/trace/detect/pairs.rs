//! Adversarial images of the run's set, each beside the image that it was made from.

use std::sync::Arc;

use candle_core::Tensor;
use rayon::prelude::*;

use super::Subject;
use crate::data::{DamageReport, Dataset, Example, Loader};
use crate::error::Result;
use crate::job::context::Context;
use crate::job::stage::ranking::twins::Written;
use crate::job::stage::{chosen, log_damage, pixels};
use crate::spec::Damaged;

/// Reads them a batch at a time.
pub(super) struct Pairs<'a> {
    subject: &'a Subject<'a>,
    loader: Loader,
    damage: Arc<DamageReport>,
    /// Pairs whose original could not be read.
    lost: usize,
    size: usize,
    count: usize,
}

/// Some of them, on the network's device.
pub(super) struct PairBatch {
    /// `[batch, channels, height, width]` in 0..1.
    pub(super) originals: Tensor,
    /// The same of the images made from them.
    pub(super) adversarial: Tensor,
    /// The true classes.
    pub(super) labels: Vec<u32>,
    /// The classes that the attack aimed at.
    pub(super) targets: Vec<Option<u32>>,
}

impl<'a> Pairs<'a> {
    /// Of these twins of the subject's, by their places.
    pub(super) fn open(
        context: &Context,
        subject: &'a Subject<'a>,
        places: Vec<usize>,
    ) -> Result<Self> {
        let files = subject.twins.iter().map(|twin| twin.path.clone()).collect();
        let written: Arc<dyn Dataset> = Arc::new(Written::new(files, subject.test.shape()));
        let (damage, count): (Arc<DamageReport>, _) = (Arc::default(), places.len());
        let size = subject.section.batch_size.max(1);
        let loader = chosen(context, &written, places, size, &damage)?;
        Ok(Self { subject, loader, damage, lost: 0, size, count })
    }

    /// Pairs that were come to so far.
    pub(super) fn position(&self) -> usize {
        (self.loader.position() * self.size).min(self.count)
    }

    /// The next batch; pairs of which one cannot be read are left out, unless the spec says that the
    /// run shall fail.
    pub(super) fn next(&mut self) -> Result<Option<PairBatch>> {
        let Subject { network, test, twins, spec, .. } = *self.subject;
        while let Some(batch) = self.loader.next() {
            let batch = batch?;
            let twins: Vec<_> = batch.indices.iter().map(|&place| &twins[place]).collect();
            let originals: Vec<Result<Example>> =
                twins.par_iter().map(|twin| test.example(twin.original)).collect();
            let mut read = Vec::with_capacity(twins.len());
            for (at, original) in (0_u32..).zip(originals) {
                match original {
                    Ok(original) => read.push((at, original)),
                    Err(error) if spec.data.damaged == Damaged::Fail => return Err(error),
                    Err(_) => self.lost += 1,
                }
            }
            if read.is_empty() {
                continue;
            }
            let rows: Vec<u32> = read.iter().map(|(at, _)| *at).collect();
            let labels = read.iter().map(|(_, original)| original.label).collect();
            let targets = rows.iter().map(|&at| twins[at as usize].target).collect();
            let pixels: Vec<Vec<u8>> =
                read.into_iter().map(|(_, original)| original.pixels).collect();
            let rows = Tensor::from_vec(rows, pixels.len(), batch.images.device())?;
            let device = network.device();
            return Ok(Some(PairBatch {
                originals: pixels::from_bytes(&pixels, test.shape())?.to_device(device)?,
                adversarial: batch.images.index_select(&rows, 0)?.to_device(device)?,
                labels,
                targets,
            }));
        }
        Ok(None)
    }

    /// Says in the log what could not be read.
    pub(super) fn log_lost(&self, context: &mut Context) -> Result<()> {
        log_damage(context, "adversarial set", &self.damage, &mut 0)?;
        match self.lost {
            0 => Ok(()),
            lost => context
                .log(&format!("left out {lost} adversarial images whose original is damaged")),
        }
    }
}

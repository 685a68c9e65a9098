//! The networks that a stage looks at: the run's own first, others as the spec names them.

use std::ops::Index;
use std::path::Path;

use candle_core::Device;

use crate::data::Batch;
use crate::error::{Error, Result};
use crate::job::build;
use crate::model::Model;
use crate::run::results::evaluate::Network;
use crate::spec::{self, EnsembleModel, Spec};

/// Opened networks, each once.
#[derive(Debug)]
pub(in crate::job) struct Networks {
    spec: Spec,
    all: Vec<Named>,
}

/// A network and what it is called.
#[derive(Debug)]
pub(in crate::job) struct Named {
    pub(in crate::job) model: Model,
    network: Network,
}

impl Named {
    /// `resnet20`, or `resnet20 adv.safetensors` where the weights are not the run's own.
    pub(in crate::job) fn name(&self) -> String {
        match &self.network.weights {
            Some(weights) => {
                let file = Path::new(weights).file_name().map(|name| name.to_string_lossy());
                format!("{} {}", self.network.arch, file.unwrap_or_default())
            }
            None => self.network.arch.clone(),
        }
    }

    /// As results have it.
    pub(in crate::job) fn described(&self) -> Network {
        self.network.clone()
    }
}

impl Networks {
    /// The run's own network alone.
    pub(in crate::job) fn new(own: Model, spec: &Spec) -> Self {
        let network = Network { arch: spec::word(spec.model.arch), weights: None };
        Self { spec: spec.clone(), all: vec![Named { model: own, network }] }
    }

    /// The run's own network, when the others are not needed any more.
    pub(in crate::job) fn into_own(self) -> Result<Model> {
        let own = self.all.into_iter().next().map(|named| named.model);
        own.ok_or_else(|| Error::failed("the run has no network"))
    }

    /// A batch where the networks are.
    pub(in crate::job) fn take(&self, batch: Batch) -> Result<Batch> {
        let device = self.device();
        Ok(Batch {
            images: batch.images.to_device(&device)?,
            labels: batch.labels.to_device(&device)?,
            indices: batch.indices,
        })
    }

    /// Where the networks are.
    pub(in crate::job) fn device(&self) -> Device {
        let weights = self.all[0].model.parameters().trainable().first();
        weights.map_or(Device::Cpu, |weights| weights.var.device().clone())
    }

    /// Opens these; none = the run's own. By their places here.
    pub(in crate::job) fn open_all(
        &mut self,
        wanted: &[EnsembleModel],
        runs: &Path,
    ) -> Result<Vec<usize>> {
        if wanted.is_empty() {
            return Ok(vec![0]);
        }
        wanted.iter().map(|one| self.open(one, runs)).collect()
    }

    fn open(&mut self, wanted: &EnsembleModel, runs: &Path) -> Result<usize> {
        let network =
            Network { arch: spec::word(wanted.arch), weights: Some(wanted.weights.clone()) };
        if let Some(place) = self.all.iter().position(|one| one.network == network) {
            return Ok(place);
        }
        // The run's own network by its other name: nothing has trained it since it was read.
        if self.spec.train.is_none()
            && wanted.arch == self.spec.model.arch
            && self.spec.model.weights.as_ref() == Some(&wanted.weights)
        {
            return Ok(0);
        }
        let model = build::named_network(&self.spec, wanted, runs)?;
        self.all.push(Named { model, network });
        Ok(self.all.len() - 1)
    }
}

impl Index<usize> for Networks {
    type Output = Named;

    fn index(&self, place: usize) -> &Named {
        &self.all[place]
    }
}

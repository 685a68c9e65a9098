//! Where an attack on a batch wants to go, and whether it is there.

use candle_core::{Device, Tensor};

use super::Victims;
use super::objective::{cross_entropy, prediction};
use crate::error::{Error, Result};

/// For each image the class to get away from, or to reach.
#[derive(Debug, Clone)]
pub(super) struct Aim {
    /// One an image.
    pub(super) classes: Vec<u32>,
    /// Whether they are to be reached.
    pub(super) targeted: bool,
}

impl Aim {
    /// What the victims ask for.
    pub(super) fn of(victims: &Victims<'_>) -> Result<Self> {
        let classes = victims.targets.unwrap_or(victims.labels);
        let classes = classes.to_device(&Device::Cpu)?.to_vec1()?;
        Ok(Self { classes, targeted: victims.targets.is_some() })
    }

    /// Refuses targets, which `method` has no use for.
    pub(super) fn away(victims: &Victims<'_>, method: &str) -> Result<Self> {
        if victims.targets.is_some() {
            let message = format!("{method} cannot aim at a class");
            return Err(Error::bad_input(message).hint("set the target to none"));
        }
        Self::of(victims)
    }

    /// Of some of the images.
    pub(super) fn part(&self, at: &[usize]) -> Self {
        let classes = at.iter().filter_map(|&at| self.classes.get(at).copied()).collect();
        Self { classes, targeted: self.targeted }
    }

    /// Which way the loss is to go: 1 up, −1 down.
    pub(super) fn direction(&self) -> f64 {
        if self.targeted { -1.0 } else { 1.0 }
    }

    /// The class of an image. Errors if the network has no such class.
    pub(super) fn class(&self, image: usize, logits: &[f32]) -> Result<usize> {
        match self.classes.get(image) {
            Some(&class) if (class as usize) < logits.len() => Ok(class as usize),
            Some(class) => Err(Error::bad_input(format!(
                "class {class}, but the network tells {} classes apart",
                logits.len()
            ))),
            None => Err(Error::failed("a batch has fewer labels than images")),
        }
    }

    /// Whether an image of these logits is where the attack wants it.
    pub(super) fn is_reached(&self, image: usize, logits: &[f32]) -> bool {
        (self.classes.get(image) == Some(&prediction(logits))) == self.targeted
    }

    /// Cross-entropy of an image, with its sign such that more is better for the attack, and its
    /// gradient with respect to the logits.
    pub(super) fn cross_entropy(
        &self,
        image: usize,
        logits: &[f32],
        gradient: &mut [f32],
    ) -> Result<f32> {
        let loss = cross_entropy(logits, self.class(image, logits)?, gradient);
        if !self.targeted {
            return Ok(loss);
        }
        for gradient in gradient {
            *gradient = -*gradient;
        }
        Ok(-loss)
    }
}

/// Some images of a batch, in this order.
pub(super) fn rows(images: &Tensor, at: &[usize]) -> Result<Tensor> {
    if at.len() == images.dim(0)? && at.iter().enumerate().all(|(index, &at)| index == at) {
        return Ok(images.clone());
    }
    if at.is_empty() {
        return Ok(images.narrow(0, 0, 0)?);
    }
    let at: Vec<u32> = at.iter().map(|&at| at as u32).collect();
    let count = at.len();
    Ok(images.index_select(&Tensor::from_vec(at, count, images.device())?, 0)?)
}

/// `images` with `new` in the places `at`.
pub(super) fn with_rows(images: &Tensor, at: &[usize], new: &Tensor) -> Result<Tensor> {
    if at.is_empty() {
        return Ok(images.clone());
    }
    let count = images.dim(0)?;
    let mut from: Vec<usize> = (0..count).collect();
    for (index, &at) in at.iter().enumerate() {
        if let Some(from) = from.get_mut(at) {
            *from = count + index;
        }
    }
    rows(&Tensor::cat(&[images, new], 0)?, &from)
}

/// Row by row: `yes` where `mask` holds, else `no`.
pub(super) fn choose(mask: &[bool], yes: &Tensor, no: &Tensor) -> Result<Tensor> {
    if mask.iter().all(|&yes| yes) {
        return Ok(yes.clone());
    }
    if !mask.contains(&true) {
        return Ok(no.clone());
    }
    let mask: Vec<u8> = mask.iter().map(|&yes| u8::from(yes)).collect();
    let mask = Tensor::from_vec(mask, no.dim(0)?, no.device())?;
    let mask = mask.reshape((no.dim(0)?, 1, 1, 1))?.broadcast_as(no.shape())?;
    Ok(mask.where_cond(yes, no)?)
}

/// One number an image, `[batch, 1, 1, 1]`.
pub(super) fn column(numbers: Vec<f32>, device: &Device) -> Result<Tensor> {
    let count = numbers.len();
    Ok(Tensor::from_vec(numbers, (count, 1, 1, 1), device)?)
}

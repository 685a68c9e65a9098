//! LC and consis of class shares, and what is asked of a set of images during training.

use crate::data::Class;
use crate::error::Result;
use crate::job::build::{self, Nouns};
use crate::neuron::consistency::{Affinities, affinities, cosine, shares};
use crate::spec::ConsistencySpec;

/// K of `[consistency]` over the classes of the data.
pub(in crate::job::stage) struct Measure {
    kernel: Affinities,
    classes: usize,
}

/// Means over neurons.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(in crate::job::stage) struct Means {
    pub(in crate::job::stage) lc: f64,
    pub(in crate::job::stage) lc_adversarial: Option<f64>,
    pub(in crate::job::stage) cs1: Option<f64>,
}

impl Measure {
    /// Errors: a class without a noun.
    pub(in crate::job::stage) fn new(section: &ConsistencySpec, classes: &[Class]) -> Result<Self> {
        let nouns = build::nouns(section, classes)?;
        Ok(Self { kernel: kernel(section, &nouns, section.sigma), classes: classes.len() })
    }

    /// Of neurons whose images are of these classes, real and, where there are any, adversarial ones;
    /// those of the adversarial ones are their originals'. A neuron without images on a side that the
    /// others have is silent and left out. `None` where there is no other.
    pub(in crate::job::stage) fn means<'a>(
        &self,
        attacked: bool,
        neurons: impl IntoIterator<Item = [&'a [u32]; 2]>,
    ) -> Option<Means> {
        let (mut lc, mut of_adversarial, mut cs1) = (Vec::new(), Vec::new(), Vec::new());
        for [real, adversarial] in neurons {
            let share = |labels: &[u32]| shares(self.classes, labels.iter().copied());
            if real.is_empty() || (attacked && adversarial.is_empty()) {
                continue;
            }
            let p = share(real);
            lc.push(self.kernel.expected(&p));
            if attacked {
                let q = share(adversarial);
                of_adversarial.push(self.kernel.expected(&q));
                cs1.extend(cosine(&p, &q));
            }
        }
        let mean = |values: &[f64]| {
            let sum: f64 = values.iter().sum();
            (!values.is_empty()).then(|| sum / values.len() as f64)
        };
        Some(Means { lc: mean(&lc)?, lc_adversarial: mean(&of_adversarial), cs1: mean(&cs1) })
    }
}

/// K with some sigma.
pub(super) fn kernel(section: &ConsistencySpec, nouns: &Nouns, sigma: f64) -> Affinities {
    affinities(nouns.wordnet(), &nouns.of_class, build::affinity(section.kernel), sigma)
}

/// A.
pub(super) fn affinity(section: &ConsistencySpec, nouns: &Nouns) -> Affinities {
    let affinity = build::affinity(section.affinity);
    affinities(nouns.wordnet(), &nouns.of_class, affinity, section.sigma)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_class_is_as_consistent_as_can_be_and_two_far_ones_are_not() {
        let class = |name: &str| Class { name: name.into(), wnid: None };
        let classes = [class("dog"), class("cat"), class("airplane")];
        let measure = Measure::new(&ConsistencySpec::default(), &classes).unwrap();
        let of = |real: &[u32], adversarial: &[u32]| {
            measure.means(!adversarial.is_empty(), [[real, adversarial]]).unwrap()
        };
        let one = of(&[0, 0], &[0, 0, 0]);
        assert_eq!((one.lc, one.lc_adversarial), (1.0, Some(1.0)));
        assert!((one.cs1.unwrap() - 1.0).abs() < 1e-12);
        let (near, far) = (of(&[0, 1], &[]), of(&[0, 2], &[]));
        assert!(near.lc > far.lc && far.lc >= 0.5, "{near:?} {far:?}");
        assert_eq!((near.lc_adversarial, near.cs1), (None, None));
        assert_eq!(of(&[0], &[1]).cs1, Some(0.0));
        // A silent one changes nothing, on whichever side it is.
        let silent: [[&[u32]; 2]; 2] = [[&[0, 2], &[]], [&[], &[2]]];
        let some = [silent[0], [&[0, 0], &[0, 0, 0]], silent[1]];
        assert_eq!(measure.means(true, some), Some(one));
        assert_eq!(measure.means(true, silent), None);
    }
}

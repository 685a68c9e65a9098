//! What real images do in a layer (SCIENCE §7): the mean of each channel and of each class, the
//! classes that excite each neuron most, and the images' features, to find the nearest.
//!
//! φ(x) is the feature map of the layer, flattened: channel by channel, row by row.

use candle_core::{Tensor, bail};
use rayon::prelude::*;

use crate::error::{Error, Result};
use crate::neuron::consistency::shares;
use crate::neuron::top_set::{TopSets, share_of};
use crate::ops::vectorized;

/// The share of the reference images that describes a neuron (SCIENCE §4.2): its most exciting ones.
pub const TOP_SHARE: f64 = 0.01;

/// Bytes of features that are kept for nearest neighbours.
pub const MOST_BYTES: usize = 512 << 20;

/// Bytes that the class means may take; those of a layer that needs more are not gathered.
pub const MOST_MEANS: u64 = 2 << 30;

/// Bytes that the means of so many classes take in a layer of `shape`, `[neurons, height, width]`.
pub fn bytes_of_means(shape: [usize; 3], classes: usize) -> u64 {
    shape
        .into_iter()
        .chain([classes, size_of::<f32>()])
        .fold(1, |bytes: u64, count| bytes.saturating_mul(count as u64))
}

/// In the draw among images that excite a neuron alike.
const SALT: u64 = u64::from_le_bytes(*b"referenc");

/// Numbers that are added up side by side.
const LANES: usize = 16;

/// What the reference images, real ones with their true classes, do in a layer.
#[derive(Debug, Clone)]
pub struct Reference {
    /// How many there were.
    pub images: u64,
    /// The mean of each channel over positions and images, by neuron.
    pub means: Vec<f32>,
    /// p: the share of each class among the [`TOP_SHARE`] of the images that excite a neuron most, by
    /// neuron and class; all zero of a neuron that answers to all alike.
    pub p: Vec<Vec<f64>>,
    features: usize,
    counts: Vec<u64>,
    class_means: Vec<f32>,
    kept: Kept,
}

/// The features of some images, one after the other.
#[derive(Debug, Clone, Default)]
struct Kept {
    values: Vec<f32>,
    /// By class, the places of its images.
    of_class: Vec<Vec<usize>>,
    images: usize,
}

impl Reference {
    /// None seen yet. `shape` is `[neurons, height, width]` of the layer, `images` how many will be
    /// added at most. [`MOST_BYTES`] of features are kept.
    pub fn builder(shape: [usize; 3], classes: usize, images: usize) -> Builder {
        Builder::within(MOST_BYTES, shape, classes, images)
    }

    /// Classes of the network.
    pub fn classes(&self) -> usize {
        self.counts.len()
    }

    /// Numbers in φ.
    pub fn features(&self) -> usize {
        self.features
    }

    /// μ of a class, `[features]`: the mean of φ over its images. `None` if it has none.
    pub fn class_mean(&self, class: u32) -> Option<&[f32]> {
        let class = class as usize;
        (*self.counts.get(class)? > 0)
            .then(|| &self.class_means[class * self.features..][..self.features])
    }

    /// Classes that no image is of.
    pub fn missing(&self) -> usize {
        self.counts.iter().filter(|count| **count == 0).count()
    }

    /// Images whose features were kept: all, unless those would have taken more than
    /// [`MOST_BYTES`]; then as many as fit, taken evenly.
    pub fn kept(&self) -> usize {
        self.kept.images
    }

    /// ‖φ − μ_c‖ for each class c; `None` for one without images.
    pub fn distances(&self, phi: &[f32]) -> Vec<Option<f64>> {
        (0..self.classes() as u32)
            .map(|class| self.class_mean(class).map(|mean| distance(phi, mean)))
            .collect()
    }

    /// The distance of φ from the nearest kept image of a class; `None` if none was kept.
    pub fn nearest(&self, phi: &[f32], class: u32) -> Option<f64> {
        let of = |&place: &usize| {
            distance(phi, &self.kept.values[place * self.features..][..self.features])
        };
        self.kept.of_class.get(class as usize)?.iter().map(of).min_by(f64::total_cmp)
    }
}

/// Takes in reference images, a batch at a time.
#[derive(Debug)]
pub struct Builder {
    shape: [usize; 3],
    /// Kept are so many of so many that will come.
    keep: (usize, usize),
    labels: Vec<u32>,
    sums: Vec<f64>,
    tops: TopSets,
    counts: Vec<u64>,
    class_means: Vec<f32>,
    kept: Kept,
}

impl Builder {
    /// As [`Reference::builder`], with other `bytes` of features.
    fn within(bytes: usize, shape: [usize; 3], classes: usize, images: usize) -> Self {
        let [neurons, height, width] = shape;
        let features = neurons * height * width;
        let fit = bytes / (features * size_of::<f32>()).max(1);
        Self {
            shape,
            keep: (fit.min(images), images),
            labels: Vec::new(),
            sums: vec![0.0; neurons],
            tops: TopSets::new(0..neurons, share_of(TOP_SHARE, images), SALT),
            counts: vec![0; classes],
            class_means: vec![0.0; classes * features],
            kept: Kept { of_class: vec![Vec::new(); classes], ..Kept::default() },
        }
    }

    /// Adds the layer's maps `[batch, neurons, height, width]` of some images and their true classes.
    /// Errors: another shape, a class that the network does not have.
    pub fn add(&mut self, maps: &Tensor, labels: &[u32]) -> Result<()> {
        let [neurons, height, width] = self.shape;
        if maps.dims() != [labels.len(), neurons, height, width] {
            return Err(wrong(maps, self.shape, labels.len()));
        }
        let values: Vec<f32> = maps.flatten_all()?.to_vec1()?;
        let features = neurons * height * width;
        let classes = self.counts.len();
        if let Some(label) = labels.iter().find(|label| **label as usize >= classes) {
            return Err(Error::failed(format!(
                "a reference image is of class {label}, but the network has {classes} classes"
            )));
        }
        for (phi, &label) in values.chunks_exact(features.max(1)).zip(labels) {
            self.add_one(phi, label);
        }
        Ok(())
    }

    fn add_one(&mut self, phi: &[f32], label: u32) {
        let [neurons, height, width] = self.shape;
        let (features, place, class) = (phi.len(), self.labels.len(), label as usize);
        let mut maxima = vec![f32::NAN; neurons];
        for (neuron, map) in phi.chunks_exact((height * width).max(1)).enumerate() {
            self.sums[neuron] += map.iter().map(|&value| f64::from(value)).sum::<f64>();
            maxima[neuron] = map.iter().copied().fold(f32::NAN, f32::max);
        }
        self.tops.offer(place as u32, &maxima);
        self.labels.push(label);
        self.counts[class] += 1;
        // A running mean: no sum grows beyond what f32 tells apart.
        let share = 1.0 / self.counts[class] as f32;
        let mean = &mut self.class_means[class * features..][..features];
        vectorized(|| {
            for (mean, value) in mean.iter_mut().zip(phi) {
                *mean += (value - *mean) * share;
            }
        });
        let (keep, of) = self.keep;
        // Evenly over what comes: in a set sorted by class the first ones would be of few classes.
        if (place + 1) * keep / of.max(1) > place * keep / of.max(1) {
            self.kept.of_class[class].push(self.kept.images);
            self.kept.values.extend_from_slice(phi);
            self.kept.images += 1;
        }
    }

    /// All were added.
    pub fn finish(self) -> Reference {
        let [neurons, height, width] = self.shape;
        let classes = self.counts.len();
        let images = self.labels.len();
        let positions = (images * height * width).max(1) as f64;
        // Images that could not be read never came: the share is of those that did.
        let of_neuron = |places: Vec<u32>| {
            shares(
                classes,
                places.into_iter().filter_map(|at| self.labels.get(at as usize).copied()),
            )
        };
        let p: Vec<Vec<f64>> = self.tops.images().into_par_iter().map(of_neuron).collect();
        Reference {
            images: images as u64,
            means: self.sums.iter().map(|sum| (sum / positions) as f32).collect(),
            p,
            features: neurons * height * width,
            counts: self.counts,
            class_means: self.class_means,
            kept: self.kept,
        }
    }
}

fn wrong(maps: &Tensor, shape: [usize; 3], images: usize) -> Error {
    Error::failed(format!("maps of {:?} are no {images} maps of {shape:?}", maps.dims()))
}

/// φ of each image of a batch of maps `[batch, neurons, height, width]`.
pub fn flattened(maps: &Tensor) -> candle_core::Result<Vec<Vec<f32>>> {
    if maps.rank() != 4 {
        bail!("feature maps have four dimensions, not {:?}", maps.dims());
    }
    maps.flatten_from(1)?.to_vec2()
}

/// ‖a − b‖₂, added up in double precision.
pub fn distance(a: &[f32], b: &[f32]) -> f64 {
    vectorized(|| {
        let mut sums = [0.0_f64; LANES];
        let (left, right) = (a.chunks_exact(LANES), b.chunks_exact(LANES));
        let rest = left.remainder().iter().zip(right.remainder());
        let rest: f64 = rest.map(|(a, b)| (f64::from(*a) - f64::from(*b)).powi(2)).sum();
        for (left, right) in left.zip(right) {
            for ((sum, a), b) in sums.iter_mut().zip(left).zip(right) {
                *sum += (f64::from(*a) - f64::from(*b)).powi(2);
            }
        }
        (sums.iter().sum::<f64>() + rest).sqrt()
    })
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;

    /// Maps of two neurons of 1×2 each, one row an image.
    fn maps(rows: &[[f32; 4]]) -> Tensor {
        Tensor::from_vec(rows.concat(), (rows.len(), 2, 1, 2), &Device::Cpu).unwrap()
    }

    const SHAPE: [usize; 3] = [2, 1, 2];

    #[test]
    fn means_histograms_and_neighbours_are_those_of_the_images() {
        let mut builder = Reference::builder(SHAPE, 3, 4);
        builder.add(&maps(&[[1.0, 2.0, 0.0, 0.0], [3.0, 4.0, 0.0, 0.0]]), &[0, 0]).unwrap();
        builder.add(&maps(&[[0.0, 9.0, 0.0, 0.0], [1.0, 1.0, 0.0, 0.0]]), &[2, 2]).unwrap();
        let reference = builder.finish();
        assert_eq!((reference.images, reference.kept(), reference.missing()), (4, 4, 1));
        assert_eq!(reference.means, [21.0 / 8.0, 0.0]);
        assert_eq!(reference.class_mean(0), Some([2.0, 3.0, 0.0, 0.0].as_slice()));
        assert_eq!(reference.class_mean(1), None);
        assert_eq!(reference.class_mean(7), None);
        // The top 1 % of four is the one with the 9; the second neuron answers to nothing.
        assert_eq!(reference.p, [vec![0.0, 0.0, 1.0], vec![0.0; 3]]);
        assert_eq!(reference.nearest(&[3.0, 4.0, 3.0, 4.0], 0), Some(5.0));
        assert_eq!(reference.nearest(&[0.0; 4], 1), None);
        let distances = reference.distances(&[2.0, 3.0, 0.0, 2.0]);
        assert_eq!((distances[0], distances[1]), (Some(2.0), None));
    }

    #[test]
    fn what_does_not_fit_is_thinned_evenly() {
        // Room for three of ten.
        let mut builder = Builder::within(3 * 16 + 5, SHAPE, 10, 10);
        for at in 0..10_u8 {
            builder.add(&maps(&[[f32::from(at); 4]]), &[u32::from(at)]).unwrap();
        }
        let reference = builder.finish();
        assert_eq!(reference.kept(), 3);
        let kept: Vec<u32> =
            (0..10).filter(|&class| reference.nearest(&[0.0; 4], class).is_some()).collect();
        assert_eq!(kept, [3, 6, 9]);
        assert_eq!(reference.missing(), 0);
    }

    #[test]
    fn other_shapes_and_classes_are_refused() {
        let mut builder = Reference::builder(SHAPE, 3, 4);
        assert!(builder.add(&maps(&[[0.0; 4]]), &[3]).is_err());
        assert!(builder.add(&maps(&[[0.0; 4]]), &[1, 1]).is_err());
        let other = Tensor::zeros((1, 2, 2, 2), candle_core::DType::F32, &Device::Cpu).unwrap();
        assert!(builder.add(&other, &[0]).is_err());
        assert_eq!(builder.finish().images, 0);
    }

    #[test]
    fn a_distance_is_a_sum_of_squares_whatever_its_length() {
        for count in [0, 1, 15, 16, 17, 100] {
            let a: Vec<f32> = (0..count).map(|at| (at * 37 % 101) as f32 / 10.0).collect();
            let b: Vec<f32> = (0..count).map(|at| (at * 53 % 97) as f32 / 10.0).collect();
            let squares = a.iter().zip(&b).map(|(a, b)| (f64::from(*a) - f64::from(*b)).powi(2));
            assert!((distance(&a, &b) - squares.sum::<f64>().sqrt()).abs() < 1e-9);
        }
    }
}

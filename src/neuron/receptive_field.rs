//! The part of a picture that a position of a feature map can see: where to cut, when only that is to
//! be shown. Its geometry is the network's: [`crate::model::Model::receptive_field`].

use std::ops::Range;

pub use crate::model::ReceptiveField;

/// Rows and columns of the pixels that `position` (row and column in the feature map) sees of a
/// picture of `size` (height and width): its square, as far as it lies inside. Empty for a position
/// that sees nothing but padding.
pub fn window(field: ReceptiveField, position: [usize; 2], size: [usize; 2]) -> [Range<usize>; 2] {
    let along = |axis: usize| {
        let centre = field.start + position[axis] as f64 * field.stride as f64;
        let half = field.size as f64 / 2.0;
        // Rounds to nothing: a square ends on the edges of pixels. What is below 0 becomes 0.
        let inside = |edge: f64| (edge.round() as usize).min(size[axis]);
        inside(centre - half)..inside(centre + half)
    };
    [along(0), along(1)]
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;
    use crate::model::{Arch, ModelConfig, build};

    #[test]
    fn a_window_is_the_square_inside_the_picture() {
        let field = ReceptiveField { size: 7, stride: 4, start: 1.5 };
        assert_eq!(window(field, [0, 1], [20, 20]), [0..5, 2..9]);
        assert_eq!(window(field, [4, 9], [20, 20]), [14..20, 20..20]);
    }

    #[test]
    fn every_position_of_a_networks_maps_sees_some_of_the_picture() {
        let model = build(Arch::Resnet20, ModelConfig::plain(3, 3, 32), &Device::Cpu).unwrap();
        for tap in model.taps() {
            let field = model.receptive_field(&tap.name).unwrap();
            let [_, height, width] = tap.shape;
            let mut columns = [false; 32];
            for x in 0..width {
                let [rows, seen] = window(field, [height - 1, x], [32, 32]);
                assert!(!rows.is_empty() && !seen.is_empty(), "{}", tap.name);
                columns[seen].fill(true);
            }
            assert!(columns.iter().all(|seen| *seen), "{}", tap.name);
        }
    }
}

//! The labelled images of `[dissect]`, as the run's network takes them.

use std::path::Path;
use std::sync::Arc;

use crate::data::labelled::{Concept, Labelled, Labels, open_broden, shapes};
use crate::data::{Class, Dataset, Example};
use crate::error::{Error, Result};
use crate::spec::{DissectSpec, LabelledFormat, Spec};

/// Opens them. `spec` is resolved. Errors: a folder that is none of Broden's, or without images.
pub fn labelled(spec: &Spec, section: &DissectSpec) -> Result<Arc<dyn Labelled>> {
    let unresolved = || Error::bad_input("the spec is not resolved: a key of [model] is missing");
    let side = spec.data.image_size.ok_or_else(unresolved)?;
    let channels = spec.model.mean.as_ref().ok_or_else(unresolved)?.len();
    let data = &section.data;
    let opened: Arc<dyn Labelled> = match data.format {
        LabelledFormat::Broden => {
            let path = data.path.as_deref().ok_or_else(|| {
                Error::bad_input("dissect.data.path is missing, and broden needs one")
            })?;
            Arc::new(open_broden(Path::new(path), side, channels, data.limit)?)
        }
        LabelledFormat::Shapes => {
            let all = spec.data.test_images;
            let images = if data.limit == 0 { all } else { data.limit.min(all) };
            Arc::new(shapes(spec.seed, images, side))
        }
    };
    if opened.is_empty() {
        return Err(Error::bad_input("dissect.data has no image")
            .hint("of shapes there are data.test_images; dissect.data.limit = 0 takes all"));
    }
    match (opened.shape()[0], channels) {
        (have, want) if have == want => Ok(opened),
        (3, 1) => Ok(Arc::new(Grey(opened))),
        (have, want) => Err(Error::bad_input(format!(
            "dissect.data: its images have {have} channels, but the network takes {want}"
        ))
        .hint("networks of 1 and of 3 channels can be dissected")),
    }
}

/// Colour pictures for a network that takes grey ones.
struct Grey(Arc<dyn Labelled>);

impl Dataset for Grey {
    fn len(&self) -> usize {
        self.0.len()
    }

    fn example(&self, index: usize) -> Result<Example> {
        let Example { pixels, label } = self.0.example(index)?;
        Ok(Example { pixels: luma(&pixels), label })
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
        let [_, height, width] = self.0.shape();
        [1, height, width]
    }
}

impl Labelled for Grey {
    fn categories(&self) -> &[String] {
        self.0.categories()
    }

    fn concepts(&self) -> &[Concept] {
        self.0.concepts()
    }

    fn labels(&self, index: usize) -> Result<Labels> {
        self.0.labels(index)
    }
}

/// `[3, height, width]` → `[height, width]` by the weights of ITU-R BT.601, as Pillow's `L` has them.
fn luma(pixels: &[u8]) -> Vec<u8> {
    let area = pixels.len() / 3;
    let (red, rest) = pixels.split_at(area);
    let (green, blue) = rest.split_at(area);
    let level = |((red, green), blue): ((&u8, &u8), &u8)| {
        let sum = 19_595 * u32::from(*red) + 38_470 * u32::from(*green) + 7_471 * u32::from(*blue);
        ((sum + 0x8000) >> 16) as u8
    };
    red.iter().zip(green).zip(blue).map(level).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(text: &str) -> Spec {
        let mut spec = crate::spec::Document::parse("test", text).unwrap().spec().unwrap();
        spec.data.image_size = Some(32);
        spec
    }

    #[test]
    fn shapes_come_in_the_networks_size_and_channels() {
        let mut spec = spec("[data]\ntest_images = 6\n[dissect]\ndata = { limit = 4 }\n");
        let section = spec.dissect.clone().unwrap();
        for channels in [1, 3] {
            spec.model.mean = Some(vec![0.5; channels]);
            let data = labelled(&spec, &section).unwrap();
            assert_eq!((data.len(), data.shape()), (4, [channels, 32, 32]));
            assert_eq!(data.example(3).unwrap().pixels.len(), channels * 32 * 32);
            assert_eq!(data.categories().len(), 6);
            assert!(!data.labels(3).unwrap().maps.is_empty());
        }
        spec.model.mean = Some(vec![0.5; 4]);
        let error = labelled(&spec, &section).err().unwrap();
        assert_eq!(error.exit_code(), 2);
        assert!(error.message.contains("takes 4"), "{}", error.message);
    }

    /// `PIL.Image.fromarray(rgb).convert("L")`
    #[test]
    fn grey_is_pillows() {
        assert_eq!(luma(&[255, 0, 0, 10, 0, 255, 0, 200, 0, 0, 255, 90]), [76, 150, 29, 131]);
    }
}

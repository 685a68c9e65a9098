//! The scenes of the test split as labelled data: every pixel's concepts in all six categories.

use super::{Category, Shapes, Split, concepts};
use crate::data::labelled::{Concept, Labelled, Labels};
use crate::data::{Class, Dataset, Example};
use crate::error::{Error, Result};

/// Scenes with their labels. The place a scene shows labels the whole image.
#[derive(Debug, Clone)]
pub struct LabelledShapes {
    shapes: Shapes,
    categories: Vec<String>,
    concepts: Vec<Concept>,
}

/// The first `images` scenes of the test split, drawn and labelled with `side` × `side` pixels.
pub fn labelled(seed: u64, images: usize, side: usize) -> LabelledShapes {
    let concept = |concept: &super::Concept| Concept {
        number: concept.number,
        name: concept.name.to_owned(),
        category: concept.category as usize,
    };
    LabelledShapes {
        shapes: Shapes::new(seed, Split::Test, images).with_image_size(side),
        categories: Category::ALL.map(|category| category.name().to_owned()).to_vec(),
        concepts: concepts().iter().map(concept).collect(),
    }
}

impl Dataset for LabelledShapes {
    fn len(&self) -> usize {
        self.shapes.len()
    }
    fn example(&self, index: usize) -> Result<Example> {
        self.shapes.example(index)
    }
    fn label(&self, index: usize) -> u32 {
        self.shapes.label(index)
    }
    fn name(&self, index: usize) -> String {
        self.shapes.name(index)
    }
    fn classes(&self) -> &[Class] {
        self.shapes.classes()
    }
    fn shape(&self) -> [usize; 3] {
        self.shapes.shape()
    }
}

impl Labelled for LabelledShapes {
    fn categories(&self) -> &[String] {
        &self.categories
    }

    fn concepts(&self) -> &[Concept] {
        &self.concepts
    }

    fn labels(&self, index: usize) -> Result<Labels> {
        if index >= self.len() {
            return Err(Error::failed(format!("there is no image {index} of {}", self.len())));
        }
        let maps = self.shapes.scene(index).labels;
        let scene = maps.map(Category::Scene).first().copied().unwrap_or(0);
        let of_pixels = Category::ALL.into_iter().filter(|&category| category != Category::Scene);
        Ok(Labels {
            height: maps.height,
            width: maps.width,
            whole: vec![(Category::Scene as usize, scene)],
            maps: of_pixels.map(|of| (of as usize, maps.map(of).to_vec())).collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_those_of_the_scene_and_its_place_is_one_of_the_whole_image() {
        let data = labelled(3, 8, 48);
        let plain = Shapes::new(3, Split::Test, 8).with_image_size(48);
        assert_eq!(data.categories(), ["color", "texture", "material", "scene", "part", "object"]);
        for (at, concept) in data.concepts().iter().enumerate() {
            assert_eq!(usize::from(concept.number), at + 1);
        }
        for index in 0..data.len() {
            let (labels, scene) = (data.labels(index).unwrap(), plain.scene(index));
            assert_eq!(data.example(index).unwrap().pixels, scene.pixels);
            assert_eq!((labels.height, labels.width, labels.maps.len()), (48, 48, 5));
            let &[(category, place)] = &labels.whole[..] else { panic!("{:?}", labels.whole) };
            assert_eq!(data.categories()[category], "scene");
            assert_eq!(scene.labels.area(place), 48 * 48);
            for (category, map) in &labels.maps {
                assert_eq!(map, scene.labels.map(Category::ALL[*category]));
                for &number in map.iter().filter(|&&number| number > 0) {
                    assert_eq!(data.concepts()[usize::from(number) - 1].category, *category);
                }
            }
        }
        assert!(data.labels(8).is_err());
    }
}

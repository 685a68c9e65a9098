//! Level and consistency by WordNet, as `consistency_wordnet.py` computed them with NumPy from
//! WordNet's own file.

use glassbox::data::wordnet::{Synset, WordNet};
use glassbox::data::{
    Dataset,
    shapes::{Shapes, Split},
};
use glassbox::neuron::consistency::{Affinities, Affinity, affinities, chance, cosine, shares};

use super::Fixture;

/// Both are double precision; sums of 50 products in another order.
const ALLOWED: f64 = 1e-12;

const AFFINITIES: [(&str, Affinity, f64); 8] = [
    ("wu-palmer", Affinity::WuPalmer, 1.0),
    ("path", Affinity::Path, 1.0),
    ("gaussian.1", Affinity::Gaussian, 1.0),
    ("gaussian.2", Affinity::Gaussian, 2.0),
    ("gaussian.3", Affinity::Gaussian, 3.0),
    ("exponential.1", Affinity::Exponential, 1.0),
    ("exponential.2", Affinity::Exponential, 2.0),
    ("exponential.3", Affinity::Exponential, 3.0),
];

/// A set of classes and neurons.
struct Set {
    classes: Vec<Synset>,
    /// Shares of each neuron's images by their classes: real, originals of the adversarial, targets.
    sides: [Vec<Vec<f64>>; 3],
}

impl Set {
    fn read(fixture: &Fixture, name: &str) -> Self {
        let wnids = fixture.get(&format!("{name}.classes")).to_vec1::<u32>().unwrap();
        let noun = |offset: &u32| WordNet::embedded().synset(&format!("n{offset:08}")).unwrap();
        let classes: Vec<Synset> = wnids.iter().map(noun).collect();
        let sides = ["real", "original", "target"].map(|side| {
            let rows = fixture.get(&format!("{name}.{side}")).to_vec2::<u32>().unwrap();
            rows.into_iter().map(|labels| shares(classes.len(), labels)).collect()
        });
        Self { classes, sides }
    }

    fn made(&self, affinity: Affinity, sigma: f64) -> Affinities {
        affinities(WordNet::embedded(), &self.classes, affinity, sigma)
    }
}

#[track_caller]
fn assert_same(what: &str, ours: impl Iterator<Item = f64>, theirs: &[f64]) {
    let ours: Vec<f64> = ours.collect();
    assert_eq!(ours.len(), theirs.len(), "{what}");
    let off = ours.iter().zip(theirs).map(|(ours, theirs)| (ours - theirs).abs());
    let off = off.fold(0.0, f64::max);
    println!("{what}: {} values, off by {off:.1e} at most", theirs.len());
    assert!(off <= ALLOWED, "{what}: off by {off:e}");
    assert!(theirs.iter().any(|value| *value > 0.0), "{what}: nothing to compare");
}

#[test]
fn level_and_consistency_are_numpys() {
    let fixture = Fixture::read("consistency_wordnet.safetensors");
    for (name, classes, neurons) in [("shapes", 16, 12), ("few", 24, 12), ("imagenet", 1000, 18)] {
        let set = Set::read(&fixture, name);
        assert_eq!((set.classes.len(), set.sides[0].len()), (classes, neurons));
        for (affinity, which, sigma) in AFFINITIES {
            let made = set.made(which, sigma);
            for (side, suffix) in set.sides.iter().zip(["expected", "expected_adversarial"]) {
                let what = format!("{name}.{affinity}.{suffix}");
                let theirs = fixture.get(&what).to_vec1::<f64>().unwrap();
                assert_same(&what, side.iter().map(|p| made.expected(p)), &theirs);
            }
            let what = format!("{name}.{affinity}.between");
            assert_eq!(fixture.has(&what), classes < 100);
            if fixture.has(&what) {
                let theirs = fixture.get(&what).flatten_all().unwrap().to_vec1::<f64>().unwrap();
                let pairs = (0..classes).flat_map(|a| (0..classes).map(move |b| (a, b)));
                assert_same(&what, pairs.map(|(a, b)| made.between(a, b)), &theirs);
            }
        }
    }
}

#[test]
fn both_cosines_and_chance_are_numpys() {
    let fixture = Fixture::read("consistency_wordnet.safetensors");
    for name in ["shapes", "few", "imagenet"] {
        let [real, original, target] = Set::read(&fixture, name).sides;
        let theirs = |what: &str| fixture.get(&format!("{name}.{what}")).to_vec1::<f64>().unwrap();
        let cosines = |others: &[Vec<f64>]| -> Vec<f64> {
            real.iter().zip(others).map(|(p, other)| cosine(p, other).unwrap()).collect()
        };
        assert_same(&format!("{name} CS1"), cosines(&original).into_iter(), &theirs("cs1"));
        assert_same(&format!("{name} CS2"), cosines(&target).into_iter(), &theirs("cs2"));
        assert_same(&format!("{name} chance"), real.iter().map(|p| chance(p)), &theirs("chance"));
    }
}

#[test]
fn the_fixture_has_the_classes_of_shapes() {
    let fixture = Fixture::read("consistency_wordnet.safetensors");
    let theirs = fixture.get("shapes.classes").to_vec1::<u32>().unwrap();
    let shapes = Shapes::new(0, Split::Test, 1);
    let ours = shapes.classes().iter().map(|class| class.wnid.clone().unwrap());
    assert!(ours.eq(theirs.iter().map(|offset| format!("n{offset:08}"))));
}

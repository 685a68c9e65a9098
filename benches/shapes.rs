//! How fast the embedded data set is drawn, on one core: it must never slow training.

use divan::Bencher;
use divan::counter::ItemsCount;
use glassbox::data::Dataset;
use glassbox::data::shapes::{Shapes, Split};

fn main() {
    divan::main();
}

/// Pictures alone, as training asks for them.
#[divan::bench]
fn example(bencher: Bencher) {
    let shapes = Shapes::new(1, Split::Train, 256);
    bencher
        .counter(ItemsCount::new(shapes.len()))
        .bench(|| (0..shapes.len()).map(|i| shapes.example(i).map_or(0, |e| e.pixels[0])).max());
}

/// Pictures with all label maps, as dissection asks for them.
#[divan::bench]
fn scene(bencher: Bencher) {
    let shapes = Shapes::new(1, Split::Train, 256);
    bencher
        .counter(ItemsCount::new(shapes.len()))
        .bench(|| (0..shapes.len()).map(|i| shapes.scene(i).pixels[0]).max());
}

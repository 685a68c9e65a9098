//! Tests of the loader: order, completeness, damage, panics, being dropped.

use std::sync::atomic::AtomicUsize;
use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::data::{Class, Example};

/// Image `i` is filled with `i % 251` and labelled `i % 7`; some are broken.
#[derive(Default)]
struct Numbers {
    len: usize,
    broken: Vec<usize>,
    panics_at: Option<usize>,
    slow: bool,
    asked: AtomicUsize,
}

const SHAPE: [usize; 3] = [3, 4, 4];

impl Dataset for Numbers {
    fn len(&self) -> usize {
        self.len
    }
    fn example(&self, index: usize) -> Result<Example> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        if self.slow {
            // Some batches take longer, so that they are finished out of order.
            thread::sleep(Duration::from_millis(if index.is_multiple_of(5) { 8 } else { 1 }));
        }
        assert_ne!(self.panics_at, Some(index), "index {index}\x1b[31m");
        if self.broken.contains(&index) {
            return Err(Error::bad_input(format!("'{index}.png' is damaged")));
        }
        Ok(Example { pixels: vec![(index % 251) as u8; 48], label: self.label(index) })
    }
    fn label(&self, index: usize) -> u32 {
        (index % 7) as u32
    }
    fn name(&self, index: usize) -> String {
        format!("{index}.png")
    }
    fn classes(&self) -> &[Class] {
        &[]
    }
    fn shape(&self) -> [usize; 3] {
        SHAPE
    }
}

fn numbers(len: usize) -> Numbers {
    Numbers { len, ..Numbers::default() }
}

fn config(dataset: Numbers, batch_size: usize, workers: usize) -> LoaderConfig {
    LoaderConfig { workers, ..LoaderConfig::new(Arc::new(dataset), batch_size) }
}

fn indices(config: LoaderConfig) -> Vec<Vec<usize>> {
    Loader::new(config).unwrap().map(|batch| batch.unwrap().indices).collect()
}

fn pixels(config: LoaderConfig) -> Vec<Vec<f32>> {
    Loader::new(config)
        .unwrap()
        .map(|batch| batch.unwrap().images.flatten_all().unwrap().to_vec1().unwrap())
        .collect()
}

#[test]
fn batches_come_in_order_though_finished_out_of_order() {
    let dataset = Numbers { slow: true, ..numbers(23) };
    let found = indices(config(dataset, 2, 4));
    let expected: Vec<Vec<usize>> =
        (0..23).collect::<Vec<_>>().chunks(2).map(<[usize]>::to_vec).collect();
    assert_eq!(found, expected);
}

#[test]
fn a_batch_holds_pixels_from_0_to_1_and_labels() {
    let batch = Loader::new(config(numbers(10), 10, 1)).unwrap().next().unwrap().unwrap();
    assert_eq!(batch.images.dims(), [10, 3, 4, 4]);
    assert_eq!(batch.labels.to_vec1::<u32>().unwrap(), [0, 1, 2, 3, 4, 5, 6, 0, 1, 2]);
    let images: Vec<f32> = batch.images.flatten_all().unwrap().to_vec1().unwrap();
    assert_eq!(images[48 * 9], 9.0 / 255.0);
}

#[test]
fn augmented_batches_do_not_depend_on_the_number_of_threads() {
    let made = |workers, epoch| {
        let mut config = config(numbers(40), 3, workers);
        config.augment = vec![Augmentation::RandomCrop, Augmentation::HorizontalFlip];
        config.order = epoch_order(40, 9, epoch, true);
        (config.seed, config.epoch) = (9, epoch);
        // A side of 4 is too small to be shifted; what is compared is order and content.
        pixels(config)
    };
    assert_eq!(made(1, 0), made(5, 0));
    assert_ne!(made(1, 0), made(1, 1));
}

#[test]
fn going_on_at_a_batch_equals_not_having_stopped() {
    let whole = indices(config(numbers(20), 3, 2));
    let mut loader = Loader::new(config(numbers(20), 3, 2)).unwrap();
    loader.next();
    loader.next();
    let start_batch = loader.position();
    assert_eq!(start_batch, 2);
    let rest = indices(LoaderConfig { start_batch, ..config(numbers(20), 3, 2) });
    assert_eq!(rest, whole[2..]);
    assert!(indices(LoaderConfig { start_batch: 99, ..config(numbers(20), 3, 2) }).is_empty());
}

#[test]
fn damaged_images_are_left_out_counted_once_and_named() {
    let dataset = Arc::new(Numbers { broken: vec![1, 4, 5, 6, 7], ..numbers(10) });
    let damage: Arc<DamageReport> = Arc::default();
    for _ in 0..2 {
        let found = indices(LoaderConfig {
            on_damaged: OnDamaged::Skip,
            damage: Arc::clone(&damage),
            workers: 1,
            ..LoaderConfig::new(Arc::clone(&dataset) as Arc<dyn Dataset>, 4)
        });
        assert_eq!(found, [vec![0, 2, 3], vec![8, 9]]); // the batch between is empty
    }
    assert_eq!(damage.count(), 5);
    let first = damage.first().swap_remove(0);
    assert_eq!((&*first.name, &*first.reason), ("1.png", "'1.png' is damaged"));
}

#[test]
fn a_damaged_image_may_be_fatal() {
    let mut loader =
        Loader::new(config(Numbers { broken: vec![5], ..numbers(100) }, 2, 3)).unwrap();
    assert!(loader.next().unwrap().is_ok() && loader.next().unwrap().is_ok());
    assert_eq!(loader.next().unwrap().unwrap_err().message, "'5.png' is damaged");
    assert!(loader.next().is_none());
}

#[test]
fn nothing_readable_is_an_error_not_an_empty_epoch() {
    let dataset = Numbers { broken: (0..6).collect(), ..numbers(6) };
    let mut loader =
        Loader::new(LoaderConfig { on_damaged: OnDamaged::Skip, ..config(dataset, 4, 1) }).unwrap();
    let error = loader.next().unwrap().unwrap_err();
    assert_eq!(error.message, "none of the 6 images could be read: '0.png' is damaged");
    assert!(loader.next().is_none());
}

#[test]
fn a_panic_becomes_an_error() {
    let dataset = Numbers { panics_at: Some(3), ..numbers(8) };
    let mut loader = Loader::new(config(dataset, 2, 2)).unwrap();
    assert!(loader.next().unwrap().is_ok());
    let message = loader.next().unwrap().unwrap_err().message;
    assert!(message.contains("broke down") && message.contains("index 3"), "{message}");
    assert!(!message.contains('\x1b'));
    assert!(loader.next().is_none());
}

#[test]
fn threads_run_only_a_few_batches_ahead() {
    let dataset = Arc::new(numbers(1000));
    let config =
        LoaderConfig { workers: 2, ..LoaderConfig::new(Arc::clone(&dataset) as Arc<_>, 10) };
    let mut loader = Loader::new(config).unwrap();
    loader.next();
    thread::sleep(Duration::from_millis(100));
    let asked = dataset.asked.load(Ordering::SeqCst);
    assert!(asked <= 40, "{asked} images for one batch taken and three ahead");
}

#[test]
fn dropping_it_ends_its_threads() {
    let dataset = Arc::new(Numbers { slow: true, ..numbers(100_000) });
    let config =
        LoaderConfig { workers: 4, ..LoaderConfig::new(Arc::clone(&dataset) as Arc<_>, 1000) };
    let loader = Loader::new(config).unwrap();
    while dataset.asked.load(Ordering::SeqCst) < 8 {
        thread::yield_now();
    }
    drop(loader);
    // Its threads are gone when the drop returns, and with them their hold on the data.
    assert_eq!(Arc::strong_count(&dataset), 1);
    assert!(dataset.asked.load(Ordering::SeqCst) < 1000);
}

#[test]
fn no_images_make_no_batches_and_a_batch_of_none_is_refused() {
    assert!(indices(config(numbers(0), 4, 0)).is_empty());
    assert!(Loader::new(config(numbers(3), 0, 0)).is_err());
}

#[test]
fn orders_are_permutations_that_differ_by_seed_and_epoch() {
    assert_eq!(epoch_order(4, 1, 1, false), [0, 1, 2, 3]);
    let order = epoch_order(100, 1, 1, true);
    assert_eq!(order, epoch_order(100, 1, 1, true));
    assert_ne!(order, epoch_order(100, 2, 1, true));
    assert_ne!(order, epoch_order(100, 1, 2, true));
    let mut sorted = order;
    sorted.sort_unstable();
    assert_eq!(sorted, epoch_order(100, 1, 1, false));
}

/// As this code first drew it: whoever resumes a run with another build gets the same order.
#[test]
fn the_order_is_the_same_in_every_build() {
    assert_eq!(epoch_order(8, 1, 0, true), [4, 6, 0, 3, 7, 2, 5, 1]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn each_index_comes_exactly_once(
        len in 0_usize..200, batch_size in 1_usize..40, workers in 0_usize..6, seed: u64,
    ) {
        let order = epoch_order(len, seed, 0, true);
        let mut config = config(numbers(len), batch_size, workers);
        config.order.clone_from(&order);
        let found = indices(config);
        prop_assert_eq!(found.len(), len.div_ceil(batch_size));
        prop_assert_eq!(found.concat(), order);
    }
}

/// Black images of which every part is white.
struct Parts(Numbers);

impl Dataset for Parts {
    fn len(&self) -> usize {
        self.0.len
    }
    fn example(&self, _: usize) -> Result<Example> {
        Ok(Example { pixels: vec![0; 48], label: 0 })
    }
    fn part(
        &self,
        _: usize,
        choose: &mut dyn FnMut(usize, usize) -> crate::data::Part,
    ) -> Result<Option<Example>> {
        let part = choose(30, 40);
        assert!(part.top + part.rows <= 30 && part.left + part.columns <= 40);
        Ok(Some(Example { pixels: vec![255; 48], label: 0 }))
    }
    fn label(&self, _: usize) -> u32 {
        0
    }
    fn name(&self, index: usize) -> String {
        self.0.name(index)
    }
    fn classes(&self) -> &[Class] {
        &[]
    }
    fn shape(&self) -> [usize; 3] {
        SHAPE
    }
}

#[test]
fn parts_come_from_the_stored_picture_where_nothing_but_a_flip_is_before_them() {
    use Augmentation::{HorizontalFlip, RandomCrop, RandomResizedCrop};
    for (augment, white) in [
        (vec![RandomResizedCrop, HorizontalFlip], true),
        (vec![HorizontalFlip, RandomResizedCrop], true),
        (vec![RandomCrop, RandomResizedCrop], false),
        (vec![HorizontalFlip], false),
        (vec![], false),
    ] {
        let dataset = Arc::new(Parts(numbers(4)));
        let config = LoaderConfig { augment: augment.clone(), ..LoaderConfig::new(dataset, 4) };
        let expected = if white { 1.0 } else { 0.0 };
        assert!(pixels(config)[0].iter().all(|pixel| *pixel == expected), "{augment:?}");
    }
}

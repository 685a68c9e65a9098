//! Pictures on the screen: decoded on a thread of their own, kept in a bounded cache, encoded on
//! another thread for what the terminal can draw, and sent bit by bit. Nothing here waits for a file
//! while a frame is drawn, or for the terminal.
//!
//! [`protocol`] decides the way, [`stage`] knows what is where, [`kitty`], [`sixel`] and [`iterm2`]
//! write the bytes, [`halfblock`] is right everywhere.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

pub mod decoder;
pub mod encoder;
pub mod halfblock;
pub mod iterm2;
pub mod kitty;
pub mod overlay;
pub mod protocol;
pub mod scale;
pub mod sixel;
pub mod stage;
mod work;

pub use crate::report::raster::Raster as Picture;

/// A picture that a screen wants.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Request {
    /// A file as it is.
    File(PathBuf),
    /// What an attack changed, made visible: grey is no change, and a change of one level of 255
    /// moves a pixel by `gain` levels.
    Difference {
        /// The file before.
        original: PathBuf,
        /// The file after, of the same size.
        adversarial: PathBuf,
        /// How many times as large as it is; [`gain_for`] finds one.
        gain: u16,
    },
    /// A picture with what drives a neuron in it made visible.
    Region {
        /// The picture.
        picture: PathBuf,
        /// The neuron's strip (see `run::results::neurons::Strip`).
        strip: PathBuf,
        /// Which tile of it, from the left.
        tile: usize,
        /// How.
        look: overlay::Look,
    },
    /// A labelled picture with what a neuron makes of it laid over.
    Labelled {
        /// The picture.
        picture: PathBuf,
        /// The neuron's outlines (see `run::results::dissect::Outlines`).
        outlines: PathBuf,
        /// Which tile of them, from the left.
        tile: usize,
        /// What.
        marks: overlay::Marks,
    },
    /// A tile of a strip by itself: the map, in colours from dark violet (smallest) to yellow.
    Map {
        /// The neuron's strip.
        strip: PathBuf,
        /// Which tile of it, from the left.
        tile: usize,
    },
}

/// What became of a request: the picture, or why there is none.
pub type Decoded = Result<Arc<Picture>, String>;

/// The answer to a [`Request`].
#[derive(Debug, Clone)]
pub struct Loaded {
    /// What was asked for.
    pub request: Request,
    /// The pixels, or why there are none.
    pub picture: Decoded,
}

/// The largest power of two by which a change of at most `linf` levels can be multiplied and still
/// be told apart from a larger one: 32 for 4 levels.
pub fn gain_for(linf: f64) -> u16 {
    const MOST: u16 = 64;
    let mut gain = MOST;
    while gain > 1 && f64::from(gain) * linf > 128.0 {
        gain /= 2;
    }
    gain
}

// 64 MiB of pixels: 5,000 pictures of 64×64, or 400 of 224×224.
const MOST_BYTES: usize = 64 << 20;

/// Pictures that were decoded, least recently wanted ones dropped first.
#[derive(Debug, Default)]
pub struct Cache {
    entries: HashMap<Request, Entry>,
    bytes: usize,
    clock: u64,
}

#[derive(Debug)]
struct Entry {
    picture: Decoded,
    wanted: u64,
}

impl Entry {
    fn bytes(&self) -> usize {
        // A failure is not free either, or a folder of broken files would grow without bound.
        self.picture.as_ref().map_or(256, |picture| picture.pixels.len() * 3 + 256)
    }
}

impl Cache {
    /// What became of a request; `None` while it was not decoded yet.
    pub fn get(&self, request: &Request) -> Option<&Decoded> {
        self.entries.get(request).map(|entry| &entry.picture)
    }

    /// Says what is on the screen now; answers what of it must be decoded.
    pub fn want(&mut self, visible: &[Request]) -> Vec<Request> {
        self.clock += 1;
        let mut missing: Vec<Request> = Vec::new();
        for request in visible {
            match self.entries.get_mut(request) {
                Some(entry) => entry.wanted = self.clock,
                None if missing.contains(request) => {}
                None => missing.push(request.clone()),
            }
        }
        missing
    }

    /// Takes in what came and drops what has not been wanted for longest.
    pub fn put(&mut self, Loaded { request, picture }: Loaded) {
        let entry = Entry { picture, wanted: self.clock };
        self.bytes += entry.bytes();
        if let Some(old) = self.entries.insert(request, entry) {
            self.bytes -= old.bytes();
        }
        while self.bytes > MOST_BYTES {
            let oldest = self.entries.iter().min_by_key(|(_, entry)| entry.wanted);
            let Some(oldest) = oldest.map(|(request, _)| request.clone()) else { return };
            if let Some(entry) = self.entries.remove(&oldest) {
                self.bytes -= entry.bytes();
            }
        }
    }

    /// Forgets everything: the files may have changed.
    pub fn clear(&mut self) {
        *self = Self { clock: self.clock, ..Self::default() };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(index: usize) -> Request {
        Request::File(PathBuf::from(format!("{index}.png")))
    }

    #[test]
    fn stays_bounded_and_keeps_what_is_on_the_screen() {
        let mut cache = Cache::default();
        let side = 1 << 20;
        for index in 0..200 {
            assert!(cache.want(&[request(0), request(index)]).contains(&request(index)));
            let picture = Picture { width: side, height: 1, pixels: vec![[0; 3]; side] };
            cache.put(Loaded { request: request(index), picture: Ok(Arc::new(picture)) });
            assert!(cache.bytes <= MOST_BYTES);
        }
        assert!(cache.get(&request(0)).is_some());
        assert!(cache.get(&request(199)).is_some());
        assert!(cache.get(&request(100)).is_none());
        cache.clear();
        assert_eq!((cache.bytes, cache.entries.len()), (0, 0));
    }

    #[test]
    fn the_gain_shows_as_much_as_fits() {
        assert_eq!(
            [0.0, 0.5, 2.0, 4.0, 5.0, 8.0, 200.0].map(gain_for),
            [64, 64, 64, 32, 16, 16, 1]
        );
    }

    #[test]
    fn a_file_is_asked_for_once() {
        let mut cache = Cache::default();
        assert_eq!(cache.want(&[request(1), request(1)]), [request(1)]);
        cache.put(Loaded { request: request(1), picture: Err("missing".into()) });
        assert!(cache.want(&[request(1)]).is_empty());
        assert!(matches!(cache.get(&request(1)), Some(Err(_))));
    }
}

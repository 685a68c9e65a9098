//! Brings pictures into the form and size in which the terminal takes them, on a thread of its own.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::{ExtendedColorType, ImageEncoder};

use super::protocol::{Protocol, Route};
use super::work::WorkList;
use super::{Picture, iterm2, scale, sixel};

/// A picture in a size: what is encoded once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key {
    /// Where the picture lies in memory. Whoever keeps a key keeps that place from being used again.
    pub(super) address: usize,
    /// Cells across.
    pub columns: u16,
    /// Cells down.
    pub rows: u16,
}

/// What is to be encoded.
#[derive(Debug, Clone)]
pub struct Job {
    /// Under which name the result comes back.
    pub key: Key,
    /// The pixels.
    pub picture: Arc<Picture>,
    /// For whom.
    pub route: Route,
}

/// The result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Encoded {
    /// Of what.
    pub key: Key,
    /// The same, so that its place in memory is not another's before the result has arrived.
    pub picture: Arc<Picture>,
    /// For whom.
    pub route: Route,
    /// The bytes; `None` where it could not be encoded.
    pub data: Option<Data>,
}

/// Bytes for the terminal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Data {
    /// A file, still to be cut in pieces.
    Png(Vec<u8>),
    /// A whole escape sequence.
    Sequence(String),
}

/// The thread. Dropping it ends the work.
#[derive(Debug)]
pub struct Encoder {
    list: WorkList<Job>,
}

impl Encoder {
    /// Starts the thread; `done` is called on it with every result.
    pub fn start(done: impl Fn(Encoded) + Send + 'static) -> std::io::Result<Self> {
        let list = WorkList::start("encoder", move |job: Job| {
            // A picture over which an encoder breaks down must not end all others.
            let data = catch_unwind(AssertUnwindSafe(|| encode(&job))).ok().flatten();
            done(Encoded { key: job.key, picture: job.picture, route: job.route, data });
        })?;
        Ok(Self { list })
    }

    /// Replaces the work to do. Encoded in this order.
    pub fn want(&self, jobs: Vec<Job>) {
        self.list.replace(jobs);
    }
}

/// Encodes one; `None` for half-blocks, which are drawn as they are, and for what is no picture.
pub fn encode(job: &Job) -> Option<Data> {
    let Job { key, picture, route } = job;
    let room = (
        usize::from(key.columns) * usize::from(route.cell.width),
        usize::from(key.rows) * usize::from(route.cell.height),
    );
    match route.protocol {
        Protocol::Half => None,
        Protocol::Kitty => png(&for_scaling(picture, room)).map(Data::Png),
        Protocol::Iterm2 => {
            let png = png(&for_scaling(picture, room))?;
            Some(Data::Sequence(iterm2::encode(&png, key.columns, key.rows)))
        }
        Protocol::Sixel => {
            let (width, height) = filled((picture.width, picture.height), room);
            Some(Data::Sequence(sixel::encode(&scale::resize(picture, width, height))))
        }
    }
}

/// A larger picture says no more: it only takes longer to get there.
const LARGEST: usize = 1024;

/// Up to this side a picture is data rather than a photograph, and each of its pixels is to be seen.
const DATA: usize = 48;
/// From this many times its size on the pixels of any picture are seen, and should be squares.
const PLAIN: f64 = 3.0;

/// For a terminal that scales smoothly into `room` pixels: photographs in the size they are shown
/// in; small pictures grown by the whole factor above it, so that their pixels stay squares. What
/// is neither goes as it is: grown, it would cost half as much again and look the same.
fn for_scaling(picture: &Picture, room: (usize, usize)) -> Picture {
    let room = (room.0.min(LARGEST), room.1.min(LARGEST));
    let (width, height) = filled((picture.width, picture.height), room);
    if width <= picture.width || height <= picture.height {
        return scale::resize(picture, width.min(picture.width), height.min(picture.height));
    }
    let is_data = picture.width.max(picture.height) <= DATA;
    let times = width as f64 / picture.width.max(1) as f64;
    let factor =
        if is_data || times >= PLAIN { (times - 1e-9).ceil().max(1.0) as usize } else { 1 };
    scale::resize(picture, picture.width * factor, picture.height * factor)
}

/// The largest size in `room` with a picture's proportions.
pub fn filled(picture: (usize, usize), room: (usize, usize)) -> (usize, usize) {
    let (width, height) = (picture.0.max(1) as f64, picture.1.max(1) as f64);
    let ratio = (room.0 as f64 / width).min(room.1 as f64 / height);
    let side = |side: f64, most: usize| ((side * ratio).round() as usize).clamp(1, most.max(1));
    (side(width, room.0), side(height, room.1))
}

fn png(picture: &Picture) -> Option<Vec<u8>> {
    let is_grey = picture.pixels.iter().all(|[r, g, b]| r == g && g == b);
    let grey: Vec<u8> =
        if is_grey { picture.pixels.iter().map(|[grey, ..]| *grey).collect() } else { Vec::new() };
    let (bytes, colours) = if is_grey {
        (grey.as_slice(), ExtendedColorType::L8)
    } else {
        (picture.pixels.as_flattened(), ExtendedColorType::Rgb8)
    };
    let with = |compression, filter| {
        let mut file = Vec::new();
        PngEncoder::new_with_quality(&mut file, compression, filter)
            .write_image(bytes, picture.width as u32, picture.height as u32, colours)
            .ok()?;
        Some(file)
    };
    // The bytes are what a slow line waits for; with a large picture one would wait for the encoder.
    if picture.pixels.len() >= 1 << 17 {
        return with(CompressionType::Default, FilterType::Adaptive);
    }
    // Of 60 photographs each of these was the smallest often, Paeth and Sub nearly never: Up where
    // pixels are grown, none where they are small.
    let filters = [FilterType::Adaptive, FilterType::Up, FilterType::NoFilter];
    filters
        .into_iter()
        .filter_map(|filter| with(CompressionType::Best, filter))
        .min_by_key(Vec::len)
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::time::Duration;

    use super::*;
    use crate::tui::pictures::protocol::Cell;

    fn job(side: usize, columns: u16, rows: u16, protocol: Protocol) -> Job {
        let pixels = (0..side * side).map(|at| [(at % 251) as u8, (at / side) as u8, 9]).collect();
        let picture = Arc::new(Picture { width: side, height: side, pixels });
        let key = Key { address: Arc::as_ptr(&picture) as usize, columns, rows };
        let cell = Cell { width: 10, height: 20 };
        Job { key, picture, route: Route { protocol, through_tmux: false, cell } }
    }

    fn size_of(data: Option<Data>) -> (u32, u32) {
        let Some(Data::Png(file)) = data else { panic!("no file") };
        let image = image::load_from_memory(&file).unwrap();
        (image.width(), image.height())
    }

    #[test]
    fn small_data_grows_by_whole_factors_and_photographs_shrink() {
        assert_eq!(size_of(encode(&job(32, 16, 8, Protocol::Kitty))), (160, 160));
        assert_eq!(size_of(encode(&job(48, 16, 8, Protocol::Kitty))), (192, 192));
        assert_eq!(size_of(encode(&job(64, 16, 8, Protocol::Kitty))), (64, 64));
        assert_eq!(size_of(encode(&job(64, 40, 20, Protocol::Kitty))), (448, 448));
        assert_eq!(size_of(encode(&job(28, 28, 14, Protocol::Kitty))), (280, 280));
        assert_eq!(size_of(encode(&job(400, 16, 8, Protocol::Kitty))), (160, 160));
        assert_eq!(size_of(encode(&job(160, 16, 8, Protocol::Kitty))), (160, 160));
        let wide = filled((200, 100), (160, 160));
        assert_eq!(wide, (160, 80));
    }

    #[test]
    fn grown_pixels_are_squares_of_one_colour() {
        let job = job(4, 2, 1, Protocol::Kitty);
        let Some(Data::Png(file)) = encode(&job) else { panic!("no file") };
        let image = image::load_from_memory(&file).unwrap().into_rgb8();
        assert_eq!(image.dimensions(), (20, 20));
        for (x, y, pixel) in image.enumerate_pixels() {
            let source = job.picture.pixels[(y / 5 * 4 + x / 5) as usize];
            assert_eq!(pixel.0, source, "{x}, {y}");
        }
    }

    #[test]
    fn grey_pictures_take_one_channel() {
        let grey: Vec<[u8; 3]> = (0..28 * 28).map(|at| [(at * 37 % 256) as u8; 3]).collect();
        let mut picture = Picture { width: 28, height: 28, pixels: grey };
        let small = png(&picture).unwrap();
        assert_eq!(image::load_from_memory(&small).unwrap().color(), image::ColorType::L8);
        let back = image::load_from_memory(&small).unwrap().into_rgb8();
        assert!(back.pixels().zip(&picture.pixels).all(|(pixel, source)| pixel.0 == *source));
        picture.pixels[5] = [1, 2, 3];
        let large = png(&picture).unwrap();
        assert_eq!(image::load_from_memory(&large).unwrap().color(), image::ColorType::Rgb8);
        assert!(small.len() < large.len());
    }

    #[test]
    fn the_others_come_as_whole_sequences() {
        let Some(Data::Sequence(text)) = encode(&job(64, 16, 8, Protocol::Sixel)) else {
            panic!("no sequence")
        };
        assert!(text.starts_with("\x1bP0;1;0q\"1;1;160;156#"), "whole bands within the cells");
        let Some(Data::Sequence(text)) = encode(&job(64, 16, 8, Protocol::Iterm2)) else {
            panic!("no sequence")
        };
        assert!(text.contains("width=16;height=8;"));
        assert_eq!(encode(&job(64, 16, 8, Protocol::Half)), None);
    }

    #[test]
    fn results_come_back_under_their_names() {
        let (send, receive) = mpsc::channel();
        let encoder = Encoder::start(move |encoded| send.send(encoded).unwrap()).unwrap();
        let jobs = vec![job(8, 2, 1, Protocol::Kitty), job(9, 2, 1, Protocol::Sixel)];
        encoder.want(jobs.clone());
        for job in jobs {
            let encoded = receive.recv_timeout(Duration::from_secs(20)).unwrap();
            assert_eq!((encoded.key, encoded.data), (job.key, encode(&job)));
        }
    }
}

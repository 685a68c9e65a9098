//! Decodes files on a thread of its own. It holds one list of work: a newer one replaces what is
//! left of the older, since only what is on the screen now matters.

use std::fs::File;
use std::io::BufReader;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;

use super::work::WorkList;
use super::{Decoded, Loaded, Picture, Request, overlay};

/// The thread. Dropping it ends the work.
#[derive(Debug)]
pub struct Decoder {
    list: WorkList<Request>,
}

impl Decoder {
    /// Starts the thread; `done` is called on it with every decoded file.
    pub fn start(done: impl Fn(Loaded) + Send + 'static) -> std::io::Result<Self> {
        let list = WorkList::start("pictures", move |request| done(load(&request)))?;
        Ok(Self { list })
    }

    /// Replaces the work to do. Decoded in this order.
    pub fn want(&self, requests: Vec<Request>) {
        self.list.replace(requests);
    }
}

/// Reads what one request needs. Errors are short: they stand where the picture would be.
pub fn load(request: &Request) -> Loaded {
    // A picture that the decoder breaks down over must not end all others.
    let picture = catch_unwind(AssertUnwindSafe(|| decode(request)));
    let picture = picture.unwrap_or_else(|_| Err("damaged".to_owned()));
    Loaded { request: request.clone(), picture }
}

fn decode(request: &Request) -> Decoded {
    let picture = match request {
        Request::File(path) => read(path)?,
        Request::Difference { original, adversarial, gain } => {
            difference(&read(original)?, &read(adversarial)?, *gain)?
        }
        Request::Region { picture, strip, tile, look } => {
            overlay::region(&read(picture)?, strip, *tile, *look)?
        }
        Request::Labelled { picture, outlines, tile, marks } => {
            overlay::labelled(&read(picture)?, outlines, *tile, *marks)?
        }
        Request::Map { strip, tile } => overlay::map(strip, *tile)?,
    };
    Ok(Arc::new(picture))
}

/// `128 + gain · (adversarial − original)`, channel by channel, within 0..=255.
fn difference(original: &Picture, adversarial: &Picture, gain: u16) -> Result<Picture, String> {
    let (width, height) = (original.width, original.height);
    if (adversarial.width, adversarial.height) != (width, height) {
        return Err("two sizes".to_owned());
    }
    let channel = |before: u8, after: u8| {
        let change = i32::from(after) - i32::from(before);
        (128 + i32::from(gain) * change).clamp(0, 255) as u8
    };
    let pairs = original.pixels.iter().zip(&adversarial.pixels);
    let pixels = pairs.map(|(b, a)| [0, 1, 2].map(|at| channel(b[at], a[at]))).collect();
    Ok(Picture { width, height, pixels })
}

/// Opens a file that is one: a pipe or a device would hold up the only thread that decodes.
pub(super) fn open(path: &Path) -> Result<image::ImageReader<BufReader<File>>, String> {
    if path.as_os_str().is_empty() {
        // See `RunDetail::file`.
        return Err("outside its run".to_owned());
    }
    let words = |error: std::io::Error| match error.kind() {
        std::io::ErrorKind::NotFound => "missing".to_owned(),
        std::io::ErrorKind::PermissionDenied => "no permission".to_owned(),
        _ => "unreadable".to_owned(),
    };
    if !path.metadata().map_err(words)?.is_file() {
        return Err("no file".to_owned());
    }
    let reader = image::ImageReader::open(path).and_then(image::ImageReader::with_guessed_format);
    reader.map_err(words)
}

fn read(path: &Path) -> Result<Picture, String> {
    let mut reader = open(path)?;
    let mut limits = image::Limits::default();
    // Pictures here are a network's inputs; anything far larger is not one.
    limits.max_image_width = Some(4096);
    limits.max_image_height = Some(4096);
    reader.limits(limits);
    let pixels = reader.decode().map_err(|_| "damaged".to_owned())?.into_rgb8();
    Ok(Picture {
        width: pixels.width() as usize,
        height: pixels.height() as usize,
        pixels: pixels.pixels().map(|pixel| pixel.0).collect(),
    })
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;
    use std::sync::mpsc;
    use std::time::Duration;

    use super::*;

    #[test]
    fn decodes_in_the_background_and_says_what_is_wrong() {
        let folder = tempfile::tempdir().unwrap();
        let good = folder.path().join("good.png");
        image::RgbImage::from_pixel(3, 2, image::Rgb([1, 2, 3])).save(&good).unwrap();
        let bad = folder.path().join("bad.png");
        std::fs::write(&bad, b"\x89PNG\r\n\x1a\nnot really").unwrap();
        let missing = folder.path().join("missing.png");

        let (send, receive) = mpsc::channel();
        let decoder =
            Decoder::start(move |loaded| send.send((loaded.request, loaded.picture)).unwrap());
        let decoder = decoder.unwrap();
        let file = |path: &PathBuf| Request::File(path.clone());
        decoder.want([&good, &bad, &missing].map(file).to_vec());
        let next = || receive.recv_timeout(Duration::from_secs(20)).unwrap();

        let (request, decoded) = next();
        let picture = decoded.unwrap();
        assert_eq!((request, picture.width, picture.height), (file(&good), 3, 2));
        assert_eq!(picture.pixels, [[1, 2, 3]; 6]);
        assert_eq!(next(), (file(&bad), Err("damaged".into())));
        assert_eq!(next(), (file(&missing), Err("missing".into())));
    }

    #[test]
    fn only_files_are_opened() {
        let folder = tempfile::tempdir().unwrap();
        let ask = |path: &Path| load(&Request::File(path.to_owned())).picture;
        assert_eq!(ask(folder.path()), Err("no file".into()));
        assert_eq!(ask(Path::new("/dev/zero")), Err("no file".into()));
        assert_eq!(ask(Path::new("")), Err("outside its run".into()));
        // Nobody writes into it: to open it would wait for ever.
        let pipe = folder.path().join("pipe");
        let made = std::process::Command::new("mkfifo").arg(&pipe).status();
        assert!(made.unwrap().success());
        assert_eq!(ask(&pipe), Err("no file".into()));
        let map = load(&Request::Map { strip: pipe, tile: 0 });
        assert_eq!(map.picture, Err("no file".into()));
    }

    #[test]
    fn a_difference_is_grey_where_nothing_changed_and_never_leaves_the_range() {
        let folder = tempfile::tempdir().unwrap();
        let save = |name: &str, pixels: [[u8; 3]; 2]| {
            let path = folder.path().join(name);
            let mut image = image::RgbImage::new(2, 1);
            for (x, pixel) in pixels.into_iter().enumerate() {
                image.put_pixel(x as u32, 0, image::Rgb(pixel));
            }
            image.save(&path).unwrap();
            path
        };
        let original = save("before.png", [[10, 20, 30], [0, 255, 7]]);
        let adversarial = save("after.png", [[14, 16, 30], [200, 0, 8]]);
        let ask = |adversarial: &PathBuf| Request::Difference {
            original: original.clone(),
            adversarial: adversarial.clone(),
            gain: 16,
        };
        let picture = load(&ask(&adversarial)).picture.unwrap();
        assert_eq!(picture.pixels, [[192, 64, 128], [255, 0, 144]]);
        let wide = folder.path().join("wide.png");
        image::RgbImage::new(3, 1).save(&wide).unwrap();
        assert_eq!(load(&ask(&wide)).picture, Err("two sizes".into()));
    }

    #[test]
    fn newer_work_replaces_older() {
        let (entered, wait_entered) = mpsc::channel();
        let (go, wait_go) = mpsc::channel::<()>();
        let decoder = Decoder::start(move |loaded| {
            entered.send(loaded.request).unwrap();
            let _ = wait_go.recv();
        });
        let decoder = decoder.unwrap();
        let next = || wait_entered.recv_timeout(Duration::from_secs(20)).unwrap();
        let file = |name: &str| Request::File(name.into());
        decoder.want(["a", "b", "c"].map(file).to_vec());
        assert_eq!(next(), file("a"));
        decoder.want(vec![file("d")]);
        go.send(()).unwrap();
        assert_eq!(next(), file("d"));
        drop(decoder);
        go.send(()).unwrap();
        assert!(wait_entered.recv_timeout(Duration::from_secs(20)).is_err());
    }
}

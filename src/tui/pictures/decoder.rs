//! Decodes files on a thread of its own. It holds one list of work: a newer one replaces what is
//! left of the older, since only what is on the screen now matters.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use super::{Decoded, Loaded, Picture, Request};

/// The thread. Dropping it ends the work.
#[derive(Debug)]
pub struct Decoder {
    slot: Arc<Slot>,
}

#[derive(Debug, Default)]
struct Slot {
    work: Mutex<Work>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Work {
    requests: Vec<Request>,
    ended: bool,
}

impl Slot {
    // A panic elsewhere leaves a list of requests, which is still a list of requests.
    fn lock(&self) -> MutexGuard<'_, Work> {
        self.work.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn next(&self) -> Option<Request> {
        let mut work = self.lock();
        loop {
            if work.ended {
                return None;
            }
            if let Some(request) = work.requests.pop() {
                return Some(request);
            }
            work = self.changed.wait(work).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl Decoder {
    /// Starts the thread; `done` is called on it with every decoded file.
    pub fn start(done: impl Fn(Loaded) + Send + 'static) -> std::io::Result<Self> {
        let slot = Arc::new(Slot::default());
        let theirs = Arc::clone(&slot);
        std::thread::Builder::new().name("pictures".into()).spawn(move || {
            while let Some(request) = theirs.next() {
                done(load(&request));
            }
        })?;
        Ok(Self { slot })
    }

    /// Replaces the work to do. Decoded in this order.
    pub fn want(&self, mut requests: Vec<Request>) {
        requests.reverse();
        self.slot.lock().requests = requests;
        self.slot.changed.notify_one();
    }
}

impl Drop for Decoder {
    fn drop(&mut self) {
        self.slot.lock().ended = true;
        self.slot.changed.notify_one();
    }
}

/// Reads one file. Errors are short: they stand where the picture would be.
pub fn load(request: &Request) -> Loaded {
    // A picture that the decoder breaks down over must not end all others.
    let picture = catch_unwind(AssertUnwindSafe(|| decode(request)));
    let picture = picture.unwrap_or_else(|_| Err("damaged".to_owned()));
    Loaded { path: request.path.clone(), picture }
}

fn decode(request: &Request) -> Decoded {
    let reader =
        image::ImageReader::open(&request.path).and_then(image::ImageReader::with_guessed_format);
    let mut reader = reader.map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => "missing".to_owned(),
        std::io::ErrorKind::PermissionDenied => "no permission".to_owned(),
        _ => "unreadable".to_owned(),
    })?;
    let mut limits = image::Limits::default();
    // Pictures here are a network's inputs; anything far larger is not one.
    limits.max_image_width = Some(4096);
    limits.max_image_height = Some(4096);
    reader.limits(limits);
    let pixels = reader.decode().map_err(|_| "damaged".to_owned())?.into_rgb8();
    Ok(Arc::new(Picture {
        width: pixels.width() as usize,
        height: pixels.height() as usize,
        pixels: pixels.pixels().map(|pixel| pixel.0).collect(),
    }))
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
            Decoder::start(move |loaded| send.send((loaded.path, loaded.picture)).unwrap());
        let decoder = decoder.unwrap();
        decoder.want([&good, &bad, &missing].map(|path| Request { path: path.clone() }).to_vec());
        let next = || receive.recv_timeout(Duration::from_secs(20)).unwrap();

        let (path, decoded) = next();
        let picture = decoded.unwrap();
        assert_eq!((path, picture.width, picture.height), (good, 3, 2));
        assert_eq!(picture.pixels, [[1, 2, 3]; 6]);
        assert_eq!(next(), (bad, Err("damaged".into())));
        assert_eq!(next(), (missing, Err("missing".into())));
    }

    #[test]
    fn newer_work_replaces_older() {
        let (entered, wait_entered) = mpsc::channel();
        let (go, wait_go) = mpsc::channel::<()>();
        let decoder = Decoder::start(move |loaded| {
            entered.send(loaded.path).unwrap();
            let _ = wait_go.recv();
        });
        let decoder = decoder.unwrap();
        let next = || wait_entered.recv_timeout(Duration::from_secs(20)).unwrap();
        decoder.want(["a", "b", "c"].map(|name| Request { path: name.into() }).to_vec());
        assert_eq!(next(), PathBuf::from("a"));
        decoder.want(vec![Request { path: "d".into() }]);
        go.send(()).unwrap();
        assert_eq!(next(), PathBuf::from("d"));
        drop(decoder);
        go.send(()).unwrap();
        assert!(wait_entered.recv_timeout(Duration::from_secs(20)).is_err());
    }
}

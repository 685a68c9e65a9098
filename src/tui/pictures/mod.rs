//! Pictures on the screen: decoding in the background, drawing as half blocks.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A picture that a screen wants.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Request {
    /// The file.
    pub path: PathBuf,
}

/// The answer to a [`Request`].
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The file.
    pub path: PathBuf,
    /// The pixels, or why there are none.
    pub picture: Result<Arc<Pixels>, String>,
}

/// A decoded picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pixels {
    /// In pixels.
    pub width: u32,
    /// In pixels.
    pub height: u32,
    /// Row by row, 8 bits each of red, green, blue.
    pub rgb: Vec<u8>,
}

/// What has been decoded so far; `update` puts it in, `draw` looks it up.
#[derive(Debug, Default)]
pub struct Cache {
    pictures: HashMap<PathBuf, Result<Arc<Pixels>, String>>,
}

impl Cache {
    /// The picture of this file, if it has been decoded (or why it could not be).
    pub fn get(&self, path: &Path) -> Option<&Result<Arc<Pixels>, String>> {
        self.pictures.get(path)
    }

    /// Keeps what came.
    pub fn put(&mut self, loaded: Loaded) {
        self.pictures.insert(loaded.path, loaded.picture);
    }
}

/// Decodes one picture. Runs on the pictures' own thread.
pub fn load(request: &Request) -> Loaded {
    let picture = image::open(&request.path).map(|image| {
        let image = image.into_rgb8();
        Arc::new(Pixels { width: image.width(), height: image.height(), rgb: image.into_raw() })
    });
    Loaded { path: request.path.clone(), picture: picture.map_err(|error| error.to_string()) }
}

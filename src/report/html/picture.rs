//! A picture inside the page: the bytes of its file where that is small, else a smaller copy.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::error::{Error, Result};
use crate::report::figure::Shown;
use crate::report::raster::Raster;
use crate::report::region::Look;

/// Larger pictures are shrunk to this side: a page holds hundreds.
pub(super) const MOST: usize = 160;

/// A picture as the page has it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Embedded {
    /// `data:image/png;base64,…`
    pub address: String,
    /// Pixels across and down.
    pub size: (usize, usize),
    /// Whether the file's picture is larger.
    pub is_shrunk: bool,
}

/// Reads it.
pub(super) fn embedded(shown: &Shown, look: Option<Look>) -> Result<Embedded> {
    let raster = shown.looked_at(look)?;
    let side = raster.width.max(raster.height);
    if side > MOST {
        let scaled = |length: usize| (length * MOST).div_ceil(side).max(1);
        let small = raster.resized(scaled(raster.width), scaled(raster.height));
        return Ok(address(&small, "jpeg", &small.jpeg()?, true));
    }
    if look.is_none() {
        let bytes = std::fs::read(&shown.picture).map_err(|error| {
            Error::failed(format!("failed to read '{}': {error}", shown.picture.display()))
        })?;
        if bytes.starts_with(b"\x89PNG\r\n\x1a\n") {
            return Ok(address(&raster, "png", &bytes, false));
        }
    }
    Ok(address(&raster, "png", &raster.png()?, false))
}

fn address(raster: &Raster, kind: &str, bytes: &[u8], is_shrunk: bool) -> Embedded {
    Embedded {
        address: format!("data:image/{kind};base64,{}", STANDARD.encode(bytes)),
        size: (raster.width, raster.height),
        is_shrunk,
    }
}

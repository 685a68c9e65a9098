//! A picture inside the page: the bytes of its file where that is small, else a smaller copy.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::error::{Error, Result};
use crate::report::figure::{Shown, TINY};
use crate::report::raster::Raster;
use crate::report::region::Look;

/// Larger pictures are shrunk to this side: a page holds hundreds.
pub(super) const MOST: usize = 160;

/// Pixels across on the page, where there is room: tiny pictures by a whole factor.
pub(super) fn shown_at(side: usize) -> usize {
    const LEAST: usize = 96;
    const MOST: usize = 128;
    let side = side.max(1);
    if side <= TINY { side * LEAST.div_ceil(side) } else { side.min(MOST) }
}

/// A picture as the page has it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Embedded {
    /// `data:image/png;base64,…`
    pub address: String,
    /// Pixels across and down.
    pub size: (usize, usize),
    /// How wide it is shown, where there is room.
    pub shown_at: usize,
    /// Whether its pixels are to be seen as squares.
    pub is_tiny: bool,
    /// Whether the file's picture is larger.
    pub is_shrunk: bool,
}

/// Reads it.
pub(super) fn embedded(shown: &Shown, look: Option<Look>) -> Result<Embedded> {
    let whole = shown.pixels()?;
    let mut raster = shown.enlarged(&whole, look, 1);
    let side = raster.width.max(raster.height);
    let is_tiny = side <= TINY;
    if look == Some(Look::Contour) {
        // A line of the picture's own pixels would be too thick.
        raster = shown.enlarged(&whole, look, (shown_at(side) / side.max(1)).max(1));
    }
    if side > MOST {
        let scaled = |length: usize| (length * MOST).div_ceil(side).max(1);
        let small = raster.resized(scaled(raster.width), scaled(raster.height));
        let embedded = address(&small, "jpeg", &small.jpeg()?, false);
        return Ok(Embedded { is_shrunk: true, ..embedded });
    }
    if look.is_none() {
        let bytes = std::fs::read(&shown.picture).map_err(|error| {
            Error::failed(format!("failed to read '{}': {error}", shown.picture.display()))
        })?;
        if bytes.starts_with(b"\x89PNG\r\n\x1a\n") {
            return Ok(address(&raster, "png", &bytes, is_tiny));
        }
    }
    Ok(address(&raster, "png", &raster.png()?, is_tiny))
}

fn address(raster: &Raster, kind: &str, bytes: &[u8], is_tiny: bool) -> Embedded {
    Embedded {
        address: format!("data:image/{kind};base64,{}", STANDARD.encode(bytes)),
        size: (raster.width, raster.height),
        shown_at: shown_at(raster.width.max(raster.height)),
        is_tiny,
        is_shrunk: false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tiny_pictures_are_shown_in_whole_multiples() {
        assert_eq!([28, 32, 64, 96, 128, 160].map(shown_at), [112, 96, 128, 96, 128, 128]);
    }
}

//! iTerm2's inline images: a file in base64, scaled by the terminal into so many cells.
//!
//! <https://iterm2.com/documentation-images.html>

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// The whole escape sequence for a PNG file. The cursor stays where it is in terminals that know how;
/// it is put back by whoever writes this.
pub fn encode(png: &[u8], columns: u16, rows: u16) -> String {
    format!(
        "\x1b]1337;File=inline=1;size={};width={columns};height={rows};preserveAspectRatio=1;\
         doNotMoveCursor=1:{}\x07",
        png.len(),
        STANDARD.encode(png)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_size_is_told_in_cells() {
        assert_eq!(
            encode(b"png", 16, 8),
            "\x1b]1337;File=inline=1;size=3;width=16;height=8;preserveAspectRatio=1;\
             doNotMoveCursor=1:cG5n\x07"
        );
    }
}

//! Sixel: six rows of pixels a character, one colour of a palette at a time. Written here, since the
//! encoders there are bring a C library or a colour laboratory along.
//!
//! VT330/VT340 Programmer Reference Manual, chapter 14.

use std::collections::HashMap;
use std::fmt::Write as _;

use super::Picture;

/// More are hardly told apart in a picture of this size, and each costs bytes in every band.
const COLOURS: usize = 96;
/// Rows that one character holds.
pub const BAND: usize = 6;

/// The whole escape sequence for a picture, pixel for pixel. Rows beyond the last whole band are left
/// out: the terminal would take them as six, and the picture would reach out of its place.
pub fn encode(picture: &Picture) -> String {
    let height = picture.height / BAND * BAND;
    let (palette, indices) =
        quantise(&picture.pixels[..(picture.width * height).min(picture.pixels.len())]);
    // P2 = 1: pixels that are not set stay as they are.
    let mut out = format!("\x1bP0;1;0q\"1;1;{};{height}", picture.width);
    for (index, colour) in palette.iter().enumerate() {
        let [r, g, b] = colour.map(|channel| (u32::from(channel) * 100 + 127) / 255);
        let _ = write!(out, "#{index};2;{r};{g};{b}");
    }
    for (number, band) in indices.chunks(picture.width.max(1) * BAND).enumerate() {
        if number > 0 {
            out.push('-');
        }
        write_band(band, picture.width, palette.len(), &mut out);
    }
    out.push_str("\x1b\\");
    out
}

/// One band: each of its colours over the whole width.
fn write_band(band: &[u8], width: usize, colours: usize, out: &mut String) {
    let mut columns = vec![Vec::new(); colours];
    for (at, index) in band.iter().enumerate() {
        let (row, column) = (at / width, at % width);
        let Some(bits) = columns.get_mut(usize::from(*index)) else { continue };
        if bits.is_empty() {
            bits.resize(width, 0_u8);
        }
        bits[column] |= 1 << row;
    }
    let mut first = true;
    for (colour, bits) in columns.iter().enumerate().filter(|(_, bits)| !bits.is_empty()) {
        if !first {
            out.push('$');
        }
        first = false;
        let _ = write!(out, "#{colour}");
        let used = bits.iter().rposition(|bits| *bits != 0).map_or(0, |last| last + 1);
        let mut at = 0;
        while at < used {
            let run = bits[at..used].iter().take_while(|next| **next == bits[at]).count();
            let sixel = char::from(b'?' + bits[at]);
            if run > 3 {
                let _ = write!(out, "!{run}{sixel}");
            } else {
                out.extend(std::iter::repeat_n(sixel, run));
            }
            at += run;
        }
    }
}

/// A colour of five bits a channel; how many pixels have it, and their sums by channel.
type Counted = ([u8; 3], (u32, [u32; 3]));

/// A palette, and each pixel's place in it: median cut (Heckbert 1982) over the colours that occur,
/// five bits a channel.
fn quantise(pixels: &[[u8; 3]]) -> (Vec<[u8; 3]>, Vec<u8>) {
    let coarse = |pixel: &[u8; 3]| pixel.map(|channel| channel >> 3);
    let mut counts: HashMap<[u8; 3], (u32, [u32; 3])> = HashMap::new();
    for pixel in pixels {
        let (count, sums) = counts.entry(coarse(pixel)).or_default();
        *count += 1;
        for (sum, channel) in sums.iter_mut().zip(pixel) {
            *sum += u32::from(*channel);
        }
    }
    let mut colours: Vec<Counted> = counts.into_iter().collect();
    // A map's order is not the same twice; what is sent should be.
    colours.sort_unstable();
    let mut boxes = vec![colours];
    while boxes.len() < COLOURS {
        let widest = boxes
            .iter()
            .enumerate()
            .filter(|(_, colours)| colours.len() > 1)
            .max_by_key(|(_, colours)| {
                let pixels: u32 = colours.iter().map(|(_, (count, _))| count).sum();
                u64::from(pixels) * u64::from(widest_channel(colours).1).pow(2)
            })
            .map(|(at, _)| at);
        let Some(at) = widest else { break };
        let mut colours = boxes.swap_remove(at);
        let (channel, _) = widest_channel(&colours);
        colours.sort_unstable_by_key(|(colour, _)| (colour[channel], *colour));
        let half: u32 = colours.iter().map(|(_, (count, _))| count).sum::<u32>() / 2;
        let mut seen = 0;
        let cut = colours.iter().position(|(_, (count, _))| {
            seen += count;
            seen > half
        });
        let cut = cut.unwrap_or(0).clamp(1, colours.len() - 1);
        let upper = colours.split_off(cut);
        boxes.extend([colours, upper]);
    }
    let mut places = HashMap::new();
    let mut palette = Vec::with_capacity(boxes.len());
    for (index, colours) in boxes.iter().enumerate() {
        let count: u32 = colours.iter().map(|(_, (count, _))| count).sum();
        let sum = |channel: usize| colours.iter().map(|(_, (_, sums))| sums[channel]).sum::<u32>();
        palette.push([0, 1, 2].map(|channel| (sum(channel) / count.max(1)) as u8));
        places.extend(colours.iter().map(|(colour, _)| (*colour, index as u8)));
    }
    let indices = pixels.iter().map(|pixel| places.get(&coarse(pixel)).copied().unwrap_or(0));
    (palette, indices.collect())
}

/// The channel over which these colours differ most, and by how much.
fn widest_channel(colours: &[Counted]) -> (usize, u8) {
    let width = |channel: usize| {
        let values = colours.iter().map(|(colour, _)| colour[channel]);
        values.clone().max().unwrap_or(0) - values.min().unwrap_or(0)
    };
    [1, 0, 2]
        .map(|channel| (channel, width(channel)))
        .into_iter()
        .max_by_key(|(_, w)| *w)
        .unwrap_or((0, 0))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A small terminal: what the pixels are after the sequence.
    fn decode(sixel: &str) -> (usize, usize, Vec<Option<[u32; 3]>>) {
        let body = sixel.strip_prefix("\x1bP0;1;0q\"1;1;").unwrap().strip_suffix("\x1b\\").unwrap();
        let (size, rest) = body.split_at(body.find('#').unwrap_or(body.len()));
        let (width, height) = size.split_once(';').unwrap();
        let (width, height): (usize, usize) = (width.parse().unwrap(), height.parse().unwrap());
        let mut pixels = vec![None; width * height];
        let mut palette = HashMap::new();
        let (mut x, mut band, mut colour) = (0, 0, 0_usize);
        let mut chars = rest.chars().peekable();
        let number = |chars: &mut std::iter::Peekable<std::str::Chars<'_>>| {
            let mut digits = String::new();
            while let Some(digit) = chars.next_if(char::is_ascii_digit) {
                digits.push(digit);
            }
            digits.parse::<usize>().unwrap()
        };
        while let Some(c) = chars.next() {
            let (run, sixel) = match c {
                '#' => {
                    colour = number(&mut chars);
                    if chars.next_if_eq(&';').is_some() {
                        assert_eq!(number(&mut chars), 2);
                        let rgb = [(); 3].map(|()| {
                            assert_eq!(chars.next(), Some(';'));
                            number(&mut chars) as u32
                        });
                        palette.insert(colour, rgb);
                    }
                    continue;
                }
                '$' => {
                    x = 0;
                    continue;
                }
                '-' => {
                    (x, band) = (0, band + 1);
                    continue;
                }
                '!' => (number(&mut chars), chars.next().unwrap()),
                c => (1, c),
            };
            for _ in 0..run {
                for row in (0..BAND).filter(|row| (sixel as u8 - b'?') >> row & 1 == 1) {
                    pixels[(band * BAND + row) * width + x] = Some(palette[&colour]);
                }
                x += 1;
            }
        }
        (width, height, pixels)
    }

    #[test]
    fn few_colours_come_back_as_they_were() {
        let colours = [[255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 255], [0, 0, 0]];
        let pixels: Vec<[u8; 3]> = (0..20 * 13).map(|at| colours[(at * at / 7) % 5]).collect();
        let (width, height, decoded) =
            decode(&encode(&Picture { width: 20, height: 13, pixels: pixels.clone() }));
        assert_eq!((width, height), (20, 12), "the thirteenth row is no whole band");
        for (decoded, pixel) in decoded.iter().zip(&pixels) {
            assert_eq!(decoded.unwrap(), pixel.map(|channel| u32::from(channel) * 100 / 255));
        }
    }

    proptest! {
        #[test]
        fn every_pixel_is_set_and_few_are_far_off(
            width in 1_usize..40, bands in 1_usize..5, seed: u64,
        ) {
            // Waves, as photographs have them, rather than noise, which no palette holds.
            let wave = |at: usize, speed: u64| {
                (((at as f64 * (0.05 + (speed % 7) as f64 / 30.0)).sin() + 1.0) * 127.0) as u8
            };
            let height = bands * BAND;
            let pixels: Vec<[u8; 3]> = (0..width * height)
                .map(|at| [wave(at, seed), wave(at / width, seed >> 8), wave(at % width, seed >> 16)])
                .collect();
            let (_, _, decoded) = decode(&encode(&Picture { width, height, pixels: pixels.clone() }));
            let mut off = 0.0;
            for (decoded, pixel) in decoded.iter().zip(&pixels) {
                let decoded = decoded.ok_or_else(|| TestCaseError::fail("a hole"))?;
                for (a, b) in decoded.iter().zip(pixel) {
                    off += (f64::from(*a) * 2.55 - f64::from(*b)).abs();
                }
            }
            let mean = off / (3.0 * pixels.len() as f64);
            prop_assert!(mean < 16.0, "{mean} levels off on average");
        }
    }
}

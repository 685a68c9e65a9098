//! A drawing as SVG: nothing from elsewhere, no scripts; pictures as data URIs.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{Anchor, Drawing, Ink, Item, Picture, Role, SERIES, Sign, Stroke, Text};
use crate::error::Result;
use crate::error::text::clean;
use crate::report::raster::Raster;

/// Larger pictures are shrunk to this side: a figure holds hundreds.
const MOST: usize = 256;

pub(super) fn write(drawing: &Drawing, ink: Ink) -> Result<String> {
    let [width, height] = drawing.size;
    // Inside a page the name of the language says nothing, and a page names no address.
    let language = if ink == Ink::Alone { " xmlns=\"http://www.w3.org/2000/svg\"" } else { "" };
    let mut out = format!(
        "<svg{language} viewBox=\"0 0 {w} {h}\" width=\"{w}\" height=\"{h}\" role=\"img\" \
         font-family=\"'DejaVu Sans Condensed', system-ui, 'Segoe UI', Roboto, 'Helvetica Neue', \
         sans-serif\" style=\"max-width:100%;height:auto\">\n<title>{}</title>\n",
        escape(&drawing.title),
        w = number(width),
        h = number(height),
    );
    if !drawing.description.is_empty() {
        let _ = writeln!(out, "<desc>{}</desc>", escape(&drawing.description));
    }
    if ink == Ink::Alone {
        let _ = writeln!(
            out,
            "<rect width=\"{}\" height=\"{}\" fill=\"{}\"/>",
            number(width),
            number(height),
            paint(Role::Paper, ink)
        );
    }
    for item in &drawing.items {
        add(&mut out, item, ink)?;
    }
    out += "</svg>\n";
    Ok(out)
}

fn add(out: &mut String, item: &Item, ink: Ink) -> Result<()> {
    match item {
        Item::Rectangle { at: [x, y], size: [width, height], fill, line } => {
            let fill = fill.map_or_else(|| " fill=\"none\"".into(), |fill| filled(fill, ink));
            let line = line.map(|stroke| stroked(stroke, ink)).unwrap_or_default();
            let _ = writeln!(
                out,
                "<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\"{fill}{line}/>",
                number(*x),
                number(*y),
                number(*width),
                number(*height)
            );
        }
        Item::Line { points, stroke } => {
            let _ = writeln!(
                out,
                "<polyline points=\"{}\" fill=\"none\" stroke-linejoin=\"round\"{}/>",
                places(points),
                stroked(*stroke, ink)
            );
        }
        Item::Area { points, fill } => {
            let _ = writeln!(out, "<polygon points=\"{}\"{}/>", places(points), filled(*fill, ink));
        }
        Item::Sign { at, sign, half, role, filled: is_filled } => {
            let fill = paint(if *is_filled { *role } else { Role::Paper }, ink);
            let paint =
                format!(" fill=\"{fill}\" stroke=\"{}\" stroke-width=\"1.3\"", paint(*role, ink));
            sign_at(out, *at, *sign, *half, &paint);
        }
        Item::Text(text) => text_at(out, text, ink),
        Item::Picture { at, side, picture, about } => {
            picture_at(out, *at, *side, picture, about)?;
        }
    }
    Ok(())
}

fn sign_at(out: &mut String, [x, y]: [f64; 2], sign: Sign, half: f64, paint: &str) {
    let _ = match sign {
        Sign::Circle => writeln!(
            out,
            "<circle cx=\"{}\" cy=\"{}\" r=\"{}\"{paint}/>",
            number(x),
            number(y),
            number(half)
        ),
        _ => writeln!(out, "<polygon points=\"{}\"{paint}/>", places(&corners(sign, [x, y], half))),
    };
}

/// The corners of a sign that has some.
pub(super) fn corners(sign: Sign, [x, y]: [f64; 2], half: f64) -> Vec<[f64; 2]> {
    match sign {
        Sign::Circle => Vec::new(),
        Sign::Square => {
            let half = 0.9 * half;
            vec![
                [x - half, y - half],
                [x + half, y - half],
                [x + half, y + half],
                [x - half, y + half],
            ]
        }
        Sign::Diamond => {
            let half = 1.25 * half;
            vec![[x, y - half], [x + half, y], [x, y + half], [x - half, y]]
        }
        Sign::Triangle => {
            let half = 1.15 * half;
            vec![[x, y - half], [x + half, y + 0.8 * half], [x - half, y + 0.8 * half]]
        }
    }
}

fn text_at(out: &mut String, text: &Text, ink: Ink) {
    let anchor = match text.anchor {
        Anchor::Start => "",
        Anchor::Middle => " text-anchor=\"middle\"",
        Anchor::End => " text-anchor=\"end\"",
    };
    let weight = if text.bold { " font-weight=\"bold\"" } else { "" };
    let _ = writeln!(
        out,
        "<text x=\"{}\" y=\"{}\" font-size=\"{}\" fill=\"{}\"{anchor}{weight}>{}</text>",
        number(text.at[0]),
        number(text.at[1]),
        number(text.size),
        paint(text.role, ink),
        escape(&text.text)
    );
}

fn picture_at(
    out: &mut String,
    [x, y]: [f64; 2],
    side: f64,
    picture: &Picture,
    about: &str,
) -> Result<()> {
    let (raster, is_tiny) = picture.raster()?;
    let (kind, bytes) = encoded(&raster)?;
    let style = if is_tiny { " style=\"image-rendering:pixelated\"" } else { "" };
    let _ = writeln!(
        out,
        "<image x=\"{x}\" y=\"{y}\" width=\"{side}\" height=\"{side}\"{style} \
         href=\"data:image/{kind};base64,{}\"><title>{}</title></image>",
        STANDARD.encode(bytes),
        escape(about),
        x = number(x),
        y = number(y),
        side = number(side),
    );
    Ok(())
}

fn encoded(raster: &Raster) -> Result<(&'static str, Vec<u8>)> {
    let side = raster.width.max(raster.height);
    if side <= MOST {
        return Ok(("png", raster.png()?));
    }
    let scaled = |length: usize| (length * MOST).div_ceil(side).max(1);
    Ok(("jpeg", raster.resized(scaled(raster.width), scaled(raster.height)).jpeg()?))
}

fn filled((role, opacity): (Role, f64), ink: Ink) -> String {
    let faded = if opacity < 1.0 {
        format!(" fill-opacity=\"{}\"", number(opacity))
    } else {
        String::new()
    };
    format!(" fill=\"{}\"{faded}", paint(role, ink))
}

fn stroked(stroke: Stroke, ink: Ink) -> String {
    let mut out = format!(
        " stroke=\"{}\" stroke-width=\"{}\"",
        paint(stroke.role, ink),
        number(stroke.width)
    );
    if !stroke.dash.lengths().is_empty() {
        let lengths = stroke.dash.lengths().iter().map(|length| number(f64::from(*length)));
        let _ = write!(out, " stroke-dasharray=\"{}\"", lengths.collect::<Vec<_>>().join(" "));
    }
    if stroke.opacity < 1.0 {
        let _ = write!(out, " stroke-opacity=\"{}\"", number(stroke.opacity));
    }
    out
}

fn paint(role: Role, ink: Ink) -> String {
    let [r, g, b] = role.color();
    let color = format!("#{r:02x}{g:02x}{b:02x}");
    if ink == Ink::Alone {
        return color;
    }
    match role {
        Role::Ink => "var(--ink)".into(),
        Role::Muted => "var(--muted)".into(),
        Role::Grid => "var(--line)".into(),
        Role::Paper => "var(--paper)".into(),
        Role::Accent => "var(--accent)".into(),
        Role::Series(at) => match at % SERIES {
            0 => "var(--first)".into(),
            1 => "var(--second)".into(),
            at => format!("var(--series-{}, {color})", at + 1),
        },
    }
}

fn places(points: &[[f64; 2]]) -> String {
    let place = |[x, y]: &[f64; 2]| format!("{},{}", number(*x), number(*y));
    points.iter().map(place).collect::<Vec<_>>().join(" ")
}

/// With at most two digits behind the point.
fn number(value: f64) -> String {
    let text = format!("{value:.2}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" { "0".into() } else { text.into() }
}

fn escape(text: &str) -> String {
    let mut out = String::new();
    for c in clean(text).chars() {
        match c {
            '&' => out += "&amp;",
            '<' => out += "&lt;",
            '>' => out += "&gt;",
            '"' => out += "&quot;",
            // No character of XML 1.0.
            '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

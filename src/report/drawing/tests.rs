//! Drawings as SVG and as pixels.

use super::*;

fn drawing() -> Drawing {
    let mut drawing = Drawing::new(120.0, 60.0, "a <b> & \"c\"");
    drawing.description = "what it shows".into();
    let box_of = Item::Rectangle {
        at: [10.0, 10.0],
        size: [40.0, 20.0],
        fill: Some((Role::Series(0), 0.5)),
        line: Some(Stroke::of(Role::Ink, 1.0)),
    };
    drawing.items.push(box_of);
    drawing.line([0.0, 50.0], [120.0, 50.0], Stroke::of(Role::Grid, 2.0).dashed(Dash::Long));
    drawing.items.push(Item::Sign {
        at: [90.0, 20.0],
        sign: Sign::Diamond,
        half: 6.0,
        role: Role::Series(2),
        filled: true,
    });
    drawing.write(Text::new([60.0, 48.0], 12.0, "x < \u{1b}[2Jy").anchored(Anchor::Middle));
    drawing
}

#[test]
fn an_svg_is_as_drawn() {
    insta::assert_snapshot!(drawing().svg(Ink::Alone).unwrap());
}

#[test]
fn a_pages_drawing_takes_its_colours_and_no_text_is_markup() {
    let page = drawing().svg(Ink::Page).unwrap();
    assert!(page.contains("var(--first)") && page.contains("var(--line)"), "{page}");
    assert!(page.contains("var(--series-3, #"), "{page}");
    assert!(page.contains("a &lt;b&gt; &amp; &quot;c&quot;") && !page.contains('\u{1b}'), "{page}");
    assert!(!drawing().svg(Ink::Alone).unwrap().contains("var("));
}

#[test]
fn a_png_is_twice_as_large_and_has_what_was_drawn_where_it_was() {
    let bytes = drawing().png().unwrap();
    let image = image::load_from_memory(&bytes).unwrap().into_rgb8();
    assert_eq!(image.dimensions(), (240, 120));
    assert_eq!(image.get_pixel(2, 2).0, [255; 3]);
    // The middle of the diamond is its series' colour, that of the box half of it and half white.
    assert_eq!(image.get_pixel(180, 40).0, Role::Series(2).color());
    let half = image.get_pixel(60, 40).0;
    let expected = Role::Series(0).color().map(|level| u8::midpoint(level, 255));
    assert!(half.iter().zip(expected).all(|(a, b)| a.abs_diff(b) <= 2), "{half:?} {expected:?}");
    // Something is written around the middle of the foot.
    let inked = (90..150).any(|x| (78..96).any(|y| image.get_pixel(x, y).0[0] < 100));
    assert!(inked);
}

#[test]
fn a_picture_fills_its_square_in_both_formats() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.png");
    std::fs::write(&file, Raster::filled(8, 8, [10, 200, 30]).png().unwrap()).unwrap();
    let mut drawing = Drawing::new(40.0, 40.0, "a picture");
    let picture = |file| Item::Picture {
        at: [10.0, 10.0],
        side: 20.0,
        picture: Picture::File(file),
        about: "dog & cat".into(),
    };
    drawing.items.push(picture(file));
    let image = image::load_from_memory(&drawing.png().unwrap()).unwrap().into_rgb8();
    assert_eq!(image.get_pixel(20, 20).0, [10, 200, 30]);
    assert_eq!(image.get_pixel(59, 59).0, [10, 200, 30]);
    assert_eq!(image.get_pixel(60, 60).0, [255; 3]);
    let svg = drawing.svg(Ink::Page).unwrap();
    assert!(svg.contains("data:image/png;base64,") && svg.contains("dog &amp; cat"), "{svg}");
    drawing.items.push(picture(folder.path().join("none.png")));
    assert_eq!(drawing.svg(Ink::Page).unwrap_err().exit_code(), 1);
    assert_eq!(drawing.png().unwrap_err().exit_code(), 1);
}

#[test]
fn what_is_too_large_is_said_before_it_is_made() {
    let error = Drawing::new(20_000.0, 20_000.0, "huge").png().unwrap_err();
    assert_eq!((error.exit_code(), error.hint.is_some()), (2, true));
}

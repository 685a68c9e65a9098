//! How a surface looks at one spot: its pattern, its material, and the light on it.

use super::color::{Rgb, mix, shade};
use super::concepts::{Material, Texture};
use super::dice::{floor, noise, sin};

/// The light of one picture.
#[derive(Debug, Clone, Copy)]
pub(super) struct Light {
    /// Towards the light, in image coordinates (y down), of length 0..1.
    pub(super) from: [f32; 2],
    /// Colour cast and brightness, around 1.
    pub(super) color: Rgb,
    /// Strength of shading and shadows, 0..1.
    pub(super) relief: f32,
}

/// The roundness of a surface, told by its shading.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// A board.
    Flat,
    /// A ball.
    Round,
    /// A standing tube.
    Tube,
}

/// What a surface is painted with.
#[derive(Debug, Clone, Copy)]
pub(super) struct Paint {
    /// Ground colour.
    pub(super) color: Rgb,
    /// Colour of the pattern.
    pub(super) accent: Rgb,
    /// Pattern; none is plain.
    pub(super) texture: Option<Texture>,
    /// Size of the pattern, in the object's own units.
    pub(super) period: f32,
    /// Direction of the pattern: cosine and sine.
    pub(super) grain: [f32; 2],
    /// What it is made of.
    pub(super) material: Option<Material>,
    /// Its roundness.
    pub(super) form: Form,
    /// Makes two surfaces of the same kind differ.
    pub(super) seed: u32,
    /// Shines by itself: no shading, no colour cast.
    pub(super) glows: bool,
}

/// A place on a surface.
#[derive(Debug, Clone, Copy)]
pub(super) struct Spot {
    /// Across and down, in the object's own units.
    pub(super) at: [f32; 2],
    /// Within the outline's bounding box in the image, -1..1 each way.
    pub(super) within: [f32; 2],
    /// One pixel, in the object's own units.
    pub(super) pixel: f32,
}

impl Paint {
    /// A plain surface.
    pub(super) fn new(color: Rgb, material: Material) -> Self {
        Self {
            color,
            accent: color,
            texture: None,
            period: 0.3,
            grain: [1.0, 0.0],
            material: Some(material),
            form: Form::Flat,
            seed: 0,
            glows: false,
        }
    }

    /// Of no material: the sky, a shine.
    pub(super) fn bare(color: Rgb) -> Self {
        Self { material: None, ..Self::new(color, Material::Paper) }
    }

    /// Shaded as a ball.
    pub(super) fn round(self) -> Self {
        Self { form: Form::Round, ..self }
    }

    /// Shaded as a standing tube.
    pub(super) fn tube(self) -> Self {
        Self { form: Form::Tube, ..self }
    }

    /// Shining by itself.
    pub(super) fn glowing(self) -> Self {
        Self { glows: true, ..self }
    }

    /// With a pattern.
    pub(super) fn with(self, texture: Texture, accent: Rgb, period: f32) -> Self {
        Self { texture: Some(texture), accent, period, ..self }
    }

    /// With the pattern (and the grain of wood) turned by a quarter.
    pub(super) fn upright(self) -> Self {
        Self { grain: [0.0, 1.0], ..self }
    }

    /// The same surface in another colour, plain.
    pub(super) fn plain(self, color: Rgb) -> Self {
        Self { color, accent: color, texture: None, ..self }
    }

    /// With other accidents of the material.
    pub(super) fn seeded(self, seed: u32) -> Self {
        Self { seed, ..self }
    }

    /// The colour at a spot, lit.
    pub(super) fn at(&self, spot: &Spot, light: &Light) -> Rgb {
        let [gx, gy] = self.grain;
        let u = spot.at[0] * gx + spot.at[1] * gy;
        let v = spot.at[1] * gx - spot.at[0] * gy;
        let mut color = self.color;
        if let Some(texture) = self.texture {
            let soft = (2.0 * spot.pixel / self.period).min(1.0);
            let t = pattern(texture, u / self.period, v / self.period, soft, self.seed);
            color = mix(color, self.accent, t);
        }
        if self.glows {
            return color;
        }
        let [nx, ny] = spot.within;
        let slope = nx * light.from[0] + ny * light.from[1];
        let (lit, shine) = match self.form {
            Form::Flat => (1.0 + 0.16 * light.relief * slope, slope),
            Form::Round => {
                let nz = (1.0 - 0.9 * (nx * nx + ny * ny)).max(0.0).sqrt();
                let lambert = 0.75 * slope + 0.65 * nz;
                (1.0 + light.relief * (0.75 * lambert - 0.42), lambert)
            }
            Form::Tube => {
                let nz = (1.0 - 0.9 * nx * nx).max(0.0).sqrt();
                let lambert = 0.8 * nx * light.from[0] + 0.65 * nz;
                (1.0 + light.relief * (0.8 * lambert - 0.42), lambert)
            }
        };
        let (wear, gloss) = match self.material {
            Some(material) => finish(material, u, v, nx, ny, shine, self.seed),
            None => (1.0, 0.0),
        };
        let color = shade([color[0] * wear, color[1] * wear, color[2] * wear], lit);
        [
            color[0] * light.color[0] + gloss,
            color[1] * light.color[1] + gloss,
            color[2] * light.color[2] + gloss,
        ]
    }
}

/// What a material does to a colour: a factor, and white light added on top.
fn finish(
    material: Material,
    u: f32,
    v: f32,
    nx: f32,
    ny: f32,
    shine: f32,
    seed: u32,
) -> (f32, f32) {
    match material {
        Material::Wood => {
            let ring = noise(u * 2.2, v * 11.0, seed);
            (0.80 + 0.34 * ring, 0.0)
        }
        Material::Metal => {
            // A bright band, as of a sky line mirrored, and a dark one below it.
            let band = 1.0 - (4.0 * (ny + 0.35)).abs().min(1.0);
            let ground = (0.5 + 1.4 * ny).clamp(0.0, 1.0);
            (1.0 - 0.2 * ground, 0.24 * band)
        }
        Material::Glass => {
            let streak = u + v;
            let streak = (streak * 1.6 - floor(streak * 1.6) - 0.5).abs();
            (0.94, if streak < 0.14 { 0.24 } else { 0.05 })
        }
        Material::Fabric => {
            let thread = sin(u * 9.0) * sin(v * 9.0);
            (0.97 + 0.07 * thread, 0.0)
        }
        Material::Foliage => {
            let clump = noise(u * 6.5, v * 6.5, seed);
            (0.70 + 0.56 * clump, 0.0)
        }
        Material::Stone => {
            let grain = noise(u * 4.0, v * 4.0, seed) + 0.6 * noise(u * 13.0, v * 13.0, seed);
            (0.76 + 0.28 * grain, 0.0)
        }
        Material::Water => {
            let ripple = noise(u * 2.5, v * 12.0, seed);
            (0.86 + 0.2 * ripple, if ripple > 0.8 { 0.1 } else { 0.0 })
        }
        Material::Ceramic => {
            let spot = (shine - 0.82).max(0.0) * 5.0;
            (1.02, (spot * spot).min(1.0) * 0.42)
        }
        Material::Plaster => (0.95 + 0.09 * noise(u * 5.0, v * 5.0, seed), 0.0),
        Material::Sand => (0.92 + 0.15 * noise(u * 14.0, v * 14.0, seed), 0.0),
        Material::Snow => (0.97 + 0.05 * noise(u * 3.0, v * 3.0, seed), 0.0),
        Material::Rubber => (0.92, 0.03 * (1.0 - nx.abs().min(1.0))),
        Material::Skin => (0.93 + 0.13 * noise(u * 5.0, v * 5.0, seed), 0.0),
        Material::Feather => {
            let barb = noise(u * 4.0, v * 13.0, seed);
            (0.86 + 0.24 * barb, 0.0)
        }
        Material::Paper => (1.0, 0.0),
    }
}

/// How much of the accent shows, 0..1. `soft` is the width of an edge as a share of the period.
fn pattern(texture: Texture, u: f32, v: f32, soft: f32, seed: u32) -> f32 {
    match texture {
        Texture::Striped => square(v, soft),
        Texture::Dotted => {
            let row = floor(v);
            let shift = if row as i32 & 1 == 0 { 0.0 } else { 0.5 };
            let (x, y) = (fraction(u + shift) - 0.5, v - row - 0.5);
            ramp((0.31 - (x * x + y * y).sqrt()) / soft)
        }
        Texture::Chequered => {
            let (a, b) = (square(u * 0.5, soft * 0.5), square(v * 0.5, soft * 0.5));
            a + b - 2.0 * a * b
        }
        Texture::Bricked => {
            let row = floor(v);
            let shift = if row as i32 & 1 == 0 { 0.0 } else { 0.5 };
            let x = fraction(u * 0.5 + shift);
            let (x, y) = (x.min(1.0 - x) * 2.0, (v - row).min(1.0 - v + row));
            ramp((0.12 - x.min(y)) / soft + 0.2)
        }
        Texture::Woven => {
            let across = (floor(u) as i32 + floor(v) as i32) & 1 == 0;
            let t = if across { fraction(v) } else { fraction(u) };
            let edge = (t - 0.5).abs() * 2.0;
            (if across { 0.15 } else { 0.6 }) + 0.4 * edge * edge
        }
        Texture::Wavy => square(v + 0.28 * sin(u * 0.5), soft),
        Texture::Zigzagged => square(v + 0.7 * ((fraction(u * 0.5) - 0.5).abs() - 0.25), soft),
        Texture::Flecked => ((noise(u * 2.4, v * 2.4, seed) - 0.42) * 3.2).clamp(0.0, 1.0),
        Texture::Scaly => {
            // The scale above hangs over the rows below: measured from its own centre.
            let row = floor(v);
            let shift = if row as i32 & 1 == 0 { 0.0 } else { 0.5 };
            let (x, y) = (fraction(u + shift) - 0.5, v - row);
            let r = (x * x + y * y * 0.6).sqrt();
            0.25 + 0.75 * ramp((r - 0.52) / soft.max(0.25))
        }
        Texture::Grid => {
            let (x, y) = (fraction(u), fraction(v));
            let edge = x.min(1.0 - x).min(y.min(1.0 - y));
            ramp((0.09 - edge) / soft + 0.2)
        }
        Texture::Cloudy => ((noise(u, v, seed) - 0.3) * 2.0).clamp(0.0, 1.0),
    }
}

fn fraction(x: f32) -> f32 {
    x - floor(x)
}

/// A square wave of period 1 with edges `soft` wide.
fn square(x: f32, soft: f32) -> f32 {
    let t = (fraction(x) - 0.5).abs() * 2.0;
    ramp((t - 0.5) / soft)
}

/// 0 below -0.5, 1 above 0.5, straight between.
fn ramp(x: f32) -> f32 {
    (x + 0.5).clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_show_both_colours() {
        for texture in [
            Texture::Striped,
            Texture::Dotted,
            Texture::Chequered,
            Texture::Bricked,
            Texture::Woven,
            Texture::Wavy,
            Texture::Zigzagged,
            Texture::Flecked,
            Texture::Scaly,
            Texture::Grid,
            Texture::Cloudy,
        ] {
            let (mut low, mut high) = (1.0_f32, 0.0_f32);
            for i in 0..400 {
                let (u, v) = ((i % 20) as f32 * 0.31 - 2.0, (i / 20) as f32 * 0.31 - 2.0);
                let t = pattern(texture, u, v, 0.2, 3);
                assert!((0.0..=1.0).contains(&t), "{texture:?} {t}");
                (low, high) = (low.min(t), high.max(t));
            }
            assert!(high - low > 0.3, "{texture:?} {low} {high}");
        }
    }
}

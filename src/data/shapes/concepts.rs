//! The names of everything that can be seen in a picture, in Network Dissection's six categories.

use std::sync::LazyLock;

/// A kind of concept, as Broden orders them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Category {
    /// One of the eleven basic colour terms, of the pixel as it is shown.
    Color,
    /// The pattern on a surface.
    Texture,
    /// What a surface is made of.
    Material,
    /// Where the picture plays; labels the whole image.
    Scene,
    /// A piece of an object.
    Part,
    /// A thing, or a region such as the sky.
    Object,
}

impl Category {
    /// All six, in order.
    pub const ALL: [Self; 6] =
        [Self::Color, Self::Texture, Self::Material, Self::Scene, Self::Part, Self::Object];

    /// Name in files: `color`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Color => "color",
            Self::Texture => "texture",
            Self::Material => "material",
            Self::Scene => "scene",
            Self::Part => "part",
            Self::Object => "object",
        }
    }
}

/// Something that pixels are labelled with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Concept {
    /// Number in the label maps, from 1 without gaps over all categories; 0 is no concept.
    pub number: u16,
    /// For people: `roof`.
    pub name: &'static str,
    /// Its kind.
    pub category: Category,
}

/// Every concept, by number: `concepts()[n - 1].number == n`.
pub fn concepts() -> &'static [Concept] {
    static ALL: LazyLock<Vec<Concept>> = LazyLock::new(|| {
        let of = |category, names: &[&'static str], first: u16| -> Vec<Concept> {
            let numbered = names.iter().zip(first..);
            numbered.map(|(&name, number)| Concept { number, name, category }).collect()
        };
        [
            of(Category::Color, Color::NAMES, Color::FIRST),
            of(Category::Texture, Texture::NAMES, Texture::FIRST),
            of(Category::Material, Material::NAMES, Material::FIRST),
            of(Category::Scene, Setting::NAMES, Setting::FIRST),
            of(Category::Part, Part::NAMES, Part::FIRST),
            of(Category::Object, Object::NAMES, Object::FIRST),
        ]
        .concat()
    });
    &ALL
}

/// Declares the concepts of a category; numbers go on where the category before ended.
macro_rules! category {
    ($(#[$doc:meta])* $kind:ident from $first:expr; $($variant:ident $name:literal,)+) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[repr(u16)]
        pub(super) enum $kind { $($variant),+ }

        impl $kind {
            pub(super) const NAMES: &[&'static str] = &[$($name),+];
            const FIRST: u16 = $first;
            #[allow(dead_code, reason = "the last category has no next")]
            const NEXT: u16 = Self::FIRST + Self::NAMES.len() as u16;

            /// Number in the label maps.
            pub(super) const fn number(self) -> u16 {
                Self::FIRST + self as u16
            }
        }
    };
}

category! {
    /// Basic colour terms (Berlin and Kay 1969), in the order of the usual colour-naming tables.
    Color from 1;
    Black "black", Blue "blue", Brown "brown", Grey "grey", Green "green", Orange "orange",
    Pink "pink", Purple "purple", Red "red", White "white", Yellow "yellow",
}

category! {
    /// Patterns, with the names of the Describable Textures where it has one.
    Texture from Color::NEXT;
    Striped "striped", Dotted "dotted", Chequered "chequered", Bricked "bricked",
    Woven "woven", Wavy "wavy", Zigzagged "zigzagged", Flecked "flecked", Scaly "scaly",
    Grid "grid", Cloudy "cloudy",
}

category! {
    /// Stuff that things are made of; each is painted its own way.
    Material from Texture::NEXT;
    Wood "wood", Metal "metal", Glass "glass", Fabric "fabric", Foliage "foliage",
    Stone "stone", Water "water", Ceramic "ceramic", Plaster "plaster", Sand "sand",
    Snow "snow", Rubber "rubber", Skin "skin", Feather "feather", Paper "paper",
}

category! {
    /// Places.
    Setting from Material::NEXT;
    Meadow "meadow", Sea "sea", Desert "desert", Street "street", Mountain "mountain",
    Room "room", Night "night", Winter "winter",
}

category! {
    /// Pieces of objects.
    Part from Setting::NEXT;
    Roof "roof", Wall "wall", Door "door", Window "window", Chimney "chimney", Wheel "wheel",
    Hub "hub", Headlight "headlight", Bumper "bumper", Cab "cab", Cargo "cargo box",
    Bodywork "bodywork", Hull "hull", Mast "mast", Sail "sail", Flag "flag", Fin "fin",
    Tail "tail", Eye "eye", Mouth "mouth", Wing "wing", Beak "beak", Leg "leg", Head "head",
    Body "body", Antenna "antenna", Shell "shell", Foot "foot", Petal "petal",
    Center "flower centre", Stem "stem", Leaf "leaf", Cap "cap", Gills "gills", Trunk "trunk",
    Crown "crown", Handle "handle", Spout "spout", Lid "lid", Rim "rim", Base "base",
    Saucer "saucer", Canopy "canopy", Shaft "shaft", Shade "lampshade", Dial "dial",
    Hand "clock hand", Case "case", Bell "bell", Pane "pane", Frame "frame",
}

category! {
    /// Things: first the classes, in their order, then clutter and regions.
    Object from Part::NEXT;
    Bird "bird", Fish "fish", Butterfly "butterfly", Snail "snail", Flower "flower",
    Mushroom "mushroom", Tree "tree", House "house", Car "car", Truck "truck",
    Sailboat "sailboat", Cup "cup", Teapot "teapot", Umbrella "umbrella",
    Lamp "table lamp", Clock "clock",
    Rock "rock", Ball "ball", Crate "crate", Bush "bush", Fence "fence",
    Sky "sky", Cloud "cloud", Sun "sun", Moon "moon", Grass "grass", SeaWater "sea",
    SandGround "sand", Road "road", Pavement "pavement", Building "building", Hill "hill",
    Peak "mountain", SnowGround "snow", Interior "wall", Floor "floor", Rug "rug",
    Picture "painting", Casement "window",
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_dense_and_follow_the_categories() {
        for (i, concept) in concepts().iter().enumerate() {
            assert_eq!(usize::from(concept.number), i + 1);
        }
        assert!(concepts().is_sorted_by_key(|c| c.category));
        assert_eq!(Object::Casement.number(), concepts().len() as u16);
    }

    #[test]
    fn names_are_unique_within_a_category() {
        for a in concepts() {
            for b in concepts() {
                assert!(a.number == b.number || (a.name, a.category) != (b.name, b.category));
            }
        }
    }
}

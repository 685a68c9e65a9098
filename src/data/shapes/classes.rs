//! The classes: what each is called, where WordNet has it, how it is drawn and where it is found.

use super::canvas::Brush;
use super::concepts::{Object, Setting};
use super::dice::Dice;
use super::{animals, plants, things, vehicles};

/// How an object meets the ground.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stance {
    /// Its lower edge is on the ground and throws a shadow there.
    Stands,
    /// Anywhere.
    Floats,
    /// One or the other.
    Both,
}

/// A kind of thing that can be drawn.
pub(super) struct Kind {
    pub(super) object: Object,
    pub(super) draw: fn(&mut Brush, &mut Dice),
    pub(super) stance: Stance,
    /// Farthest turn from upright, in full circles.
    pub(super) tilt: f32,
    /// Share of its box that it fills, roughly: slight things are drawn larger.
    pub(super) bulk: f32,
    /// Places it is found in a little more often than in others.
    pub(super) homes: [Setting; 2],
}

/// A class: a kind with a noun of WordNet 3.0.
pub(super) struct Row {
    /// ImageNet's way to write a noun synset: `n` and its offset in `data.noun`.
    pub(super) wnid: &'static str,
    pub(super) kind: Kind,
}

/// Number of classes.
pub(super) const CLASSES: usize = 16;

/// By class index.
pub(super) static ROWS: [Row; CLASSES] = {
    use Setting::{Desert, Meadow, Mountain, Night, Room, Sea, Street, Winter};
    use Stance::{Both, Floats, Stands};
    [
        row("n01503061", Object::Bird, animals::bird, Both, 0.05, 0.4, [Meadow, Winter]),
        row("n02512053", Object::Fish, animals::fish, Floats, 0.06, 0.5, [Sea, Room]),
        row(
            "n02274259",
            Object::Butterfly,
            animals::butterfly,
            Floats,
            0.09,
            0.45,
            [Meadow, Mountain],
        ),
        row("n01944390", Object::Snail, animals::snail, Stands, 0.02, 0.45, [Meadow, Desert]),
        row("n11669921", Object::Flower, plants::flower, Stands, 0.03, 0.25, [Meadow, Room]),
        row("n12997919", Object::Mushroom, plants::mushroom, Stands, 0.03, 0.5, [Meadow, Night]),
        row("n13104059", Object::Tree, plants::tree, Stands, 0.015, 0.4, [Mountain, Winter]),
        row("n03544360", Object::House, things::house, Stands, 0.01, 0.65, [Street, Mountain]),
        row("n02958343", Object::Car, vehicles::car, Stands, 0.015, 0.4, [Street, Desert]),
        row("n04490091", Object::Truck, vehicles::truck, Stands, 0.015, 0.5, [Street, Desert]),
        row("n04128499", Object::Sailboat, vehicles::sailboat, Stands, 0.035, 0.4, [Sea, Night]),
        row("n03147509", Object::Cup, things::cup, Stands, 0.02, 0.45, [Room, Street]),
        row("n04398044", Object::Teapot, things::teapot, Stands, 0.02, 0.45, [Room, Meadow]),
        row("n04507155", Object::Umbrella, things::umbrella, Both, 0.09, 0.4, [Sea, Street]),
        row("n04380533", Object::Lamp, things::lamp, Stands, 0.02, 0.4, [Room, Night]),
        row("n03046257", Object::Clock, things::clock, Both, 0.03, 0.55, [Room, Street]),
    ]
};

/// Things that are only ever clutter.
pub(super) static CLUTTER: [Kind; 5] = {
    use Setting::{Desert, Meadow, Mountain, Room, Sea, Street};
    use Stance::Stands;
    [
        kind(Object::Rock, things::rock, Stands, 0.02, 0.4, [Mountain, Desert]),
        kind(Object::Ball, things::ball, Stands, 0.25, 0.3, [Room, Sea]),
        kind(Object::Crate, things::crate_box, Stands, 0.03, 0.5, [Street, Room]),
        kind(Object::Bush, plants::bush, Stands, 0.02, 0.5, [Meadow, Mountain]),
        kind(Object::Fence, things::fence, Stands, 0.01, 0.4, [Meadow, Street]),
    ]
};

type Draw = fn(&mut Brush, &mut Dice);

const fn kind(
    object: Object,
    draw: Draw,
    stance: Stance,
    tilt: f32,
    bulk: f32,
    homes: [Setting; 2],
) -> Kind {
    Kind { object, draw, stance, tilt, bulk, homes }
}

const fn row(
    wnid: &'static str,
    object: Object,
    draw: Draw,
    stance: Stance,
    tilt: f32,
    bulk: f32,
    homes: [Setting; 2],
) -> Row {
    Row { wnid, kind: kind(object, draw, stance, tilt, bulk, homes) }
}

impl Row {
    /// `table lamp`.
    pub(super) fn name(&self) -> &'static str {
        Object::NAMES[self.kind.object as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_are_the_first_objects_in_order() {
        for (i, row) in ROWS.iter().enumerate() {
            assert_eq!(row.kind.object as usize, i);
        }
        assert_eq!(CLUTTER[0].object as usize, CLASSES);
    }
}

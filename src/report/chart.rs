//! Curves as plain data, for formats that can draw them.

/// Curves over one axis, both axes from 0.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Chart {
    /// What it shows, in a sentence, for whoever can't see it.
    pub title: String,
    /// What the horizontal axis counts.
    pub x: String,
    /// What the vertical axis counts.
    pub y: String,
    pub series: Vec<Series>,
}

/// One curve.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Series {
    pub name: String,
    pub kind: Kind,
    pub points: Vec<Point>,
}

/// How a curve is told from the others, also without colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// The first measured one.
    First,
    /// The second.
    Second,
    /// What chance alone gives.
    Chance,
    /// What was published beside the first, and beside the second.
    PublishedFirst,
    PublishedSecond,
}

/// A point of a curve.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Point {
    pub x: f64,
    pub y: f64,
    pub interval: Option<[f64; 2]>,
}

//! What a noun is a kind of, all the way up, and how near two are by it (SCIENCE §4.2).
//!
//! Ways go along edges of the hypernym graph, through any of a noun's parents; a noun is its own
//! ancestor, no edge away. A common ancestor of greatest maximal depth is what two have most in
//! common (Wu and Palmer 1994). Conventions: `data/oracles/wordnet_pairs.csv`.

use super::rows::Rows;
use super::{Flaw, Synset, WordNet};

/// Edges of the shortest and of the longest way up to the root, by synset. Errors unless every way up
/// ends at the same noun.
pub(super) fn depths(parents: &Rows<Synset>) -> Result<Vec<[u32; 2]>, Flaw> {
    let mut roots = (0..parents.len()).filter(|&place| parents.row(place).is_empty());
    match (roots.next(), roots.next()) {
        (Some(_), None) => {}
        (Some(one), Some(other)) => {
            return Err(Flaw::Roots([one, other].map(|at| Synset(at as u32))));
        }
        // All have parents: going up never ends.
        (None, _) if parents.len() > 0 => return Err(Flaw::Cycle(Synset(0))),
        (None, _) => return Err(Flaw::Empty),
    }
    const UNKNOWN: u32 = u32::MAX;
    /// On the way up from the noun that is being looked at.
    const ON_THE_WAY: u32 = u32::MAX - 1;
    let mut of = vec![[UNKNOWN; 2]; parents.len()];
    let mut way = Vec::new();
    for start in 0..parents.len() {
        way.push(start);
        while let Some(&place) = way.last() {
            if of[place][0] < ON_THE_WAY {
                way.pop();
                continue;
            }
            of[place][0] = ON_THE_WAY;
            let (mut depth, mut next) = ([u32::MAX, 0], None);
            for parent in parents.row(place) {
                match of[parent.place()] {
                    [UNKNOWN, _] => next = Some(parent.place()),
                    [ON_THE_WAY, _] => return Err(Flaw::Cycle(*parent)),
                    [min, max] => depth = [depth[0].min(min + 1), depth[1].max(max + 1)],
                }
            }
            if let Some(next) = next {
                way.push(next);
            } else {
                of[place] = if parents.row(place).is_empty() { [0; 2] } else { depth };
                way.pop();
            }
        }
    }
    Ok(of)
}

/// A noun that another is a kind of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Ancestor {
    synset: Synset,
    /// Fewest edges up to it.
    up: u32,
    /// Its own greatest depth.
    depth: u32,
}

/// A noun with all that it is a kind of. Two of these are compared in some 20 steps, so that whoever
/// compares many nouns makes one of each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ancestry {
    /// By synset.
    of: Vec<Ancestor>,
}

impl Ancestry {
    /// Common ancestors, with the edges up to each from both sides together.
    fn common(&self, other: &Self) -> impl Iterator<Item = Ancestor> {
        let mut left = self.of.iter().peekable();
        let mut right = other.of.iter().peekable();
        std::iter::from_fn(move || {
            loop {
                let (a, b) = (left.peek()?, right.peek()?);
                let order = a.synset.cmp(&b.synset);
                if order.is_eq() {
                    let both = Ancestor { up: a.up + b.up, ..**a };
                    left.next();
                    right.next();
                    return Some(both);
                }
                if order.is_lt() {
                    left.next();
                } else {
                    right.next();
                }
            }
        })
    }

    /// Edges of the shortest way from one noun to the other over a common ancestor.
    pub fn distance(&self, other: &Self) -> usize {
        self.common(other).map(|ancestor| ancestor.up as usize).min().unwrap_or(usize::MAX)
    }

    /// Rada et al. (1989) as a similarity, 1 / (1 + distance): 1 for the same noun, above 0 for all.
    pub fn path_similarity(&self, other: &Self) -> f64 {
        1.0 / (1.0 + self.distance(other) as f64)
    }

    /// Wu and Palmer (1994), equation 1, 0 to 1: 2D / (up(a, z) + up(b, z) + 2D) with z the common
    /// ancestor of greatest maximal depth, D that depth counted from 1, up the fewest edges. Where
    /// several lie equally deep, the largest value.
    pub fn wu_palmer(&self, other: &Self) -> f64 {
        let Some(deepest) = deepest(self.common(other)) else { return 0.0 };
        let doubled = 2.0 * (f64::from(deepest.depth) + 1.0);
        doubled / (f64::from(deepest.up) + doubled)
    }
}

/// The one of greatest depth; of several the nearest, then the first.
fn deepest(ancestors: impl Iterator<Item = Ancestor>) -> Option<Ancestor> {
    ancestors.reduce(|best, next| {
        let is_better = next.depth > best.depth || (next.depth == best.depth && next.up < best.up);
        if is_better { next } else { best }
    })
}

impl WordNet {
    /// The noun that all others are kinds of: `entity`.
    pub fn root(&self) -> Synset {
        let place = self.table.depths.iter().position(|depth| *depth == [0; 2]);
        Synset(place.unwrap_or(0) as u32)
    }

    /// Edges of the shortest way up to the root, whose depth is 0.
    pub fn min_depth(&self, synset: Synset) -> usize {
        self.depth(synset)[0] as usize
    }

    /// Edges of the longest way up to the root, whose depth is 0.
    pub fn max_depth(&self, synset: Synset) -> usize {
        self.depth(synset)[1] as usize
    }

    fn depth(&self, synset: Synset) -> [u32; 2] {
        self.table.depths.get(synset.place()).copied().unwrap_or_default()
    }

    /// A noun with all that it is a kind of.
    pub fn ancestry(&self, synset: Synset) -> Ancestry {
        let ancestor = |synset, up| Ancestor { synset, up, depth: self.depth(synset)[1] };
        let mut of = vec![ancestor(synset, 0)];
        let mut at = 0;
        // The nearest first, so that whatever is there already is no further away.
        while let Some(&Ancestor { synset, up, .. }) = of.get(at) {
            for &parent in self.parents(synset) {
                if of.iter().all(|known| known.synset != parent) {
                    of.push(ancestor(parent, up + 1));
                }
            }
            at += 1;
        }
        of.sort_unstable_by_key(|ancestor| ancestor.synset);
        Ancestry { of }
    }

    /// Edges of the shortest way between two nouns that leads up and then down.
    pub fn distance(&self, a: Synset, b: Synset) -> usize {
        self.ancestry(a).distance(&self.ancestry(b))
    }

    /// [`Ancestry::wu_palmer`]
    pub fn wu_palmer(&self, a: Synset, b: Synset) -> f64 {
        self.ancestry(a).wu_palmer(&self.ancestry(b))
    }

    /// [`Ancestry::path_similarity`]
    pub fn path_similarity(&self, a: Synset, b: Synset) -> f64 {
        self.ancestry(a).path_similarity(&self.ancestry(b))
    }

    /// What two nouns have most in common: the common ancestor of greatest maximal depth; of several
    /// the one that the two together are nearest to, then the first in data.noun.
    pub fn common_ancestor(&self, a: Synset, b: Synset) -> Synset {
        deepest(self.ancestry(a).common(&self.ancestry(b)))
            .map_or_else(|| self.root(), |ancestor| ancestor.synset)
    }

    /// All common ancestors of greatest maximal depth, in the order of data.noun; most often one.
    pub fn common_ancestors(&self, a: Synset, b: Synset) -> Vec<Synset> {
        let common: Vec<Ancestor> = self.ancestry(a).common(&self.ancestry(b)).collect();
        let depth = common.iter().map(|ancestor| ancestor.depth).max();
        let are_deepest = common.iter().filter(|ancestor| Some(ancestor.depth) == depth);
        are_deepest.map(|ancestor| ancestor.synset).collect()
    }

    /// What a set of nouns have most in common, as [`Self::common_ancestor`] for two. How often one is
    /// there makes no difference. `None` for no noun.
    pub fn common_ancestor_of(&self, all: &[Synset]) -> Option<Synset> {
        let mut all = all.to_vec();
        all.sort_unstable();
        all.dedup();
        let ancestries = all.into_iter().map(|synset| self.ancestry(synset));
        let common =
            ancestries.reduce(|one, other| Ancestry { of: one.common(&other).collect() })?;
        deepest(common.of.into_iter()).map(|ancestor| ancestor.synset)
    }

    /// The nouns of a set and all that they are kinds of, each once: the root first, each after its
    /// parents (by maximal depth, then as in data.noun).
    pub fn closure(&self, all: &[Synset]) -> Vec<Synset> {
        let mut closure: Vec<Synset> = all.to_vec();
        let mut is_in: std::collections::HashSet<Synset> = all.iter().copied().collect();
        let mut at = 0;
        while let Some(&synset) = closure.get(at) {
            closure.extend(self.parents(synset).iter().filter(|parent| is_in.insert(**parent)));
            at += 1;
        }
        closure.sort_unstable_by_key(|&synset| (self.max_depth(synset), synset));
        closure.dedup();
        closure
    }
}

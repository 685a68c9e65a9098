//! The rank that chosen images have among all of a set, for a neuron: where a picture fell to when it
//! was attacked.

/// For queries (neuron, value, image): how many images of a matrix of activations rank before it,
/// that is have a greater value, or an equal value and a smaller index. One streaming pass over rows
/// in any order, in memory that depends on the queries alone.
#[derive(Debug, Clone)]
pub struct Ranks {
    neurons: Vec<Neuron>,
    queries: usize,
}

/// The queries of one neuron.
#[derive(Debug, Clone, Default)]
struct Neuron {
    /// Value, image and place among all queries; the one that ranks first comes first.
    queries: Vec<Query>,
    /// How many images rank before the query at this place and all after it, but not before the one
    /// ahead of it.
    passed: Vec<u64>,
}

#[derive(Debug, Clone, Copy)]
struct Query {
    value: f32,
    image: usize,
    place: usize,
}

impl Query {
    /// Whether an image of this value ranks before the query.
    fn is_after(&self, value: f32, image: usize) -> bool {
        value > self.value || (value == self.value && image < self.image)
    }
}

impl Ranks {
    /// Of a layer of `neurons` neurons. A query's own image never counts against it. A value of NaN
    /// ranks behind every number; a query of a neuron that there is not gets the rank 1.
    pub fn new(neurons: usize, queries: Vec<(usize, f32, usize)>) -> Self {
        let mut made = Self { neurons: vec![Neuron::default(); neurons], queries: queries.len() };
        for (place, (neuron, value, image)) in queries.into_iter().enumerate() {
            let (value, image) =
                if value.is_nan() { (f32::NEG_INFINITY, usize::MAX) } else { (value, image) };
            if let Some(neuron) = made.neurons.get_mut(neuron) {
                neuron.queries.push(Query { value, image, place });
            }
        }
        for neuron in &mut made.neurons {
            // + 0.0: the two zeros are one value.
            neuron.queries.sort_by(|a, b| {
                (b.value + 0.0).total_cmp(&(a.value + 0.0)).then(a.image.cmp(&b.image))
            });
            neuron.passed = vec![0; neuron.queries.len()];
        }
        made
    }

    /// Counts an image by its row of the matrix, one activation a neuron. A NaN ranks before nothing.
    pub fn see(&mut self, image: usize, row: &[f32]) {
        for (neuron, &value) in self.neurons.iter_mut().zip(row) {
            // Most images rank before none of them.
            let Some(last) = neuron.queries.last() else { continue };
            if value.is_nan() || !last.is_after(value, image) {
                continue;
            }
            let first = neuron.queries.partition_point(|query| !query.is_after(value, image));
            if let Some(passed) = neuron.passed.get_mut(first) {
                *passed += 1;
            }
        }
    }

    /// From 1, in the order of queries.
    pub fn ranks(&self) -> Vec<u64> {
        let mut ranks = vec![1; self.queries];
        for neuron in &self.neurons {
            let mut before = 0;
            for (query, passed) in neuron.queries.iter().zip(&neuron.passed) {
                before += passed;
                ranks[query.place] += before;
            }
        }
        ranks
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Levels with many ties; one stands for NaN.
    fn number(level: i8) -> f32 {
        match level {
            3 => f32::NAN,
            2 => -0.0,
            level => f32::from(level),
        }
    }

    proptest! {
        #[test]
        fn equals_counting(
            levels in proptest::collection::vec(-4_i8..4, 0..90),
            asked in proptest::collection::vec((0_usize..3, -4_i8..4, 0_usize..40), 0..12),
            turn in 0_usize..30,
        ) {
            let rows: Vec<Vec<f32>> = levels
                .chunks_exact(3)
                .map(|row| row.iter().map(|&level| number(level)).collect())
                .collect();
            let queries: Vec<(usize, f32, usize)> = asked
                .iter()
                .map(|&(neuron, level, image)| (neuron, number(level), image))
                .collect();
            let mut ranks = Ranks::new(3, queries.clone());
            for at in 0..rows.len() {
                let image = (at + turn) % rows.len();
                ranks.see(image, &rows[image]);
            }
            let expected: Vec<u64> = queries
                .iter()
                .map(|&(neuron, value, image)| {
                    let before = rows.iter().enumerate().filter(|(other, row)| {
                        let activation = row[neuron];
                        !activation.is_nan()
                            && (value.is_nan()
                                || activation > value
                                || (activation == value && *other < image))
                    });
                    1 + before.count() as u64
                })
                .collect();
            prop_assert_eq!(ranks.ranks(), expected);
        }
    }

    #[test]
    fn the_ranks_of_a_whole_row_are_its_order() {
        let values = [0.5_f32, 2.0, 2.0, -1.0, 7.0];
        let queries = values.iter().enumerate().map(|(image, &value)| (0, value, image)).collect();
        let mut ranks = Ranks::new(1, queries);
        for (image, &value) in values.iter().enumerate() {
            ranks.see(image, &[value]);
        }
        assert_eq!(ranks.ranks(), [4, 2, 3, 5, 1]);
    }

    #[test]
    fn a_neuron_that_there_is_not_has_no_images_before_it() {
        assert_eq!(Ranks::new(1, vec![(9, 1.0, 0)]).ranks(), [1]);
    }
}

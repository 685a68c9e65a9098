//! Neurons switched off: the stored answers without them, beside those with them.

use super::shown::{Key, key};
use crate::run::results::trace::{ABLATED, Ablation, Answer, Prediction};

/// What is switched off, and in which run's prediction: it means nothing elsewhere.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Off {
    of: Option<(String, Key)>,
    neurons: Vec<usize>,
}

/// The neurons that are off in a prediction, in the order of their influence.
pub(super) fn off(off: &Off, run: &str, prediction: &Prediction) -> Vec<usize> {
    let is_here = off.of.as_ref().is_some_and(|(of, (kind, image))| {
        of == run && *kind == prediction.kind && *image == prediction.image
    });
    if !is_here {
        return Vec::new();
    }
    let first = prediction.neurons.iter().take(ABLATED).map(|neuron| neuron.index);
    first.filter(|index| off.neurons.contains(index)).collect()
}

impl Off {
    /// Switches a neuron off, or on again; errors with why that is not possible.
    pub(super) fn turn(
        &mut self,
        run: &str,
        prediction: &Prediction,
        neuron: usize,
    ) -> Result<(), String> {
        let mut neurons = off(self, run, prediction);
        if neurons.contains(&neuron) {
            neurons.retain(|index| *index != neuron);
        } else {
            neurons.push(neuron);
        }
        if !neurons.is_empty() && find(prediction, &neurons).is_none() {
            return Err(format!(
                "the answer without neuron {neuron} was not stored: only the first {ABLATED} \
                 influential neurons of a prediction are switched off"
            ));
        }
        (self.of, self.neurons) = (Some((run.to_owned(), key(prediction))), neurons);
        Ok(())
    }
}

/// The stored answers without exactly these neurons, in whatever order they stand.
pub(super) fn find<'a>(prediction: &'a Prediction, neurons: &[usize]) -> Option<&'a Ablation> {
    let is_it = |ablation: &&Ablation| {
        ablation.neurons.len() == neurons.len()
            && neurons.iter().all(|index| ablation.neurons.contains(index))
    };
    prediction.ablations.iter().find(is_it)
}

/// A stored probability; of a class beyond the five largest only a bound is known.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Told {
    Exactly(f64),
    AtMost(f64),
}

impl Told {
    pub(super) fn value(self) -> f64 {
        match self {
            Self::Exactly(value) | Self::AtMost(value) => value,
        }
    }

    /// Six cells: ` 0.812`, `≤0.012`.
    pub(super) fn text(self) -> String {
        match self {
            Self::Exactly(value) => format!(" {value:.3}"),
            Self::AtMost(value) => format!("≤{value:.3}"),
        }
    }
}

/// A class before and after.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Moved {
    pub(super) class: u32,
    pub(super) before: Told,
    /// `None`: nothing is switched off.
    pub(super) after: Option<Told>,
}

impl Moved {
    /// By how much it moved, where both are known.
    pub(super) fn change(&self) -> Option<f64> {
        match (self.before, self.after) {
            (Told::Exactly(before), Some(Told::Exactly(after))) => Some(after - before),
            _ => None,
        }
    }
}

/// The classes of the answer in their order, then those that the neurons' absence brings up.
pub(super) fn moved(prediction: &Prediction, ablation: Option<&Ablation>) -> Vec<Moved> {
    let of = |answers: &[Answer], class: u32, followed: Option<f64>| {
        let stored = answers.iter().find(|answer| answer.class == class);
        let stored = stored.map(|answer| Told::Exactly(answer.probability));
        let followed = || followed.filter(|_| class == prediction.followed).map(Told::Exactly);
        let least = || answers.last().map_or(1.0, |answer| answer.probability);
        stored.or_else(followed).unwrap_or_else(|| Told::AtMost(least()))
    };
    let classes = |answers: &[Answer]| -> Vec<u32> { answers.iter().map(|a| a.class).collect() };
    let mut all = classes(&prediction.answers);
    // Where a class of the user's choice is followed, it is what the differences are of.
    if !all.contains(&prediction.followed) {
        all.push(prediction.followed);
    }
    for class in ablation.map(|ablation| classes(&ablation.answers)).unwrap_or_default() {
        if !all.contains(&class) {
            all.push(class);
        }
    }
    all.into_iter()
        .map(|class| Moved {
            class,
            before: of(&prediction.answers, class, Some(prediction.probability)),
            after: ablation.map(|now| of(&now.answers, class, Some(now.probability))),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::fixture;

    #[test]
    fn every_set_of_the_first_neurons_is_found_and_others_are_refused() {
        let trace = fixture::trace(0);
        let prediction = &trace.predictions[0];
        let mut state = Off::default();
        let indices: Vec<usize> = prediction.neurons.iter().map(|n| n.index).collect();
        for count in 1..=ABLATED {
            state.turn("run", prediction, indices[count - 1]).unwrap();
            let neurons = off(&state, "run", prediction);
            assert_eq!(neurons, indices[..count]);
            assert_eq!(find(prediction, &neurons).unwrap().neurons.len(), count);
        }
        let before = state.clone();
        let why = state.turn("run", prediction, 9_999).unwrap_err();
        assert!(why.contains("9999") && why.contains("not stored"), "{why}");
        assert_eq!(state, before);
        assert_eq!(off(&state, "another run", prediction), [] as [usize; 0]);
        assert_eq!(off(&state, "run", &trace.predictions[1]), [] as [usize; 0]);
        state.turn("run", prediction, indices[1]).unwrap();
        assert!(!off(&state, "run", prediction).contains(&indices[1]));
    }

    #[test]
    fn a_class_beyond_the_five_largest_is_told_as_a_bound() {
        let answer = |class: u32, probability: f64| Answer { class, probability };
        let prediction = Prediction {
            followed: 3,
            probability: 0.7,
            answers: vec![answer(3, 0.7), answer(1, 0.2)],
            ..Prediction::default()
        };
        let ablation = Ablation {
            neurons: vec![7],
            probability: 0.05,
            answers: vec![answer(1, 0.6), answer(2, 0.3)],
        };
        let rows = moved(&prediction, Some(&ablation));
        let told: Vec<_> = rows.iter().map(|row| (row.class, row.before, row.after)).collect();
        assert_eq!(
            told,
            [
                (3, Told::Exactly(0.7), Some(Told::Exactly(0.05))),
                (1, Told::Exactly(0.2), Some(Told::Exactly(0.6))),
                (2, Told::AtMost(0.2), Some(Told::Exactly(0.3))),
            ]
        );
        assert_eq!(rows[2].change(), None);
        assert!((rows[1].change().unwrap() - 0.4).abs() < 1e-12);
        assert!(moved(&prediction, None).iter().all(|row| row.after.is_none()));
    }
}

//! What a neuron's pictures tell, in a few words and one number. Counts labels; measures nothing
//! else.

use super::neurons::{Neuron, TopImage};

/// The class that most of a neuron's real images belong to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Favourite<'a> {
    /// Its name. Two classes may have the same.
    pub label: &'a str,
    /// Its number.
    pub class: u32,
    /// Of the real images.
    pub real: usize,
    /// Of the adversarial images, by true label.
    pub adversarial: usize,
}

impl Neuron {
    /// Of equally frequent classes, the one with the more exciting image. `None` for a silent
    /// neuron.
    pub fn favourite(&self) -> Option<Favourite<'_>> {
        if self.is_silent() {
            return None;
        }
        let counted = self.real.iter().map(|top| Favourite {
            label: &top.label,
            class: top.label_index,
            real: count(&self.real, top.label_index),
            adversarial: count(&self.adversarial, top.label_index),
        });
        // max_by_key keeps the last of equals, and the most exciting comes first.
        counted.rev().max_by_key(|favourite| favourite.real)
    }

    /// The class that most of its adversarial images belong to, by true label: its name and its
    /// number. Of equally frequent classes, the one with the more exciting image. `None` without
    /// adversarial images, or for a silent neuron.
    pub fn adversarial_favourite(&self) -> Option<(&str, u32)> {
        if self.is_silent() {
            return None;
        }
        let classes = self.adversarial.iter().map(|top| (top.label.as_str(), top.label_index));
        classes.rev().max_by_key(|(_, class)| count(&self.adversarial, *class))
    }

    /// How much of its activation the most exciting real images lose when they are attacked: the
    /// mean of 1 − adversarial / real over those whose adversarial counterpart is there. 0 = nothing,
    /// 1 = all of it, below 0 = the attack excites it more. `None` where there is none.
    pub fn change(&self) -> Option<f64> {
        let falls: Vec<f64> = self.real.iter().filter_map(TopImage::fall).collect();
        (!falls.is_empty()).then(|| falls.iter().sum::<f64>() / falls.len() as f64)
    }

    /// How much of what the neuron means on real images is gone on adversarial ones: the share of
    /// its favourite class among its real images minus the share among its adversarial images, by
    /// true label. 1 = all real ones and no adversarial one; 0 = no difference. `None` without
    /// adversarial images, or for a silent neuron.
    pub fn disagreement(&self) -> Option<f64> {
        let favourite = self.favourite()?;
        if self.adversarial.is_empty() {
            return None;
        }
        let share = |count: usize, of: usize| count as f64 / of as f64;
        let adversarial = share(favourite.adversarial, self.adversarial.len());
        Some(share(favourite.real, self.real.len()) - adversarial)
    }

    /// Activation of the most exciting real image.
    pub fn top_activation(&self) -> f64 {
        self.real.first().map_or(0.0, |top| top.activation)
    }

    /// Whether no real image excites it: then which images are listed means nothing.
    pub fn is_silent(&self) -> bool {
        self.top_activation() <= 0.0
    }

    /// `real: 8 of 9 dog · adversarial: 7 classes, 2 dog`
    pub fn story(&self) -> String {
        let Some(favourite) = self.favourite() else {
            return "silent: no real image excites it".into();
        };
        let real = in_words(&self.real, favourite);
        if self.adversarial.is_empty() {
            return format!("real: {real}");
        }
        format!("real: {real} · adversarial: {}", in_words(&self.adversarial, favourite))
    }
}

impl TopImage {
    /// The share of its activation that its counterpart does not reach. `None` without one, or
    /// where there is no activation to lose.
    pub fn fall(&self) -> Option<f64> {
        let counterpart = self.counterpart.as_ref()?;
        (self.activation > 0.0).then(|| 1.0 - counterpart.activation / self.activation)
    }

    /// `dog`, or `bus→dog` where the network takes the picture for something else.
    pub fn caption(&self) -> String {
        if self.label_index == self.prediction_index {
            self.label.clone()
        } else {
            format!("{}→{}", self.label, self.prediction)
        }
    }
}

fn count(images: &[TopImage], class: u32) -> usize {
    images.iter().filter(|top| top.label_index == class).count()
}

fn in_words(images: &[TopImage], favourite: Favourite<'_>) -> String {
    let (of, count, label) = (images.len(), count(images, favourite.class), favourite.label);
    let mut classes: Vec<u32> = images.iter().map(|top| top.label_index).collect();
    classes.sort_unstable();
    classes.dedup();
    match (images, classes.len(), count) {
        ([first, ..], 1, _) => format!("all {of} {}", first.label),
        (_, _, count) if count * 2 > of => format!("{count} of {of} {label}"),
        (_, classes, 0) => format!("{classes} classes, no {label}"),
        (_, classes, _) => format!("{classes} classes, {count} {label}"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::neurons::Counterpart;
    use super::*;

    fn top(label: &str, activation: f64) -> TopImage {
        TopImage {
            image: String::new(),
            picture: String::new(),
            activation,
            position: [0, 0],
            label: label.into(),
            label_index: label.bytes().map(u32::from).sum(),
            prediction: label.into(),
            prediction_index: 0,
            counterpart: None,
        }
    }

    fn neuron(real: &[&str], adversarial: &[&str]) -> Neuron {
        let all = |labels: &[&str]| labels.iter().map(|label| top(label, 1.0)).collect();
        Neuron {
            index: 0,
            real: all(real),
            adversarial: all(adversarial),
            threshold: None,
            regions: None,
            discrepancy: None,
        }
    }

    #[test]
    fn tells_what_both_rows_show() {
        let lied = neuron(&["dog", "dog", "dog", "cat"], &["bus", "dog", "lamp", "tree"]);
        assert_eq!(lied.story(), "real: 3 of 4 dog · adversarial: 4 classes, 1 dog");
        assert_eq!(lied.disagreement(), Some(0.5));
        let honest = neuron(&["dog", "dog"], &["dog", "dog"]);
        assert_eq!(honest.story(), "real: all 2 dog · adversarial: all 2 dog");
        assert_eq!(honest.disagreement(), Some(0.0));
        let gone = neuron(&["a", "b", "c"], &["d", "e", "d"]);
        assert_eq!(gone.story(), "real: 3 classes, 1 a · adversarial: 2 classes, no a");
    }

    #[test]
    fn says_nothing_where_there_is_nothing_to_say() {
        let mut silent = neuron(&["dog"], &["cat"]);
        silent.real[0].activation = 0.0;
        assert_eq!(silent.story(), "silent: no real image excites it");
        assert_eq!((silent.favourite(), silent.disagreement()), (None, None));
        assert_eq!(neuron(&["dog"], &[]).disagreement(), None);
        assert_eq!(neuron(&["dog"], &[]).story(), "real: all 1 dog");
        assert_eq!(neuron(&[], &[]).favourite(), None);
    }

    #[test]
    fn of_equally_frequent_classes_the_more_exciting_one_counts() {
        let mixed = neuron(&["cat", "dog", "dog", "cat"], &["cat"]);
        let favourite = mixed.favourite().unwrap();
        assert_eq!((favourite.label, favourite.real, favourite.adversarial), ("cat", 2, 1));
    }

    #[test]
    fn the_adversarial_favourite_is_counted_on_its_own() {
        let lied = neuron(&["dog", "dog"], &["bus", "cat", "cat", "bus"]);
        assert_eq!(lied.adversarial_favourite().map(|(label, _)| label), Some("bus"));
        assert_eq!(neuron(&["dog"], &[]).adversarial_favourite(), None);
    }

    #[test]
    fn the_change_is_the_mean_loss_over_the_pairs_that_are_there() {
        let counterpart = |activation: f64| Counterpart {
            picture: String::new(),
            activation,
            rank: 1,
            prediction: String::new(),
            prediction_index: 0,
        };
        let mut fallen = neuron(&["dog", "dog", "cat", "cat"], &["bus"]);
        assert_eq!(fallen.change(), None);
        fallen.real[0].activation = 4.0;
        fallen.real[0].counterpart = Some(counterpart(1.0));
        fallen.real[1].activation = 2.0;
        fallen.real[1].counterpart = Some(counterpart(2.5));
        // No loss can be told of what was not active.
        fallen.real[2].activation = 0.0;
        fallen.real[2].counterpart = Some(counterpart(1.0));
        assert_eq!(fallen.change(), Some(f64::midpoint(0.75, -0.25)));
    }

    #[test]
    fn classes_of_one_name_are_two_classes() {
        let mut cranes = neuron(&["crane", "crane", "dog"], &["crane", "crane"]);
        // The bird and the machine.
        cranes.real[1].label_index += 1;
        cranes.adversarial[1].label_index += 1;
        assert_eq!(cranes.story(), "real: 3 classes, 1 crane · adversarial: 2 classes, 1 crane");
    }
}

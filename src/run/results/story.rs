//! What a neuron's pictures tell, in a few words and one number. Counts labels; measures nothing
//! else.

use super::neurons::{Neuron, TopImage};

impl Neuron {
    /// The class that most of the neuron's real images belong to, and how many do. Of equally
    /// frequent ones, the one with the more exciting image.
    pub fn favourite(&self) -> Option<(&str, usize)> {
        if self.is_silent() {
            return None;
        }
        let counted =
            self.real.iter().map(|top| (top.label.as_str(), count(&self.real, &top.label)));
        // max_by_key keeps the last of equals, and the most exciting comes first.
        counted.rev().max_by_key(|(_, count)| *count)
    }

    /// How much of what the neuron means on real images is gone on adversarial ones: the share of
    /// its favourite class among its real images minus the share among its adversarial images, by
    /// true label. 1 = all real ones and no adversarial one; 0 = no difference. `None` without
    /// adversarial images, or for a silent neuron.
    pub fn disagreement(&self) -> Option<f64> {
        let (label, real) = self.favourite()?;
        if self.adversarial.is_empty() {
            return None;
        }
        let share = |count: usize, of: usize| count as f64 / of as f64;
        let adversarial = share(count(&self.adversarial, label), self.adversarial.len());
        Some(share(real, self.real.len()) - adversarial)
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
        let Some((label, _)) = self.favourite() else {
            return "silent: no real image excites it".into();
        };
        let real = in_words(&self.real, label);
        if self.adversarial.is_empty() {
            return format!("real: {real}");
        }
        format!("real: {real} · adversarial: {}", in_words(&self.adversarial, label))
    }
}

impl TopImage {
    /// `dog`, or `bus→dog` where the network takes the picture for something else.
    pub fn caption(&self) -> String {
        if self.label_index == self.prediction_index {
            self.label.clone()
        } else {
            format!("{}→{}", self.label, self.prediction)
        }
    }
}

fn count(images: &[TopImage], label: &str) -> usize {
    images.iter().filter(|top| top.label == label).count()
}

fn in_words(images: &[TopImage], favourite: &str) -> String {
    let (of, count) = (images.len(), count(images, favourite));
    let mut labels: Vec<&str> = images.iter().map(|top| top.label.as_str()).collect();
    labels.sort_unstable();
    labels.dedup();
    match (labels.as_slice(), count) {
        ([only], _) => format!("all {of} {only}"),
        (_, count) if count * 2 > of => format!("{count} of {of} {favourite}"),
        (_, 0) => format!("{} classes, no {favourite}", labels.len()),
        _ => format!("{} classes, {count} {favourite}", labels.len()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn top(label: &str, activation: f64) -> TopImage {
        TopImage {
            image: String::new(),
            picture: String::new(),
            activation,
            position: [0, 0],
            label: label.into(),
            label_index: 0,
            prediction: label.into(),
            prediction_index: 0,
        }
    }

    fn neuron(real: &[&str], adversarial: &[&str]) -> Neuron {
        let all = |labels: &[&str]| labels.iter().map(|label| top(label, 1.0)).collect();
        Neuron { index: 0, real: all(real), adversarial: all(adversarial) }
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
        assert_eq!(neuron(&["cat", "dog", "dog", "cat"], &[]).favourite(), Some(("cat", 2)));
    }
}

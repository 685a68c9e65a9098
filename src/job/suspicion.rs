//! When an accuracy under attack is not to be believed, and what to try. The signs are those of
//! Carlini et al. (arXiv 1902.06705, §5) and of Athalye, Carlini and Wagner (arXiv 1802.00420, §3);
//! the thresholds are ours.
//!
//! Plain rules over counts: what they are fed is measured elsewhere.

use crate::run::results::warning::{Warning, WarningKind};

/// Two accuracies on the same images differ notably from this difference on, as a share: two images
/// in a thousand, which is how well two programs that do the same attack agree...
const NOTABLE: f64 = 0.002;

/// ...and by at least so many images, so that one image of a small set proves nothing.
const NOTABLE_IMAGES: u64 = 2;

/// Share of images without a gradient from which on gradient attacks are doubtful: 5 %. An
/// undefended network that is sure of everything it gets right stays well below.
const VANISHING_SHARE: f64 = 0.05;

/// Twice the steps find notably more from this share of the sample on. More than [`NOTABLE`], since
/// a sample is small and a few more images always fall.
const MORE_STEPS_SHARE: f64 = 0.02;

/// One attack and how the network fared under it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Measured<'a> {
    /// As the spec names it.
    pub attack: &'a str,
    /// `linf` or `l2`.
    pub norm: &'a str,
    /// Pixel levels of 255.
    pub epsilon: f64,
    /// Whatever else tells two attacks of a name apart, as text: steps and their sizes.
    pub settings: &'a str,
    /// Images that the network still got right.
    pub right: u64,
    /// Images attacked.
    pub images: u64,
}

impl Measured<'_> {
    fn top1(&self) -> f64 {
        if self.images == 0 { 0.0 } else { self.right as f64 / self.images as f64 }
    }

    /// Whether notably more images stayed right here than there, on sets of the same size.
    fn holds_notably_better_than(&self, other: &Self) -> bool {
        let more = self.right.saturating_sub(other.right);
        // Counts, since a difference of two shares would be rounded.
        self.images == other.images
            && more >= NOTABLE_IMAGES
            && more as f64 > NOTABLE * self.images as f64
    }

    fn name(&self) -> String {
        let norm = if self.norm == "l2" { " l2" } else { "" };
        format!("{} ε {}{norm}", self.attack, self.epsilon)
    }
}

/// Attacks that contain FGSM's step and go on from there: none may find less.
const ITERATIVE: &[&str] = &["bim", "pgd", "mim", "apgd-ce"];

/// FGSM leaves fewer images right than an iterative attack with the same bound. By the iterative
/// attack's place in `rows`.
pub fn fgsm_beats_pgd(rows: &[Measured<'_>]) -> Vec<(usize, Warning)> {
    let iterative = rows.iter().enumerate().filter(|(_, row)| ITERATIVE.contains(&row.attack));
    let found = iterative.filter_map(|(place, row)| {
        let fgsm = rows.iter().find(|fgsm| {
            fgsm.attack == "fgsm" && fgsm.epsilon == row.epsilon && fgsm.norm == row.norm
        })?;
        row.holds_notably_better_than(fgsm).then(|| {
            let message = format!(
                "one step of FGSM leaves {} right, {} {}: the iterative attack does not find what \
                 is there, as with masked gradients or catastrophic overfitting",
                percent(fgsm.top1()),
                row.attack,
                percent(row.top1()),
            );
            let remedy = "more steps of a smaller size with several restarts, apgd-ce, and square, \
                          which needs no gradient; the lowest accuracy counts";
            (place, warning(WarningKind::FgsmBeatsPgd, message, remedy))
        })
    });
    found.collect()
}

/// The same attack leaves more images right with a wider bound. By the wider one's place in `rows`,
/// in which rows of one attack with different settings are different attacks.
pub fn accuracy_rises(rows: &[Measured<'_>]) -> Vec<(usize, Warning)> {
    let found = rows.iter().enumerate().filter_map(|(place, wide)| {
        let narrower = rows.iter().filter(|narrow| {
            let same = (narrow.attack, narrow.norm, narrow.settings)
                == (wide.attack, wide.norm, wide.settings);
            // Without a bound nothing of an attack is narrower.
            same && narrow.epsilon < wide.epsilon && wide.attack != "none"
        });
        let lowest = narrower.min_by(|a, b| a.top1().total_cmp(&b.top1()))?;
        wide.holds_notably_better_than(lowest).then(|| {
            let message = format!(
                "{} leaves {} right, {} only {}: whatever fools within the narrower bound lies \
                 within the wider one too",
                wide.name(),
                percent(wide.top1()),
                lowest.name(),
                percent(lowest.top1()),
            );
            let remedy = "an iterative attack with more steps and a step size that grows with \
                          epsilon; single steps overshoot";
            (place, warning(WarningKind::AccuracyRisesWithEpsilon, message, remedy))
        })
    });
    found.collect()
}

/// Images made on another network leave fewer right than those made on the network itself. `right`
/// and `same` are by source, then target: images still right, and whether both are one network.
pub fn transfer_beats_white_box(
    names: (&[String], &[String]),
    same: &[Vec<bool>],
    right: &[Vec<u64>],
    images: u64,
) -> Vec<Warning> {
    let (sources, targets) = names;
    let mut found = Vec::new();
    for (target, name) in targets.iter().enumerate() {
        let column = |own: bool| {
            (0..sources.len())
                .filter(move |&source| same[source][target] == own)
                .map(move |source| (right[source][target], source))
                .min()
        };
        let (Some((white_box, _)), Some((transferred, source))) = (column(true), column(false))
        else {
            continue;
        };
        let measured = |right: u64| Measured {
            attack: "",
            norm: "",
            epsilon: 0.0,
            settings: "",
            right,
            images,
        };
        let (white_box, transferred) = (measured(white_box), measured(transferred));
        if white_box.holds_notably_better_than(&transferred) {
            let message = format!(
                "images made on {} leave {name} right on {}, images made on itself on {}: its own \
                 gradients lead the attack astray",
                sources[source],
                percent(transferred.top1()),
                percent(white_box.top1()),
            );
            let remedy = "square, which needs no gradient, apgd-dlr, and more restarts on this \
                          network; report the lower accuracy";
            found.push(warning(WarningKind::TransferBeatsWhiteBox, message, remedy));
        }
    }
    found
}

/// Of `images` looked at, `vanishing` have no gradient to follow.
pub fn vanishing_gradients(vanishing: u64, images: u64) -> Option<Warning> {
    if images == 0 || vanishing as f64 <= VANISHING_SHARE * images as f64 {
        return None;
    }
    let message = format!(
        "the input gradient is zero, or below {:e}, for {vanishing} of {images} images: an attack \
         by gradients cannot move them",
        crate::attack::soundness::VANISHED,
    );
    let remedy = "apgd-dlr, whose loss does not saturate, square, which needs no gradient, and \
                  images made on another network";
    Some(warning(WarningKind::VanishingGradients, message, remedy))
}

/// The network answers the same images differently each time.
pub fn random_model(random: bool) -> Option<Warning> {
    let message = "two passes of the same images give different logits: an attack meets another \
                   network than the one that is measured";
    let remedy = "switch the randomness off for the evaluation, or attack the mean over many passes \
                  (expectation over transformation)";
    random.then(|| warning(WarningKind::RandomModel, message.into(), remedy))
}

/// With `steps` of `attack`, `right` of a sample of `images` stay right; with twice as many `more`.
pub fn too_few_steps(
    attack: &str,
    steps: u64,
    (right, more): (u64, u64),
    images: u64,
) -> Option<Warning> {
    let fallen = right.saturating_sub(more);
    if fallen < NOTABLE_IMAGES || fallen as f64 <= MORE_STEPS_SHARE * images as f64 {
        return None;
    }
    let unit = if attack == "square" { "queries" } else { "steps" };
    let message = format!(
        "with {} instead of {steps} {unit} {more} instead of {right} of {images} images stay \
         right: the attack has not converged",
        2 * steps
    );
    let remedy = format!("{unit} = {} or more, until the accuracy falls no further", 2 * steps);
    Some(warning(WarningKind::TooFewSteps, message, &remedy))
}

fn warning(kind: WarningKind, message: String, remedy: &str) -> Warning {
    Warning { kind, message, remedy: remedy.into() }
}

fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(attack: &'static str, epsilon: f64, right: u64) -> Measured<'static> {
        Measured { attack, norm: "linf", epsilon, settings: "", right, images: 1000 }
    }

    #[test]
    fn one_step_that_beats_many_is_told_at_the_many() {
        let rows = [row("none", 0.0, 900), row("fgsm", 4.0, 100), row("pgd", 4.0, 200)];
        let found = fgsm_beats_pgd(&rows);
        assert_eq!(found.len(), 1);
        let (place, warning) = &found[0];
        assert_eq!((*place, warning.kind), (2, WarningKind::FgsmBeatsPgd));
        assert!(warning.message.contains("10.0 %") && warning.message.contains("20.0 %"));
    }

    #[test]
    fn one_step_is_compared_with_its_own_bound_alone() {
        let pgd = row("pgd", 4.0, 200);
        for fgsm in [
            row("fgsm", 8.0, 100),
            Measured { norm: "l2", ..row("fgsm", 4.0, 100) },
            row("fgsm", 4.0, 300),
            // Two images in a thousand are no difference.
            row("fgsm", 4.0, 198),
            row("square", 4.0, 100),
        ] {
            assert_eq!(fgsm_beats_pgd(&[fgsm, pgd]), [], "{fgsm:?}");
        }
        assert_eq!(fgsm_beats_pgd(&[row("fgsm", 4.0, 197), pgd]).len(), 1);
        // One image of few is none either, whatever its share.
        let few = |attack, right| Measured { right, images: 8, ..row(attack, 4.0, 0) };
        assert_eq!(fgsm_beats_pgd(&[few("fgsm", 2), few("pgd", 3)]), []);
    }

    #[test]
    fn an_accuracy_that_rises_with_epsilon_is_told_at_the_wider_bound() {
        let rows = [row("fgsm", 8.0, 250), row("fgsm", 4.0, 100), row("fgsm", 2.0, 300)];
        let found = accuracy_rises(&rows);
        assert_eq!(found.iter().map(|(place, _)| *place).collect::<Vec<_>>(), [0]);
        assert!(found[0].1.message.contains("fgsm ε 4 only 10.0 %"), "{:?}", found[0].1);
        let falling = [row("pgd", 2.0, 300), row("pgd", 4.0, 100), row("pgd", 8.0, 101)];
        assert_eq!(accuracy_rises(&falling), []);
        let other_settings = Measured { settings: "3 steps", ..row("fgsm", 8.0, 250) };
        assert_eq!(accuracy_rises(&[row("fgsm", 4.0, 100), other_settings]), []);
    }

    #[test]
    fn a_stranger_that_fools_better_than_the_network_itself_is_told() {
        let names = ["a".to_owned(), "b".to_owned()];
        let same = [vec![true, false], vec![false, true]];
        let sound = [vec![10, 500], vec![600, 20]];
        assert_eq!(transfer_beats_white_box((&names, &names), &same, &sound, 1000), []);
        let masked = [vec![10, 300], vec![600, 450]];
        let found = transfer_beats_white_box((&names, &names), &same, &masked, 1000);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].kind, WarningKind::TransferBeatsWhiteBox);
        assert!(found[0].message.starts_with("images made on a leave b right on 30.0 %"));
        // Without a white-box attack there is nothing to compare with.
        let strangers = [vec![false, false], vec![false, false]];
        assert_eq!(transfer_beats_white_box((&names, &names), &strangers, &masked, 1000), []);
    }

    #[test]
    fn gradients_may_vanish_on_a_twentieth() {
        assert_eq!(vanishing_gradients(0, 0), None);
        assert_eq!(vanishing_gradients(5, 100), None);
        let found = vanishing_gradients(6, 100).unwrap();
        assert_eq!(found.kind, WarningKind::VanishingGradients);
        assert!(found.message.contains("6 of 100"), "{}", found.message);
    }

    #[test]
    fn a_network_that_changes_its_mind_is_told() {
        assert_eq!(random_model(false), None);
        assert_eq!(random_model(true).unwrap().kind, WarningKind::RandomModel);
    }

    #[test]
    fn twice_the_steps_may_find_a_fiftieth_more() {
        assert_eq!(too_few_steps("pgd", 5, (40, 38), 100), None);
        assert_eq!(too_few_steps("pgd", 5, (40, 44), 100), None);
        assert_eq!(too_few_steps("pgd", 5, (4, 3), 8), None);
        let found = too_few_steps("pgd", 5, (40, 37), 100).unwrap();
        assert_eq!(found.kind, WarningKind::TooFewSteps);
        assert!(found.message.starts_with("with 10 instead of 5 steps 37 instead of 40"));
        assert!(too_few_steps("square", 5, (40, 7), 100).unwrap().remedy.starts_with("queries"));
    }
}

//! What is impossible in `[dissect]` and `[consistency]`.

use super::super::problem::Complaint;
use super::super::{AttackMethod, LabelledFormat, Spec};
use super::{check_ranked, check_target};

pub(super) fn check(spec: &Spec, complain: &mut impl FnMut(Complaint)) {
    if let Some(dissect) = &spec.dissect {
        let path = dissect.data.path.as_deref();
        if dissect.data.format == LabelledFormat::Broden
            && path.is_none_or(|path| path.trim().is_empty())
        {
            complain(
                Complaint::new("dissect.data.path", "is missing, and broden needs one")
                    .hint("--set dissect.data.path=/the/folder, the one with index.csv"),
            );
        }
        if let Some(attack) = &dissect.attack {
            let method = attack.how.method;
            if method == AttackMethod::None {
                complain(
                    Complaint::new("dissect.attack.method", "is 'none', which changes no image")
                        .hint("leave [dissect.attack] out, or choose pgd"),
                );
            }
            check_target("dissect.attack.target", method, attack.target(), complain);
        }
    }
    if let Some(section) = &spec.consistency {
        check_ranked("consistency", &section.adversarial, section.split, spec, complain);
        for (index, noun) in section.synsets.iter().enumerate() {
            if noun.trim().is_empty() {
                complain(
                    Complaint::new(format!("consistency.synsets[{index}]"), "is empty")
                        .hint("a WordNet id as n02084071, or a word as dog"),
                );
            }
        }
    }
}

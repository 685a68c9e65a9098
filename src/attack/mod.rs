//! Adversarial attacks: a model, images, labels in; images out.

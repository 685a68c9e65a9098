//! Stochastic gradient descent with momentum, as PyTorch defines it (Sutskever et al. 2013, without
//! its scaling of the momentum by the learning rate).

/// The numbers of the rule.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sgd {
    /// 0 = plain descent.
    pub momentum: f64,
    /// Look ahead along the momentum.
    pub nesterov: bool,
    /// L2: added to the gradient.
    pub weight_decay: f64,
}

impl Sgd {
    /// One step of one parameter; `velocity` starts at 0.
    pub(super) fn update(self, weights: &mut [f32], grads: &[f32], velocity: &mut [f32], lr: f64) {
        let (momentum, decay, lr) = (self.momentum as f32, self.weight_decay as f32, lr as f32);
        for ((weight, grad), velocity) in weights.iter_mut().zip(grads).zip(velocity) {
            let grad = grad + decay * *weight;
            *velocity = momentum * *velocity + grad;
            let direction = if self.nesterov { grad + momentum * *velocity } else { *velocity };
            *weight -= lr * direction;
        }
    }
}

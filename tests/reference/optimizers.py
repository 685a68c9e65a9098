"""Reference for src/train/optimizer.rs: five steps of PyTorch's own optimizers on given gradients.

python tests/reference/optimizers.py      (needs torch, safetensors; writes tests/fixtures)
"""
import pathlib

import torch
from safetensors.torch import save_file

torch.manual_seed(0)
STEPS = 5
start = {"a": torch.randn(3, 4), "b": torch.randn(5)}
grads = [{name: torch.randn_like(value) for name, value in start.items()} for _ in range(STEPS)]
rates = [0.1, 0.2, 0.05, 0.01, 0.3]

cases = {
    "sgd": lambda p: torch.optim.SGD(p, lr=1, momentum=0),
    "sgd-momentum": lambda p: torch.optim.SGD(p, lr=1, momentum=0.9, weight_decay=0.01),
    "sgd-nesterov": lambda p: torch.optim.SGD(p, lr=1, momentum=0.8, weight_decay=0.1, nesterov=True),
    "adam": lambda p: torch.optim.Adam(p, lr=1, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.02),
    "adamw": lambda p: torch.optim.AdamW(p, lr=1, betas=(0.8, 0.95), eps=1e-6, weight_decay=0.3),
}
out = {f"start.{name}": value.clone() for name, value in start.items()}
out["rates"] = torch.tensor(rates, dtype=torch.float64)
for step, values in enumerate(grads):
    out |= {f"grad.{step}.{name}": value for name, value in values.items()}
for case, make in cases.items():
    parameters = {name: value.clone().requires_grad_() for name, value in start.items()}
    optimizer = make(list(parameters.values()))
    for step in range(STEPS):
        for group in optimizer.param_groups:
            group["lr"] = rates[step]
        for name, parameter in parameters.items():
            parameter.grad = grads[step][name].clone()
        optimizer.step()
    out |= {f"{case}.{name}": value.detach() for name, value in parameters.items()}
path = pathlib.Path(__file__).parent.parent / "fixtures" / "optimizers.safetensors"
save_file({name: value.contiguous() for name, value in out.items()}, path)

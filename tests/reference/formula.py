"""Weights and images that both sides compute: tests/reference/formula.rs repeats this file."""

import numpy as np
import torch


def numbers(count, salt):
    """Multiples of 1/512 in [-1, 1), float32."""
    x = np.arange(count, dtype=np.uint64) + np.uint64(salt * 1_000_003)
    x = x * np.uint64(2654435761) % np.uint64(1 << 32)
    x = (x ^ (x >> np.uint64(15))) * np.uint64(2246822519) % np.uint64(1 << 32)
    return (x >> np.uint64(22)).astype(np.float32) / np.float32(512) - np.float32(1)


def salt_of(name):
    """FNV-1a, to three digits."""
    state = 0x811C9DC5
    for byte in name.encode():
        state = (state ^ byte) * 0x01000193 % (1 << 32)
    return state % 1000


def value(name, shape):
    """Of a parameter or buffer: weights that keep the size of what passes a ReLU, scales and
    variances round 1, the rest round 0."""
    drawn = numbers(int(np.prod(shape)), salt_of(name))
    if len(shape) > 1:
        bound = np.float32(np.sqrt(6 / np.prod(shape[1:])))
        drawn = drawn * bound
    elif name.endswith(("running_var", ".weight")):
        drawn = drawn * np.float32(0.25) + np.float32(1)
    else:
        drawn = drawn * np.float32(0.125)
    return torch.from_numpy(drawn.reshape(shape))


def fill(net):
    with torch.no_grad():
        for name, tensor in net.state_dict().items():
            if not name.endswith("num_batches_tracked"):
                tensor.copy_(value(name, tuple(tensor.shape)))


def images(count, size, salt=100):
    """In 0..1."""
    drawn = numbers(count * 3 * size * size, salt) * np.float32(0.5) + np.float32(0.5)
    dtype = torch.get_default_dtype()
    return torch.from_numpy(drawn.reshape(count, 3, size, size)).to(dtype)

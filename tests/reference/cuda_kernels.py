"""Runs the CUDA kernels of src/ops/cuda/kernels.cu on the CPU and compares them with PyTorch.

They use neither shared memory nor synchronisation, so a C++ compiler (`CXX`, else g++) that is told
what blockIdx is runs them thread after thread. Prints the largest error of each, relative to the
largest number expected; fails beyond 2e-5.
"""

import ctypes
import itertools
import os
import pathlib
import re
import subprocess
import tempfile

import numpy as np
import torch
import torch.nn.functional as F

SOURCE = pathlib.Path(__file__).parents[2] / "src/ops/cuda/kernels.cu"
FRAME = """
#include <cmath>
#include <cstddef>
using std::sqrt;
struct Index { unsigned x; };
static Index blockIdx, blockDim = {32}, threadIdx;
#define __global__
#define __device__
"""
torch.manual_seed(1)


def build():
    text = SOURCE.read_text()
    runners = []
    for name, arguments in re.findall(r"^KERNEL (\w+)\(([^)]*)\)", text, re.M):
        names = ", ".join(re.search(r"(\w+)$", a.strip()).group(1) for a in arguments.split(","))
        runners.append(
            f'extern "C" void run_{name}(unsigned threads, {arguments}) {{'
            " for (blockIdx.x = 0; blockIdx.x * 32 < threads; blockIdx.x++)"
            " for (threadIdx.x = 0; threadIdx.x < 32; threadIdx.x++)"
            f" {name}({names}); }}"
        )
    folder = tempfile.mkdtemp()
    source, library = f"{folder}/kernels.cpp", f"{folder}/kernels.so"
    pathlib.Path(source).write_text(FRAME + text + "\n".join(runners))
    compiler = os.environ.get("CXX", "g++")
    subprocess.run([compiler, "-O1", "-shared", "-fPIC", "-o", library, source], check=True)
    return ctypes.CDLL(library)


LIBRARY = build()


def run(name, threads, *arguments):
    """Each argument as the kernel declares it: tensors as pointers, numbers by their type."""
    passed = [ctypes.c_uint(threads)]
    for argument in arguments:
        if isinstance(argument, torch.Tensor):
            assert argument.is_contiguous()
            passed.append(ctypes.c_void_p(argument.data_ptr()))
        elif isinstance(argument, (ctypes.c_float, ctypes.c_double)):
            passed.append(argument)
        else:
            passed.append(ctypes.c_uint(int(argument)))
    getattr(LIBRARY, f"run_{name}")(*passed)


def check(name, actual, expected):
    error = (actual - expected).abs().max().item() / max(expected.abs().max().item(), 1e-12)
    worst[name] = max(worst.get(name, 0), error)
    assert error <= 2e-5 and torch.isfinite(actual).all(), f"{name}: {error}"


worst = {}
float_, double = ctypes.c_float, ctypes.c_double


def last(maps):
    return maps.permute(0, 2, 3, 1).contiguous()


def elementwise():
    x, residual = torch.randn(3, 5, 4, 7), torch.randn(3, 5, 4, 7)
    mean, scale, shift = torch.randn(7), torch.randn(7), torch.randn(7)
    for flags in range(32):
        expected = x.clone()
        for bit, step in enumerate([
            lambda v: v - mean, lambda v: v * scale, lambda v: v + shift, lambda v: v + residual,
            torch.relu,
        ]):
            if flags & 1 << bit:
                expected = step(expected)
        out = torch.full_like(x, 9)
        run("affine", x.numel(), out, x, mean, scale, shift, residual, flags, 7, x.numel())
        check("affine", out, expected)
    output, grad, out = torch.relu(x), torch.randn_like(x), torch.empty_like(x)
    run("relu_gradient", x.numel(), out, output, grad, x.numel())
    check("relu_gradient", out, torch.where(output > 0, grad, torch.zeros(())))
    nan = torch.full((1,), float("nan"))
    run("affine", 1, out, nan, nan, nan, nan, nan, 16, 1, 1)
    assert out.flatten()[0].isnan()


def dropout():
    # The first words of ChaCha8's stream for a key of zeros, as published.
    words = bytes.fromhex("3e00ef2f895f40d67f5bb8e81f09a5a12c840ec3ce9a7f3b181be188ef711a1e")
    x, out = torch.full((40,), 3.0), torch.empty(40)
    for at, word in enumerate(np.frombuffer(words, "<u4")):
        for threshold, expected in [(int(word), 6.0), (int(word) + 1, 0.0)]:
            run("dropout", 3, out, x, *[0] * 8, threshold, float_(2.0), 32, 40)
            check("dropout", out[at], torch.tensor(expected))


def norm():
    for channels, length, offset in [(7, 4, 0.0), (5, 1000, 100.0), (3, 59, -5.0), (1, 1, 0.0)]:
        maps = torch.randn(2, channels, 6, 5) * 2 + offset
        gamma, beta = torch.randn(channels) + 2, torch.randn(channels)
        mean_of, var_of = torch.randn(channels), torch.rand(channels) + 0.5
        wanted = [t.clone().double().requires_grad_() for t in (maps, gamma, beta)]
        running = [mean_of.clone().double(), var_of.clone().double()]
        result = F.batch_norm(wanted[0], *running, *wanted[1:], True, 0.1, 1e-5)
        direction = torch.randn_like(maps)
        grads = torch.autograd.grad(result, wanted, direction.double())
        x, rows = last(maps), maps.numel() // channels
        pieces = -(-rows // length)
        count = pieces * channels
        means, squares = (torch.empty(count, dtype=torch.float64) for _ in range(2))
        mean, var, scale, out_mean, out_var = (torch.empty(channels) for _ in range(5))
        run("moments", count, means, squares, x, length, rows, channels, count)
        few, group = -(-pieces // 3), 3
        merged = [torch.empty(few * channels, dtype=torch.float64) for _ in range(2)]
        run("merge_moments", few * channels, *merged, means, squares, group, pieces, length, rows,
            channels, few * channels)
        run("join_moments", channels, mean, var, *merged, few, length * group, rows, channels)
        check("merge_moments: mean", mean, maps.double().mean((0, 2, 3)).float())
        check("merge_moments: var", var, maps.double().var((0, 2, 3), correction=0).float())
        run("join_moments", channels, mean, var, means, squares, pieces, length, rows, channels)
        check("moments: mean", mean, maps.double().mean((0, 2, 3)).float())
        check("moments: var", var, maps.double().var((0, 2, 3), correction=0).float())
        run("norm_scale", channels, scale, gamma, var, double(1e-5), channels)
        out = torch.empty_like(x)
        run("affine", x.numel(), out, x, mean, scale, beta, x, 1 | 2 | 4, channels, x.numel())
        check("norm", out, last(result.detach()).float())
        run("norm_running", channels, out_mean, out_var, mean_of, var_of, mean, var, double(0.1),
            rows, channels)
        check("norm_running", torch.stack([out_mean, out_var]), torch.stack(running).float())
        grad = last(direction)
        run("sums", count, means, squares, grad, x, mean, 1, length, rows, channels, count)
        terms = torch.empty(3, channels)
        for_gamma, for_beta = torch.empty(channels), torch.empty(channels)
        run("merge_sums", few * channels, *merged, means, squares, 1, group, pieces, channels,
            few * channels)
        run("join_sums", channels, for_beta, merged[0], few, channels)
        check("merge_sums", for_beta, grads[2].float())
        run("join_sums", channels, for_gamma, merged[1], few, channels)
        run("join_sums", channels, for_beta, squares, pieces, channels)
        check("merge_sums: products", for_gamma, for_beta)
        run("norm_terms", channels, terms, for_gamma, for_beta, means, squares, gamma, var,
            double(1e-5), pieces, rows, channels)
        run("norm_gradient", x.numel(), out, grad, x, mean, terms, channels, x.numel())
        if offset != 100.0:  # f32 positions alone cost more there
            check("norm_gradient", out, last(grads[0]).float())
            check("norm_terms: gamma", for_gamma, grads[1].float())
        check("norm_terms: beta", for_beta, grads[2].float())
        run("sums", count, means, squares, grad, x, mean, 0, length, rows, channels, count)
        run("join_sums", channels, for_beta, means, pieces, channels)
        check("join_sums", for_beta, grads[2].float())
        shift = torch.empty(channels)
        run("norm_frozen", channels, scale, shift, gamma, beta, mean_of, var_of, double(1e-5),
            channels)
        run("affine", x.numel(), out, x, mean, scale, shift, x, 2 | 4, channels, x.numel())
        frozen = F.batch_norm(maps, mean_of, var_of, gamma, beta, False, 0.1, 1e-5)
        check("norm_frozen", out, last(frozen))


def spans(size, out, kernel, stride, padding, count_pad):
    rows = []
    for o in range(out):
        start = o * stride
        counted = min(start + kernel, size + 2 * padding) - start
        first, end = max(start - padding, 0), min(start + kernel - padding, size)
        rows.append((first, end, counted if count_pad else end - first))
    return rows


def covering(spans, size):
    found = []
    for at in range(size):
        over = [o for o, (first, end, _) in enumerate(spans) if first <= at < end]
        found += [over[0], over[-1] + 1] if over else [0, 0]
    return torch.tensor(found, dtype=torch.int32)


def average(name, maps, rows, columns, expected, direction, grad):
    batch, channels, height, width = maps.shape
    tables = [torch.tensor(s, dtype=torch.int32).flatten() for s in (rows, columns)]
    out_h, out_w = len(rows), len(columns)
    out = torch.empty(batch, out_h, out_w, channels)
    run("average_pool", out.numel(), out, last(maps), *tables, height, width, out_h, out_w,
        channels, out.numel())
    check(name, out, last(expected))
    out = torch.empty(batch, height, width, channels)
    run("average_pool_gradient", out.numel(), out, last(direction), *tables,
        covering(rows, height), covering(columns, width), height, width, out_h, out_w, channels,
        out.numel())
    check(f"{name} gradient", out, last(grad))


def pooling():
    for height, width, kernel, stride, pad, ceil in [
        (13, 11, (3, 3), (2, 2), (0, 0), False), (14, 12, (3, 2), (2, 1), (1, 1), False),
        (7, 9, (3, 3), (2, 2), (1, 1), True), (8, 8, (2, 2), (2, 2), (0, 0), False),
        (10, 7, (3, 3), (1, 1), (1, 1), False), (9, 5, (2, 4), (3, 2), (1, 2), True),
        (12, 12, (5, 5), (4, 4), (2, 2), True), (6, 6, (2, 2), (3, 3), (0, 0), False),
    ]:
        maps = (torch.randn(2, 3, height, width) * 2).round().requires_grad_()  # with ties
        pooled, places = F.max_pool2d(maps, kernel, stride, pad, 1, ceil, True)
        direction = torch.randn_like(pooled)
        (grad,) = torch.autograd.grad(pooled, maps, direction)
        x, out_h, out_w = last(maps.detach()), *pooled.shape[2:]
        sizes = [height, width, out_h, out_w, *kernel, *stride, *pad, 3]
        out = torch.empty(2, out_h, out_w, 3)
        winners = torch.empty(2, out_h, out_w, 3, dtype=torch.int32)
        run("max_pool", out.numel(), out, winners, x, *sizes, out.numel())
        check("max_pool", out, last(pooled.detach()))
        assert (winners == last(places)).all()
        out = torch.empty_like(x)
        run("max_pool_gradient", out.numel(), out, last(direction), winners, *sizes, out.numel())
        check("max_pool_gradient", out, last(grad))
        for count_pad in (False, True):
            pooled = F.avg_pool2d(maps, kernel, stride, pad, ceil, count_pad)
            (grad,) = torch.autograd.grad(pooled, maps, direction)
            both = [spans(*of, count_pad) for of in
                    zip((height, width), (out_h, out_w), kernel, stride, pad)]
            average("average_pool", maps.detach(), *both, pooled.detach(), direction, grad)
    for size, out in itertools.product([(7, 5), (12, 13), (3, 3)], [(1, 1), (6, 6), (3, 5)]):
        maps = torch.randn(2, 3, *size, requires_grad=True)
        pooled = F.adaptive_avg_pool2d(maps, out)
        direction = torch.randn_like(pooled)
        (grad,) = torch.autograd.grad(pooled, maps, direction)
        both = [[(o * s // n, -(-(o + 1) * s // n), -(-(o + 1) * s // n) - o * s // n)
                 for o in range(n)] for s, n in zip(size, out)]
        average("adaptive_average_pool", maps.detach(), *both, pooled.detach(), direction, grad)


def convolution():
    for height, width, kernel, stride, pad, dilation, groups in [
        (9, 8, (3, 3), (1, 1), (1, 1), (1, 1), 1), (11, 10, (5, 3), (2, 3), (2, 0), (1, 1), 2),
        (12, 9, (3, 2), (1, 2), (3, 1), (2, 3), 3), (13, 13, (7, 7), (4, 4), (2, 2), (1, 1), 1),
        (6, 6, (1, 1), (2, 2), (0, 0), (1, 1), 6), (5, 7, (1, 7), (1, 1), (0, 3), (1, 1), 1),
    ]:
        maps = torch.randn(2, 6, height, width, requires_grad=True)
        weight = torch.randn(12, 6 // groups, *kernel, requires_grad=True)
        result = F.conv2d(maps, weight, None, stride, pad, dilation, groups)
        direction = torch.randn_like(result)
        grads = torch.autograd.grad(result, (maps, weight), direction)
        x, out_h, out_w = last(maps.detach()), *result.shape[2:]
        channels, places, patch = 6 // groups, 2 * out_h * out_w, 6 // groups * np.prod(kernel)
        sizes = [height, width, out_h, out_w, *kernel, *stride, *pad, *dilation, 6]
        found, back = [], torch.full_like(x, 9)
        for group in range(groups):
            columns = torch.empty(places, patch)
            run("unfold", columns.numel(), columns, x, *sizes, group * channels, channels,
                columns.numel())
            outputs = slice(group * 12 // groups, (group + 1) * 12 // groups)
            filters = weight.detach()[outputs].permute(0, 2, 3, 1).reshape(-1, patch)
            found.append(columns @ filters.T)
            grad = last(direction)[..., outputs].reshape(places, -1)
            columns = (grad @ filters).contiguous()
            count = x.numel() // groups
            run("fold", count, back, columns, *sizes, group * channels, channels, count)
        check("unfold", torch.cat(found, 1).view(2, out_h, out_w, 12), last(result.detach()))
        check("fold", back, last(grads[0]))


def optimizers():
    for momentum, nesterov, decay in [(0.0, 0, 0.0), (0.9, 0, 0.01), (0.9, 1, 0.1)]:
        weight = torch.randn(50)
        theirs = weight.clone().requires_grad_()
        rule = torch.optim.SGD([theirs], 0.1, momentum, 0, decay, bool(nesterov))
        velocity = torch.zeros(50)
        for _ in range(4):
            theirs.grad = torch.randn(50)
            run("sgd", 50, weight, theirs.grad, velocity, float_(momentum), float_(decay),
                float_(0.1), nesterov, 50)
            rule.step()
            check("sgd", weight, theirs.detach())
    for decoupled in (False, True):
        weight = torch.randn(50)
        theirs = weight.clone().requires_grad_()
        kind = torch.optim.AdamW if decoupled else torch.optim.Adam
        rule = kind([theirs], 0.01, (0.9, 0.99), 1e-8, 0.1)
        mean, square = torch.zeros(50), torch.zeros(50)
        for step in range(1, 5):
            theirs.grad = torch.randn(50)
            power = [1 - beta**step for beta in (0.9, 0.99)]
            numbers = [1 - 0.01 * 0.1 if decoupled else 1, 0 if decoupled else 0.1, 0.1, 0.99, 0.01,
                       0.01 / power[0], power[1] ** 0.5, 1e-8]
            run("adam", 50, weight, theirs.grad, mean, square, *map(float_, numbers), 50)
            rule.step()
            check("adam", weight, theirs.detach())


for part in (elementwise, dropout, norm, pooling, convolution, optimizers):
    part()
for name, error in worst.items():
    print(f"{name:32} {error:.1e}")

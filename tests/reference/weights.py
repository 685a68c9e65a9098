"""Makes tests/fixtures/weights/: files that torch.save writes, the tensors in them, and files to be
refused.

Run with PyTorch 2, NumPy and safetensors: python tests/reference/weights.py
expected.safetensors holds what PyTorch reads from the good files, under the names that are left when
wrappers' prefixes are taken off. The hostile files ask for os.system; nothing here runs it.
"""

import argparse
import collections
import io
import os
import pickle
import zipfile
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file

FOLDER = Path(__file__).parent.parent / "fixtures" / "weights"


def state_dict():
    """Every kind of number, views, a shared storage, a parameter, a tensor without sides."""
    base = torch.arange(24, dtype=torch.float32) / 8 - 1
    return collections.OrderedDict(
        [
            ("conv.weight", base.reshape(2, 3, 2, 2)),
            ("conv.transposed", base.reshape(4, 6).t()),
            ("conv.part", base[5:17:3]),
            ("conv.repeated", base[:3].expand(2, 3)),
            ("channels.last", base.reshape(1, 2, 3, 4).contiguous(memory_format=torch.channels_last)),
            ("fc.weight", torch.nn.Parameter(torch.tensor([[0.5, -1.25]]))),
            ("double", torch.tensor([1 / 3, -2e-3], dtype=torch.float64)),
            ("half", torch.tensor([1.5, 6e-8, -65504.0], dtype=torch.float16)),
            ("brain", torch.tensor([3.140625, -1e20], dtype=torch.bfloat16)),
            ("bytes", torch.tensor([0, 255], dtype=torch.uint8)),
            ("small", torch.tensor([-128, 127], dtype=torch.int8)),
            ("flags", torch.tensor([True, False])),
            ("empty", torch.zeros(0, 3)),
            ("bn.num_batches_tracked", torch.tensor(2**40 + 7)),
        ]
    )


def expected(tensors):
    wide = {name: t.float() if t.is_floating_point() else t.long() for name, t in tensors.items()}
    return {name: t.detach().clone().contiguous() for name, t in wide.items()}


def checkpoint(tensors):
    """As training scripts save it: weights of a DataParallel model beside much else."""
    return {
        "epoch": 90,
        "best_acc": torch.tensor(91.5),
        "np_acc": np.float64(0.5),
        "np_array": np.arange(3),
        "args": argparse.Namespace(lr=0.1, gpus={0, 1}),
        "state_dict": collections.OrderedDict(("module." + n, t) for n, t in tensors.items()),
        "optimizer": {"state": {0: {"momentum_buffer": torch.ones(3)}}, "param_groups": [{"lr": 1e-4}]},
        "dtype": torch.float16,
        "size": torch.Size([2, 3]),
        "device": torch.device("cpu"),
        "big": 2**200,
        "long": -(2**70),
        "raw": b"\x00\xff",
    }


def legacy_with_a_view(path):
    """PyTorch before 0.4 named a storage that was part of another, and which part."""

    class Part:
        pass

    class Pickler(pickle._Pickler):
        def persistent_id(self, what):
            if isinstance(what, Part):
                return ("storage", torch.FloatStorage, "7", "cpu", 8, ("8", 3, 4))
            return None

        def save_rebuild(self, part):
            self.save_reduce(torch._utils._rebuild_tensor, (Part(), 1, (2,), (2,)))

    Pickler.dispatch = dict(pickle._Pickler.dispatch)
    Pickler.dispatch[bytes] = Pickler.save_rebuild  # any type that the file does not hold otherwise
    with open(path, "wb") as file:
        pickle.dump(0x1950A86A20F9469CFC6C, file, 2)
        pickle.dump(1001, file, 2)
        pickle.dump({"protocol_version": 1001, "little_endian": True, "type_sizes": {}}, file, 2)
        Pickler(file, 2).dump({"w": b""})
        pickle.dump(["7"], file, 2)
        file.write((8).to_bytes(8, "little") + np.arange(8, dtype="<f4").tobytes())
    assert torch.load(path, weights_only=False)["w"].tolist() == [4, 6]


class Hostile:
    def __reduce__(self):
        return os.system, ("touch glassbox-was-here",)


def hostile(path, protocol, zipped):
    content = {"state_dict": {"w": torch.ones(1)}, "x": Hostile()}
    torch.save(content, path, pickle_protocol=protocol, _use_new_zipfile_serialization=zipped)


def main():
    FOLDER.mkdir(exist_ok=True)
    tensors = state_dict()
    save_file(expected(tensors), FOLDER / "expected.safetensors")
    save_file({n: t.detach().clone().contiguous() for n, t in tensors.items()}, FOLDER / "mixed.safetensors")
    torch.save(tensors, FOLDER / "zip.pth")
    torch.save(tensors, FOLDER / "legacy.pth", _use_new_zipfile_serialization=False)
    torch.save(checkpoint(tensors), FOLDER / "checkpoint.pth")
    torch.save(checkpoint(tensors), FOLDER / "checkpoint_legacy.pth", _use_new_zipfile_serialization=False)
    for protocol in [3, 4, 5]:
        for zipped in [True, False]:
            name = f"protocol{protocol}{'' if zipped else '_legacy'}.pth"
            content = {"net": [tensors], "raw": b"\x00"}
            torch.save(content, FOLDER / name, pickle_protocol=protocol,
                       _use_new_zipfile_serialization=zipped)
    legacy_with_a_view(FOLDER / "legacy_view.th")

    hostile(FOLDER / "hostile.pth", 2, True)
    hostile(FOLDER / "hostile_protocol4.pth", 4, True)
    hostile(FOLDER / "hostile_legacy.pth", 2, False)
    hostile(FOLDER / "hostile_legacy_protocol4.pth", 4, False)
    for protocol in [2, 4]:
        (FOLDER / f"hostile{protocol}.pkl").write_bytes(pickle.dumps(Hostile(), protocol))
    torch.save(torch.nn.Linear(2, 1), FOLDER / "whole_module.pth")
    torch.save({"w": torch.ones(2, dtype=torch.complex64)}, FOLDER / "complex.pth")
    torch.save({"epoch": 3, "G": {"w": torch.ones(1)}, "D": {"w": torch.ones(1)}}, FOLDER / "two.pth")
    torch.jit.save(torch.jit.script(torch.nn.Linear(2, 1)), FOLDER / "torchscript.pt")
    with zipfile.ZipFile(FOLDER / "other.zip", "w") as archive:
        archive.writestr("readme.txt", "not weights")
    packed = io.BytesIO()
    with zipfile.ZipFile(FOLDER / "zip.pth") as old, zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as new:
        for entry in old.namelist():
            new.writestr(entry, old.read(entry))
    (FOLDER / "deflated.pth").write_bytes(packed.getvalue())
    for path in sorted(FOLDER.iterdir()):
        print(path.name, path.stat().st_size)


if __name__ == "__main__":
    main()

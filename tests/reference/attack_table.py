"""Robust accuracies and speed of torchattacks' attacks: the other half of benches/attacks.rs.

python tests/reference/attack_table.py DATA NETWORK IMAGES THREADS [WORD]
prints a line for each attack: name, epsilon, share that holds out, images per second. WORD keeps
the attacks whose names contain it. Those without a bound are run once, and an image holds out
against an epsilon (of the L2 norm) if its perturbation is longer or does not fool.
"""

import sys
import time
from pathlib import Path

import torch
import torchattacks
from attacks import CW, cifar, network

BATCH = 100


def bounded(net, epsilon):
    eps = epsilon / 255
    once = {"n_restarts": 1, "seed": 1}
    return {
        "fgsm": torchattacks.FGSM(net, eps),
        "bim": torchattacks.BIM(net, eps, eps / 4, 10),
        "pgd": torchattacks.PGD(net, eps, eps / 8, 20),
        "mim": torchattacks.MIFGSM(net, eps, eps / 10, 10, 1.0),
        "apgd-ce": torchattacks.APGD(net, "Linf", eps, 30, loss="ce", **once),
        "apgd-dlr": torchattacks.APGD(net, "Linf", eps, 30, loss="dlr", **once),
        "square": torchattacks.Square(net, "Linf", eps, 500, **once),
    }


def main():
    data, name, count, threads = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    word = sys.argv[5] if len(sys.argv) > 5 else ""
    torch.set_num_threads(threads)
    torch.manual_seed(1)
    net, (images, labels) = network(name, data), cifar(data, count)
    for parameter in net.parameters():
        parameter.requires_grad_(False)  # only the pixels' gradients are wanted

    def run(attack):
        begun = time.perf_counter()
        made = [attack(x, y) for x, y in zip(images.split(BATCH), labels.split(BATCH))]
        seconds = time.perf_counter() - begun
        with torch.no_grad():
            made = torch.cat(made)
            right = torch.cat([net(x).argmax(1) for x in made.split(BATCH)]) == labels
        return right, (made - images).flatten(1).norm(dim=1) * 255, count / seconds

    for epsilon in [2, 4, 8]:
        for attack, how in bounded(net, epsilon).items():
            if word in attack:
                right, _, speed = run(how)
                print(attack, epsilon, right.float().mean().item(), speed, flush=True)
    for attack, how in {
        "deepfool": torchattacks.DeepFool(net, 50, 0.02),
        "cw": CW(net, c=1, kappa=0, steps=50, lr=0.01),
    }.items():
        if word in attack:
            right, length, speed = run(how)
            for epsilon in [64, 128, 255]:
                holds = right | (length > epsilon)
                print(attack, epsilon, holds.float().mean().item(), speed, flush=True)


if __name__ == "__main__":
    main()

"""The projector of bench/radon.ts in PyTorch, as deepinv writes it: rotate by grid_sample, sum over rows; the adjoint is
its gradient. Answers one request a line: "size angles threads file" projects the float32 image in the file and writes the
projections to file + ".sino" and the adjoint's image of them to file + ".back"; answers two times in ms, forward and adjoint."""

import math
import sys
import time

import numpy
import torch
import torch.nn.functional as functional


def project(image, angles):
    width = image.shape[-1]
    padded = math.ceil(math.sqrt(2) * width)
    before = padded // 2 - width // 2
    after = padded - width - before
    image = functional.pad(image, (before, after, before, after))
    columns = []
    for k in range(angles):
        turn = math.pi * k / angles
        rotation = torch.tensor([[[math.cos(turn), math.sin(turn), 0.0], [-math.sin(turn), math.cos(turn), 0.0]]])
        grid = functional.affine_grid(rotation, image.shape, align_corners=True)
        rotated = functional.grid_sample(image, grid, align_corners=True)
        columns.append(rotated.sum(2))
    return torch.stack(columns, -1)


print(torch.__version__, flush=True)
for line in sys.stdin:
    size, angles, threads, path = line.split()
    torch.set_num_threads(int(threads))
    x = torch.from_numpy(numpy.fromfile(path, numpy.float32)).reshape(1, 1, int(size), int(size))
    x.requires_grad_()
    start = time.perf_counter()
    with torch.no_grad():
        y = project(x, int(angles))
    forward = time.perf_counter() - start
    graph = project(x, int(angles))
    start = time.perf_counter()
    (back,) = torch.autograd.grad(graph, x, y)
    adjoint = time.perf_counter() - start
    y.numpy().tofile(path + ".sino")
    back.numpy().tofile(path + ".back")
    print(forward * 1e3, adjoint * 1e3, flush=True)

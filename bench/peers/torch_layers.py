"""A graph of bench/support/layer_graph.ts in PyTorch. Arguments: the folder with graph.json and the weights' files, threads.
Prints its version; then answers one request a line: "x y" reads the input from file x and writes the output to file y, and
answers the time in ms between them."""

import json
import sys
import time

import numpy
import torch
import torch.nn.functional as functional

folder, threads = sys.argv[1], int(sys.argv[2])
torch.set_num_threads(threads)
with open(f"{folder}/graph.json") as file:
    graph = json.load(file)


def shape(layer):
    geometry = graph["geometry"][layer["op"]]
    pair = [layer["outChannels"], layer["inChannels"]]
    return (pair[::-1] if geometry["transposed"] else pair) + [geometry["kernel"]] * 2


weights = {
    layer["weights"]: torch.from_numpy(
        numpy.fromfile(f"{folder}/{layer['weights']}", numpy.float32).reshape(shape(layer))
    )
    for layer in graph["layers"]
}
last_use = {name: i for i, l in enumerate(graph["layers"]) for name in [l["input"], *l["addends"]]}


def forward(x):
    maps = {"x": x}
    for i, layer in enumerate(graph["layers"]):
        source, w = maps[layer["input"]], weights[layer["weights"]]
        geometry = graph["geometry"][layer["op"]]
        apply = functional.conv_transpose2d if geometry["transposed"] else functional.conv2d
        places = {name: geometry[name] for name in ["stride", "padding", "dilation"]}
        y = apply(source, w, **places)
        if layer["relu"]:
            y = y.relu_()
        for addend in layer["addends"]:
            y += maps[addend]
        maps[layer["output"]] = y
        for name in [name for name in maps if last_use.get(name) == i]:
            del maps[name]
    return y


print(f"torch {torch.__version__}", flush=True)
with torch.no_grad():
    for line in sys.stdin:
        source, target = line.split()
        size = graph["size"]
        x = torch.from_numpy(numpy.fromfile(source, numpy.float32).reshape(1, graph["channels"], size, size))
        start = time.perf_counter()
        y = forward(x)
        elapsed = 1e3 * (time.perf_counter() - start)
        y.numpy().tofile(target)
        print(elapsed, flush=True)

"""Conversion of published weights, once, into a state_dict of our own modules. No code from the files is run."""

import json
from math import prod
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from models.detector import COCO_LABELS, Detector, DetectorConfig
from models.embedder import BN_EPSILON, Embedder
from models.graph import Graph, read_tf_nodes

DTYPES = {
    "float32": np.dtype("<f4"),
    "int32": np.dtype("<i4"),
    "bool": np.dtype("?"),
    "float16": np.dtype("<f2"),
}


def read_tfjs_weights(manifest: list[dict], data: bytes) -> dict[str, np.ndarray]:
    """Read the flat weight file of a TensorFlow.js graph model; half-precision entries come back as float32.

    Raises ValueError when an entry has an unknown type or the file is shorter or longer than the manifest says.
    """
    weights, offset = {}, 0
    for entry in (w for group in manifest for w in group["weights"]):
        stored = entry.get("quantization", {}).get("dtype", entry["dtype"])
        if stored not in DTYPES:
            raise ValueError(f"weight {entry['name']}: type {stored!r} is not supported")
        size = prod(entry["shape"]) * DTYPES[stored].itemsize
        if offset + size > len(data):
            raise ValueError(
                f"weight {entry['name']}: the file ends at byte {len(data)}, {offset + size} expected"
            )
        flat = np.frombuffer(data, DTYPES[stored], count=prod(entry["shape"]), offset=offset)
        weights[entry["name"]] = flat.astype(DTYPES[entry["dtype"]]).reshape(entry["shape"])
        offset += size
    if offset != len(data):
        raise ValueError(f"the weight file has {len(data) - offset} bytes more than its manifest lists")
    return weights


def convolutions_in_order(graph: dict, weights: dict[str, np.ndarray]) -> list[tuple[Tensor, Tensor]]:
    """(kernel, bias) of each `Conv2D` + `Add` of the graph, by number in the node's name; kernels (O, I, kh, kw)."""
    nodes = graph["node"]
    bias_of = {
        n["input"][0]: weights[n["input"][1]] for n in nodes if n["op"] == "Add" and n["input"][1] in weights
    }
    found = {}
    for node in nodes:
        if node["op"] == "Conv2D":
            name = node["name"].rsplit("/", 1)[-1]
            number = int(name.removeprefix("convolution").lstrip("_") or 0)
            kernel = torch.from_numpy(weights[node["input"][1]].copy()).permute(3, 2, 0, 1)
            found[number] = (kernel.contiguous(), torch.from_numpy(bias_of[node["name"]].copy()))
    return [found[number] for number in sorted(found)]


def nanodet_from_tfjs(model_json: Path, model_bin: Path) -> Detector:
    """Build the COCO detector from the TensorFlow.js conversion of NanoDet-g: heads of 80 classes, then 4 x 11 bins."""
    document = json.loads(model_json.read_text())
    weights = read_tfjs_weights(document["weightsManifest"], model_bin.read_bytes())
    pairs = convolutions_in_order(document["modelTopology"], weights)
    detector = Detector(DetectorConfig(labels=COCO_LABELS))
    slots = [m for m in detector.modules() if isinstance(m, nn.Conv2d)]
    if len(slots) != len(pairs):
        raise ValueError(f"the file has {len(pairs)} convolutions, the network {len(slots)}")
    with torch.no_grad():
        for slot, (kernel, bias) in zip(slots, pairs, strict=True):
            if slot.weight.shape != kernel.shape:
                raise ValueError(
                    f"a convolution has shape {tuple(kernel.shape)}, the network wants {tuple(slot.weight.shape)}"
                )
            slot.weight.copy_(kernel)
            assert slot.bias is not None
            slot.bias.copy_(bias)
    return detector.eval()


def graph_from_tfjs(model_json: Path, model_bin: Path) -> Graph:
    """Read a TensorFlow.js graph model with one output as a graph that torch runs. Raises GraphError or ValueError."""
    document = json.loads(model_json.read_text())
    weights = read_tfjs_weights(document["weightsManifest"], model_bin.read_bytes())
    outputs = [entry["name"] for entry in document["signature"]["outputs"].values()]
    if len(outputs) != 1:
        raise ValueError(f"the graph has {len(outputs)} outputs, one is expected")
    constants = {name: torch.from_numpy(array.copy()) for name, array in weights.items()}
    return Graph(read_tf_nodes(document["modelTopology"]["node"]), constants, outputs[0].removesuffix(":0"))


def embedder_from_checkpoint(path: Path) -> Embedder:
    """Read EfficientNet-Lite0's published state_dict (tensors only, never objects) and fold its batch norms.

    Raises ValueError when the file does not fit the network.
    """
    state = torch.load(path, map_location="cpu", weights_only=True)
    names = [
        name.removesuffix(".weight") for name in state if name.endswith(("conv.weight", "conv_stem.weight"))
    ]
    names += ["_conv_head"]
    embedder = Embedder()
    slots = [m for m in embedder.modules() if isinstance(m, nn.Conv2d)]
    if len(slots) != len(names):
        raise ValueError(f"{path.name} has {len(names)} convolutions, the network {len(slots)}")
    with torch.no_grad():
        for slot, name in zip(slots, names, strict=True):
            weight, bias = folded(state, name, _norm_of(state, name))
            if slot.weight.shape != weight.shape:
                raise ValueError(
                    f"{name} has shape {tuple(weight.shape)}, the network wants {tuple(slot.weight.shape)}"
                )
            slot.weight.copy_(weight)
            assert slot.bias is not None
            slot.bias.copy_(bias)
    return embedder.eval()


def _norm_of(state: dict[str, Tensor], name: str) -> str:
    """The batch norm that follows a convolution in the published naming."""
    block, _, last = name.rpartition(".")
    number = {"_conv_stem": 0, "_conv_head": 1, "_expand_conv": 0, "_depthwise_conv": 1, "_project_conv": 2}[
        last
    ]
    return f"{block}._bn{number}" if block else f"_bn{number}"


def folded(state: dict[str, Tensor], conv: str, norm: str) -> tuple[Tensor, Tensor]:
    """Weight and bias of a convolution without bias and the batch norm after it, as one convolution."""
    gain = state[f"{norm}.weight"] / torch.sqrt(state[f"{norm}.running_var"] + BN_EPSILON)
    weight = state[f"{conv}.weight"] * gain[:, None, None, None]
    return weight, state[f"{norm}.bias"] - state[f"{norm}.running_mean"] * gain

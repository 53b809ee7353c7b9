"""Segmenters of defects to folders and back, in the format of models."""

from __future__ import annotations

__all__ = ["NAME", "load_segmenter", "save_segmenter"]

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from latente.data import Schema
from latente.estimators.params import describe
from latente.estimators.saving import revive
from latente.persistence import ModelFileError, Stored, load_tensors, read_kind, write_model
from latente.training import History

if TYPE_CHECKING:
    from latente.anomaly.segmenter import DefectSegmenter

NAME = "DefectSegmenter"


def save_segmenter(segmenter: DefectSegmenter, path: str | Path) -> Path:
    """Writes a fitted segmenter to a folder and returns its path.

    A corruption that is a function of the user's own is left out; it is needed only to train again.
    """
    params = describe(segmenter)
    corruption = segmenter._corruption()
    if corruption is not None and type(corruption).short_name == "custom":
        params["corruption"] = "auto"
    schema, state = segmenter.schema_, segmenter.module_.state_dict()
    description = {
        "estimator": NAME,
        "params": params,
        "data": {"schema": schema.to_dict(), "tile": segmenter.tile_},
        "training": segmenter.history_.to_dict(),
    }
    tensors = {f"module.{name}": value for name, value in state.items()}
    tensors["schema.shift"] = torch.from_numpy(np.array(schema.shift))
    tensors["schema.factor"] = torch.from_numpy(np.array(schema.factor))
    return write_model(path, tensors, description)


def load_segmenter(path: str | Path) -> DefectSegmenter:
    """Returns the segmenter in a folder.

    Raises:
        ModelFileError: for a folder that is missing, damaged, altered or of an unknown version.
    """
    tensors, stored = read_kind(path, NAME)
    try:
        return _restored(tensors, stored, str(path))
    except ModelFileError:
        raise
    except (TypeError, ValueError, KeyError, IndexError, AttributeError, RuntimeError) as error:
        raise ModelFileError(f"the description in {path} is not valid: {error}") from error


def _restored(tensors: dict[str, torch.Tensor], stored: Stored, path: str) -> DefectSegmenter:
    from latente.anomaly.segmenter import DefectSegmenter

    segmenter = DefectSegmenter(**{name: revive(value) for name, value in stored.params.items()})
    shift, factor = tensors.pop("schema.shift").numpy(), tensors.pop("schema.factor").numpy()
    segmenter.schema_ = Schema.from_dict(stored.data["schema"], shift, factor)
    tile = stored.data["tile"]
    segmenter.tile_ = None if tile is None else int(tile)
    segmenter.module_ = segmenter._network(0)
    state = {name.removeprefix("module."): value for name, value in tensors.items()}
    if segmenter.tile_ is not None and state["head.enter.weight"].shape != segmenter.module_.head.enter.weight.shape:
        raise ModelFileError(
            f"the segmenter in {path} is of a version whose segmenters of tiles saw no local contrast, or only at one "
            "scale; fit it again, with the same settings and pictures"
        )
    load_tensors(lambda: segmenter.module_.load_state_dict(state), path)
    segmenter.module_.eval()
    segmenter.history_ = History.from_dict(stored.training)
    return segmenter

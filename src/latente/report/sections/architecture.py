"""The layers, drawn and listed."""

from __future__ import annotations

__all__ = ["architecture_figure", "architecture_section"]

from latente.report.architecture import draw_architecture
from latente.report.components import details, figure, section, table
from latente.report.html import Html
from latente.report.layers import Layer, layers
from latente.report.study import Study
from latente.report.words import count, noise_words, number, plural


def architecture_section(study: Study) -> Html:
    """Returns the chapter on the architecture."""
    return section("Architecture", architecture_figure(study), layer_table(layers(study.model)), id_="architecture")


def architecture_figure(study: Study) -> Html:
    """Returns the drawing of the layers and what it shows."""
    found = layers(study.model)
    corruption = study.model.recipe_.corruption
    values, code = found[0].values, next(layer for layer in found if layer.role == "code").values
    module = study.model.module_
    weights = count(sum(p.numel() for part in (module.encoder, module.decoder) for p in part.parameters()))
    how = f"{number(values / code)} times fewer" if code < values else "no fewer"
    depth = sum(layer.role == "decoder" for layer in found)
    sentences = [
        f"The encoder turns the {plural(values, 'number')} of {study.words.a} into {count(code)}, {how}, and the "
        "decoder turns those back.",
        f"Together they have {weights} weights; the decoder has {plural(depth, 'layer')}.",
    ]
    if corruption is not None:
        noise = noise_words(corruption)
        sentences.append(f"While training, the encoder sees x̃, the {study.words.one} after {noise}; the target is x.")
    drawing = draw_architecture(found, corrupted=corruption is not None)
    return figure(drawing, *sentences, wide=True)


def layer_table(found: tuple[Layer, ...]) -> Html:
    """Returns the layers as a table that opens on a click."""
    rows = [[layer.operation, layer.role, layer.label, count(layer.parameters)] for layer in found]
    return details(
        f"All {len(found)} layers as a table", table(["layer", "part", "output for a sample", "weights"], rows)
    )

"""The pieces that pages are made of."""

from __future__ import annotations

import base64
import io
import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from PIL import Image
from sklearn.neighbors import NearestNeighbors

import latente
from latente import Trainer
from latente.corruptions import GaussianNoise, Masking
from latente.data import decide
from latente.report.architecture import draw_architecture
from latente.report.html import Html, join, tag
from latente.report.labels import Labels
from latente.report.layers import layers
from latente.report.measures import measure_neighbours, nearest
from latente.report.pictures import Canvas, data_uri, sheet
from latente.report.plots import apart, curve_plot, map_plot
from latente.report.svg import plot
from latente.report.words import Words, joined, noise_words, number, percent, plural


def test_text_is_escaped_and_markup_is_not():
    assert tag("p", "<b>", Html("<i>"), None, title='"') == '<p title="&quot;">&lt;b&gt;<i></p>'
    assert tag("img", alt="", src="x") == '<img alt="" src="x">'
    assert join(["a&", tag("br")]) == "a&amp;<br>"


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (7.914, "7.91"), (68.77, "68.8"), (999.6, "1,000"), (9.996, "10.0"), (1234567.0, "1.23e+06"),
     (-0.0123, "-0.0123"), (float("nan"), "not a number"), (float("inf"), "infinite")],
)  # fmt: skip
def test_numbers_have_three_digits(value, text):
    assert number(value) == text


def test_words():
    assert (percent(0.5), percent(0.0), percent(1.0), percent(-0.043)) == ("50%", "0%", "100%", "-4%")
    assert (plural(1, "row"), plural(2000, "row")) == ("1 row", "2,000 rows")
    assert (joined(["a"]), joined(["a", "b", "c"])) == ("a", "a, b and c")
    assert noise_words(GaussianNoise(0.3)) == "Gaussian noise with a standard deviation of 0.3"
    assert noise_words(Masking((0.1, 0.5))) == "masking of 10% to 50% of the values"


def test_words_follow_the_data():
    assert Words.of(decide(np.zeros((2, 8, 8), np.uint8))).unit == "squared grey levels"
    assert Words.of(decide(np.zeros((2, 8, 8, 3), np.uint8))).unit == "squared colour levels"
    assert Words.of(decide(np.random.default_rng(0).normal(size=(9, 3)))).unit == "squared standard deviations"


def test_pictures_keep_every_pixel():
    pixels = np.random.default_rng(0).integers(0, 256, (9, 7), dtype=np.uint8)
    png = base64.b64decode(data_uri(pixels).partition(",")[2])
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(png))), pixels)
    two = sheet([pixels, 255 - pixels], columns=2)
    assert two.shape == (9, 15, 4)
    assert np.array_equal(two[:, 8:, 0], 255 - pixels)
    assert (two[:, 7, 3] == 0).all()


def test_canvas_maps_the_bounds_to_black_and_white():
    schema = decide(np.array([[[-1.0, 1.0], [0.0, 0.5]]] * 2))
    image = np.array([[[-1.0, 1.0], [0.0, 3.0]]])
    assert Canvas.of(schema, image[None]).pixels(image).tolist() == [[0, 255], [128, 255]]


def test_labels_of_many_kinds():
    assert Labels.of(None, None, 3) is None
    assert Labels.of(["b", "a", "b"], None, 3).names == ("a", "b")
    assert Labels.of([0.5, 0.25, 1.0], None, 3).names == ("0.25", "0.5", "1")
    assert Labels.of([True, False, True], None, 3).name(0) == "True"
    many = Labels.of(np.r_[np.repeat(np.arange(11), 3), np.arange(11, 30)], None, 52).few()
    assert many.names[-1] == "other"
    assert len(many.present) == 12
    assert (many.index == 11).sum() == 19


def test_neighbours_against_a_second_computation():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, 100)
    codes = rng.normal(size=(100, 2)) + labels[:, None]
    found = NearestNeighbors(n_neighbors=11).fit(codes).kneighbors(codes)[1][:, 1:]
    expected = np.mean([[labels[j] == labels[i] for j in found[i]] for i in range(100)])
    measured = measure_neighbours(codes, codes, labels)
    assert measured.code == measured.pca == pytest.approx(expected)
    assert measured.chance == pytest.approx(sum((labels == k).mean() ** 2 for k in range(3)))


def test_nearest_is_the_smallest_squared_distance():
    rng = np.random.default_rng(0)
    a, b = rng.random((5, 2, 3), dtype=np.float32), rng.random((9, 2, 3), dtype=np.float32)
    every = np.square(a[:, None] - b[None]).sum((2, 3))
    assert nearest(a, b) == pytest.approx(every.min(1), rel=1e-4)
    assert nearest(a, b, skip=1) == pytest.approx(np.sort(every, 1)[:, 1], rel=1e-4)
    assert nearest(b, b) == pytest.approx(np.zeros(9), abs=1e-6)


@pytest.fixture(scope="module")
def convolutional(images):
    model = latente.ConvolutionalAutoencoder(
        4, channels=(4, 8), hidden_features=(16,), normalization="batch", corruption="gaussian:0.1",
        trainer=Trainer(epochs=1, verbose=False), random_state=0,
    )  # fmt: skip
    return model.fit(images)


def test_layers_are_those_of_the_module(convolutional):
    found = layers(convolutional)
    assert [layer.shape for layer in found] == [
        (1, 12, 10), (4, 6, 5), (8, 3, 3), (16,), (4,), (16,), (72,), (4, 6, 5), (1, 12, 10),
    ]  # fmt: skip
    assert [layer.role for layer in found] == ["sample", *["encoder"] * 3, "code", *["decoder"] * 4]
    assert sum(layer.parameters for layer in found) == sum(p.numel() for p in convolutional.module_.parameters())
    assert found[1].operation == "convolution 3×3, stride 2, batch normalisation, SiLU"
    assert found[-1].operation.endswith("sigmoid")


def test_a_block_with_a_skip_connection_is_one_layer(table):
    network = latente.MLP((8, 8), skip=True, normalization="layer")
    model = latente.Autoencoder(2, network=network, trainer=Trainer(epochs=1, verbose=False), random_state=0)
    found = layers(model.fit(table))
    assert [layer.values for layer in found] == [6, 8, 8, 2, 8, 8, 6]
    assert found[1].operation == "fully connected, layer normalisation, SiLU, skip connection"
    assert sum(layer.parameters for layer in found) == sum(p.numel() for p in model.module_.parameters())


def test_the_drawing_has_a_bar_for_every_layer_and_says_what_they_are(convolutional):
    found = layers(convolutional)
    root = ET.fromstring(draw_architecture(found, corrupted=True))
    texts = [element.text for element in root.iter("text")]
    assert [name for name in texts if name in ("x", "x̃", "z", "x̂")] == ["x", "x̃", "z", "x̂"]
    assert {"16", "4", "72", "8 ×", "3×3", "12×10"} <= set(texts)
    assert len(list(root.iter("polygon"))) == len(found)  # funnels, and the arrow of the corruption
    assert all(layer.label in root.get("aria-label") for layer in found)
    width = float(root.get("viewBox").split()[2])
    assert all(0 <= float(r.get("x")) <= width for r in root.iter("rect"))


def test_plots_are_drawings_with_text_and_variables():
    drawn = curve_plot({"a<": [3.0, 2.0, None], "b$": [1.0, 2.0, 3.0]}, "loss $x_", "falls", "p")
    root = ET.fromstring(drawn)
    assert root.get("aria-label") == "falls"
    assert {"a<", "b$", "loss $x_", "epoch"} <= {
        element.text for element in root.iter() if element.tag.endswith("text")
    }
    assert "var(--c0)" in drawn
    assert "#" not in re.sub(r"url\(#p-\w+\)|href=\"#p-\w+\"", "", drawn)


def test_every_sample_is_on_the_map():
    points = np.random.default_rng(0).normal(size=(30, 2))
    drawn = map_plot(points, Labels.of(np.arange(30) % 3, ["p", "q", "r"], 30), ("u", "v"), "map", "m")
    dots = [path for path in re.findall(r'<path d="([^"]+)"[^>]*stroke-linecap: round', drawn) if "M" in path]
    assert sum(path.count("M") for path in dots) == 30


def test_names_on_the_map_do_not_overlap():
    places = np.random.default_rng(0).uniform(0.4, 0.6, (8, 2))
    moved = apart(places, np.full(8, 0.3), 0.05)
    gaps = np.diff(np.sort(moved[:, 1]))
    assert gaps.min() > 0.05 - 1e-3
    assert np.array_equal(moved[:, 0], places[:, 0])


def test_words_in_a_drawing_keep_their_decimals():
    def draw(fig):
        ax = fig.add_subplot()
        ax.plot([0.0, 1.0], [0.0012345, 0.0067891])
        ax.set_xticks([0.0, 1.0], ["0.001", "1.2345 V"])

    drawing = plot(draw, (4.6, 3.0), "numbers", "numbers")
    assert ">0.001</text>" in drawing
    assert ">1.2345 V</text>" in drawing
    assert not re.search(r"<[^>]*\d\.\d{3,}[^>]*>", drawing)  # places are short

"""What is known about the data sets in idx files: checksums, mirrors, labels, terms."""

from __future__ import annotations

__all__ = ["FASHION_MNIST", "MNIST", "IdxSource"]

from dataclasses import dataclass


@dataclass(frozen=True)
class IdxSource:
    """A data set of four idx files: training images and labels, test images and labels.

    Attributes:
        name: the name of the data set and of the folder that holds its files.
        sha256: of the uncompressed content of the four files, in the order of `files`.
        mirrors: addresses that end in a slash; a file's name follows.
        debian_package: the Debian package that installs the files, if there is one.
        label_names: what each label means.
        description: what a sample is.
        source: who made the data.
        licence: under what terms it may be used.
    """

    name: str
    sha256: tuple[str, str, str, str]
    mirrors: tuple[str, ...]
    debian_package: str | None
    label_names: tuple[str, ...]
    description: str
    source: str
    licence: str

    @property
    def files(self) -> tuple[str, str, str, str]:
        """The names of the four files."""
        return (
            "train-images-idx3-ubyte.gz",
            "train-labels-idx1-ubyte.gz",
            "t10k-images-idx3-ubyte.gz",
            "t10k-labels-idx1-ubyte.gz",
        )


MNIST = IdxSource(
    name="mnist",
    sha256=(
        "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
        "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
        "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
    ),
    mirrors=(
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
        "https://storage.googleapis.com/cvdf-datasets/mnist/",
    ),
    debian_package=None,
    label_names=tuple("0123456789"),
    description="Handwritten digits, 28x28 uint8 pixels: the 60,000 training and 10,000 test images.",
    source='Y. LeCun, C. Cortes, C. Burges, "The MNIST database of handwritten digits" (1998)',
    licence="CC BY-SA 3.0",
)

FASHION_MNIST = IdxSource(
    name="fashion-mnist",
    sha256=(
        "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
        "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
        "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
        "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
    ),
    mirrors=(
        "https://github.com/zalandoresearch/fashion-mnist/raw/master/data/fashion/",
        "https://storage.googleapis.com/tensorflow/tf-keras-datasets/",
    ),
    debian_package="dataset-fashion-mnist",
    label_names=(
        "T-shirt/top",
        "Trouser",
        "Pullover",
        "Dress",
        "Coat",
        "Sandal",
        "Shirt",
        "Sneaker",
        "Bag",
        "Ankle boot",
    ),
    description="Photographs of clothing, 28x28 uint8 pixels: the 60,000 training and 10,000 test images.",
    source='H. Xiao, K. Rasul, R. Vollgraf, "Fashion-MNIST: a novel image dataset for benchmarking machine '
    'learning algorithms" (2017), Zalando Research',
    licence="MIT, Copyright (c) 2017 Zalando SE",
)

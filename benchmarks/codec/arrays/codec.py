"""`ArrayCodec` on the same arrays: as it comes, thorough, and after learning from an archive.

LATENTE_DATA=... OMP_NUM_THREADS=1 python benchmarks/codec/arrays/codec.py [arrays] [archive]
"""

from __future__ import annotations

import sys

import numpy as np
from protocol import BOUNDS, FILES, absolute, largest_error, load, parts, row, timed, write

from latente.codec import ArrayCodec
from latente.codec.arrays import autoencoded

OURS = {"latente", "latente, thorough"}


def arrays() -> None:
    rows = []
    for data in FILES:
        x = load(data)
        for bound in BOUNDS:
            for method, thorough in (("latente", False), ("latente, thorough", True)):
                codec = ArrayCodec(bound, thorough=thorough)
                content, encoding = timed(lambda codec=codec, x=x: codec.encode(x))
                y, decoding = timed(lambda codec=codec, content=content: codec.decode(content))
                if bound == 0:
                    assert (x.view(np.uint32) == y.view(np.uint32)).all()
                error, note = largest_error(x, y), codec.info(content).why
                size = len(content)
                rows.append(
                    row(
                        "arrays", data, bound, method, x, size, error=error, encode=encoding, decode=decoding, note=note
                    )
                )
                print(*rows[-1].values(), flush=True)
    write(rows, lambda r: r["study"] == "arrays" and r["method"].startswith("latente"))


def fitted_rows(study: str, data: str, first: np.ndarray, x: np.ndarray) -> list[dict]:
    """What the second part takes without learning, with the archive's mean alone, and with the autoencoder."""
    rows, fitted = [], ArrayCodec(random_state=0).fit(first)
    both = autoencoded.encoders
    for bound in BOUNDS[:4]:
        fitted.set_params(max_error=absolute(x, bound), relative=False)
        plain = ArrayCodec(absolute(x, bound), relative=False)
        mean_only = {"am": autoencoded.AutoencoderPlan(fitted.archive_, codes=False)}
        for method, codec, plans in (
            ("latente, not fitted", plain, None),
            ("latente, archive's mean", fitted, lambda _, only=mean_only: only),
            ("latente, autoencoder", fitted, both),
        ):
            rows += [measured(study, data, bound, method, x, codec, plans)]
            if (study, data) == ("archive", "climate"):
                rows += [one_by_one("archive, a file a field", data, bound, method, x, codec, plans)]
            print(*rows[-1].values(), flush=True)
    return rows


def measured(study: str, data: str, bound: float, method: str, x: np.ndarray, codec: ArrayCodec, plans: object) -> dict:
    content = encoded(codec, x, plans)
    info = codec.info(content)
    note = f"{info.why}; autoencoder predicts {100 * info.autoencoder_share:.0f}%"
    error = largest_error(x, codec.decode(content))
    return row(study, data, bound, method, x, len(content), error=error, note=note)


def one_by_one(
    study: str, data: str, bound: float, method: str, x: np.ndarray, codec: ArrayCodec, plans: object
) -> dict:
    contents = [encoded(codec, one, plans) for one in x]
    error = max(largest_error(one, codec.decode(content)) for one, content in zip(x, contents, strict=True))
    share = np.mean([codec.info(content).autoencoder_share for content in contents])
    note = f"autoencoder predicts {100 * share:.0f}%"
    return row(study, data, bound, method, x, sum(map(len, contents)), error=error, note=note)


def encoded(codec: ArrayCodec, x: np.ndarray, plans: object) -> bytes:
    """Encodes with another set of plans from the archive, for the ablation."""
    from latente.codec.arrays import stream

    usual = stream.encoders
    stream.encoders = plans or usual
    try:
        return codec.encode(x)
    finally:
        stream.encoders = usual


def archive() -> None:
    rows = []
    for (study, data), (first, x) in parts().items():
        rows += fitted_rows(study, data, first, x)
    for data in FILES:  # the model in the file, learned from the array itself
        x = load(data)
        codec = ArrayCodec(1e-2, embed=True, random_state=0).fit(x)
        content = encoded(codec, x, lambda archive: {"a": autoencoded.AutoencoderPlan(archive)})
        size = len(codec.archive_.model.to_bytes())
        note = f"the model alone takes {size} bytes; {codec.info(content).why}"
        rows.append(row("model in the file", data, 1e-2, "latente, autoencoder", x, len(content), note=note))
    write(rows, lambda r: r["study"] != "arrays" and r["method"].startswith("latente"))


if __name__ == "__main__":
    wanted = sys.argv[1:] or ["arrays", "archive"]
    if "arrays" in wanted:
        arrays()
    if "archive" in wanted:
        archive()

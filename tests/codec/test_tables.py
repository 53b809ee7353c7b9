"""CSV, restored to the byte or within the bounds of its numbers, and Parquet."""

from __future__ import annotations

import csv
import datetime
import decimal
import io

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from latente.codec import compress_file, decompress_file, describe_file
from latente.codec.files.tables.numbers import parse_numbers
from latente.codec.files.tables.text import blocks_of, split_cells

RNG = np.random.default_rng(0)
N = 3000
TEMPERATURE = 20 + 5 * np.sin(np.arange(N) / 50) + RNG.normal(0, 0.1, N)
PRICE = RNG.normal(0, 100, N)


def table_text() -> str:
    lines = ["id,name,temp,price,mixed,flag,tiny,code,when"]
    for i in range(N):
        mixed = "" if i % 9 == 0 else f"{TEMPERATURE[i]:.{i % 4}f}"
        cells = [
            str(i), f'"a, ""{i % 7}"""', f"{TEMPERATURE[i]:.2f}", repr(float(PRICE[i])), mixed,
            "yes" if i % 3 else "no", f"{PRICE[i] * 1e-9:.3e}", f"{i % 50:05d}", f"2020-01-{i % 28 + 1:02d}",
        ]  # fmt: skip
        lines.append(",".join(cells))
    return "\n".join(lines) + "\n"


TEXTS = {
    "whole": table_text(),
    "windows": table_text().replace("\n", "\r\n"),
    "without last line feed": table_text()[:-1],
    "semicolons and commas": "\n".join(f"{i};{str(i / 7).replace('.', ',')}" for i in range(500)),
    "tabs": "\n".join(f"{i / 8}\t{i}" for i in range(500)),
    "one column": "x\n" + "\n".join(str(i * i) for i in range(500)),
    "line feeds in cells": 'a,b\n' + "".join(f'{i}.5,"two\nlines {i}"\n' for i in range(300)),
    "byte order mark": "\ufeffgröße,b\n" + "".join(f"{i / 10},ä{i}\n" for i in range(300)),
    "signs and zeros": "a,b\n" + "".join(f"{'-' * (i % 2)}{i % 5}.{i % 3}0,-0.0\n" for i in range(300)),
    "long numbers": "a\n" + "".join(f"{10**18 + i}.{'123456789' * 3}\n" for i in range(300)),
    "blank lines": "a,b\n1,2\n\n3,4\n",
    "stray quotes": 'a,b\n1,2" x\n3,"4\n' * 50,
    "mixed ends of lines": "a,b\n1,2\r\n3,4\n" * 50,
    "names only": "a,b,c\n",
}  # fmt: skip


@pytest.mark.parametrize("name", TEXTS)
@pytest.mark.parametrize("block_bytes", [1 << 25, 1 << 16])
def test_csv_without_loss_is_the_file_bit_by_bit(name, block_bytes, tmp_path):
    raw = TEXTS[name].encode()
    (tmp_path / "x.csv").write_bytes(raw)
    done = compress_file(tmp_path / "x.csv", block_bytes=block_bytes)
    assert decompress_file(done.output, tmp_path / "y.csv").output.read_bytes() == raw
    describe_file(done.output)


CELL = st.one_of(
    st.integers(-(10**20), 10**20).map(str),
    st.floats(allow_nan=True).map(repr),
    st.decimals(-1000, 1000, places=3, allow_nan=False).map(str),
    st.text("0123456789.-+e", max_size=8),
    st.text(st.characters(codec="utf-8", exclude_characters=',"\n\r'), max_size=5),
    st.text('ab,"\n\r', max_size=5).map(lambda text: '"' + text.replace('"', '""') + '"'),
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=st.integers(1, 5).flatmap(lambda n: st.lists(st.lists(CELL, min_size=n, max_size=n), min_size=3, max_size=25)),
    again=st.integers(1, 30),
    error=st.sampled_from([0, 1e-9, 0.01, 3.0, 1e6]),
)
def test_any_csv_comes_back_or_within_its_bound(rows, again, error, tmp_path):
    text = "\n".join(map(",".join, rows * again)) + "\n"
    (tmp_path / "x.csv").write_bytes(text.encode())
    done = compress_file(tmp_path / "x.csv", max_error=error, relative=False, overwrite=True)
    found = decompress_file(done.output, tmp_path / "y.csv", overwrite=True).output.read_bytes()
    if not error or done.kind == "bytes":
        assert found == text.encode()
        return
    before, after = (list(csv.reader(io.StringIO(t, newline=""))) for t in (text, found.decode()))
    assert len(before) == len(after)
    for a, b in zip(before, after, strict=True):
        for x, y in zip(a, b, strict=True):
            assert x == y or abs(float(x) - float(y)) <= error


def test_numbers_keep_within_their_bounds_and_their_decimals(tmp_path):
    (tmp_path / "x.csv").write_text(table_text())
    done = compress_file(tmp_path / "x.csv", max_error=0.05, relative=False, columns={"price": 1.5, "id": 2})
    before = pd.read_csv(tmp_path / "x.csv", dtype=str, keep_default_na=False)
    path = decompress_file(done.output, tmp_path / "y.csv").output
    after = pd.read_csv(path, dtype=str, keep_default_na=False)
    for name, error in (("temp", 0.05), ("price", 1.5), ("id", 2)):
        difference = np.abs(before[name].astype(float) - after[name].astype(float)).max()
        assert 0 < difference <= error
        assert next(part for part in done.parts if part.name == name).largest_error == pytest.approx(difference)
    assert after["temp"].str.fullmatch(r"\d+\.\d\d").all()  # as before
    known = before["mixed"] != ""
    assert (after["mixed"][~known] == "").all()
    assert np.abs(before["mixed"][known].astype(float) - after["mixed"][known].astype(float)).max() <= 0.05
    for name in ("name", "flag", "tiny", "code", "when"):  # text, categories, numbers in other ways of writing
        assert (before[name] == after[name]).all()
    assert "kept exactly" in done.notes[0]
    assert done.ratio > 6


def test_integers_are_exact_unless_they_are_named(tmp_path):
    (tmp_path / "x.csv").write_text("key,value\n" + "".join(f"{i * 37 % 1000},{i / 3:.4f}\n" for i in range(2000)))
    done = compress_file(tmp_path / "x.csv", max_error=1e-2)
    after = pd.read_csv(decompress_file(done.output, tmp_path / "y.csv").output)
    before = pd.read_csv(tmp_path / "x.csv")
    assert (after["key"] == before["key"]).all()
    assert 0 < (after["value"] - before["value"]).abs().max() <= 1e-2 * np.ptp(before["value"])


def test_signal_to_noise_of_columns(tmp_path):
    (tmp_path / "x.csv").write_text("v\n" + "".join(f"{value:.6f}\n" for value in TEMPERATURE))
    done = compress_file(tmp_path / "x.csv", psnr=50)
    before, after = (pd.read_csv(path)["v"] for path in (tmp_path / "x.csv",
                     decompress_file(done.output, tmp_path / "y.csv").output))  # fmt: skip
    assert 10 * np.log10(np.ptp(before) ** 2 / np.square(after - before).mean()) >= 50


def test_cells_are_cut_as_csv_says():
    text = 'a,"b, ""c""",d\r\n1,,"x\r\ny"\r\n'
    cells = split_cells(text, ",")
    assert list(map(list, cells.columns)) == [["a", "1"], ['"b, ""c"""', ""], ["d", '"x\r\ny"']]
    assert cells.text() == text
    assert split_cells("a,b\n1\n", ",") is None
    whole = 'a,"1\n2"\n' * 100
    blocks = list(blocks_of(io.BytesIO(whole.encode()), 37))
    assert "".join(blocks) == whole
    assert all(block.count('"') % 2 == 0 for block in blocks)


@pytest.mark.parametrize(
    ("cells", "scale", "style"),
    [
        (["1.50", "-2.25", "0.00"], 2, "fixed"), (["1", "2.5", "3.125"], 3, "short"), (["1.0", "2.5"], 1, "fixed"),
        (["1.0", "2.25"], 2, "short"), (["1.10", "2", "3.5"], 2, "each"), (["7", "-8"], 0, "fixed"),
    ],
)  # fmt: skip
def test_ways_of_writing_numbers(cells, scale, style):
    numbers, odd = parse_numbers(cells)
    assert (numbers.scale, numbers.style) == (scale, style)
    assert numbers.cells() == cells
    assert not odd.any()
    np.testing.assert_allclose(numbers.values / 10**scale, np.array(cells, float))


def frame() -> pd.DataFrame:
    data = {
        "id": np.arange(N), "f": np.cumsum(PRICE), "g": TEMPERATURE.astype(np.float32),
        "cat": pd.Categorical(RNG.choice(["a", "b", "ü"], N)), "s": [f"k{i % 50}" for i in range(N)],
        "b": RNG.random(N) > 0.5, "t": pd.date_range("2020", periods=N, freq="h"),
        "u": RNG.integers(0, 255, N).astype(np.uint8),
    }  # fmt: skip
    found = pd.DataFrame(data)
    found.loc[5:20, "f"] = np.nan
    return found


def arrow() -> pa.Table:
    return pa.table(
        {
            "x": pa.array([1.5, None, float("nan"), 2.5] * 1000), "i": pa.array([1, None, 3, 4] * 1000, pa.int16()),
            "l": pa.array([[1.0, 2.0], None, [], [2.0]] * 1000), "st": pa.array([{"a": 1, "b": "x"}] * 4000),
            "dec": pa.array([decimal.Decimal("1.23")] * 4000), "h": pa.array(np.ones(4000, np.float16)),
            "none": pa.nulls(4000), "bin": pa.array([b"\0\1"] * 4000),
            "day": pa.array([datetime.date(2020, 1, 1), None] * 2000),
            "clock": pa.array([datetime.time(1, 2, 3, 4), None] * 2000),
            "long": pa.array([datetime.timedelta(seconds=i) for i in range(4000)]),
            "wide": pa.array([-(2**63), 2**63 - 1, None, 5] * 1000), "noise": pa.array(RNG.normal(size=4000)),
        },
        metadata={"who": "me"},
    )  # fmt: skip


def write(kind: str, path) -> None:
    if kind == "pandas":
        frame().to_parquet(path, index=False, row_group_size=1100)
    elif kind == "index":
        frame().set_index("s").to_parquet(path, compression="zstd")
    elif kind == "polars":
        pl.from_pandas(frame()).write_parquet(path)
    else:
        pq.write_table(arrow() if kind == "arrow" else arrow().slice(0, 0), path, compression="none")


@pytest.mark.parametrize("kind", ["pandas", "index", "polars", "arrow", "empty"])
@pytest.mark.parametrize("how", [{}, {"max_error": 1e-3}, {"psnr": 50}])
def test_parquet(kind, how, tmp_path):
    write(kind, tmp_path / "x.parquet")
    done = compress_file(tmp_path / "x.parquet", **how)
    again = decompress_file(done.output, tmp_path / "y.parquet").output
    before, after = pq.ParquetFile(tmp_path / "x.parquet"), pq.ParquetFile(again)
    assert after.schema_arrow.equals(before.schema_arrow, check_metadata=True)
    assert [after.metadata.row_group(i).num_rows for i in range(after.num_row_groups)] == [
        before.metadata.row_group(i).num_rows for i in range(before.num_row_groups)
    ]
    a, b = before.read(), after.read()
    for name in a.column_names:
        floating = pa.types.is_float32(a.schema.field(name).type) or pa.types.is_float64(a.schema.field(name).type)
        if not floating:
            assert a[name].equals(b[name])
            continue
        assert a[name].is_valid().equals(b[name].is_valid())
        x, y = (column[name].to_numpy().astype(float) for column in (a, b))
        np.testing.assert_array_equal(np.isnan(x), np.isnan(y))
        if not how:
            np.testing.assert_array_equal(x, y)
        elif len(x):
            span = np.nanmax(x) - np.nanmin(x)
            difference = np.nan_to_num(y - x)
            if "psnr" in how:
                assert np.square(difference).sum() / np.isfinite(x).sum() <= span**2 / 10**5
            else:
                assert np.abs(difference).max() <= 1e-3 * span


def test_parquet_columns_have_bounds_of_their_own(tmp_path):
    write("pandas", tmp_path / "x.parquet")
    done = compress_file(tmp_path / "x.parquet", max_error=1e-2, columns={"f": 0, "id": 1e-3})
    a, b = pq.read_table(tmp_path / "x.parquet"), pq.read_table(decompress_file(done.output, tmp_path / "y").output)
    np.testing.assert_array_equal(a["f"].to_numpy(), b["f"].to_numpy())
    assert 0 < np.abs(a["id"].to_numpy() - b["id"].to_numpy()).max() <= 3
    assert done.kind == "parquet"
    described = {part.name: part for part in describe_file(done.output).parts}
    assert described["f"].bound == "exact"
    assert described["g"].bound.startswith("error of at most")
    assert next(part for part in done.parts if part.name == "t").compressed_bytes < 800  # hours, in three groups
    with pytest.raises(ValueError, match="dates or times and is always kept exactly"):
        compress_file(tmp_path / "x.parquet", columns={"t": 0.1}, overwrite=True)
    with pytest.raises(ValueError, match="its columns are 'id', 'f'"):
        compress_file(tmp_path / "x.parquet", columns={"F": 0}, overwrite=True)


def test_text_beside_a_bounded_column_is_compared_too(tmp_path, monkeypatch):
    """An encoder that spoils text is found out, and the lines are kept whole."""
    from latente.codec.files.tables import csv as module

    path = tmp_path / "x.csv"
    path.write_text("name,value\n" + "".join(f"n{i % 50:04d},{v:.6f}\n" for i, v in enumerate(TEMPERATURE)))
    code = module.code_column

    def spoiled(cells, error, settings):
        return code(["n9999", *cells[1:]] if cells[0].startswith("n") else cells, error, settings)

    monkeypatch.setattr(module, "code_column", spoiled)
    done = compress_file(path, max_error=0.01, relative=False)
    assert decompress_file(done.output, tmp_path / "again.csv").output.read_text() == path.read_text()

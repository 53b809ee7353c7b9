"""What results and `describe_file` say: what is exact, which model is needed, what is damaged, what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from latente.cli.app import app
from latente.codec import (
    AlteredError,
    ArrayCodec,
    Bound,
    CodecError,
    MissingModelError,
    NotOursError,
    compress_file,
    crc32c,
    decompress_file,
    describe_file,
    pack,
    unpack,
)
from latente.codec.arrays.heads import pack_head, unpack_head

RNG = np.random.default_rng(0)


@pytest.fixture(scope="module")
def samples() -> np.ndarray:
    """(60, 20, 24) float32: combinations of four patterns, and noise."""
    rng = np.random.default_rng(0)
    shapes = np.array([np.outer(np.sin(np.arange(20) / f), np.cos(np.arange(24) / f)) for f in (2, 3, 5, 8)])
    values = np.tensordot(rng.normal(size=(60, 4)), shapes, 1) + 0.01 * rng.normal(size=(60, 20, 24))
    return values.astype(np.float32)


@pytest.fixture(scope="module")
def fitted(samples) -> ArrayCodec:
    return ArrayCodec(1e-2, latent_dim=4, random_state=0).fit(samples[:40])


@pytest.fixture
def referring(samples, fitted, tmp_path):
    """A file of two arrays, of which one needs the model."""
    np.savez(tmp_path / "x.npz", many=samples[40:], count=np.arange(9))
    return compress_file(tmp_path / "x.npz", max_error=1e-2, codec=fitted)


def test_a_file_says_which_model_it_needs_and_where(referring, fitted):
    ref = fitted.archive_.model.ref
    assert ref.id == f"archive-{ref.hash[:8]}"
    assert describe_file(referring.output).model == f"{ref.id} ({ref.hash}), for many"
    assert {part.name: part.model for part in describe_file(referring.output).parts} == {
        "many": f"{ref.id} ({ref.hash})", "count": None,
    }  # fmt: skip
    assert f"decompressing it needs the model {ref.id} ({ref.hash}), for many" in referring.notes
    with pytest.raises(MissingModelError, match=f"'{ref.id}' with hash {ref.hash}"):
        decompress_file(referring.output, referring.output.with_suffix(".out"))


def test_different_archives_have_different_ids(samples, fitted):
    other = ArrayCodec(1e-2, latent_dim=3, random_state=1).fit(samples[:20])
    assert other.archive_.model.id != fitted.archive_.model.id


def test_a_held_model_is_in_the_file(samples, fitted, tmp_path):
    (tmp_path / "x.lat").write_bytes(
        pack("npy", {"size": 88, "block": 1 << 20, "array": {"dtype": "<f8", "shape": [1]}}, {"0/0": bytes(9)},
             model=fitted.archive_.model)
    )  # fmt: skip
    assert describe_file(tmp_path / "x.lat").model.endswith("), in the file")


def test_the_command_names_the_file_of_a_model(referring, tmp_path):
    np.save(tmp_path / "y.npy", np.arange(9.0))
    compress_file(tmp_path / "y.npy")
    ArrayCodec().save(tmp_path / "unfitted.latmodel")
    for model, message in (
        (tmp_path / "y.npy.lat", "ArrayCodec (arrays, tables), ImageCodec"), (tmp_path / "y.npy", "is no fitted codec"),
        (tmp_path / "unfitted.latmodel", "holds a codec that learned nothing"),
    ):  # fmt: skip
        done = CliRunner().invoke(app, ["decompress", str(referring.output), "-o", "never", "--model", str(model)])
        assert done.exit_code != 0
        said = " ".join((str(done.exception) + done.output).split())
        assert model.name in said
        assert message in said
    with pytest.raises(NotOursError, match=r"y\.npy is no codec"):
        ArrayCodec.load(tmp_path / "y.npy")


def test_the_mean_of_an_archive_is_not_called_an_autoencoder():
    rng = np.random.default_rng(0)
    mean = 20 * rng.normal(size=(16, 16))
    rows = (mean + 0.05 * rng.normal(size=(40, 16, 16))).astype(np.float32)
    codec = ArrayCodec(0.5, relative=False, latent_dim=2, random_state=0).fit(rows[:30])
    info = codec.info(codec.encode(rows[30:]))
    assert info.plans == {"mean of the archive": 1}
    assert info.why.startswith("mean of the archive: bits per value")
    assert info.autoencoder_share == 0


def test_residuals_under_an_autoencoder_have_a_checksum(samples, fitted):
    """Another residual behind right checksums of the container is refused, as the values of other plans are."""
    container = unpack(fitted.encode(samples[40:]))
    content = container.section("array")
    end = 4 + int.from_bytes(content[:4], "little")
    head = unpack_head(content[4:end])
    assert head["blocks"][0]["plan"] == "autoencoder"
    inner = head["blocks"][0]["inner"]
    for field in ("low", "bound") if inner["plan"] == "multilevel" else ("offset", "bound"):
        changed = inner[field]
        inner[field] = changed * 1.5 + 0.25
        text = pack_head(head)
        forged = pack("array", {}, {"array": len(text).to_bytes(4, "little") + text + content[end:]},
                      fitted.archive_.model.ref, {"array": container.contents["array"].symbols})  # fmt: skip
        with pytest.raises(AlteredError, match="or what they leave, did not decode"):
            fitted.decode(forged)
        inner[field] = changed


def files(folder: Path) -> list[Path]:
    np.save(folder / "f.npy", RNG.normal(size=(20, 30)).cumsum(1).astype(np.float32))
    np.savez(folder / "m.npz", a=np.arange(50.0), b=np.array(["x", "yy"]))
    (folder / "t.csv").write_text("id,v,name\n" + "".join(f"{i},{i / 7:.2f},n{i % 3}\n" for i in range(80)))
    (folder / "n.txt").write_text("again " * 30)
    return sorted(folder.iterdir())


def test_a_description_finds_every_altered_byte(tmp_path):
    for path in files(tmp_path):
        stream = compress_file(path, max_error=1e-2).output.read_bytes()
        for place in range(len(stream)):
            altered = bytearray(stream)
            altered[place] ^= 0x10
            (tmp_path / "x.lat").write_bytes(altered)
            with pytest.raises(CodecError):
                describe_file(tmp_path / "x.lat")


def test_what_came_back_exact_says_so(tmp_path):
    np.savez(tmp_path / "x.npz", halves=np.arange(400) / 2, waves=np.sin(np.arange(400.0)), kept=np.arange(9))
    done = compress_file(tmp_path / "x.npz", max_error=0.1, relative=False)
    expected = {"halves": True, "waves": False, "kept": True}
    assert {part.name: part.exact for part in done.parts} == expected
    assert {part.name: part.exact for part in describe_file(done.output).parts} == expected
    assert not done.exact
    assert not decompress_file(done.output, tmp_path / "y.npz").exact
    np.save(tmp_path / "z.npy", np.arange(400) / 2)
    exact = compress_file(tmp_path / "z.npy", max_error=0.1, relative=False)
    assert exact.exact
    assert describe_file(exact.output).exact
    assert decompress_file(exact.output, tmp_path / "again.npy").exact
    assert (tmp_path / "again.npy").read_bytes() == (tmp_path / "z.npy").read_bytes()
    assert "every bit comes back" in " ".join(CliRunner().invoke(app, ["info", str(exact.output)]).output.split())
    assert not ArrayCodec.info(ArrayCodec(0.1).encode(np.sin(np.arange(400.0)))).exact
    assert ArrayCodec.info(ArrayCodec(0.1, relative=False).encode(np.arange(400) / 2)).exact


@pytest.mark.parametrize("error", [1e-6, 1e-4, 1e-3, 1e-2, 0.5])
def test_numbers_with_different_decimals_within_a_bound(error, tmp_path):
    cells = [f"{value:.2f}" if i % 3 else f"{value:.3f}" for i, value in enumerate(RNG.integers(100, 999, 300) / 100)]
    (tmp_path / "x.csv").write_text("t,k\n" + "".join(f"{cell},{i}\n" for i, cell in enumerate(cells)))
    done = compress_file(tmp_path / "x.csv", max_error=error, relative=False)
    again = decompress_file(done.output, tmp_path / "y.csv")
    rows = [line.split(",") for line in again.output.read_text().splitlines()[1:]]
    assert max(abs(float(a) - float(b)) for (a, _), b in zip(rows, cells, strict=True)) <= error
    same = again.output.read_bytes() == (tmp_path / "x.csv").read_bytes()
    assert done.exact == again.exact == describe_file(done.output).exact == same


def test_csv_says_why_columns_are_exact(tmp_path):
    text = "id,name,v,flat,whole\n" + "".join(f"{i},n{i % 3},{i / 7:.2f},1.5,{i * i}\n" for i in range(600))
    (tmp_path / "x.csv").write_text(text)
    done = compress_file(tmp_path / "x.csv", max_error=1e-2, columns={"whole": 0})
    assert done.notes == (
        "kept exactly: id (integers; they take a bound by name), name (text), flat (its numbers are all alike)",
    )
    described = {part.name: part for part in describe_file(done.output).parts}
    assert described["v"].original_bytes == next(part for part in done.parts if part.name == "v").original_bytes > 0
    with pytest.raises(ValueError, match="'name', which holds no numbers and is always kept exactly; leave it out"):
        compress_file(tmp_path / "x.csv", overwrite=True, columns={"name": 0.1})
    compress_file(tmp_path / "x.csv", overwrite=True, columns={"name": 0})


def test_csv_lines_that_are_kept_whole_are_counted_as_such(tmp_path):
    (tmp_path / "x.csv").write_text("a,b\n" + "12.25,x\n" * 50)
    done = compress_file(tmp_path / "x.csv", max_error=1e-2)
    assert done.parts[-1].name == "whole lines"
    assert done.parts[-1].original_bytes == 8 * 50
    found = describe_file(done.output)
    assert found.parts[-1].compressed_bytes == done.parts[-1].compressed_bytes > 0
    assert found.exact == done.exact is True


def test_bounds_of_what_is_no_number_are_refused(tmp_path):
    np.savez(tmp_path / "x.npz", text=np.array(["a", "b"]), v=np.arange(9.0))
    with pytest.raises(ValueError, match="'text', which holds values of type <U1 and is always kept exactly"):
        compress_file(tmp_path / "x.npz", columns={"text": 0.1})


@pytest.mark.parametrize("how", [{"max_error": 5}, {"max_error": 1.0001}, {"columns": {"v": 2.0}}])
def test_relative_bounds_above_the_range_are_refused(how, tmp_path):
    np.savez(tmp_path / "x.npz", v=np.arange(9.0))
    with pytest.raises(ValueError, match="at most 1, the whole range; got .*relative=False .*--absolute"):
        compress_file(tmp_path / "x.npz", **how)
    assert compress_file(tmp_path / "x.npz", max_error=5, relative=False).largest_error <= 5
    assert Bound("relative", 1).value == 1


def test_a_csv_states_what_its_text_becomes(tmp_path):
    (tmp_path / "x.csv").write_text("v\n" + "".join(f"{i / 7:.3f}\n" for i in range(200)))
    done = compress_file(tmp_path / "x.csv", max_error=1e-2)
    again = decompress_file(done.output, tmp_path / "y.csv").output.read_bytes()
    assert unpack(done.output.read_bytes()).contents["0"].symbols == crc32c(again[2:])

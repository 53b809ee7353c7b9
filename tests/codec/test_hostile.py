"""A thousand damaged streams of every kind: each is refused, or decodes to the very original."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.filterwarnings("ignore")  # libraries warn of what they read


@pytest.fixture(scope="module")
def cases(hostile, tmp_path_factory):
    return hostile.corpus(tmp_path_factory.mktemp("hostile"))


def test_damaged_streams(hostile, cases):
    tallies = hostile.batch(cases, seed=1, count=1000)
    failed = {key: tally.failed for key, tally in tallies.items() if tally.failed}
    assert failed == {}
    assert {name for name, _ in tallies} == {case.name for case in cases}
    assert {kind for _, kind in tallies} == set(hostile.DAMAGES)
    assert sum(tally.tried for tally in tallies.values()) > 950
    assert max(tally.slowest for tally in tallies.values()) < hostile.SLOW
    assert sum(tally.other for (_, kind), tally in tallies.items() if kind != "forged") == 0


def test_every_cut_of_a_small_stream(hostile, cases, tmp_path):
    from latente.codec import CodecError

    case = min(cases, key=lambda case: len(case.stream))
    for length in range(len(case.stream)):
        with pytest.raises(CodecError):
            hostile.decoded(case.stream[:length], tmp_path / "cut")


def test_the_forger_repairs_checksums(hostile, cases):
    from latente.codec import unpack

    for case in cases:
        header, sections = hostile._taken_apart(case.stream)
        assert hostile._put_together(header, sections) == case.stream
        assert unpack(case.stream).sections.keys() == {name.decode() for name, *_ in sections}

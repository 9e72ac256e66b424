from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import numpy as np
import pytest
from conftest import registered_meanwhile

from binbench import Footprint, Unsupported, UserError
from binbench.check import RULES, check, check_isolated, targets
from binbench.check.held import held, held_bytes
from binbench.plugins.registry import load_file

BROKEN = Path(__file__).with_name("broken.py")


@pytest.fixture(scope="module", autouse=True)
def broken():
    """The broken plugins, registered for this module only."""
    with registered_meanwhile():
        load_file(BROKEN)
        yield


def expected() -> dict[str, str]:
    spec = importlib.util.spec_from_file_location("broken_names", BROKEN)
    module = importlib.util.module_from_spec(spec)
    with registered_meanwhile():
        spec.loader.exec_module(module)
    return module.EXPECTED


EXPECTED = expected()


def failed(results):
    return [result.rule for result in results if not result.ok]


def test_a_sound_plugin_passes_every_rule():
    results = check("sound")
    assert failed(results) == []
    assert [result.rule for result in results] == ["fits", *RULES]
    assert {r.rule for r in results if r.message.startswith("not applicable")} == {
        "save-without-pickle",
        "query-arguments",
    }


def test_every_rule_has_a_plugin_that_breaks_it():
    assert set(EXPECTED.values()) | {"better-than-chance"} == {"fits", *RULES}


@pytest.mark.parametrize("name", EXPECTED)
def test_a_broken_plugin_fails_its_rule_and_no_other(name):
    results = check(name)
    assert failed(results) == [EXPECTED[name]]
    assert all(result.message for result in results if not result.ok)


def test_random_answers_are_not_better_than_chance():
    assert failed(check("broken-shuffled")) == ["finds-itself", "better-than-chance"]


def test_a_plugin_that_dies_fails_the_rule_at_which_it_dies():
    results = check_isolated("dies")
    assert failed(results) == ["more-asked-than-there-are"]
    assert results[-1].message == "the process died (exit status -9)"


def test_a_plugin_that_hangs_fails_the_rule_at_which_it_hangs():
    results = check_isolated("hangs", timeout=6)
    assert failed(results) == ["one-vector"]
    assert "hangs" in results[-1].message


def test_isolated_gives_the_same_results():
    assert check_isolated("sound") == check("sound")


def test_isolated_passes_on_what_is_no_result():
    with pytest.raises(UserError, match="unknown algorithm 'flaot'; did you mean float"):
        check_isolated("flaot")


def test_targets_of_a_file_are_its_default_instances():
    names = {instance.name for instance in targets(str(BROKEN))}
    assert names == {"sound", "broken-shuffled", "dies", "hangs", *EXPECTED}
    assert [instance.name for instance in targets("pq16")] == ["pq16"]
    with pytest.raises(UserError, match="does not exist"):
        targets("/nowhere/plugin.py")


def test_a_method_that_serves_no_size_is_unsupported():
    with pytest.raises(Unsupported, match="does not divide into 60"):
        check("pq60")


class Holder:
    def __init__(self, **attributes):
        self.__dict__.update(attributes)


def test_held_bytes_follows_attributes_and_counts_once():
    array = np.zeros((10, 4), dtype=np.float32)
    assert held_bytes(Holder(a=array)) == 160
    assert held_bytes(Holder(a=array, b=array, c=[array[:2]], d={"e": array.T})) == 160
    assert held_bytes(Holder(a=array[:1])) == 160, "a view keeps the whole array alive"
    assert held_bytes(Holder(a=Holder(b=b"12345"), c=[1.0, 2.0], facts_={"x": array})) == 5 + 16


def test_what_cannot_be_looked_into_is_named():
    closed = Holder(pattern=re.compile("x"), none=None, name="x", kind=int, array=np.zeros(2))
    assert held(closed) == (16, {"Pattern"})


def test_held_bytes_counts_a_part_of_an_index_once():
    import faiss

    rotation = faiss.RandomRotationMatrix(16, 16)
    rotation.init(0)
    flat = faiss.IndexFlatIP(16)
    index = faiss.IndexPreTransform(rotation, flat)
    index.add(np.zeros((100, 16), dtype=np.float32))
    bytes_ = 4 * 16 * 16 + 4 * 16 * 100
    assert bytes_ <= held_bytes(Holder(index=index)) <= bytes_ + 300
    assert held_bytes(Holder(rotation=rotation, flat=flat, index=index)) == held_bytes(Holder(index=index))


def test_footprint_total_is_what_bytes_honest_compares():
    assert Footprint(codes=8, extras=0.5, shared=100, rescore=384).total(10) == 10 * 392 + 5 + 100

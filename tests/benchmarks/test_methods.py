"""Which methods are tracked: one of every family, chosen by a rule, and those that the baseline has."""

from __future__ import annotations

import pytest

from binbench import Unsupported
from binbench.plugins.registry import ALGORITHMS, Family


@pytest.fixture(scope="module")
def methods(suite):
    return suite("methods")


class Plugin:
    """A method that wants at least as many dimensions as bits."""

    def __init__(self, dimension=128, **parameters):
        if parameters.get("bits", 0) > dimension:
            raise Unsupported(f"{parameters['bits']} bits are too many")


@pytest.fixture
def chosen(methods, monkeypatch):
    """What is tracked of a registry with one family."""

    def choose(pattern, **grid):
        monkeypatch.setattr(methods, "families", lambda: [Family(pattern, Plugin, grid)])
        return methods.tracked.__wrapped__()

    return choose


def test_every_family_is_tracked_or_left_out_with_a_reason(methods):
    package = [f.name for f in ALGORITHMS.families() if f.plugin.__module__.startswith("binbench.algorithms")]
    tracked = methods.tracked()
    assert sorted([*tracked.methods, *tracked.left_out]) == sorted(package)
    assert {ALGORITHMS.get(method).family.name: method for method in tracked.methods.values()} == tracked.methods
    assert tracked.left_out == methods.LEFT_OUT
    assert all(tracked.left_out.values())


def test_names_in_the_maps_are_families(methods):
    known = {family.name for family in methods.families()}
    assert known >= methods.EXACT
    assert known >= {*methods.CHOSEN, *methods.LEFT_OUT}


def test_the_baseline_has_what_is_tracked(methods, suite):
    committed = suite("baseline").baseline()
    assert sorted(committed.methods) == sorted(methods.tracked().methods.values())
    assert committed.spreads.keys() == {method for method in committed.methods if not methods.exact(method)}
    assert {spread.processors for spread in committed.spreads.values()} == {len(suite("spread").PROCESSORS)}
    assert suite("quality").Quality.params == (list(committed.methods),)


@pytest.mark.parametrize(
    ("pattern", "grid", "method"),
    [
        ("new", {}, "new"),
        ("new{bytes}", {"bytes": (8, 16, 32)}, "new16"),
        ("new{lists}x{bytes}", {"lists": (256, 64), "bytes": (32, 16)}, "new64x16"),
        ("new{kind}", {"kind": ("b", "a")}, "newb"),
        # 256 is nearest, and does not fit.
        ("new{bits}", {"bits": (64, 128, 256, 512)}, "new128"),
    ],
)
def test_a_new_family_is_tracked_without_being_named(chosen, methods, pattern, grid, method):
    tracked = chosen(pattern, **grid)
    assert list(tracked.methods.values()) == [method]
    assert tracked.left_out == methods.LEFT_OUT


def test_a_family_that_cannot_be_made_is_left_out_with_its_own_reason(chosen):
    tracked = chosen("new{bits}", bits=(512, 1024))
    assert tracked.methods == {}
    assert tracked.left_out["new"] == "512 bits are too many"

"""Patterns, grids, names and clashes."""

from __future__ import annotations

import pytest

from binbench.errors import UserError
from binbench.plugins.algorithm import Algorithm, Footprint
from binbench.plugins.registry import ALGORITHMS, Registry, load_file


class Nothing(Algorithm):
    """Answers nothing."""

    def __init__(self, dimension, seed=0, **parameters):
        self.given = dimension, seed, parameters

    def fit(self, train): ...

    def query(self, queries, k): ...

    def footprint(self):
        return Footprint(codes=0)


class Narrow(Nothing):
    """Takes no seed."""

    def __init__(self, dimension, bits):
        self.given = dimension, bits


@pytest.fixture
def registry():
    fresh = Registry("algorithm", "binbench.algorithms", Algorithm)
    fresh._loaded = True  # the package's own plugins stay out
    fresh.register("flat")(Nothing)
    fresh.register("bin{bits}", bits=[64, 128])(Narrow)
    fresh.register("bin{bits}-asym", bits=[64], asymmetric=True)(Nothing)
    fresh.register("ivf{lists}x{bytes}", lists=[4, 8], bytes=[2])(Nothing)
    return fresh


def names(registry, *asked):
    return [instance.name for instance in registry.resolve(asked)]


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        (["flat"], ["flat"]),
        (["bin"], ["bin64", "bin128"]),
        (["bin1024"], ["bin1024"]),
        (["bin-asym"], ["bin64-asym"]),
        (["bin*"], ["bin64", "bin128", "bin64-asym"]),
        (["bin64,flat", "bin64"], ["bin64", "flat"]),
        (["ivf"], ["ivf4x2", "ivf8x2"]),
        (["all"], ["bin64", "bin128", "bin64-asym", "flat", "ivf4x2", "ivf8x2"]),
        (["ivf9x77"], ["ivf9x77"]),
    ],
)
def test_resolve(registry, asked, found):
    assert names(registry, *asked) == found


def test_parameters_are_parsed_and_constants_added(registry):
    assert registry.get("ivf9x77").parameters == {"lists": 9, "bytes": 77}
    assert registry.get("bin64-asym").parameters == {"bits": 64, "asymmetric": True}


def test_create_gives_what_the_constructor_names(registry):
    assert registry.get("bin64").create(dimension=8, seed=3, metric="angular").given == (8, 64)
    assert registry.get("bin64-asym").create(dimension=8, seed=3).given == (8, 3, {"bits": 64, "asymmetric": True})


@pytest.mark.parametrize("name", ["bin064", "bin0", "bin-64", "bin64 ", "Bin64", "bin64x", "ivf4", ""])
def test_names_that_fit_no_pattern(registry, name):
    with pytest.raises(UserError, match="unknown algorithm"):
        registry.get(name)


def test_a_family_is_no_instance(registry):
    with pytest.raises(UserError, match="algorithm 'bin' is a family: name one of it, such as bin64"):
        registry.get("bin")


def test_suggestion(registry):
    with pytest.raises(UserError, match=r"unknown algorithm 'bim64'; did you mean bin64"):
        registry.get("bim64")


def test_glob_without_a_match(registry):
    with pytest.raises(UserError, match=r"no algorithm matches 'x\*'"):
        registry.resolve(["x*"])


@pytest.mark.parametrize(
    ("pattern", "grid"),
    [
        ("flat", {}),
        ("bin{b}", {"b": [64]}),
        ("bin64", {}),
        ("b{x}", {"x": ["in64"]}),
        ("ivf{a}x{b}", {"a": [1], "b": [1]}),
    ],
)
def test_two_claims_on_one_name_are_refused(registry, pattern, grid):
    with pytest.raises(UserError, match=r"two algorithm plugins claim .* in .*test_registry.py and .*test_registry.py"):
        registry.register(pattern, **grid)(Nothing)


def test_what_is_no_algorithm_is_refused():
    fresh = ALGORITHMS.register("definitely-new")
    with pytest.raises(UserError, match="not a subclass"):
        fresh(dict)


@pytest.mark.parametrize(
    ("pattern", "message"), [("a{b}", "list of default values for b"), ("a_b", "letters, digits"), ("a/b", "letters")]
)
def test_bad_patterns(registry, pattern, message):
    with pytest.raises(UserError, match=message):
        registry.register(pattern)


def test_plugin_file_that_fails(registry, tmp_path):
    plugin = tmp_path / "p.py"
    plugin.write_text("import binbench\n1 / 0\n")
    with pytest.raises(UserError, match=r"p\.py: ZeroDivisionError: division by zero \(line 2 of .*p\.py\)"):
        load_file(plugin)
    plugin.write_text("x = 1\n")
    with pytest.raises(UserError, match="registers nothing; decorate a class"):
        load_file(plugin)
    with pytest.raises(UserError, match="does not exist"):
        load_file(tmp_path / "q.py")


def test_builtin_default_names_are_unique():
    found = [instance.name for instance in ALGORITHMS.resolve(["all"])]
    assert len(found) == len(set(found))
    assert {"float", "int8", "pq8", "pq64"} <= set(found)

"""X4: what each section of the memo says, and its bands."""

from __future__ import annotations

from dataclasses import replace

import pytest
from study.conftest import Ran
from study.made_up import method_row, predictions
from study.test_x3 import gain, gains

from binbench.study import experiment
from binbench.study.campaign import Friendliness
from binbench.study.experiment import Band, Outcome
from binbench.study.experiments.e5 import E5
from binbench.study.experiments.x1 import DECIDES, Agreement, FriendlySet, FriendlySets
from binbench.study.experiments.x2 import Coefficient, GeometryPredicts
from binbench.study.experiments.x4 import X4, Memo
from binbench.study.memo import Section, sections
from binbench.study.rows import Estimate
from binbench.study.study import Study
from binbench.study.switches import Switch, k2, k3


def friendly(name: str, index: float, recall: float) -> FriendlySet:
    labels = {"set": f"{name}-m", "dataset": name, "encoder": "m", "tier": 1, "counted": True}
    beside = {DECIDES: recall}
    return FriendlySet(**labels, index=Estimate(index, None, None), penalized=None, parts=(), half=0, beside=beside)


def memo(x1: FriendlySets | None, x2: GeometryPredicts | None, x3: object | None, *more: Switch) -> list[Section]:
    figures = {"x1": x1, "x2": x2, "x3": x3}
    outcomes = {name: Outcome(name, "", "w", own, Band("green", [])) for name, own in figures.items() if own}
    rows = [
        method_row(dataset, "m", method, recall - drop, documents=20_000)
        for dataset, drop in (("a", 0.0), ("b", 0.1))
        for method, recall in (("binary256", 0.62), ("pq32", 0.75), ("pq64", 0.95), ("pq200", 0.99))
    ]
    return sections(outcomes, [k2(x3), k3(x2), *more], rows)  # type: ignore[arg-type]


def full() -> list[Section]:
    agreement = Agreement(index="index", quantity=DECIDES, contained=True, n=3, tau=0.82, p_value=0.1)
    sets = (friendly("a", 0.9, 0.7), friendly("b", 0.8, 0.6), friendly("c", 0.5, 0.4))
    x1 = FriendlySets(weights=Friendliness(), sets=sets, agreements=(agreement,), same_rank=3)
    strong = Coefficient(diagnostic="anisotropy", weight=-0.07, same_sign=0.97)
    weak = Coefficient(diagnostic="twonn", weight=0.05, same_sign=0.6)
    x2 = GeometryPredicts(first=predictions(0.4, 0.6), coefficients=(strong, weak))
    return memo(x1, x2, gains(gain(4.0, pq=0.7)))


def test_sections_hold_the_records_numbers() -> None:
    index, geometry, adapters, regimes, following = full()
    clean = "so that no set contradicts it"
    for said, bar, least, most in zip(index.says, (0.55, 0.65), (0.8, 0.9), (0.5, 0.8), strict=False):
        reached = f"recall@10 of binary256 ≥ {bar} is reached from an index of {least:.3f}"
        assert said == f"{reached}, and others have one of at most {most:.3f}, {clean}"
    assert index.says[2:] == ("the index orders 3 sets at τ = 0.82: green",)
    assert geometry.says[0] == "geometry adds R² = 0.40 at ρ = 0.60: green"
    assert len(geometry.says) == 2
    assert geometry.says[1].startswith("one standard deviation more anisotropy goes with -0.070 of recall@10")
    assert (
        "adapter256 reaches 0.540 on a-m where binary256 has 0.500: +0.040 [+0.001, +0.900], 20% of the gap"
        in (adapters.says[0])
    )
    # The worst set decides, of equal sizes the better: binary256 has .52 on b, pq32 .65; pq200 takes 2 GB.
    assert regimes.says == (
        "m, 10,000,000 documents in 1 GB, recall@10 ≥ 0.5: pq32, 32 bytes, 0.65 on its worst set",
        "m, 10,000,000 documents in 1 GB, recall@10 ≥ 0.7: pq64, 64 bytes, 0.85 on its worst set",
    )
    assert following.title == "Next, as the scenario is undetermined"
    assert X4().judge(Memo(sections=tuple(full()))).color == "green"


def test_an_index_that_contradicts_itself_has_no_clean_threshold() -> None:
    sets = (friendly("a", 0.5, 0.7), friendly("b", 0.8, 0.4))
    found = memo(FriendlySets(weights=Friendliness(), sets=sets, agreements=(), same_rank=0), None, None)[0]
    assert all(said.endswith("so that the two overlap") for said in found.says)


def test_negative_sections_name_the_switch_and_its_figure() -> None:
    silent = GeometryPredicts(first=predictions(0.01, 0.1))
    stopping = Switch("F1", "triggered", "recall@10 of binary512 is below 0.55 on 4 of 4 sets")
    found = memo(None, silent, gains(gain(1.0)), stopping)
    assert found[0].says == ("X1 was stopped",)
    assert found[0].stopped == f"F1: {stopping.reason}"
    assert found[1].stopped == "K3: R² = 0.01 and ρ = 0.10 of what geometry adds"
    assert found[2].stopped.startswith("F1: recall@10")
    assert "K2: the first adapter gains +1.0 points" in found[2].stopped
    band = X4().judge(Memo(sections=tuple(found)))
    assert band.color == "yellow"
    assert any("0.55 on 4 of 4 sets" in reason for reason in band.reasons)


def test_an_empty_section_is_red() -> None:
    found = memo(None, None, gains(gain(4.0)))
    assert [section.empty for section in found] == [True, True, False, False, False]
    band = X4().judge(Memo(sections=tuple(found)))
    assert (band.color, "Rules from geometry" in band.reasons[0]) == ("red", True)


@pytest.mark.parametrize("section", range(5))
def test_the_table_has_every_sentence(section: int) -> None:
    found = full()
    said = [line[1] for line in X4().tables(Memo(sections=tuple(found)))[0].lines]
    assert set(found[section].says) <= set(said)


def test_it_rests_on_stored_figures_while_these_fit(ran: Ran, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(self: E5, study: Study) -> None:
        raise AssertionError("measured anew")

    monkeypatch.setattr(E5, "measure", never)
    study = replace(ran.study)
    assert X4().measure(study) == Outcome.read(study.folder / "x4.json", X4()).figures
    monkeypatch.setattr(experiment, "fitting", lambda name, study: None)
    with pytest.raises(AssertionError, match="measured anew"):
        X4().measure(replace(ran.study))

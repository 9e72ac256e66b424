"""A recommendation as people read it, and as JSON."""

from __future__ import annotations

from dataclasses import asdict
from math import log
from typing import Any

from binbench.tasks.recommend import Candidate, Recommendation

#: The most runners-up and missing methods that are listed.
_SHOWN = 6


def as_json(found: Recommendation) -> dict[str, Any]:
    """Everything, as JSON values."""
    return {
        "asked": asdict(found.wanted),
        "set": found.set_name,
        "set_documents": found.documents,
        "pick": None if found.pick is None else found.pick.method,
        "runners_up": [one.method for one in found.runners_up],
        "nearest_misses": {what: one.method for what, one in found.nearest_misses.items()},
        "candidates": [
            {
                **asdict(one),
                "quality": one.quality._asdict(),
                "memory": {**asdict(one.memory), "total": one.memory.total},
            }
            for one in found.candidates
        ],
        "left_out": found.left_out,
    }


def told(found: Recommendation) -> list[str]:
    """In paragraphs of one line each; where a line begins with two spaces it belongs to the one before."""
    wanted, pick = found.wanted, found.pick
    lines = [f"Asked: {_asked(found)}."]
    lines += _basis(found)
    if pick is None:
        lines.append("Nothing fits.")
        lines += [f"  nearest by {what}: {_line(found, one)}" for what, one in found.nearest_misses.items()]
        lines += _bought(found)
    else:
        lines.append(f"Take {pick.method}: {_why(found, pick)}")
        lines.append(f"  {_itemised(pick)}")
        lines.append(f"  {_line(found, pick)}")
        if found.runners_up:
            lines.append("Also fit, and beaten by none in memory, quality and time:")
            lines += [f"  {_line(found, one)}" for one in found.runners_up[:_SHOWN]]
        cheaper = [one for one in found.candidates if one.misses and one.memory.total < pick.memory.total]
        if wanted.quality is not None and (missing := [one for one in cheaper if set(one.misses) == {"quality"}]):
            best = max(missing, key=lambda one: one.quality.low)
            lines.append(f"Cheaper, but missing: {_line(found, best)}")
    for name, why in sorted(found.left_out.items()):
        lines.append(f"Left out: {name}: {why}")
    return lines


def _asked(found: Recommendation) -> str:
    wanted = found.wanted
    parts = [f"{wanted.documents:,} documents"]
    if wanted.memory is not None:
        parts.append(f"at most {_bytes(wanted.memory)}")
    if wanted.quality is not None:
        parts.append(f"{wanted.measure} of at least {wanted.quality:g} at the lower end of its 95 % interval")
    if wanted.latency is not None:
        parts.append(f"at most {_time(wanted.latency)} per query")
    if wanted.build is not None:
        parts.append(f"at most {_time(wanted.build)} to build")
    parts += [] if wanted.training else ["no training"]
    parts += [] if wanted.rescore_store else ["no second copy of the vectors"]
    return "; ".join(parts)


def _basis(found: Recommendation) -> list[str]:
    """What was measured, and how well the trend foretells what is known."""
    wanted = found.wanted
    if not found.candidates:
        return ["Nothing was measured."]
    sizes = sorted({size for one in found.candidates for size in one.measured})
    asked = " or ".join(sorted({one.conditions for one in found.candidates}))
    lines = [f"Measured on {found.set_name}: {', '.join(f'{size:,}' for size in sizes)} documents; queries {asked}."]
    factor = max(one.factor for one in found.candidates)
    if factor > 1:
        lines.append(
            f"{wanted.measure} at {wanted.documents:,} documents is extrapolated ×{factor:,.1f}, and so marked; "
            "intervals hold queries, seeds and the fit."
        )
    if checks := [one.check for one in found.candidates if one.check is not None]:
        worst = max(checks, key=abs)
        mean = sum(map(abs, checks)) / len(checks)
        lines.append(
            f"The trend checked on itself: from the smaller half of the sizes it foretells the largest with a mean "
            f"error of {mean:.3f} over {len(checks)} methods, at worst {worst:+.3f}."
        )
    return lines


def _why(found: Recommendation, pick: Candidate) -> str:
    others = len(found.fitting) - 1
    if found.wanted.quality is None:
        reason = f"the best {found.wanted.measure} of what fits"
    else:
        reason = "the least memory of what fits"
    return f"{reason} ({others} other{'s' if others != 1 else ''} would do)." if others else "alone it fits."


def _bought(found: Recommendation) -> list[str]:
    """What the memory buys, and what memory would do, whatever else is missed."""
    wanted, lines, told_of = found.wanted, [], list(found.nearest_misses.values())
    if wanted.memory is not None and found.candidates:
        affordable = [one for one in found.candidates if "memory" not in one.misses]
        if affordable:
            best = max(affordable, key=lambda one: one.quality.low)
            lines.append(f"  the most that {_bytes(wanted.memory)} buy: {_line(found, best)}")
        else:
            lines.append(f"  nothing is so small; the smallest: {_line(found, found.candidates[0])}")
    good = [one for one in found.candidates if "quality" not in one.misses]
    if wanted.quality is not None and good and good[0] not in told_of:
        lines.append(f"  the least that is good enough: {_line(found, good[0])}")
    return lines


def _itemised(one: Candidate) -> str:
    held = one.memory
    names = {"codes": held.codes, "extras": held.extras, "re-scoring store": held.rescore, "shared": held.shared}
    parts = ", ".join(f"{name} {_bytes(value)}" for name, value in names.items() if value)
    return f"memory {_bytes(held.total)} ({held.total:,} bytes): {parts}"


def _line(found: Recommendation, one: Candidate) -> str:
    mark = f", extrapolated ×{one.factor:,.1f}" if one.factor > 1 else ""
    speed = "time not extrapolated" if one.seconds is None else f"{_time(one.seconds)} per query"
    if one.seconds is not None and len({candidate.machine for candidate in found.candidates}) > 1:
        speed += f" on {one.machine}"
    missed = "".join(f"; {what}: {amount}" for what, amount in one.misses.items())
    quality = f"{one.quality.estimate:.3f} [{one.quality.low:.3f}, {one.quality.high:.3f}]"
    return f"{one.method}: {_bytes(one.memory.total)}, {found.wanted.measure} {quality}{mark}, {speed}{missed}"


def _bytes(count: float) -> str:
    power = min(4, int(log(count, 1000) + 1e-9)) if count >= 1 else 0
    return f"{count / 1000**power:,.4g} {('bytes', 'kB', 'MB', 'GB', 'TB')[power]}"


def _time(seconds: float) -> str:
    size, unit = next(((size, unit) for size, unit in ((1, "s"), (1e-3, "ms")) if seconds >= size), (1e-6, "µs"))
    return f"{seconds / size:,.3g} {unit}"

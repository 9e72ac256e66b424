"""A campaign's results as a folder that can be published: no texts and no vectors, and folders by their usual names."""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from binbench.errors import UserError
from binbench.files import atomic
from binbench.harness.config import spelt_out
from binbench.study.archive import FILE
from binbench.study.experiment import Outcomes
from binbench.study.experiments.e1 import E1
from binbench.study.report import choice, document, gathered
from binbench.study.study import Study

#: Names the sets, and shows that a folder is an earlier publication, which may be replaced.
SETS = "sets.json"
PICTURE = "choice.svg"


def publish(study: Study, output: Path) -> Path:
    """Write report, pictures, results, the resolved campaign, hashes and a page for who has to choose into `output`.

    Returns:
        The page for who has to choose, ``README.md``.

    Raises:
        UserError: there are no results, or `output` holds something that is no earlier publication.
    """
    if output.is_dir() and any(output.iterdir()) and not (output / SETS).is_file():
        raise UserError(f"{output} is not empty and no earlier publication ({SETS} is missing); name another folder")
    resolved = spelt_out(study.campaign.model_copy(update={"beir_dir": None}))
    material = replace(gathered(study), given=study.campaign.name, resolved=resolved)
    if E1.id not in material.outcomes:
        raise UserError(
            f"campaign {study.campaign.name} was not run; `binbench study run {study.campaign.known_as}` does it"
        )
    output.mkdir(parents=True, exist_ok=True)
    for old in output.glob("*.svg"):
        old.unlink()
    for file in (*sorted(study.folder.glob("*.svg")), study.folder / FILE):
        shutil.copyfile(file, output / file.name)
    chosen = choice.of(material.methods)
    plot = choice.picture(chosen["means"], output / PICTURE)
    texts = {
        "report.md": document(material),
        "campaign.yml": f"# The campaign `{study.campaign.name}`, every default spelt out.\n{resolved}",
        SETS: json.dumps(identities(material.outcomes), indent=1, ensure_ascii=False) + "\n",
        "README.md": document(material, "choice.md.j2", picture=plot, **chosen),
    }
    for name, text in texts.items():
        with atomic(output / name) as temporary:
            temporary.write_text(text, encoding="utf-8")
    return output / "README.md"


def identities(outcomes: Outcomes) -> dict[str, Any]:
    """The sets with sha256 of their arrays and of the weights, versions, machine and date."""
    e1 = outcomes[E1.id]
    about = e1.provenance
    return {
        "sets": [asdict(row) for row in e1.figures.made],
        **{name: about.get(name) for name in ("versions", "machine", "date", "git")},
    }

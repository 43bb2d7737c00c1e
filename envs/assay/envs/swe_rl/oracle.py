"""The reference solution as an action: what a scripted oracle answers."""

from __future__ import annotations

import base64


def shell_answer(patch: str) -> str:
    """One action that applies ``patch`` to the repository and submits."""
    data = patch if patch.endswith("\n") else patch + "\n"
    mark = "END_OF_PATCH"
    while mark in data:
        mark += "_"
    plain = (
        "\r" not in data
        and "```" not in data
        and data.isprintable() | all(c in "\n\t\f\v" or c.isprintable() for c in data)
    )
    if plain:
        script = f"git apply --whitespace=nowarn - <<'{mark}' && submit\n{data}{mark}"
    else:
        coded = base64.b64encode(data.encode("utf-8", "surrogateescape")).decode("ascii")
        script = f"base64 -d <<'{mark}' | git apply --whitespace=nowarn - && submit\n{coded}\n{mark}"
    return f"```bash\n{script}\n```"

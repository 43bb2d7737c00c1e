"""How the tests of published rows run where there is no image: their Python and the packages of their time.

Rows in SWE-bench's classic columns say neither. This table knows the repositories whose rows have been run here; a row
of another repository needs an image or an ``environment`` of its own. Versions are the newest that the repository's
own tests pass with, found by running them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from assay.envs.swe_rl.rows import SweRow

_SQLFLUFF_POINTS = (
    "[sqlfluff]\nsqlfluff = sqlfluff.core.plugin.lib\n\n[diff_cover]\nsqlfluff = sqlfluff.diff_quality_plugin\n"
)
_SQLFLUFF = {
    "requirements": [
        "click==8.0.4", "colorama==0.4.6", "configparser==5.3.0", "oyaml==1.0", "Jinja2==3.0.3",
        "MarkupSafe==2.0.1", "diff-cover==6.4.5", "pathspec==0.9.0", "appdirs==1.4.4", "cached-property==1.5.2",
        "typing_extensions==4.7.1", "toml==0.10.2", "tblib==1.7.0", "PyYAML==6.0.1", "chardet==4.0.0",
        "regex==2022.3.2", "tqdm==4.66.1", "dataclasses==0.6", "hypothesis==6.75.3",
    ],
    "project": {"name": "sqlfluff", "entry_points": _SQLFLUFF_POINTS},
    "pythonpath": ["src"],
}  # fmt: skip
_PVLIB = {
    "requirements": [
        "pytest-mock==3.11.1", "pytest-remotedata==0.4.0", "pytest-rerunfailures==12.0",
        "pytest-timeout==2.1.0", "requests-mock==1.11.0", "requests==2.31.0", "pytz==2023.3", "h5py==3.7.0",
        "numba==0.56.4", "ephem==4.1.4", "statsmodels==0.13.5",
    ],
    "project": {"name": "pvlib"},
}  # fmt: skip
_PVLIB_07 = ["numpy==1.21.6", "pandas==1.1.5", "scipy==1.7.3", "tables==3.7.0"]
_PVLIB_09 = ["numpy==1.23.5", "pandas==1.5.3", "scipy==1.9.3"]
_PYDICOM = {"requirements": ["numpy==1.22.4", "pillow==9.5.0"], "project": {"name": "pydicom"}}
_ASTROID = {
    "requirements": [
        "lazy-object-proxy==1.9.0", "wrapt==1.13.3", "typing_extensions==4.7.1", "numpy==1.24.4",
        "attrs==23.1.0", "python-dateutil==2.8.2", "nose==1.3.7", "regex==2022.3.2", "six==1.16.0",
        "urllib3==1.26.18",
    ],
    "project": {"name": "astroid"},
}  # fmt: skip
_MARSHMALLOW = {
    "requirements": ["pytz==2023.3", "simplejson==3.19.1", "python-dateutil==2.8.2"],
    "project": {"name": "marshmallow"},
    "pythonpath": ["src", "."],
}

TABLE: Mapping[str, Mapping[str, Any]] = {
    "marshmallow-code/marshmallow": _MARSHMALLOW,
    "pylint-dev/astroid": _ASTROID,
    "pydicom/pydicom": _PYDICOM,
    "sqlfluff/sqlfluff": _SQLFLUFF,
    "pvlib/pvlib-python": _PVLIB,
}
PYTHON = "3.9"
COMMON = ("pytest==7.4.4", "setuptools==65.5.1")


def with_environment(row: SweRow) -> SweRow:
    """The row with its entry of the table, where it has no environment, image or script of its own."""
    known = TABLE.get(row.repo)
    if known is None or row.image or row.eval_script or {"requirements", "python"} & set(row.environment):
        return row
    requirements = [*COMMON, *known["requirements"]]
    if row.repo == "pvlib/pvlib-python":
        requirements += _PVLIB_07 if row.version < "0.9" else _PVLIB_09
    environment = {
        "python": PYTHON,
        "requirements": requirements,
        "pythonpath": known.get("pythonpath", ["."]),
        "project": {**known["project"], "version": row.version or "0"},
        "test_command": ["pytest"],
    }
    return replace(row, environment={**environment, **row.environment})

"""Agentless-mini's repository in a real sandbox: its own tests, scripts, a fresh tree each time, nothing hidden."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterator, Sequence

import pytest

from assay.agents.policy import Completion, Request
from assay.agents.scaffolds.agentless import REPAIR, REPRODUCE, AgentlessMini
from assay.agents.scaffolds.agentless_box import BoxRepository, open_repository, problem_of, python_files
from assay.agents.scaffolds.agentless_options import AgentlessOptions
from assay.agents.scaffolds.agentless_oracle import AgentlessOracle
from assay.agents.scaffolds.edits import Edit, render_edit
from assay.envs.swe_rl.fixtures import rows
from assay.envs.swe_rl.rows import SweRow, row_of
from assay.sandbox import SandboxError, SandboxSpec, open_sandbox

RECORD = next(row for row in rows() if row["instance_id"] == "assay__ledgerlite-2")
ROW: SweRow = row_of(
    {**RECORD, "environment": {**RECORD["environment"], "files": {"fixture": RECORD["instance_id"]}}}, "fixtures"
)
SPLIT = "ledgerlite/split.py"
SCRIPT = """\
from ledgerlite import Money, allocate
parts = [part.minor for part in allocate(Money(-1000, "EUR"), [1, 1, 1])]
print("Issue resolved" if sum(parts) == -1000 else "Issue reproduced")
"""


@pytest.fixture(scope="module")
def repository() -> Iterator[BoxRepository]:
    try:
        open_sandbox(SandboxSpec()).close()
    except SandboxError as error:
        pytest.skip(f"no sandbox on this machine: {error}")
    with open_repository(ROW) as opened:
        yield opened


def test_only_the_base_is_there(repository: BoxRepository) -> None:
    files = repository.files()
    assert SPLIT in files
    assert "int(money.minor * weight / total)" in files[SPLIT]  # the bug, not its repair
    assert all(path.endswith(".py") and not path.startswith(".git/") for path in files)
    hidden = {test.partition("::")[2] for test in ROW.fail_to_pass}
    assert not any(f"def {name.partition('[')[0]}(" in text for name in hidden for text in files.values())


def test_the_repositorys_own_tests_run_on_a_fresh_tree_each_time(repository: BoxRepository) -> None:
    before = repository.passing({})
    assert len(before) > 3
    assert not before & set(ROW.fail_to_pass)
    broken = repository.files()[SPLIT].replace("return [Money(", "return [] and [Money(")
    assert repository.passing({SPLIT: broken}) < before
    assert repository.passing({SPLIT: "def ("}) < before
    assert repository.passing({}) == before


def test_a_script_sees_the_change_and_leaves_nothing(repository: BoxRepository) -> None:
    assert repository.printed(SCRIPT, {}) == "Issue reproduced\n"
    assert repository.printed("print(open('ledgerlite/split.py').read())", {SPLIT: "x = 1\n"}) == "x = 1\n\n"
    assert "SyntaxError" in repository.printed("print(", {})
    repository.printed("open('ledgerlite/left.py', 'w').write('x')", {})
    assert repository.printed("import os; print(os.path.exists('ledgerlite/left.py'))", {}) == "False\n"
    repository.script_seconds, kept = 1.0, repository.script_seconds
    assert repository.printed("print('Issue resolved', flush=True)\nwhile True: pass", {}) == ""
    repository.script_seconds = kept


class Mixed(AgentlessOracle):
    """Mostly wrong: three of four patches break a test, one is the reference."""

    def __init__(self) -> None:
        self.number = 0

    def generate(self, requests: Sequence[Request]) -> list[Completion]:
        return [self.one(request) for request in requests]

    def one(self, request: Request) -> Completion:
        self.number += 1
        if request.context["step"] == REPRODUCE:
            return Completion(f"```python\n{SCRIPT}```")
        if request.context["step"] == REPAIR and self.number % 4:
            old = "    return [Money(part, money.currency) for part in parts]"
            return Completion(render_edit(Edit(SPLIT, old, old.replace("part, ", "0, "))))
        return super().generate([request])[0]


@pytest.mark.usefixtures("repository")
def test_what_runs_in_the_sandbox_outvotes_the_majority() -> None:
    problem = problem_of(ROW)
    request = Request([], context={"problem": problem, "solution": ROW.patch})
    (said,) = AgentlessMini(Mixed(), AgentlessOptions(locations=4, patches=8, tests=2)).generate([request])
    assert "8 answers with 2 distinct patches, 1 of 1 scripts reproduce" in said.text
    assert "+    sign = -1 if money.minor < 0 else 1" in said.text
    assert problem.submit("") == "```bash\nsubmit\n```"


def test_a_tar_is_read_for_its_python_files_only() -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, data in {"top/a.py": b"x", "top/b.txt": b"x", "top/.git/c.py": b"x", "top/d.py": b"\xff"}.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
        link = tarfile.TarInfo("top/link.py")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(link)
    assert python_files(buffer.getvalue()) == {"a.py": "x"}

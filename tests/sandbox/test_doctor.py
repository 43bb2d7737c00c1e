"""The doctor, the sweeper, the command line, and the choice of a back-end."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from assay.sandbox import Image, Probe, RootFS, SandboxSpec, SandboxUnavailable, choose, cli, gc, open_sandbox, probe
from assay.sandbox.doctor import CONTAINER_FLAGS, diagnose, examine
from assay.sandbox.host_facts import Facts, gather

GOOD = Facts(
    system="Linux",
    release="6.8.0-40-generic",
    machine="x86_64",
    root=False,
    sysctls={"user.max_user_namespaces": 65536},
    trial={"user_namespace": "", "namespaces": "", "private": "", "tmpfs": "", "proc": "", "overlay": ""},
    cgroups="version 2, below /sys/fs/cgroup/x",
    bwrap="0.8.0",
)
REFUSED = {"user_namespace": "Operation not permitted"}
NO = Probe(False, "no reason", "no fix")


def failing(facts: Facts) -> dict[str, Any]:
    return {check.name: check for check in diagnose(facts) if not check.ok}


def test_a_good_host_has_nothing_to_mend() -> None:
    assert failing(GOOD) == {}
    assert all(check.fix == "" for check in diagnose(GOOD))


@pytest.mark.parametrize(
    ("facts", "name", "fix"),
    [
        (
            {"sysctls": {"user.max_user_namespaces": 0}, "trial": REFUSED},
            "user namespaces",
            "user.max_user_namespaces=65536",
        ),
        ({"sysctls": {"kernel.unprivileged_userns_clone": 0}, "trial": REFUSED}, "user namespaces", "userns_clone=1"),
        (
            {"sysctls": {"kernel.apparmor_restrict_unprivileged_userns": 1}, "trial": REFUSED},
            "user namespaces",
            "apparmor_restrict_unprivileged_userns=0",
        ),
        ({"container": "docker", "trial": REFUSED}, "user namespaces", CONTAINER_FLAGS),
        ({"trial": REFUSED}, "user namespaces", "seccomp"),
        (
            {"trial": {**GOOD.trial, "proc": "Operation not permitted"}, "container": "docker"},
            "proc mount",
            CONTAINER_FLAGS,
        ),
        ({"trial": {**GOOD.trial, "proc": "Operation not permitted"}}, "proc mount", "/proc"),
        ({"trial": {**GOOD.trial, "overlay": "No such device"}}, "overlay in a user namespace", "modprobe overlay"),
        (
            {"trial": {**GOOD.trial, "overlay": "Invalid"}, "container": "docker"},
            "overlay in a user namespace",
            "volume",
        ),
        ({"cgroups": ""}, "cgroups", "Delegate=yes"),
        ({"machine": "riscv64"}, "seccomp table", "docker"),
        ({"bwrap": ""}, "bubblewrap", "bubblewrap"),
        ({"release": "4.18.0-553.el8"}, "kernel", "6.6"),
        ({"system": "Darwin"}, "Linux", "docker"),
    ],
)
def test_what_is_missing_is_named_with_its_remedy(facts: dict[str, Any], name: str, fix: str) -> None:
    found = failing(replace(GOOD, **facts))
    assert fix in found[name].fix


def test_what_only_makes_it_better_is_not_needed() -> None:
    assert failing(replace(GOOD, cgroups=""))["cgroups"].needed_by == ()
    assert failing(replace(GOOD, trial=REFUSED))["user namespaces"].needed_by == ("native", "bubblewrap")


def test_this_host_is_looked_at_for_real() -> None:
    facts = gather()
    assert facts.system
    if facts.system == "Linux":
        assert "user_namespace" in facts.trial
        assert "not tried" not in str(diagnose(facts)) or facts.trial["user_namespace"]
        if probe("native").ok:
            assert facts.trial == dict.fromkeys(facts.trial, "")
            assert facts.trial.keys() >= {"proc", "overlay"}


def test_the_first_that_works_is_chosen_and_never_the_one_without_walls() -> None:
    for works, chosen in (({"native", "docker"}, "native"), ({"bubblewrap"}, "bubblewrap"), (set(), "")):
        report = examine(GOOD, lambda name, works=works: Probe(True) if name in works else NO)
        assert report.chosen == chosen
        assert "local-unsafe" not in report.backends


def test_a_probe_that_fails_is_a_report_too() -> None:
    def broken(name: str) -> Probe:
        raise OSError("no such thing")

    report = examine(GOOD, broken)
    assert report.chosen == ""
    assert "no such thing" in report.backends["native"].reason


def test_no_back_end_is_one_error_with_all_reasons(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choose, "_works", set())
    monkeypatch.setattr(choose, "probe", lambda name: Probe(False, f"{name} is out", "wait"))
    with pytest.raises(SandboxUnavailable, match=r"native is out.*docker is out.*bubblewrap is out.*doctor") as caught:
        open_sandbox()
    assert "local" not in str(caught.value)
    with pytest.raises(SandboxUnavailable, match="docker is out") as caught:
        open_sandbox(SandboxSpec(Image("x")))
    assert "native" not in str(caught.value)


def test_unknown_names_are_told_the_known_ones() -> None:
    for call in (lambda: probe("podman"), lambda: open_sandbox(backend="podman")):
        with pytest.raises(ValueError, match="auto, native, docker, bubblewrap, local-unsafe"):
            call()


def test_bubblewrap_that_is_not_installed_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    found = probe("bubblewrap")
    assert (found.ok, found.reason) == (False, "bwrap is not installed")
    assert "bubblewrap" in found.fix


def test_local_unsafe_warns_and_shows_no_other_root(monkeypatch: pytest.MonkeyPatch) -> None:
    from assay.sandbox.local_unsafe import LocalUnsafeSandbox

    monkeypatch.setattr(LocalUnsafeSandbox, "_warned", False)
    with pytest.warns(RuntimeWarning, match="trusted code only"):
        open_sandbox(backend="local-unsafe").close()
    with pytest.raises(SandboxUnavailable, match="native"):
        LocalUnsafeSandbox(SandboxSpec(RootFS("/")))


def test_the_page_on_abuse_says_what_the_tests_expect(expected: dict[int, dict[str, str]]) -> None:
    page = (Path(__file__).parents[2] / "docs" / "sandbox-abuse.md").read_text()
    rows = [line.strip("| ").split(" | ") for line in page.splitlines() if line.startswith("| ")]
    names = rows[0][2:]
    told = {int(row[0]): dict(zip(names, row[2:], strict=True)) for row in rows[2:]}
    assert sorted(told) == list(range(1, 21))
    for number, columns in expected.items():
        for name, outcome in columns.items():
            if number != 16:
                assert told[number][name].startswith("holds") == (outcome == "holds"), (number, name)


class TestCollect:
    def make(self, where: Path, name: str, owner: int | None) -> Path:
        folder = where / name
        (folder / "root").mkdir(parents=True)
        if owner is not None:
            (folder / ".owner").write_text(str(owner))
        return folder

    def test_only_directories_of_dead_owners_go(self, tmp_path: Path) -> None:
        gone = subprocess.Popen([sys.executable, "-c", ""])
        gone.wait()
        dead = self.make(tmp_path, "assay-local-dead", gone.pid)
        alive = self.make(tmp_path, "assay-local-alive", os.getpid())
        young = self.make(tmp_path, "assay-bwrap-young", None)
        other = self.make(tmp_path, "assay-something-else", gone.pid)
        (tmp_path / "assay-local-link").symlink_to(alive)
        assert gc.sweep_directories(str(tmp_path), dry=True) == [str(dead)]
        assert dead.exists()
        assert gc.sweep_directories(str(tmp_path)) == [str(dead)]
        assert [path.exists() for path in (dead, alive, young, other)] == [False, True, True, True]
        later = time.time() + 3600
        assert gc.sweep_directories(str(tmp_path), now=lambda: later) == [str(young)]

    def test_a_killed_parents_directory_goes(self, tmp_path: Path) -> None:
        script = (
            "import warnings, os; warnings.simplefilter('ignore')\nfrom assay.sandbox import open_sandbox\n"
            "open_sandbox(backend='local-unsafe'); os.kill(os.getpid(), 9)"
        )
        subprocess.run([sys.executable, "-c", script], env={**os.environ, "TMPDIR": str(tmp_path)}, check=False)
        left = list(tmp_path.glob("assay-local-*"))
        assert len(left) == 1
        assert gc.sweep_directories(str(tmp_path)) == [str(left[0])]


class TestCommandLine:
    def test_doctor_as_json(self, capsys: pytest.CaptureFixture[str]) -> None:
        status = cli.main(["doctor", "--json"])
        report = json.loads(capsys.readouterr().out)
        assert set(report["backends"]) == {"native", "docker", "bubblewrap"}
        assert (status == 0) == bool(report["chosen"])

    def test_doctor_as_a_table(self, capsys: pytest.CaptureFixture[str]) -> None:
        cli.main(["doctor"])
        assert "user namespaces" in capsys.readouterr().out

    def test_run_passes_output_and_status_on(
        self, capfdbinary: pytest.CaptureFixture[bytes], backend: str, tree: Path
    ) -> None:
        command = ["run", "--backend", backend, "--mount", str(tree), "--diff", "--"]
        status = cli.main([*command, "cat hello.txt; echo x > new; exit 3"])
        captured = capfdbinary.readouterr()
        assert status == 3
        assert captured.out.startswith(b"hello\n")
        assert b"+++ b/new" in captured.out
        assert backend.encode() in captured.err
        assert cli.main(["run", "--backend", backend, "--timeout", "0.2", "--", "sleep", "100"]) == 124

    def test_mistakes_are_one_line(self, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
        for mount in (str(tmp_path / "missing"), f"{tmp_path}:relative", f"{tmp_path}:/x:what"):
            assert cli.main(["run", "--mount", mount, "--", "true"]) == 125
            assert capsys.readouterr().err.count("\n") == 1

    def test_help_teaches(self, capsys: pytest.CaptureFixture[str]) -> None:
        with pytest.raises(SystemExit):
            cli.main(["--help"])
        text = capsys.readouterr().out
        for word in ("native", "docker", "bubblewrap", "local-unsafe", "assay-sandbox run -- python3"):
            assert word in text

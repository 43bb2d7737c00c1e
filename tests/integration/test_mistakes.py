"""A first user's ten mistakes: each ends with exit code 2 and one line that says what to do.

Every one is made with the real command in a new process. A Python that is not supported is met in two places: by the
set-up (tests/test_frame_setup.py), and here by the command itself.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="needs assay[train]")

SMALL = ("--rollout.groups", "1", "--rollout.group-size", "2", "--rollout.max-tokens", "4", "--eval.tasks", "2",
         "--env.source", "synthetic", "--optim.token-budget", "512", "--sft.epochs", "0")  # fmt: skip
ROWS = "text,label\n" + "".join(f"row {i} about {kind},{kind}\n" for i in range(20) for kind in ("cats", "dogs"))


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a language model of a million parameters."""
    from assay.agents.tiny import tiny_model

    folder = tmp_path_factory.mktemp("model")
    weights, tokenizer = tiny_model(context=4096)
    weights.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def command(folder: Path, name: str, *words: str | Path, **env: str) -> subprocess.CompletedProcess[str]:
    program = Path(sys.executable).parent / name
    return subprocess.run(
        [str(program), *map(str, words)],
        cwd=folder,
        env=os.environ | {"OMP_NUM_THREADS": "1"} | env,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=240,
    )


def refusal(done: subprocess.CompletedProcess[str], *remedies: str) -> str:
    """The one line, which must hold every remedy."""
    shown = f"exit {done.returncode}\n--- stdout\n{done.stdout[-2000:]}\n--- stderr\n{done.stderr[-4000:]}"
    assert done.returncode == 2, shown
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1, shown
    assert lines[0].startswith("error: "), shown
    assert "Traceback" not in done.stdout, shown
    assert all(remedy in lines[0] for remedy in remedies), shown
    return lines[0]


def test_unknown_env(tmp_path: Path) -> None:
    for program in ("train-agent", "eval-agent"):
        refusal(command(tmp_path, program, "--env", "text_clasification"), "text_clasification", "text_classification")


@pytest.mark.parametrize("name", ["no/such/folder", "./nowhere", "smollm3-135m"])
def test_unknown_model(tmp_path: Path, name: str) -> None:
    done = command(tmp_path, "train-agent", "--model", name, "--out", "run", *SMALL, HF_HUB_OFFLINE="1")
    refusal(done, name, "folder", "smollm2-135m")
    assert not (tmp_path / "run").exists()


def unplugged(tmp_path: Path) -> dict[str, str]:
    """A hub whose name has no address, which is what an unplugged machine sees."""
    return {"HF_ENDPOINT": "https://hub.invalid", "HF_HUB_OFFLINE": "0", "HF_HOME": str(tmp_path / "hub")}


def test_no_network_for_a_model(tmp_path: Path) -> None:
    hub = unplugged(tmp_path)
    done = command(tmp_path, "train-agent", "--model", "someone/some-model", "--out", "run", *SMALL, **hub)
    refusal(done, "network", "folder", "smollm2-135m")


@pytest.mark.parametrize(
    "hub",
    [{"HF_HUB_OFFLINE": "1"}, pytest.param({"HF_HUB_OFFLINE": "0"}, marks=pytest.mark.slow)],
    ids=["known", "found out after retries"],
)
def test_no_network_for_a_dataset(tmp_path: Path, model: Path, hub: dict[str, str]) -> None:
    pytest.importorskip("datasets", reason="needs assay[data]")
    hub = unplugged(tmp_path) | hub
    done = command(tmp_path, "train-agent", "--model", model, "--dataset", "someone/some-data", "--out", "run", **hub)
    refusal(done, "network", "file")


def test_label_column_missing(tmp_path: Path, model: Path) -> None:
    (tmp_path / "mail.csv").write_text(ROWS)
    done = command(tmp_path, "train-agent", "--model", model, "--dataset", "mail.csv", "--label", "folder")
    refusal(done, "mail.csv", "folder", "text, label")


@pytest.mark.parametrize("content", ["", "text,label\n"], ids=["nothing", "header"])
def test_empty_dataset(tmp_path: Path, model: Path, content: str) -> None:
    (tmp_path / "mail.csv").write_text(content)
    done = command(tmp_path, "train-agent", "--model", model, "--dataset", "mail.csv")
    refusal(done, "mail.csv has no rows", "give data")


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux lets a process bound its own memory")
def test_out_of_memory_at_this_batch_size(tmp_path: Path, model: Path) -> None:
    # After a small run, which loads everything, the process may grow by 32 MB, and the next batch asks for more.
    code = (
        "import resource, sys\n"
        "from assay.training import cli\n"
        "assert cli.train([*sys.argv[1:], '--out', 'small', '--steps', '1']) == 0\n"
        "pages = int(open('/proc/self/statm').read().split()[0]) * resource.getpagesize()\n"
        "resource.setrlimit(resource.RLIMIT_AS, (pages + 32 * 2**20,) * 2)\n"
        "big = ['--rollout.group-size', '512', '--rollout.max-tokens', '512']\n"
        "sys.exit(cli.train([*sys.argv[1:], '--out', 'big', *big]))\n"
    )
    (tmp_path / "bounded.py").write_text(code)
    words = ["--model", str(model), *SMALL]
    done = subprocess.run(
        [sys.executable, "bounded.py", *words],
        cwd=tmp_path,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=240,
    )
    refusal(done, "out of memory", "--rollout.groups", "--optim.token-budget")


@pytest.mark.parametrize("version", [(3, 10), (3, 14)])
def test_wrong_python(tmp_path: Path, version: tuple[int, int]) -> None:
    code = f"import sys; from assay.training import cli; sys.version_info = {(*version, 0)}; sys.exit(cli.train())"
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True)
    refusal(done, f"Python {version[0]}.{version[1]}", "3.11 to 3.13")


def unwritable(tmp_path: Path) -> Path:
    """A folder in which this user cannot make another; the superuser may write anywhere but in the kernel's tree."""
    if os.geteuid():
        (tmp_path / "locked").mkdir(mode=0o555)
        return tmp_path / "locked"
    if not Path("/sys/kernel").is_dir():
        pytest.skip("nothing is read-only for the superuser here")
    return Path("/sys/kernel")


def test_read_only_folder(tmp_path: Path, model: Path) -> None:
    folder = unwritable(tmp_path)
    done = command(tmp_path, "train-agent", "--model", model, "--out", folder / "run", *SMALL)
    refusal(done, str(folder), "--out")


def test_read_only_model_cache(tmp_path: Path) -> None:
    pytest.importorskip("gguf", reason="needs assay[train]")
    cache = unwritable(tmp_path)
    done = command(tmp_path, "train-agent", "--out", "run", *SMALL, XDG_CACHE_HOME=str(cache))
    refusal(done, str(cache), "XDG_CACHE_HOME")


def test_interrupted_download_of_a_model(tmp_path: Path, model: Path) -> None:
    for file in model.iterdir():
        data = file.read_bytes()
        (tmp_path / file.name).write_bytes(data[: len(data) // 2] if file.suffix == ".safetensors" else data)
    done = command(tmp_path, "train-agent", "--model", tmp_path, "--out", "run", *SMALL)
    refusal(done, str(tmp_path), "again")


def test_interrupted_download_of_a_dataset(tmp_path: Path, model: Path) -> None:
    pandas = pytest.importorskip("pandas", reason="needs assay[data]")
    pandas.DataFrame({"text": ["a", "b"] * 50, "label": ["x", "y"] * 50}).to_parquet(tmp_path / "whole.parquet")
    data = (tmp_path / "whole.parquet").read_bytes()
    (tmp_path / "half.parquet").write_bytes(data[: len(data) // 2])
    done = command(tmp_path, "train-agent", "--model", model, "--dataset", "half.parquet")
    refusal(done, "half.parquet", "again")


def test_resume_into_another_config(tmp_path: Path, model: Path) -> None:
    first = command(tmp_path, "train-agent", "--model", model, "--out", "run", "--steps", "1", *SMALL)
    assert first.returncode == 0, first.stderr
    again = ("train-agent", "--out", "run", "--model", model, "--steps", "1", *SMALL)
    refusal(command(tmp_path, *again), "run", "--resume")
    refusal(command(tmp_path, *again, "--resume", "--lr", "0.5"), "optim.lr: 2e-05 -> 0.5", "another --out")
    refusal(command(tmp_path, *again[:2], "elsewhere", *again[3:], "--resume"), "elsewhere", "--out")

import errno
import sys

import pytest

from assay.training.errors import MissingExtraError, UserError, check_python, close_match, explain


def named(name, base=Exception):
    """An exception class of a library that need not be installed."""
    return type(name, (base,), {})


def caused_by(inner):
    try:
        try:
            raise inner
        except BaseException as error:
            raise RuntimeError("wrapped") from error
    except RuntimeError as outer:
        return outer


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (UserError("say this"), "say this"),
        (MemoryError(), "lower --optim.token-budget"),
        (named("OutOfMemoryError", RuntimeError)("CUDA out of memory. Tried to allocate"), "--rollout.groups"),
        (RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory"), "--model.lora-rank"),
        (OSError("We couldn't connect to 'https://huggingface.co' to load the files"), "--model smollm2-135m"),
        (named("ConnectError", OSError)("[Errno -2] Name or service not known"), "no network"),
        (named("OfflineModeIsEnabled", ConnectionError)("offline"), "no network"),
        (named("LocalEntryNotFoundError", FileNotFoundError)("cannot find in cache"), "no network"),
        (named("RepositoryNotFoundError", OSError)("404 ... https://huggingface.co/api/models/no/body ..."), "no/body"),
        (named("DatasetNotFoundError")("Dataset 'no/data' doesn't exist: datasets/no/data"), "no/data"),
        (named("SafetensorError")("Error while deserializing header: InvalidHeader"), "interrupted download"),
        (named("ChunkedEncodingError", OSError)("Connection broken"), "interrupted download"),
        (PermissionError(errno.EACCES, "Permission denied", "/srv/x"), "cannot write /srv/x: choose a folder"),
        (OSError(errno.EROFS, "Read-only file system", "/mnt"), "--out DIR"),
        (OSError(errno.ENOSPC, "No space left on device"), "disk is full"),
        (FileNotFoundError(errno.ENOENT, "No such file or directory", "a.csv"), "no such file: a.csv"),
        (NotADirectoryError(errno.ENOTDIR, "Not a directory", "a/b"), "Not a directory: a/b"),
        (ModuleNotFoundError("No module named 'peft.x'", name="peft.x"), "needs peft: pip install 'assay[train]'"),
        (MissingExtraError("wandb", "wandb"), "pip install 'assay[wandb]'"),
    ],
)
def test_a_first_users_mistakes(error, words):
    for each in (error, caused_by(error)):
        line = explain(each)
        assert words in line
        assert "\n" not in line


@pytest.mark.parametrize(
    "error", [RuntimeError("shapes differ"), KeyError("x"), ModuleNotFoundError(name="mine"), OSError()]
)
def test_a_bug_is_not_explained_away(error):
    assert explain(error) is None


def test_a_circle_of_causes_ends():
    one, two = RuntimeError("a"), RuntimeError("b")
    one.__context__, two.__context__ = two, one
    assert explain(one) is None


@pytest.mark.parametrize("version", [(3, 10), (3, 14), (2, 7)])
def test_another_python_is_refused(version):
    with pytest.raises(
        UserError, match=r"Python \d\.\d+ is not supported: make a virtual environment with Python 3.11"
    ):
        check_python(version)


def test_this_python_is_not_refused():
    check_python()
    check_python((sys.version_info.major, sys.version_info.minor))


def test_close_matches():
    assert close_match("stepz", ["steps", "seed"]) == "; did you mean steps?"
    assert close_match("zzz", ["steps"]) == ""

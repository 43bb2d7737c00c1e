"""Make the tree that is graded: the agent's patch, without its changes to tests, then the task's own tests.

Runs in a fresh sandbox, before any code of the repository. Reads one JSON object from standard input and writes one to
standard output; see :func:`main` for both.
"""

# Must run on Python 3.6:
# ruff: noqa: N818, UP006, UP031, UP035, UP045
import base64
import json
import os
import subprocess
import sys
import tempfile
from typing import Any, Dict, List, Optional, Tuple

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from protected import noise, protected  # type: ignore[import-not-found]

SAFE = ("core.hooksPath=/dev/null", "core.fsmonitor=false", "core.autocrlf=false", "core.attributesFile=/dev/null",
        "core.checkStat=minimal", "core.trustctime=false", "core.quotePath=false", "core.symlinks=true",
        "core.fileMode=true", "advice.addEmbeddedRepo=false", "protocol.allow=never", "safe.directory=*")  # fmt: skip
EVERYTHING = "* -text -eol -filter -ident -working-tree-encoding -merge -export-subst -export-ignore\n"
PATCH = ("patch", "--batch", "--fuzz=5", "--no-backup-if-mismatch", "-p1")
BATCH = 200


class Unusable(Exception):
    """The task or the sandbox is at fault, not the agent."""


class Git:
    """git on the tree, with an index and new objects of its own: the repository's ``.git`` is only read."""

    def __init__(self, root: str, scratch: str) -> None:
        self.root = root
        self.env = {
            "PATH": os.environ.get("PATH", "/usr/bin:/bin"),
            "HOME": "/nonexistent",
            "LC_ALL": "C",
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": "/dev/null",
            "GIT_ATTR_NOSYSTEM": "1",
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_INDEX_FILE": os.path.join(scratch, "index"),
            "GIT_WORK_TREE": root,
            "GIT_DIR": os.path.join(scratch, "git"),
        }
        self.settings = [word for setting in SAFE for word in ("-c", setting)]
        # A git folder of ours: nothing that the repository's own says (configuration, attributes, hooks) is read.
        self.run("init", "-q", "--template=")
        os.makedirs(os.path.join(scratch, "git", "info"), exist_ok=True)
        with open(os.path.join(scratch, "git", "info", "attributes"), "w") as out:
            out.write(EVERYTHING)
        own = os.path.join(root, ".git", "objects")
        if os.path.isdir(own):
            self.env["GIT_ALTERNATE_OBJECT_DIRECTORIES"] = own  # so that files already known are not stored again
        self.run("add", "-A", "-f", ".")
        self.base = self.run("write-tree").decode().strip()

    def run(self, *words: str, **more: Any) -> bytes:
        """Output of a git command; :class:`Unusable` if it fails."""
        code, out, err = self.attempt(["git", *self.settings, *words], **more)
        if code:
            raise Unusable("git %s: %s" % (words[0], err.decode("utf-8", "replace").strip()[-400:]))
        return out

    def attempt(self, command: List[str], stdin: bytes = b"") -> Tuple[int, bytes, bytes]:
        """Exit status and output of a command in the tree."""
        try:
            process = subprocess.Popen(
                command, cwd=self.root, env=self.env,
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            )  # fmt: skip
        except OSError as error:
            return 127, b"", str(error).encode()
        out, err = process.communicate(stdin)
        return process.returncode, out, err

    def changed(self) -> List[Tuple[str, str]]:
        """(status letter, path) of what differs from the base."""
        self.run("add", "-A", "-f", ".")
        words = self.run("diff-index", "--cached", "--name-status", "--no-renames", "-z", self.base).split(b"\0")[:-1]
        return [(words[i].decode()[:1], os.fsdecode(words[i + 1])) for i in range(0, len(words), 2)]

    def restore(self) -> None:
        """The base, exactly."""
        self.run("read-tree", "--reset", "-u", self.base)
        self.run("clean", "-f", "-d", "-x", "-q")

    def checkout(self, paths: List[str]) -> None:
        """Those paths as they are in the base."""
        for start in range(0, len(paths), BATCH):
            self.run("--literal-pathspecs", "checkout", "-f", self.base, "--", *paths[start : start + BATCH])


def apply(git: Git, patch: bytes, scratch: str) -> Tuple[str, str]:
    """How the patch could be applied ('' if not at all), and what the last attempt said.

    The attempts are those of the SWE-bench harness, in its order, each on a clean tree.
    """
    path = os.path.join(scratch, "patch.diff")
    with open(path, "wb") as out:
        out.write(patch if patch.endswith(b"\n") else patch + b"\n")
    own = ["git", *git.settings, "apply", "--whitespace=nowarn"]
    attempts = (
        ("git apply", [*own, path]),
        ("git apply --3way", [*own, "--3way", path]),
        ("patch", [*PATCH, "--forward", "-r", "-", "-i", path]),
    )
    said = ""
    own_git = _listing(os.path.join(git.root, ".git"))
    for name, command in attempts:
        code, printed, err = git.attempt(command)
        if code == 0 and (_planted(git.root) or _listing(os.path.join(git.root, ".git")) != own_git):
            code, err = 1, b"it changes a .git folder"  # git itself refuses such a patch, the other program does not
        if code == 0:
            return name, ""
        said = (err + printed).decode("utf-8", "replace").strip() or said
        git.restore()
    return "", said[-400:]


def _planted(root: str) -> str:
    """A ``.git`` below the top, which would hide the files beside it; '' if there is none."""
    for here, folders, files in os.walk(root):
        if here == root:
            folders[:] = [name for name in folders if name != ".git"]
        elif any(name.lower() == ".git" for name in folders + files):
            return here
    return ""


def _listing(folder: str) -> List[Tuple[str, int, int]]:
    """Every file below a folder with its size and time."""
    found = []
    for here, _, files in os.walk(folder):
        for name in files:
            about = os.lstat(os.path.join(here, name))
            found.append((os.path.join(here, name), about.st_size, int(about.st_mtime * 1000)))
    return sorted(found)


def undo(git: Git, tests: List[str], exempt: List[str]) -> List[str]:
    """Take back every change to a protected path, and say which were changed."""
    named, free = frozenset(tests), frozenset(exempt)
    above = frozenset(parent for path in tests for parent in _parents(path))  # to be folders, whatever is there now
    found = [
        (letter, path)
        for letter, path in git.changed()
        if path in above or protected(path, named, free) or named.intersection(_parents(path))
    ]
    for letter, path in found:
        if letter == "A":
            os.unlink(os.path.join(git.root, path))
            for parent in _parents(path):
                try:
                    os.rmdir(os.path.join(git.root, parent))
                except OSError:  # it holds something else
                    break
    back = [path for letter, path in found if letter != "A"]
    for path in back:
        _clear_way(git.root, path)
    git.checkout(back)
    return sorted(path for _, path in found if not noise(path))


def _parents(path: str) -> List[str]:
    """The folders above a path, the nearest first."""
    parts = path.split("/")[:-1]
    return ["/".join(parts[:count]) for count in range(len(parts), 0, -1)]


def _clear_way(root: str, path: str) -> None:
    """Remove links and files that stand where the folders of ``path`` belong: they could lead out of the tree."""
    here = root
    for part in path.split("/")[:-1]:
        here = os.path.join(here, part)
        if os.path.islink(here) or os.path.isfile(here):
            os.unlink(here)
            return


def prepare(task: Dict[str, Any], scratch: str) -> Dict[str, Any]:
    """Carry out :func:`main`'s task."""
    root = os.environ.get("ASSAY_ROOT", "") + task["root"]
    patch, test_patch = base64.b64decode(task["patch"]), base64.b64decode(task["test_patch"])
    git = Git(root, scratch)
    how, message = "nothing to apply", ""
    restored: List[str] = []
    if patch.strip():
        try:
            how, message = apply(git, patch, scratch)
            if how:
                restored = undo(git, task["tests"], task["exempt"])
        except (Unusable, OSError, RecursionError) as error:  # the base went well, so it is what the patch makes of it
            how, message = "", str(error)[-400:]
    if patch.strip() and not how:
        return {"applied": False, "how": how, "message": message, "restored": [], "missing": []}
    if test_patch.strip():
        git.run("add", "-A", "-f", ".")
        if not _add_tests(git, test_patch, scratch):
            raise Unusable("the task's test patch does not apply to its base tree")
    missing = [path for path in task["files"] if not os.path.isfile(os.path.join(root, path))]
    return {"applied": bool(how), "how": how, "message": message, "restored": restored, "missing": missing}


def _add_tests(git: Git, patch: bytes, scratch: str) -> bool:
    path = os.path.join(scratch, "tests.diff")
    with open(path, "wb") as out:
        out.write(patch if patch.endswith(b"\n") else patch + b"\n")
    code, _, _ = git.attempt(["git", *git.settings, "apply", "--whitespace=nowarn", path])
    if code:
        code, _, _ = git.attempt([*PATCH, "-i", path])
    return code == 0


def main() -> int:
    """Read the task, write the outcome.

    Task: ``root``; ``patch`` and ``test_patch`` in base 64; ``tests`` and ``exempt`` as in
    :func:`protected.protected`; ``files``: those that will be run. Outcome: ``applied``, ``how``, ``message``,
    ``restored`` (changes that were undone), ``missing`` (of ``files``), or ``error`` where task or sandbox is at fault.
    """
    outcome: Optional[Dict[str, Any]] = None
    with tempfile.TemporaryDirectory(prefix="assay-") as scratch:
        try:
            outcome = prepare(json.loads(sys.stdin.buffer.read().decode("ascii")), scratch)
        except (Unusable, OSError) as error:
            outcome = {"error": str(error)}
    sys.stdout.write(json.dumps(outcome))
    return 0


if __name__ == "__main__":
    sys.exit(main())

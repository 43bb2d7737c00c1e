"""What is harvested from Qt windows, what a click on it does, programs of the user's own, and workers that die."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from assay.envs import InfraError
from assay.envs.gui_grounding.elements import Element
from assay.envs.gui_grounding.qt.mint import mint_qt
from assay.envs.gui_grounding.qt.worker import QtWorker

VIEWS = "assay.envs.gui_grounding.qt.programs:views_of"
PROGRAM = """
from PySide6.QtCore import Qt
from PySide6.QtWidgets import *

kept = []

def main():
    window = QMainWindow()
    window.setWindowTitle("Hall")
    menu = window.menuBar().addMenu("&File")
    menu.addAction("&Save\\tCtrl+S")
    menu.addAction("Burn").setEnabled(False)
    room = QWidget()
    for name, (x, y, w, h) in {
        "Free": (10, 10, 80, 24), "Covered": (10, 50, 80, 24), "Off": (10, 90, 80, 24), "Dot": (10, 130, 3, 3),
        "Outside": (260, 130, 80, 24), "Half": (10, 170, 80, 24),
    }.items():
        button = QPushButton(name, room)
        button.setGeometry(x, y, w, h)
        button.setEnabled(name != "Off")
    lid = QFrame(room)
    lid.setGeometry(0, 45, 60, 40)
    lid.raise_()
    hole = QWidget(room)
    hole.setGeometry(120, 10, 60, 60)
    spin = QSpinBox(room)
    spin.setGeometry(120, 90, 90, 26)
    spin.setValue(3)
    box = QCheckBox("Tick", room)
    box.setGeometry(120, 140, 120, 24)
    clipped = QPushButton("Clipped", hole)
    clipped.setGeometry(20, 5, 90, 24)
    window.setCentralWidget(room)
    window.setFixedSize(300, 240)
    window.show()
    kept.append(window)

def with_dialog():
    main()
    dialog = QDialog(kept[0])
    dialog.setWindowTitle("Sure")
    QPushButton("Yes", dialog).setGeometry(5, 5, 60, 24)
    dialog.setModal(True)
    dialog.setGeometry(100, 60, 120, 60)
    dialog.show()
    kept.append(dialog)

def own_loop():
    app = QApplication([])
    main()
    app.exec()

def nothing():
    pass

def text_only():
    return QLabel("Nothing to do here")

def broken():
    raise KeyError("two\\nlines")
"""


@pytest.fixture(scope="module", autouse=True)
def _qt(without_qt):
    if without_qt():
        pytest.skip(without_qt())


@pytest.fixture
def program(tmp_path):
    (tmp_path / "hall.py").write_text(PROGRAM)
    return tmp_path


@pytest.fixture(scope="module")
def worker():
    with pytest.MonkeyPatch.context() as patch, QtWorker() as made:
        patch.setenv("PYTHONPATH", str(Path(__file__).parent))
        yield made


def views(program, function):
    with QtWorker() as made:
        found, _ = made.call(VIEWS, module="hall", function=function, folder=str(program))
    return [[Element.from_dict(each) for each in view["elements"]] for view in found]


def test_covered_clipped_disabled_and_tiny_elements_are_never_targets(program):
    plain = views(program, "main")[0]
    targets = {each.name or each.role for each in plain if each.target}
    assert targets == {"File", "Free", "Half", "field", "up arrow", "down arrow", "Tick"}
    seen = {each.name for each in plain if not each.target}
    assert {"Covered", "Off"} <= seen
    assert "Dot" not in targets


def test_boxes_are_those_of_the_widgets(program):
    found = {each.name: each.box for each in views(program, "main")[0]}
    bar = next(each for each in views(program, "main")[0] if each.role == "menu").box[3] + 1
    left, top, right, bottom = found["Free"]
    assert (left, right - left + 1, bottom - top + 1) == (10, 80, 24)
    assert top >= bar


def test_an_open_menu_takes_the_clicks_but_for_menu_titles(program):
    opened = next(view for view in views(program, "main") if any(each.role == "menu item" for each in view))
    assert {each.name for each in opened if each.target} == {"File", "Save"}
    assert {each.path for each in opened if each.role == "menu item"} == {"File menu"}


def test_a_modal_dialog_takes_all_clicks(program):
    assert {each.name for each in views(program, "with_dialog")[0] if each.target} == {"Yes"}


def test_a_program_with_its_own_application_and_loop_is_minted(program):
    minted = mint_qt("hall:own_loop", folder=program, count=50)
    assert {record.kind for record, _ in minted} >= {"literal", "spatial"}
    assert len({record.id for record, _ in minted}) == len(minted)
    for record, picture in minted:
        assert picture.size == record.size
        assert record.box[2] <= record.size[0] - 1
        assert record.source["app"] == "hall:own_loop"


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("hall", "takes MODULE:FUNCTION"),
        ("hall:__import__('os')", "takes MODULE:FUNCTION"),
        ("cellar:main", "no module 'cellar'"),
        ("hall:attic", "no function 'attic'"),
        ("hall:nothing", "shows no window"),
        ("hall:text_only", "can be clicked"),
        ("hall:broken", "failed: KeyError"),
    ],
)
def test_what_cannot_be_minted_is_one_clear_line(program, target, said):
    with pytest.raises(ValueError, match=said) as caught:
        mint_qt(target, folder=program)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("kind", "role"), [("editor", "button"), ("settings", "checkbox"), ("sheet", "tab"), ("player", "down arrow")]
)
def test_a_click_on_a_box_does_what_the_element_says(worker, kind, role):
    clicked = [
        each
        for seed in (1, 4, 6)
        for each in worker.call("gui_qt_probe:click_all", kind=kind, seed=seed, hard=False, role=role)[0]
    ]
    assert clicked
    done = 0
    for each in clicked:
        meaning = each["element"]["meaning"]
        if role == "button" and meaning in ("", "more commands"):
            continue
        if role == "button":
            before, after = (each[when]["did"].get(meaning, 0) for when in ("before", "after"))
            assert after == before + 1, each["element"]
            done += 1
        else:
            done += each["before"] != each["after"]
    assert done >= (len(clicked) if role == "checkbox" else 1)


def test_a_dead_worker_is_an_infrastructure_error_and_is_replaced():
    with QtWorker() as made:
        first, _ = made.call("os:getpid")
        with pytest.raises(InfraError, match="died"):
            made.call("os:abort")
        second, _ = made.call("os:getpid")
        assert second != first
        os.kill(second, signal.SIGKILL)
        while made.pid is not None:
            time.sleep(0.01)
        with pytest.raises(InfraError, match="died before"):
            made.call("os:getpid", born=made.started)
        assert made.call("os:getpid")[0] not in (first, second)


def test_a_worker_that_overstays_is_killed(worker):
    with pytest.raises(InfraError, match="took over 0"):
        worker.call("gui_qt_probe:stuck", patience=0.5)
    assert worker.call("os:getpid")[0] == worker.pid


def test_a_worker_dies_with_its_owner_even_when_it_is_busy(tmp_path):
    script = textwrap.dedent(
        """
        import os, threading, time
        from assay.envs.gui_grounding.qt.worker import QtWorker
        worker = QtWorker()
        print(worker.call("os:getpid")[0], flush=True)
        threading.Thread(target=lambda: worker.call("gui_qt_probe:stuck"), daemon=True).start()
        time.sleep(60)
        """
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent)}
    owner = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, env=environment)
    pid = int(owner.stdout.readline())
    time.sleep(0.2)
    owner.kill()
    owner.wait()
    owner.stdout.close()
    for _ in range(500):
        if not _alive(pid):
            return
        time.sleep(0.02)
    os.kill(pid, signal.SIGKILL)
    pytest.fail(f"worker {pid} outlived its owner")


def _alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state not in ("Z", "X")

import io
import sys

import pytest
from rich.console import Console

from assay.training.display import Display, duration, evaluation_line, sparkline, step_line

EVALUATION = {"split": "test", "n": 200, "accuracy": 0.715, "low": 0.649, "high": 0.773, "parsed": 0.99, "pass@4": 0.9}


def plain_display(total, **options):
    out = io.StringIO()
    return Display(total, "a run", console=Console(file=out, width=60), **options), out


def test_plain_output_is_one_line_a_step_and_never_wraps():
    display, out = plain_display(3, every=0.0)
    with display:
        for step in range(1, 4):
            with display.phase("sampling", 2) as phase:
                phase.advance()
                phase.advance()
            display.step(step, {"reward": 0.5, "accuracy": 0.25, "tokens_per_s": 812.4})
        display.evaluation({"step": 3, **EVALUATION})
        display.note("[bold]markup[/bold] stays text, however long the line may become in the end")
    lines = out.getvalue().splitlines()
    assert lines[0] == "a run"
    assert "step 1/3  reward 0.500  accuracy 0.250  812 tokens/s" in lines
    assert lines[-2] == "step 3: test accuracy 71.5 % [64.9, 77.3] of 200, parsed 99.0 %, pass@4 90.0 %"
    assert lines[-1] == "[bold]markup[/bold] stays text, however long the line may become in the end"
    assert "\x1b" not in out.getvalue()


def test_plain_steps_are_limited_in_rate_but_the_last_is_always_there():
    display, out = plain_display(500, every=3600.0)
    with display:
        for step in range(1, 501):
            display.step(step, {"reward": 0.0})
        display.evaluation(EVALUATION)
    steps = [line for line in out.getvalue().splitlines() if line.startswith("step")]
    assert [line.split()[1] for line in steps] == ["1/500", "500/500"]
    assert "test accuracy" in out.getvalue()


def test_a_terminal_gets_a_live_bar_and_keeps_evaluations():
    out = io.StringIO()
    console = Console(file=out, force_terminal=True, width=100)
    with Display(10, "a run", console=console) as display:
        with display.phase("sampling", 4) as phase:
            phase.advance(4)
        for step in range(1, 6):
            display.step(step, {"reward": step / 10, "accuracy": 0.5, "tokens_per_s": 100.0})
        display._progress.refresh()
        print("a library prints in between")
        display.evaluation(EVALUATION)
    text = out.getvalue()
    assert "5/10" in text
    assert "reward 0.500" in text
    assert "▁" in text
    assert "left" in text
    assert "test accuracy 71.5 %" in text
    assert "a library prints in between" in text


def test_standard_output_is_itself_again_after_an_error():
    before = sys.stdout
    display = Display(3, console=Console(file=io.StringIO(), force_terminal=True))
    with pytest.raises(RuntimeError), display, display.phase("sampling"):
        raise RuntimeError
    assert sys.stdout is before


def test_quiet_says_nothing(capsys):
    with Display(2, "title", quiet=True) as display:
        display.step(1, {"reward": 1.0})
        display.note("x")
    assert capsys.readouterr().out == ""


def test_missing_values_are_left_out():
    assert step_line({"reward": None, "accuracy": float("nan")}) == ""
    assert evaluation_line({"name": "majority", "accuracy": None}) == "majority accuracy unknown"


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.4, "0 s"), (59.4, "59 s"), (185, "3 min 05 s"), (7440, "2 h 04 min")]
)
def test_durations(seconds, words):
    assert duration(seconds) == words


def test_sparkline_spans_its_values():
    assert sparkline([0, 1, 2, 3, 4, 5, 6, 7]) == "▁▂▃▄▅▆▇█"
    assert sparkline([3.0, 3.0]) == "▁▁"
    assert sparkline([float("nan")]) == ""
    assert len(sparkline(list(range(100)), width=10)) == 10

import io
import json
import subprocess
import sys
import tracemalloc

import pytest

from assay.verifiers import cli, registry

TASKS = [
    {"id": "a", "truth": {"answer": "42"}},
    {"id": "b", "truth": {"answer": r"\frac{1}{2}"}},
    {"id": 3, "truth": "x+1"},
]
RESPONSES = [
    {"id": "a", "response": r"so \boxed{42}"},
    {"id": "b", "response": r"\boxed{0.5}"},
    {"id": "b", "response": r"\boxed{2}"},
    {"id": "3", "response": r"\boxed{1+x}"},
]


def write(path, rows):
    path.write_text("".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows))
    return str(path)


@pytest.fixture
def files(tmp_path):
    return [
        "--tasks",
        write(tmp_path / "tasks.jsonl", TASKS),
        "--responses",
        write(tmp_path / "responses.jsonl", RESPONSES),
    ]


def run(capsys, *arguments):
    try:
        code = cli.main([str(argument) for argument in arguments])
    except SystemExit as stop:
        code = stop.code
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_files_are_joined_by_id_scored_and_summed_up(capsys, files, tmp_path):
    out = tmp_path / "scores.jsonl"
    code, printed, errors = run(capsys, "math.numeric", *files, "--out", out)
    assert (code, errors) == (0, "")
    scores = [json.loads(line) for line in out.read_text().splitlines()]
    assert [(s["id"], s["reward"], s["correct"]) for s in scores] == [
        ("a", 1.0, True),
        ("b", 1.0, True),
        ("b", 0.0, False),
        ("3", 1.0, True),
    ]
    assert "mean reward  0.7500" in printed
    assert "accuracy     75.00% (3 of 4)" in printed
    assert "parsed       100.00%" in printed


def test_explain_prints_a_line_for_each_response(capsys, files):
    code, printed, _ = run(capsys, "math.numeric", *files, "--explain")
    lines = printed.splitlines()
    assert code == 0
    assert lines[0] == "right    1.000  a  42 is right"
    assert lines[2].startswith("wrong    0.000  b  read '2', expected '\\frac{1}{2}'")


def test_scores_to_stdout_leave_the_summary_on_stderr(capsys, files):
    code, printed, errors = run(capsys, "math.numeric", *files, "--out", "-")
    assert code == 0
    assert len([json.loads(line) for line in printed.splitlines()]) == 4
    assert "mean reward" in errors


def test_parts_are_averaged_and_options_typed(capsys, tmp_path):
    truth = {"label": "cat", "labels": ["cat", "dog"]}
    rows = [
        {"response": r, "truth": truth}
        for r in ("<think>x</think><answer>cat</answer>", "<think>x</think><answer>dog</answer>", "?")
    ]
    path = write(tmp_path / "r.jsonl", rows)
    options = ["--option", "think_mode=think", "--option", "format_weight=0.5", "--option", "parity=no"]
    code, printed, _ = run(capsys, "classify.label", "--responses", path, *options)
    assert code == 0
    assert "mean reward  0.6667" in printed
    assert "  format     0.6667" in printed
    assert "  accuracy   0.3333" in printed
    assert "parsed       66.67%" in printed


def test_joined_by_order_and_from_stdin(capsys, tmp_path, monkeypatch):
    tasks = write(tmp_path / "t.jsonl", [{"truth": {"answer": "1"}}, {"truth": {"answer": "2"}}])
    lines = b'{"response": "1"}\n\n{"response": "3"}\n'
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(lines)))
    code, printed, _ = run(capsys, "math.numeric", "--tasks", tasks, "--responses", "-", "--join", "order")
    assert code == 0
    assert "(1 of 2)" in printed


def test_other_field_names(capsys, tmp_path):
    tasks = write(tmp_path / "t.jsonl", [{"uid": 1, "gold": "7"}])
    responses = write(tmp_path / "r.jsonl", [{"uid": 1, "text": "7"}])
    names = ["--id-field", "uid", "--truth-field", "gold", "--response-field", "text"]
    code, printed, _ = run(capsys, "math.numeric", "--tasks", tasks, "--responses", responses, *names)
    assert (code, "(1 of 1)" in printed) == (0, True)


def test_the_options_of_a_task_apply_unless_given(capsys, tmp_path):
    truth = {"answer": "50", "options": {"percent": "either"}}
    path = write(tmp_path / "r.jsonl", [{"response": r"\boxed{50\%}", "truth": truth}])
    assert "(1 of 1)" in run(capsys, "math.numeric", "--responses", path)[1]
    assert "(0 of 1)" in run(capsys, "math.numeric", "--responses", path, "--option", "percent=ratio")[1]


def test_bad_lines_are_named_and_the_rest_is_scored(capsys, tmp_path):
    tasks = write(
        tmp_path / "t.jsonl", [{"id": 1, "truth": {"answer": "1"}}, {"id": 2, "truth": {"wrong": "1"}}, {"id": 3}]
    )
    responses = write(
        tmp_path / "r.jsonl",
        [{"id": 1, "response": "1"}, "not json", {"id": 9, "response": "1"}, {"id": 1}, {"id": 1, "response": 5}, "[1]",
         {"response": "1"}, {"id": 2, "response": "1"}, {"id": 3, "response": "1"}, {"id": 1, "response": "\ud800"}],
    )  # fmt: skip
    code, printed, errors = run(capsys, "math.numeric", "--tasks", tasks, "--responses", responses)
    assert code == 1
    assert "responses    2" in printed
    assert "not scored   8" in printed
    lines = [line.partition("r.jsonl:")[2] for line in errors.splitlines()]
    assert [line.partition(":")[0] for line in lines] == ["2", "3", "4", "5", "6", "7", "8", "9"]
    assert "not JSON" in lines[0]
    assert "no task has the id 9" in lines[1]
    assert "no text in the field 'response'" in lines[2]
    assert "not a JSON object" in lines[4]
    assert "no 'id'" in lines[5]
    assert 'the truth needs "answer"' in lines[6]
    assert "no field 'truth'" in lines[7]


def test_fail_under(capsys, files):
    assert run(capsys, "math.numeric", *files, "--fail-under", "0.7")[0] == 0
    code, _, errors = run(capsys, "math.numeric", *files, "--fail-under", "0.8")
    assert (code, "below 0.8" in errors) == (1, True)


def test_nothing_scored_is_no_success(capsys, tmp_path):
    assert run(capsys, "math.numeric", "--responses", write(tmp_path / "r.jsonl", []))[0] == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["math.numerc", "--responses", "x"], "did you mean math.numeric"),
        (["math.numeric", "--responses", "/nowhere/x"], "cannot read /nowhere/x: No such file"),
        (["math.numeric", "--responses", "R", "--option", "form"], "--option takes key=value"),
        (["math.numeric", "--responses", "R", "--option", "speed=1"], "no option 'speed'; it has: extract"),
        (["math.numeric", "--responses", "R", "--option", "form=best"], "form must be one of"),
        (["math.numeric", "--responses", "R", "--option", "rel_tol=much"], "is a number, got 'much'"),
        (["math.numeric", "--responses", "R", "--option", "symbolic=maybe"], "is true or false"),
        (["math.numeric", "--responses", "R", "--out", "/nowhere/y"], "cannot write /nowhere/y"),
        (
            ["math.numeric", "--responses", "R", "--import", "no_such_module"],
            "--import no_such_module: ModuleNotFoundError",
        ),
        (["math.numeric", "--responses", "-", "--tasks", "-"], "only one of --tasks and --responses"),
        (["math.numeric", "--responses", "R", "--tasks", "TWICE"], "t.jsonl:2: the id 1 occurs twice"),
        (["math.numeric", "--responses", "R", "--tasks", "R"], "no 'id'; name another with --id-field"),
        (["math.numeric"], "--responses"),
        (["audit", "nothing.here"], "no verifier is called"),
        (["audit", "text.f1", "--tasks", "R"], "no field 'truth'"),
        (["list", "nothing.here"], "no verifier is called"),
        (["serve", "--option", "form=final"], "--option needs --name"),
    ],
)
def test_usage_errors_are_one_line_and_exit_with_2(capsys, tmp_path, arguments, message):
    responses = write(tmp_path / "r.jsonl", [{"response": "1"}])
    twice = write(tmp_path / "t.jsonl", [{"id": 1, "truth": "1"}, {"id": 1, "truth": "2"}])
    named = {"R": responses, "TWICE": twice}
    code, _, errors = run(capsys, *(named.get(argument, argument) for argument in arguments))
    assert code == 2
    assert message in errors
    assert "Traceback" not in errors
    assert len(errors.splitlines()[-1]) < 300


def test_list_and_one_in_full(capsys):
    code, printed, _ = run(capsys, "list")
    assert code == 0
    assert [line.split()[0] for line in printed.splitlines()] == sorted(
        line.split()[0] for line in printed.splitlines()
    )
    assert "math.numeric" in printed
    code, printed, _ = run(capsys, "list", "classify.label")
    assert code == 0
    assert "think_mode = 'none'" in printed
    assert "CLS-RL" in printed


def test_help_teaches_by_example(capsys):
    code, printed, _ = run(capsys, "--help")
    assert code == 0
    for word in ("assay-score list", "audit", "serve", "exit codes", '"truth"', "--explain"):
        assert word in printed
    assert run(capsys)[0] == 2


def test_audit_reports_and_exits(capsys, tmp_path):
    code, printed, _ = run(capsys, "audit", "classify.calibrated", "--seconds", "60")
    assert (code, "every promise kept" in printed) == (0, True)
    tasks = write(tmp_path / "t.jsonl", [{"truth": "blue whale"}, {"truth": "red fox"}, {"truth": "red panda"}])
    code, printed, _ = run(capsys, "audit", "text.f1", "--tasks", tasks, "--option", "reward=f1", "--seconds", "60")
    assert (code, "FAIL  hedges" in printed) == (1, True)


def test_a_group_verifier_streams_neighbours_of_one_id(capsys, tmp_path, monkeypatch):
    (tmp_path / "longest_wins.py").write_text(
        "from assay.verifiers import Score, verifier\n"
        "@verifier('my.longest_wins', group=True)\n"
        "def longest(responses, truth):\n"
        "    '''The longest response earns 1.'''\n"
        "    best = max(map(len, responses))\n"
        "    return [Score(float(len(r) == best)) for r in responses]\n"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(registry, "_registered", dict(registry._registered))
    rows = [{"id": i, "response": r, "truth": "x"} for i, r in [(1, "a"), (1, "abc"), (2, "a"), (2, 5), (2, "ab")]]
    out = tmp_path / "s.jsonl"
    path = write(tmp_path / "r.jsonl", rows)
    code, _, errors = run(capsys, "my.longest_wins", "--import", "longest_wins", "--responses", path, "--out", out)
    assert code == 1
    assert "r.jsonl:4:" in errors
    assert [json.loads(line)["reward"] for line in out.read_text().splitlines()] == [0.0, 1.0, 0.0, 1.0]


def test_memory_does_not_grow_with_the_file(capsys, tmp_path):
    path = tmp_path / "r.jsonl"
    with path.open("w") as file:
        for _ in range(4000):
            file.write(json.dumps({"response": "x" * 10_000, "truth": "7"}) + "\n")
    arguments = ["text.regex", "--responses", str(path), "--out", str(tmp_path / "out.jsonl")]
    tracemalloc.start()
    try:
        status, _, _ = run(capsys, *arguments)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert status == 0
    assert path.stat().st_size > 39e6
    assert peak < 4e6


def test_a_reader_that_leaves_early_is_no_error(tmp_path):
    path = write(tmp_path / "r.jsonl", [{"response": "7", "truth": "7"}] * 20_000)
    command = f"{sys.executable} -m assay.verifiers.cli math.numeric --responses {path} --explain | head -1"
    done = subprocess.run(command, shell=True, capture_output=True, text=True, check=False)
    assert done.stdout.startswith("right")
    assert "Traceback" not in done.stderr


def test_overlong_lines_are_bad_lines():
    from assay.verifiers.command.common import rows

    found = list(rows(io.BytesIO(b'{"a": 1}\n' + b"x" * 100 + b'\n{"b": 2}\n' + b"y" * 10), limit=20))
    assert [(row.number, row.data, bool(row.problem)) for row in found] == [
        (1, {"a": 1}, False),
        (2, {}, True),
        (3, {"b": 2}, False),
        (4, {}, True),
    ]
    assert found[2].offset == 9 + 101


def test_progress_shows_on_a_terminal_only_after_a_while(monkeypatch, capsys):
    from assay.verifiers.command import summary

    clock = iter([0.0, 1.0, 3.0, 3.1, 4.0])
    monkeypatch.setattr(summary.time, "monotonic", lambda: next(clock))
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    file = io.BytesIO(b"0123456789")
    progress = summary.Progress(file)
    file.read(5)
    shown = []
    for done in (10, 30, 31, 40):
        progress.step(done)
        shown.append(capsys.readouterr().err.strip())
    assert shown == ["", "50 %, 30 scored, 10/s", "", "50 %, 40 scored, 10/s"]
    progress.clear()
    assert capsys.readouterr().err.strip() == ""

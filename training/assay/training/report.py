"""report.html: one file that shows what a run did, whether it learned, and how to repeat it."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from assay.envs.base import TaskEnv
from assay.envs.episode import Episode
from assay.training.display import duration
from assay.training.errors import MissingExtraError, UserError
from assay.training.report_episodes import episode_list, opening_images
from assay.training.report_html import page, section, table, text
from assay.training.report_reliability import calibration_section
from assay.training.report_svg import Series, interval_chart, line_chart
from assay.training.stored import Line, RunRecord, environments, episode_files, extremes, load_run, read_episodes

REPORT = "report.html"
_SHOWN = 10
_MOST_LABELS = 40

# title, metric, share in [0, 1], note
_CURVES = (
    ("Reward", "reward", False, ""),
    ("Accuracy of rollouts", "accuracy", True, ""),
    ("Entropy", "entropy", False, "nats a token"),
    ("KL to the start", "kl", False, "nats a token"),
    ("Response length", "length", False, "tokens"),
    ("Dead groups", "dead_groups", True, "groups whose rewards are all equal"),
    ("Readable answers", "parsed", True, ""),
    ("Calibration error of rollouts", "ece", True, "ECE of stated confidences"),
    ("Gradient norm", "grad_norm", False, "before clipping"),
    ("Loss of the critic", "value_loss", False, ""),
    ("Explained variance", "explained_variance", False, "of the returns, by the critic; 0 is a constant"),
    ("Sampler and trainer apart", "logprob_gap", False, "mean |difference| of log-probabilities"),
    ("Speed", "tokens_per_s", False, "tokens/s"),
)


def write_report(run_dir: str | Path) -> Path:
    """Write ``report.html`` and ``curve.png`` into a run directory, finished or not; return the report's path.

    The file stands alone: style, charts and thumbnails are inside it, it runs no script and asks the network for
    nothing; whatever a model or a data set wrote is escaped.

    Raises:
        UserError: if the directory holds no run.
    """
    run = load_run(run_dir)
    settings = run.settings
    method = settings.get("recipe", "") if run.train else "evaluation" if run.evals else ""
    title = f"{settings.get('env', 'run')} · {method}".rstrip(" ·")
    body = "".join(
        [
            f'<h1>{text(title)}</h1><p class="sub">{text(_subtitle(run))}</p>',
            _headline(run),
            section("Monitors", _alerts(run)),
            section("Curves", _curves(run)),
            section("Calibration", _calibration(run), "accuracy over stated confidence; the last evaluation"),
            section("Confusion", _confusion(run), "rows: truth; columns: answer; the last evaluation"),
            _episodes(run),
            section("To repeat it", _repeat(run)),
            section("Configuration", _configuration(run)),
        ]
    )
    target = run.path / REPORT
    temporary = target.with_suffix(".tmp")
    temporary.write_text(page(title, body), encoding="utf-8")
    os.replace(temporary, target)
    _picture(run)
    return target


def _picture(run: RunRecord) -> None:
    """``curve.png`` beside the report, where there is a curve and matplotlib to draw it."""
    from assay.training.plots import learning_curve

    if len(run.evals) > 1:
        with contextlib.suppress(MissingExtraError, UserError):
            learning_curve(run.path, run.path / "curve.png", title=str(run.settings.get("env", "")))


def _subtitle(run: RunRecord) -> str:
    words = [str((run.settings.get("model") or {}).get("name", ""))]
    if run.train:
        words.append(f"{run.train[-1]['step']} steps")
        seconds = sum(float(line.get(k) or 0) for line in run.train for k in ("seconds_rollout", "seconds_train"))
        words += [duration(seconds)] if seconds else []
        tokens = sum(float(line.get("tokens") or 0) for line in run.train)
        words += [f"{tokens:,.0f} tokens sampled"] if tokens else []
    words.append(f"seed {run.settings.get('seed', 0)}")
    return " · ".join(word for word in words if word)


def _headline(run: RunRecord) -> str:
    before, after = run.before, run.after
    last = after or before
    if last is None or last.get("accuracy") is None:
        return section("Held-out accuracy", "<p>No evaluation has been stored yet.</p>")
    parts = []
    if before is not None and after is not None and before.get("accuracy") is not None:
        gain = 100 * (after["accuracy"] - before["accuracy"])
        parts.append(f'<span class="from">{_share(before["accuracy"])}</span><span class="arrow">→</span>')
        parts.append(f'<span class="to">{_share(after["accuracy"])}</span>')
        css = "gain" if gain > 0 else "gain down" if gain < 0 else "sub"
        parts.append(f'<span class="{css}">{gain:+.1f} points, {_apart(before, after)}</span>')
    else:
        parts.append(f'<span class="to">{_share(last["accuracy"])}</span>')
    rows = [_interval_row(label, line, strong) for label, line, strong in _compared(run)]
    drawn = interval_chart([row for row in rows if row is not None])
    n = f"{last['n']} held-out tasks; " if last.get("n") else ""
    note = f"{n}Wilson 95 % intervals{_last_words(last)}"
    return section("Held-out accuracy", f'<div class="headline">{"".join(parts)}</div>{drawn}', note)


def _last_words(line: Line) -> str:
    extra = [f"{name} {_share(line[name])}" for name in line if name.startswith("pass@") and line[name] is not None]
    if line.get("parsed") is not None:
        extra.append(f"parsed {_share(line['parsed'])}")
    return text("; at the end " + ", ".join(extra)) if extra else ""


def _compared(run: RunRecord) -> list[tuple[str, Line, bool]]:
    rows: list[tuple[str, Line, bool]] = []
    if run.before is not None and not run.train and run.after is None:
        rows.append((str((run.settings.get("model") or {}).get("name", "model")), run.before, True))
    elif run.before is not None:
        rows.append(("untrained", run.before, False))
    if run.warmed is not None:
        rows.append(("after supervised warm-up", run.warmed, run.warmed is run.after))
    if run.after is not None and run.after is not run.warmed:
        rows.append((f"trained, step {run.after['step']}", run.after, True))
    return rows + [(str(line.get("name", "baseline")), line, False) for line in run.baselines]


def _interval_row(label: str, line: Line, strong: bool) -> tuple[str, float, float, float, bool] | None:
    value = line.get("accuracy")
    if value is None:
        return None
    low, high = line.get("low"), line.get("high")
    return label, value, value if low is None else low, value if high is None else high, strong


def _apart(before: Line, after: Line) -> str:
    bounds = [line.get(side) for line in (before, after) for side in ("low", "high")]
    if any(bound is None for bound in bounds):
        return "intervals unknown"
    return "intervals apart" if before["high"] < after["low"] or after["high"] < before["low"] else "intervals overlap"


def _share(value: float) -> str:
    return f"{100 * value:.1f} %"


def _curves(run: RunRecord) -> str:
    charts = []
    if len(run.evals) > 1:
        xs = [line["step"] for line in run.evals]
        ys, low, high = ([line.get(name) for line in run.evals] for name in ("accuracy", "low", "high"))
        series = [Series(xs, ys, low, high, "held-out", dots=True)]
        charts.append(_chart("Held-out accuracy", line_chart(series, percent=True), "with its 95 % interval"))
    losses = Series([line.get("sft_step", 0) for line in run.sft], [line.get("loss") for line in run.sft])
    charts.append(_chart("Warm-up loss", line_chart([losses], floor=0.0), "nats a token"))
    for title, name, percent, note in _CURVES:
        xs, values = run.series(name)
        floor = None if name == "reward" else 0.0
        smooth = [Series(xs, values, faint=True), Series(xs, _smooth(values))] if len(xs) > 20 else [Series(xs, values)]
        charts.append(_chart(title, line_chart(smooth, percent=percent, floor=floor), note))
    parts = sorted({name for line in run.train for name in line if name.startswith("part/")})
    for name in parts:
        xs, values = run.series(name)
        charts.append(_chart(name.removeprefix("part/"), line_chart([Series(xs, values)]), "part of the reward"))
    drawn = "".join(charts)
    return f'<div class="charts">{drawn}</div>' if drawn else ""


def _chart(title: str, svg: str, note: str) -> str:
    if not svg:
        return ""
    small = f' <span class="key">{text(note)}</span>' if note else ""
    return f"<div><h3>{text(title)}{small}</h3>{svg}</div>"


def _smooth(values: list[float | None]) -> list[float | None]:
    """Mean over a centred window of a tenth of the run."""
    half = max(1, len(values) // 20)
    smooth: list[float | None] = []
    for i in range(len(values)):
        near = [value for value in values[max(0, i - half) : i + half + 1] if value is not None]
        smooth.append(sum(near) / len(near) if near else None)
    return smooth


def _calibration(run: RunRecord) -> str:
    return next((calibration_section(line) for line in reversed(run.evals) if line.get("reliability")), "")


def _confusion(run: RunRecord) -> str:
    counts = next((line["confusion"] for line in reversed(run.evals) if line.get("confusion")), None)
    if not isinstance(counts, Mapping) or not all(isinstance(row, Mapping) for row in counts.values()):
        return ""
    truths = list(counts)
    answers = [*truths, *sorted({name for row in counts.values() for name in row} - set(truths))]
    if len(answers) > _MOST_LABELS:
        return _confused_pairs(counts)
    head = "".join(f'<th><span class="col">{text(name, 40)}</span></th>' for name in answers)
    rows = []
    for truth in truths:
        total = sum(counts[truth].values()) or 1
        cells = "".join(_cell(counts[truth].get(answer, 0), total, answer == truth) for answer in answers)
        rows.append(f'<tr><th class="name">{text(truth, 40)}</th>{cells}</tr>')
    return f'<div class="scroll"><table class="confusion"><tr><th></th>{head}</tr>{"".join(rows)}</table></div>'


def _cell(count: int, total: int, right: bool) -> str:
    colour = "var(--accent)" if right else "var(--bad)"
    shade = f"background:color-mix(in srgb, {colour} {60 * count / total:.0f}%, transparent)"
    return f'<td class="cell" style="{shade}">{count or ""}</td>'


def _confused_pairs(counts: Mapping[str, Mapping[str, int]]) -> str:
    pairs = [(n, truth, answer) for truth, row in counts.items() for answer, n in row.items() if answer != truth and n]
    worst = sorted(pairs, key=lambda pair: -pair[0])[:20]
    return table([(truth, answer, n) for n, truth, answer in worst], ("truth", "answer", "count"))


def _episodes(run: RunRecord) -> str:
    files = episode_files(run.path, "eval")[-1:] or episode_files(run.path, "train")[-1:]
    if not files:
        return ""
    best, worst = extremes(read_episodes(files), _SHOWN)
    images = opening_images(_environments(run, [*best, *worst]), [*best, *worst])
    if best and worst and _reward(best[0]) == _reward(worst[0]):
        lists = episode_list("all earned the same", best, images)
    else:
        lists = episode_list(f"{len(best)} best", best, images) + episode_list(f"{len(worst)} worst", worst, images)
    note = f"from {text(files[-1].name)}; click one to open it"
    return section("Episodes", f'<div class="pair">{lists}</div>' if lists else "", note)


def _environments(run: RunRecord, episodes: Sequence[Episode]) -> list[TaskEnv]:
    """The run's environments where its episodes show images; loading tasks is not worth it otherwise."""
    parts = [part for e in episodes for turn in e.turns for message in turn.messages for part in message["content"]]
    return environments(run.path) if any(isinstance(p, dict) and p.get("type") == "image" for p in parts) else []


def _reward(episode: Episode) -> float | None:
    return None if episode.score is None else episode.score.reward


def _alerts(run: RunRecord) -> str:
    return "".join(
        f'<div class="alert"><b>step {line["step"]}</b> {text(line.get("message", line.get("name", "")))}</div>'
        for line in run.alerts
    )


def _repeat(run: RunRecord) -> str:
    command = run.record.get("command")
    body = f"<pre>{text(command)}</pre>" if command else ""
    versions = run.record.get("versions")
    if isinstance(versions, Mapping) and versions:
        listed = ", ".join(f"{name} {version}" for name, version in versions.items())
        body += f'<p class="muted">{text(listed)}</p>'
    return body


def _configuration(run: RunRecord) -> str:
    if not run.settings:
        return ""
    resolved: dict[str, Any] = {k: run.record[k] for k in ("recipe", "env") if run.record.get(k)}
    body = f"<pre>{text(yaml.safe_dump(run.settings, sort_keys=False, allow_unicode=True), 20_000)}</pre>"
    if resolved:
        dumped = yaml.safe_dump(resolved, sort_keys=False, allow_unicode=True)
        body += f"<h3>Resolved, defaults included</h3><pre>{text(dumped, 20_000)}</pre>"
    return f"<details><summary>all fields</summary>{body}</details>"

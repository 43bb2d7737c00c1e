"""What an environment adds to an evaluation: its own tables, and pictures of the episodes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.table import Table
from rich.text import Text

from assay.envs.results import ResultTable, cell
from assay.training.cli_episodes import visible

if TYPE_CHECKING:
    from assay.envs.base import TaskEnv
    from assay.envs.tasks import Task
    from assay.training.classes import ClassRates
    from assay.training.evaluate import Evaluation
    from assay.training.stats import Interval
    from assay.verifiers.score import Score

SHEET = 12
"""Pictures on the contact sheet."""
_COLUMNS, _WIDTH, _GAP = 3, 640, 12


def tables_of(env: type[TaskEnv], options: Any, tasks: Sequence[Task], found: Evaluation) -> list[ResultTable]:
    """The environment's tables of an evaluation.

    Args:
        env: the environment.
        options: an instance of its options.
        tasks: what was played, in order.
        found: the evaluation.
    """
    scores = _scores(tasks, found)
    return env.tables(options, tasks, scores) if any(scores) else []


def _scores(tasks: Sequence[Task], found: Evaluation) -> list[list[Score]]:
    """Of each task the scores that it was given, those without a verdict aside."""
    scores = []
    for number in range(len(tasks)):
        rollouts = found.rollouts[number * found.samples : (number + 1) * found.samples]
        given = (rollout.episode.score for rollout in rollouts)
        scores.append([score for score in given if score is not None and score.correct is not None])
    return scores


def save_figures(folder: Path, env: type[TaskEnv], options: Any, tasks: Sequence[Task], found: Evaluation) -> list[str]:
    """Draw the environment's figures of an evaluation into ``folder``; returns lines that say where they are.

    Args:
        folder: of the evaluation.
        env, options, tasks, found: as for :func:`tables_of`.
    """
    scores = _scores(tasks, found)
    try:
        figures = env.figures(options, tasks, scores) if any(scores) else {}
    except ImportError as error:
        return [str(error)]
    lines = []
    for name, figure in figures.items():
        path = folder / f"{name}.png"
        part = path.with_name(f".{name}.part.png")
        figure.savefig(part)
        part.replace(path)
        lines.append(f"figure: {path}")
    return lines


def shown(table: ResultTable) -> Table:
    """A table for the terminal."""
    drawn = Table(title=f"{table.title} (%)" if any(c.unit == "share" for c in table.columns) else table.title)
    for column in table.columns:
        drawn.add_column(Text(column.name), justify="left" if column.unit == "text" else "right")
    for row in table.rows:
        cells = (Text(cell(value, column.unit)) for value, column in zip(row, table.columns, strict=True))
        drawn.add_row(*cells, style="bold" if row[0] == "overall" else "")
    return drawn


def save_pictures(folder: Path, env: type[TaskEnv], tasks: Sequence[Task], found: Evaluation) -> int:
    """Draw every episode into ``folder`` and the first of 12 tasks onto ``contact-sheet.png``; returns how many.

    The pictures are called ``NUMBER-TASK.png``, by the order of the evaluation, with ``-SAMPLE`` where there are
    several. What an earlier evaluation drew there is removed first.
    """
    from rich.console import Console
    from rich.progress import Progress

    from assay.envs.errors import InfraError

    for old in folder.glob("*.png"):
        old.unlink()
    count = 0
    sheet: list[Any] = []
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        for position, rollout in enumerate(progress.track(found.rollouts, description="drawing")):
            number, sample = divmod(position, found.samples)
            task, episode = tasks[number], rollout.episode
            try:
                picture = env.picture(task, episode.actions, episode.score)
            except InfraError:
                continue  # the episode has told so already
            if picture is None:
                continue
            folder.mkdir(parents=True, exist_ok=True)
            picture.save(folder / f"{number:05d}-{task.id}{f'-{sample}' if found.samples > 1 else ''}.png")
            count += 1
            if sample == 0 and len(sheet) < SHEET:
                sheet.append(_small(picture))
    if sheet:
        contact_sheet(sheet).save(folder / "contact-sheet.png")
    return count


def contact_sheet(pictures: Sequence[Any]) -> Any:
    """PIL images side by side, three in a row, each 640 pixels wide."""
    from PIL import Image

    small = [_small(picture) for picture in pictures]
    rows = [small[at : at + _COLUMNS] for at in range(0, len(small), _COLUMNS)]
    heights = [max(picture.height for picture in row) for row in rows]
    columns = min(_COLUMNS, len(small))
    size = (columns * (_WIDTH + _GAP) + _GAP, sum(heights) + _GAP * (len(rows) + 1))
    sheet, top = Image.new("RGB", size, "#606060"), _GAP
    for row, height in zip(rows, heights, strict=True):
        for column, picture in enumerate(row):
            sheet.paste(picture, (_GAP + column * (_WIDTH + _GAP), top))
        top += height + _GAP
    return sheet


def _small(picture: Any) -> Any:
    from PIL import Image

    if picture.width == _WIDTH:
        return picture
    return picture.resize((_WIDTH, max(1, round(picture.height * _WIDTH / picture.width))), Image.Resampling.LANCZOS)


def classes_table(rates: Mapping[str, ClassRates]) -> Table:
    """Precision, recall and F1 of each of two classes, and how often each was answered against how often it is true."""
    table = Table("class", "precision", "recall", "F1", "answered", "true")
    for name, each in rates.items():
        cells = [_percent(each.precision), _percent(each.recall), "-" if each.f1 is None else f"{100 * each.f1:.1f} %"]
        table.add_row(Text(visible(name)), *cells, _percent(each.rate), f"{100 * each.share.mean:.1f} %")
    return table


def _percent(interval: Interval | None) -> str:
    """A rate with its interval; one that is not defined is a dash, neither 0 nor 1."""
    if interval is None:
        return "-"
    return f"{100 * interval.mean:.1f} % ({100 * interval.low:.1f} to {100 * interval.high:.1f})"

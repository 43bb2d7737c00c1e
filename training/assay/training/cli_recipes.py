"""``train-agent recipes`` and ``train-agent advise``: what methods there are, and whether one suits a run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from assay.training.advice import advice, facts_of
from assay.training.errors import UserError
from assay.training.recipes.constants import Constant, constants
from assay.training.recipes.registry import recipe_class
from assay.training.recipes.table import RecipeRow, recipe_row, recipes_table

ADVISE_HELP = """\
usage: train-agent advise RUN_DIRECTORY [--kind base|instruct] [--size BILLIONS]
       train-agent advise [flags of train-agent] [--kind base|instruct] [--size BILLIONS]

Check a configuration, or a run and what it measured, against the guidelines of "Tricks or Traps?" (arXiv:2508.08221).
Nothing is changed: what is printed is a rule, whether it applies, and what it would have you set.

  --kind   whether the model is a base model or one tuned to follow instructions; default: guessed from its name
  --size   its size in billions of parameters; default: guessed from its name
"""


def recipes(argv: Sequence[str]) -> None:
    """Print all recipes, or those named in full."""
    console = Console()
    if argv:
        for name in argv:
            console.print(one(recipe_row(name), constants(recipe_class(name))))
        return
    table = Table(box=None, pad_edge=False, show_edge=False, padding=(0, 2, 1, 0))
    table.add_column("--recipe", no_wrap=True)
    table.add_column("what it is, and its paper", ratio=5)
    table.add_column("slots", ratio=4)
    table.add_column("constants of its own", ratio=3)
    for row in recipes_table():
        about = Text.assemble(row.summary, " ", (row.paper, "dim"))
        slots = ", ".join(f"{name} {value}" for name, value in row.slots.items() if value != "-")
        own = ", ".join(f"{name} {_shown(each)}" for name, each in row.constants.items())
        table.add_row(Text(row.name, style="bold"), about, Text(slots), Text(own or "-"))
    console.print(table)
    console.print(Text("one in full: train-agent recipes NAME    all flags of one: train-agent --recipe NAME --help"))


def one(row: RecipeRow, known: dict[str, Constant]) -> Group:
    """A recipe in full."""
    slots = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 2))
    for name, value in row.slots.items():
        slots.add_row(name, Text(value))
    settings = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 2))
    for name, constant in known.items():
        words = f"{constant.doc} One of {', '.join(map(str, constant.choices))}." if constant.choices else constant.doc
        words += f" It {constant.range}." if constant.range else ""
        settings.add_row(Text(f"--recipe.{name.replace('_', '-')}", style="cyan"), Text(_shown(constant)), Text(words))
    title = Text.assemble((row.name, "bold"), "  ", (row.paper, "dim"))
    parts: list[RenderableType] = [title, Text(f"{row.summary}\n"), slots, Text(""), settings, Text("")]
    if row.defaults:
        run = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 2))
        for key, value in row.defaults.items():
            run.add_row(Text(f"--{key.replace('_', '-')}", style="cyan"), Text(_plain(value)))
        parts += [Text("Run settings where you say nothing (--env.X where the environment has X):"), run, Text("")]
    return Group(*parts)


def _plain(value: object) -> str:
    if isinstance(value, list | tuple):
        return " ".join(map(str, value))
    return f"{value:g}" if isinstance(value, float) else str(value)


def _shown(constant: Constant) -> str:
    value = constant.default
    return "off" if value is None else f"{value:g}" if isinstance(value, float) else str(value)


def advise(argv: Sequence[str]) -> None:
    """Print which guidelines a configuration follows.

    Raises:
        UserError: if ``--kind`` or ``--size`` cannot be read.
    """
    words, given = list(argv), {}
    if not words or {"-h", "--help"} & set(words):
        print(ADVISE_HELP, end="")
        return
    for flag in ("--kind", "--size"):
        if flag in words:
            at = words.index(flag)
            given[flag] = words[at + 1] if at + 1 < len(words) else ""
            del words[at : at + 2]
    facts = facts_of(words)
    if "--kind" in given:
        if given["--kind"] not in ("base", "instruct"):
            raise UserError(f"--kind is base or instruct, not {given['--kind']!r}")
        facts = replace(facts, kind=given["--kind"])
    if "--size" in given:
        try:
            facts = replace(facts, billions=float(given["--size"]))
        except ValueError:
            raise UserError(f"--size is a number of billions of parameters, not {given['--size']!r}") from None
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for heading in ("rule", "", "says"):
        table.add_column(heading)
    marks = {"follows": "green", "differs": "yellow", "does not apply": "dim", "unknown": "dim"}
    for found in advice(facts):
        table.add_row(found.rule, Text(found.state, style=marks[found.state]), Text(found.words))
    console = Console()
    console.print(Text(str(facts)))
    console.print(table)

"""``eval-agent``: how good is a model, a server or a scripted policy on held-out tasks?"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import chain
from itertools import count as numbers_from
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from assay.agents.policy import Sampling
from assay.agents.scaffolds import PIPELINES, SCAFFOLDS, check_scaffold, layout_tokens, make_scaffold
from assay.agents.scaffolds.agentless_options import AgentlessOptions
from assay.envs.registry import env_class
from assay.training import cli_agentless, cli_tables, cli_votes
from assay.training.classes import class_rates
from assay.training.cli import accuracy_table, check_writable
from assay.training.cli_episodes import visible
from assay.training.cli_policies import UNLIMITED, Acting, is_scripted, make_policy
from assay.training.companion import added
from assay.training.config import EvalConfig, ModelConfig, RolloutConfig, TrainConfig
from assay.training.configfile import CONFIG, read_config, write_config
from assay.training.datasets import dataset_options
from assay.training.deciding import deciding
from assay.training.display import Display
from assay.training.errors import UserError
from assay.training.flags import changed, dataclass_fields, env_of, env_options, flag, make_flags, parse, peek
from assay.training.logs import MetricsLog
from assay.training.stored import write_episodes

if TYPE_CHECKING:
    from assay.envs.base import TaskEnv
    from assay.envs.results import ResultTable
    from assay.envs.tasks import Task, TaskSet
    from assay.training.evaluate import Evaluation
    from assay.training.rollout import Collector
    from assay.training.stats import Interval

HELP = """Measure a policy on held-out tasks by the task's own verdict.

  eval-agent --model runs/mine            a run's newest checkpoint, on its tasks
  eval-agent --model smollm2-135m --samples 8 --pass-k 1 8
  eval-agent --model openai:NAME --base-url http://localhost:8000/v1
  eval-agent --model majority             what needs no model: oracle, random,
                                          majority, constant:TEXT
  eval-agent --env swe_rl --env.task repo --scaffold shell    bash, turn by turn
  eval-agent --scaffold confidence --samples 8 --vote majority confidence-vote
"""

_MOST_LABELS = 16


@dataclass(frozen=True)
class EvalFlags:
    """What ``eval-agent`` can be told."""

    env: str = "text_classification"
    """Environment: a name of `train-agent envs`, or a gymnasium id."""
    model: str = "smollm2-135m"
    """A folder, a hub id, a run directory, smollm2-135m, openai:MODEL, or scripted: oracle, random, majority, and for
    gui_grounding centre and ocr."""
    dataset: str = ""
    """Your own data: a .csv, .tsv, .json, .jsonl or .parquet file, a folder of images, or a data set on the hub."""
    text: str = ""
    """Its column of texts (same as --env.text)."""
    label: str = ""
    """Its column of labels (same as --env.label)."""
    image: str = ""
    """Its column of images (same as --env.image); then --env is image_classification unless you say otherwise."""
    split: str = "test"
    """Part of the data to measure on."""
    view: str = ""
    """Show each task in one of the environment's poorer views (gui_grounding: blank): is what it hides made use of?"""
    tasks: int = 200
    """Tasks, the first of a fixed shuffle; 0 takes all."""
    samples: int = 1
    """Rollouts a task."""
    pass_k: tuple[int, ...] = ()
    """Estimate the chance that one of K samples is right, for each K (at most --samples)."""
    vote: tuple[str, ...] = ()
    """Also choose one of a task's samples: majority; confidence-vote, max-confidence (--scaffold confidence)."""
    analyses: int = 0
    """State the mean confidence of this many analyses of each answer (--scaffold confidence); 0: as sampled."""
    temperature: float = -1.0
    """Sampling temperature; below 0: greedy for one sample, 1.0 for several."""
    top_p: float = 1.0
    """Nucleus mass."""
    decoding: Literal["greedy", "ppl", "ppl-sum", "ppl-cal"] = "greedy"
    """greedy: what the model writes. Else the label it finds likeliest: by perplexity, by total log-probability, or by
    perplexity over that after a prompt without content."""
    score_end: bool = True
    """The end token counts as a token of a label (not greedy)."""
    scaffold: str = "chat"
    """What stands between environment and policy: chat, shell, edit, confidence (and its versions), or agentless-mini,
    for swe_rl's repo task."""
    max_tokens: int = 0
    """Longest completion of one turn, in tokens; 0: what suits the environment."""
    max_context: int = 0
    """Tokens that a conversation and its next completion may fill together; 0: as many as the model takes."""
    stop: tuple[str, ...] = ()
    """Strings that end a completion."""
    seed: int = 0
    """Seed of everything."""
    out: str = ""
    """Folder for episodes and numbers; default runs/eval-ENV-MODEL."""
    base_url: str = ""
    """Address of an OpenAI-compatible server, for --model openai:MODEL."""
    dtype: Literal["auto", "float32", "bfloat16"] = "auto"
    """auto is float32 on a CPU and bfloat16 on a GPU."""
    device: str = "auto"
    """auto, cpu, cuda, cuda:1, mps."""
    engine: Literal["hf", "hf-cb"] = "hf"
    """hf: each shared prompt prefilled once. hf-cb: transformers' continuous batching (one GPU)."""
    concurrency: int = 256
    """Episodes in flight."""
    save_images: bool = False
    """Write a picture of each episode and a contact sheet of 12, where the environment has something to show."""
    threads: int = 0
    """CPU threads of the model; 0 leaves the default."""
    agentless: AgentlessOptions | None = None
    """How much agentless-mini samples; only with that scaffold."""


def run(argv: list[str]) -> int:
    """Carry out one command line."""
    flags, options = parse_evaluation(argv)
    out = _folder(flags, options)
    from assay.training.curriculum import held_out
    from assay.training.evaluate import evaluate
    from assay.training.votes import vote_accuracy

    env = env_class(flags.env)
    known = _tasks(env, options, flags.split)
    tasks = held_out(known, flags.tasks)
    train = cache(lambda: _tasks(env, options, "train"))
    with Display(0, f"{flags.env} · {flags.model} -> {out}") as display:
        display.note(f"{len(tasks)} tasks of the {flags.split} split; loading the policy")
        acting = make_policy(flags, env, train)
        if flags.agentless is not None:
            acting = cli_agentless.agentless(acting, flags, flags.agentless)
        phase_of = display.phase("evaluating", len(tasks) * flags.samples)
        with _collector(flags, acting, env, options, known) as collector, phase_of as phase:
            found = evaluate(collector, tasks, samples=flags.samples, k=flags.pass_k, seed=flags.seed,
                             on_done=lambda _: phase.advance(), view=flags.view)  # fmt: skip
    chosen = vote_accuracy(found.rollouts, tasks, flags.samples, env, flags.vote) if flags.vote else {}
    compared = _compared(flags, env, options, train, tasks)
    tables = cli_tables.tables_of(env, env_options(flags.env, options), tasks, found)
    _store(out, flags, options, argv, found, compared, chosen, tables)
    _show(flags, found, compared, chosen, tables, out)
    for line in cli_tables.save_figures(out, env, env_options(flags.env, options), tasks, found):
        Console().print(Text(line), soft_wrap=True)
    if flags.save_images:
        drawn = cli_tables.save_pictures(out / "images", env, tasks, found)
        where = f"pictures: {out / 'images' / 'contact-sheet.png'} and {drawn} beside it"
        Console().print(Text(where if drawn else f"{flags.env} has no pictures of its episodes"), soft_wrap=True)
    return 0


def _compared(flags: EvalFlags, env: type[TaskEnv], options: Mapping[str, Any], train: Callable[[], TaskSet],
              tasks: Sequence[Task]) -> dict[str, Evaluation]:  # fmt: skip
    """What needs no model, for comparison with what does; training tasks are loaded only where they are needed."""
    from assay.training.evaluate import trivial_baselines

    if is_scripted(flags.model, env):
        return {}
    return trivial_baselines(env, None if env.baselines() else train(), tasks, **options)


def _tasks(env: type[TaskEnv], options: Mapping[str, Any], split: str) -> TaskSet:
    found: TaskSet = env(**{**options, "split": split}).tasks
    return found


def parse_evaluation(argv: list[str]) -> tuple[EvalFlags, dict[str, Any]]:
    """The flags and the environment's options of a command line.

    Raises:
        UserError: one line, for what cannot be parsed.
    """
    base = _of_run(peek(argv, "--model") or "")
    given = peek(argv, "--env") or env_of(argv) or None
    default = EvalFlags(
        env=given or base.env,
        scaffold=base.scaffold,
        max_tokens=base.rollout.max_tokens if given in (None, base.env) else 0,
        max_context=base.rollout.max_context,
        stop=base.rollout.stop,
        tasks=base.eval.tasks,
        split=base.eval.split,
        decoding=base.eval.decoding if given in (None, base.env) else "greedy",
        score_end=base.eval.score_end,
    )
    served = added(base, Path(peek(argv, "--model") or ""))[1]
    known = {**base.env_options, **served, **base.eval_options} if default.env == base.env else {}
    group = env_options(default.env, known)
    fields = dataclass_fields(default, skip={"agentless"})
    if peek(argv, "--scaffold") in PIPELINES:
        fields.append(("agentless", Annotated[AgentlessOptions, flag("agentless")], AgentlessOptions()))
    if given or not {"-h", "--help"} & set(argv):
        fields.append(("env_group", Annotated[type(group), flag("env")], group))
    parsed: Any = parse(make_flags("Evaluate", fields), argv, "eval-agent", HELP)
    values: dict[str, Any] = {f.name: getattr(parsed, f.name, None) for f in dataclasses.fields(EvalFlags)}
    flags = EvalFlags(**values)
    options = changed(parsed.env_group)
    options |= dataset_options(type(parsed.env_group), flags.dataset, flags.text, flags.label, flags.image)
    views = env_class(flags.env).views
    if flags.view and flags.view not in views:
        raise UserError(f"--view {flags.view}: {flags.env} has {', '.join(views) or 'no poorer view'}")
    if any(not 1 <= k <= flags.samples for k in flags.pass_k):
        raise UserError(f"--pass-k {max(flags.pass_k)} needs --samples {max(flags.pass_k)} or more")
    if flags.decoding != "greedy" and flags.samples > 1:
        raise UserError(f"--decoding {flags.decoding} always gives the same label: leave --samples away")
    if flags.samples > 1 and flags.temperature == 0:
        raise UserError("several samples at temperature 0 are all the same: leave --temperature away or raise it")
    check_scaffold(flags.scaffold, (*SCAFFOLDS, *PIPELINES))
    cli_votes.check(flags)
    if flags.agentless is not None:
        cli_agentless.check(flags.env, options)
    suited = env_class(flags.env).answer_tokens(env_options(flags.env, options)) + layout_tokens(flags.scaffold)
    tokens = flags.max_tokens or suited
    return dataclasses.replace(flags, max_tokens=tokens), options


def _of_run(model: str) -> TrainConfig:
    """The configuration of the run that ``model`` names, or the default one."""
    return read_config(model) if (Path(model) / CONFIG).exists() else TrainConfig()


def _folder(flags: EvalFlags, options: Mapping[str, Any]) -> Path:
    """Where the episodes go: the folder of an earlier evaluation of the same thing is written anew, others are left.

    Raises:
        UserError: if that is a training run.
    """
    name = flags.model.removeprefix("runs/").strip("./").replace("/", "-").replace(":", "-")
    out = Path(flags.out or f"runs/eval-{flags.env}-{name}{'-' if flags.view else ''}{flags.view}")
    if not flags.out:
        numbered = (out.with_name(f"{out.name}-{number}") for number in numbers_from(2))
        out = next(each for each in chain([out], numbered) if not _holds_another(each, flags, options))
    if (out / "checkpoints").exists():
        raise UserError(f"{out} is a training run: choose another --out")
    check_writable(out)
    return out


def _holds_another(out: Path, flags: EvalFlags, options: Mapping[str, Any]) -> bool:
    """Whether a folder holds an evaluation of the same model on something else."""
    if not (out / CONFIG).exists():
        return False
    there = read_config(out)
    before = (there.env_options, there.scaffold, there.eval.split, there.eval.decoding)
    plain = json.loads(json.dumps(dict(options), default=list))  # a file has no tuples
    return before != (plain, flags.scaffold, flags.split, flags.decoding)


def _collector(
    flags: EvalFlags, acting: Acting, env: type[TaskEnv], options: Mapping[str, Any], tasks: TaskSet
) -> Collector:
    from assay.training.rollout import Collector

    temperature = flags.temperature if flags.temperature >= 0 else float(flags.samples > 1)
    sampling = Sampling(flags.max_tokens, temperature, flags.top_p, stop=flags.stop)
    held = {**options, "split": flags.split}
    scaffold = make_scaffold("chat" if flags.scaffold in PIPELINES else flags.scaffold, acting.chat, lenient=True)
    acting = cli_votes.in_layout(acting, flags, scaffold)
    limit = min(flags.max_context or UNLIMITED, acting.limit)
    decided = deciding(acting.policy, flags.decoding, flags.score_end, flags.scaffold, tasks)
    return Collector(lambda: env(tasks=tasks, **held), decided.policy, scaffold=scaffold, sampling=sampling,
                     max_context=limit if limit < UNLIMITED else None, concurrency=flags.concurrency,
                     context=decided.context or acting.context)  # fmt: skip


def _store(out: Path, flags: EvalFlags, options: dict[str, Any], argv: list[str], found: Evaluation,
           compared: Mapping[str, Evaluation], chosen: Mapping[str, Interval],
           tables: Sequence[ResultTable]) -> None:  # fmt: skip
    """Episodes, numbers and settings, laid out as in a run directory."""
    out.mkdir(parents=True, exist_ok=True)
    config = TrainConfig(
        env=flags.env,
        env_options=options,
        out=str(out),
        resume=True,
        seed=flags.seed,
        model=ModelConfig(name=flags.model, dtype=flags.dtype, device=flags.device, engine=flags.engine),
        scaffold=flags.scaffold,
        rollout=RolloutConfig(
            max_tokens=flags.max_tokens, max_context=flags.max_context, stop=flags.stop, concurrency=flags.concurrency
        ),
        eval=EvalConfig(
            tasks=flags.tasks,
            split=flags.split,
            samples=flags.samples,
            decoding=flags.decoding,
            score_end=flags.score_end,
        ),
    )
    write_config(out, config, command=["eval-agent", *argv])
    write_episodes(out / "episodes" / "eval-000000.jsonl", [rollout.episode for rollout in found.rollouts])
    with MetricsLog(out, config) as log:
        for name, each in compared.items():
            log.write("baseline", 0, name=name, **each.to_metrics())
        votes = {f"vote/{name}": each.mean for name, each in chosen.items()}
        facts = env_class(flags.env).facts(env_options(flags.env, options))
        more = {"tables": [each.to_dict() for each in tables]} if tables else {}
        log.write("eval", 0, split=flags.split, **found.to_metrics(), **votes, **facts, **more)


def _show(flags: EvalFlags, found: Evaluation, compared: Mapping[str, Evaluation], chosen: Mapping[str, Interval],
          tables: Sequence[ResultTable], out: Path) -> None:  # fmt: skip
    from assay.training.counterparts import swaps_table
    from assay.training.report import write_report

    console = Console()
    rows = [(name, each.to_metrics()) for name, each in compared.items()]
    console.print(accuracy_table([*rows, (flags.model, found.to_metrics())]))
    console.print(rates_table(found))
    for table in tables:
        console.print(cli_tables.shown(table))
    if chosen:
        console.print(cli_votes.votes_table(chosen, flags.samples))
    if len(found.confusion) == 2 and not tables:  # an environment with tables of its own says it there
        console.print(cli_tables.classes_table(class_rates(found.confusion)))
    if found.confusion:
        console.print(confusion_table(found.confusion))
    if found.swaps:
        console.print(swaps_table(found.swaps))
    console.print(Text(f"report: {write_report(out)}"), soft_wrap=True)


def rates_table(found: Evaluation) -> Table:
    """What stands beside the accuracy."""
    table = Table(show_header=False)
    for k, value in found.pass_at.items():
        table.add_row(f"pass@{k}", f"{100 * value:.1f} %")
    table.add_row(
        "parsed", f"{100 * found.parsed:.1f} % ({100 * found.parsed_low:.1f} to {100 * found.parsed_high:.1f})"
    )
    if found.macro_f1 is not None:
        table.add_row("macro F1", f"{100 * found.macro_f1:.1f} %")
    if found.calibration is not None:
        for name, value in (("ECE", found.calibration.ece), ("Brier", found.calibration.brier),
                            ("AUROC", found.calibration.auroc)):  # fmt: skip
            table.add_row(name, f"{value:.3f}")
    table.add_row("mean reward", f"{found.reward:.3f}")
    table.add_row("tokens an episode", f"{found.tokens:.1f}")
    table.add_row("truncated", f"{100 * found.truncated:.1f} %")
    for name, count in (("infrastructure errors", found.infra_errors), ("verifier errors", found.verifier_errors),
                        ("without a verdict", found.no_verdict)):  # fmt: skip
        if count:
            table.add_row(name, str(count), style="yellow")
    return table


def confusion_table(counts: Mapping[str, Mapping[str, int]]) -> Table:
    """Truths down, answers across; the most frequent confusions where there are too many labels."""
    answers = [*counts, *sorted({answer for row in counts.values() for answer in row} - set(counts))]
    if len(answers) > _MOST_LABELS:
        table = Table("truth", "answered", "times", title="most frequent confusions")
        pairs = [(n, truth, answer) for truth, row in counts.items() for answer, n in row.items() if answer != truth]
        for n, truth, answer in sorted(pairs, key=lambda pair: (-pair[0], pair[1], pair[2]))[:20]:
            table.add_row(Text(truth), Text(visible(answer)), str(n))
        return table
    table = Table("", "truth", box=box.SIMPLE, padding=(0, 1, 0, 0), title="confusion: truth down, answer across")
    numbers = {answer: str(i) if answer in counts else visible(answer) for i, answer in enumerate(answers, 1)}
    for answer in answers:
        table.add_column(Text(numbers[answer]), justify="right", no_wrap=True)
    for truth, row in counts.items():
        cells = (Text(str(row.get(answer) or "·"), style=_shade(row, answer, truth)) for answer in answers)
        table.add_row(numbers[truth], Text(visible(truth)), *cells)
    return table


def _shade(row: Mapping[str, int], answer: str, truth: str) -> str:
    if not row.get(answer):
        return "dim"
    return "green" if answer == truth else "red"

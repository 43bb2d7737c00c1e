"""Which stored episodes a run may learn from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from assay.envs.base import TaskEnv
from assay.envs.episode import Episode
from assay.envs.tasks import TaskSet
from assay.training.config import TrainConfig
from assay.training.display import Display
from assay.training.errors import UserError
from assay.training.offline.data import Judge, LoggedData, data_files, messages_key
from assay.training.offline.lines import has_images, opening
from assay.training.rollout_episode import env_id_of

WORDS_OF_THEIR_OWN = ("chat", "edit")
"""Scaffolds that act on exactly what the policy said, so that a stored action is what it said."""


def check_scaffold_stores_words(scaffold: str) -> None:
    """Refuse a scaffold under which episodes hold commands instead of what the policy said.

    Raises:
        UserError: in one line.
    """
    if scaffold not in WORDS_OF_THEIR_OWN:
        raise UserError(
            f"--scaffold {scaffold} stores the commands it took out of what the policy said, not the words: leave it "
            "out with --data"
        )


def open_data(
    config: TrainConfig, least: int, env: TaskEnv, test: TaskSet, display: Display | None = None
) -> LoggedData:
    """The index of a run's ``--data``, with a bar for what takes time.

    Args:
        config: the run.
        least: responses that a prompt must have.
        env: of the run, with its training tasks.
        test: its held-out tasks.
        display: shows progress.

    Raises:
        UserError: one line that says what to do.
    """
    check_scaffold_stores_words(config.scaffold)
    judge = admission(env, env.tasks, test, config.eval.split)
    if display is None:
        return LoggedData.index(config.data, judge, least=least)
    size = sum(path.stat().st_size for path in data_files(config.data))
    with display.phase("reading", max(1, size >> 10)) as phase:
        seen = 0

        def on_bytes(count: int) -> None:
            nonlocal seen
            seen, before = seen + count, seen
            phase.advance((seen >> 10) - (before >> 10))

        data = LoggedData.index(config.data, judge, least=least, on_bytes=on_bytes)
    display.note(data.summary())
    return data


def admission(env: TaskEnv, train: TaskSet, test: TaskSet, split: str) -> Judge:
    """What leaves out responses to held-out tasks, and refuses what cannot be shown to the policy as it was.

    A task is held out by its id; a prompt without a task, where it is word for word what a held-out task opens with.

    Args:
        env: of the run; its data is neither sampled nor scored.
        train: tasks that may be learned from; others may too, if they are not held out and have no images.
        test: tasks that are held out.
        split: what the held-out part is called.
    """
    name, held_out, known = env_id_of(env), set(test.ids), set(train.ids)
    openings: set[bytes] = set()

    def judge(episode: Episode) -> str | None:
        if episode.task_id in held_out:
            return f"to tasks of the {split} split"
        if episode.meta.get("view"):
            return "in a poorer view of their task"
        if not episode.env_id:
            if not openings:
                openings.update(messages_key(env.open(task)) for task in test)
            shown = episode.turns[0].messages
            if has_images(shown):
                raise UserError("a prompt with images has to be a stored episode, whose task knows them")
            return f"to tasks of the {split} split" if messages_key(shown) in openings else None
        if episode.env_id != name:
            raise UserError(
                f"an episode of {episode.env_id}, but this run is on {name}: leave the file out, or set --env"
            )
        _check_images(episode, known)
        return None

    return judge


def _check_images(episode: Episode, known: Mapping[str, object] | set[str]) -> None:
    first = opening(episode.turns)
    later: Sequence[dict[str, object]] = [
        *episode.turns[0].messages[len(first) :],
        *(message for turn in episode.turns[1:] for message in turn.messages),
    ]
    if has_images(later):
        raise UserError("its later turns show images, which are not stored: it cannot be learned from")
    if has_images(first) and episode.task_id not in known:
        raise UserError(f"task {episode.task_id}, whose images are needed, is not in the training split")

"""A stored episode as a rollout: its messages rendered again, its actions as what a policy might have sampled."""

from __future__ import annotations

from collections.abc import Sequence

from assay.agents.chat import Chat, with_images
from assay.agents.policy import Completion
from assay.agents.rollout import Rollout
from assay.agents.scaffolds.chat import Scaffold
from assay.envs.base import TaskEnv
from assay.envs.episode import Episode, Outcome
from assay.envs.tasks import Message
from assay.training.errors import UserError
from assay.training.offline.lines import has_images, opening


def rollout_of(episode: Episode, chat: Chat, scaffold: Scaffold, env: TaskEnv, group: int = 0) -> Rollout:
    """The rollout that an episode was, as far as text tells.

    Messages are rendered as in sampling, and the rows fork where the template rewrites history. What was said is
    tokenised anew and ends with the end token, except the last words of an episode that was cut. An answer that the
    scaffold sent back counts as said too. Log-probabilities are 0: whoever sampled it did not leave any.

    Args:
        episode: one with a score.
        chat: of the policy.
        scaffold: of the run.
        env: knows the images of the task.
        group: which rollouts are compared with each other.

    Raises:
        UserError: if the stored messages and the task's images do not belong together.
    """
    transcript = scaffold.transcript()
    said = False
    first = list(episode.turns[0].messages) if not episode.env_id else opening(episode.turns)
    for number, turn in enumerate(episode.turns):
        new = [_bare(message) for message in turn.messages]
        given, exchanges = new, []
        if episode.env_id:
            given = new[: len(first)] if number == 0 else _given(new)
            exchanges = new[len(given) :]
        if said and not _begins_anew(given, first):
            transcript.observe(given)
        else:
            transcript.open(scaffold.opening(_with_images(given, env, episode)))
        for answer, again in _pairs(exchanges):
            transcript.add(_completion(answer, chat, cut=False))
            transcript.observe(again)
        last = number == len(episode.turns) - 1
        transcript.add(_completion(turn.action, chat, cut=last and episode.outcome is Outcome.TRUNCATED))
        said = True
    return Rollout(episode, transcript.branches(), group=group)


def _completion(text: str, chat: Chat, cut: bool) -> Completion:
    ids = (chat.encode(text) if cut else ()) or chat.answer(text)
    return Completion(text, ids, (0.0,) * len(ids))


def _given(messages: list[Message]) -> list[Message]:
    said = next((i for i, message in enumerate(messages) if message["role"] == "assistant"), len(messages))
    return messages[:said] or messages


def _begins_anew(messages: Sequence[Message], first: Sequence[Message]) -> bool:
    """Whether a turn shows a conversation from its beginning, not what was added to it."""
    return messages[0]["role"] == "system" or (len(messages) >= len(first) > 1 and messages[0] == _bare(first[0]))


def _pairs(exchanges: Sequence[Message]) -> list[tuple[str, list[Message]]]:
    """What was said and sent back, with what it was answered."""
    pairs: list[tuple[str, list[Message]]] = []
    for message in exchanges:
        if message["role"] == "assistant":
            content = message["content"]
            pairs.append((content if isinstance(content, str) else "".join(p["text"] for p in content), []))
        else:
            pairs[-1][1].append(message)
    return [pair for pair in pairs if pair[1]]


def _bare(message: Message) -> Message:
    """Without what an image part names: a stored path could be any file."""
    content = message["content"]
    if isinstance(content, str):
        return message
    parts = [{"type": "image"} if part["type"] == "image" else part for part in content]
    return {**message, "content": parts}


def _with_images(messages: list[Message], env: TaskEnv, episode: Episode) -> list[Message]:
    if not has_images(messages):
        return messages
    try:
        return with_images(messages, env.open_images(env.tasks.get(episode.task_id)))
    except (KeyError, ValueError, OSError) as error:
        why = error.args[0] if error.args else error
        raise UserError(f"the images of task {episode.task_id} cannot be had: {why}") from None

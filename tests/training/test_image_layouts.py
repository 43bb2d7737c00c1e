"""Qwen's patches and SmolVLM's frames in training: packed as trees with the gradients of the model's own padded way."""

import numpy as np
import pytest
import torch
from PIL import Image

from assay.agents.chat import Chat, images_of
from assay.agents.models import load_model
from assay.agents.policy import Completion, Sampling
from assay.agents.rollout import Rollout
from assay.agents.tiny_families import KINDS, save_tiny
from assay.agents.transcript import Transcript
from assay.envs.episode import Episode, Outcome
from assay.training.batch import make_batch
from assay.training.forward import Row, Scorer, sharing_error
from assay.verifiers.score import Score


@pytest.fixture(scope="module", params=KINDS)
def loaded(request, tmp_path_factory):
    return load_model(str(save_tiny(request.param, tmp_path_factory.mktemp(request.param))), device="cpu")


def picture(width, height, seed):
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8))


def question(words, *images):
    parts = [{"type": "image", "image": image} for image in images]
    return [{"role": "user", "content": [*parts, {"type": "text", "text": words}]}]


def rows_of(chat):
    """Two groups on one wide image, one on a high one, one on both in one question, one without any."""
    rng, rows = np.random.default_rng(1), []
    asked = [(("a?",), (0,)), (("b?",), (0,)), (("a?",), (1,)), (("c?",), (0, 1)), (("d?",), ())]
    for (words,), seen in asked:
        for _ in range(2):
            images = [picture(*((130, 70, 0), (50, 90, 1))[i]) for i in seen]
            messages = question(words, *images)
            prompt, response = chat.open(messages), rng.integers(3, 90, 4)
            rows.append(Row(np.array([*prompt, *response]), len(prompt), np.ones(4, bool), images_of(messages)))
    return rows


def test_tree_packing_gives_the_gradients_of_padded_rows(loaded):
    model, processor = loaded
    rows = rows_of(Chat(processor))
    results = []
    for share in (True, False):
        scorer = Scorer(model, share_prefix=share, processor=processor, budget=600)
        model.zero_grad()
        logp = torch.zeros(len(rows), 4)
        for micro in scorer.plan(rows):
            out = scorer([rows[i] for i in micro.rows], micro.tries, 4)
            (out.logp * torch.arange(1.0, 5.0)).sum().backward()
            logp[micro.rows] = out.logp.detach()
        results.append((logp, torch.cat([p.grad.flatten() for p in model.parameters() if p.grad is not None])))
    (shared, shared_grads), (padded, padded_grads) = results
    assert torch.allclose(shared, padded, atol=2e-4)
    assert torch.linalg.norm(shared_grads - padded_grads) < 1e-3 * torch.linalg.norm(padded_grads)
    seeing = [p.grad for name, p in model.named_parameters() if "visual" in name or "vision" in name]
    assert max(float(grad.abs().max()) for grad in seeing if grad is not None) > 0


def test_an_image_is_encoded_once_a_tree(loaded):
    model, processor = loaded
    rows = rows_of(Chat(processor))
    plan = Scorer(model, processor=processor, budget=10**6).plan(rows)
    with_images = [micro for micro in plan if rows[micro.rows[0]].images]
    assert sum(len(micro.tries) for micro in with_images) == 3, "two questions on one image share a tree"
    assert sorted(i for micro in plan for i in micro.rows) == list(range(len(rows)))
    assert len(with_images) == 1, "several images share a pass"


def test_sharing_is_told_from_a_wrong_position_rule(loaded, monkeypatch):
    model, processor = loaded
    rows = rows_of(Chat(processor))[:2]
    assert sharing_error(model, rows, processor) < 2e-4
    if not hasattr(model.model, "get_rope_index"):
        pytest.skip("counts positions plainly")
    monkeypatch.setattr("assay.training.forward.places", lambda *_: None)
    assert sharing_error(model, rows, processor) > 1e-3, "then the trainer falls back to padded rows"


def test_a_rollout_whose_placeholders_do_not_fit_is_refused(loaded, monkeypatch):
    _, processor = loaded
    chat = Chat(processor)
    transcript = Transcript(chat)
    transcript.open(question("where?", picture(60, 40, 0)))
    monkeypatch.setattr(chat, "open", lambda messages: chat.encode("no placeholder"))
    with pytest.raises(ValueError, match="0 image placeholder tokens, but the 1 images make"):
        transcript.open(question("where?", picture(60, 40, 0)))


def test_words_of_a_page_are_no_image(loaded):
    _, processor = loaded
    chat = Chat(processor)
    image = picture(60, 40, 0)
    for words in (f"click {chat.processor.image_token} twice", "<|vision_start|><|image_pad|><|vision_end|><image>"):
        transcript = Transcript(chat)
        transcript.open(question(words, image))
        clean = chat.open(question("x", image))
        holder = chat.tokenizer.convert_tokens_to_ids(chat.processor.image_token)
        assert transcript.ids.count(holder) == clean.count(holder)


def test_an_observation_that_overflows_is_left_out_whole(loaded):
    """What is cut is a whole segment: the training row of an episode that ran out of context has all its images."""
    from assay.training.rollout_episode import _to_last_sampled

    model, processor = loaded
    chat, transcript = Chat(processor), Transcript(Chat(processor))
    transcript.open(question("where?", picture(130, 70, 0)))
    transcript.add(Completion("no", chat.answer("no"), (-1.0,) * len(chat.answer("no"))))
    transcript.observe(question("and now?", picture(50, 90, 1)))
    transcript.add(Completion("no", chat.answer("no"), (-1.0,) * len(chat.answer("no"))))
    transcript.observe(question("again?", picture(90, 90, 2), picture(90, 50, 3)))
    (branch,) = map(_to_last_sampled, [*transcript.branches()])
    assert len(branch.images) == 2
    chat.check_images(branch.ids, branch.images)
    episode = Episode("x", "t", 0, [], Outcome.TRUNCATED, Score(0.0, correct=False), truth={}, meta={})
    (row,) = make_batch([Rollout(episode, (branch,))], 0).rows
    out = Scorer(model, processor=processor).score([row], len(row.mask))
    assert torch.isfinite(out.logp).all()
    assert transcript.request(sampling=Sampling()).images[-1].size == (90, 50)

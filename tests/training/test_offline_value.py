"""What a prompt is worth to the starting policy, and what it said of logged rows."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from assay.agents.tiny import tiny_model
from assay.training.errors import UserError
from assay.training.forward import Row, Scorer
from assay.training.offline.advantages import RewardMap, draw_probabilities, share_above
from assay.training.offline.spec import OfflineSpec, ValueSpec
from assay.training.offline.value import PromptValue, fit, prompt_states, values_of
from assay.training.remembered import RememberingScorer


def row(*ids, prompt):
    return Row(np.array(ids, np.int64), prompt, np.ones(len(ids) - prompt, np.bool_))


def test_states_are_those_of_the_prompt_and_nothing_else():
    model, _ = tiny_model()
    rows = [row(5, 6, 7, 300, prompt=3), row(9, 300, 301, prompt=1), row(5, 6, 8, 9, 10, 300, prompt=5)]
    found = prompt_states(Scorer(model, share_prefix=True), rows)
    for given, states in zip(rows, found, strict=True):
        with torch.no_grad():
            alone = model.model(input_ids=torch.tensor([given.ids[: given.prompt].tolist()])).last_hidden_state[0]
        assert states.shape == alone.shape
        assert torch.allclose(states, alone, atol=1e-4)


def test_padding_is_not_looked_at():
    torch.manual_seed(0)
    head = PromptValue(16, 1.0, 0.3).eval()
    short, long = torch.randn(3, 16), torch.randn(9, 16)
    assert values_of(head, [short, long]) == pytest.approx(values_of(head, [short]) + values_of(head, [long]), abs=1e-6)
    assert head.attention.num_heads == 8
    assert PromptValue(12, 1.0, 0.3).attention.num_heads == 6
    assert 0 < values_of(head, [1000 * long])[0] < 1


def test_it_learns_which_prompts_are_worth_more_and_keeps_its_best_epoch():
    g = torch.Generator().manual_seed(0)
    good = torch.randn(32, generator=g)
    states = [torch.randn(5 + i % 4, 32, generator=g) * 0.3 + (good if i % 2 else -good) for i in range(64)]
    targets = [1.6 if i % 2 else 0.4 for i in range(64)]
    before = torch.random.get_rng_state()
    fitted = fit(states, targets, top=2.0, epochs=20, lr=3e-3, seed=1)
    assert torch.equal(torch.random.get_rng_state(), before)
    values = values_of(fitted.head, states)
    assert np.mean(values[1::2]) - np.mean(values[::2]) > 0.8
    assert np.square(np.array(values) - targets).mean() == pytest.approx(min(fitted.errors), rel=1e-4)
    assert min(fitted.errors) < 0.25 * np.var(targets)
    assert fit(states, targets, top=2.0, epochs=20, lr=3e-3, seed=1).errors == fitted.errors
    untaught = fit(states, targets, top=2.0, epochs=1, lr=1e-9, seed=1)
    assert values_of(untaught.head, states) == pytest.approx([1.0] * 64, abs=0.2)  # it begins at the mean


def test_rewards_are_mapped_only_if_they_must_be():
    assert not RewardMap.onto(0.0, 1.0, 1.0).changes
    assert not RewardMap.onto(-3.0, 9.0, None).changes
    found = RewardMap.onto(-1.0, 3.0, 2.0)
    assert found(np.array([-1.0, 1.0, 3.0])).tolist() == [0.0, 1.0, 2.0]
    assert RewardMap.onto(5.0, 5.0, 1.0)(np.array([5.0])).tolist() == [1.0]
    assert RewardMap.onto(-5.0, -5.0, 1.0)(np.array([-5.0])).tolist() == [0.0]


def test_which_responses_are_drawn():
    advantage = np.array([0.3, -0.1, 0.1, 0.0])
    assert draw_probabilities(advantage, "good_priority") == pytest.approx([0.75, 0, 0.25, 0])
    assert draw_probabilities(advantage, "good_random") == pytest.approx([0.5, 0, 0.5, 0])
    assert draw_probabilities(advantage, "none") == pytest.approx([0.25] * 4)
    assert share_above(advantage) == 0.5
    with pytest.raises(UserError, match=r"advantages 0 %: -0.4, 25 %: -0.3, 50 %: -0.2, 75 %: -0.1, 100 %: 0\)"):
        draw_probabilities(np.array([-0.4, -0.3, -0.2, -0.1, 0.0]), "good_priority")


def test_what_contradicts_itself():
    for made in (
        lambda: OfflineSpec(draw="good_priority"),
        lambda: OfflineSpec(value=ValueSpec()),
        lambda: OfflineSpec(reward_max=-1.0),
        lambda: ValueSpec(lr=0.0),
        lambda: ValueSpec(epochs=0),
    ):
        with pytest.raises(ValueError, match=r"value|reward_max"):
            made()


def test_a_frozen_policy_is_asked_once_and_remembers_over_a_restart(tmp_path):
    model, _ = tiny_model()
    rows = [row(5, 6, 7, 8, prompt=2), row(5, 6, 9, prompt=2), row(5, 6, 7, 8, prompt=3)]
    scorer, path = RememberingScorer(model), tmp_path / "a" / "ref.logp"
    plain = Scorer(model).score(rows, 4).logp
    assert torch.equal(scorer.score(rows, 4).logp, plain)
    assert scorer.computed == 3
    assert torch.equal(scorer.score(rows[::-1], 6).logp[:, :4], plain.flip(0))
    assert scorer.computed == 3
    scorer.save(path)
    size = path.stat().st_size
    scorer.save(path)
    assert path.stat().st_size == size
    with path.open("ab") as torn:
        torn.write(b"x" * 25)
    again = RememberingScorer(model)
    again.load(path)
    assert path.stat().st_size == size
    assert torch.equal(again.score(rows, 4).logp, plain)
    assert again.computed == 0
    again.version = 7  # the weights have been replaced
    again.score(rows[:1], 4)
    assert again.computed == 1

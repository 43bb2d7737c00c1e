"""Recipes: presets, constants, names, files of others, and what is refused before a model is loaded."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import asdict, dataclass
from importlib.metadata import EntryPoint

import pytest

from assay.training.objectives.gae import GAE
from assay.training.objectives.objective import Objective
from assay.training.objectives.schedule import DynamicSampling, Plain, RolloutPlan
from assay.training.objectives.surrogate import PPOClip, Reinforce
from assay.training.recipes import Recipe, RunFacts, check_recipe, get_recipe, recipe, recipe_names, registry
from assay.training.recipes.constants import constants
from assay.training.recipes.table import recipes_table
from assay.training.value.spec import CriticSpec

BUILT_IN = ["cispo", "dapo", "dr-grpo", "grpo", "gspo", "reinforce++", "reinforce++-baseline", "rloo"]


def test_the_family_is_there():
    assert set(BUILT_IN) <= set(recipe_names())


@pytest.mark.parametrize(
    ("name", "advantage", "surrogate", "aggregation", "regularisers"),
    [
        ("grpo", "GRPO", "PPOClip(low=0.2, high=0.2, dual=3.0)", "seq-mean-token-mean", ["KLLoss"]),
        ("dr-grpo", "DrGRPO", "PPOClip(low=0.2, high=0.2, dual=3.0)", "seq-sum-norm", []),
        ("dapo", "GRPO", "PPOClip(low=0.2, high=0.28, dual=3.0)", "token-mean", []),
        ("rloo", "RLOO", "Reinforce()", "seq-mean-token-sum", []),
        ("reinforce++", "ReinforcePP", "PPOClip(low=0.2, high=0.2, dual=3.0)", "token-mean", []),
        ("reinforce++-baseline", "ReinforcePPBaseline", "PPOClip(low=0.2, high=0.2, dual=3.0)", "token-mean", []),
        ("gspo", "GRPO", "GSPO(low=0.0003, high=0.0004)", "seq-mean-token-mean", []),
        ("cispo", "GRPO", "CISPO(cap_low=None, cap_high=5.0)", "token-mean", []),
    ],
)
def test_presets(name, advantage, surrogate, aggregation, regularisers):
    objective = get_recipe(name).objective(max_length=64)
    assert type(objective.advantage).__name__ == advantage
    assert repr(objective.surrogate) == surrogate
    assert objective.aggregation == aggregation
    assert [type(slot).__name__ for slot in objective.regularisers] == regularisers
    assert objective.max_length == 64


def test_grpo_loads_a_reference_only_for_its_kl():
    assert get_recipe("grpo").objective(8).anchors == {"ref"}
    assert get_recipe("grpo").objective(8).regularisers[0].beta == 0.001
    assert get_recipe("grpo", {"kl_beta": 0}).objective(8).anchors == frozenset()
    assert get_recipe("rloo", {"kl_beta": 0.05}).objective(8).token_rewards[0].beta == 0.05
    assert all(get_recipe(name).objective(8).anchors == frozenset() for name in BUILT_IN if name != "grpo")


def test_dapo():
    dapo = get_recipe("dapo")
    assert dapo.schedule() == DynamicSampling(10)
    objective = dapo.objective(20480)
    assert objective.transforms[0].buffer == 4096
    assert [type(slot).__name__ for slot in objective.keeps] == ["DropTruncated"]
    assert get_recipe("dapo", {"dynamic_sampling": "no"}).schedule() == Plain()
    assert get_recipe("dapo", {"overlong_buffer": "64"}).objective(128).transforms[0].buffer == 64


def test_any_slot_can_be_swapped():
    mixed = {"advantage": "rloo", "surrogate": "cispo", "is-cap-high": "2.5", "mismatch": "tis", "entropy_coef": 0.01}
    objective = get_recipe("grpo", mixed).objective(8)
    assert repr(objective.advantage) == "RLOO()"
    assert repr(objective.surrogate) == "CISPO(cap_low=None, cap_high=2.5)"
    assert repr(objective.weights[0]) == "Mismatch(mode='tis', level='token', low=0.0, high=2.0)"
    assert [slot.name for slot in objective.regularisers] == ["kl", "entropy_bonus"]
    adaptive = get_recipe("grpo", {"kl_target": 0.1}).objective(8)
    assert adaptive.updated({"kl": 1.0}, 100).state()["regularisers.0.beta"] > 0.001


def test_text_is_read_as_the_type_of_the_constant():
    read = get_recipe("dapo", {"clip_high": "3e-1", "max_num_gen_batches": "4", "dual_clip": 0, "is_cap_high": "none"})
    assert (read.clip_high, read.max_num_gen_batches, read.dual_clip, read.is_cap_high) == (0.3, 4, 0.0, None)
    assert read.objective(8).surrogate == PPOClip(0.2, 0.3, None)
    assert get_recipe("grpo", asdict(get_recipe("grpo"))) == get_recipe("grpo")  # a stored configuration reads back


@pytest.mark.parametrize(
    ("name", "overrides", "words"),
    [
        ("gpro", {}, ["no recipe 'gpro'", "grpo"]),
        ("", {}, ["no recipe"]),
        ("grpo", {"kl_betta": 1}, ["no constant 'kl_betta'", "kl_beta"]),
        ("grpo", {"qqq": 1}, ["no constant 'qqq'", "clip_low"]),
        ("grpo", {"kl_beta": "lots"}, ["kl_beta", "a number", "'lots'"]),
        ("grpo", {"kl_beta": True}, ["kl_beta", "a number"]),
        ("grpo", {"kl_beta": "nan"}, ["kl_beta", "a number"]),
        ("dapo", {"max_num_gen_batches": 2.5}, ["max_num_gen_batches", "a whole number"]),
        ("dapo", {"drop_truncated": "maybe"}, ["drop_truncated", "true or false"]),
        ("grpo", {"advantage": "rlo"}, ["advantage", "rloo"]),
        ("grpo", {"kl_in": None}, ["kl_in", "reward"]),
        ("nowhere.py:x", {}, ["no recipe file", "nowhere.py"]),
        ("grpo", {"gamma": -7}, ["recipe grpo: gamma must be between 0 and 1, got -7"]),
        ("dapo", {"kl_horizon": 0}, ["kl_horizon must be above 0, got 0"]),
        ("cispo", {"is_cap_high": "-1"}, ["is_cap_high must be above 0, got -1"]),
        ("kl-rl", {"kl_beta": -1}, ["kl_beta must not be negative"]),  # declared again, within the range of the base
        ("pacs", {"reset_window": 0}, ["reset_window must be at least 1, got 0"]),
        ("nft", {"eps_neg": -0.1}, ["eps_neg must not be negative"]),
    ],
)
def test_mistakes_are_one_line(name, overrides, words):
    with pytest.raises(ValueError) as error:
        get_recipe(name, overrides)
    assert "\n" not in str(error.value)
    for word in words:
        assert word in str(error.value)


@pytest.mark.parametrize(
    ("name", "overrides", "group_size", "word"),
    [
        ("grpo", {}, 1, "group_size"),
        ("rloo", {}, 1, "group_size"),
        ("grpo", {"clip_low": 2.0}, 8, "upside down"),
        ("grpo", {"clip_high": -0.1}, 8, "upside down"),
        ("cispo", {"is_cap_low": 7.0}, 8, "upside down"),
        ("grpo", {"mismatch": "tis", "mismatch_level": "geometric"}, 8, "geometric"),
        ("grpo", {"mismatch": "mask", "mismatch_low": 3.0}, 8, "upside down"),
        ("grpo", {"kl_target": -1.0}, 8, "positive"),
        ("grpo", {"kl_beta": -1.0}, 8, "negative"),
        ("dapo", {"overlong_buffer": 500}, 8, "overlong_buffer"),
        ("dapo", {"max_num_gen_batches": 0}, 8, "max_batches"),
    ],
)
def test_what_cannot_work_is_refused(name, overrides, group_size, word):
    with pytest.raises(ValueError) as error:
        check_recipe(get_recipe(name, overrides), RunFacts(group_size, 32))
    assert word in str(error.value)
    assert str(error.value).startswith(f"recipe {name}")
    assert "\n" not in str(error.value)


def test_reinforce_pp_needs_no_groups():
    assert not check_recipe(get_recipe("reinforce++"), RunFacts(1, 32)).advantage.group_relative


class Grouped(Reinforce):
    @property
    def needs_whole_groups(self):
        return True


def made(advantage, surrogate, spec=None):
    @dataclass(frozen=True)
    class Made(Recipe):
        name = "made"

        def objective(self, max_length):
            return Objective(advantage, surrogate, "token-mean", max_length)

        def critic(self):
            return spec

        def refuses(self, run):
            return "samples at temperature 1" if run.temperature != 1 else None

    return Made()


def test_needs_that_the_trainer_does_not_meet():
    with pytest.raises(ValueError, match="critic"):
        check_recipe(made(GAE(), Reinforce()), RunFacts(8, 8))
    assert check_recipe(made(GAE(), Reinforce(), CriticSpec()), RunFacts(8, 8)).needs_critic
    grouped = made(get_recipe("grpo").objective(8).advantage, Grouped())
    with pytest.raises(ValueError, match="splits them"):
        check_recipe(grouped, RunFacts(8, 8, whole_groups=False))
    assert check_recipe(grouped, RunFacts(8, 8))
    with pytest.raises(ValueError, match="recipe made samples at temperature 1"):
        check_recipe(grouped, RunFacts(8, 8, temperature=0.7))
    with pytest.raises(ValueError, match="--data"):
        check_recipe(grouped, RunFacts(8, 8, logged=True))


def test_a_schedule_may_sample_only_by_policies_that_exist():
    class Elsewhere(Plain):
        def plan(self, step, configured):
            return RolloutPlan(configured.groups, configured.group_size, configured.temperature, sampler="proposal")

    @dataclass(frozen=True)
    class Sampled(type(get_recipe("grpo"))):
        def schedule(self):
            return Elsewhere()

    with pytest.raises(ValueError, match=r"frozen policy 'proposal', which its objective does not have: \['ref'\]"):
        check_recipe(Sampled(), RunFacts(8, 8))


def test_a_schedule_that_samples_more_rollouts_satisfies_the_group_size():
    class Large(Plain):
        def plan(self, step, configured):
            return RolloutPlan(configured.groups, 512, configured.temperature)

    @dataclass(frozen=True)
    class Broad(type(get_recipe("grpo"))):
        def schedule(self):
            return Large()

    assert check_recipe(Broad(), RunFacts(1, 8))


OUTSIDE = '''
from __future__ import annotations
from dataclasses import dataclass
from assay.training.recipes import recipe
from assay.training.recipes.slots import SlotRecipe

@recipe("mine")
@dataclass(frozen=True)
class Mine(SlotRecipe):
    """My own method."""
    entropy_coef: float = 0.5
    """How much."""
    ladder: tuple[int, ...] = (1, 2)
    """Rungs."""
'''


def test_a_recipe_from_a_file_outside_the_tree(tmp_path):
    path = tmp_path / "own.py"
    path.write_text(OUTSIDE)
    found = get_recipe(f"{path}:mine", {"ladder": "3, 4", "clip_low": 0.1})
    assert found.ladder == (3, 4)
    assert found.objective(8).regularisers[0].coef == 0.5
    assert type(get_recipe(str(path))) is type(found)  # the only one in it
    assert constants(type(found))["entropy_coef"].doc == "How much."
    assert "mine" in recipe_names()
    with pytest.raises(ValueError, match="it has mine"):
        get_recipe(f"{path}:yours")


def test_a_broken_file_is_one_line(tmp_path):
    path = tmp_path / "broken.py"
    path.write_text("import nothing_of_that_name\n")
    with pytest.raises(ValueError, match="ModuleNotFoundError"):
        get_recipe(f"{path}:x")
    path.write_text("")
    with pytest.raises(ValueError, match="decorate"):
        get_recipe(f"{path}:x")


def test_a_taken_name_is_refused(tmp_path):
    path = tmp_path / "thief.py"
    path.write_text(OUTSIDE.replace('"mine"', '"grpo"'))
    with pytest.raises(ValueError, match="taken"):
        get_recipe(f"{path}:grpo")
    assert type(get_recipe("grpo")).__name__ == "GRPO"


@dataclass(frozen=True)
class FromElsewhere(type(get_recipe("grpo"))):
    """Somebody's."""


def test_entry_points(monkeypatch):
    points = [
        EntryPoint("elsewhere", f"{__name__}:FromElsewhere", "assay.recipes"),
        EntryPoint("not-one", "os:getcwd", "assay.recipes"),
    ]
    monkeypatch.setattr(registry, "entry_points", lambda group: points)
    assert {"elsewhere", "not-one", "grpo"} <= set(recipe_names())
    monkeypatch.setattr(EntryPoint, "load", lambda self: FromElsewhere if self.name == "elsewhere" else print)
    assert type(get_recipe("elsewhere")).__name__ == "FromElsewhere"
    with pytest.raises(ValueError, match="not a Recipe"):
        get_recipe("not-one")


def test_registering_twice_is_harmless_for_the_same_class():
    cls = type(get_recipe("dapo"))
    assert recipe("dapo")(cls) is cls


def test_the_table():
    rows = {row.name: row for row in recipes_table() if row.name in BUILT_IN}
    assert sorted(rows) == BUILT_IN
    for row in rows.values():
        assert row.summary.endswith(".")
        assert row.paper.startswith("arXiv:")
        assert all(constant.doc.endswith(".") for constant in row.constants.values())
    assert rows["dapo"].slots == {
        "reward": "SoftOverlong",
        "advantage": "GRPO",
        "weights": "DropTruncated",
        "surrogate": "PPOClip",
        "aggregation": "token-mean",
        "regularisers": "-",
        "schedule": "DynamicSampling",
        "anchors": "-",
        "critic": "-",
    }
    assert rows["dapo"].constants["clip_high"].default == 0.28
    assert "aggregation" not in rows["dapo"].constants
    assert constants(type(get_recipe("grpo")))["kl_in"].choices == ("loss", "reward")


def test_every_constant_is_documented():
    for name in BUILT_IN:
        for constant in constants(type(get_recipe(name))).values():
            assert constant.doc, f"{name}.{constant.name}"


def test_reading_a_configuration_does_not_import_torch():
    code = "import sys; from assay.training.recipes import get_recipe as g; g('dapo'); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0

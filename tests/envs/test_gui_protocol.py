"""Resizing, coordinates and prompts of GUI grounding: the numbers of the InfiGUI-G1 recipe."""

from __future__ import annotations

import pytest

from assay.envs.gui_grounding.options import FamilyName, Options
from assay.envs.gui_grounding.prompt import render_prompt
from assay.envs.gui_grounding.protocol import FAMILIES, cap, protocol_of, scaled_box, smart_resize
from assay.envs.text_classification import Options as Other

G1 = protocol_of(Options())
SIZES = {
    (1920, 1080): ((1932, 1092), 2691),
    (2560, 1440): ((2548, 1428), 4641),
    (1170, 2532): ((1176, 2520), 3780),
    (20, 30): ((56, 84), 6),
    (3840, 2160): ((2800, 1568), 5600),
}


@pytest.mark.parametrize("size", SIZES)
def test_sizes_shown(size):
    assert (G1.shown(size), G1.tokens(size)) == SIZES[size]


def test_the_cap_comes_first_and_the_sides_scale_each_by_itself():
    assert cap((3840, 2160), 5600 * 28 * 28) == (2794, 1571)
    assert smart_resize((2794, 1571)) == (2800, 1568)
    box = scaled_box((3000, 1000, 3100, 1040), (3840, 2160), G1.shown((3840, 2160)))
    assert box == pytest.approx((2187.5, 725.926, 2260.417, 754.963), abs=5e-4)


def test_without_a_cap_the_processors_limit_holds():
    free = protocol_of(Options(max_image_tokens=0))
    width, height = free.shown((7680, 4320))
    assert width * height <= 12_845_056
    assert (width % 28, height % 28) == (0, 0)
    assert abs(width / height - 16 / 9) < 0.02


def test_odd_shapes():
    with pytest.raises(ValueError, match="8100 x 40 pixels is too long and thin: at most 200 to 1"):
        smart_resize((8100, 40))
    assert smart_resize((8000, 40)) == (7980 + 28, 28) == (8008, 28)
    assert smart_resize((1, 1)) == (56, 56)
    for size in ((14, 42), (42, 14), (70, 98)):  # halves are rounded to even
        assert smart_resize(size, least=1) == tuple(max(28, round(side / 28) * 28) for side in size)


def test_the_longest_side_is_limited_for_models_without_a_grid():
    small = protocol_of(Options(family="smolvlm", max_side=512))
    assert small.shown((1280, 720)) == (512, 288)
    assert small.shown((300, 200)) == (300, 200)
    assert small.tokens((300, 200)) == 0
    with pytest.raises(ValueError, match="family smolvlm has no image tokens of a fixed size: give max_side"):
        protocol_of(Options(family="smolvlm", max_image_tokens=100))


@pytest.mark.parametrize(
    ("coord", "said"),
    [("abs_resized", (1400, 784)), ("abs_original", (1920, 1080)), ("rel1", (0.5, 0.5)), ("rel1000", (500, 500))],
)
def test_coordinates_become_pixels_of_the_original(coord, said):
    scale = protocol_of(Options(coord=coord)).scale((3840, 2160))
    assert (said[0] * scale[0], said[1] * scale[1]) == pytest.approx((1920, 1080))


def test_families():
    assert set(FAMILIES) == set(FamilyName.__args__)
    assert FAMILIES["qwen2.5-vl"].coord == FAMILIES["infigui-g1"].coord == FAMILIES["holo1.5"].coord == "abs_resized"
    assert FAMILIES["qwen2-vl"].coord == FAMILIES["os-atlas"].coord == FAMILIES["qwen3-vl"].coord == "rel1000"
    assert FAMILIES["seeclick"].coord == FAMILIES["showui"].coord == "rel1"
    qwen3 = protocol_of(Options(family="qwen3-vl")).shown((1920, 1080))
    assert qwen3[0] % 32 == qwen3[1] % 32 == 0


def test_what_a_result_depends_on_can_be_written_down():
    held = protocol_of(Options(source="screenspot-pro", max_image_tokens=1280, think=False)).to_dict()
    assert (held["benchmark"], held["rollup"], held["family"]) == ("screenspot-pro", "screenspot-pro", "infigui-g1")
    assert (held["max_image_tokens"], held["think"], held["coord"], held["parser"]) == (
        1280,
        False,
        "abs_resized",
        "points",
    )


def test_prompts():
    system, user = render_prompt("ref", 'Click "a {width} b"', (3840, 2160), G1)
    assert "<think>" in system["content"]
    image, text = user["content"]
    assert image == {"type": "image", "image": "ref"}
    assert "2800x1568" in text["text"]
    assert 'Click "a {width} b"' in text["text"]  # what an instruction holds is not filled in
    assert "point_2d" in text["text"]
    assert "first" in text["text"]
    one = render_prompt("ref", "x", (640, 480), protocol_of(Options(multi_answer=False, think=False)))
    assert "the one element" in one[1]["content"][1]["text"]
    assert "<think>" not in one[0]["content"]
    bare = render_prompt("ref", "x", (640, 480), protocol_of(Options(family="seeclick")))
    assert "(x, y)" in bare[1]["content"][1]["text"]
    assert "0 to 1" in bare[1]["content"][1]["text"]


def test_a_template_of_ones_own():
    options = Options(prompt_template="{width} by {height}: {instruction} {other}", system_prompt="none")
    (user,) = render_prompt("ref", "go", (1920, 1080), protocol_of(options))
    assert user["content"][1]["text"] == "1932 by 1092: go {other}"
    said = render_prompt("ref", "go", (1920, 1080), protocol_of(Options(system_prompt="Be quick.")))
    assert said[0] == {"role": "system", "content": "Be quick."}


def test_options_are_frozen_and_start_alike():
    assert Options().split == Other().split == "train"
    assert (Options().source, G1.max_image_tokens, G1.think, G1.multi_answer) == ("qt", 5600, True, True)

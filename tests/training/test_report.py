import base64
import io
import math
import re
from html.parser import HTMLParser

import pytest
from PIL import Image

from assay.envs.episode import Episode, Outcome, Turn
from assay.training.config import SFTConfig, TrainConfig
from assay.training.configfile import write_config
from assay.training.errors import UserError
from assay.training.logs import MetricsLog
from assay.training.plots import learning_curve
from assay.training.report import write_report
from assay.training.report_episodes import thumbnail
from assay.training.report_html import LONGEST_TEXT, text
from assay.training.report_svg import HEIGHT, WIDTH, Series, interval_chart, line_chart, short, ticks
from assay.training.stats import wilson
from assay.training.stored import write_episodes
from assay.verifiers.score import Score

EVIL = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "</pre></details></section><iframe src='https://example.org'></iframe>",
    '"><svg onload=alert(1)>',
    "]]><!-- --><style>body{display:none}</style>",
    "\u202eright to left\u202c \x00\x1b[31m \ud800",
    "&lt;b&gt; &amp; {{7*7}} javascript:alert(1)",
]


class Page(HTMLParser):
    """Collects tags and attributes, and checks that everything opened is closed."""

    VOID = frozenset({"meta", "img"})

    def __init__(self, html):
        super().__init__()
        self.tags, self.attributes, self.open, self.words = [], [], [], []
        self.feed(html)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(tag, *pair) for pair in attrs]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(tag, *pair) for pair in attrs]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)


def rates(successes, n):
    interval = wilson(successes, n)
    return {"split": "test", "n": n, "accuracy": interval.mean, "low": interval.low, "high": interval.high}


def make_run(run_dir, *, steps=12, responses=("a", "b"), seed=0, confusion=None, config=None, evals=True):
    run_dir.mkdir(parents=True)
    config = config or TrainConfig(seed=seed)
    write_config(run_dir, config, recipe={"kl_beta": 0.0})
    confusion = confusion or {"x": {"x": 5, EVIL[0]: 2}, EVIL[1]: {"x": 3}}
    with MetricsLog(run_dir, config) as log:
        log.write("baseline", 0, name="majority", **rates(5, 50))
        log.write("eval", 0, **rates(10, 50))
        for step in range(1, steps + 1):
            log.write("train", step, reward=step / steps, entropy=None if step == 3 else 1 / step, dead_groups=0.1,
                      tokens=10, seconds_train=1.0, **{"part/label": 0.5})  # fmt: skip
            if evals and step % 4 == 0:
                log.write("eval", step, confusion=confusion, **{"pass@2": 0.9}, **rates(10 + 3 * step + seed, 50))
        log.write("alert", 7, name="kl_high", message=EVIL[2])
    episodes = []
    for number, response in enumerate(responses):
        prompt = [
            {"role": "user", "content": [{"type": "text", "text": response}, {"type": "image", "image": response}]}
        ]
        score = Score(float(number % 2), {"label": float(number % 2)}, bool(number % 2), True, f"saw {response}")
        turn = Turn([*prompt, {"role": "user", "content": response}], response, score.reward)
        episodes.append(Episode("text-classification-v0", f"t{number}", 1, [turn], Outcome.SCORED, score,
                                truth={"label": response, "options": {}}))  # fmt: skip
    write_episodes(run_dir / "episodes" / "eval-000012.jsonl", episodes)
    return run_dir


def test_a_report_shows_what_the_run_did(tmp_path):
    run = make_run(tmp_path / "run")
    path = write_report(run)
    assert path == run / "report.html"
    html = path.read_text(encoding="utf-8")
    words = " ".join(Page(html).words)
    for expected in ("20.0 %", "92.0 %", "+72.0 points, intervals apart", "majority", "trained, step 12",
                     "pass@2 90.0 %", "part of the reward", "train-agent", "torch", "kl_beta",
                     "2 best", "2 worst"):  # fmt: skip
        assert expected in words
    assert "KL to the start" not in words  # nothing was logged, so there is no empty chart
    assert html.count("<polyline") >= 5
    assert (run / "curve.png").read_bytes().startswith(b"\x89PNG")
    assert not list(run.glob("*.tmp"))


def test_nothing_a_model_or_data_set_wrote_becomes_markup(tmp_path):
    calm = Page(write_report(make_run(tmp_path / "calm", responses=["calm"] * len(EVIL))).read_text(encoding="utf-8"))
    html = write_report(make_run(tmp_path / "evil", responses=EVIL)).read_text(encoding="utf-8")
    page = Page(html)
    assert set(page.tags) <= set(calm.tags) | {"svg"}
    assert not {"script", "iframe", "link", "object", "embed", "base", "form"} & set(page.tags)
    assert page.tags.count("style") == 1
    assert not [name for _, name, _ in page.attributes if name.startswith("on")]
    words = "".join(page.words)
    for evil in EVIL[:5]:
        assert evil in words
    assert "[U+202E]right to left" in words
    assert not re.search("[\u202a-\u202e\x00\x1b]", html)


def test_a_report_asks_the_network_for_nothing(tmp_path):
    html = write_report(make_run(tmp_path / "run", responses=EVIL)).read_text(encoding="utf-8")
    page = Page(html)
    for tag, name, value in page.attributes:
        if name in ("src", "href", "data", "action", "poster", "srcset"):
            assert value.startswith("data:image/png;base64,"), (tag, name, value)
        if name == "style":
            assert "url(" not in value
    assert "default-src 'none'" in html
    assert "@import" not in html
    assert "url(" not in html.split("</style>")[0]


def test_a_run_that_has_only_begun_gets_a_report(tmp_path):
    run = tmp_path / "run"
    run.mkdir()
    write_config(run, TrainConfig())
    html = write_report(run).read_text(encoding="utf-8")
    assert "No evaluation has been stored yet" in html
    Page(html)
    with pytest.raises(UserError, match="holds no run"):
        write_report(tmp_path)


def test_a_warm_up_has_its_own_row(tmp_path):
    run = make_run(tmp_path / "run", config=TrainConfig(sft=SFTConfig(epochs=1)))
    with (run / "metrics.jsonl").open("a") as lines:
        lines.write('{"step": 0, "kind": "sft", "sft_step": 1, "loss": 2.5}\n')
        lines.write('{"step": 0, "kind": "baseline", "name": "untrained", "accuracy": 0.1}\n')
    words = " ".join(Page(write_report(run).read_text(encoding="utf-8")).words)
    assert "after supervised warm-up" in words
    assert "Warm-up loss" in words
    assert "10.0 %" in words


def test_many_labels_become_a_list_of_confusions(tmp_path):
    counts = {f"label {i}": {f"label {i}": 3, f"label {(i + 1) % 60}": i} for i in range(60)}
    words = Page(write_report(make_run(tmp_path / "run", confusion=counts)).read_text(encoding="utf-8")).words
    assert "59" in words
    assert "label 59" in words
    assert words.count("3") == 0


def test_long_texts_are_cut_with_a_note():
    assert text("x" * (LONGEST_TEXT + 5)).endswith("x… (5 more characters)")
    assert text("<" * 3, 2) == "&lt;&lt;… (1 more characters)"
    assert text("\ud800a") == "?a"


def picture(size=(300, 200), mode="RGB"):
    buffer = io.BytesIO()
    Image.new(mode, size).save(buffer, "PNG")
    return buffer.getvalue()


def decoded(tag):
    assert tag.startswith("<img")
    return Image.open(io.BytesIO(base64.b64decode(re.search(r"base64,([^\"]+)", tag).group(1))))


@pytest.mark.parametrize("mode", ["RGB", "L", "1", "P", "RGBA", "I;16"])
def test_images_are_shown_small(tmp_path, mode):
    path = tmp_path / "image.png"
    path.write_bytes(picture(mode=mode))
    assert max(decoded(thumbnail(str(path))).size) <= 224
    uri = "data:image/png;base64," + base64.b64encode(picture((8, 8), mode)).decode()
    assert decoded(thumbnail(uri)).size == (8, 8)


@pytest.mark.parametrize(
    "source",
    ["", "nowhere.png", "https://example.org/a.png", "data:image/svg+xml,<svg onload=alert(1)>", "/etc/passwd", "\x00",
     "data:image/png;base64,!!!", "data:text/html;base64,PGI+", "data:image/png;base64," + "A" * 5_000_000],
)  # fmt: skip
def test_what_is_not_a_picture_is_named_as_text(source):
    shown = thumbnail(source)
    assert shown.startswith("<pre")
    assert len(shown) < 2000
    Page(shown)


@pytest.mark.parametrize(("low", "high"), [(0, 1), (0, 0.003), (-3.2, 17.9), (1e-6, 2e-6), (0, 99_999), (5, 5)])
def test_ticks_are_round_and_inside(low, high):
    found = ticks(low, high)
    assert 1 <= len(found) <= 8
    assert all(low - 1e-9 <= tick <= high + 1e-9 for tick in found)
    if high > low:
        step = found[1] - found[0]
        mantissa = step / 10 ** math.floor(math.log10(step) + 1e-9)
        assert round(mantissa, 6) in (1.0, 2.0, 5.0, 10.0)


def coordinates(svg):
    return [
        tuple(map(float, point.split(",")))
        for points in re.findall(r'points="([^"]+)"', svg)
        for point in points.split()
    ]


def test_a_chart_puts_values_where_they_belong():
    svg = line_chart([Series([0, 5, 10], [0.0, 0.5, 1.0])], percent=True)
    (x0, y0), (x1, y1), (x2, y2) = coordinates(svg)
    assert x1 - x0 == pytest.approx(x2 - x1)
    assert y0 - y1 == pytest.approx(y1 - y2)
    assert 0 < x0 < x2 < WIDTH
    assert 0 < y2 < y0 < HEIGHT


def test_missing_values_break_a_curve_and_none_make_no_chart():
    svg = line_chart([Series(range(6), [1, 2, None, 3, 4, float("nan")])])
    assert svg.count("<polyline") == 2
    assert line_chart([Series([1, 2], [None, None])]) == ""
    assert line_chart([Series([], [])]) == ""
    assert "<circle" in line_chart([Series([1], [2.0])])


def test_long_curves_are_thinned_to_means():
    svg = line_chart([Series(range(10_000), [float(i % 2) for i in range(10_000)])])
    points = coordinates(svg)
    assert 300 <= len(points) <= 400
    assert max(y for _, y in points) - min(y for _, y in points) < HEIGHT / 4


def test_axis_labels():
    assert [short(v) for v in (0, 0.25, 1234, 1e-5, 250_000)] == ["0", "0.25", "1234", "1e-5", "2e5"]
    assert short(0.5, percent=True) == "50 %"


def test_intervals_name_their_rows():
    page = Page(interval_chart([("<majority>", 0.2, 0.1, 0.3, False), ("trained", 1.2, 0.8, 1.4, True)]))
    assert "<majority>" in page.words
    assert page.tags.count("circle") == 2


@pytest.mark.parametrize("runs", [1, 3])
def test_learning_curves_of_one_run_and_of_seeds(tmp_path, runs):
    paths = [make_run(tmp_path / f"s{seed}", seed=seed) for seed in range(runs)]
    out = learning_curve(paths, tmp_path / "docs" / "curve.png", title="seeds")
    with Image.open(out) as image:
        assert image.size == (1152, 672)
        assert len(set(image.convert("RGB").getdata())) > 50


def test_learning_curves_of_several_methods(tmp_path):
    methods = {"sft": [make_run(tmp_path / "a"), make_run(tmp_path / "b", seed=1)], "rl": [make_run(tmp_path / "c")]}
    assert learning_curve(methods, tmp_path / "curve.svg").read_text(encoding="utf-8").startswith("<?xml")


def test_a_curve_of_nothing_is_refused(tmp_path):
    run = tmp_path / "run"
    run.mkdir()
    write_config(run, TrainConfig())
    with pytest.raises(UserError, match="no evaluation to draw"):
        learning_curve(run, tmp_path / "x.png")

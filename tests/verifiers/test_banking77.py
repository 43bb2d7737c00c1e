"""``classify.label`` on the 77 intents of Banking77, real labels with odd spellings among them."""

import csv
import json
from pathlib import Path

import pytest

from assay.verifiers import score
from assay.verifiers.audit import audit

FOLDER = Path(__file__).parents[2] / "../shared/data/banking77"
pytestmark = pytest.mark.skipif(not FOLDER.exists(), reason="needs ../shared/data/banking77 beside the repository")


@pytest.fixture(scope="module")
def labels():
    return json.loads((FOLDER / "categories.json").read_text(encoding="utf-8"))


def test_each_label_earns_for_itself_alone(labels):
    for label in labels:
        truth = {"label": label, "labels": labels}
        rewards = [score("classify.label", other, truth).reward for other in labels]
        assert rewards == [float(other == label) for other in labels]


def test_the_audit_on_real_tasks(labels):
    with (FOLDER / "test.csv").open(encoding="utf-8", newline="") as file:
        tasks = [{"truth": {"label": row["category"], "labels": labels}} for row in csv.DictReader(file)]
    report = audit("classify.label", tasks, seconds=60.0, size=50_000)
    assert report.ok, report.table()
    assert report.attack_rate == 0.0

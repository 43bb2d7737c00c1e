"""Image names against the examples of the published harnesses."""

from __future__ import annotations

import pytest

from assay.sandbox.docker import names


@pytest.mark.parametrize(
    ("instance", "image"),
    [
        ("astropy__astropy-12907", "swebench/sweb.eval.x86_64.astropy_1776_astropy-12907:latest"),
        ("django__django-11099", "swebench/sweb.eval.x86_64.django_1776_django-11099:latest"),
        ("scikit-learn__scikit-learn-10297", "swebench/sweb.eval.x86_64.scikit-learn_1776_scikit-learn-10297:latest"),
        ("PyCQA__flake8-1", "swebench/sweb.eval.x86_64.pycqa_1776_flake8-1:latest"),
    ],
)
def test_published_swe_bench(instance: str, image: str) -> None:
    assert names.swe_bench(instance) == image
    assert names.of_row({"instance_id": instance}, "swe-bench") == image


def test_local_swe_bench() -> None:
    local = names.swe_bench("astropy__astropy-12907", namespace=None)
    assert local == "sweb.eval.x86_64.astropy__astropy-12907:latest"
    arm = names.swe_bench("astropy__astropy-12907", arch="arm64", namespace="")
    assert arm == "sweb.eval.arm64.astropy__astropy-12907:latest"


def test_swe_gym() -> None:
    image = "xingyaoww/sweb.eval.x86_64.getmoto_s_moto-7365:latest"
    assert names.swe_gym("getmoto__moto-7365") == image
    assert names.of_row({"instance_id": "getmoto__moto-7365"}, "swe-gym") == image
    assert names.swe_gym("Project-MONAI__MONAI-1") == "xingyaoww/sweb.eval.x86_64.project-monai_s_monai-1:latest"


def test_r2e_gym() -> None:
    commit = "f0d74880deec8fcd982bce639c93c5e130d41198"
    image = f"namanjain12/aiohttp_final:{commit}"
    assert names.r2e_gym("aiohttp", commit) == image
    assert names.of_row({"repo_name": "aiohttp", "commit_hash": commit}, "r2e-gym") == image
    assert names.of_row({"docker_image": image, "repo_name": "other"}, "r2e-gym") == image


def test_swe_smith() -> None:
    image = "jyangballin/swesmith.x86_64.pallets_1776_flask.bc098406"
    assert names.swe_smith("pallets/flask", "bc098406c0ffee") == image
    assert names.swe_smith("pallets/flask", "bc098406", namespace=None) == "swesmith.x86_64.pallets__flask.bc098406"
    row = {"instance_id": "pallets__flask.bc098406.func_basic__a1b2"}
    assert names.of_row(row, "swe-smith") == image
    assert names.of_row({**row, "image_name": "swesmith.x86_64.pallets__flask.bc098406"}, "swe-smith") == image
    assert names.of_row({**row, "image_name": image}, "swe-smith") == image


def test_the_row_s_own_image_comes_first() -> None:
    row = {"instance_id": "a__b-1", "image": "registry.example:5000/x/y:v1"}
    assert names.of_row(row, "swe-bench") == "registry.example:5000/x/y:v1"


@pytest.mark.parametrize(
    ("row", "dataset"),
    [
        ({"instance_id": "a__b-1"}, "swe-lancer"),
        ({}, "swe-bench"),
        ({"instance_id": "a b"}, "swe-bench"),
        ({"instance_id": "../etc"}, "swe-gym"),
        ({"instance_id": "x" * 100_000 + "\n"}, "swe-bench"),
        ({"instance_id": None}, "swe-smith"),
        ({"instance_id": "pallets__flask"}, "swe-smith"),
        ({"repo_name": "aiohttp", "commit_hash": "main"}, "r2e-gym"),
        ({"docker_image": "--privileged"}, "r2e-gym"),
        ({"image": "a/b:c d"}, "swe-bench"),
        ({"image": "a/UPPER"}, "swe-bench"),
    ],
)
def test_what_names_no_image_is_refused(row: dict[str, object], dataset: str) -> None:
    with pytest.raises(ValueError, match=r"image|naming|swe-smith id"):
        names.of_row(row, dataset)


@pytest.mark.parametrize(("machine", "name"), [("x86_64", "x86_64"), ("AMD64", "x86_64"), ("aarch64", "arm64")])
def test_architectures(machine: str, name: str) -> None:
    assert names.architecture(machine) == name
    assert names.architecture() in names.swe_bench("a__b-1", arch=names.architecture())

"""Sandboxes of two nodes of a local Ray cluster behind one pool."""

from __future__ import annotations

import asyncio
import io
import os
import tarfile
import time
from collections.abc import Iterator
from typing import Any

import pytest

from assay.sandbox import FileRefused, SandboxDied, SandboxSpec, SandboxUnavailable, gc
from assay.sandbox.fleet import RayPool
from assay.sandbox.pool import PoolTimeout

ray = pytest.importorskip("ray", reason="needs ray: pip install 'assay[ray]'")


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    from ray.cluster_utils import Cluster

    os.environ.setdefault("RAY_DISABLE_IMPORT_WARNING", "1")
    memory = 128 * 2**20
    nodes = Cluster(
        initialize_head=True,
        head_node_args={"num_cpus": 1, "include_dashboard": False, "object_store_memory": memory},
    )
    nodes.second = nodes.add_node(num_cpus=1, object_store_memory=memory)
    ray.init(address=nodes.address, log_to_driver=False, logging_level="ERROR")
    yield nodes
    ray.shutdown()
    nodes.shutdown()
    gc.collect()  # of the node that was lost


def test_without_ray_running_it_says_what_to_do() -> None:
    if ray.is_initialized():
        pytest.skip("Ray runs already")
    with pytest.raises(SandboxUnavailable, match=r"ray\.init"):
        RayPool()


def test_leases_spread_over_nodes_and_answer_as_local_ones(cluster: Any) -> None:
    with RayPool(SandboxSpec(), size=1, backend="local-unsafe") as fleet:
        with fleet.lease() as one, fleet.lease() as two:
            one.write_file("here", b"1")
            assert one.exec("cat here", timeout=20).stdout == b"1"
            assert two.exec("ls", timeout=20).stdout == b""
            assert {stats.leased for stats in fleet.stats().values()} == {1}
            assert len(fleet.stats()) == 2
            with pytest.raises(FileRefused):
                one.read_file("missing")
            with pytest.raises(PoolTimeout, match="2 nodes"), fleet.lease(timeout=0.1):
                pass
            with tarfile.open(fileobj=io.BytesIO(one.download("here"))) as tar:
                assert tar.getnames() == ["here"]
            two.upload(io.BytesIO(one.download("here")), "copy")
            assert two.read_file("copy/here") == b"1"
        with fleet.lease() as again:
            assert again.exec("ls", timeout=20).stdout == b""
        with pytest.raises(SandboxDied, match="ended"):
            one.exec("true", timeout=5)


def test_coroutines_share_the_fleet(cluster: Any) -> None:
    async def episode(fleet: RayPool, index: int) -> int:
        async with fleet.lease() as box:
            return int((await box.exec(f"echo {index}", timeout=20)).stdout)

    async def cancelled(fleet: RayPool) -> None:
        async with fleet.lease() as box:
            task = asyncio.create_task(box.exec("sleep 100", timeout=200))
            await asyncio.sleep(0.5)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert (await box.exec("echo on", timeout=20)).stdout == b"on\n"

    async def main() -> list[int]:
        with RayPool(SandboxSpec(), size=2, backend="local-unsafe") as fleet:
            await cancelled(fleet)
            return await asyncio.gather(*(episode(fleet, index) for index in range(8)))

    assert asyncio.run(main()) == list(range(8))


def test_a_lost_node_is_an_error_of_its_sandboxes_only(cluster: Any) -> None:
    fleet = RayPool(SandboxSpec(), size=1, backend="local-unsafe")
    try:
        with fleet.lease() as one, fleet.lease() as two:
            homes = {box: box.exec("echo $ASSAY_ROOT", timeout=20).text().strip() for box in (one, two)}
            assert len(set(homes.values())) == 2
            cluster.remove_node(cluster.second, allow_graceful=False)
            dead, living = [], []
            deadline = time.monotonic() + 60
            while len(dead) != 1 and time.monotonic() < deadline:
                dead, living = [], []
                for box in (one, two):
                    try:
                        box.exec("true", timeout=20)
                        living.append(box)
                    except SandboxDied:
                        dead.append(box)
            assert len(dead) == len(living) == 1
            assert not dead[0].alive()
        for _ in range(2):
            with fleet.lease(timeout=60) as box:
                assert box.exec("echo on", timeout=20).stdout == b"on\n"
        with fleet.lease() as _, pytest.raises(PoolTimeout), fleet.lease(timeout=0.1):
            pass
        assert len(fleet.stats()) == 1
    finally:
        fleet.close()

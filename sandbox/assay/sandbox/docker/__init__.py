"""The docker back-end, on the SDK ``docker``; a Podman socket in ``DOCKER_HOST`` does as well.

The SDK is imported when a daemon is first talked to, so that this package can be imported without it.
"""

from assay.sandbox.docker.images import build_from_rootfs, build_host_closure
from assay.sandbox.docker.owner import sweep
from assay.sandbox.docker.sandbox import DockerSandbox

__all__ = ["DockerSandbox", "build_from_rootfs", "build_host_closure", "sweep"]

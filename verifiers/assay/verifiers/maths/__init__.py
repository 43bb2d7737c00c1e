"""Mathematics: ``math.countdown`` and ``math.numeric``."""

from assay.verifiers.maths.countdown import countdown
from assay.verifiers.maths.verify import numeric

__all__ = ["countdown", "numeric"]

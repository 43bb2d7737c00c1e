"""Mathematics: ``math.numeric``."""

from assay.verifiers.maths.verify import numeric

__all__ = ["numeric"]

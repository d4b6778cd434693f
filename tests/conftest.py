"""What all tests share: properties are about results, so a slow or busy machine is no failure.

The gate says the same of the same commit: examples are those of fixed seeds, as Hypothesis' own profile for CI has it.
`make laws` looks for others; `make check`, which is for every few minutes, looks at few.
"""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

settings.register_profile("gate", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("laws", settings.get_profile("gate"), derandomize=False, print_blob=True)
settings.register_profile("check", settings.get_profile("gate"), max_examples=20)
settings.load_profile("laws" if "LAWS" in os.environ else "check" if "CHECK" in os.environ else "gate")

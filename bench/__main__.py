"""`python -m bench`: the comparison with the peers (`python -m bench.growth` shows the growth)."""

from __future__ import annotations

from bench.dav import main

main()

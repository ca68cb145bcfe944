"""Rows: sources, conversion, the store, curation. Imports nothing of the other floors."""

import time

LOADED_AT = time.time()  # no module of ours is loaded before: pipeline/fingerprint asks for it

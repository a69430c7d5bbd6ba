"""One folder with which a room starts without a network: wheels, the course, start scripts and checksums.

uv decides which packages a platform needs, pip fetches them; the code here only orders and checks.
``start.py``, with its two launchers, is what the kit itself runs; it needs nothing but Python.
"""

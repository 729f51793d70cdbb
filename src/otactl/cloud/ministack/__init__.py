"""Every touch of MiniStack that is not its public surface (HTTP, MQTT, environment, the ASGI app).

Each module here says what it touches and why; ``tests/contract/test_ministack.py`` says what
changed when the pinned version moves. See ``docs/adr/0005-private-touches.md``.
"""

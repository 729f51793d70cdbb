"""The stream service: MQTT file streams, which MiniStack lacks.

A request over HTTP goes ``front`` → ``api`` → ``store``; one over MQTT goes ``device`` →
``selection`` → ``file_reader`` → ``chunk_cache`` → the cloud's S3.
"""

"""The stream service: MQTT file streams, which MiniStack lacks.

A request over HTTP goes ``ministack.stream_request`` → ``api`` → ``store``; one over MQTT goes
``topics`` → ``device`` → ``selection`` → ``file_reader`` → the cloud's S3.
"""

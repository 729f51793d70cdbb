"""Codecs: topics and payloads of IoT Jobs and MQTT file streams, snake_case to camelCase and back.

Bytes and strings in, frozen values out, or ``WireError``. No sockets, no clock.
"""

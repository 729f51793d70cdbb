"""Thin boto3 adapters behind the Protocols of the layers below; the only users of boto3."""

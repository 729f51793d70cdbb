"""Charts as SVG: small, styled by the page around them, and readable without colour.

The live page and the report have the same drawings (ADR 0402). Text in them is escaped.
"""

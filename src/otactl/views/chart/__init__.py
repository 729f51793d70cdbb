"""Charts as SVG, drawn here: small, styled by the page around them, and readable without colour.

The same drawings stand on the live page and in the report (ADR 0402). Text in them is escaped.
"""

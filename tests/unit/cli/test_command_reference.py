from __future__ import annotations

from scripts.dev.command_reference import PAGE, render


def test_the_page_says_what_the_commands_say():
    expected = render()

    # Mend it with: python -m scripts.dev.command_reference
    assert PAGE.read_text(encoding="utf-8") == expected


def test_every_command_teaches():
    for section in render().split("\n## ")[1:]:
        title, _, text = section.partition("\n")
        assert len(text.split("```")[2].strip()) > 40, f"{title} says too little"

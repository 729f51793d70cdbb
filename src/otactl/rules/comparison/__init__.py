"""Does a wave fare worse than things that were not updated?

``arms`` draws who is compared, ``fisher`` is the arithmetic and says what could have
been seen at all, ``compare`` makes a verdict of it. All of it is pure, and exact: no
sum here is simulated or approximated by a normal distribution.
"""

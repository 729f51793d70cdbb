"""Is a wave worse than things that were not updated?

``arms`` draws the things to compare, ``fisher`` has the arithmetic and the smallest
detectable difference, ``compare`` returns the verdict. All of it is pure, and exact: no
sum here is simulated or approximated by a normal distribution.
"""

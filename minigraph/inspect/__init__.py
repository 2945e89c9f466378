"""Inspection of programs and plans: profile, bisection, numeric checks, lints, traces.

It is below `run/`, because sessions offer these as options and methods.
"""

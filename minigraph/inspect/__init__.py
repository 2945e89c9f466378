"""Looking at programs and plans: profile, bisection, numeric checks, lints, traces.

Stands below `run/`, because sessions offer these as options and methods.
"""

"""Tools that look at programs and plans: profile, bisection, numeric checks, lints, traces.

They stand below `run/`, because sessions offer them as options and methods. Nothing here makes a session.
"""

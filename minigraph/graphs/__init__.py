"""Work on whole user graphs: import, freezing, graph files, walks, scopes as functions.

May import `ops` and below; knows no compiler and no session.
"""

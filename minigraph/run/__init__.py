"""Sessions: requests, stages, plans kept between runs, variables and their buffers.

May import everything from `inspect` down; knows no interface module and no backend by name.
"""

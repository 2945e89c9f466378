"""Pictures of graphs, for `minigraph viz` and notebooks.

`picture` is the model (plain data), `cost` the work of each operation, `fold` the folding of name scopes, `stages` the
programs before and after each pass; `dot`, `render` and `page` turn a picture into files.

Draws what others computed: it imports `inspect` and below, and runs a program only to time it.
"""

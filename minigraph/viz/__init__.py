"""Pictures of graphs, for `minigraph viz` and notebooks.

`picture` is the model (plain data), `layers` finds the layers of a network, `fold` folds scopes and layers, `stages`
has the programs before and after each pass; `dot`, `render` and `page` turn a picture into files. `web/` holds the
page's scripts and styles, `elk/` its layout engine.

Draws what others computed: it imports `inspect` and below, and runs a program only to time it.
"""

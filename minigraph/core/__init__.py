"""What everything is built of: dtypes, types, scalar expressions, op records, the user's graph, scopes, errors.

Knows no op, no file format and no backend. Imports `util` only.
"""

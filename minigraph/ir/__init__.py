"""The compiler's program: immutable instructions, the builder, printer, verifier, and the compiler's own nodes.

Regions (Loop, Epilogue, Join, Blocked), Hoist, Packed and MultiTensorApply live here. Knows no pass and no backend.
"""

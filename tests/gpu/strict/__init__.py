"""A stand-in for CuPy, cuBLAS and cuDNN that keeps CUDA's rules and computes on the CPU.

The backend's own device classes run on it unchanged. Work is deferred until something waits for it, memory has any
content when it is allocated, every pointer must lie in live memory when work is enqueued and whenever a graph with it
is launched, captures refuse what CUDA refuses, the current device belongs to a thread, and other threads get their turn
at each call.
"""
